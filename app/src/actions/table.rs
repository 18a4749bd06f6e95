//! Every action with its fields: what the door compares a form with, and what the access table is compared with.

use leptos::server_fn::axum::register_explicit;

use super::{
    accounts, admin, api_keys, applications, assignments, groups, me, permission_sets, portal, sign_in, streams, users,
};

/// A field of a form.
#[derive(Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Whether the form is malformed without it.
    pub required: bool,
    /// Whether it is a list: `name[0]`, `name[7]`, each number once.
    pub many: bool,
}

impl Known {
    /// Whether a key of a form is this field.
    pub fn is(&self, key: &str) -> bool {
        let Some(number) = key.strip_prefix(self.name).filter(|_| self.many) else { return key == self.name };
        let number = number.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        number.is_some_and(|number| (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// A field that must be there; it may be empty.
pub const fn must(name: &'static str) -> Known {
    Known { name, required: true, many: false }
}

/// A field that may be left out.
pub const fn may(name: &'static str) -> Known {
    Known { name, required: false, many: false }
}

/// A list of values, which may be empty.
pub const fn many(name: &'static str) -> Known {
    Known { name, required: false, many: true }
}

/// An action.
#[derive(Debug)]
pub struct Entry {
    /// Its path.
    pub path: &'static str,
    /// Its fields.
    pub fields: &'static [Known],
}

/// The largest form: a passkey's answer needs a few KiB.
const MOST: usize = 64 * 1024;

/// The largest list of accounts: those of the largest organisations as AWS prints them, encoded as a form.
const MOST_OF_A_LIST: usize = 6 * 1024 * 1024;

/// The largest policy, each of its characters percent-encoded.
const MOST_OF_A_POLICY: usize = 256 * 1024;

/// How many bytes a form sent to this path may have.
pub fn most_bytes(path: &str) -> usize {
    match path {
        "/actions/permission-sets/policy" | "/actions/permission-sets/policy-check" => MOST_OF_A_POLICY,
        "/actions/accounts/import" => MOST_OF_A_LIST,
        _ => MOST,
    }
}

/// The entry of a path.
pub fn find(path: &str) -> Option<&'static Entry> {
    ACTIONS.iter().find(|entry| entry.path == path)
}

macro_rules! actions {
    ($($function:path, $path:literal: [$($field:expr),* $(,)?];)+) => {
        /// Every action there is.
        pub const ACTIONS: &[Entry] = &[$(Entry { path: $path, fields: &[$($field),*] }),+];

        /// Makes every action known to the server functions' own table; called once at start. The linker may drop what
        /// registers itself, so nothing is left to it.
        pub fn register() {
            $(register_explicit::<$function>();)+
        }

        #[cfg(test)]
        fn declared() -> Vec<(&'static str, &'static str)> {
            vec![$(($path, <$function as leptos::server_fn::ServerFn>::PATH)),+]
        }
    };
}

actions! {
    sign_in::SignInPassword, "/actions/sign-in/password": [must("username"), must("password"), may("next")];
    sign_in::SignInCode, "/actions/sign-in/code": [must("code")];
    sign_in::SignInOut, "/actions/sign-in/out": [];
    sign_in::SignInPasskeyBegin, "/actions/sign-in/passkey-begin": [];
    sign_in::SignInPasskey, "/actions/sign-in/passkey": [must("ceremony"), must("answer"), may("next")];
    sign_in::SecondPasskeyBegin, "/actions/sign-in/second-passkey-begin": [];
    sign_in::SecondPasskey, "/actions/sign-in/second-passkey": [must("ceremony"), must("answer")];
    sign_in::EnrolTotp, "/actions/sign-in/enrol-app": [must("ceremony"), must("code"), may("name")];
    sign_in::EnrolPasskeyBegin, "/actions/sign-in/enrol-passkey-begin": [];
    sign_in::EnrolPasskey, "/actions/sign-in/enrol-passkey": [must("ceremony"), must("answer"), may("name")];
    sign_in::NewPassword, "/actions/sign-in/new-password": [must("new"), must("again")];
    sign_in::Forgotten, "/actions/sign-in/forgotten": [must("username")];
    sign_in::UseLink, "/actions/sign-in/link": [must("token"), must("new"), must("again")];
    me::MePassword, "/actions/me/password": [must("current"), must("new"), must("again")];
    me::MeProfile, "/actions/me/profile": [must("display_name"), must("given_name"), must("family_name")];
    me::MeTheme, "/actions/me/theme": [must("theme"), may("next")];
    me::MeZone, "/actions/me/zone": [must("zone")];
    me::MeConfirm, "/actions/me/confirm": [must("proof"), may("next")];
    me::MeConfirmPasskeyBegin, "/actions/me/confirm-passkey-begin": [];
    me::MeConfirmPasskey, "/actions/me/confirm-passkey": [must("ceremony"), must("answer"), may("next")];
    me::MeAddTotp, "/actions/me/add-app": [must("ceremony"), must("code"), may("name")];
    me::MeAddPasskeyBegin, "/actions/me/add-passkey-begin": [];
    me::MeAddPasskey, "/actions/me/add-passkey": [must("ceremony"), must("answer"), may("name")];
    me::MeRenameFactor, "/actions/me/rename-factor": [must("id"), must("name")];
    me::MeRemoveFactor, "/actions/me/remove-factor": [must("id")];
    me::MeRecoveryCodes, "/actions/me/recovery-codes": [];
    me::MeEndSession, "/actions/me/end-session": [must("id")];
    me::MeEndOtherSessions, "/actions/me/end-other-sessions": [];
    portal::PortalFavourite, "/actions/portal/favourite": [must("account"), must("favourite"), may("next")];
    users::UserCreate, "/actions/users/create":
        [must("user_name"), must("email"), must("given_name"), must("family_name"), may("display_name"), may("invite")];
    users::UserUpdate, "/actions/users/update":
        [must("id"), must("version"), must("user_name"), must("email"), must("given_name"), must("family_name"), may("display_name")];
    users::UserInvite, "/actions/users/invite": [must("id")];
    users::UserDisable, "/actions/users/disable": [must("id")];
    users::UserEnable, "/actions/users/enable": [must("id")];
    users::UserDelete, "/actions/users/delete": [must("id"), must("expected"), must("name")];
    users::UserResetPassword, "/actions/users/reset-password": [must("id")];
    users::UserResetFactors, "/actions/users/reset-factors": [must("id")];
    users::UserEndSessions, "/actions/users/end-sessions": [must("id")];
    users::UserRoleGrant, "/actions/users/role-grant": [must("id"), must("role"), may("break_glass"), may("scope")];
    groups::GroupCreate, "/actions/groups/create": [must("name"), may("description")];
    groups::GroupUpdate, "/actions/groups/update": [must("id"), must("version"), must("name"), may("description")];
    groups::GroupDelete, "/actions/groups/delete": [must("id"), must("expected"), must("name")];
    groups::GroupMemberAdd, "/actions/groups/member-add": [must("group"), must("user"), may("next")];
    groups::GroupMemberRemove, "/actions/groups/member-remove": [must("group"), must("user"), may("next")];
    groups::GroupRoleGrant, "/actions/groups/role-grant": [must("id"), must("role"), may("scope")];
    accounts::AccountCreate, "/actions/accounts/create":
        [must("id"), must("name"), may("email"), may("path"), may("status"), may("tags"), may("broker"), may("saml_provider"),
         may("role_arn"), may("region"), may("sts_endpoint"), may("external_id")];
    accounts::AccountUpdate, "/actions/accounts/update":
        [must("id"), must("version"), must("name"), may("email"), may("path"), may("status"), may("tags"), may("broker"),
         may("saml_provider"), may("role_arn"), may("region"), may("sts_endpoint"), may("external_id")];
    accounts::AccountDelete, "/actions/accounts/delete": [must("id")];
    accounts::AccountsImport, "/actions/accounts/import": [must("text")];
    accounts::AccountsImportApply, "/actions/accounts/import-apply": [must("draft"), must("fingerprint")];
    applications::ApplicationCreate, "/actions/applications/create":
        [must("name"), may("description"), may("start_url"), may("visible"), may("enabled"), may("everyone")];
    applications::ApplicationUpdate, "/actions/applications/update":
        [must("id"), must("version"), must("name"), may("description"), may("start_url"), may("visible"), may("enabled"),
         may("everyone")];
    applications::ApplicationDelete, "/actions/applications/delete": [must("id"), must("expected"), must("name")];
    applications::ApplicationAssign, "/actions/applications/assign":
        [must("id"), must("kind"), must("who"), may("name"), may("next")];
    applications::ApplicationUnassign, "/actions/applications/unassign":
        [must("id"), must("kind"), must("who"), may("name"), may("next")];
    permission_sets::PermissionSetCreate, "/actions/permission-sets/create":
        [must("name"), may("description"), may("session_duration"), may("relay_state"), may("managed_policies"),
         may("customer_managed_policies"), may("permissions_boundary"), may("tags"), may("require_fresh_factor")];
    permission_sets::PermissionSetUpdate, "/actions/permission-sets/update":
        [must("id"), must("version"), may("description"), may("session_duration"), may("relay_state"), may("managed_policies"),
         may("customer_managed_policies"), may("permissions_boundary"), may("tags"), may("require_fresh_factor")];
    permission_sets::PermissionSetPolicy, "/actions/permission-sets/policy":
        [must("id"), must("version"), must("inline_policy")];
    permission_sets::PermissionSetPolicyCheck, "/actions/permission-sets/policy-check": [must("inline_policy")];
    permission_sets::PermissionSetClone, "/actions/permission-sets/clone": [must("id"), must("name")];
    permission_sets::PermissionSetDelete, "/actions/permission-sets/delete": [must("id"), must("expected"), must("name")];
    assignments::AssignmentBegin, "/actions/assignments/begin":
        [may("account"), may("user"), may("group"), may("set"), may("next")];
    assignments::AssignmentChange, "/actions/assignments/change": [must("id"), must("purpose"), may("next")];
    assignments::AssignmentRenew, "/actions/assignments/renew":
        [many("pick"), may("all"), may("days"), may("whom"), may("account"), may("set"), may("next")];
    assignments::AssignmentChoose, "/actions/assignments/choose":
        [must("draft"), many("pick"), may("account"), may("all"), may("search"), may("path"), may("tag"), may("status"),
         may("next")];
    assignments::AssignmentDrop, "/actions/assignments/drop": [must("draft"), many("pick"), may("all"), may("next")];
    assignments::AssignmentTerms, "/actions/assignments/terms":
        [must("draft"), must("purpose"), may("until"), may("expires"), may("reason")];
    assignments::AssignmentApply, "/actions/assignments/apply": [must("draft"), must("digest")];
    assignments::AssignmentUndo, "/actions/assignments/undo": [must("change"), may("next")];
    admin::RoleRevoke, "/actions/administrators/revoke": [must("id"), may("next")];
    api_keys::ApiKeyCreate, "/actions/api-keys/create": [must("user"), must("role"), may("description"), may("days")];
    api_keys::ApiKeyRevoke, "/actions/api-keys/revoke": [must("id")];
    admin::SessionEnd, "/actions/sessions/end": [must("id"), may("next")];
    admin::SettingsOrganization, "/actions/settings/organization": [must("version"), must("organization_name")];
    admin::SettingsMfa, "/actions/settings/mfa": [must("version"), must("policy"), must("enrol_within_days")];
    admin::SettingsSession, "/actions/settings/session": [must("version"), must("portal_minutes"), must("idle_minutes")];
    admin::SettingsPassword, "/actions/settings/password":
        [must("version"), must("min_length"), must("min_length_with_factor"), must("history")];
    admin::SettingsAudit, "/actions/settings/audit": [must("version"), must("retention_days")];
    admin::SettingsMailTest, "/actions/settings/mail-test": [];
    streams::WebhookAdd, "/actions/settings/webhook-add": [must("url"), must("events")];
    streams::WebhookTest, "/actions/settings/webhook-test": [must("id")];
    streams::WebhookPause, "/actions/settings/webhook-pause": [must("id")];
    streams::WebhookResume, "/actions/settings/webhook-resume": [must("id")];
    streams::WebhookRemove, "/actions/settings/webhook-remove": [must("id")];
    streams::SettingsSyslog, "/actions/settings/syslog": [must("version"), must("syslog")];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_each_action_as_it_is_declared() {
        for (named, declared) in declared() {
            assert_eq!(named, declared);
        }
    }

    #[test]
    fn there_is_no_server_function_outside_the_table() {
        register();
        for (path, _) in leptos::server_fn::axum::server_fn_paths() {
            assert!(find(path).is_some(), "{path} is not in the table");
        }
    }

    #[test]
    fn no_path_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        assert!(ACTIONS.iter().all(|entry| seen.insert(entry.path)));
    }
}
