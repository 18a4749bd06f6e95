//! Reads the picture of an organisation out of the database: all of it, or what stands around a few people and groups.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use model::{AccountPath, AccountTarget, Timestamp};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect, Statement, StreamTrait,
    TryGetable,
};

use super::Principal;
use super::snapshot::{GroupIx, Holder, Snapshot, Terms, UserIx};
use crate::error::{Error, Result};
use crate::identity::people::BUILTIN;
use crate::store::entity::{account, assignment, group, membership, permission_set, user};

/// Values in one list of a query.
const CHUNK: usize = 500;

/// The columns that a grant is made of.
type GrantRow = (String, String, String, String, Option<i64>, String);

impl Snapshot {
    /// The whole organisation. Rows are read one by one and kept only as numbers. Inside a transaction it is one moment.
    pub(crate) async fn whole<C: ConnectionTrait + StreamTrait>(conn: &C) -> Result<Self> {
        let mut snapshot = Self::default();
        each(conn, "SELECT id, directory, user_name, status FROM users", |row| {
            snapshot.read_user(&text(row, 0)?, &text(row, 1)?, &text(row, 2)?, &text(row, 3)?)
        })
        .await?;
        each(conn, "SELECT id, directory, name FROM groups", |row| {
            snapshot.read_group(&text(row, 0)?, &text(row, 1)?, &text(row, 2)?)
        })
        .await?;
        each(conn, "SELECT user_id, group_id FROM memberships", |row| {
            snapshot.read_membership(&text(row, 0)?, &text(row, 1)?);
            Ok(())
        })
        .await?;
        snapshot.read_accounts_and_sets(conn).await?;
        let grants =
            "SELECT principal_kind, principal_id, target, permission_set_id, expires_at, reason FROM assignments";
        each(conn, grants, |row| {
            let row = (text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?, value(row, 4)?, text(row, 5)?);
            snapshot.read_grant(&row)
        })
        .await?;
        Ok(snapshot)
    }

    /// These people and groups, the members of the groups, and everything that any of them holds; with `sets`, only what
    /// concerns these. Accounts and permission sets are all there.
    pub(crate) async fn around<C: ConnectionTrait>(
        conn: &C,
        principals: &[Principal],
        sets: Option<&[String]>,
    ) -> Result<Self> {
        let mut snapshot = Self::default();
        snapshot.read_accounts_and_sets(conn).await?;
        let mut people: BTreeSet<String> = BTreeSet::new();
        let mut groups: BTreeSet<String> = BTreeSet::new();
        for principal in principals {
            match principal {
                Principal::User(user) => people.insert(user.to_string()),
                Principal::Group(group) => groups.insert(group.to_string()),
            };
        }
        let named: Vec<String> = groups.iter().cloned().collect();
        for part in named.chunks(CHUNK) {
            let members: Vec<String> = membership::Entity::find()
                .select_only()
                .column(membership::Column::UserId)
                .filter(membership::Column::GroupId.is_in(part))
                .into_tuple()
                .all(conn)
                .await?;
            people.extend(members);
        }
        let people: Vec<String> = people.into_iter().collect();
        let mut memberships: Vec<(String, String)> = Vec::new();
        for part in people.chunks(CHUNK) {
            snapshot.read_people(conn, part).await?;
            let of_part: Vec<(String, String)> = membership::Entity::find()
                .select_only()
                .column(membership::Column::UserId)
                .column(membership::Column::GroupId)
                .filter(membership::Column::UserId.is_in(part))
                .into_tuple()
                .all(conn)
                .await?;
            memberships.extend(of_part);
        }
        groups.extend(memberships.iter().map(|(_, group)| group.clone()));
        let groups: Vec<String> = groups.into_iter().collect();
        for part in groups.chunks(CHUNK) {
            snapshot.read_groups(conn, part).await?;
        }
        for (user, group) in &memberships {
            snapshot.read_membership(user, group);
        }
        for part in people.chunks(CHUNK).chain(groups.chunks(CHUNK)) {
            snapshot.read_grants_of(conn, part, sets).await?;
        }
        Ok(snapshot)
    }

    async fn read_accounts_and_sets<C: ConnectionTrait>(&mut self, conn: &C) -> Result<()> {
        let accounts: Vec<(String, String, String, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Name, account::Column::Path, account::Column::Status])
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name, path, status) in accounts {
            let path = AccountPath::parse(&path).map_err(|e| unreadable("account", &id, &e))?;
            let parsed = id.parse().map_err(|e| unreadable("account", &id, &e))?;
            self.put_account(parsed, &name, path, status.eq_ignore_ascii_case("active"));
        }
        let sets: Vec<(String, String)> = permission_set::Entity::find()
            .select_only()
            .columns([permission_set::Column::Id, permission_set::Column::Name])
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name) in sets {
            let parsed = id.parse().map_err(|e| unreadable("permission set", &id, &e))?;
            self.put_set(parsed, &name);
        }
        Ok(())
    }

    async fn read_people<C: ConnectionTrait>(&mut self, conn: &C, ids: &[String]) -> Result<()> {
        let rows: Vec<(String, String, String, String)> = user::Entity::find()
            .select_only()
            .columns([user::Column::Id, user::Column::Directory, user::Column::UserName, user::Column::Status])
            .filter(user::Column::Id.is_in(ids))
            .into_tuple()
            .all(conn)
            .await?;
        rows.iter().try_for_each(|(id, directory, name, status)| self.read_user(id, directory, name, status))
    }

    async fn read_groups<C: ConnectionTrait>(&mut self, conn: &C, ids: &[String]) -> Result<()> {
        let rows: Vec<(String, String, String)> = group::Entity::find()
            .select_only()
            .columns([group::Column::Id, group::Column::Directory, group::Column::Name])
            .filter(group::Column::Id.is_in(ids))
            .into_tuple()
            .all(conn)
            .await?;
        rows.iter().try_for_each(|(id, directory, name)| self.read_group(id, directory, name))
    }

    async fn read_grants_of<C: ConnectionTrait>(
        &mut self,
        conn: &C,
        holders: &[String],
        sets: Option<&[String]>,
    ) -> Result<()> {
        let mut select = assignment::Entity::find().select_only().columns([
            assignment::Column::PrincipalKind,
            assignment::Column::PrincipalId,
            assignment::Column::Target,
            assignment::Column::PermissionSetId,
            assignment::Column::ExpiresAt,
            assignment::Column::Reason,
        ]);
        select = select.filter(assignment::Column::PrincipalId.is_in(holders));
        if let Some(sets) = sets.filter(|sets| sets.len() <= CHUNK) {
            select = select.filter(assignment::Column::PermissionSetId.is_in(sets));
        }
        let rows: Vec<GrantRow> = select.into_tuple().all(conn).await?;
        rows.iter().try_for_each(|row| self.read_grant(row))
    }

    fn read_user(&mut self, id: &str, directory: &str, name: &str, status: &str) -> Result<()> {
        let parsed = id.parse().map_err(|e| unreadable("user", id, &e))?;
        self.put_user(parsed, &shown(directory, name), status != "disabled");
        Ok(())
    }

    fn read_group(&mut self, id: &str, directory: &str, name: &str) -> Result<()> {
        let parsed = id.parse().map_err(|e| unreadable("group", id, &e))?;
        self.put_group(parsed, &shown(directory, name));
        Ok(())
    }

    /// What names nobody is left out: a row may come between two queries.
    fn read_membership(&mut self, user: &str, group: &str) {
        let user = user.parse().ok().and_then(|user| self.users.find(&user));
        let group = group.parse().ok().and_then(|group| self.groups.find(&group));
        if let (Some(user), Some(group)) = (user, group) {
            self.join(UserIx(user), GroupIx(group));
        }
    }

    fn read_grant(&mut self, (kind, holder, target, set, expires, reason): &GrantRow) -> Result<()> {
        let holder = match Principal::from_columns(kind, holder)? {
            Principal::User(user) => self.users.find(&user).map(|user| Holder::User(UserIx(user))),
            Principal::Group(group) => self.groups.find(&group).map(|group| Holder::Group(GroupIx(group))),
        };
        let parsed = set.parse().map_err(|e| unreadable("permission set", set, &e))?;
        let (Some(holder), Some(set)) = (holder, self.sets.find(&parsed)) else { return Ok(()) };
        let target = AccountTarget::parse(target).map_err(|e| unreadable("target", target, &e))?;
        let target = self.target(&target);
        let terms = Terms { expires: expires.map(Timestamp), reason: self.reason(reason) };
        self.grant(holder, target, set.into(), terms);
        Ok(())
    }
}

/// A name in another directory says so.
fn shown(directory: &str, name: &str) -> String {
    if directory == BUILTIN { name.to_owned() } else { format!("{directory}/{name}") }
}

fn unreadable(what: &str, id: &str, error: &model::Invalid) -> Error {
    Error::internal(format!("{what} {id}: {error}"))
}

async fn each<C: ConnectionTrait + StreamTrait>(
    conn: &C,
    sql: &str,
    mut row: impl FnMut(&QueryResult) -> Result<()>,
) -> Result<()> {
    let backend = ConnectionTrait::get_database_backend(conn);
    let mut rows = std::pin::pin!(conn.stream_raw(Statement::from_string(backend, sql)).await?);
    while let Some(found) = rows.try_next().await? {
        row(&found)?;
    }
    Ok(())
}

fn text(row: &QueryResult, column: usize) -> Result<String> {
    value(row, column)
}

fn value<T: TryGetable>(row: &QueryResult, column: usize) -> Result<T> {
    Ok(row.try_get_by_index(column)?)
}
