//! A small tree of what stands in a file, and how fields are taken out of it. Only one thing of a list is a tree at a time, so
//! that a file of a million grants does not become a forest.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use model::Invalid;
use serde_json::Value;

use super::at::{At, Faults, Said};
use super::events::{Broken, Event, Source};

/// The deepest nesting.
const DEEPEST: usize = 48;
/// The most values in one thing.
const MOST: usize = 2_000_000;
/// From so many keys on, duplicates are looked for with a set.
const MANY_KEYS: usize = 12;

/// A value.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) at: At,
    pub(super) content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Scalar { text: Cow<'a, str>, quoted: bool },
    List(Vec<Node<'a>>),
    Map(Vec<Entry<'a>>),
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) at: At,
    pub(super) value: Node<'a>,
}

/// The way to a value, written only where something is wrong there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'p> {
    Root(&'p str),
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Field(parent, name) => {
                write!(f, "{parent}.")?;
                name.chars().take(64).try_for_each(|c| write!(f, "{}", if c.is_control() { '\u{fffd}' } else { c }))
            }
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// What a plain scalar means by YAML's core schema (and in JSON).
pub(super) fn plain_value(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let begins = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !begins.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Value::from(text);
    }
    if let Some(digits) = begins.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).map_or_else(|_| Value::from(text), Value::from);
    }
    if let Some(digits) = begins.strip_prefix("0o") {
        return i64::from_str_radix(digits, 8).map_or_else(|_| Value::from(text), Value::from);
    }
    if begins.bytes().all(|b| b.is_ascii_digit()) {
        let number = text.strip_prefix('+').unwrap_or(text).parse::<i64>().map(Value::from);
        return number.unwrap_or_else(|_| text.parse::<f64>().map_or_else(|_| Value::from(text), Value::from));
    }
    let float = begins.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(number) if float && number.is_finite() => Value::from(number),
        _ => Value::from(text),
    }
}

impl<'a> Node<'a> {
    /// Builds the tree of what begins with this event.
    pub(super) fn build(
        source: &mut dyn Source<'a>,
        first: (Event<'a>, At),
        path: &Path<'_>,
        faults: &mut Faults,
    ) -> Result<Self, Broken> {
        let mut budget = MOST;
        Self::build_within(source, first, path, faults, 0, &mut budget)
    }

    fn build_within(
        source: &mut dyn Source<'a>,
        (event, at): (Event<'a>, At),
        path: &Path<'_>,
        faults: &mut Faults,
        depth: usize,
        budget: &mut usize,
    ) -> Result<Self, Broken> {
        let too = |what: &str| Broken { line: at.line, column: at.column, problem: format!("{path}: {what}") };
        *budget = budget.checked_sub(1).ok_or_else(|| too("is too large"))?;
        if depth > DEEPEST {
            return Err(too("is nested too deeply"));
        }
        let place = |line, column| At { file: at.file, line, column };
        let content = match event {
            Event::Scalar { text, quoted } => {
                if text.contains('\0') {
                    return Err(too("holds the character U+0000, which nothing can keep"));
                }
                Content::Scalar { text, quoted }
            }
            Event::List => {
                let mut items = Vec::new();
                loop {
                    let (event, line, column) = source.step()?;
                    if event == Event::EndOfList {
                        break;
                    }
                    let path = Path::Item(path, items.len());
                    let first = (event, place(line, column));
                    items.push(Self::build_within(source, first, &path, faults, depth + 1, budget)?);
                }
                Content::List(items)
            }
            Event::Map => {
                let mut entries: Vec<Entry<'a>> = Vec::new();
                let mut known: HashSet<Cow<'a, str>> = HashSet::new();
                loop {
                    let (event, line, column) = source.step()?;
                    let key_at = place(line, column);
                    let key = match event {
                        Event::EndOfMap => break,
                        Event::Scalar { text, .. } if !text.contains('\0') => text,
                        _ => {
                            return Err(Broken { line, column, problem: format!("{path}: a key must be a text") });
                        }
                    };
                    let (event, line, column) = source.step()?;
                    let inner = Path::Field(path, &key);
                    let first = (event, place(line, column));
                    let value = Self::build_within(source, first, &inner, faults, depth + 1, budget)?;
                    let twice = if entries.len() < MANY_KEYS {
                        entries.iter().any(|entry| entry.key == key)
                    } else {
                        if known.is_empty() {
                            known.extend(entries.iter().map(|entry| entry.key.clone()));
                        }
                        !known.insert(key.clone())
                    };
                    if twice {
                        faults.add(key_at, inner, "is given twice");
                    } else {
                        entries.push(Entry { key, at: key_at, value });
                    }
                }
                Content::Map(entries)
            }
            Event::Document | Event::EndOfList | Event::EndOfMap | Event::End => {
                return Err(too("a value is missing"));
            }
        };
        Ok(Self { at, content })
    }

    /// What it is, for people.
    fn described(&self) -> &'static str {
        match &self.content {
            Content::Scalar { quoted: true, .. } => "a text",
            Content::Scalar { text, .. } => match plain_value(text) {
                Value::Null => "nothing",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                _ => "a text",
            },
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// A text. What looks like something else must stand in quotes.
    pub(super) fn text(&self, path: &Path<'_>, faults: &mut Faults) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, quoted: true } => Some(text),
            Content::Scalar { text, .. } => match plain_value(text) {
                Value::String(_) => Some(text),
                Value::Null => self.wrong(path, faults, "must be a text, and there is nothing"),
                Value::Number(_) if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) => self.wrong(
                    path,
                    faults,
                    &format!("must be in quotes, \"{text}\": an account number is a text, and zeros in front count"),
                ),
                _ => self.wrong(path, faults, &format!("must be a text, not {}: put it in quotes", self.described())),
            },
            _ => self.wrong(path, faults, &format!("must be a text, not {}", self.described())),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, path: &Path<'_>, faults: &mut Faults) -> Option<bool> {
        match self.plain() {
            Some(Value::Bool(flag)) => Some(flag),
            _ => self.wrong(path, faults, &format!("must be true or false, not {}", self.described())),
        }
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, path: &Path<'_>, faults: &mut Faults, least: i64, most: i64) -> Option<i64> {
        match self.plain().and_then(|value| value.as_i64()) {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => self.wrong(path, faults, &format!("must be a whole number between {least} and {most}")),
        }
    }

    /// Whether it is `null`, or nothing at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.plain().is_some_and(|value| value.is_null())
    }

    fn plain(&self) -> Option<Value> {
        match &self.content {
            Content::Scalar { text, quoted: false } => Some(plain_value(text)),
            _ => None,
        }
    }

    /// A text that something else is read from.
    pub(super) fn parsed<T>(
        &self,
        path: &Path<'_>,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Said<T>> {
        match parse(self.text(path, faults)?) {
            Ok(value) => Some(Said { value, at: self.at }),
            Err(invalid) => self.wrong(path, faults, &invalid.to_string()),
        }
    }

    /// The values of a list.
    pub(super) fn list(&self, path: &Path<'_>, faults: &mut Faults) -> Option<&[Node<'a>]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => self.wrong(path, faults, &format!("must be a list, not {}", self.described())),
        }
    }

    /// The entries of a map.
    pub(super) fn map(&self, path: &Path<'_>, faults: &mut Faults) -> Option<&[Entry<'a>]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            _ => self.wrong(path, faults, &format!("must be a map, not {}", self.described())),
        }
    }

    /// Texts by text.
    pub(super) fn texts(&self, path: &Path<'_>, faults: &mut Faults) -> Option<BTreeMap<String, String>> {
        let entries = self.map(path, faults)?;
        let mut texts = BTreeMap::new();
        for entry in entries {
            let inner = Path::Field(path, &entry.key);
            if let Some(text) = entry.value.text(&inner, faults) {
                texts.insert(entry.key.clone().into_owned(), text.to_owned());
            }
        }
        Some(texts)
    }

    /// As JSON, by YAML's core schema.
    pub(super) fn json(&self) -> Value {
        match &self.content {
            Content::Scalar { text, quoted: true } => Value::from(text.as_ref()),
            Content::Scalar { text, .. } => plain_value(text),
            Content::List(items) => items.iter().map(Node::json).collect(),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.to_string(), entry.value.json())).collect())
            }
        }
    }

    /// The value of a key, where this is a map.
    pub(super) fn entry(&self, name: &str) -> Option<&Node<'a>> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The place of an element such as `Statement[0].Action`, or of what would hold it.
    pub(super) fn element(&self, path: &str) -> At {
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match (&node.content, step.strip_suffix(']').and_then(|index| index.parse::<usize>().ok())) {
                (Content::List(items), Some(index)) => items.get(index),
                // One that stands alone where a list could be is the first of it.
                (_, Some(_)) => Some(node),
                _ => node.entry(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.at
    }

    fn wrong<T>(&self, path: &Path<'_>, faults: &mut Faults, problem: &str) -> Option<T> {
        faults.add(self.at, path, problem);
        None
    }
}

/// The fields of a map, taken one by one.
pub(super) struct Fields<'n, 'a> {
    entries: &'n [Entry<'a>],
    pub(super) at: At,
    pub(super) path: &'n Path<'n>,
    /// Keys that are not known.
    strange: Vec<&'n str>,
}

impl<'n, 'a> Fields<'n, 'a> {
    /// Looks at a map; whatever key is not among these is a fault.
    pub(super) fn of(node: &'n Node<'a>, path: &'n Path<'n>, known: &[&str], faults: &mut Faults) -> Option<Self> {
        let entries = node.map(path, faults)?;
        let mut strange = Vec::new();
        for entry in entries {
            if !known.contains(&entry.key.as_ref()) {
                unknown(entry, path, known, faults);
                strange.push(entry.key.as_ref());
            }
        }
        Some(Self { entries, at: node.at, path, strange })
    }

    /// Says that a field is missing, where it is not there under a name with a slip, which was refused as such.
    pub(super) fn missing(&self, name: &str, faults: &mut Faults) {
        if !self.strange.iter().any(|key| near(name, key)) {
            faults.add(self.at, Path::Field(self.path, name), "is missing");
        }
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node<'a>> {
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.value)
    }

    /// Reads a field that may be absent.
    pub(super) fn read<T>(
        &self,
        name: &str,
        faults: &mut Faults,
        read: impl FnOnce(&'n Node<'a>, &Path<'_>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        read(self.get(name)?, &Path::Field(self.path, name), faults)
    }

    /// A field with a text that something is read from.
    pub(super) fn parsed<T>(
        &self,
        name: &str,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Said<T>> {
        self.read(name, faults, |node, path, faults| node.parsed(path, faults, parse))
    }

    /// The same, where it must be there.
    pub(super) fn needed<T>(
        &self,
        name: &str,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<Said<T>> {
        if self.get(name).is_none() {
            self.missing(name, faults);
            return None;
        }
        self.parsed(name, faults, parse)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str, faults: &mut Faults) -> Option<bool> {
        self.read(name, faults, Node::flag)
    }

    /// A list, each of whose texts something is read from.
    pub(super) fn all<T>(
        &self,
        name: &str,
        faults: &mut Faults,
        parse: impl Fn(&str) -> Result<T, Invalid>,
    ) -> Option<Vec<Said<T>>> {
        self.read(name, faults, |node, path, faults| {
            let items = node.list(path, faults)?.iter().enumerate();
            let read = items.filter_map(|(index, item)| item.parsed(&Path::Item(path, index), faults, &parse));
            Some(read.collect())
        })
    }
}

fn unknown(entry: &Entry<'_>, path: &Path<'_>, known: &[&str], faults: &mut Faults) {
    let problem = match known.iter().find(|name| near(name, &entry.key)) {
        Some(name) => format!("is not known here; is {name} meant?"),
        None => format!("is not known here; possible are {}", known.join(", ")),
    };
    faults.add(entry.at, Path::Field(path, &entry.key), problem);
}

/// Whether one name is the other with a slip: another case, or one or two letters off.
pub(super) fn near(known: &str, typed: &str) -> bool {
    if typed.len() > 64 {
        return false;
    }
    let simple =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (a, b) = (simple(known), simple(typed));
    if a == b {
        return true;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut previous = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, right) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let beside = row.get(j).copied().unwrap_or_default();
            let best = (previous + usize::from(left != right)).min(above + 1).min(beside + 1);
            previous = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = best;
            }
        }
    }
    row.last().is_some_and(|distance| *distance <= 1 + a.len() / 4)
}
