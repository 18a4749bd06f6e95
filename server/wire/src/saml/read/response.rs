//! `Response`: an upstream identity provider says who has signed in.
//!
//! One signed assertion, about one person, for us, for this address, in answer to what was asked, now. Each of these is
//! checked where it stands, and what is missing counts as wrong. That an assertion is used once is for the database to prove;
//! [`SignOn`] says for how long its ID has to be remembered.

mod assertion;
mod error;
mod subject;

use jiff::{SignedDuration, Timestamp};

pub use assertion::Attribute;
pub use error::ResponseError;

use super::certificate::Pinned;
use super::name_id::NameId;
use super::shape::{self, Children};
use super::signature::{self, SignatureError};
use super::status::Status;
use super::xml::{Document, Element};
use super::{header, shown};
use crate::saml::names::{StatusCode, ns};

/// What a response must fit.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The identity provider.
    pub issuer: &'e str,
    /// Its pinned certificates; without one nothing is accepted.
    pub pinned: &'e [Pinned],
    /// Our name among entities.
    pub audience: &'e str,
    /// The address that the response was posted to.
    pub recipient: &'e str,
    /// What it answers.
    pub asked: Asked<'e>,
    /// The instant of the check.
    pub now: Timestamp,
    /// How far clocks may differ.
    pub skew: SignedDuration,
}

/// What a response answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'e> {
    /// The request with this ID, made by the browser at hand.
    For(&'e str),
    /// Nothing; it came by itself, which has been allowed, and it must not claim to answer anything.
    Nothing,
}

/// Who has signed in, as the identity provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOn {
    /// The ID of the assertion, to be remembered so that it works once.
    pub assertion_id: String,
    /// Until when it has to be remembered, skew included.
    pub remember_until: Timestamp,
    /// The name of the person.
    pub name_id: NameId,
    /// When the person was authenticated.
    pub authenticated: Timestamp,
    /// How, as a URI.
    pub context_class: Option<String>,
    /// The session there, to be named when it ends.
    pub session_index: Option<String>,
    /// When the session here must end.
    pub session_not_on_or_after: Option<Timestamp>,
    /// What is said about the person.
    pub attributes: Vec<Attribute>,
}

/// Verifies a response and says who has signed in.
pub fn verify(bytes: &[u8], expected: &Expected<'_>) -> Result<SignOn, ResponseError> {
    let document = Document::read(bytes)?;
    let root = document.root();
    let assertion = envelope(root, expected)?;
    check_signatures(&document, assertion, expected)?;
    assertion::read(assertion, expected)
}

/// Checks the response around the assertion, and gives that.
fn envelope<'e, 'a>(root: &'e Element<'a>, expected: &Expected<'_>) -> Result<&'e Element<'a>, ResponseError> {
    shape::root(root, ns::PROTOCOL, "Response")?;
    check_version(root)?;
    shape::id(root, "ID")?;
    let mut children = Children::of(root)?;
    let issuer = children.optional(ns::ASSERTION, "Issuer");
    children.optional(ns::SIGNATURE, "Signature");
    children.optional(ns::PROTOCOL, "Extensions");
    let status = Status::read(children.required(ns::PROTOCOL, "Status")?)?;
    if status.code != StatusCode::Success {
        return Err(ResponseError::Status(status));
    }
    if let Some(issuer) = issuer {
        check_issuer(issuer, expected)?;
    }
    if let Some(found) = root.attribute("Destination")
        && found != expected.recipient
    {
        return Err(ResponseError::Destination(shown(found)));
    }
    check_in_response_to(root, expected)?;
    if children.optional(ns::ASSERTION, "EncryptedAssertion").is_some() {
        return Err(ResponseError::Encrypted);
    }
    let assertion = children.optional(ns::ASSERTION, "Assertion").ok_or(ResponseError::NoAssertion)?;
    children.end()?;
    Ok(assertion)
}

/// The response, the assertion, or both are signed; every signature that is there must be good.
fn check_signatures(
    document: &Document<'_>,
    assertion: &Element<'_>,
    expected: &Expected<'_>,
) -> Result<(), ResponseError> {
    let mut signed = false;
    for part in [document.root(), assertion] {
        match signature::verify_response_part(document, part, expected.pinned) {
            Ok(_) => signed = true,
            Err(SignatureError::Unsigned) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if !signed {
        return Err(SignatureError::Unsigned.into());
    }
    let whole = document.root().elements().any(|it| it.is(ns::SIGNATURE, "Signature"));
    if whole && document.root().attribute("Destination").is_none() {
        return Err(ResponseError::NoDestination);
    }
    Ok(())
}

fn check_version(element: &Element<'_>) -> Result<(), ResponseError> {
    match shape::required(element, "Version")? {
        "2.0" => Ok(()),
        other => Err(ResponseError::Version(shown(other))),
    }
}

fn check_issuer(element: &Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    let found = header::issuer(element)?;
    if found == expected.issuer {
        return Ok(());
    }
    Err(ResponseError::Issuer { expected: expected.issuer.to_owned(), found: shown(&found) })
}

/// `InResponseTo` of the response or of a confirmation.
fn check_in_response_to(element: &Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    match (element.attribute("InResponseTo"), expected.asked) {
        (Some(found), Asked::For(id)) if found == id => Ok(()),
        (None, Asked::Nothing) => Ok(()),
        (Some(found), _) => Err(ResponseError::InResponseTo(shown(found))),
        (None, Asked::For(_)) => Err(ResponseError::NoInResponseTo(shape::name(element))),
    }
}

#[cfg(test)]
mod tests;
