//! The text of a policy document: kept as it was written, compared and exported by what it says.

use model::iam::{self, Checked, Rules};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A policy document. Equal are those that say the same, however they are laid out.
#[derive(Clone, Debug)]
pub struct PolicyText(String);

impl PolicyText {
    /// As somebody wrote it. Line ends of forms become plain ones.
    pub fn new(text: &str) -> Self {
        Self(text.replace("\r\n", "\n"))
    }

    /// A document that came as values, laid out for people.
    pub fn from_value(document: &Value) -> Self {
        let mut text = String::new();
        lay_out(document, 0, &mut text);
        // The limit counts white space too; a document near it is kept tight.
        if text.chars().count() > iam::LONGEST { Self(document.to_string()) } else { Self(text) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads it by the grammar of IAM, with everything that is wrong or worth a look.
    pub fn checked(&self) -> Checked {
        iam::check(&self.0, Rules::INLINE)
    }

    /// What it is refused for: where in the document, and why.
    pub(super) fn faults(&self) -> Vec<(String, String)> {
        let refused = self.checked();
        refused
            .errors()
            .map(|finding| match finding.path.as_str() {
                "" => (String::new(), format!("cannot be read at {}: {}", finding.at, finding.message)),
                path => (format!(".{path}"), finding.message.clone()),
            })
            .collect()
    }

    fn value(&self) -> Option<Value> {
        serde_json::from_str(&self.0).ok()
    }
}

impl PartialEq for PolicyText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || matches!((self.value(), other.value()), (Some(one), Some(two)) if one == two)
    }
}

impl Eq for PolicyText {}

impl Serialize for PolicyText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.value() {
            Some(value) => value.serialize(to),
            None => to.serialize_str(&self.0),
        }
    }
}

/// From an object, or from its text, as AWS's APIs carry it.
impl<'de> Deserialize<'de> for PolicyText {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Self::new(&text)),
            object @ Value::Object(_) => Ok(Self::from_value(&object)),
            _ => Err(serde::de::Error::custom("must be a policy document")),
        }
    }
}

/// The order in which people write the elements.
const USUAL: [&str; 12] = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

fn place(key: &str) -> usize {
    USUAL.iter().position(|usual| *usual == key).unwrap_or(USUAL.len())
}

/// Two spaces a level; lists of one stay on their line.
fn lay_out(value: &Value, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Object(object) if !object.is_empty() => {
            out.push('{');
            for (index, (key, inner)) in in_order(object).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                lay_out(inner, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        Value::Array(list) if list.len() > 1 || list.iter().any(Value::is_object) => {
            out.push('[');
            for (index, inner) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                lay_out(inner, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn in_order(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by_key(|(key, _)| place(key));
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PolicyText;

    #[test]
    fn documents_are_laid_out_as_people_write_them() {
        let document = json!({"Statement": [{"Resource": "*", "Action": ["s3:Get*", "s3:List*"], "Effect": "Allow", "Sid": "Read"}], "Version": "2012-10-17"});
        let expected = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": [
        "s3:Get*",
        "s3:List*"
      ],
      "Resource": "*"
    }
  ]
}"#;
        assert_eq!(PolicyText::from_value(&document).as_str(), expected);
    }

    #[test]
    fn documents_are_equal_when_they_say_the_same() {
        let one = PolicyText::new("{\"Version\": \"2012-10-17\",\r\n \"Statement\": []}");
        assert_eq!(one, PolicyText::from_value(&json!({"Statement": [], "Version": "2012-10-17"})));
        assert_ne!(one, PolicyText::new("{\"Version\": \"2008-10-17\", \"Statement\": []}"));
        assert_ne!(PolicyText::new("{"), PolicyText::new("["));
        assert_eq!(serde_json::to_value(&one).unwrap(), json!({"Version": "2012-10-17", "Statement": []}));
    }
}
