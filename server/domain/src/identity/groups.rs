//! Administration of groups and their members.

use std::collections::HashMap;
use std::sync::Arc;

use model::{GroupId, GroupName, Role, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter, QuerySelect,
    SqlErr,
};
use serde_json::json;

use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::{BUILTIN, PeopleSort, PersonRow, ordering_of, page_of_people, parse_id};
use crate::identity::people_changes::{join, lock as lock_person};
use crate::identity::{ranks, words};
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::{group, membership, user};

/// The longest description.
const LONGEST_DESCRIPTION: usize = 1024;

/// One row.
#[derive(Clone, Debug)]
pub struct GroupRow {
    pub id: GroupId,
    pub name: String,
    pub description: String,
    pub members: u64,
    pub created_at: Timestamp,
    /// Roles that members get.
    pub roles: Vec<Role>,
}

/// Everything about a group.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub row: GroupRow,
    pub directory: String,
    pub version: i64,
    pub may_change: bool,
}

/// Groups.
#[derive(Clone, Debug)]
pub struct Groups(pub(crate) Arc<Core>);

impl Groups {
    /// Groups by name; `search` is the beginning of the name.
    pub async fn list(&self, call: &Call, search: &str, page: &PageRequest) -> Result<Page<GroupRow>> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let read = self.0.store.read();
        let text = || Key::Text(String::new());
        let window =
            Window::of(page, Ordering { name: "groups".to_owned(), descending: false, kinds: (text(), text()) })?;
        let mut select = group::Entity::find();
        let beginning = model::name_key(search.trim());
        if beginning.contains('\0') {
            return Err(Error::invalid("search", "must not contain control characters"));
        }
        if !beginning.is_empty() {
            select = select
                .filter(group::Column::NameKey.gte(&beginning))
                .filter(group::Column::NameKey.lt(format!("{beginning}\u{10FFFF}")));
        }
        // There are few groups beside people: counting them costs little, and only the first page does.
        let total = if window.is_first { Some(select.clone().count(read).await?) } else { window.counted };
        let groups = window.apply(select, group::Column::NameKey, group::Column::Directory).all(read).await?;
        let page = window.finish(groups, total, |row| (row.name_key.as_str().into(), row.directory.as_str().into()));
        Ok(Page { rows: rows(read, page.rows).await?, total: page.total, next: page.next, previous: page.previous })
    }

    /// Everything about a group but its members.
    pub async fn get(&self, call: &Call, group: GroupId) -> Result<GroupView> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let read = self.0.store.read();
        let found =
            group::Entity::find_by_id(group.to_string()).one(read).await?.ok_or_else(|| Error::not_found("group"))?;
        let (directory, version) = (found.directory.clone(), found.version);
        let row = rows(read, vec![found]).await?.pop().ok_or_else(|| Error::not_found("group"))?;
        let resource = Resource::Group { rank: row.roles.first().copied() };
        let may_change = decide(&call.actor, Action::ManageGroups, resource, call.now) == Decision::Allow;
        Ok(GroupView { row, directory, version, may_change })
    }

    /// By name, for the command line.
    pub async fn find(&self, call: &Call, name: &str) -> Result<GroupId> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let (directory, name) = match name.split_once('/') {
            Some((directory, name)) => (Some(directory), name),
            None => (None, name),
        };
        let Ok(name) = GroupName::parse(name) else {
            return Err(Error::not_found("group"));
        };
        let found = group::Entity::find()
            .filter(group::Column::NameKey.eq(name.key()))
            .limit(20)
            .all(self.0.store.read())
            .await?;
        let fitting: Vec<&group::Model> =
            found.iter().filter(|row| directory.is_none_or(|wanted| wanted == row.directory)).collect();
        match fitting.as_slice() {
            [] => Err(Error::not_found("group")),
            [one] => parse_id(&one.id),
            several => {
                let names: Vec<String> = several.iter().map(|row| format!("{}/{}", row.directory, row.name)).collect();
                Err(Error::conflict(Some("name"), format!("is the name of several groups: {}", names.join(", "))))
            }
        }
    }

    /// The members of one group, by user name.
    pub async fn members(
        &self,
        call: &Call,
        group: GroupId,
        search: &str,
        page: &PageRequest,
    ) -> Result<Page<PersonRow>> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let read = self.0.store.read();
        let window = Window::of(page, ordering_of("members", PeopleSort::UserName))?;
        let found = words::find(read, search).await?;
        let members = Query::select()
            .column(membership::Column::UserId)
            .from(membership::Entity)
            .and_where(membership::Column::GroupId.eq(group.to_string()))
            .to_owned();
        let select = found.narrow(user::Entity::find()).filter(user::Column::Id.in_subquery(members));
        page_of_people(read, window, &found, select, PeopleSort::UserName).await
    }

    /// A new, empty group.
    pub async fn create(&self, call: &Call, name: &str, description: &str) -> Result<GroupId> {
        authorize(call, Action::ManageGroups, Resource::Group { rank: None })?;
        let (name, description) = checked(name, description)?;
        let id = GroupId::from_random(self.0.entropy.bytes()?);
        let row = group::Model {
            id: id.to_string(),
            directory: BUILTIN.to_owned(),
            name: name.as_str().to_owned(),
            name_key: name.key(),
            description,
            created_at: call.now.0,
            updated_at: call.now.0,
            version: 1,
        };
        let mut change = self.0.store.begin().await?;
        group::Entity::insert(group::ActiveModel::from(row.clone()).reset_all())
            .exec_without_returning(change.txn())
            .await
            .map_err(name_taken)?;
        change.audit(
            call,
            Event::done("CreateGroup").on("group", id, &row.name).with(json!({
                "name": row.name, "description": row.description,
            })),
        );
        change.commit().await?;
        Ok(id)
    }

    /// Changes name and description. Refused as a conflict when somebody else changed the group since `version`.
    pub async fn update(&self, call: &Call, group: GroupId, version: i64, name: &str, description: &str) -> Result<()> {
        authorize(call, Action::ManageGroups, Resource::Organisation)?;
        let (name, description) = checked(name, description)?;
        let mut change = self.0.store.begin().await?;
        let before = lock(change.txn(), group).await?;
        authorize(call, Action::ManageGroups, ranks::group(change.txn(), group).await?)?;
        if before.version != version {
            return Err(Error::conflict(
                None,
                "Somebody else changed this meanwhile. Look at it again, then repeat your change.",
            ));
        }
        let after = group::Model {
            name: name.as_str().to_owned(),
            name_key: name.key(),
            description,
            updated_at: call.now.0,
            version: version + 1,
            ..before.clone()
        };
        let mut differences = serde_json::Map::new();
        for (field, from, to) in
            [("name", &before.name, &after.name), ("description", &before.description, &after.description)]
        {
            if from != to {
                differences.insert(field.to_owned(), json!({"from": from, "to": to}));
            }
        }
        if differences.is_empty() {
            return Ok(());
        }
        group::Entity::update(group::ActiveModel::from(after.clone()).reset_all())
            .exec(change.txn())
            .await
            .map_err(name_taken)?;
        change.audit(call, Event::done("UpdateGroup").on("group", group, &after.name).with(differences.into()));
        change.commit().await
    }

    /// Removes a group, its memberships and the roles it gave.
    pub async fn delete(&self, call: &Call, group: GroupId) -> Result<()> {
        authorize(call, Action::ManageGroups, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        let owners = ranks::active_owners(change.txn()).await?;
        let row = lock(change.txn(), group).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageGroups, ranks::group(change.txn(), group).await?)
            .await?;
        let members =
            membership::Entity::find().filter(membership::Column::GroupId.eq(&row.id)).count(change.txn()).await?;
        let grants = stamp::forget(change.txn(), call.now, Principal::Group(group)).await?;
        group::Entity::delete_by_id(&row.id).exec(change.txn()).await?;
        ranks::owner_remains(change.txn(), owners).await?;
        change.audit(
            call,
            Event::done("DeleteGroup")
                .on("group", group, &row.name)
                .with(json!({"name": row.name, "members": members, "assignments": grants})),
        );
        change.commit().await
    }

    /// Puts a person into a group. Who is there already stays; then nothing is audited.
    pub async fn add_member(&self, call: &Call, group: GroupId, user: UserId) -> Result<()> {
        authorize(call, Action::ManageGroups, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        let row = lock(change.txn(), group).await?;
        let roles = ranks::group(change.txn(), group).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageGroups, roles).await?;
        let person = lock_person(change.txn(), user).await?;
        let was = ranks::roles_of_person(change.txn(), user).await?;
        if !join(change.txn(), &row.id, &person.id, call.now).await? {
            return Ok(());
        }
        stamp::touch(change.txn(), call.now, Touched::Only(vec![Principal::User(user)])).await?;
        if let Resource::Group { rank: Some(role) } = roles {
            super::administrators::promoted(change.txn(), &self.0, call.now, &person, &was, role).await?;
        }
        change.audit(
            call,
            Event::done("AddMemberToGroup").on("group", group, &row.name).with(json!({
                "member": {"id": person.id, "userName": person.user_name},
            })),
        );
        change.commit().await
    }

    /// Takes a person out of a group. Who is not there stays away; then nothing is audited.
    pub async fn remove_member(&self, call: &Call, group: GroupId, user: UserId) -> Result<()> {
        authorize(call, Action::ManageGroups, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        let owners = ranks::active_owners(change.txn()).await?;
        let row = lock(change.txn(), group).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageGroups, ranks::group(change.txn(), group).await?)
            .await?;
        let person = lock_person(change.txn(), user).await?;
        let removed = membership::Entity::delete_by_id((row.id.clone(), person.id.clone())).exec(change.txn()).await?;
        if removed.rows_affected == 0 {
            return Ok(());
        }
        ranks::owner_remains(change.txn(), owners).await?;
        stamp::touch(change.txn(), call.now, Touched::Only(vec![Principal::User(user)])).await?;
        change.audit(
            call,
            Event::done("RemoveMemberFromGroup").on("group", group, &row.name).with(json!({
                "member": {"id": person.id, "userName": person.user_name},
            })),
        );
        change.commit().await
    }
}

fn checked(name: &str, description: &str) -> Result<(GroupName, String)> {
    let name = GroupName::parse(name).map_err(|e| Error::invalid("name", e.to_string()))?;
    if description.chars().count() > LONGEST_DESCRIPTION {
        return Err(Error::invalid("description", format!("must have at most {LONGEST_DESCRIPTION} characters")));
    }
    if description.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid("description", "must not contain control characters"));
    }
    Ok((name, description.to_owned()))
}

/// Dresses groups as rows: one query for the numbers of members and one for the roles of all of them.
async fn rows(db: &impl ConnectionTrait, groups: Vec<group::Model>) -> Result<Vec<GroupRow>> {
    let ids: Vec<String> = groups.iter().map(|row| row.id.clone()).collect();
    let mut members: HashMap<String, i64> = HashMap::new();
    if !ids.is_empty() {
        let counted: Vec<(String, i64)> = membership::Entity::find()
            .select_only()
            .column(membership::Column::GroupId)
            .expr_as(Expr::col(membership::Column::UserId).count(), "members")
            .filter(membership::Column::GroupId.is_in(&ids))
            .group_by(membership::Column::GroupId)
            .into_tuple()
            .all(db)
            .await?;
        members = counted.into_iter().collect();
    }
    let mut roles = ranks::roles_of_groups(db, &ids).await?;
    groups
        .into_iter()
        .map(|row| {
            Ok(GroupRow {
                id: parse_id(&row.id)?,
                members: members.get(&row.id).and_then(|count| u64::try_from(*count).ok()).unwrap_or(0),
                roles: roles.remove(&row.id).unwrap_or_default(),
                name: row.name,
                description: row.description,
                created_at: Timestamp(row.created_at),
            })
        })
        .collect()
}

/// The group, locked until the change ends.
pub(crate) async fn lock(txn: &impl ConnectionTrait, group: GroupId) -> Result<group::Model> {
    group::Entity::find_by_id(group.to_string())
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| Error::not_found("group"))
}

/// Turns the refusal of the unique index into the refusal of the field.
fn name_taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(Some("name"), "is the name of another group").because(error)
        }
        _ => error.into(),
    }
}
