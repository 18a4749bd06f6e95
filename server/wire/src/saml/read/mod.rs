//! What comes in: documents, bindings, requests, metadata and signatures, each read strictly and none of it trusted.
//!
//! The way of a message is always the same. [`binding`] takes it out of an address or a form, [`xml`] makes one tree of it,
//! [`request`], [`logout`], [`response`] or [`metadata`] read the tree by the exact shapes of the profile, and [`signature`] says whether a
//! pinned key has signed that same tree. There is one parser and one tree: what was digested is what is read.

pub mod binding;
mod canonical;
pub mod certificate;
pub mod header;
pub mod location;
pub mod logout;
pub mod metadata;
pub mod name_id;
pub mod request;
pub mod response;
pub mod shape;
pub mod signature;
pub mod status;
pub mod xml;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

/// The most characters of a peer's text that a message of ours repeats.
const MOST_SHOWN: usize = 80;

/// A piece of what a peer sent, short and harmless enough to be shown and logged.
fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(MOST_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST_SHOWN).is_some() {
        out.push('…');
    }
    out
}
