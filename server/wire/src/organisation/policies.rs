//! Policies, roles, identity providers and service control policies: checked and kept whole until local accounts use them.

use model::{AccountId, Invalid};
use serde_json::Value;

use super::at::At;
use super::node::{Content, Node, Path};
use super::reader::Known;
use super::resources::metadata;
use super::shape::{Field, PolicyKind, Reading, Shape, arn, may, must, some_text, web_address, within};
use super::{Faults, Section, Stored};

fn account(text: &str) -> Result<(), Invalid> {
    text.parse::<AccountId>().map(drop)
}

fn policy_arn(text: &str) -> Result<(), Invalid> {
    arn(text, "iam", "policy/")
}

fn iam_name(text: &str) -> Result<(), Invalid> {
    let good =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if good { Ok(()) } else { Err(Invalid::new("must have 1 to 64 letters, digits or _ + = , . @ -")) }
}

fn iam_path(text: &str) -> Result<(), Invalid> {
    let good = text.len() <= 512
        && text.starts_with('/')
        && text.ends_with('/')
        && !text.contains("//")
        && text.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(()) } else { Err(Invalid::new("must begin and end with / as in /teams/core/")) }
}

fn provider_name(text: &str) -> Result<(), Invalid> {
    let good =
        (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if good { Ok(()) } else { Err(Invalid::new("must have 1 to 128 letters, digits or . _ -")) }
}

fn audience(text: &str) -> Result<(), Invalid> {
    within(text, 1, 255)
}

const POLICY: &[Field] = &[
    must("arn", Shape::Text(policy_arn)),
    may("description", Shape::Text(some_text)),
    must("document", Shape::Policy(PolicyKind::Identity)),
];

const ROLE: &[Field] = &[
    must("account", Shape::Text(account)),
    must("name", Shape::Text(iam_name)),
    may("path", Shape::Text(iam_path)),
    may("description", Shape::Text(some_text)),
    may("maxSessionDuration", Shape::Duration(3_600, 43_200)),
    must("trustPolicy", Shape::Policy(PolicyKind::Trust)),
    may("inlinePolicy", Shape::Policy(PolicyKind::Identity)),
    may("managedPolicies", Shape::Texts(policy_arn, false)),
];

const SAML_PROVIDER: &[Field] = &[
    must("account", Shape::Text(account)),
    must("type", Shape::Word(&["saml"])),
    must("name", Shape::Text(provider_name)),
    may("metadataFile", Shape::File("metadata")),
    may("metadata", Shape::Text(metadata)),
];

const OIDC_PROVIDER: &[Field] = &[
    must("account", Shape::Text(account)),
    must("type", Shape::Word(&["oidc"])),
    must("url", Shape::Text(web_address)),
    must("audiences", Shape::Texts(audience, true)),
];

const SERVICE_CONTROL_POLICY: &[Field] = &[
    must("name", Shape::Text(|text| within(text, 1, 128))),
    may("description", Shape::Text(some_text)),
    must("accounts", Shape::Accounts),
    must("document", Shape::Policy(PolicyKind::ServiceControl)),
];

/// One thing of these sections.
pub(super) fn thing(
    section: Section,
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<Stored> {
    reading.accounts.clear();
    let is_oidc = node.entry("type").and_then(|kind| kind.text(path, &mut Faults::default())) == Some("oidc");
    let fields = match section {
        Section::Policies => POLICY,
        Section::Roles => ROLE,
        Section::IdentityProviders => {
            check_type(node, path, reading, &["saml", "oidc"])?;
            if is_oidc { OIDC_PROVIDER } else { SAML_PROVIDER }
        }
        _ => SERVICE_CONTROL_POLICY,
    };
    let body = reading.map(node, path, fields)?;
    if section == Section::IdentityProviders && !is_oidc {
        one_metadata(node, path, reading);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let (name, own) = match section {
        Section::Policies => (text("arn")?.to_owned(), "arn"),
        Section::Roles => (format!("{}{}{}", text("account")?, text("path").unwrap_or("/"), text("name")?), "name"),
        Section::IdentityProviders if is_oidc => (format!("{}/oidc/{}", text("account")?, text("url")?), "url"),
        Section::IdentityProviders => (format!("{}/saml/{}", text("account")?, text("name")?), "name"),
        _ => (text("name")?.to_owned(), "name"),
    };
    let mut accounts = std::mem::take(&mut reading.accounts);
    if let (Some(said), Some(id)) = (node.entry("account"), text("account").and_then(|id| id.parse().ok())) {
        accounts.push(super::Said { value: id, at: said.at });
    }
    let at = node.entry(own).map_or(node.at, |own| own.at);
    known.note(section, model::name_key(&name), at, &Path::Field(path, own), reading.faults);
    Some(Stored { at: node.at, name, index, body: Value::Object(body), accounts })
}

/// Says early what kinds there are, so that no field of another kind is called unknown.
pub(super) fn check_type(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>, kinds: &[&str]) -> Option<()> {
    node.map(path, reading.faults)?;
    let inner = Path::Field(path, "type");
    let Some(kind) = node.entry("type") else {
        reading.faults.add(node.at, inner, format!("is missing: {}", super::shape::alternatives(kinds)));
        return None;
    };
    let text = kind.text(&inner, reading.faults)?;
    if kinds.contains(&text) {
        return Some(());
    }
    reading.faults.add(kind.at, inner, format!("must be {}", super::shape::alternatives(kinds)));
    None
}

/// Exactly one of the two ways to give metadata.
pub(super) fn one_metadata(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) {
    match (node.entry("metadataFile"), node.entry("metadata")) {
        (None, None) => reading.faults.add(node.at, Path::Field(path, "metadataFile"), "is missing"),
        (Some(_), Some(second)) => {
            reading.faults.add(second.at, Path::Field(path, "metadata"), "and metadataFile exclude one another");
        }
        _ => {}
    }
}

/// A policy document: the form of its outermost parts.
pub(super) fn document(node: &Node<'_>, path: &Path<'_>, kind: PolicyKind, faults: &mut Faults) -> Option<Value> {
    let entries = node.map(path, faults)?;
    let mut good = true;
    let mut note = |at: At, path: Path<'_>, problem: &str| {
        good = false;
        faults.add(at, path, problem);
    };
    for entry in entries {
        let inner = Path::Field(path, &entry.key);
        match entry.key.as_ref() {
            "Version" => {
                if !matches!(entry.value.json().as_str(), Some("2012-10-17" | "2008-10-17")) {
                    note(entry.value.at, inner, "must be \"2012-10-17\"");
                }
            }
            "Id" => {}
            "Statement" => match &entry.value.content {
                Content::List(statements) => {
                    for (index, statement) in statements.iter().enumerate() {
                        check_statement(statement, Path::Item(&inner, index), kind, &mut note);
                    }
                }
                Content::Map(_) => check_statement(&entry.value, inner, kind, &mut note),
                Content::Scalar { .. } => note(entry.value.at, inner, "must be a list of statements"),
            },
            _ => note(entry.at, inner, "is not known in a policy; possible are Version, Id, Statement"),
        }
    }
    if node.entry("Statement").is_none() {
        note(node.at, Path::Field(path, "Statement"), "is missing");
    }
    good.then(|| node.json())
}

const IN_A_STATEMENT: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn check_statement(node: &Node<'_>, path: Path<'_>, kind: PolicyKind, note: &mut dyn FnMut(At, Path<'_>, &str)) {
    let Content::Map(entries) = &node.content else {
        note(node.at, path, "must be a map");
        return;
    };
    for entry in entries {
        let inner = Path::Field(&path, &entry.key);
        let known = IN_A_STATEMENT.contains(&entry.key.as_ref());
        if !known {
            note(entry.at, inner, "is not known in a statement");
        } else if entry.key == "Effect" && !matches!(entry.value.json().as_str(), Some("Allow" | "Deny")) {
            note(entry.value.at, inner, "must be Allow or Deny");
        } else if entry.key.ends_with("Principal") && kind != PolicyKind::Trust {
            note(entry.at, inner, "is for trust policies only");
        } else if entry.key.ends_with("Resource") && kind == PolicyKind::Trust {
            note(entry.at, inner, "is not for trust policies");
        }
    }
    let has = |name: &str| node.entry(name).is_some();
    if !has("Effect") {
        note(node.at, Path::Field(&path, "Effect"), "is missing");
    }
    let mut either = |one: &str, other: &str| match (has(one), has(other)) {
        (false, false) => note(node.at, Path::Field(&path, one), "is missing"),
        (true, true) => note(node.at, Path::Field(&path, other), "is given beside its opposite"),
        _ => {}
    };
    either("Action", "NotAction");
    match kind {
        PolicyKind::Trust => either("Principal", "NotPrincipal"),
        _ => either("Resource", "NotResource"),
    }
}
