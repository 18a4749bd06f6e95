//! Webhooks: an event as JSON, posted to an address of the settings and signed.
//!
//! The headers are those of Standard Webhooks: `webhook-id` (the same in every repetition), `webhook-timestamp` (seconds) and
//! `webhook-signature`, which is `v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>` with the webhook's secret.
//! No redirect is followed, no proxy used, and nothing of the answer is read but its status.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use reqwest::redirect::Policy;
use url::Url;

use super::outbox::Failure;
use crate::core::Core;
use crate::key_rotation::webhook_place;
use crate::outbound;

const CONNECTING: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);

/// Posts one event. A webhook that is gone from the settings wants nothing any more.
pub(crate) async fn send(
    core: &Core,
    now: Timestamp,
    id: &str,
    webhook: &str,
    body: &str,
) -> std::result::Result<(), Failure> {
    let settings = core.settings();
    let Some(webhook) = settings.webhooks.iter().find(|known| known.id == webhook) else {
        return Ok(());
    };
    let url = Url::parse(&webhook.url).map_err(|e| Failure::ForGood(format!("address: {e}")))?;
    let secret = core.keys.open(webhook_place(&webhook.id), &webhook.sealed_secret);
    let secret = secret.map_err(|e| Failure::ForNow(e.cause().unwrap_or("secret cannot be opened").to_owned()))?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Failure::ForGood("address without host".to_owned()));
    };
    let addresses = outbound::resolve(host, port, &core.outbound_allow).await.map_err(Failure::ForNow)?;
    // Unprotected only to where the operator said that it is fine.
    if url.scheme() != "https"
        && !addresses.iter().all(|address| outbound::is_allowed(address.ip(), &core.outbound_allow))
    {
        return Err(Failure::ForNow("http is for addresses in outbound.allow; use https".to_owned()));
    }
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECTING)
        .timeout(ANSWER)
        .pool_max_idle_per_host(0)
        .resolve_to_addrs(host, &addresses)
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| Failure::ForNow(format!("client: {e}")))?;
    let timestamp = now.0.div_euclid(1000).to_string();
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", signature(&secret, id, &timestamp, body))
        .body(body.to_owned())
        .send()
        .await
        .map_err(|e| Failure::ForNow(chain_of(&e.without_url())))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        reqwest::StatusCode::GONE => Err(Failure::ForGood("the receiver is gone for good (410)".to_owned())),
        status if status.is_redirection() => {
            Err(Failure::ForNow(format!("the receiver redirects ({status}), which is not followed")))
        }
        status => Err(Failure::ForNow(format!("the receiver answered {status}"))),
    }
}

/// The value of `webhook-signature`.
fn signature(secret: &[u8], id: &str, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut signed = hmac::Context::with_key(&key);
    for part in [id, ".", timestamp, ".", body] {
        signed.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(signed.sign().as_ref()))
}

/// An error with its causes: reqwest's own text names only the outermost.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        // Computed with openssl: printf 'msg_1.1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'secret' -binary | base64
        let expected = "v1,Q5nZ7DiOGwijBBqvBVAK6c0zDr2JLkXI7TaV4f+Q2vY=";
        assert_eq!(signature(b"secret", "msg_1", "1700000000", r#"{"a":1}"#), expected);
    }
}
