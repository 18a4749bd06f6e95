//! Which prefix stands for which namespace, from the outermost element to the one at hand.

use super::{Declaration, Fault, LONGEST_NAMESPACE, MOST_NAMESPACES, Name};
use crate::saml::names::ns;

/// The namespace of the declarations themselves, which nothing may be bound to.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations that hold, the nearest last. Never more than [`MOST_NAMESPACES`], so that looking one up is bounded.
#[derive(Default)]
pub struct Scope<'a>(Vec<Declaration<'a>>);

impl<'a> Scope<'a> {
    /// What to give back to [`Self::leave`] when the element ends.
    pub fn mark(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was declared since.
    pub fn leave(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    /// Takes the declarations of an element in.
    pub fn enter(&mut self, declarations: &[Declaration<'a>]) -> Result<(), Fault> {
        if self.0.len() + declarations.len() > MOST_NAMESPACES {
            return Err(Fault::TooManyNamespaces);
        }
        self.0.extend_from_slice(declarations);
        Ok(())
    }

    /// The name of an element: without a prefix it stands in the default namespace.
    pub fn element(&self, raw: &'a str) -> Result<Name<'a>, Fault> {
        let (prefix, local) = split(raw)?;
        Ok(Name { namespace: self.find(prefix)?, prefix, local })
    }

    /// The name of an attribute: without a prefix it stands in none.
    pub fn attribute(&self, raw: &'a str) -> Result<Name<'a>, Fault> {
        let (prefix, local) = split(raw)?;
        let namespace = if prefix.is_empty() { "" } else { self.find(prefix)? };
        Ok(Name { namespace, prefix, local })
    }

    fn find(&self, prefix: &str) -> Result<&'a str, Fault> {
        if prefix == "xml" {
            return Ok(ns::XML);
        }
        match self.0.iter().rev().find(|it| it.prefix == prefix) {
            Some(found) => Ok(found.namespace),
            None if prefix.is_empty() => Ok(""),
            None => Err(Fault::UndeclaredPrefix),
        }
    }
}

/// Prefix and local part.
fn split(raw: &str) -> Result<(&str, &str), Fault> {
    match raw.split_once(':') {
        Some((prefix, local)) if is_plain(prefix) && is_plain(local) => Ok((prefix, local)),
        None if is_plain(raw) => Ok(("", raw)),
        _ => Err(Fault::Name),
    }
}

/// A name without a colon. SAML has only ASCII in its names.
fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && !name.contains(':')
}

/// What an attribute declares, where it does.
pub fn declaration<'a>(name: &'a str, value: &'a str) -> Result<Option<Declaration<'a>>, Fault> {
    let prefix = match name.split_once(':') {
        None if name == "xmlns" => "",
        Some(("xmlns", prefix)) => prefix,
        _ => return Ok(None),
    };
    let ends_default = value.is_empty() && name == "xmlns";
    let named = name == "xmlns" || (is_plain(prefix) && prefix != "xml" && prefix != "xmlns");
    if !named || !(ends_default || is_namespace(value)) {
        return Err(Fault::Namespace);
    }
    Ok(Some(Declaration { prefix, namespace: value }))
}

/// An absolute URI as it is written; one with references in it has no use but to hide what it is.
fn is_namespace(value: &str) -> bool {
    value.len() <= LONGEST_NAMESPACE && value != ns::XML && value != XMLNS && is_absolute_uri(value)
}

/// Not every URI there can be: user names, addresses in brackets and the like have no place in the name of a namespace.
fn is_absolute_uri(text: &str) -> bool {
    let Some((scheme, behind)) = text.split_once(':') else { return false };
    let letters = |text: &str, others: &[u8]| text.bytes().all(|it| it.is_ascii_alphanumeric() || others.contains(&it));
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && letters(scheme, b"+-.");
    let (rest, fragment) = behind.split_once('#').unwrap_or((behind, ""));
    let place = rest.strip_prefix("//").unwrap_or_default();
    let authority = place.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let placed = letters(host, b"-._~") && port.bytes().all(|it| it.is_ascii_digit());
    let escaped = text.split('%').skip(1).all(|it| it.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    named && placed && escaped && [rest, fragment].iter().all(|part| letters(part, b"-._~:/?@!$()*+,;=%"))
}
