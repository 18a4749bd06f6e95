//! One's own password, profile and sessions; links; the life of sessions. Through the services on a real database.

use model::{Refusal, Role, Timestamp};
use sea_orm::EntityTrait as _;

use crate::call::Call;
use crate::identity::links;
use crate::identity::sign_in::{LinkPurpose, Step};
use crate::identity::test_people::PASSWORD;
use crate::page::PageRequest;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::store::entity::{administrator, link, password, session, user};
use crate::testing::World;

const NEW: &str = "brisk-lantern-orchard-4";

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_by_age() {
    let world = World::new().await;
    world.person("alice").await;
    let token = world.sign_in("alice").await.session.token;
    world.clock.advance(Timestamp::HOUR - 1000);
    assert!(world.lives(&token).await, "a second before the idle limit (SESS-05)");
    world.clock.advance(Timestamp::HOUR + 1000);
    assert!(!world.lives(&token).await, "a second after it (SESS-05)");
    let token = world.sign_in("alice").await.session.token;
    for _ in 0..(8 * 2 - 1) {
        world.clock.advance(30 * Timestamp::MINUTE);
        assert!(world.lives(&token).await, "activity keeps it");
    }
    world.clock.advance(30 * Timestamp::MINUTE - 1000);
    assert!(world.lives(&token).await, "a second before the absolute limit (SESS-05)");
    world.clock.advance(2000);
    assert!(!world.lives(&token).await, "a second after it, in spite of activity (SESS-05)");
    let token = world.sign_in("alice").await.session.token;
    world.clock.advance(40 * Timestamp::MINUTE);
    assert!(world.lives(&token).await);
    let mut shorter = Settings::default();
    shorter.session.portal_minutes = 30;
    world.services.core.settings.send_replace(shorter.into());
    assert!(!world.lives(&token).await, "a shorter life counts at once");
}

#[tokio::test]
async fn no_other_value_opens_a_session() {
    let world = World::new().await;
    world.person("alice").await;
    let first = world.sign_in("alice").await.session.token;
    // Signing in again in the same browser gives a new token and ends the old session.
    let call = world.with_token(&first).await;
    let second = world.try_password(&call, "alice", PASSWORD).await.unwrap().session.token;
    assert!(!world.lives(&first).await && world.lives(&second).await, "PW-16, SESS-02");
    let row = session::Entity::find().all(world.services.core.store.read()).await.unwrap();
    for row in row {
        for stored in [row.token_hash, row.id, row.user_id] {
            assert!(!world.lives(&secret(&stored)).await, "SESS-12");
            assert!(!world.lives(&secret(stored.get(..22).unwrap())).await, "SESS-12");
        }
    }
    let call = world.with_token(&second).await;
    world.services.sign_in.out(&call).await.unwrap();
    assert!(!world.lives(&second).await, "SESS-07");
    assert!(
        world.services.me.change_password(&call, &secret(PASSWORD), &secret(NEW), &secret(NEW)).await.is_err(),
        "no ghost (SESS-23)"
    );
    assert!(!world.lives(&second).await);
}

#[tokio::test]
async fn rights_and_sessions_end_at_once_on_every_node() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    world.give_role(alice, Role::Admin, false).await;
    let second = world.second_node().await.unwrap();
    world.set(alice, user::Column::EnrolBy, i64::MAX).await;
    let token = world.sign_in("alice").await.session.token;
    let now = world.clock.now();
    assert_eq!(second.sessions.resolve(&token, now).await.unwrap().unwrap().person.roles, [Role::Admin]);
    administrator::Entity::delete_many().exec(world.services.core.store.write()).await.unwrap();
    assert!(second.sessions.resolve(&token, now).await.unwrap().unwrap().person.roles.is_empty(), "SESS-09");
    world.set(alice, user::Column::Status, "disabled").await;
    assert!(second.sessions.resolve(&token, now).await.unwrap().is_none(), "SESS-09");
}

#[tokio::test]
async fn changing_the_password_ends_everything_that_the_old_one_began() {
    let world = World::new().await;
    world.person("alice").await;
    let here = world.sign_in("alice").await;
    let elsewhere = world.sign_in("alice").await.session.token;
    let call = world.with_token(&here.session.token).await;
    let change = |current: &str, new: &str, again: &str| {
        let (current, new, again) = (secret(current), secret(new), secret(again));
        let (me, call) = (world.services.me.clone(), call.clone());
        async move { me.change_password(&call, &current, &new, &again).await }
    };
    assert_eq!(change("wrong", NEW, NEW).await.unwrap_err().field(), Some("current"), "PW-24");
    assert_eq!(change(PASSWORD, NEW, "other").await.unwrap_err().field(), Some("again"));
    assert_eq!(change(PASSWORD, "fourteen chars", "fourteen chars").await.unwrap_err().field(), Some("new"), "PW-28");
    assert_eq!(change(PASSWORD, PASSWORD, PASSWORD).await.unwrap_err().field(), Some("new"), "not the same again");
    let grant = change(PASSWORD, NEW, NEW).await.unwrap();
    assert!(!world.lives(&elsewhere).await && !world.lives(&here.session.token).await, "PW-24, SESS-09");
    assert!(world.lives(&grant.token).await);
    assert!(world.try_password(&world.anonymous(), "alice", PASSWORD).await.is_err());
    let call = world.with_token(&grant.token).await;
    let back = world.services.me.change_password(&call, &secret(NEW), &secret(PASSWORD), &secret(PASSWORD)).await;
    assert_eq!(back.unwrap_err().field(), Some("new"), "an earlier one does not come back");
    // The old browser cookie is worth nothing after the change.
    let mut old = world.anonymous();
    old.device = here.session.device;
    assert!(
        crate::identity::devices::known(world.services.core.store.read(), &old, &call_user(&call))
            .await
            .unwrap()
            .is_none(),
        "MFA-23"
    );
}

fn call_user(call: &Call) -> String {
    match &call.actor {
        crate::Actor::Person(person) => person.user.to_string(),
        _ => String::new(),
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_and_by_nobody_else() {
    let world = World::new().await;
    world.person("alice").await;
    world.person("mallory").await;
    let (one, two) = (world.sign_in("alice").await.session.token, world.sign_in("alice").await.session.token);
    let foreign = world.sign_in("mallory").await.session.token;
    let call = world.with_token(&one).await;
    let listed = world.services.me.security(&call).await.unwrap().sessions;
    assert_eq!(listed.len(), 2);
    let other = listed.iter().find(|view| !view.current).unwrap().id;
    let mallory = world.with_token(&foreign).await;
    assert_eq!(world.services.me.end_session(&mallory, other).await.unwrap_err().kind(), Refusal::NotFound, "SESS-19");
    assert_eq!(world.services.sessions.end(&mallory, other).await.unwrap_err().kind(), Refusal::Forbidden, "SESS-19");
    assert!(world.services.sessions.list(&mallory, None, &PageRequest::default()).await.is_err(), "SESS-19");
    world.services.me.end_session(&call, other).await.unwrap();
    assert!(!world.lives(&two).await && world.lives(&one).await);
    let three = world.sign_in("alice").await.session.token;
    let second = world.second_node().await.unwrap();
    assert_eq!(world.services.me.end_other_sessions(&call).await.unwrap(), 1);
    assert!(second.sessions.resolve(&three, world.clock.now()).await.unwrap().is_none(), "SESS-08");
    assert!(world.lives(&one).await && world.lives(&foreign).await);
}

#[tokio::test]
async fn administrators_page_through_sessions_and_end_them() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(world.sign_in("alice").await.session.token);
        world.clock.advance(1000);
    }
    let operator = world.operator();
    let size = |cursor: Option<String>| PageRequest { cursor, size: Some(2) };
    let first = world.services.sessions.list(&operator, None, &size(None)).await.unwrap();
    let second = world.services.sessions.list(&operator, None, &size(first.next.clone())).await.unwrap();
    let third = world.services.sessions.list(&operator, Some(alice), &size(second.next.clone())).await.unwrap();
    assert_eq!([first.rows.len(), second.rows.len(), third.rows.len()], [2, 2, 1]);
    assert!(first.previous.is_none() && third.next.is_none());
    let back = world.services.sessions.list(&operator, None, &size(third.previous.clone())).await.unwrap();
    let ids = |page: &crate::Page<super::sessions::SessionView>| page.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&back), ids(&second));
    let start = world.services.sessions.list(&operator, None, &size(back.previous.clone())).await.unwrap();
    assert_eq!(ids(&start), ids(&first));
    assert!(world.services.sessions.list(&operator, None, &size(Some("x'; --".into()))).await.is_err(), "DB-01");
    world.services.sessions.end(&operator, first.rows.first().unwrap().id).await.unwrap();
    assert!(!world.lives(tokens.last().unwrap()).await);
    assert_eq!(world.services.sessions.end_all_of(&operator, alice).await.unwrap(), 4);
    assert!(!world.lives(tokens.first().unwrap()).await);
}

async fn issue(world: &World, user: model::UserId, purpose: LinkPurpose, lives: i64) -> Secret {
    let core = &world.services.core;
    let change = core.store.begin().await.unwrap();
    let token = links::issue(change.txn(), core, world.clock.now(), user, purpose, lives).await.unwrap();
    change.commit().await.unwrap();
    token
}

#[tokio::test]
async fn a_reset_link_works_once_for_half_an_hour_and_the_newest_only() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let call = world.anonymous();
    let links = &world.services.sign_in;
    let old = issue(&world, alice, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    let token = issue(&world, alice, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    assert!(links.look_at_link(&call, &old).await.is_err(), "a newer one was made (PW-25)");
    assert!(token.expose().len() >= 22, "at least 128 bits (PW-25)");
    let rows = link::Entity::find().all(world.services.core.store.read()).await.unwrap();
    assert!(rows.iter().all(|row| row.token_hash != token.expose()), "stored hashed (PW-25)");
    for row in &rows {
        assert!(links.look_at_link(&call, &secret(&row.token_hash)).await.is_err(), "SESS-12");
    }
    let session = world.sign_in("alice").await.session.token;
    assert_eq!(links.look_at_link(&call, &token).await.unwrap().user_name, "alice");
    assert!(links.use_link(&call, &token, &secret("short"), &secret("short")).await.is_err());
    let (one, other) = (secret(NEW), secret("velvet-harbour-quartz-7"));
    let (a, b) = tokio::join!(links.use_link(&call, &token, &one, &one), links.use_link(&call, &token, &other, &other));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1, "PW-25, DB-03");
    assert!(!world.lives(&session).await, "PW-25");
    let progress = a.or(b).unwrap();
    assert!(matches!(progress.step, Step::Done(_)));
    assert!(links.use_link(&call, &token, &one, &one).await.is_err(), "PW-25");
    let sent = issue(&world, alice, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    let operator = world.operator();
    let before = world.services.people.get(&operator, alice).await.unwrap();
    let input = crate::identity::people::PersonInput {
        user_name: "alice".into(),
        email: "alice@elsewhere.example".into(),
        given_name: before.given_name,
        family_name: before.family_name,
        display_name: before.row.display_name,
    };
    world.services.people.update(&operator, alice, before.version, &input).await.unwrap();
    assert!(world.services.sign_in.look_at_link(&call, &sent).await.is_err(), "the address changed (PW-25)");
    let late = issue(&world, alice, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    world.clock.advance(30 * Timestamp::MINUTE);
    let call = world.anonymous();
    assert!(links.use_link(&call, &late, &one, &one).await.is_err(), "PW-25");
}

#[tokio::test]
async fn a_reset_link_is_no_second_factor_and_no_way_round_it() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    let token = issue(&world, alice.id, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    let progress =
        world.services.sign_in.use_link(&world.anonymous(), &token, &secret(NEW), &secret(NEW)).await.unwrap();
    assert_eq!(progress.step, Step::SecondFactor);
}

#[tokio::test]
async fn an_invitation_makes_an_active_person() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    world.set(alice, user::Column::Status, "invited").await;
    password::Entity::delete_by_id(alice.to_string()).exec(world.services.core.store.write()).await.unwrap();
    let token = issue(&world, alice, LinkPurpose::Invitation, links::INVITATION_LIVES).await;
    let progress =
        world.services.sign_in.use_link(&world.anonymous(), &token, &secret(NEW), &secret(NEW)).await.unwrap();
    assert!(matches!(progress.step, Step::Done(_)));
    assert!(world.lives(&progress.session.token).await);
    world.set(alice, user::Column::Status, "disabled").await;
    let token = issue(&world, alice, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    assert!(
        world
            .services
            .sign_in
            .use_link(&world.anonymous(), &token, &secret(PASSWORD), &secret(PASSWORD))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_password_that_must_change_is_changed_on_the_way_in() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    world.set(alice, user::Column::MustChangePassword, true).await;
    let progress = world.sign_in("alice").await;
    assert_eq!(progress.step, Step::NewPassword);
    let call = world.with_token(&progress.session.token).await;
    assert!(world.services.me.profile(&call).await.is_err());
    assert!(
        world.services.sign_in.new_password(&call, &secret(PASSWORD), &secret(PASSWORD)).await.is_err(),
        "another one"
    );
    let done = world.services.sign_in.new_password(&call, &secret(NEW), &secret(NEW)).await.unwrap();
    assert!(matches!(done.step, Step::Done(_)));
    assert!(!world.lives(&progress.session.token).await && world.lives(&done.session.token).await, "SESS-02");
}

#[tokio::test]
async fn notices_travel_sealed_and_preferences_with_every_page() {
    let world = World::new().await;
    world.person("alice").await;
    let token = world.sign_in("alice").await.session.token;
    let call = world.with_token(&token).await;
    let notice =
        super::sessions::Notice { tone: "good".into(), message: "saved".into(), values: vec!["canary-value".into()] };
    world.services.sessions.leave_notice(&call, notice.clone()).await.unwrap();
    let rows = session::Entity::find().all(world.services.core.store.read()).await.unwrap();
    assert!(rows.iter().all(|row| !row.notice.as_deref().unwrap_or_default().contains("canary")), "CRY-01");
    world.services.me.set_preferences(&call, "dark", "Europe/Berlin").await.unwrap();
    assert!(world.services.me.set_preferences(&call, "pink", "").await.is_err());
    assert!(world.services.me.set_preferences(&call, "", "Mars/Base").await.is_err());
    let resolved = world.services.sessions.resolve(&token, world.clock.now()).await.unwrap().unwrap();
    assert_eq!(resolved.notice, Some(notice));
    assert_eq!(resolved.preferences.theme.as_deref(), Some("dark"));
    world.services.sessions.clear_notice(&call).await.unwrap();
    assert!(world.services.sessions.resolve(&token, world.clock.now()).await.unwrap().unwrap().notice.is_none());
    world.services.me.update_profile(&call, "Alice L.", "Alice", "Liddell").await.unwrap();
    assert!(world.services.me.update_profile(&call, "a\nb", "Alice", "Liddell").await.is_err());
    let profile = world.services.me.profile(&call).await.unwrap();
    assert_eq!((profile.display_name.as_str(), profile.family_name.as_str()), ("Alice L.", "Liddell"));
}

#[tokio::test]
async fn what_is_over_is_removed_and_what_counts_is_kept() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    world.sign_in("alice").await;
    issue(&world, alice, LinkPurpose::PasswordReset, links::RESET_LIVES).await;
    assert!(world.try_password(&world.from("198.51.100.1"), "alice", "wrong").await.is_err());
    let jobs = crate::jobs::Jobs(world.services.core.clone());
    let job = |world: &World| Call::local(crate::Actor::System("clean-up"), "test", world.clock.now());
    assert_eq!(jobs.sweep(&job(&world)).await.unwrap().sign_in, 0, "nothing is over yet");
    assert!(jobs.sweep(&world.operator()).await.is_err(), "only a job cleans up");
    world.clock.advance(31 * Timestamp::DAY);
    // The session, the link, the browser, the budgets of the wrong password's source and pair; not the count of the name. Where
    // nodes share the database, the right password has left the empty budget of its source as well.
    let of_the_right_one = u64::from(world.services.core.store.is_postgres());
    assert_eq!(jobs.sweep(&job(&world)).await.unwrap().sign_in, 5 + of_the_right_one);
    let left = crate::store::entity::throttle::Entity::find().all(world.services.core.store.read()).await.unwrap();
    assert!(left.iter().all(|row| row.key.starts_with("name:")) && left.len() == 1, "{left:?}");
}

#[tokio::test]
async fn the_first_owner_comes_in_by_one_link_and_needs_a_factor() {
    let world = World::new().await;
    let input = crate::identity::people::PersonInput {
        user_name: "root".into(),
        email: "root@example.com".into(),
        given_name: "First".into(),
        family_name: "Owner".into(),
        display_name: String::new(),
    };
    let address = world.services.people.init_owner(&world.operator(), &input).await.unwrap();
    let token = secret(address.expose().rsplit('/').next().unwrap());
    let sign_in = &world.services.sign_in;
    let view = sign_in.look_at_link(&world.anonymous(), &token).await.unwrap();
    assert_eq!((view.purpose, view.user_name.as_str()), (LinkPurpose::FirstOwner, "root"));
    let (new, call) = (secret(NEW), world.anonymous());
    let (a, b) = tokio::join!(sign_in.use_link(&call, &token, &new, &new), sign_in.use_link(&call, &token, &new, &new));
    assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1, "PW-32");
    let progress = a.or(b).unwrap();
    assert_eq!(progress.step, Step::Enrol);
    let call = world.with_token(&progress.session.token).await;
    let offer = sign_in.enrol_totp_begin(&call).await.unwrap();
    let code = crate::identity::test_people::code_at(&offer.secret, world.clock.now());
    let (done, codes) = sign_in.enrol_totp_finish(&call, &offer.ceremony, &code, "Phone").await.unwrap();
    assert_eq!(codes.0.len(), 10);
    let call = world.with_token(&done.session.token).await;
    assert!(matches!(&call.actor, crate::Actor::Person(person) if person.strong && person.roles == [Role::Owner]));
    world.services.settings.get(&call).await.unwrap();
    assert!(world.services.people.init_owner(&world.operator(), &input).await.is_err(), "PW-31");
}
