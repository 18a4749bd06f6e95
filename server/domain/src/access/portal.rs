//! The portal of a person: their accounts with favourites and recent ones first, and links that lead straight to one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{AccountId, Timestamp, name_key};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;
use url::Url;

use super::directory::{KnownAccount, KnownSet};
use super::entitlements::{Entitlements, Reach, Reached};
use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::{Call, Person};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::store::entity::account_mark;

/// Accounts that stand first because they were used last.
const RECENT: usize = 5;

/// Accounts on a page.
const ON_A_PAGE: usize = 50;

/// What ends within this time is said to end soon.
pub const SOON: i64 = 7 * Timestamp::DAY;

/// A use within this time of the last one is not written down again.
const USED_EVERY: i64 = Timestamp::MINUTE;

/// Where consoles of AWS are.
const CONSOLES: [&str; 3] = ["console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"];

/// Why an account stands where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Marked by the person.
    Favourite,
    /// Used lately.
    Recent,
    /// By name.
    Rest,
}

/// A line of the portal.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'l> {
    pub reached: Reached<'l>,
    pub shelf: Shelf,
}

/// Everything a person can go to, in the order in which they see it.
#[derive(Debug)]
pub struct Listing {
    reach: Arc<Reach>,
    favourites: Vec<AccountId>,
    recent: Vec<AccountId>,
}

/// A part of a listing.
#[derive(Debug)]
pub struct Part<'l> {
    pub rows: Vec<Listed<'l>>,
    /// How many there are under the search.
    pub total: usize,
    /// The account that the next page begins with.
    pub next: Option<AccountId>,
    /// The account that the previous page begins with.
    pub previous: Option<AccountId>,
}

/// What is searched: every word must occur in the name, number, mail address or path of an account, or in the name of a set.
#[derive(Clone, Debug, Default)]
pub struct Search(Vec<String>);

impl Search {
    /// Reads what was typed.
    pub fn parse(text: &str) -> Self {
        Self(name_key(text).split_whitespace().map(term).collect())
    }

    fn finds(&self, reached: &Reached<'_>) -> bool {
        let finds = |term: &String| {
            reached.account.mentions(term) || reached.sets().any(|entitled| entitled.set.key.contains(term.as_str()))
        };
        self.0.iter().all(finds)
    }
}

/// A number may be written in groups, as in 1111-2222-3333.
fn term(word: &str) -> String {
    let grouped = word.contains('-') && word.chars().all(|c| c.is_ascii_digit() || c == '-');
    if grouped { word.replace('-', "") } else { word.to_owned() }
}

impl Listing {
    /// How many accounts.
    pub fn len(&self) -> usize {
        self.reach.accounts().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.reach.pairs() == 0
    }

    /// All lines: favourites and recent ones first.
    pub fn rows(&self) -> Vec<Listed<'_>> {
        let shelf = |shelf, ids: &[AccountId]| {
            let reached = ids.iter().filter_map(|id| self.reach.account(*id));
            reached.map(|reached| Listed { reached, shelf }).collect::<Vec<_>>()
        };
        let mut rows = shelf(Shelf::Favourite, &self.favourites);
        rows.extend(shelf(Shelf::Recent, &self.recent));
        let first: HashSet<AccountId> = rows.iter().map(|row| row.reached.account.id).collect();
        let rest = self.reach.accounts().filter(|reached| !first.contains(&reached.account.id));
        rows.extend(rest.map(|reached| Listed { reached, shelf: Shelf::Rest }));
        rows
    }

    /// One page under a search; `from` names its first account, and one that is not there means the beginning.
    pub fn part(&self, search: &Search, from: Option<AccountId>) -> Part<'_> {
        let mut rows = self.rows();
        rows.retain(|row| search.finds(&row.reached));
        let total = rows.len();
        let id_at = |at: usize| rows.get(at).map(|row| row.reached.account.id);
        let begin = from.and_then(|id| rows.iter().position(|row| row.reached.account.id == id)).unwrap_or_default();
        let next = id_at(begin + ON_A_PAGE);
        let previous = (begin > 0).then(|| id_at(begin.saturating_sub(ON_A_PAGE))).flatten();
        let rows = rows.into_iter().skip(begin).take(ON_A_PAGE).collect();
        Part { rows, total, next, previous }
    }

    /// How many pairs of account and set end soon.
    pub fn ending(&self, now: Timestamp) -> usize {
        let ends = |at: Option<Timestamp>| at.is_some_and(|at| at.since(now) <= SOON);
        self.reach.accounts().flat_map(|reached| reached.sets()).filter(|entitled| ends(entitled.expires)).count()
    }
}

/// Where a link leads.
#[derive(Clone, Debug)]
pub struct Way {
    pub account: KnownAccount,
    /// The set that the link names; without one the person chooses among [`Way::sets`].
    pub set: Option<KnownSet>,
    /// Every set that the person has there.
    pub sets: Vec<KnownSet>,
    /// The page of the console that is wanted.
    pub destination: Option<Url>,
    /// The link names a set that the person has not there.
    pub missing: bool,
}

/// The portal.
#[derive(Clone, Debug)]
pub struct Portal(pub(crate) Arc<Core>);

impl Portal {
    /// What the caller can go to.
    pub async fn list(&self, call: &Call) -> Result<Listing> {
        let person = authorize_person(call, Action::UsePortal)?;
        let reach = Entitlements(self.0.clone()).of(call).await?;
        let marks = account_mark::Entity::find()
            .filter(account_mark::Column::UserId.eq(person.user.to_string()))
            .all(self.0.store.read())
            .await?;
        let mut marked: HashMap<AccountId, account_mark::Model> =
            marks.into_iter().filter_map(|mark| Some((mark.account_id.parse().ok()?, mark))).collect();
        marked.retain(|id, _| reach.account(*id).is_some());
        let mut favourites = Vec::new();
        let mut recent = Vec::new();
        for reached in marked.keys().filter_map(|id| reach.account(*id)) {
            let id = reached.account.id;
            match marked.get(&id) {
                Some(account_mark::Model { favourite: true, .. }) => favourites.push(id),
                Some(account_mark::Model { last_used_at: Some(at), .. }) => recent.push((*at, id)),
                _ => {}
            }
        }
        favourites.sort_unstable_by_key(|id| reach.place(*id));
        recent.sort_unstable_by(|a, b| b.cmp(a));
        recent.truncate(RECENT);
        Ok(Listing { reach, favourites, recent: recent.into_iter().map(|(_, id)| id).collect() })
    }

    /// Marks an account as a favourite, or not any more.
    pub async fn set_favourite(&self, call: &Call, account: AccountId, favourite: bool) -> Result<String> {
        let person = authorize_person(call, Action::UsePortal)?;
        let reach = Entitlements(self.0.clone()).of(call).await?;
        let name = reach.account(account).ok_or_else(|| Error::not_found("account"))?.account.name.clone();
        let mut change = self.0.store.begin().await?;
        account_mark::Entity::insert(mark(person, account, favourite, None))
            .on_conflict(
                OnConflict::columns([account_mark::Column::UserId, account_mark::Column::AccountId])
                    .update_column(account_mark::Column::Favourite)
                    .to_owned(),
            )
            .exec_without_returning(change.txn())
            .await?;
        let event = Event::done("UpdateUser").on("user", person.user, person.user_name.clone());
        change.audit(call, event.with(json!({"favourite": {"account": account, "to": favourite}})));
        change.commit().await?;
        Ok(name)
    }

    /// Resolves a link to an account. What the caller cannot reach is not there; a set that they have not is said to be missing.
    pub async fn open(&self, call: &Call, account: &str, set: Option<&str>, destination: Option<&str>) -> Result<Way> {
        let person = authorize_person(call, Action::UsePortal)?;
        let id: AccountId = account.parse().map_err(|e: model::Invalid| Error::invalid("account_id", e.to_string()))?;
        let destination = destination.map(console).transpose()?;
        let reach = Entitlements(self.0.clone()).of(call).await?;
        let reached = reach.account(id).ok_or_else(|| Error::not_found("account"))?;
        let sets: Vec<KnownSet> = reached.sets().map(|entitled| entitled.set.clone()).collect();
        let wanted = set.map(name_key);
        let set = wanted.as_ref().and_then(|wanted| sets.iter().find(|set| set.key == *wanted)).cloned();
        let missing = wanted.is_some() && set.is_none();
        let account = reached.account.clone();
        if set.is_some() {
            self.used(person, id, call.now).await;
        }
        Ok(Way { account, set, sets, destination, missing })
    }

    /// Notes a use. A database that cannot be written to keeps nobody away, so a failure is only logged.
    async fn used(&self, person: &Person, account: AccountId, now: Timestamp) {
        let lately = account_mark::Entity::find_by_id((person.user.to_string(), account.to_string()))
            .filter(account_mark::Column::LastUsedAt.gt(now.plus(-USED_EVERY).0))
            .one(self.0.store.read())
            .await;
        if !matches!(lately, Ok(None)) {
            return;
        }
        let outcome = account_mark::Entity::insert(mark(person, account, false, Some(now)))
            .on_conflict(
                OnConflict::columns([account_mark::Column::UserId, account_mark::Column::AccountId])
                    .update_column(account_mark::Column::LastUsedAt)
                    .to_owned(),
            )
            .exec_without_returning(self.0.store.write())
            .await;
        if let Err(error) = outcome {
            tracing::warn!(%error, "the use of an account was not noted");
        }
    }
}

fn mark(person: &Person, account: AccountId, favourite: bool, used: Option<Timestamp>) -> account_mark::ActiveModel {
    account_mark::ActiveModel {
        user_id: Set(person.user.to_string()),
        account_id: Set(account.to_string()),
        favourite: Set(favourite),
        last_used_at: Set(used.map(|used| used.0)),
    }
}

/// A page of a console of AWS.
fn console(text: &str) -> Result<Url> {
    let refused = || Error::invalid("destination", "must be an https address of the AWS console");
    let url = Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().unwrap_or_default();
    let ours = CONSOLES
        .iter()
        .any(|console| host == *console || host.strip_suffix(console).is_some_and(|front| front.ends_with('.')));
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    if url.scheme() == "https" && ours && plain && text.len() <= 2048 { Ok(url) } else { Err(refused()) }
}

#[cfg(test)]
#[path = "portal_tests.rs"]
mod tests;
