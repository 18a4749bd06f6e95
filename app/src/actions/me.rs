//! What people do with their own things: password, profile, preferences, factors, sessions, and confirming who they are.

use domain::identity::factors::RecoveryCodes;
use domain::identity::sign_in::SessionGrant;
use domain::{Error, Secret};
use leptos::prelude::*;
use model::{FactorId, SessionId, words::count};

use super::sign_in::{PasskeyOptions, begin, leave_codes};
use super::{Act, id, local};
use crate::address::encode;
use crate::parts::notice::Flash;

const SECURITY: &str = "/me/security";

/// Changes the password; the present one is asked for.
#[server(prefix = "/actions", endpoint = "me/password")]
pub async fn me_password(current: String, new: String, again: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act
        .services()
        .me
        .change_password(act.call(), &Secret::new(current), &Secret::new(new), &Secret::new(again))
        .await
    {
        Ok(grant) => {
            act.cx.keep_session(&grant);
            act.go_saying(SECURITY, &Flash::new("password-changed"));
        }
        Err(error) => act.refuse(error, SECURITY, &[]),
    }
    Ok(())
}

/// Changes one's names.
#[server(prefix = "/actions", endpoint = "me/profile")]
pub async fn me_profile(display_name: String, given_name: String, family_name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().me.update_profile(act.call(), &display_name, &given_name, &family_name).await {
        Ok(()) => act.go_saying("/me/profile", &Flash::new("profile-saved")),
        Err(error) => {
            let typed =
                [("display_name", display_name.as_str()), ("given_name", &given_name), ("family_name", &family_name)];
            act.refuse(error, "/me/profile", &typed);
        }
    }
    Ok(())
}

/// Light, dark, or as the system says; from the menu on every page.
#[server(prefix = "/actions", endpoint = "me/theme")]
pub async fn me_theme(theme: String, #[server(default)] next: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let theme = if theme == "system" { String::new() } else { theme };
    let zone = act.cx.preferences().zone.unwrap_or_default();
    let place = local(&next);
    let place = place.as_ref().map_or("/me/profile", model::LocalPath::as_str);
    match act.services().me.set_preferences(act.call(), &theme, &zone).await {
        Ok(()) => act.go(place),
        Err(error) => act.refuse(error, place, &[]),
    }
    Ok(())
}

/// The zone in which times are shown.
#[server(prefix = "/actions", endpoint = "me/zone")]
pub async fn me_zone(zone: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let theme = act.cx.preferences().theme.unwrap_or_default();
    match act.services().me.set_preferences(act.call(), &theme, zone.trim()).await {
        Ok(()) => act.go_saying("/me/profile", &Flash::new("preferences-saved")),
        Err(error) => act.refuse(error, "/me/profile", &[("zone", &zone)]),
    }
    Ok(())
}

/// Confirms who one is by a code, or by the password where there is no factor.
#[server(prefix = "/actions", endpoint = "me/confirm")]
pub async fn me_confirm(proof: String, #[server(default)] next: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let confirmed = act.services().me.confirm(act.call(), &Secret::new(proof)).await;
    finish_confirm(&act, confirmed, &next);
    Ok(())
}

/// Begins confirming by passkey.
#[server(prefix = "/actions", endpoint = "me/confirm-passkey-begin")]
pub async fn me_confirm_passkey_begin() -> Result<Option<PasskeyOptions>, ServerFnError> {
    let act = Act::begin()?;
    let begun = act.services().me.confirm_passkey_begin(act.call()).await;
    Ok(begin(&act, begun))
}

/// Ends confirming by passkey.
#[server(prefix = "/actions", endpoint = "me/confirm-passkey")]
pub async fn me_confirm_passkey(
    ceremony: String,
    answer: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let confirmed = act.services().me.confirm_passkey_finish(act.call(), &ceremony, &answer).await;
    finish_confirm(&act, confirmed, &next);
    Ok(())
}

fn finish_confirm(act: &Act, confirmed: Result<SessionGrant, Error>, next: &str) {
    match confirmed {
        Ok(grant) => {
            act.cx.keep_session(&grant);
            let place = local(next);
            act.go(place.as_ref().map_or(SECURITY, model::LocalPath::as_str));
        }
        Err(error) => {
            use model::Refusal::{Internal, SignInNeeded, Throttled, Unavailable};
            match error.kind() {
                Throttled | Unavailable | Internal => act.problem(error),
                SignInNeeded if act.cx.signed_in().is_none() => act.refuse(error, SECURITY, &[]),
                _ if error.field().is_some() => {
                    act.refuse(error, &format!("/start/confirm?next={}", encode(next)), &[]);
                }
                _ => act.go_saying(&format!("/start/confirm?next={}", encode(next)), &Flash::new("code-refused")),
            }
        }
    }
}

/// Takes the first code of a new app.
#[server(prefix = "/actions", endpoint = "me/add-app")]
pub async fn me_add_totp(ceremony: String, code: String, #[server(default)] name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().me.add_totp_finish(act.call(), &ceremony, &Secret::new(code), &name).await {
        Ok((grant, codes)) => factor_added(&act, &grant, &codes).await,
        Err(error) => act.refuse(error, "/me/factors/app", &[("ceremony", &ceremony), ("name", &name)]),
    }
    Ok(())
}

/// Begins a new passkey.
#[server(prefix = "/actions", endpoint = "me/add-passkey-begin")]
pub async fn me_add_passkey_begin() -> Result<Option<PasskeyOptions>, ServerFnError> {
    let act = Act::begin()?;
    let begun = act.services().me.add_passkey_begin(act.call()).await;
    Ok(begin(&act, begun))
}

/// Ends it.
#[server(prefix = "/actions", endpoint = "me/add-passkey")]
pub async fn me_add_passkey(
    ceremony: String,
    answer: String,
    #[server(default)] name: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().me.add_passkey_finish(act.call(), &ceremony, &answer, &name).await {
        Ok((grant, codes)) => factor_added(&act, &grant, &codes).await,
        Err(error) => act.refuse(error, "/me/factors/passkey", &[("name", &name)]),
    }
    Ok(())
}

async fn factor_added(act: &Act, grant: &SessionGrant, codes: &RecoveryCodes) {
    act.cx.keep_session(grant);
    if codes.0.is_empty() {
        act.go_saying(SECURITY, &Flash::new("factor-added"));
        return;
    }
    match leave_codes(act, Some(grant), codes).await {
        Ok(()) => act.go_saying("/me/recovery-codes", &Flash::new("factor-added")),
        Err(error) => act.problem(error),
    }
}

/// Gives a factor another name.
#[server(prefix = "/actions", endpoint = "me/rename-factor")]
pub async fn me_rename_factor(id: String, name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match super::id::<FactorId>(&id, "factor") {
        Ok(factor) => act.services().me.rename_factor(act.call(), factor, &name).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => act.go_saying(SECURITY, &Flash::new("factor-renamed").about(name)),
        Err(error) => act.refuse(error, &format!("/me/factors/{id}"), &[("name", &name)]),
    }
    Ok(())
}

/// Removes a factor.
#[server(prefix = "/actions", endpoint = "me/remove-factor")]
pub async fn me_remove_factor(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match super::id::<FactorId>(&id, "factor") {
        Ok(factor) => act.services().me.remove_factor(act.call(), factor).await,
        Err(error) => Err(error),
    };
    act.finish(outcome, SECURITY, &Flash::new("factor-removed"));
    Ok(())
}

/// Replaces all recovery codes.
#[server(prefix = "/actions", endpoint = "me/recovery-codes")]
pub async fn me_recovery_codes() -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match act.services().me.new_recovery_codes(act.call()).await {
        Ok(codes) => leave_codes(&act, None, &codes).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => act.go("/me/recovery-codes"),
        Err(error) => act.refuse(error, SECURITY, &[]),
    }
    Ok(())
}

/// Ends one of one's sessions.
#[server(prefix = "/actions", endpoint = "me/end-session")]
pub async fn me_end_session(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match self::id::<SessionId>(&id, "session") {
        Ok(session) => act.services().me.end_session(act.call(), session).await,
        Err(error) => Err(error),
    };
    act.finish(outcome, SECURITY, &Flash::new("session-revoked"));
    Ok(())
}

/// Signs out everywhere else.
#[server(prefix = "/actions", endpoint = "me/end-other-sessions")]
pub async fn me_end_other_sessions() -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().me.end_other_sessions(act.call()).await {
        Ok(ended) => act.go_saying(SECURITY, &Flash::new("others-signed-out").about(count("count.sessions", ended))),
        Err(error) => act.refuse(error, SECURITY, &[]),
    }
    Ok(())
}
