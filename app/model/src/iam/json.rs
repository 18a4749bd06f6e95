//! JSON with the place of every element, read strictly: one spelling for each thing, no key twice, bounded depth.

use std::collections::BTreeSet;
use std::fmt;

/// How deep elements may stand in one another: a policy needs six levels.
const DEEPEST: usize = 20;

/// A place in a text: lines and columns count from one, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An element and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub at: Place,
    /// What it is.
    pub value: Value,
}

/// What an element is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object, in the order in which it is written.
    Object(Vec<Member>),
}

impl Value {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// A key of an object and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub at: Place,
    /// What it holds.
    pub node: Node,
}

/// Where reading stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub at: Place,
    /// Why.
    pub reason: String,
}

/// Reads one JSON value that is the whole text.
pub fn read(text: &str) -> Result<Node, Broken> {
    let mut reader = Reader { rest: text.chars(), next: None, at: Place { line: 1, column: 0 } };
    reader.step();
    let node = reader.value(0)?;
    reader.space();
    match reader.next {
        None => Ok(node),
        Some(c) => Err(reader.broken(format!("{} is left after the end of the document", shown(c)))),
    }
}

/// A character as a message names it.
fn shown(c: char) -> String {
    if c.is_control() || c.is_whitespace() || c == '\u{feff}' {
        format!("U+{:04X}", u32::from(c))
    } else {
        format!("“{c}”")
    }
}

struct Reader<'t> {
    rest: std::str::Chars<'t>,
    /// The character at the place; nothing at the end.
    next: Option<char>,
    at: Place,
}

impl Reader<'_> {
    /// Goes one character on and gives the one that was left behind.
    fn step(&mut self) -> Option<char> {
        let passed = self.next;
        if passed == Some('\n') {
            self.at = Place { line: self.at.line.saturating_add(1), column: 1 };
        } else {
            self.at.column = self.at.column.saturating_add(1);
        }
        self.next = self.rest.next();
        passed
    }

    fn broken(&self, reason: impl Into<String>) -> Broken {
        Broken { at: self.at, reason: reason.into() }
    }

    /// Something else is needed here than what is here.
    fn wanted(&self, what: &str) -> Broken {
        match self.next {
            Some(c) => self.broken(format!("{what} is needed here, not {}", shown(c))),
            None => self.broken(format!("the document ends where {what} is needed")),
        }
    }

    fn space(&mut self) {
        while matches!(self.next, Some(' ' | '\t' | '\n' | '\r')) {
            self.step();
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Broken> {
        self.space();
        let at = self.at;
        if depth > DEEPEST {
            return Err(self.broken(format!("elements stand more than {DEEPEST} levels deep in one another")));
        }
        let value = match self.next {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::Text(self.text()?),
            Some('-' | '0'..='9') => Value::Number(self.number()?),
            Some('a'..='z') => self.word()?,
            Some('\'') => return Err(self.broken("texts stand in double quotes")),
            Some('/') => return Err(self.broken("JSON has no comments")),
            _ => return Err(self.wanted("a value")),
        };
        Ok(Node { at, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Broken> {
        self.step();
        let mut members: Vec<Member> = Vec::new();
        let mut keys = BTreeSet::new();
        self.space();
        if self.next == Some('}') {
            self.step();
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.next != Some('"') {
                let after_comma = self.next == Some('}') && !members.is_empty();
                return Err(if after_comma {
                    self.broken("no comma may stand before “}”")
                } else {
                    self.wanted("a key in double quotes")
                });
            }
            let key = self.text()?;
            if !keys.insert(key.clone()) {
                return Err(Broken { at, reason: format!("the key “{key}” stands twice in this object") });
            }
            self.space();
            if self.next != Some(':') {
                return Err(self.wanted("“:”"));
            }
            self.step();
            let node = self.value(depth + 1)?;
            members.push(Member { key, at, node });
            self.space();
            match self.next {
                Some(',') => self.step(),
                Some('}') => {
                    self.step();
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.wanted("“,” or “}”")),
            };
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Broken> {
        self.step();
        let mut nodes = Vec::new();
        self.space();
        if self.next == Some(']') {
            self.step();
            return Ok(Value::List(nodes));
        }
        loop {
            self.space();
            if self.next == Some(']') {
                return Err(self.broken("no comma may stand before “]”"));
            }
            nodes.push(self.value(depth + 1)?);
            self.space();
            match self.next {
                Some(',') => self.step(),
                Some(']') => {
                    self.step();
                    return Ok(Value::List(nodes));
                }
                _ => return Err(self.wanted("“,” or “]”")),
            };
        }
    }

    fn text(&mut self) -> Result<String, Broken> {
        let begin = self.at;
        self.step();
        let mut out = String::new();
        loop {
            let at = self.at;
            match self.step() {
                Some('"') => return Ok(out),
                Some('\\') => out.push(self.escape(at)?),
                Some(c) if u32::from(c) < 0x20 => {
                    let reason = format!("{} must be escaped inside a text, or the closing quote is missing", shown(c));
                    return Err(Broken { at, reason });
                }
                Some(c) => out.push(c),
                None => return Err(Broken { at: begin, reason: "this text has no closing quote".to_owned() }),
            }
        }
    }

    fn escape(&mut self, at: Place) -> Result<char, Broken> {
        let unknown = || Broken { at, reason: "this is no escape that JSON knows".to_owned() };
        Ok(match self.step() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let unit = self.unit().ok_or_else(unknown)?;
                let code = if (0xd800..0xdc00).contains(&unit) {
                    if (self.step(), self.step()) != (Some('\\'), Some('u')) {
                        return Err(unknown());
                    }
                    let low = self.unit().filter(|low| (0xdc00..0xe000).contains(low)).ok_or_else(unknown)?;
                    0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    unit
                };
                char::from_u32(code).ok_or_else(unknown)?
            }
            _ => return Err(unknown()),
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + self.step()?.to_digit(16)?;
        }
        Some(unit)
    }

    fn number(&mut self) -> Result<String, Broken> {
        let at = self.at;
        let mut out = String::new();
        while let Some(c) = self.next.filter(|c| c.is_ascii_digit() || "+-.eE".contains(*c)) {
            out.push(c);
            self.step();
        }
        if is_number(&out) { Ok(out) } else { Err(Broken { at, reason: format!("{out} is no number") }) }
    }

    fn word(&mut self) -> Result<Value, Broken> {
        let at = self.at;
        let mut word = String::new();
        while let Some(c) = self.next.filter(char::is_ascii_alphanumeric).filter(|_| word.len() < 20) {
            word.push(c);
            self.step();
        }
        match word.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => Err(Broken { at, reason: format!("“{word}” must stand in double quotes") }),
        }
    }
}

/// Whether a text is a number of JSON.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (rest, None),
    };
    let (whole, part) = match mantissa.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (mantissa, None),
    };
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && part.is_none_or(digits) && exponent.is_none_or(digits)
}
