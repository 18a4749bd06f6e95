//! Principals: whom the policy of a role or of a resource is about.

use super::Kind;
use super::grammar::{Reader, one_or_many};
use super::json::{Node, Value};
use super::policy::Principal;
use super::template::cut;

/// Reads a `Principal` or `NotPrincipal`.
pub(super) fn read(reader: &mut Reader, node: &Node, path: &str) -> Vec<Principal> {
    let kinds = match &node.value {
        Value::Text(text) if text == "*" => {
            if reader.kind == Kind::Trust {
                reader.warn(node.at, path, "lets everybody in: only a condition keeps strangers out");
            }
            return vec![Principal::Anyone];
        }
        Value::Object(kinds) => kinds,
        _ => {
            reader.error(node.at, path, "must be * or an object such as {\"AWS\": \"111122223333\"}");
            return Vec::new();
        }
    };
    if kinds.is_empty() {
        reader.error(node.at, path, "must not be empty");
    }
    let mut found = Vec::new();
    for member in kinds {
        let path = format!("{path}.{}", cut(&member.key));
        if !matches!(member.key.as_str(), "AWS" | "Service" | "Federated" | "CanonicalUser") {
            reader.error(member.at, &path, "is not known here. Known are AWS, Service, Federated, CanonicalUser");
            continue;
        }
        if matches!(&member.node.value, Value::List(nodes) if nodes.is_empty()) {
            reader.error(member.node.at, &path, "must not be empty");
        }
        for (node, path) in one_or_many(&member.node, &path) {
            let Value::Text(text) = &node.value else {
                reader.error(node.at, &path, format!("must be a text, not {}", node.value.kind()));
                continue;
            };
            match of_kind(&member.key, text) {
                Ok(principal) => found.push(principal),
                Err(fault) => reader.error(node.at, &path, format!("{fault}, not “{}”", cut(text))),
            }
        }
    }
    found
}

fn of_kind(kind: &str, text: &str) -> Result<Principal, &'static str> {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"*?".contains(&b));
    match kind {
        "AWS" if text == "*" => Ok(Principal::Anyone),
        "AWS" if is_aws(text) => Ok(Principal::Aws(text.to_owned())),
        "AWS" => Err("must be twelve digits, an id or an ARN of IAM or STS without wildcards"),
        "Service" if word(text) && text.contains('.') && !text.contains('/') => Ok(Principal::Service(text.to_owned())),
        "Service" => Err("must be a service such as ec2.amazonaws.com"),
        "Federated" if word(text) && (text.starts_with("arn:") || text.contains('.')) => {
            Ok(Principal::Federated(text.to_owned()))
        }
        "Federated" => Err("must be the ARN of an identity provider or its name"),
        _ if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(Principal::CanonicalUser(text.to_owned()))
        }
        _ => Err("must be 64 hexadecimal digits"),
    }
}

/// An account, an id such as `AROA…`, or an ARN of somebody.
fn is_aws(text: &str) -> bool {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if account(text) {
        return true;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [scheme, partition, service, region, owner, resource] = parts.as_slice() else {
        return (16..=128).contains(&text.len())
            && text.starts_with('A')
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    };
    *scheme == "arn"
        && partition.starts_with("aws")
        && matches!(*service, "iam" | "sts" | "cloudfront")
        && region.is_empty()
        && (account(owner) || *service == "cloudfront" || *owner == "cloudfront")
        && !resource.is_empty()
        && !resource.contains(['*', '?'])
}
