//! Webhooks and syslog, tried against receivers on real sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::Services;
use crate::audit::Event;
use crate::store::entity::outbox as outbox_row;
use crate::testing::World;

/// A world in which loopback is allowed.
pub(crate) async fn world() -> World {
    World::with(|open| open.outbound_allow = vec!["127.0.0.0/8".parse().unwrap()]).await
}

pub(crate) fn job(world: &World) -> Call {
    Call::local(Actor::System("test"), "test", world.clock.now())
}

pub(crate) async fn happen(services: &Services, call: &Call, action: &'static str, name: &str, changes: Value) {
    let mut change = services.core.store.begin().await.unwrap();
    change.audit(call, Event::done(action).on("thing", name, name).with(changes));
    change.commit().await.unwrap();
}

/// A request as the receiver saw it.
#[derive(Debug)]
pub(crate) struct Request {
    head: Vec<String>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self
            .head
            .iter()
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no header {name} in {:?}", self.head)).1
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn read_request(stream: &mut TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mut request = Request { head, body: String::new() };
    let length: usize = request.header("content-length").parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await.unwrap();
    request.body = String::from_utf8(body).unwrap();
    request
}

/// A web server that gives these answers in turn, the last one for ever.
pub(crate) async fn receiver(answers: Vec<String>) -> (SocketAddr, UnboundedReceiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        let mut answer = String::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await;
            answer = answers.next().unwrap_or(answer);
            stream.write_all(answer.as_bytes()).await.unwrap();
            seen.send(request).unwrap();
        }
    });
    (address, requests)
}

pub(crate) fn plain(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

async fn add_webhook(world: &World, url: &str, events: &[&str]) -> (String, crate::Secret) {
    let events: Vec<String> = events.iter().map(|&event| event.to_owned()).collect();
    world.services.streams.add_webhook(&world.operator(), url, &events, None).await.unwrap()
}

#[tokio::test]
async fn an_event_arrives_signed_and_a_repetition_has_the_same_id() {
    let world = world().await;
    happen(&world.services, &world.operator(), "Before", "early", Value::Null).await;
    let (address, mut requests) = receiver(vec![plain("500 Oops"), plain("204 No Content")]).await;
    let (_, secret) = add_webhook(&world, &format!("http://{address}/hook"), &["Wanted"]).await;
    happen(&world.services, &world.operator(), "Wanted", "first", json!({ "a": { "from": 1, "to": 2 } })).await;
    happen(&world.services, &world.operator(), "Unwanted", "second", Value::Null).await;
    let behind = async || world.services.jobs.queues(&job(&world)).await.unwrap().behind;
    assert_eq!(
        behind().await.into_values().collect::<Vec<_>>(),
        [3],
        "all since the stream began, its own setting up included"
    );

    let round = world.services.jobs.run_due(&job(&world)).await.unwrap();
    assert_eq!((round.delivered, round.failed), (0, 1));
    assert_eq!(behind().await.into_values().collect::<Vec<_>>(), [0], "what is left is the outbox's");
    world.clock.advance(Timestamp::MINUTE);
    let round = world.services.jobs.run_due(&job(&world)).await.unwrap();
    assert_eq!((round.delivered, round.failed), (1, 0));
    assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().delivered, 0, "delivered once");

    let (first, second) = (requests.try_recv().unwrap(), requests.try_recv().unwrap());
    assert!(requests.try_recv().is_err());
    assert!(first.head[0].starts_with("POST /hook HTTP/1.1"));
    assert_eq!(first.header("vestibule-id"), second.header("vestibule-id"));
    assert_eq!((first.header("vestibule-event"), first.body.as_str()), ("Wanted", second.body.as_str()));
    for request in [&first, &second] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.expose().as_bytes());
        let signed = format!("{}.{}", request.header("vestibule-timestamp"), request.body);
        let tag = request.header("vestibule-signature").strip_prefix("sha256=").unwrap();
        let tag = data_encoding::HEXLOWER.decode(tag.as_bytes()).unwrap();
        aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    }
    assert_ne!(
        first.header("vestibule-timestamp"),
        second.header("vestibule-timestamp"),
        "a repetition is signed anew"
    );
    let body = first.json();
    assert_eq!(
        (&body["action"], &body["target"]["name"], &body["outcome"]),
        (&json!("Wanted"), &json!("first"), &json!("success"))
    );
    assert_eq!(body["changes"]["a"]["to"], 2);
    assert_eq!(body["time"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn redirects_are_not_followed_and_endless_answers_not_read() {
    let world = world().await;
    let (elsewhere, mut led_astray) = receiver(vec![plain("200 OK")]).await;
    let redirect =
        format!("HTTP/1.1 307 Go\r\nlocation: http://{elsewhere}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let (address, mut requests) = receiver(vec![redirect]).await;
    add_webhook(&world, &format!("http://{address}/"), &["Wanted"]).await;

    let endless = TcpListener::bind("127.0.0.1:0").await.unwrap();
    add_webhook(&world, &format!("http://{}/", endless.local_addr().unwrap()), &["Wanted"]).await;
    let answering = tokio::spawn(async move {
        let (mut stream, _) = endless.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // Ends because the other side has had enough.
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });

    happen(&world.services, &world.operator(), "Wanted", "x", Value::Null).await;
    let round = world.services.jobs.run_due(&job(&world)).await.unwrap();
    assert_eq!((round.delivered, round.failed), (1, 1));
    answering.await.unwrap();
    requests.try_recv().unwrap();
    assert!(led_astray.try_recv().is_err(), "(WEB-22)");
}

#[tokio::test]
async fn private_addresses_are_refused_when_added_and_when_delivered() {
    let strict = World::new().await;
    let events = ["*".to_owned()];
    for url in [
        "http://127.0.0.1:9/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:192.168.0.1]/",
        "https://2130706433/",
        "http://1.1.1.1/",
        "ftp://1.1.1.1/",
        "https://user:pw@1.1.1.1/",
    ] {
        assert!(
            strict.services.streams.add_webhook(&strict.operator(), url, &events, None).await.is_err(),
            "{url} (WEB-22)"
        );
    }
    for address in ["tcp://127.0.0.1:514", "udp://10.0.0.1:514", "tcp://localhost:514", "tcp://[::1]:514"] {
        let call = strict.operator();
        let refused = strict.services.settings.change(&call, None, |settings| {
            settings.syslog = Some(address.to_owned());
            Ok(())
        });
        assert!(refused.await.is_err(), "{address} (WEB-22)");
    }

    // What was allowed when it was added is asked again when something is delivered.
    let world = world().await;
    let (address, mut requests) = receiver(vec![plain("200 OK")]).await;
    add_webhook(&world, &format!("http://localhost:{}/", address.port()), &["Wanted"]).await;
    happen(&world.services, &world.operator(), "Wanted", "x", Value::Null).await;
    let later = Services::open(crate::Open { outbound_allow: Vec::new(), ..world.open.clone() }).await.unwrap();
    assert_eq!(later.jobs.run_due(&job(&world)).await.unwrap().failed, 1);
    assert!(requests.try_recv().is_err());
    let row = outbox_row::Entity::find().one(world.services.core.store.read()).await.unwrap().unwrap();
    assert!(row.last_error.unwrap().contains("private address"));
}

#[tokio::test]
async fn two_nodes_hand_each_event_on_once() {
    let world = world().await;
    add_webhook(&world, "https://1.1.1.1/", &["Wanted"]).await;
    let second = world.second_node().await.unwrap();
    for n in 0..30 {
        let services = if n % 2 == 0 { &world.services } else { &second };
        happen(services, &world.operator(), "Wanted", &format!("e{n}"), Value::Null).await;
    }
    let nodes = [world.services.core.clone(), second.core.clone()];
    let mut under_way = JoinSet::new();
    for round in 0..6 {
        let core = nodes[round % 2].clone();
        under_way.spawn(async move { streams::to_webhooks(&core, core.clock.now()).await });
    }
    while let Some(done) = under_way.join_next().await {
        // Where SQLite is busy the next round tries again.
        let _ = done.unwrap();
    }
    streams::to_webhooks(&nodes[0], world.clock.now()).await.unwrap();
    let rows = outbox_row::Entity::find().all(world.services.core.store.read()).await.unwrap();
    assert_eq!(rows.len(), 30);
}

async fn stream_to(world: &World, address: String) {
    let call = world.operator();
    let change = world.services.settings.change(&call, None, |settings| {
        settings.syslog = Some(address);
        Ok(())
    });
    change.await.unwrap();
}

/// A syslog server on TCP that takes lines with counted octets, and breaks the first `broken` connections.
async fn syslog_server(broken: usize) -> (SocketAddr, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, lines) = unbounded_channel();
    tokio::spawn(async move {
        for n in 0.. {
            let Ok((stream, _)) = listener.accept().await else { return };
            if n < broken {
                // Closing with unread bytes resets the connection.
                stream.readable().await.unwrap();
                drop(stream);
            } else {
                take_lines(stream, &seen).await;
            }
        }
    });
    (address, lines)
}

async fn take_lines(stream: TcpStream, seen: &UnboundedSender<String>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = Vec::new();
        if reader.read_until(b' ', &mut length).await.unwrap() == 0 {
            return;
        }
        let length: usize = String::from_utf8(length).unwrap().trim().parse().unwrap();
        let mut line = vec![0; length];
        reader.read_exact(&mut line).await.unwrap();
        seen.send(String::from_utf8(line).unwrap()).unwrap();
    }
}

fn received(lines: &mut UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| lines.try_recv().ok()).collect()
}

/// The JSON of a line, after the header and the structured data.
fn entry(line: &str) -> Value {
    serde_json::from_str(line.split_once("] ").unwrap().1).unwrap()
}

#[tokio::test]
async fn syslog_over_tcp_gets_every_entry_once_and_in_order() {
    let world = world().await;
    happen(&world.services, &world.operator(), "Before", "early", Value::Null).await;
    let (address, mut lines) = syslog_server(0).await;
    stream_to(&world, format!("tcp://{address}")).await;
    let mut expected = Vec::new();
    // More than one batch.
    let mut change = world.services.core.store.begin().await.unwrap();
    for n in 0..700 {
        let name = format!("a\n<110>1 - forged{n}");
        change.audit(&world.operator(), Event::done("Thing").on("thing", n, &name));
        expected.push(name);
    }
    change.commit().await.unwrap();
    let round = world.services.jobs.run_due(&job(&world)).await.unwrap();
    // And the change of the settings itself.
    assert_eq!(round.logged, 701);
    let again = Services::open(world.open.clone()).await.unwrap();
    assert_eq!(again.jobs.run_due(&job(&world)).await.unwrap().logged, 0, "nothing twice");

    let lines = received(&mut lines);
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("<109>1 2026-01-01T00:00:00Z localhost vestibule ") && !line.contains('\n'))
    );
    let entries: Vec<Value> = lines.iter().map(|line| entry(line)).collect();
    assert_eq!(entries[0]["action"], "UpdateInstance");
    let names: Vec<&str> = entries[1..].iter().map(|entry| entry["target"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_broken_connection_loses_nothing() {
    let world = world().await;
    let (address, mut lines) = syslog_server(2).await;
    stream_to(&world, format!("tcp://{address}")).await;
    happen(&world.services, &world.operator(), "Thing", "x", Value::Null).await;
    for _ in 0..2 {
        assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().logged, 0);
        assert_eq!(
            world.services.jobs.run_due(&job(&world)).await.unwrap().logged,
            0,
            "it waits before it tries again"
        );
        world.clock.advance(Timestamp::MINUTE);
    }
    assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().logged, 2);
    assert_eq!(received(&mut lines).len(), 2);
}

#[tokio::test]
async fn syslog_over_udp_sends_whole_lines_of_bounded_length() {
    let world = world().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    stream_to(&world, format!("udp://{}", socket.local_addr().unwrap())).await;
    let long = "x".repeat(60_000);
    happen(&world.services, &world.operator(), "Thing", "long", json!({ "description": long })).await;
    assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().logged, 2);
    let mut buffer = vec![0; 65_536];
    let mut entries = Vec::new();
    for _ in 0..2 {
        let length = socket.recv(&mut buffer).await.unwrap();
        assert!(length <= 2048);
        entries.push(entry(std::str::from_utf8(&buffer[..length]).unwrap()));
    }
    assert_eq!((&entries[1]["target"]["name"], &entries[1]["changes"]["omitted"]), (&json!("long"), &json!(true)));
}

#[tokio::test]
async fn one_node_streams_at_a_time() {
    let world = world().await;
    let (address, mut lines) = syslog_server(0).await;
    stream_to(&world, format!("tcp://{address}")).await;
    let second = world.second_node().await.unwrap();
    for n in 0..20 {
        let services = if n % 2 == 0 { &world.services } else { &second };
        happen(services, &world.operator(), "Thing", &format!("e{n}"), Value::Null).await;
    }
    let cores: Vec<Arc<Core>> = vec![world.services.core.clone(), second.core.clone()];
    let (a, b) = tokio::join!(syslog::run(&cores[0], world.clock.now()), syslog::run(&cores[1], world.clock.now()));
    let first = a.unwrap() + b.unwrap();
    let rest = syslog::run(&cores[0], world.clock.now()).await.unwrap();
    assert_eq!(first + rest, 21);
    assert_eq!(received(&mut lines).len(), 21, "each once");
}
