//! The steps of signing in: password, code, passkey, enrolment, new password, one-time links; and signing out.

use domain::identity::factors::{Ceremony, RecoveryCodes};
use domain::identity::sessions::Notice;
use domain::identity::sign_in::{Progress, SessionGrant, Step};
use domain::{Actor, Error, Secret};
use leptos::prelude::*;
use model::Refusal;
use serde::{Deserialize, Serialize};

use super::{Act, local};
use crate::address::encode;
use crate::parts::notice::Flash;

/// What the passkey script needs to ask the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PasskeyOptions {
    /// Comes back with the answer.
    pub ceremony: String,
    /// JSON for `navigator.credentials`.
    pub options: String,
}

/// The first step.
#[server(prefix = "/actions", endpoint = "sign-in/password")]
pub async fn sign_in_password(
    username: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().sign_in.password(act.call(), &username, &Secret::new(password), local(&next)).await;
    match outcome {
        Ok(progress) => go_on(&act, &progress),
        Err(error) => {
            step_refused(&act, error, "/start/sign-in", "sign-in-refused", &[("username", &username), ("next", &next)]);
        }
    }
    Ok(())
}

/// The second step, by a code of an app or a recovery code.
#[server(prefix = "/actions", endpoint = "sign-in/code")]
pub async fn sign_in_code(code: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().sign_in.code(act.call(), &Secret::new(code)).await {
        Ok(progress) => go_on(&act, &progress),
        Err(error) => step_refused(&act, error, "/start/second-factor", "code-refused", &[]),
    }
    Ok(())
}

/// Out.
#[server(prefix = "/actions", endpoint = "sign-in/out")]
pub async fn sign_in_out() -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    if act.cx.person().is_some()
        && let Err(error) = act.services().sign_in.out(act.call()).await
        && error.kind() != Refusal::SignInNeeded
    {
        // The cookie stays: whoever asked to be signed out must not believe it happened.
        act.problem(error);
        return Ok(());
    }
    act.cx.drop_session();
    act.go_saying("/start/sign-in", &Flash::new("signed-out"));
    Ok(())
}

/// Begins a sign-in by passkey alone.
#[server(prefix = "/actions", endpoint = "sign-in/passkey-begin")]
pub async fn sign_in_passkey_begin() -> Result<Option<PasskeyOptions>, ServerFnError> {
    let act = Act::begin()?;
    let begun = act.services().sign_in.passkey_begin(act.call()).await;
    Ok(begin(&act, begun))
}

/// Ends a sign-in by passkey alone.
#[server(prefix = "/actions", endpoint = "sign-in/passkey")]
pub async fn sign_in_passkey(
    ceremony: String,
    answer: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().sign_in.passkey_finish(act.call(), &ceremony, &answer, local(&next)).await {
        Ok(progress) => go_on(&act, &progress),
        Err(error) => step_refused(&act, error, "/start/sign-in", "passkey-refused", &[("next", &next)]),
    }
    Ok(())
}

/// Begins a passkey as second step.
#[server(prefix = "/actions", endpoint = "sign-in/second-passkey-begin")]
pub async fn second_passkey_begin() -> Result<Option<PasskeyOptions>, ServerFnError> {
    let act = Act::begin()?;
    let begun = act.services().sign_in.second_passkey_begin(act.call()).await;
    Ok(begin(&act, begun))
}

/// Ends a passkey as second step.
#[server(prefix = "/actions", endpoint = "sign-in/second-passkey")]
pub async fn second_passkey(ceremony: String, answer: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().sign_in.second_passkey_finish(act.call(), &ceremony, &answer).await {
        Ok(progress) => go_on(&act, &progress),
        Err(error) => step_refused(&act, error, "/start/second-factor", "passkey-refused", &[]),
    }
    Ok(())
}

/// Takes the first code of a new app while signing in.
#[server(prefix = "/actions", endpoint = "sign-in/enrol-app")]
pub async fn enrol_totp(ceremony: String, code: String, #[server(default)] name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().sign_in.enrol_totp_finish(act.call(), &ceremony, &Secret::new(code), &name).await {
        Ok((progress, codes)) => go_on_with_codes(&act, &progress, &codes).await,
        Err(error) => act.refuse(error, "/start/enrol/app", &[("ceremony", &ceremony), ("name", &name)]),
    }
    Ok(())
}

/// Begins a new passkey while signing in.
#[server(prefix = "/actions", endpoint = "sign-in/enrol-passkey-begin")]
pub async fn enrol_passkey_begin() -> Result<Option<PasskeyOptions>, ServerFnError> {
    let act = Act::begin()?;
    let begun = act.services().sign_in.enrol_passkey_begin(act.call()).await;
    Ok(begin(&act, begun))
}

/// Ends it.
#[server(prefix = "/actions", endpoint = "sign-in/enrol-passkey")]
pub async fn enrol_passkey(
    ceremony: String,
    answer: String,
    #[server(default)] name: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().sign_in.enrol_passkey_finish(act.call(), &ceremony, &answer, &name).await {
        Ok((progress, codes)) => go_on_with_codes(&act, &progress, &codes).await,
        Err(error) => act.refuse(error, "/start/enrol", &[("name", &name)]),
    }
    Ok(())
}

/// Chooses the new password that is asked for.
#[server(prefix = "/actions", endpoint = "sign-in/new-password")]
pub async fn new_password(new: String, again: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().sign_in.new_password(act.call(), &Secret::new(new), &Secret::new(again)).await {
        Ok(progress) => go_on(&act, &progress),
        Err(error) => act.refuse(error, "/start/new-password", &[]),
    }
    Ok(())
}

/// Asks for a link to set a new password.
#[server(prefix = "/actions", endpoint = "sign-in/forgotten")]
pub async fn forgotten(username: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().sign_in.forgot(act.call(), &username).await;
    match outcome {
        Ok(()) => act.go_saying("/start/sign-in", &Flash::new("reset-asked")),
        Err(error) => act.refuse(error, "/start/forgotten", &[("username", &username)]),
    }
    Ok(())
}

/// Uses a one-time link.
#[server(prefix = "/actions", endpoint = "sign-in/link")]
pub async fn use_link(token: String, new: String, again: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let token = Secret::new(token);
    match act.services().sign_in.use_link(act.call(), &token, &Secret::new(new), &Secret::new(again)).await {
        Ok(progress) => go_on(&act, &progress),
        Err(error) => act.refuse(error, &format!("/start/link/{}", encode(token.expose())), &[]),
    }
    Ok(())
}

/// Sets the cookie and goes where the sign-in stands now.
fn go_on(act: &Act, progress: &Progress) {
    act.cx.keep_session(&progress.session);
    act.go(place(&progress.step));
}

fn place(step: &Step) -> &str {
    match step {
        Step::Done(path) => path.as_str(),
        Step::SecondFactor => "/start/second-factor",
        Step::Enrol => "/start/enrol",
        Step::NewPassword => "/start/new-password",
    }
}

/// The same, with recovery codes to be shown on the way.
async fn go_on_with_codes(act: &Act, progress: &Progress, codes: &RecoveryCodes) {
    act.cx.keep_session(&progress.session);
    let next = place(&progress.step);
    if codes.0.is_empty() {
        act.go(next);
        return;
    }
    match leave_codes(act, Some(&progress.session), codes).await {
        Ok(()) => act.go(&format!("/start/recovery-codes?next={}", encode(next))),
        Err(error) => act.problem(error),
    }
}

/// Leaves recovery codes with the session, for the one page that shows them.
pub(super) async fn leave_codes(act: &Act, renewed: Option<&SessionGrant>, codes: &RecoveryCodes) -> Result<(), Error> {
    let values = codes.0.iter().map(|code| code.expose().to_owned()).collect();
    let notice = Notice { tone: "secret".to_owned(), message: "recovery-codes".to_owned(), values };
    let sessions = &act.services().sessions;
    let Some(grant) = renewed else {
        return sessions.leave_notice(act.call(), notice).await;
    };
    // The step has changed the session: speak for it as it is now.
    let resolved = sessions.resolve(&grant.token, act.call().now).await?.ok_or_else(Error::sign_in_needed)?;
    sessions.leave_notice(&act.call().acting_as(Actor::Person(resolved.person)), notice).await
}

/// The options of a ceremony for the script; a refusal becomes an error page.
pub(super) fn begin(act: &Act, begun: Result<Ceremony, Error>) -> Option<PasskeyOptions> {
    match begun {
        Ok(ceremony) => Some(PasskeyOptions { ceremony: ceremony.id, options: ceremony.options }),
        Err(error) => {
            act.problem(error);
            None
        }
    }
}

/// A refused proof goes back to its step with one notice for every reason; what is no matter of the proof is an error page.
fn step_refused(act: &Act, error: Error, step: &str, notice: &str, typed: &[(&str, &str)]) {
    match error.kind() {
        Refusal::Throttled | Refusal::Unavailable | Refusal::Internal => act.problem(error),
        Refusal::SignInNeeded if step != "/start/sign-in" && act.cx.person().is_none() => act.go("/start/sign-in"),
        // The proof was right and something else is missing; only whoever gave it reads this.
        Refusal::Forbidden => act.go_saying(step, &Flash::new("step-refused").about(error.outside())),
        Refusal::Invalid | Refusal::SignInNeeded | Refusal::ConfirmNeeded | Refusal::NotFound | Refusal::Conflict => {
            let mut flash = Flash::new(notice);
            flash.typed = typed.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
            act.go_saying(step, &flash);
        }
    }
}
