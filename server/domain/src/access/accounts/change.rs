//! The statements that change the registry, for every service that does so inside a change of its own.
//!
//! None of them asks who is calling, notes an event, or moves the stamp of access: a service does each of these once for all the
//! accounts it changes.

use model::{AccountId, Timestamp};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait as _, QueryFilter,
    QueryOrder as _, QuerySelect, SqlErr,
};
use serde_json::{Map, Value};

use super::Account;
use crate::error::{Error, Result};
use crate::store::entity::{account, assignment, permission_set};

/// Permission sets that a refusal names.
const NAMED: u64 = 5;

/// Writes a new account.
pub(crate) async fn insert(txn: &impl ConnectionTrait, now: Timestamp, new: &Account) -> Result<()> {
    let columns = new.columns()?;
    let row = account::Model {
        id: new.id.to_string(),
        name: new.name.as_str().to_owned(),
        name_key: new.name.key(),
        email: new.email().to_owned(),
        path: new.path.as_str().to_owned(),
        status: new.status.as_str().to_owned(),
        broker: columns.broker,
        tags: columns.tags,
        created_at: now.0,
        updated_at: now.0,
        version: 1,
    };
    let done = account::Entity::insert(account::ActiveModel::from(row).reset_all()).exec_without_returning(txn).await;
    done.map(drop).map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(Some("id"), "is the number of an account that is here already").because(error)
        }
        _ => error.into(),
    })
}

/// The account, locked until the change ends.
pub(crate) async fn lock(txn: &impl ConnectionTrait, id: AccountId) -> Result<account::Model> {
    account::Entity::find_by_id(id.to_string())
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| Error::not_found("account"))
}

/// Gives a locked account another state; says what became different. Nothing is written where nothing did.
pub(crate) async fn change(
    txn: &impl ConnectionTrait,
    now: Timestamp,
    row: &account::Model,
    after: &Account,
) -> Result<Map<String, Value>> {
    let differences = Account::of_row(row)?.differences(after);
    if differences.is_empty() {
        return Ok(differences);
    }
    let columns = after.columns()?;
    let after = account::Model {
        id: row.id.clone(),
        name: after.name.as_str().to_owned(),
        name_key: after.name.key(),
        email: after.email().to_owned(),
        path: after.path.as_str().to_owned(),
        status: after.status.as_str().to_owned(),
        broker: columns.broker,
        tags: columns.tags,
        created_at: row.created_at,
        updated_at: now.0,
        version: row.version + 1,
    };
    account::Entity::update(account::ActiveModel::from(after).reset_all()).exec(txn).await?;
    Ok(differences)
}

/// Removes a locked account. Refused, saying where, while something is assigned to it by its number.
pub(crate) async fn remove(txn: &impl ConnectionTrait, row: &account::Model) -> Result<()> {
    let grants = assignment::Entity::find().filter(assignment::Column::Target.eq(&row.id)).count(txn).await?;
    if grants > 0 {
        return Err(Error::conflict(None, still_assigned(txn, row, grants).await?));
    }
    account::Entity::delete_by_id(&row.id).exec(txn).await?;
    Ok(())
}

/// "Production still has 3 assignments: `Admin` (1), `ReadOnly` (2). Remove them first."
async fn still_assigned(txn: &impl ConnectionTrait, row: &account::Model, grants: u64) -> Result<String> {
    let sets: Vec<(String, i64)> = assignment::Entity::find()
        .select_only()
        .column(assignment::Column::PermissionSetId)
        .expr_as(Expr::col(assignment::Column::Id).count(), "grants")
        .filter(assignment::Column::Target.eq(&row.id))
        .group_by(assignment::Column::PermissionSetId)
        .order_by_asc(assignment::Column::PermissionSetId)
        .limit(NAMED + 1)
        .into_tuple()
        .all(txn)
        .await?;
    let named = usize::try_from(NAMED).unwrap_or(usize::MAX);
    let mut places = Vec::new();
    for (id, grants) in sets.iter().take(named) {
        let set = permission_set::Entity::find_by_id(id).one(txn).await?;
        places.push(format!("{} ({grants})", set.map_or_else(|| id.clone(), |set| set.name)));
    }
    places.sort_unstable();
    if sets.len() > named {
        places.push("and others".to_owned());
    }
    let noun = if grants == 1 { "assignment" } else { "assignments" };
    Ok(format!("{} still has {grants} {noun}: {}. Remove them first.", row.name, places.join(", ")))
}
