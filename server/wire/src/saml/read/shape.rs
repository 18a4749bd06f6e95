//! Reading elements by the exact shapes of the schema: each child where it may stand and as often as it may, no text between.

use jiff::Timestamp;

use super::shown;
use super::xml::{Element, Node};

/// The most characters of the name of an entity (SAML core, 8.3.6), and of what else is a URI here.
pub(super) const LONGEST_URI: usize = 1_024;
/// The most characters of any other value.
pub(super) const LONGEST_VALUE: usize = 1_024;

/// How an element differs from what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    #[error("<{found}> came where <{expected}> is expected")]
    Root { expected: &'static str, found: String },
    #[error("<{parent}> lacks <{child}>")]
    Missing { parent: String, child: &'static str },
    #[error("<{parent}> holds <{child}> where it may not stand, or too often")]
    Unexpected { parent: String, child: String },
    #[error("<{parent}> holds more than {most} <{child}>")]
    TooMany { parent: String, child: &'static str, most: usize },
    #[error("<{0}> holds text between its elements")]
    LooseText(String),
    #[error("<{0}> holds elements where only text may be")]
    NotText(String),
    #[error("<{0}> is empty")]
    Empty(String),
    #[error("<{element}> is longer than {most} characters")]
    Long { element: String, most: usize },
    #[error("<{element}> lacks {attribute}")]
    NoAttribute { element: String, attribute: &'static str },
    #[error("{attribute} of <{element}> is {found}, which is no {kind}")]
    Attribute { element: String, attribute: &'static str, kind: &'static str, found: String },
}

/// The children of an element, taken in order.
pub(super) struct Children<'e, 'a> {
    parent: &'e Element<'a>,
    rest: std::slice::Iter<'e, Node<'a>>,
}

impl<'e, 'a> Children<'e, 'a> {
    pub(super) fn of(parent: &'e Element<'a>) -> Result<Self, ShapeError> {
        if parent.has_loose_text() {
            return Err(ShapeError::LooseText(name(parent)));
        }
        Ok(Self { parent, rest: parent.nodes().iter() })
    }

    /// Takes the next child, where it is the one named.
    pub(super) fn optional(&mut self, namespace: &str, local: &str) -> Option<&'e Element<'a>> {
        let mut ahead = self.rest.clone();
        let next = element_of(&mut ahead).filter(|next| next.is(namespace, local))?;
        self.rest = ahead;
        Some(next)
    }

    /// Takes the next child, which must be the one named.
    pub(super) fn required(&mut self, namespace: &str, local: &'static str) -> Result<&'e Element<'a>, ShapeError> {
        let missing = || ShapeError::Missing { parent: name(self.parent), child: local };
        let error = missing();
        self.optional(namespace, local).ok_or(error)
    }

    /// Takes all that follow and have the name.
    pub(super) fn many(
        &mut self,
        namespace: &str,
        local: &'static str,
        most: usize,
    ) -> Result<Vec<&'e Element<'a>>, ShapeError> {
        let mut found = Vec::new();
        while let Some(next) = self.optional(namespace, local) {
            if found.len() == most {
                return Err(ShapeError::TooMany { parent: name(self.parent), child: local, most });
            }
            found.push(next);
        }
        Ok(found)
    }

    /// Nothing may be left.
    pub(super) fn end(mut self) -> Result<(), ShapeError> {
        match element_of(&mut self.rest) {
            None => Ok(()),
            Some(left) => Err(ShapeError::Unexpected { parent: name(self.parent), child: name(left) }),
        }
    }
}

fn element_of<'e, 'a>(nodes: &mut std::slice::Iter<'e, Node<'a>>) -> Option<&'e Element<'a>> {
    nodes.find_map(|node| match node {
        Node::Element(element) => Some(element),
        Node::Text(_) => None,
    })
}

/// How an element is called in sentences.
pub(super) fn name(element: &Element<'_>) -> String {
    shown(element.name().local)
}

/// The outermost element must be the one named.
pub(super) fn root(element: &Element<'_>, namespace: &str, expected: &'static str) -> Result<(), ShapeError> {
    if element.is(namespace, expected) {
        return Ok(());
    }
    Err(ShapeError::Root { expected, found: name(element) })
}

/// Text as it stands, which must not be empty.
pub(super) fn text<'e>(element: &'e Element<'_>, most: usize) -> Result<&'e str, ShapeError> {
    let text = element.text().ok_or_else(|| ShapeError::NotText(name(element)))?;
    if text.is_empty() {
        return Err(ShapeError::Empty(name(element)));
    }
    if text.chars().nth(most).is_some() {
        return Err(ShapeError::Long { element: name(element), most });
    }
    Ok(text)
}

/// A URI, without the white space that some programs print around it.
pub(super) fn uri(element: &Element<'_>) -> Result<String, ShapeError> {
    let trimmed = text(element, LONGEST_URI)?.trim_matches([' ', '\t', '\r', '\n']);
    if trimmed.is_empty() {
        return Err(ShapeError::Empty(name(element)));
    }
    Ok(trimmed.to_owned())
}

/// An attribute that must be there.
pub(super) fn required<'e>(element: &'e Element<'_>, attribute: &'static str) -> Result<&'e str, ShapeError> {
    element.attribute(attribute).ok_or_else(|| ShapeError::NoAttribute { element: name(element), attribute })
}

/// An attribute of at most [`LONGEST_VALUE`] characters.
pub(super) fn value(element: &Element<'_>, attribute: &'static str) -> Result<Option<String>, ShapeError> {
    typed(element, attribute, "value of reasonable length", |text| {
        text.chars().nth(LONGEST_VALUE).is_none().then(|| text.to_owned())
    })
}

/// `true`, `false`, `1` or `0`.
pub(super) fn flag(element: &Element<'_>, attribute: &'static str) -> Result<Option<bool>, ShapeError> {
    typed(element, attribute, "truth value", |text| match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    })
}

/// A number up to 65535.
pub(super) fn index(element: &Element<'_>, attribute: &'static str) -> Result<Option<u16>, ShapeError> {
    typed(element, attribute, "number up to 65535", |text| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    })
}

/// An instant with its time zone.
pub(super) fn instant(element: &Element<'_>, attribute: &'static str) -> Result<Option<Timestamp>, ShapeError> {
    typed(element, attribute, "instant like 2030-01-31T12:00:00Z", instant_of)
}

/// `xs:dateTime` with a zone. The reader of the library takes more than this form, so that is looked at first.
pub(super) fn instant_of(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let dated = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let timed = time.len() <= 32 && time.bytes().all(|byte| byte.is_ascii_digit() || b":.+-Z".contains(&byte));
    (dated && timed).then(|| text.parse().ok()).flatten()
}

fn typed<T>(
    element: &Element<'_>,
    attribute: &'static str,
    kind: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ShapeError> {
    let Some(text) = element.attribute(attribute) else { return Ok(None) };
    match read(text) {
        Some(value) => Ok(Some(value)),
        None => Err(ShapeError::Attribute { element: name(element), attribute, kind, found: shown(text) }),
    }
}

/// The form of an ID, which goes back to the peer in `InResponseTo`.
pub(super) fn id(element: &Element<'_>, attribute: &'static str) -> Result<Option<String>, ShapeError> {
    typed(element, attribute, "ID (a letter or '_', then letters, digits, '-', '.', '_')", |text| {
        let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        (begins && plain && text.len() <= 256).then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_one_form_only() {
        for good in ["2030-01-31T12:00:00Z", "2030-01-31T12:00:00.1234567Z", "2030-01-31T13:00:00+01:00"] {
            assert!(instant_of(good).is_some(), "{good}");
        }
        assert_eq!(instant_of("2030-01-31T13:00:00+01:00"), instant_of("2030-01-31T12:00:00.000Z"));
        for bad in [
            "",
            "T",
            "2030-01-31",
            "2030-01-31T12:00:00",
            "2030-01-31 12:00:00Z",
            "2030-01-31t12:00:00z",
            "2030-13-31T12:00:00Z",
            "2030-01-31T12:00:00Z[UTC]",
            "+002030-01-31T12:00:00Z",
            "20300131T120000Z",
            " 2030-01-31T12:00:00Z",
        ] {
            assert_eq!(instant_of(bad), None, "{bad}");
        }
    }
}
