//! Delivery of one event to one webhook: a signed POST to an address that was judged, without redirects.
//!
//! The receiver computes HMAC-SHA256 over `<vestibule-timestamp>.<body>` with the webhook's secret and compares it with
//! `vestibule-signature` (`sha256=<hex>`). `vestibule-id` is the same when a delivery is repeated. Events may arrive in
//! another order than they happened in; the body says when.

use std::time::Duration;

use aws_lc_rs::hmac;
use model::Timestamp;
use reqwest::redirect;

use super::outbox::Failure;
use super::{stream_state, streams};
use crate::core::Core;
use crate::key_rotation::webhook_place;
use crate::outbound::{self, Rule};
use crate::settings::Webhook;

/// The longest wait for the whole exchange.
const EXCHANGE: Duration = Duration::from_secs(10);
/// The longest wait for the connection.
const CONNECTION: Duration = Duration::from_secs(5);
/// So much of the answer is read, and ignored.
const ANSWER: usize = 64 * 1024;

/// One event on its way to one webhook.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    /// The same in every repetition.
    pub(crate) id: &'a str,
    /// Which webhook of the settings.
    pub(crate) webhook: &'a str,
    /// What happened.
    pub(crate) event: &'a str,
    /// The audit entry as JSON.
    pub(crate) body: &'a str,
}

/// Sends one event. A webhook that is gone from the settings wants nothing any more.
pub(crate) async fn send(core: &Core, now: Timestamp, delivery: Delivery<'_>) -> Result<(), Failure> {
    let settings = core.settings();
    let Some(webhook) = settings.webhooks.iter().find(|known| known.id == delivery.webhook) else {
        return Ok(());
    };
    match stream_state::is_paused(core, &streams::webhook_stream(&webhook.id)).await {
        Ok(false) => post(core, now, webhook, delivery).await,
        Ok(true) => Err(Failure::Paused),
        Err(e) => Err(Failure::ForNow(e.to_string())),
    }
}

/// Sends one event to an address, whatever the settings of this node know of it.
pub(crate) async fn post(
    core: &Core,
    now: Timestamp,
    webhook: &Webhook,
    delivery: Delivery<'_>,
) -> Result<(), Failure> {
    let Delivery { id, event, body, .. } = delivery;
    let url = outbound::parse(&webhook.url).map_err(|e| Failure::ForGood(e.to_string()))?;
    let secret = core.keys.open(webhook_place(&webhook.id), &webhook.sealed_secret);
    let secret = secret.map_err(|e| Failure::ForNow(e.cause().unwrap_or("the secret cannot be opened").to_owned()))?;
    let for_now = |e: crate::Error| Failure::ForNow(format!("{e} ({})", e.cause().unwrap_or("no further cause")));
    let addresses = Rule::of(core).judge_url(&url).await.map_err(for_now)?;

    let timestamp = (now.0 / 1000).to_string();
    let no_client = |e: reqwest::Error| Failure::ForNow(format!("no client: {e}"));
    let mut client = reqwest::Client::builder()
        .user_agent("vestibule")
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTION)
        .timeout(EXCHANGE)
        .pool_max_idle_per_host(0);
    if let Some(host) = url.domain() {
        // Exactly the addresses that were judged: another look-up could answer otherwise.
        client = client.resolve_to_addrs(host, &addresses);
    }
    let sent = client
        .build()
        .map_err(no_client)?
        .post(url)
        .header("content-type", "application/json")
        .header("vestibule-event", event)
        .header("vestibule-id", id)
        .header("vestibule-signature", signature(&secret, &timestamp, body))
        .header("vestibule-timestamp", timestamp)
        .body(body.to_owned())
        .send()
        .await;
    // The address may hold a token of its own: it stays out of what is noted.
    let mut answer = sent.map_err(|e| Failure::ForNow(chain(&e.without_url())))?;
    let status = answer.status();
    if status.is_redirection() {
        return Err(Failure::ForNow(format!("answered {status}; redirects are not followed")));
    }
    if status == reqwest::StatusCode::GONE {
        return Err(Failure::ForGood("answered 410: gone for good".to_owned()));
    }
    if !status.is_success() {
        return Err(Failure::ForNow(format!("answered {status}")));
    }
    let mut read = 0;
    while read < ANSWER {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(())
}

/// `sha256=` and the HMAC of time and body in hex.
fn signature(secret: &[u8], timestamp: &str, body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), format!("{timestamp}.{body}").as_bytes());
    format!("sha256={}", data_encoding::HEXLOWER.encode(tag.as_ref()))
}

/// An error with its causes: the outermost alone says only "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
