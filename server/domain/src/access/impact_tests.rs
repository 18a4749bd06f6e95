//! The difference between two pictures is what comparing every person, account and permission set one by one gives.

use std::collections::BTreeSet;

use model::{AccountId, AccountPath, AccountTarget, GroupId, PathRule, PermissionSetId, Timestamp, UserId};
use proptest::prelude::*;

use super::impact::{difference, reached};
use super::snapshot::{AccountIx, GroupIx, Holder, SetIx, Snapshot, Terms, User, UserIx};

const NOW: Timestamp = Timestamp(1_000_000);
const PATHS: [&str; 5] = ["/", "/w", "/w/prod", "/w/prod/eu", "/x"];
const RULES: [&str; 6] = ["/**", "/w/**", "/w/*", "/w/prod", "/*", "/x/**"];

/// One edit; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Edit {
    Person { user: u8, enabled: bool },
    PersonGoes(u8),
    Group(u8),
    GroupGoes(u8),
    Join(u8, u8),
    Leave(u8, u8),
    Account { account: u8, path: u8, active: bool },
    AccountGoes(u8),
    Set(u8),
    SetGoes(u8),
    Grant { group: bool, holder: u8, target: u8, set: u8, ends: Option<i8> },
    Revoke { group: bool, holder: u8, target: u8, set: u8 },
}

fn edit() -> impl Strategy<Value = Edit> {
    let n = || 0..4u8;
    prop_oneof![
        2 => (n(), any::<bool>()).prop_map(|(user, enabled)| Edit::Person { user, enabled }),
        1 => n().prop_map(Edit::PersonGoes),
        2 => n().prop_map(Edit::Group),
        1 => n().prop_map(Edit::GroupGoes),
        4 => (n(), n()).prop_map(|(user, group)| Edit::Join(user, group)),
        2 => (n(), n()).prop_map(|(user, group)| Edit::Leave(user, group)),
        3 => (n(), 0..5u8, prop::bool::weighted(0.8))
            .prop_map(|(account, path, active)| Edit::Account { account, path, active }),
        1 => n().prop_map(Edit::AccountGoes),
        2 => n().prop_map(Edit::Set),
        1 => n().prop_map(Edit::SetGoes),
        8 => (any::<bool>(), n(), 0..10u8, n(), prop::option::weighted(0.3, -1..2i8)).prop_map(
            |(group, holder, target, set, ends)| Edit::Grant { group, holder, target, set, ends }
        ),
        4 => (any::<bool>(), n(), 0..10u8, n())
            .prop_map(|(group, holder, target, set)| Edit::Revoke { group, holder, target, set }),
    ]
}

fn id<T: std::str::FromStr<Err = model::Invalid>>(number: u8) -> T {
    format!("00000000-0000-4000-8000-00000000000{number}").parse().unwrap()
}

fn account_id(number: u8) -> AccountId {
    format!("00000000000{number}").parse().unwrap()
}

fn set_id(number: u8) -> PermissionSetId {
    PermissionSetId::from_random([number; 8])
}

/// Four accounts, then the rules.
fn target(number: u8) -> AccountTarget {
    match number {
        0..4 => AccountTarget::Account(account_id(number)),
        rule => AccountTarget::Rule(PathRule::parse(RULES[usize::from(rule - 4)]).unwrap()),
    }
}

fn holder(picture: &Snapshot, group: bool, number: u8) -> Option<Holder> {
    if group {
        picture.groups.find(&id::<GroupId>(number)).map(|group| Holder::Group(GroupIx(group)))
    } else {
        picture.users.find(&id::<UserId>(number)).map(|user| Holder::User(UserIx(user)))
    }
}

fn apply(picture: &mut Snapshot, edits: &[Edit]) {
    for edit in edits {
        let user = |picture: &Snapshot, number| picture.users.find(&id::<UserId>(number)).map(UserIx);
        let group = |picture: &Snapshot, number| picture.groups.find(&id::<GroupId>(number)).map(GroupIx);
        match *edit {
            Edit::Person { user, enabled } => drop(picture.put_user(id(user), "somebody", enabled)),
            Edit::PersonGoes(number) => {
                if let Some(user) = user(picture, number) {
                    picture.remove_user(user);
                }
            }
            Edit::Group(number) => drop(picture.put_group(id(number), "some")),
            Edit::GroupGoes(number) => {
                if let Some(group) = group(picture, number) {
                    picture.remove_group(group);
                }
            }
            Edit::Join(one, other) => {
                if let (Some(user), Some(group)) = (user(picture, one), group(picture, other)) {
                    picture.join(user, group);
                }
            }
            Edit::Leave(one, other) => {
                if let (Some(user), Some(group)) = (user(picture, one), group(picture, other)) {
                    picture.leave(user, group);
                }
            }
            Edit::Account { account, path, active } => {
                let path = AccountPath::parse(PATHS[usize::from(path)]).unwrap();
                picture.put_account(account_id(account), "account", path, active);
            }
            Edit::AccountGoes(number) => {
                if let Some(account) = picture.accounts.find(&account_id(number)) {
                    picture.remove_account(AccountIx(account));
                }
            }
            Edit::Set(number) => drop(picture.put_set(set_id(number), "set")),
            Edit::SetGoes(number) => {
                if let Some(set) = picture.sets.find(&set_id(number)) {
                    picture.remove_set(SetIx(set));
                }
            }
            Edit::Grant { group, holder: number, target: wanted, set, ends } => {
                let (holder, set) = (holder(picture, group, number), picture.sets.find(&set_id(set)));
                if let (Some(holder), Some(set)) = (holder, set) {
                    let target = picture.target(&target(wanted));
                    let expires = ends.map(|ends| NOW.plus(ends.into()));
                    let reason = picture.reason("because");
                    picture.grant(holder, target, SetIx(set), Terms { expires, reason });
                }
            }
            Edit::Revoke { group, holder: number, target: wanted, set } => {
                let (holder, set) = (holder(picture, group, number), picture.sets.find(&set_id(set)));
                if let (Some(holder), Some(set)) = (holder, set) {
                    let target = picture.target(&target(wanted));
                    picture.revoke(holder, target, SetIx(set));
                }
            }
        }
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}

type Reached = BTreeSet<(AccountIx, SetIx)>;

/// The rule as it is said in words: for every account and set, is there a grant?
fn one_by_one(picture: &Snapshot, user: usize) -> Reached {
    let Some(user) = picture.users.get(user).filter(|user| user.enabled && user.present) else { return Reached::new() };
    let mut reached = Reached::new();
    for account in 0..number(picture.accounts.len()) {
        for set in 0..number(picture.sets.len()) {
            if is_granted(picture, user, account as usize, set as usize) {
                reached.insert((AccountIx(account), SetIx(set)));
            }
        }
    }
    reached
}

fn is_granted(picture: &Snapshot, user: &User, account: usize, set: usize) -> bool {
    let (id, row) = (picture.accounts.id(account).unwrap(), picture.accounts.get(account).unwrap());
    let of_groups = user.groups.iter().map(|group| picture.groups.get(group.at()).unwrap());
    let grants = of_groups.filter(|group| group.present).map(|group| &group.grants).chain([&user.grants]);
    let fits = grants.flatten().any(|((target, granted), terms)| {
        granted.at() == set
            && terms.expires.is_none_or(|end| end > NOW)
            && picture.target_of(*target).unwrap().matches(*id, &row.path)
    });
    fits && row.active && row.present && picture.sets.get(set).unwrap().present
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_difference_is_what_comparing_one_by_one_gives(
        first in prop::collection::vec(edit(), 0..80),
        then in prop::collection::vec(edit(), 0..12),
    ) {
        let mut before = Snapshot::default();
        apply(&mut before, &first);
        let mut after = before.clone();
        apply(&mut after, &then);
        let mut found = difference(&before, &after, NOW).into_iter().peekable();
        for user in 0..number(after.users.len()) {
            let at = user as usize;
            let (had, has) = (one_by_one(&before, at), one_by_one(&after, at));
            let all: Reached = reached(&after, UserIx(user), NOW).iter().map(|p| (p.account, p.set)).collect();
            prop_assert_eq!(&all, &has);
            let gains: Vec<_> = has.difference(&had).copied().collect();
            let loses: Vec<_> = had.difference(&has).copied().collect();
            let said = found.next_if(|person| person.user == UserIx(user));
            let said = said.map(|p| (p.gains, p.loses)).unwrap_or_default();
            prop_assert_eq!(said.0.iter().map(|p| (p.account, p.set)).collect::<Vec<_>>(), gains);
            prop_assert_eq!(said.1.iter().map(|p| (p.account, p.set)).collect::<Vec<_>>(), loses);
        }
        prop_assert!(found.next().is_none());
    }
}
