//! Who is an administrator. The last owner stays, also against two requests at once.

use std::collections::HashMap;
use std::sync::Arc;

use model::{GroupId, Role, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};
use serde_json::json;

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::identity::people_changes::{lock as lock_person, open_enrolment};
use crate::identity::{letters, ranks};
use crate::jobs::outbox;
use crate::store::entity::{administrator, factor, group, membership, user};

/// Who holds a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    User(UserId, String),
    Group(GroupId, String),
}

/// One grant of a role.
#[derive(Clone, Debug)]
pub struct AdministratorRow {
    pub id: String,
    pub holder: Holder,
    pub role: Role,
    /// Local, own factors, every use alarms all owners.
    pub break_glass: bool,
    pub created_at: Timestamp,
}

/// What was taken away, so that it can be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub user: Option<UserId>,
    pub group: Option<GroupId>,
    pub role: Role,
    pub break_glass: bool,
}

/// Administrators.
#[derive(Clone, Debug)]
pub struct Administrators(pub(crate) Arc<Core>);

impl Administrators {
    /// Every grant, the most powerful role first.
    pub async fn list(&self, call: &Call) -> Result<Vec<AdministratorRow>> {
        authorize(call, Action::SeeAdministrators, Resource::Organisation)?;
        let read = self.0.store.read();
        let grants = administrator::Entity::find().order_by_asc(administrator::Column::CreatedAt).all(read).await?;
        let people: Vec<(String, String)> = user::Entity::find()
            .select_only()
            .columns([user::Column::Id, user::Column::UserName])
            .filter(user::Column::Id.is_in(grants.iter().filter_map(|grant| grant.user_id.as_ref())))
            .into_tuple()
            .all(read)
            .await?;
        let groups: Vec<(String, String)> = group::Entity::find()
            .select_only()
            .columns([group::Column::Id, group::Column::Name])
            .filter(group::Column::Id.is_in(grants.iter().filter_map(|grant| grant.group_id.as_ref())))
            .into_tuple()
            .all(read)
            .await?;
        let names: HashMap<String, String> = people.into_iter().chain(groups).collect();
        let name_of = |id: &str| names.get(id).cloned().unwrap_or_default();
        let mut rows = Vec::with_capacity(grants.len());
        for grant in grants {
            let holder = match (&grant.user_id, &grant.group_id) {
                (Some(user), _) => Holder::User(parse_id(user)?, name_of(user)),
                (None, Some(group)) => Holder::Group(parse_id(group)?, name_of(group)),
                (None, None) => continue,
            };
            let (role, created_at) = (role_of(&grant)?, Timestamp(grant.created_at));
            rows.push(AdministratorRow { id: grant.id, holder, role, break_glass: grant.break_glass, created_at });
        }
        rows.sort_by_key(|row| row.role);
        Ok(rows)
    }

    /// Gives a person a role; says which grant that made. A role held already stays; its break-glass mark becomes what is said
    /// now.
    pub async fn grant_user(&self, call: &Call, user: UserId, role: Role, break_glass: bool) -> Result<Option<String>> {
        authorize(call, Action::ManageAdministrators, Resource::Role(role))?;
        if break_glass && role != Role::Owner {
            return Err(Error::invalid("break_glass", "is for owners only"));
        }
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageAdministrators, Resource::Role(role)).await?;
        let person = lock_person(change.txn(), user).await?;
        if break_glass && person.directory != super::people::BUILTIN {
            return Err(Error::invalid("break_glass", "is for people of the built-in directory only"));
        }
        let was = ranks::roles_of_person(change.txn(), user).await?;
        let held = administrator::Entity::find()
            .filter(administrator::Column::UserId.eq(&person.id))
            .filter(administrator::Column::Role.eq(role.as_str()))
            .one(change.txn())
            .await?;
        let made = match held {
            Some(grant) if grant.break_glass == break_glass => return Ok(None),
            Some(grant) => {
                administrator::Entity::update_many()
                    .col_expr(administrator::Column::BreakGlass, sea_orm::sea_query::Expr::val(break_glass))
                    .filter(administrator::Column::Id.eq(grant.id))
                    .exec(change.txn())
                    .await?;
                None
            }
            None => {
                let made = insert(change.txn(), &self.0, call.now, Some(user), None, role, break_glass).await?;
                promoted(change.txn(), &self.0, call.now, &person, &was, role).await?;
                Some(made)
            }
        };
        change.audit(
            call,
            Event::done("GrantRole").on("user", user, &person.user_name).with(json!({
                "role": role.as_str(), "breakGlass": break_glass,
            })),
        );
        change.commit().await?;
        Ok(made)
    }

    /// Gives the members of a group a role; says which grant that made, if they did not have it.
    pub async fn grant_group(&self, call: &Call, group: GroupId, role: Role) -> Result<Option<String>> {
        authorize(call, Action::ManageAdministrators, Resource::Role(role))?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageAdministrators, Resource::Role(role)).await?;
        let row = super::groups::lock(change.txn(), group).await?;
        let held = administrator::Entity::find()
            .filter(administrator::Column::GroupId.eq(&row.id))
            .filter(administrator::Column::Role.eq(role.as_str()))
            .one(change.txn())
            .await?;
        if held.is_some() {
            return Ok(None);
        }
        let members: Vec<user::Model> = user::Entity::find()
            .filter(
                user::Column::Id.in_subquery(
                    sea_orm::sea_query::Query::select()
                        .column(membership::Column::UserId)
                        .from(membership::Entity)
                        .and_where(membership::Column::GroupId.eq(&row.id))
                        .to_owned(),
                ),
            )
            .limit(MOST_OF_A_ROLE + 1)
            .all(change.txn())
            .await?;
        if u64::try_from(members.len()).unwrap_or(u64::MAX) > MOST_OF_A_ROLE {
            return Err(Error::conflict(
                None,
                format!("A group of more than {MOST_OF_A_ROLE} people cannot carry an administrator role."),
            ));
        }
        let ids: Vec<String> = members.iter().map(|member| member.id.clone()).collect();
        let before = ranks::roles_of(change.txn(), &ids).await?;
        let made = insert(change.txn(), &self.0, call.now, None, Some(group), role, false).await?;
        for member in &members {
            let was = before.get(&member.id).map_or(&[][..], Vec::as_slice);
            promoted(change.txn(), &self.0, call.now, member, was, role).await?;
        }
        change.audit(
            call,
            Event::done("GrantRole")
                .on("group", group, &row.name)
                .with(json!({"role": role.as_str(), "members": ids.len()})),
        );
        change.commit().await?;
        Ok(Some(made))
    }

    /// Takes a role away. Counts from the next request of whoever held it.
    pub async fn revoke(&self, call: &Call, grant: &str) -> Result<Revoked> {
        authorize(call, Action::ManageAdministrators, Resource::Organisation)?;
        if grant.len() > 64 || !grant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Error::not_found("role"));
        }
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        let owners = ranks::active_owners(change.txn()).await?;
        let held = administrator::Entity::find_by_id(grant)
            .one(change.txn())
            .await?
            .ok_or_else(|| Error::not_found("role"))?;
        let role = role_of(&held)?;
        ranks::authorize_again(change.txn(), call, Action::ManageAdministrators, Resource::Role(role)).await?;
        administrator::Entity::delete_by_id(grant).exec(change.txn()).await?;
        ranks::owner_remains(change.txn(), owners).await?;
        let event = Event::done("RevokeRole").with(json!({"role": role.as_str(), "breakGlass": held.break_glass}));
        let event = match (&held.user_id, &held.group_id) {
            (Some(user), _) => {
                let name = user::Entity::find_by_id(user)
                    .one(change.txn())
                    .await?
                    .map_or_else(String::new, |row| row.user_name);
                event.on("user", user, name)
            }
            (None, Some(group)) => {
                let name =
                    group::Entity::find_by_id(group).one(change.txn()).await?.map_or_else(String::new, |row| row.name);
                event.on("group", group, name)
            }
            (None, None) => event,
        };
        change.audit(call, event);
        change.commit().await?;
        Ok(Revoked {
            user: held.user_id.as_deref().map(parse_id).transpose()?,
            group: held.group_id.as_deref().map(parse_id).transpose()?,
            role,
            break_glass: held.break_glass,
        })
    }
}

/// A role for more people than this is a mistake.
const MOST_OF_A_ROLE: u64 = 1_000;

/// Writes a grant; gives its id.
pub(crate) async fn insert(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    user: Option<UserId>,
    group: Option<GroupId>,
    role: Role,
    break_glass: bool,
) -> Result<String> {
    let id = data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?);
    let row = administrator::Model {
        id: id.clone(),
        user_id: user.map(|user| user.to_string()),
        group_id: group.map(|group| group.to_string()),
        role: role.as_str().to_owned(),
        break_glass,
        created_at: now.0,
        scope: None,
    };
    let inserted = administrator::Entity::insert(administrator::ActiveModel::from(row).reset_all())
        .exec_without_returning(txn)
        .await;
    inserted.map(|_| id).map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::conflict(Some("role"), "is held already").because(error),
        _ => error.into(),
    })
}

/// What follows from a person getting a role: without a factor the time to enrol one begins, and they are told.
pub(crate) async fn promoted(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    person: &user::Model,
    was: &[Role],
    role: Role,
) -> Result<()> {
    let has_factor = factor::Entity::find().filter(factor::Column::UserId.eq(&person.id)).one(txn).await?.is_some();
    if was.is_empty() && !has_factor {
        open_enrolment(txn, core, now, person).await?;
    }
    let letter = letters::role_granted(&core.settings().organization_name, &person.display_name, role);
    outbox::enqueue_mail(txn, core, now, &person.email, &letter.subject, &letter.text).await
}

fn role_of(grant: &administrator::Model) -> Result<Role> {
    grant.role.parse().map_err(|_| Error::internal(format!("unknown role {}", grant.role)))
}
