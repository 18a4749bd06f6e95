//! Events by webhook, from the command line to a receiver that verifies them as `docs/webhooks.md` says.

#![expect(clippy::expect_used, reason = "tests")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use aws_lc_rs::hmac;
use it::Vestibule;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// A delivery as it came in: event, timestamp, signature, body.
struct Delivery {
    event: String,
    timestamp: String,
    signature: String,
    body: String,
}

impl Delivery {
    fn is_genuine(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = format!("{}.{}", self.timestamp, self.body);
        let tag = self.signature.strip_prefix("sha256=").unwrap_or_default();
        let tag = data_encoding::HEXLOWER.decode(tag.as_bytes()).expect("hexadecimal digits");
        hmac::verify(&key, signed.as_bytes(), &tag).is_ok()
    }
}

/// Takes every delivery.
fn receiver() -> (SocketAddr, Receiver<Delivery>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (hand, deliveries) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).expect("a line") == 0 || line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let header = |name: &str| {
                let found = head.iter().filter_map(|line| line.split_once(": ")).find(|(known, _)| *known == name);
                found.map(|(_, value)| value.to_owned()).unwrap_or_default()
            };
            let mut body = vec![0; header("content-length").parse().expect("a length")];
            stream.read_exact(&mut body).expect("a body");
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").expect("answered");
            let delivery = Delivery {
                event: header("vestibule-event"),
                timestamp: header("vestibule-timestamp"),
                signature: header("vestibule-signature"),
                body: String::from_utf8(body).expect("text"),
            };
            if hand.send(delivery).is_err() {
                return;
            }
        }
    });
    (address, deliveries)
}

#[test]
fn a_webhook_from_the_command_line_gets_events_of_the_running_server() {
    let (address, deliveries) = receiver();
    let server = Vestibule::setup().env("VESTIBULE_OUTBOUND__ALLOW", "127.0.0.0/8").start();
    let url = format!("http://{address}/in?token=canary");
    let added = server.cli(&["webhook", "add", &url, "--event", "CreateUser", "--json"]);
    assert_eq!(added.code, 0, "{}", added.err);
    let added: Value = serde_json::from_str(&added.out).expect("JSON");
    let text = |name: &str| added[name].as_str().expect("text").to_owned();
    let (id, secret) = (text("id"), text("secret"));

    let tested = server.cli(&["webhook", "test", &id]);
    assert_eq!(tested.code, 0, "{}", tested.err);
    let ping = deliveries.recv_timeout(PATIENCE).expect("a test event");
    assert!(ping.event == "Ping" && ping.is_genuine(&secret) && !ping.is_genuine("another secret, as long as it"));

    server.person("bob");
    let created = deliveries.recv_timeout(PATIENCE).expect("an event of the running server");
    assert!(created.event == "CreateUser" && created.is_genuine(&secret));
    let body: Value = serde_json::from_str(&created.body).expect("JSON");
    assert_eq!((&body["target"]["name"], &body["actor"]["type"]), (&"bob".into(), &"operator".into()));

    let listed = server.cli(&["webhook", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.out).expect("JSON");
    assert_eq!((&listed[0]["url"], &listed[0]["id"]), (&url.as_str().into(), &id.as_str().into()));
    assert!(listed[0].get("secret").is_none() && !listed.to_string().contains(&secret), "{listed}");
    assert!(!server.cli(&["audit", "--json"]).out.contains("canary"), "an address may hold a token");

    for (deed, state) in [("pause", "paused"), ("resume", "delivering")] {
        assert_eq!(server.cli(&["webhook", deed, &id]).code, 0, "{deed}");
        let listed: Value = serde_json::from_str(&server.cli(&["webhook", "list", "--json"]).out).expect("JSON");
        assert_eq!(listed[0]["state"], state, "{listed}");
    }
    assert_eq!(server.cli(&["webhook", "remove", &id]).code, 0);
    assert_eq!(server.cli(&["webhook", "list", "--json"]).out.trim(), "[]");
    for (bad, says) in [
        (&["webhook", "test", id.as_str()][..], "no such webhook"),
        (&["webhook", "add", "https://10.0.0.1/"], "url: leads to a private address"),
        (&["webhook", "add", "http://1.1.1.1/"], "url: must begin with https"),
        (&["webhook", "add", "https://1.1.1.1/", "--event", "No Name"], "events: must be names of events"),
    ] {
        let refused = server.cli(bad);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{bad:?}");
        assert!(refused.err.contains(says), "{bad:?}: {}", refused.err);
    }
    let short = server.cli_with_input(&["webhook", "add", "https://1.1.1.1/", "--secret-stdin"], "short");
    assert!(short.code == 1 && short.err.contains("secret: must have at least"), "{}", short.err);
}
