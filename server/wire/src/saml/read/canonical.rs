//! Exclusive XML canonicalisation (<http://www.w3.org/2001/10/xml-exc-c14n#>, without comments) of our own tree.
//!
//! The reader lets in no document type, no comment and no processing instruction, and resolves references itself, so little of
//! the standard is left: namespaces where they are used, attributes in order, characters escaped in one way.

use std::collections::BTreeMap;

use super::xml::{Declaration, Document, Element, Name, Node};

/// Takes the canonical bytes as they come. They can be many more than those of the document, so nothing here gathers them.
pub(super) type Sink<'s> = &'s mut dyn FnMut(&[u8]);

/// Writes an element in canonical form, without one of its children, as the transform for enveloped signatures wants.
/// `prefixes` are those whose namespaces are written wherever they hold, used or not; `#default` stands for none.
pub(super) fn write(
    document: &Document<'_>,
    element: &Element<'_>,
    without: Option<&Element<'_>>,
    prefixes: &[&str],
    sink: Sink<'_>,
) {
    let mut writer = Writer { without, prefixes, rendered: Vec::new(), holding: Vec::new(), sink };
    if !prefixes.is_empty() {
        writer.holding = holding_before(document, element);
    }
    writer.element(element);
}

/// The declarations of all that an element stands in, outermost first.
fn holding_before<'a>(document: &'a Document<'a>, element: &Element<'_>) -> Vec<Declaration<'a>> {
    let (target, mut holding) = (element.range(), Vec::new());
    let mut at = document.root();
    while at.range() != target {
        holding.extend_from_slice(at.declarations());
        let inside = at.elements().find(|it| it.range().start <= target.start && target.end <= it.range().end);
        match inside {
            Some(next) => at = next,
            None => break,
        }
    }
    holding
}

struct Writer<'w, 'a> {
    without: Option<&'w Element<'w>>,
    prefixes: &'w [&'w str],
    /// What has been written and holds here.
    rendered: Vec<(&'a str, &'a str)>,
    /// What was declared and holds here; kept only where there are prefixes to look up in it.
    holding: Vec<Declaration<'a>>,
    sink: Sink<'w>,
}

impl<'a> Writer<'_, 'a> {
    /// Recursion is as deep as the reader lets documents be.
    fn element(&mut self, element: &'a Element<'a>) {
        let (rendered, holding) = (self.rendered.len(), self.holding.len());
        if !self.prefixes.is_empty() {
            self.holding.extend_from_slice(element.declarations());
        }
        self.put("<");
        self.name(element.name());
        for (prefix, namespace) in self.namespaces(element) {
            self.put(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.put(prefix);
            self.put("=\"");
            self.escaped(namespace, true);
            self.put("\"");
            self.rendered.push((prefix, namespace));
        }
        let mut attributes: Vec<_> = element.attributes().iter().collect();
        attributes.sort_by_key(|it| (it.name.namespace, it.name.local));
        for attribute in attributes {
            self.put(" ");
            self.name(attribute.name);
            self.put("=\"");
            self.escaped(&attribute.value, true);
            self.put("\"");
        }
        self.put(">");
        for node in element.nodes() {
            match node {
                Node::Element(child) if self.without.is_some_and(|it| it.range() == child.range()) => {}
                Node::Element(child) => self.element(child),
                Node::Text(text) => self.escaped(text, false),
            }
        }
        self.put("</");
        self.name(element.name());
        self.put(">");
        self.rendered.truncate(rendered);
        self.holding.truncate(holding);
    }

    /// The namespaces that this element must declare, by prefix.
    fn namespaces(&self, element: &'a Element<'a>) -> BTreeMap<&'a str, &'a str> {
        let own = element.name();
        let attributes = element.attributes().iter().map(|it| it.name).filter(|name| !name.prefix.is_empty());
        let used = std::iter::once(own).chain(attributes).filter(|name| name.prefix != "xml");
        let mut needed: BTreeMap<&str, &str> = used.map(|name| (name.prefix, name.namespace)).collect();
        for prefix in self.prefixes {
            let prefix = if *prefix == "#default" { "" } else { prefix };
            if let Some(found) = self.holding.iter().rev().find(|it| it.prefix == prefix) {
                needed.entry(found.prefix).or_insert(found.namespace);
            }
        }
        needed.retain(|prefix, namespace| {
            let before = self.rendered.iter().rev().find(|(known, _)| known == prefix).map(|(_, known)| *known);
            before.unwrap_or_default() != *namespace
        });
        needed
    }

    fn name(&mut self, name: Name<'_>) {
        if !name.prefix.is_empty() {
            self.put(name.prefix);
            self.put(":");
        }
        self.put(name.local);
    }

    fn put(&mut self, text: &str) {
        (self.sink)(text.as_bytes());
    }

    fn escaped(&mut self, text: &str, in_attribute: bool) {
        let mut plain = text;
        let escape = |char: char| match char {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '\r' => Some("&#xD;"),
            '>' if !in_attribute => Some("&gt;"),
            '"' if in_attribute => Some("&quot;"),
            '\t' if in_attribute => Some("&#x9;"),
            '\n' if in_attribute => Some("&#xA;"),
            _ => None,
        };
        while let Some((place, char, escaped)) = plain.char_indices().find_map(|(at, it)| Some((at, it, escape(it)?))) {
            self.put(plain.get(..place).unwrap_or_default());
            self.put(escaped);
            plain = plain.get(place + char.len_utf8()..).unwrap_or_default();
        }
        self.put(plain);
    }
}

#[cfg(test)]
mod tests;
