//! The sign-in state machine: user name and password, second factor, enrolment, new password, in.

use std::sync::Arc;

use model::{LocalPath, Timestamp};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::factors::{Ceremony, RecoveryCodes, TotpOffer};
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

/// Signing in and out.
#[derive(Clone, Debug)]
pub struct SignIn(pub(crate) Arc<Core>);

impl SignIn {
    /// First step. Refused with one answer and one timing for unknown, disabled, and wrong password.
    pub async fn password(&self, call: &Call, user_name: &str, password: &Secret, next: Option<LocalPath>) -> Result<Progress> {
        todo!()
    }

    /// A one-time code or a recovery code, as second step.
    pub async fn code(&self, call: &Call, code: &Secret) -> Result<Progress> {
        todo!()
    }

    /// Begins a passkey sign-in without a name: discoverable credentials only.
    pub async fn passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        todo!()
    }

    /// Ends it. `answer` is the browser's JSON.
    pub async fn passkey_finish(&self, call: &Call, ceremony: &str, answer: &str, next: Option<LocalPath>) -> Result<Progress> {
        todo!()
    }

    /// Begins a passkey as second step.
    pub async fn second_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        todo!()
    }

    /// Ends it.
    pub async fn second_passkey_finish(&self, call: &Call, ceremony: &str, answer: &str) -> Result<Progress> {
        todo!()
    }

    /// What the second-factor page offers: has a TOTP, has a passkey, has recovery codes left.
    pub async fn second_factor_choices(&self, call: &Call) -> Result<FactorChoices> {
        todo!()
    }

    /// Offers a one-time-code secret during sign-in (stage `Enrol`).
    pub async fn enrol_totp_begin(&self, call: &Call) -> Result<TotpOffer> {
        todo!()
    }

    /// Takes the first code of the offered secret; gives recovery codes once.
    pub async fn enrol_totp_finish(&self, call: &Call, ceremony: &str, code: &Secret, name: &str) -> Result<(Progress, RecoveryCodes)> {
        todo!()
    }

    /// Begins enrolment of a passkey during sign-in.
    pub async fn enrol_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        todo!()
    }

    /// Ends it.
    pub async fn enrol_passkey_finish(&self, call: &Call, ceremony: &str, answer: &str, name: &str) -> Result<(Progress, RecoveryCodes)> {
        todo!()
    }

    /// Chooses the new password that is asked for (stage `NewPassword`).
    pub async fn new_password(&self, call: &Call, new: &Secret, again: &Secret) -> Result<Progress> {
        todo!()
    }

    /// Ends the session of this browser.
    pub async fn out(&self, call: &Call) -> Result<()> {
        todo!()
    }

    /// "Forgot password": the same answer for everybody; mail goes through the outbox.
    pub async fn forgot(&self, call: &Call, user_name_or_email: &str) -> Result<()> {
        todo!()
    }

    /// Looks at a one-time link without using it.
    pub async fn look_at_link(&self, call: &Call, token: &Secret) -> Result<LinkView> {
        todo!()
    }

    /// Uses a one-time link: sets the password (ignored for `Enrolment`, which asks for the present one instead).
    pub async fn use_link(&self, call: &Call, token: &Secret, new: &Secret, again: &Secret) -> Result<Progress> {
        todo!()
    }
}

/// What a person can prove themselves with.
#[derive(Clone, Copy, Debug, Default)]
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
