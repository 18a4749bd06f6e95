//! Settings.

use std::collections::BTreeMap;

use model::{AccountId, Invalid, PersonName};

use super::at::Said;
use super::node::{Content, Fields, Node, Path};
use super::shape::{Reading, duration, secret, web_address, within};

/// What is said about the settings; what is not said stays.
#[derive(Clone, Debug, Default)]
pub struct SettingsSection {
    pub organization_name: Option<String>,
    pub management_account: Option<Said<AccountId>>,
    pub mfa_policy: Option<String>,
    /// Of `totp` and `passkey`, sorted.
    pub mfa_methods: Option<Vec<String>>,
    pub enrol_within_days: Option<u32>,
    pub portal_minutes: Option<u32>,
    pub idle_minutes: Option<u32>,
    pub cli_minutes: Option<u32>,
    pub min_length: Option<u32>,
    pub min_length_with_factor: Option<u32>,
    pub history: Option<u32>,
    pub attributes_for_access_control: Option<BTreeMap<String, String>>,
    pub webhooks: Option<Vec<Said<WebhookSection>>>,
}

/// A webhook.
#[derive(Clone, Debug)]
pub struct WebhookSection {
    pub url: String,
    pub events: Vec<String>,
    /// The name of the variable that holds the secret.
    pub secret: Option<String>,
}

const SETTINGS: [&str; 7] = [
    "attributesForAccessControl",
    "managementAccount",
    "mfa",
    "organizationName",
    "passwordPolicy",
    "session",
    "webhooks",
];

pub(super) fn read(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) -> Option<SettingsSection> {
    let fields = Fields::of(node, path, &SETTINGS, reading.faults)?;
    let mut read = SettingsSection {
        organization_name: fields
            .parsed("organizationName", reading.faults, PersonName::parse)
            .map(|said| said.value.as_str().to_owned()),
        management_account: fields.parsed("managementAccount", reading.faults, str::parse::<AccountId>),
        ..SettingsSection::default()
    };
    if let Some(mfa) = fields.get("mfa") {
        factors(mfa, &Path::Field(path, "mfa"), reading, &mut read);
    }
    if let Some(session) = fields.get("session") {
        sessions(session, &Path::Field(path, "session"), reading, &mut read);
    }
    if let Some(policy) = fields.get("passwordPolicy") {
        passwords(policy, &Path::Field(path, "passwordPolicy"), reading, &mut read);
    }
    read.attributes_for_access_control =
        fields.read("attributesForAccessControl", reading.faults, |node, path, faults| {
            let map = node.texts(path, faults)?;
            if map.len() > 50 {
                faults.add(node.at, path, "must be at most 50");
            }
            for (key, value) in &map {
                let at = node.entry(key).map_or(node.at, |value| value.at);
                let checked = within(key, 1, 128).and_then(|()| source(value));
                if let Err(invalid) = checked {
                    faults.add(at, Path::Field(path, key), invalid.to_string());
                }
            }
            Some(map)
        });
    if let Some(webhooks) = fields.get("webhooks") {
        read.webhooks = hooks(webhooks, &Path::Field(path, "webhooks"), reading);
    }
    Some(read)
}

/// Where an attribute for access control comes from: exactly one `${…}`.
fn source(text: &str) -> Result<(), Invalid> {
    within(text, 1, 256)?;
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let good = ["user:", "path:", "dir:"].iter().any(|prefix| inner.len() > prefix.len() && inner.starts_with(prefix))
        && !inner.contains(['$', '{', '}']);
    if good { Ok(()) } else { Err(Invalid::new("must be a source such as ${user:attributes.department}")) }
}

fn factors(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>, to: &mut SettingsSection) {
    let faults = &mut *reading.faults;
    let known = ["administrators", "enrolWithin", "methods", "policy"];
    let Some(fields) = Fields::of(node, path, &known, faults) else { return };
    to.mfa_policy = fields
        .parsed("policy", faults, |text| one_of(text, &["required", "optional", "context-aware"]))
        .map(|said| said.value);
    fields.parsed("administrators", faults, |text| {
        one_of(text, &["required"])
            .map_err(|_| Invalid::new("must be required: the role of an administrator sleeps without a second factor"))
    });
    to.enrol_within_days = fields.read("enrolWithin", faults, |node, path, faults| {
        let length = duration(node, path, faults, 86_400, 90 * 86_400)?.seconds();
        if length % 86_400 != 0 {
            faults.add(node.at, path, "must be whole days, as in P7D");
        }
        Some(length / 86_400)
    });
    if let Some(methods) = fields.all("methods", faults, |text| one_of(text, &["totp", "passkey"])) {
        if let Some(given) = fields.get("methods")
            && matches!(&given.content, Content::List(items) if items.is_empty())
        {
            faults.add(given.at, Path::Field(path, "methods"), "must name at least one of totp, passkey");
        }
        let mut names: Vec<String> = methods.into_iter().map(|said| said.value).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last())
            && let Some(given) = fields.get("methods")
        {
            faults.add(given.at, Path::Field(path, "methods"), "names one twice");
        }
        to.mfa_methods = Some(names);
    }
}

fn sessions(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>, to: &mut SettingsSection) {
    let faults = &mut *reading.faults;
    let Some(fields) = Fields::of(node, path, &["cli", "idle", "portal"], faults) else { return };
    let mut minutes = |name: &str, least: u32, most: u32| {
        fields.read(name, &mut *faults, |node, path, faults| {
            let length = duration(node, path, faults, least * 60, most * 60)?.seconds();
            if length % 60 != 0 {
                faults.add(node.at, path, "must be whole minutes");
            }
            Some(length / 60)
        })
    };
    to.portal_minutes = minutes("portal", 15, 90 * 24 * 60);
    to.idle_minutes = minutes("idle", 5, 24 * 60);
    to.cli_minutes = minutes("cli", 15, 90 * 24 * 60);
}

fn passwords(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>, to: &mut SettingsSection) {
    let faults = &mut *reading.faults;
    let Some(fields) = Fields::of(node, path, &["history", "minLength", "minLengthWithFactor"], faults) else { return };
    let mut number = |name: &str, least: i64, most: i64| {
        let read = fields.read(name, &mut *faults, |node, path, faults| node.number(path, faults, least, most));
        read.and_then(|number| u32::try_from(number).ok())
    };
    to.min_length = number("minLength", 15, 128);
    to.min_length_with_factor = number("minLengthWithFactor", 8, 128);
    to.history = number("history", 0, 24);
}

fn hooks(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) -> Option<Vec<Said<WebhookSection>>> {
    let faults = &mut *reading.faults;
    let items = node.list(path, faults)?;
    if items.len() > 20 {
        faults.add(node.at, path, "must be at most 20");
    }
    let mut hooks: Vec<Said<WebhookSection>> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = Path::Item(path, index);
        let Some(fields) = Fields::of(item, &path, &["events", "secret", "url"], faults) else { continue };
        let url = fields.needed("url", faults, |text| web_address(text).map(|()| text.to_owned()));
        let events = fields.all("events", faults, |text| {
            let named = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            if text == "*" || named {
                Ok(text.to_owned())
            } else {
                Err(Invalid::new("must be the name of an event, or *"))
            }
        });
        let secret = fields.read("secret", faults, secret);
        let Some(url) = url else { continue };
        if hooks.iter().any(|known| known.value.url == url.value) {
            faults.add(url.at, Path::Field(&path, "url"), "is given twice");
        }
        let events =
            events.map_or_else(|| vec!["*".to_owned()], |list| list.into_iter().map(|said| said.value).collect());
        if events.is_empty() {
            faults.add(item.at, Path::Field(&path, "events"), "must name at least one, or *");
        }
        hooks.push(Said { value: WebhookSection { url: url.value, events, secret }, at: url.at });
    }
    Some(hooks)
}

fn one_of(text: &str, words: &[&str]) -> Result<String, Invalid> {
    if words.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new(format!("must be {}", super::shape::alternatives(words))))
    }
}
