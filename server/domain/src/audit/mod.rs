//! The audit log: one entry per change, in the transaction of the change, chained per node.
//!
//! What identifies a person (names, addresses, before and after) stands apart from the facts. The chain covers the facts
//! and a salted digest of the personal part, so that the personal part can be erased while the chain stays provable.

pub mod chain;
pub mod entry;
pub mod log;
pub mod refusals;
pub mod retention;
mod verify;

pub use verify::Verification;

use log::EntryActor;
use model::{AuditId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseBackend, EntityTrait,
    QueryFilter as _, QuerySelect, QueryTrait as _, Statement,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Actor, Call};
use crate::entropy::Entropy;
use crate::error::Result;
use crate::store::entity::{audit_entry, audit_head};

/// The hash before the first entry of a chain.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened, named as AWS names it where AWS has a name.
#[derive(Clone, Debug)]
pub struct Event {
    action: &'static str,
    success: bool,
    target: Option<Target>,
    changes: Value,
    reason: Option<String>,
}

/// What it was done to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target {
    /// `user`, `group`, `session`, `settings`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name then.
    pub name: String,
}

impl Event {
    /// Something that was done.
    pub fn done(action: &'static str) -> Self {
        Self { action, success: true, target: None, changes: Value::Null, reason: None }
    }

    /// Something that was refused or failed, with the true reason.
    pub fn refused(action: &'static str, reason: impl Into<String>) -> Self {
        Self { success: false, reason: Some(reason.into()), ..Self::done(action) }
    }

    /// What it was done to.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "ids are small copies, and texts are given as they are at hand")]
    pub fn on(mut self, kind: &str, id: impl ToString, name: impl Into<String>) -> Self {
        self.target = Some(Target { kind: kind.to_owned(), id: id.to_string(), name: name.into() });
        self
    }

    /// Before and after, or other details; never a secret.
    #[must_use]
    pub fn with(mut self, changes: Value) -> Self {
        self.changes = changes;
        self
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// An event together with who caused it.
#[derive(Debug)]
pub struct Draft {
    time: Timestamp,
    actor_type: String,
    actor_id: Option<String>,
    credential_id: Option<String>,
    request_id: String,
    personal: Personal,
    event: Event,
}

/// The part of an entry that can be erased.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Personal {
    /// Random, so that the digest of an erased part cannot be guessed.
    pub salt: String,
    /// The actor's name then.
    pub actor: String,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The browser's name for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Before and after.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub changes: Value,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Draft {
    /// Joins an event with its call.
    pub fn new(call: &Call, event: Event) -> Self {
        let EntryActor { kind: actor_type, name: actor, id: actor_id } = EntryActor::of(call);
        let credential_id = match &call.actor {
            Actor::Person(person) => Some(person.session.to_string()),
            Actor::Anonymous | Actor::Operator | Actor::System(_) => None,
        };
        let personal = Personal {
            salt: String::new(),
            actor,
            target: event.target.as_ref().map(|target| target.name.clone()),
            source: call.source.map(|source| source.to_string()),
            user_agent: call.user_agent.clone(),
            changes: event.changes.clone(),
            reason: event.reason.clone(),
        };
        Self {
            time: call.now,
            actor_type,
            actor_id,
            credential_id,
            request_id: call.request_id.clone(),
            personal,
            event,
        }
    }
}

/// Entries in one statement: sixteen values each, well below what both databases take.
const AT_ONCE: usize = 500;

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    pub(crate) seq: i64,
    hash: String,
}

/// Reads where the node's chain ends, inside the transaction of a change. It stays so until the commit: two changes of one node
/// cannot take the same place in the chain.
pub(crate) async fn tip<C: ConnectionTrait>(txn: &C, node: &str) -> Result<Tip> {
    let mut find = audit_head::Entity::find_by_id(node);
    if txn.get_database_backend() == DatabaseBackend::Postgres {
        find = find.lock_exclusive();
    }
    let head = if let Some(head) = find.clone().one(txn).await? {
        head
    } else {
        let fresh = audit_head::ActiveModel {
            node: Set(node.to_owned()),
            seq: Set(0),
            hash: Set(GENESIS.to_owned()),
            base_seq: Set(0),
            base_hash: Set(GENESIS.to_owned()),
        };
        // The first two changes of a node may come at once: one makes the head, both go on from it in turn.
        audit_head::Entity::insert(fresh).on_conflict_do_nothing().exec_without_returning(txn).await?;
        find.one(txn).await?.ok_or_else(|| crate::Error::internal("the head of the audit chain is missing"))?
    };
    Ok(Tip { seq: head.seq, hash: head.hash })
}

/// The writes that append entries to the node's chain, and where it ends then. The first of them fails where somebody else has
/// gone on from `tip` already.
pub(crate) fn append(
    backend: DatabaseBackend,
    node: &str,
    tip: &Tip,
    entropy: &Entropy,
    drafts: &[Draft],
) -> Result<(Vec<Statement>, Tip)> {
    let before = tip.seq;
    let mut tip = tip.clone();
    let mut rows = Vec::with_capacity(drafts.len());
    for draft in drafts {
        tip.seq += 1;
        let row = entry(node, tip.seq, &tip.hash, entropy, draft)?;
        tip.hash.clone_from(&row.hash);
        rows.push(audit_entry::ActiveModel::from(row).reset_all());
    }
    let moved = audit_head::Entity::update_many()
        // Nothing can stand there but a number: an update from another end fails.
        .col_expr(audit_head::Column::Seq, Expr::case(Expr::col(audit_head::Column::Seq).eq(before), tip.seq).into())
        .col_expr(audit_head::Column::Hash, Expr::value(tip.hash.clone()))
        .filter(audit_head::Column::Node.eq(node));
    let entries = rows.chunks(AT_ONCE).map(|part| audit_entry::Entity::insert_many(part.to_vec()).build(backend));
    Ok((std::iter::once(moved.build(backend)).chain(entries).collect(), tip))
}

fn entry(node: &str, seq: i64, previous: &str, entropy: &Entropy, draft: &Draft) -> Result<audit_entry::Model> {
    let id = AuditId::ordered(draft.time, seq, entropy.bytes()?).to_string();
    let mut personal = draft.personal.clone();
    personal.salt = data_encoding::HEXLOWER.encode(&entropy.bytes::<16>()?);
    let person = serde_json::to_string(&personal).map_err(|e| crate::Error::internal(format!("audit entry: {e}")))?;
    let mut row = audit_entry::Model {
        node: node.to_owned(),
        seq,
        id,
        time: draft.time.0,
        action: draft.event.action.to_owned(),
        outcome: if draft.event.success { "success" } else { "failure" }.to_owned(),
        actor_type: draft.actor_type.clone(),
        actor_id: draft.actor_id.clone(),
        target_type: draft.event.target.as_ref().map(|target| target.kind.clone()),
        target_id: draft.event.target.as_ref().map(|target| target.id.clone()),
        request_id: draft.request_id.clone(),
        credential_id: draft.credential_id.clone(),
        person_digest: chain::digest_of(&person),
        person: Some(person),
        hash: String::new(),
    };
    row.hash = chain::hash_of(previous, &row);
    Ok(row)
}
