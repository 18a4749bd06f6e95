//! The name of a person, as messages give it.

use super::shape::{self, LONGEST_VALUE, ShapeError};
use super::xml::Element;

/// A name with all that qualifies it. Two are the same only if all of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    /// The name itself, exactly as it stands.
    pub value: String,
    /// What kind of name it is, as a URI.
    pub format: Option<String>,
    /// The identity provider in whose realm it means something.
    pub name_qualifier: Option<String>,
    /// The service provider that it was made for.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    pub(super) fn read(element: &Element<'_>) -> Result<Self, ShapeError> {
        Ok(Self {
            value: shape::text(element, LONGEST_VALUE)?.to_owned(),
            format: shape::value(element, "Format")?,
            name_qualifier: shape::value(element, "NameQualifier")?,
            sp_name_qualifier: shape::value(element, "SPNameQualifier")?,
        })
    }
}
