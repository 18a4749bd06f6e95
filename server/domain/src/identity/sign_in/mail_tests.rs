//! What sign-in tells people: reset links, new browsers, break-glass use. Through the services on a real database.

use model::{Refusal, Role, Timestamp};
use sea_orm::EntityTrait as _;

use crate::call::{Actor, Call};
use crate::identity::test_people::PASSWORD;
use crate::secret::Secret;
use crate::store::entity::{link, user};
use crate::testing::World;

/// Mails that wait, once the job has found out whom a forgotten password belongs to.
async fn waiting(world: &World) -> Vec<String> {
    let job = Call::local(Actor::System("outbox"), "test", world.clock.now());
    world.services.jobs.run_due(&job).await.unwrap();
    world.mails().await
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_mail_and_nobody_learns_who_exists() {
    let world = World::with_mail().await;
    world.person("alice").await;
    let disabled = world.person("gone").await;
    world.set(disabled, user::Column::Status, "disabled").await;
    let sign_in = &world.services.sign_in;
    for name in ["nobody", "gone", "gone@example.com", "", "a\0b"] {
        sign_in.forgot(&world.anonymous(), name).await.unwrap();
    }
    assert!(waiting(&world).await.is_empty(), "PW-04");
    sign_in.forgot(&world.anonymous(), "ALICE@example.com").await.unwrap();
    let sent = waiting(&world).await;
    let mail = sent.first().unwrap();
    assert!(mail.contains("alice@example.com"), "{mail}");
    let token = mail.split("/start/link/").nth(1).unwrap().split(['\\', '"']).next().unwrap();
    assert!(
        !mail.contains(&link::Entity::find().one(world.services.core.store.read()).await.unwrap().unwrap().token_hash)
    );
    let new = Secret::new("brisk-lantern-orchard-4");
    sign_in.use_link(&world.anonymous(), &Secret::new(token), &new, &new).await.unwrap();
    assert!(waiting(&world).await.iter().any(|mail| mail.contains("The password was changed")), "PW-24");
}

#[tokio::test]
async fn asking_for_links_floods_nobody() {
    let world = World::with_mail().await;
    world.person("alice").await;
    for number in 0..30 {
        let call = world.from(&format!("198.51.100.{number}"));
        world.services.sign_in.forgot(&call, "alice").await.unwrap();
    }
    let sent = waiting(&world).await.len();
    assert!(sent <= 3, "{sent} mails");
    let call = world.from("203.0.113.1");
    let mut throttled = false;
    for number in 0..30 {
        let outcome = world.services.sign_in.forgot(&call, &format!("nobody{number}")).await;
        throttled |=
            outcome.is_err_and(|error| error.kind() == Refusal::Throttled && error.retry_after_seconds().is_some());
    }
    assert!(throttled);
}

#[tokio::test]
async fn people_hear_of_new_browsers_and_owners_of_break_glass() {
    let world = World::with_mail().await;
    let first = {
        world.person("alice").await;
        world.sign_in("alice").await
    };
    assert!(waiting(&world).await.is_empty(), "the first browser is no news");
    let mut call = world.anonymous();
    call.device = first.session.device;
    world.try_password(&call, "alice", PASSWORD).await.unwrap();
    assert!(waiting(&world).await.is_empty(), "a known browser is no news");
    world.sign_in("alice").await;
    assert_eq!(waiting(&world).await.iter().filter(|mail| mail.contains("New sign-in")).count(), 1);
    let owner = world.person("owner").await;
    world.give_role(owner, Role::Owner, false).await;
    let keeper = world.enrolled("vault-keeper").await;
    world.give_role(keeper.id, Role::Owner, true).await;
    world.sign_in_strongly("vault-keeper", &keeper.secret).await;
    let alarms: Vec<String> =
        waiting(&world).await.into_iter().filter(|mail| mail.contains("emergency account vault-keeper")).collect();
    assert_eq!(alarms.len(), 2, "every owner");
    assert!(alarms.iter().any(|mail| mail.contains("owner@example.com")));
    assert_eq!(world.audited("BreakGlassSignIn").await.len(), 1);
}

#[tokio::test]
async fn people_hear_of_their_factors() {
    let world = World::with_mail().await;
    let alice = world.enrolled("alice").await;
    let progress = world.sign_in_strongly("alice", &alice.secret).await;
    let call = world.with_token(&progress.session.token).await;
    let factor = world.services.me.security(&call).await.unwrap().factors.first().unwrap().id;
    world.services.me.new_recovery_codes(&call).await.unwrap();
    world.services.me.remove_factor(&call, factor).await.unwrap();
    world.clock.advance(Timestamp::SECOND);
    let sent = waiting(&world).await.join("\n");
    for word in ["was added", "New recovery codes", "was removed", "192.0.2.1"] {
        assert!(sent.contains(word), "{word} (MFA-11)");
    }
}
