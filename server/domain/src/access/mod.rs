//! Who may go where: accounts, permission sets, the assignments between them and people, and what follows from these.
//!
//! A person's entitlements are the union of what is assigned to them and to their groups, for accounts and permission sets that
//! exist, while the assignment has not expired and the person is active.

pub mod accounts;
pub mod applications;
pub mod assignments;
mod directory;
pub mod entitlements;
pub mod explain;
pub(crate) mod impact;
#[cfg(test)]
mod impact_tests;
pub(crate) mod index;
mod load;
pub mod permission_sets;
pub mod plan;
pub mod portal;
pub(crate) mod snapshot;
pub(crate) mod stamp;
pub mod tags;

pub use directory::{KnownAccount, KnownSet};

use model::{GroupId, UserId};

/// The status of a person who may use anything.
pub(crate) const ACTIVE_PERSON: &str = "active";

/// Whom something is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A person.
    User(UserId),
    /// The members of a group.
    Group(GroupId),
}

impl Principal {
    /// `user` or `group`, as in the database and in files.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }

    /// The id as text.
    pub fn id(&self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Group(group) => group.to_string(),
        }
    }

    /// Reads what the database keeps.
    pub(crate) fn from_columns(kind: &str, id: &str) -> crate::Result<Self> {
        let broken = |e: model::Invalid| crate::Error::internal(format!("principal {kind} {id}: {e}"));
        match kind {
            "user" => id.parse().map(Self::User).map_err(broken),
            "group" => id.parse().map(Self::Group).map_err(broken),
            _ => Err(crate::Error::internal(format!("principal of kind {kind}"))),
        }
    }
}
