//! What owners do with the keys of administrators.

use domain::Error;
use domain::authz::{Action, Resource, authorize};
use domain::identity::api_keys::NewApiKey;
use domain::identity::sessions::Notice;
use leptos::prelude::*;
use model::{Refusal, Role, Timestamp, t};

use super::Act;
use crate::pages::admin::api_keys::{DAYS, KEYS, SECRET};
use crate::parts::notice::Flash;

/// Makes a key. Its secret is left with the session for the one page that shows it.
#[server(prefix = "/actions", endpoint = "api-keys/create")]
pub async fn api_key_create(
    user: String,
    role: String,
    #[server(default)] description: String,
    #[server(default)] days: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async {
        // Before anybody's name is looked up.
        authorize(act.call(), Action::ManageApiKeys, Resource::Organisation)?;
        let new = NewApiKey {
            user: holder(&act, user.trim()).await?,
            role: role.parse::<Role>().map_err(|invalid| Error::invalid("role", invalid.to_string()))?,
            description: description.trim().to_owned(),
            expires_at: end(&act, &days)?,
        };
        act.services().api_keys.create(act.call(), &new).await
    }
    .await;
    match outcome {
        Ok((id, secret)) => {
            let notice = Notice {
                tone: "secret".to_owned(),
                message: SECRET.to_owned(),
                values: vec![secret.expose().to_owned(), id.clone()],
            };
            match act.services().sessions.leave_notice(act.call(), notice).await {
                Ok(()) => act.go(&format!("{KEYS}/{id}/secret")),
                Err(error) => act.problem(error),
            }
        }
        Err(error) => {
            let typed = [("user", user.as_str()), ("role", &role), ("description", &description), ("days", &days)];
            act.refuse(error, &format!("{KEYS}/new"), &typed);
        }
    }
    Ok(())
}

/// The person named in the form.
async fn holder(act: &Act, name: &str) -> Result<model::UserId, Error> {
    act.services().people.find(act.call(), name).await.map_err(|error| match error.kind() {
        Refusal::NotFound => Error::invalid("user", t!("refused.no-user")),
        _ => error,
    })
}

/// When a key ends that is good for one of the choices.
fn end(act: &Act, days: &str) -> Result<Option<Timestamp>, Error> {
    match (days, days.parse::<i64>()) {
        ("", _) => Ok(None),
        (_, Ok(count)) if DAYS.contains(&count) => Ok(Some(act.call().now.plus(count * Timestamp::DAY))),
        _ => Err(Error::invalid("days", t!("refused.choice"))),
    }
}

/// Ends a key for good.
#[server(prefix = "/actions", endpoint = "api-keys/revoke")]
pub async fn api_key_revoke(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().api_keys.revoke(act.call(), &id).await;
    act.finish(outcome, "/admin/administrators", &Flash::new("api-key-revoked").about(id));
    Ok(())
}
