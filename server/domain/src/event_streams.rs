//! Where audit entries are sent to: webhooks one by one, and syslog. What they are stands in the settings; how they fare beside it.

use std::sync::Arc;

use model::Refusal;
use serde_json::json;

use crate::audit::log::{Entry, EntryActor};
use crate::audit::{Event, Target};
use crate::authz::{Action, Decision, Resource, authorize, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::jobs::outbox;
use crate::jobs::stream_state::{self, StreamState};
use crate::jobs::streams::{SYSLOG, webhook_stream};
use crate::jobs::webhook::{self, Delivery};
use crate::key_rotation::{instance_row, settings_of, webhook_place};
use crate::outbound::{self, Rule};
use crate::secret::Secret;
use crate::settings::Webhook;
use crate::settings_service::SettingsService;

/// The event by which a webhook is tried. It is in no log: the log says `TestWebhook`.
pub const PING: &str = "Ping";
/// The fewest characters of a signing secret.
const LEAST_SECRET: usize = 16;

/// Webhooks and syslog.
#[derive(Clone, Debug)]
pub struct EventStreams(pub(crate) Arc<Core>);

/// All streams as the administration shows them.
#[derive(Clone, Debug)]
pub struct StreamsView {
    /// In the order they were added.
    pub webhooks: Vec<WebhookView>,
    /// `tcp://host:port` or `udp://host:port`; nothing: off.
    pub syslog: Option<String>,
    /// How syslog fares.
    pub syslog_state: StreamState,
    /// Of the settings; goes back with a change of the syslog address.
    pub version: i64,
}

/// A webhook without its secret.
#[derive(Clone, Debug)]
pub struct WebhookView {
    pub id: String,
    /// Whole for those who may change it; shortened for others, because it may hold a token.
    pub url: String,
    /// Names of events, or `*`.
    pub events: Vec<String>,
    pub state: StreamState,
}

impl EventStreams {
    /// Webhooks and syslog, with how they fare.
    pub async fn list(&self, call: &Call) -> Result<StreamsView> {
        authorize(call, Action::SeeSettings, Resource::Organisation)?;
        let row = instance_row(&self.0).await?;
        let settings = settings_of(&row)?;
        let events_of = |stream: &str| {
            let webhook = settings.webhooks.iter().find(|webhook| webhook_stream(&webhook.id) == stream)?;
            (!webhook.wants_all()).then(|| webhook.events.clone())
        };
        let mut states = stream_state::states(&self.0, events_of).await?;
        let whole = may_change(call);
        let webhooks = settings.webhooks.iter().map(|webhook| WebhookView {
            id: webhook.id.clone(),
            url: if whole { webhook.url.clone() } else { outbound::shown(&webhook.url) },
            events: webhook.events.clone(),
            state: states.remove(&webhook_stream(&webhook.id)).unwrap_or_default(),
        });
        Ok(StreamsView {
            webhooks: webhooks.collect(),
            syslog_state: states.remove(SYSLOG).unwrap_or_default(),
            syslog: settings.syslog,
            version: row.settings_version,
        })
    }

    /// One webhook.
    pub async fn get(&self, call: &Call, id: &str) -> Result<WebhookView> {
        let all = self.list(call).await?;
        all.webhooks.into_iter().find(|webhook| webhook.id == id).ok_or_else(no_webhook)
    }

    /// Adds a webhook and gives its id. Without a secret one is made; it is given back this once, for the receiver.
    pub async fn add_webhook(
        &self,
        call: &Call,
        url: &str,
        events: &[String],
        secret: Option<Secret>,
    ) -> Result<(String, Secret)> {
        authorize(call, Action::ChangeSettings, Resource::Organisation)?;
        let secret = match secret {
            Some(secret) if secret.expose().len() < LEAST_SECRET => {
                return Err(Error::invalid("secret", format!("must have at least {LEAST_SECRET} characters")));
            }
            Some(secret) => secret,
            None => Secret::random_256(&self.0.entropy)?,
        };
        // Refused now where it leads to a private address; asked again at each delivery, because a name may change.
        let url = outbound::parse(url)?;
        Rule::of(&self.0).judge_url(&url).await.map_err(|error| match error.field() {
            Some(_) => error,
            None => Error::invalid("url", "names a host that cannot be looked up").because(error),
        })?;
        let id = data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<8>()?);
        let sealed_secret = self.0.keys.seal(&self.0.entropy, webhook_place(&id), secret.expose().as_bytes())?;
        let webhook =
            Webhook { id: id.clone(), url: url.to_string(), events: events.to_vec(), sealed_secret, secret_from: None };
        let event = event("CreateWebhook", &webhook).with(json!({ "events": events }));
        let settings = SettingsService(self.0.clone());
        settings
            .change_as(call, None, |settings| {
                settings.webhooks.push(webhook);
                Ok(Some(event))
            })
            .await?;
        Ok((id, secret))
    }

    /// Removes a webhook; what waits for it is dropped.
    pub async fn remove_webhook(&self, call: &Call, id: &str) -> Result<()> {
        let settings = SettingsService(self.0.clone());
        settings
            .change_as(call, None, |settings| {
                let place = settings.webhooks.iter().position(|webhook| webhook.id == id).ok_or_else(no_webhook)?;
                Ok(Some(event("DeleteWebhook", &settings.webhooks.remove(place))))
            })
            .await
    }

    /// Lets a webhook pause: events wait. Nothing happens where it pauses already.
    pub async fn pause_webhook(&self, call: &Call, id: &str) -> Result<()> {
        self.set_paused(call, id, true).await
    }

    /// Lets a webhook go on; what waited is sent.
    pub async fn resume_webhook(&self, call: &Call, id: &str) -> Result<()> {
        self.set_paused(call, id, false).await
    }

    async fn set_paused(&self, call: &Call, id: &str, paused: bool) -> Result<()> {
        authorize(call, Action::ChangeSettings, Resource::Organisation)?;
        let webhook = self.stored(id).await?;
        let mut change = self.0.store.begin().await?;
        if stream_state::pause(change.txn(), &webhook_stream(id), call.now, paused).await? {
            let paused = json!({ "paused": { "from": !paused, "to": paused } });
            change.audit(call, event("UpdateWebhook", &webhook).with(paused));
        }
        change.commit().await?;
        self.0.outbox_wake.notify_one();
        Ok(())
    }

    /// Sends a test event now, also where the webhook pauses, and says what went wrong. Where the receiver took it, what waits is
    /// due at once.
    pub async fn test_webhook(&self, call: &Call, id: &str) -> Result<()> {
        authorize(call, Action::ChangeSettings, Resource::Organisation)?;
        let webhook = self.stored(id).await?;
        let delivery = data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<16>()?);
        let body = ping(call, &delivery, &webhook)?;
        let delivery = Delivery { id: &delivery, webhook: id, event: PING, body: &body };
        let sent = webhook::post(&self.0, call.now, &webhook, delivery).await;
        let (stream, now) = (webhook_stream(id), self.0.clock.now());
        let mut change = self.0.store.begin().await?;
        match &sent {
            Ok(()) => {
                stream_state::note(change.txn(), &stream, now, Ok(())).await?;
                outbox::hurry(change.txn(), &stream, now).await?;
                change.audit(call, event("TestWebhook", &webhook));
            }
            Err(failure) => {
                let reason = failure.reason().to_owned();
                stream_state::note(change.txn(), &stream, now, Err(reason.clone())).await?;
                change.audit(call, about(Event::refused("TestWebhook", reason), &webhook));
            }
        }
        change.commit().await?;
        self.0.outbox_wake.notify_one();
        sent.map_err(|failure| Error::unavailable(format!("The receiver did not take it: {}.", failure.reason())))
    }

    /// A webhook with its sealed secret, as it is stored now.
    async fn stored(&self, id: &str) -> Result<Webhook> {
        let settings = settings_of(&instance_row(&self.0).await?)?;
        settings.webhooks.into_iter().find(|webhook| webhook.id == id).ok_or_else(no_webhook)
    }
}

fn no_webhook() -> Error {
    Error::not_found("webhook")
}

/// Whether a call sees addresses whole.
pub(crate) fn may_change(call: &Call) -> bool {
    // Who only has to confirm anew may know.
    let decision = decide(&call.actor, Action::ChangeSettings, Resource::Organisation, call.now);
    matches!(decision, Decision::Allow | Decision::Refuse(Refusal::ConfirmNeeded))
}

fn event(action: &'static str, webhook: &Webhook) -> Event {
    about(Event::done(action), webhook)
}

fn about(event: Event, webhook: &Webhook) -> Event {
    event.on("webhook", &webhook.id, outbound::shown(&webhook.url))
}

/// The body of a test: an entry as they all are.
fn ping(call: &Call, id: &str, webhook: &Webhook) -> Result<String> {
    let entry = Entry {
        id: id.to_owned(),
        time: call.now,
        action: PING.to_owned(),
        outcome: "success".to_owned(),
        actor: EntryActor::of(call),
        target: Some(Target {
            kind: "webhook".to_owned(),
            id: webhook.id.clone(),
            name: outbound::shown(&webhook.url),
        }),
        source: call.source.map(|source| source.to_string()),
        request_id: call.request_id.clone(),
        credential_id: None,
        changes: serde_json::Value::Null,
        reason: None,
        erased: false,
    };
    serde_json::to_string(&entry).map_err(|e| Error::internal(format!("test event: {e}")))
}

#[cfg(test)]
mod tests;
