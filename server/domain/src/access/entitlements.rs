//! What a person may use now: the union of what is granted to them and to their groups, each account and set once.
//!
//! Only active people get anything, only in accounts that are active, and only until the grant ends, to the second.

use std::sync::Arc;

use model::{AccountId, PermissionSetId, Timestamp, UserId};

use super::directory::{Directory, KnownAccount, KnownSet};
use crate::authz::{Action, authorize_person};
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;

/// What somebody can reach, by the names of accounts and, within an account, of permission sets.
#[derive(Debug)]
pub struct Reach {
    directory: Arc<Directory>,
    rows: Vec<Row>,
}

/// One account with one permission set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    account: u32,
    set: u32,
    expires: i64,
}

/// A permission set that somebody has in an account.
#[derive(Clone, Copy, Debug)]
pub struct Entitled<'r> {
    pub set: &'r KnownSet,
    /// When the last of the grants behind it ends; nothing where one of them does not.
    pub expires: Option<Timestamp>,
}

/// An account that somebody can reach.
#[derive(Clone, Copy, Debug)]
pub struct Reached<'r> {
    pub account: &'r KnownAccount,
    directory: &'r Directory,
    rows: &'r [Row],
}

impl<'r> Reached<'r> {
    /// The permission sets there.
    pub fn sets(&self) -> impl Iterator<Item = Entitled<'r>> + use<'r> {
        let directory = self.directory;
        self.rows.iter().filter_map(move |row| {
            let expires = (row.expires != i64::MAX).then_some(Timestamp(row.expires));
            Some(Entitled { set: directory.set(row.set)?, expires })
        })
    }
}

impl Reach {
    /// The accounts.
    pub fn accounts(&self) -> impl Iterator<Item = Reached<'_>> {
        self.rows.chunk_by(|a, b| a.account == b.account).filter_map(|rows| {
            let account = self.directory.account(rows.first()?.account)?;
            Some(Reached { account, directory: &self.directory, rows })
        })
    }

    /// One account, if it can be reached.
    pub fn account(&self, id: AccountId) -> Option<Reached<'_>> {
        let place = self.directory.account_place(id)?;
        let from = self.rows.partition_point(|row| row.account < place);
        let to = self.rows.partition_point(|row| row.account <= place);
        let rows = self.rows.get(from..to).filter(|rows| !rows.is_empty())?;
        Some(Reached { account: self.directory.account(place)?, directory: &self.directory, rows })
    }

    /// Where an account stands in the order of names.
    pub(crate) fn place(&self, id: AccountId) -> Option<u32> {
        self.directory.account_place(id)
    }

    /// How many pairs of account and permission set there are.
    pub fn pairs(&self) -> usize {
        self.rows.len()
    }
}

/// Who may use what.
#[derive(Clone, Debug)]
pub struct Entitlements(pub(crate) Arc<Core>);

impl Entitlements {
    /// What the caller may use now.
    pub async fn of(&self, call: &Call) -> Result<Arc<Reach>> {
        let person = authorize_person(call, Action::UsePortal)?;
        Ok(Arc::new(self.reach(person.user, call.now).await?))
    }

    /// Whether the caller may use a permission set in an account now.
    pub async fn may(&self, call: &Call, account: AccountId, set: PermissionSetId) -> Result<bool> {
        let person = authorize_person(call, Action::UsePortal)?;
        self.check(person.user, account, set, call.now).await
    }

    /// What somebody may use at a moment; whoever asks has authorised.
    pub(crate) async fn reach(&self, user: UserId, now: Timestamp) -> Result<Reach> {
        let view = self.0.access.view(self.0.store.read(), user).await?;
        let mut rows: Vec<Row> =
            view.effective(now).into_iter().map(|(account, set, expires)| Row { account, set, expires }).collect();
        // The latest end first: it is the one that stays.
        rows.sort_unstable_by_key(|row| (row.account, row.set, std::cmp::Reverse(row.expires)));
        rows.dedup_by_key(|row| (row.account, row.set));
        Ok(Reach { directory: view.directory, rows })
    }

    /// Whether somebody may use a permission set in an account at a moment; whoever asks has authorised.
    pub(crate) async fn check(
        &self,
        user: UserId,
        account: AccountId,
        set: PermissionSetId,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(self.0.access.view(self.0.store.read(), user).await?.allows(account, set, now))
    }
}

#[cfg(test)]
#[path = "entitlements_tests.rs"]
mod tests;
