//! The policy language of IAM, read strictly: JSON with the place of every element, then the grammar.
//!
//! It stands here, and not with the other formats of the server, because the editor in the browser checks while somebody types
//! and must say exactly what the server says when the form is posted.

mod grammar;
pub mod json;
mod policy;
mod principal;
mod template;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;

pub use json::Place;
pub use policy::{
    Action, Choice, Comparison, Condition, Effect, Operator, Part, Policy, Principal, SetOperator, Statement, Template,
    ValueKind, Version,
};

/// The most characters of a document in all, whatever it is for.
pub const LONGEST: usize = 32_768;
/// The most findings that are listed.
pub const MOST_FINDINGS: usize = 100;

/// Where a policy stands: who it is about follows from that, or must be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With people, roles and permission sets.
    Identity,
    /// With a role: who may assume it.
    Trust,
    /// With a resource.
    Resource,
    /// With accounts: what nobody in them exceeds.
    Scp,
}

/// What a document is checked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Where it stands.
    pub kind: Kind,
    /// The most characters that are no white space.
    pub most: usize,
}

impl Rules {
    /// The inline policy of a permission set or a role.
    pub const INLINE: Rules = Rules { kind: Kind::Identity, most: 10_240 };
    /// A managed policy.
    pub const MANAGED: Rules = Rules { kind: Kind::Identity, most: 6_144 };
    /// The trust policy of a role.
    pub const TRUST: Rules = Rules { kind: Kind::Trust, most: 4_096 };
    /// The policy of a resource.
    pub const RESOURCE: Rules = Rules { kind: Kind::Resource, most: 20_480 };
    /// A service control policy.
    pub const SCP: Rules = Rules { kind: Kind::Scp, most: 5_120 };
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is accepted, and may not mean what its writer meant.
    Warning,
}

/// Something that is wrong or worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it begins.
    pub at: Place,
    /// The element: `Statement[0].Condition.IpAddress`; empty for the document itself. Elements of lists count from zero.
    pub path: String,
    /// Follows the name of the element: "must be Allow or Deny".
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// What a check comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The policy; nothing where a finding is an error.
    pub policy: Option<Policy>,
    /// In the order of the document.
    pub findings: Vec<Finding>,
    /// Its characters that are no white space.
    pub size: usize,
}

impl Checked {
    /// Whether the document is accepted.
    pub fn is_valid(&self) -> bool {
        self.policy.is_some()
    }

    /// What it is refused for.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }
}

/// How large a document is by AWS's way of counting.
pub fn size(text: &str) -> usize {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).count()
}

/// Checks a document and reads it.
pub fn check(text: &str, rules: Rules) -> Checked {
    let size = size(text);
    let stop = |at: Place, message: String| Checked {
        policy: None,
        findings: vec![Finding { at, path: String::new(), message, severity: Severity::Error }],
        size,
    };
    let start = Place { line: 1, column: 1 };
    let longest = text.chars().count();
    if longest > LONGEST {
        return stop(start, format!("The document has {longest} characters. At most {LONGEST} are allowed."));
    }
    if let Some((at, c)) = strange(text) {
        return stop(at, format!("AWS takes Western European characters only, not U+{:04X}.", u32::from(c)));
    }
    if text.trim().is_empty() {
        return stop(start, "There is nothing here yet.".to_owned());
    }
    let document = match json::read(text) {
        Ok(document) => document,
        Err(broken) => return stop(broken.at, sentence(&broken.reason)),
    };
    let (policy, mut findings) = grammar::read(&document, rules.kind);
    if size > rules.most {
        let message =
            format!("The document has {size} characters without white space. At most {} are allowed.", rules.most);
        findings.push(Finding { at: start, path: String::new(), message, severity: Severity::Error });
    }
    findings.sort_by_key(|finding| finding.at);
    let refused = findings.iter().any(|finding| finding.severity == Severity::Error);
    // What refuses a document is never cut off by what only warns.
    if findings.len() > MOST_FINDINGS {
        findings.sort_by_key(|finding| finding.severity == Severity::Warning);
        findings.truncate(MOST_FINDINGS);
        findings.sort_by_key(|finding| finding.at);
    }
    Checked { policy: policy.filter(|_| !refused), findings, size }
}

/// The first character outside of what AWS takes: `[\u0009\u000A\u000D\u0020-\u00FF]`.
fn strange(text: &str) -> Option<(Place, char)> {
    let mut at = Place { line: 1, column: 1 };
    for c in text.chars() {
        match c {
            '\n' => at = Place { line: at.line.saturating_add(1), column: 1 },
            '\t' | '\r' | ' '..='\u{ff}' => at.column = at.column.saturating_add(1),
            strange => return Some((at, strange)),
        }
    }
    None
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
