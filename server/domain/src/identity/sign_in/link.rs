//! todo
use super::*;
use crate::call::Call;
use crate::error::Result;
use crate::identity::factors::{Ceremony, RecoveryCodes, TotpOffer};
use model::LocalPath;

impl SignIn {
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
