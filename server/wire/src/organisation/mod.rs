//! The organisation file: who there is and who may go where, as text. YAML or JSON, one or many files, several documents each.
//!
//! Reading is strict. Every fault is named by file, line, column and field; a good many of them in one run. What refers to
//! something is only checked for its form here: whether it exists is the domain's question.

mod access;
mod at;
mod directories;
mod events;
mod json;
#[cfg(test)]
mod limit_tests;
mod node;
mod people;
mod policies;
mod reader;
mod resources;
mod settings;
mod shape;
#[cfg(test)]
mod tests;
mod write;
mod yaml;

pub use access::{Administrator, Assignments, Expiry, Row, Target, written};
pub use at::{At, Fault, Faults, Said};
pub use people::{Group, PasswordSource, User};
pub use reader::{Document, LARGEST, Load, behind, read};
pub use resources::{Account, Application, AssignedTo, PermissionSet, Places};
pub use settings::{SettingsSection, WebhookSection};
pub use shape::SECRETS;
pub use write::{Out, Writer};

use serde_json::Value;

/// The version of the format.
pub const API_VERSION: &str = "vestibule/v1";

/// The kinds of things that a file can name, in the order in which they are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Settings,
    Accounts,
    PermissionSets,
    Policies,
    Roles,
    IdentityProviders,
    ServiceControlPolicies,
    Groups,
    Users,
    Assignments,
    Applications,
    Administrators,
    Directories,
}

impl Section {
    /// Every section.
    pub const ALL: [Section; 13] = [
        Section::Settings,
        Section::Accounts,
        Section::PermissionSets,
        Section::Policies,
        Section::Roles,
        Section::IdentityProviders,
        Section::ServiceControlPolicies,
        Section::Groups,
        Section::Users,
        Section::Assignments,
        Section::Applications,
        Section::Administrators,
        Section::Directories,
    ];

    /// As it is written in a file.
    pub fn name(self) -> &'static str {
        match self {
            Section::Settings => "settings",
            Section::Accounts => "accounts",
            Section::PermissionSets => "permissionSets",
            Section::Policies => "policies",
            Section::Roles => "roles",
            Section::IdentityProviders => "identityProviders",
            Section::ServiceControlPolicies => "serviceControlPolicies",
            Section::Groups => "groups",
            Section::Users => "users",
            Section::Assignments => "assignments",
            Section::Applications => "applications",
            Section::Administrators => "administrators",
            Section::Directories => "directories",
        }
    }

    /// One thing of the section, as plans name its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Section::Settings => "settings",
            Section::Accounts => "account",
            Section::PermissionSets => "permissionSet",
            Section::Policies => "policy",
            Section::Roles => "role",
            Section::IdentityProviders => "identityProvider",
            Section::ServiceControlPolicies => "serviceControlPolicy",
            Section::Groups => "group",
            Section::Users => "user",
            Section::Assignments => "assignment",
            Section::Applications => "application",
            Section::Administrators => "administrator",
            Section::Directories => "directory",
        }
    }

    /// What is stored and exported, and takes effect once its capability is there.
    pub fn is_stored_only(self) -> bool {
        matches!(
            self,
            Section::Policies
                | Section::Roles
                | Section::IdentityProviders
                | Section::ServiceControlPolicies
                | Section::Directories
        )
    }

    /// Reads the name of a section.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}

/// A thing that is stored as it is written until its capability exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Where it stands.
    pub at: At,
    /// What makes it one thing among its kind.
    pub name: String,
    /// Its place in the file, as in `roles[2]`.
    pub index: usize,
    /// All of it, checked.
    pub body: Value,
    /// Fields that it lacks, and must have where it is new.
    pub lacking: Vec<String>,
    /// Accounts that it names.
    pub accounts: Vec<Said<model::AccountId>>,
}

/// All that some files say.
#[derive(Debug, Default)]
pub struct Organisation {
    /// The sections that are there, even empty.
    pub sections: std::collections::BTreeSet<Section>,
    pub settings: Option<SettingsSection>,
    pub accounts: Vec<Account>,
    pub permission_sets: Vec<PermissionSet>,
    pub groups: Vec<Group>,
    pub users: Vec<User>,
    pub assignments: Assignments,
    pub applications: Vec<Application>,
    pub administrators: Vec<Administrator>,
    /// Policies, roles, identity providers, service control policies and directories.
    pub stored: Vec<(Section, Stored)>,
}
