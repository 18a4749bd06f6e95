//! XML as SAML needs it, read strictly: UTF-8, elements, attributes, namespaces and text.
//!
//! What has no use in a message and many uses in an attack is refused: document types and with them entities, processing
//! instructions, comments, CDATA. Sizes are bounded before anything is built. Each byte is looked at a fixed number of times,
//! and the tree is no deeper than [`DEEPEST`], so that walking or dropping it by recursion is harmless.

mod error;
mod parse;
mod scope;
mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use error::{Fault, Malformed};

/// The most bytes of a document.
pub const LARGEST: usize = 256 * 1024;
/// The most elements inside each other.
pub const DEEPEST: usize = 64;
/// The most attributes of an element, declarations of namespaces among them.
pub const MOST_ATTRIBUTES: usize = 64;
/// The most elements of a document. With 256 KiB, more would have to be all but empty.
pub const MOST_ELEMENTS: usize = 8_192;
/// The most namespaces declared at one place.
pub const MOST_NAMESPACES: usize = 64;
/// The most bytes of a name with its prefix.
pub const LONGEST_NAME: usize = 128;
/// The most bytes of the name of a namespace.
pub const LONGEST_NAMESPACE: usize = 512;

/// A document that has been read.
#[derive(Debug)]
pub struct Document<'a> {
    source: &'a str,
    root: Element<'a>,
}

impl<'a> Document<'a> {
    /// Reads a message.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        parse::document(bytes, parse::Comments::Refused)
    }

    /// Reads a file that a person brings, as metadata is: comments are left out. Text on both sides of one belongs together, so
    /// that a comment never shortens a value.
    pub fn read_file(bytes: &'a [u8]) -> Result<Self, Malformed> {
        parse::document(bytes, parse::Comments::LeftOut)
    }

    /// The outermost element.
    pub fn root(&self) -> &Element<'a> {
        &self.root
    }

    /// An element as it stands in the source.
    pub fn source_of(&self, element: &Element<'_>) -> &'a str {
        self.source.get(element.range.clone()).unwrap_or_default()
    }
}

/// An element, its name expanded.
#[derive(Debug)]
pub struct Element<'a> {
    name: Name<'a>,
    attributes: Vec<Attribute<'a>>,
    declarations: Vec<Declaration<'a>>,
    children: Vec<Node<'a>>,
    range: Range<usize>,
}

/// What an element holds.
#[derive(Debug)]
pub enum Node<'a> {
    /// Another element.
    Element(Element<'a>),
    /// Text, references resolved. Two texts never follow each other.
    Text(Cow<'a, str>),
}

/// A name with what its prefix stands for.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// Empty where there is none.
    pub namespace: &'a str,
    /// Empty where there is none.
    pub prefix: &'a str,
    /// What follows the colon.
    pub local: &'a str,
}

/// An attribute that declares no namespace.
#[derive(Debug)]
pub struct Attribute<'a> {
    /// Its name; without a prefix it stands in no namespace.
    pub name: Name<'a>,
    /// Its value, references resolved.
    pub value: Cow<'a, str>,
}

/// What `xmlns` says.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    /// Empty for the default namespace.
    pub prefix: &'a str,
    /// Empty where the default namespace ends.
    pub namespace: &'a str,
}

impl<'a> Element<'a> {
    /// Its name.
    pub fn name(&self) -> Name<'a> {
        self.name
    }

    /// Whether it has this expanded name.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.name.local == local && self.name.namespace == namespace
    }

    /// The value of an attribute that stands in no namespace, as all of SAML's do.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attribute_in("", local)
    }

    /// The value of an attribute by its expanded name.
    pub fn attribute_in(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|it| it.name.local == local && it.name.namespace == namespace);
        found.map(|it| it.value.as_ref())
    }

    /// All attributes, in their order.
    pub fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    /// The namespaces that are declared here.
    pub fn declarations(&self) -> &[Declaration<'a>] {
        &self.declarations
    }

    /// All it holds, in order.
    pub fn nodes(&self) -> &[Node<'a>] {
        &self.children
    }

    /// The elements it holds, in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element<'a>> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Itself and all elements below it, in the order of the document.
    pub fn descendants(&self) -> impl Iterator<Item = &Element<'a>> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let next = waiting.pop()?;
            let behind = waiting.len();
            waiting.extend(next.elements());
            waiting.get_mut(behind..).unwrap_or_default().reverse();
            Some(next)
        })
    }

    /// Its text, all of it. Nothing where it holds an element.
    pub fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it holds text that is more than white space beside or instead of elements.
    pub fn has_loose_text(&self) -> bool {
        self.children.iter().any(|node| matches!(node, Node::Text(text) if !text.bytes().all(text::is_space)))
    }

    /// The bytes of the source from its first to its last angle bracket.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }
}
