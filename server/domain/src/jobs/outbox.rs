//! The outbox: what has to leave the process, kept in the transaction that causes it until it has left.
//!
//! A row is taken by an update that must touch it alone, for a lease that outlives every delivery's own time limit; a node
//! that dies leaves the row to the others when the lease is over. A delivery is therefore made at least once, and the row's
//! id goes along as message or webhook id, so that the other side can tell a repetition.

use std::collections::HashMap;
use std::net::IpAddr;

use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::error::{Error, Result};
use crate::jobs::{stream_state, streams};
use crate::keys::Place;
use crate::store::entity::outbox::{ActiveModel, Column, Entity, Model};

/// How long a row is one node's alone. Longer than any delivery may take.
const LEASE: i64 = 2 * Timestamp::MINUTE;
/// The first waiting time after a failure; it doubles each time.
const FIRST_WAIT: i64 = 5 * Timestamp::SECOND;
/// The longest waiting time.
const LONGEST_WAIT: i64 = Timestamp::HOUR;
/// After so many attempts (about two and a half hours) a delivery has failed for good.
pub const MOST_ATTEMPTS: i64 = 12;

/// So much of a reason is kept.
pub(crate) const LONGEST_REASON: usize = 500;

/// What is delivered. Sealed at rest: a mail may carry a one-time link.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(crate) enum Payload {
    /// A mail in plain text.
    Mail {
        /// To whom.
        to: String,
        /// One line.
        subject: String,
        /// The words.
        text: String,
    },
    /// Somebody has forgotten a password: whoever is meant gets a link by mail.
    ResetLinks {
        /// A name or an address.
        typed: String,
        /// The request that asked, for the audit entry and the mail.
        request_id: String,
        /// Where it came from.
        source: Option<IpAddr>,
        /// With which browser.
        user_agent: Option<String>,
    },
    /// An event for a webhook; where it goes and how it is signed is read from the settings when it leaves.
    Webhook {
        /// Which of the webhooks of the settings.
        webhook: String,
        /// What happened.
        event: String,
        /// The body.
        body: String,
    },
}

const MAIL: &str = "mail";
const RESET: &str = "reset";
const WEBHOOK: &str = "webhook";
/// Every kind of delivery.
pub(super) const KINDS: [&str; 3] = [MAIL, RESET, WEBHOOK];

impl Payload {
    fn kind(&self) -> &'static str {
        match self {
            Self::Mail { .. } => MAIL,
            Self::ResetLinks { .. } => RESET,
            Self::Webhook { .. } => WEBHOOK,
        }
    }

    /// The stream that a delivery belongs to.
    fn stream(&self) -> Option<String> {
        match self {
            Self::Mail { .. } | Self::ResetLinks { .. } => None,
            Self::Webhook { webhook, .. } => Some(streams::webhook_stream(webhook)),
        }
    }
}

/// Why a delivery did not happen.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Try again later.
    ForNow(String),
    /// It will never work.
    ForGood(String),
    /// The stream pauses: this was no attempt.
    Paused,
}

impl Failure {
    /// What went wrong, for the log and for administrators.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::ForNow(reason) | Self::ForGood(reason) => reason,
            Self::Paused => "paused",
        }
    }
}

/// A row that is this node's until the lease ends.
pub(crate) struct Taken {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created_at: Timestamp,
    pub(crate) payload: Result<Payload>,
    stream: Option<String>,
    attempts: i64,
    until: i64,
}

/// Puts a mail into the outbox, inside the caller's transaction. Where no mail is configured nothing is kept.
pub async fn enqueue_mail(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    to: &str,
    subject: &str,
    text: &str,
) -> Result<()> {
    if core.mail.is_none() {
        return Ok(());
    }
    enqueue(txn, core, now, &Payload::Mail { to: to.to_owned(), subject: subject.to_owned(), text: text.to_owned() })
        .await
}

pub(crate) async fn enqueue(txn: &impl ConnectionTrait, core: &Core, now: Timestamp, payload: &Payload) -> Result<()> {
    let id = data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?);
    let plain = serde_json::to_vec(payload).map_err(|e| Error::internal(format!("outbox: {e}")))?;
    let row = Model {
        sealed: core.keys.seal(&core.entropy, Place("outbox", "sealed", &id), &plain)?,
        id,
        kind: payload.kind().to_owned(),
        created_at: now.0,
        due_at: now.0,
        attempts: 0,
        taken_until: 0,
        done_at: None,
        failed_at: None,
        last_error: None,
        stream: payload.stream(),
    };
    Entity::insert(ActiveModel::from(row).reset_all()).exec_without_returning(txn).await?;
    // Too early by the length of the commit at worst; the loop looks again within a second.
    core.outbox_wake.notify_one();
    Ok(())
}

/// When the next row is due; nothing: the outbox is empty.
pub(crate) async fn next_due(core: &Core) -> Result<Option<Timestamp>> {
    let due: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::DueAt.min(), "due")
        .filter(open())
        .into_tuple()
        .one(core.store.read())
        .await?;
    Ok(due.flatten().map(Timestamp))
}

pub(super) fn open() -> sea_orm::Condition {
    sea_orm::Condition::all().add(Column::DoneAt.is_null()).add(Column::FailedAt.is_null())
}

/// Takes up to `most` rows that are due.
pub(crate) async fn take(core: &Core, now: Timestamp, most: u64) -> Result<Vec<Taken>> {
    let due = Entity::find()
        .filter(open())
        .filter(Column::DueAt.lte(now.0))
        .order_by_asc(Column::DueAt)
        .limit(most)
        .all(core.store.read())
        .await?;
    let until = now.plus(LEASE).0;
    let mut taken = Vec::with_capacity(due.len());
    for row in due {
        let mine = Entity::update_many()
            .col_expr(Column::TakenUntil, Expr::val(until))
            .col_expr(Column::DueAt, Expr::val(until))
            .col_expr(Column::Attempts, Expr::val(row.attempts + 1))
            .filter(Column::Id.eq(&row.id))
            .filter(open())
            .filter(Column::DueAt.eq(row.due_at))
            .filter(Column::Attempts.eq(row.attempts))
            .exec(core.store.write())
            .await?;
        if mine.rows_affected == 1 {
            let payload = unseal(core, &row);
            let (attempts, created_at) = (row.attempts + 1, Timestamp(row.created_at));
            let Model { id, kind, stream, .. } = row;
            taken.push(Taken { id, kind, created_at, payload, stream, attempts, until });
        }
    }
    Ok(taken)
}

fn unseal(core: &Core, row: &Model) -> Result<Payload> {
    let plain = core.keys.open(Place("outbox", "sealed", &row.id), &row.sealed)?;
    serde_json::from_slice(&plain).map_err(|e| Error::internal(format!("outbox payload: {e}")))
}

/// Notes how a delivery went. Returns whether it has failed for good.
pub(crate) async fn settle(
    core: &Core,
    now: Timestamp,
    taken: &Taken,
    outcome: std::result::Result<(), Failure>,
) -> Result<bool> {
    let mut update = Entity::update_many().filter(Column::Id.eq(&taken.id)).filter(Column::TakenUntil.eq(taken.until));
    let (mut for_good, mut noted) = (false, None);
    match outcome {
        // What has left is not kept: a mail may carry a link.
        Ok(()) => {
            update = update.col_expr(Column::DoneAt, Expr::val(now.0)).col_expr(Column::Sealed, Expr::val(""));
            noted = Some(Ok(()));
        }
        // It is looked at again now and then, and at once when the stream goes on.
        Err(Failure::Paused) => {
            update = update
                .col_expr(Column::DueAt, Expr::val(now.plus(LONGEST_WAIT).0))
                .col_expr(Column::Attempts, Expr::val(taken.attempts - 1))
                .col_expr(Column::TakenUntil, Expr::val(0_i64));
        }
        Err(failure) => {
            for_good = matches!(failure, Failure::ForGood(_)) || taken.attempts >= MOST_ATTEMPTS;
            let reason = failure.reason();
            tracing::warn!(
                outbox.id = %taken.id, outbox.kind = %taken.kind, attempt = taken.attempts, for_good, reason,
                "a delivery did not succeed"
            );
            let reason: String = reason.chars().take(LONGEST_REASON).collect();
            update = update.col_expr(Column::LastError, Expr::val(reason.clone()));
            update = if for_good {
                update.col_expr(Column::FailedAt, Expr::val(now.0)).col_expr(Column::Sealed, Expr::val(""))
            } else {
                update
                    .col_expr(Column::DueAt, Expr::val(now.plus(wait_after(taken.attempts)).0))
                    .col_expr(Column::TakenUntil, Expr::val(0_i64))
            };
            noted = Some(Err(reason));
        }
    }
    // Where the lease ended meanwhile, another node has the row now: its own outcome counts.
    let counts = update.exec(core.store.write()).await?.rows_affected == 1;
    if let (true, Some(outcome), Some(stream)) = (counts, noted, &taken.stream) {
        stream_state::note(core.store.write(), stream, now, outcome).await?;
    }
    Ok(for_good && counts)
}

/// Waiting after so many attempts.
fn wait_after(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(20);
    (FIRST_WAIT << doublings).min(LONGEST_WAIT)
}

/// Makes what waits for a stream due now, except what is under way.
pub(crate) async fn hurry(txn: &impl ConnectionTrait, stream: &str, now: Timestamp) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::val(now.0))
        .filter(Column::Stream.eq(stream))
        .filter(open())
        .filter(Column::TakenUntil.lte(now.0))
        .exec(txn)
        .await?;
    Ok(())
}

/// Forgets what waits for a stream.
pub(crate) async fn drop_waiting(txn: &impl ConnectionTrait, stream: &str) -> Result<()> {
    Entity::delete_many().filter(Column::Stream.eq(stream)).filter(open()).exec(txn).await?;
    Ok(())
}

/// How much waits for each stream.
pub(crate) async fn waiting(db: &impl ConnectionTrait) -> Result<HashMap<String, u64>> {
    let counted: Vec<(Option<String>, i64)> = Entity::find()
        .select_only()
        .column(Column::Stream)
        .column_as(Column::Id.count(), "waiting")
        .filter(open())
        .filter(Column::Stream.is_not_null())
        .group_by(Column::Stream)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counted.into_iter().filter_map(|(stream, many)| Some((stream?, u64::try_from(many).unwrap_or(0)))).collect())
}

/// Forgets rows that were done or given up before a moment.
pub(crate) async fn sweep(core: &Core, before: Timestamp) -> Result<u64> {
    let old = sea_orm::Condition::any().add(Column::DoneAt.lt(before.0)).add(Column::FailedAt.lt(before.0));
    Ok(Entity::delete_many().filter(old).exec(core.store.write()).await?.rows_affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_an_hour() {
        assert_eq!(wait_after(1), FIRST_WAIT);
        assert_eq!(wait_after(2), 2 * FIRST_WAIT);
        assert_eq!(wait_after(60), LONGEST_WAIT);
        assert!(
            (1..MOST_ATTEMPTS).map(wait_after).sum::<i64>() > 2 * Timestamp::HOUR,
            "a mail server may be away for two hours"
        );
    }
}
