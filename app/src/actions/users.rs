//! What administrators do with people.

use domain::Error;
use domain::identity::administrators::Grant;
use domain::identity::people::{LinkSent, PersonInput};
use domain::identity::sessions::Notice;
use leptos::prelude::*;
use model::{AccountTarget, Role, t, words::count};

use super::{Act, person_id};
use crate::pages::admin::role_name;
use crate::parts::notice::Flash;

fn place(user: &str) -> String {
    format!("/admin/users/{user}")
}

/// Creates a person, and sends the invitation where that was asked for.
#[server(prefix = "/actions", endpoint = "users/create")]
pub async fn user_create(
    user_name: String,
    email: String,
    given_name: String,
    family_name: String,
    #[server(default)] display_name: String,
    #[server(default)] invite: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let input = PersonInput {
        user_name: user_name.trim().to_owned(),
        email: email.trim().to_owned(),
        given_name: given_name.trim().to_owned(),
        family_name: family_name.trim().to_owned(),
        display_name: display_name.trim().to_owned(),
    };
    match act.services().people.create(act.call(), &input, &[]).await {
        Ok(user) if invite == "on" => {
            let sent = act.services().people.invite(act.call(), user).await;
            link_sent(&act, &user.to_string(), sent, "user-invited").await;
        }
        Ok(user) => act.go_saying(&place(&user.to_string()), &Flash::new("user-created").about(input.user_name)),
        Err(error) => act.refuse(error, "/admin/users/new", &typed(&input)),
    }
    Ok(())
}

fn typed(input: &PersonInput) -> [(&'static str, &str); 5] {
    [
        ("user_name", &input.user_name),
        ("email", &input.email),
        ("given_name", &input.given_name),
        ("family_name", &input.family_name),
        ("display_name", &input.display_name),
    ]
}

/// Changes a person's names and address.
#[server(prefix = "/actions", endpoint = "users/update")]
pub async fn user_update(
    id: String,
    version: i64,
    user_name: String,
    email: String,
    given_name: String,
    family_name: String,
    #[server(default)] display_name: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let input = PersonInput {
        user_name: user_name.trim().to_owned(),
        email: email.trim().to_owned(),
        given_name: given_name.trim().to_owned(),
        family_name: family_name.trim().to_owned(),
        display_name: display_name.trim().to_owned(),
    };
    let outcome = async { act.services().people.update(act.call(), person_id(&id)?, version, &input).await }.await;
    match outcome {
        Ok(()) => act.go_saying(&place(&id), &Flash::new("user-saved").about(input.user_name)),
        Err(error) => act.refuse(error, &format!("{}/edit", place(&id)), &typed(&input)),
    }
    Ok(())
}

/// Sends an invitation, or a new one.
#[server(prefix = "/actions", endpoint = "users/invite")]
pub async fn user_invite(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let sent = async { act.services().people.invite(act.call(), person_id(&id)?).await }.await;
    link_sent(&act, &id, sent, "user-invited").await;
    Ok(())
}

/// Voids the password and sends a link to set another.
#[server(prefix = "/actions", endpoint = "users/reset-password")]
pub async fn user_reset_password(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let sent = async { act.services().people.reset_password(act.call(), person_id(&id)?).await }.await;
    link_sent(&act, &id, sent, "password-reset").await;
    Ok(())
}

/// Removes all factors and sends a link to enrol again.
#[server(prefix = "/actions", endpoint = "users/reset-factors")]
pub async fn user_reset_factors(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let sent = async { act.services().people.reset_factors(act.call(), person_id(&id)?).await }.await;
    link_sent(&act, &id, sent, "factors-reset").await;
    Ok(())
}

/// A link went out by mail, or is left with the session for the one page that shows it.
async fn link_sent(act: &Act, user: &str, sent: Result<LinkSent, Error>, notice: &str) {
    match sent {
        Ok(LinkSent::ByMail) => act.go_saying(&place(user), &Flash::new(notice)),
        Ok(LinkSent::ShowOnce(link)) => {
            let secret = Notice {
                tone: "secret".to_owned(),
                message: "link".to_owned(),
                values: vec![link.expose().to_owned(), user.to_owned(), notice.to_owned()],
            };
            match act.services().sessions.leave_notice(act.call(), secret).await {
                Ok(()) => act.go(&format!("{}/link", place(user))),
                Err(error) => act.problem(error),
            }
        }
        Err(error) => act.refuse(error, &place(user), &[]),
    }
}

/// Closes the door for a person.
#[server(prefix = "/actions", endpoint = "users/disable")]
pub async fn user_disable(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async { act.services().people.disable(act.call(), person_id(&id)?).await }.await;
    act.finish(outcome, &place(&id), &Flash::new("user-disabled").undo_with("id", id.clone()));
    Ok(())
}

/// Opens it again.
#[server(prefix = "/actions", endpoint = "users/enable")]
pub async fn user_enable(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async { act.services().people.enable(act.call(), person_id(&id)?).await }.await;
    act.finish(outcome, &place(&id), &Flash::new("user-enabled").undo_with("id", id.clone()));
    Ok(())
}

/// Ends all sessions of a person.
#[server(prefix = "/actions", endpoint = "users/end-sessions")]
pub async fn user_end_sessions(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async { act.services().sessions.end_all_of(act.call(), person_id(&id)?).await }.await;
    match outcome {
        Ok(ended) => act.go_saying(&place(&id), &Flash::new("sessions-ended").about(count("count.sessions", ended))),
        Err(error) => act.refuse(error, &place(&id), &[]),
    }
    Ok(())
}

/// Makes a person an administrator.
#[server(prefix = "/actions", endpoint = "users/role-grant")]
pub async fn user_role_grant(
    id: String,
    role: String,
    #[server(default)] break_glass: String,
    #[server(default)] scope: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async {
        let grant = grant_of(&role, &scope)?.break_glass(break_glass == "on");
        act.services().administrators.grant_user(act.call(), person_id(&id)?, &grant).await
    }
    .await;
    role_granted(&act, outcome, &place(&id), &role, &scope);
    Ok(())
}

/// A role with what it reaches: one account or path on each line.
pub(super) fn grant_of(role: &str, scope: &str) -> Result<Grant, Error> {
    let role: Role = role.parse().map_err(|invalid| Error::invalid("role", format!("{invalid}")))?;
    let mut targets = Vec::new();
    for line in scope.lines().map(str::trim).filter(|line| !line.is_empty()) {
        targets.push(AccountTarget::parse(line).map_err(|invalid| {
            Error::invalid("scope", t!("refused.scope-line", line = line, reason = invalid.to_string()))
        })?);
    }
    Ok(Grant::of(role).within(targets))
}

/// A scope as it is typed.
pub(super) fn scope_lines(scope: &[AccountTarget]) -> String {
    scope.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Back to where the role was granted; taken back from there where this granted it.
pub(super) fn role_granted(act: &Act, outcome: Result<Option<String>, Error>, back: &str, role: &str, scope: &str) {
    match outcome {
        Ok(grant) => {
            let name = role.parse().map(role_name).map_or_else(|_| role.to_owned(), str::to_owned);
            let flash = Flash::new("role-granted").about(name);
            let flash = match grant {
                Some(grant) => flash.undo_with("id", grant).undo_with("next", back),
                None => flash,
            };
            act.go_saying(back, &flash);
        }
        Err(error) => act.refuse(error, back, &[("role", role), ("scope", scope)]),
    }
}

/// Deletes a person. The name has been typed: a guard against the wrong row, not against the wrong administrator.
#[server(prefix = "/actions", endpoint = "users/delete")]
pub async fn user_delete(id: String, expected: String, name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let form = format!("{}/confirm/delete", place(&id));
    if expected.trim() != name.trim() {
        act.refuse(Error::invalid("name", t!("refused.name-differs")), &form, &[("name", &name)]);
        return Ok(());
    }
    let outcome = async { act.services().people.delete(act.call(), person_id(&id)?).await }.await;
    match outcome {
        Ok(()) => act.go_saying("/admin/users", &Flash::new("user-deleted").about(expected)),
        Err(error) => act.refuse(error, &form, &[]),
    }
    Ok(())
}
