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
