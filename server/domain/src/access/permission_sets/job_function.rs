//! The permission sets that AWS offers ready-made: one policy of AWS's each.

use super::input::PermissionSetInput;

/// A ready-made permission set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFunction {
    AdministratorAccess,
    PowerUserAccess,
    ReadOnlyAccess,
    ViewOnlyAccess,
    Billing,
    DataScientist,
    DatabaseAdministrator,
    NetworkAdministrator,
    SecurityAudit,
    SupportUser,
    SystemAdministrator,
}

impl JobFunction {
    /// All of them, in the order in which AWS offers them.
    pub const ALL: [JobFunction; 11] = [
        JobFunction::AdministratorAccess,
        JobFunction::PowerUserAccess,
        JobFunction::ReadOnlyAccess,
        JobFunction::ViewOnlyAccess,
        JobFunction::Billing,
        JobFunction::DataScientist,
        JobFunction::DatabaseAdministrator,
        JobFunction::NetworkAdministrator,
        JobFunction::SecurityAudit,
        JobFunction::SupportUser,
        JobFunction::SystemAdministrator,
    ];

    /// The name of the permission set, and of its policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdministratorAccess => "AdministratorAccess",
            Self::PowerUserAccess => "PowerUserAccess",
            Self::ReadOnlyAccess => "ReadOnlyAccess",
            Self::ViewOnlyAccess => "ViewOnlyAccess",
            Self::Billing => "Billing",
            Self::DataScientist => "DataScientist",
            Self::DatabaseAdministrator => "DatabaseAdministrator",
            Self::NetworkAdministrator => "NetworkAdministrator",
            Self::SecurityAudit => "SecurityAudit",
            Self::SupportUser => "SupportUser",
            Self::SystemAdministrator => "SystemAdministrator",
        }
    }

    /// The ARN of its policy.
    pub fn policy(self) -> String {
        let folder = match self {
            Self::AdministratorAccess | Self::PowerUserAccess | Self::ReadOnlyAccess | Self::SecurityAudit => "",
            _ => "job-function/",
        };
        format!("arn:aws:iam::aws:policy/{folder}{}", self.name())
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// The permission set it makes.
    pub fn input(self) -> PermissionSetInput {
        PermissionSetInput { managed_policies: vec![self.policy()], ..PermissionSetInput::named(self.name()) }
    }
}
