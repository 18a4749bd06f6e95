//! Directories that people may come from: checked and kept whole until they can be connected to.

use model::Invalid;
use serde_json::Value;

use super::node::{Node, Path};
use super::policies::one_metadata;
use super::reader::Known;
use super::resources::metadata;
use super::shape::{Field, Reading, Shape, may, must, new, some_text, web_address, within};
use super::{Faults, Section, Stored};

fn name(text: &str) -> Result<(), Invalid> {
    let good = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        && text != "builtin";
    if good { Ok(()) } else { Err(Invalid::new("must have 1 to 64 letters, digits or _ . - and not be builtin")) }
}

fn ldap_address(text: &str) -> Result<(), Invalid> {
    let host = text.strip_prefix("ldaps://").or_else(|| text.strip_prefix("ldap://")).unwrap_or_default();
    let good = !host.is_empty() && text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(()) } else { Err(Invalid::new("must be an address such as ldaps://ldap.example.com:636")) }
}

fn certificates(text: &str) -> Result<(), Invalid> {
    let good = text.len() <= 1 << 20 && text.contains("-----BEGIN CERTIFICATE-----") && !text.contains('\0');
    if good { Ok(()) } else { Err(Invalid::new("must be certificates in PEM")) }
}

fn attribute(text: &str) -> Result<(), Invalid> {
    within(text, 1, 256)
}

fn suffix(text: &str) -> Result<(), Invalid> {
    let good = (1..=253).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
    if good { Ok(()) } else { Err(Invalid::new("must be a domain such as example.com")) }
}

fn filter(text: &str) -> Result<(), Invalid> {
    some_text(text)?;
    let mut depth = 0_i32;
    for c in text.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth < 0 {
            break;
        }
    }
    if depth == 0 && text.starts_with('(') {
        Ok(())
    } else {
        Err(Invalid::new("must be a filter such as (objectClass=person)"))
    }
}

const ATTRIBUTE: Shape = Shape::Text(attribute);

const LDAP: &[Field] = &[
    must("name", Shape::Text(name)),
    must("type", Shape::Word(&["ldap", "active-directory"])),
    new("url", Shape::Text(ldap_address)),
    may("startTls", Shape::Flag),
    may("allowPlaintext", Shape::Flag),
    may("caFile", Shape::File("ca", certificates)),
    may("ca", Shape::Text(certificates)),
    may("bindDn", Shape::Text(some_text)),
    may("bindPassword", Shape::Secret),
    new(
        "users",
        Shape::Map(&[
            must("base", Shape::Text(some_text)),
            may("filter", Shape::Text(filter)),
            may("id", ATTRIBUTE),
            may("userName", ATTRIBUTE),
            may("email", ATTRIBUTE),
            may("givenName", ATTRIBUTE),
            may("familyName", ATTRIBUTE),
            may("displayName", ATTRIBUTE),
        ]),
    ),
    may(
        "groups",
        Shape::Map(&[
            must("base", Shape::Text(some_text)),
            may("filter", Shape::Text(filter)),
            may("name", ATTRIBUTE),
            may("member", ATTRIBUTE),
            may("nested", Shape::Flag),
        ]),
    ),
    may("login", Shape::Map(&[may("suffixes", Shape::Texts(suffix, false))])),
    may(
        "sync",
        Shape::Map(&[
            may("every", Shape::Duration(60, 7 * 86_400)),
            may("maxDisablePercent", Shape::Number(0, 100)),
            may("revalidate", Shape::Duration(0, 7 * 86_400)),
        ]),
    ),
];

const CLAIMS: &[Field] = &[
    may("userName", ATTRIBUTE),
    may("email", ATTRIBUTE),
    may("givenName", ATTRIBUTE),
    may("familyName", ATTRIBUTE),
    may("displayName", ATTRIBUTE),
    may("groups", ATTRIBUTE),
];

const OIDC: &[Field] = &[
    must("name", Shape::Text(name)),
    must("type", Shape::Word(&["oidc"])),
    new("issuer", Shape::Text(web_address)),
    new("clientId", Shape::Text(some_text)),
    may("clientSecret", Shape::Secret),
    may("claims", Shape::Map(CLAIMS)),
    may("login", Shape::Map(&[may("suffixes", Shape::Texts(suffix, false))])),
    may("createPeople", Shape::Flag),
    may("trustFactors", Shape::Flag),
    may("expireAfter", Shape::Duration(86_400, 3_650 * 86_400)),
];

const SAML: &[Field] = &[
    must("name", Shape::Text(name)),
    must("type", Shape::Word(&["saml"])),
    may("metadataFile", Shape::File("metadata", metadata)),
    may("metadata", Shape::Text(metadata)),
    may("attributes", Shape::Map(CLAIMS)),
    may("login", Shape::Map(&[may("suffixes", Shape::Texts(suffix, false))])),
    may("createPeople", Shape::Flag),
    may("trustFactors", Shape::Flag),
    may("expireAfter", Shape::Duration(86_400, 3_650 * 86_400)),
];

/// A directory.
pub(super) fn directory(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<Stored> {
    reading.lacking.clear();
    let kind = reading.kind(node, path, &["ldap", "active-directory", "oidc", "saml"])?;
    let fields = match kind {
        "oidc" => OIDC,
        "saml" => SAML,
        _ => LDAP,
    };
    let body = reading.map(node, path, fields)?;
    match kind {
        "oidc" => {}
        "saml" => one_metadata(node, path, reading),
        _ => check_ldap(node, path, reading),
    }
    let name = body.get("name").and_then(Value::as_str)?.to_owned();
    let at = node.entry("name").map_or(node.at, |name| name.at);
    known.note(Section::Directories, model::name_key(&name), at, &Path::Field(path, "name"), reading.faults);
    let lacking = std::mem::take(&mut reading.lacking);
    Some(Stored { at: node.at, name, index, body: Value::Object(body), lacking, accounts: Vec::new() })
}

/// Nothing travels in clear, but on this machine.
fn check_ldap(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) {
    if let (Some(_), Some(second)) = (node.entry("caFile"), node.entry("ca")) {
        reading.faults.add(second.at, Path::Field(path, "ca"), "and caFile exclude one another");
    }
    let quiet = &mut Faults::default();
    let Some(url) = node.entry("url").and_then(|url| url.text(path, quiet).map(|text| (url.at, text))) else {
        // They can only be judged together.
        for name in ["startTls", "allowPlaintext"] {
            if let Some(said) = node.entry(name).filter(|_| node.entry("url").is_none()) {
                reading.faults.add(said.at, Path::Field(path, name), "must stand beside url");
            }
        }
        return;
    };
    let on = |name: &str| node.entry(name).is_some_and(|flag| flag.flag(path, &mut Faults::default()) == Some(true));
    let Some(host) = url.1.strip_prefix("ldap://") else { return };
    let here = ["localhost", "127.", "[::1]"].iter().any(|name| host.starts_with(name));
    if !(on("startTls") || (on("allowPlaintext") && here)) {
        let problem = "must be ldaps://, or ldap:// with startTls: true (or allowPlaintext: true to this machine)";
        reading.faults.add(url.0, Path::Field(path, "url"), problem);
    }
}
