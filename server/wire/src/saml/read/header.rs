//! What all requests and their answers begin with, and the checks that go with it.

use jiff::{SignedDuration, Timestamp};

use super::shape::{self, Children, ShapeError};
use super::shown;
use super::xml::{Document, Element};
use crate::saml::names::{NameIdFormat, ns};

/// What a message says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its ID, to be named in the answer.
    pub id: String,
    /// The entity that made it, so far by its own word only.
    pub issuer: String,
    /// When it was made.
    pub issued: Timestamp,
    /// The address it was made for.
    pub destination: Option<String>,
}

/// Why a message is refused that could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("Version is {0}; only 2.0 is understood")]
    Version(String),
    #[error("the format of <Issuer> is {0}; it must be the id of an entity")]
    IssuerFormat(String),
    #[error("there is a signature at another place than right behind <Issuer>")]
    StraySignature,
    #[error("<Extensions> holds <{0}>; a message inside a message is never read")]
    Nested(String),
    #[error("<Issuer> is {found}; {expected} is expected")]
    Issuer { expected: String, found: String },
    #[error("Destination is {found}, which is not an address of this server's; it should be {expected}")]
    Destination { expected: String, found: String },
    #[error("Destination is missing; a signed message must say for whom it is")]
    NoDestination,
    #[error("IssueInstant is {0} seconds in the past; the clocks may differ, or the message was kept for too long")]
    TooOld(i64),
    #[error("IssueInstant is {0} seconds in the future; the clocks differ")]
    TooNew(i64),
}

impl Header {
    /// Reads what stands before the content proper, and gives back the children that follow.
    pub(super) fn read<'e, 'a>(
        document: &'e Document<'a>,
        expected: &'static str,
    ) -> Result<(Self, Children<'e, 'a>), HeaderError> {
        let root = document.root();
        shape::root(root, ns::PROTOCOL, expected)?;
        let version = shape::required(root, "Version")?;
        if version != "2.0" {
            return Err(HeaderError::Version(shown(version)));
        }
        let missing = |attribute| ShapeError::NoAttribute { element: expected.to_owned(), attribute };
        let id = shape::id(root, "ID")?.ok_or_else(|| missing("ID"))?;
        let issued = shape::instant(root, "IssueInstant")?.ok_or_else(|| missing("IssueInstant"))?;
        let destination = shape::value(root, "Destination")?;
        let mut children = Children::of(root)?;
        let issuer = issuer(children.required(ns::ASSERTION, "Issuer")?)?;
        let signature = children.optional(ns::SIGNATURE, "Signature");
        if let Some(extensions) = children.optional(ns::PROTOCOL, "Extensions") {
            check_extensions(extensions)?;
        }
        let elsewhere = |it: &&Element<'_>| {
            it.is(ns::SIGNATURE, "Signature") && signature.is_none_or(|known| known.range() != it.range())
        };
        if root.descendants().any(|it| elsewhere(&it)) {
            return Err(HeaderError::StraySignature);
        }
        Ok((Self { id, issuer, issued, destination }, children))
    }

    /// The message must come from the entity that is expected, compared letter by letter.
    pub fn check_issuer(&self, expected: &str) -> Result<(), HeaderError> {
        if self.issuer == expected {
            return Ok(());
        }
        Err(HeaderError::Issuer { expected: expected.to_owned(), found: shown(&self.issuer) })
    }

    /// The message must be for one of our addresses, compared letter by letter, the first being the one to recommend. One that is
    /// not signed need not say; its answer goes only to where it is registered anyway.
    pub fn check_destination(&self, ours: &[&str], signed: bool) -> Result<(), HeaderError> {
        match &self.destination {
            None if signed => Err(HeaderError::NoDestination),
            Some(found) if !ours.contains(&found.as_str()) => Err(HeaderError::Destination {
                expected: ours.first().copied().unwrap_or_default().to_owned(),
                found: shown(found),
            }),
            None | Some(_) => Ok(()),
        }
    }

    /// The message must have been made within `oldest` before now; `skew` is how far clocks may differ either way.
    pub fn check_time(&self, now: Timestamp, oldest: SignedDuration, skew: SignedDuration) -> Result<(), HeaderError> {
        let age = now.duration_since(self.issued);
        if age > oldest.saturating_add(skew) {
            return Err(HeaderError::TooOld(age.as_secs()));
        }
        if age < -skew {
            return Err(HeaderError::TooNew(-age.as_secs()));
        }
        Ok(())
    }
}

/// The id in `<Issuer>`.
pub(super) fn issuer(element: &Element<'_>) -> Result<String, HeaderError> {
    match element.attribute("Format") {
        None => {}
        Some(format) if format == NameIdFormat::Entity.uri() => {}
        Some(other) => return Err(HeaderError::IssuerFormat(shown(other))),
    }
    Ok(shape::uri(element)?)
}

/// Extensions are not understood and not acted on. That some reader might is reason enough to refuse messages in them.
fn check_extensions(extensions: &Element<'_>) -> Result<(), HeaderError> {
    let message = |it: &&Element<'_>| it.name().namespace == ns::PROTOCOL || it.is(ns::ASSERTION, "Assertion");
    match extensions.descendants().skip(1).find(message) {
        Some(found) => Err(HeaderError::Nested(shape::name(found))),
        None => Ok(()),
    }
}
