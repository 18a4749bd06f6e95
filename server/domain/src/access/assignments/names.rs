//! Names beside ids, for a page of grants at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{AccountId, AccountPath, AccountTarget, PermissionSetId};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _};

use super::rows::GrantKey;
use crate::access::Principal;
use crate::error::{Error, Result};
use crate::store::entity::{account, group, permission_set, user};

/// Ids in one list of a query.
const CHUNK: usize = 500;

/// A person or group, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    /// A person who is disabled or has not accepted the invitation.
    pub inactive: Option<String>,
}

pub(super) async fn of_principals(
    conn: &impl ConnectionTrait,
    principals: &[Principal],
) -> Result<HashMap<Principal, Named>> {
    let mut named = HashMap::new();
    let (mut people, mut groups): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for principal in principals {
        match principal {
            Principal::User(user) => people.push(user.to_string()),
            Principal::Group(group) => groups.push(group.to_string()),
        }
    }
    for part in people.chunks(CHUNK) {
        let rows: Vec<(String, String, String)> = user::Entity::find()
            .select_only()
            .columns([user::Column::Id, user::Column::UserName, user::Column::Status])
            .filter(user::Column::Id.is_in(part))
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name, status) in rows {
            let inactive = (status != "active").then_some(status);
            named.insert(Principal::from_columns("user", &id)?, Named { name, inactive });
        }
    }
    for part in groups.chunks(CHUNK) {
        let rows: Vec<(String, String)> = group::Entity::find()
            .select_only()
            .columns([group::Column::Id, group::Column::Name])
            .filter(group::Column::Id.is_in(part))
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name) in rows {
            named.insert(Principal::from_columns("group", &id)?, Named { name, inactive: None });
        }
    }
    Ok(named)
}

pub(super) async fn of_sets(
    conn: &impl ConnectionTrait,
    sets: &[PermissionSetId],
) -> Result<HashMap<PermissionSetId, String>> {
    let mut named = HashMap::new();
    let ids: Vec<String> = sets.iter().map(ToString::to_string).collect();
    for part in ids.chunks(CHUNK) {
        let rows: Vec<(String, String)> = permission_set::Entity::find()
            .select_only()
            .columns([permission_set::Column::Id, permission_set::Column::Name])
            .filter(permission_set::Column::Id.is_in(part))
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name) in rows {
            let id = id.parse().map_err(|e| Error::internal(format!("permission set {id}: {e}")))?;
            named.insert(id, name);
        }
    }
    Ok(named)
}

/// Name and path of accounts.
pub(super) async fn of_accounts(
    conn: &impl ConnectionTrait,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, (String, AccountPath)>> {
    let mut named = HashMap::new();
    for part in accounts.chunks(CHUNK) {
        let rows: Vec<(String, String, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Name, account::Column::Path])
            .filter(account::Column::Id.is_in(part.iter().map(AccountId::as_str)))
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name, path) in rows {
            let broken = |e: model::Invalid| Error::internal(format!("account {id}: {e}"));
            named.insert(id.parse().map_err(broken)?, (name, AccountPath::parse(&path).map_err(broken)?));
        }
    }
    Ok(named)
}

/// Where the accounts among some targets stand.
pub(super) async fn paths_of<'t>(
    conn: &impl ConnectionTrait,
    targets: impl Iterator<Item = &'t AccountTarget>,
) -> Result<BTreeMap<AccountTarget, AccountPath>> {
    let accounts: BTreeSet<AccountId> =
        targets.filter_map(|target| if let AccountTarget::Account(id) = target { Some(*id) } else { None }).collect();
    let accounts: Vec<AccountId> = accounts.into_iter().collect();
    let named = of_accounts(conn, &accounts).await?;
    Ok(named.into_iter().map(|(id, (_, path))| (AccountTarget::Account(id), path)).collect())
}

/// Refuses where a person, group or permission set of these grants has gone.
pub(super) async fn all_there(conn: &impl ConnectionTrait, keys: &[GrantKey]) -> Result<()> {
    let principals: BTreeSet<Principal> = keys.iter().map(|key| key.principal).collect();
    let sets: BTreeSet<PermissionSetId> = keys.iter().map(|key| key.set).collect();
    let principals: Vec<Principal> = principals.into_iter().collect();
    let sets: Vec<PermissionSetId> = sets.into_iter().collect();
    let there = of_principals(conn, &principals).await?.len() == principals.len()
        && of_sets(conn, &sets).await?.len() == sets.len();
    if there {
        Ok(())
    } else {
        Err(Error::conflict(None, "Somebody or something that this was about has been deleted since."))
    }
}
