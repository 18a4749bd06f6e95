//! Budgets of passwords, through the services on a real database.

use model::{Refusal, Timestamp};

use crate::call::Call;
use crate::error::Error;
use crate::identity::test_people::PASSWORD;
use crate::secret::Secret;
use crate::testing::World;

async fn refused(world: &World, call: &Call, name: &str, password: &str) -> Error {
    world.try_password(call, name, password).await.unwrap_err()
}

fn at(world: &World, call: &Call) -> Call {
    Call { now: world.clock.now(), ..call.clone() }
}

#[tokio::test]
async fn wrong_guesses_wait_longer_and_longer_and_the_right_one_waits_with_them() {
    let world = World::new().await;
    world.person("alice").await;
    let call = world.anonymous();
    let mut evaluated = 0;
    for _ in 0..100 {
        match refused(&world, &call, "alice", "wrong").await.kind() {
            Refusal::Invalid => evaluated += 1,
            Refusal::Throttled => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(evaluated < 10, "{evaluated} (PW-08)");
    let error = refused(&world, &call, "alice", PASSWORD).await;
    assert_eq!(error.kind(), Refusal::Throttled, "no fast path for the right password (PW-08)");
    let wait = error.retry_after_seconds().unwrap();
    assert!((1..=60).contains(&wait));
    world.clock.advance(i64::from(wait) * 1000);
    world.try_password(&at(&world, &call), "alice", PASSWORD).await.unwrap();
    // Success forgets: the next slip does not wait.
    assert_eq!(refused(&world, &at(&world, &call), "alice", "wrong").await.kind(), Refusal::Invalid);
    assert_eq!(refused(&world, &at(&world, &call), "alice", "wrong").await.kind(), Refusal::Invalid);
}

#[tokio::test]
async fn an_attempt_that_came_first_and_is_looked_at_last_does_not_wait() {
    let world = World::new().await;
    world.person("alice").await;
    let early = world.anonymous();
    world.clock.advance(500);
    assert_eq!(refused(&world, &at(&world, &early), "alice", "wrong").await.kind(), Refusal::Invalid);
    world.try_password(&early, "alice", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_hundred_failures_stop_a_name_until_it_is_proven_otherwise() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let mut known = world.anonymous();
    known.device = world.sign_in("alice").await.session.device;
    let (mut evaluated, mut stopped) = (0, 0);
    for number in 0..400_u32 {
        world.clock.advance(Timestamp::HOUR);
        let call = world.from(&format!("203.0.{}.{}", number / 200, number % 200));
        let error = refused(&world, &call, "alice", "wrong").await;
        evaluated += u32::from(error.kind() == Refusal::Invalid);
        stopped += u32::from(error.kind() == Refusal::Throttled);
    }
    assert_eq!((evaluated, stopped), (100, 300), "PW-08");
    let fresh = world.from("198.51.100.1");
    assert_eq!(refused(&world, &fresh, "alice", PASSWORD).await.kind(), Refusal::Throttled);
    // A browser that the person has used before is not stopped; nor is a new password by link.
    known.now = world.clock.now();
    assert!(world.try_password(&known, "alice", "wrong").await.is_err_and(|error| error.kind() == Refusal::Invalid));
    let core = &world.services.core;
    let change = core.store.begin().await.unwrap();
    let purpose = crate::identity::sign_in::LinkPurpose::PasswordReset;
    let token = crate::identity::links::issue(change.txn(), core, world.clock.now(), alice, purpose, Timestamp::HOUR)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let new = Secret::new("brisk-lantern-orchard-4");
    world.services.sign_in.use_link(&fresh, &token, &new, &new).await.unwrap();
    world
        .services
        .sign_in
        .password(&at(&world, &fresh), "alice", &new, None)
        .await
        .expect("the link opened the name again");
}

#[tokio::test]
async fn a_source_tries_ten_names_a_minute_and_no_more() {
    let world = World::new().await;
    world.person("person7").await;
    let mut evaluated = 0;
    for number in 0..200 {
        let error = refused(&world, &world.anonymous(), &format!("person{number}"), "Spring2026!").await;
        evaluated += u32::from(error.kind() == Refusal::Invalid);
    }
    assert!(evaluated <= 10, "{evaluated} (PW-09)");
    world.clock.advance(59_000);
    assert_eq!(refused(&world, &world.anonymous(), "person7", "x").await.kind(), Refusal::Throttled, "PW-09");
    // The whole of an IPv6 customer is one source; the next customer is another.
    let mut evaluated = 0;
    for number in 0..40 {
        let call = world.from(&format!("2001:db8:0:1::{number:x}"));
        evaluated += u32::from(refused(&world, &call, &format!("p{number}"), "x").await.kind() == Refusal::Invalid);
    }
    assert!(evaluated <= 10, "{evaluated} (PW-09)");
    assert_eq!(refused(&world, &world.from("2001:db8:0:2::1"), "p99", "x").await.kind(), Refusal::Invalid);
}

#[tokio::test]
async fn somebody_elses_guesses_lock_nobody_out() {
    let world = World::new().await;
    world.person("alice").await;
    let device = world.sign_in("alice").await.session.device;
    let attacker = world.from("203.0.113.66");
    let mut evaluated = 0;
    for _ in 0..600 {
        world.clock.advance(1000);
        let error = refused(&world, &at(&world, &attacker), "alice", "wrong").await;
        evaluated += u32::from(error.kind() == Refusal::Invalid);
    }
    assert!(evaluated >= 10, "{evaluated}: the attack was real");
    let mut known = world.from("198.51.100.7");
    known.device = device;
    world.try_password(&known, "alice", PASSWORD).await.expect("at first try with a known browser (PW-12)");
    let fresh = world.from("198.51.100.8");
    if let Err(error) = world.try_password(&fresh, "alice", PASSWORD).await {
        let wait = error.retry_after_seconds().unwrap();
        assert!(wait <= 60, "{wait} s (PW-12)");
        world.clock.advance(i64::from(wait) * 1000);
        world.try_password(&at(&world, &fresh), "alice", PASSWORD).await.expect("within a minute without one (PW-12)");
    }
}

#[tokio::test]
async fn unknown_names_are_throttled_like_known_ones() {
    let world = World::new().await;
    world.person("alice").await;
    let mut answers = Vec::new();
    for (name, source) in [("alice", "198.51.100.1"), ("nobody", "198.51.100.2")] {
        let mut seen = Vec::new();
        for _ in 0..12 {
            let error = refused(&world, &world.from(source), name, "wrong").await;
            seen.push((error.kind(), error.outside().to_owned(), error.retry_after_seconds()));
        }
        answers.push(seen);
    }
    assert_eq!(answers.first(), answers.last(), "PW-06");
    assert!(answers.iter().flatten().any(|(kind, ..)| *kind == Refusal::Throttled));
}

#[tokio::test]
async fn a_burst_of_parallel_guesses_is_worth_no_more_than_the_same_one_by_one() {
    let world = World::new().await;
    world.person("alice").await;
    // A SQLite file belongs to one node; PostgreSQL is shared.
    let shared = world.services.core.store.is_postgres();
    let second = if shared { world.second_node().await.unwrap() } else { world.services.clone() };
    let nodes = [world.services.clone(), second];
    let mut burst = tokio::task::JoinSet::new();
    for number in 0..200 {
        let services = nodes.get(number % 2).unwrap().clone();
        let call = world.from(&format!("203.0.113.{number}"));
        burst.spawn(async move {
            services.sign_in.password(&call, "alice", &Secret::new("wrong"), None).await.unwrap_err()
        });
    }
    let outcomes = burst.join_all().await;
    let evaluated = outcomes.iter().filter(|error| error.kind() == Refusal::Invalid).count();
    assert!(evaluated <= 10, "{evaluated} evaluated (PW-14)");
    for error in outcomes {
        assert!(matches!(error.kind(), Refusal::Invalid | Refusal::Throttled | Refusal::Unavailable), "{error:?}");
    }
}

#[tokio::test]
async fn right_passwords_of_many_people_behind_one_source_are_all_let_in() {
    let world = World::new().await;
    for number in 0..30 {
        world.person(&format!("person{number}")).await;
    }
    let mut burst = tokio::task::JoinSet::new();
    for number in 0..30 {
        let (services, call) = (world.services.clone(), world.anonymous());
        burst.spawn(async move {
            let name = format!("person{number}");
            services
                .sign_in
                .password(&call, &name, &Secret::new(PASSWORD), None)
                .await
                .map(drop)
                .map_err(|error| error.kind())
        });
    }
    let outcomes = burst.join_all().await;
    assert!(outcomes.iter().all(std::result::Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn a_forwarded_address_is_not_part_of_the_budget() {
    // The edge decides what the source is; two calls of one source share a budget whatever else they say.
    let world = World::new().await;
    world.person("alice").await;
    let mut evaluated = 0;
    for number in 0..30 {
        let mut call = world.anonymous();
        call.user_agent = Some(format!("agent {number}"));
        call.device = Some(Secret::new(format!("forged-{number}")));
        evaluated += u32::from(refused(&world, &call, "alice", "wrong").await.kind() == Refusal::Invalid);
    }
    assert!(evaluated < 10, "{evaluated}: a forged browser cookie opens no budget of its own (PW-08, PW-10)");
}
