//! Sign-in by password, through the services on a real database.

use model::{LocalPath, Refusal, Timestamp};
use sea_orm::EntityTrait as _;

use super::Step;
use crate::identity::test_people::PASSWORD;
use crate::secret::Secret;
use crate::store::entity::{password, session, user};
use crate::testing::World;

#[tokio::test]
async fn a_right_password_opens_a_session_and_leads_where_the_person_wanted() {
    let world = World::new().await;
    world.person("alice").await;
    let next = LocalPath::parse("/start/applications").unwrap();
    let call = world.anonymous();
    let progress =
        world.services.sign_in.password(&call, "Alice", &Secret::new(PASSWORD), Some(next.clone())).await.unwrap();
    assert_eq!(progress.step, Step::Done(next));
    assert_eq!(progress.session.token.expose().len(), 22);
    assert_eq!(progress.session.expires_at, call.now.plus(8 * Timestamp::HOUR));
    let person = world.services.sessions.resolve(&progress.session.token, call.now).await.unwrap().unwrap().person;
    assert_eq!((person.user_name.as_str(), person.strong, person.roles.len()), ("alice", false, 0));
    assert_eq!(world.audited("UserAuthentication").await.len(), 1);
}

#[tokio::test]
async fn every_refusal_is_one_refusal() {
    let world = World::new().await;
    world.person("alice").await;
    let disabled = world.person("disabled").await;
    world.set(disabled, user::Column::Status, "disabled").await;
    let invited = world.person("invited").await;
    world.set(invited, user::Column::Status, "invited").await;
    let bare = world.person("bare").await;
    password::Entity::delete_by_id(bare.to_string()).exec(world.services.core.store.write()).await.unwrap();
    let long = "x".repeat(1 << 20);
    for (number, (name, typed)) in [
        ("alice", "wrong password"),
        ("nobody", PASSWORD),
        ("disabled", PASSWORD),
        ("disabled", "wrong"),
        ("invited", PASSWORD),
        ("bare", PASSWORD),
        ("bare", ""),
        ("alice\0", PASSWORD),
        ("ali\u{200b}ce", PASSWORD),
        (" alice", PASSWORD),
        ("аlice", PASSWORD),
        ("alice", "plum-tractor-violet-9\0garbage"),
        ("alice", "plum-tractor-violet-9\n"),
        ("alice", long.as_str()),
        ("", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let error = world.try_password(&world.from(&format!("198.51.100.{number}")), name, typed).await.unwrap_err();
        let seen = (error.kind(), error.field(), error.outside().to_owned(), error.retry_after_seconds());
        let expected = (Refusal::Invalid, None, "The user name or the password is not right.".to_owned(), None);
        assert_eq!(seen, expected, "{name:?} (PW-01, PW-18, PW-22, PW-30)");
    }
    assert!(session::Entity::find().all(world.services.core.store.read()).await.unwrap().is_empty(), "PW-30");
    let reasons: Vec<String> =
        world.audited("CredentialVerification").await.into_iter().map(|(_, person)| person).collect();
    assert!(reasons.iter().any(|reason| reason.contains("the person is disabled")), "the true reason (PW-30)");
    assert!(reasons.iter().any(|reason| reason.contains("no such user name")));
    assert!(
        !reasons.iter().any(|reason| reason.contains("nobody")),
        "an unknown name may be a password in the wrong field"
    );
}

#[tokio::test]
async fn a_hash_of_lower_cost_signs_in_and_is_made_anew() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    // argon2 -id, m = 64 KiB: far below today's cost.
    let weak = argon2::Argon2::new(
        argon2::Algorithm::Argon2id,
        argon2::Version::V0x13,
        argon2::Params::new(64, 1, 1, Some(32)).unwrap(),
    );
    let mut out = [0; 32];
    weak.hash_password_into(PASSWORD.as_bytes(), b"0123456789abcdef", &mut out).unwrap();
    let hash =
        format!("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg${}", data_encoding::BASE64_NOPAD.encode(&out));
    world.give_hash(alice, &hash).await;
    world.sign_in("alice").await;
    let stored = password::Entity::find_by_id(alice.to_string())
        .one(world.services.core.store.read())
        .await
        .unwrap()
        .unwrap()
        .hash;
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored} (CRY-12)");
    world.sign_in("alice").await;
    // A hash that cannot be read, or that would cost too much, is no password and no failure of ours.
    for absurd in ["", "nonsense", "$argon2id$v=19$m=4194304,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg"] {
        world.give_hash(alice, absurd).await;
        let error = world.try_password(&world.anonymous(), "alice", PASSWORD).await.unwrap_err();
        assert_eq!(error.kind(), Refusal::Invalid, "CRY-11");
    }
}

#[tokio::test]
async fn a_password_that_was_voided_meanwhile_opens_nothing() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let verified = password::Entity::find_by_id(alice.to_string())
        .one(world.services.core.store.read())
        .await
        .unwrap()
        .unwrap()
        .hash;
    password::Entity::delete_by_id(alice.to_string()).exec(world.services.core.store.write()).await.unwrap();
    let change = world.services.core.store.begin().await.unwrap();
    assert!(super::password::still_the_password(&change, &alice.to_string(), &verified).await.is_err(), "SESS-23");
}

#[tokio::test]
async fn what_is_stored_opens_nothing_and_shows_no_secret() {
    let world = World::new().await;
    let alice = world.enrolled("alice").await;
    let progress = world.sign_in_strongly("alice", &alice.secret).await;
    let device = progress.session.device.unwrap();
    let folder = world.folder().to_owned();
    let secrets = [
        PASSWORD,
        alice.secret.expose(),
        progress.session.token.expose(),
        device.expose(),
        alice.codes.first().unwrap().expose(),
    ];
    if world.services.core.store.is_postgres() {
        return;
    }
    for name in ["vestibule.db", "vestibule.db-wal"] {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        for secret in secrets {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "CRY-01, SESS-12");
        }
    }
}

#[tokio::test]
async fn tokens_do_not_repeat() {
    let entropy = crate::Entropy::System;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100_000 {
        assert!(seen.insert(Secret::random_128(&entropy).unwrap().expose().to_owned()), "SESS-11, CRY-07");
    }
}

#[tokio::test]
async fn every_refusal_costs_one_hash_and_an_impossible_password_none() {
    let world = World::new().await;
    world.person("alice").await;
    let disabled = world.person("disabled").await;
    world.set(disabled, user::Column::Status, "disabled").await;
    let bare = world.person("bare").await;
    password::Entity::delete_by_id(bare.to_string()).exec(world.services.core.store.write()).await.unwrap();
    for (number, (name, typed, hashes)) in [
        ("alice", "wrong", 1),
        ("nobody", "wrong", 1),
        ("disabled", PASSWORD, 1),
        ("bare", "wrong", 1),
        ("not a name", "wrong", 1),
        ("alice", &*"x".repeat(1025), 0),
        ("nobody", &*"x".repeat(1025), 0),
    ]
    .into_iter()
    .enumerate()
    {
        let before = world.services.core.hasher.made();
        assert!(world.try_password(&world.from(&format!("198.51.100.{number}")), name, typed).await.is_err());
        assert_eq!(world.services.core.hasher.made() - before, hashes, "{name} (PW-02, PW-20)");
    }
}
