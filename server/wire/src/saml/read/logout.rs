//! `LogoutRequest` and `LogoutResponse`: a peer ends sessions, or says what became of our wish to end some.

use jiff::{SignedDuration, Timestamp};

use super::header::{Header, HeaderError};
use super::name_id::NameId;
use super::shape::{self, LONGEST_VALUE, ShapeError};
use super::shown;
use super::status::{Status, StatusError};
use super::xml::{Document, Element};
use crate::saml::names::{LogoutReason, ns};

/// The most sessions in one request.
const MOST_SESSIONS: usize = 64;

/// A peer wants sessions of a person to end. It counts only when it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Who asks, when and whom.
    pub header: Header,
    /// Whose sessions.
    pub name_id: NameId,
    /// Which sessions, by the index of their assertions. Empty means all.
    pub sessions: Vec<String>,
    /// When the wish ends.
    pub not_on_or_after: Option<Timestamp>,
    /// Why, where it is a reason that is known.
    pub reason: Option<LogoutReason>,
}

/// A peer answers our wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutResponse {
    /// Who answers, when and whom.
    pub header: Header,
    /// The ID of what it answers.
    pub in_response_to: Option<String>,
    /// What became of it.
    pub status: Status,
}

/// Why a message about logging out is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutError {
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("the person is named by <{0}>; only <NameID> is understood")]
    Name(&'static str),
    #[error("NotOnOrAfter passed {0} seconds ago")]
    Expired(i64),
    #[error(transparent)]
    Status(#[from] StatusError),
    #[error("InResponseTo is {found}; {expected} was asked")]
    InResponseTo { expected: String, found: String },
}

impl LogoutRequest {
    /// Reads a request.
    pub fn read(document: &Document<'_>) -> Result<Self, LogoutError> {
        let (header, mut children) = Header::read(document, "LogoutRequest")?;
        let root = document.root();
        for other in ["BaseID", "EncryptedID"] {
            if children.optional(ns::ASSERTION, other).is_some() {
                return Err(LogoutError::Name(other));
            }
        }
        let name_id = NameId::read(children.required(ns::ASSERTION, "NameID")?)?;
        let sessions = children.many(ns::PROTOCOL, "SessionIndex", MOST_SESSIONS)?;
        children.end()?;
        let index = |it: &Element<'_>| shape::text(it, LONGEST_VALUE).map(str::to_owned);
        Ok(Self {
            header,
            name_id,
            sessions: sessions.into_iter().map(index).collect::<Result<_, _>>()?,
            not_on_or_after: shape::instant(root, "NotOnOrAfter")?,
            reason: root.attribute("Reason").and_then(LogoutReason::from_uri),
        })
    }

    /// The wish must not have ended.
    pub fn check_expiry(&self, now: Timestamp, skew: SignedDuration) -> Result<(), LogoutError> {
        match self.not_on_or_after.map(|end| now.duration_since(end)) {
            Some(since) if since >= skew => Err(LogoutError::Expired(since.as_secs())),
            _ => Ok(()),
        }
    }
}

impl LogoutResponse {
    /// Reads an answer.
    pub fn read(document: &Document<'_>) -> Result<Self, LogoutError> {
        let (header, mut children) = Header::read(document, "LogoutResponse")?;
        let status = Status::read(children.required(ns::PROTOCOL, "Status")?)?;
        children.end()?;
        Ok(Self { header, status, in_response_to: shape::id(document.root(), "InResponseTo")? })
    }

    /// It must answer what was asked.
    pub fn check_answers(&self, asked: &str) -> Result<(), LogoutError> {
        let found = self.in_response_to.as_deref().unwrap_or("missing");
        if found == asked {
            return Ok(());
        }
        Err(LogoutError::InResponseTo { expected: asked.to_owned(), found: shown(found) })
    }
}

#[cfg(test)]
mod tests;
