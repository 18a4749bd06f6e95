//! Writes what Vestibule says in SAML: responses with assertions, refusals, logout, requests to an upstream, metadata, and how a
//! message is put into an address or a form.
//!
//! All of it is in canonical form already (see `xml`), so that a signature costs one digest and one operation with the key. The
//! strings may be anything: what is markup is escaped, what XML cannot carry is left out.

mod bindings;
mod encrypt;
mod envelope;
mod logout;
mod metadata;
mod request;
mod response;
mod sign;
mod xml;

pub use self::bindings::{post_value, redirect_url};
pub use self::encrypt::{ContentKey, Encryption};
pub use self::envelope::{Envelope, Id, NameId, Status};
pub use self::logout::{Logout, logout_request, logout_response};
pub use self::metadata::{Entity, IdentityProvider, ServiceProvider, idp_metadata, sp_metadata};
pub use self::request::{AuthnRequest, authn_request};
pub use self::response::{Assertion, Attribute, LIFETIME, Protection, Signed, refusal, response};
pub use self::sign::Signer;
use super::keys::{KeyError, KeyKind};

/// Why something could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The key does not do what it should.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Only RSA keys encrypt.
    #[error("the certificate to encrypt to has a key of the kind {0}: it has to be RSA")]
    CannotEncrypt(KeyKind),
    /// A public key that the cryptographic library does not take.
    #[error("the certificate to encrypt to has an RSA key that cannot be used")]
    UnusableKey,
}

#[cfg(test)]
mod tests;
