//! Applies a proposal, all of it or nothing, and takes the change back within an hour.

use std::collections::BTreeSet;

use model::{AccountId, AccountTarget, AssignmentId, PermissionSetId, Timestamp};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::proposal::{Proposal, Purpose, Step, Worked, own_principals, work_out};
use super::rows::{self, GrantKey, NewGrant, Rows};
use super::{Assignments, actor_of, names};
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::{Actor, Call};
use crate::error::{Error, Result};
use crate::identity::ranks;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::Change;
use crate::store::entity::assignment::Model;
use crate::store::entity::{access_change, access_journal};

/// How long a change can be taken back.
pub const UNDO_LASTS: i64 = Timestamp::HOUR;
/// Grants in one part of the journal.
const PART: usize = 1_000;
/// Names of each kind that a summary keeps.
const NAMED: usize = 3;

/// One grant before and after.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    before: Option<Model>,
    after: Option<Model>,
}

/// What a change was about, for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    pub purpose: Purpose,
    pub creates: u64,
    pub updates: u64,
    pub deletes: u64,
    /// How many people gained or lost something.
    pub people: u64,
    /// The first names of each kind, and how many there were.
    pub accounts: (Vec<String>, u64),
    pub principals: (Vec<String>, u64),
    pub sets: (Vec<String>, u64),
    pub reason: String,
}

/// A change that was applied.
#[derive(Clone, Debug)]
pub struct AppliedChange {
    pub id: String,
    pub at: Timestamp,
    pub actor: String,
    pub summary: Summary,
    pub undone_at: Option<Timestamp>,
    /// Whether it is young enough to be taken back by the caller.
    pub may_undo: bool,
}

/// What came of applying.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Names the change for an undo; nothing where all was as proposed already.
    pub change: Option<String>,
    pub creates: u64,
    pub updates: u64,
    pub deletes: u64,
}

fn changed_meanwhile() -> Error {
    Error::conflict(None, "Something changed meanwhile, so this would now do something else. Look at it again.")
}

impl Assignments {
    /// Does what a review has shown, in one transaction. Refused as a conflict where it would now do something else.
    pub async fn apply(&self, call: &Call, proposal: &Proposal, digest: &str) -> Result<Applied> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let core = &self.0;
        let mut worked = work_out(core.store.read(), call, proposal).await?;
        let mut change = core.store.begin().await?;
        // This also puts changes of access in line: nothing that the proposal was worked out from changes until the end.
        let principals: Vec<Principal> = proposal.principals.iter().copied().collect();
        stamp::touch(change.txn(), call.now, Touched::Only(principals)).await?;
        let now = ranks::as_of_now(change.txn(), call).await?;
        authorize(&now, Action::Assign, Resource::Organisation)?;
        let same_caller = now.actor == call.actor;
        if !same_caller || stamp::current(change.txn()).await? != worked.version + 1 {
            worked = work_out(change.txn(), &now, proposal).await?;
        }
        if worked.review.digest != digest {
            return Err(changed_meanwhile());
        }
        let review = &worked.review;
        let mut applied =
            Applied { change: None, creates: review.creates, updates: review.updates, deletes: review.deletes };
        if worked.steps.is_empty() {
            return Ok(applied);
        }
        let id = self.write(&mut change, call, proposal, worked).await?;
        change.commit().await?;
        applied.change = Some(id);
        Ok(applied)
    }

    async fn write(&self, change: &mut Change, call: &Call, proposal: &Proposal, worked: Worked) -> Result<String> {
        let txn = change.txn();
        let there: Vec<GrantKey> =
            worked.steps.iter().filter(|step| step.was.is_some()).map(|step| step.key.clone()).collect();
        let mut before = rows::find(txn, &there).await?;
        let mut make = Rows::new(&self.0.entropy, call.now, actor_of(call))?;
        let mut entries: Vec<Entry> = Vec::with_capacity(worked.steps.len());
        let mut gone: Vec<GrantKey> = Vec::new();
        for Step { key, becomes, .. } in worked.steps {
            let was = before.remove(&key);
            let after = match (&was, becomes) {
                (_, None) => {
                    gone.push(key);
                    None
                }
                (Some(was), Some((expires, reason))) => {
                    Some(Model { expires_at: expires.map(|at| at.0), reason, warned_at: None, ..was.clone() })
                }
                (None, Some((expires, reason))) => Some(make.make(NewGrant { key, expires, reason })),
            };
            entries.push(Entry { before: was, after });
        }
        rows::remove(txn, &gone).await?;
        let (mut made, mut altered) = (Vec::new(), Vec::new());
        for entry in &entries {
            let list = if entry.before.is_none() { &mut made } else { &mut altered };
            list.extend(entry.after.clone());
        }
        let many = made.len();
        rows::insert(txn, made, many).await?;
        rows::alter(txn, altered).await?;

        let summary = summary(txn, proposal, &worked.review).await?;
        let id = record(txn, &self.0.entropy, call, &summary, &entries).await?;
        let event = match entries.as_slice() {
            [one] => single(txn, one).await?,
            _ => bulk("ApplyAccountAssignments", &id, &summary),
        };
        let event = if proposal.reason.is_empty() { event } else { event.because(proposal.reason.clone()) };
        change.audit(call, event);
        Ok(id)
    }

    /// Takes a change of the last hour back, all of it or nothing; refused where something it did was changed since.
    pub async fn undo(&self, call: &Call, id: &str) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let txn = change.txn();
        let row = access_change::Entity::find_by_id(id)
            .lock_exclusive()
            .one(txn)
            .await?
            .ok_or_else(|| Error::not_found("change"))?;
        if row.undone_at.is_some() {
            return Err(Error::conflict(None, "This was already undone."));
        }
        if call.now.since(Timestamp(row.at)) > UNDO_LASTS {
            return Err(Error::conflict(None, "A change can be undone for one hour."));
        }
        stamp::line_up(txn).await?;
        let now = ranks::as_of_now(txn, call).await?;
        authorize(&now, Action::Assign, Resource::Organisation)?;
        let parts = access_journal::Entity::find()
            .filter(access_journal::Column::ChangeId.eq(id))
            .order_by_asc(access_journal::Column::Part)
            .all(txn)
            .await?;
        if parts.is_empty() {
            return Err(Error::conflict(None, "This change keeps no record that it could be undone from."));
        }
        let mut touched: BTreeSet<Principal> = BTreeSet::new();
        for part in parts {
            let entries: Vec<Entry> = serde_json::from_str(&part.body)
                .map_err(|e| Error::internal(format!("journal {id} part {}: {e}", part.part)))?;
            touched.extend(take_back(txn, &now, &entries).await?);
        }
        stamp::touch(txn, call.now, Touched::Only(touched.into_iter().collect())).await?;
        let summary: Summary = read_summary(&row)?;
        access_change::Entity::update_many()
            .col_expr(access_change::Column::UndoneAt, sea_orm::sea_query::Expr::value(call.now.0))
            .filter(access_change::Column::Id.eq(id))
            .exec(txn)
            .await?;
        change.audit(call, bulk("UndoAccountAssignments", id, &summary));
        change.commit().await
    }

    /// Changes that were applied, the last first. Who administers only some accounts sees what they did themselves.
    pub async fn changes(&self, call: &Call, page: &PageRequest) -> Result<Page<AppliedChange>> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let kinds = (Key::Number(0), Key::Text(String::new()));
        let window = Window::of(page, Ordering { name: "access-changes".to_owned(), descending: true, kinds })?;
        let mut select = access_change::Entity::find();
        if sees_part(call) {
            select = select.filter(access_change::Column::ActorId.eq(actor_of(call)));
        }
        let found =
            window.apply(select, access_change::Column::At, access_change::Column::Id).all(self.0.store.read()).await?;
        let counted = window.counted;
        let page = window.finish(found, counted, |row| (row.at.into(), row.id.as_str().into()));
        let may = decide(&call.actor, Action::Assign, Resource::Organisation, call.now) == Decision::Allow;
        let rows = page.rows.into_iter().map(|row| {
            let at = Timestamp(row.at);
            Ok(AppliedChange {
                summary: read_summary(&row)?,
                at,
                may_undo: may && row.undone_at.is_none() && call.now.since(at) <= UNDO_LASTS,
                undone_at: row.undone_at.map(Timestamp),
                id: row.id,
                actor: row.actor_name,
            })
        });
        Ok(Page { rows: rows.collect::<Result<_>>()?, total: page.total, next: page.next, previous: page.previous })
    }
}

/// Whether the caller sees only the accounts of their access administration.
pub(super) fn sees_part(call: &Call) -> bool {
    let elsewhere = Resource::Account { in_scope: false };
    decide(&call.actor, Action::SeeAssignments, elsewhere, call.now) != Decision::Allow
}

fn read_summary(row: &access_change::Model) -> Result<Summary> {
    serde_json::from_value(row.summary.clone()).map_err(|e| Error::internal(format!("change {}: {e}", row.id)))
}

/// Puts some grants back as they were; says whose they are.
async fn take_back(txn: &DatabaseTransaction, call: &Call, entries: &[Entry]) -> Result<BTreeSet<Principal>> {
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries {
        let row = entry.after.as_ref().or(entry.before.as_ref());
        keys.push(GrantKey::of(row.ok_or_else(|| Error::internal("an empty entry of a journal"))?)?);
    }
    authorize_keys(txn, call, &keys).await?;
    let now = rows::find(txn, &keys).await?;
    let same = |a: &Model, b: &Model| a.id == b.id && a.expires_at == b.expires_at && a.reason == b.reason;
    for (key, entry) in keys.iter().zip(entries) {
        let untouched = match (now.get(key), &entry.after) {
            (None, None) => true,
            (Some(now), Some(after)) => same(now, after),
            _ => false,
        };
        if !untouched {
            return Err(Error::conflict(
                None,
                "Some of these assignments were changed since, so this cannot be undone as a whole.",
            ));
        }
    }
    let touched: BTreeSet<Principal> = keys.iter().map(|key| key.principal).collect();
    if entries.iter().any(|entry| entry.before.is_some() && entry.after.is_none()) {
        names::all_there(txn, &keys).await?;
    }
    let (mut gone, mut again, mut altered) = (Vec::new(), Vec::new(), Vec::new());
    for (key, entry) in keys.into_iter().zip(entries) {
        match (&entry.before, &entry.after) {
            (None, _) => gone.push(key),
            (Some(before), None) => again.push(before.clone()),
            (Some(before), Some(_)) => altered.push(before.clone()),
        }
    }
    rows::remove(txn, &gone).await?;
    let many = again.len();
    rows::insert(txn, again, many).await?;
    rows::alter(txn, altered).await?;
    Ok(touched)
}

/// Each of these grants is the caller's to give and take.
pub(super) async fn authorize_keys(conn: &impl ConnectionTrait, call: &Call, keys: &[GrantKey]) -> Result<()> {
    if matches!(call.actor, Actor::Operator) || !sees_part(call) {
        return authorize(call, Action::Assign, Resource::Organisation);
    }
    let own = own_principals(conn, call).await?;
    let paths = names::paths_of(conn, keys.iter().map(|key| &key.target)).await?;
    for key in keys {
        let resource = Resource::target(call, &key.target, paths.get(&key.target));
        authorize(call, Action::Assign, resource.granting(own.contains(&key.principal)))?;
    }
    Ok(())
}

async fn summary(txn: &DatabaseTransaction, proposal: &Proposal, review: &super::Review) -> Result<Summary> {
    let first_principals: Vec<Principal> = proposal.principals.iter().copied().take(NAMED).collect();
    let first_sets: Vec<PermissionSetId> = proposal.sets.iter().copied().take(NAMED).collect();
    let first_targets: Vec<&AccountTarget> = proposal.targets.iter().take(NAMED).collect();
    let principals = names::of_principals(txn, &first_principals).await?;
    let sets = names::of_sets(txn, &first_sets).await?;
    let first_accounts: Vec<AccountId> = first_targets
        .iter()
        .filter_map(|target| if let AccountTarget::Account(id) = target { Some(*id) } else { None })
        .collect();
    let accounts = names::of_accounts(txn, &first_accounts).await?;
    let place = |target: &&AccountTarget| match target {
        AccountTarget::Account(id) => {
            accounts.get(id).map_or_else(|| id.to_string(), |(name, _)| format!("{name} ({id})"))
        }
        AccountTarget::Rule(rule) => rule.to_string(),
    };
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Ok(Summary {
        purpose: proposal.purpose,
        creates: review.creates,
        updates: review.updates,
        deletes: review.deletes,
        people: review.affected,
        accounts: (first_targets.iter().map(place).collect(), count(proposal.targets.len())),
        principals: (
            first_principals.iter().filter_map(|one| principals.get(one).map(|named| named.name.clone())).collect(),
            count(proposal.principals.len()),
        ),
        sets: (first_sets.iter().filter_map(|one| sets.get(one).cloned()).collect(), count(proposal.sets.len())),
        reason: proposal.reason.clone(),
    })
}

/// Keeps what was done, and what undoes it.
async fn record(
    txn: &DatabaseTransaction,
    entropy: &crate::Entropy,
    call: &Call,
    summary: &Summary,
    entries: &[Entry],
) -> Result<String> {
    let id = AssignmentId::ordered(call.now, entropy.bytes()?).to_string();
    let text = |e: serde_json::Error| Error::internal(format!("journal: {e}"));
    let row = access_change::Model {
        id: id.clone(),
        at: call.now.0,
        actor_id: actor_of(call),
        actor_name: match &call.actor {
            Actor::Person(person) => person.user_name.clone(),
            _ => actor_of(call),
        },
        summary: serde_json::to_value(summary).map_err(text)?,
        undone_at: None,
    };
    access_change::Entity::insert(access_change::ActiveModel::from(row).reset_all())
        .exec_without_returning(txn)
        .await?;
    for (part, entries) in (0i64..).zip(entries.chunks(PART)) {
        let row =
            access_journal::Model { change_id: id.clone(), part, body: serde_json::to_string(entries).map_err(text)? };
        access_journal::Entity::insert(access_journal::ActiveModel::from(row).reset_all())
            .exec_without_returning(txn)
            .await?;
    }
    Ok(id)
}

/// One grant is told in full, and found with the person or group that it is about.
async fn single(txn: &DatabaseTransaction, entry: &Entry) -> Result<Event> {
    let action = match (&entry.before, &entry.after) {
        (None, _) => "CreateAccountAssignment",
        (_, None) => "DeleteAccountAssignment",
        _ => "UpdateAccountAssignment",
    };
    let row = entry.after.as_ref().or(entry.before.as_ref());
    let key = GrantKey::of(row.ok_or_else(|| Error::internal("an empty entry of a journal"))?)?;
    told(txn, action, &key, entry.before.as_ref(), entry.after.as_ref()).await
}

/// The event about one grant.
pub(super) async fn told(
    txn: &DatabaseTransaction,
    action: &'static str,
    key: &GrantKey,
    before: Option<&Model>,
    after: Option<&Model>,
) -> Result<Event> {
    let named = names::of_principals(txn, &[key.principal]).await?;
    let set = names::of_sets(txn, &[key.set]).await?;
    let end = |row: Option<&Model>| row.and_then(|row| row.expires_at);
    let mut changes = json!({
        "account": key.target.to_string(),
        "permissionSet": set.get(&key.set),
        "permissionSetId": key.set.to_string(),
    });
    if end(before) != end(after) || after.is_none() {
        changes["expires"] = json!({"from": end(before), "to": end(after)});
    }
    let name = named.get(&key.principal).map(|named| named.name.clone()).unwrap_or_default();
    Ok(Event::done(action).on(key.principal.kind(), key.principal.id(), name).with(changes))
}

fn bulk(action: &'static str, id: &str, summary: &Summary) -> Event {
    Event::done(action).on("access-change", id, "").with(json!({
        "created": summary.creates,
        "altered": summary.updates,
        "removed": summary.deletes,
        "people": summary.people,
        "accounts": summary.accounts.0,
        "principals": summary.principals.0,
        "permissionSets": summary.sets.0,
    }))
}

/// Forgets what can be undone no more; what was done stays in the audit log and, for a month, in the list of changes.
pub(crate) async fn clean_up<C: ConnectionTrait>(conn: &C, now: Timestamp) -> Result<u64> {
    let old = |age: i64| {
        sea_orm::sea_query::Query::select()
            .column(access_change::Column::Id)
            .from(access_change::Entity)
            .and_where(access_change::Column::At.lt(now.plus(-age).0))
            .to_owned()
    };
    let journal = access_journal::Entity::delete_many()
        .filter(access_journal::Column::ChangeId.in_subquery(old(2 * UNDO_LASTS)))
        .exec(conn)
        .await?;
    let changes = access_change::Entity::delete_many()
        .filter(access_change::Column::At.lt(now.plus(-30 * Timestamp::DAY).0))
        .exec(conn)
        .await?;
    Ok(journal.rows_affected + changes.rows_affected)
}
