//! Applies what was planned: all of it in one transaction, or nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::UserId;
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel as _, QueryFilter};
use serde_json::{Value, json};
use wire::organisation::{Faults, PasswordSource, Section, read};

use super::directory_secrets;
use super::organisation::{Counts, Environment, Files, Options, Organisation, Planned, Refused, unset};
use super::planner::{GrantStep, PasswordStep, Step};
use super::promotions::Promotions;
use crate::access::Principal;
use crate::access::assignments::rows::{self, GrantKey, NewGrant, Rows};
use crate::access::snapshot::Holder;
use crate::access::stamp::{self, Touched};
use crate::access::{accounts, applications, permission_sets};
use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::passwords::Password;
use crate::identity::people::{Status, parse_id};
use crate::identity::set_password::{Keep, Prepared};
use crate::identity::{links, password_policy, people_changes, ranks, sessions, words};
use crate::key_rotation::webhook_place;
use crate::secret::Secret;
use crate::settings_service;
use crate::store::Change;
use crate::store::entity::{administrator, assignment, ceremony, group, membership, password, stored_section, user};

/// Rows of one statement.
const CHUNK: usize = 500;
/// Changes that the audit entry names; beyond, only their numbers.
const NAMED_IN_AUDIT: usize = 1_000;
/// The kind under which it is stored where passwords of people come from.
pub(super) const PASSWORDS: &str = "userPasswords";

/// What came of applying.
#[derive(Debug)]
pub struct Applied {
    pub counts: Counts,
    pub warnings: Vec<String>,
}

/// Passwords that were judged and hashed before the change began, by user name, and secrets by the
/// address of their webhook.
#[derive(Default)]
struct Ready {
    hashes: HashMap<String, String>,
    secrets: HashMap<String, Secret>,
    /// Of directories, by directory and field.
    kept: HashMap<(String, &'static str), Secret>,
    warnings: Vec<String>,
}

impl Organisation {
    /// Applies files. Where the plan was shown before, `expected` is its digest: another outcome is refused.
    pub async fn apply(
        &self,
        call: &Call,
        files: Files<'_>,
        options: Options,
        environment: Environment<'_>,
        expected: Option<&str>,
    ) -> std::result::Result<Applied, Refused> {
        authorize(call, Action::ApplyOrganisation, Resource::Organisation)?;
        let (organisation, faults) = read(files.documents, files.load);
        let ready = {
            let names = files.documents.iter().map(|document| document.name.to_owned()).collect();
            let planned = Box::pin(self.work_out(self.0.store.read(), call, &organisation, faults, options, 0)).await?;
            Box::pin(self.make_ready(&planned, environment, Faults::in_files(names))).await?
        };
        let mut change = self.0.store.begin().await?;
        // First of all: they put changes of administrators and of access in line, so that nothing moves between looking and
        // writing.
        ranks::guard_owners(change.txn()).await?;
        stamp::touch(change.txn(), call.now, Touched::Everything).await?;
        ranks::authorize_again(change.txn(), call, Action::ApplyOrganisation, Resource::Organisation).await?;
        let faults = Faults::in_files(Vec::new());
        let planned = Box::pin(self.work_out(change.txn(), call, &organisation, faults, options, 1)).await?;
        drop(organisation);
        if expected.is_some_and(|expected| expected != planned.digest()) {
            return Err(Error::conflict(None, "The plan is out of date: something changed since. Plan again.").into());
        }
        let mut warnings = planned.warnings.clone();
        warnings.extend(ready.warnings.iter().cloned());
        let applied = Applied { counts: planned.counts(), warnings };
        if planned.is_empty() {
            return Ok(applied);
        }
        let event = event_of(&planned);
        let owners = ranks::active_owners(change.txn()).await?;
        let settings = Box::pin(self.write(&mut change, call, planned, &ready)).await?;
        ranks::owner_remains(change.txn(), owners).await?;
        change.audit(call, event);
        change.commit().await?;
        if let Some(settings) = settings {
            self.0.settings.send_replace(Arc::new(settings));
        }
        Ok(applied)
    }

    /// Everything slow or from outside, before the change begins: passwords judged and hashed, secrets read.
    async fn make_ready(
        &self,
        planned: &Planned,
        environment: Environment<'_>,
        mut faults: Faults,
    ) -> std::result::Result<Ready, Refused> {
        let core = &*self.0;
        let mut ready = Ready::default();
        let settings = planned.settings.as_ref().map_or_else(|| core.settings(), |(_, after)| Arc::new(after.clone()));
        for step in &planned.steps {
            match step {
                Step::SealWebhook { url, variable: Some(variable), at, field } => match environment(variable) {
                    Some(secret) => {
                        ready.secrets.insert(url.clone(), secret);
                    }
                    None => faults.add(*at, field, format!("the variable {variable} is not set")),
                },
                Step::KeepSecret { directory, secret, variable: Some(variable), field, .. } => {
                    match environment(variable) {
                        Some(read) => drop(ready.kept.insert((directory.clone(), *secret), read)),
                        None => ready.warnings.push(unset(field, variable, false)),
                    }
                }
                Step::SealWebhook { url, variable: None, .. } => {
                    ready.secrets.insert(url.clone(), Secret::random_256(&core.entropy)?);
                }
                Step::PutUser { after, password: Some(PasswordStep { source, at, field }), .. } => match source {
                    PasswordSource::Argon2id(hash) => {
                        ready.hashes.insert(after.user_name_key.clone(), hash.clone());
                    }
                    PasswordSource::FromEnv(variable) => {
                        let Some(secret) = environment(variable) else {
                            faults.add(*at, field, format!("the variable {variable} is not set"));
                            continue;
                        };
                        let hashed = async {
                            let typed = Password::parse("password", &secret)?;
                            let policy = &settings.password_policy;
                            let name = &settings.organization_name;
                            password_policy::check("password", &typed, policy, false, after, name).await?;
                            core.hasher.hash(&core.entropy, &typed).await
                        };
                        match hashed.await {
                            Ok(hash) => {
                                ready.hashes.insert(after.user_name_key.clone(), hash);
                            }
                            Err(error) if error.kind() == model::Refusal::Invalid => {
                                faults.add(*at, field, format!("the password in {variable} {}", error.outside()));
                            }
                            Err(error) => return Err(error.into()),
                        }
                    }
                },
                _ => {}
            }
        }
        if faults.is_empty() {
            return Ok(ready);
        }
        let (list, beyond) = faults.into_list();
        Err(Refused::Faults(list, beyond))
    }

    async fn write(
        &self,
        change: &mut Change,
        call: &Call,
        planned: Planned,
        ready: &Ready,
    ) -> Result<Option<crate::settings::Settings>> {
        let core = &*self.0;
        let settings = match &planned.settings {
            Some((before, after)) => {
                let mut after = after.clone();
                for webhook in &mut after.webhooks {
                    if let Some(secret) = ready.secrets.get(&webhook.url) {
                        let place = webhook_place(&webhook.id);
                        webhook.sealed_secret = core.keys.seal(&core.entropy, place, secret.expose().as_bytes())?;
                    }
                }
                let row = settings_service::row_locked(change.txn()).await?;
                settings_service::store(change.txn(), call.now, &row, before, &after).await?;
                Some(after)
            }
            None => None,
        };
        let promotions = Promotions::expected(change.txn(), &planned).await?;
        take_grants(change, &planned).await?;
        let Planned { steps, before, after, grants, .. } = planned;
        let (removals, puts): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(|step| {
            matches!(
                step,
                Step::RemoveAccount(_)
                    | Step::RemoveSet(_)
                    | Step::RemoveStored(..)
                    | Step::RemoveGroup(_)
                    | Step::RemoveUser(_)
                    | Step::RemoveApplication(_)
                    | Step::RemoveAdministrator(_)
            )
        });
        drop(before);
        let mut writer = Writer { core, call, change, ready, users: Vec::new(), joins: Vec::new(), names: &after };
        for step in puts {
            writer.put(step).await?;
        }
        writer.flush().await?;
        let change = writer.change;
        make_grants(change, core, call, &after, &grants).await?;
        for step in removals {
            remove(change, call, step).await?;
        }
        promotions.tell(change.txn(), core, call.now).await?;
        Ok(settings)
    }
}

/// One entry for all of it.
fn event_of(planned: &Planned) -> Event {
    let counts = planned.counts();
    let mut named: Vec<Value> = Vec::new();
    for change in planned.changes.iter().take(NAMED_IN_AUDIT) {
        named.push(json!(change));
    }
    let mut grants: BTreeMap<&str, usize> = BTreeMap::new();
    for grant in &planned.grants {
        *grants.entry(grant.op().as_str()).or_default() += 1;
    }
    Event::done("ApplyOrganisation").on("organisation", "organisation", "organisation").with(json!({
        "creates": counts.creates, "updates": counts.updates, "deletes": counts.deletes,
        "changes": named, "assignments": grants, "prune": planned.options.prune,
    }))
}

fn key_of(names: &crate::access::snapshot::Snapshot, grant: &GrantStep) -> Result<GrantKey> {
    let lost = || Error::internal("a grant of somebody unknown");
    let principal = match grant.holder {
        Holder::User(user) => names.users.id(user.at()).copied().map(Principal::User),
        Holder::Group(group) => names.groups.id(group.at()).copied().map(Principal::Group),
    };
    Ok(GrantKey {
        principal: principal.ok_or_else(lost)?,
        target: names.target_of(grant.target).cloned().ok_or_else(lost)?,
        set: names.sets.id(grant.set.at()).copied().ok_or_else(lost)?,
    })
}

/// Takes away what goes; first of all, because accounts and sets stay while something is assigned there.
async fn take_grants(change: &mut Change, planned: &Planned) -> Result<()> {
    let gone: Vec<&GrantStep> = planned.grants.iter().filter(|grant| grant.after.is_none()).collect();
    for part in gone.chunks(10_000) {
        let keys = part.iter().map(|grant| key_of(&planned.after, grant)).collect::<Result<Vec<_>>>()?;
        rows::remove(change.txn(), &keys).await?;
    }
    Ok(())
}

async fn make_grants(
    change: &mut Change,
    core: &Core,
    call: &Call,
    names: &crate::access::snapshot::Snapshot,
    grants: &[GrantStep],
) -> Result<()> {
    let mut make = Rows::new(&core.entropy, call.now, crate::access::assignments::actor_of(call))?;
    let row = |grant: &GrantStep| -> Result<NewGrant> {
        let terms = grant.after.ok_or_else(|| Error::internal("a grant that goes"))?;
        Ok(NewGrant {
            key: key_of(names, grant)?,
            expires: terms.expires,
            reason: names.reason_of(terms.reason).to_owned(),
        })
    };
    let mut fresh: Vec<&GrantStep> =
        grants.iter().filter(|grant| grant.before.is_none() && grant.after.is_some()).collect();
    // Side by side in the index of principals.
    let ids = |grant: &GrantStep| match grant.holder {
        Holder::User(user) => names.users.id(user.at()).map(ToString::to_string),
        Holder::Group(group) => names.groups.id(group.at()).map(ToString::to_string),
    };
    let mut order: HashMap<Holder, String> = HashMap::new();
    for grant in &fresh {
        order.entry(grant.holder).or_insert_with(|| ids(grant).unwrap_or_default());
    }
    fresh.sort_by(|a, b| (order.get(&a.holder), a.target, a.set).cmp(&(order.get(&b.holder), b.target, b.set)));
    let mut wrong = None;
    let about = fresh.len();
    let rows_of = fresh.into_iter().map_while(|grant| match row(grant) {
        Ok(grant) => Some(make.make(grant)),
        Err(error) => {
            wrong = Some(error);
            None
        }
    });
    rows::insert(change.txn(), rows_of, about).await?;
    if let Some(error) = wrong {
        return Err(error);
    }
    let altered: Vec<&GrantStep> =
        grants.iter().filter(|grant| grant.before.is_some() && grant.after.is_some()).collect();
    for part in altered.chunks(10_000) {
        let renewed = |grant: &&GrantStep| -> Result<assignment::Model> {
            Ok(assignment::Model { renewed_at: Some(call.now.0), ..make.make(row(grant)?) })
        };
        let models = part.iter().map(renewed).collect::<Result<Vec<_>>>()?;
        rows::alter(change.txn(), models).await?;
    }
    Ok(())
}

/// Writes what is there afterwards.
struct Writer<'w> {
    core: &'w Core,
    call: &'w Call,
    change: &'w mut Change,
    ready: &'w Ready,
    /// New people, who are written many at a time.
    users: Vec<(user::Model, Option<String>)>,
    joins: Vec<membership::Model>,
    names: &'w crate::access::snapshot::Snapshot,
}

impl Writer<'_> {
    async fn put(&mut self, step: Step) -> Result<()> {
        match step {
            Step::PutAccount(None, after) => accounts::insert(self.change.txn(), self.call.now, &after).await,
            Step::PutAccount(Some(before), after) => {
                accounts::change(self.change.txn(), self.call.now, &before, &after).await.map(drop)
            }
            Step::PutSet(Some(before), after, _) => {
                permission_sets::change(self.change, self.call, &before, &after).await.map(drop)
            }
            Step::PutSet(None, after, id) => {
                let id = id.ok_or_else(|| Error::internal("a new permission set without an id"))?;
                permission_sets::insert_as(self.change, self.call, id, &after).await
            }
            Step::PutStored(row) => put_stored(self.change, *row).await,
            Step::KeepSecret { directory, secret, .. } => {
                let read = self.ready.kept.get(&(directory.clone(), secret));
                directory_secrets::keep(self.change.txn(), self.core, &directory, secret, read).await
            }
            Step::PutGroup(row, is_new) => {
                let row = group::ActiveModel::from(*row).reset_all();
                if is_new {
                    group::Entity::insert(row).exec_without_returning(self.change.txn()).await?;
                } else {
                    group::Entity::update(row).exec(self.change.txn()).await?;
                }
                Ok(())
            }
            Step::PutUser { before: None, after, password } => {
                let hash = self.hash_of(&after, password.as_ref())?;
                self.remember_source(&after, password.as_ref()).await?;
                self.users.push((*after, hash));
                if self.users.len() >= CHUNK { self.flush_users().await } else { Ok(()) }
            }
            Step::PutUser { before: Some(before), after, password } => self.person(&before, *after, password).await,
            Step::Join(user, group) => {
                let row = membership::Model {
                    group_id: super::planner::id_of_group(self.names, group)?.to_string(),
                    user_id: super::planner::id_of_user(self.names, user)?.to_string(),
                    since: self.call.now.0,
                };
                self.joins.push(row);
                Ok(())
            }
            Step::Leave(user, group) => {
                let group = super::planner::id_of_group(self.names, group)?.to_string();
                let user = super::planner::id_of_user(self.names, user)?.to_string();
                membership::Entity::delete_by_id((group, user)).exec(self.change.txn()).await?;
                Ok(())
            }
            other => {
                self.flush().await?;
                self.put_late(other).await
            }
        }
    }

    /// What refers to people and groups, who are all there by now.
    async fn put_late(&mut self, step: Step) -> Result<()> {
        let (txn, now) = (self.change.txn(), self.call.now);
        match step {
            Step::PutApplication(None, id, after) => applications::insert(txn, now, id, &after).await,
            Step::PutApplication(Some(before), _, after) => {
                applications::change(txn, now, &before, &after).await.map(drop)
            }
            Step::AssignApplication(id, principal) => {
                let row = applications::lock(txn, id).await?;
                applications::assign(txn, now, &row, principal).await.map(drop)
            }
            Step::UnassignApplication(id, principal) => {
                let row = applications::lock(txn, id).await?;
                applications::unassign(txn, &row, principal).await.map(drop)
            }
            Step::PutAdministrator(row, is_new) => {
                let row = administrator::ActiveModel::from(*row).reset_all();
                if is_new {
                    administrator::Entity::insert(row).exec_without_returning(txn).await?;
                } else {
                    administrator::Entity::update(row).exec(txn).await?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn hash_of(&self, person: &user::Model, password: Option<&PasswordStep>) -> Result<Option<String>> {
        let Some(_) = password else { return Ok(None) };
        match self.ready.hashes.get(&person.user_name_key) {
            Some(hash) => Ok(Some(hash.clone())),
            None => Err(Error::conflict(None, "Something changed meanwhile. Repeat the command.")),
        }
    }

    /// Keeps the name of the variable, so that an export says it.
    async fn remember_source(&self, person: &user::Model, password: Option<&PasswordStep>) -> Result<()> {
        let Some(PasswordStep { source: PasswordSource::FromEnv(name), .. }) = password else { return Ok(()) };
        let row = stored_section::Model {
            kind: PASSWORDS.to_owned(),
            name: person.id.clone(),
            position: 0,
            body: json!({ "fromEnv": name }),
            updated_at: self.call.now.0,
        };
        put_stored(self.change, row).await
    }

    /// Another state of somebody who is there.
    async fn person(&mut self, before: &user::Model, after: user::Model, password: Option<PasswordStep>) -> Result<()> {
        let (txn, now) = (self.change.txn(), self.call.now);
        let id: UserId = parse_id(&after.id)?;
        user::Entity::update(after.clone().into_active_model().reset_all()).exec(txn).await?;
        words::write(txn, &after).await?;
        if before.email_key != after.email_key {
            links::void(txn, now, id, None).await?;
        }
        let disabled = Status::Disabled.as_str();
        if after.status == disabled && before.status != disabled {
            sessions::end_all(txn, now, &after.id, "disabled").await?;
            links::void(txn, now, id, None).await?;
        }
        if let Some(hash) = self.hash_of(&after, password.as_ref())? {
            let prepared = Prepared::hashed(txn, self.core, &after.id, hash).await?;
            prepared.store(txn, self.core, self.call, &after, Keep::Nothing).await?;
            if before.status == Status::Invited.as_str() {
                people_changes::open_enrolment(txn, self.core, now, &after).await?;
            }
        }
        self.remember_source(&after, password.as_ref()).await
    }

    async fn flush_users(&mut self) -> Result<()> {
        let people = std::mem::take(&mut self.users);
        if people.is_empty() {
            return Ok(());
        }
        let txn = self.change.txn();
        let rows = people.iter().map(|(row, _)| user::ActiveModel::from(row.clone()).reset_all());
        user::Entity::insert_many(rows).exec_without_returning(txn).await?;
        words::add_all(txn, people.iter().map(|(row, _)| row)).await?;
        let hashes: Vec<password::ActiveModel> = people
            .into_iter()
            .filter_map(|(row, hash)| Some(password::Model { user_id: row.id, hash: hash?, set_at: self.call.now.0 }))
            .map(|row| password::ActiveModel::from(row).reset_all())
            .collect();
        if !hashes.is_empty() {
            password::Entity::insert_many(hashes).exec_without_returning(txn).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        self.flush_users().await?;
        let joins = std::mem::take(&mut self.joins);
        for part in joins.chunks(CHUNK * 10) {
            let rows = part.iter().map(|row| membership::ActiveModel {
                group_id: Set(row.group_id.clone()),
                user_id: Set(row.user_id.clone()),
                since: Set(row.since),
            });
            membership::Entity::insert_many(rows)
                .on_conflict_do_nothing()
                .exec_without_returning(self.change.txn())
                .await?;
        }
        Ok(())
    }
}

async fn put_stored(change: &Change, row: stored_section::Model) -> Result<()> {
    let key = (row.kind.clone(), row.name.clone());
    stored_section::Entity::delete_by_id(key).exec(change.txn()).await?;
    stored_section::Entity::insert(stored_section::ActiveModel::from(row).reset_all())
        .exec_without_returning(change.txn())
        .await?;
    Ok(())
}

async fn remove(change: &mut Change, call: &Call, step: Step) -> Result<()> {
    let txn = change.txn();
    match step {
        Step::RemoveAccount(row) => accounts::remove(txn, &row).await,
        Step::RemoveSet(row) => permission_sets::remove(change, call, &row).await,
        Step::RemoveStored(kind, name) => {
            if kind == Section::Directories.name() {
                directory_secrets::forget(txn, &name).await?;
            }
            stored_section::Entity::delete_by_id((kind, name)).exec(txn).await?;
            Ok(())
        }
        Step::RemoveGroup(row) => {
            stamp::forget(txn, call.now, Principal::Group(parse_id(&row.id)?)).await?;
            group::Entity::delete_by_id(&row.id).exec(txn).await?;
            Ok(())
        }
        Step::RemoveUser(row) => {
            ceremony::Entity::delete_many().filter(ceremony::Column::UserId.eq(&row.id)).exec(txn).await?;
            stamp::forget(txn, call.now, Principal::User(parse_id(&row.id)?)).await?;
            stored_section::Entity::delete_by_id((PASSWORDS.to_owned(), row.id.clone())).exec(txn).await?;
            user::Entity::delete_by_id(&row.id).exec(txn).await?;
            Ok(())
        }
        Step::RemoveApplication(row) => applications::remove(txn, &row).await.map(drop),
        Step::RemoveAdministrator(id) => {
            administrator::Entity::delete_by_id(id).exec(txn).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}
