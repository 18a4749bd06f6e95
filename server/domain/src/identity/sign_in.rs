//! The sign-in state machine: user name and password, second factor, enrolment, new password, in.

#[cfg(test)]
mod cost_tests;
pub(crate) mod enrol;
#[cfg(test)]
mod enrol_tests;
#[cfg(test)]
mod factor_tests;
mod finish;
mod link;
#[cfg(test)]
mod mail_tests;
mod password;
#[cfg(test)]
mod password_tests;
pub(crate) mod second_factor;
pub(crate) mod stages;

pub(crate) use link::send_reset_links;

use std::sync::Arc;

use model::{LocalPath, Timestamp};

use crate::core::Core;
use crate::secret::Secret;

/// What a step of a sign-in led to.
#[derive(Debug)]
pub struct Progress {
    /// The cookie to set: every step changes the session's token.
    pub session: SessionGrant,
    /// Where to go now.
    pub step: Step,
}

/// A session's token for the cookie, given out once.
#[derive(Debug)]
pub struct SessionGrant {
    /// The value of the session cookie: 22 characters (128 bits, base64url).
    pub token: Secret,
    /// The end of the session, whatever happens.
    pub expires_at: Timestamp,
    /// The value of the device cookie, where a complete sign-in made this browser known.
    pub device: Option<Secret>,
}

/// Where a sign-in stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Signed in; go there.
    Done(LocalPath),
    /// `/start/second-factor`
    SecondFactor,
    /// `/start/enrol`
    Enrol,
    /// `/start/new-password`
    NewPassword,
}

/// What a one-time link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// First owner: password and factor.
    FirstOwner,
    /// An invited person sets a first password.
    Invitation,
    /// A forgotten or reset password.
    PasswordReset,
    /// A factor may be enrolled although the time for it is over.
    Enrolment,
}

/// What the page of a one-time link shows before it is used.
#[derive(Clone, Debug)]
pub struct LinkView {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whose it is.
    pub user_name: String,
    /// Shown in the greeting.
    pub display_name: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// Signing in and out. The steps stand in files of their own: `password`, `second_factor`, `enrol`, `link`; where a step leads
/// is said in `stages`, and what happens when a sign-in is complete in `finish`.
#[derive(Clone, Debug)]
pub struct SignIn(pub(crate) Arc<Core>);

/// What a person can prove themselves with.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts that a page shows")]
pub struct FactorChoices {
    /// A one-time-code app.
    pub totp: bool,
    /// A passkey.
    pub passkey: bool,
    /// Recovery codes left.
    pub recovery_codes: bool,
    /// Passkeys cannot be used here: the public address is an IP address.
    pub passkeys_off: bool,
}
