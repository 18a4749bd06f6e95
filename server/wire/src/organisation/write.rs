//! Writes an organisation file: YAML that reads well, or JSON. One thing after the other, so that it costs no memory.

use std::io::{self, Write};

use serde_json::Value;

use super::{API_VERSION, Section};

/// A thing as it is written: fields in the order in which they are shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    Value(Value),
    List(Vec<Out>),
    Map(Vec<(String, Out)>),
}

impl Out {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Value(Value::String(text.into()))
    }

    /// A map.
    pub fn map<const N: usize>(fields: [(&str, Option<Out>); N]) -> Self {
        let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Self::Map(given.collect())
    }

    fn json(&self, to: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Value(value) => write!(to, "{value}"),
            Self::List(items) => {
                to.write_all(b"[")?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        to.write_all(b", ")?;
                    }
                    item.json(to)?;
                }
                to.write_all(b"]")
            }
            Self::Map(fields) => {
                to.write_all(b"{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        to.write_all(b", ")?;
                    }
                    write!(to, "{}: ", Value::from(name.as_str()))?;
                    value.json(to)?;
                }
                to.write_all(b"}")
            }
        }
    }

    fn is_flat(&self) -> bool {
        let simple = |value: &Value| match value {
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => true,
        };
        match self {
            Self::Value(value) => simple(value),
            Self::List(items) => items.iter().all(|item| matches!(item, Self::Value(value) if simple(value))),
            Self::Map(fields) => fields.is_empty(),
        }
    }
}

impl From<Value> for Out {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) if !items.is_empty() => Self::List(items.into_iter().map(Out::from).collect()),
            Value::Object(fields) if !fields.is_empty() => {
                Self::Map(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
            }
            other => Self::Value(other),
        }
    }
}

/// Writes sections one after the other.
pub struct Writer<'w> {
    to: &'w mut dyn Write,
    json: bool,
    section: Option<Section>,
    items: usize,
}

impl<'w> Writer<'w> {
    /// Begins a file.
    pub fn begin(to: &'w mut dyn Write, json: bool) -> io::Result<Self> {
        if json {
            write!(to, "{{\"apiVersion\": \"{API_VERSION}\"")?;
        } else {
            writeln!(to, "apiVersion: {API_VERSION}")?;
        }
        Ok(Self { to, json, section: None, items: 0 })
    }

    /// The settings.
    pub fn settings(&mut self, settings: &Out) -> io::Result<()> {
        if self.json {
            self.to.write_all(b",\n\"settings\": ")?;
            return settings.json(self.to);
        }
        writeln!(self.to, "settings:")?;
        yaml(settings, 2, self.to)
    }

    /// One thing of a section; sections come one after the other.
    pub fn item(&mut self, section: Section, item: &Out) -> io::Result<()> {
        if self.section != Some(section) {
            self.close()?;
            self.section = Some(section);
            self.items = 0;
            if self.json {
                write!(self.to, ",\n\"{}\": [", section.name())?;
            } else {
                writeln!(self.to, "{}:", section.name())?;
            }
        }
        self.items += 1;
        if self.json {
            self.to.write_all(if self.items > 1 { b",\n  " } else { b"\n  " })?;
            return item.json(self.to);
        }
        self.to.write_all(b"  - ")?;
        match item {
            Out::Map(fields) if !fields.is_empty() => yaml_fields(fields, 4, true, self.to),
            other => {
                inline(other, self.to)?;
                self.to.write_all(b"\n")
            }
        }
    }

    fn close(&mut self) -> io::Result<()> {
        if self.json && self.section.take().is_some() {
            self.to.write_all(b"\n]")?;
        }
        Ok(())
    }

    /// Ends the file.
    pub fn end(mut self) -> io::Result<()> {
        self.close()?;
        if self.json {
            self.to.write_all(b"}\n")?;
        }
        self.to.flush()
    }
}

fn yaml(value: &Out, indent: usize, to: &mut dyn Write) -> io::Result<()> {
    match value {
        Out::Map(fields) if !fields.is_empty() => yaml_fields(fields, indent, false, to),
        Out::List(items) if !items.is_empty() => {
            for item in items {
                write!(to, "{:indent$}- ", "")?;
                match item {
                    Out::Map(fields) if !fields.is_empty() => yaml_fields(fields, indent + 2, true, to)?,
                    flat => {
                        inline(flat, to)?;
                        to.write_all(b"\n")?;
                    }
                }
            }
            Ok(())
        }
        flat => {
            write!(to, "{:indent$}", "")?;
            inline(flat, to)?;
            to.write_all(b"\n")
        }
    }
}

fn yaml_fields(fields: &[(String, Out)], indent: usize, first_stands: bool, to: &mut dyn Write) -> io::Result<()> {
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 || !first_stands {
            write!(to, "{:indent$}", "")?;
        }
        scalar(name, to)?;
        if value.is_flat() {
            to.write_all(b": ")?;
            inline(value, to)?;
            to.write_all(b"\n")?;
        } else {
            to.write_all(b":\n")?;
            yaml(value, indent + 2, to)?;
        }
    }
    Ok(())
}

/// On one line.
fn inline(value: &Out, to: &mut dyn Write) -> io::Result<()> {
    match value {
        Out::Value(Value::String(text)) => scalar(text, to),
        Out::Value(other) => write!(to, "{other}"),
        Out::List(items) => {
            to.write_all(b"[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    to.write_all(b", ")?;
                }
                inline(item, to)?;
            }
            to.write_all(b"]")
        }
        map @ Out::Map(_) => map.json(to),
    }
}

/// A text: plain where nobody could take it for anything else, else in double quotes.
fn scalar(text: &str, to: &mut dyn Write) -> io::Result<()> {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && !text.ends_with([' ', ':'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" ./@_+:-".contains(&b))
        && !text.contains(": ")
        && super::node::plain_value(text).is_string()
        && !["y", "n", "yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return to.write_all(text.as_bytes());
    }
    to.write_all(b"\"")?;
    for c in text.chars() {
        match c {
            '"' => to.write_all(b"\\\"")?,
            '\\' => to.write_all(b"\\\\")?,
            '\n' => to.write_all(b"\\n")?,
            '\r' => to.write_all(b"\\r")?,
            '\t' => to.write_all(b"\\t")?,
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(to, "\\u{:04x}", u32::from(c))?;
            }
            c => write!(to, "{c}")?,
        }
    }
    to.write_all(b"\"")
}
