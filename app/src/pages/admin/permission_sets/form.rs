//! The form of a permission set: its fields as people write them, read into what the domain checks, and shown again when refused.

use std::collections::BTreeMap;

use domain::Error;
use domain::access::permission_sets::{CustomerManagedPolicy, Fault, PermissionSetInput, PermissionsBoundary};
use leptos::prelude::*;
use model::words::look_up;
use model::{SessionLength, t};
use serde::{Deserialize, Serialize};

use crate::parts::form::{check, field};

/// The fields as they stand in the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Written {
    pub name: String,
    pub description: String,
    pub session_duration: String,
    pub relay_state: String,
    /// One ARN a line.
    pub managed_policies: String,
    /// One `/path/Name` a line.
    pub customer_managed_policies: String,
    /// An ARN, or `/path/Name`.
    pub permissions_boundary: String,
    /// One `key=value` a line; an equals sign inside a key is written `\=`.
    pub tags: String,
    /// A box: `on`, or nothing.
    pub require_fresh_factor: String,
}

/// What is wrong, by field, as sentences.
pub type Wrong = Vec<(&'static str, String)>;

impl Written {
    /// How a permission set is written into the form.
    pub fn of(set: &PermissionSetInput) -> Self {
        let lines = |lines: Vec<String>| lines.join("\n");
        let tag = |(key, value): (&String, &String)| format!("{}={value}", key.replace('=', "\\="));
        Self {
            name: set.name.clone(),
            description: set.description.clone(),
            session_duration: friendly(&set.session_duration),
            relay_state: set.relay_state.clone(),
            managed_policies: lines(set.managed_policies.clone()),
            customer_managed_policies: lines(set.customer_managed_policies.iter().map(policy_path).collect()),
            permissions_boundary: match &set.permissions_boundary {
                None => String::new(),
                Some(PermissionsBoundary::ManagedPolicy(arn)) => arn.clone(),
                Some(PermissionsBoundary::CustomerManagedPolicy(policy)) => policy_path(policy),
            },
            tags: lines(set.tags.iter().map(tag).collect()),
            require_fresh_factor: if set.require_fresh_factor { "on" } else { "" }.to_owned(),
        }
    }

    /// What was written, as the domain takes it. The inline policy has a form of its own.
    pub fn read(&self) -> Result<PermissionSetInput, Error> {
        Ok(self.with(tags(&self.tags)?))
    }

    fn with(&self, tags: BTreeMap<String, String>) -> PermissionSetInput {
        let boundary = self.permissions_boundary.trim();
        PermissionSetInput {
            description: self.description.trim().replace("\r\n", "\n"),
            session_duration: duration(&self.session_duration),
            relay_state: self.relay_state.trim().to_owned(),
            managed_policies: lines(&self.managed_policies).map(str::to_owned).collect(),
            customer_managed_policies: lines(&self.customer_managed_policies).map(customer).collect(),
            permissions_boundary: match boundary {
                "" => None,
                arn if arn.starts_with("arn:") => Some(PermissionsBoundary::ManagedPolicy(arn.to_owned())),
                path => Some(PermissionsBoundary::CustomerManagedPolicy(customer(path))),
            },
            require_fresh_factor: !self.require_fresh_factor.is_empty(),
            tags,
            ..PermissionSetInput::named(self.name.trim())
        }
    }

    /// Everything that is wrong with a form that was refused, beside what the refusal says.
    pub fn wrong(&self, refusal: &Error) -> Wrong {
        // Where the tags cannot be read the refusal says so, and every other field is looked at all the same.
        let faults = self.with(tags(&self.tags).unwrap_or_default()).check().err().unwrap_or_default();
        let named = |fault: &Fault| (fault.form_field(), said(fault.form_field(), &fault.reason));
        let mut wrong: Wrong = faults.iter().map(named).collect();
        if let Some(field) = refusal.field().filter(|field| !wrong.iter().any(|(known, _)| known == field)) {
            wrong.push((field, said(field, refusal.outside())));
        }
        wrong.dedup();
        wrong
    }
}

/// A refusal as a sentence.
fn said(name: &str, reason: &str) -> String {
    let label = look_up(&format!("field.{name}")).map_or_else(|| name.replace('_', " "), str::to_owned);
    t!("refused.field", field = label, reason = reason.trim_end_matches('.'))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn policy_path(policy: &CustomerManagedPolicy) -> String {
    format!("{}{}", policy.path, policy.name)
}

/// `/teams/core/Extra`, or `Extra` for one at the root.
fn customer(text: &str) -> CustomerManagedPolicy {
    let (path, name) = text.rsplit_once('/').unwrap_or(("", text));
    CustomerManagedPolicy { name: name.to_owned(), path: format!("{path}/") }
}

fn tags(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut tags = BTreeMap::new();
    for line in lines(text) {
        let hidden = line.replace("\\=", "\u{0}");
        let Some((key, value)) = hidden.split_once('=') else {
            return Err(Error::invalid("tags", format!("must be written as key=value, not “{line}”")));
        };
        let plain = |text: &str| text.trim().replace('\u{0}', "=");
        if tags.insert(plain(key), plain(value)).is_some() {
            return Err(Error::invalid("tags", format!("must name {} only once", plain(key))));
        }
    }
    Ok(tags)
}

/// `4h`, `90m`, `4h 30m`, `4 hours` as a duration; anything else goes on as it is written, and is refused by its check.
fn duration(text: &str) -> String {
    let plain: String = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.replace("hours", "h").replace("hour", "h").replace("minutes", "m").replace("minute", "m");
    let mut rest = plain.as_str();
    let mut number_before = |unit: char| {
        let (digits, after) = rest.split_once(unit)?;
        let number = digits.parse::<u16>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
        rest = after;
        Some(number)
    };
    let hours = number_before('h');
    let minutes = number_before('m');
    if !rest.is_empty() || (hours.is_none() && minutes.is_none()) {
        return text.trim().to_uppercase();
    }
    SessionLength::from_seconds(u32::from(hours.unwrap_or(0)) * 3600 + u32::from(minutes.unwrap_or(0)) * 60).to_string()
}

/// A duration as `duration` reads it.
pub fn friendly(iso: &str) -> String {
    let Ok(length) = SessionLength::parse(iso) else { return iso.to_owned() };
    match (length.seconds() / 3600, length.seconds() / 60 % 60, length.seconds() % 60) {
        (hours, 0, 0) => format!("{hours}h"),
        (hours, minutes, 0) => format!("{hours}h {minutes}m"),
        _ => iso.to_owned(),
    }
}

/// The fields; the name only where it can be chosen.
pub fn fields(written: &Written, wrong: &Wrong, named: bool) -> AnyView {
    let error = |name: &str| {
        let all: Vec<&str> = wrong.iter().filter(|(field, _)| *field == name).map(|(_, said)| said.as_str()).collect();
        (!all.is_empty()).then(|| all.join(" "))
    };
    let name = named.then(|| {
        field("name", t!("field.name"))
            .hint(t!("sets.name-hint"))
            .value(&written.name)
            .error(error("name"))
            .length(1, 32)
            .focus()
            .view()
    });
    let choices = ["1h", "2h", "4h", "8h", "12h"].map(str::to_owned).to_vec();
    view! {
        {name}
        {field("description", t!("field.description")).value(&written.description).error(error("description")).lines(2).length(0, 700).optional().view()}
        {field("session_duration", t!("field.session_duration"))
            .hint(t!("sets.session-hint"))
            .value(&written.session_duration)
            .error(error("session_duration"))
            .list("durations", choices)
            .short()
            .view()}
        {field("managed_policies", t!("field.managed_policies"))
            .hint(t!("sets.managed-hint"))
            .value(&written.managed_policies)
            .error(error("managed_policies"))
            .lines(rows_for(&written.managed_policies)).mono().optional()
            .view()}
        {field("customer_managed_policies", t!("field.customer_managed_policies"))
            .hint(t!("sets.customer-hint"))
            .value(&written.customer_managed_policies)
            .error(error("customer_managed_policies"))
            .lines(rows_for(&written.customer_managed_policies)).mono().optional()
            .view()}
        {field("permissions_boundary", t!("field.permissions_boundary"))
            .hint(t!("sets.boundary-hint"))
            .value(&written.permissions_boundary)
            .error(error("permissions_boundary"))
            .optional()
            .view()}
        {field("relay_state", t!("field.relay_state"))
            .hint(t!("sets.relay-hint"))
            .value(&written.relay_state)
            .error(error("relay_state"))
            .optional()
            .length(0, 240)
            .view()}
        {field("tags", t!("field.tags"))
            .hint(t!("sets.tags-hint"))
            .value(&written.tags)
            .error(error("tags"))
            .lines(rows_for(&written.tags)).mono().optional()
            .view()}
        {check("require_fresh_factor", t!("sets.fresh"), Some(t!("sets.fresh-hint").to_owned()), !written.require_fresh_factor.is_empty())}
    }
    .into_any()
}

/// As many lines as are written, and one to go on.
fn rows_for(text: &str) -> u32 {
    u32::try_from(text.lines().count() + 1).unwrap_or(u32::MAX).clamp(2, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_the_form_is_read_out_of_it() {
        let set: PermissionSetInput = serde_json::from_value(serde_json::json!({
            "name": "Set", "description": "Two\nlines", "sessionDuration": "PT4H30M", "relayState": "https://x/",
            "managedPolicies": ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"],
            "customerManagedPolicies": [{"name": "Extra"}, {"name": "Deep", "path": "/a/b/"}],
            "permissionsBoundary": {"customerManagedPolicy": {"name": "Edge", "path": "/c/"}},
            "requireFreshFactor": true, "tags": {"a=b": "c=d", "plain": ""},
        }))
        .unwrap();
        assert_eq!(Written::of(&set).read().unwrap(), set);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (written, read) in [
            ("4h", "PT4H"),
            ("90m", "PT1H30M"),
            ("1H 30m", "PT1H30M"),
            ("2 hours 15 minutes", "PT2H15M"),
            (" pt8h ", "PT8H"),
            ("PT1H20M", "PT1H20M"),
        ] {
            assert_eq!(duration(written), read, "{written}");
        }
        for nonsense in ["", "soon", "4", "h", "-1h", "1h1h", "30m 1h", "1.5h", "99999h"] {
            assert!(SessionLength::parse_of_set(&duration(nonsense)).is_err(), "{nonsense}");
        }
        for iso in ["PT1H", "PT1H30M", "PT1H0M20S"] {
            let iso = SessionLength::parse(iso).unwrap().to_string();
            assert_eq!(duration(&friendly(&iso)), iso);
        }
    }

    #[test]
    fn tags_are_one_a_line_and_each_once() {
        assert_eq!(tags("a=1\r\n\n b = 2 \n").unwrap().len(), 2);
        for bad in ["nothing", "a=1\na=2"] {
            assert_eq!(tags(bad).unwrap_err().field(), Some("tags"), "{bad}");
        }
    }
}
