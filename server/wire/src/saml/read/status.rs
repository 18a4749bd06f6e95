//! What became of a request, as its answer says.

use super::shape::{self, Children, ShapeError};
use super::shown;
use super::xml::Element;
use crate::saml::names::{StatusCode, ns};

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The first word.
    pub code: StatusCode,
    /// The second, where there is one that is known.
    pub detail: Option<StatusCode>,
    /// What the peer says in words, shortened and escaped.
    pub message: Option<String>,
}

/// Why a status cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("the status {0} is not known")]
    Unknown(String),
}

impl Status {
    pub(super) fn read(element: &Element<'_>) -> Result<Self, StatusError> {
        let mut children = Children::of(element)?;
        let code = children.required(ns::PROTOCOL, "StatusCode")?;
        let message = children.optional(ns::PROTOCOL, "StatusMessage");
        // For programs that know the peer.
        children.optional(ns::PROTOCOL, "StatusDetail");
        children.end()?;
        let mut inner = Children::of(code)?;
        let detail = inner.optional(ns::PROTOCOL, "StatusCode");
        inner.end()?;
        let uri = shape::required(code, "Value")?;
        let first = StatusCode::from_uri(uri).filter(|code| code.is_top_level());
        Ok(Self {
            code: first.ok_or_else(|| StatusError::Unknown(shown(uri)))?,
            detail: detail.and_then(|it| it.attribute("Value")).and_then(StatusCode::from_uri),
            message: message.and_then(Element::text).map(shown),
        })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.code)?;
        if let Some(detail) = self.detail {
            write!(f, ", {detail:?}")?;
        }
        match self.message.as_deref() {
            None | Some("") => Ok(()),
            Some(message) => write!(f, " ({message})"),
        }
    }
}
