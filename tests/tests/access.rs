//! Who may use what, asked on the command line: `explain` with the way or the nearest reason why not, and keys of administrators.

#![expect(clippy::expect_used, reason = "tests")]

use std::fs;

use it::{Vestibule, Words};
use serde_json::{Value, json};

/// One person for every reason; `ann` is in a group, `bea` has it herself, `dis` is disabled, `inv` only invited.
const ORGANISATION: &str = r#"
apiVersion: vestibule/v1
accounts:
  - {id: "111122223333", name: Production, path: /workloads/prod}
  - {id: "222233334444", name: "Q&A <b> \u05d0\u05d1 \U0001F680", path: /workloads/test}
  - {id: "333344445555", name: Closed, path: /old, status: suspended}
permissionSets:
  - name: Admin
    managedPolicies: [arn:aws:iam::aws:policy/AdministratorAccess]
    permissionsBoundary: {managedPolicy: arn:aws:iam::aws:policy/PowerUserAccess}
  - {name: ReadOnly}
groups:
  - {name: Engineers}
users:
  - {userName: ann, email: ann@example.com, givenName: Ann, familyName: A, groups: [Engineers], password: {fromEnv: PASSWORD}}
  - {userName: bea, email: bea@example.com, givenName: Bea, familyName: B, password: {fromEnv: PASSWORD}}
  - {userName: dis, email: dis@example.com, givenName: Dis, familyName: D, groups: [Engineers], password: {fromEnv: PASSWORD}, disabled: true}
  - {userName: inv, email: inv@example.com, givenName: Inv, familyName: I, groups: [Engineers]}
assignments:
  - {group: Engineers, permissionSet: Admin, accounts: {path: /workloads/**}}
  - {group: Engineers, permissionSet: Admin, accounts: ["333344445555"]}
  - {user: bea, permissionSet: ReadOnly, accounts: ["111122223333"], expires: "2999-01-31T00:00:00Z", reason: ticket 4711}
administrators:
  - {user: ann, role: admin}
"#;

/// A server with this organisation.
fn started() -> Vestibule {
    let server = Vestibule::setup().env("PASSWORD", "correct horse battery staple of a stable").start();
    apply(&server, ORGANISATION);
    server
}

fn apply(server: &Vestibule, organisation: &str) {
    let path = server.data_dir().join("org.yaml");
    fs::write(&path, organisation).expect("written");
    let applied = server.cli(&["apply", &path.display().to_string(), "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
}

fn explain(server: &Vestibule, user: &str, account: &str, set: &str, json: bool) -> Words {
    let asked = ["explain", "--user", user, "--account", account, "--permission-set", set, "--json"];
    server.cli(if json { &asked } else { &asked[..7] })
}

fn answer(words: &Words) -> Value {
    assert_eq!(words.code, 0, "{}", words.err);
    serde_json::from_str(&words.out).expect("JSON")
}

#[test]
fn what_is_granted_is_explained_by_the_way_that_leads_there() {
    let server = started();
    let through_group = answer(&explain(&server, "ann", "111122223333", "admin", true));
    let path = &through_group["paths"][0];
    assert_eq!(
        (&through_group["user"], &through_group["account"], &through_group["permissionSet"]),
        (&json!("ann"), &json!("111122223333"), &json!("Admin")),
        "names are written as they are kept"
    );
    assert_eq!((&through_group["allowed"], &through_group["nearest"]), (&json!(true), &Value::Null));
    assert_eq!((&path["via"], &path["group"], &path["expires"]), (&json!("group"), &json!("Engineers"), &Value::Null));
    assert_eq!(path["target"], "/workloads/**");
    assert!(path["assignment"].as_str().is_some_and(|id| !id.is_empty()));

    let own = answer(&explain(&server, "bea", "111122223333", "ReadOnly", true));
    let path = &own["paths"][0];
    assert_eq!((&path["via"], &path["group"]), (&json!("user"), &Value::Null));
    assert_eq!((&own["allowed"], &path["expires"]), (&json!(true), &json!("2999-01-31T00:00:00Z")));

    let said = explain(&server, "ann", "222233334444", "Admin", false);
    for part in [
        "ann may use Admin in Q&A <b> \u{5d0}\u{5d1} \u{1f680}.",
        "Group Engineers: assignment ",
        " for /workloads/**",
        "policy: arn:aws:iam::aws:policy/AdministratorAccess",
        "policy: Boundary: arn:aws:iam::aws:policy/PowerUserAccess",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let said = explain(&server, "bea", "111122223333", "ReadOnly", false);
    assert!(said.out.contains("Directly: ") && said.out.contains(", until 2999-01-31T00:00:00Z"), "{}", said.out);
}

#[test]
fn what_is_not_granted_is_explained_by_the_nearest_reason() {
    let server = started();
    for (user, account, set, reason) in [
        ("bea", "111122223333", "Admin", "bea has ReadOnly in this account, but not Admin."),
        ("bea", "222233334444", "ReadOnly", "bea has ReadOnly in 1 other account: Production (111122223333)."),
        ("bea", "222233334444", "Admin", "bea is not in a group that has it. These have it: Engineers."),
        ("dis", "111122223333", "Admin", "dis is disabled."),
        ("inv", "111122223333", "Admin", "inv has not accepted the invitation yet."),
        ("ann", "333344445555", "Admin", "Closed (333344445555) is suspended or closed."),
        ("ann", "999999999999", "Admin", "There is no account 999999999999."),
        ("ann", "111122223333", "Nothing", "There is no permission set Nothing."),
    ] {
        let told = answer(&explain(&server, user, account, set, true));
        assert_eq!((&told["allowed"], &told["nearest"]), (&json!(false), &json!(reason)), "{user} {account} {set}");
        let said = explain(&server, user, account, set, false);
        assert_eq!(said.code, 0, "an answer is no error: {}", said.err);
        assert!(said.out.contains(" may not use ") && said.out.contains(reason), "{}", said.out);
    }
    for (wrong, code) in [
        (&["--user", "nobody"][..], 1),
        (&["--user", "nobody", "--account", "111122223333", "--permission-set", "Admin"], 1),
        (&["--user", "ann", "--account", "999999999999"], 1),
        (&["--user", "ann", "--permission-set", "Nothing"], 1),
        (&["--user", "ann", "--account", "12"], 64),
        (&["--account", "111122223333"], 64),
    ] {
        let refused = server.cli(&[&["explain"], wrong].concat());
        assert_eq!((refused.code, refused.out.as_str()), (code, ""), "{wrong:?}: {}", refused.err);
        assert!(!refused.err.is_empty(), "{wrong:?}");
    }
}

#[test]
fn without_an_account_or_a_set_everything_is_listed() {
    let server = started();
    let all = answer(&server.cli(&["explain", "--user", "ann", "--json"]));
    let pairs: Vec<_> =
        all.as_array().expect("a list").iter().map(|line| (&line["account"], &line["permissionSet"])).collect();
    let (prod, test, admin) = (json!("111122223333"), json!("222233334444"), json!("Admin"));
    assert_eq!(pairs, [(&prod, &admin), (&test, &admin)], "by name, and nothing in the suspended account");
    let one = answer(&server.cli(&["explain", "--user", "ann", "--account", "222233334444", "--json"]));
    assert_eq!((one.as_array().map(Vec::len), &one[0]["paths"][0]["group"]), (Some(1), &json!("Engineers")));
    let shown = server.cli(&["explain", "--user", "ann"]);
    let mut lines = shown.out.lines();
    let heads: Vec<&str> = lines.next().expect("heads").split_whitespace().collect();
    assert_eq!(heads, ["ACCOUNT", "NAME", "PERMISSION", "SET", "THROUGH"]);
    assert!(lines.next().is_some_and(|line| line.starts_with("111122223333") && line.ends_with("Group Engineers")));
    for (user, why) in [("dis", "dis is disabled."), ("inv", "inv has not accepted the invitation yet.")] {
        let nothing = server.cli(&["explain", "--user", user, "--json"]);
        assert_eq!((nothing.code, nothing.out.trim(), nothing.err.trim()), (0, "[]", why));
    }
    let nothing = server.cli(&["explain", "--user", "bea", "--permission-set", "Admin"]);
    assert_eq!((nothing.code, nothing.err.trim()), (0, "bea may use nothing that matches."));
}

#[test]
fn a_key_of_an_administrator_is_shown_once_listed_and_revoked() {
    let server = started();
    let made = server.cli(&[
        "api-key",
        "create",
        "--user",
        "ann",
        "--role",
        "admin",
        "--description",
        "pipeline",
        "--expires",
        "P90D",
        "--json",
    ]);
    let key = answer(&made);
    let (id, secret) =
        (key["accessKeyId"].as_str().expect("an id"), key["secretAccessKey"].as_str().expect("a secret"));
    assert!(id.len() == 20 && id.starts_with("AKIA") && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    assert_eq!(secret.len(), 40);
    assert!(made.err.contains("not shown again") && !made.err.contains(secret), "{}", made.err);

    let listed = server.cli(&["api-key", "list", "--json"]);
    let row = &answer(&listed)[0];
    assert_eq!((&row["accessKeyId"], &row["userName"], &row["role"]), (&json!(id), &json!("ann"), &json!("admin")));
    assert_eq!(
        (&row["state"], &row["description"], &row["lastUsedAt"]),
        (&json!("active"), &json!("pipeline"), &Value::Null)
    );
    assert!(row["expiresAt"].as_str().is_some_and(|end| end.ends_with('Z')), "{row}");
    let audited = server.cli(&["audit", "--action", "CreateAccessKey", "--json"]);
    assert!(audited.out.contains(id), "{}", audited.out);
    for told in [&listed.out, &audited.out, &server.cli(&["export"]).out, &server.log()] {
        assert!(!told.contains(secret), "a secret is told once");
    }
    assert!(!server.stored().windows(secret.len()).any(|part| part == secret.as_bytes()), "and kept sealed");

    let shown = server.cli(&["api-key", "create", "--user", "ann", "--role", "admin"]);
    let lines: Vec<&str> = shown.out.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name)).collect();
    assert_eq!(
        (shown.code, lines.as_slice()),
        (0, &["aws_access_key_id", "aws_secret_access_key"][..]),
        "as a profile takes it"
    );

    assert_eq!(server.cli(&["api-key", "revoke", id]).code, 0);
    let left = answer(&server.cli(&["api-key", "list", "--json"]));
    assert!(left.as_array().is_some_and(|rows| rows.len() == 1 && rows[0]["accessKeyId"] != id), "{left}");
}

#[test]
fn a_key_that_cannot_be_made_says_why_and_changes_nothing() {
    let server = started();
    let key = |words: &[&str]| server.cli(&[&["api-key"], words].concat());
    for (words, code, why) in [
        (&["create", "--user", "nobody", "--role", "admin"][..], 1, "person"),
        (&["create", "--user", "ann", "--role", "owner"], 1, "role: must be one that this person holds"),
        (&["create", "--user", "bea", "--role", "admin"], 1, "role: must be one that this person holds"),
        (
            &["create", "--user", "ann", "--role", "admin", "--expires", "2001-01-01"],
            1,
            "expires: must lie in the future",
        ),
        (&["create", "--user", "ann", "--role", "admin", "--expires", "soon"], 1, "--expires: soon is no moment"),
        (
            &["create", "--user", "ann", "--role", "admin", "--description", "two\nlines"],
            1,
            "description: must be one line",
        ),
        (&["create", "--user", "ann", "--role", "king"], 64, "king"),
        (&["create", "--user", "ann"], 64, "--role"),
        (&["revoke", "AKIAAAAAAAAAAAAAAAAA"], 1, "API key"),
    ] {
        let refused = key(words);
        assert_eq!((refused.code, refused.out.as_str()), (code, ""), "{words:?}: {}", refused.err);
        assert!(refused.err.contains(why), "{words:?}: {}", refused.err);
    }
    assert_eq!(answer(&key(&["list", "--json"])), json!([]));
}
