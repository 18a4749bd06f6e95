//! The second factor from outside: it is not skipped, its codes work once, and guessing them ends soon.

use std::thread;

use it::{Account, Answer, Browser, Vestibule};
use reqwest::{Method, StatusCode};

/// Pages for people who are signed in completely.
const INSIDE: &[&str] = &[
    "/start",
    "/start/applications",
    "/start/confirm",
    "/me/profile",
    "/me/security",
    "/me/factors/app",
    "/me/factors/passkey",
    "/me/recovery-codes",
    "/admin",
    "/admin/users",
    "/admin/users/new",
    "/admin/groups",
    "/admin/groups/new",
    "/admin/administrators",
    "/admin/sessions",
    "/admin/audit",
    "/admin/settings",
];

/// Posts with all their fields, for people who are signed in completely.
fn inside(id: &str) -> Vec<(&'static str, Vec<(&'static str, &str)>)> {
    let password = it::PASSWORD;
    vec![
        (
            "/actions/me/password",
            vec![("current", password), ("new", "other-heron-lamp-7"), ("again", "other-heron-lamp-7")],
        ),
        (
            "/actions/me/profile",
            vec![("display_name", "Changed"), ("given_name", "Changed"), ("family_name", "Changed")],
        ),
        ("/actions/me/theme", vec![("theme", "dark")]),
        ("/actions/me/confirm", vec![("proof", password)]),
        ("/actions/me/recovery-codes", vec![]),
        ("/actions/me/end-other-sessions", vec![]),
        ("/actions/me/add-passkey-begin", vec![]),
        ("/actions/sign-in/new-password", vec![("new", "other-heron-lamp-7"), ("again", "other-heron-lamp-7")]),
        (
            "/actions/users/create",
            vec![("user_name", "planted"), ("email", "p@example.com"), ("given_name", "P"), ("family_name", "P")],
        ),
        ("/actions/users/disable", vec![("id", id)]),
        ("/actions/users/reset-factors", vec![("id", id)]),
        ("/actions/users/role-grant", vec![("id", id), ("role", "owner")]),
        ("/actions/groups/create", vec![("name", "planted")]),
        ("/actions/settings/organization", vec![("version", "1"), ("organization_name", "Changed")]),
    ]
}

/// Whoever stands half-way sees nothing and changes nothing.
fn shut_out(server: &Vestibule, browser: &Browser, step: &str, id: &str) {
    let people = server.cli(&["user", "list", "--json"]).out;
    for page in INSIDE {
        let answer = browser.get(page);
        assert!(answer.leads_to(step), "{page}: {} {} (MFA-07)", answer.status, answer.location());
        assert!(!answer.body.contains("<h1"), "{page} shows something (MFA-07)");
    }
    for (path, fields) in inside(id) {
        let answer = browser.post(path, &fields);
        let refused = answer.leads_to(step)
            || answer.status == StatusCode::FORBIDDEN
            || answer.status == StatusCode::UNAUTHORIZED;
        assert!(refused, "{path}: {} {} (MFA-07)", answer.status, answer.location());
    }
    assert_eq!(server.cli(&["user", "list", "--json"]).out, people, "nothing has changed (MFA-07)");
}

#[test]
fn no_address_leads_around_an_open_step() {
    let server = Vestibule::start();
    let (olga, owner) = server.owner("olga");
    let half = server.browser();
    assert!(olga.begin(&half).leads_to("/start/second-factor"));
    shut_out(&server, &half, "/start/second-factor", &olga.id);
    for page in ["/start/enrol", "/start/enrol/app", "/start/new-password"] {
        assert!(half.get(page).leads_to("/start/second-factor"), "{page}: another factor is no way around (MFA-10)");
    }
    for (path, fields) in [
        ("/actions/sign-in/enrol-app", vec![("ceremony", "x"), ("code", "000000")]),
        ("/actions/sign-in/enrol-passkey-begin", vec![]),
    ] {
        let answer = half.post(path, &fields);
        assert!(
            answer.leads_to("/start/second-factor") || answer.status == StatusCode::FORBIDDEN,
            "{path}: {}",
            answer.status
        );
    }

    let auditor = server.person("audrey");
    assert_eq!(owner.post("/actions/users/role-grant", &[("id", &auditor.id), ("role", "auditor")]).status, 303);
    let unenrolled = server.browser();
    assert!(auditor.begin(&unenrolled).leads_to("/start/enrol"));
    shut_out(&server, &unenrolled, "/start/enrol", &auditor.id);

    let right = half.post("/actions/sign-in/code", &[("code", &olga.factor().recovery_code())]);
    assert!(right.leads_to("/start"), "the twin: the step itself leads in: {} {}", right.status, right.location());
    assert_eq!(half.get("/admin/users").status, StatusCode::OK);
}

#[test]
fn a_code_of_the_app_works_once_and_only_in_its_time() {
    let server = Vestibule::start();
    let (olga, _) = server.owner("olga");
    let factor = olga.factor();
    let send = |code: &str| {
        let browser = server.browser();
        assert!(olga.begin(&browser).leads_to("/start/second-factor"));
        browser.post("/actions/sign-in/code", &[("code", code)])
    };
    for steps in [-3, -2, 3] {
        assert!(send(&factor.code_at(steps)).leads_to("/start/second-factor"), "{steps} half minutes (MFA-02)");
    }
    let code = factor.code();
    assert!(send(&code).leads_to("/start"), "a fresh code");
    assert!(send(&code).leads_to("/start/second-factor"), "the same again (MFA-01)");

    // One browser each, all past the password, all with the one code.
    let code = factor.code();
    let browsers: Vec<Browser> = (0..20).map(|_| server.browser()).collect();
    let answers = at_once(&browsers, |browser| {
        let answer = olga.begin(browser);
        assert!(
            answer.leads_to("/start/second-factor"),
            "twenty right passwords at once: {} {} {}",
            answer.status,
            answer.header(reqwest::header::RETRY_AFTER),
            answer.body
        );
    });
    assert_eq!(answers.len(), 20);
    let answers: Vec<Answer> = at_once(&browsers, |browser| browser.post("/actions/sign-in/code", &[("code", &code)]));
    let won = answers.iter().filter(|answer| answer.leads_to("/start")).count();
    assert_eq!(won, 1, "exactly one of twenty (MFA-01)");
    let others = answers.iter().filter(|answer| {
        answer.leads_to("/start/second-factor")
            || answer.leads_to("/start/sign-in")
            || answer.status == StatusCode::TOO_MANY_REQUESTS
    });
    assert_eq!(others.count(), 19, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let inside = browsers.iter().filter(|browser| browser.get("/me/profile").status == StatusCode::OK).count();
    assert_eq!(inside, 1, "one of them is in");
}

#[expect(clippy::expect_used, reason = "a panic inside is a panic of the test")]
fn at_once<T: Send>(browsers: &[Browser], work: impl Fn(&Browser) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let running: Vec<_> = browsers.iter().map(|browser| scope.spawn(|| work(browser))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn a_recovery_code_works_once_and_a_new_sheet_voids_the_old() {
    let server = Vestibule::start();
    let (olga, _) = server.owner("olga");
    let factor = olga.factor();
    let half_way = || {
        let browser = server.browser();
        assert!(olga.begin(&browser).leads_to("/start/second-factor"));
        browser
    };
    let send = |browser: &Browser, code: &str| browser.post("/actions/sign-in/code", &[("code", code)]);
    let code = factor.recovery_code();
    let typed = format!(" {} ", code.to_uppercase().replace('-', " "));
    let inside = half_way();
    assert!(send(&inside, &typed).leads_to("/start"), "capitals, hyphens and spaces do not matter: {typed:?}");
    assert!(send(&half_way(), &code).leads_to("/start/second-factor"), "once (MFA-14)");

    let code = factor.recovery_code();
    let browsers = [half_way(), half_way(), half_way(), half_way()];
    let won = at_once(&browsers, |browser| send(browser, &code).leads_to("/start"));
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1, "one of four at once (MFA-14)");

    let old = factor.recovery_code();
    let renewed = inside.post("/actions/me/recovery-codes", &[]);
    assert!(renewed.leads_to("/me/recovery-codes"), "{} {}", renewed.status, renewed.location());
    let sheet = inside.get("/me/recovery-codes").recovery_codes();
    assert_eq!(sheet.len(), 10);
    assert_eq!(inside.get("/me/recovery-codes").recovery_codes().len(), 0, "shown once");
    assert!(send(&half_way(), &old).leads_to("/start/second-factor"), "the old sheet is void (MFA-14)");
    assert!(send(&half_way(), &sheet[3]).leads_to("/start"), "the new one works");
}

#[test]
fn guesses_of_codes_have_one_budget_for_all_sign_ins() {
    let server = Vestibule::start();
    let (olga, known) = server.owner("olga");
    let mut evaluated = 0;
    let throttled = 'guessing: loop {
        let browser = server.browser();
        assert!(olga.begin(&browser).leads_to("/start/second-factor"));
        for guess in 0..6 {
            let answer = browser.post("/actions/sign-in/code", &[("code", &format!("00000{guess}"))]);
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                break 'guessing answer;
            }
            if answer.leads_to("/start/sign-in") {
                assert!(guess <= 5, "a sign-in ends after five guesses (MFA-04)");
                break;
            }
            assert!(answer.leads_to("/start/second-factor"), "{} {}", answer.status, answer.location());
            evaluated += 1;
            assert!(evaluated <= 10, "ten guesses were evaluated over several sign-ins (MFA-05)");
        }
        let after = browser.get("/start/second-factor");
        assert!(after.leads_to("/start/sign-in"), "a sign-in ends after five guesses (MFA-04): {}", after.status);
    };
    let wait: u64 = throttled.header(reqwest::header::RETRY_AFTER).parse().unwrap();
    assert!(wait > 60, "{wait} s");
    let browser = server.browser();
    assert!(olga.begin(&browser).leads_to("/start/second-factor"));
    let right = browser.post("/actions/sign-in/code", &[("code", &olga.factor().code())]);
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "no fast path for the right code");

    assert_eq!(known.post("/actions/sign-in/out", &[]).status, StatusCode::SEE_OTHER);
    olga.enter(&known);
    assert_eq!(known.get("/admin").status, StatusCode::OK, "her own browser is not shut out by them");
}

#[test]
fn helpdesk_gives_a_new_start_to_who_has_lost_the_app() {
    let server = Vestibule::start();
    let (_, owner) = server.owner("olga");
    let (_, helpdesk) = server.administrator(&owner, "heidi", "helpdesk");
    let mut bob = server.person("bob");
    let browser = server.browser();
    bob.enter(&browser);
    let page = browser.get("/me/factors/app");
    let (secret, ceremony) = (page.secret(), page.hidden("ceremony"));
    let app = it::Factor::new(&secret);
    let added =
        browser.post("/actions/me/add-app", &[("ceremony", &ceremony), ("code", &app.code()), ("name", "Phone")]);
    assert!(added.leads_to("/me/recovery-codes"), "{} {}", added.status, added.location());
    app.keep(browser.get("/me/recovery-codes").recovery_codes());
    bob.factor = Some(app);
    let again = server.browser();
    bob.enter(&again);

    let reset = helpdesk.post("/actions/users/reset-factors", &[("id", &bob.id)]);
    assert!(reset.leads_to(&format!("/admin/users/{}/link", bob.id)), "{} {}", reset.status, reset.location());
    let shown = helpdesk.get(reset.location());
    let link = shown
        .body
        .split("/start/link/")
        .nth(1)
        .map(|rest| rest.split('<').next().unwrap_or_default())
        .unwrap_or_default();
    assert!(link.len() >= 22, "the link is shown once: {}", shown.heading());
    assert!(!helpdesk.get(reset.location()).body.contains(link), "and once only");
    for browser in [&browser, &again] {
        assert!(browser.get("/me/profile").leads_to("/start/sign-in"), "his sessions are over (MFA-26)");
    }
    enrols_by_link(&server, &mut bob, link);
}

fn enrols_by_link(server: &Vestibule, person: &mut Account, token: &str) {
    let browser = server.browser();
    let wrong = browser.post("/actions/sign-in/link", &[("token", token), ("new", "not the password"), ("again", "")]);
    assert!(!wrong.leads_to("/start/enrol"), "the link alone is no proof");
    let right = browser.post("/actions/sign-in/link", &[("token", token), ("new", &person.password), ("again", "")]);
    assert!(right.leads_to("/start/enrol"), "{} {}", right.status, right.location());
    person.enrol(&browser);
    assert_eq!(Answer::read(browser.request(Method::GET, "/me/profile").send()).status, StatusCode::OK);
}
