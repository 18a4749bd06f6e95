//! Assignments on a real database: what is shown is what happens, all of it or nothing.

mod changes;
mod drafts;
mod reach;
mod rows;

use model::{AccountTarget, GroupId, PermissionSetId, Role, UserId};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _};
use serde_json::json;

use super::{Applied, Proposal};
use crate::access::Principal;
use crate::call::Call;
use crate::page::PageRequest;
use crate::store::entity::{account, administrator, assignment, permission_set};
use crate::testing::World;

/// Three accounts, two sets.
struct Place {
    world: World,
    admin: Call,
    read_only: PermissionSetId,
    power: PermissionSetId,
}

const PROD: &str = "111122223333";
const TEST: &str = "222233334444";
const SANDBOX: &str = "333344445555";

impl Place {
    async fn new() -> Self {
        let world = World::new().await;
        let admin = world.admin("adam", Role::Admin).await;
        let admin = world.by(admin).await;
        for (id, name, path) in
            [(PROD, "Production", "/workloads/prod"), (TEST, "Test", "/workloads/test"), (SANDBOX, "Sandbox", "/")]
        {
            add_account(&world, id, name, path).await;
        }
        let read_only = add_set(&world, 1, "ReadOnly", &json!([])).await;
        let power = add_set(&world, 2, "Admin", &json!(["arn:aws:iam::aws:policy/AdministratorAccess"])).await;
        Self { world, admin, read_only, power }
    }

    async fn group(&self, name: &str, members: &[UserId]) -> GroupId {
        let operator = self.world.operator();
        let group = self.world.services.groups.create(&operator, name, "").await.unwrap();
        for member in members {
            self.world.services.groups.add_member(&operator, group, *member).await.unwrap();
        }
        group
    }

    fn grant(&self, targets: &[&str], principals: &[Principal]) -> Proposal {
        Proposal {
            targets: targets.iter().map(|target| AccountTarget::parse(target).unwrap()).collect(),
            principals: principals.iter().copied().collect(),
            sets: [self.read_only].into(),
            ..Proposal::default()
        }
    }

    /// Looks at what it would do, and does it.
    async fn apply(&self, call: &Call, proposal: &Proposal) -> Applied {
        let review = self.world.services.assignments.plan(call, proposal).await.unwrap();
        self.world.services.assignments.apply(call, proposal, &review.digest).await.unwrap()
    }

    async fn stored(&self) -> Vec<assignment::Model> {
        let mut rows = assignment::Entity::find().all(self.world.services.core.store.read()).await.unwrap();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    }

    /// What a person reaches, as `account set`.
    async fn reached(&self, user: UserId) -> Vec<String> {
        let call = self.world.call(self.admin.actor.clone());
        let page = PageRequest { size: Some(200), ..PageRequest::default() };
        let page = self.world.services.assignments.access_of(&call, user, "", &page).await.unwrap();
        page.rows.iter().map(|row| format!("{} {}", row.account, row.set_name)).collect()
    }
}

async fn add_account(world: &World, id: &str, name: &str, path: &str) {
    let row = account::Model {
        id: id.to_owned(),
        name: name.to_owned(),
        name_key: model::name_key(name),
        email: String::new(),
        path: path.to_owned(),
        status: "active".to_owned(),
        broker: json!({"type": "local"}),
        tags: json!({}),
        created_at: 0,
        updated_at: 0,
        version: 1,
    };
    let store = &world.services.core.store;
    account::Entity::insert(account::ActiveModel::from(row).reset_all())
        .exec_without_returning(store.write())
        .await
        .unwrap();
}

async fn add_set(world: &World, number: u8, name: &str, policies: &serde_json::Value) -> PermissionSetId {
    let id = PermissionSetId::from_random([number; 8]);
    let row = permission_set::Model {
        id: id.to_string(),
        name: name.to_owned(),
        name_key: model::name_key(name),
        description: String::new(),
        session_seconds: 3600,
        relay_state: String::new(),
        managed_policies: policies.clone(),
        customer_policies: json!([]),
        inline_policy: None,
        boundary: serde_json::Value::Null,
        tags: json!({}),
        require_fresh_factor: false,
        last_used_at: None,
        created_at: 0,
        updated_at: 0,
        version: 1,
    };
    let store = &world.services.core.store;
    permission_set::Entity::insert(permission_set::ActiveModel::from(row).reset_all())
        .exec_without_returning(store.write())
        .await
        .unwrap();
    id
}

/// An access administrator of `/workloads/**`.
async fn limited(place: &Place, name: &str) -> (UserId, Call) {
    let user = place.world.bare(name).await;
    let row = administrator::Model {
        id: format!("scope-{name}"),
        user_id: Some(user.to_string()),
        group_id: None,
        role: Role::AccessAdmin.as_str().to_owned(),
        break_glass: false,
        scope: Some(r#"["/workloads/**"]"#.to_owned()),
        created_at: 0,
    };
    administrator::Entity::insert(administrator::ActiveModel::from(row).reset_all())
        .exec_without_returning(place.world.services.core.store.write())
        .await
        .unwrap();
    (user, place.world.by(user).await)
}
