//! Reading the log: search, export, erasure.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::{AccountId, ApplicationId, GroupId, PermissionSetId, Timestamp, UserId, name_key};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LikeExpr};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::verify::{self, Verification};
use super::{Event, Personal, Target};
use crate::authz::{Action, Resource, authorize};
use crate::call::{Actor, Call};
use crate::core::Core;
use crate::error::Result;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::audit_entry::{Column, Entity, Model};
use crate::store::entity::{account, application, group, permission_set, user};

/// An entry as it is shown and exported; the names are those of the contract's JSON.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its id; ids sort as their entries.
    pub id: String,
    /// RFC 3339 in UTC in JSON.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
    /// What happened.
    pub action: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// Who did it.
    pub actor: EntryActor,
    /// What it was done to.
    pub target: Option<Target>,
    /// Where the request came from.
    pub source: Option<String>,
    /// Which request.
    pub request_id: String,
    /// Which session or token.
    pub credential_id: Option<String>,
    /// Before and after.
    pub changes: serde_json::Value,
    /// Why.
    pub reason: Option<String>,
    /// The personal part has been erased.
    pub erased: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) fn rfc3339<S: serde::Serializer>(time: &Timestamp, to: S) -> std::result::Result<S::Ok, S::Error> {
    let text = jiff::Timestamp::from_millisecond(time.0).map_err(serde::ser::Error::custom)?;
    to.collect_str(&text)
}

/// Who did it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct EntryActor {
    /// `user`, `operator`, `system`, `anonymous`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Their name then; the present one where the entry's personal part was erased and they still exist.
    pub name: String,
    /// Their id.
    pub id: Option<String>,
}

impl EntryActor {
    /// Who makes a call.
    pub(crate) fn of(call: &Call) -> Self {
        let (kind, name, id) = match &call.actor {
            Actor::Anonymous => ("anonymous", "", None),
            Actor::Person(person) => ("user", person.user_name.as_str(), Some(person.user.to_string())),
            Actor::Operator => ("operator", "command line", None),
            Actor::System(job) => ("system", *job, None),
        };
        Self { kind: kind.to_owned(), name: name.to_owned(), id }
    }
}

/// What is searched for; all given parts must match.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Up to this moment, exclusively.
    pub until: Option<Timestamp>,
    /// A person's sign-in name or id; or `operator`, `system`, `anonymous`.
    pub actor: String,
    /// The name or id of a person, a group or a permission set.
    pub target: String,
    /// The whole name of an action.
    pub action: String,
    /// The id of a request.
    pub request: String,
    /// `success` or `failure`.
    pub outcome: Option<String>,
    /// Which page.
    pub page: PageRequest,
}

/// The log.
#[derive(Clone, Debug)]
pub struct AuditLog(pub(crate) Arc<Core>);

impl AuditLog {
    /// Newest first.
    pub async fn search(&self, call: &Call, query: &AuditQuery) -> Result<Page<Entry>> {
        authorize(call, Action::SeeAudit, Resource::Organisation)?;
        self.read(query, true).await
    }

    /// One batch of an export, oldest first; `after` is the cursor of the batch before it. Never holds the whole log in memory.
    pub async fn export(
        &self,
        call: &Call,
        query: &AuditQuery,
        after: Option<String>,
    ) -> Result<(Vec<Entry>, Option<String>)> {
        authorize(call, Action::SeeAudit, Resource::Organisation)?;
        let query = AuditQuery { page: PageRequest { cursor: after, size: Some(200) }, ..query.clone() };
        let page = self.read(&query, false).await?;
        Ok((page.rows, page.next))
    }

    /// Recomputes every chain.
    pub async fn verify(&self, call: &Call) -> Result<Verification> {
        authorize(call, Action::SeeAudit, Resource::Organisation)?;
        verify::run(&self.0.store).await
    }

    /// Erases the personal part of every entry that names a person; the chains stay whole. Gives the number of entries.
    pub async fn erase_person(&self, call: &Call, person: UserId) -> Result<u64> {
        authorize(call, Action::EraseAudit, Resource::Organisation)?;
        let id = person.to_string();
        let mut change = self.0.store.begin().await?;
        let about = Condition::any().add(Column::ActorId.eq(&id)).add(Column::TargetId.eq(&id));
        let named = Entity::find().filter(about).filter(Column::Person.is_not_null()).all(change.txn()).await?;
        let texts = names_in(&named, &id);
        // Entries about others may name the person too, the members of a group for example.
        let mut mentions = Condition::any();
        for text in texts.iter().chain([&id]) {
            mentions = mentions.add(Column::Person.like(LikeExpr::new(contains(text)).escape('!')));
        }
        let erased = Entity::update_many()
            .col_expr(Column::Person, Expr::value(Option::<String>::None))
            .filter(Column::Person.is_not_null())
            .filter(Condition::any().add(Column::ActorId.eq(&id)).add(Column::TargetId.eq(&id)).add(mentions))
            .exec(change.txn())
            .await?
            .rows_affected;
        change.audit(
            call,
            Event::done("ErasePersonalData").on("user", person, "").with(serde_json::json!({ "entries": erased })),
        );
        change.commit().await?;
        Ok(erased)
    }

    async fn read(&self, query: &AuditQuery, newest_first: bool) -> Result<Page<Entry>> {
        let ordering = Ordering {
            name: "audit".to_owned(),
            descending: newest_first,
            kinds: (Key::Number(0), Key::Text(String::new())),
        };
        let window = Window::of(&query.page, ordering)?;
        let Some(select) = self.filtered(query).await? else {
            return Ok(Page { rows: Vec::new(), total: Some(0), next: None, previous: None });
        };
        let rows = window.apply(select, Column::Time, Column::Id).all(self.0.store.read()).await?;
        let page = window.finish(rows, None, place);
        let names = self.names_of_erased(&page.rows).await?;
        Ok(Page {
            rows: page.rows.into_iter().map(|row| shown(row, &names)).collect(),
            total: page.total,
            next: page.next,
            previous: page.previous,
        })
    }

    /// The entries that match; `None` where a name is nobody's.
    async fn filtered(&self, query: &AuditQuery) -> Result<Option<Select<Entity>>> {
        let mut select = Entity::find();
        if let Some(since) = query.since {
            select = select.filter(Column::Time.gte(since.0));
        }
        if let Some(until) = query.until {
            select = select.filter(Column::Time.lt(until.0));
        }
        if !query.action.is_empty() {
            select = select.filter(Column::Action.eq(query.action.trim()));
        }
        if !query.request.is_empty() {
            select = select.filter(Column::RequestId.eq(query.request.trim()));
        }
        if let Some(outcome) = &query.outcome {
            select = select.filter(Column::Outcome.eq(outcome));
        }
        let actor = query.actor.trim();
        if matches!(actor, "operator" | "system" | "anonymous") {
            select = select.filter(Column::ActorType.eq(actor));
        } else if !actor.is_empty() {
            let ids = self.ids_called(actor, false).await?;
            if ids.is_empty() {
                return Ok(None);
            }
            select = select.filter(Column::ActorId.is_in(ids));
        }
        let target = query.target.trim();
        if !target.is_empty() {
            let ids = self.ids_called(target, true).await?;
            if ids.is_empty() {
                return Ok(None);
            }
            select = select.filter(Column::TargetId.is_in(ids));
        }
        Ok(Some(select))
    }

    /// The ids of whoever has or had this name; an id stands for itself.
    async fn ids_called(&self, name: &str, things_too: bool) -> Result<BTreeSet<String>> {
        let is_id = name.parse::<UserId>().is_ok()
            || name.parse::<GroupId>().is_ok()
            || name.parse::<PermissionSetId>().is_ok()
            || name.parse::<ApplicationId>().is_ok();
        if is_id {
            return Ok([name.to_owned()].into());
        }
        let (db, key) = (self.0.store.read(), name_key(name));
        let people = user::Entity::find().filter(user::Column::UserNameKey.eq(&key)).all(db).await?;
        let mut ids: BTreeSet<String> = people.into_iter().map(|person| person.id).collect();
        if things_too {
            let groups = group::Entity::find().filter(group::Column::NameKey.eq(&key)).all(db).await?;
            ids.extend(groups.into_iter().map(|group| group.id));
            let sets = permission_set::Entity::find().filter(permission_set::Column::NameKey.eq(&key)).all(db).await?;
            ids.extend(sets.into_iter().map(|set| set.id));
            let accounts = account::Entity::find().filter(account::Column::NameKey.eq(&key)).limit(100).all(db).await?;
            ids.extend(accounts.into_iter().map(|account| account.id));
            let applications =
                application::Entity::find().filter(application::Column::NameKey.eq(&key)).all(db).await?;
            ids.extend(applications.into_iter().map(|application| application.id));
            // Twelve digits are the number of an account, and may be somebody's name as well.
            ids.extend(name.parse::<AccountId>().ok().map(|account| account.to_string()));
        }
        // Whoever was deleted is still known by the entry of the deletion.
        let gone = Entity::find()
            .filter(Column::Action.is_in([
                "DeleteUser",
                "DeleteGroup",
                "DeletePermissionSet",
                "DeleteAccount",
                "DeleteApplication",
            ]))
            .filter(
                Expr::expr(Func::lower(Expr::col(Column::Person)))
                    .like(LikeExpr::new(contains(name).to_lowercase()).escape('!')),
            )
            .order_by_desc(Column::Time)
            .limit(100)
            .all(db)
            .await?;
        for row in gone {
            let was_called = personal(&row).and_then(|personal| personal.target);
            if was_called.is_some_and(|called| name_key(&called) == key) {
                ids.extend(row.target_id);
            }
        }
        Ok(ids)
    }

    /// The present names of people whose entries have no personal part any more (erased for somebody else's sake).
    pub(super) async fn names_of_erased(&self, rows: &[Model]) -> Result<HashMap<String, String>> {
        let ids: BTreeSet<&String> = rows
            .iter()
            .filter(|row| row.person.is_none())
            .flat_map(|row| [&row.actor_id, &row.target_id])
            .flatten()
            .collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let people = user::Entity::find().filter(user::Column::Id.is_in(ids)).all(self.0.store.read()).await?;
        Ok(people.into_iter().map(|person| (person.id, person.user_name)).collect())
    }
}

fn place(row: &Model) -> (Key, Key) {
    (Key::Number(row.time), Key::Text(row.id.clone()))
}

pub(super) fn personal(row: &Model) -> Option<Personal> {
    serde_json::from_str(row.person.as_deref()?).ok()
}

/// A LIKE pattern for a JSON string inside the personal part, with `!` as escape.
fn contains(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let escaped = quoted.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

/// Every name that these entries give to the person with this id.
fn names_in(rows: &[Model], id: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for row in rows {
        let Some(personal) = personal(row) else { continue };
        if row.actor_id.as_deref() == Some(id) {
            names.insert(personal.actor);
        }
        if row.target_id.as_deref() == Some(id) {
            names.extend(personal.target);
        }
    }
    names.remove("");
    names
}

/// An entry as it is shown.
pub(crate) fn shown(row: Model, names: &HashMap<String, String>) -> Entry {
    let personal = personal(&row);
    let erased = personal.is_none();
    let known = |id: &Option<String>| id.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default();
    let (actor, target_name) = match &personal {
        Some(personal) => (personal.actor.clone(), personal.target.clone().unwrap_or_default()),
        None => (known(&row.actor_id), known(&row.target_id)),
    };
    let target = row.target_type.zip(row.target_id).map(|(kind, id)| Target { kind, id, name: target_name });
    let (source, changes, reason) = personal
        .map_or((None, serde_json::Value::Null, None), |personal| (personal.source, personal.changes, personal.reason));
    Entry {
        id: row.id,
        time: Timestamp(row.time),
        action: row.action,
        outcome: row.outcome,
        actor: EntryActor { kind: row.actor_type, name: actor, id: row.actor_id },
        target,
        source,
        request_id: row.request_id,
        credential_id: row.credential_id,
        changes,
        reason,
        erased,
    }
}

#[cfg(test)]
mod tests;
