//! Policies, roles, identity providers and service control policies: checked and kept whole until local accounts use them.

use model::iam::{self, Rules};
use model::{AccountId, Invalid};
use serde_json::Value;

use super::node::{Node, Path};
use super::reader::Known;
use super::resources::metadata;
use super::shape::{Field, Reading, Shape, arn, may, must, new, some_text, web_address, within};
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
    new("document", Shape::Policy(Rules::MANAGED)),
];

const ROLE: &[Field] = &[
    must("account", Shape::Text(account)),
    must("name", Shape::Text(iam_name)),
    may("path", Shape::Text(iam_path)),
    may("description", Shape::Text(some_text)),
    may("maxSessionDuration", Shape::Duration(3_600, 43_200)),
    new("trustPolicy", Shape::Policy(Rules::TRUST)),
    may("inlinePolicy", Shape::Policy(Rules::INLINE)),
    may("managedPolicies", Shape::Texts(policy_arn, false)),
];

const SAML_PROVIDER: &[Field] = &[
    must("account", Shape::Text(account)),
    must("type", Shape::Word(&["saml"])),
    must("name", Shape::Text(provider_name)),
    may("metadataFile", Shape::File("metadata", metadata)),
    may("metadata", Shape::Text(metadata)),
];

const OIDC_PROVIDER: &[Field] = &[
    must("account", Shape::Text(account)),
    must("type", Shape::Word(&["oidc"])),
    must("url", Shape::Text(web_address)),
    new("audiences", Shape::Texts(audience, true)),
];

const SERVICE_CONTROL_POLICY: &[Field] = &[
    must("name", Shape::Text(|text| within(text, 1, 128))),
    may("description", Shape::Text(some_text)),
    new("accounts", Shape::Accounts),
    new("document", Shape::Policy(Rules::SCP)),
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
    reading.lacking.clear();
    let mut is_oidc = false;
    let fields = match section {
        Section::Policies => POLICY,
        Section::Roles => ROLE,
        Section::IdentityProviders => {
            is_oidc = reading.kind(node, path, &["saml", "oidc"])? == "oidc";
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
        // As in AWS: a role's name is taken in its account, whatever its path.
        Section::Roles => (format!("{}/{}", text("account")?, text("name")?), "name"),
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
    let lacking = std::mem::take(&mut reading.lacking);
    Some(Stored { at: node.at, name, index, body: Value::Object(body), lacking, accounts })
}

/// Exactly one of the two ways to give metadata.
pub(super) fn one_metadata(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) {
    match (node.entry("metadataFile"), node.entry("metadata")) {
        (None, None) => reading.lacking.push("metadataFile".to_owned()),
        (Some(_), Some(second)) => {
            reading.faults.add(second.at, Path::Field(path, "metadata"), "and metadataFile exclude one another");
        }
        _ => {}
    }
}

/// A policy document, by the grammar of IAM.
pub(super) fn document(node: &Node<'_>, path: &Path<'_>, rules: Rules, faults: &mut Faults) -> Option<Value> {
    node.map(path, faults)?;
    let value = node.json();
    let checked = iam::check(&value.to_string(), rules);
    let mut good = true;
    for finding in checked.errors() {
        good = false;
        let at = node.element(&finding.path);
        match finding.path.as_str() {
            "" => faults.add(at, path, finding.message.clone()),
            element => faults.add(at, Path::Field(path, element), finding.message.clone()),
        }
    }
    good.then_some(value)
}
