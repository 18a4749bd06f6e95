//! Reading the log: search, export, erasure.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::{GroupId, Timestamp, UserId, name_key};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LikeExpr};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::verify::{self, Verification};
use super::{Event, Personal, Target};
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::audit_entry::{Column, Entity, Model};
use crate::store::entity::{group, user};

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

/// What is searched for; all given parts must match.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Up to this moment, exclusively.
    pub until: Option<Timestamp>,
    /// A person's sign-in name or id; or `operator`, `system`, `anonymous`.
    pub actor: String,
    /// A person's or group's name or id.
    pub target: String,
    /// The whole name of an action.
    pub action: String,
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
    async fn ids_called(&self, name: &str, groups_too: bool) -> Result<BTreeSet<String>> {
        if name.parse::<UserId>().is_ok() || name.parse::<GroupId>().is_ok() {
            return Ok([name.to_owned()].into());
        }
        let (db, key) = (self.0.store.read(), name_key(name));
        let people = user::Entity::find().filter(user::Column::UserNameKey.eq(&key)).all(db).await?;
        let mut ids: BTreeSet<String> = people.into_iter().map(|person| person.id).collect();
        if groups_too {
            let groups = group::Entity::find().filter(group::Column::NameKey.eq(&key)).all(db).await?;
            ids.extend(groups.into_iter().map(|group| group.id));
        }
        // Whoever was deleted is still known by the entry of the deletion.
        let gone = Entity::find()
            .filter(Column::Action.is_in(["DeleteUser", "DeleteGroup"]))
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
    async fn names_of_erased(&self, rows: &[Model]) -> Result<HashMap<String, String>> {
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

fn personal(row: &Model) -> Option<Personal> {
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
mod tests {
    use model::UserId;
    use sea_orm::ConnectionTrait as _;
    use serde_json::json;

    use super::*;
    use crate::call::{Actor, Person, Stage};
    use crate::testing::World;

    fn person(n: u8, name: &str, role: Option<model::Role>) -> Actor {
        Actor::Person(Person {
            user: UserId::from_random([n; 16]),
            user_name: name.to_owned(),
            session: model::SessionId::from_random([n; 16]),
            stage: Stage::Full,
            signed_in_at: crate::testing::START,
            confirmed_at: crate::testing::START,
            strong: true,
            roles: role.into_iter().collect(),
            scopes: Vec::new(),
        })
    }

    /// Notes an event as a change of its own, one second after the one before.
    async fn note(world: &World, actor: Actor, event: Event) {
        world.clock.advance(1_000);
        let mut change = world.services.core.store.begin().await.unwrap();
        change.audit(&world.call(actor), event);
        change.commit().await.unwrap();
    }

    async fn sql(world: &World, statement: &str) {
        world.services.core.store.write().execute_unprepared(statement).await.unwrap();
    }

    async fn search(world: &World, query: AuditQuery) -> Vec<String> {
        let page = world.services.audit.search(&world.operator(), &query).await.unwrap();
        page.rows.into_iter().map(|entry| entry.action).collect()
    }

    #[tokio::test]
    async fn entries_are_found_by_each_part_and_page_back_and_forth() {
        let world = World::new().await;
        let alice = UserId::from_random([1; 16]);
        for n in 0..5 {
            note(
                &world,
                person(2, "olga", None),
                Event::done("UpdateUser").on("user", alice, "alice").with(json!({ "n": n })),
            )
            .await;
        }
        note(&world, person(1, "alice", None), Event::refused("CredentialVerification", "wrong code")).await;
        note(&world, Actor::Operator, Event::done("DeleteUser").on("user", alice, "alice")).await;

        let all = search(&world, AuditQuery::default()).await;
        assert_eq!(all.len(), 7);
        assert_eq!(all.first().map(String::as_str), Some("DeleteUser"), "newest first");
        let by = |actor: &str, target: &str, action: &str| AuditQuery {
            actor: actor.into(),
            target: target.into(),
            action: action.into(),
            ..AuditQuery::default()
        };
        assert_eq!(search(&world, by("operator", "", "")).await, ["DeleteUser"]);
        assert_eq!(search(&world, by("", "ALICE", "")).await.len(), 6, "a deleted person is still found by name");
        assert_eq!(search(&world, by(&alice.to_string(), "", "")).await, ["CredentialVerification"]);
        assert_eq!(search(&world, by("", "", "UpdateUser")).await.len(), 5);
        assert_eq!(search(&world, by("nobody", "", "")).await.len(), 0);
        assert_eq!(search(&world, by("%", "", "")).await.len(), 0, "no wildcard gets in (DB-01)");
        assert_eq!(
            search(&world, AuditQuery { outcome: Some("failure".into()), ..AuditQuery::default() }).await.len(),
            1
        );
        let since = crate::testing::START.plus(6_000);
        assert_eq!(search(&world, AuditQuery { since: Some(since), ..AuditQuery::default() }).await.len(), 2);
        assert_eq!(search(&world, AuditQuery { until: Some(since), ..AuditQuery::default() }).await.len(), 5);

        let page = |cursor| AuditQuery { page: PageRequest { cursor, size: Some(3) }, ..AuditQuery::default() };
        let operator = world.operator();
        let first = world.services.audit.search(&operator, &page(None)).await.unwrap();
        let second = world.services.audit.search(&operator, &page(first.next.clone())).await.unwrap();
        let back = world.services.audit.search(&operator, &page(second.previous.clone())).await.unwrap();
        let ids = |page: &Page<Entry>| page.rows.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&first), ids(&back));
        assert!(ids(&first).iter().all(|id| !ids(&second).contains(id)));
        let refused = world.services.audit.search(&operator, &page(Some("nonsense".into()))).await.unwrap_err();
        assert_eq!(refused.field(), Some("cursor"));
    }

    #[tokio::test]
    async fn only_those_who_may_see_the_log_see_it() {
        let world = World::new().await;
        for (actor, allowed) in [
            (Actor::Anonymous, false),
            (person(1, "alice", None), false),
            (person(1, "hal", Some(model::Role::Helpdesk)), false),
            (person(1, "aud", Some(model::Role::Auditor)), true),
        ] {
            let call = world.call(actor);
            assert_eq!(
                world.services.audit.search(&call, &AuditQuery::default()).await.is_ok(),
                allowed,
                "{:?}",
                call.actor
            );
            assert_eq!(world.services.audit.export(&call, &AuditQuery::default(), None).await.is_ok(), allowed);
            assert_eq!(world.services.audit.verify(&call).await.is_ok(), allowed);
            assert!(world.services.audit.erase_person(&call, UserId::from_random([1; 16])).await.is_err());
        }
    }

    #[tokio::test]
    async fn tampering_shows() {
        for (tampering, word) in [
            ("UPDATE audit SET action = 'Innocent' WHERE seq = 2", "does not follow"),
            ("UPDATE audit SET person = '{}' WHERE seq = 2", "altered"),
            ("UPDATE audit SET time = time - 1 WHERE seq = 3", "does not follow"),
            ("DELETE FROM audit WHERE seq = 2", "missing"),
            ("DELETE FROM audit WHERE seq = 4", "missing"),
            ("UPDATE audit_heads SET seq = 3", "outside"),
            ("UPDATE audit SET node = 'elsewhere' WHERE seq = 4", "missing"),
            ("DELETE FROM audit_heads", "outside"),
        ] {
            let world = World::new().await;
            for n in 0..4 {
                note(&world, Actor::Operator, Event::done("UpdateUser").with(json!({ "n": n }))).await;
            }
            let whole = world.services.audit.verify(&world.operator()).await.unwrap();
            assert_eq!((whole.entries, whole.faults.len()), (4, 0));
            sql(&world, tampering).await;
            let found = world.services.audit.verify(&world.operator()).await.unwrap();
            assert!(
                found.faults.iter().any(|fault| fault.contains(word)),
                "{tampering}: {:?} (AUTHZ-20)",
                found.faults
            );
        }
    }

    #[tokio::test]
    async fn a_person_is_erased_and_the_chain_stays_whole() {
        let world = World::new().await;
        let alice = UserId::from_random([1; 16]);
        note(&world, person(1, "alice", None), Event::done("UpdatePassword").on("user", alice, "alice")).await;
        note(
            &world,
            Actor::Operator,
            Event::done("CreateGroupMembership").on("group", "g", "Staff").with(json!({ "member": "alice" })),
        )
        .await;
        note(&world, Actor::Operator, Event::done("CreateUser").on("user", UserId::from_random([5; 16]), "malice"))
            .await;
        let owner = world.call(person(9, "olga", Some(model::Role::Owner)));
        assert_eq!(world.services.audit.erase_person(&owner, alice).await.unwrap(), 2);
        let page = world.services.audit.search(&owner, &AuditQuery::default()).await.unwrap();
        let text = serde_json::to_string(&page.rows).unwrap();
        assert!(!text.contains("\"alice\""), "{text}");
        assert!(text.contains("malice"), "others stay");
        let found = world.services.audit.verify(&owner).await.unwrap();
        assert_eq!((found.faults.len(), found.erased), (0, 2));
    }

    #[tokio::test]
    async fn old_entries_go_and_the_rest_still_proves_itself() {
        let world = World::new().await;
        note(&world, Actor::Operator, Event::done("CreateUser")).await;
        note(&world, Actor::Operator, Event::done("CreateUser")).await;
        let job = |world: &World| Call::local(Actor::System("retention"), "test", world.clock.now());
        assert_eq!(
            crate::audit::retention::remove_old(&world.services.core, &job(&world)).await.unwrap(),
            0,
            "kept for ever by default"
        );
        let mut settings = (*world.services.settings_now()).clone();
        settings.audit.retention_days = Some(30);
        world.services.core.settings.send_replace(settings.into());
        world.clock.advance(31 * Timestamp::DAY);
        note(&world, Actor::Operator, Event::done("UpdateUser")).await;
        assert_eq!(crate::audit::retention::remove_old(&world.services.core, &job(&world)).await.unwrap(), 2);
        assert_eq!(crate::audit::retention::remove_old(&world.services.core, &job(&world)).await.unwrap(), 0);
        assert_eq!(search(&world, AuditQuery::default()).await, ["RemoveOldAuditEntries", "UpdateUser"]);
        assert_eq!(world.services.audit.verify(&world.operator()).await.unwrap().faults, Vec::<String>::new());
    }
}
