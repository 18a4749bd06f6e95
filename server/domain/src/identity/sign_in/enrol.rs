//! todo
use super::*;
use crate::call::Call;
use crate::error::Result;
use crate::identity::factors::{Ceremony, RecoveryCodes, TotpOffer};
use model::LocalPath;

impl SignIn {
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
}
