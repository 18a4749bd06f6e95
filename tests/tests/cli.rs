//! The command line: exit codes, what is printed where and in which shape, configuration and its faults, backup and restore.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, env, fs};

use it::{PASSWORD, Vestibule, Words};
use serde_json::Value;

fn json(words: &Words) -> Value {
    assert_eq!(words.code, 0, "{}", words.err);
    serde_json::from_str(&words.out).unwrap_or_else(|error| panic!("{error}: {}", words.out))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn exit_codes_and_streams_are_those_of_the_contract() {
    let server = Vestibule::start();
    for usage in [
        &["nonsense"][..],
        &["user"],
        &["user", "create"],
        &["user", "list", "--colour"],
        &["serve", "--port", "1"],
        &["session", "revoke"],
        &[],
    ] {
        let done = server.cli(usage);
        assert_eq!((done.code, done.out.as_str()), (64, ""), "{usage:?}: {}", done.err);
        assert!(!done.err.is_empty(), "{usage:?}");
    }
    for good in [
        &["--help"][..],
        &["user", "--help"],
        &["--version"],
        &["version"],
        &["check-config"],
        &["healthcheck"],
        &["user", "list"],
        &["audit"],
        &["migrate"],
    ] {
        let done = server.cli(good);
        assert_eq!(done.code, 0, "{good:?}: {}", done.err);
    }
    for bad in [
        &["user", "show", "nobody"][..],
        &["user", "disable", "nobody"],
        &["user", "create", "x y", "--email", "x@example.com", "--given-name", "X", "--family-name", "X"],
        &["user", "create", "x", "--email", "no address", "--given-name", "X", "--family-name", "X"],
        &[
            "user",
            "create",
            "x",
            "--email",
            "x@example.com",
            "--given-name",
            "X",
            "--family-name",
            "X",
            "--group",
            "nobody",
        ],
        &["session", "revoke", "--user", "nobody"],
        &["audit", "--since", "yesterday"],
        &["check-config", "--config", "missing.toml"],
    ] {
        let done = server.cli(bad);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{bad:?}: {}", done.err);
        assert!(done.err.starts_with("error: "), "{bad:?}: {}", done.err);
    }
    assert_eq!(json(&server.cli(&["user", "list", "--json"])), Value::Array(Vec::new()), "nothing was half done");
}

#[test]
fn people_are_managed_beside_the_running_server() {
    let server = Vestibule::start();
    let bob = server.person("bob");
    let listed = json(&server.cli(&["user", "list", "--json"]));
    let row = &listed.as_array().unwrap()[0];
    let expected =
        ["id", "userName", "displayName", "email", "status", "hasFactor", "roles", "createdAt", "lastSignInAt"];
    assert!(keys(row).is_superset(&BTreeSet::from(expected)), "{row}");
    assert_eq!(
        (&row["userName"], &row["status"], &row["lastSignInAt"]),
        (&"bob".into(), &"active".into(), &Value::Null)
    );
    let browser = server.browser();
    bob.enter(&browser);
    let shown = json(&server.cli(&["user", "show", "BOB", "--json"]));
    assert_eq!(shown["id"], bob.id.as_str(), "names compare without case");
    assert!(shown["lastSignInAt"].as_str().unwrap().ends_with('Z'), "{shown}");

    let twice = server.cli_with_input(
        &[
            "user",
            "create",
            "BOB",
            "--email",
            "b2@example.com",
            "--given-name",
            "B",
            "--family-name",
            "B",
            "--password-stdin",
        ],
        PASSWORD,
    );
    assert_eq!(twice.code, 1, "one name, one person: {}", twice.out);
    let weak = server.cli_with_input(
        &[
            "user",
            "create",
            "eve",
            "--email",
            "e@example.com",
            "--given-name",
            "E",
            "--family-name",
            "E",
            "--password-stdin",
        ],
        "short",
    );
    assert_eq!(weak.code, 1, "{}", weak.out);
    assert_eq!(server.cli(&["user", "show", "eve"]).code, 1, "a refused password leaves nobody behind");

    let sessions = json(&server.cli(&["session", "list", "--user", "bob", "--json"]));
    let session = &sessions.as_array().unwrap()[0];
    let expected = ["id", "userName", "signedInAt", "lastSeenAt", "expiresAt", "source", "userAgent"];
    assert!(keys(session).is_superset(&BTreeSet::from(expected)), "{session}");
    assert_eq!(session["source"], "127.0.0.1");
    assert_eq!(server.cli(&["session", "revoke", session["id"].as_str().unwrap()]).code, 0);
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"), "takes effect at once");

    assert_eq!(server.cli_with_input(&["user", "set-password", "bob"], "heron-gravel-lantern-4\n").code, 0);
    assert!(bob.begin(&server.browser()).leads_to("/start/sign-in"), "the old password is over");
    let right = server
        .browser()
        .post("/actions/sign-in/password", &[("username", "bob"), ("password", "heron-gravel-lantern-4")]);
    assert_eq!(right.status, 303);
    assert!(right.cookie("vestibule").is_some(), "the line's end is no part of the password");
    for (verb, status) in [("disable", "disabled"), ("enable", "active")] {
        assert_eq!(server.cli(&["user", verb, "bob"]).code, 0);
        assert_eq!(json(&server.cli(&["user", "show", "bob", "--json"]))["status"], status);
    }
    let link = json(&server.cli(&["user", "reset-password", "bob", "--json"]));
    assert!(link["link"].as_str().unwrap().starts_with(&server.url("/start/link/")), "{link}");
    assert_eq!(server.cli(&["user", "delete", "bob"]).code, 0);
    assert_eq!(server.cli(&["user", "show", "bob"]).code, 1);
}

#[test]
fn keys_of_administrators_are_made_listed_and_revoked() {
    let server = Vestibule::start();
    server.owner("olga");
    let made = server.cli(&["api-key", "create", "--user", "olga", "--role", "owner", "--expires", "P90D", "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let made = json(&made);
    assert_eq!(keys(&made), BTreeSet::from(["accessKeyId", "secretAccessKey"]));
    let id = made["accessKeyId"].as_str().expect("an id");
    let listed = server.cli(&["api-key", "list", "--json"]);
    assert!(!listed.out.contains(made["secretAccessKey"].as_str().expect("a secret")));
    let row = &json(&listed)[0];
    assert_eq!((&row["accessKeyId"], &row["state"], &row["role"]), (&id.into(), &"active".into(), &"owner".into()));
    let other = server.cli(&["api-key", "create", "--user", "olga", "--role", "auditor"]);
    assert!(other.code == 1 && other.err.contains("role"), "{}", other.err);
    assert_eq!(server.cli(&["api-key", "revoke", id]).code, 0);
    assert_eq!(json(&server.cli(&["api-key", "list", "--json"])), serde_json::json!([]));
    assert_eq!(server.cli(&["api-key", "revoke", id]).code, 1, "once");
}

#[test]
fn the_audit_log_is_printed_as_the_contract_says() {
    let server = Vestibule::start();
    let (olga, owner) = server.owner("olga");
    let fields = [("user_name", "carol"), ("email", "c@example.com"), ("given_name", "C"), ("family_name", "C")];
    assert_eq!(owner.post("/actions/users/create", &fields).status, 303);
    server.browser().post("/actions/sign-in/password", &[("username", "olga"), ("password", "wrong")]);
    let printed = server.cli(&["audit", "--json"]);
    let entries: Vec<Value> =
        printed.out.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let named = [
        "id",
        "time",
        "action",
        "outcome",
        "actor",
        "target",
        "source",
        "requestId",
        "credentialId",
        "changes",
        "reason",
    ];
    for entry in &entries {
        assert!(keys(entry).is_superset(&BTreeSet::from(named)), "{entry}");
        for always in ["id", "time", "action", "outcome", "actor", "requestId"] {
            assert!(!entry[always].is_null(), "{always} is missing in {entry}");
        }
        assert_eq!(keys(&entry["actor"]), BTreeSet::from(["type", "name", "id"]), "{entry}");
        if !entry["target"].is_null() {
            assert_eq!(keys(&entry["target"]), BTreeSet::from(["type", "name", "id"]), "{entry}");
        }
        assert!(matches!(entry["outcome"].as_str().unwrap(), "success" | "failure"), "{entry}");
        let time = entry["time"].as_str().unwrap_or_else(|| panic!("a moment in words: {entry}"));
        assert!(time.len() >= 20 && time.ends_with('Z'), "{time}");
    }
    let created =
        entries.iter().find(|entry| entry["action"] == "CreateUser" && entry["target"]["name"] == "carol").unwrap();
    assert_eq!(
        (&created["actor"]["name"], &created["actor"]["id"]),
        (&"olga".into(), &olga.id.as_str().into()),
        "{created}"
    );
    assert_eq!(created["source"], "127.0.0.1");
    let failed = server.cli(&["audit", "--target", "olga", "--outcome", "failure", "--json"]).out;
    assert_eq!(failed.lines().count(), 1, "{failed}");
    let by_actor = server.cli(&["audit", "--actor", "olga", "--action", "CreateUser", "--json"]).out;
    assert_eq!(by_actor.lines().count(), 1, "{by_actor}");
    assert_eq!(server.cli(&["audit", "--since", "P1D", "--until", "2000-01-01", "--json"]).out, "");
    let verified = json(&server.cli(&["audit", "verify", "--json"]));
    assert_eq!(verified["entries"].as_u64().unwrap(), entries.len() as u64);
}

#[test]
fn faults_of_the_configuration_are_named_with_their_place() {
    let setup = Vestibule::setup();
    let file = setup.data_dir().join("vestibule.toml");
    fs::write(&file, "region = \"eu-central-1\"\nlisten = \"nowhere\"\nunknown = 1\n\n[smtp]\nhost = \"mail.example.com\"\n  prot = 25\n").unwrap();
    let checked = setup.cli(&["check-config"]);
    assert_eq!((checked.code, checked.out.as_str()), (1, ""));
    for line in ["vestibule.toml:3:1: unknown: ", "vestibule.toml:7:3: smtp.prot: "] {
        assert!(checked.err.contains(line), "{line} is missing in: {}", checked.err);
    }
    assert_eq!(setup.cli(&["serve"]).code, 1, "the same faults stop the start");
    fs::write(&file, "region = \"eu-central-1\"\nthis is no toml\n").unwrap();
    let broken = setup.cli(&["check-config"]);
    assert!(broken.code == 1 && broken.err.contains("vestibule.toml:2:"), "{}", broken.err);
    fs::write(&file, "region = \"eu-central-1\"\n").unwrap();
    assert_eq!(setup.cli(&["check-config"]).code, 0, "{}", setup.cli(&["check-config"]).err);

    for (name, value, said) in [
        ("VESTIBULE_LISTNE", "127.0.0.1:0", "VESTIBULE_LISTNE"),
        ("VESTIBULE_PUBLIC_URL", "http://sso.example.com", "VESTIBULE_PUBLIC_URL: public_url: "),
        ("VESTIBULE_PUBLIC_URL", "http://localhost.evil.example", "VESTIBULE_PUBLIC_URL: public_url: "),
        ("VESTIBULE_PUBLIC_URL", "https://sso.example.com/path", "VESTIBULE_PUBLIC_URL: public_url: "),
        ("VESTIBULE_DATABASE_URL", "mysql://x/y", "VESTIBULE_DATABASE_URL: database_url: "),
        ("VESTIBULE_TLS__CERT_FILE", "missing.pem", "VESTIBULE_TLS__CERT_FILE: tls.cert_file: "),
        ("VESTIBULE_LOG__LEVEL", "loud", "VESTIBULE_LOG__LEVEL: log.level: "),
    ] {
        for command in ["check-config", "serve"] {
            let refused = Vestibule::setup().env(name, value).cli(&[command]);
            assert_eq!(refused.code, 1, "{name}={value} {command}: {} {}", refused.out, refused.err);
            assert!(
                refused.err.contains(said) && !refused.out.contains("listening"),
                "{name}={value}: {} (OPS-05)",
                refused.err
            );
        }
    }
    let two = setup
        .env("VESTIBULE_SMTP__PASSWORD", "topsecret-canary")
        .env("VESTIBULE_SMTP__PASSWORD_FILE", "x")
        .cli(&["check-config"]);
    assert!(two.code == 1 && !two.err.contains("topsecret-canary"), "a secret is not repeated: {}", two.err);
}

#[test]
fn secrets_may_be_given_as_files() {
    let setup = Vestibule::setup();
    let folder = setup.data_dir().to_owned();
    fs::write(folder.join("mail.secret"), "hunter2-of-the-mail\n").unwrap();
    let setup = setup
        .env("VESTIBULE_SMTP__HOST", "127.0.0.1")
        .env("VESTIBULE_SMTP__FROM", "sso@example.com")
        .env("VESTIBULE_SMTP__USERNAME", "sso")
        .env("VESTIBULE_SMTP__PASSWORD_FILE", folder.join("mail.secret").to_str().unwrap());
    let good = setup.cli(&["check-config"]);
    assert_eq!(good.code, 0, "{}", good.err);
    fs::remove_file(folder.join("mail.secret")).unwrap();
    let missing = setup.cli(&["check-config"]);
    assert!(missing.code == 1 && missing.err.contains("smtp.password_file"), "{}", missing.err);

    let open = Vestibule::setup();
    let file = open.data_dir().join("vestibule.toml");
    fs::write(&file, "[smtp]\nhost = \"127.0.0.1\"\nfrom = \"sso@example.com\"\nusername = \"sso\"\npassword = \"hunter2-of-the-mail\"\n").unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let readable = open.cli(&["check-config"]);
    assert!(readable.code == 1 && readable.err.contains(":5:"), "everybody can read it: {} (OPS-04)", readable.err);
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(open.cli(&["check-config"]).code, 0);
}

#[test]
fn a_backup_made_while_the_server_runs_is_restored_elsewhere() {
    let server = Vestibule::start();
    let (olga, browser) = server.owner("olga");
    server.person("bob");
    let file = server.data_dir().join("backup.db");
    let made = server.cli(&["backup", file.to_str().unwrap()]);
    if env::var_os("VESTIBULE_TEST_DATABASE_URL").is_some() {
        assert!(made.code == 1 && made.err.contains("pg_dump"), "an explained refusal: {}", made.err);
        return;
    }
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(server.cli(&["backup", file.to_str().unwrap()]).code, 1, "no backup is overwritten");
    server.person("later");
    let cookie = browser.get("/me/profile");
    assert_eq!(cookie.status, 200);
    let running = server.cli(&["restore", file.to_str().unwrap()]);
    assert_eq!(running.code, 1, "not under a running server: {}", running.out);

    let elsewhere = Vestibule::setup();
    let without_key = elsewhere.cli(&["restore", file.to_str().unwrap()]);
    assert_eq!(without_key.code, 1, "a backup opens only with its master key: {} (OPS-06)", without_key.out);
    fs::copy(server.data_dir().join("master.key"), elsewhere.data_dir().join("master.key")).unwrap();
    let restored = elsewhere.cli(&["restore", file.to_str().unwrap()]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let elsewhere = elsewhere.start();
    let names = elsewhere.cli(&["user", "list", "--json"]).out;
    assert!(names.contains("bob") && !names.contains("later"), "as of the backup: {names}");
    let sessions = elsewhere.cli(&["session", "list", "--json"]).out;
    assert_eq!(sessions.trim(), "[]", "sessions of the backup have ended");
    olga.enter(&elsewhere.browser());
    let verified = elsewhere.cli(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
}

#[test]
fn health_is_checked_from_the_command_line() {
    let mut server = Vestibule::start();
    let ready = server.cli(&["healthcheck"]);
    assert_eq!((ready.code, ready.out.trim()), (0, "ready"), "{}", ready.err);
    assert_eq!(json(&server.cli(&["healthcheck", "--json"]))["status"], "ready");
    assert!(server.terminate().success());
    let gone = server.cli(&["healthcheck"]);
    assert_eq!((gone.code, gone.out.as_str()), (1, ""), "{}", gone.err);
}

#[test]
fn a_rotated_master_key_opens_everything_under_the_running_server() {
    let server = Vestibule::start();
    let (olga, browser) = server.owner("olga");
    let before = fs::read_to_string(server.data_dir().join("master.key")).unwrap();
    let rotated = server.cli(&["key", "rotate", "master"]);
    assert_eq!(rotated.code, 0, "{}", rotated.err);
    assert_ne!(fs::read_to_string(server.data_dir().join("master.key")).unwrap(), before);
    assert_eq!(browser.get("/admin").status, 200, "the session goes on");
    let again = server.browser();
    assert!(olga.begin(&again).leads_to("/start/second-factor"));
    let code = again.post("/actions/sign-in/code", &[("code", &olga.factor().code())]);
    assert!(code.leads_to("/start"), "the app's secret opens: {} {} (CRY-06)", code.status, code.location());
}
