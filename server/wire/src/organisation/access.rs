//! Assignments, kept small because there may be a million of them, and administrators.

use std::collections::HashMap;
use std::str::FromStr as _;

use model::{AccountId, AccountTarget, Invalid, PathRule, PermissionSetName, Role, Timestamp};
use serde_json::{Value, json};

use super::Section;
use super::at::{At, Said};
use super::node::{Content, Fields, Node, Path};
use super::people::reference;
use super::reader::Known;
use super::shape::{Reading, within};

/// The longest reason.
const LONGEST_REASON: usize = 500;
/// The most accounts and paths of one administrator.
const MOST_OF_A_SCOPE: usize = 100;

/// Until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Not said.
    Unsaid,
    /// `null`: it does not end.
    Never,
    /// It ends then.
    At(Timestamp),
}

/// What an assignment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    Account(AccountId),
    /// The number of a rule.
    Rule(u32),
}

/// One assignment, its texts as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub at: At,
    /// Whether `holder` is a group's name.
    pub is_group: bool,
    /// The number of a name.
    pub holder: u32,
    pub holder_at: At,
    /// The number of a permission set's name.
    pub set: u32,
    pub set_at: At,
    /// The number of a reason, where one is given.
    pub reason: Option<u32>,
    pub expires: Expiry,
    targets: (u32, u32),
}

/// All assignments.
#[derive(Debug, Default)]
pub struct Assignments {
    texts: Texts,
    rows: Vec<Row>,
    targets: Vec<(Target, At)>,
}

#[derive(Debug, Default)]
struct Texts {
    list: Vec<Box<str>>,
    index: HashMap<Box<str>, u32>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.index.get(text) {
            return *number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(text.into());
        self.index.insert(text.into(), number);
        number
    }
}

impl Assignments {
    /// Each as it stands in the files.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What a number of a name, rule or reason stands for.
    pub fn text(&self, number: u32) -> &str {
        self.texts.list.get(number as usize).map_or("", |text| text)
    }

    /// How many texts there are.
    pub fn texts(&self) -> usize {
        self.texts.list.len()
    }

    /// What an assignment is for.
    pub fn targets(&self, row: &Row) -> &[(Target, At)] {
        let (first, many) = (row.targets.0 as usize, row.targets.1 as usize);
        self.targets.get(first..first + many).unwrap_or_default()
    }
}

/// A role given to somebody.
#[derive(Clone, Debug)]
pub struct Administrator {
    pub at: At,
    pub index: usize,
    pub is_group: bool,
    pub holder: Said<String>,
    pub role: Role,
    /// For whom administers access; each once, in one order.
    pub scope: Option<Vec<Said<AccountTarget>>>,
    pub break_glass: Option<bool>,
}

fn holder(fields: &Fields<'_, '_>, reading: &mut Reading<'_>) -> Option<(bool, Said<String>)> {
    let name = |text: &str| reference(text).map(|()| text.to_owned());
    match (fields.get("user"), fields.get("group")) {
        (Some(_), None) => fields.parsed("user", reading.faults, name).map(|said| (false, said)),
        (None, Some(_)) => fields.parsed("group", reading.faults, name).map(|said| (true, said)),
        (Some(_), Some(group)) => {
            reading.faults.add(group.at, Path::Field(fields.path, "group"), "and user exclude one another");
            None
        }
        (None, None) => {
            reading.faults.add(fields.at, fields.path, "must name a user or a group");
            None
        }
    }
}

/// Reads `{path: …}`, or a list of account numbers and such rules.
fn targets(
    node: &Node<'_>,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    mut found: impl FnMut(Said<&str>, bool),
) -> Option<()> {
    match &node.content {
        Content::Map(_) => rule(node, path, reading, &mut found),
        Content::List(items) => {
            if items.is_empty() {
                reading.faults.add(node.at, path, "must name at least one account");
                return None;
            }
            let mut all = Some(());
            for (index, item) in items.iter().enumerate() {
                let inner = Path::Item(path, index);
                let read = match &item.content {
                    Content::Map(_) => rule(item, &inner, reading, &mut found),
                    _ => item.parsed(&inner, reading.faults, account).map(|said| {
                        if let Content::Scalar { text, .. } = &item.content {
                            found(Said { value: text, at: said.at }, false);
                        }
                    }),
                };
                all = all.and(read);
            }
            all
        }
        Content::Scalar { .. } => {
            reading.faults.add(node.at, path, "must be a list of account numbers, or {path: …}");
            None
        }
    }
}

fn account(text: &str) -> Result<AccountId, Invalid> {
    AccountId::from_str(text).map_err(|invalid| match text.strip_prefix('/') {
        Some(_) => Invalid::new(format!("must be twelve digits; a rule is written {{path: {text}}}")),
        None => invalid,
    })
}

/// Reads `{path: …}`.
fn rule(
    node: &Node<'_>,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    found: &mut impl FnMut(Said<&str>, bool),
) -> Option<()> {
    let fields = Fields::of(node, path, &["path"], reading.faults)?;
    fields.needed("path", reading.faults, PathRule::parse)?;
    if let Some(rule) = fields.get("path")
        && let Content::Scalar { text, .. } = &rule.content
    {
        found(Said { value: text, at: rule.at }, true);
    }
    Some(())
}

/// The same as values in one order; one that is named twice is a fault.
fn targets_once(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) -> Option<Vec<Said<AccountTarget>>> {
    let mut named: Vec<Said<AccountTarget>> = Vec::new();
    targets(node, path, reading, |said, _| {
        named.extend(AccountTarget::parse(said.value).ok().map(|value| Said { value, at: said.at }));
    })?;
    named.sort_by(|a, b| (&a.value, a.at).cmp(&(&b.value, b.at)));
    for pair in named.windows(2) {
        if let [first, second] = pair
            && first.value == second.value
        {
            reading.faults.add(second.at, path, format!("names {} twice", second.value));
        }
    }
    Some(named)
}

/// Targets as files write them: one rule by itself, else a list.
pub fn written(targets: &[AccountTarget]) -> Value {
    let one = |target: &AccountTarget| match target {
        AccountTarget::Account(account) => json!(account),
        AccountTarget::Rule(rule) => json!({ "path": rule.as_str() }),
    };
    match targets {
        [rule @ AccountTarget::Rule(_)] => one(rule),
        list => list.iter().map(one).collect(),
    }
}

/// The same as JSON; account numbers are noted.
pub(super) fn targets_json(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>) -> Option<Value> {
    let named = targets_once(node, path, reading)?;
    for said in &named {
        if let AccountTarget::Account(value) = said.value {
            reading.accounts.push(Said { value, at: said.at });
        }
    }
    let values: Vec<AccountTarget> = named.into_iter().map(|said| said.value).collect();
    Some(written(&values))
}

fn moment(text: &str) -> Result<Timestamp, Invalid> {
    let read = text.parse::<jiff::Timestamp>();
    read.map(|moment| Timestamp(moment.as_millisecond()))
        .map_err(|_| Invalid::new("must be a moment such as 2027-01-31T00:00:00Z"))
}

const ASSIGNMENT: [&str; 6] = ["accounts", "expires", "group", "permissionSet", "reason", "user"];

pub(super) fn assignment(node: &Node<'_>, path: &Path<'_>, reading: &mut Reading<'_>, to: &mut Assignments) {
    let Some(fields) = Fields::of(node, path, &ASSIGNMENT, reading.faults) else { return };
    let holder = holder(&fields, reading);
    let set = fields.needed("permissionSet", reading.faults, PermissionSetName::parse);
    let expires = match fields.get("expires") {
        None => Some(Expiry::Unsaid),
        Some(node) if node.is_nothing() => Some(Expiry::Never),
        Some(_) => fields.parsed("expires", reading.faults, moment).map(|said| Expiry::At(said.value)),
    };
    let reason =
        fields.parsed("reason", reading.faults, |text| within(text, 0, LONGEST_REASON).map(|()| text.to_owned()));
    let first = to.targets.len();
    let read = if let Some(accounts) = fields.get("accounts") {
        targets(accounts, &Path::Field(path, "accounts"), reading, |said, is_rule| {
            let target = if is_rule {
                Some(Target::Rule(to.texts.number(said.value)))
            } else {
                said.value.parse().ok().map(Target::Account)
            };
            to.targets.extend(target.map(|target| (target, said.at)));
        })
    } else {
        fields.missing("accounts", reading.faults);
        None
    };
    let (Some((is_group, holder)), Some(set), Some(expires), Some(())) = (holder, set, expires, read) else {
        to.targets.truncate(first);
        return;
    };
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let row = Row {
        at: node.at,
        is_group,
        holder: to.texts.number(&holder.value),
        holder_at: holder.at,
        set: to.texts.number(set.value.as_str()),
        set_at: set.at,
        reason: reason.map(|said| to.texts.number(&said.value)),
        expires,
        targets: (narrow(first), narrow(to.targets.len() - first)),
    };
    to.rows.push(row);
}

const ADMINISTRATOR: [&str; 5] = ["accounts", "breakGlass", "group", "role", "user"];

pub(super) fn administrator(
    node: &Node<'_>,
    index: usize,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
    known: &mut Known,
) -> Option<Administrator> {
    let fields = Fields::of(node, path, &ADMINISTRATOR, reading.faults)?;
    let holder = holder(&fields, reading);
    let role = fields.needed("role", reading.faults, |text| {
        Role::from_str(text).map_err(|_| Invalid::new("must be owner, admin, access-admin, helpdesk or auditor"))
    });
    let break_glass = fields.flag("breakGlass", reading.faults);
    let mut scope = None;
    if let Some(accounts) = fields.get("accounts") {
        let inner = Path::Field(path, "accounts");
        let named = targets_once(accounts, &inner, reading)?;
        if named.len() > MOST_OF_A_SCOPE {
            reading.faults.add(accounts.at, inner, format!("must name at most {MOST_OF_A_SCOPE} accounts and paths"));
        }
        scope = Some(named);
    }
    let ((is_group, holder), role) = (holder?, role?);
    match (role.value, fields.get("accounts")) {
        (Role::AccessAdmin, None) => {
            reading.faults.add(node.at, Path::Field(path, "accounts"), "is missing: where may they assign?");
        }
        (Role::AccessAdmin, Some(_)) | (_, None) => {}
        (_, Some(accounts)) => {
            reading.faults.add(accounts.at, Path::Field(path, "accounts"), "is for the role access-admin only");
        }
    }
    if break_glass == Some(true) && (is_group || role.value != Role::Owner) {
        let at = fields.get("breakGlass").map_or(node.at, |flag| flag.at);
        reading.faults.add(at, Path::Field(path, "breakGlass"), "is for users with the role owner only");
    }
    let key = format!("{is_group} {} {}", model::name_key(&holder.value), role.value.as_str());
    known.note(Section::Administrators, key, holder.at, path, reading.faults);
    Some(Administrator { at: node.at, index, is_group, holder, role: role.value, scope, break_glass })
}
