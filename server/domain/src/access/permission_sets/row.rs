//! A permission set as the database keeps it, and where it is assigned.

use std::collections::HashMap;

use model::{AccountId, AccountPath, AccountTarget, PermissionSetName, SessionLength};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::input::PermissionSet;
use super::policy_text::PolicyText;
use crate::access::Principal;
use crate::error::{Error, Result};
use crate::store::entity::{account, assignment, group, permission_set, user};

/// How many places are named where a permission set cannot be deleted.
const FIRST_PLACES: u64 = 5;

/// Where a permission set is assigned.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Grants in all.
    pub assignments: u64,
    /// Accounts that they reach now.
    pub accounts: u64,
    /// A few of the grants.
    pub first: Vec<Place>,
}

/// One grant, in words.
#[derive(Clone, Debug)]
pub struct Place {
    /// To whom.
    pub principal: Principal,
    /// Their user name, or the group's name.
    pub principal_name: String,
    /// For what.
    pub target: AccountTarget,
    /// The account's name, where it is one account.
    pub account_name: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} in ", self.principal.kind(), self.principal_name)?;
        match &self.account_name {
            Some(name) => write!(f, "{name} ({})", self.target),
            None => write!(f, "{}", self.target),
        }
    }
}

fn broken(row: &permission_set::Model, cause: impl std::fmt::Display) -> Error {
    Error::internal(format!("permission set {}: {cause}", row.id))
}

fn json_of(value: &impl serde::Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|e| Error::internal(format!("permission set: {e}")))
}

/// Reads a row.
pub(crate) fn read(row: &permission_set::Model) -> Result<PermissionSet> {
    let parts = |value: &serde_json::Value| value.clone();
    Ok(PermissionSet {
        name: PermissionSetName::parse(&row.name).map_err(|e| broken(row, e))?,
        description: row.description.clone(),
        session: SessionLength::from_seconds(u32::try_from(row.session_seconds).map_err(|e| broken(row, e))?),
        relay_state: row.relay_state.clone(),
        managed_policies: serde_json::from_value(parts(&row.managed_policies)).map_err(|e| broken(row, e))?,
        customer_managed_policies: serde_json::from_value(parts(&row.customer_policies)).map_err(|e| broken(row, e))?,
        inline_policy: row.inline_policy.as_deref().map(PolicyText::new),
        permissions_boundary: serde_json::from_value(parts(&row.boundary)).map_err(|e| broken(row, e))?,
        require_fresh_factor: row.require_fresh_factor,
        tags: serde_json::from_value(parts(&row.tags)).map_err(|e| broken(row, e))?,
    })
}

/// Fills a row's fields; its id, moments and version stay.
pub(crate) fn write(set: &PermissionSet, row: &permission_set::Model) -> Result<permission_set::Model> {
    Ok(permission_set::Model {
        name: set.name.as_str().to_owned(),
        name_key: set.name.key(),
        description: set.description.clone(),
        session_seconds: i64::from(set.session.seconds()),
        relay_state: set.relay_state.clone(),
        managed_policies: json!(set.managed_policies),
        customer_policies: json_of(&set.customer_managed_policies)?,
        inline_policy: set.inline_policy.as_ref().map(|policy| policy.as_str().to_owned()),
        boundary: json_of(&set.permissions_boundary)?,
        tags: json!(set.tags),
        require_fresh_factor: set.require_fresh_factor,
        ..row.clone()
    })
}

/// How often each of these sets is assigned; one query.
pub(crate) async fn assignments_of(db: &impl ConnectionTrait, sets: &[String]) -> Result<HashMap<String, u64>> {
    if sets.is_empty() {
        return Ok(HashMap::new());
    }
    let counted: Vec<(String, i64)> = assignment::Entity::find()
        .select_only()
        .column(assignment::Column::PermissionSetId)
        .expr_as(Expr::col(assignment::Column::Id).count(), "assignments")
        .filter(assignment::Column::PermissionSetId.is_in(sets))
        .group_by(assignment::Column::PermissionSetId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counted.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
}

/// Where one set is assigned.
pub(crate) async fn places_of(db: &impl ConnectionTrait, set: &str) -> Result<Places> {
    let mine = || assignment::Entity::find().filter(assignment::Column::PermissionSetId.eq(set));
    let assignments = mine().count(db).await?;
    if assignments == 0 {
        return Ok(Places::default());
    }
    let targets: Vec<String> =
        mine().select_only().column(assignment::Column::Target).distinct().into_tuple().all(db).await?;
    let first = mine()
        .order_by_asc(assignment::Column::Target)
        .order_by_asc(assignment::Column::PrincipalId)
        .limit(FIRST_PLACES)
        .all(db)
        .await?;
    Ok(Places { assignments, accounts: accounts_reached(db, &targets).await?, first: in_words(db, first).await? })
}

fn target_of(text: &str) -> Result<AccountTarget> {
    AccountTarget::parse(text).map_err(|e| Error::internal(format!("target of an assignment {text}: {e}")))
}

/// How many accounts these targets mean. Accounts are read only where a rule needs their paths.
async fn accounts_reached(db: &impl ConnectionTrait, targets: &[String]) -> Result<u64> {
    let mut reached = std::collections::HashSet::new();
    let mut rules = Vec::new();
    for text in targets {
        match target_of(text)? {
            AccountTarget::Account(account) => {
                reached.insert(account);
            }
            AccountTarget::Rule(rule) => rules.push(rule),
        }
    }
    if !rules.is_empty() {
        let accounts: Vec<(String, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Path])
            .into_tuple()
            .all(db)
            .await?;
        for (id, path) in accounts {
            let (Ok(id), Ok(path)) = (id.parse::<AccountId>(), AccountPath::parse(&path)) else {
                return Err(Error::internal(format!("account {id} at {path}")));
            };
            if rules.iter().any(|rule| rule.matches(&path)) {
                reached.insert(id);
            }
        }
    }
    Ok(reached.len() as u64)
}

/// Gives a few grants the names of those they are for. Three queries.
async fn in_words(db: &impl ConnectionTrait, grants: Vec<assignment::Model>) -> Result<Vec<Place>> {
    let ids: Vec<&str> = grants.iter().map(|grant| grant.principal_id.as_str()).collect();
    let people: Vec<(String, String)> = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::UserName])
        .filter(user::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    let groups: Vec<(String, String)> = group::Entity::find()
        .select_only()
        .columns([group::Column::Id, group::Column::Name])
        .filter(group::Column::Id.is_in(ids.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    let accounts: HashMap<String, String> = account::Entity::find()
        .select_only()
        .columns([account::Column::Id, account::Column::Name])
        .filter(account::Column::Id.is_in(grants.iter().map(|grant| grant.target.as_str())))
        .into_tuple::<(String, String)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let names: HashMap<String, String> = people.into_iter().chain(groups).collect();
    grants
        .into_iter()
        .map(|grant| {
            Ok(Place {
                principal: Principal::from_columns(&grant.principal_kind, &grant.principal_id)?,
                principal_name: names.get(&grant.principal_id).cloned().unwrap_or_else(|| grant.principal_id.clone()),
                target: target_of(&grant.target)?,
                account_name: accounts.get(&grant.target).cloned(),
            })
        })
        .collect()
}
