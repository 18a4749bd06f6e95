//! Where a proof leads: to the next step of the sign-in, or in. And how a session goes there: with a new token each time.

use model::{LocalPath, SessionId, Timestamp};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::Step;
use crate::call::{Call, Person, Stage};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::roles::{self, Held};
use crate::secret::Secret;
use crate::settings::{MfaPolicy, Settings};
use crate::store::Change;
use crate::store::entity::{factor, session, user};

/// How long a sign-in may stay half-way.
const HALF_WAY_LASTS: i64 = 15 * Timestamp::MINUTE;

/// What decides where a sign-in leads.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) user: user::Model,
    pub(crate) held: Held,
    pub(crate) has_factor: bool,
}

impl Standing {
    /// Reads it.
    pub(crate) async fn of<C: ConnectionTrait>(conn: &C, user: user::Model) -> Result<Self> {
        Ok(Self::with_password(conn, user).await?.0)
    }

    /// [`Self::of`], together with the hash of the password the person has now.
    pub(crate) async fn with_password<C: ConnectionTrait>(
        conn: &C,
        user: user::Model,
    ) -> Result<(Self, Option<String>)> {
        let roles::Standing { held, has_factor, password } = roles::standing(conn, &user.id).await?;
        Ok((Self { user, held, has_factor }, password))
    }

    /// [`Self::of`] by id.
    pub(crate) async fn of_id<C: ConnectionTrait>(conn: &C, id: &str) -> Result<Self> {
        let user = user::Entity::find_by_id(id).one(conn).await?.ok_or_else(Error::sign_in_needed)?;
        Self::of(conn, user).await
    }

    /// Whether this person cannot do without a second factor.
    pub(crate) fn needs_factor(&self, settings: &Settings) -> bool {
        !self.held.roles.is_empty() || settings.mfa.policy == MfaPolicy::Required
    }

    /// Until when a first factor may be set up without a link from an administrator.
    pub(crate) fn may_enrol_until(&self, settings: &Settings) -> Timestamp {
        let from_creation = self.user.created_at + i64::from(settings.mfa.enrol_within_days) * Timestamp::DAY;
        Timestamp(self.user.enrol_by.unwrap_or(from_creation))
    }

    /// Refuses who needs a first factor and has let the time for it pass: from then on only a link opens enrolment.
    pub(crate) fn in_time_to_enrol(&self, settings: &Settings, now: Timestamp) -> Result<()> {
        if !self.has_factor && self.needs_factor(settings) && now > self.may_enrol_until(settings) {
            return Err(Error::forbidden_because(
                "You need a second factor, and the time to set one up is over. Ask an administrator for a link to set one up.",
            ));
        }
        Ok(())
    }
}

/// What has been proven on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Proven {
    /// A second factor, or a passkey.
    pub(crate) factor: bool,
    /// A browser and a network this person was seen with before.
    pub(crate) known_place: bool,
    /// A link that opens enrolment whatever the time.
    pub(crate) may_enrol: bool,
}

/// The next stage. Refused only where a factor is needed, there is none, and the time to set one up is over.
pub(crate) fn next_stage(standing: &Standing, settings: &Settings, proven: Proven, now: Timestamp) -> Result<Stage> {
    if !proven.factor {
        let asked_by_context =
            settings.mfa.policy != MfaPolicy::ContextAware || !standing.held.roles.is_empty() || !proven.known_place;
        if standing.has_factor && asked_by_context {
            return Ok(Stage::SecondFactor);
        }
        if !standing.has_factor && standing.needs_factor(settings) {
            if !proven.may_enrol {
                standing.in_time_to_enrol(settings, now)?;
            }
            return Ok(Stage::Enrol);
        }
    }
    Ok(if standing.user.must_change_password { Stage::NewPassword } else { Stage::Full })
}

/// Opens enrolment for everybody who has no factor: inside the change of settings after which a factor is required.
pub(crate) async fn open_enrolment<C: ConnectionTrait>(txn: &C, now: Timestamp, days: u32) -> Result<u64> {
    let with_factor = Query::select().column(factor::Column::UserId).from(factor::Entity).to_owned();
    let until = now.plus(i64::from(days) * Timestamp::DAY).0;
    let opened = user::Entity::update_many()
        .col_expr(user::Column::EnrolBy, Expr::value(until))
        .filter(user::Column::Id.not_in_subquery(with_factor))
        .exec(txn)
        .await?;
    Ok(opened.rows_affected)
}

/// The page of a stage.
pub(crate) fn step_of(stage: Stage, next: Option<&str>) -> Step {
    match stage {
        Stage::SecondFactor => Step::SecondFactor,
        Stage::Enrol => Step::Enrol,
        Stage::NewPassword => Step::NewPassword,
        Stage::Full => {
            Step::Done(next.and_then(|next| LocalPath::parse(next).ok()).unwrap_or_else(|| LocalPath::ours("/start")))
        }
    }
}

/// The end of a session that is at this stage now.
pub(crate) fn expiry(stage: Stage, signed_in_at: Timestamp, settings: &Settings, now: Timestamp) -> Timestamp {
    if stage == Stage::Full {
        signed_in_at.plus(i64::from(settings.session.portal_minutes) * Timestamp::MINUTE)
    } else {
        now.plus(HALF_WAY_LASTS)
    }
}

/// How far a session has come, and by what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) stage: Stage,
    pub(crate) strong: bool,
    pub(crate) confirmed_at: Timestamp,
}

impl Reached {
    /// By a factor.
    pub(crate) fn strongly(stage: Stage, now: Timestamp) -> Self {
        Self { stage, strong: true, confirmed_at: now }
    }

    /// By a password or a link alone. Who has a factor and was spared it has confirmed nothing that sensitive actions could
    /// rely on.
    pub(crate) fn weakly(stage: Stage, standing: &Standing, now: Timestamp) -> Self {
        Self { stage, strong: false, confirmed_at: if standing.has_factor { Timestamp(0) } else { now } }
    }
}

/// A new session after a first proof.
pub(crate) async fn begin(
    change: &mut Change,
    core: &Core,
    call: &Call,
    standing: &Standing,
    reached: Reached,
    next: Option<&LocalPath>,
) -> Result<(Secret, session::Model)> {
    // Whoever signs in again in the same browser leaves the session before.
    if let crate::Actor::Person(before) = &call.actor {
        let which = sea_orm::Condition::all().add(session::Column::Id.eq(before.session.to_string()));
        crate::identity::sessions::end_where(change.txn(), call.now, "signed in again", which).await?;
    }
    let token = Secret::random_128(&core.entropy)?;
    let row = session::Model {
        token_hash: token.digest(),
        id: SessionId::from_random(core.entropy.bytes()?).to_string(),
        user_id: standing.user.id.clone(),
        stage: reached.stage.as_str().to_owned(),
        strong: reached.strong,
        signed_in_at: call.now.0,
        confirmed_at: reached.confirmed_at.0,
        created_at: call.now.0,
        last_seen_at: call.now.0,
        expires_at: expiry(reached.stage, call.now, &core.settings(), call.now).0,
        source: call.source.map(|source| source.to_string()),
        user_agent: call.user_agent.clone(),
        next: next.map(|next| next.as_str().to_owned()),
        notice: None,
        ended_at: None,
        ended_why: None,
        enrolment_link: None,
    };
    change.later(&session::Entity::insert(session::ActiveModel::from(row.clone()).reset_all()));
    Ok((token, row))
}

/// The row of the caller's session.
pub(crate) async fn row_of<C: ConnectionTrait>(conn: &C, person: &Person) -> Result<session::Model> {
    session::Entity::find()
        .filter(session::Column::Id.eq(person.session.to_string()))
        .filter(session::Column::EndedAt.is_null())
        .one(conn)
        .await?
        .ok_or_else(Error::sign_in_needed)
}

/// Takes a session further: a new token, and the old one dead, in one update that must touch one row. Of two requests that
/// would go on from the same step, one is refused.
pub(crate) async fn promote<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    now: Timestamp,
    row: &session::Model,
    reached: Reached,
) -> Result<(Secret, session::Model)> {
    let token = Secret::random_128(&core.entropy)?;
    let Reached { stage, strong, confirmed_at } = reached;
    let expires_at = expiry(stage, Timestamp(row.signed_in_at), &core.settings(), now);
    let further = session::Model {
        token_hash: token.digest(),
        stage: stage.as_str().to_owned(),
        strong,
        confirmed_at: confirmed_at.0,
        last_seen_at: now.0,
        expires_at: expires_at.0,
        ..row.clone()
    };
    let touched = session::Entity::update_many()
        .col_expr(session::Column::TokenHash, Expr::value(further.token_hash.clone()))
        .col_expr(session::Column::Stage, Expr::value(further.stage.clone()))
        .col_expr(session::Column::Strong, Expr::value(strong))
        .col_expr(session::Column::ConfirmedAt, Expr::value(confirmed_at.0))
        .col_expr(session::Column::LastSeenAt, Expr::value(now.0))
        .col_expr(session::Column::ExpiresAt, Expr::value(expires_at.0))
        .filter(session::Column::TokenHash.eq(&row.token_hash))
        .filter(session::Column::Stage.eq(&row.stage))
        .filter(session::Column::EndedAt.is_null())
        .exec(txn)
        .await?;
    if touched.rows_affected != 1 {
        return Err(Error::sign_in_needed());
    }
    Ok((token, further))
}

/// The person of a session row, for audit entries of its own step.
pub(crate) fn person_of(row: &session::Model, standing: &Standing) -> Result<Person> {
    let broken = |e: model::Invalid| Error::internal(format!("session {}: {e}", row.id));
    Ok(Person {
        user: row.user_id.parse().map_err(broken)?,
        user_name: standing.user.user_name.clone(),
        session: row.id.parse().map_err(broken)?,
        stage: Stage::parse(&row.stage).ok_or_else(|| Error::internal(format!("stage {}", row.stage)))?,
        signed_in_at: Timestamp(row.signed_in_at),
        confirmed_at: Timestamp(row.confirmed_at),
        strong: row.strong,
        roles: standing.held.roles.clone(),
        scopes: standing.held.scopes.clone(),
    })
}
