//! How streams of audit entries fare: the last delivery, the last failure, what waits, and whether somebody let them pause.

use std::collections::HashMap;

use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, UpdateMany};

use super::outbox;
use super::streams::{Behind, ITSELF};
use crate::core::Core;
use crate::error::Result;
use crate::store::entity::stream::{Column, Entity};
use crate::store::entity::{audit_entry, audit_head};

/// Notes how the last delivery of a stream went.
pub(crate) async fn note(
    db: &impl ConnectionTrait,
    stream: &str,
    now: Timestamp,
    outcome: std::result::Result<(), String>,
) -> Result<()> {
    let update = itself(stream);
    let update = match outcome {
        Ok(()) => update.col_expr(Column::DeliveredAt, Expr::val(now.0)),
        Err(reason) => {
            update.col_expr(Column::FailedAt, Expr::val(now.0)).col_expr(Column::LastError, Expr::val(reason))
        }
    };
    update.exec(db).await?;
    Ok(())
}

/// Forgets how a stream fared: it goes somewhere else now.
pub(crate) async fn forget_state(txn: &impl ConnectionTrait, stream: &str) -> Result<()> {
    itself(stream)
        .col_expr(Column::DeliveredAt, Expr::val(Option::<i64>::None))
        .col_expr(Column::FailedAt, Expr::val(Option::<i64>::None))
        .col_expr(Column::LastError, Expr::val(Option::<String>::None))
        .exec(txn)
        .await?;
    Ok(())
}

/// Lets a stream pause, or go on; says whether it did the other thing before. What had to wait is due at once.
pub(crate) async fn pause(txn: &impl ConnectionTrait, stream: &str, now: Timestamp, paused: bool) -> Result<bool> {
    let changed = itself(stream)
        .col_expr(Column::PausedAt, Expr::val(paused.then_some(now.0)))
        .filter(if paused { Column::PausedAt.is_null() } else { Column::PausedAt.is_not_null() })
        .exec(txn)
        .await?;
    if !paused {
        outbox::hurry(txn, stream, now).await?;
    }
    Ok(changed.rows_affected == 1)
}

/// Whether a stream pauses.
pub(crate) async fn is_paused(core: &Core, stream: &str) -> Result<bool> {
    let row = Entity::find_by_id((stream.to_owned(), ITSELF.to_owned())).one(core.store.read()).await?;
    Ok(row.is_some_and(|row| row.paused_at.is_some()))
}

fn itself(stream: &str) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Stream.eq(stream)).filter(Column::Node.eq(ITSELF))
}

/// How a stream fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// Entries from this moment on are delivered.
    pub begun_at: Option<Timestamp>,
    /// Since when nothing is delivered, because somebody said so.
    pub paused_at: Option<Timestamp>,
    /// The last delivery.
    pub delivered_at: Option<Timestamp>,
    /// The last failure, and what went wrong.
    pub failed_at: Option<Timestamp>,
    pub last_error: Option<String>,
    /// Entries that still have to be delivered.
    pub waiting: u64,
}

impl StreamState {
    /// Whether the last attempt failed.
    pub fn is_failing(&self) -> bool {
        self.failed_at.is_some() && self.failed_at >= self.delivered_at
    }
}

/// How all streams fare, by their names. `wants` names the actions that a stream delivers; nothing: all of them.
pub(crate) async fn states(
    core: &Core,
    wants: impl Fn(&str) -> Option<Vec<String>>,
) -> Result<HashMap<String, StreamState>> {
    let read = core.store.read();
    let rows = Entity::find().all(read).await?;
    let heads = audit_head::Entity::find().all(read).await?;
    let in_outbox = outbox::waiting(read).await?;
    let places: HashMap<(&str, &str), i64> =
        rows.iter().map(|row| ((row.stream.as_str(), row.node.as_str()), row.seq)).collect();
    let mut states = HashMap::new();
    for row in rows.iter().filter(|row| row.node == ITSELF) {
        let mut waiting = in_outbox.get(&row.stream).copied().unwrap_or(0);
        for head in &heads {
            let seq = places.get(&(row.stream.as_str(), head.node.as_str())).copied().unwrap_or(0);
            if seq < head.seq {
                waiting += ahead(read, &Behind { node: head.node.clone(), seq }, wants(&row.stream)).await?;
            }
        }
        let moment = |at: Option<i64>| at.map(Timestamp);
        let state = StreamState {
            begun_at: moment(row.begun_at),
            paused_at: moment(row.paused_at),
            delivered_at: moment(row.delivered_at),
            failed_at: moment(row.failed_at),
            last_error: row.last_error.clone(),
            waiting,
        };
        states.insert(row.stream.clone(), state);
    }
    Ok(states)
}

/// How many entries of a chain come after a place; only those of some actions, where given.
async fn ahead(db: &impl ConnectionTrait, chain: &Behind, actions: Option<Vec<String>>) -> Result<u64> {
    let mut select = audit_entry::Entity::find()
        .filter(audit_entry::Column::Node.eq(&chain.node))
        .filter(audit_entry::Column::Seq.gt(chain.seq));
    if let Some(actions) = actions {
        select = select.filter(audit_entry::Column::Action.is_in(actions));
    }
    Ok(select.count(db).await?)
}
