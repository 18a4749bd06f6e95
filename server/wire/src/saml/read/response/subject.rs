//! Whom an assertion is about, and that whoever brings it may.

use jiff::Timestamp;

use super::assertion::check_times;
use super::error::ResponseError;
use super::{Expected, check_in_response_to};
use crate::saml::names::{BEARER, ns};
use crate::saml::read::name_id::NameId;
use crate::saml::read::shape::{self, Children, ShapeError};
use crate::saml::read::shown;
use crate::saml::read::xml::Element;

/// The most ways of confirmation.
const MOST_CONFIRMATIONS: usize = 8;

/// The name, and until when the bearer is confirmed.
pub(super) fn read(subject: &Element<'_>, expected: &Expected<'_>) -> Result<(NameId, Timestamp), ResponseError> {
    let mut children = Children::of(subject)?;
    let name = children.optional(ns::ASSERTION, "NameID").ok_or(ResponseError::NoName)?;
    let confirmations = children.many(ns::ASSERTION, "SubjectConfirmation", MOST_CONFIRMATIONS)?;
    children.end()?;
    // One that passes every check is enough; else the first that was tried says why it is not.
    let mut refusal = None;
    for confirmation in confirmations {
        if confirmation.attribute("Method") != Some(BEARER) {
            continue;
        }
        match bearer(confirmation, expected) {
            Ok(end) => return Ok((NameId::read(name)?, end)),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    Err(refusal.unwrap_or(ResponseError::NoBearer))
}

fn bearer(confirmation: &Element<'_>, expected: &Expected<'_>) -> Result<Timestamp, ResponseError> {
    let mut children = Children::of(confirmation)?;
    // The name of who confirms; for a bearer that is nobody.
    children.optional(ns::ASSERTION, "NameID");
    let data = children.required(ns::ASSERTION, "SubjectConfirmationData")?;
    children.end()?;
    let missing = || ShapeError::NoAttribute { element: shape::name(data), attribute: "Recipient" };
    let recipient = data.attribute("Recipient").ok_or_else(missing)?;
    if recipient != expected.recipient {
        return Err(ResponseError::Recipient(shown(recipient)));
    }
    let end = check_times(data, expected)?;
    check_in_response_to(data, expected)?;
    Ok(end)
}
