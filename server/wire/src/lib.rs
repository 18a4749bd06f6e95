//! Formats that come over the wire, read and written without I/O and without a clock.

pub mod form;
pub mod forwarded;
pub mod organisation;
pub mod saml;
pub mod syslog;

/// The policy language of IAM. It stands where the editor in the browser reaches it too.
pub use model::iam;
