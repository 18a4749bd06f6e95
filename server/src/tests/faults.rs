//! What goes wrong inside: panics, handlers that never end, and the end of the server itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use domain::{Clock, Entropy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

use super::PEER;
use crate::edge::guard::Guard;
use crate::edge::listener::Listener;
use crate::edge::{Edge, plain_page};
use crate::ops::metrics::Metrics;

fn guard() -> Guard {
    Guard::new(Url::parse("http://localhost:8080").unwrap(), Vec::new(), Clock::System, Entropy::System)
}

fn edge(router: Router) -> Edge {
    Edge::new(guard(), router, Arc::new(plain_page), Metrics::default())
}

fn ask(path: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, "localhost:8080").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_panic_is_one_500_and_nothing_else() {
    async fn panics() {
        panic!("canary");
    }
    let edge = edge(Router::new().route("/panic", get(panics)).route("/fine", get(|| async { "fine" })));
    for _ in 0..100 {
        let answer = edge.answer(ask("/panic"), PEER).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "WEB-16");
        assert!(
            answer.headers().contains_key("x-request-id") && answer.headers().contains_key("content-security-policy")
        );
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("canary"), "WEB-18");
        assert_eq!(edge.answer(ask("/fine"), PEER).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_503() {
    let edge = edge(Router::new().route("/slow", get(std::future::pending::<()>))).with_patience(Duration::ZERO);
    let answer = edge.answer(ask("/slow"), PEER).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let guard = guard().with_body_time(Duration::ZERO);
    let edge = Edge::new(guard, Router::new(), Arc::new(plain_page), Metrics::default());
    let request = Request::post("/x").header(header::HOST, "localhost:8080").header("sec-fetch-site", "same-origin");
    let drip = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let answer = edge.answer(request.body(Body::from_stream(drip)).unwrap(), PEER).await;
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT, "WEB-13");
    assert_eq!(answer.headers().get(header::CONNECTION).unwrap(), "close");
}

#[tokio::test]
async fn stopping_finishes_what_runs_and_takes_nothing_new() {
    let (arrived, go_on, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (arrived, go_on) = (arrived.clone(), go_on.clone());
        move || async move {
            arrived.notify_one();
            go_on.notified().await;
            "finished"
        }
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let listener = Listener { socket, tls: None, edge: edge(Router::new().route("/run", get(handler))) };
    let stopped = stop.clone();
    let server = tokio::spawn(async move { listener.serve(async move { stopped.notified().await }).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /run HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    arrived.notified().await;
    stop.notify_one();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go_on.notify_one();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("finished"), "{answer} (OPS-09)");
    tokio::time::timeout(Duration::from_secs(5), server).await.expect("the server ends at once").unwrap();
}

#[tokio::test]
async fn malformed_requests_end_the_connection() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let edge = edge(Router::new().route("/", get(|| async { "fine" })));
    let server = tokio::spawn(Listener { socket, tls: None, edge }.serve(std::future::pending()));
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n";
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let many: String = (0..10_000).map(|n| format!("x-{n}: 1\r\n")).collect();
    let cases = [
        format!("{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{head}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd{smuggled}"),
        format!("{head}Content-Length: +4\r\n\r\nabcd{smuggled}"),
        format!("{head}X: a\r\n b\r\n\r\n{smuggled}"),
        format!("{head}{many}\r\n{smuggled}"),
        format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n{smuggled}", "x".repeat(70_000)),
    ];
    for case in cases {
        let mut client = TcpStream::connect(address).await.unwrap();
        // The server may have hung up before all of it is written.
        let _ = client.write_all(case.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let shown = &case[..case.len().min(160)];
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{shown:?}: {answer} (WEB-09)");
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{shown:?}: what follows is not read (WEB-09)");
    }
    server.abort();
}
