//! Removing old entries: the chain then begins later, and says where.

use model::Timestamp;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::store::entity::{audit_entry, audit_head};

/// Entries removed in one change.
const BATCH: u64 = 5_000;

/// Removes entries older than the settings say, from the beginning of each chain. Gives the number removed.
pub async fn remove_old(core: &Core, call: &Call) -> Result<u64> {
    authorize(call, Action::RunJobs, Resource::Organisation)?;
    let Some(days) = core.settings().audit.retention_days else {
        return Ok(0);
    };
    let cutoff = call.now.plus(-i64::from(days) * Timestamp::DAY);
    let mut removed = 0;
    for head in audit_head::Entity::find().all(core.store.read()).await? {
        loop {
            let count = remove_batch(core, call, &head.node, cutoff).await?;
            removed += count;
            if count < BATCH {
                break;
            }
        }
    }
    Ok(removed)
}

async fn remove_batch(core: &Core, call: &Call, node: &str, cutoff: Timestamp) -> Result<u64> {
    let mut change = core.store.begin().await?;
    // The head's row also keeps two nodes from doing this at once.
    let mut find = audit_head::Entity::find_by_id(node);
    if core.store.is_postgres() {
        find = find.lock_exclusive();
    }
    let Some(head) = find.one(change.txn()).await? else {
        return Ok(0);
    };
    let first = audit_entry::Entity::find()
        .filter(audit_entry::Column::Node.eq(node))
        .filter(audit_entry::Column::Seq.gt(head.base_seq))
        .order_by_asc(audit_entry::Column::Seq)
        .limit(BATCH)
        .all(change.txn())
        .await?;
    let Some(last) = first.iter().take_while(|row| row.time < cutoff.0).last() else {
        return Ok(0);
    };
    let gone = audit_entry::Entity::delete_many()
        .filter(audit_entry::Column::Node.eq(node))
        .filter(audit_entry::Column::Seq.lte(last.seq))
        .exec(change.txn())
        .await?
        .rows_affected;
    let based = audit_head::ActiveModel {
        node: Set(node.to_owned()),
        base_seq: Set(last.seq),
        base_hash: Set(last.hash.clone()),
        ..Default::default()
    };
    based.update(change.txn()).await?;
    change.audit(call, Event::done("RemoveOldAuditEntries").with(serde_json::json!({ "node": node, "entries": gone })));
    change.commit().await?;
    Ok(gone)
}
