//! One-time links: asked for by who has forgotten a password, looked at, used.

use model::{Email, Timestamp, UserId, UserName, name_key};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::stages::{self, Proven, Reached, Standing, next_stage};
use super::{LinkPurpose, LinkView, Progress, SignIn, finish, password};
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::passwords::{Password, Verdict};
use crate::identity::people::parse_id;
use crate::identity::sessions::ACTIVE;
use crate::identity::set_password::{self, Keep};
use crate::identity::throttle::{self, Bucket};
use crate::identity::{links, notify, password_policy};
use crate::jobs::outbox::{self, Payload};
use crate::secret::Secret;
use crate::store::entity::{link, session, user};

/// One mail address may belong to several people; no more than so many get a link at once.
const MOST_ADDRESSEES: u64 = 5;

/// Mails a link to everybody active whom a name or an address means. The second half of [`SignIn::forgot`].
pub(crate) async fn send_reset_links(core: &Core, call: &Call, typed: &str) -> Result<()> {
    let typed = name_key(typed);
    let means =
        sea_orm::Condition::any().add(user::Column::UserNameKey.eq(&typed)).add(user::Column::EmailKey.eq(&typed));
    let people = user::Entity::find().filter(means).limit(MOST_ADDRESSEES).all(core.store.read()).await?;
    let mut change = core.store.begin().await?;
    let mut sent = 0;
    for person in people.iter().filter(|person| person.status == ACTIVE) {
        let id: UserId = person.id.parse().map_err(|e| Error::internal(format!("user {}: {e}", person.id)))?;
        let token =
            links::issue(change.txn(), core, call.now, id, LinkPurpose::PasswordReset, links::RESET_LIVES).await?;
        notify::reset_link(change.txn(), core, call, person, links::address(core, &token).expose()).await?;
        change.audit(call, Event::done("ForgotPassword").on("user", &person.id, person.user_name.clone()));
        sent += 1;
    }
    if sent == 0 {
        change.audit(call, Event::refused("ForgotPassword", "nobody active has this name or address"));
    }
    change.commit().await
}

impl LinkPurpose {
    /// Links that set a password.
    pub(crate) const FOR_PASSWORDS: [Self; 3] = [Self::FirstOwner, Self::Invitation, Self::PasswordReset];
}

impl SignIn {
    /// "Forgot password": the same answer and the same work for everybody. Who is meant is found out afterwards, by the job that
    /// empties the outbox (`send_reset_links`): a request that finds nobody must not be quicker.
    pub async fn forgot(&self, call: &Call, user_name_or_email: &str) -> Result<()> {
        authorize(call, Action::SignIn, Resource::Organisation)?;
        let core = &*self.0;
        let typed = user_name_or_email.trim();
        let source = Bucket::paid_back(core, "reset-source", &throttle::source_of(call), core.throttle.reset_source)?;
        throttle::pay(&core.store, call.now, vec![source]).await?;
        let name = Bucket::paid_back(core, "reset-name", &name_key(typed), core.throttle.reset_name)?;
        // Too many for one name: no more mail, and no other answer, so that nothing is told and nobody is flooded.
        let quiet = throttle::pay(&core.store, call.now, vec![name]).await.is_err();
        let mut change = core.store.begin().await?;
        if quiet || core.mail.is_none() {
            let why = if quiet { "asked too often" } else { "no mail is configured" };
            change.audit(call, Event::refused("ForgotPassword", why));
        } else {
            let payload = Payload::ResetLinks {
                // What is neither a name nor an address is nobody's, and too long for a row of the outbox perhaps.
                typed: if UserName::parse(typed).is_ok() || Email::parse(typed).is_ok() { typed } else { "" }
                    .to_owned(),
                request_id: call.request_id.clone(),
                source: call.source,
                user_agent: call.user_agent.clone(),
            };
            outbox::enqueue(change.txn(), core, call.now, &payload).await?;
        }
        change.commit().await
    }

    /// Looks at a one-time link without using it.
    pub async fn look_at_link(&self, call: &Call, token: &Secret) -> Result<LinkView> {
        authorize(call, Action::SignIn, Resource::Organisation)?;
        let (row, purpose, person) = self.living_link(call, token).await?;
        Ok(LinkView {
            purpose,
            user_name: person.user_name,
            display_name: person.display_name,
            expires_at: Timestamp(row.expires_at),
        })
    }

    /// Uses a one-time link: sets the password. One for `Enrolment` asks for the present password instead and opens the way to
    /// setting up a factor; it is spent when that is done.
    pub async fn use_link(&self, call: &Call, token: &Secret, new: &Secret, again: &Secret) -> Result<Progress> {
        authorize(call, Action::SignIn, Resource::Organisation)?;
        let (row, purpose, person) = self.living_link(call, token).await?;
        match purpose {
            LinkPurpose::Enrolment => self.use_enrolment_link(call, &row, person, new).await,
            LinkPurpose::FirstOwner | LinkPurpose::Invitation | LinkPurpose::PasswordReset => {
                self.use_password_link(call, &row, purpose, person, new, again).await
            }
        }
    }

    async fn living_link(&self, call: &Call, token: &Secret) -> Result<(link::Model, LinkPurpose, user::Model)> {
        let read = self.0.store.read();
        let row = link::Entity::find_by_id(token.digest()).one(read).await?;
        let row = row
            .filter(|row| row.used_at.is_none() && row.voided_at.is_none() && row.expires_at > call.now.0)
            .ok_or_else(links::dead)?;
        let purpose =
            LinkPurpose::parse(&row.purpose).ok_or_else(|| Error::internal(format!("purpose {}", row.purpose)))?;
        let person = user::Entity::find_by_id(&row.user_id).one(read).await?;
        let person = person.filter(|person| person.status != "disabled").ok_or_else(links::dead)?;
        Ok((row, purpose, person))
    }

    async fn use_password_link(
        &self,
        call: &Call,
        row: &link::Model,
        purpose: LinkPurpose,
        person: user::Model,
        new: &Secret,
        again: &Secret,
    ) -> Result<Progress> {
        let core = &*self.0;
        let typed = password_policy::typed_twice(new, again)?;
        let mut standing = Standing::of(core.store.read(), person).await?;
        let prepared = set_password::prepare(core, "new", &typed, &standing).await?;
        standing.user.must_change_password = false;
        let may_enrol = purpose != LinkPurpose::PasswordReset;
        let stage = next_stage(&standing, &core.settings(), Proven { may_enrol, ..Proven::default() }, call.now);
        let mut change = core.store.begin().await?;
        let becomes_active = standing.user.status != ACTIVE;
        if becomes_active {
            // What waited for this person counts from now on.
            let user = parse_id(&standing.user.id)?;
            stamp::touch(change.txn(), call.now, Touched::Only(vec![Principal::User(user)])).await?;
        }
        links::use_up(change.txn(), call.now, &row.token_hash).await?;
        prepared.store(change.txn(), core, call, &standing.user, Keep::Nothing).await?;
        if becomes_active {
            // The first password makes an invited person an active one.
            user::Entity::update_many()
                .col_expr(user::Column::Status, Expr::value(ACTIVE))
                .filter(user::Column::Id.eq(&standing.user.id))
                .filter(user::Column::Status.eq(&standing.user.status))
                .exec(change.txn())
                .await?;
            ACTIVE.clone_into(&mut standing.user.status);
        }
        let details = serde_json::json!({"link": purpose.as_str()});
        change.audit(
            call,
            Event::done("UpdatePassword").on("user", &standing.user.id, standing.user.user_name.clone()).with(details),
        );
        let stage = match stage {
            Ok(stage) => stage,
            Err(error) => {
                // The password counts all the same; what is missing is a link to set up a factor.
                change.commit().await?;
                return Err(error);
            }
        };
        let begun =
            stages::begin(&mut change, core, call, &standing, Reached::weakly(stage, &standing, call.now), None)
                .await?;
        let progress = finish::step(core, call, &mut change, &standing, begun, "LINK").await?;
        change.commit().await?;
        Ok(progress)
    }

    async fn use_enrolment_link(
        &self,
        call: &Call,
        row: &link::Model,
        person: user::Model,
        present: &Secret,
    ) -> Result<Progress> {
        let core = &*self.0;
        let Ok(typed) = Password::parse("new", present) else { return Err(password::refused()) };
        let claimed = self.claimed(call, &person.user_name).await?;
        let _admitted = core.admission.enter(&throttle::source_of(call)).await?;
        let buckets = self.buckets(call, &person.user_name, claimed.device.as_ref())?;
        let reserved = throttle::reserve(&self.0, call.now, buckets).await?;
        let verdict = match core.hasher.verify(&typed, claimed.hash.as_deref()).await {
            Ok(verdict) => verdict,
            Err(error) => {
                reserved.not_evaluated().await?;
                return Err(error);
            }
        };
        let Some(hash) = claimed.hash.filter(|_| verdict != Verdict::Wrong && person.status == ACTIVE) else {
            return Err(self.note_refusal(call, reserved, Some(&person), verdict).await?);
        };
        let standing = Standing::of(core.store.read(), person).await?;
        let stage = next_stage(&standing, &core.settings(), Proven { may_enrol: true, ..Proven::default() }, call.now)?;
        // Who need not have a factor came here to set one up all the same.
        let stage = if standing.has_factor { stage } else { crate::Stage::Enrol };
        let mut change = core.store.begin().await?;
        password::still_the_password(&change, &standing.user.id, &hash).await?;
        reserved.succeeded(change.txn()).await?;
        let begun =
            stages::begin(&mut change, core, call, &standing, Reached::weakly(stage, &standing, call.now), None)
                .await?;
        // Not spent yet: who leaves half-way comes back by the same link. What spends it is the factor that it opened the way to.
        let opened_by = session::Entity::update_many()
            .col_expr(session::Column::EnrolmentLink, Expr::value(&row.token_hash))
            .filter(session::Column::Id.eq(&begun.1.id));
        change.later(&opened_by);
        let progress = finish::step(core, call, &mut change, &standing, begun, "PASSWORD").await?;
        change.commit().await?;
        Ok(progress)
    }
}
