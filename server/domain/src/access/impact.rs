//! Who gains and who loses what between two pictures of an organisation: exactly, however a person comes by it.
//!
//! A person reaches a permission set in an account while they are enabled, the account is active, and a grant that has not ended,
//! to them or to a group they are in, is for that account or for a rule that matches it. Several such grants count once.

use model::{AccountTarget, Timestamp};

use super::plan::{Access, PersonAccess};
use super::snapshot::{AccountIx, Grants, GroupIx, SetIx, Snapshot, TargetIx, User, UserIx};

/// A permission set in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pair {
    pub(crate) account: AccountIx,
    pub(crate) set: SetIx,
}

/// What one person gains and loses; both sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PersonImpact {
    pub(crate) user: UserIx,
    pub(crate) gains: Vec<Pair>,
    pub(crate) loses: Vec<Pair>,
}

impl PersonImpact {
    /// With names instead of numbers. `after` knows all of them.
    pub(crate) fn named(&self, after: &Snapshot) -> PersonAccess {
        let list = |pairs: &[Pair]| {
            let named = pairs.iter().filter_map(|pair| {
                Some(Access {
                    account: *after.accounts.id(pair.account.at())?,
                    permission_set: after.sets.get(pair.set.at())?.name.to_string(),
                })
            });
            let mut named: Vec<Access> = named.collect();
            named.sort_unstable();
            named
        };
        let user = after.users.get(self.user.at()).map(|user| user.name.to_string()).unwrap_or_default();
        PersonAccess { user, gains: list(&self.gains), loses: list(&self.loses) }
    }
}

/// Everybody whose access differs, in the order of their numbers.
pub(crate) fn difference(before: &Snapshot, after: &Snapshot, now: Timestamp) -> Vec<PersonImpact> {
    let mut all = Vec::new();
    each_difference(before, after, now, |person| all.push(person));
    all
}

/// The same one by one, for organisations whose whole difference would not fit into memory. `after` is an edited copy of
/// `before`.
pub(crate) fn each_difference(
    before: &Snapshot,
    after: &Snapshot,
    now: Timestamp,
    mut found: impl FnMut(PersonImpact),
) {
    let was = Side::of(before, after, now);
    let is = Side::of(after, after, now);
    let moved = moved_accounts(before, after);
    let other_groups = other_groups(before, after);
    let other_sets = before.sets.iter().zip(after.sets.iter()).any(|((_, a), (_, b))| a.present != b.present);
    let nobody = User::default();
    for number in 0..after.users.len() {
        let (old, new) = (before.users.get(number).unwrap_or(&nobody), after.users.get(number).unwrap_or(&nobody));
        let same = old.enabled == new.enabled
            && old.present == new.present
            && old.groups == new.groups
            && old.grants == new.grants
            && !old.groups.iter().any(|group| other_groups.get(group.at()) == Some(&true));
        if same && moved.is_empty() && !other_sets {
            continue;
        }
        let (had, has) = (was.held(old), is.held(new));
        let gains = is.beyond(&has, &was, &had, &moved);
        let loses = was.beyond(&had, &is, &has, &moved);
        if !gains.is_empty() || !loses.is_empty() {
            found(PersonImpact { user: UserIx(u32::try_from(number).unwrap_or(u32::MAX)), gains, loses });
        }
    }
}

/// How many permission sets in accounts a person can reach in all.
#[cfg(test)]
pub(crate) fn reached(snapshot: &Snapshot, user: UserIx, now: Timestamp) -> Vec<Pair> {
    let side = Side::of(snapshot, snapshot, now);
    let held = snapshot.users.get(user.at()).map(|user| side.held(user)).unwrap_or_default();
    side.beyond(&held, &side, &Held::default(), &[])
}

/// What a person holds: sets and targets, each once, sorted; and those of them that are rules.
#[derive(Default)]
struct Held {
    all: Vec<(SetIx, TargetIx)>,
    rules: Vec<(SetIx, TargetIx)>,
}

/// One of the two pictures, with its targets looked up.
struct Side<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    targets: Vec<Reached>,
    /// For each account the number of the target that names it alone.
    alone: Vec<Option<TargetIx>>,
}

/// The active accounts that a target means.
enum Reached {
    One(Option<AccountIx>),
    Many { accounts: Vec<AccountIx>, bits: Vec<u64> },
}

impl<'a> Side<'a> {
    /// `all` knows every target of both sides.
    fn of(snapshot: &'a Snapshot, all: &Snapshot, now: Timestamp) -> Self {
        let active = |number: u32| {
            let account = snapshot.accounts.get(number as usize);
            account.is_some_and(|account| account.active && account.present).then_some(AccountIx(number))
        };
        let mut alone = vec![None; all.accounts.len()];
        let mut targets = Vec::with_capacity(all.targets.len());
        for (number, (target, ())) in (0u32..).zip(all.targets.iter()) {
            targets.push(match target {
                AccountTarget::Account(id) => {
                    let account = all.accounts.find(id);
                    if let Some(place) = account.and_then(|account| alone.get_mut(account as usize)) {
                        *place = Some(TargetIx(number));
                    }
                    Reached::One(account.and_then(active))
                }
                AccountTarget::Rule(rule) => {
                    let mut bits = vec![0u64; snapshot.accounts.len().div_ceil(64)];
                    let mut accounts = Vec::new();
                    for (number, (_, account)) in (0u32..).zip(snapshot.accounts.iter()) {
                        if account.active && account.present && rule.matches(&account.path) {
                            accounts.push(AccountIx(number));
                            if let Some(word) = bits.get_mut(number as usize / 64) {
                                *word |= 1 << (number % 64);
                            }
                        }
                    }
                    Reached::Many { accounts, bits }
                }
            });
        }
        Self { snapshot, now, targets, alone }
    }

    /// What counts for a person here and now.
    fn held(&self, user: &User) -> Held {
        let mut all = Vec::new();
        if !user.present || !user.enabled {
            return Held::default();
        }
        let mut take = |grants: &Grants| {
            for ((target, set), terms) in grants {
                let exists = self.snapshot.sets.get(set.at()).is_some_and(|set| set.present);
                if exists && terms.counts(self.now) {
                    all.push((*set, *target));
                }
            }
        };
        take(&user.grants);
        for group in &user.groups {
            if let Some(group) = self.snapshot.groups.get(group.at()).filter(|group| group.present) {
                take(&group.grants);
            }
        }
        all.sort_unstable();
        all.dedup();
        let is_rule =
            |(_, target): &&(SetIx, TargetIx)| matches!(self.targets.get(target.at()), Some(Reached::Many { .. }));
        Held { rules: all.iter().filter(is_rule).copied().collect(), all }
    }

    /// What is reached here by `held` and not there by `theirs`. Only what the two do not share is looked at, and the accounts
    /// that are not what they were.
    fn beyond(&self, held: &Held, other: &Side<'_>, theirs: &Held, moved: &[AccountIx]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (set, target) in &held.all {
            let shared = theirs.all.binary_search(&(*set, *target)).is_ok();
            let mut consider = |account: AccountIx| {
                if (!shared || moved.binary_search(&account).is_ok()) && !other.reaches(theirs, *set, account) {
                    pairs.push(Pair { account, set: *set });
                }
            };
            match self.targets.get(target.at()) {
                Some(Reached::One(Some(account))) => consider(*account),
                Some(Reached::Many { accounts, .. }) if !shared || !moved.is_empty() => {
                    accounts.iter().copied().for_each(consider);
                }
                _ => {}
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Whether a set in an account is reached by what is held.
    fn reaches(&self, held: &Held, set: SetIx, account: AccountIx) -> bool {
        let alone = self.alone.get(account.at()).copied().flatten();
        let by_itself = alone.is_some_and(|target| held.all.binary_search(&(set, target)).is_ok())
            && self.snapshot.accounts.get(account.at()).is_some_and(|account| account.active && account.present);
        let first = held.rules.partition_point(|(other, _)| *other < set);
        let mut of_set = held.rules.get(first..).unwrap_or_default().iter().take_while(|(other, _)| *other == set);
        by_itself || of_set.any(|(_, target)| contains(self.targets.get(target.at()), account))
    }
}

fn contains(reached: Option<&Reached>, account: AccountIx) -> bool {
    match reached {
        Some(Reached::Many { bits, .. }) => {
            bits.get(account.at() / 64).is_some_and(|word| word & (1 << (account.at() % 64)) != 0)
        }
        _ => false,
    }
}

/// Accounts that a grant may reach on one side and not on the other, sorted.
fn moved_accounts(before: &Snapshot, after: &Snapshot) -> Vec<AccountIx> {
    let numbers = 0..u32::try_from(after.accounts.len()).unwrap_or(u32::MAX);
    let differs = |number: &u32| {
        let at = *number as usize;
        let state = |side: &Snapshot| {
            side.accounts
                .get(at)
                .filter(|account| account.active && account.present)
                .map(|account| account.path.clone())
        };
        state(before) != state(after)
    };
    numbers.filter(differs).map(AccountIx).collect()
}

/// For each group, whether what it gives differs.
fn other_groups(before: &Snapshot, after: &Snapshot) -> Vec<bool> {
    let gone = super::snapshot::Group::default();
    (0..after.groups.len())
        .map(|number| {
            let (old, new) = (before.groups.get(number).unwrap_or(&gone), after.groups.get(number).unwrap_or(&gone));
            old.present != new.present || old.grants != new.grants
        })
        .collect()
}

/// The members of a group.
pub(crate) fn members(snapshot: &Snapshot, group: GroupIx) -> impl Iterator<Item = (UserIx, &User)> {
    (0u32..)
        .map(UserIx)
        .zip(snapshot.users.iter().map(|(_, user)| user))
        .filter(move |(_, user)| user.groups.binary_search(&group).is_ok())
}
