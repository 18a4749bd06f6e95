//! What is let in, what is not, and the headers on every answer.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use domain::identity::test_people::PASSWORD;

use super::{Site, UNSAFE, get, post};

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let site = Site::new().await;
    let requests: Vec<(&str, Request<Body>, StatusCode)> = vec![
        ("page", get("/start/sign-in"), StatusCode::OK),
        ("redirect", get("/start"), StatusCode::SEE_OTHER),
        ("not found", get("/nope"), StatusCode::NOT_FOUND),
        ("probe", get("/healthz"), StatusCode::OK),
        ("file that is missing", get("/static/nope.css"), StatusCode::NOT_FOUND),
        ("wrong method", get("/actions/sign-in/password"), StatusCode::METHOD_NOT_ALLOWED),
        ("malformed", post("/actions/sign-in/password", "x=%"), StatusCode::BAD_REQUEST),
        (
            "cross-site",
            Request::post("/actions/sign-in/out").header("host", "localhost").body(Body::empty()).unwrap(),
            StatusCode::FORBIDDEN,
        ),
        (
            "unknown host",
            Request::get("/").header("host", "evil").body(Body::empty()).unwrap(),
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ];
    for (name, request, status) in requests {
        let answer = site.send(request).await;
        assert_eq!(answer.status, status, "{name}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "style-src 'self'",
        ] {
            assert!(policy.contains(part), "{name}: {part} (WEB-01)");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{name} (WEB-01)");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{name}");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{name}");
        assert_eq!(answer.header("cache-control"), "no-store", "{name} (WEB-04)");
        assert!(answer.header("x-request-id").len() >= 16, "{name}");
        assert!(answer.header("access-control-allow-origin").is_empty(), "{name} (SESS-21)");
        assert!(answer.header("strict-transport-security").is_empty(), "{name}: not on http");
        for leak in ["server", "x-powered-by"] {
            assert!(answer.header(leak).is_empty(), "{name}: {leak} (WEB-18)");
        }
    }
}

#[tokio::test]
async fn nonces_are_fresh_and_those_of_the_page() {
    let site = Site::new().await;
    let (one, other) = (site.get("/start/sign-in").await, site.get("/start/sign-in").await);
    let nonce = |answer: &super::Answer| {
        let policy = answer.header("content-security-policy").to_owned();
        policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap().to_owned()
    };
    assert_ne!(nonce(&one), nonce(&other));
    for script in one.body.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains(&nonce(&one)), "{script}");
    }
    assert!(!one.header("content-security-policy").contains("wasm"), "no wasm on the sign-in page");
    assert!(!one.body.contains(" style=") && !one.body.contains(" onclick="), "nothing inline");
}

#[tokio::test]
async fn on_https_the_headers_and_cookies_say_so() {
    let site = Site::with(&[("VESTIBULE_PUBLIC_URL", "https://sso.example.com")]).await;
    site.world.person("alice").await;
    let host = |mut request: Request<Body>| {
        request.headers_mut().insert(header::HOST, "sso.example.com".parse().unwrap());
        request
    };
    let answer = site.send(host(get("/start/sign-in"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("strict-transport-security").starts_with("max-age=31536000"));
    let answer =
        site.send(host(post("/actions/sign-in/password", &format!("username=alice&password={PASSWORD}&next=")))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookie = answer.cookie("__Host-vestibule").unwrap();
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie} (SESS-01)");
    }
    assert!(!cookie.contains("Domain"), "{cookie} (SESS-01)");
    let mut dead = host(get("/start/sign-in"));
    dead.headers_mut().insert(header::COOKIE, "__Host-vestibule=AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap());
    let removal = site.send(dead).await;
    let removal = removal.cookie("__Host-vestibule").unwrap();
    assert!(
        removal.contains("Max-Age=0") && removal.contains("; Secure") && removal.contains("Path=/"),
        "browsers heed it: {removal}"
    );
}

#[tokio::test]
async fn only_the_public_host_is_known() {
    let https = Site::with(&[("VESTIBULE_PUBLIC_URL", "https://sso.example.com")]).await;
    let ask =
        |host: &'static str| Request::get("/start/sign-in").header(header::HOST, host).body(Body::empty()).unwrap();
    for good in ["sso.example.com", "SSO.example.com", "sso.example.com:443", "sso.example.com."] {
        assert_eq!(https.send(ask(good)).await.status, StatusCode::OK, "{good}");
    }
    for bad in [
        "evil.com",
        "sso.example.com.evil.com",
        "sso.example.com:444",
        "localhost",
        "127.0.0.1",
        "x@sso.example.com",
        "",
        "a b",
    ] {
        assert_eq!(https.send(ask(bad)).await.status, StatusCode::MISDIRECTED_REQUEST, "{bad} (WEB-06)");
    }
    let two = Request::get("/")
        .header(header::HOST, "sso.example.com")
        .header(header::HOST, "evil")
        .body(Body::empty())
        .unwrap();
    assert_eq!(https.send(two).await.status, StatusCode::MISDIRECTED_REQUEST);
    let http2 =
        Request::get("https://evil.com/start").header(header::HOST, "sso.example.com").body(Body::empty()).unwrap();
    assert_eq!(https.send(http2).await.status, StatusCode::MISDIRECTED_REQUEST);
    let loopback = Site::new().await;
    for good in ["localhost", "localhost:8080", "127.0.0.1:9999", "[::1]:8080", "portal.localhost:1"] {
        assert_eq!(loopback.send(ask(good)).await.status, StatusCode::OK, "{good}");
    }
    for bad in ["example.com", "127.0.0.1.evil.com", "localhost.evil.com", "10.0.0.1"] {
        assert_eq!(loopback.send(ask(bad)).await.status, StatusCode::MISDIRECTED_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn unsafe_requests_come_from_our_own_pages() {
    let site = Site::new().await;
    let path = "/actions/sign-in/out";
    let cases: &[(&[(&str, &str)], bool)] = &[
        (&[], false),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "none")], false),
        (&[("sec-fetch-site", "")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:8080")], false),
        (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
        (&[("origin", "http://localhost:8080")], true),
        (&[("origin", "null")], false),
        (&[("origin", "https://localhost:8080")], false),
        (&[("origin", "http://localhost:8081")], false),
        (&[("origin", "http://localhost.evil.example:8080")], false),
        (&[("origin", "http://evillocalhost:8080")], false),
        (&[("origin", "http://localhost:8080"), ("origin", "https://evil.example")], false),
        (&[("referer", "http://localhost:8080/start")], false),
    ];
    for (headers, let_in) in cases {
        for method in UNSAFE {
            let mut request = Request::builder().method(&method).uri(path).header(header::HOST, "localhost:8080");
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            let answer = site.send(request.body(Body::empty()).unwrap()).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !let_in, "{method} {headers:?} got {} (SESS-14, SESS-16)", answer.status);
        }
    }
    let other_name =
        Request::post(path).header(header::HOST, "127.0.0.1:8080").header(header::ORIGIN, "http://127.0.0.1:8080");
    assert_ne!(
        site.send(other_name.body(Body::empty()).unwrap()).await.status,
        StatusCode::FORBIDDEN,
        "the name the browser was given"
    );
    assert_eq!(site.get(path).await.status, StatusCode::METHOD_NOT_ALLOWED, "SESS-18");
}

#[tokio::test]
async fn forms_are_small_and_well_formed() {
    let site = Site::new().await;
    let path = "/actions/sign-in/password";
    let good = "username=alice&password=wrong&next=";
    assert_eq!(site.send(post(path, good)).await.status, StatusCode::SEE_OTHER);
    let many = (0..100_000).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
    let long = format!("{good}{}", "x".repeat(70_000));
    let cases: &[(&str, StatusCode)] = &[
        ("", StatusCode::BAD_REQUEST),
        ("username=alice", StatusCode::BAD_REQUEST),
        ("username=alice&password=x&admin=1", StatusCode::BAD_REQUEST),
        ("username=alice&username=bob&password=x", StatusCode::BAD_REQUEST),
        ("username=alice&password=%zz", StatusCode::BAD_REQUEST),
        ("username=alice&password=%ff", StatusCode::BAD_REQUEST),
        ("username=alice&password=%00", StatusCode::BAD_REQUEST),
        ("username[]=alice&password=x", StatusCode::BAD_REQUEST),
        (&many[..60_000], StatusCode::BAD_REQUEST),
        (&many, StatusCode::PAYLOAD_TOO_LARGE),
        (&long, StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (form, status) in cases {
        let answer = site.send(post(path, form)).await;
        assert_eq!(answer.status, *status, "{} (WEB-11, WEB-14)", &form[..form.len().min(40)]);
    }
    for kind in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/cbor",
        "application/x-www-form-urlencodedx",
    ] {
        let mut request = post(path, good);
        request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        assert_eq!(site.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let mut typeless = post(path, good);
    typeless.headers_mut().remove(header::CONTENT_TYPE);
    assert_eq!(site.send(typeless).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut undeclared = post(path, &long);
    undeclared.headers_mut().remove(header::CONTENT_LENGTH);
    assert_eq!(site.send(undeclared).await.status, StatusCode::PAYLOAD_TOO_LARGE, "also without a length");
    let mut chunked = post(path, good);
    chunked.headers_mut().insert(header::TRANSFER_ENCODING, "chunked".parse().unwrap());
    let answer = site.send(chunked).await;
    assert_eq!((answer.status, answer.header("connection")), (StatusCode::LENGTH_REQUIRED, "close"), "WEB-09");
}

#[tokio::test]
async fn a_refused_form_leads_to_no_foreign_place() {
    let site = Site::new().await;
    for (accept, form) in
        [("text/html", "username=a&password=b&next="), ("*/*", "username=a&password=b"), ("application/json", "x=1")]
    {
        let mut request = post("/actions/sign-in/password", form);
        request.headers_mut().insert(header::REFERER, "https://evil.example/".parse().unwrap());
        request.headers_mut().insert(header::ACCEPT, accept.parse().unwrap());
        let answer = site.send(request).await;
        assert!(
            answer.header("location").is_empty() || answer.header("location").starts_with("/start/sign-in"),
            "{accept}"
        );
        assert_ne!(answer.status, StatusCode::OK, "{accept}");
    }
}

#[tokio::test]
async fn strange_methods_and_paths_find_nothing() {
    let site = Site::new().await;
    for method in ["TRACE", "CONNECT", "PROPFIND", "FOO"] {
        let request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri("/start");
        let answer = site.send(request.header(header::HOST, "localhost:8080").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} (WEB-21)");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::POST] {
        let request = Request::builder().method(&method).uri("/start/sign-in").header("sec-fetch-site", "same-origin");
        let answer = site.send(request.header(header::HOST, "localhost:8080").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert!(answer.header("allow").contains("GET"), "{method}");
    }
    for path in [
        "/static/../Cargo.toml",
        "/static/%2e%2e%2fmain.css",
        "/static/..%5cmain.css",
        "/static/%00",
        "/start%2fsign-in",
        "/start/x.css",
        "/me/x.css",
        "/metrics",
        "/debug",
        "/.env",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path} (WEB-05, WEB-08, OPS-03)");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn forwarded_headers_count_only_from_our_proxies() {
    let site = Site::with(&[("VESTIBULE_PROXY__TRUSTED", "10.0.0.0/8")]).await;
    site.world.person("alice").await;
    let form = format!("username=alice&password={PASSWORD}&next=");
    for (peer, expected) in [("10.0.0.1", "198.51.100.4"), ("192.0.2.7", "192.0.2.7")] {
        let mut request = post("/actions/sign-in/password", &form);
        request.headers_mut().insert("x-forwarded-for", "203.0.113.1, 198.51.100.4".parse().unwrap());
        request.headers_mut().insert("x-request-id", "from-the-proxy-1".parse().unwrap());
        let answer = site.send_from(request, peer.parse::<IpAddr>().unwrap()).await;
        assert_eq!(answer.header("x-request-id") == "from-the-proxy-1", peer == "10.0.0.1", "{peer}");
        let sessions = site
            .world
            .services
            .sessions
            .list(&site.world.operator(), None, &domain::PageRequest::default())
            .await
            .unwrap();
        assert!(sessions.rows.iter().any(|session| session.source.as_deref() == Some(expected)), "{peer}");
    }
    for bad in ["short", "with space in it", "a".repeat(65).as_str(), "quote\"quote"] {
        let mut request = get("/healthz");
        request.headers_mut().insert("x-request-id", bad.parse().unwrap());
        assert_ne!(site.send_from(request, "10.0.0.1".parse().unwrap()).await.header("x-request-id"), bad, "WEB-15");
    }
}

#[tokio::test]
async fn health_says_nothing_of_versions_and_answers_any_host() {
    let site = Site::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer =
            site.send(Request::get(path).header(header::HOST, "10.1.2.3:8080").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.body.contains(env!("CARGO_PKG_VERSION")), "{path} (OPS-16)");
    }
    site.world.services.clone().close().await;
    let answer = site.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("\"status\":\"unavailable\""), "{}", answer.body);
    assert_eq!(site.get("/healthz").await.status, StatusCode::OK, "the process lives");
}

#[tokio::test]
async fn a_slash_too_many_is_forgiven_and_leads_nowhere_else() {
    let site = Site::new().await;
    for (path, place) in [("/start/", "/start"), ("/start/sign-in//", "/start/sign-in")] {
        let answer = site.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::PERMANENT_REDIRECT, place), "{path}");
    }
    for path in ["//evil.example/", "/%2fevil.example/", "/\\evil.example/"] {
        let request = Request::builder().uri(format!("http://localhost:8080{path}"));
        let Ok(request) = request.header(header::HOST, "localhost:8080").body(Body::empty()) else { continue };
        let answer = site.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::NOT_FOUND, ""), "{path}");
    }
}
