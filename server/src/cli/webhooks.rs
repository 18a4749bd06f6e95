//! `vestibule webhook …`.

use clap::{Args, Subcommand};
use domain::event_streams::WebhookView;
use serde_json::{Value, json};

use super::Failure;
use super::input::secret;
use super::local::{Local, OrFailure as _};
use super::output::{Output, say, time};

pub const HELP: &str = "\
Examples:
  vestibule webhook add https://hooks.example.com/vestibule     prints the secret that signs what is sent, once
  vestibule webhook add https://siem.example.com/in --event CreateUser --event DeleteUser
  vestibule webhook list                                        where events go, and how that fares
  vestibule webhook test 5f0c2d9e8b7a6c51                       send a test event now
  vestibule webhook remove 5f0c2d9e8b7a6c51";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// All webhooks: what they get, what waits, what went wrong last
    List,
    /// Add one; prints its id and its signing secret
    Add(Add),
    /// Send a test event now, and say what the receiver answered
    Test { id: String },
    /// Let events wait
    Pause { id: String },
    /// Send what waited, and go on
    Resume { id: String },
    /// Remove one; what waits for it is dropped
    Remove { id: String },
}

#[derive(Args, Debug)]
pub struct Add {
    /// Where events are posted to: an https address
    url: String,
    /// The name of an event; may be given several times [default: all events]
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Sign with the secret read from standard input, instead of a new one
    #[arg(long)]
    secret_stdin: bool,
}

/// Runs one.
pub async fn run(local: &Local, command: Command, out: Output) -> Result<(), Failure> {
    let (streams, call) = (&local.services.streams, local.call());
    match command {
        Command::List => {
            let listed = streams.list(&call).await.or_failure()?;
            let rows: Vec<_> = listed.webhooks.iter().map(|webhook| (row_json(webhook), row_cells(webhook))).collect();
            out.list(&["id", "state", "waiting", "last delivery", "events", "address", "last error"], &rows);
        }
        Command::Add(Add { url, events, secret_stdin }) => {
            let given = secret_stdin.then(|| secret("secret")).transpose()?;
            let events = if events.is_empty() { vec!["*".to_owned()] } else { events };
            let (id, secret) = streams.add_webhook(&call, &url, &events, given).await.or_failure()?;
            say(&format!("webhook {id} is added; this secret signs what it gets and is not shown again:"));
            out.one(&json!({ "id": id, "url": url, "events": events, "secret": secret.expose() }), secret.expose());
        }
        Command::Test { id } => {
            streams.test_webhook(&call, &id).await.or_failure()?;
            say("the receiver took the test event");
        }
        Command::Pause { id } => {
            streams.pause_webhook(&call, &id).await.or_failure()?;
            say("the webhook pauses; its events wait");
        }
        Command::Resume { id } => {
            streams.resume_webhook(&call, &id).await.or_failure()?;
            say("the webhook goes on");
        }
        Command::Remove { id } => {
            streams.remove_webhook(&call, &id).await.or_failure()?;
            say("the webhook is removed");
        }
    }
    Ok(())
}

fn state_text(webhook: &WebhookView) -> &'static str {
    let state = &webhook.state;
    if state.paused_at.is_some() {
        "paused"
    } else if state.is_failing() {
        "failing"
    } else if state.delivered_at.is_some() {
        "delivering"
    } else {
        "new"
    }
}

fn row_json(webhook: &WebhookView) -> Value {
    let state = &webhook.state;
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "state": state_text(webhook),
        "createdAt": state.begun_at.map(time),
        "pausedAt": state.paused_at.map(time),
        "deliveredAt": state.delivered_at.map(time),
        "failedAt": state.failed_at.map(time),
        "lastError": state.last_error,
        "waiting": state.waiting,
    })
}

fn row_cells(webhook: &WebhookView) -> Vec<String> {
    vec![
        webhook.id.clone(),
        state_text(webhook).to_owned(),
        webhook.state.waiting.to_string(),
        webhook.state.delivered_at.map_or_else(|| "never".to_owned(), time),
        webhook.events.join(","),
        webhook.url.clone(),
        webhook.state.last_error.clone().unwrap_or_default(),
    ]
}
