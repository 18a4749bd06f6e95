//! Accounts, permission sets, groups and assignments for tests, put straight into the database with the version that follows them.

use model::{AccountId, AccountTarget, AssignmentId, GroupId, PermissionSetId, Timestamp, UserId, name_key};
use sea_orm::{ActiveModelTrait as _, ConnectionTrait, EntityTrait as _, TransactionTrait as _};

use super::World;
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::entropy::Entropy;
use crate::store::entity::{account, assignment, group, membership, permission_set};

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
        renewed_at: None,
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

/// Rows in one statement: SQLite takes 32 766 values, an assignment has eleven.
const AT_ONCE: usize = 2_000;

/// Numbers that follow from a seed; far cheaper than [`Entropy`], of which a million assignments would notice.
struct Dice(u64);

impl Dice {
    /// The next number below this one (splitmix64).
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let most = u64::try_from(most.max(1)).unwrap_or(u64::MAX);
        usize::try_from((mixed ^ (mixed >> 31)) % most).unwrap_or_default()
    }
}

impl World {
    /// The organisation of this seed and size: everybody in three groups, accounts in teams and stages, and assignments in the
    /// accounts, nine of ten to groups and one to a person. One version of access for all of it.
    pub async fn organisation(&self, seed: u64, size: Size) -> Organisation {
        let (chance, mut dice) = (Entropy::seeded(seed), Dice(seed));
        let core = &self.services.core;
        let now = self.clock.now();
        let mut made = Organisation { people: self.crowd_by(&chance, size.people).await, ..Organisation::default() };
        let txn = core.store.write().begin().await.expect("begun");
        let groups: Vec<group::Model> = (0..size.groups).map(|n| group_row(&chance, n, now)).collect();
        let accounts: Vec<account::Model> = (0..size.accounts).map(|n| account_row(n, now)).collect();
        let sets: Vec<permission_set::Model> = (0..size.sets).map(|n| set_row(&chance, n, now)).collect();
        made.groups = groups.iter().map(|row| row.id.parse().expect("an id")).collect();
        made.accounts = accounts.iter().map(|row| row.id.parse().expect("a number")).collect();
        made.sets = sets.iter().map(|row| row.id.parse().expect("an id")).collect();
        store::<group::Entity, _, _>(&txn, groups).await;
        store::<account::Entity, _, _>(&txn, accounts).await;
        store::<permission_set::Entity, _, _>(&txn, sets).await;
        let mut members = Vec::new();
        for user in &made.people {
            let mut groups: Vec<GroupId> = (0..3).map(|_| made.groups[dice.below(size.groups)]).collect();
            groups.sort_unstable();
            groups.dedup();
            members.extend(groups.iter().map(|group| membership::Model {
                group_id: group.to_string(),
                user_id: user.to_string(),
                since: now.0,
            }));
        }
        store::<membership::Entity, _, _>(&txn, members).await;
        self.grant_all(&txn, &made, (&chance, &mut dice), size.assignments).await;
        stamp::touch(&txn, now, Touched::Everything).await.expect("touched");
        txn.commit().await.expect("committed");
        made
    }

    async fn grant_all(
        &self,
        txn: &impl ConnectionTrait,
        made: &Organisation,
        (chance, dice): (&Entropy, &mut Dice),
        many: usize,
    ) {
        let now = self.clock.now();
        let (first_set, first_account) = (dice.below(made.sets.len()), dice.below(made.accounts.len()));
        let mut grants = Vec::with_capacity(AT_ONCE);
        for n in 0..many {
            let to_person = n % 10 == 9 && !made.people.is_empty();
            // No combination twice: the holder changes first, then the set, then the account.
            let (holders, turn) = if to_person { (made.people.len(), n / 10) } else { (made.groups.len(), n) };
            let (holder, rest) = (turn % holders, turn / holders);
            let set = made.sets[(rest + first_set) % made.sets.len()];
            let account = made.accounts[(rest / made.sets.len() + holder + first_account) % made.accounts.len()];
            let principal =
                if to_person { Principal::User(made.people[holder]) } else { Principal::Group(made.groups[holder]) };
            grants.push(assignment::Model {
                id: AssignmentId::ordered(now, chance.bytes().expect("chance")).to_string(),
                principal_kind: principal.kind().to_owned(),
                principal_id: principal.id(),
                permission_set_id: set.to_string(),
                target: account.to_string(),
                expires_at: None,
                reason: String::new(),
                created_at: now.0,
                created_by: "test".to_owned(),
                warned_at: None,
                renewed_at: None,
            });
            if grants.len() == AT_ONCE || n + 1 == many {
                store::<assignment::Entity, _, _>(txn, std::mem::take(&mut grants)).await;
            }
        }
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

fn group_row(chance: &Entropy, n: usize, now: Timestamp) -> group::Model {
    let name = format!("Group {n:05}");
    group::Model {
        id: GroupId::from_random(chance.bytes().expect("chance")).to_string(),
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

fn set_row(chance: &Entropy, n: usize, now: Timestamp) -> permission_set::Model {
    let name = match n {
        0 => "AdministratorAccess".to_owned(),
        1 => "PowerUserAccess".to_owned(),
        2 => "ReadOnlyAccess".to_owned(),
        n => format!("Set{n:05}"),
    };
    permission_set::Model {
        id: PermissionSetId::from_random(chance.bytes().expect("chance")).to_string(),
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

#[cfg(test)]
mod tests {
    use sea_orm::{EntityTrait as _, QueryOrder as _};

    use super::*;

    async fn built(seed: u64) -> (Vec<assignment::Model>, Vec<membership::Model>) {
        let world = World::new().await;
        let size = Size { people: 20, groups: 7, accounts: 5, sets: 3, assignments: 100 };
        world.organisation(seed, size).await;
        let read = world.services.core.store.read();
        let assignments = assignment::Entity::find().order_by_asc(assignment::Column::Id).all(read).await.unwrap();
        let members = membership::Entity::find()
            .order_by_asc(membership::Column::UserId)
            .order_by_asc(membership::Column::GroupId)
            .all(read)
            .await
            .unwrap();
        (assignments, members)
    }

    #[tokio::test]
    async fn the_same_seed_is_the_same_world_and_another_is_another() {
        let (one, again, other) = (built(7).await, built(7).await, built(8).await);
        assert_eq!(one.0.len(), 100);
        assert!(one.0.iter().any(|row| row.principal_kind == "user"));
        assert_eq!(one, again);
        assert_ne!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }
}
