//! How the work behind the requests stands, for the metrics: passwords, deliveries, streams. No figure names a person.

use std::collections::{BTreeMap, HashMap};

use model::Timestamp;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::{outbox, streams};
use crate::core::Core;
use crate::error::Result;
use crate::store::entity::outbox::{Column, Entity};
use crate::store::entity::{audit_head, stream};

/// What this node knows without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// Hashes made since the start.
    pub made: u64,
    /// Hashes that wait for a thread.
    pub waiting: usize,
    /// Hashes that are made at once.
    pub threads: usize,
}

/// What the database knows; the same on every node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// Deliveries by kind: `mail`, `reset` (links that will be mailed) and `webhook`.
    pub outbox: BTreeMap<&'static str, Deliveries>,
    /// Entries by stream that the receiver does not have yet (`syslog`), or that are not in the outbox yet (`webhook:…`).
    pub behind: BTreeMap<String, i64>,
}

/// Deliveries of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// On their way.
    pub pending: i64,
    /// Of these, tried before without success.
    pub retried: i64,
    /// Given up within the last week.
    pub given_up: i64,
    /// For how long the oldest is on its way, in milliseconds.
    pub oldest: i64,
}

pub(super) fn passwords(core: &Core) -> Passwords {
    Passwords { made: core.hasher.made(), waiting: core.hasher.waiting(), threads: core.hasher.threads() }
}

pub(super) async fn queues(core: &Core, now: Timestamp) -> Result<Queues> {
    Ok(Queues { outbox: deliveries(core, now).await?, behind: behind(core).await? })
}

async fn deliveries(core: &Core, now: Timestamp) -> Result<BTreeMap<&'static str, Deliveries>> {
    let read = core.store.read();
    let counted = |select: sea_orm::Select<Entity>| {
        select.select_only().column(Column::Kind).column_as(Column::Id.count(), "rows").group_by(Column::Kind)
    };
    let pending: Vec<(String, i64, i64)> = counted(Entity::find().filter(outbox::open()))
        .column_as(Column::CreatedAt.min(), "oldest")
        .into_tuple()
        .all(read)
        .await?;
    let retried: Vec<(String, i64)> =
        counted(Entity::find().filter(outbox::open()).filter(Column::LastError.is_not_null()))
            .into_tuple()
            .all(read)
            .await?;
    let given_up: Vec<(String, i64)> =
        counted(Entity::find().filter(Column::FailedAt.is_not_null())).into_tuple().all(read).await?;
    let (retried, given_up): (HashMap<_, _>, HashMap<_, _>) =
        (retried.into_iter().collect(), given_up.into_iter().collect());
    let of_kind = |kind: &'static str| {
        let (rows, since) = pending.iter().find(|row| row.0 == kind).map_or((0, now.0), |row| (row.1, row.2));
        let counted = |by: &HashMap<String, i64>| by.get(kind).copied().unwrap_or_default();
        let oldest = now.since(Timestamp(since)).max(0);
        (kind, Deliveries { pending: rows, retried: counted(&retried), given_up: counted(&given_up), oldest })
    };
    Ok(outbox::KINDS.map(of_kind).into())
}

async fn behind(core: &Core) -> Result<BTreeMap<String, i64>> {
    let read = core.store.read();
    let heads = audit_head::Entity::find().all(read).await?;
    let places = stream::Entity::find().all(read).await?;
    let of_stream = |name: String| {
        let place =
            |node: &str| places.iter().find(|row| row.stream == name && row.node == node).map_or(0, |row| row.seq);
        let behind = heads.iter().map(|head| (head.seq - place(&head.node)).max(0)).sum();
        (name, behind)
    };
    Ok(streams::names(&core.settings()).into_iter().map(of_stream).collect())
}
