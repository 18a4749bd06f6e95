//! "Confirm it is you": a fresh proof for what is sensitive, five minutes good.

use super::Me;
use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::{Call, Person};
use crate::error::Result;
use crate::identity::factors::ceremonies::{self, Kind};
use crate::identity::factors::kept::{self, Code};
use crate::identity::factors::passkey::{self, Proof, Used};
use crate::identity::factors::{Ceremony, recovery};
use crate::identity::notify::{self, Changed};
use crate::identity::sign_in::second_factor::{factor_bucket, note_copied, refused};
use crate::identity::sign_in::stages::{Reached, promote, row_of};
use crate::identity::sign_in::{FactorChoices, SessionGrant};
use crate::identity::throttle::{self, Paid};
use crate::secret::Secret;
use crate::store::entity::session;

/// What confirmed.
enum By<'a> {
    Password,
    Code(&'a Code, &'a Paid),
    Passkey(&'a str, &'a Used),
}

impl Me {
    /// How this person can confirm who they are: factors, else the password.
    pub async fn confirm_choices(&self, call: &Call) -> Result<FactorChoices> {
        let person = authorize_person(call, Action::ConfirmSelf)?;
        kept::choices(self.0.store.read(), &self.0, &person.user.to_string()).await
    }

    /// Confirms by one-time code, or by the password where there is no factor. Gives the session a new token.
    pub async fn confirm(&self, call: &Call, proof: &Secret) -> Result<SessionGrant> {
        let person = authorize_person(call, Action::ConfirmSelf)?;
        let core = &*self.0;
        let row = row_of(core.store.read(), person).await?;
        if !self.standing(person).await?.has_factor {
            self.prove_password(call, &row.user_id, "proof", proof).await?;
            return self.confirmed(call, person, &row, By::Password).await;
        }
        let paid = throttle::pay(&core.store, call.now, vec![factor_bucket(core, call, &row.user_id).await?]).await?;
        let found = Code::find(core.store.read(), core, call.now, &row.user_id, proof).await?;
        match &found {
            Some(found) => self.confirmed(call, person, &row, By::Code(found, &paid)).await,
            None => Err(self.note_wrong(call, person).await?),
        }
    }

    /// Begins confirming by passkey.
    pub async fn confirm_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        let person = authorize_person(call, Action::ConfirmSelf)?;
        let row = row_of(self.0.store.read(), person).await?;
        passkey::begin_proof(&self.0, call.now, Kind::Confirm, &row).await
    }

    /// Ends it.
    pub async fn confirm_passkey_finish(&self, call: &Call, ceremony: &str, answer: &str) -> Result<SessionGrant> {
        let person = authorize_person(call, Action::ConfirmSelf)?;
        let core = &*self.0;
        let row = row_of(core.store.read(), person).await?;
        match passkey::finish_proof(core, call.now, Kind::Confirm, &row, ceremony, answer).await? {
            Proof::Copied(factor) => Err(note_copied(core, call, &factor).await?),
            Proof::Right(used) => self.confirmed(call, person, &row, By::Passkey(ceremony, &used)).await,
        }
    }

    async fn confirmed(&self, call: &Call, person: &Person, row: &session::Model, by: By<'_>) -> Result<SessionGrant> {
        let core = &*self.0;
        let mut change = core.store.begin().await?;
        let credential = match &by {
            By::Password => "PASSWORD",
            By::Code(found, paid) => {
                if !found.use_up(change.txn(), call.now).await? {
                    drop(change);
                    return Err(self.note_wrong(call, person).await?);
                }
                paid.succeeded(change.txn()).await?;
                if let Code::Recovery { .. } = found {
                    let left = recovery::left(change.txn(), &row.user_id).await?;
                    notify::changed(
                        change.txn(),
                        core,
                        call,
                        &self.standing(person).await?.user,
                        Changed::RecoveryCodeUsed(left),
                    )
                    .await?;
                }
                found.credential()
            }
            By::Passkey(ceremony, used) => {
                ceremonies::use_up(change.txn(), ceremony).await?;
                used.store(change.txn(), call.now).await?;
                "WEBAUTHN"
            }
        };
        // A factor proven now makes a session strong that was let in without one.
        let strong = row.strong || !matches!(by, By::Password);
        let reached = Reached { stage: person.stage, strong, confirmed_at: call.now };
        let (token, row) = promote(change.txn(), core, call.now, row, reached).await?;
        let details = serde_json::json!({"CredentialType": credential, "step": "confirm"});
        change.audit(
            call,
            Event::done("CredentialVerification").on("user", person.user, person.user_name.clone()).with(details),
        );
        change.commit().await?;
        Ok(SessionGrant { token, expires_at: model::Timestamp(row.expires_at), device: None })
    }

    async fn note_wrong(&self, call: &Call, person: &Person) -> Result<crate::Error> {
        let mut change = self.0.store.begin().await?;
        let event = Event::refused("CredentialVerification", "the code is wrong, over or used");
        let details = serde_json::json!({"CredentialType": "TOTP", "step": "confirm"});
        change.audit(call, event.on("user", person.user, person.user_name.clone()).with(details));
        change.commit().await?;
        Ok(refused())
    }
}
