//! The fields of a permission set as they come in (forms, organisation file, later AWS's APIs), checked by AWS's limits.

use std::collections::BTreeMap;
use std::fmt;

use model::{PermissionSetName, SessionLength};
use serde::{Deserialize, Serialize};

use super::policy_text::PolicyText;
use crate::access::tags;
use crate::error::Error;

/// The longest description.
pub const LONGEST_DESCRIPTION: usize = 700;
/// The longest relay state.
pub const LONGEST_RELAY_STATE: usize = 240;
/// The most policies, AWS's and the customer's together.
pub const MOST_POLICIES: usize = 25;

/// A permission set as the organisation file writes it. Everything that was not given has AWS's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PermissionSetInput {
    /// Once chosen, it stays.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// `PT1H` to `PT12H`.
    #[serde(default = "an_hour")]
    pub session_duration: String,
    /// Where in the console a session begins; empty: at its front page.
    #[serde(default)]
    pub relay_state: String,
    /// ARNs of AWS's own policies.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    /// Policies that exist in each account under this name and path.
    #[serde(default)]
    pub customer_managed_policies: Vec<CustomerManagedPolicy>,
    /// A policy of its own.
    #[serde(default)]
    pub inline_policy: Option<PolicyText>,
    /// What it can never exceed.
    #[serde(default)]
    pub permissions_boundary: Option<PermissionsBoundary>,
    /// Ask for a factor again before handing out credentials.
    #[serde(default)]
    pub require_fresh_factor: bool,
    /// Words of the organisation's own.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A policy that exists in each account under one name and path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomerManagedPolicy {
    /// Its name.
    pub name: String,
    /// Where it stands: `/` or `/teams/core/`.
    #[serde(default = "root")]
    pub path: String,
}

/// The policy that bounds a permission set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PermissionsBoundary {
    /// The ARN of one of AWS's own.
    ManagedPolicy(String),
    /// One that exists in each account.
    CustomerManagedPolicy(CustomerManagedPolicy),
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field as the organisation file names it, and the element in it: `managedPolicies[1]`, `inlinePolicy.Statement[0].Action`.
    pub field: String,
    /// Follows the name: "must not be empty".
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl Fault {
    fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// The field's name in forms and refusals.
    pub fn form_field(&self) -> &'static str {
        let end = self.field.find(['.', '[']).unwrap_or(self.field.len());
        match self.field.get(..end).unwrap_or_default() {
            "description" => "description",
            "sessionDuration" => "session_duration",
            "relayState" => "relay_state",
            "managedPolicies" => "managed_policies",
            "customerManagedPolicies" => "customer_managed_policies",
            "inlinePolicy" => "inline_policy",
            "permissionsBoundary" => "permissions_boundary",
            "tags" => "tags",
            _ => "name",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::invalid(fault.form_field(), fault.reason)
    }
}

/// A permission set whose fields have been checked, in the one order in which they are stored and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionSet {
    pub(crate) name: PermissionSetName,
    pub(crate) description: String,
    pub(crate) session: SessionLength,
    pub(crate) relay_state: String,
    pub(crate) managed_policies: Vec<String>,
    pub(crate) customer_managed_policies: Vec<CustomerManagedPolicy>,
    pub(crate) inline_policy: Option<PolicyText>,
    pub(crate) permissions_boundary: Option<PermissionsBoundary>,
    pub(crate) require_fresh_factor: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

impl PermissionSet {
    /// Its name.
    pub fn name(&self) -> &PermissionSetName {
        &self.name
    }

    /// How long a session lasts.
    pub fn session(&self) -> SessionLength {
        self.session
    }

    /// Whether it makes administrators: everything, or all of IAM, by a policy of AWS's or by its own.
    pub fn is_administrative(&self) -> bool {
        let by_aws =
            |arn: &String| arn.ends_with(":policy/AdministratorAccess") || arn.ends_with(":policy/IAMFullAccess");
        self.managed_policies.iter().any(by_aws)
            || self
                .inline_policy
                .as_ref()
                .and_then(|policy| policy.checked().policy)
                .is_some_and(|policy| policy.is_administrative())
    }

    /// As the organisation file writes it: two permission sets are equal when these are.
    pub fn to_input(&self) -> PermissionSetInput {
        PermissionSetInput {
            name: self.name.as_str().to_owned(),
            description: self.description.clone(),
            session_duration: self.session.to_string(),
            relay_state: self.relay_state.clone(),
            managed_policies: self.managed_policies.clone(),
            customer_managed_policies: self.customer_managed_policies.clone(),
            inline_policy: self.inline_policy.clone(),
            permissions_boundary: self.permissions_boundary.clone(),
            require_fresh_factor: self.require_fresh_factor,
            tags: self.tags.clone(),
        }
    }
}

fn an_hour() -> String {
    SessionLength::HOUR.to_string()
}

fn root() -> String {
    "/".to_owned()
}

impl PermissionSetInput {
    /// A permission set of this name that allows nothing yet.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            session_duration: an_hour(),
            relay_state: String::new(),
            managed_policies: Vec::new(),
            customer_managed_policies: Vec::new(),
            inline_policy: None,
            permissions_boundary: None,
            require_fresh_factor: false,
            tags: BTreeMap::new(),
        }
    }

    /// Checks every field; all that is wrong is named, not only the first.
    pub fn check(&self) -> Result<PermissionSet, Vec<Fault>> {
        let mut faults = Vec::new();
        let name = PermissionSetName::parse(&self.name).map_err(|e| faults.push(Fault::new("name", e.to_string())));
        let session = SessionLength::parse_of_set(self.session_duration.trim())
            .map_err(|e| faults.push(Fault::new("sessionDuration", e.to_string())));
        check_description(&self.description, &mut faults);
        check_relay_state(&self.relay_state, &mut faults);
        self.check_policies(&mut faults);
        if let Some(policy) = &self.inline_policy {
            faults.extend(
                policy.faults().into_iter().map(|(path, reason)| Fault::new(format!("inlinePolicy{path}"), reason)),
            );
        }
        match &self.permissions_boundary {
            Some(PermissionsBoundary::ManagedPolicy(arn)) => {
                check_managed(arn, || "permissionsBoundary.managedPolicy".to_owned(), &mut faults);
            }
            Some(PermissionsBoundary::CustomerManagedPolicy(policy)) => {
                check_customer(policy, "permissionsBoundary.customerManagedPolicy", &mut faults);
            }
            None => {}
        }
        faults
            .extend(tags::faults(&self.tags).into_iter().map(|(key, reason)| Fault::new(format!("tags{key}"), reason)));
        let (Ok(name), Ok(session), true) = (name, session, faults.is_empty()) else {
            return Err(faults);
        };
        let (mut managed, mut customer) = (self.managed_policies.clone(), self.customer_managed_policies.clone());
        managed.sort_unstable();
        customer.sort_unstable();
        Ok(PermissionSet {
            name,
            description: self.description.clone(),
            session,
            relay_state: self.relay_state.clone(),
            managed_policies: managed,
            customer_managed_policies: customer,
            inline_policy: self.inline_policy.clone(),
            permissions_boundary: self.permissions_boundary.clone(),
            require_fresh_factor: self.require_fresh_factor,
            tags: self.tags.clone(),
        })
    }

    /// [`Self::check`], refusing with the first fault.
    pub(crate) fn checked(&self) -> Result<PermissionSet, Error> {
        self.check().map_err(|faults| {
            faults.into_iter().next().map_or_else(|| Error::internal("refused without a fault"), Error::from)
        })
    }

    fn check_policies(&self, faults: &mut Vec<Fault>) {
        let many = self.managed_policies.len() + self.customer_managed_policies.len();
        if many > MOST_POLICIES {
            let reason = format!("must be at most {MOST_POLICIES} together with the customer managed ones, not {many}");
            faults.push(Fault::new("managedPolicies", reason));
            return;
        }
        for (at, arn) in self.managed_policies.iter().enumerate() {
            check_managed(arn, || format!("managedPolicies[{at}]"), faults);
            if self.managed_policies.iter().take(at).any(|other| other == arn) {
                faults.push(Fault::new(format!("managedPolicies[{at}]"), format!("must not name {arn} twice")));
            }
        }
        for (at, policy) in self.customer_managed_policies.iter().enumerate() {
            check_customer(policy, &format!("customerManagedPolicies[{at}]"), faults);
            if self.customer_managed_policies.iter().take(at).any(|other| other == policy) {
                let reason = format!("must not name {}{} twice", policy.path, policy.name);
                faults.push(Fault::new(format!("customerManagedPolicies[{at}]"), reason));
            }
        }
    }
}

fn check_description(text: &str, faults: &mut Vec<Fault>) {
    if text.chars().count() > LONGEST_DESCRIPTION {
        faults.push(Fault::new("description", format!("must have at most {LONGEST_DESCRIPTION} characters")));
    }
    let odd = |c: &char| !matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if let Some(c) = text.chars().find(odd) {
        let reason = format!("may contain Western European letters and signs only, not {}", shown(c));
        faults.push(Fault::new("description", reason));
    }
}

fn check_relay_state(text: &str, faults: &mut Vec<Fault>) {
    if text.chars().count() > LONGEST_RELAY_STATE {
        faults.push(Fault::new("relayState", format!("must have at most {LONGEST_RELAY_STATE} characters")));
    }
    let odd = |c: &char| !(c.is_ascii_alphanumeric() || r#"&$@#\/%?=~-_'"|!:,.;*+[] (){}"#.contains(*c));
    if let Some(c) = text.chars().find(odd) {
        faults.push(Fault::new("relayState", format!("must not contain {}", shown(c))));
    }
}

/// A character as a refusal names it; what cannot be seen by its number.
fn shown(c: char) -> String {
    if c.is_alphanumeric() || c.is_ascii_graphic() { c.to_string() } else { format!("U+{:04X}", u32::from(c)) }
}

fn is_policy_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 128 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
}

/// `/` or `/teams/core/`.
fn is_policy_path(path: &str) -> bool {
    let Some(inner) = path.strip_prefix('/') else { return false };
    let part =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".,+@=_-".contains(&b));
    path.len() <= 512 && (inner.is_empty() || inner.strip_suffix('/').is_some_and(|inner| inner.split('/').all(part)))
}

/// `arn:aws:iam::aws:policy/…` of any partition.
pub(crate) fn is_managed_policy(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, partition, service, region, account, resource) = (next(), next(), next(), next(), next(), next());
    let tail = partition.strip_prefix("aws");
    let partition_fits = tail.is_some_and(|tail| {
        tail.is_empty()
            || tail.strip_prefix('-').is_some_and(|tail| {
                let words: Vec<&str> = tail.split('-').collect();
                words.len() <= 3
                    && words.iter().all(|w| (1..=5).contains(&w.len()) && w.bytes().all(|b| b.is_ascii_lowercase()))
            })
    });
    let place = resource.strip_prefix("policy").and_then(|place| place.rsplit_once('/'));
    (20..=2048).contains(&arn.len())
        && (scheme, service, region, account) == ("arn", "iam", "", "aws")
        && partition_fits
        && place.is_some_and(|(path, name)| is_policy_path(&format!("{path}/")) && is_policy_name(name))
}

fn check_managed(arn: &str, field: impl Fn() -> String, faults: &mut Vec<Fault>) {
    if !is_managed_policy(arn) {
        let cut: String = arn.chars().take(80).collect();
        let reason = format!("must name policies of AWS such as arn:aws:iam::aws:policy/ReadOnlyAccess, not “{cut}”");
        faults.push(Fault::new(field(), reason));
    }
}

fn check_customer(policy: &CustomerManagedPolicy, field: &str, faults: &mut Vec<Fault>) {
    if !is_policy_name(&policy.name) {
        let reason = "must have a name of 1 to 128 letters, digits and _ + = , . @ -";
        faults.push(Fault::new(format!("{field}.name"), reason));
    }
    if !is_policy_path(&policy.path) {
        let reason = "must have a path of at most 512 characters that begins and ends with /, such as /teams/core/";
        faults.push(Fault::new(format!("{field}.path"), reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(change: impl FnOnce(&mut PermissionSetInput)) -> Vec<String> {
        let mut input = PermissionSetInput::named("Set");
        change(&mut input);
        input
            .check()
            .map(drop)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
            .unwrap_err_or_default()
    }

    trait OrNone {
        fn unwrap_err_or_default(self) -> Vec<String>;
    }

    impl OrNone for Result<(), Vec<String>> {
        fn unwrap_err_or_default(self) -> Vec<String> {
            self.err().unwrap_or_default()
        }
    }

    #[test]
    fn each_field_keeps_the_limits_of_aws() {
        type Case = (&'static str, fn(&mut PermissionSetInput));
        let cases: &[Case] = &[
            ("name", |i| i.name = String::new()),
            ("name", |i| i.name = "x".repeat(33)),
            ("name", |i| i.name = "Read Only".to_owned()),
            ("name", |i| i.name = "Ünal".to_owned()),
            ("description", |i| i.description = "x".repeat(701)),
            ("description", |i| i.description = "李".to_owned()),
            ("description", |i| i.description = "a\u{7f}".to_owned()),
            ("description", |i| i.description = "a\u{a0}b".to_owned()),
            ("sessionDuration", |i| i.session_duration = "PT59M".to_owned()),
            ("sessionDuration", |i| i.session_duration = "PT12H1S".to_owned()),
            ("sessionDuration", |i| i.session_duration = "3600".to_owned()),
            ("relayState", |i| i.relay_state = "x".repeat(241)),
            ("relayState", |i| i.relay_state = "https://a/<b>".to_owned()),
            ("relayState", |i| i.relay_state = "https://a\n".to_owned()),
            ("managedPolicies[0]", |i| i.managed_policies = vec!["ReadOnlyAccess".to_owned()]),
            ("managedPolicies[0]", |i| i.managed_policies = vec!["arn:aws:iam::111122223333:policy/Own".to_owned()]),
            ("managedPolicies[0]", |i| i.managed_policies = vec!["arn:aws:iam::aws:policy/".to_owned()]),
            ("managedPolicies[0]", |i| i.managed_policies = vec!["arn:aws:iam::aws:policy//X".to_owned()]),
            ("managedPolicies[0]", |i| i.managed_policies = vec!["arn:awsx:iam::aws:policy/ReadOnly".to_owned()]),
            ("managedPolicies[1]", |i| i.managed_policies = vec!["arn:aws:iam::aws:policy/A".to_owned(); 2]),
            ("managedPolicies", |i| {
                i.managed_policies = (0..26).map(|n| format!("arn:aws:iam::aws:policy/P{n}")).collect();
            }),
            ("customerManagedPolicies[0].name", |i| {
                i.customer_managed_policies = vec![CustomerManagedPolicy { name: "a b".to_owned(), path: root() }];
            }),
            ("customerManagedPolicies[0].path", |i| {
                i.customer_managed_policies =
                    vec![CustomerManagedPolicy { name: "A".to_owned(), path: "/teams".to_owned() }];
            }),
            ("permissionsBoundary.managedPolicy", |i| {
                i.permissions_boundary = Some(PermissionsBoundary::ManagedPolicy("x".to_owned()));
            }),
            ("tags[aws:x]", |i| i.tags = BTreeMap::from([("aws:x".to_owned(), String::new())])),
            ("tags", |i| i.tags = (0..51).map(|n| (format!("k{n}"), String::new())).collect()),
            ("inlinePolicy", |i| i.inline_policy = Some(PolicyText::new("{"))),
        ];
        for (field, change) in cases {
            let faults = faults_of(change);
            assert!(
                faults.len() == 1 && faults.iter().all(|fault| fault.starts_with(&format!("{field}: "))),
                "{field}: {faults:?}"
            );
        }
    }

    #[test]
    fn a_whole_set_comes_back_as_it_is_stored_whatever_its_order() {
        let input: PermissionSetInput = serde_json::from_value(serde_json::json!({
            "name": "ReadOnly", "description": "Look, don't touch é", "sessionDuration": "PT90M",
            "relayState": "https://console.aws.amazon.com/",
            "managedPolicies": ["arn:aws:iam::aws:policy/job-function/Billing", "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"],
            "customerManagedPolicies": [{"name": "Extra"}, {"name": "Basic", "path": "/teams/core/"}],
            "inlinePolicy": {"Version": "2012-10-17", "Statement": []},
            "permissionsBoundary": {"customerManagedPolicy": {"name": "Edge", "path": "/"}},
            "tags": {"team": "core", "für": "alle: 1/2"},
        }))
        .unwrap();
        let set = input.check().unwrap();
        assert_eq!(set.session().seconds(), 5400);
        let again = set.to_input();
        assert_eq!(again.session_duration, "PT1H30M");
        assert_eq!(again.customer_managed_policies.first().map(|policy| policy.name.as_str()), Some("Basic"));
        let mut turned = input.clone();
        turned.managed_policies.reverse();
        turned.customer_managed_policies.reverse();
        assert_eq!(turned.check().unwrap().to_input(), again);
        let text = serde_json::to_value(&again).unwrap();
        assert_eq!(serde_json::from_value::<PermissionSetInput>(text).unwrap(), again);
    }

    #[test]
    fn what_the_format_does_not_know_is_refused() {
        for bad in [
            r#"{"name":"A","color":"red"}"#,
            r#"{"description":"no name"}"#,
            r#"{"name":"A","permissionsBoundary":{"managedPolicy":"x","customerManagedPolicy":{"name":"y"}}}"#,
            r#"{"name":"A","customerManagedPolicies":[{"name":"x","arn":"y"}]}"#,
            r#"{"name":"A","inlinePolicy":[]}"#,
        ] {
            assert!(serde_json::from_str::<PermissionSetInput>(bad).is_err(), "{bad}");
        }
    }
}
