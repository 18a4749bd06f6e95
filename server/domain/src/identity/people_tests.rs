//! People as administrators work with them.

use std::collections::BTreeSet;

use model::{GroupId, Refusal, Role, Timestamp};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use super::administrators::Grant;
use super::people::{LinkSent, PeopleQuery, PeopleSort, PersonInput, Status};
use super::test_admins::input;
use crate::page::PageRequest;
use crate::secret::Secret;
use crate::store::entity::{link, membership, session, user_word};
use crate::testing::World;

fn query(search: &str) -> PeopleQuery {
    PeopleQuery { search: search.to_owned(), ..PeopleQuery::default() }
}

async fn found(world: &World, search: &str) -> Vec<String> {
    let page = world.services.people.list(&world.operator(), &query(search)).await.unwrap();
    page.rows.into_iter().map(|row| row.user_name).collect()
}

#[tokio::test]
async fn a_person_is_created_found_changed_and_deleted() {
    let world = World::new().await;
    let admin = world.admin("root", Role::Admin).await;
    let call = world.by(admin).await;
    let people = &world.services.people;
    let group = world.services.groups.create(&call, "Engineers", "").await.unwrap();
    let alice = people.create(&call, &input("alice", "Alice", "Liddell"), &[group]).await.unwrap();

    let view = people.get(&call, alice).await.unwrap();
    assert_eq!((view.row.display_name.as_str(), view.row.status), ("Alice Liddell", Status::Invited));
    assert_eq!(view.groups, [(group, "Engineers".to_owned())]);
    assert_eq!(view.enrol_by, None, "nobody asks for a factor");
    world.services.administrators.grant_user(&world.operator(), alice, &Grant::of(Role::Auditor)).await.unwrap();
    let seven_days = world.clock.now().plus(7 * Timestamp::DAY);
    assert_eq!(people.get(&call, alice).await.unwrap().enrol_by, Some(seven_days), "administrators need one");
    assert_eq!(people.find(&call, "ALICE").await.unwrap(), alice);
    assert_eq!(people.find(&call, "builtin/alice").await.unwrap(), alice);
    assert_eq!(people.find(&call, "corp/alice").await.unwrap_err().kind(), Refusal::NotFound);

    let changed = PersonInput { display_name: "Al".to_owned(), ..input("alice", "Alice", "Hargreaves") };
    people.update(&call, alice, view.version, &changed).await.unwrap();
    let stale = people.update(&call, alice, view.version, &input("alice", "A", "B")).await.unwrap_err();
    assert_eq!(stale.kind(), Refusal::Conflict, "the second of two editors is told (DB-05)");
    assert_eq!(found(&world, "harg").await, ["alice"]);
    assert!(found(&world, "lidd").await.is_empty(), "the words follow the names");

    people.delete(&call, alice).await.unwrap();
    assert_eq!(people.get(&call, alice).await.unwrap_err().kind(), Refusal::NotFound);
    let read = world.services.core.store.read();
    assert_eq!(membership::Entity::find().count(read).await.unwrap(), 0, "no orphans (DB-13)");
    let words = user_word::Entity::find().filter(user_word::Column::UserId.eq(alice.to_string()));
    assert_eq!(words.count(read).await.unwrap(), 0);
    for action in ["CreateUser", "UpdateUser", "DeleteUser"] {
        assert!(world.audited(action).await.iter().any(|(_, person)| person.contains("alice")), "{action} is audited");
    }
}

#[tokio::test]
async fn fields_are_named_when_they_are_refused() {
    let world = World::new().await;
    let call = world.operator();
    let people = &world.services.people;
    let good = input("alice", "Alice", "Liddell");
    people.create(&call, &good, &[]).await.unwrap();
    let cases = [
        ("user_name", PersonInput { user_name: "a b".into(), ..good.clone() }),
        ("email", PersonInput { email: "a@b\r\nBcc: c@d".into(), ..good.clone() }),
        ("given_name", PersonInput { given_name: String::new(), ..good.clone() }),
        ("family_name", PersonInput { family_name: "\u{202e}x".into(), ..good.clone() }),
        ("display_name", PersonInput { display_name: "x".repeat(257), ..good.clone() }),
        ("user_name", PersonInput { user_name: "ＡLICE".into(), ..good.clone() }),
    ];
    for (field, case) in cases {
        let error = people.create(&call, &case, &[]).await.unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
    let bob = people.create(&call, &input("bob", "Bob", "Test"), &[]).await.unwrap();
    let error = people.update(&call, bob, 1, &good).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Refusal::Conflict, Some("user_name")));
    let error =
        people.create(&call, &input("carol", "Carol", "Test"), &[GroupId::from_random([1; 16])]).await.unwrap_err();
    assert_eq!(error.field(), Some("groups"));
    assert_eq!(people.find(&call, "carol").await.unwrap_err().kind(), Refusal::NotFound, "all or nothing");
}

#[tokio::test]
async fn one_name_created_many_times_at_once_is_one_person() {
    let world = World::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (people, call) = (world.services.people.clone(), world.operator());
        tasks.spawn(async move { people.create(&call, &input("alice", "Alice", "Liddell"), &[]).await });
    }
    let mut made = 0;
    while let Some(result) = tasks.join_next().await {
        match result.unwrap() {
            Ok(_) => made += 1,
            Err(error) => {
                assert_eq!((error.kind(), error.field()), (Refusal::Conflict, Some("user_name")), "{error} (DB-03)");
            }
        }
    }
    assert_eq!(made, 1);
    assert_eq!(world.audited("CreateUser").await.len(), 1);
}

#[tokio::test]
async fn every_order_pages_forward_and_back_over_everybody_once() {
    let world = World::new().await;
    let call = world.operator();
    let people = &world.services.people;
    for n in 0..23 {
        // Equal display names and moments, so that ties are broken too.
        world.clock.advance(i64::from(n % 3 == 0));
        let person = PersonInput { display_name: format!("Name {}", n % 4), ..input(&format!("u{n:02}"), "G", "F") };
        people.create(&call, &person, &[]).await.unwrap();
    }
    for sort in [PeopleSort::UserName, PeopleSort::DisplayName, PeopleSort::Email, PeopleSort::Created] {
        for descending in [false, true] {
            for status in [None, Some(Status::Invited)] {
                let mut request = PeopleQuery { status, sort, descending, ..query("") };
                request.page.size = Some(5);
                let mut names = Vec::new();
                let mut pages = Vec::new();
                loop {
                    let page = people.list(&call, &request).await.unwrap();
                    assert_eq!(page.total, Some(23), "the first page counts, the others remember");
                    pages.push(page.rows.iter().map(|row| row.user_name.clone()).collect::<Vec<_>>());
                    names.extend(pages.last().unwrap().iter().cloned());
                    let Some(next) = page.next else {
                        let mut back = page.previous;
                        for earlier in pages.iter().rev().skip(1) {
                            let page = PageRequest { cursor: back.clone(), size: Some(5) };
                            let page = people.list(&call, &PeopleQuery { page, ..request.clone() }).await.unwrap();
                            assert_eq!(&page.rows.iter().map(|row| row.user_name.clone()).collect::<Vec<_>>(), earlier);
                            back = page.previous;
                        }
                        assert_eq!(back, None, "the first page has nothing before it");
                        break;
                    };
                    request.page.cursor = Some(next);
                }
                assert_eq!(names.len(), 23, "{sort:?}");
                assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 23, "{sort:?}: nobody twice");
            }
        }
    }
}

#[tokio::test]
async fn a_search_is_by_the_beginning_of_words_and_nothing_else() {
    let world = World::new().await;
    let call = world.operator();
    for (name, given, family) in
        [("alice", "Alice", "Liddell"), ("bob", "Robert", "O'Neil"), ("zoé", "Zoé", "Ångström")]
    {
        world.services.people.create(&call, &input(&name.replace('é', "e"), given, family), &[]).await.unwrap();
    }
    assert_eq!(found(&world, "ali").await, ["alice"]);
    assert_eq!(found(&world, "LIDD al").await, ["alice"], "every word must fit");
    assert_eq!(found(&world, "neil").await, ["bob"]);
    assert_eq!(found(&world, "bob@exam").await, ["bob"]);
    assert_eq!(found(&world, "ång").await, ["zoe"]);
    assert!(found(&world, "lice").await.is_empty(), "not in the middle");
    for payload in ["'", "%", "_", "\\", "'; DROP TABLE users; --", "\0", "\" OR 1=1", "\u{10FFFF}", "ali%", "$1", "?1"]
    {
        let page = world.services.people.list(&call, &query(payload)).await.unwrap();
        assert!(page.rows.len() <= 1, "{payload:?} is only a text (DB-01)");
    }
}

#[tokio::test]
async fn cursors_from_elsewhere_are_refused() {
    use base64::Engine as _;
    let world = World::new().await;
    let call = world.operator();
    for n in 0..3 {
        world.services.people.create(&call, &input(&format!("u{n}"), "G", "F"), &[]).await.unwrap();
    }
    let encode = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let foreign = [
        "x".to_owned(),
        "'; DROP TABLE users".to_owned(),
        encode("{}"),
        encode(r#"{"o":"people:user-name+","k":1,"t":"x","b":false}"#),
        encode(r#"{"o":"people:user-name-","k":"a","t":"x","b":false}"#),
        encode(r#"{"o":"people:email+","k":"a","t":"x","b":false}"#),
        encode(r#"{"o":"people:user-name+","k":"\u0000","t":"x","b":false}"#),
        encode(r#"{"o":"people:user-name+","k":"a","t":"x","b":false,"z":1}"#),
        "A".repeat(10_000),
    ];
    for cursor in foreign {
        let page = PageRequest { cursor: Some(cursor.clone()), size: None };
        let error = world.services.people.list(&call, &PeopleQuery { page, ..query("") }).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Refusal::Invalid, Some("cursor")), "{cursor} (DB-01)");
    }
}

#[tokio::test]
async fn disabling_ends_sessions_and_links_at_once() {
    let world = World::new().await;
    let admin = world.admin("root", Role::Admin).await;
    let alice = world.person("alice").await;
    let token = world.sign_in("alice").await.session.token;
    let call = world.by(admin).await;
    assert!(matches!(world.services.people.reset_password(&call, alice).await.unwrap(), LinkSent::ShowOnce(_)));
    assert!(!world.lives(&token).await, "a reset ends the sessions");
    world.give_password(alice, super::test_people::PASSWORD).await;
    let token = world.sign_in("alice").await.session.token;
    world.services.people.disable(&call, alice).await.unwrap();
    assert!(!world.lives(&token).await, "disabling ends the sessions");
    let read = world.services.core.store.read();
    let open = link::Entity::find().filter(link::Column::VoidedAt.is_null()).filter(link::Column::UsedAt.is_null());
    assert_eq!(open.count(read).await.unwrap(), 0, "and the links");
    assert!(world.try_password(&world.anonymous(), "alice", super::test_people::PASSWORD).await.is_err());
    world.services.people.enable(&call, alice).await.unwrap();
    world.sign_in("alice").await;
    let ended = session::Entity::find().filter(session::Column::EndedAt.is_not_null());
    assert_eq!(ended.count(read).await.unwrap(), 2);
}

#[tokio::test]
async fn an_invitation_makes_a_person_active_and_works_once() {
    let world = World::new().await;
    let admin = world.admin("root", Role::Admin).await;
    let call = world.by(admin).await;
    let alice = world.services.people.create(&call, &input("alice", "Alice", "Liddell"), &[]).await.unwrap();
    let LinkSent::ShowOnce(first) = world.services.people.invite(&call, alice).await.unwrap() else {
        panic!("no mail is configured");
    };
    let LinkSent::ShowOnce(second) = world.services.people.invite(&call, alice).await.unwrap() else {
        panic!("no mail is configured");
    };
    let token =
        |address: &Secret| Secret::new(address.expose().strip_prefix("http://localhost:8080/start/link/").unwrap());
    let new = Secret::new(super::test_people::PASSWORD);
    let sign_in = &world.services.sign_in;
    assert!(sign_in.use_link(&world.anonymous(), &token(&first), &new, &new).await.is_err(), "a newer one voids it");
    sign_in.use_link(&world.anonymous(), &token(&second), &new, &new).await.unwrap();
    assert!(sign_in.use_link(&world.anonymous(), &token(&second), &new, &new).await.is_err(), "once (DB-03)");
    assert_eq!(world.services.people.get(&call, alice).await.unwrap().row.status, Status::Active);
    let error = world.services.people.invite(&call, alice).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict);
}

#[tokio::test]
async fn nobody_reaches_above_their_rank() {
    let world = World::new().await;
    let owner = world.admin("owner", Role::Owner).await;
    let admin = world.admin("admin", Role::Admin).await;
    let other_admin = world.admin("admin2", Role::Admin).await;
    let helpdesk = world.admin("desk", Role::Helpdesk).await;
    let auditor = world.admin("auditor", Role::Auditor).await;
    let plain = world.bare("plain").await;
    let people = &world.services.people;
    let forbidden = |result: crate::Result<()>, what: &str| {
        assert_eq!(result.unwrap_err().kind(), Refusal::Forbidden, "{what} (AUTHZ-02)");
    };
    for (who, target) in [
        (admin, owner),
        (admin, other_admin),
        (helpdesk, auditor),
        (helpdesk, admin),
        (auditor, plain),
        (plain, plain),
        (plain, owner),
    ] {
        let call = world.by(who).await;
        forbidden(people.reset_password(&call, target).await.map(drop), "reset password");
        forbidden(people.reset_factors(&call, target).await.map(drop), "reset factors");
        forbidden(people.disable(&call, target).await, "disable");
        forbidden(people.delete(&call, target).await, "delete");
        forbidden(people.update(&call, target, 1, &input("x", "X", "X")).await, "update");
        forbidden(people.invite(&call, target).await.map(drop), "invite");
    }
    let call = world.by(helpdesk).await;
    people.reset_factors(&call, plain).await.unwrap();
    people.reset_password(&call, plain).await.unwrap();
    forbidden(people.create(&call, &input("new", "New", "New"), &[]).await.map(drop), "helpdesk creates nobody");

    // An invited person who was made an owner is out of an admin's reach: the link would be an owner's.
    let invited = people.create(&world.by(admin).await, &input("chosen", "Chosen", "One"), &[]).await.unwrap();
    world.services.administrators.grant_user(&world.by(owner).await, invited, &Grant::of(Role::Owner)).await.unwrap();
    forbidden(people.invite(&world.by(admin).await, invited).await.map(drop), "invite an owner");
    assert!(people.invite(&world.by(owner).await, invited).await.is_ok());
}

#[tokio::test]
async fn the_first_owner_gets_a_link_and_there_is_no_second_first_owner() {
    let world = World::new().await;
    let people = &world.services.people;
    let address = people.init_owner(&world.operator(), &input("root", "Root", "Owner")).await.unwrap();
    let again = people.init_owner(&world.operator(), &input("root", "Root", "Owner")).await.unwrap();
    assert_ne!(address.expose(), again.expose());
    let token = Secret::new(again.expose().rsplit('/').next().unwrap());
    let new = Secret::new(super::test_people::PASSWORD);
    let progress = world.services.sign_in.use_link(&world.anonymous(), &token, &new, &new).await.unwrap();
    assert_eq!(progress.step, super::sign_in::Step::Enrol, "password and factor");
    let error = people.init_owner(&world.operator(), &input("eve", "Eve", "Owner")).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict);
    let error = people.init_owner(&world.anonymous(), &input("eve", "Eve", "Owner")).await.unwrap_err();
    assert_ne!(error.kind(), Refusal::Conflict, "only the operator even asks (OPS-15)");
}

#[tokio::test]
async fn the_operator_sets_a_password_by_the_policy() {
    let world = World::new().await;
    let people = &world.services.people;
    let alice = people.create(&world.operator(), &input("alice", "Alice", "Liddell"), &[]).await.unwrap();
    let error = people.set_password(&world.operator(), alice, &Secret::new("short")).await.unwrap_err();
    assert_eq!(error.field(), Some("password"));
    people.set_password(&world.operator(), alice, &Secret::new(super::test_people::PASSWORD)).await.unwrap();
    world.sign_in("alice").await;
    let owner = world.admin("owner", Role::Owner).await;
    let error = people.set_password(&world.by(owner).await, alice, &Secret::new("x")).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Forbidden);
}
