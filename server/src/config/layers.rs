//! The layers of the configuration: file, environment, flags. Later ones win; each value remembers where it stands.

use std::collections::BTreeMap;
use std::fmt;
use std::mem::discriminant;
use std::path::Path;

use domain::Secret;
use toml::de::{DeTable, DeValue};

use super::Problem;

/// Every key there is. What is not here stops the start.
pub const KEYS: &[Key] = &[
    Key::new("listen"),
    Key::new("public_url"),
    Key::new("data_dir"),
    Key::secret("database_url"),
    Key::secret("master_key"),
    Key::new("region"),
    Key::new("tls.cert_file"),
    Key::new("tls.key_file"),
    Key::new("proxy.trusted"),
    Key::new("outbound.allow"),
    Key { also: Some("VESTIBULE_OPS_LISTEN"), ..Key::new("ops.listen") },
    Key::new("log.format"),
    Key::new("log.level"),
    Key::new("smtp.host"),
    Key::new("smtp.port"),
    Key::new("smtp.tls"),
    Key::new("smtp.username"),
    Key::secret("smtp.password"),
    Key::new("smtp.from"),
];

/// Budgets of attempts; each has the same [`BUDGET_FIELDS`].
pub const BUDGETS: &[&str] =
    &["source", "name", "pair", "device", "factor", "attempt", "confirm", "reset_source", "reset_name"];

/// What a budget consists of; all are whole numbers.
pub const BUDGET_FIELDS: &[&str] = &["free", "first_wait_seconds", "longest_wait_seconds", "forget_seconds", "stop"];

/// Variables with our prefix that configure something else than the server: the scripts, the tests, the command line.
const NOT_OURS: &[&str] =
    &["VESTIBULE_BIN", "VESTIBULE_CONFIG", "VESTIBULE_TEST_DATABASE_URL", "VESTIBULE_WASM_TOOLCHAIN"];

const PREFIX: &str = "VESTIBULE_";

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Its path in the file.
    pub path: &'static str,
    /// May be given as `<key>_file`, and is hidden everywhere.
    pub secret: bool,
    /// A second, shorter name in the environment.
    also: Option<&'static str>,
}

impl Key {
    const fn new(path: &'static str) -> Self {
        Self { path, secret: false, also: None }
    }

    const fn secret(path: &'static str) -> Self {
        Self { path, secret: true, also: None }
    }

    /// The names this key is known by, the second for a file that holds the value.
    fn paths(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.path.to_owned()).chain(self.secret.then(|| format!("{}_file", self.path)))
    }
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the file, at a line and a column.
    File(String, usize, usize),
    /// In the environment.
    Variable(String),
    /// On the command line.
    Flag(&'static str),
    /// Nowhere: what follows from other values.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name, line, column) => write!(f, "{name}:{line}:{column}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
            Self::Default => f.write_str("configuration"),
        }
    }
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub struct Given {
    /// The items; most keys want exactly one. Hidden: any of them may be a secret.
    pub items: Vec<Secret>,
    /// Where it stands.
    pub at: Origin,
}

/// All values, by the path of their key (with `_file` where that form was used).
pub type Values = BTreeMap<String, Given>;

/// What the layers come to.
#[derive(Debug, Default)]
pub struct Layers {
    /// The winning values.
    pub values: Values,
    /// Everything wrong with them.
    pub problems: Vec<Problem>,
}

impl Layers {
    /// Sets a value. A later layer replaces both forms of a key; both forms in one layer stay, and are refused later.
    fn set(&mut self, path: &str, given: Given) {
        let other = path.strip_suffix("_file").map_or_else(|| format!("{path}_file"), str::to_owned);
        if self.values.get(&other).is_some_and(|former| discriminant(&former.at) != discriminant(&given.at)) {
            self.values.remove(&other);
        }
        self.values.insert(path.to_owned(), given);
    }

    /// Reads a file.
    pub fn add_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return self.problems.push(Problem::new(
                    Origin::File(name, 0, 0),
                    "",
                    format!("cannot be read: {error}"),
                ));
            }
        };
        match DeTable::parse(&text) {
            Ok(table) => {
                let file = File { name: &name, text: &text };
                self.add_table(&file, "", table.get_ref());
            }
            Err(error) => {
                let file = File { name: &name, text: &text };
                let at = file.origin(error.span().map_or(0, |span| span.start));
                self.problems.push(Problem::new(at, "", error.message().to_owned()));
            }
        }
    }

    fn add_table(&mut self, file: &File<'_>, parent: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path =
                if parent.is_empty() { key.get_ref().to_string() } else { format!("{parent}.{}", key.get_ref()) };
            let at = file.origin(value.span().start);
            if let DeValue::Table(inner) = value.get_ref() {
                if all_paths().any(|known| known.starts_with(&format!("{path}."))) {
                    self.add_table(file, &path, inner);
                } else {
                    self.problems.push(unknown(file.origin(key.span().start), &path));
                }
            } else if !known(&path) {
                self.problems.push(unknown(file.origin(key.span().start), &path));
            } else {
                match items(value.get_ref()) {
                    Some(items) => self.set(&path, Given { items, at }),
                    None => self.problems.push(Problem::new(at, &path, "must be a text, a number or a list of texts")),
                }
            }
        }
    }

    /// Reads the environment.
    pub fn add_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        let mut variables: Vec<_> =
            variables.filter(|(name, _)| name.starts_with(PREFIX) && !NOT_OURS.contains(&name.as_str())).collect();
        variables.sort();
        for (name, value) in variables {
            let short = KEYS.iter().find(|key| key.also == Some(&name)).map(|key| key.path.to_owned());
            let path = short.or_else(|| all_paths().find(|path| variable(path) == name));
            let at = Origin::Variable(name);
            match path {
                Some(path) => {
                    let list = matches!(path.as_str(), "proxy.trusted" | "outbound.allow");
                    let items = if list {
                        value.split(',').map(|item| Secret::new(item.trim())).collect()
                    } else {
                        vec![Secret::new(value)]
                    };
                    self.set(&path, Given { items, at });
                }
                None => self.problems.push(Problem::new(at, "", "there is no such setting")),
            }
        }
    }

    /// Takes a flag of the command line.
    pub fn add_flag(&mut self, path: &str, flag: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.set(path, Given { items: vec![Secret::new(value)], at: Origin::Flag(flag) });
        }
    }
}

fn known(path: &str) -> bool {
    all_paths().any(|known| known == path)
}

/// Every path that a value may have.
fn all_paths() -> impl Iterator<Item = String> {
    let budgets =
        BUDGETS.iter().flat_map(|budget| BUDGET_FIELDS.iter().map(move |field| format!("throttle.{budget}.{field}")));
    KEYS.iter().flat_map(Key::paths).chain(budgets)
}

fn unknown(at: Origin, path: &str) -> Problem {
    Problem::new(at, path, "there is no such setting")
}

/// The name of a key in the environment.
fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_uppercase().replace('.', "__"))
}

fn items(value: &DeValue<'_>) -> Option<Vec<Secret>> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(Secret::new(text.as_ref())),
        DeValue::Integer(number) => Some(Secret::new(number.as_str())),
        DeValue::Boolean(flag) => Some(Secret::new(flag.to_string())),
        _ => None,
    };
    match value {
        DeValue::Array(list) => list.iter().map(|item| one(item.get_ref())).collect(),
        other => one(other).map(|item| vec![item]),
    }
}

struct File<'f> {
    name: &'f str,
    text: &'f str,
}

impl File<'_> {
    /// Line and column of a byte, counted from one.
    fn origin(&self, byte: usize) -> Origin {
        let before = self.text.get(..byte).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Origin::File(self.name.to_owned(), line, column)
    }
}
