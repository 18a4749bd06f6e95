//! What was acknowledged is there after a power cut; what guards the data is asked for; nothing secret lies about in clear.

use std::{
    env, fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use data_encoding::BASE32_NOPAD;
use it::{Answer, Browser, PASSWORD, Vestibule};
use reqwest::{Method, header};
use serde_json::Value;

fn on_postgres() -> bool {
    env::var_os("VESTIBULE_TEST_DATABASE_URL").is_some()
}

/// A post whose answer may never come.
fn try_post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
    let request = browser.request(Method::POST, path).header("sec-fetch-site", "same-origin").form(fields);
    let response = request.send().ok()?;
    (response.status() == 303).then(|| Answer::read(Ok(response)))
}

#[expect(clippy::unwrap_used, reason = "tests")]
fn names_of(server: &Vestibule) -> Vec<String> {
    let listed = server.cli(&["user", "list", "--json"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    listed.as_array().unwrap().iter().map(|row| row["userName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_acknowledged_write_survives_kill_9() {
    const ROUNDS: usize = 3;
    let mut server = Vestibule::start();
    let (olga, _) = server.owner("olga");
    let people: Vec<String> = (0..3).map(|number| format!("bob-{number}")).collect();
    for name in &people {
        server.person(name);
    }
    let mut created = Vec::new();
    for round in 0..ROUNDS {
        let admin = server.browser();
        olga.enter(&admin);
        let (over, signed_in, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
        let (made, tokens) = {
            let (running, over, signed_in, acknowledged, admin) = (&server, &over, &signed_in, &acknowledged, &admin);
            let work = |count: &AtomicUsize, again: &dyn Fn(usize) -> Option<String>| {
                let mut done = Vec::new();
                while let Some(one) = (!over.load(Ordering::Relaxed)).then(|| again(done.len())).flatten() {
                    done.push(one);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                done
            };
            thread::scope(|scope| {
                let by_web = scope.spawn(move || {
                    work(acknowledged, &|number| {
                        let name = format!("web-{round}-{number}");
                        let email = format!("{name}@example.com");
                        let fields = [
                            ("user_name", name.as_str()),
                            ("email", &email),
                            ("given_name", "W"),
                            ("family_name", "W"),
                        ];
                        try_post(admin, "/actions/users/create", &fields).map(|_| name.clone())
                    })
                });
                let by_command = scope.spawn(move || {
                    work(acknowledged, &|number| {
                        let name = format!("cli-{round}-{number}");
                        let email = format!("{name}@example.com");
                        let words =
                            ["user", "create", &name, "--email", &email, "--given-name", "C", "--family-name", "C"];
                        let done = running.cli(&words);
                        assert_eq!(done.code, 0, "beside a running server: {}", done.err);
                        Some(name.clone())
                    })
                });
                let signing_in: Vec<_> = people
                    .iter()
                    .map(|name| {
                        scope.spawn(move || {
                            work(signed_in, &|_| {
                                let fields = [("username", name.as_str()), ("password", PASSWORD)];
                                try_post(&running.browser(), "/actions/sign-in/password", &fields)?.cookie("vestibule")
                            })
                        })
                    })
                    .collect();
                while acknowledged.load(Ordering::Relaxed) < 6 || signed_in.load(Ordering::Relaxed) < 6 {
                    thread::yield_now();
                }
                running.kill_now();
                over.store(true, Ordering::Relaxed);
                let made = [by_web.join().unwrap(), by_command.join().unwrap()].concat();
                let tokens: Vec<String> = signing_in.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
                (made, tokens)
            })
        };
        server.start_again();
        created.extend(made);
        let there = names_of(&server);
        for name in &created {
            assert!(there.contains(name), "{name} was acknowledged and is lost in round {round} (DB-08)");
        }
        assert!(!tokens.is_empty(), "nobody signed in during round {round}");
        for token in &tokens {
            let browser = server.browser();
            let page = browser.request(Method::GET, "/me/profile").header(header::COOKIE, format!("vestibule={token}"));
            assert_eq!(
                Answer::read(page.send()).status,
                200,
                "a session was acknowledged and is lost in round {round} (DB-08)"
            );
        }
    }
    let there = names_of(&server);
    let audit = server.cli(&["audit", "--action", "CreateUser", "--json"]);
    let audited: Vec<String> = audit
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["target"]["name"].as_str().unwrap().to_owned())
        .collect();
    for name in &there {
        assert_eq!(
            audited.iter().filter(|audited| *audited == name).count(),
            1,
            "{name} and its audit entry stand together (DB-08, AUTHZ-20)"
        );
    }
    assert_eq!(audited.len(), there.len(), "nobody is half there");
    let verified = server.cli(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{} (AUTHZ-20)", verified.err);
}

#[test]
fn a_command_killed_half_way_leaves_everything_or_nothing() {
    let server = Vestibule::start();
    let mut children: Vec<_> = (0..8)
        .map(|number| {
            let name = format!("cli-{number}");
            let email = format!("{name}@example.com");
            server.spawn(&["user", "create", &name, "--email", &email, "--given-name", "C", "--family-name", "C"])
        })
        .collect();
    let first = loop {
        if let Some(done) = children.iter_mut().find_map(|child| child.try_wait().unwrap()) {
            break done;
        }
        thread::yield_now();
    };
    assert!(first.success());
    for child in &mut children {
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
    }
    let there = names_of(&server);
    assert!(!there.is_empty());
    let audit = server.cli(&["audit", "--action", "CreateUser", "--json"]).out;
    assert_eq!(audit.lines().count(), there.len(), "a person and the entry about them stand together (DB-08)");
    for name in &there {
        assert_eq!(server.cli(&["user", "show", name]).code, 0);
    }
    server.person("bob").enter(&server.browser());
    assert_eq!(server.cli(&["audit", "verify"]).code, 0);
}

#[test]
fn one_file_of_sqlite_has_one_server() {
    if on_postgres() {
        // There, several servers share one database.
        return;
    }
    let mut server = Vestibule::start();
    let second = server.cli(&["serve"]);
    assert_eq!(second.code, 1, "{} (DB-14)", second.out);
    assert!(second.err.contains("Another server") && !second.out.contains("listening"), "{} (DB-14)", second.err);
    server.person("bob").enter(&server.browser());
    server.kill();
    // The lock goes with the process, however it ended.
    server.start_again();
    assert!(server.terminate().success());
}

#[test]
fn without_its_master_key_nothing_starts_and_nothing_is_overwritten() {
    let mut server = Vestibule::start();
    let (olga, _) = server.owner("olga");
    assert!(server.terminate().success());
    let file = server.data_dir().join("master.key");
    let key = fs::read_to_string(&file).unwrap();
    let other = Vestibule::start();
    let foreign = fs::read_to_string(other.data_dir().join("master.key")).unwrap();
    assert_ne!(key, foreign, "every installation has its own");

    for (what, text) in [
        ("another key", foreign.as_str()),
        ("a short key", &key[..8]),
        ("an empty key", ""),
        ("no key", "not base64 at all !"),
    ] {
        fs::write(&file, text).unwrap();
        for command in [&["serve"][..], &["user", "list"], &["user", "disable", "olga"]] {
            let started = server.cli(command);
            assert_eq!(started.code, 1, "{what}, {command:?}: {} (CRY-02)", started.err);
            assert!(started.err.replace('_', " ").contains("master key"), "{what}: {}", started.err);
            assert!(!started.out.contains("listening"), "{what}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{what} stays as it is (CRY-02)");
    }
    fs::remove_file(&file).unwrap();
    let started = server.cli(&["serve"]);
    assert_eq!(started.code, 1, "a missing key of a database that has one: {} (CRY-02)", started.err);
    assert!(!file.exists(), "no new key is made in its place (CRY-02)");

    fs::write(&file, &key).unwrap();
    let open = server.cli(&["serve"]);
    assert_eq!(open.code, 1, "a key that everybody can read: {}", open.err);
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    server.start_again();
    olga.enter(&server.browser());
}

#[test]
fn no_secret_lies_in_the_database_or_in_the_logs() {
    let mut server = Vestibule::setup()
        .env(
            "VESTIBULE_LOG__LEVEL",
            "trace,sqlx=trace,sea_orm_migration=trace,tower_sessions=trace,tower_sessions_core=trace",
        )
        .start();
    let (olga, owner) = server.owner("olga");
    let canary = "canary-ostrich-velvet-31";
    let email = "bob@example.com";
    let words =
        ["user", "create", "bob", "--email", email, "--given-name", "B", "--family-name", "B", "--password-stdin"];
    assert_eq!(server.cli_with_input(&words, canary).code, 0);
    let wrong = "canary-wrong-marble-77";
    let browser = server.browser();
    browser.post("/actions/sign-in/password", &[("username", "bob"), ("password", wrong)]);
    browser.post("/actions/sign-in/password", &[("username", wrong), ("password", "x")]);
    let session = browser.post("/actions/sign-in/password", &[("username", "bob"), ("password", canary)]);
    let session = session.cookie("vestibule").unwrap();
    let new = "canary-heron-gravel-54";
    browser.post("/actions/me/password", &[("current", canary), ("new", new), ("again", new)]);
    let code = olga.factor().recovery_code();
    let half = server.browser();
    let token_of = |answer: &Answer| answer.cookie("vestibule").unwrap();
    let half_way = token_of(&olga.begin(&half));
    let full = token_of(&half.post("/actions/sign-in/code", &[("code", &code)]));
    let link = |words: &[&str]| server.cli(words).out.trim().rsplit('/').next().unwrap().to_owned();
    let (reset, spent) = (link(&["user", "reset-password", "bob"]), link(&["user", "reset-password", "bob"]));
    server.browser().get(&format!("/start/link/{spent}"));
    server.browser().post("/actions/sign-in/link", &[("token", &spent), ("new", canary), ("again", canary)]);
    let made = [
        ("user_name", "carol"),
        ("email", "c@example.com"),
        ("given_name", "C"),
        ("family_name", "C"),
        ("invite", "on"),
    ];
    let invited = owner.post("/actions/users/create", &made);
    let shown = owner.get(invited.location()).body;
    let invitation = shown.split("/start/link/").nth(1).map(|rest| rest.split('<').next().unwrap()).unwrap().to_owned();

    let secret = BASE32_NOPAD.decode(olga.factor().secret.as_bytes()).unwrap();
    let plain_code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let texts = [
        canary,
        wrong,
        new,
        &session,
        &half_way,
        &full,
        &reset,
        &spent,
        &invitation,
        &olga.factor().secret,
        &code,
        &plain_code,
        PASSWORD,
    ];
    assert!(texts.iter().all(|text| text.len() >= 16), "{texts:?}");
    let key = fs::read_to_string(server.data_dir().join("master.key")).unwrap();
    let mut canaries: Vec<(&str, Vec<u8>)> = texts.iter().map(|text| (*text, text.as_bytes().to_vec())).collect();
    canaries.push(("the secret of the app", secret));
    canaries.push(("the recovery code in capitals", plain_code.to_uppercase().into_bytes()));
    canaries.push(("the master key", key.trim().as_bytes().to_vec()));

    // Killed, so that the write-ahead log is still there.
    let stored = server.stored();
    server.kill();
    let after = server.stored();
    let log = server.log().into_bytes();
    assert!(contains(&stored, b"carol") && contains(&after, b"carol"), "the search would find something");
    assert!(contains(&log, b"/actions/sign-in/code"), "the log is at its most talkative: {}", server.log());
    let audit = server.cli(&["audit", "--json"]).out.into_bytes();
    for (what, bytes) in &canaries {
        for (place, content) in
            [("the database", &stored), ("the database", &after), ("the log", &log), ("the audit log", &audit)]
        {
            assert!(!contains(content, bytes), "{what} stands in {place} (CRY-01, SESS-12, OPS-01)");
        }
    }
}

fn contains(content: &[u8], what: &[u8]) -> bool {
    content.windows(what.len()).any(|window| window == what)
}
