//! Accounts and permission sets as the whole node shares them in memory: what a grant is looked up in, and what lists show.
//!
//! Both are kept in the order of their names, so that whatever refers to them by place is sorted by name for free.

use std::collections::HashMap;

use model::{AccountId, AccountPath, AccountTarget, PathRule, PermissionSetId, SessionLength, name_key};
use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect as _};

use crate::error::{Error, Result};
use crate::store::entity::{account, permission_set};

/// The status of an account that can be used.
pub(crate) const ACTIVE: &str = "active";

/// An account.
#[derive(Clone, Debug)]
pub struct KnownAccount {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub path: AccountPath,
    /// Whether anybody may go there now.
    pub active: bool,
    /// Name, number, mail address and path as they are searched, one a line; accounts are in the order of it.
    searched: String,
}

impl KnownAccount {
    /// Whether a term of a search occurs.
    pub(crate) fn mentions(&self, term: &str) -> bool {
        self.searched.contains(term)
    }
}

/// A permission set.
#[derive(Clone, Debug)]
pub struct KnownSet {
    pub id: PermissionSetId,
    pub name: String,
    /// The name as it is compared and searched.
    pub(crate) key: String,
    pub description: String,
    /// How long a session lasts.
    pub session: SessionLength,
}

/// All accounts and permission sets.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    accounts: Vec<KnownAccount>,
    sets: Vec<KnownSet>,
    account_places: HashMap<AccountId, u32>,
    set_places: HashMap<PermissionSetId, u32>,
    /// Places of accounts in the order of their paths: a rule matches neighbours.
    by_path: Vec<u32>,
}

impl Directory {
    /// Reads all of them.
    pub(crate) async fn load<C: ConnectionTrait>(conn: &C) -> Result<Self> {
        let mut directory = Self::default();
        let accounts: Vec<(String, String, String, String, String)> = account::Entity::find()
            .select_only()
            .columns([
                account::Column::Id,
                account::Column::Name,
                account::Column::Email,
                account::Column::Path,
                account::Column::Status,
            ])
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name, email, path, status) in accounts {
            let (Ok(id), Ok(path)) = (id.parse::<AccountId>(), AccountPath::parse(&path)) else {
                // Nobody gets there; everything else goes on.
                tracing::error!("the account {id} at {path} cannot be read");
                continue;
            };
            let searched = name_key(&format!("{name}\n{id}\n{email}\n{path}"));
            directory.accounts.push(KnownAccount { id, name, email, path, active: status == ACTIVE, searched });
        }
        let sets: Vec<(String, String, String, String, i64)> = permission_set::Entity::find()
            .select_only()
            .columns([
                permission_set::Column::Id,
                permission_set::Column::Name,
                permission_set::Column::NameKey,
                permission_set::Column::Description,
                permission_set::Column::SessionSeconds,
            ])
            .into_tuple()
            .all(conn)
            .await?;
        for (id, name, key, description, seconds) in sets {
            let id: PermissionSetId = id.parse().map_err(|e| Error::internal(format!("permission set {id}: {e}")))?;
            let session = SessionLength::from_seconds(u32::try_from(seconds).unwrap_or_default());
            directory.sets.push(KnownSet { id, name, key, description, session });
        }
        directory.put_in_order();
        Ok(directory)
    }

    /// By the bytes of names, whatever a database holds for order.
    fn put_in_order(&mut self) {
        let Self { accounts, sets, account_places, set_places, by_path } = self;
        accounts.sort_unstable_by(|a, b| a.searched.cmp(&b.searched));
        sets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        for (at, account) in (0_u32..).zip(accounts.iter()) {
            account_places.insert(account.id, at);
            by_path.push(at);
        }
        set_places.extend((0_u32..).zip(sets.iter()).map(|(at, set)| (set.id, at)));
        by_path.sort_unstable_by_key(|at| accounts.get(*at as usize).map(|account| account.path.as_str()));
    }

    pub(crate) fn account(&self, place: u32) -> Option<&KnownAccount> {
        self.accounts.get(place as usize)
    }

    pub(crate) fn set(&self, place: u32) -> Option<&KnownSet> {
        self.sets.get(place as usize)
    }

    pub(crate) fn account_place(&self, id: AccountId) -> Option<u32> {
        self.account_places.get(&id).copied()
    }

    pub(crate) fn set_place(&self, id: PermissionSetId) -> Option<u32> {
        self.set_places.get(&id).copied()
    }

    pub(crate) fn account_by_id(&self, id: AccountId) -> Option<&KnownAccount> {
        self.account(self.account_place(id)?)
    }

    pub(crate) fn set_by_id(&self, id: PermissionSetId) -> Option<&KnownSet> {
        self.set(self.set_place(id)?)
    }

    /// A permission set by its name.
    pub(crate) fn set_by_name(&self, name: &str) -> Option<&KnownSet> {
        let key = name_key(name);
        let at = self.sets.binary_search_by(|set| set.key.as_str().cmp(&key)).ok()?;
        self.sets.get(at)
    }

    /// Places of the accounts that a grant is for.
    pub(crate) fn places_of(&self, target: &AccountTarget) -> Vec<u32> {
        match target {
            AccountTarget::Account(id) => self.account_place(*id).into_iter().collect(),
            AccountTarget::Rule(rule) => self.matching(rule).collect(),
        }
    }

    /// Places of the accounts that a rule matches. What it costs follows from how many lie below the rule's path.
    pub(crate) fn matching<'d>(&'d self, rule: &'d PathRule) -> impl Iterator<Item = u32> + 'd {
        let stem = rule.as_str().trim_end_matches('*').trim_end_matches('/');
        let stem = if stem.is_empty() { "/" } else { stem };
        let path_of = |place: &u32| self.account(*place).map_or("", |account| account.path.as_str());
        let from = self.by_path.partition_point(|place| path_of(place) < stem);
        self.by_path
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(move |place| path_of(place).starts_with(stem))
            .copied()
            .filter(move |place| self.account(*place).is_some_and(|account| rule.matches(&account.path)))
    }
}
