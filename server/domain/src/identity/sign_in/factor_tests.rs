//! Codes of apps and recovery codes as second step, through the services on a real database.

use model::{Refusal, Role, Timestamp};
use sea_orm::EntityTrait as _;

use super::Step;
use crate::call::{Actor, Stage};
use crate::identity::test_people::{PASSWORD, code_at};
use crate::secret::Secret;
use crate::settings::{MfaPolicy, Settings};
use crate::store::entity::{recovery_code, session, user};
use crate::testing::World;

fn policy(world: &World, policy: MfaPolicy) {
    let mut settings = Settings::default();
    settings.mfa.policy = policy;
    world.services.core.settings.send_replace(settings.into());
}

#[tokio::test]
async fn each_step_gives_a_new_token_and_only_the_last_opens_the_portal() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    let first = world.sign_in("alice").await;
    assert_eq!(first.step, Step::SecondFactor);
    let half = world.with_token(&first.session.token).await;
    assert!(matches!(&half.actor, Actor::Person(person) if person.stage == Stage::SecondFactor && !person.strong));
    assert!(world.services.me.profile(&half).await.is_err(), "MFA-07");
    assert!(world.services.me.security(&half).await.is_err(), "MFA-07");
    let code = code_at(&alice.secret, world.clock.now());
    let second = world.services.sign_in.code(&half, &code).await.unwrap();
    assert!(matches!(second.step, Step::Done(_)));
    assert_ne!(first.session.token.expose(), second.session.token.expose(), "SESS-02");
    assert!(!world.lives(&first.session.token).await, "the old token is dead (SESS-02)");
    let full = world.with_token(&second.session.token).await;
    assert!(matches!(&full.actor, Actor::Person(person) if person.strong && person.stage == Stage::Full));
    world.services.me.profile(&full).await.unwrap();
    assert!(world.services.sign_in.code(&half, &code).await.is_err(), "a step is taken once");
}

#[tokio::test]
async fn a_code_works_once_one_after_the_other_and_all_at_once() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    let code = code_at(&alice.secret, world.clock.now());
    let second_node = world.second_node().await.unwrap();
    let mut calls = Vec::new();
    for _ in 0..8 {
        calls.push(world.half_way("alice").await);
    }
    let attempts = calls.into_iter().enumerate().map(|(index, call)| {
        let services = if index % 2 == 0 { world.services.clone() } else { second_node.clone() };
        let code = code.clone();
        tokio::spawn(async move { services.sign_in.code(&call, &code).await.is_ok() })
    });
    let mut successes = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        successes += usize::from(attempt.await.unwrap());
    }
    assert_eq!(successes, 1, "MFA-01");
    let again = world.half_way("alice").await;
    assert!(world.services.sign_in.code(&again, &code).await.is_err(), "MFA-01");
    world.clock.advance(30_000);
    let next = code_at(&alice.secret, world.clock.now());
    world.services.sign_in.code(&again, &next).await.unwrap();
}

#[tokio::test]
async fn guesses_are_few_whatever_the_session_the_node_or_the_kind_of_code() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    let wrong = Secret::new("000000");
    let second_node = world.second_node().await.unwrap();
    // Five in one sign-in: then it is over.
    let call = world.half_way("alice").await;
    for _ in 0..5 {
        assert_eq!(world.services.sign_in.code(&call, &wrong).await.unwrap_err().kind(), Refusal::Invalid);
    }
    assert_eq!(world.services.sign_in.code(&call, &wrong).await.unwrap_err().kind(), Refusal::SignInNeeded, "MFA-04");
    // Starting again does not help, nor another node, nor recovery codes.
    let call = world.half_way("alice").await;
    for _ in 0..2 {
        assert_eq!(second_node.sign_in.code(&call, &wrong).await.unwrap_err().kind(), Refusal::Invalid);
    }
    for guess in ["aaaa-aaaa-aaaa-aaaa", "bbbb-bbbb-bbbb-bbbb", "nonsense"] {
        assert!(world.services.sign_in.code(&call, &Secret::new(guess)).await.is_err());
    }
    let call = world.half_way("alice").await;
    let right = code_at(&alice.secret, world.clock.now());
    let error = world.services.sign_in.code(&call, &right).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Throttled, "ten in fifteen minutes (MFA-04, MFA-05)");
    assert_eq!(error.retry_after_seconds(), Some(900));
    let error = world.services.sign_in.code(&call, alice.codes.first().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Throttled, "one budget for all kinds (MFA-05)");
    // After the wait there is one guess, and a right one clears the budget.
    world.clock.advance(15 * Timestamp::MINUTE);
    let call = world.half_way("alice").await;
    let right = code_at(&alice.secret, world.clock.now());
    world.services.sign_in.code(&call, &right).await.unwrap();
    world.clock.advance(60_000);
    let call = world.half_way("alice").await;
    assert_eq!(world.services.sign_in.code(&call, &wrong).await.unwrap_err().kind(), Refusal::Invalid);
}

#[tokio::test]
async fn recovery_codes_work_once_in_any_spelling_and_die_with_a_new_set() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    assert_eq!(alice.codes.len(), 10);
    let stored = recovery_code::Entity::find().all(world.services.core.store.read()).await.unwrap();
    for code in &alice.codes {
        assert_eq!(
            code.expose().chars().filter(char::is_ascii_alphanumeric).count() * 5,
            80,
            "at least 64 bits (MFA-14)"
        );
        assert!(stored.iter().all(|row| row.hash != code.expose() && row.hash != code.digest()), "salted (MFA-14)");
    }
    let [first, second, third, ..] = alice.codes.as_slice() else { panic!("ten codes") };
    let spelt = Secret::new(format!(" {} ", first.expose().to_uppercase().replace('-', " ")));
    let call = world.half_way("alice").await;
    let progress = world.services.sign_in.code(&call, &spelt).await.unwrap();
    let call = world.half_way("alice").await;
    assert!(world.services.sign_in.code(&call, first).await.is_err(), "once (MFA-14)");
    // Two sign-ins at once with one code.
    let (a, b) = (world.half_way("alice").await, world.half_way("alice").await);
    let (one, other) = tokio::join!(world.services.sign_in.code(&a, second), world.services.sign_in.code(&b, second));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1, "once, also at once (MFA-14)");
    let full = world.with_token(&progress.session.token).await;
    assert_eq!(world.services.me.security(&full).await.unwrap().recovery_codes_left, 8);
    let fresh = world.services.me.new_recovery_codes(&full).await.unwrap();
    assert_eq!(fresh.0.len(), 10);
    let call = world.half_way("alice").await;
    assert!(world.services.sign_in.code(&call, third).await.is_err(), "the old set is dead (MFA-14)");
    world.services.sign_in.code(&call, fresh.0.first().unwrap()).await.unwrap();
}

#[tokio::test]
async fn where_a_factor_is_required_the_way_in_leads_through_enrolment() {
    let world = World::new().await;
    policy(&world, MfaPolicy::Required);
    let id = world.person("alice").await;
    let progress = world.sign_in("alice").await;
    assert_eq!(progress.step, Step::Enrol);
    let call = world.with_token(&progress.session.token).await;
    assert!(world.services.me.profile(&call).await.is_err(), "MFA-07");
    let offer = world.services.sign_in.enrol_totp_begin(&call).await.unwrap();
    assert!(offer.uri.expose().starts_with("otpauth://totp/Example%20Corp:alice?secret="), "{}", offer.uri.expose());
    let shown_again = world.services.sign_in.enrol_totp_begin(&call).await.unwrap();
    assert_eq!(offer.secret.expose(), shown_again.secret.expose(), "a page shown again keeps the secret");
    assert!(
        world.services.sign_in.enrol_totp_finish(&call, &offer.ceremony, &Secret::new("000000"), "").await.is_err()
    );
    // Somebody else's session cannot take the offer.
    let other = world.person("mallory").await;
    let foreign = world.sign_in("mallory").await;
    let foreign = world.with_token(&foreign.session.token).await;
    let code = code_at(&offer.secret, world.clock.now());
    assert!(world.services.sign_in.enrol_totp_finish(&foreign, &offer.ceremony, &code, "").await.is_err());
    let (done, codes) = world.services.sign_in.enrol_totp_finish(&call, &offer.ceremony, &code, "").await.unwrap();
    assert!(matches!(done.step, Step::Done(_)));
    assert_eq!(codes.0.len(), 10);
    let full = world.with_token(&done.session.token).await;
    assert!(matches!(&full.actor, Actor::Person(person) if person.strong));
    // The code of the enrolment is used up.
    let half = world.half_way("alice").await;
    assert!(world.services.sign_in.code(&half, &code).await.is_err(), "MFA-01");
    // The last factor stays while it is required.
    let factor = world.services.me.security(&full).await.unwrap().factors.first().unwrap().id;
    assert_eq!(world.services.me.remove_factor(&full, factor).await.unwrap_err().kind(), Refusal::Forbidden);
    let _ = (id, other);
}

#[tokio::test]
async fn after_the_time_to_enrol_the_password_alone_leads_nowhere() {
    let world = World::new().await;
    policy(&world, MfaPolicy::Required);
    let id = world.person("alice").await;
    world.clock.advance(7 * Timestamp::DAY + 1);
    let error = world.try_password(&world.anonymous(), "alice", PASSWORD).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Forbidden, "MFA-10");
    assert!(error.outside().contains("administrator"), "{error}");
    assert!(session::Entity::find().all(world.services.core.store.read()).await.unwrap().is_empty());
    assert_eq!(
        world.try_password(&world.anonymous(), "alice", "wrong").await.unwrap_err().kind(),
        Refusal::Invalid,
        "one answer else"
    );
    world.set(id, user::Column::EnrolBy, world.clock.now().plus(1000).0).await;
    assert_eq!(world.sign_in("alice").await.step, Step::Enrol);
}

#[tokio::test]
async fn administrators_need_a_factor_and_context_spares_only_known_places() {
    let world = World::new().await;
    let admin = world.person("root").await;
    world.give_role(admin, Role::Auditor, false).await;
    assert_eq!(world.sign_in("root").await.step, Step::Enrol, "administrators always need one");
    policy(&world, MfaPolicy::ContextAware);
    let alice = world.enrolled("alice").await;
    let strong = world.sign_in_strongly("alice", &alice.secret).await;
    let known = strong.session.device.expect("a new browser gets its cookie");
    world.clock.advance(60_000);
    let mut call = world.anonymous();
    call.device = Some(known.clone());
    let progress = world.services.sign_in.password(&call, "alice", &Secret::new(PASSWORD), None).await.unwrap();
    assert!(matches!(progress.step, Step::Done(_)), "a known browser in a known network");
    let full = world.with_token(&progress.session.token).await;
    assert!(matches!(&full.actor, Actor::Person(person) if !person.strong), "no factor was used");
    assert_eq!(world.services.me.new_recovery_codes(&full).await.unwrap_err().kind(), Refusal::ConfirmNeeded, "MFA-11");
    // Another network, another browser, another person, a long time.
    let mut elsewhere = world.from("203.0.113.9");
    elsewhere.device = Some(known.clone());
    assert_eq!(world.try_password(&elsewhere, "alice", PASSWORD).await.unwrap().step, Step::SecondFactor);
    assert_eq!(world.try_password(&world.anonymous(), "alice", PASSWORD).await.unwrap().step, Step::SecondFactor);
    let _bob = world.enrolled("bob").await;
    call.now = world.clock.now();
    assert_eq!(world.try_password(&call, "bob", PASSWORD).await.unwrap().step, Step::SecondFactor, "MFA-23");
    world.give_role(alice.id, Role::Helpdesk, false).await;
    assert_eq!(
        world.try_password(&call, "alice", PASSWORD).await.unwrap().step,
        Step::SecondFactor,
        "administrators are always asked"
    );
    world.clock.advance(31 * Timestamp::DAY);
    call.now = world.clock.now();
    assert_eq!(world.try_password(&call, "alice", PASSWORD).await.unwrap().step, Step::SecondFactor, "MFA-23");
}

#[tokio::test]
async fn sensitive_things_want_a_fresh_proof() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    let progress = world.sign_in_strongly("alice", &alice.secret).await;
    let call = world.with_token(&progress.session.token).await;
    let factor = world.services.me.security(&call).await.unwrap().factors.first().unwrap().id;
    world.services.me.rename_factor(&call, factor, "Old phone").await.unwrap();
    world.clock.advance(5 * Timestamp::MINUTE + 1);
    let call = world.with_token(&progress.session.token).await;
    for refused in [
        world.services.me.rename_factor(&call, factor, "x").await.unwrap_err(),
        world.services.me.remove_factor(&call, factor).await.unwrap_err(),
        world.services.me.new_recovery_codes(&call).await.unwrap_err(),
        world.services.me.add_totp_begin(&call).await.unwrap_err(),
        world.services.me.add_passkey_begin(&call).await.unwrap_err(),
    ] {
        assert_eq!(refused.kind(), Refusal::ConfirmNeeded, "MFA-11");
    }
    assert!(world.services.me.confirm(&call, &Secret::new(PASSWORD)).await.is_err(), "the password is no factor");
    let grant = world.services.me.confirm(&call, &code_at(&alice.secret, world.clock.now())).await.unwrap();
    assert!(!world.lives(&progress.session.token).await, "SESS-02");
    let call = world.with_token(&grant.token).await;
    world.services.me.remove_factor(&call, factor).await.unwrap();
    assert!(
        recovery_code::Entity::find().all(world.services.core.store.read()).await.unwrap().is_empty(),
        "the codes go with the last factor"
    );
    assert!(matches!(world.sign_in("alice").await.step, Step::Done(_)));
}
