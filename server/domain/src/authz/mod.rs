//! Who may do what: one pure function from actor, action and resource to a decision.
//!
//! Services say what is being done ([`authorize`]); only this file says who may. `matrix.txt` shows the whole table; a test
//! keeps it true.

mod matrix;

use model::{AccountId, AccountPath, AccountTarget, Refusal, Role, UserId};

use crate::call::{Actor, Call, Person, Stage};
use crate::error::{Error, Result};

/// How long a confirmation ("it is you") counts for sensitive actions, in milliseconds.
pub const CONFIRMATION_LASTS: i64 = 5 * model::Timestamp::MINUTE;

/// Everything that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    // Sign-in, for everyone
    /// Begin a sign-in, ask for a reset link, use a one-time link.
    SignIn,
    /// Prove the second factor of a sign-in on its way.
    ProveSecondFactor,
    /// Set up the first factor during sign-in.
    EnrolAtSignIn,
    /// Choose a new password during sign-in.
    ChooseNewPassword,
    /// End one's own session, at whatever stage.
    SignOut,
    // One's own things
    /// The portal and one's own pages.
    UsePortal,
    /// Profile and preferences.
    EditOwnProfile,
    /// Change one's own password (the present one is asked for with it).
    ChangeOwnPassword,
    /// Prove again who one is.
    ConfirmSelf,
    /// Add, rename, remove own factors; recovery codes.
    ManageOwnFactors,
    /// See and end own sessions.
    ManageOwnSessions,
    // Administration
    /// See the administration at all.
    SeeAdministration,
    /// See people and groups.
    SeePeople,
    /// Create and invite people.
    CreatePeople,
    /// Change a person's profile.
    EditPeople,
    /// Disable and enable.
    DisablePeople,
    /// Delete a person.
    DeletePeople,
    /// Reset a password, or send a new invitation.
    ResetPassword,
    /// Remove all factors of a person and let them enrol again.
    ResetFactors,
    /// See the sessions of people.
    SeeSessions,
    /// End sessions of a person.
    EndSessions,
    /// Create, change and delete groups, and their members.
    ManageGroups,
    /// See who is an administrator.
    SeeAdministrators,
    /// Say who is an administrator.
    ManageAdministrators,
    /// Read, export and verify the audit log.
    SeeAudit,
    /// Erase a person's data from the audit log, remove old entries.
    EraseAudit,
    /// See settings.
    SeeSettings,
    /// Change settings, test mail.
    ChangeSettings,
    // Who may go where
    /// See accounts.
    SeeAccounts,
    /// Create, change, import and remove accounts.
    ManageAccounts,
    /// See permission sets.
    SeePermissionSets,
    /// Create, change, clone and delete permission sets.
    ManagePermissionSets,
    /// See who may go where, and why.
    SeeAssignments,
    /// Say who may go where.
    Assign,
    /// See applications and who may use them.
    SeeApplications,
    /// Create, change, assign and delete applications.
    ManageApplications,
    /// Plan an organisation file, export one.
    SeeOrganisation,
    /// Apply an organisation file.
    ApplyOrganisation,
    /// Make, list and revoke keys of administrators for the AWS APIs.
    ManageApiKeys,
    // The machine itself
    /// First owner, keys, backup, migrations: only from the command line of the server.
    OperateServer,
    /// Jobs of ours: clean-up, deliveries.
    RunJobs,
}

impl Action {
    /// Every action, for the table.
    pub const ALL: [Action; 41] = [
        Action::SignIn,
        Action::ProveSecondFactor,
        Action::EnrolAtSignIn,
        Action::ChooseNewPassword,
        Action::SignOut,
        Action::UsePortal,
        Action::EditOwnProfile,
        Action::ChangeOwnPassword,
        Action::ConfirmSelf,
        Action::ManageOwnFactors,
        Action::ManageOwnSessions,
        Action::SeeAdministration,
        Action::SeePeople,
        Action::CreatePeople,
        Action::EditPeople,
        Action::DisablePeople,
        Action::DeletePeople,
        Action::ResetPassword,
        Action::ResetFactors,
        Action::SeeSessions,
        Action::EndSessions,
        Action::ManageGroups,
        Action::SeeAdministrators,
        Action::ManageAdministrators,
        Action::SeeAudit,
        Action::EraseAudit,
        Action::SeeSettings,
        Action::ChangeSettings,
        Action::SeeAccounts,
        Action::ManageAccounts,
        Action::SeePermissionSets,
        Action::ManagePermissionSets,
        Action::SeeAssignments,
        Action::Assign,
        Action::SeeApplications,
        Action::ManageApplications,
        Action::SeeOrganisation,
        Action::ApplyOrganisation,
        Action::ManageApiKeys,
        Action::OperateServer,
        Action::RunJobs,
    ];

    /// Whether a person must have confirmed within the last five minutes.
    pub fn is_sensitive(self) -> bool {
        matches!(
            self,
            Action::ManageOwnFactors
                | Action::DeletePeople
                | Action::ResetPassword
                | Action::ResetFactors
                | Action::ManageAdministrators
                | Action::EraseAudit
                | Action::ChangeSettings
                | Action::ApplyOrganisation
                | Action::ManageApiKeys
        )
    }
}

/// What it would be done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The organisation as a whole, or a list.
    Organisation,
    /// A person, with the most powerful role they hold (directly or through a group).
    Person {
        /// Who.
        user: UserId,
        /// Their rank.
        rank: Option<Role>,
    },
    /// A group, with the most powerful role that its members get from it.
    Group {
        /// What membership is worth.
        rank: Option<Role>,
    },
    /// A role as such: granting or taking it.
    Role(Role),
    /// An account, or a rule for accounts.
    Account {
        /// Whether the actor's access administration reaches it: see [`Resource::target`].
        in_scope: bool,
    },
    /// A grant in an account, or by a rule.
    Grant {
        /// As with an account.
        in_scope: bool,
        /// It would be the actor's own: to them, or to a group they are in.
        own: bool,
    },
}

impl Resource {
    /// An account, seen by this actor.
    pub fn account(call: &Call, id: AccountId, path: &AccountPath) -> Self {
        let in_scope = scopes_of(call).iter().any(|scope| scope.matches(id, path));
        Self::Account { in_scope }
    }

    /// What a grant is for, seen by this actor. `path` is where the account stands, where one account is meant and known.
    pub fn target(call: &Call, target: &AccountTarget, path: Option<&AccountPath>) -> Self {
        let reaches = |scope: &AccountTarget| match (scope, target) {
            (AccountTarget::Rule(scope), AccountTarget::Rule(rule)) => scope.covers(rule),
            (AccountTarget::Account(_), AccountTarget::Rule(_)) => false,
            (scope, AccountTarget::Account(id)) => match (scope, path) {
                (AccountTarget::Account(one), _) => one == id,
                (AccountTarget::Rule(rule), Some(path)) => rule.matches(path),
                (AccountTarget::Rule(_), None) => false,
            },
        };
        Self::Account { in_scope: scopes_of(call).iter().any(reaches) }
    }

    /// A grant for what [`Resource::target`] or [`Resource::account`] has looked at.
    #[must_use]
    pub fn granting(self, own: bool) -> Self {
        match self {
            Self::Account { in_scope } => Self::Grant { in_scope, own },
            other => other,
        }
    }
}

fn scopes_of(call: &Call) -> &[AccountTarget] {
    match &call.actor {
        Actor::Person(person) => &person.scopes,
        _ => &[],
    }
}

/// What is allowed, or how it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Refuse in this way.
    Refuse(Refusal),
}

/// Refuses unless the actor may do this now. The first statement of every service function.
pub fn authorize(call: &Call, action: Action, resource: Resource) -> Result<()> {
    match decide(&call.actor, action, resource, call.now) {
        Decision::Allow => Ok(()),
        Decision::Refuse(Refusal::SignInNeeded) => Err(Error::sign_in_needed()),
        Decision::Refuse(Refusal::ConfirmNeeded) => Err(Error::confirm_needed()),
        Decision::Refuse(_) => {
            if !is_own(action) {
                call.refusals.note(call, action, resource);
            }
            Err(Error::forbidden().because(format!("{action:?} on {resource:?}")))
        }
    }
}

/// [`authorize`], giving the signed-in person back; for what only a person can do.
pub fn authorize_person(call: &Call, action: Action) -> Result<&Person> {
    authorize(call, action, Resource::Organisation)?;
    match &call.actor {
        Actor::Person(person) => Ok(person),
        _ => Err(Error::sign_in_needed()),
    }
}

/// The table itself.
pub fn decide(actor: &Actor, action: Action, resource: Resource, now: model::Timestamp) -> Decision {
    use Decision::{Allow, Refuse};
    match actor {
        Actor::Anonymous => match action {
            Action::SignIn => Allow,
            _ => Refuse(Refusal::SignInNeeded),
        },
        // The operator has the machine; what needs a person's own proof is not theirs to give.
        Actor::Operator => {
            if is_own(action) || matches!(action, Action::RunJobs) {
                Refuse(Refusal::Forbidden)
            } else {
                Allow
            }
        }
        Actor::System(_) => match action {
            Action::RunJobs => Allow,
            _ => Refuse(Refusal::Forbidden),
        },
        Actor::Person(person) => {
            let decision = decide_person(person, action, resource);
            if decision == Allow && action.is_sensitive() && now.since(person.confirmed_at) > CONFIRMATION_LASTS {
                return Refuse(Refusal::ConfirmNeeded);
            }
            decision
        }
    }
}

/// Actions on oneself.
fn is_own(action: Action) -> bool {
    matches!(
        action,
        Action::ProveSecondFactor
            | Action::EnrolAtSignIn
            | Action::ChooseNewPassword
            | Action::SignOut
            | Action::UsePortal
            | Action::EditOwnProfile
            | Action::ChangeOwnPassword
            | Action::ConfirmSelf
            | Action::ManageOwnFactors
            | Action::ManageOwnSessions
    )
}

fn decide_person(person: &Person, action: Action, resource: Resource) -> Decision {
    use Decision::{Allow, Refuse};
    // A sign-in on its way opens its own step, and the way out.
    let own_step = match action {
        Action::SignIn | Action::SignOut => return Allow,
        Action::ProveSecondFactor => Some(Stage::SecondFactor),
        Action::EnrolAtSignIn => Some(Stage::Enrol),
        Action::ChooseNewPassword => Some(Stage::NewPassword),
        _ => None,
    };
    if let Some(stage) = own_step {
        return if person.stage == stage { Allow } else { Refuse(Refusal::Forbidden) };
    }
    if person.stage != Stage::Full {
        return Refuse(Refusal::SignInNeeded);
    }
    if is_own(action) {
        return Allow;
    }
    // Administrators always need a second factor; without one their roles sleep.
    if person.strong && person.roles.iter().any(|role| allows(person, *role, action, resource)) {
        Allow
    } else {
        Refuse(Refusal::Forbidden)
    }
}

/// What one role allows. Who holds several may do what any of them allows.
fn allows(person: &Person, role: Role, action: Action, resource: Resource) -> bool {
    let governs = matches!(role, Role::Owner | Role::Admin);
    match action {
        Action::SeeAdministration | Action::SeePeople => true,
        Action::SeeSessions => role != Role::AccessAdmin,
        Action::SeeAudit
        | Action::SeeSettings
        | Action::SeeAdministrators
        | Action::SeeApplications
        | Action::SeeOrganisation => governs || role == Role::Auditor,
        Action::CreatePeople
        | Action::ChangeSettings
        | Action::ManageAccounts
        | Action::ManagePermissionSets
        | Action::ManageApplications => governs,
        Action::EditPeople | Action::DisablePeople | Action::DeletePeople | Action::ManageGroups => {
            governs && reaches(person, role, resource)
        }
        Action::ResetPassword | Action::ResetFactors | Action::EndSessions => {
            (governs || role == Role::Helpdesk) && reaches(person, role, resource)
        }
        Action::SeePermissionSets => role != Role::Helpdesk,
        Action::SeeAccounts | Action::SeeAssignments => {
            governs || role == Role::Auditor || (role == Role::AccessAdmin && within(resource))
        }
        Action::Assign => governs || (role == Role::AccessAdmin && within(resource)),
        Action::ManageAdministrators | Action::EraseAudit | Action::ApplyOrganisation | Action::ManageApiKeys => {
            role == Role::Owner
        }
        _ => false,
    }
}

/// Whether access administration reaches an account or a grant. Nobody grants to themselves by it. A list of all is opened, and
/// shows what is reached.
fn within(resource: Resource) -> bool {
    match resource {
        Resource::Organisation => true,
        Resource::Account { in_scope } => in_scope,
        Resource::Grant { in_scope, own } => in_scope && !own,
        Resource::Person { .. } | Resource::Group { .. } | Resource::Role(_) => false,
    }
}

/// Whether a rank reaches a person or a group: owners reach all; admins reach whoever has no role or a lower one and, through
/// groups, hand out no role at all; helpdesk reaches whoever has no role.
fn reaches(person: &Person, rank: Role, resource: Resource) -> bool {
    match resource {
        Resource::Organisation => true,
        Resource::Person { user, .. } if user == person.user => rank == Role::Owner || rank == Role::Admin,
        Resource::Person { rank: theirs, .. } => match rank {
            Role::Owner => true,
            Role::Admin => theirs.is_none_or(|theirs| theirs > Role::Admin),
            Role::Helpdesk => theirs.is_none(),
            Role::AccessAdmin | Role::Auditor => false,
        },
        Resource::Group { rank: worth } => rank == Role::Owner || worth.is_none(),
        Resource::Role(_) => rank == Role::Owner,
        Resource::Account { .. } | Resource::Grant { .. } => false,
    }
}
