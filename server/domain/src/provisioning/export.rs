//! Writes down what there is, in the form in which it is read. No secret is written: of passwords and the like only the name of
//! the variable that they came from.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};

use model::{AccountId, AccountTarget, SessionLength};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Map, Value, json};
use wire::organisation::{Out, Section, Writer, written};

use super::apply::PASSWORDS;
use super::organisation::moment;
use super::resources_part::as_map;
use crate::access::accounts::Account;
use crate::access::applications::Application;
use crate::access::permission_sets;
use crate::access::snapshot::{Grants, Snapshot};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::{BUILTIN, Status, parse_id};
use crate::identity::roles::scope_from;
use crate::settings::Settings;
use crate::settings_service;
use crate::store::entity::{
    account, administrator, application, application_assignment, group, permission_set, stored_section, user,
};

#[expect(clippy::needless_pass_by_value, reason = "the shape of what turns one error into another")]
fn failed(error: io::Error) -> Error {
    Error::unavailable(format!("The export cannot be written: {error}."))
}

/// All of it, as of one moment.
pub(super) async fn write(core: &Core, to: &mut (dyn Write + Send), json: bool) -> Result<()> {
    let change = core.store.begin().await?;
    let conn = change.txn();
    let snapshot = Snapshot::whole(conn).await?;
    let names = Names::of(&snapshot);
    let settings = settings_service::parse(settings_service::row(conn).await?.settings)?;
    let stored = stored_section::Entity::find()
        .order_by_asc(stored_section::Column::Position)
        .order_by_asc(stored_section::Column::Name)
        .all(conn)
        .await?;
    let sections = [
        (Section::Accounts, accounts(conn).await?),
        (Section::PermissionSets, sets(conn).await?),
        (Section::Policies, stored_of(&stored, Section::Policies)),
        (Section::Roles, stored_of(&stored, Section::Roles)),
        (Section::IdentityProviders, stored_of(&stored, Section::IdentityProviders)),
        (Section::ServiceControlPolicies, stored_of(&stored, Section::ServiceControlPolicies)),
        (Section::Groups, groups(conn).await?),
        (Section::Users, users(conn, &snapshot, &stored).await?),
    ];
    let last = [
        (Section::Applications, applications(conn, &names).await?),
        (Section::Administrators, administrators(conn, &names).await?),
        (Section::Directories, stored_of(&stored, Section::Directories)),
    ];
    drop(change);
    let mut writer = Writer::begin(to, json).map_err(failed)?;
    writer.settings(&settings_out(&settings)).map_err(failed)?;
    for (section, items) in &sections {
        items.iter().try_for_each(|item| writer.item(*section, item)).map_err(failed)?;
    }
    assignments(&snapshot, &mut writer)?;
    for (section, items) in &last {
        items.iter().try_for_each(|item| writer.item(*section, item)).map_err(failed)?;
    }
    writer.end().map_err(failed)
}

/// Names of people and groups by their ids.
struct Names<'s> {
    users: HashMap<String, &'s str>,
    groups: HashMap<String, &'s str>,
}

impl<'s> Names<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        Self {
            users: snapshot.users.iter().map(|(id, user)| (id.to_string(), &*user.name)).collect(),
            groups: snapshot.groups.iter().map(|(id, group)| (id.to_string(), &*group.name)).collect(),
        }
    }

    fn holder(&self, user: Option<&String>, group: Option<&String>) -> Option<(&'static str, &'s str)> {
        match (user, group) {
            (Some(user), _) => Some(("user", self.users.get(user).copied()?)),
            (None, Some(group)) => Some(("group", self.groups.get(group).copied()?)),
            (None, None) => None,
        }
    }
}

/// Fields in this order; those without a value are left out.
fn ordered(mut fields: Map<String, Value>, order: &[&str]) -> Out {
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let mut list: Vec<(String, Out)> = Vec::new();
    for name in order {
        if let Some(value) = fields.remove(*name).filter(|value| !nothing(value)) {
            list.push(((*name).to_owned(), value.into()));
        }
    }
    list.extend(fields.into_iter().filter(|(_, value)| !nothing(value)).map(|(name, value)| (name, value.into())));
    Out::Map(list)
}

fn minutes(minutes: u32) -> Value {
    json!(SessionLength::from_seconds(minutes * 60))
}

fn settings_out(settings: &Settings) -> Out {
    let days = SessionLength::from_seconds(settings.mfa.enrol_within_days * 86_400);
    let webhooks: Vec<Value> = settings
        .webhooks
        .iter()
        .map(|webhook| {
            let mut fields = json!({"url": webhook.url, "events": webhook.events});
            if let (Some(name), Some(fields)) = (&webhook.secret_from, fields.as_object_mut()) {
                fields.insert("secret".to_owned(), json!({ "fromEnv": name }));
            }
            fields
        })
        .collect();
    Out::map([
        ("organizationName", Some(Out::text(settings.organization_name.clone()))),
        ("managementAccount", settings.management_account.map(|account| Out::text(account.to_string()))),
        (
            "mfa",
            Some(Out::map([
                ("policy", Some(json!(settings.mfa.policy).into())),
                ("administrators", Some(Out::text("required"))),
                ("methods", Some(json!(settings.mfa.methods).into())),
                ("enrolWithin", Some(json!(days).into())),
            ])),
        ),
        (
            "session",
            Some(Out::map([
                ("portal", Some(minutes(settings.session.portal_minutes).into())),
                ("idle", Some(minutes(settings.session.idle_minutes).into())),
                ("cli", Some(minutes(settings.session.cli_minutes).into())),
            ])),
        ),
        (
            "passwordPolicy",
            Some(Out::map([
                ("minLength", Some(json!(settings.password_policy.min_length).into())),
                ("minLengthWithFactor", Some(json!(settings.password_policy.min_length_with_factor).into())),
                ("history", Some(json!(settings.password_policy.history).into())),
            ])),
        ),
        ("attributesForAccessControl", Some(json!(settings.attributes_for_access_control).into())),
        ("webhooks", Some(Value::from(webhooks).into())),
    ])
}

async fn accounts(conn: &impl ConnectionTrait) -> Result<Vec<Out>> {
    let rows = account::Entity::find().order_by_asc(account::Column::Id).all(conn).await?;
    let out = rows.iter().map(|row| {
        let mut fields = Account::of_row(row)?.fields();
        fields.insert("id".to_owned(), row.id.clone().into());
        if row.status == "active" {
            fields.remove("status");
        }
        Ok(ordered(fields, &["id", "name", "email", "path", "status", "tags", "broker"]))
    });
    out.collect()
}

async fn sets(conn: &impl ConnectionTrait) -> Result<Vec<Out>> {
    let rows = permission_set::Entity::find().order_by_asc(permission_set::Column::NameKey).all(conn).await?;
    let order = [
        "name",
        "description",
        "sessionDuration",
        "relayState",
        "managedPolicies",
        "customerManagedPolicies",
        "inlinePolicy",
        "permissionsBoundary",
        "requireFreshFactor",
        "tags",
    ];
    rows.iter().map(|row| Ok(ordered(as_map(&permission_sets::read(row)?.to_input())?, &order))).collect()
}

fn stored_of(stored: &[stored_section::Model], section: Section) -> Vec<Out> {
    let order = ["account", "name", "arn", "type", "url", "path"];
    let rows = stored.iter().filter(|row| row.kind == section.name());
    rows.map(|row| ordered(row.body.as_object().cloned().unwrap_or_default(), &order)).collect()
}

async fn groups(conn: &impl ConnectionTrait) -> Result<Vec<Out>> {
    let rows = group::Entity::find().order_by_asc(group::Column::NameKey).all(conn).await?;
    let own = rows.into_iter().filter(|row| row.directory == BUILTIN);
    let out = own.map(|row| {
        let description = Some(row.description).filter(|text| !text.is_empty()).map(Out::text);
        Out::map([("name", Some(Out::text(row.name))), ("description", description)])
    });
    Ok(out.collect())
}

async fn users(conn: &impl ConnectionTrait, snapshot: &Snapshot, stored: &[stored_section::Model]) -> Result<Vec<Out>> {
    let sources: HashMap<&str, &Value> =
        stored.iter().filter(|row| row.kind == PASSWORDS).map(|row| (row.name.as_str(), &row.body)).collect();
    let rows = user::Entity::find().order_by_asc(user::Column::UserNameKey).all(conn).await?;
    let own = rows.into_iter().filter(|row| row.directory == BUILTIN);
    let out = own.map(|row| {
        let found = snapshot.users.find(&parse_id(&row.id)?).and_then(|at| snapshot.users.get(at as usize));
        let mut groups: Vec<&str> = found
            .iter()
            .flat_map(|user| &user.groups)
            .filter_map(|group| snapshot.groups.get(group.at()))
            .map(|group| &*group.name)
            .collect();
        groups.sort_unstable();
        let disabled = row.status == Status::Disabled.as_str();
        let attributes = Some(row.attributes).filter(|fields| fields.as_object().is_some_and(|f| !f.is_empty()));
        Ok(Out::map([
            ("userName", Some(Out::text(row.user_name))),
            ("email", Some(Out::text(row.email))),
            ("givenName", Some(Out::text(row.given_name))),
            ("familyName", Some(Out::text(row.family_name))),
            ("displayName", Some(Out::text(row.display_name))),
            ("attributes", attributes.map(Out::from)),
            ("groups", Some(json!(groups).into())),
            ("password", sources.get(row.id.as_str()).map(|source| (*source).clone().into())),
            ("disabled", disabled.then(|| json!(true).into())),
        ]))
    });
    out.collect()
}

/// Grants of one holder that differ in their accounts only stand together.
fn assignments(snapshot: &Snapshot, writer: &mut Writer<'_>) -> Result<()> {
    let mut groups: Vec<(&str, &Grants)> =
        snapshot.groups.iter().map(|(_, group)| (&*group.name, &group.grants)).collect();
    let mut users: Vec<(&str, &Grants)> = snapshot.users.iter().map(|(_, user)| (&*user.name, &user.grants)).collect();
    groups.sort_unstable_by_key(|(name, _)| *name);
    users.sort_unstable_by_key(|(name, _)| *name);
    let all = groups.into_iter().map(|one| ("group", one)).chain(users.into_iter().map(|one| ("user", one)));
    for (kind, (name, grants)) in all {
        let mut together: BTreeMap<(&str, Option<i64>, &str, &str), Vec<AccountId>> = BTreeMap::new();
        for ((target, set), terms) in grants {
            let set = snapshot.sets.get(set.at()).map_or("", |set| &set.name);
            let (expires, reason) = (terms.expires.map(|at| at.0), snapshot.reason_of(terms.reason));
            match snapshot.target_of(*target) {
                Some(AccountTarget::Account(account)) => {
                    together.entry((set, expires, reason, "")).or_default().push(*account);
                }
                Some(AccountTarget::Rule(rule)) => {
                    together.entry((set, expires, reason, rule.as_str())).or_default();
                }
                None => {}
            }
        }
        for ((set, expires, reason, rule), mut accounts) in together {
            accounts.sort_unstable();
            let accounts: Value = if rule.is_empty() { json!(accounts) } else { json!({ "path": rule }) };
            let item = Out::map([
                (kind, Some(Out::text(name))),
                ("permissionSet", Some(Out::text(set))),
                ("accounts", Some(accounts.into())),
                ("expires", expires.map(|at| Out::text(moment(model::Timestamp(at))))),
                ("reason", Some(reason).filter(|text| !text.is_empty()).map(Out::text)),
            ]);
            writer.item(Section::Assignments, &item).map_err(failed)?;
        }
    }
    Ok(())
}

async fn applications(conn: &impl ConnectionTrait, names: &Names<'_>) -> Result<Vec<Out>> {
    let mut assigned: HashMap<String, (Vec<&str>, Vec<&str>)> = HashMap::new();
    for row in application_assignment::Entity::find().all(conn).await? {
        let lists = assigned.entry(row.application_id).or_default();
        match row.principal_kind.as_str() {
            "group" => lists.0.extend(names.groups.get(&row.principal_id)),
            _ => lists.1.extend(names.users.get(&row.principal_id)),
        }
    }
    let rows = application::Entity::find().order_by_asc(application::Column::NameKey).all(conn).await?;
    let out = rows.iter().map(|row| {
        let mut fields = Application::of_row(row)?.fields();
        let everyone = fields.remove("everyone") == Some(Value::Bool(true));
        let (mut groups, mut users) = assigned.remove(&row.id).unwrap_or_default();
        groups.sort_unstable();
        users.sort_unstable();
        let mut to = Map::new();
        if everyone {
            to.insert("everyone".to_owned(), true.into());
        } else {
            to.extend([("groups".to_owned(), json!(groups)), ("users".to_owned(), json!(users))]);
        }
        fields.insert("assignedTo".to_owned(), Value::Object(to));
        Ok(ordered(fields, &["name", "description", "startUrl", "visible", "status", "saml", "assignedTo"]))
    });
    out.collect()
}

async fn administrators(conn: &impl ConnectionTrait, names: &Names<'_>) -> Result<Vec<Out>> {
    let rows = administrator::Entity::find().all(conn).await?;
    let mut seen: HashSet<(&str, &str, String)> = HashSet::new();
    let mut list: Vec<((&str, &str, String), Out)> = Vec::new();
    for row in rows {
        let Some((kind, holder)) = names.holder(row.user_id.as_ref(), row.group_id.as_ref()) else { continue };
        let accounts = match &row.scope {
            Some(text) => {
                let mut scope = scope_from(text)?;
                scope.sort_unstable();
                Some(written(&scope).into())
            }
            None => None,
        };
        let key = (kind, holder, row.role.clone());
        if seen.insert(key.clone()) {
            let item = Out::map([
                (kind, Some(Out::text(holder))),
                ("role", Some(Out::text(row.role))),
                ("accounts", accounts),
                ("breakGlass", row.break_glass.then(|| json!(true).into())),
            ]);
            list.push((key, item));
        }
    }
    list.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(list.into_iter().map(|(_, item)| item).collect())
}
