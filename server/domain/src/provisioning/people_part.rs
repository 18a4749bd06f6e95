//! Groups and people of the organisation file.

use std::collections::HashMap;

use model::{GroupId, PersonName, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::{Map, Value, json};
use wire::organisation::{PasswordSource, Section, User as SaidUser};

use super::planner::{PasswordStep, Planner, Step, differences};
use crate::access::plan::Op;
use crate::access::snapshot::{GroupIx, Holder};
use crate::error::Result;
use crate::identity::passwords;
use crate::identity::people::{BUILTIN, Status, parse_id, status_of};
use crate::store::entity::{group, password, user};

impl<C: ConnectionTrait> Planner<'_, C> {
    pub(super) async fn groups(&mut self) -> Result<()> {
        if self.said.sections.contains(&Section::Groups) {
            let rows = group::Entity::find().filter(group::Column::Directory.eq(BUILTIN)).all(self.conn).await?;
            let mut known: HashMap<String, group::Model> =
                rows.into_iter().map(|row| (row.name_key.clone(), row)).collect();
            let said = self.said;
            for thing in &said.groups {
                let key = thing.name.value.key();
                if let Some(before) = known.remove(&key) {
                    let Some(description) = thing.description.as_ref().filter(|text| **text != before.description)
                    else {
                        continue;
                    };
                    let change = json!({"from": before.description, "to": description});
                    self.note(
                        Op::Update,
                        Section::Groups,
                        &before.name,
                        Map::from_iter([("description".to_owned(), change)]),
                    );
                    let after = group::Model {
                        description: description.clone(),
                        updated_at: self.now.0,
                        version: before.version + 1,
                        ..before
                    };
                    self.steps.push(Step::PutGroup(Box::new(after), false));
                    continue;
                }
                let id = GroupId::from_random(self.core.entropy.bytes()?);
                let row = group::Model {
                    id: id.to_string(),
                    directory: BUILTIN.to_owned(),
                    name: thing.name.value.as_str().to_owned(),
                    name_key: key,
                    description: thing.description.clone().unwrap_or_default(),
                    created_at: self.now.0,
                    updated_at: self.now.0,
                    version: 1,
                };
                self.after.put_group(id, &row.name);
                let fields = Map::from_iter([("description".to_owned(), Value::from(row.description.clone()))]);
                self.note_whole(Op::Create, Section::Groups, &row.name, fields);
                self.steps.push(Step::PutGroup(Box::new(row), true));
            }
            if self.prunes(Section::Groups) {
                let mut gone: Vec<group::Model> = known.into_values().collect();
                gone.sort_by(|a, b| a.name_key.cmp(&b.name_key));
                for row in gone {
                    let fields = Map::from_iter([("description".to_owned(), Value::from(row.description.clone()))]);
                    self.note_whole(Op::Delete, Section::Groups, &row.name, fields);
                    let number = self.after.put_group(parse_id(&row.id)?, &row.name);
                    self.take_all(Holder::Group(number));
                    self.after.remove_group(number);
                    self.steps.push(Step::RemoveGroup(Box::new(row)));
                }
            }
        }
        self.know_groups();
        Ok(())
    }

    pub(super) async fn users(&mut self) -> Result<()> {
        if self.said.sections.contains(&Section::Users) {
            let rows = user::Entity::find().filter(user::Column::Directory.eq(BUILTIN)).all(self.conn).await?;
            let mut known: HashMap<String, user::Model> =
                rows.into_iter().map(|row| (row.user_name_key.clone(), row)).collect();
            let said = self.said;
            for thing in &said.users {
                let before = known.remove(&thing.user_name.value.key());
                self.user(thing, before).await?;
            }
            if self.prunes(Section::Users) {
                self.prune_users(known)?;
            }
        }
        self.know_users();
        Ok(())
    }

    async fn user(&mut self, said: &SaidUser, before: Option<user::Model>) -> Result<()> {
        let path = |field: &str| format!("users[{}].{field}", said.index);
        if let Some(PasswordSource::Argon2id(hash)) = said.password.as_ref().map(|password| &password.value)
            && let Err(error) = passwords::check_import(hash)
        {
            let at = said.password.as_ref().map_or(said.at, |password| password.at);
            self.faults.add(at, path("password.argon2id"), error.outside());
        }
        let Some(email) = said
            .email
            .as_ref()
            .map(|said| said.value.as_str().to_owned())
            .or_else(|| before.as_ref().map(|row| row.email.clone()))
        else {
            self.faults.add(said.at, path("email"), "is missing: a new person needs it");
            return Ok(());
        };
        let mut after = match &before {
            Some(row) => row.clone(),
            None => self.new_row(said)?,
        };
        after.email_key = model::name_key(&email);
        after.email = email;
        let name = |said: &Option<PersonName>, to: &mut String| {
            if let Some(name) = said {
                name.as_str().clone_into(to);
            }
        };
        name(&said.given_name, &mut after.given_name);
        name(&said.family_name, &mut after.family_name);
        name(&said.display_name, &mut after.display_name);
        if before.is_none() && said.display_name.is_none() {
            after.display_name = match (&said.given_name, &said.family_name) {
                (None, None) => after.user_name.clone(),
                _ => format!("{} {}", after.given_name, after.family_name),
            };
        }
        after.display_key = model::name_key(&after.display_name);
        if let Some(attributes) = &said.attributes {
            after.attributes = json!(attributes);
        }
        let password = self.password_of(said, before.is_none());
        let status = self.status_after(said, before.as_ref(), password.is_some()).await?;
        status.as_str().clone_into(&mut after.status);
        let enabled = after.status != Status::Disabled.as_str();
        let id: UserId = parse_id(&after.id)?;
        let number = self.after.put_user(id, &after.user_name, enabled);
        self.statuses.insert(number, status);
        let (mut from, mut to) = (before.as_ref().map(fields_of).unwrap_or_default(), fields_of(&after));
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        if let Some(groups) = &said.groups {
            let mut wanted: Vec<GroupIx> = Vec::new();
            for (at, said_group) in groups.value.iter().enumerate() {
                match self.groups_by_name.find(&said_group.value, "group") {
                    Ok(group) => wanted.push(group),
                    Err(problem) => self.faults.add(said_group.at, path(&format!("groups[{at}]")), problem),
                }
            }
            wanted.sort_unstable();
            let present: Vec<GroupIx> =
                self.after.users.get(number.at()).map(|user| user.groups.clone()).unwrap_or_default();
            let present: Vec<GroupIx> = present
                .into_iter()
                .filter(|group| self.after.groups.get(group.at()).is_some_and(|group| group.present))
                .collect();
            if wanted != present {
                from.insert("groups".to_owned(), self.group_names(&present));
                to.insert("groups".to_owned(), self.group_names(&wanted));
            }
            joined = wanted.iter().copied().filter(|group| !present.contains(group)).collect();
            left = present.into_iter().filter(|group| !wanted.contains(group)).collect();
        }
        for group in &joined {
            self.after.join(number, *group);
        }
        for group in &left {
            self.after.leave(number, *group);
        }
        if let (Some(step), Some(_)) = (&password, &before) {
            let source = match &step.source {
                PasswordSource::FromEnv(name) => json!({ "fromEnv": name }),
                PasswordSource::Argon2id(_) => json!("a hash"),
            };
            to.insert("password".to_owned(), source);
        }
        let user_name = after.user_name.clone();
        if let Some(before) = &before {
            let differences = differences(&from, &to);
            if differences.is_empty() {
                return Ok(());
            }
            self.note(Op::Update, Section::Users, &user_name, differences);
            if after != *before {
                after.updated_at = self.now.0;
                after.version += 1;
            }
        } else {
            self.note_whole(Op::Create, Section::Users, &user_name, to);
        }
        let changed = before.as_ref() != Some(&after) || password.is_some();
        if changed {
            let before = before.map(Box::new);
            self.steps.push(Step::PutUser { before, after: Box::new(after), password });
        }
        self.steps.extend(joined.into_iter().map(|group| Step::Join(number, group)));
        self.steps.extend(left.into_iter().map(|group| Step::Leave(number, group)));
        Ok(())
    }

    fn new_row(&self, said: &SaidUser) -> Result<user::Model> {
        let name = said.user_name.value.as_str().to_owned();
        let days = i64::from(self.core.settings().mfa.enrol_within_days);
        Ok(user::Model {
            id: UserId::from_random(self.core.entropy.bytes()?).to_string(),
            directory: BUILTIN.to_owned(),
            user_name_key: said.user_name.value.key(),
            display_name: name.clone(),
            display_key: String::new(),
            given_name: name.clone(),
            family_name: name.clone(),
            user_name: name,
            email: String::new(),
            email_key: String::new(),
            status: Status::Invited.as_str().to_owned(),
            attributes: json!({}),
            preferences: json!({}),
            enrol_by: Some(self.now.plus(days * model::Timestamp::DAY).0),
            must_change_password: false,
            last_sign_in_at: None,
            created_at: self.now.0,
            updated_at: self.now.0,
            version: 1,
        })
    }

    /// The password to set: of a new person, or of everybody where that is asked for.
    fn password_of(&self, said: &SaidUser, is_new: bool) -> Option<PasswordStep> {
        let password = said.password.as_ref().filter(|_| is_new || self.options.set_passwords)?;
        let name = match &password.value {
            PasswordSource::FromEnv(_) => "fromEnv",
            PasswordSource::Argon2id(_) => "argon2id",
        };
        let field = format!("users[{}].password.{name}", said.index);
        Some(PasswordStep { source: password.value.clone(), at: password.at, field })
    }

    async fn status_after(&self, said: &SaidUser, before: Option<&user::Model>, sets: bool) -> Result<Status> {
        let was = match before {
            Some(row) => status_of(row)?,
            None if sets => Status::Active,
            None => Status::Invited,
        };
        Ok(match (said.disabled.as_ref().map(|said| said.value), was) {
            (Some(true), _) => Status::Disabled,
            (Some(false), Status::Disabled) => {
                let id = before.map(|row| row.id.clone()).unwrap_or_default();
                let has = sets || password::Entity::find_by_id(id).one(self.conn).await?.is_some();
                if has { Status::Active } else { Status::Invited }
            }
            (_, Status::Invited) if sets => Status::Active,
            (_, was) => was,
        })
    }

    fn group_names(&self, groups: &[GroupIx]) -> Value {
        let mut names: Vec<&str> =
            groups.iter().filter_map(|group| self.after.groups.get(group.at())).map(|group| &*group.name).collect();
        names.sort_unstable();
        json!(names)
    }

    fn prune_users(&mut self, known: HashMap<String, user::Model>) -> Result<()> {
        let mut gone: Vec<user::Model> = known.into_values().collect();
        gone.sort_by(|a, b| a.user_name_key.cmp(&b.user_name_key));
        for row in gone {
            self.note_whole(Op::Delete, Section::Users, &row.user_name, fields_of(&row));
            let enabled = row.status != Status::Disabled.as_str();
            let number = self.after.put_user(parse_id(&row.id)?, &row.user_name, enabled);
            self.take_all(Holder::User(number));
            self.after.remove_user(number);
            self.steps.push(Step::RemoveUser(Box::new(row)));
        }
        Ok(())
    }
}

/// The fields of a person, as files name them.
pub(super) fn fields_of(row: &user::Model) -> Map<String, Value> {
    let fields = json!({
        "email": row.email, "givenName": row.given_name, "familyName": row.family_name, "displayName": row.display_name,
        "attributes": row.attributes, "disabled": row.status == Status::Disabled.as_str(),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
