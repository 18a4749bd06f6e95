//! The grammar: which elements a policy has, what each may hold, and what is allowed but seldom meant.

use std::collections::BTreeSet;

use super::json::{Member, Node, Place, Value};
use super::policy::{
    Action, Choice, Condition, Effect, Operator, Policy, Principal, Statement, Template, ValueKind, Version,
};
use super::template::{cut, is_key};
use super::{Finding, Kind, Severity, principal, template, values};

/// Reads a document: the policy as far as it could be understood, and everything that is wrong with it.
pub(super) fn read(document: &Node, kind: Kind) -> (Option<Policy>, Vec<Finding>) {
    let mut reader = Reader { kind, version: Version::V2008, findings: Vec::new(), sids: BTreeSet::new() };
    let policy = reader.policy(document);
    (policy, reader.findings)
}

pub(super) struct Reader {
    pub(super) kind: Kind,
    pub(super) version: Version,
    findings: Vec<Finding>,
    sids: BTreeSet<String>,
}

/// The members of an object that a grammar knows.
struct Members<'d> {
    at: Place,
    members: &'d [Member],
}

impl<'d> Members<'d> {
    fn get(&self, key: &str) -> Option<&'d Member> {
        self.members.iter().find(|member| member.key == key)
    }
}

/// The path of a member.
fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Reader {
    fn note(&mut self, severity: Severity, at: Place, path: &str, message: String) {
        self.findings.push(Finding { at, path: path.to_owned(), message, severity });
    }

    /// Something that refuses the document.
    pub(super) fn error(&mut self, at: Place, path: &str, message: impl Into<String>) {
        self.note(Severity::Error, at, path, message.into());
    }

    /// Something that is seldom meant.
    pub(super) fn warn(&mut self, at: Place, path: &str, message: impl Into<String>) {
        self.note(Severity::Warning, at, path, message.into());
    }

    /// An object with these keys and no others.
    fn object<'d>(&mut self, node: &'d Node, path: &str, known: &[&str]) -> Option<Members<'d>> {
        let Value::Object(members) = &node.value else {
            let what = if path.is_empty() { "The document must be" } else { "must be" };
            self.error(node.at, path, format!("{what} an object, not {}", node.value.kind()));
            return None;
        };
        for member in members.iter().filter(|member| !known.contains(&member.key.as_str())) {
            let near = known.iter().find(|known| is_near(known, &member.key));
            let message = match near {
                Some(near) => format!("is no element of a policy. “{near}” is"),
                None => format!("is not known here. Known are {}", known.join(", ")),
            };
            self.error(member.at, &below(path, &cut(&member.key)), message);
        }
        Some(Members { at: node.at, members })
    }

    fn text<'d>(&mut self, node: &'d Node, path: &str) -> Option<&'d str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.error(node.at, path, format!("must be a text, not {}", node.value.kind()));
        None
    }

    fn policy(&mut self, document: &Node) -> Option<Policy> {
        let members = self.object(document, "", &["Version", "Id", "Statement"])?;
        match members.get("Version") {
            Some(member) => self.version = self.version_of(&member.node)?,
            None => self.warn(
                document.at,
                "",
                "Without a Version the language of 2008 is meant, which knows no variables. Add \"Version\": \"2012-10-17\".",
            ),
        }
        let id = members.get("Id").and_then(|member| self.text(&member.node, "Id")).map(str::to_owned);
        let Some(member) = members.get("Statement") else {
            self.error(members.at, "", "The document needs a Statement.");
            return None;
        };
        let statements = match &member.node.value {
            Value::List(nodes) => {
                if nodes.is_empty() {
                    self.warn(member.node.at, "Statement", "is empty: this policy allows nothing");
                }
                let read = nodes.iter().enumerate();
                read.filter_map(|(at, node)| self.statement(node, &format!("Statement[{at}]"))).collect()
            }
            _ => self.statement(&member.node, "Statement").into_iter().collect(),
        };
        Some(Policy { version: self.version, id, statements })
    }

    fn version_of(&mut self, node: &Node) -> Option<Version> {
        match self.text(node, "Version")? {
            "2012-10-17" => Some(Version::V2012),
            "2008-10-17" => Some(Version::V2008),
            _ => {
                self.error(node.at, "Version", "must be 2012-10-17 or 2008-10-17");
                None
            }
        }
    }

    fn statement(&mut self, node: &Node, path: &str) -> Option<Statement> {
        const IDENTITY: &[&str] = &["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        const TRUST: &[&str] = &["Sid", "Effect", "Principal", "Action", "NotAction", "Condition"];
        const RESOURCE: &[&str] = &[
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
        let known = match self.kind {
            Kind::Identity | Kind::Scp => IDENTITY,
            Kind::Trust => TRUST,
            Kind::Resource => RESOURCE,
        };
        let members = self.object(node, path, known)?;
        let sid = members.get("Sid").and_then(|member| self.sid(&member.node, &below(path, "Sid")));
        let effect = if let Some(member) = members.get("Effect") {
            self.effect(&member.node, &below(path, "Effect"))
        } else {
            self.error(members.at, path, "needs an Effect: Allow or Deny");
            None
        };
        let principals = self.principals(&members, path);
        let actions = self.choice(&members, path, ("Action", "NotAction"), true, Self::action);
        let resources = if self.kind == Kind::Trust {
            None
        } else {
            self.choice(&members, path, ("Resource", "NotResource"), true, Self::resource)
        };
        let conditions = members
            .get("Condition")
            .map_or_else(Vec::new, |member| self.conditions(&member.node, &below(path, "Condition")));
        let statement = Statement { sid, effect: effect?, principals, actions: actions?, resources, conditions };
        self.seldom_meant(&statement, &members, path);
        Some(statement)
    }

    fn sid(&mut self, node: &Node, path: &str) -> Option<String> {
        let sid = self.text(node, path)?;
        let fits = sid.chars().all(|c| c.is_ascii_alphanumeric());
        if !fits && self.kind != Kind::Resource {
            self.error(node.at, path, "may have letters and digits only");
        }
        if !sid.is_empty() && !self.sids.insert(sid.to_owned()) {
            self.error(node.at, path, format!("must be unique: “{}” stands above already", cut(sid)));
        }
        Some(sid.to_owned())
    }

    fn effect(&mut self, node: &Node, path: &str) -> Option<Effect> {
        match self.text(node, path)? {
            "Allow" => Some(Effect::Allow),
            "Deny" => Some(Effect::Deny),
            _ => {
                self.error(node.at, path, "must be Allow or Deny");
                None
            }
        }
    }

    fn principals(&mut self, members: &Members<'_>, path: &str) -> Option<Choice<Principal>> {
        if matches!(self.kind, Kind::Identity | Kind::Scp) {
            return None;
        }
        match (members.get("Principal"), members.get("NotPrincipal")) {
            (Some(_), Some(other)) => {
                self.error(other.at, &below(path, "NotPrincipal"), "must not stand beside Principal");
                None
            }
            (Some(member), None) => Some(Choice::Only(principal::read(self, &member.node, &below(path, "Principal")))),
            (None, Some(member)) => {
                Some(Choice::AllBut(principal::read(self, &member.node, &below(path, "NotPrincipal"))))
            }
            (None, None) => {
                self.error(members.at, path, "needs a Principal: who it is about");
                None
            }
        }
    }

    /// An element or its negation, each one text or a list.
    fn choice<T>(
        &mut self,
        members: &Members<'_>,
        path: &str,
        (yes, no): (&str, &str),
        needed: bool,
        read: fn(&mut Self, &str, Place, &str) -> Option<T>,
    ) -> Option<Choice<T>> {
        let (member, negated) = match (members.get(yes), members.get(no)) {
            (Some(_), Some(other)) => {
                self.error(other.at, &below(path, no), format!("must not stand beside {yes}"));
                return None;
            }
            (Some(member), None) => (member, false),
            (None, Some(member)) => (member, true),
            (None, None) => {
                if needed {
                    self.error(members.at, path, format!("needs {yes} or {no}"));
                }
                return None;
            }
        };
        let path = below(path, &member.key);
        let mut found = Vec::new();
        for (node, path) in one_or_many(&member.node, &path) {
            found.extend(self.text(node, &path).and_then(|text| read(self, text, node.at, &path)));
        }
        if matches!(&member.node.value, Value::List(nodes) if nodes.is_empty()) {
            self.error(member.node.at, &path, "must not be empty");
        }
        Some(if negated { Choice::AllBut(found) } else { Choice::Only(found) })
    }

    fn action(&mut self, text: &str, at: Place, path: &str) -> Option<Action> {
        if text == "*" {
            return Some(Action::Any);
        }
        let fault = match text.split_once(':') {
            None => Some(format!("must be * or a service and an action such as s3:GetObject, not “{}”", cut(text))),
            Some((service, _)) if service.contains(['*', '?']) => {
                Some("must name a service: wildcards stand after the colon only".to_owned())
            }
            Some((service, name)) => {
                let in_service = |c: char| c.is_ascii_alphanumeric() || c == '-';
                let in_name = |c: char| c.is_ascii_alphanumeric() || "*?-_".contains(c);
                let fits = !service.is_empty() && service.chars().all(in_service) && !name.is_empty();
                if text.contains("${") {
                    Some("must not hold variables".to_owned())
                } else if !fits || !name.chars().all(in_name) || text.len() > 256 {
                    Some(format!("must be a service and an action such as s3:GetObject, not “{}”", cut(text)))
                } else if self.kind == Kind::Trust && !service.eq_ignore_ascii_case("sts") {
                    Some("must be an action of sts, such as sts:AssumeRole".to_owned())
                } else {
                    return Some(Action::Of { service: service.to_owned(), name: name.to_owned() });
                }
            }
        };
        self.error(at, path, fault.unwrap_or_default());
        None
    }

    fn resource(&mut self, text: &str, at: Place, path: &str) -> Option<Template> {
        let template = self.template(text, at, path, true)?;
        if text == "*" {
            return Some(template);
        }
        let parts = arn_parts(text);
        let mut parts = parts.iter().copied();
        let (scheme, partition, service) = (parts.next(), parts.next(), parts.next());
        let fault = if scheme != Some("arn") {
            Some(format!("must be * or an ARN such as arn:aws:s3:::bucket/*, not “{}”", cut(text)))
        } else if !partition.is_some_and(is_partition) {
            Some("must name a partition after “arn:”, such as aws".to_owned())
        } else if service
            .is_none_or(|service| service.is_empty() || !service.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
            && service != Some("*")
        {
            Some("must name a service after the partition, without wildcards".to_owned())
        } else {
            None
        };
        if let Some(fault) = fault {
            self.error(at, path, fault);
            return None;
        }
        if service == Some("*") {
            self.warn(at, path, "has a wildcard where the service stands, which many services do not match");
        }
        let (_, account, resource) = (parts.next(), parts.next(), parts.next());
        let known = |account: &str| {
            account.is_empty()
                || account.contains(['*', '?', '$'])
                || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
                || account.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        if let Some(account) = account.filter(|account| !known(account)) {
            self.error(at, path, format!("must have an account of twelve digits, not “{}”", cut(account)));
            return None;
        }
        match resource {
            Some("") => {
                self.error(at, path, "must name a resource after the last colon");
                None
            }
            None => {
                self.warn(at, path, "has fewer than six parts: what is missing counts as *");
                Some(template)
            }
            Some(_) => Some(template),
        }
    }

    fn template(&mut self, text: &str, at: Place, path: &str, wild: bool) -> Option<Template> {
        match template::read(text, self.version, wild) {
            Ok(template) => {
                if self.version == Version::V2008 && text.contains("${") {
                    self.warn(at, path, "has “${”, which is no variable without \"Version\": \"2012-10-17\"");
                }
                Some(template)
            }
            Err(fault) => {
                self.error(at, path, fault);
                None
            }
        }
    }

    fn conditions(&mut self, node: &Node, path: &str) -> Vec<Condition> {
        let mut conditions = Vec::new();
        let Value::Object(operators) = &node.value else {
            self.error(node.at, path, format!("must be an object of operators, not {}", node.value.kind()));
            return conditions;
        };
        for member in operators {
            let path = below(path, &cut(&member.key));
            let Some(operator) = Operator::parse(&member.key) else {
                let near = super::Comparison::ALL.iter().find(|known| is_near(known.name(), &member.key));
                let message = match near {
                    Some(near) => format!("is no operator. “{}” is", near.name()),
                    None => "is no operator that conditions know".to_owned(),
                };
                self.error(member.at, &path, message);
                continue;
            };
            let Value::Object(keys) = &member.node.value else {
                self.error(
                    member.node.at,
                    &path,
                    format!("must be an object of keys, not {}", member.node.value.kind()),
                );
                continue;
            };
            if keys.is_empty() {
                self.warn(member.node.at, &path, "is empty: it restricts nothing");
            }
            for member in keys {
                let path = below(&path, &cut(&member.key));
                if is_key(&member.key) {
                    self.key_fits(operator, member, &path);
                    let values = self.condition_values(operator, &member.node, &path);
                    conditions.push(Condition { operator, key: member.key.clone(), values });
                } else {
                    self.error(member.at, &path, "must be a key such as aws:SourceIp");
                }
            }
        }
        conditions
    }

    /// Whether a key that every request may have is compared as what it is.
    fn key_fits(&mut self, operator: Operator, member: &Member, path: &str) {
        let kind = operator.comparison.values();
        let Some(known) = values::kind_of_key(&member.key) else { return };
        let fits = known == kind
            || operator.comparison == super::Comparison::Null
            || (known == ValueKind::Arn && kind == ValueKind::Text)
            || (known == ValueKind::Date && kind == ValueKind::Number);
        let family = match known {
            ValueKind::Address => "IpAddress",
            ValueKind::Date => "Date…",
            ValueKind::Bool => "Bool",
            ValueKind::Number => "Numeric…",
            ValueKind::Arn => "Arn…",
            ValueKind::Text | ValueKind::Binary => "String…",
        };
        if !fits {
            self.warn(member.at, path, format!("is usually compared with {family}: this may never match"));
        }
    }

    fn condition_values(&mut self, operator: Operator, node: &Node, path: &str) -> Vec<Template> {
        let kind = operator.comparison.values();
        if matches!(&node.value, Value::List(nodes) if nodes.is_empty()) {
            self.warn(node.at, path, "has no value: it never matches");
        }
        let mut found = Vec::new();
        for (node, path) in one_or_many(node, path) {
            let text = match &node.value {
                Value::Text(text) | Value::Number(text) => text.clone(),
                Value::Bool(value) => value.to_string(),
                other => {
                    self.error(node.at, &path, format!("must be a text, not {}", other.kind()));
                    continue;
                }
            };
            let variables = matches!(kind, ValueKind::Text | ValueKind::Arn);
            let wild = kind == ValueKind::Arn || operator.comparison.name().ends_with("Like");
            let template = if variables {
                self.template(&text, node.at, &path, wild)
            } else {
                if self.version == Version::V2012 && text.contains("${") {
                    self.error(node.at, &path, "must not hold variables: only texts and ARNs may");
                    continue;
                }
                Some(Template { text: text.clone(), parts: vec![super::Part::Text(text.clone())] })
            };
            let Some(template) = template else { continue };
            // A variable may stand for any part of an ARN.
            if !template.has_variables()
                && let Some(fault) = values::fault(kind, &text)
            {
                self.error(node.at, &path, format!("{fault}, not “{}”", cut(&text)));
                continue;
            }
            if kind == ValueKind::Address && values::has_host_bits(&text) {
                self.warn(node.at, &path, "names an address inside its range instead of the first one");
            }
            found.push(template);
        }
        found
    }

    /// What is allowed, and a frequent mistake.
    fn seldom_meant(&mut self, statement: &Statement, members: &Members<'_>, path: &str) {
        if statement.effect != Effect::Allow || self.kind == Kind::Scp {
            return;
        }
        if let (Choice::AllBut(_), Some(member)) = (&statement.actions, members.get("NotAction")) {
            let message = "with Allow gives everything but what it names, also what AWS adds later";
            self.warn(member.at, &below(path, "NotAction"), message);
        }
        let open = statement.conditions.is_empty();
        let anywhere = matches!(&statement.resources, Some(Choice::Only(all)) if all.iter().any(Template::is_anything));
        let Some(member) = members.get("Action").filter(|_| open && anywhere) else { return };
        let Choice::Only(actions) = &statement.actions else { return };
        let has = |wanted: &str| {
            actions.iter().any(|action| {
                matches!(action, Action::Of { service, name } if format!("{service}:{name}").eq_ignore_ascii_case(wanted))
            })
        };
        if actions.contains(&Action::Any) {
            self.warn(member.at, &below(path, "Action"), "allows everything everywhere: this makes administrators");
        } else if has("iam:*") {
            self.warn(member.at, &below(path, "Action"), "allows all of IAM everywhere: this makes administrators");
        } else if has("iam:PassRole") {
            let message = "lets people hand any role to a service. Name the roles in Resource";
            self.warn(member.at, &below(path, "Action"), message);
        }
    }
}

/// An element that is one thing or a list of them, each with its path.
pub(super) fn one_or_many<'d>(node: &'d Node, path: &str) -> Vec<(&'d Node, String)> {
    match &node.value {
        Value::List(nodes) => nodes.iter().enumerate().map(|(at, node)| (node, format!("{path}[{at}]"))).collect(),
        _ => vec![(node, path.to_owned())],
    }
}

/// The six parts of an ARN; colons inside variables do not separate.
fn arn_parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut depth) = (0_usize, 0_u32);
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if previous == '$' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && parts.len() < 5 => {
                parts.push(text.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            _ => {}
        }
        previous = c;
    }
    parts.push(text.get(begin..).unwrap_or_default());
    parts
}

fn is_partition(text: &str) -> bool {
    text == "*"
        || text == "aws"
        || text
            .strip_prefix("aws-")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_lowercase() || b"-*?".contains(&b)))
}

/// Whether somebody may have meant a word: other case, one letter more, or a plural.
fn is_near(known: &str, written: &str) -> bool {
    let plain = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_suffix('s').map(str::to_owned).unwrap_or(text)
    };
    written.len() <= 64 && plain(known) == plain(written)
}
