//! The last owner stays, and whoever becomes an administrator by a file is treated like any other.

use sea_orm::EntityTrait as _;

use super::*;
use crate::store::entity::user;

async fn refused(world: &World, text: &str, options: Options) -> Vec<String> {
    let before = export(world).await;
    let planned = faults(plan(world, &with(text), options).await.map(drop).unwrap_err());
    assert_eq!(faults(apply(world, &with(text), options).await.map(drop).unwrap_err()), planned);
    assert_eq!(export(world).await, before);
    planned
}

const BOSS: &str = "
users: [{userName: boss, email: b@example.com, password: {fromEnv: OWNER_PASSWORD}}]
administrators: [{user: boss, role: owner}]";

#[tokio::test]
async fn a_file_that_disables_the_last_owner_is_refused_where_it_says_so() {
    let world = World::new().await;
    apply(&world, &with(BOSS), PLAIN).await.map_err(faults).unwrap();
    // Somebody who is only invited cannot sign in.
    let text = "groups: [{name: H}]
users: [{userName: new, email: n@example.com}, {userName: boss, disabled: true}]
administrators: [{user: new, role: owner}]";
    let found = refused(&world, text, PLAIN).await;
    assert_eq!(
        found,
        ["org.yaml:3:75: users[1].disabled: would leave no owner who can sign in: make somebody else an owner first"]
    );
    let text = "users:
- {userName: new, email: n@example.com, password: {fromEnv: OWNER_PASSWORD}}
- {userName: boss, disabled: true}
administrators: [{user: new, role: owner}]";
    apply(&world, &with(text), PLAIN).await.map_err(faults).unwrap();
}

#[tokio::test]
async fn an_owner_by_a_group_does_not_leave_it_as_the_last() {
    let world = World::new().await;
    let text = "groups: [{name: Owners}]
users: [{userName: boss, email: b@example.com, groups: [Owners], password: {fromEnv: OWNER_PASSWORD}}]
administrators: [{group: Owners, role: owner}]";
    apply(&world, &with(text), PLAIN).await.map_err(faults).unwrap();
    let found = refused(&world, "users: [{userName: boss, groups: []}]", PLAIN).await;
    assert!(
        found.len() == 1 && found[0].starts_with("org.yaml:2:34: users[0].groups: would leave no owner"),
        "{found:?}"
    );

    for text in ["groups: []", "groups: []\nusers: []\nadministrators: []\nassignments: []"] {
        let planned = plan(&world, &with(text), PRUNE).await.map_err(faults).unwrap();
        assert_eq!(names(&planned), [], "pruning spares the group, its members and its role");
        assert!(planned.warnings().iter().any(|warning| warning.contains("kept")), "{:?}", planned.warnings());
        apply(&world, &with(text), PRUNE).await.map_err(faults).unwrap();
    }
    assert!(export(&world).await.contains("group: Owners"));
}

#[tokio::test]
async fn what_is_spared_keeps_its_access_but_not_what_goes_itself() {
    let world = World::new().await;
    let text = "accounts: [{id: \"111122223333\", name: A}, {id: \"444455556666\", name: B}]
permissionSets: [{name: R}]
assignments: [{user: boss, permissionSet: R, accounts: [\"111122223333\", \"444455556666\"]}]";
    apply(&world, &with(&format!("{text}{BOSS}")), PLAIN).await.map_err(faults).unwrap();
    let text = with("accounts: [{id: \"111122223333\"}]\nusers: []");
    let planned = plan(&world, &text, PRUNE).await.map_err(faults).unwrap();
    let gone: Vec<String> = names(&planned).into_iter().map(|(_, kind, name)| format!("{kind} {name}")).collect();
    assert_eq!(gone, ["account 444455556666", "assignment user boss: R in 444455556666"]);
    apply(&world, &text, PRUNE).await.map_err(faults).unwrap();
    assert!(export(&world).await.contains("accounts: [\"111122223333\"]"));
}

async fn person(world: &World, name: &str) -> user::Model {
    let all = user::Entity::find().all(world.services.core.store.read()).await.unwrap();
    all.into_iter().find(|row| row.user_name == name).unwrap()
}

#[tokio::test]
async fn who_becomes_an_administrator_by_a_file_is_told_and_gets_time_for_a_factor() {
    let world = World::with_mail().await;
    let people = "
users:
- {userName: ann, email: ann@example.com, groups: [G], password: {fromEnv: ALICE_PASSWORD}}
- {userName: ben, email: ben@example.com, password: {fromEnv: ALICE_PASSWORD}}
- {userName: cid, email: cid@example.com, password: {fromEnv: ALICE_PASSWORD}}
";
    apply(&world, &with(&format!("groups: [{{name: G}}]{people}")), PLAIN).await.map_err(faults).unwrap();
    let begun = person(&world, "ann").await.enrol_by.unwrap();
    world.forget_mails().await;
    world.clock.advance(30 * model::Timestamp::DAY);

    let roles = "administrators: [{group: G, role: auditor}, {user: ben, role: admin}]";
    apply(&world, &with(roles), PLAIN).await.map_err(faults).unwrap();
    let told = |mails: Vec<String>| {
        let mut told: Vec<String> = mails
            .iter()
            .map(|mail| serde_json::from_str::<serde_json::Value>(mail).unwrap())
            .map(|mail| format!("{} {}", mail["to"].as_str().unwrap(), mail["subject"].as_str().unwrap()))
            .collect();
        told.sort();
        told
    };
    let mails = told(world.mails().await);
    assert!(mails.len() == 2 && mails[0].starts_with("ann@") && mails[1].starts_with("ben@"), "{mails:?}");
    assert!(person(&world, "ann").await.enrol_by.unwrap() > begun + 30 * model::Timestamp::DAY - 1);
    world.forget_mails().await;

    // Into a group that carries a role already.
    apply(&world, &with("users: [{userName: cid, groups: [G]}]"), PLAIN).await.map_err(faults).unwrap();
    let mails = told(world.mails().await);
    assert!(mails.len() == 1 && mails[0].starts_with("cid@"), "{mails:?}");
    world.forget_mails().await;
    apply(&world, &with("users: [{userName: ben, groups: [G]}, {userName: ann, groups: []}]"), PLAIN)
        .await
        .map_err(faults)
        .unwrap();
    let mails = told(world.mails().await);
    assert!(mails.len() == 1 && mails[0].starts_with("ben@"), "{mails:?}");
}

#[tokio::test]
async fn too_many_people_do_not_become_administrators_at_once() {
    let world = World::new().await;
    world.crowd(1_001).await;
    let people = world.everybody().await;
    world.group("All", &people).await;
    let found = faults(
        plan(&world, &with("administrators: [{group: All, role: auditor}]"), PLAIN).await.map(drop).unwrap_err(),
    );
    assert!(found.len() == 1 && found[0].contains("administrators[0].group: has more than 1000 people"), "{found:?}");
}
