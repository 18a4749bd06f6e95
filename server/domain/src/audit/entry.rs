//! One entry of the log in full: its place in the chain, and what else the same request did.

use model::AuditId;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::chain::{digest_of, hash_of};
use super::log::{AuditLog, Entry, personal, shown};
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::store::entity::audit_entry::{Column, Entity, Model};
use crate::store::entity::{account, application, audit_head, group, user};

/// So many other entries of the request are shown.
const MOST_OF_REQUEST: u64 = 50;

/// An entry and what is known around it.
#[derive(Clone, Debug)]
pub struct EntryInFull {
    /// What happened.
    pub entry: Entry,
    /// The browser's name for itself.
    pub user_agent: Option<String>,
    /// Whose chain it stands in.
    pub node: String,
    /// Where in the chain.
    pub place: i64,
    /// What the next entry of the chain is built on.
    pub hash: String,
    /// Whether it follows from the entry before it, and its names are as they were written.
    pub proven: bool,
    /// Whether the person who did it still exists.
    pub actor_exists: bool,
    /// Whether the person or group it was done to still exists.
    pub target_exists: bool,
    /// What else the same request did, in order.
    pub of_request: Vec<Entry>,
}

impl AuditLog {
    /// One entry in full.
    pub async fn get(&self, call: &Call, id: AuditId) -> Result<EntryInFull> {
        authorize(call, Action::SeeAudit, Resource::Organisation)?;
        let row = Entity::find().filter(Column::Id.eq(id.to_string())).one(self.0.store.read()).await?;
        let row = row.ok_or_else(|| Error::not_found("entry"))?;
        let before = self.hash_before(&row).await?;
        let whole = row.person.as_deref().is_none_or(|person| digest_of(person) == row.person_digest);
        let mut of_request = Entity::find()
            .filter(Column::RequestId.eq(&row.request_id))
            .filter(Column::Id.ne(&row.id))
            .order_by_desc(Column::Time)
            .order_by_desc(Column::Id)
            .limit(MOST_OF_REQUEST)
            .all(self.0.store.read())
            .await?;
        of_request.reverse();
        of_request.push(row.clone());
        let names = self.names_of_erased(&of_request).await?;
        of_request.pop();
        Ok(EntryInFull {
            user_agent: personal(&row).and_then(|personal| personal.user_agent),
            proven: whole && before.is_some_and(|before| hash_of(&before, &row) == row.hash),
            actor_exists: self.exists(Some("user"), row.actor_id.as_deref()).await?,
            target_exists: self.exists(row.target_type.as_deref(), row.target_id.as_deref()).await?,
            node: row.node.clone(),
            place: row.seq,
            hash: row.hash.clone(),
            entry: shown(row, &names),
            of_request: of_request.into_iter().map(|row| shown(row, &names)).collect(),
        })
    }

    /// The hash that an entry was built on; nothing: the entry before it is missing.
    async fn hash_before(&self, row: &Model) -> Result<Option<String>> {
        let db = self.0.store.read();
        if let Some(before) = Entity::find_by_id((row.node.clone(), row.seq - 1)).one(db).await? {
            return Ok(Some(before.hash));
        }
        let head = audit_head::Entity::find_by_id(&row.node).one(db).await?;
        Ok(head.filter(|head| head.base_seq == row.seq - 1).map(|head| head.base_hash))
    }

    async fn exists(&self, kind: Option<&str>, id: Option<&str>) -> Result<bool> {
        let (db, Some(id)) = (self.0.store.read(), id) else { return Ok(false) };
        Ok(match kind {
            Some("user") => user::Entity::find_by_id(id).one(db).await?.is_some(),
            Some("group") => group::Entity::find_by_id(id).one(db).await?.is_some(),
            Some("account") => account::Entity::find_by_id(id).one(db).await?.is_some(),
            Some("application") => application::Entity::find_by_id(id).one(db).await?.is_some(),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use model::{Refusal, Role};
    use sea_orm::ConnectionTrait as _;
    use serde_json::json;

    use super::*;
    use crate::audit::Event;
    use crate::testing::World;

    async fn ids(world: &World, action: &str) -> Vec<AuditId> {
        let rows = Entity::find().filter(Column::Action.eq(action)).order_by_asc(Column::Seq);
        let rows = rows.all(world.services.core.store.read()).await.unwrap();
        rows.into_iter().map(|row| row.id.parse().unwrap()).collect()
    }

    #[tokio::test]
    async fn an_entry_knows_its_place_and_its_companions() {
        let world = World::new().await;
        let auditor = world.admin("audrey", Role::Auditor).await;
        let person = world.person("bob").await;
        let call = world.operator();
        let call = Call { request_id: "one-request".to_owned(), user_agent: Some("curl".to_owned()), ..call };
        let mut change = world.services.core.store.begin().await.unwrap();
        for n in 0..3 {
            change.audit(&call, Event::done("Counted").on("user", person, "bob").with(json!({ "n": n })));
        }
        change.commit().await.unwrap();

        let by = world.by(auditor).await;
        let counted = ids(&world, "Counted").await;
        let found = world.services.audit.get(&by, counted[1]).await.unwrap();
        assert_eq!((found.entry.changes["n"].as_i64(), found.user_agent.as_deref()), (Some(1), Some("curl")));
        let others: Vec<_> = found.of_request.iter().map(|entry| entry.changes["n"].as_i64().unwrap()).collect();
        assert_eq!(others, [0, 2]);
        assert!(found.proven && found.target_exists && !found.actor_exists);
        let first = world.services.audit.get(&by, counted[0]).await.unwrap();
        assert_eq!(found.place, first.place + 1);

        let store = &world.services.core.store;
        store
            .write()
            .execute_unprepared("UPDATE audit SET outcome = 'failure' WHERE action = 'Counted'")
            .await
            .unwrap();
        assert!(!world.services.audit.get(&by, counted[1]).await.unwrap().proven, "an altered entry shows");
    }

    #[tokio::test]
    async fn entries_are_for_those_who_may_see_the_log() {
        let world = World::new().await;
        let helpdesk = world.admin("heidi", Role::Helpdesk).await;
        let made = ids(&world, "CreateUser").await;
        let some = made.first().copied().unwrap_or_else(|| AuditId::ordered(world.clock.now(), 1, [0; 8]));
        let refused = world.services.audit.get(&world.by(helpdesk).await, some).await.unwrap_err();
        assert_eq!(refused.kind(), Refusal::Forbidden);
        let nowhere = AuditId::ordered(world.clock.now(), 1, [7; 8]);
        assert_eq!(world.services.audit.get(&world.operator(), nowhere).await.unwrap_err().kind(), Refusal::NotFound);
    }
}
