//! Second factors: one-time codes, passkeys, recovery codes.

use model::{FactorId, Timestamp};

use crate::secret::Secret;

/// The first half of a passkey ceremony.
#[derive(Clone, Debug)]
pub struct Ceremony {
    /// Comes back with the answer.
    pub id: String,
    /// JSON for `navigator.credentials`.
    pub options: String,
}

/// A one-time-code secret that is offered, not yet confirmed. Kept sealed in the database under `ceremony`.
#[derive(Clone, Debug)]
pub struct TotpOffer {
    /// Comes back with the first code.
    pub ceremony: String,
    /// For typing.
    pub secret: Secret,
    /// For the picture: an `otpauth:` address.
    pub uri: Secret,
}

/// Ten codes, shown once. Empty where the person has codes already.
#[derive(Clone, Debug)]
pub struct RecoveryCodes(pub Vec<Secret>);

/// What kind of factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorKind {
    /// One-time codes by an app.
    Totp,
    /// A passkey.
    Passkey,
}

/// A factor as lists show it.
#[derive(Clone, Debug)]
pub struct FactorView {
    /// Which.
    pub id: FactorId,
    /// What kind.
    pub kind: FactorKind,
    /// The name its owner gave it.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Last use.
    pub last_used_at: Option<Timestamp>,
    /// Its counter went backwards: it may have been copied.
    pub flagged: bool,
}
