//! What administrators may be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::Invalid;

/// Roles of administrators. What each may do is said in one place: `domain::authz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything, including who else is an administrator.
    Owner,
    /// Everything but owners and what concerns them.
    Admin,
    /// Says who gets which permission set, in some accounts only.
    AccessAdmin,
    /// Resets factors, passwords and sessions of ordinary people.
    Helpdesk,
    /// Sees everything, changes nothing.
    Auditor,
}

impl Role {
    /// Every role, most powerful first.
    pub const ALL: [Role; 5] = [Role::Owner, Role::Admin, Role::AccessAdmin, Role::Helpdesk, Role::Auditor];

    /// The name used in files, commands and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::AccessAdmin => "access-admin",
            Role::Helpdesk => "helpdesk",
            Role::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Invalid::new("must be one of owner, admin, access-admin, helpdesk, auditor"))
    }
}
