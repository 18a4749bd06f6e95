//! The version of everything that decides who may go where. Each change of it writes down what it touched, so that every node
//! drops exactly that from what it keeps in memory, before it answers the next request.

use model::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Principal;
use crate::error::{Error, Result};
use crate::store::entity::{access_stamp, access_touch, application_assignment, assignment};

/// How long it is remembered what a step touched; a node that was away for longer forgets everything it knew.
const REMEMBERED: i64 = 10 * Timestamp::MINUTE;

/// More than this at once is everything.
const MOST_AT_ONCE: usize = 200;

/// How a step is written down that touched everything, and one that touched accounts and sets only.
const EVERYTHING: &str = "*";
const DIRECTORY: &str = "=";

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    /// Everybody: very many grants, or accounts and sets that were removed together with their grants.
    Everything,
    /// Accounts or permission sets were created, or changed in whatever way. What was assigned to whom stays as it was.
    Directory,
    /// What these people or groups were assigned, or who is in the group, or whether the person is active.
    Only(Vec<Principal>),
}

/// Puts a change of access in line behind every other: until it ends nobody else's goes on. For changes that must look before
/// they know what they touch; those that know it touch first, which is the same.
///
/// All take what they need in one order, so that none waits for another in a circle: the guard of the owners, this, rows.
pub(crate) async fn line_up<C: ConnectionTrait>(txn: &C) -> Result<()> {
    // SQLite lets one transaction write at a time anyhow.
    let row = access_stamp::Entity::find_by_id(1).lock_exclusive().one(txn).await?;
    row.map(drop).ok_or_else(|| Error::internal("the stamp of access is missing"))
}

/// Notes that a change touched something; inside its transaction, before it writes what others may be waiting for.
pub(crate) async fn touch<C: ConnectionTrait>(txn: &C, now: Timestamp, touched: Touched) -> Result<()> {
    let moved = access_stamp::Entity::update_many()
        .col_expr(access_stamp::Column::Version, Expr::col(access_stamp::Column::Version).add(1))
        .filter(access_stamp::Column::Id.eq(1))
        .exec(txn)
        .await?;
    if moved.rows_affected != 1 {
        return Err(Error::internal("the stamp of access is missing"));
    }
    let version = current(txn).await?;
    let mut named: Vec<String> = match touched {
        Touched::Only(principals) if principals.len() <= MOST_AT_ONCE => principals.iter().map(Principal::id).collect(),
        Touched::Directory => vec![DIRECTORY.to_owned()],
        Touched::Only(_) | Touched::Everything => vec![EVERYTHING.to_owned()],
    };
    named.sort_unstable();
    named.dedup();
    let rows = named.into_iter().map(|touched| {
        access_touch::ActiveModel::from(access_touch::Model { version, touched, at: now.0 }).reset_all()
    });
    access_touch::Entity::insert_many(rows).exec_without_returning(txn).await?;
    Ok(())
}

/// Everything assigned to a principal goes with it; says how many grants that were. Inside the transaction that removes it.
pub(crate) async fn forget<C: ConnectionTrait>(txn: &C, now: Timestamp, principal: Principal) -> Result<u64> {
    let id = principal.id();
    let grants = assignment::Entity::delete_many()
        .filter(assignment::Column::PrincipalId.eq(&id))
        .exec(txn)
        .await?
        .rows_affected;
    application_assignment::Entity::delete_many()
        .filter(application_assignment::Column::PrincipalId.eq(&id))
        .exec(txn)
        .await?;
    touch(txn, now, Touched::Only(vec![principal])).await?;
    Ok(grants)
}

/// The version now.
pub(crate) async fn current<C: ConnectionTrait>(conn: &C) -> Result<i64> {
    let row = access_stamp::Entity::find_by_id(1).one(conn).await?;
    row.map(|row| row.version).ok_or_else(|| Error::internal("the stamp of access is missing"))
}

/// What some steps touched, taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Accounts or permission sets.
    pub(crate) directory: bool,
    /// Ids of people and groups.
    pub(crate) principals: Vec<String>,
}

/// What was touched after a version, up to another; nothing where it must be taken for everything.
pub(crate) async fn since<C: ConnectionTrait>(conn: &C, version: i64, now: i64) -> Result<Option<Steps>> {
    let rows = access_touch::Entity::find()
        .filter(access_touch::Column::Version.gt(version))
        .filter(access_touch::Column::Version.lte(now))
        .order_by_asc(access_touch::Column::Version)
        .limit(1_000)
        .all(conn)
        .await?;
    // Steps without a gap, or something has been forgotten or cut off.
    let (mut expected, mut steps) = (version, Steps::default());
    for row in rows {
        if row.version > expected + 1 {
            return Ok(None);
        }
        expected = row.version;
        match row.touched.as_str() {
            EVERYTHING => return Ok(None),
            DIRECTORY => steps.directory = true,
            _ => steps.principals.push(row.touched),
        }
    }
    Ok((expected == now).then_some(steps))
}

/// Forgets what was touched long ago.
pub(crate) async fn clean_up<C: ConnectionTrait>(conn: &C, now: Timestamp) -> Result<u64> {
    let gone = access_touch::Entity::delete_many()
        .filter(access_touch::Column::At.lt(now.plus(-REMEMBERED).0))
        .exec(conn)
        .await?;
    Ok(gone.rows_affected)
}
