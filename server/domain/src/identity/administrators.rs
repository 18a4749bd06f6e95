//! Who is an administrator. The last owner stays, also against two requests at once.

use std::collections::HashMap;
use std::sync::Arc;

use model::{AccountTarget, GroupId, Role, Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};
use serde_json::{Value, json};

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::identity::people_changes::{lock as lock_person, open_enrolment};
use crate::identity::roles::scope_from;
use crate::identity::{letters, ranks};
use crate::jobs::outbox;
use crate::store::entity::{account, administrator, factor, group, membership, user};

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
    /// Where access administration reaches.
    pub scope: Vec<AccountTarget>,
    pub created_at: Timestamp,
}

/// A role as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// For emergencies; owners only.
    pub break_glass: bool,
    /// Where access administration reaches; nothing with any other role.
    pub scope: Vec<AccountTarget>,
}

impl Grant {
    /// The role and nothing else.
    pub fn of(role: Role) -> Self {
        Self { role, break_glass: false, scope: Vec::new() }
    }

    /// For emergencies, or not.
    #[must_use]
    pub fn break_glass(mut self, break_glass: bool) -> Self {
        self.break_glass = break_glass;
        self
    }

    /// Reaches these accounts.
    #[must_use]
    pub fn within(mut self, scope: Vec<AccountTarget>) -> Self {
        self.scope = scope;
        self
    }

    /// Refuses what does not go together; gives the scope in one order, each part once.
    fn checked(&self) -> Result<Self> {
        if self.break_glass && self.role != Role::Owner {
            return Err(Error::invalid("break_glass", "is for owners only"));
        }
        if self.role != Role::AccessAdmin && !self.scope.is_empty() {
            return Err(Error::invalid("scope", "is for access administrators only"));
        }
        if self.role == Role::AccessAdmin && self.scope.is_empty() {
            return Err(Error::invalid("scope", "must name at least one account or path"));
        }
        if self.scope.len() > MOST_OF_A_SCOPE {
            return Err(Error::invalid("scope", format!("must name at most {MOST_OF_A_SCOPE} accounts and paths")));
        }
        let mut checked = self.clone();
        checked.scope.sort_unstable();
        checked.scope.dedup();
        Ok(checked)
    }

    /// As the row keeps the scope.
    fn stored_scope(&self) -> Option<String> {
        (!self.scope.is_empty()).then(|| spelled(&self.scope).to_string())
    }
}

/// What was taken away, so that it can be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub user: Option<UserId>,
    pub group: Option<GroupId>,
    pub grant: Grant,
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
            let Grant { role, break_glass, scope } = grant_of(&grant)?;
            let created_at = Timestamp(grant.created_at);
            rows.push(AdministratorRow { id: grant.id, holder, role, break_glass, scope, created_at });
        }
        rows.sort_by_key(|row| row.role);
        Ok(rows)
    }

    /// Gives a person a role; says which grant that made. A role held already stays; its break-glass mark and its scope become
    /// what is said now.
    pub async fn grant_user(&self, call: &Call, user: UserId, grant: &Grant) -> Result<Option<String>> {
        authorize(call, Action::ManageAdministrators, Resource::Role(grant.role))?;
        let grant = grant.checked()?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageAdministrators, Resource::Role(grant.role)).await?;
        let person = lock_person(change.txn(), user).await?;
        if grant.break_glass && person.directory != super::people::BUILTIN {
            return Err(Error::invalid("break_glass", "is for people of the built-in directory only"));
        }
        known(change.txn(), &grant.scope).await?;
        let was = ranks::roles_of_person(change.txn(), user).await?;
        let held = administrator::Entity::find()
            .filter(administrator::Column::UserId.eq(&person.id))
            .filter(administrator::Column::Role.eq(grant.role.as_str()))
            .one(change.txn())
            .await?;
        let (made, changes) = if let Some(row) = &held {
            let Some(changes) = replace(change.txn(), row, &grant).await? else { return Ok(None) };
            (None, changes)
        } else {
            let made = insert(change.txn(), &self.0, call.now, Some(user), None, &grant).await?;
            promoted(change.txn(), &self.0, call.now, &person, &was, grant.role).await?;
            (Some(made), told(&grant, None))
        };
        change.audit(call, Event::done("GrantRole").on("user", user, &person.user_name).with(changes));
        change.commit().await?;
        Ok(made)
    }

    /// Gives the members of a group a role; says which grant that made, if they did not have it. With a role held already, the
    /// scope becomes what is said now.
    pub async fn grant_group(&self, call: &Call, group: GroupId, grant: &Grant) -> Result<Option<String>> {
        authorize(call, Action::ManageAdministrators, Resource::Role(grant.role))?;
        let grant = grant.checked()?;
        if grant.break_glass {
            return Err(Error::invalid("break_glass", "is for people only"));
        }
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageAdministrators, Resource::Role(grant.role)).await?;
        let row = super::groups::lock(change.txn(), group).await?;
        known(change.txn(), &grant.scope).await?;
        let held = administrator::Entity::find()
            .filter(administrator::Column::GroupId.eq(&row.id))
            .filter(administrator::Column::Role.eq(grant.role.as_str()))
            .one(change.txn())
            .await?;
        let (made, changes) = if let Some(held) = &held {
            let Some(changes) = replace(change.txn(), held, &grant).await? else { return Ok(None) };
            (None, changes)
        } else {
            let members = members_for_a_role(change.txn(), &row.id).await?;
            let ids: Vec<String> = members.iter().map(|member| member.id.clone()).collect();
            let before = ranks::roles_of(change.txn(), &ids).await?;
            let made = insert(change.txn(), &self.0, call.now, None, Some(group), &grant).await?;
            for member in &members {
                let was = before.get(&member.id).map_or(&[][..], Vec::as_slice);
                promoted(change.txn(), &self.0, call.now, member, was, grant.role).await?;
            }
            (Some(made), told(&grant, Some(ids.len())))
        };
        change.audit(call, Event::done("GrantRole").on("group", group, &row.name).with(changes));
        change.commit().await?;
        Ok(made)
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
        let taken = grant_of(&held)?;
        ranks::authorize_again(change.txn(), call, Action::ManageAdministrators, Resource::Role(taken.role)).await?;
        administrator::Entity::delete_by_id(grant).exec(change.txn()).await?;
        ranks::owner_remains(change.txn(), owners).await?;
        let event = Event::done("RevokeRole").with(told(&taken, None));
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
            grant: taken,
        })
    }
}

/// A role for more people than this is a mistake.
pub(crate) const MOST_OF_A_ROLE: u64 = 1_000;

/// So many accounts and paths in one scope; more are better said by a path.
const MOST_OF_A_SCOPE: usize = 100;

/// Refuses a scope that names an account nobody has registered: most likely its number is mistyped.
async fn known(txn: &impl ConnectionTrait, scope: &[AccountTarget]) -> Result<()> {
    for target in scope {
        let AccountTarget::Account(id) = target else { continue };
        if account::Entity::find_by_id(id.as_str()).one(txn).await?.is_none() {
            return Err(Error::invalid("scope", format!("names the account {id}, which does not exist")));
        }
    }
    Ok(())
}

/// The members of a group that is to carry a role.
async fn members_for_a_role(txn: &impl ConnectionTrait, group: &str) -> Result<Vec<user::Model>> {
    let members = sea_orm::sea_query::Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .and_where(membership::Column::GroupId.eq(group))
        .to_owned();
    let members: Vec<user::Model> =
        user::Entity::find().filter(user::Column::Id.in_subquery(members)).limit(MOST_OF_A_ROLE + 1).all(txn).await?;
    if u64::try_from(members.len()).unwrap_or(u64::MAX) > MOST_OF_A_ROLE {
        return Err(Error::conflict(
            None,
            format!("A group of more than {MOST_OF_A_ROLE} people cannot carry an administrator role."),
        ));
    }
    Ok(members)
}

/// Makes a grant held already what is said now; gives what the audit tells of it, or nothing where all is as it was.
async fn replace(txn: &impl ConnectionTrait, held: &administrator::Model, grant: &Grant) -> Result<Option<Value>> {
    let was = grant_of(held)?;
    if was == *grant {
        return Ok(None);
    }
    administrator::Entity::update_many()
        .col_expr(administrator::Column::BreakGlass, Expr::val(grant.break_glass))
        .col_expr(administrator::Column::Scope, Expr::val(grant.stored_scope()))
        .filter(administrator::Column::Id.eq(&held.id))
        .exec(txn)
        .await?;
    let mut changes = json!({"role": grant.role.as_str()});
    if let Some(fields) = changes.as_object_mut() {
        if was.break_glass != grant.break_glass {
            fields.insert("breakGlass".to_owned(), json!({"from": was.break_glass, "to": grant.break_glass}));
        }
        if was.scope != grant.scope {
            let scope = json!({"from": spelled(&was.scope), "to": spelled(&grant.scope)});
            fields.insert("scope".to_owned(), scope);
        }
    }
    Ok(Some(changes))
}

/// A scope as rows and the audit spell it.
fn spelled(scope: &[AccountTarget]) -> Value {
    scope.iter().map(|target| Value::String(target.to_string())).collect()
}

/// What the audit tells of a grant that is made or taken away; a group's also of how many people it is about.
fn told(grant: &Grant, members: Option<usize>) -> Value {
    let mut told = json!({"role": grant.role.as_str(), "breakGlass": grant.break_glass});
    if let Some(fields) = told.as_object_mut() {
        fields.extend(members.map(|members| ("members".to_owned(), json!(members))));
        fields.extend((!grant.scope.is_empty()).then(|| ("scope".to_owned(), spelled(&grant.scope))));
    }
    told
}

/// Writes a grant; gives its id.
pub(crate) async fn insert(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    user: Option<UserId>,
    group: Option<GroupId>,
    grant: &Grant,
) -> Result<String> {
    let id = data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?);
    let row = administrator::Model {
        id: id.clone(),
        user_id: user.map(|user| user.to_string()),
        group_id: group.map(|group| group.to_string()),
        role: grant.role.as_str().to_owned(),
        break_glass: grant.break_glass,
        created_at: now.0,
        scope: grant.stored_scope(),
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

fn grant_of(row: &administrator::Model) -> Result<Grant> {
    let role = row.role.parse().map_err(|_| Error::internal(format!("unknown role {}", row.role)))?;
    let mut scope = row.scope.as_deref().map(scope_from).transpose()?.unwrap_or_default();
    scope.sort_unstable();
    Ok(Grant { role, break_glass: row.break_glass, scope })
}
