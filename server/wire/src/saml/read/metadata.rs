//! Metadata of peers: what an administrator uploads or pins to make a service provider or an identity provider known.
//!
//! Only what is used is read, and each address and certificate is checked as if it had been typed in. The schema types of a
//! library would help little here: they are filled by local names and leave out what they do not know, while a decision about
//! trust needs expanded names, and to say what is wrong.

mod entity;
mod role;

use jiff::Timestamp;

use super::certificate::{CertificateError, Pinned};
use super::location::LocationError;
use super::shape::{self, ShapeError};
use super::signature::SignatureError;
use super::xml::Malformed;
use crate::saml::names::Binding;

/// A service provider, as its metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Its name among entities.
    pub entity_id: String,
    /// Where answers may go by HTTP-POST, the only way they are sent. Never empty.
    pub consumers: Vec<AssertionConsumer>,
    /// Where messages about logging out may go.
    pub logout: Vec<Endpoint>,
    /// What it signs with.
    pub signing: Vec<Pinned>,
    /// What assertions for it can be encrypted with.
    pub encryption: Vec<Pinned>,
    /// The kinds of names it understands, as URIs.
    pub name_id_formats: Vec<String>,
    /// Whether it says that it signs its requests.
    pub signs_requests: bool,
    /// Whether it wants the assertion itself signed.
    pub wants_assertions_signed: bool,
    /// When the metadata ends.
    pub valid_until: Option<Timestamp>,
}

/// An identity provider, as its metadata describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its name among entities.
    pub entity_id: String,
    /// Where it takes requests to sign somebody on. May be empty where it is only ever verified.
    pub sign_on: Vec<Endpoint>,
    /// Where messages about logging out may go.
    pub logout: Vec<Endpoint>,
    /// What it signs with. Never empty.
    pub signing: Vec<Pinned>,
    /// The kinds of names it gives, as URIs.
    pub name_id_formats: Vec<String>,
    /// Whether it wants requests signed.
    pub wants_requests_signed: bool,
    /// When the metadata ends.
    pub valid_until: Option<Timestamp>,
}

/// Where an answer may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionConsumer {
    /// The address, in the letters it must be asked for with.
    pub location: String,
    /// Its number; none where it was typed in.
    pub index: Option<u16>,
    /// Whether it says that it is the default, or that it is not.
    pub is_default: Option<bool>,
}

impl AssertionConsumer {
    /// The one that is meant where nothing is asked for (SAML metadata, 2.4.4.1): the first that says so, else the first that
    /// does not deny it, else the first.
    pub fn default_of(all: &[Self]) -> Option<&Self> {
        let with = |said| all.iter().find(|it| it.is_default == said);
        with(Some(true)).or_else(|| with(None)).or_else(|| all.first())
    }
}

/// Where other messages may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How.
    pub binding: Binding,
    /// The address for requests.
    pub location: String,
    /// The address for answers, where it is another.
    pub response_location: Option<String>,
}

/// Why metadata is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("this is not metadata of SAML: it begins with <{0}>")]
    Root(String),
    #[error("the signature of the metadata is not accepted: {0}")]
    Signature(#[from] SignatureError),
    #[error("the metadata ended on {0}")]
    Expired(Timestamp),
    #[error("there is no {0} for SAML 2.0 in this metadata")]
    NoRole(&'static str),
    #[error("there is more than one {role} in this metadata: {names}; give the metadata of one alone")]
    Several { role: &'static str, names: String },
    #[error("{0} is described more than once")]
    DuplicateEntity(String),
    #[error("entityID {0} is no name of an entity")]
    EntityId(String),
    #[error("the address {location} of <{element}> {problem}")]
    Location { element: &'static str, location: String, problem: LocationError },
    #[error("two <AssertionConsumerService> have the index {0}")]
    DuplicateIndex(u16),
    #[error("no <AssertionConsumerService> takes answers by HTTP-POST")]
    NoConsumer,
    #[error("use of a <KeyDescriptor> is {0}; it must be signing or encryption")]
    KeyUse(String),
    #[error("a certificate of the metadata is not accepted: {0}")]
    Certificate(#[from] CertificateError),
    #[error("there is no certificate for signatures; without one nothing it says could be believed")]
    NoSigningKey,
}

impl ServiceProvider {
    /// Reads metadata in which there is one service provider. With `pinned` given, the document must be signed by one of the
    /// certificates.
    pub fn read(bytes: &[u8], now: Timestamp, pinned: Option<&[Pinned]>) -> Result<Self, MetadataError> {
        entity::with_one(bytes, now, pinned, "service provider", "SPSSODescriptor", |found| {
            let role = found.role;
            let consumers = role::consumers(role)?;
            let keys = role::keys(role)?;
            Ok(Self {
                entity_id: found.entity_id,
                consumers,
                logout: role::endpoints(role, "SingleLogoutService")?,
                signing: keys.signing,
                encryption: keys.encryption,
                name_id_formats: role::name_id_formats(role)?,
                signs_requests: shape::flag(role, "AuthnRequestsSigned")?.unwrap_or(false),
                wants_assertions_signed: shape::flag(role, "WantAssertionsSigned")?.unwrap_or(false),
                valid_until: found.valid_until,
            })
        })
    }
}

impl IdentityProvider {
    /// Reads metadata in which there is one identity provider. With `pinned` given, the document must be signed by one of the
    /// certificates.
    pub fn read(bytes: &[u8], now: Timestamp, pinned: Option<&[Pinned]>) -> Result<Self, MetadataError> {
        entity::with_one(bytes, now, pinned, "identity provider", "IDPSSODescriptor", |found| {
            let role = found.role;
            let keys = role::keys(role)?;
            if keys.signing.is_empty() {
                return Err(MetadataError::NoSigningKey);
            }
            Ok(Self {
                entity_id: found.entity_id,
                sign_on: role::endpoints(role, "SingleSignOnService")?,
                logout: role::endpoints(role, "SingleLogoutService")?,
                signing: keys.signing,
                name_id_formats: role::name_id_formats(role)?,
                wants_requests_signed: shape::flag(role, "WantAuthnRequestsSigned")?.unwrap_or(false),
                valid_until: found.valid_until,
            })
        })
    }
}

#[cfg(test)]
mod tests;
