//! People as the administration sees them: lists, one person, by name. What changes them is in `people_changes`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{Role, Timestamp, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::factors::{FactorView, kept};
use crate::identity::sign_in::stages::Standing;
use crate::identity::words::{self, Found};
use crate::identity::{ranks, roles};
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::secret::Secret;
use crate::store::entity::{factor, group, membership, password, user};

/// The directory of people and groups that live here and nowhere else.
pub const BUILTIN: &str = "builtin";

/// Searches that find more people than this show no total.
const COUNTED: u64 = 200_000;
/// The same where counting has to ask each row.
const COUNTED_BY_ROW: u64 = 5_000;

/// A person's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Invited,
    Active,
    Disabled,
}

impl Status {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the name in the database.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Invited, Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub struct PeopleQuery {
    /// The beginning of any word of a name or of the mail address.
    pub search: String,
    pub status: Option<Status>,
    pub sort: PeopleSort,
    pub descending: bool,
    pub page: PageRequest,
}

/// Allowed orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PeopleSort {
    #[default]
    UserName,
    DisplayName,
    Email,
    Created,
}

impl PeopleSort {
    fn name(self) -> &'static str {
        match self {
            Self::UserName => "user-name",
            Self::DisplayName => "display-name",
            Self::Email => "email",
            Self::Created => "created",
        }
    }

    /// The column, and the one that tells equal keys apart; both stand in one index.
    fn columns(self) -> (user::Column, user::Column) {
        match self {
            Self::UserName => (user::Column::UserNameKey, user::Column::Directory),
            Self::DisplayName => (user::Column::DisplayKey, user::Column::Id),
            Self::Email => (user::Column::EmailKey, user::Column::Id),
            Self::Created => (user::Column::CreatedAt, user::Column::Id),
        }
    }

    fn place(self, row: &user::Model) -> (Key, Key) {
        match self {
            Self::UserName => (row.user_name_key.as_str().into(), row.directory.as_str().into()),
            Self::DisplayName => (row.display_key.as_str().into(), row.id.as_str().into()),
            Self::Email => (row.email_key.as_str().into(), row.id.as_str().into()),
            Self::Created => (row.created_at.into(), row.id.as_str().into()),
        }
    }

    fn ordering(self, list: &str, descending: bool) -> Ordering {
        let key = if self == Self::Created { Key::Number(0) } else { Key::Text(String::new()) };
        Ordering { name: format!("{list}:{}", self.name()), descending, kinds: (key, Key::Text(String::new())) }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct PersonRow {
    pub id: UserId,
    pub user_name: String,
    pub display_name: String,
    pub email: String,
    pub status: Status,
    pub last_sign_in_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub has_factor: bool,
    pub roles: Vec<Role>,
}

/// Everything about a person.
#[derive(Clone, Debug)]
pub struct PersonView {
    pub row: PersonRow,
    pub given_name: String,
    pub family_name: String,
    pub directory: String,
    pub attributes: serde_json::Map<String, serde_json::Value>,
    pub groups: Vec<(model::GroupId, String)>,
    pub factors: Vec<FactorView>,
    /// Until when a first factor can be set up without a link; only for who needs one and has none.
    pub enrol_by: Option<Timestamp>,
    pub must_change_password: bool,
    pub password_set_at: Option<Timestamp>,
    pub break_glass: bool,
    pub version: i64,
    /// What the caller may do with this person, so that a page shows no dead button.
    pub allowed: Vec<crate::authz::Action>,
}

/// Fields of a new or changed person, as typed.
#[derive(Clone, Debug, Default)]
pub struct PersonInput {
    pub user_name: String,
    pub email: String,
    pub given_name: String,
    pub family_name: String,
    /// Empty: given and family name.
    pub display_name: String,
}

/// What became of an action that sends a link.
#[derive(Debug)]
pub enum LinkSent {
    /// By mail, through the outbox.
    ByMail,
    /// No mail is configured: shown once to whoever caused it.
    ShowOnce(Secret),
}

/// People.
#[derive(Clone, Debug)]
pub struct People(pub(crate) Arc<Core>);

impl People {
    /// A page of people. The cost of a page does not depend on where it lies; the first page counts.
    pub async fn list(&self, call: &Call, query: &PeopleQuery) -> Result<Page<PersonRow>> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let read = self.0.store.read();
        let window = Window::of(&query.page, query.sort.ordering("people", query.descending))?;
        let found = words::find(read, &query.search).await?;
        let mut select = found.narrow(user::Entity::find());
        if let Some(status) = query.status {
            select = select.filter(user::Column::Status.eq(status.as_str()));
        }
        page_of_people(read, window, &found, select, query.sort).await
    }

    /// Everything about a person.
    pub async fn get(&self, call: &Call, user: UserId) -> Result<PersonView> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let db = self.0.store.read();
        let found = find_person(db, user).await?;
        let key = found.id.clone();
        let row = rows(db, std::slice::from_ref(&found)).await?.pop().ok_or_else(|| Error::not_found("person"))?;
        let groups: Vec<(String, String)> = group::Entity::find()
            .select_only()
            .columns([group::Column::Id, group::Column::Name])
            .filter(group::Column::Id.in_subquery(groups_of(&key)))
            .order_by_asc(group::Column::NameKey)
            .into_tuple()
            .all(db)
            .await?;
        let factors = kept::of(db, &key).await?;
        let held = roles::held_by(db, &key).await?;
        let standing = Standing { user: found, held, has_factor: !factors.is_empty() };
        let settings = self.0.settings();
        let enrol_by = (!standing.has_factor && standing.needs_factor(&settings) && row.status != Status::Disabled)
            .then(|| standing.may_enrol_until(&settings));
        let Standing { user: found, held, .. } = standing;
        let password_set_at =
            password::Entity::find_by_id(&key).one(db).await?.map(|password| Timestamp(password.set_at));
        let resource = Resource::Person { user, rank: row.roles.first().copied() };
        let attributes = match found.attributes {
            serde_json::Value::Object(attributes) => attributes,
            _ => serde_json::Map::new(),
        };
        Ok(PersonView {
            given_name: found.given_name,
            family_name: found.family_name,
            directory: found.directory,
            attributes,
            groups: groups.into_iter().map(|(id, name)| Ok((parse_id(&id)?, name))).collect::<Result<_>>()?,
            factors,
            enrol_by,
            must_change_password: found.must_change_password,
            password_set_at,
            break_glass: held.break_glass,
            version: found.version,
            allowed: allowed(call, resource),
            row,
        })
    }

    /// By sign-in name (`alice`, or `directory/alice` where two directories have one), for the command line.
    pub async fn find(&self, call: &Call, user_name: &str) -> Result<UserId> {
        authorize(call, Action::SeePeople, Resource::Organisation)?;
        let (directory, name) = match user_name.split_once('/') {
            Some((directory, name)) => (Some(directory), name),
            None => (None, user_name),
        };
        let Ok(name) = model::UserName::parse(name) else {
            return Err(Error::not_found("person"));
        };
        let found = user::Entity::find()
            .filter(user::Column::UserNameKey.eq(name.key()))
            .limit(20)
            .all(self.0.store.read())
            .await?;
        let fitting: Vec<&user::Model> =
            found.iter().filter(|row| directory.is_none_or(|wanted| wanted == row.directory)).collect();
        match fitting.as_slice() {
            [] => Err(Error::not_found("person")),
            [one] => parse_id(&one.id),
            several => {
                let names: Vec<String> =
                    several.iter().map(|row| format!("{}/{}", row.directory, row.user_name)).collect();
                Err(Error::conflict(Some("user_name"), format!("is the name of several people: {}", names.join(", "))))
            }
        }
    }
}

/// Reads, counts and dresses one page of people.
pub(crate) async fn page_of_people(
    read: &sea_orm::DatabaseConnection,
    window: Window,
    found: &Found,
    select: sea_orm::Select<user::Entity>,
    sort: PeopleSort,
) -> Result<Page<PersonRow>> {
    let bound = if matches!(found, Found::Many(_)) { COUNTED_BY_ROW } else { COUNTED };
    let total = if window.is_first { words::count_up_to(read, select.clone(), bound).await? } else { window.counted };
    let (key, tie) = sort.columns();
    let people = window.apply(select, key, tie).all(read).await?;
    let page = window.finish(people, total, |row| sort.place(row));
    Ok(Page { rows: rows(read, &page.rows).await?, total: page.total, next: page.next, previous: page.previous })
}

/// The order of a list of people under another name than that of all people.
pub(crate) fn ordering_of(list: &str, sort: PeopleSort) -> Ordering {
    sort.ordering(list, false)
}

/// Dresses people as rows: one query for the factors and two for the roles of all of them.
async fn rows(db: &impl ConnectionTrait, people: &[user::Model]) -> Result<Vec<PersonRow>> {
    let ids: Vec<String> = people.iter().map(|row| row.id.clone()).collect();
    let with_factor: HashSet<String> = if ids.is_empty() {
        HashSet::new()
    } else {
        let owners: Vec<String> = factor::Entity::find()
            .select_only()
            .column(factor::Column::UserId)
            .distinct()
            .filter(factor::Column::UserId.is_in(&ids))
            .into_tuple()
            .all(db)
            .await?;
        owners.into_iter().collect()
    };
    let mut roles: HashMap<String, Vec<Role>> = ranks::roles_of(db, &ids).await?;
    people
        .iter()
        .map(|row| {
            Ok(PersonRow {
                id: parse_id(&row.id)?,
                user_name: row.user_name.clone(),
                display_name: row.display_name.clone(),
                email: row.email.clone(),
                status: status_of(row)?,
                last_sign_in_at: row.last_sign_in_at.map(Timestamp),
                created_at: Timestamp(row.created_at),
                has_factor: with_factor.contains(&row.id),
                roles: roles.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

/// What the caller may do with a person; what only wants a confirmation first counts as allowed.
fn allowed(call: &Call, person: Resource) -> Vec<Action> {
    let on_person = [
        Action::EditPeople,
        Action::DisablePeople,
        Action::DeletePeople,
        Action::ResetPassword,
        Action::ResetFactors,
        Action::EndSessions,
    ];
    let at_large =
        [Action::SeeSessions, Action::SeeAudit, Action::EraseAudit, Action::ManageGroups, Action::ManageAdministrators];
    let may = |action: &Action, resource| {
        matches!(
            decide(&call.actor, *action, resource, call.now),
            Decision::Allow | Decision::Refuse(model::Refusal::ConfirmNeeded)
        )
    };
    let on_person = on_person.into_iter().filter(|action| may(action, person));
    on_person.chain(at_large.into_iter().filter(|action| may(action, Resource::Organisation))).collect()
}

fn groups_of(user: &str) -> sea_orm::sea_query::SelectStatement {
    sea_orm::sea_query::Query::select()
        .column(membership::Column::GroupId)
        .from(membership::Entity)
        .and_where(membership::Column::UserId.eq(user))
        .to_owned()
}

/// The person with this id.
pub(crate) async fn find_person(db: &impl ConnectionTrait, user: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(user.to_string()).one(db).await?.ok_or_else(|| Error::not_found("person"))
}

/// A person's state as it is stored.
pub(crate) fn status_of(row: &user::Model) -> Result<Status> {
    Status::parse(&row.status).ok_or_else(|| Error::internal(format!("unknown status {} of {}", row.status, row.id)))
}

/// An id as it is stored.
pub(crate) fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::internal(format!("stored id {text} is none")))
}
