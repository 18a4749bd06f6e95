//! Shapes: tables that say what may stand in a part of the file. What passes is kept as JSON.

use model::iam::Rules;
use model::{Invalid, SessionLength};
use serde_json::{Map, Value, json};

use super::at::Faults;
use super::node::{Fields, Node, Path};

/// The keys whose values are taken from the environment and never written.
pub const SECRETS: [&str; 3] = ["bindPassword", "clientSecret", "secret"];

/// Reads a file that a document names.
pub(super) type Files<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// What may stand somewhere.
pub(super) enum Shape {
    /// A text that passes a check.
    Text(fn(&str) -> Result<(), Invalid>),
    /// One of these words.
    Word(&'static [&'static str]),
    Flag,
    Number(i64, i64),
    /// An ISO 8601 duration between so many seconds.
    Duration(u32, u32),
    /// Different texts; at least one where `true`.
    Texts(fn(&str) -> Result<(), Invalid>, bool),
    /// Texts by text.
    TextMap(fn(&str) -> Result<(), Invalid>, fn(&str) -> Result<(), Invalid>, usize),
    /// A list of maps.
    Maps(&'static [Field]),
    Map(&'static [Field]),
    /// A map whose `type` says which fields it has.
    Kinds(&'static [Kind]),
    /// This, or `null`, which takes it away.
    OrNothing(&'static Shape),
    /// A policy document.
    Policy(Rules),
    /// A map that is looked at elsewhere.
    Object,
    /// `{fromEnv: NAME}`.
    Secret,
    /// The name of a file; its content, where it passes the check, is kept under the other name.
    File(&'static str, fn(&str) -> Result<(), Invalid>),
    /// `{path: …}` or a list of account numbers.
    Accounts,
    /// Read by itself.
    Elsewhere,
}

/// A field of a map.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    need: Need,
}

/// Whether a field may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Never,
    /// Of something that is not there yet.
    WhenNew,
    Always,
}

/// A `type` and the fields of what is of it.
pub(super) type Kind = (&'static str, &'static [Field]);

/// A field that may be absent.
pub(super) const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Never }
}

/// A field that must be there when the thing is new.
pub(super) const fn new(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::WhenNew }
}

/// A field that must be there.
pub(super) const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Always }
}

/// What shapes are read with.
pub(super) struct Reading<'r> {
    pub(super) faults: &'r mut Faults,
    pub(super) files: Files<'r>,
    /// Account numbers that were named.
    pub(super) accounts: Vec<super::Said<model::AccountId>>,
    /// Fields that are not there, and must be where the thing is new.
    pub(super) lacking: Vec<String>,
}

impl Reading<'_> {
    /// A map of these fields.
    pub(super) fn map(&mut self, node: &Node<'_>, path: &Path<'_>, fields: &[Field]) -> Option<Map<String, Value>> {
        let mut known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        known.sort_unstable();
        let found = Fields::of(node, path, &known, self.faults)?;
        let mut map = Map::new();
        for field in fields {
            let inner = Path::Field(path, field.name);
            match found.get(field.name) {
                None => match field.need {
                    Need::Never => {}
                    Need::WhenNew => self.lacking.push(field.name.to_owned()),
                    Need::Always => found.missing(field.name, self.faults),
                },
                Some(value) => {
                    // Of a file its content is kept, under the name for content.
                    let kept = if let Shape::File(kept, _) = &field.shape { kept } else { field.name };
                    if let Some(read) = self.value(value, &inner, &field.shape) {
                        map.insert(kept.to_owned(), read);
                    }
                }
            }
        }
        Some(map)
    }

    /// One value.
    pub(super) fn value(&mut self, node: &Node<'_>, path: &Path<'_>, shape: &Shape) -> Option<Value> {
        match shape {
            Shape::Text(check) => self.checked(node, path, *check).map(Value::from),
            Shape::Word(words) => {
                let text = node.text(path, self.faults)?;
                if words.contains(&text) {
                    return Some(text.into());
                }
                self.faults.add(node.at, path, format!("must be {}", alternatives(words)));
                None
            }
            Shape::Flag => node.flag(path, self.faults).map(Value::from),
            Shape::Number(least, most) => node.number(path, self.faults, *least, *most).map(Value::from),
            Shape::Duration(least, most) => {
                duration(node, path, self.faults, *least, *most).map(|length| length.to_string().into())
            }
            Shape::Texts(check, some) => {
                let items = node.list(path, self.faults)?;
                if items.is_empty() && *some {
                    self.faults.add(node.at, path, "must name at least one");
                }
                let mut texts: Vec<String> = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let inner = Path::Item(path, index);
                    let Some(text) = self.checked(item, &inner, *check) else { continue };
                    if texts.contains(&text) {
                        self.faults.add(item.at, inner, "is given twice");
                    }
                    texts.push(text);
                }
                Some(texts.into())
            }
            Shape::TextMap(keys, values, most) => {
                let entries = node.map(path, self.faults)?;
                if entries.len() > *most {
                    self.faults.add(node.at, path, format!("must be at most {most}"));
                }
                let mut map = Map::new();
                for entry in entries {
                    let inner = Path::Field(path, &entry.key);
                    if let Err(invalid) = keys(&entry.key) {
                        self.faults.add(entry.at, inner, format!("as a key {invalid}"));
                    }
                    if let Some(text) = self.checked(&entry.value, &inner, *values) {
                        map.insert(entry.key.to_string(), text.into());
                    }
                }
                Some(Value::Object(map))
            }
            Shape::Maps(fields) => {
                let mut maps = Vec::new();
                for (index, item) in node.list(path, self.faults)?.iter().enumerate() {
                    maps.extend(self.map(item, &Path::Item(path, index), fields).map(Value::Object));
                }
                Some(maps.into())
            }
            Shape::Map(fields) => self.map(node, path, fields).map(Value::Object),
            Shape::Kinds(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
                let kind = self.kind(node, path, &names)?;
                let (_, fields) = kinds.iter().find(|(name, _)| *name == kind)?;
                self.map(node, path, fields).map(Value::Object)
            }
            Shape::OrNothing(_) if node.is_nothing() => Some(Value::Null),
            Shape::OrNothing(shape) => self.value(node, path, shape),
            Shape::Policy(kind) => super::policies::document(node, path, *kind, self.faults),
            Shape::Object => node.map(path, self.faults).map(|_| node.json()),
            Shape::Secret => secret(node, path, self.faults).map(|name| json!({"fromEnv": name})),
            Shape::File(_, check) => {
                let name = node.text(path, self.faults)?;
                let checked = |content: String| match check(&content) {
                    Ok(()) => Ok(content),
                    Err(invalid) => Err(format!("the content of {name} {invalid}")),
                };
                match (self.files)(name).and_then(checked) {
                    Ok(content) => Some(content.into()),
                    Err(problem) => {
                        self.faults.add(node.at, path, problem);
                        None
                    }
                }
            }
            Shape::Accounts => super::access::targets_json(node, path, self),
            Shape::Elsewhere => None,
        }
    }

    /// The `type` of a map, looked at first, so that no field of another kind is called unknown.
    pub(super) fn kind<'n>(&mut self, node: &'n Node<'_>, path: &Path<'_>, kinds: &[&str]) -> Option<&'n str> {
        node.map(path, self.faults)?;
        let inner = Path::Field(path, "type");
        let Some(kind) = node.entry("type") else {
            self.faults.add(node.at, inner, format!("is missing: {}", alternatives(kinds)));
            return None;
        };
        let text = kind.text(&inner, self.faults)?;
        if kinds.contains(&text) {
            return Some(text);
        }
        self.faults.add(kind.at, inner, format!("must be {}", alternatives(kinds)));
        None
    }

    fn checked(&mut self, node: &Node<'_>, path: &Path<'_>, check: fn(&str) -> Result<(), Invalid>) -> Option<String> {
        let read = node.parsed(path, self.faults, |text| check(text).map(|()| text.to_owned()))?;
        Some(read.value)
    }
}

/// A duration between so many seconds.
pub(super) fn duration(
    node: &Node<'_>,
    path: &Path<'_>,
    faults: &mut Faults,
    least: u32,
    most: u32,
) -> Option<SessionLength> {
    let read = node.parsed(path, faults, |text| {
        let length = SessionLength::parse(text)?;
        if (least..=most).contains(&length.seconds()) {
            return Ok(length);
        }
        let (least, most) = (SessionLength::from_seconds(least), SessionLength::from_seconds(most));
        Err(Invalid::new(format!("must be between {least} and {most}")))
    })?;
    Some(read.value)
}

/// The name of the variable in `{fromEnv: NAME}`.
pub(super) fn secret(node: &Node<'_>, path: &Path<'_>, faults: &mut Faults) -> Option<String> {
    if !matches!(node.content, super::node::Content::Map(_)) {
        faults.add(node.at, path, "must be {fromEnv: NAME}: a secret does not stand in a file");
        return None;
    }
    let fields = Fields::of(node, path, &["fromEnv"], faults)?;
    fields.needed("fromEnv", faults, |text| env_name(text).map(|()| text.to_owned())).map(|said| said.value)
}

/// The name of a variable of the environment.
pub(super) fn env_name(text: &str) -> Result<(), Invalid> {
    let good = !text.is_empty()
        && text.len() <= 128
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good { Ok(()) } else { Err(Invalid::new("must be the name of a variable, of letters, digits and _")) }
}

/// `a, b or c`.
pub(super) fn alternatives(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Any text of 1 to 1,024 characters without control characters.
pub(super) fn some_text(text: &str) -> Result<(), Invalid> {
    within(text, 1, 1_024)
}

/// A text of so many characters without control characters.
pub(super) fn within(text: &str, least: usize, most: usize) -> Result<(), Invalid> {
    let count = text.chars().count();
    if count < least || count > most {
        return Err(Invalid::new(if least == 0 {
            format!("must have at most {most} characters")
        } else {
            format!("must have {least} to {most} characters")
        }));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("must not contain control characters"));
    }
    Ok(())
}

/// An address that begins with `https://`, or with `http://` where the host is this machine.
pub(super) fn web_address(text: &str) -> Result<(), Invalid> {
    within(text, 1, 512)?;
    let refused = || Invalid::new("must be an address such as https://example.com/");
    let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let good = matches!(scheme, "https" | "http")
        && !host.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || "<>\"\\^`{|}".contains(c));
    if good { Ok(()) } else { Err(refused()) }
}

/// An ARN of this service, with something behind this beginning.
pub(super) fn arn(text: &str, service: &str, resource: &str) -> Result<(), Invalid> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let good = matches!(parts.as_slice(), ["arn", partition, found, _, _, rest]
        if partition.starts_with("aws") && *found == service
            && rest.strip_prefix(resource).is_some_and(|name| !name.is_empty()));
    if good && text.len() <= 2_048 && !text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Ok(())
    } else {
        Err(Invalid::new(format!("must be an ARN such as arn:aws:{service}::111122223333:{resource}Name")))
    }
}
