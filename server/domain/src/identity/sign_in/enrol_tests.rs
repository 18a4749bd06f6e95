//! Setting up the first factor: by a link, within the time for it, and what it does to the session. On a real database.

use model::{Refusal, Role, Timestamp, UserId};
use sea_orm::EntityTrait as _;

use super::{LinkPurpose, Step};
use crate::call::Call;
use crate::identity::administrators::Grant;
use crate::identity::factors::{TotpOffer, kept};
use crate::identity::links;
use crate::identity::test_people::{PASSWORD, code_at};
use crate::secret::Secret;
use crate::store::entity::{link, user};
use crate::testing::World;

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

async fn issue(world: &World, user: UserId, lives: i64) -> Secret {
    let core = &world.services.core;
    links::issue(core.store.write(), core, world.clock.now(), user, LinkPurpose::Enrolment, lives).await.unwrap()
}

/// The first step by an enrolment link: the call of the session that it opens.
async fn by_link(world: &World, token: &Secret) -> Call {
    let none = secret("");
    let progress = world.services.sign_in.use_link(&world.anonymous(), token, &secret(PASSWORD), &none).await.unwrap();
    assert_eq!(progress.step, Step::Enrol);
    world.with_token(&progress.session.token).await
}

/// Somebody who needs a factor, has let the time for it pass and got a link.
async fn late_with_link(world: &World) -> (UserId, Secret) {
    let alice = world.person("alice").await;
    world.give_role(alice, Role::Owner, false).await;
    world.clock.advance(8 * Timestamp::DAY);
    (alice, issue(world, alice, links::ENROLMENT_LIVES).await)
}

#[tokio::test]
async fn an_enrolment_link_opens_enrolment_to_whoever_knows_the_password() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    world.give_role(alice, Role::Owner, false).await;
    world.clock.advance(8 * Timestamp::DAY);
    assert_eq!(
        world.try_password(&world.anonymous(), "alice", PASSWORD).await.unwrap_err().kind(),
        Refusal::Forbidden,
        "MFA-10"
    );
    let token = issue(&world, alice, links::ENROLMENT_LIVES).await;
    let none = secret("");
    assert!(world.services.sign_in.use_link(&world.anonymous(), &token, &secret("wrong"), &none).await.is_err());
    let progress = world.services.sign_in.use_link(&world.anonymous(), &token, &secret(PASSWORD), &none).await.unwrap();
    assert_eq!(progress.step, Step::Enrol);
}

#[tokio::test]
async fn an_enrolment_link_works_until_the_factor_is_set_up() {
    let world = World::new().await;
    let (alice, token) = late_with_link(&world).await;
    let sign_in = &world.services.sign_in;
    let left = by_link(&world, &token).await;
    sign_in.enrol_totp_begin(&left).await.unwrap();
    world.clock.advance(16 * Timestamp::MINUTE);
    // Gone with the browser closed: the same link opens it again.
    let call = by_link(&world, &token).await;
    let offer = sign_in.enrol_totp_begin(&call).await.unwrap();
    let code = code_at(&offer.secret, world.clock.now());
    sign_in.enrol_totp_finish(&call, &offer.ceremony, &code, "Phone").await.unwrap();
    assert!(sign_in.look_at_link(&world.anonymous(), &token).await.is_err(), "spent");
    let none = secret("");
    assert!(sign_in.use_link(&world.anonymous(), &token, &secret(PASSWORD), &none).await.is_err(), "PW-25");
    let row = link::Entity::find_by_id(token.digest()).one(world.services.core.store.read()).await.unwrap().unwrap();
    assert_eq!((row.used_at, row.user_id), (Some(world.clock.now().0), alice.to_string()));
}

#[tokio::test]
async fn of_two_browsers_with_one_enrolment_link_one_sets_up_the_factor() {
    let world = World::new().await;
    let (alice, token) = late_with_link(&world).await;
    let sign_in = &world.services.sign_in;
    let (here, there) = (by_link(&world, &token).await, by_link(&world, &token).await);
    let (a, b) = (sign_in.enrol_totp_begin(&here).await.unwrap(), sign_in.enrol_totp_begin(&there).await.unwrap());
    let now = world.clock.now();
    let code = |offer: &TotpOffer| code_at(&offer.secret, now);
    let (code_a, code_b) = (code(&a), code(&b));
    let (first, second) = tokio::join!(
        sign_in.enrol_totp_finish(&here, &a.ceremony, &code_a, "Here"),
        sign_in.enrol_totp_finish(&there, &b.ceremony, &code_b, "There"),
    );
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|ok| **ok).count(), 1, "DB-03, MFA-10");
    let loser = if first.is_ok() { &there } else { &here };
    assert!(sign_in.enrol_totp_begin(loser).await.is_err(), "the other way to a first factor is closed");
    let factors = kept::of(world.services.core.store.read(), &alice.to_string()).await.unwrap();
    assert_eq!(factors.len(), 1);
}

#[tokio::test]
async fn an_enrolment_link_that_ends_or_is_replaced_meanwhile_sets_up_nothing() {
    let world = World::new().await;
    let (alice, token) = late_with_link(&world).await;
    let sign_in = &world.services.sign_in;
    let finish = async |call: Call| {
        let offer = sign_in.enrol_totp_begin(&call).await.unwrap();
        let code = code_at(&offer.secret, call.now);
        sign_in.enrol_totp_finish(&call, &offer.ceremony, &code, "Phone").await.map(drop)
    };
    let call = by_link(&world, &token).await;
    let newer = issue(&world, alice, links::ENROLMENT_LIVES).await;
    assert_eq!(finish(call).await.unwrap_err().outside(), links::dead().outside(), "a newer one was made");
    world.clock.advance(links::ENROLMENT_LIVES - Timestamp::MINUTE);
    let begun = by_link(&world, &newer).await;
    world.clock.advance(Timestamp::MINUTE);
    let late = Call { now: world.clock.now(), ..begun };
    assert_eq!(finish(late).await.unwrap_err().outside(), links::dead().outside(), "its time is over");
}

#[tokio::test]
async fn the_factor_just_set_up_makes_the_session_strong() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let before = world.sign_in("alice").await.session.token;
    let call = world.with_token(&before).await;
    world.services.administrators.grant_user(&world.operator(), alice, &Grant::of(Role::Owner)).await.unwrap();
    assert!(world.services.settings.get(&world.with_token(&before).await).await.is_err(), "the role sleeps");
    let offer = world.services.me.add_totp_begin(&call).await.unwrap();
    let wrong = secret("000000");
    assert!(world.services.me.add_totp_finish(&call, &offer.ceremony, &wrong, "").await.is_err());
    assert!(world.services.settings.get(&world.with_token(&before).await).await.is_err(), "nothing was proven");
    let code = code_at(&offer.secret, world.clock.now());
    let (grant, codes) = world.services.me.add_totp_finish(&call, &offer.ceremony, &code, "Phone").await.unwrap();
    assert_eq!(codes.0.len(), 10);
    assert!(!world.lives(&before).await, "SESS-02");
    let strong = world.with_token(&grant.token).await;
    world.services.settings.get(&strong).await.expect("the role is awake");
}

#[tokio::test]
async fn a_first_factor_is_not_added_after_its_time_by_another_page() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let token = world.sign_in("alice").await.session.token;
    world.give_role(alice, Role::Owner, false).await;
    world.set(alice, user::Column::EnrolBy, world.clock.now().0 - 1).await;
    let call = world.with_token(&token).await;
    let offer = world.services.me.add_totp_begin(&call).await.unwrap();
    let code = code_at(&offer.secret, world.clock.now());
    let error = world.services.me.add_totp_finish(&call, &offer.ceremony, &code, "Phone").await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Forbidden, "MFA-10");
    assert!(world.lives(&token).await);
}
