//! Sessions: resolved by token at every request, listed, ended.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{SessionId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JsonValue, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Statement,
};

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize, authorize_person};
use crate::call::{Call, Person, Stage};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::roles;
use crate::keys::Place;
use crate::page::{Page, PageRequest};
use crate::secret::Secret;
use crate::settings::SessionSettings;
use crate::store::entity::{session, user};

/// The state of a person who may sign in.
pub(crate) const ACTIVE: &str = "active";

/// `last_seen_at` is written at most this often.
const SEEN_EVERY: i64 = Timestamp::MINUTE;

/// Living sessions are counted up to this many, so that the count costs little.
pub const MOST_COUNTED: u64 = 10_000;

/// A session as lists show it.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub id: SessionId,
    pub user: UserId,
    pub user_name: String,
    /// The one that asks.
    pub current: bool,
    pub strong: bool,
    pub signed_in_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub source: Option<String>,
    pub user_agent: Option<String>,
}

/// What a person is told after an action, kept with the session until a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// `good`, `warn` or `bad`.
    pub tone: String,
    /// A name in the message catalogue.
    pub message: String,
    /// What goes into it.
    pub values: Vec<String>,
}

/// A resolved cookie.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub person: Person,
    /// As the person likes to be called.
    pub display_name: String,
    /// The end, whatever happens.
    pub expires_at: Timestamp,
    /// Shown by the next page.
    pub notice: Option<Notice>,
    /// The person's preferences, for theme and zone of every page.
    pub preferences: crate::identity::me::Preferences,
}

/// Sessions of browsers.
#[derive(Clone, Debug)]
pub struct Sessions(pub(crate) Arc<Core>);

/// What resolving a cookie reads, in one query.
#[derive(FromQueryResult)]
struct Found {
    id: String,
    user_id: String,
    user_name: String,
    display_name: String,
    status: String,
    preferences: JsonValue,
    stage: String,
    strong: bool,
    signed_in_at: i64,
    confirmed_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    notice: Option<String>,
}

const FIND: &str = "SELECT s.id, s.user_id, u.user_name, u.display_name, u.status, u.preferences, s.stage, s.strong, s.signed_in_at, \
    s.confirmed_at, s.last_seen_at, s.expires_at, s.notice FROM sessions s JOIN users u ON u.id = s.user_id \
    WHERE s.token_hash = $1 AND s.ended_at IS NULL";

impl Sessions {
    /// Who a cookie belongs to: not ended, not idle, not over, of an active person. Called once per request by the edge, before
    /// there is an actor.
    pub async fn resolve(&self, token: &Secret, now: Timestamp) -> Result<Option<Resolved>> {
        let store = &self.0.store;
        // 22 characters carry a token; whatever else a cookie holds is no reason to ask the database.
        if token.expose().len() != 22 {
            return Ok(None);
        }
        let hash = token.digest();
        let statement =
            Statement::from_sql_and_values(store.read().get_database_backend(), FIND, [hash.clone().into()]);
        let Some(found) = Found::find_by_statement(statement).one(store.read()).await? else { return Ok(None) };
        let settings = self.0.settings();
        let Some(stage) = Stage::parse(&found.stage) else {
            return Err(Error::internal(format!("stage {} of session {}", found.stage, found.id)));
        };
        let expires_at = end_of(&found, stage, &settings.session);
        let idle = i64::from(settings.session.idle_minutes) * Timestamp::MINUTE;
        if found.status != ACTIVE || now >= expires_at || now.since(Timestamp(found.last_seen_at)) >= idle {
            return Ok(None);
        }
        if now.since(Timestamp(found.last_seen_at)) >= SEEN_EVERY {
            self.seen(&hash, now).await;
        }
        let held = roles::held_by(store.read(), &found.user_id).await?;
        let notice = match &found.notice {
            Some(sealed) => Some(open_notice(&self.0, &found.id, sealed)?),
            None => None,
        };
        let broken = |e: model::Invalid| Error::internal(format!("session {}: {e}", found.id));
        Ok(Some(Resolved {
            person: Person {
                user: found.user_id.parse().map_err(broken)?,
                user_name: found.user_name,
                session: found.id.parse().map_err(broken)?,
                stage,
                signed_in_at: Timestamp(found.signed_in_at),
                confirmed_at: Timestamp(found.confirmed_at),
                strong: found.strong,
                roles: held.roles,
                scopes: held.scopes,
            },
            display_name: found.display_name,
            expires_at,
            notice,
            preferences: serde_json::from_value(found.preferences).unwrap_or_default(),
        }))
    }

    /// Notes activity. A database that cannot be written to must not sign people out, so a failure is only logged.
    async fn seen(&self, hash: &str, now: Timestamp) {
        let outcome = session::Entity::update_many()
            .col_expr(session::Column::LastSeenAt, Expr::value(now.0))
            .filter(session::Column::TokenHash.eq(hash))
            .filter(session::Column::LastSeenAt.lt(now.0))
            .exec(self.0.store.write())
            .await;
        if let Err(error) = outcome {
            tracing::warn!(%error, "the activity of a session was not noted");
        }
    }

    /// Keeps a notice for the next page of this session. Sealed: recovery codes travel this way.
    pub async fn leave_notice(&self, call: &Call, notice: Notice) -> Result<()> {
        let person = signed_in(call)?;
        let id = person.session.to_string();
        let text = serde_json::to_vec(&notice).map_err(|e| Error::internal(format!("notice: {e}")))?;
        let sealed = self.0.keys.seal(&self.0.entropy, Place("sessions", "notice", &id), &text)?;
        self.set_notice(&id, Some(sealed)).await
    }

    /// Forgets the notice once a page has shown it.
    pub async fn clear_notice(&self, call: &Call) -> Result<()> {
        let person = signed_in(call)?;
        self.set_notice(&person.session.to_string(), None).await
    }

    async fn set_notice(&self, id: &str, sealed: Option<String>) -> Result<()> {
        session::Entity::update_many()
            .col_expr(session::Column::Notice, Expr::value(sealed))
            .filter(session::Column::Id.eq(id))
            .filter(session::Column::EndedAt.is_null())
            .exec(self.0.store.write())
            .await?;
        Ok(())
    }

    /// All sessions that live (administration), newest first; of one person where given.
    pub async fn list(&self, call: &Call, of: Option<UserId>, page: &PageRequest) -> Result<Page<SessionView>> {
        authorize(call, Action::SeeSessions, Resource::Organisation)?;
        let own = match &call.actor {
            crate::Actor::Person(person) => Some(person.session),
            _ => None,
        };
        let mut query = session::Entity::find().filter(living(call.now, &self.0.settings().session));
        if let Some(user) = of {
            query = query.filter(session::Column::UserId.eq(user.to_string()));
        }
        let backwards = match page.cursor.as_deref().map(read_cursor).transpose()? {
            Some((backwards, at, id)) => {
                let (time, key) = (session::Column::CreatedAt, session::Column::Id);
                let beyond = if backwards {
                    time.gt(at).or(time.eq(at).and(key.gt(id)))
                } else {
                    time.lt(at).or(time.eq(at).and(key.lt(id)))
                };
                query = query.filter(beyond);
                Some(backwards)
            }
            None => None,
        };
        query = if backwards == Some(true) {
            query.order_by_asc(session::Column::CreatedAt).order_by_asc(session::Column::Id)
        } else {
            query.order_by_desc(session::Column::CreatedAt).order_by_desc(session::Column::Id)
        };
        let size = usize::try_from(page.size()).unwrap_or(200);
        let mut rows = query.limit(page.size() + 1).all(self.0.store.read()).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        if backwards == Some(true) {
            rows.reverse();
        }
        let (further, nearer) = if backwards == Some(true) { (true, more) } else { (more, backwards.is_some()) };
        let next = rows.last().filter(|_| further).map(|row| cursor(false, row));
        let previous = rows.first().filter(|_| nearer).map(|row| cursor(true, row));
        let rows = views(self.0.store.read(), rows, own).await?;
        Ok(Page { rows, total: None, next, previous })
    }

    /// How many sessions live; counting ends one beyond [`MOST_COUNTED`].
    pub async fn count(&self, call: &Call) -> Result<u64> {
        authorize(call, Action::SeeSessions, Resource::Organisation)?;
        let living = session::Entity::find()
            .select_only()
            .column(session::Column::Id)
            .filter(living(call.now, &self.0.settings().session))
            .limit(MOST_COUNTED + 1)
            .into_query();
        let count = Query::select()
            .expr(Func::count(Expr::col(session::Column::Id)))
            .from_subquery(living, "living")
            .to_owned();
        let row = self.0.store.read().query_one(&count).await?.ok_or_else(|| Error::internal("a count has a row"))?;
        Ok(u64::try_from(row.try_get_by_index::<i64>(0)?).unwrap_or(0))
    }

    /// Ends one session (administration).
    pub async fn end(&self, call: &Call, session: SessionId) -> Result<()> {
        authorize(call, Action::EndSessions, Resource::Organisation)?;
        let row = session::Entity::find()
            .filter(session::Column::Id.eq(session.to_string()))
            .one(self.0.store.read())
            .await?;
        let row = row.ok_or_else(|| Error::not_found("session"))?;
        let owner = self.authorize_end(call, &row.user_id).await?;
        let mut change = self.0.store.begin().await?;
        if end_where(change.txn(), call.now, "ended by an administrator", session::Column::Id.eq(&row.id).into())
            .await?
            == 0
        {
            return Err(Error::not_found("session"));
        }
        change.audit(
            call,
            Event::done("DeleteSession")
                .on("user", &owner.id, owner.user_name)
                .with(serde_json::json!({"session": row.id})),
        );
        change.commit().await
    }

    /// Ends all sessions of a person (administration).
    pub async fn end_all_of(&self, call: &Call, user: UserId) -> Result<u64> {
        let owner = self.authorize_end(call, &user.to_string()).await?;
        let mut change = self.0.store.begin().await?;
        let ended = end_all(change.txn(), call.now, &owner.id, "ended by an administrator").await?;
        change.audit(
            call,
            Event::done("BatchDeleteSession")
                .on("user", &owner.id, owner.user_name)
                .with(serde_json::json!({"sessions": ended})),
        );
        change.commit().await?;
        Ok(ended)
    }

    async fn authorize_end(&self, call: &Call, user: &str) -> Result<user::Model> {
        let rank = roles::held_by(self.0.store.read(), user).await?.roles.first().copied();
        let id: UserId = user.parse().map_err(|e| Error::internal(format!("user {user}: {e}")))?;
        authorize(call, Action::EndSessions, Resource::Person { user: id, rank })?;
        user::Entity::find_by_id(user).one(self.0.store.read()).await?.ok_or_else(|| Error::not_found("person"))
    }
}

/// The person of a session at whatever stage.
fn signed_in(call: &Call) -> Result<&Person> {
    authorize_person(call, Action::SignOut)
}

/// The end of a session. A shorter life in the settings counts for sessions that exist already.
fn end_of(found: &Found, stage: Stage, settings: &SessionSettings) -> Timestamp {
    let kept = Timestamp(found.expires_at);
    if stage == Stage::Full {
        kept.min(Timestamp(found.signed_in_at).plus(i64::from(settings.portal_minutes) * Timestamp::MINUTE))
    } else {
        kept
    }
}

fn open_notice(core: &Core, id: &str, sealed: &str) -> Result<Notice> {
    let text = core.keys.open(Place("sessions", "notice", id), sealed)?;
    serde_json::from_slice(&text).map_err(|e| Error::internal(format!("notice: {e}")))
}

/// Complete sessions that a cookie would still open.
pub(crate) fn living(now: Timestamp, settings: &SessionSettings) -> Condition {
    Condition::all()
        .add(session::Column::EndedAt.is_null())
        .add(session::Column::Stage.eq(Stage::Full.as_str()))
        .add(session::Column::ExpiresAt.gt(now.0))
        .add(session::Column::SignedInAt.gt(now.0 - i64::from(settings.portal_minutes) * Timestamp::MINUTE))
        .add(session::Column::LastSeenAt.gt(now.0 - i64::from(settings.idle_minutes) * Timestamp::MINUTE))
}

/// Rows as lists show them, with the names of their owners.
pub(crate) async fn views<C: ConnectionTrait>(
    conn: &C,
    rows: Vec<session::Model>,
    own: Option<SessionId>,
) -> Result<Vec<SessionView>> {
    let mut owners: Vec<&str> = rows.iter().map(|row| row.user_id.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    let names: std::collections::HashMap<String, String> = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::UserName])
        .filter(user::Column::Id.is_in(owners))
        .into_tuple::<(String, String)>()
        .all(conn)
        .await?
        .into_iter()
        .collect();
    rows.into_iter()
        .map(|row| {
            let broken = |e: model::Invalid| Error::internal(format!("session {}: {e}", row.id));
            let id: SessionId = row.id.parse().map_err(broken)?;
            Ok(SessionView {
                id,
                user: row.user_id.parse().map_err(broken)?,
                user_name: names.get(&row.user_id).cloned().unwrap_or_default(),
                current: own == Some(id),
                strong: row.strong,
                signed_in_at: Timestamp(row.signed_in_at),
                last_seen_at: Timestamp(row.last_seen_at),
                expires_at: Timestamp(row.expires_at),
                source: row.source,
                user_agent: row.user_agent,
            })
        })
        .collect()
}

/// Ends what matches and lives; says how many.
pub(crate) async fn end_where<C: ConnectionTrait>(txn: &C, now: Timestamp, why: &str, which: Condition) -> Result<u64> {
    let ended = session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(now.0))
        .col_expr(session::Column::EndedWhy, Expr::value(why))
        .col_expr(session::Column::Notice, Expr::value(Option::<String>::None))
        .filter(session::Column::EndedAt.is_null())
        .filter(which)
        .exec(txn)
        .await?;
    Ok(ended.rows_affected)
}

/// Ends every session of a person, inside the change that causes it.
pub(crate) async fn end_all<C: ConnectionTrait>(txn: &C, now: Timestamp, user: &str, why: &str) -> Result<u64> {
    end_where(txn, now, why, Condition::all().add(session::Column::UserId.eq(user))).await
}

/// Removes sessions that ended or ran out more than 30 days ago. They are kept that long to answer "was that me?".
pub async fn clean_up(store: &crate::store::Store, now: Timestamp) -> Result<u64> {
    let old = now.plus(-30 * Timestamp::DAY).0;
    let gone = session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(old)).exec(store.write()).await?;
    Ok(gone.rows_affected)
}

fn cursor(backwards: bool, row: &session::Model) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{}.{}", if backwards { 'b' } else { 'f' }, row.created_at, row.id))
}

fn read_cursor(text: &str) -> Result<(bool, i64, String)> {
    let refused = || Error::invalid("cursor", "is not one of ours");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
    let plain = String::from_utf8(bytes).map_err(|_| refused())?;
    let (backwards, rest) = match plain.split_at_checked(1) {
        Some(("b", rest)) => (true, rest),
        Some(("f", rest)) => (false, rest),
        _ => return Err(refused()),
    };
    let (at, id) = rest.split_once('.').ok_or_else(refused)?;
    let id: SessionId = id.parse().map_err(|_| refused())?;
    Ok((backwards, at.parse().map_err(|_| refused())?, id.to_string()))
}
