//! What principals were granted, in memory: loaded when somebody first asks, dropped when it was touched.
//!
//! Each use reads the version of access first. A step of the version drops exactly what it names, so that whatever is found here
//! afterwards is as the database has it. What is loaded counts only if the version did not move meanwhile. The cost of a use
//! depends on the person's own groups and grants, never on how many there are in all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use model::{AccountId, AccountTarget, GroupId, PathRule, PermissionSetId, Timestamp, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter as _, QuerySelect as _, Statement,
};

use super::Principal;
use super::directory::Directory;
use super::stamp::{self, Steps};
use crate::error::{Error, Result};
use crate::store::entity::assignment;

/// Room for grants, memberships and what each principal costs by itself: about 80 MB when full.
const ROOM: usize = 2_000_000;

/// What keeping a principal costs beside its grants, in grants.
const OVERHEAD: usize = 6;

/// Principals looked up in one query.
const AT_ONCE: usize = 400;

/// How often a view is read again because the version moved under it. After that it is as good as any.
const TRIES: usize = 5;

/// A grant for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Exact {
    account: AccountId,
    set: PermissionSetId,
    expires: i64,
}

/// A grant for the accounts that a rule matches.
#[derive(Clone, Debug)]
struct Ruled {
    rule: PathRule,
    set: PermissionSetId,
    expires: i64,
}

/// What one person or group was granted, itself.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// Sorted.
    exact: Box<[Exact]>,
    rules: Box<[Ruled]>,
}

/// Who a person is for the purposes of access.
#[derive(Debug, Default)]
struct Standing {
    active: bool,
    groups: Box<[GroupId]>,
}

/// A principal in memory.
#[derive(Debug)]
struct Kept {
    grants: Arc<Grants>,
    /// For people.
    standing: Arc<Standing>,
    /// When it was used last, counted in uses.
    used: AtomicU64,
}

impl Kept {
    fn weight(&self) -> usize {
        OVERHEAD + self.grants.exact.len() + 2 * self.grants.rules.len() + self.standing.groups.len() / 2
    }
}

#[derive(Debug, Default)]
struct State {
    version: i64,
    directory: Option<Arc<Directory>>,
    kept: HashMap<Principal, Kept>,
    weight: usize,
}

impl State {
    /// Drops what was touched; everything where it is not known what was.
    fn step(&mut self, version: i64, steps: Option<Steps>) {
        self.version = version;
        let Some(steps) = steps else {
            (self.directory, self.weight) = (None, 0);
            self.kept.clear();
            return;
        };
        if steps.directory {
            self.directory = None;
        }
        for id in steps.principals {
            let user = id.parse().ok().map(Principal::User);
            let group = id.parse().ok().map(Principal::Group);
            for principal in user.into_iter().chain(group) {
                if let Some(kept) = self.kept.remove(&principal) {
                    self.weight -= kept.weight();
                }
            }
        }
    }

    fn keep(&mut self, principal: Principal, kept: Kept, room: usize) {
        let weight = kept.weight();
        // More than all the room: whoever asks has it already, and nobody else loses theirs for it.
        if weight > room {
            return;
        }
        self.weight += weight;
        if let Some(before) = self.kept.insert(principal, kept) {
            self.weight -= before.weight();
        }
        if self.weight > room {
            self.make_room(room);
        }
    }

    /// Drops what was used longest ago until an eighth is free, so that this is not done again soon.
    fn make_room(&mut self, room: usize) {
        let mut by_use: Vec<(u64, Principal)> =
            self.kept.iter().map(|(principal, kept)| (kept.used.load(Ordering::Relaxed), *principal)).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, principal) in by_use {
            if self.weight <= room - room / 8 {
                break;
            }
            if let Some(kept) = self.kept.remove(&principal) {
                self.weight -= kept.weight();
            }
        }
    }
}

/// The index of one node.
#[derive(Debug)]
pub struct Index {
    state: RwLock<State>,
    uses: AtomicU64,
    room: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

/// What one person holds, itself and through groups, at one version.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) directory: Arc<Directory>,
    active: bool,
    holdings: Vec<Arc<Grants>>,
}

impl View {
    /// Whether an account and a set are granted and can be used now.
    pub(crate) fn allows(&self, account: AccountId, set: PermissionSetId, now: Timestamp) -> bool {
        let Some(known) = self.directory.account_by_id(account).filter(|known| known.active) else { return false };
        let effective = |expires: i64| expires > now.0;
        self.active
            && self.directory.set_place(set).is_some()
            && self.holdings.iter().any(|grants| {
                let found = grants.exact.binary_search_by(|grant| (grant.account, grant.set).cmp(&(account, set)));
                found.ok().and_then(|at| grants.exact.get(at)).is_some_and(|grant| effective(grant.expires))
                    || grants
                        .rules
                        .iter()
                        .any(|grant| grant.set == set && effective(grant.expires) && grant.rule.matches(&known.path))
            })
    }

    /// Every grant that can be used now: places of account and set, and the end in milliseconds. A place may come several times.
    pub(crate) fn effective(&self, now: Timestamp) -> Vec<(u32, u32, i64)> {
        let mut found = Vec::new();
        if !self.active {
            return found;
        }
        let directory = &*self.directory;
        let usable = |place: u32| directory.account(place).is_some_and(|account| account.active);
        for grants in &self.holdings {
            // Neighbours are mostly of one account.
            let mut last: Option<(AccountId, Option<u32>)> = None;
            for grant in grants.exact.iter().filter(|grant| grant.expires > now.0) {
                let account = match last {
                    Some((id, place)) if id == grant.account => place,
                    _ => directory.account_place(grant.account).filter(|place| usable(*place)),
                };
                last = Some((grant.account, account));
                if let (Some(account), Some(set)) = (account, directory.set_place(grant.set)) {
                    found.push((account, set, grant.expires));
                }
            }
            for grant in grants.rules.iter().filter(|grant| grant.expires > now.0) {
                let Some(set) = directory.set_place(grant.set) else { continue };
                let accounts = directory.matching(&grant.rule).filter(|place| usable(*place));
                found.extend(accounts.map(|account| (account, set, grant.expires)));
            }
        }
        found
    }
}

impl Index {
    /// An index that keeps no more than so much.
    pub(crate) fn with_room(room: usize) -> Self {
        Self { state: RwLock::default(), uses: AtomicU64::new(0), room }
    }

    /// What a person holds now. The version is read here; once a request's session brings it along, `at_version` takes it.
    pub(crate) async fn view<C: ConnectionTrait>(&self, conn: &C, user: UserId) -> Result<View> {
        let version = stamp::current(conn).await?;
        self.at_version(conn, version, user).await
    }

    /// Accounts and permission sets as they are now.
    pub(crate) async fn directory<C: ConnectionTrait>(&self, conn: &C) -> Result<Arc<Directory>> {
        let version = stamp::current(conn).await?;
        self.catch_up(conn, version).await?;
        let (at, known) = self.read(|state| (state.version, state.directory.clone()));
        match known {
            Some(directory) => Ok(directory),
            None => self.load_directory(conn, at).await,
        }
    }

    /// What a person holds at a version or a later one.
    pub(crate) async fn at_version<C: ConnectionTrait>(&self, conn: &C, version: i64, user: UserId) -> Result<View> {
        let mut version = version;
        let mut tries = 0;
        loop {
            tries += 1;
            self.catch_up(conn, version).await?;
            let (view, loaded) = self.assemble(conn, user).await?;
            if !loaded {
                return Ok(view);
            }
            // Parts that were read at different moments may belong to different versions.
            let now = stamp::current(conn).await?;
            if now == version || tries == TRIES {
                return Ok(view);
            }
            version = now;
        }
    }

    /// Drops what was touched up to a version.
    async fn catch_up<C: ConnectionTrait>(&self, conn: &C, version: i64) -> Result<()> {
        loop {
            let known = self.read(|state| state.version);
            if known >= version {
                return Ok(());
            }
            let steps = stamp::since(conn, known, version).await?;
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if state.version == known {
                state.step(version, steps);
                return Ok(());
            }
        }
    }

    /// Puts together what is kept and what has to be loaded; says whether anything had to.
    async fn assemble<C: ConnectionTrait>(&self, conn: &C, user: UserId) -> Result<(View, bool)> {
        let use_now = self.uses.fetch_add(1, Ordering::Relaxed);
        let principal = Principal::User(user);
        // Under one lock, so that all of it is of one version.
        let found = self.read(|state| {
            let person = state.kept.get(&principal)?;
            person.used.store(use_now, Ordering::Relaxed);
            let mut holdings = vec![person.grants.clone()];
            for group in &person.standing.groups {
                let kept = state.kept.get(&Principal::Group(*group))?;
                kept.used.store(use_now, Ordering::Relaxed);
                holdings.push(kept.grants.clone());
            }
            Some(View { directory: state.directory.clone()?, active: person.standing.active, holdings })
        });
        match found {
            Some(view) => Ok((view, false)),
            None => Ok((self.load(conn, user, use_now).await?, true)),
        }
    }

    /// Loads what is missing of a person, their groups and the directory, and keeps it.
    async fn load<C: ConnectionTrait>(&self, conn: &C, user: UserId, used: u64) -> Result<View> {
        let principal = Principal::User(user);
        let (version, directory, person) = self.read(|state| {
            let person = state.kept.get(&principal).map(|kept| (kept.standing.clone(), kept.grants.clone()));
            (state.version, state.directory.clone(), person)
        });
        let directory = match directory {
            Some(directory) => directory,
            None => self.load_directory(conn, version).await?,
        };
        let (standing, grants) = if let Some(person) = person {
            person
        } else {
            let standing = Arc::new(standing_of(conn, user).await?);
            let grants = grants_of(conn, &[principal]).await?.remove(&principal).unwrap_or_default();
            self.keep(version, principal, &grants, &standing, used);
            (standing, grants)
        };
        let mut holdings = vec![grants];
        let mut missing = Vec::new();
        self.read(|state| {
            for group in &standing.groups {
                match state.kept.get(&Principal::Group(*group)) {
                    Some(kept) => holdings.push(kept.grants.clone()),
                    None => missing.push(Principal::Group(*group)),
                }
            }
        });
        for some in missing.chunks(AT_ONCE) {
            for (group, grants) in grants_of(conn, some).await? {
                self.keep(version, group, &grants, &Arc::default(), used);
                holdings.push(grants);
            }
        }
        Ok(View { directory, active: standing.active, holdings })
    }

    async fn load_directory<C: ConnectionTrait>(&self, conn: &C, version: i64) -> Result<Arc<Directory>> {
        let directory = Arc::new(Directory::load(conn).await?);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.version == version {
            state.directory = Some(directory.clone());
        }
        Ok(directory)
    }

    /// Keeps what was loaded, if it still belongs to the version.
    fn keep(&self, version: i64, principal: Principal, grants: &Arc<Grants>, standing: &Arc<Standing>, used: u64) {
        let kept = Kept { grants: grants.clone(), standing: standing.clone(), used: AtomicU64::new(used) };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.version == version {
            state.keep(principal, kept, self.room);
        }
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(FromQueryResult)]
struct StandingRow {
    status: String,
    group_id: Option<String>,
}

const STANDING: &str =
    "SELECT u.status, m.group_id FROM users u LEFT JOIN memberships m ON m.user_id = u.id WHERE u.id = $1";

async fn standing_of<C: ConnectionTrait>(conn: &C, user: UserId) -> Result<Standing> {
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), STANDING, [user.to_string().into()]);
    let rows = StandingRow::find_by_statement(statement).all(conn).await?;
    let active = rows.first().is_some_and(|row| row.status == super::ACTIVE_PERSON);
    let groups = rows.into_iter().filter_map(|row| row.group_id);
    let groups = groups.map(|id| id.parse().map_err(|e| Error::internal(format!("group {id}: {e}"))));
    Ok(Standing { active, groups: groups.collect::<Result<_>>()? })
}

/// What was granted to some principals; each of them has an entry.
async fn grants_of<C: ConnectionTrait>(conn: &C, whose: &[Principal]) -> Result<HashMap<Principal, Arc<Grants>>> {
    let mut found: HashMap<Principal, (Vec<Exact>, Vec<Ruled>)> =
        whose.iter().map(|principal| (*principal, Default::default())).collect();
    let rows: Vec<(String, String, String, String, Option<i64>)> = assignment::Entity::find()
        .select_only()
        .columns([
            assignment::Column::PrincipalKind,
            assignment::Column::PrincipalId,
            assignment::Column::PermissionSetId,
            assignment::Column::Target,
            assignment::Column::ExpiresAt,
        ])
        .filter(assignment::Column::PrincipalId.is_in(whose.iter().map(Principal::id)))
        .into_tuple()
        .all(conn)
        .await?;
    for (kind, id, set, target, expires) in rows {
        let principal = Principal::from_columns(&kind, &id)?;
        let Some((exact, rules)) = found.get_mut(&principal) else { continue };
        let broken = |e: model::Invalid| Error::internal(format!("a grant to {id}: {e}"));
        let (set, expires) = (set.parse().map_err(broken)?, expires.unwrap_or(i64::MAX));
        match AccountTarget::parse(&target).map_err(broken)? {
            AccountTarget::Account(account) => exact.push(Exact { account, set, expires }),
            AccountTarget::Rule(rule) => rules.push(Ruled { rule, set, expires }),
        }
    }
    let done = found.into_iter().map(|(principal, (mut exact, rules))| {
        exact.sort_unstable();
        (principal, Arc::new(Grants { exact: exact.into(), rules: rules.into() }))
    });
    Ok(done.collect())
}
