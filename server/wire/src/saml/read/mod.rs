//! What comes in: documents, bindings, requests, metadata and signatures, each read strictly and none of it trusted..

pub mod binding;
pub mod certificate;
pub mod location;
pub mod xml;

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
