//! Sign-in by password, through the services on a real database.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

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
    let progress = world.services.sign_in.password(&call, "Alice", &Secret::new(PASSWORD), Some(next.clone())).await.unwrap();
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
    let reasons: Vec<String> = world.audited("CredentialVerification").await.into_iter().map(|(_, person)| person).collect();
    assert!(reasons.iter().any(|reason| reason.contains("the person is disabled")), "the true reason (PW-30)");
    assert!(reasons.iter().any(|reason| reason.contains("no such user name")));
    assert!(!reasons.iter().any(|reason| reason.contains("nobody")), "an unknown name may be a password in the wrong field");
}
