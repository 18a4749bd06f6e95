//! A compact picture of an organisation, or of the part of it that a change touches: people, groups, accounts, permission sets and
//! grants as small numbers. It is edited freely, and [`super::impact`] compares it with what it was before.
//!
//! Numbers stay what they are when a copy is edited: what is removed leaves a gap.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use model::{AccountId, AccountPath, AccountTarget, GroupId, PermissionSetId, Timestamp, UserId};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(super) u32);

        impl $name {
            pub(crate) fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl From<u32> for $name {
            fn from(number: u32) -> Self {
                Self(number)
            }
        }
    };
}

number!(
    /// A person's number.
    UserIx
);
number!(
    /// A group's number.
    GroupIx
);
number!(
    /// An account's number.
    AccountIx
);
number!(
    /// A permission set's number.
    SetIx
);
number!(
    /// The number of what a grant is for.
    TargetIx
);
number!(
    /// The number of a reason.
    ReasonIx
);

/// Who holds a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Holder {
    User(UserIx),
    Group(GroupIx),
}

/// Until when a grant counts, and why it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) expires: Option<Timestamp>,
    pub(crate) reason: ReasonIx,
}

impl Terms {
    /// A grant ends on the second that it names.
    pub(crate) fn counts(self, now: Timestamp) -> bool {
        self.expires.is_none_or(|end| end > now)
    }
}

/// The grants of one holder, by what they are for.
pub(crate) type Grants = BTreeMap<(TargetIx, SetIx), Terms>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct User {
    pub(crate) name: Box<str>,
    /// Not disabled. Who is invited counts: what is granted is theirs as soon as they accept.
    pub(crate) enabled: bool,
    pub(crate) present: bool,
    /// Sorted.
    pub(crate) groups: Vec<GroupIx>,
    pub(crate) grants: Grants,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: Box<str>,
    pub(crate) present: bool,
    pub(crate) grants: Grants,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Account {
    pub(crate) name: Box<str>,
    pub(crate) path: AccountPath,
    /// Only an active account can be gone to.
    pub(crate) active: bool,
    pub(crate) present: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Set {
    pub(crate) name: Box<str>,
    pub(crate) present: bool,
}

/// Rows with numbers, found by their id.
#[derive(Clone, Debug)]
pub(crate) struct Rows<K, V> {
    ids: Vec<K>,
    values: Vec<V>,
    index: HashMap<K, u32>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self { ids: Vec::new(), values: Vec::new(), index: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Rows<K, V> {
    /// The number of an id, which gets one where it has none.
    fn put(&mut self, id: K, row: V) -> u32 {
        if let Some(number) = self.index.get(&id).copied() {
            if let Some(place) = self.values.get_mut(number as usize) {
                *place = row;
            }
            return number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.index.insert(id.clone(), number);
        self.ids.push(id);
        self.values.push(row);
        number
    }

    pub(crate) fn find(&self, id: &K) -> Option<u32> {
        self.index.get(id).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn id(&self, at: usize) -> Option<&K> {
        self.ids.get(at)
    }

    pub(crate) fn get(&self, at: usize) -> Option<&V> {
        self.values.get(at)
    }

    fn get_mut(&mut self, at: usize) -> Option<&mut V> {
        self.values.get_mut(at)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.ids.iter().zip(&self.values)
    }
}

/// The picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) users: Rows<UserId, User>,
    pub(crate) groups: Rows<GroupId, Group>,
    pub(crate) accounts: Rows<AccountId, Account>,
    pub(crate) sets: Rows<PermissionSetId, Set>,
    pub(super) targets: Rows<AccountTarget, ()>,
    reasons: Rows<Box<str>, ()>,
}

impl Snapshot {
    /// A person; another state of one who is there already leaves groups and grants as they are.
    pub(crate) fn put_user(&mut self, id: UserId, name: &str, enabled: bool) -> UserIx {
        if let Some(number) = self.users.find(&id) {
            if let Some(user) = self.users.get_mut(number as usize) {
                (user.name, user.enabled, user.present) = (name.into(), enabled, true);
            }
            return UserIx(number);
        }
        UserIx(self.users.put(id, User { name: name.into(), enabled, present: true, ..User::default() }))
    }

    /// A person goes, with all that was theirs.
    pub(crate) fn remove_user(&mut self, user: UserIx) {
        if let Some(user) = self.users.get_mut(user.at()) {
            *user = User { name: std::mem::take(&mut user.name), ..User::default() };
        }
    }

    /// A group; another name of one that is there already leaves members and grants as they are.
    pub(crate) fn put_group(&mut self, id: GroupId, name: &str) -> GroupIx {
        if let Some(number) = self.groups.find(&id) {
            if let Some(group) = self.groups.get_mut(number as usize) {
                (group.name, group.present) = (name.into(), true);
            }
            return GroupIx(number);
        }
        GroupIx(self.groups.put(id, Group { name: name.into(), present: true, grants: Grants::new() }))
    }

    /// A group goes, with what its members had from it. Who was in it stays there in name only.
    pub(crate) fn remove_group(&mut self, group: GroupIx) {
        if let Some(group) = self.groups.get_mut(group.at()) {
            *group = Group { name: std::mem::take(&mut group.name), ..Group::default() };
        }
    }

    /// Puts a person into a group; says whether that is new.
    pub(crate) fn join(&mut self, user: UserIx, group: GroupIx) -> bool {
        let Some(user) = self.users.get_mut(user.at()) else { return false };
        match user.groups.binary_search(&group) {
            Ok(_) => false,
            Err(place) => {
                user.groups.insert(place, group);
                true
            }
        }
    }

    /// Takes a person out of a group; says whether they were in it.
    pub(crate) fn leave(&mut self, user: UserIx, group: GroupIx) -> bool {
        let Some(user) = self.users.get_mut(user.at()) else { return false };
        match user.groups.binary_search(&group) {
            Ok(place) => {
                user.groups.remove(place);
                true
            }
            Err(_) => false,
        }
    }

    /// An account, new or as it is now.
    pub(crate) fn put_account(&mut self, id: AccountId, name: &str, path: AccountPath, active: bool) -> AccountIx {
        AccountIx(self.accounts.put(id, Account { name: name.into(), path, active, present: true }))
    }

    /// An account goes. Grants for it stay until they are revoked, and reach nothing.
    pub(crate) fn remove_account(&mut self, account: AccountIx) {
        if let Some(account) = self.accounts.get_mut(account.at()) {
            account.present = false;
        }
    }

    /// A permission set, new or under its present name.
    pub(crate) fn put_set(&mut self, id: PermissionSetId, name: &str) -> SetIx {
        SetIx(self.sets.put(id, Set { name: name.into(), present: true }))
    }

    /// A permission set goes. Grants of it stay until they are revoked, and reach nothing.
    pub(crate) fn remove_set(&mut self, set: SetIx) {
        if let Some(set) = self.sets.get_mut(set.at()) {
            set.present = false;
        }
    }

    /// The number of what a grant is for.
    pub(crate) fn target(&mut self, target: &AccountTarget) -> TargetIx {
        match self.targets.find(target) {
            Some(number) => TargetIx(number),
            None => TargetIx(self.targets.put(target.clone(), ())),
        }
    }

    /// The number of what a grant is for, where any grant is for it.
    pub(crate) fn find_target(&self, target: &AccountTarget) -> Option<TargetIx> {
        self.targets.find(target).map(TargetIx)
    }

    /// What a number of a target stands for.
    pub(crate) fn target_of(&self, target: TargetIx) -> Option<&AccountTarget> {
        self.targets.id(target.at())
    }

    /// The number of a reason.
    pub(crate) fn reason(&mut self, text: &str) -> ReasonIx {
        match self.reasons.index.get(text) {
            Some(number) => ReasonIx(*number),
            None => ReasonIx(self.reasons.put(text.into(), ())),
        }
    }

    /// The words of a reason.
    pub(crate) fn reason_of(&self, reason: ReasonIx) -> &str {
        self.reasons.id(reason.at()).map_or("", |text| text)
    }

    /// All grants of a holder.
    pub(crate) fn grants(&self, holder: Holder) -> Option<&Grants> {
        match holder {
            Holder::User(user) => self.users.get(user.at()).map(|user| &user.grants),
            Holder::Group(group) => self.groups.get(group.at()).map(|group| &group.grants),
        }
    }

    fn grants_mut(&mut self, holder: Holder) -> Option<&mut Grants> {
        match holder {
            Holder::User(user) => self.users.get_mut(user.at()).map(|user| &mut user.grants),
            Holder::Group(group) => self.groups.get_mut(group.at()).map(|group| &mut group.grants),
        }
    }

    /// Grants, or alters the terms; gives the terms that were there before.
    pub(crate) fn grant(&mut self, holder: Holder, target: TargetIx, set: SetIx, terms: Terms) -> Option<Terms> {
        self.grants_mut(holder)?.insert((target, set), terms)
    }

    /// Takes a grant away; gives the terms that it had.
    pub(crate) fn revoke(&mut self, holder: Holder, target: TargetIx, set: SetIx) -> Option<Terms> {
        self.grants_mut(holder)?.remove(&(target, set))
    }
}
