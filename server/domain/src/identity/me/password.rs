//! Changing one's own password.

use super::Me;
use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::identity::passwords::{Password, Verdict};
use crate::identity::set_password::{self, Keep};
use crate::identity::sign_in::SessionGrant;
use crate::identity::sign_in::stages::{Reached, promote, row_of};
use crate::identity::throttle::{self, Bucket};
use crate::identity::{devices, password_policy};
use crate::secret::Secret;
use crate::store::entity::password as password_row;
use sea_orm::EntityTrait as _;

impl Me {
    /// Ends all other sessions and gives this one a new token.
    pub async fn change_password(
        &self,
        call: &Call,
        current: &Secret,
        new: &Secret,
        again: &Secret,
    ) -> Result<SessionGrant> {
        let person = authorize_person(call, Action::ChangeOwnPassword)?;
        let core = &*self.0;
        let typed = password_policy::typed_twice(new, again)?;
        let row = row_of(core.store.read(), person).await?;
        self.prove_password(call, &row.user_id, "current", current).await?;
        let standing = self.standing(person).await?;
        let prepared = set_password::prepare(core, "new", &typed, &standing).await?;
        let mut change = core.store.begin().await?;
        prepared.store(change.txn(), core, call, &standing.user, Keep::Session(&row.id)).await?;
        // The present password was proven: for who has no factor that is a confirmation.
        let confirmed_at = if standing.has_factor { model::Timestamp(row.confirmed_at) } else { call.now };
        let reached = Reached { stage: person.stage, strong: row.strong, confirmed_at };
        let (token, row) = promote(change.txn(), core, call.now, &row, reached).await?;
        // Known browsers were forgotten with the old password; this one is in use.
        let device = devices::remember(&mut change, core, call, &standing.user.id, None)?.token;
        change.audit(call, Event::done("UpdatePassword").on("user", &standing.user.id, standing.user.user_name));
        change.commit().await?;
        Ok(SessionGrant { token, expires_at: model::Timestamp(row.expires_at), device })
    }

    /// Proves the present password inside a session, on a budget of its own.
    pub(super) async fn prove_password(
        &self,
        call: &Call,
        user: &str,
        field: &'static str,
        typed: &Secret,
    ) -> Result<()> {
        let core = &*self.0;
        let wrong = || Error::invalid(field, "is not right");
        let typed = Password::parse(field, typed).map_err(|_| wrong())?;
        let bucket = Bucket::reset_by_success(core, "confirm", user, core.throttle.confirm)?;
        let paid = throttle::pay(&core.store, call.now, vec![bucket]).await?;
        let stored = password_row::Entity::find_by_id(user).one(core.store.read()).await?;
        let verdict = match core.hasher.verify(&typed, stored.as_ref().map(|row| row.hash.as_str())).await {
            Ok(verdict) => verdict,
            Err(error) => {
                paid.not_evaluated(&core.store).await?;
                return Err(error);
            }
        };
        if verdict == Verdict::Wrong {
            let mut change = core.store.begin().await?;
            let event = Event::refused("CredentialVerification", "the present password is wrong");
            change.audit(call, event.with(serde_json::json!({"CredentialType": "PASSWORD"})));
            change.commit().await?;
            return Err(wrong());
        }
        paid.succeeded(core.store.write()).await
    }
}
