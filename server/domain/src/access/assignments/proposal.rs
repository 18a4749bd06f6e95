//! What an administrator wants to change, and what that would do: worked out before anything is applied, and once more when it
//! is, so that nothing else happens than what was shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use model::{AccountId, AccountTarget, PermissionSetId, Timestamp, UserId};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QuerySelect as _};
use serde::{Deserialize, Serialize};

use super::rows::GrantKey;
use super::{Assignments, names};
use crate::access::impact::{self, PersonImpact};
use crate::access::plan::PersonAccess;
use crate::access::snapshot::{GroupIx, Holder, Snapshot, Terms, UserIx};
use crate::access::{Principal, stamp};
use crate::authz::{Action, Resource, authorize};
use crate::call::{Actor, Call};
use crate::error::{Error, Result};
use crate::store::entity::{membership, permission_set, user};

/// The most grants of one proposal.
pub const MOST_GRANTS: usize = 100_000;
/// The longest reason.
const LONGEST_REASON: usize = 500;
/// From so many people on, their number is worth a warning.
const MANY_PEOPLE: usize = 100;
/// People whose gains and losses are named one by one.
const NAMED_PEOPLE: usize = 200;
/// What is named of each.
const NAMED_PAIRS: usize = 25;

/// What is to be done with grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Give what is not given yet.
    #[default]
    Grant,
    /// Take away.
    Revoke,
    /// Another end for what is given.
    Alter,
}

/// Every principal is to get, lose, or keep until another moment every set in every target; or some grants are, one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    pub purpose: Purpose,
    pub targets: BTreeSet<AccountTarget>,
    pub principals: BTreeSet<Principal>,
    pub sets: BTreeSet<PermissionSetId>,
    /// Where there are any, exactly these grants are meant, and not everything above with everything else.
    pub only: BTreeSet<GrantKey>,
    /// Until when; nothing: without end.
    pub expires: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

impl Proposal {
    /// About grants that are there.
    pub(super) fn about(purpose: Purpose, only: BTreeSet<GrantKey>) -> Self {
        Self {
            purpose,
            targets: only.iter().map(|key| key.target.clone()).collect(),
            principals: only.iter().map(|key| key.principal).collect(),
            sets: only.iter().map(|key| key.set).collect(),
            only,
            ..Self::default()
        }
    }

    /// How many grants this is about.
    pub fn size(&self) -> usize {
        if !self.only.is_empty() {
            return self.only.len();
        }
        self.targets.len().saturating_mul(self.principals.len()).saturating_mul(self.sets.len())
    }

    fn check(&self, now: Timestamp) -> Result<()> {
        if self.targets.is_empty() {
            return Err(Error::invalid("accounts", "must be chosen"));
        }
        if self.principals.is_empty() {
            return Err(Error::invalid("principals", "must be chosen"));
        }
        if self.sets.is_empty() {
            return Err(Error::invalid("permission_sets", "must be chosen"));
        }
        if self.size() > MOST_GRANTS {
            return Err(Error::invalid("accounts", format!("must come to at most {MOST_GRANTS} assignments at once")));
        }
        check_terms(self.purpose, self.expires, &self.reason, now)
    }

    fn keys(&self) -> impl Iterator<Item = GrantKey> + '_ {
        let each = self.principals.iter().filter(|_| self.only.is_empty()).flat_map(move |principal| {
            self.targets.iter().flat_map(move |target| {
                self.sets.iter().map(move |set| GrantKey { principal: *principal, target: target.clone(), set: *set })
            })
        });
        self.only.iter().cloned().chain(each)
    }
}

/// An end and a reason that can be kept.
pub(super) fn check_terms(purpose: Purpose, expires: Option<Timestamp>, reason: &str, now: Timestamp) -> Result<()> {
    if purpose != Purpose::Revoke && expires.is_some_and(|end| end <= now) {
        return Err(Error::invalid("expires", "must be in the future"));
    }
    check_reason(reason)
}

/// A reason that can be kept.
pub(crate) fn check_reason(reason: &str) -> Result<()> {
    if reason.chars().count() > LONGEST_REASON {
        return Err(Error::invalid("reason", format!("must have at most {LONGEST_REASON} characters")));
    }
    if reason.chars().any(char::is_control) {
        return Err(Error::invalid("reason", "must not contain control characters"));
    }
    Ok(())
}

/// Something to look at twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The set can do everything.
    Administrator(String),
    /// The person is disabled.
    Disabled(String),
    /// The person has not accepted the invitation yet.
    Invited(String),
    /// Nobody is in the group.
    EmptyGroup(String),
    /// So many people gain something.
    ManyPeople(u64),
    /// The rule matches no account now.
    NoAccount(String),
    /// The account is suspended or closed.
    OutOfUse(AccountId),
}

/// What one person gains and loses.
#[derive(Clone, Debug)]
pub struct PersonChange {
    pub user: UserId,
    pub gains: u64,
    pub loses: u64,
    /// By name; the first of each.
    pub named: PersonAccess,
}

/// What a proposal would do.
#[derive(Clone, Debug)]
pub struct Review {
    /// Stands for all of it: what is applied is compared with it.
    pub digest: String,
    pub creates: u64,
    pub updates: u64,
    pub deletes: u64,
    /// What is already so.
    pub unchanged: u64,
    /// How many people gain, how many lose something, and how many do one or the other.
    pub gaining: u64,
    pub losing: u64,
    pub affected: u64,
    /// The first people by name, losses first.
    pub people: Vec<PersonChange>,
    /// What the accounts among their gains and losses are called.
    pub accounts: BTreeMap<AccountId, String>,
    pub warnings: Vec<Warning>,
}

impl Review {
    /// Whether there is anything to apply.
    pub fn changes_something(&self) -> bool {
        self.creates + self.updates + self.deletes > 0
    }
}

/// Until when a grant counts, and why it was given.
pub(super) type GrantTerms = (Option<Timestamp>, String);

/// One grant that becomes another one.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) key: GrantKey,
    /// Its end and reason now; nothing where it is not there.
    pub(super) was: Option<GrantTerms>,
    /// What they are then; nothing where it goes.
    pub(super) becomes: Option<GrantTerms>,
}

/// A proposal that was worked out at one version of everything.
pub(super) struct Worked {
    pub(super) version: i64,
    pub(super) steps: Vec<Step>,
    pub(super) review: Review,
}

impl Assignments {
    /// What a proposal would do now.
    pub async fn plan(&self, call: &Call, proposal: &Proposal) -> Result<Review> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let read = self.0.store.read();
        let mut review = work_out(read, call, proposal).await?.review;
        let pairs = review.people.iter().flat_map(|person| person.named.gains.iter().chain(&person.named.loses));
        let accounts: BTreeSet<AccountId> = pairs.map(|pair| pair.account).collect();
        let named = names::of_accounts(read, &accounts.into_iter().collect::<Vec<_>>()).await?;
        review.accounts = named.into_iter().map(|(id, (name, _))| (id, name)).collect();
        Ok(review)
    }
}

/// Works a proposal out; refuses what is not the caller's to decide.
pub(super) async fn work_out<C: ConnectionTrait>(conn: &C, call: &Call, proposal: &Proposal) -> Result<Worked> {
    proposal.check(call.now)?;
    // Read first: whatever changes after this shows in the version.
    let version = stamp::current(conn).await?;
    let principals: Vec<Principal> = proposal.principals.iter().copied().collect();
    let sets: Vec<String> = proposal.sets.iter().map(ToString::to_string).collect();
    let before = Snapshot::around(conn, &principals, Some(&sets)).await?;
    authorize_each(conn, call, &before, proposal).await?;
    known(&before, proposal)?;

    let mut after = before.clone();
    let mut steps = Vec::new();
    let mut unchanged = 0;
    for key in proposal.keys() {
        match step(&before, proposal, &key, call.now) {
            Fate::Becomes(becomes) => {
                let was = terms(&before, &key);
                let was = was.map(|terms| (terms.expires, before.reason_of(terms.reason).to_owned()));
                put(&mut after, &key, becomes.as_ref());
                steps.push(Step { key, was, becomes });
            }
            Fate::Stays => unchanged += 1,
        }
    }
    let impacts = impact::difference(&before, &after, call.now);
    let warnings = warnings(conn, &before, proposal, &impacts).await?;
    let review = review(&after, &steps, unchanged, &impacts, warnings);
    Ok(Worked { version, steps, review })
}

/// Each grant by itself is the caller's to give.
async fn authorize_each<C: ConnectionTrait>(
    conn: &C,
    call: &Call,
    picture: &Snapshot,
    proposal: &Proposal,
) -> Result<()> {
    let own = own_principals(conn, call).await?;
    let own = proposal.principals.iter().any(|principal| own.contains(principal));
    for target in &proposal.targets {
        let path = match target {
            AccountTarget::Account(id) => {
                picture.accounts.find(id).and_then(|at| picture.accounts.get(at as usize)).map(|account| &account.path)
            }
            AccountTarget::Rule(_) => None,
        };
        authorize(call, Action::Assign, Resource::target(call, target, path).granting(own))?;
    }
    Ok(())
}

/// The caller and the groups they are in.
pub(super) async fn own_principals<C: ConnectionTrait>(conn: &C, call: &Call) -> Result<BTreeSet<Principal>> {
    let Actor::Person(person) = &call.actor else { return Ok(BTreeSet::new()) };
    let groups: Vec<String> = membership::Entity::find()
        .select_only()
        .column(membership::Column::GroupId)
        .filter(membership::Column::UserId.eq(person.user.to_string()))
        .into_tuple()
        .all(conn)
        .await?;
    let groups = groups.iter().map(|id| Principal::from_columns("group", id));
    groups.chain([Ok(Principal::User(person.user))]).collect()
}

/// Everything named is there. What is being taken away may name an account that has gone.
fn known(picture: &Snapshot, proposal: &Proposal) -> Result<()> {
    for principal in &proposal.principals {
        if holder(picture, *principal).is_none() {
            return Err(Error::conflict(Some("principals"), "name somebody who is not there any more"));
        }
    }
    if proposal.sets.iter().any(|set| picture.sets.find(set).is_none()) {
        return Err(Error::conflict(Some("permission_sets"), "name one that is not there any more"));
    }
    for target in &proposal.targets {
        if let AccountTarget::Account(id) = target
            && proposal.purpose == Purpose::Grant
            && picture.accounts.find(id).is_none()
        {
            return Err(Error::invalid("accounts", format!("name {id}, which is not there")));
        }
    }
    Ok(())
}

fn holder(picture: &Snapshot, principal: Principal) -> Option<Holder> {
    match principal {
        Principal::User(user) => picture.users.find(&user).map(|at| Holder::User(UserIx::from(at))),
        Principal::Group(group) => picture.groups.find(&group).map(|at| Holder::Group(GroupIx::from(at))),
    }
}

fn terms(picture: &Snapshot, key: &GrantKey) -> Option<Terms> {
    let holder = holder(picture, key.principal)?;
    let (target, set) = (picture.find_target(&key.target)?, picture.sets.find(&key.set)?);
    picture.grants(holder)?.get(&(target, set.into())).copied()
}

/// What comes of one grant.
enum Fate {
    Stays,
    /// These are its terms then; without any it goes.
    Becomes(Option<GrantTerms>),
}

fn step(picture: &Snapshot, proposal: &Proposal, key: &GrantKey, now: Timestamp) -> Fate {
    let before = terms(picture, key);
    match (proposal.purpose, before) {
        // One that has ended and is not cleared away yet gives nothing: it begins anew.
        (Purpose::Grant, Some(terms)) if terms.counts(now) => Fate::Stays,
        (Purpose::Grant, _) => Fate::Becomes(Some((proposal.expires, proposal.reason.clone()))),
        (Purpose::Revoke, Some(_)) => Fate::Becomes(None),
        (Purpose::Revoke | Purpose::Alter, None) => Fate::Stays,
        (Purpose::Alter, Some(terms)) => {
            let reason = picture.reason_of(terms.reason);
            let said = if proposal.reason.is_empty() { reason } else { &proposal.reason };
            if terms.expires == proposal.expires && said == reason {
                Fate::Stays
            } else {
                Fate::Becomes(Some((proposal.expires, said.to_owned())))
            }
        }
    }
}

fn put(picture: &mut Snapshot, key: &GrantKey, becomes: Option<&GrantTerms>) {
    let (Some(holder), Some(set)) = (holder(picture, key.principal), picture.sets.find(&key.set)) else { return };
    let target = picture.target(&key.target);
    match becomes {
        Some((expires, reason)) => {
            let terms = Terms { expires: *expires, reason: picture.reason(reason) };
            picture.grant(holder, target, set.into(), terms);
        }
        None => drop(picture.revoke(holder, target, set.into())),
    }
}

fn review(
    after: &Snapshot,
    steps: &[Step],
    unchanged: u64,
    impacts: &[PersonImpact],
    warnings: Vec<Warning>,
) -> Review {
    let count = |fits: &dyn Fn(&Step) -> bool| to_u64(steps.iter().filter(|step| fits(step)).count());
    let mut order: Vec<&PersonImpact> = impacts.iter().collect();
    let name = |impact: &PersonImpact| after.users.get(impact.user.at()).map(|user| user.name.clone());
    order.sort_by_cached_key(|impact| (impact.loses.is_empty(), name(impact)));
    let people = order.into_iter().take(NAMED_PEOPLE).filter_map(|impact| {
        let user = *after.users.id(impact.user.at())?;
        let mut named = impact.named(after);
        named.gains.truncate(NAMED_PAIRS);
        named.loses.truncate(NAMED_PAIRS);
        Some(PersonChange { user, gains: to_u64(impact.gains.len()), loses: to_u64(impact.loses.len()), named })
    });
    Review {
        digest: digest(after, steps, impacts),
        creates: count(&|step| step.was.is_none() && step.becomes.is_some()),
        updates: count(&|step| step.was.is_some() && step.becomes.is_some()),
        deletes: count(&|step| step.becomes.is_none()),
        unchanged,
        gaining: to_u64(impacts.iter().filter(|impact| !impact.gains.is_empty()).count()),
        losing: to_u64(impacts.iter().filter(|impact| !impact.loses.is_empty()).count()),
        affected: to_u64(impacts.len()),
        people: people.collect(),
        accounts: BTreeMap::new(),
        warnings,
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Covers every grant that changes and everything that anybody gains or loses, in an order that does not depend on how it was
/// read.
fn digest(after: &Snapshot, steps: &[Step], impacts: &[PersonImpact]) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let mut line = String::new();
    for step in steps {
        line.clear();
        // Writing into a string cannot fail.
        let _ = writeln!(line, "{:?} {:?} {:?}", step.key, step.was, step.becomes);
        context.update(line.as_bytes());
    }
    let mut people: Vec<String> = impacts
        .iter()
        .map(|impact| {
            let mut line = String::new();
            let _ = write!(line, "{:?}", after.users.id(impact.user.at()));
            for (sign, pairs) in [('+', &impact.gains), ('-', &impact.loses)] {
                let mut pairs: Vec<_> = pairs
                    .iter()
                    .map(|pair| (after.accounts.id(pair.account.at()), after.sets.id(pair.set.at())))
                    .collect();
                pairs.sort_unstable();
                let _ = write!(line, " {sign}{pairs:?}");
            }
            line
        })
        .collect();
    people.sort_unstable();
    for person in people {
        context.update(person.as_bytes());
        context.update(b"\n");
    }
    data_encoding::HEXLOWER.encode(context.finish().as_ref())
}

async fn warnings<C: ConnectionTrait>(
    conn: &C,
    picture: &Snapshot,
    proposal: &Proposal,
    impacts: &[PersonImpact],
) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    if proposal.purpose != Purpose::Revoke {
        for set in sets_of(conn, proposal).await? {
            if is_administrator(&set) {
                warnings.push(Warning::Administrator(set.name));
            }
        }
        people_warnings(conn, picture, proposal, &mut warnings).await?;
        target_warnings(picture, proposal, &mut warnings);
    }
    let gaining = impacts.iter().filter(|impact| !impact.gains.is_empty()).count();
    if gaining >= MANY_PEOPLE {
        warnings.push(Warning::ManyPeople(to_u64(gaining)));
    }
    Ok(warnings)
}

async fn sets_of<C: ConnectionTrait>(conn: &C, proposal: &Proposal) -> Result<Vec<permission_set::Model>> {
    let ids: Vec<String> = proposal.sets.iter().map(ToString::to_string).collect();
    let mut sets = Vec::new();
    for part in ids.chunks(500) {
        sets.extend(permission_set::Entity::find().filter(permission_set::Column::Id.is_in(part)).all(conn).await?);
    }
    Ok(sets)
}

/// Whether a set can do everything: the policy of that name, or an inline statement that allows all actions on all resources.
fn is_administrator(set: &permission_set::Model) -> bool {
    let named =
        |arn: &serde_json::Value| arn.as_str().is_some_and(|arn| arn.rsplit('/').next() == Some("AdministratorAccess"));
    if set.managed_policies.as_array().is_some_and(|policies| policies.iter().any(named)) {
        return true;
    }
    let inline = set.inline_policy.as_deref().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let any = |value: &serde_json::Value, wanted: &[&str]| {
        let is = |value: &serde_json::Value| value.as_str().is_some_and(|text| wanted.contains(&text));
        is(value) || value.as_array().is_some_and(|list| list.iter().any(is))
    };
    let everything = |statement: &serde_json::Value| {
        statement["Effect"] == "Allow"
            && any(&statement["Action"], &["*", "*:*"])
            && any(&statement["Resource"], &["*"])
    };
    inline.is_some_and(|policy| {
        let statements = &policy["Statement"];
        everything(statements) || statements.as_array().is_some_and(|list| list.iter().any(everything))
    })
}

async fn people_warnings<C: ConnectionTrait>(
    conn: &C,
    picture: &Snapshot,
    proposal: &Proposal,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    let people: Vec<String> = proposal
        .principals
        .iter()
        .filter_map(|principal| if let Principal::User(user) = principal { Some(user.to_string()) } else { None })
        .collect();
    for part in people.chunks(500) {
        let rows: Vec<(String, String)> = user::Entity::find()
            .select_only()
            .columns([user::Column::UserName, user::Column::Status])
            .filter(user::Column::Id.is_in(part))
            .filter(user::Column::Status.ne("active"))
            .into_tuple()
            .all(conn)
            .await?;
        warnings.extend(rows.into_iter().map(|(name, status)| match status.as_str() {
            "disabled" => Warning::Disabled(name),
            _ => Warning::Invited(name),
        }));
    }
    for principal in &proposal.principals {
        if let Principal::Group(group) = principal
            && let Some(at) = picture.groups.find(group)
            && impact::members(picture, GroupIx::from(at)).next().is_none()
        {
            let name = picture.groups.get(at as usize).map(|group| group.name.to_string());
            warnings.push(Warning::EmptyGroup(name.unwrap_or_default()));
        }
    }
    Ok(())
}

fn target_warnings(picture: &Snapshot, proposal: &Proposal, warnings: &mut Vec<Warning>) {
    for target in &proposal.targets {
        match target {
            AccountTarget::Account(id) => {
                let account = picture.accounts.find(id).and_then(|at| picture.accounts.get(at as usize));
                if account.is_some_and(|account| !account.active) {
                    warnings.push(Warning::OutOfUse(*id));
                }
            }
            AccountTarget::Rule(rule) => {
                if !picture.accounts.iter().any(|(_, account)| account.active && rule.matches(&account.path)) {
                    warnings.push(Warning::NoAccount(rule.to_string()));
                }
            }
        }
    }
}
