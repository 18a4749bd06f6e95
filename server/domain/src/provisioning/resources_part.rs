//! Accounts, permission sets and applications of the organisation file.

use std::collections::{BTreeSet, HashMap};

use model::{ApplicationId, PermissionSetId};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Map, Value, json};
use wire::organisation::{AssignedTo, Places, Section};

use super::planner::{Planner, Step, differences};
use crate::access::Principal;
use crate::access::accounts::{Account, AccountInput, AccountStatus};
use crate::access::applications::{Application, ApplicationInput};
use crate::access::permission_sets::{self, PermissionSet, PermissionSetInput};
use crate::access::plan::Op;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::store::entity::{account, application, application_assignment, permission_set};

impl<C: ConnectionTrait> Planner<'_, C> {
    pub(super) async fn accounts(&mut self) -> Result<()> {
        if !self.said.sections.contains(&Section::Accounts) {
            return Ok(());
        }
        let rows = account::Entity::find().order_by_asc(account::Column::Id).all(self.conn).await?;
        let mut known: HashMap<String, account::Model> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let said = self.said;
        for thing in &said.accounts {
            let row = known.remove(thing.id.value.as_str());
            let before = row.as_ref().map(Account::of_row).transpose()?;
            let field = |name: &str| format!("accounts[{}].{name}", thing.index);
            let mut input = AccountInput { id: thing.id.value.to_string(), ..AccountInput::default() };
            if let Some(before) = &before {
                before.name.as_str().clone_into(&mut input.name);
                before.email().clone_into(&mut input.email);
                before.path.as_str().clone_into(&mut input.path);
                before.status.as_str().clone_into(&mut input.status);
                input.tags.clone_from(&before.tags);
                input.broker = before.broker.clone();
            } else if !thing.fields.contains_key("name") {
                self.faults.add(thing.places.find(""), field("name"), "is missing: a new account needs it");
                continue;
            }
            for (name, to) in [
                ("name", &mut input.name),
                ("email", &mut input.email),
                ("path", &mut input.path),
                ("status", &mut input.status),
            ] {
                if let Some(text) = thing.fields.get(name).and_then(Value::as_str) {
                    text.clone_into(to);
                }
            }
            if let Some(tags) = thing.fields.get("tags") {
                input.tags = from_json(tags)?;
            }
            if let Some(broker) = thing.fields.get("broker") {
                match serde_json::from_value(broker.clone()) {
                    Ok(broker) => input.broker = broker,
                    Err(error) => {
                        self.faults.add(thing.places.find("broker"), field("broker"), said_by_serde(&error));
                        continue;
                    }
                }
            }
            let after = match input.check() {
                Ok(after) => after,
                Err(faults) => {
                    for fault in faults {
                        self.faults.add(thing.places.find(&fault.field), field(&fault.field), fault.reason);
                    }
                    continue;
                }
            };
            let active = after.status == AccountStatus::Active;
            self.after.put_account(after.id, after.name.as_str(), after.path.clone(), active);
            match &before {
                None => self.note_whole(Op::Create, Section::Accounts, after.id.as_str(), after.fields()),
                Some(before) => {
                    let differences = before.differences(&after);
                    if differences.is_empty() {
                        continue;
                    }
                    self.note(Op::Update, Section::Accounts, after.id.as_str(), differences);
                }
            }
            self.steps.push(Step::PutAccount(row.map(Box::new), Box::new(after)));
        }
        if self.prunes(Section::Accounts) {
            let mut gone: Vec<account::Model> = known.into_values().collect();
            gone.sort_by(|a, b| a.id.cmp(&b.id));
            for row in gone {
                let account = Account::of_row(&row)?;
                self.note_whole(Op::Delete, Section::Accounts, &row.id, account.fields());
                let number = self.after.put_account(account.id, account.name.as_str(), account.path.clone(), false);
                self.after.remove_account(number);
                let target = self.after.target(&model::AccountTarget::Account(account.id));
                self.gone_targets.insert(target);
                self.steps.push(Step::RemoveAccount(Box::new(row)));
            }
        }
        Ok(())
    }

    pub(super) async fn permission_sets(&mut self) -> Result<()> {
        if !self.said.sections.contains(&Section::PermissionSets) {
            return Ok(());
        }
        let rows = permission_set::Entity::find().order_by_asc(permission_set::Column::NameKey).all(self.conn).await?;
        let mut known: HashMap<String, permission_set::Model> =
            rows.into_iter().map(|row| (row.name_key.clone(), row)).collect();
        let said = self.said;
        for thing in &said.permission_sets {
            let row = known.remove(&thing.name.value.key());
            let before = row.as_ref().map(permission_sets::read).transpose()?;
            let field = |name: &str| format!("permissionSets[{}].{name}", thing.index);
            // A name that differs in its letters' case only is the same name.
            let name = before.as_ref().map_or(thing.name.value.as_str(), |before| before.name().as_str());
            let base = before.as_ref().map_or_else(|| PermissionSetInput::named(name), PermissionSet::to_input);
            let mut fields = as_map(&base)?;
            fields.extend(thing.fields.clone());
            let input: PermissionSetInput = match serde_json::from_value(Value::Object(fields)) {
                Ok(input) => input,
                Err(error) => {
                    self.faults.add(thing.places.find(""), field("name"), said_by_serde(&error));
                    continue;
                }
            };
            let after = match input.check() {
                Ok(after) => after,
                Err(faults) => {
                    for fault in faults {
                        self.faults.add(thing.places.find(&fault.field), field(&fault.field), fault.reason);
                    }
                    continue;
                }
            };
            let to = as_map(&after.to_input())?;
            let made = if let Some(before) = &before {
                let differences = differences(&as_map(&before.to_input())?, &to);
                if differences.is_empty() {
                    continue;
                }
                self.note(Op::Update, Section::PermissionSets, name, differences);
                None
            } else {
                let id = PermissionSetId::from_random(self.core.entropy.bytes()?);
                self.after.put_set(id, name);
                self.note_whole(Op::Create, Section::PermissionSets, name, to);
                Some(id)
            };
            self.steps.push(Step::PutSet(row.map(Box::new), Box::new(after), made));
        }
        if self.prunes(Section::PermissionSets) {
            let mut gone: Vec<permission_set::Model> = known.into_values().collect();
            gone.sort_by(|a, b| a.name_key.cmp(&b.name_key));
            for row in gone {
                let fields = as_map(&permission_sets::read(&row)?.to_input())?;
                self.note_whole(Op::Delete, Section::PermissionSets, &row.name, fields);
                let number = self.after.put_set(permission_sets::id_of(&row)?, &row.name);
                self.after.remove_set(number);
                self.gone_sets.insert(number);
                self.steps.push(Step::RemoveSet(Box::new(row)));
            }
        }
        Ok(())
    }

    pub(super) async fn applications(&mut self) -> Result<()> {
        if !self.said.sections.contains(&Section::Applications) {
            return Ok(());
        }
        let rows = application::Entity::find().order_by_asc(application::Column::NameKey).all(self.conn).await?;
        let mut known: HashMap<String, application::Model> =
            rows.into_iter().map(|row| (row.name_key.clone(), row)).collect();
        let mut assigned: HashMap<String, BTreeSet<Principal>> = HashMap::new();
        for row in application_assignment::Entity::find().all(self.conn).await? {
            let principal = Principal::from_columns(&row.principal_kind, &row.principal_id)?;
            assigned.entry(row.application_id).or_default().insert(principal);
        }
        let said = self.said;
        for thing in &said.applications {
            let row = known.remove(&thing.name.value.key());
            let before = row.as_ref().map(Application::of_row).transpose()?;
            let name = before.as_ref().map_or(thing.name.value.as_str(), |before| before.name.as_str()).to_owned();
            let mut input = ApplicationInput { name: name.clone(), ..ApplicationInput::default() };
            if let Some(before) = &before {
                input.description.clone_from(&before.description);
                input.start_url.clone_from(&before.start_url);
                (input.visible, input.status, input.everyone) = (before.visible, before.status, before.everyone);
                input.saml = before.saml.clone();
            }
            overlay(&thing.fields, &mut input)?;
            if let Some(to) = &thing.assigned_to {
                input.everyone = to.everyone;
            }
            let after = match input.check() {
                Ok(after) => after,
                Err(faults) => {
                    for (field, reason) in faults {
                        let path = format!("applications[{}].{field}", thing.index);
                        self.faults.add(thing.places.find(field), path, reason);
                    }
                    continue;
                }
            };
            let id: ApplicationId = match &row {
                Some(row) => parse_id(&row.id)?,
                None => ApplicationId::from_random(self.core.entropy.bytes()?),
            };
            let was = row.as_ref().and_then(|row| assigned.get(&row.id)).cloned().unwrap_or_default();
            let is = match &thing.assigned_to {
                Some(to) => self.assigned(thing.index, to, &thing.places),
                None => was.clone(),
            };
            let mut from = before.as_ref().map(Application::fields).unwrap_or_default();
            let mut to = after.fields();
            if was != is {
                from.insert("assignedTo".to_owned(), self.names_of(&was));
                to.insert("assignedTo".to_owned(), self.names_of(&is));
            }
            if row.is_none() {
                to.remove("name");
                self.note_whole(Op::Create, Section::Applications, &name, to);
            } else {
                let differences = differences(&from, &to);
                if differences.is_empty() {
                    continue;
                }
                self.note(Op::Update, Section::Applications, &name, differences);
            }
            self.steps.push(Step::PutApplication(row.map(Box::new), id, Box::new(after)));
            self.steps.extend(is.difference(&was).map(|principal| Step::AssignApplication(id, *principal)));
            self.steps.extend(was.difference(&is).map(|principal| Step::UnassignApplication(id, *principal)));
        }
        if self.prunes(Section::Applications) {
            let mut gone: Vec<application::Model> = known.into_values().collect();
            gone.sort_by(|a, b| a.name_key.cmp(&b.name_key));
            for row in gone {
                let fields = Application::of_row(&row)?.fields();
                self.note_whole(Op::Delete, Section::Applications, &row.name, fields);
                self.steps.push(Step::RemoveApplication(Box::new(row)));
            }
        }
        Ok(())
    }

    fn assigned(&mut self, index: usize, to: &AssignedTo, _: &Places) -> BTreeSet<Principal> {
        let mut principals = BTreeSet::new();
        for (at, said) in to.groups.iter().enumerate() {
            match self.groups_by_name.find(&said.value, "group") {
                Ok(group) => principals.extend(self.after.groups.id(group.at()).map(|id| Principal::Group(*id))),
                Err(problem) => {
                    self.faults.add(said.at, format!("applications[{index}].assignedTo.groups[{at}]"), problem);
                }
            }
        }
        for (at, said) in to.users.iter().enumerate() {
            match self.users_by_name.find(&said.value, "user") {
                Ok(user) => principals.extend(self.after.users.id(user.at()).map(|id| Principal::User(*id))),
                Err(problem) => {
                    self.faults.add(said.at, format!("applications[{index}].assignedTo.users[{at}]"), problem);
                }
            }
        }
        principals
    }

    fn names_of(&self, principals: &BTreeSet<Principal>) -> Value {
        let (mut groups, mut users): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for principal in principals {
            match principal {
                Principal::User(id) => {
                    let found = self.after.users.find(id).and_then(|at| self.after.users.get(at as usize));
                    users.extend(found.map(|user| &*user.name));
                }
                Principal::Group(id) => {
                    let found = self.after.groups.find(id).and_then(|at| self.after.groups.get(at as usize));
                    groups.extend(found.map(|group| &*group.name));
                }
            }
        }
        groups.sort_unstable();
        users.sort_unstable();
        json!({"groups": groups, "users": users})
    }
}

fn overlay(fields: &Map<String, Value>, input: &mut ApplicationInput) -> Result<()> {
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("description", Value::String(text)) => input.description.clone_from(text),
            ("startUrl", Value::String(text)) => input.start_url.clone_from(text),
            ("visible", Value::Bool(visible)) => input.visible = *visible,
            ("status", Value::String(text)) => {
                input.status = text.parse().map_err(|e| Error::internal(format!("status {text}: {e}")))?;
            }
            ("saml", value) => input.saml = value.clone(),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn as_map(value: &impl serde::Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Error::internal("something that is no map")),
        Err(error) => Err(Error::internal(format!("fields: {error}"))),
    }
}

fn from_json<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T> {
    serde_json::from_value(value.clone()).map_err(|e| Error::internal(format!("checked fields: {e}")))
}

/// What is wrong with the shape of something, in words that follow the field's name.
fn said_by_serde(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.replace("missing field", "lacks").replace("unknown field", "may not have");
    text.split(" at line ").next().unwrap_or_default().to_owned()
}
