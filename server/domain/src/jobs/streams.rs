//! Audit entries on their way out: each stream (a webhook, syslog) has a place in every node's chain and moves it forward.
//!
//! A stream begins where the chains stand when the settings name it, in the transaction that changes the settings: nothing
//! that happens afterwards is left out, and nothing from before floods the receiver.

use std::collections::{BTreeSet, HashMap};

use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::outbox::{self, Payload};
use super::stream_state;
use crate::audit::log::shown;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::store::entity::stream::{ActiveModel, Column, Entity};
use crate::store::entity::{audit_entry, audit_head};

/// The stream of all entries to syslog.
pub(crate) const SYSLOG: &str = "syslog";
/// The row that says that a stream exists, and whose it is at the moment.
pub(super) const ITSELF: &str = "";
/// Entries moved in one transaction.
const BATCH: u64 = 200;

/// The streams that the settings name.
pub(crate) fn names(settings: &Settings) -> BTreeSet<String> {
    let webhooks = settings.webhooks.iter().map(|webhook| webhook_stream(&webhook.id));
    webhooks.chain(settings.syslog.iter().map(|_| SYSLOG.to_owned())).collect()
}

/// The stream of a webhook.
pub(crate) fn webhook_stream(id: &str) -> String {
    format!("webhook:{id}")
}

/// Begins a stream where the chains stand now.
pub(crate) async fn begin(txn: &impl ConnectionTrait, stream: &str, now: Timestamp) -> Result<()> {
    let heads = audit_head::Entity::find().all(txn).await?;
    let places = heads.into_iter().map(|head| (head.node, head.seq)).chain([(ITSELF.to_owned(), 0)]);
    let rows = places.map(|(node, seq)| ActiveModel {
        stream: Set(stream.to_owned()),
        node: Set(node),
        seq: Set(seq),
        taken_until: Set(0),
        begun_at: Set(Some(now.0)),
        ..Default::default()
    });
    Entity::insert_many(rows).on_conflict_do_nothing().exec_without_returning(txn).await?;
    Ok(())
}

/// Forgets a stream, and what waits for it.
pub(crate) async fn end(txn: &impl ConnectionTrait, stream: &str) -> Result<()> {
    Entity::delete_many().filter(Column::Stream.eq(stream)).exec(txn).await?;
    outbox::drop_waiting(txn, stream).await
}

/// A chain in which a stream is behind.
pub(crate) struct Behind {
    pub(crate) node: String,
    pub(crate) seq: i64,
}

/// Where a stream is behind. A stream that was never begun begins now; a chain that is new to it is read from its beginning.
pub(crate) async fn behind(core: &Core, stream: &str) -> Result<Vec<Behind>> {
    let read = core.store.read();
    let rows = Entity::find().filter(Column::Stream.eq(stream)).all(read).await?;
    let places: HashMap<String, i64> = rows.into_iter().map(|row| (row.node, row.seq)).collect();
    if !places.contains_key(ITSELF) {
        begin(core.store.write(), stream, core.clock.now()).await?;
        return Ok(Vec::new());
    }
    let heads = audit_head::Entity::find().all(read).await?;
    let behind = heads.into_iter().filter_map(|head| {
        let seq = places.get(&head.node).copied().unwrap_or(0);
        (seq < head.seq).then_some(Behind { node: head.node, seq })
    });
    Ok(behind.collect())
}

/// The entries of a chain after a place.
pub(crate) async fn entries(core: &Core, chain: &Behind, most: u64) -> Result<Vec<audit_entry::Model>> {
    Ok(audit_entry::Entity::find()
        .filter(audit_entry::Column::Node.eq(&chain.node))
        .filter(audit_entry::Column::Seq.gt(chain.seq))
        .order_by_asc(audit_entry::Column::Seq)
        .limit(most)
        .all(core.store.read())
        .await?)
}

/// Moves a stream forward; says whether it stood where it was thought to stand.
pub(crate) async fn advance(txn: &impl ConnectionTrait, stream: &str, chain: &Behind, to: i64) -> Result<bool> {
    if chain.seq == 0 {
        let fresh = ActiveModel {
            stream: Set(stream.to_owned()),
            node: Set(chain.node.clone()),
            seq: Set(0),
            taken_until: Set(0),
            ..Default::default()
        };
        Entity::insert(fresh).on_conflict_do_nothing().exec_without_returning(txn).await?;
    }
    let moved = Entity::update_many()
        .col_expr(Column::Seq, Expr::val(to))
        .filter(Column::Stream.eq(stream))
        .filter(Column::Node.eq(&chain.node))
        .filter(Column::Seq.eq(chain.seq))
        .exec(txn)
        .await?;
    Ok(moved.rows_affected == 1)
}

/// Makes a stream this node's until a moment; says whether it was free.
pub(crate) async fn take(core: &Core, stream: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
    let taken = Entity::update_many()
        .col_expr(Column::TakenUntil, Expr::val(until.0))
        .filter(Column::Stream.eq(stream))
        .filter(Column::Node.eq(ITSELF))
        .filter(Column::TakenUntil.lte(now.0))
        .exec(core.store.write())
        .await?;
    Ok(taken.rows_affected == 1)
}

/// Gives a stream back, for others to take from a moment on.
pub(crate) async fn release(core: &Core, stream: &str, mine_until: Timestamp, free_from: Timestamp) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::TakenUntil, Expr::val(free_from.0))
        .filter(Column::Stream.eq(stream))
        .filter(Column::Node.eq(ITSELF))
        .filter(Column::TakenUntil.eq(mine_until.0))
        .exec(core.store.write())
        .await?;
    Ok(())
}

/// Puts new entries into the outbox of each webhook that wants them: place and rows move in one transaction.
pub(crate) async fn to_webhooks(core: &Core, now: Timestamp) -> Result<()> {
    let settings = core.settings();
    for webhook in &settings.webhooks {
        let stream = webhook_stream(&webhook.id);
        // A stream that pauses stays where it is: what it has to deliver is kept by the log alone.
        if stream_state::is_paused(core, &stream).await? {
            continue;
        }
        for mut chain in behind(core, &stream).await? {
            loop {
                let rows = entries(core, &chain, BATCH).await?;
                let Some(last) = rows.last().map(|row| row.seq) else { break };
                let change = core.store.begin().await?;
                if !advance(change.txn(), &stream, &chain, last).await? {
                    // Another node was here first.
                    break;
                }
                for row in rows.into_iter().filter(|row| webhook.wants(&row.action)) {
                    let event = row.action.clone();
                    let body = json_line(row)?;
                    let payload = Payload::Webhook { webhook: webhook.id.clone(), event, body };
                    outbox::enqueue(change.txn(), core, now, &payload).await?;
                }
                change.commit().await?;
                chain.seq = last;
            }
        }
    }
    Ok(())
}

/// An entry as one line of JSON.
pub(crate) fn json_line(row: audit_entry::Model) -> Result<String> {
    serde_json::to_string(&shown(row, &HashMap::new())).map_err(|e| Error::internal(format!("audit entry: {e}")))
}
