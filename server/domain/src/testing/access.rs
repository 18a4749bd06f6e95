//! Accounts, permission sets, groups and assignments for tests, put straight into the database with the version that follows them.

use model::{AccountId, AccountTarget, AssignmentId, GroupId, PermissionSetId, Timestamp, UserId, name_key};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, EntityTrait as _, QueryOrder as _, QuerySelect as _, TransactionTrait as _,
};

use super::World;
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::store::entity::{account, assignment, group, membership, permission_set, user};

impl World {
    /// An active account; its mail address follows from its number.
    pub async fn account(&self, id: &str, name: &str, path: &str) -> AccountId {
        let now = self.clock.now();
        let row = account::Model {
            id: id.to_owned(),
            name: name.to_owned(),
            name_key: name_key(name),
            email: format!("aws+{id}@example.com"),
            path: path.to_owned(),
            status: "active".to_owned(),
            broker: serde_json::json!({"type": "local"}),
            tags: serde_json::json!({}),
            created_at: now.0,
            updated_at: now.0,
            version: 1,
        };
        let txn = self.services.core.store.write().begin().await.expect("begun");
        account::Entity::insert(account::ActiveModel::from(row).reset_all())
            .exec_without_returning(&txn)
            .await
            .expect("stored");
        stamp::touch(&txn, now, Touched::Directory).await.expect("touched");
        txn.commit().await.expect("committed");
        id.parse().expect("an account number")
    }

    /// A permission set of one hour without any policy.
    pub async fn permission_set(&self, name: &str) -> PermissionSetId {
        let now = self.clock.now();
        let id = PermissionSetId::from_random(self.services.core.entropy.bytes().expect("chance"));
        let row = permission_set::Model {
            id: id.to_string(),
            name: name.to_owned(),
            name_key: name_key(name),
            description: String::new(),
            session_seconds: 3600,
            relay_state: String::new(),
            managed_policies: serde_json::json!([]),
            customer_policies: serde_json::json!([]),
            inline_policy: None,
            boundary: serde_json::Value::Null,
            tags: serde_json::json!({}),
            require_fresh_factor: false,
            last_used_at: None,
            created_at: now.0,
            updated_at: now.0,
            version: 1,
        };
        let txn = self.services.core.store.write().begin().await.expect("begun");
        permission_set::Entity::insert(permission_set::ActiveModel::from(row).reset_all())
            .exec_without_returning(&txn)
            .await
            .expect("stored");
        stamp::touch(&txn, now, Touched::Directory).await.expect("touched");
        txn.commit().await.expect("committed");
        id
    }

    /// A group with these members.
    pub async fn group(&self, name: &str, members: &[UserId]) -> GroupId {
        let now = self.clock.now();
        let id = GroupId::from_random(self.services.core.entropy.bytes().expect("chance"));
        let row = group::Model {
            id: id.to_string(),
            directory: crate::identity::people::BUILTIN.to_owned(),
            name: name.to_owned(),
            name_key: name_key(name),
            description: String::new(),
            created_at: now.0,
            updated_at: now.0,
            version: 1,
        };
        let txn = self.services.core.store.write().begin().await.expect("begun");
        group::Entity::insert(group::ActiveModel::from(row).reset_all())
            .exec_without_returning(&txn)
            .await
            .expect("stored");
        for user in members {
            let row = membership::Model { group_id: id.to_string(), user_id: user.to_string(), since: now.0 };
            membership::Entity::insert(membership::ActiveModel::from(row).reset_all())
                .exec_without_returning(&txn)
                .await
                .expect("stored");
        }
        let touched = members.iter().copied().map(Principal::User).collect();
        stamp::touch(&txn, now, Touched::Only(touched)).await.expect("touched");
        txn.commit().await.expect("committed");
        id
    }

    /// A grant without an end; `target` is an account's number or a rule such as `/workloads/**`.
    pub async fn assign(&self, principal: Principal, set: PermissionSetId, target: &str) -> AssignmentId {
        self.assign_until(principal, set, target, None).await
    }

    /// A grant that ends.
    pub async fn assign_until(
        &self,
        principal: Principal,
        set: PermissionSetId,
        target: &str,
        expires: Option<Timestamp>,
    ) -> AssignmentId {
        let now = self.clock.now();
        let target = AccountTarget::parse(target).expect("a target");
        let id = AssignmentId::ordered(now, self.services.core.entropy.bytes().expect("chance"));
        let txn = self.services.core.store.write().begin().await.expect("begun");
        insert(&txn, id, principal, set, &target, expires, now).await;
        stamp::touch(&txn, now, Touched::Only(vec![principal])).await.expect("touched");
        txn.commit().await.expect("committed");
        id
    }

    /// Takes a grant away.
    pub async fn unassign(&self, principal: Principal, id: AssignmentId) {
        let txn = self.services.core.store.write().begin().await.expect("begun");
        assignment::Entity::delete_by_id(id.to_string()).exec(&txn).await.expect("removed");
        stamp::touch(&txn, self.clock.now(), Touched::Only(vec![principal])).await.expect("touched");
        txn.commit().await.expect("committed");
    }
}

async fn insert(
    txn: &impl ConnectionTrait,
    id: AssignmentId,
    principal: Principal,
    set: PermissionSetId,
    target: &AccountTarget,
    expires: Option<Timestamp>,
    now: Timestamp,
) {
    let row = assignment::Model {
        id: id.to_string(),
        principal_kind: principal.kind().to_owned(),
        principal_id: principal.id(),
        permission_set_id: set.to_string(),
        target: target.to_string(),
        expires_at: expires.map(|expires| expires.0),
        reason: String::new(),
        created_at: now.0,
        created_by: "test".to_owned(),
        warned_at: None,
    };
    assignment::Entity::insert(assignment::ActiveModel::from(row).reset_all())
        .exec_without_returning(txn)
        .await
        .expect("stored");
}

/// How large an organisation is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub people: usize,
    pub groups: usize,
    pub accounts: usize,
    pub sets: usize,
    pub assignments: usize,
}

/// What was built of it.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    pub people: Vec<UserId>,
    pub groups: Vec<GroupId>,
    pub accounts: Vec<AccountId>,
    pub sets: Vec<PermissionSetId>,
}

/// Rows in one statement: SQLite takes 32 766 values, an assignment has ten.
const AT_ONCE: usize = 2_000;

impl World {
    /// An organisation of this size, always the same one: everybody in three groups, accounts in teams and stages, and
    /// assignments of groups in the accounts, spread evenly. One version of access for all of it.
    pub async fn organisation(&self, size: Size) -> Organisation {
        self.crowd(size.people).await;
        let core = &self.services.core;
        let now = self.clock.now();
        let people = user::Entity::find()
            .select_only()
            .column(user::Column::Id)
            .order_by_asc(user::Column::CreatedAt)
            .into_tuple::<String>()
            .all(core.store.read())
            .await
            .expect("people");
        let mut made = Organisation {
            people: people.iter().rev().take(size.people).map(|id| id.parse().expect("an id")).collect(),
            ..Organisation::default()
        };
        let txn = core.store.write().begin().await.expect("begun");
        let groups: Vec<group::Model> = (0..size.groups).map(|n| group_row(core, n, now)).collect();
        let accounts: Vec<account::Model> = (0..size.accounts).map(|n| account_row(n, now)).collect();
        let sets: Vec<permission_set::Model> = (0..size.sets).map(|n| set_row(core, n, now)).collect();
        made.groups = groups.iter().map(|row| row.id.parse().expect("an id")).collect();
        made.accounts = accounts.iter().map(|row| row.id.parse().expect("a number")).collect();
        made.sets = sets.iter().map(|row| row.id.parse().expect("an id")).collect();
        store::<group::Entity, _, _>(&txn, groups).await;
        store::<account::Entity, _, _>(&txn, accounts).await;
        store::<permission_set::Entity, _, _>(&txn, sets).await;
        let mut members = Vec::new();
        for (n, user) in made.people.iter().enumerate() {
            // Three different ones, where there are three.
            for k in 0..size.groups.min(3) {
                let group = made.groups[(n + k * (size.groups / 3).max(1)) % size.groups];
                members.push(membership::Model {
                    group_id: group.to_string(),
                    user_id: user.to_string(),
                    since: now.0,
                });
            }
        }
        store::<membership::Entity, _, _>(&txn, members).await;
        let mut grants = Vec::with_capacity(AT_ONCE);
        for n in 0..size.assignments {
            // No combination twice: the group changes first, then the set, then the account.
            let (group, rest) = (n % size.groups, n / size.groups);
            let (set, account) = (rest % size.sets, (rest / size.sets + group) % size.accounts);
            grants.push(assignment::Model {
                id: AssignmentId::ordered(now, core.entropy.bytes().expect("chance")).to_string(),
                principal_kind: "group".to_owned(),
                principal_id: made.groups[group].to_string(),
                permission_set_id: made.sets[set].to_string(),
                target: made.accounts[account].to_string(),
                expires_at: None,
                reason: String::new(),
                created_at: now.0,
                created_by: "test".to_owned(),
                warned_at: None,
            });
            if grants.len() == AT_ONCE || n + 1 == size.assignments {
                store::<assignment::Entity, _, _>(&txn, std::mem::take(&mut grants)).await;
            }
        }
        stamp::touch(&txn, now, Touched::Only(vec![Principal::Group(made.groups[0]); 1_000])).await.expect("touched");
        txn.commit().await.expect("committed");
        made
    }
}

async fn store<E, M, A>(txn: &impl ConnectionTrait, rows: Vec<M>)
where
    E: sea_orm::EntityTrait<ActiveModel = A>,
    A: sea_orm::ActiveModelTrait<Entity = E> + From<M> + Send,
    M: Clone,
{
    for some in rows.chunks(AT_ONCE) {
        let some = some.iter().cloned().map(|row| A::from(row).reset_all());
        E::insert_many(some).exec_without_returning(txn).await.expect("stored");
    }
}

fn group_row(core: &crate::core::Core, n: usize, now: Timestamp) -> group::Model {
    let name = format!("Group {n:05}");
    group::Model {
        id: GroupId::from_random(core.entropy.bytes().expect("chance")).to_string(),
        directory: crate::identity::people::BUILTIN.to_owned(),
        name_key: name_key(&name),
        name,
        description: String::new(),
        created_at: now.0,
        updated_at: now.0,
        version: 1,
    }
}

fn account_row(n: usize, now: Timestamp) -> account::Model {
    const TEAMS: [&str; 12] = [
        "payments", "checkout", "search", "ledger", "identity", "data", "mobile", "web", "core", "billing", "fraud",
        "video",
    ];
    const PARTS: [&str; 7] = ["api", "batch", "etl", "ui", "jobs", "store", "edge"];
    const STAGES: [&str; 3] = ["prod", "staging", "dev"];
    let (team, part, stage) = (TEAMS[n % 12], PARTS[n / 12 % 7], STAGES[n / 84 % 3]);
    let name = format!("{team}-{part}-{stage}-{:03}", n / 252);
    // Numbers without a pattern, as those of AWS: a multiplication that visits each of them once.
    let id = (u64::try_from(n).unwrap_or_default() * 618_033_988_749 + 271_828_182_845) % 1_000_000_000_000;
    account::Model {
        id: format!("{id:012}"),
        name_key: name_key(&name),
        email: format!("aws+{name}@example.com"),
        path: format!("/{team}/{stage}"),
        name,
        status: "active".to_owned(),
        broker: serde_json::json!({"type": "local"}),
        tags: serde_json::json!({}),
        created_at: now.0,
        updated_at: now.0,
        version: 1,
    }
}

fn set_row(core: &crate::core::Core, n: usize, now: Timestamp) -> permission_set::Model {
    let name = match n {
        0 => "AdministratorAccess".to_owned(),
        1 => "PowerUserAccess".to_owned(),
        2 => "ReadOnlyAccess".to_owned(),
        n => format!("Set{n:05}"),
    };
    permission_set::Model {
        id: PermissionSetId::from_random(core.entropy.bytes().expect("chance")).to_string(),
        name_key: name_key(&name),
        description: format!("What {name} is for"),
        name,
        session_seconds: 3600,
        relay_state: String::new(),
        managed_policies: serde_json::json!([]),
        customer_policies: serde_json::json!([]),
        inline_policy: None,
        boundary: serde_json::Value::Null,
        tags: serde_json::json!({}),
        require_fresh_factor: false,
        last_used_at: None,
        created_at: now.0,
        updated_at: now.0,
        version: 1,
    }
}
