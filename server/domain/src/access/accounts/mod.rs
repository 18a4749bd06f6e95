//! The registry of accounts: what there is that people can be let into, and where it stands in the organisation.

mod broker;
mod change;
mod filter;
pub mod import;
mod input;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{AccountId, AccountPath, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder as _, QuerySelect};
use serde_json::{Value, json};

pub use broker::{Broker, PERMISSION_SET};
pub(crate) use change::{change, insert, lock, remove};
pub(crate) use filter::found;
pub use filter::{AccountsQuery, AccountsSort};
pub use input::{Account, AccountInput, AccountStatus, Fault};

use super::stamp::{self, Touched};
use crate::audit::Event;
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::page::{Page, Window};
use crate::store::entity::{account, assignment};

/// Everything about an account.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What an update must name.
    pub version: i64,
    /// Grants for this account by its number. Those by path rules come on top.
    pub assignments: u64,
    /// Whether the caller may change it.
    pub may_change: bool,
    /// Whether the caller may assign in it.
    pub may_assign: bool,
}

/// A path with the accounts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathCount {
    /// The path.
    pub path: AccountPath,
    /// Accounts exactly there.
    pub here: u64,
    /// Accounts there and anywhere below.
    pub below: u64,
}

/// Accounts.
#[derive(Clone, Debug)]
pub struct Accounts(pub(crate) Arc<Core>);

impl Accounts {
    /// A page of accounts; only those that the caller's access administration reaches, where that is all they have.
    pub async fn list(&self, call: &Call, query: &AccountsQuery) -> Result<Page<Account>> {
        authorize(call, Action::SeeAccounts, Resource::Organisation)?;
        let read = self.0.store.read();
        let window = Window::of(&query.page, query.sort.ordering(query.descending))?;
        let select = account::Entity::find()
            .filter(filter::reached_by(call))
            .filter(query.condition(read.get_database_backend())?);
        let total = if window.is_first { Some(select.clone().count(read).await?) } else { window.counted };
        let (key, tie) = query.sort.columns();
        let rows = window.apply(select, key, tie).all(read).await?;
        let page = window.finish(rows, total, |row| query.sort.place(row));
        let rows = page.rows.iter().map(Account::of_row).collect::<Result<_>>()?;
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    /// Every account that a query finds in which the caller may assign, on all of its pages.
    pub async fn all_to_assign(&self, call: &Call, query: &AccountsQuery) -> Result<Vec<AccountId>> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let read = self.0.store.read();
        let found: Vec<(String, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Path])
            .filter(filter::reached_by(call))
            .filter(query.condition(read.get_database_backend())?)
            .into_tuple()
            .all(read)
            .await?;
        let mut ids = Vec::with_capacity(found.len());
        for (id, path) in found {
            let broken = |e: model::Invalid| Error::internal(format!("account {id}: {e}"));
            let (id, path): (AccountId, _) = (id.parse().map_err(broken)?, AccountPath::parse(&path).map_err(broken)?);
            let resource = Resource::account(call, id, &path);
            if decide(&call.actor, Action::Assign, resource, call.now) == Decision::Allow {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Every path at which accounts stand, and those above them, with numbers; by path.
    pub async fn tree(&self, call: &Call) -> Result<Vec<PathCount>> {
        authorize(call, Action::SeeAccounts, Resource::Organisation)?;
        let counted: Vec<(String, i64)> = account::Entity::find()
            .select_only()
            .column(account::Column::Path)
            .expr_as(Expr::col(account::Column::Id).count(), "accounts")
            .filter(filter::reached_by(call))
            .group_by(account::Column::Path)
            .order_by_asc(account::Column::Path)
            .into_tuple()
            .all(self.0.store.read())
            .await?;
        let mut tree: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (path, count) in counted {
            let count = u64::try_from(count).unwrap_or_default();
            tree.entry(path.clone()).or_default().0 += count;
            for above in above(&path) {
                tree.entry(above.to_owned()).or_default().1 += count;
            }
        }
        let read = |(path, (here, below)): (String, (u64, u64))| {
            let path = AccountPath::parse(&path).map_err(|e| Error::internal(format!("path {path}: {e}")))?;
            Ok(PathCount { path, here, below })
        };
        let mut tree: Vec<PathCount> = tree.into_iter().map(read).collect::<Result<_>>()?;
        // By segments, so that `/a b` does not come between `/a` and what is below it.
        tree.sort_by(|one, other| one.path.segments().cmp(other.path.segments()));
        Ok(tree)
    }

    /// Everything about an account. One out of the caller's reach does not exist for them.
    pub async fn get(&self, call: &Call, account: AccountId) -> Result<AccountView> {
        authorize(call, Action::SeeAccounts, Resource::Organisation)?;
        let read = self.0.store.read();
        let row = account::Entity::find_by_id(account.to_string()).one(read).await?;
        let row = row.ok_or_else(|| Error::not_found("account"))?;
        let account = Account::of_row(&row)?;
        let resource = Resource::account(call, account.id, &account.path);
        if decide(&call.actor, Action::SeeAccounts, resource, call.now) != Decision::Allow {
            return Err(Error::not_found("account"));
        }
        let may = |action, resource| decide(&call.actor, action, resource, call.now) == Decision::Allow;
        let assignments = assignment::Entity::find().filter(assignment::Column::Target.eq(&row.id)).count(read).await?;
        Ok(AccountView {
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
            version: row.version,
            assignments,
            may_change: may(Action::ManageAccounts, resource),
            may_assign: may(Action::Assign, resource.granting(false)),
            account,
        })
    }

    /// Writes an account down.
    pub async fn create(&self, call: &Call, input: &AccountInput) -> Result<AccountId> {
        authorize(call, Action::ManageAccounts, Resource::Organisation)?;
        let account = input.checked()?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Directory).await?;
        insert(change.txn(), call.now, &account).await?;
        change.audit(call, event("CreateAccount", &account, Value::Object(account.fields())));
        change.commit().await?;
        Ok(account.id)
    }

    /// Changes an account. Refused as a conflict when somebody else changed it since `version`.
    pub async fn update(&self, call: &Call, version: i64, input: &AccountInput) -> Result<()> {
        authorize(call, Action::ManageAccounts, Resource::Organisation)?;
        let after = input.checked()?;
        let mut txn = self.0.store.begin().await?;
        stamp::touch(txn.txn(), call.now, Touched::Directory).await?;
        let before = lock(txn.txn(), after.id).await?;
        if before.version != version {
            return Err(Error::conflict(
                None,
                "Somebody else changed this meanwhile. Look at it again, then repeat your change.",
            ));
        }
        let differences = change(txn.txn(), call.now, &before, &after).await?;
        if differences.is_empty() {
            return Ok(());
        }
        txn.audit(call, event("UpdateAccount", &after, differences.into()));
        txn.commit().await
    }

    /// Removes an account that is not assigned by its number. What path rules gave there ends with it.
    pub async fn delete(&self, call: &Call, account: AccountId) -> Result<()> {
        authorize(call, Action::ManageAccounts, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Directory).await?;
        let row = lock(change.txn(), account).await?;
        let account = Account::of_row(&row)?;
        remove(change.txn(), &row).await?;
        change.audit(call, event("DeleteAccount", &account, json!({"name": account.name, "path": account.path})));
        change.commit().await
    }
}

/// An event about an account.
fn event(action: &'static str, account: &Account, changes: Value) -> Event {
    Event::done(action).on("account", account.id, account.name.as_str()).with(changes)
}

/// A path and every path above it.
fn above(path: &str) -> impl Iterator<Item = &str> {
    let below_root = std::iter::successors((path != "/").then_some(path), |path| {
        path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty())
    });
    below_root.chain(std::iter::once("/"))
}
