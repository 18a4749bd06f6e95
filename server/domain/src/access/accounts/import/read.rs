//! Lists of accounts as they come: CSV with a head line, or the JSON of `aws organizations list-accounts`.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use crate::access::accounts::{Account, AccountInput, AccountStatus, Fault};
use crate::error::{Error, Result};

/// The longest text, in bytes.
pub const LONGEST: usize = 4 * 1024 * 1024;

/// The most accounts of one list.
pub const MOST_ACCOUNTS: usize = 20_000;

/// The columns of a CSV.
const COLUMNS: [&str; 5] = ["id", "name", "email", "path", "tags"];

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// Counted from one.
    pub line: u64,
    /// The field, as the organisation file names it.
    pub field: String,
    /// Follows the name: "must be twelve digits".
    pub reason: String,
}

/// A list, read.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) lines: Vec<Line>,
    pub(super) faults: Vec<LineFault>,
}

/// One account of a list. What it does not say stays as it is.
#[derive(Debug)]
pub(super) struct Line {
    number: u64,
    pub(super) id: String,
    name: Option<String>,
    email: Option<String>,
    path: Option<String>,
    tags: Option<BTreeMap<String, String>>,
    status: Option<AccountStatus>,
}

impl Line {
    /// The account as it would be, over what is here.
    pub(super) fn onto(self, before: Option<&Account>) -> std::result::Result<Account, Vec<LineFault>> {
        let was = |of: fn(&Account) -> String| before.map(of).unwrap_or_default();
        let input = AccountInput {
            id: self.id,
            name: self.name.unwrap_or_else(|| was(|account| account.name.as_str().to_owned())),
            email: self.email.unwrap_or_else(|| was(|account| account.email().to_owned())),
            path: self.path.unwrap_or_else(|| was(|account| account.path.as_str().to_owned())),
            status: self.status.map_or_else(|| was(|account| account.status.to_string()), |status| status.to_string()),
            tags: self.tags.unwrap_or_else(|| before.map(|account| account.tags.clone()).unwrap_or_default()),
            broker: before.map(|account| account.broker.clone()).unwrap_or_default(),
        };
        let line = self.number;
        let at = |Fault { field, reason }| LineFault { line, field, reason };
        input.check().map_err(|faults| faults.into_iter().map(at).collect())
    }
}

/// Reads a list. An error is about the text as a whole; faults of lines are in the list.
pub(super) fn read(text: &str) -> Result<List> {
    if text.len() > LONGEST {
        return Err(Error::invalid("text", "must have at most 4 MiB"));
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut list = match text.trim_start().chars().next() {
        None => return Err(Error::invalid("text", "must not be empty")),
        Some('{' | '[') => from_json(text)?,
        Some(_) => from_csv(text)?,
    };
    if list.lines.len() > MOST_ACCOUNTS {
        return Err(Error::invalid("text", format!("must have at most {MOST_ACCOUNTS} accounts")));
    }
    twice(&mut list);
    Ok(list)
}

/// Each account once: which of two lines counts is not for us to say.
fn twice(list: &mut List) {
    let mut first: HashMap<&str, u64> = HashMap::new();
    for line in list.lines.iter().filter(|line| !line.id.is_empty()) {
        match first.get(line.id.as_str()) {
            Some(earlier) => list.faults.push(LineFault {
                line: line.number,
                field: "id".to_owned(),
                reason: format!("must not be there twice: {} is on line {earlier} already", line.id),
            }),
            None => drop(first.insert(&line.id, line.number)),
        }
    }
}

fn from_csv(text: &str) -> Result<List> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |e: &csv::Error| Error::invalid("text", format!("must be readable as CSV: {e}"));
    let head: Vec<String> = reader
        .headers()
        .map_err(|e| unreadable(&e))?
        .iter()
        .map(|column| column.trim_start_matches('\u{FEFF}').to_lowercase())
        .collect();
    for (at, column) in head.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            let column: String = column.chars().take(40).collect();
            let known = COLUMNS.join(", ");
            return Err(Error::invalid(
                "text",
                format!("must have a head line of {known}; “{column}” is none of these"),
            ));
        }
        if head.iter().take(at).any(|earlier| earlier == column) {
            return Err(Error::invalid("text", format!("must have the column “{column}” once")));
        }
    }
    for needed in ["id", "name"] {
        if !head.iter().any(|column| column == needed) {
            return Err(Error::invalid("text", format!("must have the column “{needed}” in its first line")));
        }
    }
    let mut list = List::default();
    let mut lines = Lines { text, at: 0, line: 1 };
    for record in reader.records() {
        let record = record.map_err(|e| unreadable(&e))?;
        let number = lines.from(record.position().map_or(0, csv::Position::byte));
        if record.len() != head.len() {
            list.faults.push(LineFault {
                line: number,
                field: "line".to_owned(),
                reason: format!("must have {} columns as the first one, not {}", head.len(), record.len()),
            });
            continue;
        }
        // An empty cell says nothing.
        let cell = |wanted: &str| {
            let at = head.iter().position(|column| column == wanted)?;
            record.get(at).filter(|cell| !cell.is_empty()).map(str::to_owned)
        };
        let tags = match cell("tags").as_deref().map(tags_from) {
            Some(Err(reason)) => {
                list.faults.push(LineFault { line: number, field: "tags".to_owned(), reason });
                None
            }
            Some(Ok(tags)) => Some(tags),
            None => None,
        };
        list.lines.push(Line {
            number,
            id: cell("id").unwrap_or_default(),
            name: cell("name"),
            email: cell("email"),
            path: cell("path"),
            tags,
            status: None,
        });
        // A list that is much too long is not read to its end.
        if list.lines.len() > MOST_ACCOUNTS {
            break;
        }
    }
    Ok(list)
}

/// Reads tags as people write them in one cell or field: `env=prod;team=core`, or one a line.
pub fn tags_from(text: &str) -> std::result::Result<BTreeMap<String, String>, String> {
    let mut tags = BTreeMap::new();
    for pair in text.split([';', '\n']).map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            return Err("must be pairs such as env=prod;team=core".to_owned());
        };
        if tags.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(format!("must not have the key {} twice", key.trim()));
        }
    }
    Ok(tags)
}

/// What `aws organizations list-accounts` prints; other keys are of no concern here.
#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "Accounts")]
    accounts: Vec<PrintedAccount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrintedAccount {
    id: String,
    name: Option<String>,
    email: Option<String>,
    status: Option<String>,
    state: Option<String>,
}

fn from_json(text: &str) -> Result<List> {
    let printed: Printed = serde_json::from_str(text).map_err(|e| {
        Error::invalid("text", format!("must be what “aws organizations list-accounts” prints as JSON: {e}"))
    })?;
    let mut list = List::default();
    let mut lines = Lines { text, at: 0, line: 1 };
    for account in printed.accounts {
        let number = lines.of(&account.id);
        let status = account.state.or(account.status).map(|status| status_of(&status)).transpose();
        let status = status.unwrap_or_else(|reason| {
            list.faults.push(LineFault { line: number, field: "status".to_owned(), reason });
            None
        });
        let written = |text: Option<String>| text.filter(|text| !text.is_empty());
        list.lines.push(Line {
            number,
            id: account.id,
            name: written(account.name),
            email: written(account.email),
            path: None,
            tags: None,
            status,
        });
    }
    Ok(list)
}

/// What AWS calls the state of an account, in our words. An account on its way in or out is not in use.
fn status_of(text: &str) -> std::result::Result<AccountStatus, String> {
    match text {
        "ACTIVE" => Ok(AccountStatus::Active),
        "SUSPENDED" | "PENDING_ACTIVATION" | "PENDING_CLOSURE" => Ok(AccountStatus::Suspended),
        "CLOSED" => Ok(AccountStatus::Closed),
        _ => Err("must be ACTIVE, SUSPENDED, PENDING_ACTIVATION, PENDING_CLOSURE or CLOSED".to_owned()),
    }
}

/// Counts lines along a text.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of what comes at or after a byte. (The reader's own count is that of the end of the record before, empty lines
    /// left out.)
    fn from(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        let rest = self.text.get(byte..).unwrap_or_default();
        let begins = byte + (rest.len() - rest.trim_start_matches(['\r', '\n']).len());
        let passed = self.text.get(self.at..begins).unwrap_or_default();
        self.line += u64::try_from(passed.matches('\n').count()).unwrap_or_default();
        self.at = begins;
        self.line
    }

    /// The line of the next string with this content.
    fn of(&mut self, value: &str) -> u64 {
        let quoted = format!("\"{value}\"");
        let rest = self.text.get(self.at..).unwrap_or_default();
        if let Some(found) = rest.find(&quoted) {
            let passed = rest.get(..found).unwrap_or_default();
            self.line += u64::try_from(passed.matches('\n').count()).unwrap_or_default();
            self.at += found + quoted.len();
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_list_is_refused_as_a_whole() {
        for text in [
            "",
            "  \n",
            "{",
            "[]",
            "{\"Accounts\": 1}",
            "{\"Accounts\": [{\"Name\": \"x\"}]}",
            "name,path\nx,/",
            "id,name,name\n1,2,3",
            "id,name,colour\n1,2,3",
            "just words",
        ] {
            let error = read(text).map(|list| list.lines.len()).unwrap_err();
            assert_eq!(error.field(), Some("text"), "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        let list = read("\u{FEFF}Name,ID\r\n\"two\nlines\",111122223333\r\nx,\r\nx,y,z\r\n").unwrap();
        assert_eq!(list.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(list.faults[0].line, 5);
        let json = "{\"Accounts\": [\n{\"Id\": \"1\"},\n\n{\"Name\": \"x\",\n\"Id\": \"2\", \"Status\": \"WHAT\"}]}";
        let list = read(json).unwrap();
        assert_eq!(list.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 5]);
        assert_eq!((list.faults[0].line, list.faults[0].field.as_str()), (5, "status"));
    }

    #[test]
    fn tags_are_pairs() {
        let read = tags_from("env=prod; team = core ;\nempty=").unwrap();
        assert_eq!(
            read.into_iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>(),
            ["empty:", "env:prod", "team:core"]
        );
        assert!(tags_from("env").is_err() && tags_from("a=1;a=2").is_err());
    }
}
