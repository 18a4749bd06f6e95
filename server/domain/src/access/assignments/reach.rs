//! What a person reaches and through what; and who reaches an account.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{AccountId, AccountPath, AccountTarget, AssignmentId, GroupId, PermissionSetId, Timestamp, UserId};
use sea_orm::sea_query::{ExprTrait as _, Query, SelectStatement};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _};

use super::{Assignments, GrantsFilter, names, rows, sees_part, targets_of};
use crate::access::Principal;
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::{account, assignment, membership, user};

/// One way in which somebody comes by a permission set in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    pub assignment: AssignmentId,
    /// Through this group; otherwise it is given to the person.
    pub group: Option<(GroupId, String)>,
    pub target: AccountTarget,
    pub expires: Option<Timestamp>,
    /// Whether the caller may change the grant.
    pub may_change: bool,
}

/// A permission set in an account that a person reaches.
#[derive(Clone, Debug)]
pub struct AccessOfPerson {
    pub account: AccountId,
    pub account_name: String,
    pub path: AccountPath,
    pub set: PermissionSetId,
    pub set_name: String,
    pub via: Vec<Via>,
}

/// Somebody who reaches an account.
#[derive(Clone, Debug)]
pub struct PersonWithAccess {
    pub user: UserId,
    pub user_name: String,
    pub display_name: String,
    pub sets: Vec<SetOfPerson>,
}

/// What somebody has in one account.
#[derive(Clone, Debug)]
pub struct SetOfPerson {
    pub set: PermissionSetId,
    pub set_name: String,
    pub via: Vec<Via>,
}

impl Assignments {
    /// What a person reaches, by account and permission set; in the caller's reach. What counts is what was granted, also
    /// while the person is disabled. `search` is a part of the account's name, number or path, or of the set's name.
    pub async fn access_of(
        &self,
        call: &Call,
        user: UserId,
        search: &str,
        page: &PageRequest,
    ) -> Result<Page<AccessOfPerson>> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let kinds = (Key::Text(String::new()), Key::Text(String::new()));
        let window = Window::of(page, Ordering { name: "access-of".to_owned(), descending: false, kinds })?;
        let all = self.all_access_of(call, user).await?;
        let wanted = model::name_key(search.trim());
        let fits = |row: &AccessOfPerson| {
            wanted.is_empty()
                || row.account.as_str().starts_with(&wanted)
                || [row.account_name.as_str(), row.path.as_str(), row.set_name.as_str()]
                    .iter()
                    .any(|text| model::name_key(text).contains(&wanted))
        };
        let rows: Vec<((Key, Key), AccessOfPerson)> = all
            .into_iter()
            .filter(fits)
            .map(|row| {
                let key = Key::Text(format!("{}\u{1}{}", model::name_key(&row.account_name), row.account));
                let tie = Key::Text(format!("{}\u{1}{}", model::name_key(&row.set_name), row.set));
                ((key, tie), row)
            })
            .collect();
        let page = window.cut(rows, |(place, _)| place.clone());
        Ok(Page {
            rows: page.rows.into_iter().map(|(_, row)| row).collect(),
            total: page.total,
            next: page.next,
            previous: page.previous,
        })
    }

    async fn all_access_of(&self, call: &Call, user: UserId) -> Result<Vec<AccessOfPerson>> {
        let read = self.0.store.read();
        let groups: Vec<String> = membership::Entity::find()
            .select_only()
            .column(membership::Column::GroupId)
            .filter(membership::Column::UserId.eq(user.to_string()))
            .into_tuple()
            .all(read)
            .await?;
        let mut holders = groups;
        holders.push(user.to_string());
        let grants = grants_of(read, &holders, call.now, None).await?;
        let accounts = self.accounts_in_reach(call).await?;
        let dress = Dress::of(read, call, &grants).await?;
        let mut reached: BTreeMap<(usize, PermissionSetId), Vec<Via>> = BTreeMap::new();
        for (row, key) in &grants {
            let mut take = |at: usize, path: &AccountPath| -> Result<()> {
                reached.entry((at, key.set)).or_default().push(dress.via(call, row, key, Some(path))?);
                Ok(())
            };
            match &key.target {
                AccountTarget::Account(id) => {
                    if let Some((at, (.., path))) = accounts.iter().enumerate().find(|(_, (known, ..))| known == id) {
                        take(at, path)?;
                    }
                }
                AccountTarget::Rule(rule) => {
                    for (at, (_, _, path)) in accounts.iter().enumerate() {
                        if rule.matches(path) {
                            take(at, path)?;
                        }
                    }
                }
            }
        }
        let mut all = Vec::with_capacity(reached.len());
        for ((at, set), via) in reached {
            let Some((id, name, path)) = accounts.get(at) else { continue };
            all.push((
                model::name_key(name),
                AccessOfPerson {
                    account: *id,
                    account_name: name.clone(),
                    path: path.clone(),
                    set,
                    set_name: dress.set(set),
                    via,
                },
            ));
        }
        all.sort_by_cached_key(|(key, row)| {
            (format!("{key}\u{1}{}", row.account), format!("{}\u{1}{}", model::name_key(&row.set_name), row.set))
        });
        Ok(all.into_iter().map(|(_, row)| row).collect())
    }

    /// Active accounts whose assignments the caller may see.
    async fn accounts_in_reach(&self, call: &Call) -> Result<Vec<(AccountId, String, AccountPath)>> {
        let rows: Vec<(String, String, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Name, account::Column::Path])
            .filter(account::Column::Status.eq("active"))
            .into_tuple()
            .all(self.0.store.read())
            .await?;
        let part = sees_part(call);
        let mut accounts = Vec::with_capacity(rows.len());
        for (id, name, path) in rows {
            let broken = |e: model::Invalid| Error::internal(format!("account {id}: {e}"));
            let (id, path) = (id.parse().map_err(broken)?, AccountPath::parse(&path).map_err(broken)?);
            let resource = Resource::account(call, id, &path);
            if !part || decide(&call.actor, Action::SeeAssignments, resource, call.now) == Decision::Allow {
                accounts.push((id, name, path));
            }
        }
        Ok(accounts)
    }

    /// Who reaches an account now, by user name. `search` is a part of the name they sign in with or are called by.
    pub async fn people_of(
        &self,
        call: &Call,
        account: AccountId,
        search: &str,
        page: &PageRequest,
    ) -> Result<Page<PersonWithAccess>> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let (_, path) = self.seen_account(call, account).await?;
        let read = self.0.store.read();
        let kinds = (Key::Text(String::new()), Key::Text(String::new()));
        let window = Window::of(page, Ordering { name: "people-of".to_owned(), descending: false, kinds })?;
        let targets = targets_of(account, &path);
        let direct = holders(&targets, "user", call.now);
        let members = Query::select()
            .column(membership::Column::UserId)
            .from(membership::Entity)
            .and_where(membership::Column::GroupId.in_subquery(holders(&targets, "group", call.now)))
            .to_owned();
        let select = user::Entity::find().filter(user::Column::Status.ne("disabled")).filter(
            Condition::any().add(user::Column::Id.in_subquery(direct)).add(user::Column::Id.in_subquery(members)),
        );
        let select = match GrantsFilter::people(search)? {
            Some(named) => select.filter(named),
            None => select,
        };
        let total = if window.is_first {
            Some(sea_orm::PaginatorTrait::count(select.clone(), read).await?)
        } else {
            window.counted
        };
        let found = window.apply(select, user::Column::UserNameKey, user::Column::Directory).all(read).await?;
        let page =
            window.finish(found, total, |row| (row.user_name_key.as_str().into(), row.directory.as_str().into()));
        let rows = self.with_sets(call, &targets, &path, page.rows).await?;
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    async fn with_sets(
        &self,
        call: &Call,
        targets: &[String],
        path: &AccountPath,
        people: Vec<user::Model>,
    ) -> Result<Vec<PersonWithAccess>> {
        let read = self.0.store.read();
        let ids: Vec<String> = people.iter().map(|row| row.id.clone()).collect();
        let memberships: Vec<(String, String)> = membership::Entity::find()
            .select_only()
            .columns([membership::Column::UserId, membership::Column::GroupId])
            .filter(membership::Column::UserId.is_in(&ids))
            .into_tuple()
            .all(read)
            .await?;
        let mut of: HashMap<&str, Vec<&str>> = HashMap::new();
        for (user, group) in &memberships {
            of.entry(user).or_default().push(group);
        }
        let holders: BTreeSet<String> =
            memberships.iter().map(|(_, group)| group.clone()).chain(ids.iter().cloned()).collect();
        let holders: Vec<String> = holders.into_iter().collect();
        let grants = grants_of(read, &holders, call.now, Some(targets)).await?;
        let dress = Dress::of(read, call, &grants).await?;
        let mut by_holder: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (row, _)) in grants.iter().enumerate() {
            by_holder.entry(&row.principal_id).or_default().push(at);
        }
        let mut rows = Vec::with_capacity(people.len());
        for person in &people {
            let mut sets: BTreeMap<PermissionSetId, Vec<Via>> = BTreeMap::new();
            let own = [person.id.as_str()];
            for holder in own.iter().chain(of.get(person.id.as_str()).into_iter().flatten()) {
                for (row, key) in by_holder.get(holder).into_iter().flatten().filter_map(|at| grants.get(*at)) {
                    sets.entry(key.set).or_default().push(dress.via(call, row, key, Some(path))?);
                }
            }
            let mut sets: Vec<SetOfPerson> =
                sets.into_iter().map(|(set, via)| SetOfPerson { set, set_name: dress.set(set), via }).collect();
            sets.sort_by_cached_key(|set| model::name_key(&set.set_name));
            rows.push(PersonWithAccess {
                user: parse_id(&person.id)?,
                user_name: person.user_name.clone(),
                display_name: person.display_name.clone(),
                sets,
            });
        }
        Ok(rows)
    }
}

/// Who holds a grant for one of some targets that has not ended.
fn holders(targets: &[String], kind: &str, now: Timestamp) -> SelectStatement {
    Query::select()
        .column(assignment::Column::PrincipalId)
        .from(assignment::Entity)
        .and_where(assignment::Column::Target.is_in(targets))
        .and_where(assignment::Column::PrincipalKind.eq(kind))
        .and_where(assignment::Column::ExpiresAt.is_null().or(assignment::Column::ExpiresAt.gt(now.0)))
        .to_owned()
}

/// The grants of these that have not ended.
async fn grants_of(
    conn: &impl ConnectionTrait,
    holders: &[String],
    now: Timestamp,
    targets: Option<&[String]>,
) -> Result<Vec<(assignment::Model, rows::GrantKey)>> {
    let mut found = Vec::new();
    for part in holders.chunks(500) {
        let mut select = assignment::Entity::find()
            .filter(assignment::Column::PrincipalId.is_in(part))
            .filter(assignment::Column::ExpiresAt.is_null().or(assignment::Column::ExpiresAt.gt(now.0)));
        if let Some(targets) = targets {
            select = select.filter(assignment::Column::Target.is_in(targets));
        }
        for row in select.all(conn).await? {
            let key = rows::GrantKey::of(&row)?;
            found.push((row, key));
        }
    }
    Ok(found)
}

/// The names in some grants.
struct Dress {
    groups: HashMap<Principal, names::Named>,
    sets: HashMap<PermissionSetId, String>,
    own: BTreeSet<Principal>,
}

impl Dress {
    async fn of(
        conn: &impl ConnectionTrait,
        call: &Call,
        grants: &[(assignment::Model, rows::GrantKey)],
    ) -> Result<Self> {
        let groups: BTreeSet<Principal> = grants
            .iter()
            .map(|(_, key)| key.principal)
            .filter(|principal| matches!(principal, Principal::Group(_)))
            .collect();
        let sets: BTreeSet<PermissionSetId> = grants.iter().map(|(_, key)| key.set).collect();
        Ok(Self {
            groups: names::of_principals(conn, &groups.into_iter().collect::<Vec<_>>()).await?,
            sets: names::of_sets(conn, &sets.into_iter().collect::<Vec<_>>()).await?,
            own: super::proposal::own_principals(conn, call).await?,
        })
    }

    fn set(&self, set: PermissionSetId) -> String {
        self.sets.get(&set).cloned().unwrap_or_else(|| set.to_string())
    }

    fn via(
        &self,
        call: &Call,
        row: &assignment::Model,
        key: &rows::GrantKey,
        path: Option<&AccountPath>,
    ) -> Result<Via> {
        let group = match key.principal {
            Principal::Group(group) => {
                let name = self.groups.get(&key.principal).map(|named| named.name.clone()).unwrap_or_default();
                Some((group, name))
            }
            Principal::User(_) => None,
        };
        let resource = Resource::target(call, &key.target, path).granting(self.own.contains(&key.principal));
        Ok(Via {
            assignment: parse_id(&row.id)?,
            group,
            target: key.target.clone(),
            expires: row.expires_at.map(Timestamp),
            may_change: decide(&call.actor, Action::Assign, resource, call.now) == Decision::Allow,
        })
    }
}
