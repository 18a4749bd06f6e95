//! The second step: a code of an app, a recovery code or a passkey; and the passkey that needs no first step.

use model::LocalPath;
use sea_orm::Condition;

use super::stages::{self, Proven, Reached, Standing, next_stage, promote, row_of};
use super::{FactorChoices, Progress, SignIn, finish};
use crate::audit::Event;
use crate::authz::{Action, Resource, authorize, authorize_person};
use crate::call::{Call, Person, Stage};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::devices;
use crate::identity::factors::ceremonies::{self, Kind};
use crate::identity::factors::kept::{self, Code};
use crate::identity::factors::passkey::{self, Proof};
use crate::identity::factors::{Ceremony, recovery};
use crate::identity::notify::{self, Changed};
use crate::identity::sessions::{ACTIVE, end_where};
use crate::identity::throttle::{self, Bucket};
use crate::secret::Secret;
use crate::store::entity::{factor, session};

/// The one answer to every wrong code.
pub(crate) fn refused() -> Error {
    Error::not_accepted("The code is not right, or was used before.")
}

/// What a guess of a code pays into: one budget per person over all sign-ins and kinds of code, so that starting again does
/// not help; a known browser has one of its own, so that somebody else's guesses do not shut the person out.
pub(crate) async fn factor_bucket(core: &Core, call: &Call, user: &str) -> Result<Bucket> {
    let device = devices::known(core.store.read(), call, user).await?;
    let of = device.map_or_else(|| user.to_owned(), |device| format!("{user}\0{}", device.id));
    Bucket::reset_by_success(core, "factor", &of, core.throttle.factor)
}

/// Notes that a passkey may have been copied: it is refused from now on and its owner told.
pub(crate) async fn note_copied(core: &Core, call: &Call, row: &factor::Model) -> Result<Error> {
    let standing = Standing::of_id(core.store.read(), &row.user_id).await?;
    let mut change = core.store.begin().await?;
    if !row.flagged {
        passkey::flag(change.txn(), row).await?;
        notify::changed(change.txn(), core, call, &standing.user, Changed::PasskeyFlagged(&row.name)).await?;
    }
    let event =
        Event::refused("CredentialVerification", "the passkey's counter went backwards: it may have been copied");
    let details = serde_json::json!({"CredentialType": "WEBAUTHN", "factor": row.id});
    change.audit(call, event.on("user", &standing.user.id, standing.user.user_name).with(details));
    change.commit().await?;
    Ok(passkey::refused("the counter went backwards"))
}

impl SignIn {
    /// A one-time code or a recovery code, as second step.
    pub async fn code(&self, call: &Call, typed: &Secret) -> Result<Progress> {
        let person = authorize_person(call, Action::ProveSecondFactor)?;
        let core = &*self.0;
        let row = row_of(core.store.read(), person).await?;
        let standing = Standing::of_id(core.store.read(), &row.user_id).await?;
        let buckets = vec![
            factor_bucket(core, call, &row.user_id).await?,
            Bucket::reset_by_success(core, "attempt", &row.id, core.throttle.attempt)?,
        ];
        let paid = throttle::pay(&core.store, call.now, buckets).await?;
        let found = Code::find(core.store.read(), core, call.now, &row.user_id, typed).await?;
        if let Some(found) = found {
            let mut change = core.store.begin().await?;
            if found.use_up(change.txn(), call.now).await? {
                paid.succeeded(change.txn()).await?;
                if let Code::Recovery { .. } = found {
                    let left = recovery::left(change.txn(), &row.user_id).await?;
                    notify::changed(change.txn(), core, call, &standing.user, Changed::RecoveryCodeUsed(left)).await?;
                }
                let proven = Proven { factor: true, ..Proven::default() };
                let stage = next_stage(&standing, &core.settings(), proven, call.now)?;
                let further = promote(change.txn(), core, call.now, &row, Reached::strongly(stage, call.now)).await?;
                let progress = finish::step(core, call, &mut change, &standing, further, found.credential()).await?;
                change.commit().await?;
                return Ok(progress);
            }
        }
        self.note_wrong_code(call, person, &row, paid.last_before_stop).await
    }

    /// Writes a wrong code down; the last one that is allowed ends the sign-in.
    async fn note_wrong_code(
        &self,
        call: &Call,
        person: &Person,
        row: &session::Model,
        last: bool,
    ) -> Result<Progress> {
        let mut change = self.0.store.begin().await?;
        if last {
            let which = Condition::all().add(sea_orm::ColumnTrait::eq(&session::Column::Id, &row.id));
            end_where(change.txn(), call.now, "too many wrong codes", which).await?;
        }
        let event = Event::refused("CredentialVerification", "the code is wrong, over or used");
        let details = serde_json::json!({"CredentialType": "TOTP"});
        change.audit(call, event.on("user", person.user, person.user_name.clone()).with(details));
        change.commit().await?;
        Err(refused())
    }

    /// Begins a passkey sign-in without a name: discoverable credentials only.
    #[expect(
        clippy::unused_async,
        reason = "every service function is asynchronous, whether or not it asks the database today"
    )]
    pub async fn passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        authorize(call, Action::SignIn, Resource::Organisation)?;
        passkey::begin_nameless(&self.0, call.now)
    }

    /// Ends it. `answer` is the browser's JSON.
    pub async fn passkey_finish(
        &self,
        call: &Call,
        ceremony: &str,
        answer: &str,
        next: Option<LocalPath>,
    ) -> Result<Progress> {
        authorize(call, Action::SignIn, Resource::Organisation)?;
        let core = &*self.0;
        let answered = passkey::finish_nameless(core, call.now, ceremony, answer).await?;
        let used = match &answered.proof {
            Proof::Copied(row) => return Err(note_copied(core, call, row).await?),
            Proof::Right(used) => used,
        };
        let standing = Standing::of_id(core.store.read(), &used.row.user_id).await?;
        let mut change = core.store.begin().await?;
        answered.use_up(change.txn()).await?;
        if standing.user.status != ACTIVE {
            let event = Event::refused("CredentialVerification", "the passkey is right, and the person is not active");
            change.audit(call, event.on("user", &standing.user.id, standing.user.user_name.clone()));
            change.commit().await?;
            return Err(passkey::refused("the person is not active"));
        }
        used.store(change.txn(), call.now).await?;
        throttle::empty(change.txn(), core, "name", &standing.user.user_name_key).await?;
        let stage = next_stage(&standing, &core.settings(), Proven { factor: true, ..Proven::default() }, call.now)?;
        let begun =
            stages::begin(&mut change, core, call, &standing, Reached::strongly(stage, call.now), next.as_ref())
                .await?;
        let progress = finish::step(core, call, &mut change, &standing, begun, "WEBAUTHN").await?;
        change.commit().await?;
        Ok(progress)
    }

    /// Begins a passkey as second step.
    pub async fn second_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        let person = authorize_person(call, Action::ProveSecondFactor)?;
        let row = row_of(self.0.store.read(), person).await?;
        passkey::begin_proof(&self.0, call.now, Kind::SecondStep, &row).await
    }

    /// Ends it.
    pub async fn second_passkey_finish(&self, call: &Call, ceremony: &str, answer: &str) -> Result<Progress> {
        let person = authorize_person(call, Action::ProveSecondFactor)?;
        let core = &*self.0;
        let row = row_of(core.store.read(), person).await?;
        let used = match passkey::finish_proof(core, call.now, Kind::SecondStep, &row, ceremony, answer).await? {
            Proof::Copied(factor) => return Err(note_copied(core, call, &factor).await?),
            Proof::Right(used) => used,
        };
        let standing = Standing::of_id(core.store.read(), &row.user_id).await?;
        let stage = next_stage(&standing, &core.settings(), Proven { factor: true, ..Proven::default() }, call.now)?;
        let mut change = core.store.begin().await?;
        ceremonies::use_up(change.txn(), ceremony).await?;
        used.store(change.txn(), call.now).await?;
        let further = promote(change.txn(), core, call.now, &row, Reached::strongly(stage, call.now)).await?;
        let progress = finish::step(core, call, &mut change, &standing, further, "WEBAUTHN").await?;
        change.commit().await?;
        Ok(progress)
    }

    /// What the second-factor page offers: has a TOTP, has a passkey, has recovery codes left.
    pub async fn second_factor_choices(&self, call: &Call) -> Result<FactorChoices> {
        let person = match authorize_person(call, Action::ProveSecondFactor) {
            // The page of enrolment asks as well: what can be set up here.
            Err(_) if matches!(&call.actor, crate::Actor::Person(person) if person.stage == Stage::Enrol) => {
                authorize_person(call, Action::EnrolAtSignIn)?
            }
            other => other?,
        };
        kept::choices(self.0.store.read(), &self.0, &person.user.to_string()).await
    }
}
