//! Reading and changing the settings.
//!
//! They stand in the instance row with a version. A change reads them there, so that it builds on what is in force and not on
//! what this node remembers; other nodes read them anew when the version has moved.

use std::sync::Arc;

use model::Timestamp;
use model::t;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::{Map, Value, json};

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize, authorize_person};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::event_streams;
use crate::identity::sign_in::stages;
use crate::jobs::{mail, stream_state, streams};
use crate::outbound::{self, Rule};
use crate::settings::{MfaPolicy, Settings, Webhook};
use crate::store::entity::{instance, user};

/// The most webhooks.
const MOST_WEBHOOKS: usize = 20;

/// Settings as the administration shows them.
#[derive(Clone, Debug)]
pub struct SettingsView {
    /// Without the secrets of webhooks.
    pub settings: Settings,
    /// Goes back with a change.
    pub version: i64,
    /// Where people reach us.
    pub public_url: String,
    /// The instance's id in AWS's shape.
    pub instance_id: String,
    /// The identity store's id in AWS's shape.
    pub identity_store_id: String,
    /// Where mail goes out, without secrets; nothing: not configured.
    pub mail: Option<String>,
    /// The public address differs from the one of the first start.
    pub public_url_at_first_start: Option<String>,
}

/// Settings.
#[derive(Clone, Debug)]
pub struct SettingsService(pub(crate) Arc<Core>);

impl SettingsService {
    /// The settings in force, and what they belong to.
    pub async fn get(&self, call: &Call) -> Result<SettingsView> {
        authorize(call, Action::SeeSettings, Resource::Organisation)?;
        let row = row(self.0.store.read()).await?;
        let mut settings = parse(row.settings)?;
        let whole = event_streams::may_change(call);
        for webhook in &mut settings.webhooks {
            webhook.sealed_secret.clear();
            if !whole {
                webhook.url = outbound::shown(&webhook.url);
            }
        }
        let public_url = self.0.public_url.to_string();
        Ok(SettingsView {
            settings,
            version: row.settings_version,
            instance_id: row.instance_id,
            identity_store_id: row.identity_store_id,
            mail: self.0.mail.as_ref().map(mail::MailSettings::describe),
            public_url_at_first_start: Some(row.public_url).filter(|first| *first != public_url),
            public_url,
        })
    }

    /// Replaces the settings. Refused as a conflict when somebody else changed them since `version`. The secret of a webhook
    /// that stays is kept.
    pub async fn update(&self, call: &Call, version: i64, settings: Settings) -> Result<()> {
        self.change(call, Some(version), |stored| {
            let mut settings = settings;
            for webhook in &mut settings.webhooks {
                let known = stored.webhooks.iter().find(|known| known.id == webhook.id);
                let known = known.ok_or_else(|| Error::invalid("webhooks", "are added one by one"))?;
                webhook.sealed_secret.clone_from(&known.sealed_secret);
            }
            *stored = settings;
            Ok(())
        })
        .await
    }

    /// Changes a part of the settings that are in force.
    pub async fn change(
        &self,
        call: &Call,
        version: Option<i64>,
        edit: impl FnOnce(&mut Settings) -> Result<()> + Send,
    ) -> Result<()> {
        self.change_as(call, version, |settings| edit(settings).map(|()| None)).await
    }

    /// [`SettingsService::change`], noted in the log as the edit says, where it says something.
    pub(crate) async fn change_as(
        &self,
        call: &Call,
        version: Option<i64>,
        edit: impl FnOnce(&mut Settings) -> Result<Option<Event>> + Send,
    ) -> Result<()> {
        authorize(call, Action::ChangeSettings, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let row = row_locked(change.txn()).await?;
        if version.is_some_and(|version| version != row.settings_version) {
            return Err(Error::conflict(
                None,
                "Somebody else changed the settings meanwhile. Look at them again, then repeat your change.",
            ));
        }
        let before = parse(row.settings.clone())?;
        let mut after = before.clone();
        let event = edit(&mut after)?;
        check(&self.0, &before, &after)?;
        if after == before {
            return Ok(());
        }
        store(change.txn(), call.now, &row, &before, &after).await?;
        let event = match event {
            Some(event) => event,
            None => Event::done("UpdateInstance")
                .on("settings", &row.instance_id, &after.organization_name)
                .with(Value::Object(differences(&before, &after)?)),
        };
        change.audit(call, event);
        change.commit().await?;
        self.0.settings.send_replace(Arc::new(after));
        Ok(())
    }

    /// Sends a mail to the caller now and says what the server said.
    pub async fn test_mail(&self, call: &Call) -> Result<String> {
        let person = authorize_person(call, Action::ChangeSettings)?;
        let Some(settings) = &self.0.mail else {
            return Err(Error::unavailable(
                "No mail server is configured. Set smtp.host and smtp.from, then start again.",
            ));
        };
        let found = user::Entity::find_by_id(person.user.to_string()).one(self.0.store.read()).await?;
        let to = found.ok_or_else(|| Error::not_found("person"))?.email;
        let organization = self.0.settings().organization_name.clone();
        let id = data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<16>()?);
        let subject = t!("mail.subject", subject = t!("mail.test.subject"), organization = organization);
        let text = format!("{}\n", t!("mail.test.text", organization = organization));
        let sent = mail::send(settings, &id, call.now, &to, &subject, &text).await;
        let mut change = self.0.store.begin().await?;
        let event = match &sent {
            Ok(_) => Event::done("TestMail"),
            Err(failure) => Event::refused("TestMail", failure.reason()),
        };
        change.audit(call, event.on("user", person.user, &person.user_name));
        change.commit().await?;
        sent.map_err(|failure| {
            Error::unavailable(format!("The mail server did not take the mail: {}", failure.reason()))
        })
    }
}

/// Refuses settings that cannot be.
pub(crate) fn check(core: &Core, before: &Settings, after: &Settings) -> Result<()> {
    after.check()?;
    check_destinations(before, after, Rule::of(core))
}

/// Writes settings over those of the locked row, with what follows from them. The caller has checked, notes the event, and hands
/// them out after the commit.
pub(crate) async fn store(
    txn: &impl ConnectionTrait,
    now: Timestamp,
    row: &instance::Model,
    before: &Settings,
    after: &Settings,
) -> Result<()> {
    let json = serde_json::to_value(after).map_err(|e| Error::internal(format!("settings: {e}")))?;
    let changed = instance::Entity::update_many()
        .col_expr(instance::Column::Settings, Expr::val(json))
        .col_expr(instance::Column::SettingsVersion, Expr::val(row.settings_version + 1))
        .filter(instance::Column::Id.eq(1))
        .filter(instance::Column::SettingsVersion.eq(row.settings_version))
        .exec(txn)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Error::conflict(
            None,
            "Somebody else changed the settings at the same moment. Repeat your change.",
        ));
    }
    if after.mfa.policy == MfaPolicy::Required && before.mfa.policy != MfaPolicy::Required {
        // Whoever has no factor gets the full time to set one up.
        stages::open_enrolment(txn, now, after.mfa.enrol_within_days).await?;
    }
    for name in streams::names(after).difference(&streams::names(before)) {
        streams::begin(txn, name, now).await?;
    }
    for name in streams::names(before).difference(&streams::names(after)) {
        streams::end(txn, name).await?;
    }
    if before.syslog != after.syslog {
        stream_state::forget_state(txn, streams::SYSLOG).await?;
    }
    Ok(())
}

/// Takes over what another process changed, unless it is the version `seen` already; says which version it is now.
pub(crate) fn refresh(core: &Core, row: &instance::Model, seen: Option<i64>) -> Result<i64> {
    if seen != Some(row.settings_version) {
        let fresh = parse(row.settings.clone())?;
        core.settings.send_if_modified(|present| {
            let changed = **present != fresh;
            if changed {
                *present = Arc::new(fresh);
            }
            changed
        });
    }
    Ok(row.settings_version)
}

pub(crate) async fn row(db: &impl ConnectionTrait) -> Result<instance::Model> {
    instance::Entity::find_by_id(1).one(db).await?.ok_or_else(missing)
}

pub(crate) async fn row_locked(txn: &impl ConnectionTrait) -> Result<instance::Model> {
    instance::Entity::find_by_id(1).lock_exclusive().one(txn).await?.ok_or_else(missing)
}

fn missing() -> Error {
    Error::internal("the instance row is missing")
}

pub(crate) fn parse(json: Value) -> Result<Settings> {
    serde_json::from_value(json).map_err(|e| Error::internal(format!("settings: {e}")))
}

/// Refuses webhooks and syslog addresses that are none. Whether an address may be reached is asked when it is connected to.
fn check_destinations(before: &Settings, settings: &Settings, rule: Rule<'_>) -> Result<()> {
    if settings.webhooks.len() > MOST_WEBHOOKS {
        return Err(Error::invalid("webhooks", format!("must be at most {MOST_WEBHOOKS}")));
    }
    for webhook in &settings.webhooks {
        check_destination(before, webhook, rule)?;
    }
    if let Some(address) = &settings.syslog {
        let destination = crate::jobs::syslog::Destination::parse(address)?;
        if before.syslog != settings.syslog {
            rule.refuse_literal("syslog", destination.host())?;
        }
    }
    Ok(())
}

fn check_destination(before: &Settings, webhook: &Webhook, rule: Rule<'_>) -> Result<()> {
    let url = outbound::parse(&webhook.url)?;
    // What stands already may have been allowed before: it must not stop other changes.
    if !before.webhooks.iter().any(|known| known.url == webhook.url) {
        rule.refuse_literal("url", url.host_str().unwrap_or_default())?;
    }
    let named = |event: &String| {
        event == "*" || (!event.is_empty() && event.len() <= 64 && event.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if webhook.events.is_empty() || webhook.events.len() > 100 || !webhook.events.iter().all(named) {
        return Err(Error::invalid("events", "must be names of events, or *"));
    }
    Ok(())
}

/// Refuses one webhook that cannot be.
pub(crate) fn check_webhook(core: &Core, before: &Settings, webhook: &Webhook) -> Result<()> {
    check_destination(before, webhook, Rule::of(core))
}

/// What differs, field by field, as the audit shows it. Seals stay out, and so do the parts of addresses that may be secret.
pub(crate) fn differences(before: &Settings, after: &Settings) -> Result<Map<String, Value>> {
    let flat = |settings: &Settings| -> Result<Map<String, Value>> {
        let mut json = serde_json::to_value(settings).map_err(|e| Error::internal(format!("settings: {e}")))?;
        if let Some(webhooks) = json.get_mut("webhooks").and_then(Value::as_array_mut) {
            for webhook in webhooks.iter_mut().filter_map(Value::as_object_mut) {
                webhook.remove("sealedSecret");
                if let Some(url) = webhook.get_mut("url") {
                    *url = Value::String(outbound::shown(url.as_str().unwrap_or_default()));
                }
            }
        }
        let mut out = Map::new();
        flatten("", json, &mut out);
        Ok(out)
    };
    let (from, to) = (flat(before)?, flat(after)?);
    let differing = to.into_iter().filter_map(|(name, to)| {
        let from = from.get(&name).cloned().unwrap_or(Value::Null);
        (from != to).then(|| (name, json!({"from": from, "to": to})))
    });
    Ok(differing.collect())
}

fn flatten(name: &str, value: Value, out: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field } else { format!("{name}.{field}") };
                flatten(&name, value, out);
            }
        }
        other => {
            out.insert(name.to_owned(), other);
        }
    }
}
