//! What administrators do with webhooks and syslog.

use domain::Error;
use domain::identity::sessions::Notice;
use leptos::prelude::*;
use model::Refusal;

use super::Act;
use crate::pages::admin::streams::{SECRET, STREAMS};
use crate::parts::notice::Flash;

/// Adds a webhook. Its secret is left with the session for the one page that shows it.
#[server(prefix = "/actions", endpoint = "settings/webhook-add")]
pub async fn webhook_add(url: String, events: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let names: Vec<String> = events
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    match act.services().streams.add_webhook(act.call(), url.trim(), &names, None).await {
        Ok((id, secret)) => {
            let notice = Notice {
                tone: "secret".to_owned(),
                message: SECRET.to_owned(),
                values: vec![secret.expose().to_owned(), id.clone()],
            };
            match act.services().sessions.leave_notice(act.call(), notice).await {
                Ok(()) => act.go(&format!("{STREAMS}/{id}/secret")),
                Err(error) => act.problem(error),
            }
        }
        Err(error) => act.refuse(error, &format!("{STREAMS}/new"), &[("url", &url), ("events", &events)]),
    }
    Ok(())
}

/// Sends a test event to a webhook.
#[server(prefix = "/actions", endpoint = "settings/webhook-test")]
pub async fn webhook_test(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().streams.test_webhook(act.call(), &id).await {
        Ok(()) => act.go_saying(STREAMS, &Flash::new("webhook-tested")),
        // What the receiver said belongs beside the webhook, and is no fault of this page.
        Err(error) if error.kind() == Refusal::Unavailable => {
            act.go_saying(STREAMS, &Flash::new("webhook-test-failed").about(error.outside()));
        }
        Err(error) => act.refuse(error, STREAMS, &[]),
    }
    Ok(())
}

/// Lets a webhook pause.
#[server(prefix = "/actions", endpoint = "settings/webhook-pause")]
pub async fn webhook_pause(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().streams.pause_webhook(act.call(), &id).await;
    act.finish(outcome, STREAMS, &Flash::new("webhook-paused").undo_with("id", id));
    Ok(())
}

/// Lets a webhook go on.
#[server(prefix = "/actions", endpoint = "settings/webhook-resume")]
pub async fn webhook_resume(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().streams.resume_webhook(act.call(), &id).await;
    act.finish(outcome, STREAMS, &Flash::new("webhook-resumed").undo_with("id", id));
    Ok(())
}

/// Removes a webhook.
#[server(prefix = "/actions", endpoint = "settings/webhook-remove")]
pub async fn webhook_remove(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().streams.remove_webhook(act.call(), &id).await;
    act.finish(outcome, STREAMS, &Flash::new("webhook-removed"));
    Ok(())
}

/// Says where syslog goes; empty turns it off.
#[server(prefix = "/actions", endpoint = "settings/syslog")]
pub async fn settings_syslog(version: i64, syslog: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let address = syslog.trim();
    let wanted = (!address.is_empty()).then(|| address.to_owned());
    let changed: Result<(), Error> = act
        .services()
        .settings
        .change(act.call(), Some(version), |settings| {
            settings.syslog = wanted;
            Ok(())
        })
        .await;
    match changed {
        Ok(()) => act.go_saying(STREAMS, &Flash::new("settings-saved")),
        Err(error) => act.refuse(error, STREAMS, &[("syslog", &syslog)]),
    }
    Ok(())
}
