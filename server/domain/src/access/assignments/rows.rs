//! Rows of grants in bulk: a few statements for thousands of them. Callers authorise, audit and touch the stamp.

use std::collections::HashMap;

use model::{AccountTarget, AssignmentId, PermissionSetId, Timestamp};
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseTransaction, EntityTrait, FromQueryResult as _, Statement, Value,
};

use crate::access::Principal;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::store::entity::assignment::{Entity, Model};

/// Rows of one statement: ten values each, well below what both databases take.
const CHUNK: usize = 500;

/// From so many new rows on SQLite makes the indexes afterwards, in one go each; that is four times as fast.
const INDEX_AFTERWARDS: u64 = 100_000;

const COLUMNS: &str = "id, principal_kind, principal_id, permission_set_id, target, expires_at, reason, created_at, \
    created_by, warned_at";

/// What a grant is found by: who, where and what. There is one grant of each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantKey {
    pub principal: Principal,
    pub target: AccountTarget,
    pub set: PermissionSetId,
}

impl GrantKey {
    pub(crate) fn of(row: &Model) -> Result<Self> {
        let broken = |e: model::Invalid| Error::internal(format!("assignment {}: {e}", row.id));
        Ok(Self {
            principal: Principal::from_columns(&row.principal_kind, &row.principal_id)?,
            target: AccountTarget::parse(&row.target).map_err(broken)?,
            set: row.permission_set_id.parse().map_err(broken)?,
        })
    }

    fn values(&self) -> [Value; 3] {
        [self.principal.id().into(), self.target.to_string().into(), self.set.to_string().into()]
    }
}

/// A grant that is not there yet.
#[derive(Clone, Debug)]
pub(crate) struct NewGrant {
    pub(crate) key: GrantKey,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) reason: String,
}

/// Makes rows of grants: ids that follow each other, so that they are written side by side.
pub(crate) struct Rows {
    now: Timestamp,
    by: String,
    chance: [u8; 5],
    made: u32,
}

impl Rows {
    pub(crate) fn new(entropy: &Entropy, now: Timestamp, by: impl Into<String>) -> Result<Self> {
        Ok(Self { now, by: by.into(), chance: entropy.bytes()?, made: 0 })
    }

    pub(crate) fn make(&mut self, grant: NewGrant) -> Model {
        let GrantKey { principal, target, set } = grant.key;
        Model {
            id: self.next_id().to_string(),
            principal_kind: principal.kind().to_owned(),
            principal_id: principal.id(),
            permission_set_id: set.to_string(),
            target: target.to_string(),
            expires_at: grant.expires.map(|at| at.0),
            reason: grant.reason,
            created_at: self.now.0,
            created_by: self.by.clone(),
            warned_at: None,
        }
    }

    /// The count stands in the bits that an id of this kind leaves free, the highest first; then comes chance.
    fn next_id(&mut self) -> AssignmentId {
        let count = self.made;
        self.made = self.made.wrapping_add(1);
        let part = |shift: u32, mask: u32| u8::try_from((count >> shift) & mask).unwrap_or_default();
        let counted = [part(30, 0x0f), part(22, 0xff), part(16, 0x3f), part(8, 0xff), part(0, 0xff)];
        let mut bytes = [0; 10];
        for (place, byte) in bytes.iter_mut().zip(counted.into_iter().chain(self.chance)) {
            *place = byte;
        }
        AssignmentId::ordered(self.now, bytes)
    }
}

/// Writes new rows. Sorted by principal they are written fastest. `about` says how many there will be.
pub(crate) async fn insert(
    txn: &DatabaseTransaction,
    rows: impl IntoIterator<Item = Model>,
    about: usize,
) -> Result<u64> {
    let about = u64::try_from(about).unwrap_or(u64::MAX);
    let aside = if about >= INDEX_AFTERWARDS && txn.get_database_backend() == DatabaseBackend::Sqlite {
        put_indexes_aside(txn).await?
    } else {
        Vec::new()
    };
    let written = write(txn, rows, "").await?;
    for statement in aside {
        txn.execute_unprepared(&statement).await?;
    }
    Ok(written)
}

/// Gives grants other terms: what is there keeps its id and beginning, what is missing is made.
pub(crate) async fn alter(txn: &DatabaseTransaction, rows: impl IntoIterator<Item = Model>) -> Result<u64> {
    let keep = " ON CONFLICT (principal_id, target, permission_set_id) DO UPDATE SET \
        expires_at = excluded.expires_at, reason = excluded.reason, warned_at = NULL";
    write(txn, rows, keep).await
}

/// Removes grants; says how many were there.
pub(crate) async fn remove(txn: &DatabaseTransaction, keys: &[GrantKey]) -> Result<u64> {
    let mut gone = 0;
    for part in keys.chunks(CHUNK) {
        let statement = by_keys(txn.get_database_backend(), "DELETE FROM assignments", part);
        gone += txn.execute_raw(statement).await?.rows_affected();
    }
    Ok(gone)
}

/// The rows of these grants that are there.
pub(crate) async fn find(conn: &impl ConnectionTrait, keys: &[GrantKey]) -> Result<HashMap<GrantKey, Model>> {
    let mut found = HashMap::new();
    let select = format!("SELECT {COLUMNS} FROM assignments");
    for part in keys.chunks(CHUNK) {
        for row in conn.query_all_raw(by_keys(conn.get_database_backend(), &select, part)).await? {
            let row = Model::from_query_result(&row, "")?;
            found.insert(GrantKey::of(&row)?, row);
        }
    }
    Ok(found)
}

/// One row by its id.
pub(crate) async fn one(conn: &impl ConnectionTrait, id: AssignmentId) -> Result<Model> {
    Entity::find_by_id(id.to_string()).one(conn).await?.ok_or_else(|| Error::not_found("assignment"))
}

async fn write(txn: &DatabaseTransaction, rows: impl IntoIterator<Item = Model>, then: &str) -> Result<u64> {
    let backend = txn.get_database_backend();
    let full = format!("INSERT INTO assignments ({COLUMNS}) VALUES {}{then}", places(backend, CHUNK, 10));
    let mut rows = rows.into_iter().peekable();
    let mut written = 0;
    while rows.peek().is_some() {
        let mut values: Vec<Value> = Vec::with_capacity(CHUNK * 10);
        let mut count = 0;
        for row in rows.by_ref().take(CHUNK) {
            count += 1;
            values.extend([
                row.id.into(),
                row.principal_kind.into(),
                row.principal_id.into(),
                row.permission_set_id.into(),
                row.target.into(),
                row.expires_at.into(),
                row.reason.into(),
                row.created_at.into(),
                row.created_by.into(),
                row.warned_at.into(),
            ]);
        }
        let sql = if count == CHUNK {
            full.clone()
        } else {
            format!("INSERT INTO assignments ({COLUMNS}) VALUES {}{then}", places(backend, count, 10))
        };
        written += txn.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?.rows_affected();
    }
    Ok(written)
}

fn by_keys(backend: DatabaseBackend, what: &str, keys: &[GrantKey]) -> Statement {
    let sql = format!(
        "{what} WHERE (principal_id, target, permission_set_id) IN (VALUES {})",
        places(backend, keys.len(), 3)
    );
    Statement::from_sql_and_values(backend, sql, keys.iter().flat_map(GrantKey::values))
}

/// `(?,?),(?,?)`, or with numbers where the database wants them.
fn places(backend: DatabaseBackend, rows: usize, columns: usize) -> String {
    let place = |number: usize| match backend {
        DatabaseBackend::Postgres => format!("${number}"),
        _ => "?".to_owned(),
    };
    let row = |row: usize| (1..=columns).map(|column| place(row * columns + column)).collect::<Vec<_>>().join(",");
    (0..rows).map(|number| format!("({})", row(number))).collect::<Vec<_>>().join(",")
}

/// Drops the indexes of the table; gives what makes them again. All of it in the transaction: nobody else sees it.
async fn put_indexes_aside(txn: &DatabaseTransaction) -> Result<Vec<String>> {
    let known =
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'assignments' AND sql IS NOT NULL";
    let mut again = Vec::new();
    for row in txn.query_all_raw(Statement::from_string(DatabaseBackend::Sqlite, known)).await? {
        let (name, sql): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        txn.execute_unprepared(&format!("DROP INDEX \"{name}\"")).await?;
        again.push(sql);
    }
    Ok(again)
}
