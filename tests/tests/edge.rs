//! The edge from outside: headers on every answer, shapes of requests that are not let in, slow clients, storms, and the end.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use it::{Answer, PASSWORD, Vestibule, exchange};
use reqwest::{Method, StatusCode, header};

#[test]
fn every_answer_carries_the_headers_also_when_it_is_a_refusal() {
    let server = Vestibule::start();
    let bob = server.person("bob");
    let browser = server.browser();
    bob.enter(&browser);
    let get = |path: &str| browser.get(path);
    let answers = [
        ("a page", server.browser().get("/start/sign-in"), 200),
        ("an own page", get("/me/profile"), 200),
        ("a redirect", get("/"), 303),
        ("not found", get("/nope"), 404),
        ("no static file", get("/static/nope.css"), 404),
        ("no link", get("/start/link/x"), 404),
        ("forbidden", get("/admin"), 403),
        ("health", get("/healthz"), 200),
        ("readiness", get("/readyz"), 200),
        (
            "cross-site",
            Answer::read(
                browser.request(Method::POST, "/actions/sign-in/out").header("sec-fetch-site", "cross-site").send(),
            ),
            403,
        ),
        ("malformed", browser.post("/actions/sign-in/password", &[("x", "y")]), 400),
        ("no action", browser.post("/actions/nope", &[]), 404),
        (
            "method",
            Answer::read(browser.request(Method::DELETE, "/start").header("sec-fetch-site", "same-origin").send()),
            405,
        ),
        ("unknown method", Answer::read(browser.request(Method::from_bytes(b"BREW").unwrap(), "/start").send()), 405),
        ("host", Answer::read(browser.request(Method::GET, "/start").header(header::HOST, "evil.example").send()), 421),
        (
            "too large",
            Answer::read(
                browser
                    .request(Method::POST, "/actions/sign-in/password")
                    .header("sec-fetch-site", "same-origin")
                    .body("x".repeat(70_000))
                    .send(),
            ),
            413,
        ),
    ];
    let mut ids = std::collections::HashSet::new();
    for (what, answer, status) in &answers {
        assert_eq!(answer.status.as_u16(), *status, "{what}");
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{what}: {policy} (WEB-01)");
        }
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains('*'),
            "{what}: {policy} (WEB-01)"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            let sent: Vec<_> = answer.headers.get_all(name).iter().collect();
            assert_eq!(sent, [value], "{what}: {name} (WEB-01, WEB-04)");
        }
        assert!(answer.headers.get("server").is_none() && answer.headers.get("x-powered-by").is_none(), "{what}");
        let id = answer.header(header::HeaderName::from_static("x-request-id"));
        assert!(id.len() >= 16 && ids.insert(id.to_owned()), "{what}: an id of its own: {id}");
        if answer.body.contains("class=\"problem\"") {
            assert!(answer.body.contains(id), "{what}: the page names the request");
        }
        for told in ["vestibule/", "0.1.0", "sqlx", "sea-orm", "axum", "src/", "panicked"] {
            assert!(!answer.body.contains(told), "{what} tells {told} (WEB-18)");
        }
        for script in answer.body.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{}\"", answer.nonce())), "{what}: {tag} (WEB-01)");
        }
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick="), "{what} (WEB-01)");
    }
    assert_ne!(answers[0].1.nonce(), answers[1].1.nonce(), "a nonce is used once");

    let https = Vestibule::setup().env("VESTIBULE_PUBLIC_URL", "https://sso.example.com").start();
    let answer = Answer::read(
        https.browser().request(Method::GET, "/start/sign-in").header(header::HOST, "sso.example.com").send(),
    );
    assert!(answer.header(header::STRICT_TRANSPORT_SECURITY).contains("max-age="), "(WEB-01)");
}

#[test]
fn a_forged_host_leads_nowhere() {
    let server = Vestibule::setup().env("VESTIBULE_PUBLIC_URL", "https://sso.example.com").start();
    let ask = |lines: &str| {
        exchange(server.port(), format!("GET /start HTTP/1.1\r\n{lines}Connection: close\r\n\r\n").as_bytes())
    };
    for lines in [
        "Host: evil.example\r\n",
        "Host: sso.example.com.evil.example\r\n",
        "Host: sso.example.com:81\r\n",
        "Host: user@sso.example.com\r\n",
        "Host: evil.example\r\nX-Forwarded-Host: sso.example.com\r\n",
        "Host:\r\n",
        "",
        "Host: sso.example.com\r\nHost: evil.example\r\n",
    ] {
        let statuses = ask(lines).statuses();
        assert!(matches!(statuses[..], [400 | 421]), "{lines:?}: {statuses:?} (WEB-06)");
    }
    for lines in [
        "Host: sso.example.com\r\n",
        "Host: SSO.example.com:443\r\n",
        "Host: sso.example.com\r\nX-Forwarded-Host: evil.example\r\n",
    ] {
        let answer = ask(lines);
        assert_eq!(answer.statuses(), [303], "{lines:?}: the twin");
        assert!(answer.text.contains("location: /start/sign-in") && !answer.text.contains("evil"), "{}", answer.text);
    }
    let absolute = exchange(
        server.port(),
        b"GET http://evil.example/start HTTP/1.1\r\nHost: sso.example.com\r\nConnection: close\r\n\r\n",
    );
    assert!(matches!(absolute.statuses()[..], [400 | 421]), "{:?} (WEB-06)", absolute.statuses());
    let health = exchange(server.port(), b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.7\r\nConnection: close\r\n\r\n");
    assert_eq!(health.statuses(), [200], "probes ask by address");
}

#[test]
fn static_files_are_the_embedded_ones_and_no_others() {
    let server = Vestibule::start();
    let page = server.browser().get("/start/sign-in");
    let path = page
        .body
        .split("href=\"")
        .find_map(|rest| rest.split('"').next().filter(|path| path.starts_with("/static/main.")));
    let path = path.expect("a style sheet").to_owned();
    let style = server.browser().get(&path);
    assert_eq!(style.status, StatusCode::OK);
    assert!(
        style.header(header::CACHE_CONTROL).contains("immutable"),
        "{} (WEB-04)",
        style.header(header::CACHE_CONTROL)
    );
    for trick in [
        "/static/../master.key",
        "/static/%2e%2e/master.key",
        "/static/%2e%2e%2fmaster.key",
        "/static/..%2fmaster.key",
        "/static/..%5cmaster.key",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/.git",
        "/static/%00",
        "/static",
        "/static/main.css",
        "/static/main.css%00.png",
        "//static/x",
        "/.env",
        "/static/../../../../etc/passwd",
        "/me/x.css",
        "/me/profile%2f..%2fx.css",
        "/static/x/../main.css",
        "/metrics",
        "/debug",
        "/server.rs",
        "/static/main.css.map",
    ] {
        let sent = exchange(
            server.port(),
            format!("GET {trick} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        let statuses = sent.statuses();
        assert!(matches!(statuses[..], [400 | 404]), "{trick}: {statuses:?} (WEB-05, WEB-08, OPS-03)");
        assert!(!sent.text.contains("root:") && sent.text.contains("no-store"), "{trick}");
    }
}

#[test]
fn what_is_too_much_is_refused_and_the_connection_ends() {
    let server = Vestibule::start();
    let port = server.port();
    let post = "POST /actions/sign-in/password HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let huge = exchange(port, format!("{post}Content-Length: 104857600\r\n\r\n{}", "x".repeat(1 << 20)).as_bytes());
    assert_eq!(huge.statuses(), [413], "100 MB are announced (WEB-11)");
    let chunked = exchange(port, format!("{post}Transfer-Encoding: chunked\r\n\r\n5\r\nusern\r\n0\r\n\r\n").as_bytes());
    assert!(matches!(chunked.statuses()[..], [400 | 411 | 413]), "{:?}", chunked.statuses());

    let long =
        exchange(port, format!("GET /start?q={} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(65_000)).as_bytes());
    assert!(matches!(long.statuses()[..], [400 | 414 | 431]), "{:?} (WEB-13)", long.statuses());
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    let many = exchange(port, format!("GET /start HTTP/1.1\r\nHost: localhost\r\n{many}\r\n").as_bytes());
    assert!(matches!(many.statuses()[..], [400 | 431]), "{:?} (WEB-13)", many.statuses());
    let wide = exchange(
        port,
        format!("GET /start HTTP/1.1\r\nHost: localhost\r\nCookie: a={}\r\n\r\n", "x".repeat(200_000)).as_bytes(),
    );
    assert!(matches!(wide.statuses()[..], [400 | 431]), "{:?} (WEB-13)", wide.statuses());
    assert_eq!(server.browser().get("/start/sign-in").status, StatusCode::OK);
}

#[test]
fn requests_that_two_programs_could_read_differently_are_refused() {
    let server = Vestibule::start();
    let hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = "POST /actions/sign-in/out HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n";
    let shapes = [
        ("CL.TE", format!("{post}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("TE.CL", format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n{hidden}")),
        ("TE.TE", format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}")),
        ("odd TE", format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: 44\r\n\r\n{hidden}")),
        ("a list of lengths", format!("{post}Content-Length: 0, 44\r\n\r\n{hidden}")),
        ("a signed length", format!("{post}Content-Length: +0\r\n\r\n{hidden}")),
        ("a folded line", format!("{post}X-A: b\r\n c\r\nContent-Length: 0\r\n\r\n{hidden}")),
        ("space before the colon", format!("{post}Content-Length : 0\r\n\r\n{hidden}")),
        ("a bare CR", format!("{post}X-A: b\rX-C: d\r\nContent-Length: 0\r\n\r\n{hidden}")),
        ("a bare LF", format!("{post}X-A: b\nContent-Length: 0\r\n\r\n{hidden}")),
        (
            "a bare LF after the request line",
            format!("{}Content-Length: 0\r\n\r\n{hidden}", post.replacen("\r\n", "\n", 1)),
        ),
        ("a bare LF at the end of the head", format!("{post}Content-Length: 0\r\n\n{hidden}")),
        ("NUL", format!("{post}X-A: b\0\r\nContent-Length: 0\r\n\r\n{hidden}")),
    ];
    for (what, bytes) in &shapes {
        let answer = exchange(server.port(), bytes.as_bytes());
        let statuses = answer.statuses();
        assert!(matches!(statuses[..], [400 | 411 | 501]), "{what}: one refusal and the end: {statuses:?} (WEB-09)");
    }
    let pipelined = exchange(
        server.port(),
        format!("{hidden}{}", hidden.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).as_bytes(),
    );
    assert_eq!(pipelined.statuses(), [200, 200], "the twin: two honest requests on one connection");
}

#[test]
fn methods_are_the_ones_that_an_address_knows() {
    let server = Vestibule::start();
    let page = server.browser().get("/start/sign-in");
    for path in ["/start/sign-in", "/healthz", "/readyz", "/robots.txt", "/nope"] {
        let get = Answer::read(server.browser().request(Method::GET, path).send());
        let head = Answer::read(server.browser().request(Method::HEAD, path).send());
        assert_eq!(head.status, get.status, "HEAD {path}");
        assert_eq!(
            (head.body.as_str(), head.header(header::CONTENT_TYPE)),
            ("", get.header(header::CONTENT_TYPE)),
            "HEAD {path}"
        );
    }
    assert_eq!(page.status, StatusCode::OK);
    for method in ["TRACE", "CONNECT", "BREW", "PROPFIND", "get"] {
        let answer = exchange(
            server.port(),
            format!(
                "{method} /start HTTP/1.1\r\nHost: localhost\r\nX-Told: secret-of-mine\r\nConnection: close\r\n\r\n"
            )
            .as_bytes(),
        );
        assert!(matches!(answer.statuses()[..], [400 | 405 | 501]), "{method}: {:?} (WEB-21)", answer.statuses());
        assert!(!answer.text.contains("secret-of-mine"), "{method} echoes (WEB-21)");
    }
}

#[test]
fn slow_clients_hold_up_nobody() {
    let server = Vestibule::start();
    let slow: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
            let begun: &[u8] = match number % 3 {
                0 => b"GET /start HTTP/1.1\r\nHost: loc",
                1 => b"POST /actions/sign-in/out HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 10\r\n\r\nx",
                _ => b"",
            };
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    let browser = server.browser();
    for _ in 0..20 {
        assert_eq!(browser.get("/start/sign-in").status, StatusCode::OK, "(WEB-13)");
    }
    // The head of a request has ten seconds; the server ends the connection without being asked.
    let mut first = &slow[0];
    first.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let mut rest = Vec::new();
    let ended = first.read_to_end(&mut rest);
    assert!(
        ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset),
        "cut off within ten seconds (WEB-13)"
    );
}

#[test]
fn health_answers_while_a_storm_of_sign_ins_runs() {
    let server = Vestibule::start();
    let people: Vec<String> = (0..4).map(|number| format!("bob-{number}")).collect();
    for name in &people {
        server.person(name);
    }
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let statuses: Vec<u16> = thread::scope(|scope| {
        let storm: Vec<_> = (0..16)
            .map(|number| {
                let (server, over, answered, name) = (&server, &over, &answered, &people[number % people.len()]);
                scope.spawn(move || {
                    let mut statuses = Vec::new();
                    while !over.load(Ordering::Relaxed) {
                        let fields = [("username", name.as_str()), ("password", PASSWORD)];
                        statuses.push(server.browser().post("/actions/sign-in/password", &fields).status.as_u16());
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    statuses
                })
            })
            .collect();
        let mut healthy = Vec::new();
        while answered.load(Ordering::Relaxed) < 60 {
            let answer =
                exchange(server.port(), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            healthy.push(answer.statuses() == [200]);
        }
        over.store(true, Ordering::Relaxed);
        assert!(healthy.len() >= 10 && healthy.iter().all(|healthy| *healthy), "{healthy:?}");
        storm.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        statuses.iter().all(|status| *status == 303),
        "right passwords are let in, also many at once: {statuses:?} (PW-21)"
    );
}

#[test]
fn told_to_stop_it_finishes_what_runs() {
    let mut server = Vestibule::start();
    let bob = server.person("bob");
    let browsers: Vec<_> = (0..6).map(|_| server.browser()).collect();
    let (port, started) = (server.port(), AtomicUsize::new(0));
    let running = |browser: &it::Browser| {
        let request =
            browser.request(Method::POST, "/actions/sign-in/password").header("sec-fetch-site", "same-origin");
        started.fetch_add(1, Ordering::Relaxed);
        request.form(&[("username", "bob"), ("password", &bob.password)]).send()
    };
    // Half a request is in, the other half comes after the signal.
    let body = format!("username=bob&password={PASSWORD}");
    let head = format!(
        "POST /actions/sign-in/password HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut half = TcpStream::connect(("127.0.0.1", port)).unwrap();
    half.write_all(head.as_bytes()).unwrap();
    half.write_all(&body.as_bytes()[..5]).unwrap();
    // The server has read the head once it answers another request that came later.
    assert_eq!(server.browser().get("/healthz").status, StatusCode::OK);
    thread::scope(|scope| {
        let posts: Vec<_> = browsers.iter().map(|browser| scope.spawn(|| running(browser))).collect();
        while started.load(Ordering::Relaxed) < browsers.len() {
            thread::yield_now();
        }
        let ending = scope.spawn(|| server.terminate());
        while TcpStream::connect(("127.0.0.1", port)).is_ok() && !ending.is_finished() {
            thread::yield_now();
        }
        half.write_all(&body.as_bytes()[5..]).unwrap();
        let mut answer = String::new();
        half.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer} (OPS-09)");
        for post in posts {
            // Who was not connected yet may be turned away; who was is answered in full.
            if let Ok(response) = post.join().unwrap() {
                assert_eq!(response.status(), StatusCode::SEE_OTHER, "(OPS-09)");
            }
        }
        assert!(ending.join().unwrap().success(), "ends in good order");
    });
    server.start_again();
    assert_eq!(server.browser().get("/readyz").status, StatusCode::OK);
}

#[test]
fn figures_are_for_operators_only() {
    let server = Vestibule::start();
    server.person("bob").enter(&server.browser());
    for path in ["/metrics", "/debug/pprof", "/openapi.json", "/swagger", "/actuator"] {
        assert_eq!(server.browser().get(path).status, StatusCode::NOT_FOUND, "{path} (OPS-03)");
    }
    let running = std::fs::read_to_string(server.data_dir().join("running.json")).unwrap();
    let running: serde_json::Value = serde_json::from_str(&running).unwrap();
    let port: u16 = running["ops"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let answer = exchange(port, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.statuses(), [200]);
    assert!(
        answer.text.contains("vestibule_sign_ins_total{step=\"password\",outcome=\"accepted\"} 1"),
        "{}",
        answer.text
    );
    for line in [
        "vestibule_password_hashes_total 1",
        "vestibule_password_hashes_waiting 0",
        "vestibule_database_up 1",
        "vestibule_outbox_pending{kind=\"mail\"} 0",
        "vestibule_outbox_oldest_seconds{kind=\"webhook\"} 0",
        "vestibule_outbox_given_up{kind=\"mail\"} 0",
    ] {
        assert!(answer.text.contains(line), "{line}: {}", answer.text);
    }
    assert!(!answer.text.contains("bob"), "no names (OPS-03)");
    for path in ["/start", "/me/profile", "/actions/sign-in/password", "/admin"] {
        let answer =
            exchange(port, format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(answer.statuses(), [404], "{path}: the portal is not there");
    }
}
