//! One's own second factors and recovery codes: added, renamed, removed, made anew.

use model::{FactorId, Timestamp};

use super::Me;
use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::{Call, Person};
use crate::error::{Error, Result};
use crate::identity::factors::kept::{self, NewFactor};
use crate::identity::factors::{Ceremony, RecoveryCodes, TotpOffer, ceremonies, passkey, recovery, totp};
use crate::identity::notify::{self, Changed};
use crate::identity::sign_in::SessionGrant;
use crate::identity::sign_in::enrol::{added, close_enrolment};
use crate::identity::sign_in::stages::{Reached, promote, row_of};
use crate::secret::Secret;
use crate::store::entity::session;

impl Me {
    /// Offers a secret for an app.
    pub async fn add_totp_begin(&self, call: &Call) -> Result<TotpOffer> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let row = row_of(self.0.store.read(), person).await?;
        totp::offer(&self.0, call.now, &row, &self.standing(person).await?.user).await
    }

    /// Takes the first code of the offered secret.
    pub async fn add_totp_finish(
        &self,
        call: &Call,
        ceremony: &str,
        code: &Secret,
        name: &str,
    ) -> Result<(SessionGrant, RecoveryCodes)> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let row = row_of(self.0.store.read(), person).await?;
        let (secret, step) = totp::accept_offer(&self.0, call.now, &row, ceremony, code).await?;
        let factor = NewFactor::totp(&self.0, call.now, &row.user_id, name, &secret, step)?;
        self.add(call, person, &row, ceremony, factor, "TOTP").await
    }

    /// Begins a new passkey.
    pub async fn add_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let row = row_of(self.0.store.read(), person).await?;
        passkey::begin_new(&self.0, call.now, &row, &self.standing(person).await?.user).await
    }

    /// Ends it.
    pub async fn add_passkey_finish(
        &self,
        call: &Call,
        ceremony: &str,
        answer: &str,
        name: &str,
    ) -> Result<(SessionGrant, RecoveryCodes)> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let row = row_of(self.0.store.read(), person).await?;
        let (passkey, key) = passkey::finish_new(&self.0, call.now, &row, ceremony, answer).await?;
        let factor = NewFactor::passkey(&self.0, call.now, &row.user_id, name, &passkey, key)?;
        self.add(call, person, &row, ceremony, factor, "WEBAUTHN").await
    }

    /// Adds it. Whoever set it up has just proven to have it: the session is strong from now on, under a new token.
    async fn add(
        &self,
        call: &Call,
        person: &Person,
        row: &session::Model,
        ceremony: &str,
        factor: NewFactor,
        credential: &str,
    ) -> Result<(SessionGrant, RecoveryCodes)> {
        let core = &*self.0;
        let standing = self.standing(person).await?;
        standing.in_time_to_enrol(&core.settings(), call.now)?;
        let mut change = core.store.begin().await?;
        ceremonies::use_up(change.txn(), ceremony).await?;
        let name = factor.name().to_owned();
        close_enrolment(change.txn(), call.now, row, None).await?;
        factor.add(change.txn()).await?;
        let codes = recovery::make_if_none(change.txn(), core, call.now, &standing.user.id).await?;
        let event = added(credential).on("user", &standing.user.id, standing.user.user_name.clone());
        change.audit(call, event.with(serde_json::json!({"factor": name})));
        notify::changed(change.txn(), core, call, &standing.user, Changed::FactorAdded(&name)).await?;
        let reached = Reached::strongly(person.stage, call.now);
        let (token, row) = promote(change.txn(), core, call.now, row, reached).await?;
        change.commit().await?;
        Ok((SessionGrant { token, expires_at: Timestamp(row.expires_at), device: None }, codes))
    }

    /// Gives a factor another name.
    pub async fn rename_factor(&self, call: &Call, factor: FactorId, name: &str) -> Result<()> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let user = person.user.to_string();
        let before = kept::one(self.0.store.read(), &user, factor).await?;
        let mut change = self.0.store.begin().await?;
        let after = kept::rename(change.txn(), &user, factor, name).await?;
        let event = Event::done("UpdateMfaDeviceForUser").on("user", person.user, person.user_name.clone());
        change.audit(call, event.with(serde_json::json!({"name": {"from": before.name, "to": after}})));
        change.commit().await
    }

    /// Removes a factor; not the last one where one is required. The recovery codes go with the last one.
    pub async fn remove_factor(&self, call: &Call, factor: FactorId) -> Result<()> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let standing = self.standing(person).await?;
        let required = standing.needs_factor(&self.0.settings());
        let mut change = self.0.store.begin().await?;
        let Some((name, left)) = kept::remove(change.txn(), &standing.user.id, factor).await? else {
            return Err(Error::not_found("second factor"));
        };
        if left == 0 && required {
            return Err(Error::forbidden_because(
                "You need a second factor. Add another one before you remove the last.",
            ));
        }
        let event =
            Event::done("DeleteMfaDeviceForUser").on("user", &standing.user.id, standing.user.user_name.clone());
        change.audit(call, event.with(serde_json::json!({"factor": name})));
        notify::changed(change.txn(), &self.0, call, &standing.user, Changed::FactorRemoved(&name)).await?;
        change.commit().await
    }

    /// Makes recovery codes anew; the old ones stop working.
    pub async fn new_recovery_codes(&self, call: &Call) -> Result<RecoveryCodes> {
        let person = authorize_person(call, Action::ManageOwnFactors)?;
        let standing = self.standing(person).await?;
        if !standing.has_factor {
            return Err(Error::forbidden_because("Recovery codes stand in for a second factor. Add one first."));
        }
        let mut change = self.0.store.begin().await?;
        let codes = recovery::make(change.txn(), &self.0, call.now, &standing.user.id).await?;
        change.audit(
            call,
            Event::done("CreateRecoveryCodes").on("user", &standing.user.id, standing.user.user_name.clone()),
        );
        notify::changed(change.txn(), &self.0, call, &standing.user, Changed::RecoveryCodesMade).await?;
        change.commit().await?;
        Ok(codes)
    }
}
