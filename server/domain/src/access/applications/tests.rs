//! Applications on a real database.

use model::{GroupId, Refusal, Role, UserId};

use super::{ApplicationInput, ApplicationStatus};
use crate::access::Principal;
use crate::call::Call;
use crate::page::PageRequest;
use crate::testing::World;

fn input(name: &str) -> ApplicationInput {
    ApplicationInput {
        name: name.to_owned(),
        start_url: "https://wiki.example.com/".to_owned(),
        ..ApplicationInput::default()
    }
}

async fn tiles(world: &World, call: &Call, search: &str) -> Vec<String> {
    let tiles = world.services.applications.for_person(call, search).await.unwrap();
    tiles.into_iter().map(|tile| tile.name).collect()
}

#[tokio::test]
async fn an_application_is_written_changed_and_removed_with_its_audit() {
    let world = World::new().await;
    let (applications, call) = (&world.services.applications, world.operator());
    let wiki = ApplicationInput { saml: serde_json::json!({"entityId": "x"}), ..input("Wiki <\"'&> ويكي 🧭") };
    let id = applications.create(&call, &wiki).await.unwrap();
    let taken = applications.create(&call, &input("WIKI <\"'&> ويكي 🧭")).await.unwrap_err();
    assert_eq!((taken.kind(), taken.field()), (Refusal::Conflict, Some("name")));
    applications.update(&call, id, 1, &input("Handbook")).await.unwrap();
    let view = applications.get(&call, id).await.unwrap();
    assert_eq!((view.version, view.application.name.as_str()), (2, "Handbook"));
    assert_eq!(view.application.saml, wiki.saml, "the form does not know SAML, so it leaves it");
    let late = applications.update(&call, id, 1, &input("Other")).await.unwrap_err();
    assert_eq!(late.kind(), Refusal::Conflict);
    let page = applications.list(&call, "AND", &PageRequest::default()).await.unwrap();
    assert_eq!((page.total, page.rows.len()), (Some(1), 1));
    applications.delete(&call, id).await.unwrap();
    assert_eq!(applications.get(&call, id).await.unwrap_err().kind(), Refusal::NotFound);
    for action in ["CreateApplication", "UpdateApplication", "DeleteApplication"] {
        assert_eq!(world.audited(action).await.len(), 1, "{action}");
    }
}

#[tokio::test]
async fn a_person_sees_what_is_theirs_by_name_by_group_or_as_everybody() {
    let world = World::new().await;
    let (services, operator) = (&world.services, world.operator());
    let (alice, bob) = (world.bare("alice").await, world.bare("bob").await);
    let group = services.groups.create(&operator, "Engineers", "").await.unwrap();
    services.groups.add_member(&operator, group, alice).await.unwrap();
    let mut made = Vec::new();
    for name in ["By group", "Directly", "Nobody's"] {
        made.push(services.applications.create(&operator, &input(name)).await.unwrap());
    }
    for other in [
        ApplicationInput { everyone: true, start_url: String::new(), ..input("Everybody's") },
        ApplicationInput { everyone: true, visible: false, ..input("Unseen") },
        ApplicationInput { everyone: true, status: ApplicationStatus::Disabled, ..input("Disabled") },
    ] {
        services.applications.create(&operator, &other).await.unwrap();
    }
    services.applications.assign(&operator, made[0], Principal::Group(group)).await.unwrap();
    for _ in 0..2 {
        services.applications.assign(&operator, made[1], Principal::User(alice)).await.unwrap();
    }
    assert_eq!(world.audited("CreateApplicationAssignment").await.len(), 2, "the same again is no change");
    let (alice_calls, bob_calls) = (world.by(alice).await, world.by(bob).await);
    assert_eq!(tiles(&world, &alice_calls, "").await, ["By group", "Directly", "Everybody's"]);
    assert_eq!(tiles(&world, &alice_calls, "BY gr").await, ["By group"]);
    assert_eq!(tiles(&world, &bob_calls, "").await, ["Everybody's"]);
    let theirs = services.applications.for_person(&bob_calls, "").await.unwrap();
    assert_eq!(theirs[0].start_url, None, "not configured yet");
    let view = services.applications.get(&operator, made[0]).await.unwrap();
    let assigned = services.applications.assigned(&operator, made[0], &PageRequest::default()).await.unwrap();
    assert_eq!((assigned.rows[0].name.as_str(), view.assigned), ("Engineers", 1));
    services.applications.unassign(&operator, made[1], Principal::User(alice)).await.unwrap();
    services.groups.delete(&operator, group).await.unwrap();
    assert_eq!(tiles(&world, &alice_calls, "").await, ["Everybody's"]);
}

#[tokio::test]
async fn only_administrators_of_all_handle_applications() {
    let world = World::new().await;
    let services = &world.services;
    let id = services.applications.create(&world.operator(), &input("Wiki")).await.unwrap();
    for role in [Role::AccessAdmin, Role::Helpdesk, Role::Auditor] {
        let call = world.by(world.admin(role.as_str(), role).await).await;
        let somebody = Principal::User(UserId::from_random([1; 16]));
        for refused in [
            services.applications.create(&call, &input("New")).await.map(drop),
            services.applications.update(&call, id, 1, &input("New")).await,
            services.applications.delete(&call, id).await,
            services.applications.assign(&call, id, somebody).await,
            services.applications.unassign(&call, id, somebody).await,
        ] {
            assert_eq!(refused.unwrap_err().kind(), Refusal::Forbidden, "{role} (AUTHZ-02)");
        }
        assert_eq!(services.applications.get(&call, id).await.is_ok(), role == Role::Auditor, "{role}");
    }
    let nobody = Principal::Group(GroupId::from_random([1; 16]));
    let refused = services.applications.assign(&world.operator(), id, nobody).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::NotFound);
}

#[test]
fn everything_wrong_with_an_application_is_named() {
    let wrong = ApplicationInput {
        name: String::new(),
        description: "x".repeat(129),
        start_url: "javascript:alert(1)".to_owned(),
        ..ApplicationInput::default()
    };
    let fields: Vec<&str> = wrong.check().unwrap_err().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["name", "description", "startUrl"]);
    for url in ["data:text/html,x", "//wiki.example.com", "https://", "https://a:b@c/", "https://a b/", "ftp://a/"] {
        assert!(ApplicationInput { start_url: url.to_owned(), ..input("A") }.check().is_err(), "{url} (WEB-03)");
    }
    for url in ["", "http://localhost:3000/x?y#z", "https://wiki.example.com/"] {
        assert!(ApplicationInput { start_url: url.to_owned(), ..input("A") }.check().is_ok(), "{url}");
    }
}

#[tokio::test]
async fn whom_it_is_assigned_to_is_read_page_by_page_groups_first() {
    let world = World::new().await;
    let (applications, operator) = (&world.services.applications, world.operator());
    let id = applications.create(&operator, &input("Wiki")).await.unwrap();
    let other = applications.create(&operator, &input("Other")).await.unwrap();
    let (zoe, amy) = (Principal::User(world.bare("zoe").await), Principal::User(world.bare("amy").await));
    let (late, early) = (Principal::Group(world.group("b", &[]).await), Principal::Group(world.group("A", &[]).await));
    for principal in [zoe, late, early] {
        applications.assign(&operator, id, principal).await.unwrap();
    }
    applications.assign(&operator, other, amy).await.unwrap();
    let mut page = PageRequest { size: Some(2), ..PageRequest::default() };
    let first = applications.assigned(&operator, id, &page).await.unwrap();
    let names = |rows: &[super::Assigned]| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&first.rows), first.total), (vec!["A".to_owned(), "b".to_owned()], Some(3)));
    page.cursor = first.next;
    let second = applications.assigned(&operator, id, &page).await.unwrap();
    assert_eq!((names(&second.rows), second.next), (vec!["zoe".to_owned()], None));
    let among = applications.assigned_among(&operator, id, &[zoe, amy, early]).await.unwrap();
    assert_eq!(among, [zoe, early].into());
    let listed = applications.list(&operator, "", &PageRequest::default()).await.unwrap();
    assert_eq!(listed.rows.iter().map(|row| row.assigned).collect::<Vec<_>>(), [1, 3], "Other, then Wiki");
}
