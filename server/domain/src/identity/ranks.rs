//! Which roles people and groups hold, and the rule that an owner remains.

use std::collections::HashMap;

use model::{GroupId, Role, UserId};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::authz::{Action, Resource, authorize};
use crate::call::{Actor, Call, Person};
use crate::error::{Error, Result};
use crate::identity::roles;
use crate::store::entity::{administrator, instance, membership, user};

/// The roles of some people, directly or through groups, most powerful first. Two queries, however many people.
pub(crate) async fn roles_of(db: &impl ConnectionTrait, users: &[String]) -> Result<HashMap<String, Vec<Role>>> {
    let mut roles: HashMap<String, Vec<Role>> = HashMap::new();
    if users.is_empty() {
        return Ok(roles);
    }
    let direct: Vec<(Option<String>, String)> = administrator::Entity::find()
        .select_only()
        .columns([administrator::Column::UserId, administrator::Column::Role])
        .filter(administrator::Column::UserId.is_in(users))
        .into_tuple()
        .all(db)
        .await?;
    let groups = roles_of_all_groups(db).await?;
    let mut held: Vec<(String, String)> = direct.into_iter().filter_map(|(user, role)| Some((user?, role))).collect();
    if !groups.is_empty() {
        let through: Vec<(String, String)> = membership::Entity::find()
            .select_only()
            .columns([membership::Column::GroupId, membership::Column::UserId])
            .filter(membership::Column::UserId.is_in(users))
            .filter(membership::Column::GroupId.is_in(groups.keys()))
            .into_tuple()
            .all(db)
            .await?;
        for (group, user) in through {
            held.extend(groups.get(&group).into_iter().flatten().map(|role| (user.clone(), role.to_string())));
        }
    }
    for (user, role) in held {
        let role = role.parse().map_err(|_| Error::internal(format!("unknown role {role}")))?;
        roles.entry(user).or_default().push(role);
    }
    for of_one in roles.values_mut() {
        of_one.sort();
        of_one.dedup();
    }
    Ok(roles)
}

/// The groups that carry roles; there are few.
async fn roles_of_all_groups(db: &impl ConnectionTrait) -> Result<HashMap<String, Vec<Role>>> {
    let grants: Vec<(Option<String>, String)> = administrator::Entity::find()
        .select_only()
        .columns([administrator::Column::GroupId, administrator::Column::Role])
        .filter(administrator::Column::GroupId.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    let mut roles: HashMap<String, Vec<Role>> = HashMap::new();
    for (group, role) in grants {
        let role = role.parse().map_err(|_| Error::internal(format!("unknown role {role}")))?;
        roles.entry(group.unwrap_or_default()).or_default().push(role);
    }
    Ok(roles)
}

/// The roles that members get from each of these groups, most powerful first.
pub(crate) async fn roles_of_groups(
    db: &impl ConnectionTrait,
    groups: &[String],
) -> Result<HashMap<String, Vec<Role>>> {
    let mut roles = roles_of_all_groups(db).await?;
    roles.retain(|group, _| groups.contains(group));
    for held in roles.values_mut() {
        held.sort();
    }
    Ok(roles)
}

/// The roles of one person, most powerful first.
pub(crate) async fn roles_of_person(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<Role>> {
    Ok(roles::held_by(db, &user.to_string()).await?.roles)
}

/// A person as something to be authorised on.
pub(crate) async fn person(db: &impl ConnectionTrait, user: UserId) -> Result<Resource> {
    Ok(Resource::Person { user, rank: roles_of_person(db, user).await?.first().copied() })
}

/// A group as something to be authorised on.
pub(crate) async fn group(db: &impl ConnectionTrait, group: GroupId) -> Result<Resource> {
    let id = group.to_string();
    let roles = roles_of_groups(db, std::slice::from_ref(&id)).await?;
    Ok(Resource::Group { rank: roles.get(&id).and_then(|roles| roles.first().copied()) })
}

/// The first statement of every change after which there could be one owner less: such changes happen one after the other,
/// on every node, because all of them write this one row.
pub(crate) async fn guard_owners(txn: &impl ConnectionTrait) -> Result<()> {
    let guard = instance::Column::OwnerGuard;
    let updated = instance::Entity::update_many()
        .col_expr(guard, sea_orm::ExprTrait::add(Expr::col(guard), 1))
        .filter(instance::Column::Id.eq(1))
        .exec(txn)
        .await?;
    if updated.rows_affected == 1 { Ok(()) } else { Err(Error::internal("the instance row is missing")) }
}

/// How many owners can sign in: directly or through a group, with a password or passkey, not disabled.
pub(crate) async fn active_owners(db: &impl ConnectionTrait) -> Result<u64> {
    let owner = Role::Owner.as_str();
    let direct = Query::select()
        .column(administrator::Column::UserId)
        .from(administrator::Entity)
        .and_where(administrator::Column::Role.eq(owner))
        .and_where(administrator::Column::UserId.is_not_null())
        .to_owned();
    let groups = Query::select()
        .column(administrator::Column::GroupId)
        .from(administrator::Entity)
        .and_where(administrator::Column::Role.eq(owner))
        .and_where(administrator::Column::GroupId.is_not_null())
        .to_owned();
    let through = Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .and_where(membership::Column::GroupId.in_subquery(groups))
        .to_owned();
    let owners: Vec<String> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Status.eq("active"))
        .filter(Condition::any().add(user::Column::Id.in_subquery(direct)).add(user::Column::Id.in_subquery(through)))
        .into_tuple()
        .all(db)
        .await?;
    Ok(u64::try_from(owners.len()).unwrap_or(u64::MAX))
}

/// The last statement before the audit of such a change: undoes it by its refusal where nobody is left to be asked.
/// `before` is what [`active_owners`] said under the guard.
pub(crate) async fn owner_remains(txn: &impl ConnectionTrait, before: u64) -> Result<()> {
    let after = active_owners(txn).await?;
    if after == 0 && before > 0 {
        return Err(Error::forbidden_because(
            "The last owner cannot be removed, disabled or demoted. Make somebody else an owner first.",
        ));
    }
    Ok(())
}

/// Authorises once more with the roles the caller has now, under the guard: whoever was demoted while the request waited
/// decides nothing any more.
pub(crate) async fn authorize_again(
    txn: &impl ConnectionTrait,
    call: &Call,
    action: Action,
    resource: Resource,
) -> Result<()> {
    authorize(&as_of_now(txn, call).await?, action, resource)
}

/// The call with the roles and scopes that its actor holds at this moment of the transaction.
pub(crate) async fn as_of_now(txn: &impl ConnectionTrait, call: &Call) -> Result<Call> {
    let Actor::Person(person) = &call.actor else { return Ok(call.clone()) };
    let id = person.user.to_string();
    let active = user::Entity::find_by_id(&id).one(txn).await?.is_some_and(|user| user.status == "active");
    let held = if active { roles::held_by(txn, &id).await? } else { roles::Held::default() };
    Ok(call.acting_as(Actor::Person(Person { roles: held.roles, scopes: held.scopes, ..person.clone() })))
}
