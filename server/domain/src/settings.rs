//! The organisation's settings: what they are, their defaults and their limits.

use std::collections::BTreeMap;

use model::AccountId;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Everything an administrator can set. Names are those of the organisation file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Shown on the sign-in page and in mails.
    pub organization_name: String,
    /// Second factors.
    pub mfa: MfaSettings,
    /// How long sessions live.
    pub session: SessionSettings,
    /// What a password must be.
    pub password_policy: PasswordPolicy,
    /// The audit log.
    pub audit: AuditSettings,
    /// Where events are sent.
    pub webhooks: Vec<Webhook>,
    /// Where audit entries are streamed to, as `tcp://host:port`, `udp://host:port` or nothing.
    pub syslog: Option<String>,
    /// Owner of API keys and of the instance.
    pub management_account: Option<AccountId>,
    /// What sessions carry about a person, by its key.
    pub attributes_for_access_control: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            organization_name: "Example Corp".to_owned(),
            mfa: MfaSettings::default(),
            session: SessionSettings::default(),
            password_policy: PasswordPolicy::default(),
            audit: AuditSettings::default(),
            webhooks: Vec::new(),
            syslog: None,
            management_account: None,
            attributes_for_access_control: BTreeMap::new(),
        }
    }
}

/// When a second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MfaPolicy {
    /// Everyone has one.
    Required,
    /// Who has one is asked for it.
    Optional,
    /// Who has one is asked on a new browser or network.
    ContextAware,
}

/// Second factors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MfaSettings {
    /// For ordinary people. Administrators always need a factor.
    pub policy: MfaPolicy,
    /// Days within which a person must enrol after creation or reset.
    pub enrol_within_days: u32,
    /// Kinds of factors that people may set up: `totp`, `passkey`; sorted.
    pub methods: Vec<String>,
}

impl Default for MfaSettings {
    fn default() -> Self {
        Self {
            policy: MfaPolicy::Optional,
            enrol_within_days: 7,
            methods: vec!["passkey".to_owned(), "totp".to_owned()],
        }
    }
}

/// How long sessions live, in minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SessionSettings {
    /// From sign-in to the end, whatever happens.
    pub portal_minutes: u32,
    /// Without a request.
    pub idle_minutes: u32,
    /// Of the AWS command line, from its sign-in on.
    pub cli_minutes: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { portal_minutes: 8 * 60, idle_minutes: 60, cli_minutes: 12 * 60 }
    }
}

/// What a password must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PasswordPolicy {
    /// Characters, where the password is the only factor.
    pub min_length: u32,
    /// Characters, where there is a second factor.
    pub min_length_with_factor: u32,
    /// How many earlier passwords cannot come back.
    pub history: u32,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 15, min_length_with_factor: 8, history: 3 }
    }
}

/// The audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditSettings {
    /// Entries older than this many days are removed; nothing: never.
    pub retention_days: Option<u32>,
}

/// Where events are sent. The signing secret is sealed and lives beside, never here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// Its own name, for logs and for its secret.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Event names, or `*`.
    pub events: Vec<String>,
    /// The sealed signing secret.
    pub sealed_secret: String,
    /// The variable that an organisation file takes the secret from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_from: Option<String>,
}

impl Webhook {
    /// Whether every event is sent.
    pub(crate) fn wants_all(&self) -> bool {
        self.events.iter().any(|event| event == "*")
    }

    /// Whether this event is sent.
    pub(crate) fn wants(&self, action: &str) -> bool {
        self.events.iter().any(|event| event == "*" || event == action)
    }
}

impl Settings {
    /// Refuses values outside their limits, naming the field.
    pub fn check(&self) -> Result<()> {
        let within = |field: &'static str, value: u32, least: u32, most: u32| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(Error::invalid(field, format!("must be between {least} and {most}")))
            }
        };
        model::PersonName::parse(&self.organization_name)
            .map_err(|e| Error::invalid("organization_name", e.to_string()))?;
        within("enrol_within_days", self.mfa.enrol_within_days, 1, 90)?;
        within("portal_minutes", self.session.portal_minutes, 15, 90 * 24 * 60)?;
        within("cli_minutes", self.session.cli_minutes, 15, 90 * 24 * 60)?;
        within("idle_minutes", self.session.idle_minutes, 5, 24 * 60)?;
        within("min_length", self.password_policy.min_length, 15, 128)?;
        within("min_length_with_factor", self.password_policy.min_length_with_factor, 8, 128)?;
        within("history", self.password_policy.history, 0, 24)?;
        if let Some(days) = self.audit.retention_days {
            within("retention_days", days, 30, 36_500)?;
        }
        Ok(())
    }
}
