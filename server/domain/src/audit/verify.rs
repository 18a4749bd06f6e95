//! Recomputing the chains: altered, removed, added and moved entries show.

use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IsolationLevel, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, TransactionOptions, TransactionTrait as _,
};

use super::chain::{digest_of, hash_of};
use crate::error::Result;
use crate::store::Store;
use crate::store::entity::{audit_entry, audit_head};

/// Entries read at once.
const BATCH: u64 = 1_000;
/// A broken chain is reported by its first faults; more say nothing new.
const MOST_FAULTS: usize = 20;

/// What verification found.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Verification {
    /// Chains.
    pub nodes: u64,
    /// Entries looked at.
    pub entries: u64,
    /// Entries whose personal part has been erased.
    pub erased: u64,
    /// Empty when every chain is whole; else one sentence for each fault.
    pub faults: Vec<String>,
}

impl Verification {
    fn fault(&mut self, sentence: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(sentence);
        }
    }
}

/// Looks at every chain, in one snapshot of the database.
pub(super) async fn run(store: &Store) -> Result<Verification> {
    let isolation_level = store.is_postgres().then_some(IsolationLevel::RepeatableRead);
    let snapshot =
        store.read().begin_with_options(TransactionOptions { isolation_level, ..Default::default() }).await?;
    let mut found = Verification::default();
    let heads = audit_head::Entity::find().order_by_asc(audit_head::Column::Node).all(&snapshot).await?;
    let mut in_chains = 0;
    for head in &heads {
        found.nodes += 1;
        in_chains += chain(&snapshot, head, &mut found).await?;
    }
    let stored = audit_entry::Entity::find().count(&snapshot).await?;
    if stored != in_chains {
        found.fault(format!("{} entries stand outside every chain", stored.abs_diff(in_chains)));
    }
    snapshot.rollback().await?;
    Ok(found)
}

/// One node's chain, from its base to its head. Gives the number of entries seen.
async fn chain(snapshot: &DatabaseTransaction, head: &audit_head::Model, found: &mut Verification) -> Result<u64> {
    let (mut seq, mut previous, mut seen) = (head.base_seq, head.base_hash.clone(), 0);
    loop {
        let rows = audit_entry::Entity::find()
            .filter(audit_entry::Column::Node.eq(&head.node))
            .filter(audit_entry::Column::Seq.gt(seq))
            .filter(audit_entry::Column::Seq.lte(head.seq))
            .order_by_asc(audit_entry::Column::Seq)
            .limit(BATCH)
            .all(snapshot)
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            seen += 1;
            found.entries += 1;
            if row.seq != seq + 1 {
                found.fault(format!("node {}: entries {} to {} are missing", head.node, seq + 1, row.seq - 1));
            }
            match &row.person {
                Some(person) if digest_of(person) != row.person_digest => {
                    found.fault(format!("node {}: the names of entry {} were altered", head.node, row.seq));
                }
                Some(_) => {}
                None => found.erased += 1,
            }
            if hash_of(&previous, &row) != row.hash {
                found.fault(format!("node {}: entry {} does not follow from the one before it", head.node, row.seq));
            }
            seq = row.seq;
            previous = row.hash;
        }
    }
    if seq != head.seq {
        found.fault(format!("node {}: entries {} to {} are missing", head.node, seq + 1, head.seq));
    } else if previous != head.hash {
        found.fault(format!("node {}: the end of the chain is not entry {}", head.node, head.seq));
    }
    Ok(seen)
}
