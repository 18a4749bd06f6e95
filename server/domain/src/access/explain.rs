//! Why somebody may use a permission set in an account, or the nearest reason why not.
//!
//! Read from the tables, not from memory: an explanation names each grant, also those that have ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::{AccountId, AccountTarget, AssignmentId, PermissionSetId, Timestamp, UserId};
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::directory::{Directory, KnownAccount, KnownSet};
use super::{ACTIVE_PERSON, Principal};
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::store::entity::{assignment, group, membership, permission_set, user};

/// Names that a reason lists; there may be more.
const NAMED: usize = 5;

/// One grant that leads from a person to an account and a set.
#[derive(Clone, Debug)]
pub struct Path {
    /// The group it goes through; without one it is the person's own.
    pub group: Option<(model::GroupId, String)>,
    pub assignment: AssignmentId,
    /// What the grant is for.
    pub target: AccountTarget,
    pub expires: Option<Timestamp>,
    /// Why it was given.
    pub reason: String,
}

/// Why somebody may not, in the order of how near it is to allowing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The person is disabled.
    Disabled,
    /// The person has not accepted the invitation yet.
    Invited,
    /// There is no account of this number.
    NoAccount,
    /// The account is suspended or closed.
    OutOfUse,
    /// There is no permission set of this name.
    NoSet,
    /// It was granted until this moment.
    Ended {
        /// Through this group.
        group: Option<String>,
        at: Timestamp,
    },
    /// These other sets are granted in the account.
    OtherSets(Vec<String>),
    /// The set is granted in so many other accounts, for example these.
    OtherAccounts { count: usize, some: Vec<String> },
    /// Groups that have it, without the person.
    OtherGroups(Vec<String>),
    /// Nothing is granted that comes near.
    Nothing,
}

/// What a permission set is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Managed by AWS, by ARN.
    pub managed: Vec<String>,
    /// Managed by the customer, with their paths.
    pub customer: Vec<String>,
    /// How many statements an inline policy has.
    pub inline: Option<usize>,
    /// The boundary.
    pub boundary: Option<String>,
}

/// The answer for one person, account and set.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub user: UserId,
    pub user_name: String,
    pub account: AccountId,
    /// Where the account exists.
    pub account_name: Option<String>,
    /// As it was asked for, or as it is written where it exists.
    pub set_name: String,
    pub set: Option<PermissionSetId>,
    pub allowed: bool,
    /// Grants that have not ended. Where the person or the account is out of use they allow nothing.
    pub paths: Vec<Path>,
    /// Nearest first; empty where it is allowed.
    pub obstacles: Vec<Obstacle>,
    pub policies: Option<Policies>,
}

/// One account and set of a list, with what leads there.
#[derive(Clone, Debug)]
pub struct Line {
    pub account: KnownAccount,
    pub set: KnownSet,
    pub paths: Vec<Path>,
}

/// Everything that one person may use, explained.
#[derive(Clone, Debug)]
pub struct Lines {
    pub user: UserId,
    pub user_name: String,
    /// Why all of it is out of use, where it is.
    pub obstacle: Option<Obstacle>,
    /// By account and set; none where there is an obstacle.
    pub lines: Vec<Line>,
}

/// A grant to the person or to one of their groups.
struct Held {
    set: PermissionSetId,
    path: Path,
}

impl Held {
    fn lasts(&self, now: Timestamp) -> bool {
        self.path.expires.is_none_or(|expires| now < expires)
    }

    fn is_for(&self, account: &KnownAccount) -> bool {
        self.path.target.matches(account.id, &account.path)
    }
}

/// Explanations.
#[derive(Clone, Debug)]
pub struct Explain(pub(crate) Arc<Core>);

impl Explain {
    /// Whether and why a person may use a permission set, by its name or id, in an account.
    pub async fn one(&self, call: &Call, user: UserId, account: AccountId, set: &str) -> Result<Explanation> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let read = self.0.store.read();
        let directory = self.0.access.directory(read).await?;
        let known = directory.account_by_id(account);
        let target = AccountTarget::Account(account);
        authorize(call, Action::SeeAssignments, Resource::target(call, &target, known.map(|known| &known.path)))?;
        let person = self.person(user).await?;
        let wanted = set.parse().ok().and_then(|id| directory.set_by_id(id)).or_else(|| directory.set_by_name(set));
        let mut explanation = Explanation {
            user,
            user_name: person.user_name.clone(),
            account,
            account_name: known.map(|known| known.name.clone()),
            set_name: wanted.map_or(set, |wanted| wanted.name.as_str()).to_owned(),
            set: wanted.map(|wanted| wanted.id),
            allowed: false,
            paths: Vec::new(),
            obstacles: Vec::new(),
            policies: None,
        };
        let held = self.held(user).await?;
        let obstacles = &mut explanation.obstacles;
        obstacles.extend(standing(&person.status));
        match known {
            None => obstacles.push(Obstacle::NoAccount),
            Some(known) if !known.active => obstacles.push(Obstacle::OutOfUse),
            Some(_) => {}
        }
        if wanted.is_none() {
            obstacles.push(Obstacle::NoSet);
        }
        if let (Some(known), Some(wanted)) = (known, wanted) {
            explanation.policies = self.policies(wanted.id).await?;
            let fits = |held: &&Held| held.set == wanted.id && held.is_for(known);
            explanation.paths =
                held.iter().filter(fits).filter(|held| held.lasts(call.now)).map(|held| held.path.clone()).collect();
            explanation.allowed = explanation.obstacles.is_empty() && !explanation.paths.is_empty();
            if explanation.paths.is_empty() {
                let missing = self.missing(call, &directory, known, wanted, &held).await?;
                explanation.obstacles.extend(missing);
            }
        } else if let Some(known) = known {
            explanation.obstacles.extend(other_sets(&directory, known, None, &held, call.now));
        }
        Ok(explanation)
    }

    /// Everything a person may use, or what of it is in one account or with one set.
    pub async fn all(&self, call: &Call, user: UserId, account: Option<AccountId>, set: Option<&str>) -> Result<Lines> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let directory = self.0.access.directory(self.0.store.read()).await?;
        let person = self.person(user).await?;
        let obstacle = standing(&person.status);
        let wanted = match set {
            None => None,
            Some(text) => {
                let by_id = text.parse().ok().and_then(|id| directory.set_by_id(id));
                Some(
                    by_id.or_else(|| directory.set_by_name(text)).ok_or_else(|| Error::not_found("permission set"))?.id,
                )
            }
        };
        if let Some(id) = account {
            let known = directory.account_by_id(id).ok_or_else(|| Error::not_found("account"))?;
            authorize(call, Action::SeeAssignments, Resource::account(call, id, &known.path))?;
        }
        let mut lines: HashMap<(u32, u32), Vec<Path>> = HashMap::new();
        if obstacle.is_none() {
            for held in self.held(user).await?.iter().filter(|held| held.lasts(call.now)) {
                let Some(set) = directory.set_place(held.set).filter(|_| wanted.is_none_or(|id| id == held.set)) else {
                    continue;
                };
                for place in directory.places_of(&held.path.target) {
                    let visible = directory.account(place).is_some_and(|known| {
                        known.active && account.is_none_or(|id| id == known.id) && may_see(call, known)
                    });
                    if visible {
                        lines.entry((place, set)).or_default().push(held.path.clone());
                    }
                }
            }
        }
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_unstable_by_key(|(place, _)| *place);
        let dressed = lines.into_iter().filter_map(|((account, set), paths)| {
            Some(Line { account: directory.account(account)?.clone(), set: directory.set(set)?.clone(), paths })
        });
        Ok(Lines { user, user_name: person.user_name, obstacle, lines: dressed.collect() })
    }

    async fn person(&self, user: UserId) -> Result<user::Model> {
        let found = user::Entity::find_by_id(user.to_string()).one(self.0.store.read()).await?;
        found.ok_or_else(|| Error::not_found("person"))
    }

    /// Every grant to a person and to their groups, ended ones too.
    async fn held(&self, user: UserId) -> Result<Vec<Held>> {
        let read = self.0.store.read();
        let groups: Vec<String> = membership::Entity::find()
            .select_only()
            .column(membership::Column::GroupId)
            .filter(membership::Column::UserId.eq(user.to_string()))
            .into_tuple()
            .all(read)
            .await?;
        let mut principals = groups.clone();
        principals.push(user.to_string());
        let (mut names, mut rows) = (HashMap::new(), Vec::new());
        for some in principals.chunks(400) {
            let named: Vec<(String, String)> = group::Entity::find()
                .select_only()
                .columns([group::Column::Id, group::Column::Name])
                .filter(group::Column::Id.is_in(some))
                .into_tuple()
                .all(read)
                .await?;
            names.extend(named);
            let found = assignment::Entity::find().filter(assignment::Column::PrincipalId.is_in(some));
            rows.extend(found.order_by_asc(assignment::Column::Id).all(read).await?);
        }
        rows.iter().map(|row| held(row, &names)).collect()
    }

    /// What is missing where no grant leads to an account and a set.
    async fn missing(
        &self,
        call: &Call,
        directory: &Directory,
        account: &KnownAccount,
        set: &KnownSet,
        held: &[Held],
    ) -> Result<Vec<Obstacle>> {
        let ended = held.iter().filter(|held| held.set == set.id && held.is_for(account));
        let last = ended.filter_map(|held| Some((held.path.expires?, held))).max_by_key(|(at, _)| *at);
        let mut obstacles: Vec<Obstacle> = last
            .map(|(at, held)| Obstacle::Ended { group: held.path.group.as_ref().map(|(_, name)| name.clone()), at })
            .into_iter()
            .collect();
        obstacles.extend(other_sets(directory, account, Some(set), held, call.now));
        let elsewhere: BTreeSet<u32> = held
            .iter()
            .filter(|held| held.set == set.id && held.lasts(call.now))
            .flat_map(|held| directory.places_of(&held.path.target))
            .collect();
        let known = elsewhere.iter().filter_map(|place| directory.account(*place));
        let visible: Vec<&KnownAccount> = known.filter(|known| may_see(call, known)).collect();
        if !visible.is_empty() {
            let some = visible.iter().take(NAMED).map(|known| format!("{} ({})", known.name, known.id)).collect();
            obstacles.push(Obstacle::OtherAccounts { count: visible.len(), some });
        }
        let groups = self.groups_with(call.now, account, set).await?;
        if !groups.is_empty() {
            obstacles.push(Obstacle::OtherGroups(groups));
        }
        if obstacles.is_empty() {
            obstacles.push(Obstacle::Nothing);
        }
        Ok(obstacles)
    }

    /// Names of groups that have a set in an account. Nothing leads there for the person, so they are in none of these.
    async fn groups_with(&self, now: Timestamp, account: &KnownAccount, set: &KnownSet) -> Result<Vec<String>> {
        let read = self.0.store.read();
        let for_it = Condition::any()
            .add(assignment::Column::Target.eq(account.id.as_str()))
            .add(assignment::Column::Target.starts_with("/"));
        let lasting =
            Condition::any().add(assignment::Column::ExpiresAt.is_null()).add(assignment::Column::ExpiresAt.gt(now.0));
        let rows: Vec<(String, String)> = assignment::Entity::find()
            .select_only()
            .columns([assignment::Column::PrincipalId, assignment::Column::Target])
            .filter(assignment::Column::PermissionSetId.eq(set.id.to_string()))
            .filter(assignment::Column::PrincipalKind.eq("group"))
            .filter(for_it)
            .filter(lasting)
            .limit(1_000)
            .into_tuple()
            .all(read)
            .await?;
        let fits =
            |target: &str| AccountTarget::parse(target).is_ok_and(|target| target.matches(account.id, &account.path));
        let ids: Vec<String> =
            rows.into_iter().filter(|(_, target)| fits(target)).map(|(id, _)| id).take(400).collect();
        let names = group::Entity::find()
            .select_only()
            .column(group::Column::Name)
            .filter(group::Column::Id.is_in(ids))
            .order_by_asc(group::Column::NameKey)
            .limit(u64::try_from(NAMED).unwrap_or(u64::MAX))
            .into_tuple()
            .all(read)
            .await?;
        Ok(names)
    }

    async fn policies(&self, set: PermissionSetId) -> Result<Option<Policies>> {
        let row = permission_set::Entity::find_by_id(set.to_string()).one(self.0.store.read()).await?;
        Ok(row.map(|row| policies_of(&row)))
    }
}

/// What of a person's state lets them use nothing.
fn standing(status: &str) -> Option<Obstacle> {
    match status {
        ACTIVE_PERSON => None,
        "invited" => Some(Obstacle::Invited),
        _ => Some(Obstacle::Disabled),
    }
}

fn may_see(call: &Call, account: &KnownAccount) -> bool {
    let resource = Resource::account(call, account.id, &account.path);
    decide(&call.actor, Action::SeeAssignments, resource, call.now) == Decision::Allow
}

fn held(row: &assignment::Model, names: &HashMap<String, String>) -> Result<Held> {
    let broken = |e: model::Invalid| Error::internal(format!("assignment {}: {e}", row.id));
    let group = match Principal::from_columns(&row.principal_kind, &row.principal_id)? {
        Principal::User(_) => None,
        Principal::Group(group) => Some((group, names.get(&row.principal_id).cloned().unwrap_or_default())),
    };
    let path = Path {
        group,
        assignment: parse_id(&row.id)?,
        target: AccountTarget::parse(&row.target).map_err(broken)?,
        expires: row.expires_at.map(Timestamp),
        reason: row.reason.clone(),
    };
    Ok(Held { set: row.permission_set_id.parse().map_err(broken)?, path })
}

/// The other sets that a person has in an account.
fn other_sets(
    directory: &Directory,
    account: &KnownAccount,
    but: Option<&KnownSet>,
    held: &[Held],
    now: Timestamp,
) -> Option<Obstacle> {
    let others = held.iter().filter(|held| held.is_for(account) && held.lasts(now));
    let places: BTreeSet<u32> = others.filter_map(|held| directory.set_place(held.set)).collect();
    let names = places.iter().filter_map(|place| directory.set(*place));
    let names: Vec<String> =
        names.filter(|set| but.is_none_or(|but| but.id != set.id)).map(|set| set.name.clone()).collect();
    (!names.is_empty()).then_some(Obstacle::OtherSets(names))
}

fn policies_of(row: &permission_set::Model) -> Policies {
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let customer = |value: &serde_json::Value| {
        let name = value.get("name").and_then(&text).or_else(|| text(value))?;
        let path = value.get("path").and_then(&text).unwrap_or_else(|| "/".to_owned());
        Some(format!("{path}{name}"))
    };
    let inline = row.inline_policy.as_deref().filter(|policy| !policy.is_empty()).map(|policy| {
        let document: serde_json::Value = serde_json::from_str(policy).unwrap_or_default();
        match document.get("Statement") {
            Some(serde_json::Value::Array(statements)) => statements.len(),
            Some(_) => 1,
            None => 0,
        }
    });
    let boundary = row
        .boundary
        .as_object()
        .and_then(|boundary| boundary.values().find_map(|value| text(value).or_else(|| customer(value))));
    Policies {
        managed: list(&row.managed_policies).iter().filter_map(text).collect(),
        customer: list(&row.customer_policies).iter().filter_map(customer).collect(),
        inline,
        boundary,
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
