//! What changed in a permission set, as the events that AWS would have written for it.

use std::collections::BTreeSet;

use model::PermissionSetId;
use serde_json::{Map, Value, json};

use super::input::PermissionSet;
use crate::audit::Event;

/// The events of one change; none where nothing changed. `before` is nothing for a new permission set.
pub(super) fn of(id: PermissionSetId, before: Option<&PermissionSet>, after: &PermissionSet) -> Vec<Event> {
    let mut events = Vec::new();
    let mut note = |action: &'static str, changes: Value| {
        events.push(Event::done(action).on("permissionSet", id, after.name.as_str()).with(changes));
    };
    match before {
        None => note(
            "CreatePermissionSet",
            json!({
                "name": after.name, "description": after.description, "sessionDuration": after.session,
                "relayState": after.relay_state, "requireFreshFactor": after.require_fresh_factor, "tags": after.tags,
            }),
        ),
        Some(before) => {
            let fields = fields(before, after);
            if !fields.is_empty() {
                note("UpdatePermissionSet", Value::Object(fields));
            }
        }
    }
    let was: BTreeSet<_> = before.map(|set| set.managed_policies.iter().collect()).unwrap_or_default();
    let is: BTreeSet<_> = after.managed_policies.iter().collect();
    for arn in is.difference(&was) {
        note("AttachManagedPolicyToPermissionSet", json!({"managedPolicyArn": arn}));
    }
    for arn in was.difference(&is) {
        note("DetachManagedPolicyFromPermissionSet", json!({"managedPolicyArn": arn}));
    }
    let was: BTreeSet<_> = before.map(|set| set.customer_managed_policies.iter().collect()).unwrap_or_default();
    let is: BTreeSet<_> = after.customer_managed_policies.iter().collect();
    for policy in is.difference(&was) {
        note("AttachCustomerManagedPolicyReferenceToPermissionSet", json!({"customerManagedPolicyReference": policy}));
    }
    for policy in was.difference(&is) {
        note(
            "DetachCustomerManagedPolicyReferenceFromPermissionSet",
            json!({"customerManagedPolicyReference": policy}),
        );
    }
    let was = before.and_then(|set| set.inline_policy.as_ref());
    match &after.inline_policy {
        Some(policy) if was.is_none_or(|was| was.as_str() != policy.as_str()) => note(
            "PutInlinePolicyToPermissionSet",
            json!({"inlinePolicy": {"from": was.map(super::PolicyText::as_str), "to": policy.as_str()}}),
        ),
        None if was.is_some() => note(
            "DeleteInlinePolicyFromPermissionSet",
            json!({"inlinePolicy": {"from": was.map(super::PolicyText::as_str)}}),
        ),
        _ => {}
    }
    let was = before.and_then(|set| set.permissions_boundary.as_ref());
    match &after.permissions_boundary {
        Some(boundary) if was != Some(boundary) => {
            note(
                "PutPermissionsBoundaryToPermissionSet",
                json!({"permissionsBoundary": {"from": was, "to": boundary}}),
            );
        }
        None if was.is_some() => {
            note("DeletePermissionsBoundaryFromPermissionSet", json!({"permissionsBoundary": {"from": was}}));
        }
        _ => {}
    }
    if let Some(before) = before {
        let put: Map<String, Value> = after
            .tags
            .iter()
            .filter(|(key, value)| before.tags.get(*key) != Some(value))
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        if !put.is_empty() {
            note("TagResource", json!({"tags": put}));
        }
        let gone: Vec<&String> = before.tags.keys().filter(|key| !after.tags.contains_key(*key)).collect();
        if !gone.is_empty() {
            note("UntagResource", json!({"tagKeys": gone}));
        }
    }
    events
}

/// What `UpdatePermissionSet` is about.
fn fields(before: &PermissionSet, after: &PermissionSet) -> Map<String, Value> {
    let pairs = [
        ("description", json!(before.description), json!(after.description)),
        ("sessionDuration", json!(before.session), json!(after.session)),
        ("relayState", json!(before.relay_state), json!(after.relay_state)),
        ("requireFreshFactor", json!(before.require_fresh_factor), json!(after.require_fresh_factor)),
    ];
    pairs
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(field, from, to)| (field.to_owned(), json!({"from": from, "to": to})))
        .collect()
}
