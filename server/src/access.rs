//! Who gets what: every address with the action of the domain that decides about it. A new page or action without a row here
//! fails a test, and so does a row that nothing answers to.
//!
//! What a refusal looks like follows from the decision: to the step of the sign-in that is missing, to the confirmation, or 403.

use domain::authz::Action;

/// One address.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// As the router knows it.
    pub path: &'static str,
    /// How it is asked.
    pub door: Door,
    /// What is being done there; nothing: it is for everybody.
    pub action: Option<Action>,
    /// Another action that opens it as well.
    pub or: Option<Action>,
}

/// How an address is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A page of the interface.
    Page,
    /// A form.
    Form,
    /// Something else that is only read.
    Read,
}

const fn page(path: &'static str, action: Action) -> Row {
    Row { path, door: Door::Page, action: Some(action), or: None }
}

const fn form(path: &'static str, action: Action) -> Row {
    Row { path, door: Door::Form, action: Some(action), or: None }
}

const fn read(path: &'static str, action: Option<Action>) -> Row {
    Row { path, door: Door::Read, action, or: None }
}

/// All of them.
pub const TABLE: &[Row] = &[
    read("/healthz", None),
    read("/readyz", None),
    read("/static/{*name}", None),
    read("/favicon.ico", None),
    read("/favicon.svg", None),
    read("/robots.txt", None),
    read(crate::export::PATH, Some(Action::SeeAudit)),
    page("/", Action::SignIn),
    page("/start", Action::UsePortal),
    page("/start/console", Action::UsePortal),
    page("/start/applications", Action::UsePortal),
    page("/start/sign-in", Action::SignIn),
    page("/start/second-factor", Action::ProveSecondFactor),
    page("/start/enrol", Action::EnrolAtSignIn),
    page("/start/enrol/app", Action::EnrolAtSignIn),
    page("/start/new-password", Action::ChooseNewPassword),
    page("/start/recovery-codes", Action::UsePortal),
    page("/start/forgotten", Action::SignIn),
    page("/start/link/{token}", Action::SignIn),
    page("/start/confirm", Action::ConfirmSelf),
    page("/me", Action::UsePortal),
    page("/me/profile", Action::UsePortal),
    page("/me/security", Action::UsePortal),
    page("/me/factors/app", Action::ManageOwnFactors),
    page("/me/factors/passkey", Action::ManageOwnFactors),
    page("/me/factors/{id}", Action::UsePortal),
    page("/me/recovery-codes", Action::ManageOwnFactors),
    page("/admin", Action::SeeAdministration),
    page("/admin/users", Action::SeePeople),
    page("/admin/users/new", Action::CreatePeople),
    page("/admin/users/{id}", Action::SeePeople),
    page("/admin/users/{id}/edit", Action::EditPeople),
    page("/admin/users/{id}/link", Action::SeePeople),
    page("/admin/users/{id}/groups", Action::ManageGroups),
    page("/admin/users/{id}/confirm/{verb}", Action::DisablePeople),
    page("/admin/groups", Action::SeePeople),
    page("/admin/groups/new", Action::ManageGroups),
    page("/admin/groups/{id}", Action::SeePeople),
    page("/admin/groups/{id}/edit", Action::ManageGroups),
    page("/admin/groups/{id}/members", Action::ManageGroups),
    page("/admin/groups/{id}/delete", Action::ManageGroups),
    page("/admin/accounts", Action::SeeAccounts),
    page("/admin/accounts/new", Action::ManageAccounts),
    page("/admin/accounts/import", Action::ManageAccounts),
    page("/admin/accounts/{id}", Action::SeeAccounts),
    page("/admin/accounts/{id}/edit", Action::ManageAccounts),
    page("/admin/accounts/{id}/delete", Action::ManageAccounts),
    page("/admin/applications", Action::SeeApplications),
    page("/admin/applications/new", Action::ManageApplications),
    page("/admin/applications/{id}", Action::SeeApplications),
    page("/admin/applications/{id}/edit", Action::ManageApplications),
    page("/admin/applications/{id}/assign", Action::ManageApplications),
    page("/admin/applications/{id}/delete", Action::ManageApplications),
    page("/admin/explain", Action::SeeAssignments),
    page("/admin/permission-sets", Action::SeePermissionSets),
    page("/admin/permission-sets/new", Action::ManagePermissionSets),
    page("/admin/permission-sets/{id}", Action::SeePermissionSets),
    page("/admin/permission-sets/{id}/edit", Action::ManagePermissionSets),
    page("/admin/permission-sets/{id}/policy", Action::ManagePermissionSets),
    page("/admin/permission-sets/{id}/clone", Action::ManagePermissionSets),
    page("/admin/permission-sets/{id}/delete", Action::ManagePermissionSets),
    page("/admin/administrators", Action::SeeAdministrators),
    page("/admin/administrators/keys/new", Action::ManageApiKeys),
    page("/admin/administrators/keys/{id}/secret", Action::SeeAdministrators),
    page("/admin/administrators/keys/{id}/revoke", Action::ManageApiKeys),
    page("/admin/sessions", Action::SeeSessions),
    page("/admin/audit", Action::SeeAudit),
    page("/admin/audit/{id}", Action::SeeAudit),
    page("/admin/settings", Action::SeeSettings),
    page("/admin/settings/streams", Action::SeeSettings),
    page("/admin/settings/streams/new", Action::ChangeSettings),
    page("/admin/settings/streams/{id}/secret", Action::SeeSettings),
    page("/admin/settings/streams/{id}/remove", Action::ChangeSettings),
    form("/actions/sign-in/password", Action::SignIn),
    form("/actions/sign-in/code", Action::ProveSecondFactor),
    form("/actions/sign-in/out", Action::SignOut),
    form("/actions/sign-in/passkey-begin", Action::SignIn),
    form("/actions/sign-in/passkey", Action::SignIn),
    form("/actions/sign-in/second-passkey-begin", Action::ProveSecondFactor),
    form("/actions/sign-in/second-passkey", Action::ProveSecondFactor),
    form("/actions/sign-in/enrol-app", Action::EnrolAtSignIn),
    form("/actions/sign-in/enrol-passkey-begin", Action::EnrolAtSignIn),
    form("/actions/sign-in/enrol-passkey", Action::EnrolAtSignIn),
    form("/actions/sign-in/new-password", Action::ChooseNewPassword),
    form("/actions/sign-in/forgotten", Action::SignIn),
    form("/actions/sign-in/link", Action::SignIn),
    form("/actions/me/password", Action::ChangeOwnPassword),
    form("/actions/me/profile", Action::EditOwnProfile),
    form("/actions/me/theme", Action::EditOwnProfile),
    form("/actions/me/zone", Action::EditOwnProfile),
    form("/actions/me/confirm", Action::ConfirmSelf),
    form("/actions/me/confirm-passkey-begin", Action::ConfirmSelf),
    form("/actions/me/confirm-passkey", Action::ConfirmSelf),
    form("/actions/me/add-app", Action::ManageOwnFactors),
    form("/actions/me/add-passkey-begin", Action::ManageOwnFactors),
    form("/actions/me/add-passkey", Action::ManageOwnFactors),
    form("/actions/me/rename-factor", Action::ManageOwnFactors),
    form("/actions/me/remove-factor", Action::ManageOwnFactors),
    form("/actions/me/recovery-codes", Action::ManageOwnFactors),
    form("/actions/me/end-session", Action::ManageOwnSessions),
    form("/actions/me/end-other-sessions", Action::ManageOwnSessions),
    form("/actions/portal/favourite", Action::UsePortal),
    form("/actions/users/create", Action::CreatePeople),
    form("/actions/users/update", Action::EditPeople),
    Row { or: Some(Action::ResetPassword), ..form("/actions/users/invite", Action::CreatePeople) },
    form("/actions/users/disable", Action::DisablePeople),
    form("/actions/users/enable", Action::DisablePeople),
    form("/actions/users/delete", Action::DeletePeople),
    form("/actions/users/reset-password", Action::ResetPassword),
    form("/actions/users/reset-factors", Action::ResetFactors),
    form("/actions/users/end-sessions", Action::EndSessions),
    form("/actions/users/role-grant", Action::ManageAdministrators),
    form("/actions/groups/create", Action::ManageGroups),
    form("/actions/groups/update", Action::ManageGroups),
    form("/actions/groups/delete", Action::ManageGroups),
    form("/actions/groups/member-add", Action::ManageGroups),
    form("/actions/groups/member-remove", Action::ManageGroups),
    form("/actions/groups/role-grant", Action::ManageAdministrators),
    form("/actions/accounts/create", Action::ManageAccounts),
    form("/actions/accounts/update", Action::ManageAccounts),
    form("/actions/accounts/delete", Action::ManageAccounts),
    form("/actions/accounts/import", Action::ManageAccounts),
    form("/actions/accounts/import-apply", Action::ManageAccounts),
    form("/actions/applications/create", Action::ManageApplications),
    form("/actions/applications/update", Action::ManageApplications),
    form("/actions/applications/delete", Action::ManageApplications),
    form("/actions/applications/assign", Action::ManageApplications),
    form("/actions/applications/unassign", Action::ManageApplications),
    form("/actions/permission-sets/create", Action::ManagePermissionSets),
    form("/actions/permission-sets/update", Action::ManagePermissionSets),
    form("/actions/permission-sets/policy", Action::ManagePermissionSets),
    form("/actions/permission-sets/policy-check", Action::ManagePermissionSets),
    form("/actions/permission-sets/clone", Action::ManagePermissionSets),
    form("/actions/permission-sets/delete", Action::ManagePermissionSets),
    form("/actions/administrators/revoke", Action::ManageAdministrators),
    form("/actions/api-keys/create", Action::ManageApiKeys),
    form("/actions/api-keys/revoke", Action::ManageApiKeys),
    form("/actions/sessions/end", Action::EndSessions),
    form("/actions/settings/organization", Action::ChangeSettings),
    form("/actions/settings/mfa", Action::ChangeSettings),
    form("/actions/settings/session", Action::ChangeSettings),
    form("/actions/settings/password", Action::ChangeSettings),
    form("/actions/settings/audit", Action::ChangeSettings),
    form("/actions/settings/mail-test", Action::ChangeSettings),
    form("/actions/settings/webhook-add", Action::ChangeSettings),
    form("/actions/settings/webhook-test", Action::ChangeSettings),
    form("/actions/settings/webhook-pause", Action::ChangeSettings),
    form("/actions/settings/webhook-resume", Action::ChangeSettings),
    form("/actions/settings/webhook-remove", Action::ChangeSettings),
    form("/actions/settings/syslog", Action::ChangeSettings),
];
