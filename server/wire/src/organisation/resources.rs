//! Accounts, permission sets and applications: which fields there are and of what kind. What they may say is the domain's rule,
//! which finds the place of each field here.

use model::{AccountId, ApplicationName, Invalid, PermissionSetName};
use serde_json::{Map, Value};

use super::Section;
use super::at::{At, Faults, Said};
use super::node::{Content, Fields, Node, Path};
use super::reader::Known;
use super::shape::{Field, Kind, Reading, Shape, may, must, web_address};

/// Where the fields of a thing stand.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(String, At)>);

impl Places {
    fn of(node: &Node<'_>) -> Self {
        let mut places = Self::default();
        places.collect(node, "", 0);
        places
    }

    fn collect(&mut self, node: &Node<'_>, path: &str, depth: usize) {
        self.0.push((path.to_owned(), node.at));
        if depth > 12 || self.0.len() > 5_000 {
            return;
        }
        match &node.content {
            Content::Scalar { .. } => {}
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.collect(item, &format!("{path}[{index}]"), depth + 1);
                }
            }
            Content::Map(entries) => {
                for entry in entries {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.collect(&entry.value, &format!("{path}{dot}{}", entry.key), depth + 1);
                    self.0.push((format!("{path}[{}]", entry.key), entry.value.at));
                }
            }
        }
    }

    /// The place of a field such as `broker.role` or `tags[env]`; of what holds it where it is not there itself.
    pub fn find(&self, field: &str) -> At {
        let mut best = (0, self.0.first().map(|(_, at)| *at).unwrap_or_default());
        for (path, at) in &self.0 {
            let rest = field.strip_prefix(path.as_str());
            let whole = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            if whole && path.len() > best.0 {
                best = (path.len(), *at);
            }
        }
        best.1
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    pub index: usize,
    pub id: Said<AccountId>,
    /// What is given, but the id.
    pub fields: Map<String, Value>,
    pub places: Places,
}

/// A permission set.
#[derive(Clone, Debug)]
pub struct PermissionSet {
    pub index: usize,
    pub name: Said<PermissionSetName>,
    /// What is given, but the name.
    pub fields: Map<String, Value>,
    pub places: Places,
}

/// An application.
#[derive(Clone, Debug)]
pub struct Application {
    pub index: usize,
    pub name: Said<ApplicationName>,
    /// What is given, but the name and whom it is assigned to.
    pub fields: Map<String, Value>,
    pub places: Places,
    pub assigned_to: Option<AssignedTo>,
}

/// Who may use an application.
#[derive(Clone, Debug, Default)]
pub struct AssignedTo {
    pub everyone: bool,
    pub groups: Vec<Said<String>>,
    pub users: Vec<Said<String>>,
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check; the domain looks at the value")]
fn any(_: &str) -> Result<(), Invalid> {
    Ok(())
}

const TEXT: Shape = Shape::Text(any);

const TYPE: Field = may("type", TEXT);

const BROKERS: &[Kind] = &[
    ("local", &[TYPE]),
    (
        "aws-saml",
        &[TYPE, must("samlProvider", TEXT), must("role", TEXT), must("region", TEXT), may("stsEndpoint", TEXT)],
    ),
    ("aws-role", &[TYPE, must("role", TEXT), may("externalId", TEXT), must("region", TEXT)]),
];

const ACCOUNT: &[Field] = &[
    must("id", TEXT),
    may("name", TEXT),
    may("email", TEXT),
    may("path", TEXT),
    may("status", Shape::Word(&["active", "suspended", "closed"])),
    may("tags", Shape::TextMap(any, any, usize::MAX)),
    may("broker", Shape::Kinds(BROKERS)),
];

const CUSTOMER_POLICY: &[Field] = &[must("name", TEXT), may("path", TEXT)];

const BOUNDARY: &[Field] = &[may("managedPolicy", TEXT), may("customerManagedPolicy", Shape::Map(CUSTOMER_POLICY))];

const PERMISSION_SET: &[Field] = &[
    must("name", TEXT),
    may("description", TEXT),
    may("sessionDuration", TEXT),
    may("relayState", TEXT),
    may("managedPolicies", Shape::Texts(any, false)),
    may("customerManagedPolicies", Shape::Maps(CUSTOMER_POLICY)),
    may("inlinePolicy", Shape::OrNothing(&Shape::Object)),
    may("permissionsBoundary", Shape::OrNothing(&Shape::Map(BOUNDARY))),
    may("requireFreshFactor", Shape::Flag),
    may("tags", Shape::TextMap(any, any, usize::MAX)),
];

const NAME_FORMATS: &[&str] = &["emailAddress", "persistent", "transient", "unspecified"];

const SAML: &[Field] = &[
    may("metadataFile", Shape::File("metadata", metadata)),
    may("metadata", Shape::Text(metadata)),
    may("entityId", Shape::Text(|text| super::shape::within(text, 1, 1_024))),
    may("acs", Shape::Text(web_address)),
    may("certificate", Shape::Text(certificate)),
    may("slo", Shape::Text(web_address)),
    may("nameId", Shape::Map(&[may("format", Shape::Word(NAME_FORMATS)), may("value", Shape::Text(value))])),
    may(
        "attributes",
        Shape::Maps(&[
            must("name", Shape::Text(|text| super::shape::within(text, 1, 255))),
            must("value", Shape::Text(value)),
            may("format", Shape::Word(&["unspecified", "basic", "uri"])),
        ]),
    ),
    may("sign", Shape::Word(&["assertion", "response", "both"])),
    may("encryptAssertion", Shape::Flag),
    may("relayState", Shape::Text(|text| super::shape::within(text, 0, 1_024))),
    may("sessionDuration", Shape::Duration(900, 90 * 86_400)),
    may("idpInitiated", Shape::Flag),
];

const APPLICATION: &[Field] = &[
    must("name", TEXT),
    may("description", TEXT),
    may("startUrl", TEXT),
    may("status", Shape::Word(&["enabled", "disabled"])),
    may("visible", Shape::Flag),
    may("saml", Shape::OrNothing(&Shape::Map(SAML))),
    may("assignedTo", Shape::Elsewhere),
];

/// Metadata of a SAML party, as XML.
pub(super) fn metadata(text: &str) -> Result<(), Invalid> {
    let begins = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    if text.len() > 1 << 20 || !begins || text.contains('\0') {
        return Err(Invalid::new("must be XML of at most 1 MiB"));
    }
    Ok(())
}

fn certificate(text: &str) -> Result<(), Invalid> {
    let good =
        text.len() <= 16_384 && text.trim_start().starts_with("-----BEGIN CERTIFICATE-----") && !text.contains('\0');
    if good { Ok(()) } else { Err(Invalid::new("must be a certificate in PEM")) }
}

/// A text with `${user:…}` in it.
pub(super) fn value(text: &str) -> Result<(), Invalid> {
    super::shape::within(text, 1, 256)?;
    let mut rest = text;
    while let Some(begin) = rest.find("${") {
        let inner = rest.get(begin + 2..).unwrap_or_default();
        let Some(end) = inner.find('}') else {
            return Err(Invalid::new("holds a ${ without its }"));
        };
        let name = inner.get(..end).unwrap_or_default();
        let good = name.strip_prefix("user:").is_some_and(|field| {
            !field.is_empty() && field.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
        });
        if !good {
            return Err(Invalid::new("may hold ${user:…} only"));
        }
        rest = inner.get(end..).unwrap_or_default();
    }
    Ok(())
}

pub(super) fn account(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<Account> {
    let id_path = Path::Field(path, "id");
    let fields = reading.map(node, path, ACCOUNT);
    let id = own_name(node, path, "id", reading, str::parse::<AccountId>)?;
    known.note(Section::Accounts, id.value.to_string(), id.at, &id_path, reading.faults);
    let mut fields = fields?;
    fields.remove("id");
    Some(Account { index, id, fields, places: Places::of(node) })
}

pub(super) fn permission_set(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<PermissionSet> {
    let fields = reading.map(node, path, PERMISSION_SET);
    let name = own_name(node, path, "name", reading, PermissionSetName::parse)?;
    known.note(Section::PermissionSets, name.value.key(), name.at, &Path::Field(path, "name"), reading.faults);
    if let Some(boundary) = node.entry("permissionsBoundary")
        && let Content::Map(entries) = &boundary.content
        && (entries.is_empty()
            || ["managedPolicy", "customerManagedPolicy"].iter().all(|name| boundary.entry(name).is_some()))
    {
        let path = Path::Field(path, "permissionsBoundary");
        reading.faults.add(boundary.at, path, "must name either managedPolicy or customerManagedPolicy");
    }
    let mut fields = fields?;
    fields.remove("name");
    Some(PermissionSet { index, name, fields, places: Places::of(node) })
}

pub(super) fn application(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<Application> {
    // Whom it is assigned to is read by itself: names keep their places.
    let assigned_path = Path::Field(path, "assignedTo");
    let assigned_to = node.entry("assignedTo").map(|given| assigned(given, &assigned_path, reading));
    let fields = reading.map(node, path, APPLICATION);
    let name = own_name(node, path, "name", reading, ApplicationName::parse)?;
    known.note(Section::Applications, name.value.key(), name.at, &Path::Field(path, "name"), reading.faults);
    let mut fields = fields?;
    fields.remove("name");
    if let Some(saml) = node.entry("saml") {
        check_saml(saml, &Path::Field(path, "saml"), reading);
    }
    Some(Application { index, name, fields, places: Places::of(node), assigned_to: assigned_to.flatten() })
}

fn check_saml(saml: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) {
    let Content::Map(_) = &saml.content else { return };
    let has = |name: &str| saml.entry(name).is_some();
    let by_metadata = usize::from(has("metadataFile")) + usize::from(has("metadata"));
    let by_hand = has("entityId") || has("acs");
    if by_metadata + usize::from(by_hand) > 1 {
        let problem = "must have one of metadataFile, metadata, or entityId with acs";
        reading.faults.add(saml.at, path, problem);
    } else if by_metadata == 0 && by_hand && !(has("entityId") && has("acs")) {
        let lacking = if has("acs") { "entityId" } else { "acs" };
        reading.faults.add(saml.at, Path::Field(path, lacking), "is missing");
    }
}

fn assigned(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) -> Option<AssignedTo> {
    let fields = Fields::of(node, path, &["everyone", "groups", "users"], reading.faults)?;
    let name = |text: &str| super::people::reference(text).map(|()| text.to_owned());
    let everyone = fields.flag("everyone", reading.faults).unwrap_or(false);
    let groups = fields.all("groups", reading.faults, name).unwrap_or_default();
    let users = fields.all("users", reading.faults, name).unwrap_or_default();
    if everyone && !(groups.is_empty() && users.is_empty()) {
        reading.faults.add(node.at, path, "is for everyone, or for groups and users");
    }
    for (list, field) in [(&groups, "groups"), (&users, "users")] {
        let mut seen = std::collections::HashSet::new();
        for (index, said) in list.iter().enumerate() {
            if !seen.insert(model::name_key(&said.value)) {
                reading.faults.add(said.at, Path::Item(&Path::Field(path, field), index), "is given twice");
            }
        }
    }
    Some(AssignedTo { everyone, groups, users })
}

/// What makes a thing one among its kind. That it is there was asked with the other fields.
fn own_name<T>(
    node: &Node<'_>,
    path: &Path<'_>,
    field: &str,
    reading: &mut Reading<'_>,
    parse: fn(&str) -> Result<T, Invalid>,
) -> Option<Said<T>> {
    let inner = Path::Field(path, field);
    let name = node.entry(field)?;
    // A value that is no text was refused with the other fields already.
    name.text(&inner, &mut Faults::default())?;
    name.parsed(&inner, reading.faults, parse)
}
