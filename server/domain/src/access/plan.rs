//! What a plan says, before anything is applied: the changes, who gains and loses what by them, and what to look at twice.
//! These are the words of `vestibule plan --json`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A whole plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Each thing that would be made, changed or removed.
    pub changes: Vec<PlannedChange>,
    /// Whose access would be another one; nobody else is named.
    pub access: Vec<PersonAccess>,
    /// What to look at twice, as sentences.
    pub warnings: Vec<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What is done.
    pub op: Op,
    /// To what kind of thing: `user`, `group`, `assignment`, …
    pub kind: Cow<'static, str>,
    /// Its name.
    pub name: String,
    /// What differs.
    pub fields: BTreeMap<Cow<'static, str>, FieldChange>,
}

/// What is done to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Create,
    Update,
    Delete,
}

impl Op {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Create => "create",
            Op::Update => "update",
            Op::Delete => "delete",
        }
    }
}

/// A field before and after; nothing where the thing is not there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    pub from: Value,
    pub to: Value,
}

/// What one person gains and loses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonAccess {
    pub user: String,
    pub gains: Vec<Access>,
    pub loses: Vec<Access>,
}

/// A permission set in an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    pub account: AccountId,
    pub permission_set: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_written_in_the_agreed_words() {
        let reach = Access { account: "111122223333".parse().unwrap(), permission_set: "ReadOnly".to_owned() };
        let plan = Plan {
            changes: vec![PlannedChange {
                op: Op::Update,
                kind: "user".into(),
                name: "alice".to_owned(),
                fields: [("email".into(), FieldChange { from: Value::Null, to: "a@example.com".into() })].into(),
            }],
            access: vec![PersonAccess { user: "alice".to_owned(), gains: vec![reach], loses: vec![] }],
            warnings: vec!["Look.".to_owned()],
        };
        let json = serde_json::json!({
            "changes": [{"op": "update", "kind": "user", "name": "alice",
                "fields": {"email": {"from": null, "to": "a@example.com"}}}],
            "access": [{"user": "alice", "gains": [{"account": "111122223333", "permissionSet": "ReadOnly"}], "loses": []}],
            "warnings": ["Look."],
        });
        assert_eq!(serde_json::to_value(&plan).unwrap(), json);
        assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
    }
}
