//! Compares what the files say with what there is, kind by kind.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{AccountId, ApplicationId, GroupId, Timestamp, UserId};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Map, Value, json};
use wire::organisation::{At, Faults, Organisation as Said, PasswordSource, SECRETS, Section};

use super::organisation::{Options, Planned, Refused};
use crate::access::Principal;
use crate::access::accounts::Account;
use crate::access::applications::Application;
use crate::access::permission_sets::PermissionSet;
use crate::access::plan::{FieldChange, Op, PlannedChange};
use crate::access::snapshot::{GroupIx, Holder, SetIx, Snapshot, TargetIx, Terms, UserIx};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::{BUILTIN, Status, parse_id};
use crate::settings::Settings;
use crate::store::entity::{account, administrator, application, group, permission_set, stored_section, user};

/// Where somebody's password comes from, and where the file says so.
#[derive(Clone, Debug)]
pub(super) struct PasswordStep {
    pub(super) source: PasswordSource,
    pub(super) at: At,
    pub(super) field: String,
}

/// Something to do, other than with grants.
#[derive(Debug)]
pub(super) enum Step {
    PutAccount(Option<Box<account::Model>>, Box<Account>),
    RemoveAccount(Box<account::Model>),
    PutSet(Option<Box<permission_set::Model>>, Box<PermissionSet>, Option<model::PermissionSetId>),
    RemoveSet(Box<permission_set::Model>),
    PutStored(Box<stored_section::Model>),
    RemoveStored(String, String),
    PutGroup(Box<group::Model>, bool),
    RemoveGroup(Box<group::Model>),
    PutUser {
        before: Option<Box<user::Model>>,
        after: Box<user::Model>,
        password: Option<PasswordStep>,
    },
    RemoveUser(Box<user::Model>),
    Join(UserIx, GroupIx),
    Leave(UserIx, GroupIx),
    PutApplication(Option<Box<application::Model>>, ApplicationId, Box<Application>),
    RemoveApplication(Box<application::Model>),
    AssignApplication(ApplicationId, Principal),
    UnassignApplication(ApplicationId, Principal),
    PutAdministrator(Box<administrator::Model>, bool),
    RemoveAdministrator(String),
    /// A secret of the directory that compares by this name; without a variable there is none any more.
    KeepSecret {
        directory: String,
        secret: &'static str,
        variable: Option<String>,
        field: String,
    },
    /// The secret of the webhook with this address, from a variable.
    SealWebhook {
        url: String,
        variable: Option<String>,
        at: At,
        field: String,
    },
}

/// The variables that steps need, each with the field that names it, and whether nothing is applied without it.
pub(super) fn secrets(steps: &[Step]) -> impl Iterator<Item = (&str, &str, bool)> {
    steps.iter().filter_map(|step| match step {
        Step::PutUser { password: Some(PasswordStep { source: PasswordSource::FromEnv(name), field, .. }), .. } => {
            Some((field.as_str(), name.as_str(), true))
        }
        Step::SealWebhook { variable: Some(name), field, .. } => Some((field.as_str(), name.as_str(), true)),
        Step::KeepSecret { variable: Some(name), field, .. } => Some((field.as_str(), name.as_str(), false)),
        _ => None,
    })
}

/// A grant that is made, altered or taken away.
#[derive(Clone, Copy, Debug)]
pub(super) struct GrantStep {
    pub(super) holder: Holder,
    pub(super) target: TargetIx,
    pub(super) set: SetIx,
    pub(super) before: Option<Terms>,
    pub(super) after: Option<Terms>,
}

impl GrantStep {
    pub(super) fn op(&self) -> Op {
        match (&self.before, &self.after) {
            (None, _) => Op::Create,
            (_, None) => Op::Delete,
            _ => Op::Update,
        }
    }

    /// All of it on a line, by names.
    pub(super) fn line(&self, names: &Snapshot, to: &mut String) {
        use std::fmt::Write as _;
        let holder = match self.holder {
            Holder::User(user) => names.users.get(user.at()).map_or("", |user| &user.name),
            Holder::Group(group) => names.groups.get(group.at()).map_or("", |group| &group.name),
        };
        let is_group = matches!(self.holder, Holder::Group(_));
        let set = names.sets.get(self.set.at()).map_or("", |set| &set.name);
        let target = names.target_of(self.target);
        // A text takes everything.
        let _ = write!(to, "{is_group}\t{holder}\t{set}\t{target:?}");
        for terms in [self.before, self.after] {
            match terms {
                None => to.push_str("\t-"),
                Some(terms) => {
                    let _ = write!(to, "\t{:?}\t{:?}", terms.expires, names.reason_of(terms.reason));
                }
            }
        }
        to.push('\n');
    }
}

/// The work in progress.
pub(super) struct Planner<'p, C> {
    pub(super) conn: &'p C,
    pub(super) core: &'p Core,
    pub(super) now: Timestamp,
    pub(super) said: &'p Said,
    pub(super) faults: Faults,
    pub(super) options: Options,
    pub(super) before: Snapshot,
    pub(super) after: Snapshot,
    pub(super) changes: Vec<PlannedChange>,
    pub(super) grants: Vec<GrantStep>,
    pub(super) steps: Vec<Step>,
    pub(super) settings: Option<(Settings, Settings)>,
    pub(super) warnings: Vec<String>,
    /// Groups by the forms in which their names compare.
    pub(super) groups_by_name: Names<GroupIx>,
    /// People likewise.
    pub(super) users_by_name: Names<UserIx>,
    /// What becomes of people whom the files name and change.
    pub(super) statuses: HashMap<UserIx, Status>,
    /// Accounts and sets whose grants go with them.
    pub(super) gone_targets: HashSet<TargetIx>,
    pub(super) gone_sets: HashSet<SetIx>,
}

/// Things by name; a name in another directory has that in front, and is found without it where it is the only one.
#[derive(Debug)]
pub(super) struct Names<T>(HashMap<String, Vec<T>>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Copy> Names<T> {
    fn of<'n>(named: impl Iterator<Item = (&'n str, T)>) -> Self {
        let mut names: HashMap<String, Vec<T>> = HashMap::new();
        for (name, thing) in named {
            match name.split_once('/') {
                Some((_, bare)) => {
                    names.entry(model::name_key(name)).or_default().push(thing);
                    names.entry(model::name_key(bare)).or_default().push(thing);
                }
                None => names.entry(model::name_key(name)).or_default().push(thing),
            }
        }
        Self(names)
    }

    /// The one thing of a name; else what is wrong with the name.
    pub(super) fn find(&self, name: &str, what: &str) -> std::result::Result<T, String> {
        let key = model::name_key(name);
        let found = self.0.get(&key).or_else(|| self.0.get(key.strip_prefix(BUILTIN)?.strip_prefix('/')?));
        match found.map(Vec::as_slice) {
            Some([one]) => Ok(*one),
            Some([_, ..]) => Err(format!("{name} is the name of several {what}s: write directory/name")),
            _ => Err(format!("there is no {what} {name}")),
        }
    }
}

impl<'p, C: ConnectionTrait> Planner<'p, C> {
    pub(super) fn new(
        conn: &'p C,
        core: &'p Core,
        now: Timestamp,
        said: &'p Said,
        faults: Faults,
        options: Options,
        before: Snapshot,
    ) -> Self {
        Self {
            conn,
            core,
            now,
            said,
            faults,
            options,
            after: before.clone(),
            before,
            changes: Vec::new(),
            grants: Vec::new(),
            steps: Vec::new(),
            settings: None,
            warnings: Vec::new(),
            groups_by_name: Names::default(),
            users_by_name: Names::default(),
            statuses: HashMap::new(),
            gone_targets: HashSet::new(),
            gone_sets: HashSet::new(),
        }
    }

    /// Whether what the files leave out of this section goes.
    pub(super) fn prunes(&self, section: Section) -> bool {
        self.options.prune && self.said.sections.contains(&section)
    }

    /// Notes a change of these fields.
    pub(super) fn note(&mut self, op: Op, section: Section, name: &str, differences: Map<String, Value>) {
        let fields = differences.into_iter().map(|(field, mut change)| {
            let mut side = |name: &str| change.get_mut(name).map(Value::take).unwrap_or_default();
            let (from, to) = (side("from"), side("to"));
            (field.into(), FieldChange { from, to })
        });
        let fields: BTreeMap<_, _> = fields.collect();
        self.changes.push(PlannedChange { op, kind: section.kind().into(), name: name.to_owned(), fields });
    }

    /// Notes that a thing is new, with these fields, or that it goes.
    pub(super) fn note_whole(&mut self, op: Op, section: Section, name: &str, fields: Map<String, Value>) {
        let nothing = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        let sides = fields.into_iter().filter(|(_, value)| !nothing(value)).map(|(field, value)| {
            let change = match op {
                Op::Delete => serde_json::json!({"from": value, "to": null}),
                _ => serde_json::json!({"from": null, "to": value}),
            };
            (field, change)
        });
        let sides = sides.collect();
        self.note(op, section, name, sides);
    }

    /// Reads the names of groups as they are now.
    pub(super) fn know_groups(&mut self) {
        let named = (0u32..).zip(self.after.groups.iter()).filter(|(_, (_, group))| group.present);
        self.groups_by_name = Names::of(named.map(|(number, (_, group))| (&*group.name, GroupIx::from(number))));
    }

    /// Reads the names of people as they are now.
    pub(super) fn know_users(&mut self) {
        let named = (0u32..).zip(self.after.users.iter()).filter(|(_, (_, user))| user.present);
        self.users_by_name = Names::of(named.map(|(number, (_, user))| (&*user.name, UserIx::from(number))));
    }

    /// Whether there is, or will be, an account of this number.
    pub(super) fn has_account(&self, account: &AccountId) -> bool {
        let found = self.after.accounts.find(account).and_then(|number| self.after.accounts.get(number as usize));
        found.is_some_and(|account| account.present)
    }

    /// All grants of somebody go with them.
    pub(super) fn take_all(&mut self, holder: Holder) {
        let held: Vec<_> = self.after.grants(holder).into_iter().flatten().map(|(key, terms)| (*key, *terms)).collect();
        for ((target, set), terms) in held {
            self.after.revoke(holder, target, set);
            self.grants.push(GrantStep { holder, target, set, before: Some(terms), after: None });
        }
    }

    /// Keeps somebody whom pruning would remove, with what is theirs; says whether there was anybody to keep.
    pub(super) fn spare(&mut self, holder: Holder) -> Result<bool> {
        let id = match holder {
            Holder::User(user) => id_of_user(&self.after, user)?.to_string(),
            Holder::Group(group) => id_of_group(&self.after, group)?.to_string(),
        };
        let removal = self.steps.iter().position(|step| match (step, holder) {
            (Step::RemoveUser(row), Holder::User(_)) => row.id == id,
            (Step::RemoveGroup(row), Holder::Group(_)) => row.id == id,
            _ => false,
        });
        let Some(removal) = removal else { return Ok(false) };
        let (section, name) = match self.steps.remove(removal) {
            Step::RemoveUser(row) => {
                self.after.put_user(parse_id(&row.id)?, &row.user_name, row.status != Status::Disabled.as_str());
                (Section::Users, row.user_name)
            }
            Step::RemoveGroup(row) => {
                self.after.put_group(parse_id(&row.id)?, &row.name);
                (Section::Groups, row.name)
            }
            _ => return Err(Error::internal("a step that is another one")),
        };
        self.changes
            .retain(|change| !(change.op == Op::Delete && change.kind == section.kind() && change.name == name));
        if let Holder::User(user) = holder {
            let groups = self.before.users.get(user.at()).map(|user| user.groups.clone()).unwrap_or_default();
            for group in groups {
                self.after.join(user, group);
            }
        }
        if !self.prunes(Section::Assignments) {
            self.give_back(holder);
        }
        Ok(true)
    }

    /// Grants that would have gone with their holder stay, but where account or set goes too.
    fn give_back(&mut self, holder: Holder) {
        let (gone_targets, gone_sets) = (&self.gone_targets, &self.gone_sets);
        let stays = |grant: &GrantStep| {
            grant.holder == holder
                && grant.after.is_none()
                && !gone_targets.contains(&grant.target)
                && !gone_sets.contains(&grant.set)
        };
        for grant in self.grants.extract_if(.., |grant| stays(grant)) {
            if let Some(terms) = grant.before {
                self.after.grant(grant.holder, grant.target, grant.set, terms);
            }
        }
    }

    /// Everybody who can hold a grant.
    pub(super) fn holders(&self) -> Vec<Holder> {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let users = (0..count(self.after.users.len())).map(|number| Holder::User(number.into()));
        users.chain((0..count(self.after.groups.len())).map(|number| Holder::Group(number.into()))).collect()
    }

    /// Ends the work: the plan, or everything that is wrong.
    pub(super) fn finish(mut self, standing: String) -> std::result::Result<Planned, Refused> {
        if !self.faults.is_empty() {
            let (list, beyond) = self.faults.into_list();
            return Err(Refused::Faults(list, beyond));
        }
        let waiting: Vec<&str> = self
            .said
            .sections
            .iter()
            .filter(|section| section.is_stored_only() && self.said.stored.iter().any(|(kind, _)| kind == *section))
            .map(|section| section.name())
            .collect();
        if !waiting.is_empty() {
            self.warnings.push(format!("stored, inactive until their capability is there: {}.", waiting.join(", ")));
        }
        let waiting = |step: &&Step| matches!(step, Step::PutUser { before: None, after, .. } if after.status == Status::Invited.as_str());
        match self.steps.iter().filter(waiting).count() {
            0 => {}
            many => self.warnings.push(format!(
                "{many} of the new people have no password: `vestibule user invite NAME`, or their page, gives each a link."
            )),
        }
        if self.said.applications.iter().any(|application| application.fields.contains_key("saml")) {
            self.warnings
                .push("stored, inactive until the identity provider is there: saml of applications.".to_owned());
        }
        Ok(Planned {
            now: self.now,
            before: self.before,
            after: self.after,
            changes: self.changes,
            grants: self.grants,
            steps: self.steps,
            settings: self.settings,
            warnings: self.warnings,
            standing,
            options: self.options,
        })
    }

    /// What is stored of files, of one kind.
    pub(super) async fn stored_of(&self, kind: &str) -> Result<Vec<stored_section::Model>> {
        use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _};
        Ok(stored_section::Entity::find()
            .filter(stored_section::Column::Kind.eq(kind))
            .order_by_asc(stored_section::Column::Position)
            .order_by_asc(stored_section::Column::Name)
            .all(self.conn)
            .await?)
    }

    /// Policies, roles, identity providers, service control policies and directories.
    pub(super) async fn stored(&mut self) -> Result<()> {
        for section in Section::ALL.into_iter().filter(|section| section.is_stored_only()) {
            if !self.said.sections.contains(&section) {
                continue;
            }
            let rows = self.stored_of(section.name()).await?;
            let mut position = rows.iter().map(|row| row.position).max().unwrap_or(0);
            let mut known: HashMap<String, stored_section::Model> =
                rows.into_iter().map(|row| (model::name_key(&row.name), row)).collect();
            let said = self.said;
            for (_, thing) in said.stored.iter().filter(|(kind, _)| *kind == section) {
                for account in &thing.accounts {
                    if !self.has_account(&account.value) {
                        let field = if section == Section::ServiceControlPolicies { "accounts" } else { "account" };
                        let field = format!("{}[{}].{field}", section.name(), thing.index);
                        self.faults.add(account.at, field, format!("there is no account {}", account.value));
                    }
                }
                let before = known.remove(&model::name_key(&thing.name));
                let was = before.as_ref().and_then(|row| row.body.as_object().cloned()).unwrap_or_default();
                // Of another type other fields are known.
                let stays = thing.body.get("type").is_none_or(|kind| was.get("type") == Some(kind));
                if before.is_none() || !stays {
                    for lacking in &thing.lacking {
                        let field = format!("{}[{}].{lacking}", section.name(), thing.index);
                        self.faults.add(thing.at, field, "is missing");
                    }
                }
                let mut body = if stays { was.clone() } else { Map::new() };
                for (field, value) in thing.body.as_object().into_iter().flatten() {
                    body.insert(field.clone(), value.clone());
                }
                let reads = section == Section::Directories && self.directory_secrets(thing, &was, &body);
                let mut differences = differences(&was, &body);
                if differences.is_empty() && reads {
                    let named = body.iter().filter(|(field, _)| SECRETS.contains(&field.as_str()));
                    differences = named.map(|(field, now)| (field.clone(), json!({"from": now, "to": now}))).collect();
                }
                if differences.is_empty() {
                    continue;
                }
                let op = if before.is_some() { Op::Update } else { Op::Create };
                self.note(op, section, &thing.name, differences);
                position += i64::from(before.is_none());
                let row = stored_section::Model {
                    kind: section.name().to_owned(),
                    name: before.as_ref().map_or_else(|| thing.name.clone(), |row| row.name.clone()),
                    position: before.map_or(position, |row| row.position),
                    body: Value::Object(body),
                    updated_at: self.now.0,
                };
                self.steps.push(Step::PutStored(Box::new(row)));
            }
            if self.prunes(section) {
                let mut gone: Vec<stored_section::Model> = known.into_values().collect();
                gone.sort_by(|a, b| a.name.cmp(&b.name));
                for row in gone {
                    let fields = row.body.as_object().cloned().unwrap_or_default();
                    self.note_whole(Op::Delete, section, &row.name, fields);
                    self.steps.push(Step::RemoveStored(row.kind, row.name));
                }
            }
        }
        Ok(())
    }
}

/// What differs between two sets of fields.
pub(super) fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differing = names.into_iter().filter_map(|name| {
        let (from, to) = (before.get(name), after.get(name));
        (from != to).then(|| (name.clone(), serde_json::json!({"from": from, "to": to})))
    });
    differing.collect()
}

/// An id by its number.
pub(super) fn id_of_user(snapshot: &Snapshot, user: UserIx) -> Result<UserId> {
    snapshot.users.id(user.at()).copied().ok_or_else(|| Error::internal("a person without an id"))
}

/// An id by its number.
pub(super) fn id_of_group(snapshot: &Snapshot, group: GroupIx) -> Result<GroupId> {
    snapshot.groups.id(group.at()).copied().ok_or_else(|| Error::internal("a group without an id"))
}
