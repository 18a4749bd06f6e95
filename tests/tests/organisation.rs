//! The organisation file on the command line, beside a running server.

#![expect(clippy::expect_used, reason = "tests")]

use std::fs;

use it::Vestibule;
use serde_json::Value;

const EXAMPLE: &str = include_str!("../../docs/organisation-example.yaml");
const PASSWORD: &str = "correct horse battery staple of a stable";

fn started() -> Vestibule {
    let variables = ["ALICE_PASSWORD", "OWNER_PASSWORD", "HOOK_SECRET"];
    variables.iter().fold(Vestibule::setup(), |setup, name| setup.env(name, PASSWORD)).start()
}

fn written(server: &Vestibule, name: &str, text: &str) -> String {
    let path = server.data_dir().join(name);
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[test]
fn the_example_of_the_documentation_is_planned_applied_and_exported() {
    let server = started();
    let file = written(&server, "org.yaml", EXAMPLE);
    let planned = server.cli(&["plan", &file, "--json"]);
    assert_eq!(planned.code, 2, "{}", planned.err);
    let plan: Value = serde_json::from_str(&planned.out).expect("JSON");
    assert_eq!(plan["changes"][0]["kind"], "settings");
    assert!(plan["access"].as_array().is_some_and(|people| people[0]["user"] == "alice"), "{}", plan["access"]);
    let shown = server.cli(&["plan", &file]);
    assert!(shown.out.contains(" to create, ") && !shown.out.contains('\u{1b}'), "{}", shown.out);
    let applied = server.cli(&["apply", &file, "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(applied.err.contains("stored, inactive"), "{}", applied.err);
    assert_eq!(server.cli(&["plan", &file, "--prune"]).code, 0);
    let exported = server.cli(&["export"]);
    assert!(exported.code == 0 && !exported.out.contains(PASSWORD));
    let again = written(&server, "export.yaml", &exported.out);
    let planned = server.cli(&["plan", &again, "--prune"]);
    assert_eq!((planned.code, planned.out.lines().next()), (0, Some("nothing would change")), "{}", planned.err);
    let fields = [("username", "alice"), ("password", PASSWORD), ("next", "/me")];
    let signed_in = server.browser().post("/actions/sign-in/password", &fields);
    // She administers access, so the next step is a second factor; a wrong password would lead back.
    assert!(signed_in.status == 303 && !signed_in.leads_to("/start/sign-in"), "{}", signed_in.location());
}

#[test]
fn a_kept_plan_is_applied_once_and_only_while_nothing_changed() {
    let server = started();
    let file = written(&server, "org.yaml", "apiVersion: vestibule/v1\ngroups: [{name: Engineers}]\n");
    let kept = server.data_dir().join("today.plan").display().to_string();
    assert_eq!(server.cli(&["plan", &file, "--out", &kept]).code, 2);
    fs::write(&file, "apiVersion: vestibule/v1\ngroups: [{name: Others}]\n").expect("written");
    assert_eq!(server.cli(&["apply", &kept]).code, 0, "the plan carries its files");
    let late = server.cli(&["apply", &kept]);
    assert_eq!(late.code, 1);
    assert!(late.err.contains("out of date"), "{}", late.err);
    let exported = server.cli(&["export"]).out;
    assert!(exported.contains("name: Engineers") && !exported.contains("Others"));
}

#[test]
fn a_fault_names_file_line_column_and_field() {
    let server = started();
    let file = written(&server, "org.yaml", "apiVersion: vestibule/v1\nusers:\n  - userName: alice\n    emial: x\n");
    for command in ["plan", "apply"] {
        let done = server.cli(&[command, &file]);
        assert_eq!((done.code, done.out.as_str()), (1, ""));
        assert!(
            done.err.contains(&format!("{file}:4:5: users[0].emial: is not known here; is email meant?")),
            "{}",
            done.err
        );
    }
    assert_eq!(server.cli(&["plan", "missing.yaml"]).code, 1);
    assert_eq!(server.cli(&["plan"]).code, 64);
}

/// What is refused ends with 1, prints nothing as data, and leaves everything as it was.
#[test]
fn what_is_no_organisation_file_is_refused_by_its_place() {
    let server = started();
    let before = server.cli(&["export"]).out;
    let folder = server.data_dir().join("folder");
    fs::create_dir(&folder).expect("a folder");
    let file = server.data_dir().join("org.yaml").display().to_string();
    let said = "apiVersion: vestibule/v1\n";
    let laughs: String = (0..9).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n + 1)).collect();
    let large = format!("{said}groups:\n{}", "  - {name: G}\n".repeat(100));
    let idp = "identityProviders: [{account: \"111122223333\", type: saml, name: P, metadataFile: ";
    let wrong: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), ":1:1: apiVersion: is missing"),
        (b"apiVersion: vestibule/v2\n".to_vec(), ":1:13: apiVersion: must be vestibule/v1"),
        ([said.as_bytes(), b"groups:\n  - name: \xff\n"].concat(), ":3:11: is not UTF-8"),
        ([b"\xff\xfe".as_slice(), b"a\0p\0"].concat(), ":1:1: is not UTF-8"),
        ([said.as_bytes(), b"groups: []\n\0"].concat(), ":3:1: holds the control character U+0000"),
        (vec![0; 64], ":1:1: holds the control character U+0000"),
        (format!("{said}{laughs}").into_bytes(), "anchors (&name) are not allowed"),
        (large.into_bytes(), ":4:12: groups[1].name: names the same group as line 3"),
        (format!("{said}groups: [{{name: G}}]\ngroups: []").into_bytes(), ":3:1: groups: is given twice"),
        (
            format!("{said}{idp}gone.xml}}]").into_bytes(),
            ":2:82: identityProviders[0].metadataFile: gone.xml: cannot be read",
        ),
        (
            format!("{said}{idp}folder}}]").into_bytes(),
            ":2:82: identityProviders[0].metadataFile: folder: is a directory",
        ),
        (
            format!("{said}{idp}/dev/zero}}]").into_bytes(),
            "identityProviders[0].metadataFile: /dev/zero: is larger than 1 MiB",
        ),
        (b"{\"apiVersion\": \"vestibule/v1\", \"groups\": [{\"name\": \"G\"}".to_vec(), ": cannot be read as "),
        (b"{\"vestibulePlans\": 1}".to_vec(), ": vestibulePlans: is not known here"),
    ];
    for (bytes, expected) in wrong {
        fs::write(&file, &bytes).expect("written");
        for arguments in [["plan", &file, "--json"], ["apply", &file, "--yes"]] {
            let done = server.cli(&arguments);
            assert_eq!((done.code, done.out.as_str()), (1, ""), "{expected}: {}", done.err);
            assert!(done.err.contains(expected) && done.err.contains(&file), "{expected}: {}", done.err);
        }
    }
    let done = server.cli(&["apply", &folder.display().to_string()]);
    assert!(done.code == 1 && done.err.contains("is a directory"), "{}", done.err);
    assert_eq!(server.cli(&["export"]).out, before);
}

/// The size at which files are refused is far beyond any organisation; below it a file may be large.
#[test]
fn a_large_file_is_read_to_its_last_line() {
    let server = started();
    let comment = format!("# {}\n", "x".repeat(98)).repeat(200_000);
    let text = format!("apiVersion: vestibule/v1\n{comment}groups: [{{name: Last, nome: x}}]\n");
    let file = written(&server, "org.yaml", &text);
    let planned = server.cli(&["plan", &file]);
    let expected = ":200002:23: groups[0].nome: is not known here; is name meant?";
    assert!(planned.code == 1 && planned.err.contains(expected), "{}", planned.err);
}

#[test]
fn an_export_is_taken_by_an_empty_installation_and_says_the_same_there() {
    let first = started();
    let whole = format!(
        "{EXAMPLE}---\nadministrators:\n  - {{group: Engineers, role: access-admin, accounts: [\"111122223333\", {{path: /sandbox/**}}]}}\n"
    );
    let file = written(&first, "org.yaml", &whole);
    assert_eq!(first.cli(&["apply", &file, "--yes"]).code, 0);
    for (server, other) in [(&first, started()), (&Vestibule::demo(), started())] {
        let exported = server.cli(&["export"]);
        assert_eq!(exported.code, 0, "{}", exported.err);
        let again = written(server, "again.yaml", &exported.out);
        let planned = server.cli(&["plan", &again, "--prune"]);
        assert_eq!(planned.code, 0, "{}{}", planned.out, planned.err);
        let applied = server.cli(&["apply", &again, "--yes", "--prune", "--json"]);
        assert_eq!(applied.code, 0, "{}", applied.err);
        let counts: Value = serde_json::from_str(&applied.out).expect("JSON");
        assert!(["creates", "updates", "deletes"].iter().all(|name| counts[name] == 0), "{counts}");

        let file = written(&other, "org.yaml", &exported.out);
        assert_eq!(other.cli(&["plan", &file]).code, 2);
        let applied = other.cli(&["apply", &file, "--yes"]);
        assert_eq!(applied.code, 0, "{}", applied.err);
        assert_eq!(other.cli(&["export"]).out, exported.out);
        let as_json = other.cli(&["export", "--json"]).out;
        let file = written(&other, "org.json", &as_json);
        assert_eq!(other.cli(&["plan", &file, "--prune"]).code, 0);
    }
}
