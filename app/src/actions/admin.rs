//! What administrators do with roles, sessions and settings.

use domain::Error;
use domain::identity::administrators::Revoked;
use domain::settings::{MfaPolicy, Settings};
use leptos::prelude::*;
use model::{SessionId, t};

use super::users::scope_lines;
use super::{Act, local};
use crate::address::encode;
use crate::parts::notice::Flash;

const SETTINGS: &str = "/admin/settings";

/// Takes a role away.
#[server(prefix = "/actions", endpoint = "administrators/revoke")]
pub async fn role_revoke(id: String, #[server(default)] next: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let asked = local(&next);
    let back = asked.as_ref().map_or("/admin/administrators", model::LocalPath::as_str);
    match act.services().administrators.revoke(act.call(), &id).await {
        Ok(revoked) => act.go_saying(back, &can_be_given_back(&act, &revoked)),
        Err(error) => act.refuse(error, back, &[]),
    }
    Ok(())
}

/// How much of a scope has room in a notice.
const MOST_TO_UNDO: usize = 2_000;

/// The notice of a role taken away. Whoever gave up a role of their own cannot take it back alone.
fn can_be_given_back(act: &Act, revoked: &Revoked) -> Flash {
    let own = act.cx.person().map(|person| person.user);
    let grant = &revoked.grant;
    let scope = scope_lines(&grant.scope);
    let flash = match (revoked.user, revoked.group) {
        (Some(user), _) if own != Some(user) => Flash::new("role-revoked").undo_with("id", user.to_string()),
        (None, Some(group)) => Flash::new("group-role-revoked").undo_with("id", group.to_string()),
        _ => return Flash::new("role-revoked"),
    };
    let flash = flash.undo_with("role", grant.role.as_str());
    let flash = if grant.break_glass { flash.undo_with("break_glass", "on") } else { flash };
    match encode(&scope).len() {
        0 => flash,
        1..MOST_TO_UNDO => flash.undo_with("scope", scope),
        // Browsers drop a cookie of more than 4 KiB: no way back is better than no notice.
        _ => Flash { undo: Vec::new(), ..flash },
    }
}

/// Ends a session.
#[server(prefix = "/actions", endpoint = "sessions/end")]
pub async fn session_end(id: String, #[server(default)] next: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let asked = local(&next);
    let back = asked.as_ref().map_or("/admin/sessions", model::LocalPath::as_str);
    let outcome = match super::id::<SessionId>(&id, t!("noun.session")) {
        Ok(session) => act.services().sessions.end(act.call(), session).await,
        Err(error) => Err(error),
    };
    act.finish(outcome, back, &Flash::new("session-revoked"));
    Ok(())
}

/// Changes a part of the settings, as they were when the form was made.
async fn change(
    act: &Act,
    version: i64,
    typed: &[(&str, &str)],
    change: impl FnOnce(&mut Settings) -> Result<(), Error> + Send,
) {
    let outcome = act.services().settings.change(act.call(), Some(version), change).await;
    match outcome {
        Ok(()) => act.go_saying(SETTINGS, &Flash::new("settings-saved")),
        Err(error) => act.refuse(error, SETTINGS, typed),
    }
}

fn number(field: &'static str, text: &str) -> Result<u32, Error> {
    text.trim().parse().map_err(|_| Error::invalid(field, t!("refused.number")))
}

/// The organisation's name.
#[server(prefix = "/actions", endpoint = "settings/organization")]
pub async fn settings_organization(version: i64, organization_name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let typed = [("organization_name", organization_name.as_str())];
    change(&act, version, &typed, |settings| {
        organization_name.trim().clone_into(&mut settings.organization_name);
        Ok(())
    })
    .await;
    Ok(())
}

/// Second factors.
#[server(prefix = "/actions", endpoint = "settings/mfa")]
pub async fn settings_mfa(version: i64, policy: String, enrol_within_days: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let typed = [("policy", policy.as_str()), ("enrol_within_days", &enrol_within_days)];
    change(&act, version, &typed, |settings| {
        settings.mfa.policy = match policy.as_str() {
            "required" => MfaPolicy::Required,
            "optional" => MfaPolicy::Optional,
            "context-aware" => MfaPolicy::ContextAware,
            _ => return Err(Error::invalid("policy", t!("refused.choice"))),
        };
        settings.mfa.enrol_within_days = number("enrol_within_days", &enrol_within_days)?;
        Ok(())
    })
    .await;
    Ok(())
}

/// How long sessions live.
#[server(prefix = "/actions", endpoint = "settings/session")]
pub async fn settings_session(version: i64, portal_minutes: String, idle_minutes: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let typed = [("portal_minutes", portal_minutes.as_str()), ("idle_minutes", &idle_minutes)];
    change(&act, version, &typed, |settings| {
        settings.session.portal_minutes = number("portal_minutes", &portal_minutes)?;
        settings.session.idle_minutes = number("idle_minutes", &idle_minutes)?;
        Ok(())
    })
    .await;
    Ok(())
}

/// What a password must be.
#[server(prefix = "/actions", endpoint = "settings/password")]
pub async fn settings_password(
    version: i64,
    min_length: String,
    min_length_with_factor: String,
    history: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let typed = [
        ("min_length", min_length.as_str()),
        ("min_length_with_factor", &min_length_with_factor),
        ("history", &history),
    ];
    change(&act, version, &typed, |settings| {
        settings.password_policy.min_length = number("min_length", &min_length)?;
        settings.password_policy.min_length_with_factor = number("min_length_with_factor", &min_length_with_factor)?;
        settings.password_policy.history = number("history", &history)?;
        Ok(())
    })
    .await;
    Ok(())
}

/// How long the audit log is kept.
#[server(prefix = "/actions", endpoint = "settings/audit")]
pub async fn settings_audit(version: i64, retention_days: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let typed = [("retention_days", retention_days.as_str())];
    change(&act, version, &typed, |settings| {
        settings.audit.retention_days =
            if retention_days.trim().is_empty() { None } else { Some(number("retention_days", &retention_days)?) };
        Ok(())
    })
    .await;
    Ok(())
}

/// Sends a mail to whoever asks.
#[server(prefix = "/actions", endpoint = "settings/mail-test")]
pub async fn settings_mail_test() -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().settings.test_mail(act.call()).await {
        Ok(answer) => act.go_saying(SETTINGS, &Flash::new("mail-sent").about(answer)),
        Err(error) => act.refuse(error, SETTINGS, &[]),
    }
    Ok(())
}
