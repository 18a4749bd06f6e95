//! Reading the log: searched, exported, erased; chains that are whole and chains that are not.

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
    assert_eq!(search(&world, AuditQuery { outcome: Some("failure".into()), ..AuditQuery::default() }).await.len(), 1);
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
        assert!(found.faults.iter().any(|fault| fault.contains(word)), "{tampering}: {:?} (AUTHZ-20)", found.faults);
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
    note(&world, Actor::Operator, Event::done("CreateUser").on("user", UserId::from_random([5; 16]), "malice")).await;
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

#[tokio::test]
async fn a_command_beside_the_server_goes_on_with_the_same_chain() {
    let world = World::new().await;
    let command = world.beside().await.unwrap();
    let (here, there) = (&world.services.core.store, &command.core.store);
    assert_eq!(here.node(), there.node());
    let before = world.services.audit.verify(&world.operator()).await.unwrap().entries;
    for store in [here, there, here, here, there, there, here] {
        let mut change = store.begin().await.unwrap();
        change.audit(&world.operator(), Event::done("UpdateUser"));
        change.commit().await.unwrap();
    }
    // Where what the command wrote is gone by now, its places in the chain are taken all the same.
    let mut change = there.begin().await.unwrap();
    change.audit(&world.operator(), Event::done("UpdateGroup"));
    change.commit().await.unwrap();
    let mut settings = (*command.settings_now()).clone();
    settings.audit.retention_days = Some(30);
    command.core.settings.send_replace(settings.into());
    world.clock.advance(31 * Timestamp::DAY);
    let job = Call::local(Actor::System("retention"), "test", world.clock.now());
    assert_eq!(crate::audit::retention::remove_old(&command.core, &job).await.unwrap(), before + 8);
    note(&world, Actor::Operator, Event::done("UpdateUser")).await;
    let found = world.services.audit.verify(&world.operator()).await.unwrap();
    assert_eq!((found.entries, found.faults), (2, Vec::<String>::new()));
}
