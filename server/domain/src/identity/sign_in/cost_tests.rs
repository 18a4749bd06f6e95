//! What strangers could measure: the statements and hashes that a request costs, whoever is meant (PW-02, PW-04).
//!
//! Counted and not timed: equal statements cost an equal time on any machine, and a clock in a test tells about the machine.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::EntityTrait as _;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::identity::test_people::PASSWORD;
use crate::jobs::mail::{MailSettings, MailTls};
use crate::store::entity::{password, user};
use crate::testing::World;

/// Hears what sea-orm sends to the database, in its order: kinds of statements, and commits.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<&'static str>>>);

impl Heard {
    /// Until the guard is dropped. With a single listener tracing asks only the thread that comes to a span first whether anybody
    /// hears it, and keeps that thread's answer: the tests beside this one would answer no. So there are two.
    fn listen(&self) -> (DefaultGuard, Dispatch) {
        let second = Dispatch::new(Self::default());
        (tracing::subscriber::set_default(self.clone()), second)
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("sea_orm::database")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = span.metadata().name();
        if matches!(name, "execute_raw" | "query_one_raw" | "query_all_raw" | "commit") {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        }
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// With mail, so that links could be sent.
async fn world() -> World {
    let world = World::with(|open| {
        open.mail = Some(MailSettings {
            host: "localhost".into(),
            port: 1,
            tls: MailTls::None,
            username: None,
            password: None,
            from: "vestibule@example.com".into(),
        });
    })
    .await;
    world.person("alice").await;
    for (name, status) in [("disabled", "disabled"), ("invited", "invited"), ("bare", "active")] {
        let id = world.person(name).await;
        world.set(id, user::Column::Status, status).await;
        if name == "bare" {
            password::Entity::delete_by_id(id.to_string()).exec(world.services.core.store.write()).await.unwrap();
        }
    }
    world
}

#[tokio::test]
async fn a_refused_password_costs_the_same_statements_and_one_hash_whoever_is_meant() {
    let world = world().await;
    // The first entry of all begins the node's chain, which costs more.
    assert!(world.try_password(&world.from("203.0.113.1"), "first", "wrong password").await.is_err());
    let heard = Heard::default();
    let _listening = heard.listen();
    let mut costs = Vec::new();
    for (number, (name, typed)) in [
        ("alice", "wrong password"),
        ("nobody", "wrong password"),
        ("disabled", PASSWORD),
        ("invited", PASSWORD),
        ("bare", "wrong password"),
    ]
    .into_iter()
    .enumerate()
    {
        let call = world.from(&format!("198.51.100.{number}"));
        let before = world.services.core.hasher.made();
        heard.take();
        assert!(world.try_password(&call, name, typed).await.is_err());
        costs.push((name, heard.take(), world.services.core.hasher.made() - before));
    }
    let (_, statements, hashes) = &costs[0];
    assert_eq!(*hashes, 1);
    assert!(statements.len() > 4 && statements.contains(&"commit"), "the listener hears: {statements:?}");
    for (name, theirs, hashes) in &costs {
        assert_eq!((theirs, *hashes), (statements, 1), "{name} (PW-02)");
    }
}

#[tokio::test]
async fn asking_for_a_link_costs_the_same_statements_whoever_is_meant() {
    let world = world().await;
    let heard = Heard::default();
    let _listening = heard.listen();
    let mut costs = Vec::new();
    let names =
        ["alice", "nobody", "alice@example.com", "nobody@example.com", "disabled", "invited", "bare", "no name!"];
    for (number, name) in names.into_iter().enumerate() {
        let call = world.from(&format!("198.51.100.{number}"));
        heard.take();
        world.services.sign_in.forgot(&call, name).await.unwrap();
        costs.push((name, heard.take()));
    }
    let (_, statements) = &costs[0];
    assert!(statements.len() > 4 && statements.contains(&"commit"), "the listener hears: {statements:?}");
    for (name, theirs) in &costs {
        assert_eq!(theirs, statements, "{name} (PW-04)");
    }
}
