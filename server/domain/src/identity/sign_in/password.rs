//! The first step: user name and password. Unknown, disabled, invited and wrong give one answer at one cost.

use model::{LocalPath, UserName, name_key};
use sea_orm::{
    ColumnTrait, ConnectionTrait as _, DatabaseBackend, EntityTrait, FromQueryResult as _, IdenStatic as _,
    Iterable as _, JoinType, QueryFilter, QuerySelect, QueryTrait as _, RelationDef,
};

use super::stages::{self, Proven, Reached, Standing, next_stage};
use super::{Progress, SignIn, finish};
use crate::audit::Event;
use crate::authz::{Action, Resource, authorize, authorize_person};
use crate::call::{Call, Stage};
use crate::error::{Error, Result};
use crate::identity::devices;
use crate::identity::passwords::{Password, Verdict};
use crate::identity::sessions::{self, ACTIVE};
use crate::identity::throttle::{self, Bucket, Reserved};
use crate::secret::Secret;
use crate::store::Change;
use crate::store::entity::{device, password, user};

/// The one answer to everything that is not a right password of a person who may sign in.
pub(super) fn refused() -> Error {
    Error::not_accepted("The user name or the password is not right.")
}

/// What is known about a name that was typed.
#[derive(Default)]
pub(super) struct Claimed {
    pub(super) person: Option<user::Model>,
    pub(super) hash: Option<String>,
    pub(super) device: Option<device::Model>,
}

impl SignIn {
    /// First step. Refused with one answer and one timing for unknown, disabled, and wrong password.
    pub async fn password(
        &self,
        call: &Call,
        user_name: &str,
        password: &Secret,
        next: Option<LocalPath>,
    ) -> Result<Progress> {
        authorize(call, Action::SignIn, Resource::Organisation)?;
        let Ok(typed) = Password::parse("password", password) else { return Err(refused()) };
        let claimed = self.claimed(call, user_name).await?;
        let _admitted = self.0.admission.enter(&throttle::source_of(call)).await?;
        let reserved =
            throttle::reserve(&self.0, call.now, self.buckets(call, user_name, claimed.device.as_ref())?).await?;
        let verdict = match self.0.hasher.verify(&typed, claimed.hash.as_deref()).await {
            Ok(verdict) => verdict,
            Err(error) => {
                reserved.not_evaluated().await?;
                return Err(error);
            }
        };
        let (person, hash) = match (claimed.person, claimed.hash) {
            (Some(person), Some(hash)) if verdict != Verdict::Wrong && person.status == ACTIVE => (person, hash),
            (person, _) => return Err(self.note_refusal(call, reserved, person.as_ref(), verdict).await?),
        };
        let anew = match verdict {
            Verdict::RightButOutdated => Some(self.0.hasher.hash(&self.0.entropy, &typed).await?),
            Verdict::Right | Verdict::Wrong => None,
        };
        let right = Right { person, hash, anew, reserved, device: claimed.device };
        self.go_on_with_password(call, right, next).await
    }

    /// Ends the session of this browser.
    pub async fn out(&self, call: &Call) -> Result<()> {
        let person = authorize_person(call, Action::SignOut)?;
        let mut change = self.0.store.begin().await?;
        let which =
            sea_orm::Condition::all().add(crate::store::entity::session::Column::Id.eq(person.session.to_string()));
        sessions::end_where(change.txn(), call.now, "signed out", which).await?;
        change.audit(call, Event::done("Logout").on("user", person.user, person.user_name.clone()));
        change.commit().await
    }

    /// Who a typed name could be. The same query whether or not there is such a person.
    pub(super) async fn claimed(&self, call: &Call, user_name: &str) -> Result<Claimed> {
        let key = UserName::parse(user_name).map_or_else(|_| String::new(), |name| name.key());
        let to_password: RelationDef =
            user::Entity::belongs_to(password::Entity).from(user::Column::Id).to(password::Column::UserId).into();
        let read = self.0.store.read();
        let mut select = user::Entity::find()
            .select_also(password::Entity)
            .join(JoinType::LeftJoin, to_password)
            .join(JoinType::LeftJoin, devices::of_call(call))
            .filter(user::Column::UserNameKey.eq(key));
        for column in device::Column::iter() {
            select = select.column_as(column, format!("C_{}", column.as_str()));
        }
        let Some(row) = read.query_one_raw(select.build(read.get_database_backend())).await? else {
            return Ok(Claimed::default());
        };
        Ok(Claimed {
            person: user::Model::from_query_result_optional(&row, "A_")?,
            hash: password::Model::from_query_result_optional(&row, "B_")?.map(|row| row.hash),
            device: device::Model::from_query_result_optional(&row, "C_")?,
        })
    }

    /// What an attempt pays into: a known browser has a budget of its own, all others pay for source, name and both.
    pub(super) fn buckets(&self, call: &Call, user_name: &str, device: Option<&device::Model>) -> Result<Vec<Bucket>> {
        let (core, limits) = (&*self.0, &self.0.throttle);
        if let Some(device) = device {
            return Ok(vec![Bucket::reset_by_success(core, "device", &device.id, limits.device)?]);
        }
        let (name, source) = (name_key(user_name), throttle::source_of(call));
        Ok(vec![
            Bucket::paid_back(core, "source", &source, limits.source)?,
            Bucket::reset_by_success(core, "name", &name, limits.name)?,
            Bucket::reset_by_success(core, "pair", &format!("{name}\0{source}"), limits.pair)?,
        ])
    }

    /// Writes the true reason down; gives the one answer. The same work for every reason.
    pub(super) async fn note_refusal(
        &self,
        call: &Call,
        reserved: Reserved,
        person: Option<&user::Model>,
        verdict: Verdict,
    ) -> Result<Error> {
        let reason = match person {
            // What is typed as an unknown name may be a password typed into the wrong field: it is not kept.
            None => "there is no such user name",
            Some(_) if verdict == Verdict::Wrong => "the password is wrong, or there is none",
            Some(person) if person.status == "disabled" => "the password is right, and the person is disabled",
            Some(_) => "the password is right, and the person is not active",
        };
        let mut event =
            Event::refused("CredentialVerification", reason).with(serde_json::json!({"CredentialType": "PASSWORD"}));
        if let Some(person) = person {
            event = event.on("user", &person.id, person.user_name.clone());
        }
        let mut change = self.0.store.begin().await?;
        reserved.failed(change.txn()).await?;
        change.audit(call, event);
        change.commit().await?;
        Ok(refused())
    }

    async fn go_on_with_password(&self, call: &Call, right: Right, next: Option<LocalPath>) -> Result<Progress> {
        let mut change = self.0.store.begin().await?;
        let (standing, hash) = Standing::with_password(change.txn(), right.person).await?;
        if self.0.store.is_postgres() {
            // Read again under a lock: it stays as it is until the change commits. A change of SQLite is alone in any case.
            still_the_password(&change, &standing.user.id, &right.hash).await?;
        } else if hash.as_ref() != Some(&right.hash) {
            return Err(refused());
        }
        right.reserved.succeeded(change.txn()).await?;
        let known_place = right.device.as_ref().is_some_and(|device| devices::same_network(device, call));
        let proven = Proven { known_place, ..Proven::default() };
        let stage = match next_stage(&standing, &self.0.settings(), proven, call.now) {
            Ok(stage) => stage,
            Err(error) => {
                let event = Event::refused(
                    "UserAuthentication",
                    "a second factor is needed, and the time to set one up is over",
                );
                change.audit(call, event.on("user", &standing.user.id, standing.user.user_name.clone()));
                change.commit().await?;
                return Err(error);
            }
        };
        let reached = Reached::weakly(stage, &standing, call.now);
        if let Some(anew) = right.anew {
            password::Entity::update_many()
                .col_expr(password::Column::Hash, sea_orm::sea_query::Expr::value(anew))
                .filter(password::Column::UserId.eq(&standing.user.id))
                .filter(password::Column::Hash.eq(&right.hash))
                .exec(change.txn())
                .await?;
        }
        let begun = stages::begin(&mut change, &self.0, call, &standing, reached, next.as_ref()).await?;
        if stage == Stage::SecondFactor {
            let event =
                Event::done("CredentialChallenge").on("user", &standing.user.id, standing.user.user_name.clone());
            change.audit(call, event);
        }
        let device = right.device;
        let progress = finish::step_in(&self.0, call, &mut change, &standing, begun, "PASSWORD", device).await?;
        change.commit().await?;
        Ok(progress)
    }
}

/// A password that was right.
struct Right {
    person: user::Model,
    hash: String,
    anew: Option<String>,
    reserved: Reserved,
    device: Option<device::Model>,
}

/// Refuses when the password was changed or voided since it was verified: no session may come of an old one.
pub(super) async fn still_the_password(change: &Change, user: &str, verified: &str) -> Result<()> {
    let mut query = password::Entity::find_by_id(user);
    if change.txn().get_database_backend() == DatabaseBackend::Postgres {
        query = query.lock_shared();
    }
    let same = query.one(change.txn()).await?.is_some_and(|row| row.hash == verified);
    if same { Ok(()) } else { Err(refused()) }
}
