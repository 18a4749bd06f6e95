//! Who is assigned what: lists of grants by account, by person or group and by permission set, what a change would do, and the
//! change itself.

mod apply;
mod draft;
mod expiry;
mod filter;
mod names;
mod proposal;
mod reach;
pub(crate) mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{AccountId, AccountPath, AccountTarget, AssignmentId, PermissionSetId, Timestamp, UserId};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _, Select};

pub(crate) use apply::clean_up as clean_up_changes;
pub use apply::{Applied, AppliedChange, Summary, UNDO_LASTS};
pub use draft::{Choice, Chosen, Draft, Renewed};
pub(crate) use expiry::{remind, remove_ended};
pub use filter::GrantsFilter;
pub use names::Named;
pub use proposal::{MOST_GRANTS, PersonChange, Proposal, Purpose, Review, Warning};
pub use reach::{AccessOfPerson, PersonWithAccess, SetOfPerson, Via};
pub use rows::GrantKey;

use self::apply::sees_part;
use super::Principal;
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::{Actor, Call};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::{account, assignment, user};

/// Grants.
#[derive(Clone, Debug)]
pub struct Assignments(pub(crate) Arc<Core>);

/// Which grants are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantsOf {
    Everybody,
    /// For this account by itself, or by a rule that matches it.
    Account(AccountId),
    /// To this person or group, not through another.
    Principal(Principal),
    PermissionSet(PermissionSetId),
    /// Those that end by themselves, up to this moment; the next first.
    EndingBefore(Timestamp),
}

/// One grant.
#[derive(Clone, Debug)]
pub struct GrantRow {
    pub id: AssignmentId,
    pub principal: Principal,
    pub named: Named,
    pub target: AccountTarget,
    /// The account's name, where the grant is for one that exists.
    pub account: Option<String>,
    pub set: PermissionSetId,
    pub set_name: String,
    pub expires: Option<Timestamp>,
    pub reason: String,
    pub created_at: Timestamp,
    /// Who gave it: a name.
    pub created_by: String,
    /// Whether the caller may take it away or let it end at another time.
    pub may_change: bool,
}

impl GrantRow {
    /// Whether it has ended, and is only waiting to be cleared away.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

impl Assignments {
    /// Grants, page by page.
    pub async fn list(
        &self,
        call: &Call,
        of: GrantsOf,
        filter: &GrantsFilter,
        page: &PageRequest,
    ) -> Result<Page<GrantRow>> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let read = self.0.store.read();
        let mut select = assignment::Entity::find().filter(filter.condition()?);
        let (name, columns) = match of {
            // Ids follow the time.
            GrantsOf::Everybody => ("all", (assignment::Column::Id, assignment::Column::Id)),
            GrantsOf::Account(account) => {
                let targets = self.targets_of(call, account).await?;
                select = select.filter(assignment::Column::Target.is_in(targets));
                ("account", (assignment::Column::PermissionSetId, assignment::Column::Id))
            }
            GrantsOf::Principal(principal) => {
                select = select.filter(assignment::Column::PrincipalId.eq(principal.id()));
                ("principal", (assignment::Column::Target, assignment::Column::PermissionSetId))
            }
            GrantsOf::PermissionSet(set) => {
                select = select.filter(assignment::Column::PermissionSetId.eq(set.to_string()));
                ("set", (assignment::Column::Target, assignment::Column::PrincipalId))
            }
            GrantsOf::EndingBefore(end) => {
                select = select.filter(ending(call.now, end));
                ("ending", (assignment::Column::ExpiresAt, assignment::Column::Id))
            }
        };
        let by_number = matches!(of, GrantsOf::EndingBefore(_));
        let key = if by_number { Key::Number(0) } else { Key::Text(String::new()) };
        let ordering = Ordering {
            name: format!("grants:{name}"),
            descending: of == GrantsOf::Everybody,
            kinds: (key, Key::Text(String::new())),
        };
        let window = Window::of(page, ordering)?;
        let select = within_reach(read, call, select).await?;
        // To count a million would cost more than the page.
        let many = of == GrantsOf::Everybody && filter.is_empty();
        let total = if window.is_first && !many {
            Some(sea_orm::PaginatorTrait::count(select.clone(), read).await?)
        } else {
            window.counted
        };
        let found = window.apply(select, columns.0, columns.1).all(read).await?;
        let page = window.finish(found, total, |row| match of {
            GrantsOf::Everybody => (row.id.as_str().into(), row.id.as_str().into()),
            GrantsOf::Account(_) => (row.permission_set_id.as_str().into(), row.id.as_str().into()),
            GrantsOf::Principal(_) => (row.target.as_str().into(), row.permission_set_id.as_str().into()),
            GrantsOf::PermissionSet(_) => (row.target.as_str().into(), row.principal_id.as_str().into()),
            GrantsOf::EndingBefore(_) => (row.expires_at.unwrap_or_default().into(), row.id.as_str().into()),
        });
        let rows = dressed(read, call, page.rows).await?;
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    /// One grant.
    pub async fn get(&self, call: &Call, id: AssignmentId) -> Result<GrantRow> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let read = self.0.store.read();
        let row = rows::one(read, id).await?;
        let row = dressed(read, call, vec![row]).await?.pop().ok_or_else(|| Error::not_found("assignment"))?;
        let path = names::paths_of(read, [&row.target].into_iter()).await?;
        authorize(call, Action::SeeAssignments, Resource::target(call, &row.target, path.get(&row.target)))?;
        Ok(row)
    }

    /// What an account is called.
    pub async fn account_name(&self, call: &Call, id: AccountId) -> Result<String> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        Ok(self.seen_account(call, id).await?.0.name)
    }

    /// What a permission set is called.
    pub async fn set_name(&self, call: &Call, id: PermissionSetId) -> Result<String> {
        authorize(call, Action::SeePermissionSets, Resource::Organisation)?;
        let mut names = names::of_sets(self.0.store.read(), &[id]).await?;
        names.remove(&id).ok_or_else(|| Error::not_found("permission set"))
    }

    /// What a grant that reaches an account can be for: the account, or one of the rules that match its path.
    async fn targets_of(&self, call: &Call, id: AccountId) -> Result<Vec<String>> {
        let (_, path) = self.seen_account(call, id).await?;
        Ok(targets_of(id, &path))
    }

    /// An account whose assignments the caller may see.
    async fn seen_account(&self, call: &Call, id: AccountId) -> Result<(account::Model, AccountPath)> {
        let row = account::Entity::find_by_id(id.as_str())
            .one(self.0.store.read())
            .await?
            .ok_or_else(|| Error::not_found("account"))?;
        let path = AccountPath::parse(&row.path).map_err(|e| Error::internal(format!("account {id}: path: {e}")))?;
        authorize(call, Action::SeeAssignments, Resource::account(call, id, &path))?;
        Ok((row, path))
    }
}

/// Who is noted as the one who did something: a person by id, so that erasing a person leaves nothing here.
pub(crate) fn actor_of(call: &Call) -> String {
    match &call.actor {
        Actor::Person(person) => person.user.to_string(),
        Actor::Operator => "operator".to_owned(),
        Actor::System(job) => (*job).to_owned(),
        Actor::Anonymous => String::new(),
    }
}

/// Grants that end by themselves from now up to a moment.
fn ending(now: Timestamp, end: Timestamp) -> Condition {
    Condition::all().add(assignment::Column::ExpiresAt.lte(end.0)).add(assignment::Column::ExpiresAt.gt(now.0))
}

/// The account, and every rule that matches its path.
fn targets_of(id: AccountId, path: &AccountPath) -> Vec<String> {
    let mut targets = vec![id.to_string(), path.as_str().to_owned(), "/**".to_owned()];
    let mut stem = String::new();
    let segments: Vec<&str> = path.segments().collect();
    for (at, segment) in segments.iter().enumerate() {
        if at + 1 == segments.len() {
            targets.push(format!("{stem}/*"));
        }
        stem.push('/');
        stem.push_str(segment);
        targets.push(format!("{stem}/**"));
    }
    targets
}

/// Leaves out what is not in the accounts of the caller's access administration.
async fn within_reach<C: ConnectionTrait>(
    conn: &C,
    call: &Call,
    select: Select<assignment::Entity>,
) -> Result<Select<assignment::Entity>> {
    match targets_in_reach(conn, call).await? {
        None => Ok(select),
        Some(targets) => Ok(select.filter(assignment::Column::Target.is_in(targets))),
    }
}

/// Everything that a grant in the caller's reach can be for; nothing: it may be for anything.
async fn targets_in_reach<C: ConnectionTrait>(conn: &C, call: &Call) -> Result<Option<BTreeSet<String>>> {
    if !sees_part(call) {
        return Ok(None);
    }
    let accounts: Vec<(String, String)> = account::Entity::find()
        .select_only()
        .columns([account::Column::Id, account::Column::Path])
        .into_tuple()
        .all(conn)
        .await?;
    let rules: Vec<String> = assignment::Entity::find()
        .select_only()
        .column(assignment::Column::Target)
        .distinct()
        .filter(assignment::Column::Target.gte("/"))
        .filter(assignment::Column::Target.lt("0"))
        .into_tuple()
        .all(conn)
        .await?;
    let sees = |resource| decide(&call.actor, Action::SeeAssignments, resource, call.now) == Decision::Allow;
    let mut targets = BTreeSet::new();
    for (id, path) in accounts {
        let broken = |e: model::Invalid| Error::internal(format!("account {id}: {e}"));
        let path = AccountPath::parse(&path).map_err(broken)?;
        if sees(Resource::account(call, id.parse().map_err(broken)?, &path)) {
            targets.insert(id);
        }
    }
    for rule in rules {
        let target = AccountTarget::parse(&rule).map_err(|e| Error::internal(format!("target {rule}: {e}")))?;
        if sees(Resource::target(call, &target, None)) {
            targets.insert(rule);
        }
    }
    Ok(Some(targets))
}

/// Grants with the names of everything in them.
async fn dressed<C: ConnectionTrait>(conn: &C, call: &Call, rows: Vec<assignment::Model>) -> Result<Vec<GrantRow>> {
    let keys: Vec<rows::GrantKey> = rows.iter().map(rows::GrantKey::of).collect::<Result<_>>()?;
    let principals: BTreeSet<Principal> = keys.iter().map(|key| key.principal).collect();
    let sets: BTreeSet<PermissionSetId> = keys.iter().map(|key| key.set).collect();
    let accounts: BTreeSet<AccountId> = keys
        .iter()
        .filter_map(|key| if let AccountTarget::Account(id) = &key.target { Some(*id) } else { None })
        .collect();
    let principals = names::of_principals(conn, &principals.into_iter().collect::<Vec<_>>()).await?;
    let sets = names::of_sets(conn, &sets.into_iter().collect::<Vec<_>>()).await?;
    let accounts = names::of_accounts(conn, &accounts.into_iter().collect::<Vec<_>>()).await?;
    let own = proposal::own_principals(conn, call).await?;
    let givers = givers(conn, &rows).await?;
    let dress = |(row, key): (assignment::Model, rows::GrantKey)| {
        let account = match &key.target {
            AccountTarget::Account(id) => accounts.get(id),
            AccountTarget::Rule(_) => None,
        };
        let resource = Resource::target(call, &key.target, account.map(|(_, path)| path));
        let resource = resource.granting(own.contains(&key.principal));
        let nobody = || Named { name: key.principal.id(), inactive: None };
        Ok(GrantRow {
            id: parse_id(&row.id)?,
            named: principals.get(&key.principal).cloned().unwrap_or_else(nobody),
            account: account.map(|(name, _)| name.clone()),
            set_name: sets.get(&key.set).cloned().unwrap_or_else(|| key.set.to_string()),
            expires: row.expires_at.map(Timestamp),
            reason: row.reason,
            created_at: Timestamp(row.created_at),
            created_by: givers.iter().find(|(id, _)| *id == row.created_by).map_or(row.created_by, |(_, n)| n.clone()),
            may_change: decide(&call.actor, Action::Assign, resource, call.now) == Decision::Allow,
            principal: key.principal,
            set: key.set,
            target: key.target,
        })
    };
    rows.into_iter().zip(keys).map(dress).collect()
}

/// The names of those who gave grants.
async fn givers<C: ConnectionTrait>(conn: &C, rows: &[assignment::Model]) -> Result<Vec<(String, String)>> {
    let ids: BTreeSet<&str> =
        rows.iter().map(|row| row.created_by.as_str()).filter(|by| by.parse::<UserId>().is_ok()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::UserName])
        .filter(user::Column::Id.is_in(ids))
        .into_tuple()
        .all(conn)
        .await?)
}
