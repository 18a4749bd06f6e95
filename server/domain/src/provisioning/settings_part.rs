//! Settings of the organisation file.

use model::Refusal;
use sea_orm::ConnectionTrait;
use serde_json::Value;
use wire::organisation::{Section, SettingsSection};

use super::planner::{Planner, Step};
use crate::access::plan::Op;
use crate::error::{Error, Result};
use crate::settings::{MfaPolicy, Settings, Webhook};
use crate::settings_service;

impl<C: ConnectionTrait> Planner<'_, C> {
    /// What the files say about settings replaces; what they do not say stays.
    pub(super) async fn settings(&mut self) -> Result<()> {
        let Some(said) = &self.said.settings else { return Ok(()) };
        let before = settings_service::parse(settings_service::row(self.conn).await?.settings)?;
        let mut after = before.clone();
        plain_settings(said, &mut after)?;
        if let Some(webhooks) = &said.webhooks {
            let mut kept: Vec<Webhook> = Vec::new();
            for (index, webhook) in webhooks.iter().enumerate() {
                let (said, at) = (&webhook.value, webhook.at);
                let field = format!("settings.webhooks[{index}].secret");
                let known = before.webhooks.iter().find(|known| known.url == said.url).cloned();
                let is_new = known.is_none();
                let mut row = match known {
                    Some(row) => row,
                    None => Webhook {
                        id: data_encoding::HEXLOWER.encode(&self.core.entropy.bytes::<8>()?),
                        url: said.url.clone(),
                        events: Vec::new(),
                        sealed_secret: String::new(),
                        secret_from: None,
                    },
                };
                row.events.clone_from(&said.events);
                if let Err(error) = settings_service::check_webhook(self.core, &before, &row) {
                    if error.kind() != Refusal::Invalid {
                        return Err(error);
                    }
                    let wrong = error.field().unwrap_or("url");
                    self.faults.add(at, format!("settings.webhooks[{index}].{wrong}"), error.outside());
                    continue;
                }
                let other_secret = said.secret.is_some() && said.secret != row.secret_from;
                if is_new || other_secret || (self.options.set_passwords && said.secret.is_some()) {
                    if said.secret.is_none() {
                        self.warnings.push(format!("{field}: there is none, so one is made that nobody knows."));
                    }
                    row.secret_from.clone_from(&said.secret);
                    let variable = said.secret.clone();
                    self.steps.push(Step::SealWebhook { url: row.url.clone(), variable, at, field });
                }
                kept.push(row);
            }
            after.webhooks = kept;
        }
        if !self.faults.is_empty() {
            return Ok(());
        }
        settings_service::check(self.core, &before, &after)?;
        let mut differences = settings_service::differences(&before, &after)?;
        if let Some(webhooks) = differences.get_mut("webhooks") {
            without_ids(webhooks);
        }
        if before != after {
            self.note(Op::Update, Section::Settings, "settings", differences);
            if before.session.cli_minutes != after.session.cli_minutes
                || before.mfa.methods != after.mfa.methods
                || before.attributes_for_access_control != after.attributes_for_access_control
            {
                let text = "stored, inactive until their capability is there: session.cli, mfa.methods and \
                    attributesForAccessControl of the settings.";
                self.warnings.push(text.to_owned());
            }
            self.settings = Some((before, after));
        }
        Ok(())
    }
}

/// Ids of webhooks are made anew each time a plan is.
fn without_ids(change: &mut Value) {
    for side in ["from", "to"] {
        for webhook in change.get_mut(side).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(fields) = webhook.as_object_mut() {
                fields.remove("id");
            }
        }
    }
}

fn plain_settings(said: &SettingsSection, after: &mut Settings) -> Result<()> {
    fn set<T: Clone>(said: Option<&T>, to: &mut T) {
        if let Some(said) = said {
            to.clone_from(said);
        }
    }
    set(said.organization_name.as_ref(), &mut after.organization_name);
    if let Some(account) = &said.management_account {
        after.management_account = Some(account.value);
    }
    if let Some(policy) = &said.mfa_policy {
        after.mfa.policy = serde_json::from_value::<MfaPolicy>(policy.clone().into())
            .map_err(|e| Error::internal(format!("policy of factors {policy}: {e}")))?;
    }
    set(said.mfa_methods.as_ref(), &mut after.mfa.methods);
    set(said.enrol_within_days.as_ref(), &mut after.mfa.enrol_within_days);
    set(said.portal_minutes.as_ref(), &mut after.session.portal_minutes);
    set(said.idle_minutes.as_ref(), &mut after.session.idle_minutes);
    set(said.cli_minutes.as_ref(), &mut after.session.cli_minutes);
    set(said.min_length.as_ref(), &mut after.password_policy.min_length);
    set(said.min_length_with_factor.as_ref(), &mut after.password_policy.min_length_with_factor);
    set(said.history.as_ref(), &mut after.password_policy.history);
    set(said.attributes_for_access_control.as_ref(), &mut after.attributes_for_access_control);
    Ok(())
}
