//! Permission sets: what a person may do in the accounts where one is assigned to them.

mod events;
pub mod input;
pub mod job_function;
pub mod policy_text;
mod row;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::iam::Checked;
use model::{PermissionSetId, PermissionSetName, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter, QuerySelect,
    SqlErr,
};

pub use input::{CustomerManagedPolicy, Fault, PermissionSet, PermissionSetInput, PermissionsBoundary};
pub use job_function::JobFunction;
pub use policy_text::PolicyText;
pub(crate) use row::read;
pub use row::{Place, Places};

use super::stamp::{self, Touched};
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::Change;
use crate::store::entity::permission_set;

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct PermissionSetsQuery {
    /// A part of the name.
    pub search: String,
    /// Only those that nobody has used for so many days.
    pub unused_days: Option<u32>,
    /// Which page.
    pub page: PageRequest,
}

/// One row.
#[derive(Clone, Debug)]
pub struct PermissionSetRow {
    pub id: PermissionSetId,
    pub set: PermissionSet,
    /// Grants in all; nothing for whoever may not see all of them.
    pub assignments: Option<u64>,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Everything about a permission set.
#[derive(Clone, Debug)]
pub struct PermissionSetView {
    pub row: PermissionSetRow,
    /// Where it is assigned; nothing for whoever may not see all of that.
    pub places: Option<Places>,
    pub version: i64,
    pub may_change: bool,
}

/// Permission sets.
#[derive(Clone, Debug)]
pub struct PermissionSets(pub(crate) Arc<Core>);

impl PermissionSets {
    /// Permission sets by name.
    pub async fn list(&self, call: &Call, query: &PermissionSetsQuery) -> Result<Page<PermissionSetRow>> {
        authorize(call, Action::SeePermissionSets, Resource::Organisation)?;
        let read = self.0.store.read();
        let text = || Key::Text(String::new());
        let ordering = Ordering { name: "permission-sets".to_owned(), descending: false, kinds: (text(), text()) };
        let window = Window::of(&query.page, ordering)?;
        let mut select = permission_set::Entity::find();
        let part = model::name_key(query.search.trim());
        if part.chars().any(char::is_control) {
            return Err(Error::invalid("search", "must not contain control characters"));
        }
        if !part.is_empty() {
            let pattern = format!("%{}%", part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"));
            select =
                select.filter(Expr::col(permission_set::Column::NameKey).like(LikeExpr::new(pattern).escape('\\')));
        }
        if let Some(days) = query.unused_days {
            // One that was never used counts from its creation.
            let since = call.now.plus(-i64::from(days).saturating_mul(Timestamp::DAY));
            let used =
                Expr::col(permission_set::Column::LastUsedAt).if_null(Expr::col(permission_set::Column::CreatedAt));
            select = select.filter(used.lt(since.0));
        }
        let total = if window.is_first { Some(select.clone().count(read).await?) } else { window.counted };
        let rows = window.apply(select, permission_set::Column::NameKey, permission_set::Column::Id).all(read).await?;
        let page = window.finish(rows, total, |row| (row.name_key.as_str().into(), row.id.as_str().into()));
        let ids: Vec<String> = page.rows.iter().map(|row| row.id.clone()).collect();
        let counts = if sees_everywhere(call) { Some(row::assignments_of(read, &ids).await?) } else { None };
        let rows = page.rows.iter().map(|row| {
            let assignments = counts.as_ref().map(|counts| counts.get(&row.id).copied().unwrap_or(0));
            dressed(row, assignments)
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    /// Everything about one.
    pub async fn get(&self, call: &Call, id: PermissionSetId) -> Result<PermissionSetView> {
        authorize(call, Action::SeePermissionSets, Resource::Organisation)?;
        let read = self.0.store.read();
        let found = by_id(read, id).await?;
        let places = if sees_everywhere(call) { Some(row::places_of(read, &found.id).await?) } else { None };
        let may_change =
            decide(&call.actor, Action::ManagePermissionSets, Resource::Organisation, call.now) == Decision::Allow;
        Ok(PermissionSetView {
            row: dressed(&found, places.as_ref().map(|places| places.assignments))?,
            places,
            version: found.version,
            may_change,
        })
    }

    /// By name, for addresses and the command line.
    pub async fn find(&self, call: &Call, name: &str) -> Result<PermissionSetId> {
        authorize(call, Action::SeePermissionSets, Resource::Organisation)?;
        let missing = || Error::not_found("permission set");
        let name = PermissionSetName::parse(name).map_err(|_| missing())?;
        let row = by_name(self.0.store.read(), &name).await?.ok_or_else(missing)?;
        id_of(&row)
    }

    /// A new permission set.
    pub async fn create(&self, call: &Call, input: &PermissionSetInput) -> Result<PermissionSetId> {
        authorize(call, Action::ManagePermissionSets, Resource::Organisation)?;
        let set = input.checked()?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Directory).await?;
        let id = insert(&mut change, &self.0, call, &set).await?;
        change.commit().await?;
        Ok(id)
    }

    /// Changes everything but the name. What the input leaves at its default is cleared, the relay state too, as AWS does it.
    /// Refused as a conflict when somebody else changed the permission set since `version`.
    pub async fn update(
        &self,
        call: &Call,
        id: PermissionSetId,
        version: i64,
        input: &PermissionSetInput,
    ) -> Result<()> {
        self.become_of(call, id, version, |_| input.clone()).await
    }

    /// [`Self::update`] of what a form shows: name and inline policy stay, whatever the input says.
    pub async fn update_fields(
        &self,
        call: &Call,
        id: PermissionSetId,
        version: i64,
        input: &PermissionSetInput,
    ) -> Result<()> {
        let kept = |before: PermissionSetInput| PermissionSetInput {
            name: before.name,
            inline_policy: before.inline_policy,
            ..input.clone()
        };
        self.become_of(call, id, version, kept).await
    }

    /// [`Self::update`] of the inline policy alone; nothing removes it.
    pub async fn update_policy(
        &self,
        call: &Call,
        id: PermissionSetId,
        version: i64,
        policy: Option<PolicyText>,
    ) -> Result<()> {
        let changed = |before: PermissionSetInput| PermissionSetInput { inline_policy: policy, ..before };
        self.become_of(call, id, version, changed).await
    }

    /// What would be said about a policy, for whoever is writing one.
    pub fn check_policy(&self, call: &Call, policy: &PolicyText) -> Result<Checked> {
        authorize(call, Action::ManagePermissionSets, Resource::Organisation)?;
        Ok(policy.checked())
    }

    async fn become_of(
        &self,
        call: &Call,
        id: PermissionSetId,
        version: i64,
        change_to: impl FnOnce(PermissionSetInput) -> PermissionSetInput,
    ) -> Result<()> {
        authorize(call, Action::ManagePermissionSets, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Directory).await?;
        let before = lock(change.txn(), id).await?;
        let after = change_to(read(&before)?.to_input()).checked()?;
        if before.version != version {
            return Err(Error::conflict(
                None,
                "Somebody else changed this meanwhile. Look at it again, then repeat your change.",
            ));
        }
        if !self::change(&mut change, call, &before, &after).await? {
            return Ok(());
        }
        change.commit().await
    }

    /// The same under another name, assigned to nobody.
    pub async fn duplicate(&self, call: &Call, id: PermissionSetId, name: &str) -> Result<PermissionSetId> {
        authorize(call, Action::ManagePermissionSets, Resource::Organisation)?;
        let name = PermissionSetName::parse(name).map_err(|e| Error::invalid("name", e.to_string()))?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Directory).await?;
        let original = lock(change.txn(), id).await?;
        let copy = PermissionSet { name, ..read(&original)? };
        let id = insert(&mut change, &self.0, call, &copy).await?;
        change.commit().await?;
        Ok(id)
    }

    /// Removes a permission set that is assigned nowhere.
    pub async fn delete(&self, call: &Call, id: PermissionSetId) -> Result<()> {
        authorize(call, Action::ManagePermissionSets, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Directory).await?;
        let row = lock(change.txn(), id).await?;
        remove(&mut change, call, &row).await?;
        change.commit().await
    }
}

/// Whether somebody sees assignments everywhere, and not only where access was delegated to them.
fn sees_everywhere(call: &Call) -> bool {
    let elsewhere = Resource::Account { in_scope: false };
    decide(&call.actor, Action::SeeAssignments, elsewhere, call.now) == Decision::Allow
}

fn dressed(row: &permission_set::Model, assignments: Option<u64>) -> Result<PermissionSetRow> {
    Ok(PermissionSetRow {
        id: id_of(row)?,
        set: read(row)?,
        assignments,
        last_used_at: row.last_used_at.map(Timestamp),
        created_at: Timestamp(row.created_at),
        updated_at: Timestamp(row.updated_at),
    })
}

/// The id in a row.
pub(crate) fn id_of(row: &permission_set::Model) -> Result<PermissionSetId> {
    row.id.parse().map_err(|e| Error::internal(format!("permission set {}: {e}", row.id)))
}

async fn by_id(db: &impl ConnectionTrait, id: PermissionSetId) -> Result<permission_set::Model> {
    permission_set::Entity::find_by_id(id.to_string()).one(db).await?.ok_or_else(|| Error::not_found("permission set"))
}

/// The permission set of this name.
pub(crate) async fn by_name(
    db: &impl ConnectionTrait,
    name: &PermissionSetName,
) -> Result<Option<permission_set::Model>> {
    Ok(permission_set::Entity::find().filter(permission_set::Column::NameKey.eq(name.key())).one(db).await?)
}

/// The permission set, locked until the change ends.
pub(crate) async fn lock(txn: &impl ConnectionTrait, id: PermissionSetId) -> Result<permission_set::Model> {
    permission_set::Entity::find_by_id(id.to_string())
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| Error::not_found("permission set"))
}

/// Puts a new permission set there, with its events. The caller has authorised, and commits.
pub(crate) async fn insert(
    change: &mut Change,
    core: &Core,
    call: &Call,
    set: &PermissionSet,
) -> Result<PermissionSetId> {
    let id = PermissionSetId::from_random(core.entropy.bytes()?);
    insert_as(change, call, id, set).await?;
    Ok(id)
}

/// [`insert`] under a given id.
pub(crate) async fn insert_as(
    change: &mut Change,
    call: &Call,
    id: PermissionSetId,
    set: &PermissionSet,
) -> Result<()> {
    let blank = permission_set::Model {
        id: id.to_string(),
        name: String::new(),
        name_key: String::new(),
        description: String::new(),
        session_seconds: 0,
        relay_state: String::new(),
        managed_policies: serde_json::Value::Null,
        customer_policies: serde_json::Value::Null,
        inline_policy: None,
        boundary: serde_json::Value::Null,
        tags: serde_json::Value::Null,
        require_fresh_factor: false,
        last_used_at: None,
        created_at: call.now.0,
        updated_at: call.now.0,
        version: 1,
    };
    let row = row::write(set, &blank)?;
    permission_set::Entity::insert(permission_set::ActiveModel::from(row).reset_all())
        .exec_without_returning(change.txn())
        .await
        .map_err(name_taken)?;
    for event in events::of(id, None, set) {
        change.audit(call, event);
    }
    Ok(())
}

/// Makes a permission set what `after` says, with the events of what differs; says whether anything did. The name stays: another
/// one is refused. The caller has authorised and locked, notes once for all its changes that access was touched, and commits.
pub(crate) async fn change(
    change: &mut Change,
    call: &Call,
    before: &permission_set::Model,
    after: &PermissionSet,
) -> Result<bool> {
    let was = read(before)?;
    if was.name != after.name {
        return Err(Error::invalid("name", "cannot be changed. Make a copy under the new name instead"));
    }
    let events = events::of(id_of(before)?, Some(&was), after);
    if events.is_empty() {
        return Ok(false);
    }
    let row =
        permission_set::Model { updated_at: call.now.0, version: before.version + 1, ..row::write(after, before)? };
    permission_set::Entity::update(permission_set::ActiveModel::from(row).reset_all()).exec(change.txn()).await?;
    for event in events {
        change.audit(call, event);
    }
    Ok(true)
}

/// Removes a permission set, unless it is assigned; then the refusal says where. The caller has authorised and locked, notes once
/// for all its changes that access was touched, and commits.
pub(crate) async fn remove(change: &mut Change, call: &Call, row: &permission_set::Model) -> Result<()> {
    let places = row::places_of(change.txn(), &row.id).await?;
    if places.assignments > 0 {
        return Err(Error::conflict(None, assigned(&row.name, &places)));
    }
    permission_set::Entity::delete_by_id(&row.id).exec(change.txn()).await?;
    change.audit(call, crate::audit::Event::done("DeletePermissionSet").on("permissionSet", &row.id, &row.name));
    Ok(())
}

/// Why it stays.
fn assigned(name: &str, places: &Places) -> String {
    let times = if places.assignments == 1 { "once".to_owned() } else { format!("{} times", places.assignments) };
    let mut first: Vec<String> = places.first.iter().map(ToString::to_string).collect();
    let rest = places.assignments.saturating_sub(first.len() as u64);
    if rest > 0 {
        first.push(format!("{rest} more"));
    }
    format!("{name} is assigned {times}: {}. Remove these assignments first.", first.join(", "))
}

/// Turns the refusal of the unique index into the refusal of the field.
fn name_taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(Some("name"), "is the name of another permission set").because(error)
        }
        _ => error.into(),
    }
}
