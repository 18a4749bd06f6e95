//! todo
use super::*;
use crate::call::Call;
use crate::error::Result;
use crate::identity::factors::{Ceremony, RecoveryCodes, TotpOffer};
use model::LocalPath;

impl SignIn {
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
}
