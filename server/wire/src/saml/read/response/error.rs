//! Why a response is refused, in words that an administrator of either side understands.

use crate::saml::read::header::HeaderError;
use crate::saml::read::shape::ShapeError;
use crate::saml::read::signature::SignatureError;
use crate::saml::read::status::{Status, StatusError};
use crate::saml::read::xml::Malformed;

/// Why a response is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    UnknownStatus(#[from] StatusError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the identity provider did not sign anybody in: {0}")]
    Status(Status),
    #[error("Version is {0}; only 2.0 is understood")]
    Version(String),
    #[error("<Issuer> is {found}; {expected} is expected")]
    Issuer { expected: String, found: String },
    #[error("Destination is {0}, which is not the address that the response was sent to")]
    Destination(String),
    #[error("Destination is missing; a signed response must say for whom it is")]
    NoDestination,
    #[error("InResponseTo is {0}, which is not what this browser asked for")]
    InResponseTo(String),
    #[error("InResponseTo of <{0}> is missing, though a request was made")]
    NoInResponseTo(String),
    #[error(
        "the assertion is encrypted; encrypted assertions are not read yet, so the identity provider must not encrypt"
    )]
    Encrypted,
    #[error("there is no assertion in the response")]
    NoAssertion,
    #[error("the person is not named by a <NameID> in the clear")]
    NoName,
    #[error("no <SubjectConfirmation> is one for the bearer")]
    NoBearer,
    #[error("Recipient is {0}, which is not the address that the response was sent to")]
    Recipient(String),
    #[error("<{element}> lacks NotOnOrAfter; without an end nothing is accepted")]
    NoEnd { element: String },
    #[error("<{element}> ended {seconds} seconds ago; the clocks may differ, or the response was kept for too long")]
    Ended { element: String, seconds: i64 },
    #[error("<{element}> begins in {seconds} seconds; the clocks differ")]
    NotYet { element: String, seconds: i64 },
    #[error("there is no <AudienceRestriction>; an assertion for anybody is accepted from nobody")]
    NoAudience,
    #[error("the assertion is for {found}; {expected} is expected")]
    Audience { expected: String, found: String },
    #[error("the condition <{0}> is not understood, so that it cannot be met")]
    Condition(String),
    #[error("<ProxyRestriction> forbids that anybody else is told who signed in, which is what Vestibule is for")]
    ProxyRestriction,
    #[error("there is no <AuthnStatement>, so that nobody has signed in")]
    NoStatement,
    #[error("an attribute is encrypted; encrypted attributes are not read yet")]
    EncryptedAttribute,
}
