//! Second factors: one-time codes, passkeys, recovery codes.

pub mod ceremonies;
pub(crate) mod kept;
pub(crate) mod passkey;
#[cfg(test)]
mod passkey_tests;
pub(crate) mod recovery;
#[cfg(test)]
pub(crate) mod soft_passkey;
pub(crate) mod totp;

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

impl FactorKind {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
        }
    }

    /// Reads the name in the database.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Totp, Self::Passkey].into_iter().find(|kind| kind.as_str() == text)
    }
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
