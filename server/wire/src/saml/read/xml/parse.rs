//! From bytes to a tree, in one pass and with a stack of open elements.

use std::borrow::Cow;

use super::scope::{self, Scope};
use super::text::{self, Place, is_space};
use super::{
    Attribute, DEEPEST, Declaration, Document, Element, Fault, LARGEST, LONGEST_NAME, MOST_ATTRIBUTES, MOST_ELEMENTS,
    Malformed, Name, Node,
};

/// What becomes of comments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    Refused,
    LeftOut,
}

pub fn document(bytes: &[u8], comments: Comments) -> Result<Document<'_>, Malformed> {
    if bytes.len() > LARGEST {
        return Err(Malformed { line: 1, fault: Fault::TooLarge });
    }
    let source = std::str::from_utf8(bytes).map_err(|broken| at(bytes, broken.valid_up_to(), Fault::Encoding))?;
    if let Some((place, _)) = source.char_indices().find(|(_, char)| !text::is_allowed(*char)) {
        return Err(at(bytes, place, Fault::Character));
    }
    // The mark that some editors put before UTF-8.
    let rest = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut parser =
        Parser { source, rest, comments, open: Vec::new(), scope: Scope::default(), elements: 0, root: None };
    match parser.run() {
        Ok(root) => Ok(Document { source, root }),
        Err(fault) => Err(at(bytes, parser.position(), fault)),
    }
}

fn at(bytes: &[u8], place: usize, fault: Fault) -> Malformed {
    Malformed { line: 1 + bytes.iter().take(place).filter(|byte| **byte == b'\n').count(), fault }
}

struct Parser<'a> {
    source: &'a str,
    /// What has not been read.
    rest: &'a str,
    comments: Comments,
    open: Vec<Open<'a>>,
    scope: Scope<'a>,
    elements: usize,
    root: Option<Element<'a>>,
}

/// Name and value of an attribute, as they are written.
type Raw<'a> = (&'a str, &'a str);

/// An element whose end has not come.
struct Open<'a> {
    /// Its name as it is written, as its end tag must have it.
    raw: &'a str,
    element: Element<'a>,
    /// The declarations that held before it.
    mark: usize,
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<Element<'a>, Fault> {
        self.declaration()?;
        while !self.rest.is_empty() {
            if self.rest.starts_with('<') {
                self.markup()?;
            } else {
                let raw = self.until('<');
                self.content(raw)?;
            }
        }
        if !self.open.is_empty() {
            return Err(Fault::Unclosed);
        }
        self.root.take().ok_or(Fault::Empty)
    }

    fn position(&self) -> usize {
        self.source.len() - self.rest.len()
    }

    /// Takes all before a character, or all there is.
    fn until(&mut self, end: char) -> &'a str {
        let (taken, rest) =
            self.rest.find(end).and_then(|place| self.rest.split_at_checked(place)).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Takes what is expected, where it is there.
    fn eat(&mut self, expected: &str) -> bool {
        let behind = self.rest.strip_prefix(expected);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    /// Takes white space, and says whether there was any.
    fn space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        self.rest.len() < before
    }

    fn markup(&mut self) -> Result<(), Fault> {
        if self.eat("</") {
            self.end_tag()
        } else if self.rest.starts_with("<!--") {
            self.comment()
        } else if self.rest.starts_with("<![CDATA[") {
            Err(Fault::CData)
        } else if self.rest.starts_with("<!") {
            Err(Fault::DocumentType)
        } else if self.rest.starts_with("<?") {
            Err(Fault::Instruction)
        } else {
            self.start_tag()
        }
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, or nothing.
    fn declaration(&mut self) -> Result<(), Fault> {
        let Some(behind) = self.rest.strip_prefix("<?xml").filter(|behind| behind.starts_with([' ', '\t', '\r', '\n']))
        else {
            return Ok(());
        };
        self.rest = behind;
        let mut said = Vec::new();
        while self.space() && !self.rest.starts_with('?') {
            said.push(self.attribute().map_err(|_| Fault::Declaration)?);
            if said.len() > 3 {
                return Err(Fault::Declaration);
            }
        }
        if !self.eat("?>") {
            return Err(Fault::Declaration);
        }
        let (version, more) = said.split_first().ok_or(Fault::Declaration)?;
        let (encoding, more) = match more.split_first() {
            Some((("encoding", value), more)) => (Some(*value), more),
            _ => (None, more),
        };
        let fits = *version == ("version", "1.0")
            && encoding.is_none_or(|name| name.eq_ignore_ascii_case("utf-8"))
            && matches!(more, [] | [("standalone", "yes" | "no")]);
        if fits { Ok(()) } else { Err(Fault::Declaration) }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        if self.comments == Comments::Refused {
            return Err(Fault::Comment);
        }
        let inside = self.rest.strip_prefix("<!--").unwrap_or_default();
        // Two hyphens may stand in a comment only at its end.
        let end = inside.find("--").ok_or(Fault::Unclosed)?;
        let behind = inside.split_at_checked(end).and_then(|(_, end)| end.strip_prefix("-->"));
        self.rest = behind.ok_or(Fault::Comment)?;
        Ok(())
    }

    fn content(&mut self, raw: &'a str) -> Result<(), Fault> {
        let Some(open) = self.open.last_mut() else {
            return if raw.bytes().all(is_space) { Ok(()) } else { Err(Fault::Outside) };
        };
        if raw.contains("]]>") {
            return Err(Fault::SectionEnd);
        }
        let meant = text::meant(raw, Place::Content)?;
        if let Some(Node::Text(before)) = open.element.children.last_mut() {
            // Only where a comment was left out.
            before.to_mut().push_str(&meant);
        } else {
            open.element.children.push(Node::Text(meant));
        }
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), Fault> {
        let raw = self.name()?;
        self.space();
        if !self.eat(">") {
            return Err(Fault::Tag);
        }
        let closed = self.open.pop().filter(|open| open.raw == raw).ok_or(Fault::EndTag)?;
        self.scope.leave(closed.mark);
        self.close(closed.element);
        Ok(())
    }

    /// Puts an element that is complete where it belongs.
    fn close(&mut self, mut element: Element<'a>) {
        element.range.end = self.position();
        match self.open.last_mut() {
            Some(parent) => parent.element.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn start_tag(&mut self) -> Result<(), Fault> {
        let start = self.position();
        if self.open.is_empty() && self.root.is_some() {
            return Err(Fault::Outside);
        }
        if self.open.len() == DEEPEST {
            return Err(Fault::TooDeep);
        }
        self.elements += 1;
        if self.elements > MOST_ELEMENTS {
            return Err(Fault::TooManyElements);
        }
        self.eat("<");
        let raw = self.name()?;
        let (declarations, plain) = self.attributes()?;
        let mark = self.scope.mark();
        self.scope.enter(&declarations)?;
        let name = self.scope.element(raw)?;
        let attributes = self.expanded(plain)?;
        let element = Element { name, attributes, declarations, children: Vec::new(), range: start..start };
        if self.eat("/>") {
            self.scope.leave(mark);
            self.close(element);
        } else if self.eat(">") {
            self.open.push(Open { raw, element, mark });
        } else {
            return Err(Fault::Tag);
        }
        Ok(())
    }

    /// What stands in a start tag behind its name: declarations of namespaces, and the rest with the names as they are written.
    fn attributes(&mut self) -> Result<(Vec<Declaration<'a>>, Vec<Raw<'a>>), Fault> {
        let mut declarations: Vec<Declaration<'a>> = Vec::new();
        let mut plain = Vec::new();
        while self.space() && !self.rest.starts_with(['/', '>']) {
            if declarations.len() + plain.len() == MOST_ATTRIBUTES {
                return Err(Fault::TooManyAttributes);
            }
            let (name, value) = self.attribute()?;
            match scope::declaration(name, value)? {
                None => plain.push((name, value)),
                Some(new) if declarations.iter().any(|it| it.prefix == new.prefix) => {
                    return Err(Fault::DuplicatePrefix);
                }
                Some(new) => declarations.push(new),
            }
        }
        Ok((declarations, plain))
    }

    fn attribute(&mut self) -> Result<Raw<'a>, Fault> {
        let name = self.name()?;
        self.space();
        if !self.eat("=") {
            return Err(Fault::Tag);
        }
        self.space();
        let quote = if self.eat("\"") {
            '"'
        } else if self.eat("'") {
            '\''
        } else {
            return Err(Fault::AttributeValue);
        };
        let value = self.until(quote);
        if value.contains('<') || self.rest.is_empty() {
            return Err(Fault::AttributeValue);
        }
        self.rest = self.rest.strip_prefix(quote).unwrap_or_default();
        Ok((name, value))
    }

    fn expanded(&self, plain: Vec<Raw<'a>>) -> Result<Vec<Attribute<'a>>, Fault> {
        let mut attributes: Vec<Attribute<'a>> = Vec::with_capacity(plain.len());
        for (raw, value) in plain {
            let name: Name<'a> = self.scope.attribute(raw)?;
            let value: Cow<'a, str> = text::meant(value, Place::Attribute)?;
            if attributes.iter().any(|it| it.name.local == name.local && it.name.namespace == name.namespace) {
                return Err(Fault::DuplicateAttribute);
            }
            attributes.push(Attribute { name, value });
        }
        Ok(attributes)
    }

    /// A name with its prefix, as it is written.
    fn name(&mut self) -> Result<&'a str, Fault> {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
        let end = self.rest.bytes().take(LONGEST_NAME + 1).position(|byte| !part(byte));
        let end = end.unwrap_or(self.rest.len());
        if end > LONGEST_NAME {
            return Err(Fault::LongName);
        }
        let (name, rest) = self.rest.split_at_checked(end).ok_or(Fault::Name)?;
        if name.is_empty() {
            return Err(Fault::Name);
        }
        self.rest = rest;
        Ok(name)
    }
}
