//! Webhooks as administrators see and change them, against receivers on real sockets.

use model::{Refusal, Role, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::jobs::stream_tests::{happen, job, plain, receiver, world};
use crate::testing::World;

async fn state(world: &World, id: &str) -> StreamState {
    world.services.streams.get(&world.operator(), id).await.unwrap().state
}

async fn add(world: &World, url: &str, events: &[&str]) -> String {
    let events: Vec<String> = events.iter().map(|&event| event.to_owned()).collect();
    world.services.streams.add_webhook(&world.operator(), url, &events, None).await.unwrap().0
}

#[tokio::test]
async fn a_webhook_tells_how_it_fares() {
    let world = world().await;
    let (address, _requests) = receiver(vec![plain("500 Oops"), plain("200 OK")]).await;
    let id = add(&world, &format!("http://{address}/hook"), &["Wanted"]).await;
    let fresh = state(&world, &id).await;
    assert_eq!((fresh.begun_at, fresh.delivered_at, fresh.waiting), (Some(world.clock.now()), None, 0));
    assert!(!fresh.is_failing());

    happen(&world.services, &world.operator(), "Wanted", "x", Value::Null).await;
    happen(&world.services, &world.operator(), "Unwanted", "y", Value::Null).await;
    assert_eq!(state(&world, &id).await.waiting, 1, "in the log, and wanted");
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    let failing = state(&world, &id).await;
    assert!(failing.is_failing() && failing.last_error.unwrap().contains("500"));
    assert_eq!(failing.waiting, 1, "in the outbox");

    world.clock.advance(Timestamp::MINUTE);
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    let well = state(&world, &id).await;
    assert!(!well.is_failing());
    assert_eq!((well.delivered_at, well.waiting), (Some(world.clock.now()), 0));
}

#[tokio::test]
async fn while_a_webhook_pauses_everything_waits_and_nothing_is_lost() {
    let world = world().await;
    let (address, mut requests) = receiver(vec![plain("500 Oops"), plain("200 OK")]).await;
    let id = add(&world, &format!("http://{address}/"), &["Wanted"]).await;
    let streams = &world.services.streams;
    happen(&world.services, &world.operator(), "Wanted", "before", Value::Null).await;
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    requests.try_recv().unwrap();

    streams.pause_webhook(&world.operator(), &id).await.unwrap();
    streams.pause_webhook(&world.operator(), &id).await.unwrap();
    happen(&world.services, &world.operator(), "Wanted", "meanwhile", Value::Null).await;
    for _ in 0..3 {
        world.clock.advance(Timestamp::HOUR);
        world.services.jobs.run_due(&job(&world)).await.unwrap();
    }
    assert!(requests.try_recv().is_err(), "nothing is sent");
    let paused = state(&world, &id).await;
    assert_eq!((paused.waiting, paused.paused_at.is_some()), (2, true));

    streams.resume_webhook(&world.operator(), &id).await.unwrap();
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    let mut names: Vec<Value> = (0..2).map(|_| requests.try_recv().unwrap().json()["target"]["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, [json!("before"), json!("meanwhile")]);
    let changes = world.audited("UpdateWebhook").await;
    assert_eq!(changes.len(), 2, "each change once: {changes:?}");
}

#[tokio::test]
async fn a_test_event_is_sent_at_once_signed_and_noted() {
    let world = world().await;
    let owner = world.admin("root", Role::Owner).await;
    let (address, mut requests) = receiver(vec![plain("404 Not Found"), plain("200 OK")]).await;
    let streams = &world.services.streams;
    let call = world.by(owner).await;
    let (id, secret) =
        streams.add_webhook(&call, &format!("http://{address}/hook"), &["Never".to_owned()], None).await.unwrap();

    let refused = streams.test_webhook(&call, &id).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::Unavailable);
    assert!(refused.outside().contains("404"), "{refused}");
    assert!(state(&world, &id).await.is_failing());
    requests.try_recv().unwrap();

    world.clock.advance(Timestamp::SECOND);
    streams.test_webhook(&world.by(owner).await, &id).await.unwrap();
    let request = requests.try_recv().unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signed = format!("{}.{}", request.header("vestibule-timestamp"), request.body);
    let tag = request.header("vestibule-signature").strip_prefix("sha256=").unwrap();
    let tag = data_encoding::HEXLOWER.decode(tag.as_bytes()).unwrap();
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    let body = request.json();
    assert_eq!((&body["action"], &body["actor"]["name"]), (&json!(PING), &json!("root")));
    assert_eq!(request.header("vestibule-event"), PING);
    assert!(!state(&world, &id).await.is_failing());
    let outcomes: Vec<String> = world.audited("TestWebhook").await.into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["failure", "success"]);
}

#[tokio::test]
async fn a_removed_webhook_takes_what_waits_with_it() {
    let world = world().await;
    let (address, mut requests) = receiver(vec![plain("500 Oops"), plain("200 OK")]).await;
    let id = add(&world, &format!("http://{address}/"), &["Wanted"]).await;
    happen(&world.services, &world.operator(), "Wanted", "x", Value::Null).await;
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    requests.try_recv().unwrap();
    world.services.streams.remove_webhook(&world.operator(), &id).await.unwrap();
    assert!(outbox::waiting(world.services.core.store.read()).await.unwrap().is_empty());
    world.clock.advance(Timestamp::HOUR);
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    assert!(requests.try_recv().is_err());
    for gone in [
        world.services.streams.get(&world.operator(), &id).await.map(drop),
        world.services.streams.remove_webhook(&world.operator(), &id).await,
        world.services.streams.pause_webhook(&world.operator(), &id).await,
        world.services.streams.test_webhook(&world.operator(), &id).await,
    ] {
        assert_eq!(gone.unwrap_err().kind(), Refusal::NotFound);
    }
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_at_its_field() {
    let world = world().await;
    let call = world.operator();
    for (url, events, secret, field) in [
        ("no address", "*", None, "url"),
        ("https://10.0.0.1/", "*", None, "url"),
        ("http://1.1.1.1/", "*", None, "url"),
        ("https://no.such.host.invalid/", "*", None, "url"),
        ("https://1.1.1.1/", "", None, "events"),
        ("https://1.1.1.1/", "Create User", None, "events"),
        ("https://1.1.1.1/", "*", Some("short"), "secret"),
    ] {
        let secret = secret.map(Secret::new);
        let refused = world.services.streams.add_webhook(&call, url, &[events.to_owned()], secret).await.unwrap_err();
        assert_eq!((refused.kind(), refused.field()), (Refusal::Invalid, Some(field)), "{url} {events}");
    }
    assert!(world.services.streams.list(&call).await.unwrap().webhooks.is_empty());
    assert!(world.audited("CreateWebhook").await.is_empty());
}

#[tokio::test]
async fn who_may_not_change_sees_no_token_and_the_log_holds_none() {
    let world = world().await;
    let url = "https://1.1.1.1/services/canary-token?key=canary";
    let id = add(&world, url, &["*"]).await;
    world.services.streams.pause_webhook(&world.operator(), &id).await.unwrap();
    let (owner, auditor) = (world.admin("olga", Role::Owner).await, world.admin("audrey", Role::Auditor).await);
    let helpdesk = world.admin("heidi", Role::Helpdesk).await;
    let streams = &world.services.streams;
    assert_eq!(streams.get(&world.by(owner).await, &id).await.unwrap().url, url);
    let auditor = world.by(auditor).await;
    assert_eq!(streams.get(&auditor, &id).await.unwrap().url, "https://1.1.1.1/\u{2026}");
    for refused in [
        streams.pause_webhook(&auditor, &id).await,
        streams.test_webhook(&auditor, &id).await,
        streams.remove_webhook(&auditor, &id).await,
        streams.add_webhook(&auditor, url, &["*".to_owned()], None).await.map(drop),
        streams.list(&world.by(helpdesk).await).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), Refusal::Forbidden);
    }
    streams.remove_webhook(&world.operator(), &id).await.unwrap();
    for action in ["CreateWebhook", "UpdateWebhook", "DeleteWebhook"] {
        let entries = world.audited(action).await;
        assert!(entries.len() == 1 && !entries[0].1.contains("canary"), "{action}: {entries:?}");
    }
}

#[tokio::test]
async fn another_syslog_receiver_begins_with_a_clean_slate() {
    let world = world().await;
    let to = async |address: &str| {
        let (call, address) = (world.operator(), address.to_owned());
        let change = world.services.settings.change(&call, None, |settings| {
            settings.syslog = Some(address);
            Ok(())
        });
        change.await.unwrap();
    };
    // Nobody listens on the port of a socket that is closed.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    to(&format!("tcp://{closed}")).await;
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    let failing = world.services.streams.list(&world.operator()).await.unwrap().syslog_state;
    assert!(failing.is_failing() && failing.waiting > 0, "{failing:?}");
    to("udp://127.0.0.1:9").await;
    let moved = world.services.streams.list(&world.operator()).await.unwrap();
    assert!(!moved.syslog_state.is_failing() && moved.syslog_state.last_error.is_none());
    assert_eq!(moved.syslog_state.waiting, failing.waiting + 1, "it goes on from where it was");
}
