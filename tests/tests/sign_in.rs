//! Signing in and out by plain HTTP: where each post leads, what it refuses, and what becomes of the session's cookie.

use it::{Account, Answer, Browser, PASSWORD, Vestibule};
use reqwest::{Method, StatusCode, header};

const SIGN_IN: &str = "/actions/sign-in/password";

/// What the browser of somebody with this token is answered at a page for signed-in people only.
fn page_of(server: &Vestibule, cookie: &str, token: &str) -> Answer {
    let request =
        server.browser().request(Method::GET, "/me/profile").header(header::COOKIE, format!("{cookie}={token}"));
    Answer::read(request.send())
}

fn is_dead(server: &Vestibule, token: &str) -> bool {
    let answer = page_of(server, "vestibule", token);
    assert!(!answer.body.contains("</h1>"), "a page without a session: {}", answer.heading());
    answer.leads_to("/start/sign-in")
}

fn lives(server: &Vestibule, token: &str) -> bool {
    page_of(server, "vestibule", token).status == StatusCode::OK
}

/// The token that an answer gives the browser.
fn token(answer: &Answer) -> String {
    answer.cookie("vestibule").unwrap_or_default()
}

/// A form as its bytes, with headers of one's choice.
fn send(browser: &Browser, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = browser.request(Method::POST, path).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send())
}

const OWN_FORM: &[(&str, &str)] =
    &[("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];

#[test]
fn every_post_of_the_table_leads_where_it_says() {
    let server = Vestibule::start();
    let bob = server.person("bob");
    let browser = server.browser();

    let refused = browser.post(SIGN_IN, &[("username", "bob"), ("password", "wrong"), ("next", "/me/profile")]);
    assert!(refused.leads_to("/start/sign-in"), "{} {}", refused.status, refused.location());
    assert_eq!(token(&refused), "", "no session for a refused sign-in");
    let page = browser.get(refused.location());
    assert_eq!(page.notices().len(), 1, "{:?}", page.notices());
    assert_eq!(browser.get("/start/sign-in").notices().len(), 0, "a notice is shown once");

    let with_next = browser.post(SIGN_IN, &[("username", "bob"), ("password", PASSWORD), ("next", "/me/profile?a=b")]);
    assert_eq!((with_next.status, with_next.location()), (StatusCode::SEE_OTHER, "/me/profile?a=b"));
    assert_eq!(browser.get("/me/profile").status, StatusCode::OK);

    let out = browser.post("/actions/sign-in/out", &[]);
    assert_eq!((out.status, out.location()), (StatusCode::SEE_OTHER, "/start/sign-in"));
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"));

    let plain = bob.begin(&browser);
    assert_eq!((plain.status, plain.location()), (StatusCode::SEE_OTHER, "/start"));
    let empty = server.browser().post(SIGN_IN, &[("username", "BOB"), ("password", PASSWORD), ("next", "")]);
    assert_eq!((empty.status, empty.location()), (StatusCode::SEE_OTHER, "/start"), "names compare without case");

    let fields = [("current", PASSWORD), ("new", "heron-gravel-lantern-4"), ("again", "heron-gravel-lantern-4")];
    let changed = browser.post("/actions/me/password", &fields);
    assert_eq!((changed.status, changed.location()), (StatusCode::SEE_OTHER, "/me/security"));

    let (owner, browser) = server.owner("olga");
    let asked = owner.begin(&server.browser());
    assert_eq!((asked.status, asked.location()), (StatusCode::SEE_OTHER, "/start/second-factor"));
    let newcomer = server.person("newcomer");
    assert_eq!(browser.post("/actions/users/role-grant", &[("id", &newcomer.id), ("role", "auditor")]).status, 303);
    let enrol = newcomer.begin(&server.browser());
    assert_eq!((enrol.status, enrol.location()), (StatusCode::SEE_OTHER, "/start/enrol"));

    let again = server.browser();
    let fields = [("username", "olga"), ("password", PASSWORD), ("next", "/admin/users?q=x")];
    assert!(again.post(SIGN_IN, &fields).leads_to("/start/second-factor"));
    let wrong = again.post("/actions/sign-in/code", &[("code", "000000")]);
    assert_eq!((wrong.status, wrong.location()), (StatusCode::SEE_OTHER, "/start/second-factor"));
    assert_eq!(again.get("/start/second-factor").notices().len(), 1);
    let right = again.post("/actions/sign-in/code", &[("code", &owner.factor().recovery_code())]);
    assert_eq!(
        (right.status, right.location()),
        (StatusCode::SEE_OTHER, "/admin/users?q=x"),
        "`next` survives the step"
    );
}

#[test]
fn only_paths_of_this_site_are_gone_to_afterwards() {
    let server = Vestibule::start();
    server.person("bob");
    let elsewhere = [
        "//evil.example",
        "https:evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x=y",
        "/\r\nSet-Cookie: x=y",
        "/\t/evil.example",
        "evil",
        " /start",
        "/%2f/evil.example",
        "/..//evil.example",
        "data:text/html,x",
        "http:\\\\evil.example",
    ];
    for next in elsewhere {
        let answer = server.browser().post(SIGN_IN, &[("username", "bob"), ("password", PASSWORD), ("next", next)]);
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/start"), "{next:?} (PW-34)");
        assert!(answer.headers.get("x").is_none() && answer.cookie("x").is_none(), "{next:?} (WEB-15)");
    }
    for query in ["//evil.example", "https://evil.example", "/%5cevil.example"] {
        let page = server.browser().get(&format!("/start/sign-in?next={query}"));
        assert!(!page.body.contains("evil.example"), "{query} (PW-34)");
    }
    let page = server.browser().get("/start/sign-in?next=%2Fme%2Fprofile");
    assert_eq!(page.hidden("next"), "/me/profile");
}

#[test]
fn a_refusal_says_nothing_about_who_exists() {
    let server = Vestibule::start();
    let (_, owner) = server.owner("olga");
    let (known, gone) = (server.person("known"), server.person("leftt"));
    assert_eq!(server.cli(&["user", "disable", "leftt"]).code, 0);
    let made = owner.post(
        "/actions/users/create",
        &[("user_name", "guest"), ("email", "guest@example.com"), ("given_name", "G"), ("family_name", "F")],
    );
    assert_eq!(made.status, StatusCode::SEE_OTHER);

    let refused = |name: &str, password: &str| {
        let browser = server.browser();
        let post = browser.post(SIGN_IN, &[("username", name), ("password", password)]);
        assert!(post.leads_to("/start/sign-in"), "{name}: {} {}", post.status, post.location());
        // All names have five letters, so that their places in the answer have one length.
        let mask = |answer: Answer| answer.masked().replace(name, "*****");
        (mask(post), mask(browser.get("/start/sign-in")))
    };
    let wrong = refused(&known.name, "nearly-but-not-it-1");
    assert_eq!(refused("nobdy", PASSWORD), wrong, "an unknown name (PW-01)");
    assert_eq!(refused(&gone.name, PASSWORD), wrong, "a disabled person with the right password (PW-01, PW-30)");
    assert_eq!(refused(&gone.name, "nearly-but-not-it-1"), wrong, "a disabled person (PW-01)");
    assert_eq!(refused("guest", PASSWORD), wrong, "an invited person without a password (PW-01)");

    let reasons = server.cli(&["audit", "--action", "CredentialVerification", "--outcome", "failure", "--json"]);
    let reasons: std::collections::BTreeSet<String> = reasons
        .out
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["reason"].as_str().map(str::to_owned))
        .collect();
    assert!(reasons.len() >= 3, "the audit knows the true reasons: {reasons:?} (PW-30)");
}

#[test]
fn forms_that_are_not_ours_change_nothing() {
    let server = Vestibule::start();
    server.person("bob");
    let right = format!("username=bob&password={PASSWORD}");
    let json = format!("{{\"username\":\"bob\",\"password\":\"{PASSWORD}\"}}");
    let browser = server.browser();

    let malformed = [
        String::new(),
        "username=bob".to_owned(),
        format!("password={PASSWORD}"),
        format!("{right}&username=bob"),
        format!("{right}&password={PASSWORD}"),
        format!("{right}&%70assword={PASSWORD}"),
        format!("username[]=bob&password={PASSWORD}"),
        format!("username=bob&password[]={PASSWORD}"),
        format!("Username=bob&password={PASSWORD}"),
        format!("{right}&is_admin=true"),
        format!("{right}&role=owner"),
        format!("{right}&next=/start&next=/me"),
        format!("{right}&"),
        format!("{right}%"),
        format!("{right}&next=%zz"),
        format!("{right}&next=%ff"),
        format!("{right}%00garbage"),
        format!("{right}\n"),
        (0..1000).map(|number| format!("f{number}=1&")).collect::<String>() + &right,
        json.clone(),
    ];
    for body in &malformed {
        let answer = send(&browser, SIGN_IN, body, OWN_FORM);
        let shown: String = body.chars().take(80).collect();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown} (PW-23, AUTHZ-04, WEB-14)");
        assert_eq!(token(&answer), "", "{shown}");
        assert!(answer.body.contains("</h1>"), "a page says so");
    }
    // No forms, but what a person could type: refused like any wrong password.
    for password in
        [format!("{PASSWORD}%0a"), format!("{PASSWORD}%20"), format!("%0d{PASSWORD}"), PASSWORD.to_uppercase()]
    {
        let answer = send(&browser, SIGN_IN, &format!("username=bob&password={password}"), OWN_FORM);
        assert!(answer.leads_to("/start/sign-in"), "{password}: {} (PW-22)", answer.status);
    }
    for kind in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/cbor",
        "",
        "application/x-www-form-urlencodedx",
    ] {
        for body in [&right, &json] {
            let answer = send(&browser, SIGN_IN, body, &[("sec-fetch-site", "same-origin"), ("content-type", kind)]);
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind:?} (PW-23)");
        }
    }
    let untyped = send(&browser, SIGN_IN, &right, &[("sec-fetch-site", "same-origin")]);
    assert_eq!(untyped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD] {
        let request =
            browser.request(method.clone(), &format!("{SIGN_IN}?{right}")).header("sec-fetch-site", "same-origin");
        let answer = Answer::read(request.send());
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} (PW-33)");
        assert_eq!(token(&answer), "");
    }
    let page = browser.get(&format!("/start/sign-in?{right}"));
    assert!(!page.body.contains(PASSWORD), "a password in an address is not shown again (PW-33)");
    let basic = Answer::read(browser.request(Method::GET, "/me/profile").basic_auth("bob", Some(PASSWORD)).send());
    assert!(basic.leads_to("/start/sign-in"), "{} (PW-33)", basic.status);
    assert!(!server.log().contains(PASSWORD), "{} (PW-33, OPS-01)", server.log());

    let accepted = send(&browser, SIGN_IN, &right, OWN_FORM);
    assert!(accepted.leads_to("/start"), "the twin of all these: {} {}", accepted.status, accepted.location());
}

#[test]
fn posts_of_other_sites_are_refused() {
    let server = Vestibule::start();
    let bob = server.person("bob");
    let right = format!("username=bob&password={PASSWORD}");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let own = server.url("").trim_end_matches('/').to_owned();
    let other_port = format!("http://localhost:{}", server.port().wrapping_add(1));
    let other_scheme = own.replace("http:", "https:");

    let signed_in = server.browser();
    bob.enter(&signed_in);
    let strangers: &[&[(&str, &str)]] = &[
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost.evil.example")],
        &[("origin", "http://evillocalhost")],
        &[("origin", &other_port)],
        &[("origin", &other_scheme)],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("sec-fetch-site", "same-origin, same-origin")],
        &[("origin", &own), ("origin", "https://evil.example")],
        &[("referer", &own)],
    ];
    for headers in strangers {
        for (browser, path, body) in [
            (&server.browser(), SIGN_IN, right.as_str()),
            (&signed_in, "/actions/sign-in/out", ""),
            (&signed_in, "/actions/me/profile", "display_name=Evil&given_name=E&family_name=E"),
        ] {
            let answer = send(browser, path, body, &[&[kind], *headers].concat());
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?} (SESS-14, SESS-16, SESS-17)");
            assert!(answer.cookies().is_empty(), "{path} {headers:?}");
            let opened = answer.headers.get("access-control-allow-origin");
            assert!(opened.is_none(), "{headers:?} (SESS-21)");
        }
    }
    let profile = signed_in.get("/me/profile");
    assert!(profile.status == StatusCode::OK && !profile.body.contains("Evil"), "nothing has changed");

    let by_origin = send(&server.browser(), SIGN_IN, &right, &[kind, ("origin", &own)]);
    assert!(by_origin.leads_to("/start"), "a browser without Sec-Fetch-Site: {}", by_origin.status);
    // Neither header decides about the answer.
    let odd = [
        kind,
        ("sec-fetch-site", "same-origin"),
        ("referer", "https://evil.example/x"),
        ("accept", "application/json"),
    ];
    let answer = send(&server.browser(), SIGN_IN, &right, &odd);
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/start"));
    let wrong = send(&server.browser(), SIGN_IN, "username=bob&password=x", &odd);
    assert_eq!((wrong.status, wrong.location()), (StatusCode::SEE_OTHER, "/start/sign-in"));
    for path in ["/start/sign-in", "/healthz", "/me/profile"] {
        let answer = Answer::read(signed_in.request(Method::GET, path).header("origin", "https://evil.example").send());
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path} (SESS-21)");
    }
}

#[test]
fn guessing_is_slowed_down_before_the_tenth_guess_and_the_right_password_waits_as_well() {
    let server = Vestibule::start();
    server.person("bob");
    let guess = |name: &str, number: usize| {
        let body = format!("username={name}&password=guess-number-{number}");
        // Whoever sends forwarded headers without being a trusted proxy gains nothing (PW-10).
        let address = format!("203.0.113.{number}");
        send(
            &server.browser(),
            SIGN_IN,
            &body,
            &[OWN_FORM, &[("x-forwarded-for", &address), ("forwarded", &format!("for={address}"))]].concat(),
        )
    };
    let slowed =
        (0..10).map(|number| guess("bob", number)).find(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS);
    let slowed = slowed.expect("ten guesses were evaluated (PW-08)");
    let wait: u64 = slowed.header(header::RETRY_AFTER).parse().expect("Retry-After in seconds");
    assert!(wait >= 1 && slowed.body.contains("</h1>"), "{wait}");
    // Other names are free, until the source has had its fill.
    let many = (10..24)
        .map(|number| guess(&format!("name-{number}"), number))
        .find(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS);
    assert!(many.is_some(), "one source guesses many names (PW-09)");
    let right = server.browser().post(SIGN_IN, &[("username", "bob"), ("password", PASSWORD)]);
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "no fast path for the right password (PW-08)");
    assert_eq!(token(&right), "");
    assert_eq!(server.browser().get("/start/sign-in").status, StatusCode::OK, "only guesses are slowed down");
}

#[test]
fn a_browser_that_was_here_before_is_not_shut_out_by_the_guesses_of_others() {
    let server = Vestibule::start();
    let bob = server.person("bob");
    let own = server.browser();
    bob.enter(&own);
    assert_eq!(own.post("/actions/sign-in/out", &[]).status, StatusCode::SEE_OTHER);
    let throttled = (0..40).any(|number| {
        let fields = [("username", "bob"), ("password", &*format!("guess-number-{number}"))];
        server.browser().post(SIGN_IN, &fields).status == StatusCode::TOO_MANY_REQUESTS
    });
    assert!(throttled);
    bob.enter(&own);
}

#[test]
fn every_step_gives_the_session_a_new_token_and_kills_the_old_one() {
    let server = Vestibule::start();
    let (owner, browser) = server.owner("olga");
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    let own = server.browser();
    let request = own.request(Method::POST, SIGN_IN).header("sec-fetch-site", "same-origin");
    let request = request.header(header::COOKIE, format!("vestibule={planted}"));
    let first = Answer::read(request.form(&[("username", "olga"), ("password", PASSWORD)]).send());
    let half = token(&first);
    assert!(half.len() >= 22 && half != planted, "{half} (PW-16)");
    assert!(is_dead(&server, planted));
    for cookie in first.cookies() {
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.split("; ").any(|part| part.eq_ignore_ascii_case(attribute)), "{cookie} (SESS-01)");
        }
        assert!(!cookie.to_lowercase().contains("domain="), "{cookie} (SESS-01)");
    }

    let second = own.post("/actions/sign-in/code", &[("code", &owner.factor().recovery_code())]);
    let full = token(&second);
    assert!(full.len() >= 22 && full != half, "(SESS-02)");
    assert!(is_dead(&server, &half), "the half-way token is dead (SESS-02)");
    assert!(lives(&server, &full));

    let confirmed =
        own.post("/actions/me/confirm", &[("proof", &owner.factor().recovery_code()), ("next", "/me/security")]);
    assert!(confirmed.leads_to("/me/security"), "{} {}", confirmed.status, confirmed.location());
    let fresh = token(&confirmed);
    assert!(fresh.len() >= 22 && fresh != full && is_dead(&server, &full) && lives(&server, &fresh), "(SESS-02)");

    let out = own.post("/actions/sign-in/out", &[]);
    assert!(out.leads_to("/start/sign-in"));
    assert!(is_dead(&server, &fresh), "a token works no longer than its session (SESS-07)");
    let replayed = own.request(Method::POST, "/actions/me/profile").header("sec-fetch-site", "same-origin");
    let replayed = replayed.header(header::COOKIE, format!("vestibule={fresh}"));
    let replayed =
        Answer::read(replayed.form(&[("display_name", "X"), ("given_name", "X"), ("family_name", "X")]).send());
    assert!(replayed.leads_to("/start/sign-in"), "{} (SESS-07)", replayed.status);
    assert_eq!(browser.get("/me/profile").status, StatusCode::OK, "the owner's other browser goes on");
}

#[test]
fn on_https_the_cookie_belongs_to_this_host_alone() {
    let server = Vestibule::setup().env("VESTIBULE_PUBLIC_URL", "https://sso.example.com").start();
    server.person("bob");
    let send = |method: Method, path: &str, cookie: &str, form: &[(&str, &str)]| {
        let browser = server.browser();
        let mut request = browser
            .request(method.clone(), path)
            .header(header::HOST, "sso.example.com")
            .header(header::COOKIE, cookie);
        if method == Method::POST {
            request = request.header("origin", "https://sso.example.com").form(form);
        }
        Answer::read(request.send())
    };
    let answer = send(Method::POST, SIGN_IN, "", &[("username", "bob"), ("password", PASSWORD)]);
    assert!(answer.leads_to("/start"), "{}", answer.status);
    let token = answer.cookie("__Host-vestibule").expect("the session's cookie (SESS-01)");
    let out = send(Method::POST, "/actions/sign-in/out", &format!("__Host-vestibule={token}"), &[]);
    assert!(out.leads_to("/start/sign-in"));
    let (set, taken) = (answer.cookies(), out.cookies());
    assert!(taken.iter().any(|cookie| cookie.starts_with("__Host-vestibule=")), "{taken:?}");
    for cookie in set.into_iter().chain(taken) {
        assert!(cookie.starts_with("__Host-"), "{cookie} (SESS-01)");
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.split("; ").any(|part| part.eq_ignore_ascii_case(attribute)), "{cookie} (SESS-01)");
        }
        assert!(!cookie.to_lowercase().contains("domain="), "{cookie} (SESS-01)");
    }
    // A name without the prefix could have been set by a neighbouring host.
    let planted = send(Method::GET, "/me/profile", &format!("vestibule={token}"), &[]);
    assert!(planted.leads_to("/start/sign-in"), "{}", planted.status);
}

#[test]
fn a_changed_password_ends_all_other_sessions() {
    let server = Vestibule::start();
    let mut bob = server.person("bob");
    let (here, there) = (server.browser(), server.browser());
    let before = token(&bob.begin(&here));
    bob.enter(&there);
    let new = "heron-gravel-lantern-4";
    let change = |current: &str, new: &str, again: &str| {
        here.post("/actions/me/password", &[("current", current), ("new", new), ("again", again)])
    };
    for (current, chosen, again, why) in [
        ("wrong", new, new, "the present password is asked for (PW-24)"),
        ("", new, new, "the present password is asked for (PW-24)"),
        (PASSWORD, new, "heron-gravel-lantern-5", "typed twice"),
        (PASSWORD, "short-one", "short-one", "too short (PW-28)"),
        (PASSWORD, "passwordpassword", "passwordpassword", "guessed early (PW-28)"),
        (PASSWORD, "", "", "empty"),
    ] {
        let refused = change(current, chosen, again);
        assert!(refused.leads_to("/me/security"), "{why}: {} {}", refused.status, refused.location());
        assert_eq!(here.get("/me/security").notices().len(), 1, "{why}");
        assert_eq!(there.get("/me/profile").status, StatusCode::OK, "{why}: nobody is signed out");
    }
    let changed = change(PASSWORD, new, new);
    assert!(changed.leads_to("/me/security"), "{}", changed.status);
    assert!(there.get("/me/profile").leads_to("/start/sign-in"), "other sessions are over (PW-24)");
    assert_eq!(here.get("/me/profile").status, StatusCode::OK, "this one goes on");
    let after = token(&changed);
    assert!(!after.is_empty() && after != before && is_dead(&server, &before), "under a new token (SESS-02)");

    assert!(bob.begin(&server.browser()).leads_to("/start/sign-in"), "the old password is over");
    bob.password = new.to_owned();
    assert!(bob.begin(&server.browser()).leads_to("/start"));
    change(new, PASSWORD, PASSWORD);
    assert!(bob.begin(&server.browser()).leads_to("/start"), "a password of before is not taken again");
}

#[test]
fn the_first_owners_link_works_once_also_when_ten_use_it_at_once() {
    let server = Vestibule::start();
    for path in ["/start/link/AAAAAAAAAAAAAAAAAAAAAA", "/start/link/x"] {
        assert_eq!(server.browser().get(path).status, StatusCode::NOT_FOUND, "no set-up without the link (PW-31)");
    }
    let link = server.init("olga");
    let token = link.trim_start_matches("/start/link/").to_owned();
    assert!(token.len() >= 22, "{token}: 128 bits (PW-25)");
    for _ in 0..2 {
        let page = server.browser().get(&link);
        assert_eq!((page.status, page.hidden("token")), (StatusCode::OK, token.clone()), "looking does not use it up");
    }
    let weak = server.browser().post("/actions/sign-in/link", &[("token", &token), ("new", "olga"), ("again", "olga")]);
    assert!(weak.leads_to(&link), "a refused password does not use it up: {} {}", weak.status, weak.location());

    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let posts: Vec<_> = (0..10)
            .map(|_| {
                let (server, token) = (&server, &token);
                scope.spawn(move || {
                    let fields = [("token", token.as_str()), ("new", PASSWORD), ("again", PASSWORD)];
                    server.browser().post("/actions/sign-in/link", &fields)
                })
            })
            .collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let won = answers.iter().filter(|answer| answer.leads_to("/start/enrol")).count();
    let sessions =
        answers.iter().filter(|answer| answer.cookie("vestibule").is_some_and(|token| !token.is_empty())).count();
    assert_eq!(
        (won, sessions),
        (1, 1),
        "exactly one (PW-32): {:?}",
        answers.iter().map(Answer::location).collect::<Vec<_>>()
    );
    assert!(
        answers.iter().all(|answer| !answer.status.is_server_error()),
        "{:?}",
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>()
    );

    assert_eq!(server.browser().get(&link).status, StatusCode::NOT_FOUND, "spent (PW-25)");
    let again =
        server.browser().post("/actions/sign-in/link", &[("token", &token), ("new", PASSWORD), ("again", PASSWORD)]);
    assert_eq!(again.cookie("vestibule").unwrap_or_default(), "", "spent (PW-25)");
    let second = server.cli(&["init", "--admin", "second", "--email", "second@example.com"]);
    assert_eq!(second.code, 1, "there is an owner already (PW-31): {}", second.out);
    let owners = server.cli(&["user", "list", "--json"]);
    assert_eq!(owners.out.matches("\"owner\"").count(), 1, "{}", owners.out);
}

#[test]
fn a_reset_voids_the_password_the_sessions_and_every_older_link() {
    let server = Vestibule::start();
    let mut bob = server.person("bob");
    let browser = server.browser();
    bob.enter(&browser);
    let link = |account: &Account| {
        let reset = server.cli(&["user", "reset-password", &account.name]);
        assert_eq!(reset.code, 0, "{}", reset.err);
        let link = reset.out.trim().strip_prefix(&server.url("/start/link/")).expect("a link of ours").to_owned();
        assert_eq!(server.browser().get(&format!("/start/link/{link}")).status, StatusCode::OK);
        link
    };
    let (older, newer) = (link(&bob), link(&bob));
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"), "signed out");
    assert!(bob.begin(&server.browser()).leads_to("/start/sign-in"), "the password is void");
    let use_link = |token: &str, new: &str| {
        server.browser().post("/actions/sign-in/link", &[("token", token), ("new", new), ("again", new)])
    };
    assert_eq!(use_link(&older, PASSWORD).cookie("vestibule").unwrap_or_default(), "", "a newer link voids it (PW-25)");
    assert_eq!(server.browser().get(&format!("/start/link/{older}")).status, StatusCode::NOT_FOUND);
    let new = "heron-gravel-lantern-4";
    assert!(use_link(&newer, new).leads_to("/start"), "the newest works");
    assert_eq!(use_link(&newer, new).cookie("vestibule").unwrap_or_default(), "", "once (PW-25)");
    bob.password = new.to_owned();
    assert!(bob.begin(&server.browser()).leads_to("/start"));
}
