//! What a person may use: against a plain reading of the tables, on two nodes, while everything changes.

use std::collections::BTreeSet;

use model::{AccountId, AccountPath, AccountTarget, AssignmentId, GroupId, PermissionSetId, Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, TransactionTrait as _};

use crate::access::Principal;
use crate::access::index::Index;
use crate::access::permission_sets::PermissionSetInput;
use crate::access::stamp::{self, Touched};
use crate::identity::people::LinkSent;
use crate::identity::test_people::PASSWORD;
use crate::secret::Secret;
use crate::store::entity::{account, assignment, membership, permission_set, user};
use crate::testing::World;
use crate::{Actor, Entropy, Services};

type Pair = (AccountId, PermissionSetId);

/// What a node says, by its list; each pair is asked for singly as well.
async fn says(node: &Services, world: &World, user: UserId) -> BTreeSet<Pair> {
    let now = world.clock.now();
    let reach = node.entitlements.reach(user, now).await.unwrap();
    let listed: Vec<Pair> = reach
        .accounts()
        .flat_map(|reached| reached.sets().map(|entitled| (reached.account.id, entitled.set.id)).collect::<Vec<_>>())
        .collect();
    let pairs: BTreeSet<Pair> = listed.iter().copied().collect();
    assert_eq!(listed.len(), pairs.len(), "each pair once");
    for (account, set) in &pairs {
        assert!(node.entitlements.check(user, *account, *set, now).await.unwrap(), "{account} {set}");
    }
    pairs
}

/// What the tables say, read one by one without any cleverness.
async fn tables_say(world: &World, user: UserId) -> BTreeSet<Pair> {
    let read = world.services.core.store.read();
    let now = world.clock.now().0;
    let active =
        user::Entity::find_by_id(user.to_string()).one(read).await.unwrap().is_some_and(|u| u.status == "active");
    let groups = membership::Entity::find().all(read).await.unwrap();
    let groups: Vec<String> =
        groups.into_iter().filter(|row| row.user_id == user.to_string()).map(|row| row.group_id).collect();
    let sets: Vec<String> =
        permission_set::Entity::find().all(read).await.unwrap().into_iter().map(|row| row.id).collect();
    let accounts = account::Entity::find().all(read).await.unwrap();
    let mut pairs = BTreeSet::new();
    for grant in assignment::Entity::find().all(read).await.unwrap() {
        let theirs = grant.principal_id == user.to_string() || groups.contains(&grant.principal_id);
        let lasts = grant.expires_at.is_none_or(|expires| now < expires);
        if !(active && theirs && lasts && sets.contains(&grant.permission_set_id)) {
            continue;
        }
        let target = AccountTarget::parse(&grant.target).unwrap();
        for account in accounts.iter().filter(|account| account.status == "active") {
            let id: AccountId = account.id.parse().unwrap();
            if target.matches(id, &AccountPath::parse(&account.path).unwrap()) {
                pairs.insert((id, grant.permission_set_id.parse().unwrap()));
            }
        }
    }
    pairs
}

async fn set_account(world: &World, id: AccountId, column: account::Column, value: &str) {
    let txn = world.services.core.store.write().begin().await.unwrap();
    account::Entity::update_many()
        .col_expr(column, Expr::value(value))
        .filter(account::Column::Id.eq(id.to_string()))
        .exec(&txn)
        .await
        .unwrap();
    stamp::touch(&txn, world.clock.now(), Touched::Directory).await.unwrap();
    txn.commit().await.unwrap();
}

/// Numbers below a bound, always the same ones.
struct Dice(Entropy);

impl Dice {
    fn below(&self, bound: usize) -> usize {
        let [a, b] = self.0.bytes::<2>().unwrap();
        usize::from(u16::from_be_bytes([a, b])) % bound
    }

    fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// People, groups, accounts and sets, and what is assigned among them.
struct Scene {
    world: World,
    people: Vec<UserId>,
    groups: Vec<GroupId>,
    accounts: Vec<AccountId>,
    sets: Vec<PermissionSetId>,
    grants: Vec<(Principal, AssignmentId)>,
}

const PATHS: [&str; 5] = ["/", "/workloads", "/workloads/prod", "/workloads/prod/eu", "/workloadsx"];
const RULES: [&str; 6] = ["/**", "/*", "/workloads/**", "/workloads/*", "/workloads/prod", "/workloads/prod/**"];

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let mut people = Vec::new();
        for name in ["ada", "bela", "chen"] {
            people.push(world.person(name).await);
        }
        let mut groups = Vec::new();
        for name in ["one", "two", "three", "four"] {
            groups.push(world.group(name, &[]).await);
        }
        let mut accounts = Vec::new();
        for (n, path) in PATHS.iter().chain(&PATHS).enumerate() {
            accounts.push(world.account(&format!("{n:012}"), &format!("Account {n}"), path).await);
        }
        let mut sets = Vec::new();
        for name in ["Admin", "Billing", "ReadOnly"] {
            sets.push(world.permission_set(name).await);
        }
        Self { world, people, groups, accounts, sets, grants: Vec::new() }
    }

    async fn change(&mut self, dice: &Dice) {
        let (services, operator) = (&self.world.services, self.world.operator());
        let (user, group) = (dice.pick(&self.people), dice.pick(&self.groups));
        match dice.below(12) {
            0..=3 => {
                let principal = if dice.below(2) == 0 { Principal::User(user) } else { Principal::Group(group) };
                let target = match dice.below(3) {
                    0 => dice.pick(&RULES).to_owned(),
                    _ => dice.pick(&self.accounts).to_string(),
                };
                let expires = match dice.below(3) {
                    0 => Some(self.world.clock.now().plus(Timestamp::SECOND * i64::try_from(dice.below(5)).unwrap())),
                    _ => None,
                };
                let set = dice.pick(&self.sets);
                let taken = assignment::Entity::find()
                    .filter(assignment::Column::PrincipalId.eq(principal.id()))
                    .filter(assignment::Column::Target.eq(&target))
                    .filter(assignment::Column::PermissionSetId.eq(set.to_string()))
                    .one(services.core.store.read())
                    .await
                    .unwrap();
                if taken.is_none() {
                    let id = self.world.assign_until(principal, set, &target, expires).await;
                    self.grants.push((principal, id));
                }
            }
            4 | 5 if !self.grants.is_empty() => {
                let (principal, id) = self.grants.swap_remove(dice.below(self.grants.len()));
                self.world.unassign(principal, id).await;
            }
            6 | 7 => services.groups.add_member(&operator, group, user).await.unwrap(),
            8 => services.groups.remove_member(&operator, group, user).await.unwrap(),
            9 => {
                // Who is disabled already stays so; both ways are refused once.
                let _ = services.people.disable(&operator, user).await;
            }
            10 => {
                let _ = services.people.enable(&operator, user).await;
            }
            _ => {
                let account = dice.pick(&self.accounts);
                match dice.below(3) {
                    0 => set_account(&self.world, account, account::Column::Status, "suspended").await,
                    1 => set_account(&self.world, account, account::Column::Status, "active").await,
                    _ => set_account(&self.world, account, account::Column::Path, dice.pick(&PATHS)).await,
                }
            }
        }
        if dice.below(4) == 0 {
            self.world.clock.advance(Timestamp::SECOND);
        }
    }
}

#[tokio::test]
async fn whatever_changes_every_node_says_what_the_tables_say() {
    let mut scene = Scene::new().await;
    let dice = Dice(Entropy::seeded(77));
    let second = scene.world.second_node().await.unwrap();
    // So little room that something is dropped all the time.
    let crowded = Index::with_room(24);
    let mut seen = 0;
    for step in 0..150 {
        scene.change(&dice).await;
        let user = dice.pick(&scene.people);
        let expected = tables_say(&scene.world, user).await;
        seen += expected.len();
        assert_eq!(says(&scene.world.services, &scene.world, user).await, expected, "step {step}");
        // The second node is asked now and then, so that it catches up over several steps.
        if dice.below(3) == 0 {
            assert_eq!(says(&second, &scene.world, user).await, expected, "second node, step {step}");
        }
        let view = crowded.view(second.core.store.read(), user).await.unwrap();
        for account in &scene.accounts {
            for set in &scene.sets {
                let allowed = view.allows(*account, *set, scene.world.clock.now());
                assert_eq!(allowed, expected.contains(&(*account, *set)), "crowded, step {step}: {account} {set}");
            }
        }
    }
    assert!(seen > 500, "the changes grant something ({seen})");
}

#[tokio::test]
async fn a_revocation_counts_at_once_here_and_at_the_next_request_elsewhere() {
    let world = World::new().await;
    let second = world.second_node().await.unwrap();
    let alice = world.person("alice").await;
    let engineers = world.group("Engineers", &[alice]).await;
    let (account, set) = (world.account("111122223333", "Prod", "/").await, world.permission_set("Admin").await);
    let granted = world.assign(Principal::Group(engineers), set, "111122223333").await;
    for node in [&world.services, &second] {
        assert!(node.entitlements.check(alice, account, set, world.clock.now()).await.unwrap());
    }
    world.unassign(Principal::Group(engineers), granted).await;
    for node in [&world.services, &second] {
        assert!(!node.entitlements.check(alice, account, set, world.clock.now()).await.unwrap());
    }
    // Membership ends on the second node; the first one sees it.
    world.assign(Principal::Group(engineers), set, "111122223333").await;
    assert!(world.services.entitlements.check(alice, account, set, world.clock.now()).await.unwrap());
    second.groups.remove_member(&world.operator(), engineers, alice).await.unwrap();
    assert!(!world.services.entitlements.check(alice, account, set, world.clock.now()).await.unwrap());
}

#[tokio::test]
async fn a_grant_ends_on_the_millisecond_it_names() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let (account, set) = (world.account("111122223333", "Prod", "/").await, world.permission_set("Admin").await);
    let end = world.clock.now().plus(10 * Timestamp::SECOND);
    world.assign_until(Principal::User(alice), set, "111122223333", Some(end)).await;
    let check = async |at| world.services.entitlements.check(alice, account, set, at).await.unwrap();
    assert!(check(end.plus(-1)).await);
    assert!(!check(end).await);
    let ends = async |at| {
        let reach = world.services.entitlements.reach(alice, at).await.unwrap();
        reach.account(account).map(|reached| reached.sets().map(|entitled| entitled.expires).collect::<Vec<_>>())
    };
    assert_eq!(ends(end.plus(-1)).await, Some(vec![Some(end)]));
    assert_eq!(ends(end).await, None);
    // A second way in without an end: what is shown has none.
    let team = world.group("Team", &[alice]).await;
    world.assign(Principal::Group(team), set, "/**").await;
    assert_eq!(ends(end.plus(-1)).await, Some(vec![None]));
    assert!(check(end).await);
}

#[tokio::test]
async fn a_person_in_three_hundred_groups_gets_the_union_once() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let mut accounts = Vec::new();
    for n in 0..20 {
        accounts.push(world.account(&format!("{n:012}"), &format!("Account {n:02}"), "/workloads").await);
    }
    let (read, admin) = (world.permission_set("ReadOnly").await, world.permission_set("Admin").await);
    for n in 0..300 {
        let group = world.group(&format!("Group {n}"), &[alice]).await;
        world.assign(Principal::Group(group), read, &accounts[n % 20].to_string()).await;
        if n % 30 == 0 {
            world.assign(Principal::Group(group), admin, "/workloads/**").await;
        }
    }
    let person = world.sign_in("alice").await;
    let call = world.with_token(&person.session.token).await;
    let reach = world.services.entitlements.of(&call).await.unwrap();
    assert_eq!(reach.pairs(), 40);
    let names: Vec<&str> = reach.accounts().map(|reached| reached.account.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() == 20, "{names:?}");
    for reached in reach.accounts() {
        let sets: Vec<&str> = reached.sets().map(|entitled| entitled.set.name.as_str()).collect();
        assert_eq!(sets, ["Admin", "ReadOnly"]);
    }
    assert!(world.services.entitlements.may(&call, accounts[3], admin).await.unwrap());
    let refused = world.services.entitlements.of(&world.call(Actor::Anonymous)).await.unwrap_err();
    assert_eq!(refused.kind(), model::Refusal::SignInNeeded);
}

#[tokio::test]
async fn a_set_that_is_new_counts_for_who_has_asked_before() {
    let world = World::new().await;
    let second = world.second_node().await.unwrap();
    let alice = world.person("alice").await;
    let account = world.account("111122223333", "Prod", "/").await;
    assert_eq!(says(&second, &world, alice).await, BTreeSet::new());
    let input = PermissionSetInput::named("Fresh");
    let set = world.services.permission_sets.create(&world.operator(), &input).await.unwrap();
    world.assign(Principal::User(alice), set, "111122223333").await;
    for node in [&world.services, &second] {
        assert_eq!(says(node, &world, alice).await, BTreeSet::from([(account, set)]));
    }
}

#[tokio::test]
async fn what_waited_for_an_invited_person_counts_once_they_have_come() {
    let world = World::new().await;
    let operator = world.operator();
    let account = world.account("111122223333", "Production", "/").await;
    let set = world.permission_set("ReadOnly").await;
    for came in ["link", "password"] {
        let user = world.bare(came).await;
        world.set(user, user::Column::Status, "invited").await;
        world.assign(Principal::User(user), set, &account.to_string()).await;
        let second = world.second_node().await.unwrap();
        for node in [&world.services, &second] {
            assert!(says(node, &world, user).await.is_empty(), "not here yet");
        }
        let new = Secret::new(PASSWORD);
        if came == "link" {
            let LinkSent::ShowOnce(address) = world.services.people.invite(&operator, user).await.unwrap() else {
                panic!("no mail is configured");
            };
            let token = Secret::new(address.expose().rsplit('/').next().unwrap());
            world.services.sign_in.use_link(&world.anonymous(), &token, &new, &new).await.unwrap();
        } else {
            world.services.people.set_password(&operator, user, &new).await.unwrap();
        }
        for node in [&world.services, &second] {
            assert_eq!(says(node, &world, user).await, [(account, set)].into(), "{came}");
        }
    }
}
