//! Faults that are not written one by one: every place of a whole file, and every limit.

use serde_json::{Value, json};

use super::events::{Event, Source as _};
use super::node::{Node, Path};
use super::yaml::YamlSource;
use super::*;

/// A file with something of every section.
const WHOLE: &str = include_str!("../../../../docs/organisation-example.yaml");

fn no_files(_: &str, name: &str) -> Result<String, String> {
    Err(format!("{name} cannot be read"))
}

fn faults_of(file: &Value) -> Vec<Fault> {
    let text = file.to_string();
    let (_, faults) = read(&[Document { name: "org.json", text: &text }], &no_files);
    faults.into_list().0
}

fn whole() -> Value {
    let mut source = YamlSource::of(WHOLE);
    let mut faults = Faults::default();
    loop {
        let (event, line, column) = source.step().unwrap();
        if event == Event::Map {
            let first = (event, At { file: 0, line, column });
            return Node::build(&mut source, first, &Path::Root("file"), &mut faults).unwrap().json();
        }
    }
}

/// Every place in a value, as a JSON pointer and as faults name it.
fn places(value: &Value, pointer: &str, field: &str, found: &mut Vec<(String, String)>) {
    found.push((pointer.to_owned(), field.to_owned()));
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let field = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                places(inner, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), &field, found);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                places(inner, &format!("{pointer}/{index}"), &format!("{field}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// Where keys are the writer's own.
const FREE: [&str; 3] = ["tags", "attributes", "attributesForAccessControl"];

const SETS_POLICY: &str = "permissionSets[0].inlinePolicy";

#[test]
fn a_key_that_nobody_knows_is_refused_wherever_it_stands() {
    let whole = whole();
    assert_eq!(faults_of(&whole), []);
    let mut all = Vec::new();
    places(&whole, "", "", &mut all);
    let mut tried = 0;
    for (pointer, field) in all {
        // Of permission sets the domain looks at the policy.
        if FREE.iter().any(|name| field.ends_with(&format!(".{name}"))) || field.starts_with(SETS_POLICY) {
            continue;
        }
        let mut file = whole.clone();
        let Some(Value::Object(fields)) = file.pointer_mut(&pointer) else { continue };
        fields.insert("zebra".to_owned(), json!("x"));
        tried += 1;
        let found = faults_of(&file);
        let expected = if field.is_empty() { "zebra".to_owned() } else { format!("{field}.zebra") };
        // Below a policy's principal or condition the grammar of IAM says it its own way.
        let fits = matches!(found.as_slice(), [fault] if fault.field == expected)
            || (field.contains("olicy") && found.len() == 1 && found[0].field.starts_with(&field));
        assert!(fits, "{expected}: {found:#?}");
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn a_value_of_another_kind_is_refused_where_it_stands() {
    let whole = whole();
    let mut all = Vec::new();
    places(&whole, "", "", &mut all);
    for (pointer, field) in all.into_iter().skip(1) {
        for other in [json!([[]]), json!({"a": {"b": 1}}), json!(1.5)] {
            let mut file = whole.clone();
            *file.pointer_mut(&pointer).unwrap() = other.clone();
            let found = faults_of(&file);
            let free = field.contains("olicy") || field.contains("ocument");
            assert!(
                free || (!found.is_empty() && found.iter().all(|fault| fault.field.starts_with(parent(&field)))),
                "{field}: {other}: {found:#?}"
            );
        }
    }
}

/// What holds a field: some faults are about the whole of it.
fn parent(field: &str) -> &str {
    field.rsplit_once('.').map_or(field, |(parent, _)| parent)
}

/// A field, its limit, and a file that has so much of it.
type Limit<'l> = (&'l str, usize, Box<dyn Fn(usize) -> Value + 'l>);

#[test]
fn limits_hold_to_the_last_one() {
    let long = |n: usize| "x".repeat(n);
    let many = |n: usize| -> Value { Value::Object((0..n).map(|n| (format!("k{n}"), json!("v"))).collect()) };
    let list = |n: usize| -> Value { (0..n).map(|n| json!({"path": format!("/p{n}")})).collect() };
    let of = |section: &str, thing: Value| json!({"apiVersion": API_VERSION, section: [thing]});
    let user = |name: &str, value: Value| of("users", json!({"userName": "a", name: value}));
    let assignment = |name: &str, value: Value| {
        let mut thing = json!({"user": "a", "permissionSet": "R", "accounts": {"path": "/"}});
        thing[name] = value;
        of("assignments", thing)
    };
    let admin = |n| of("administrators", json!({"user": "a", "role": "access-admin", "accounts": list(n)}));
    let hooks = |n: usize| -> Value {
        let hooks: Value = (0..n).map(|n| json!({"url": format!("https://example.com/{n}")})).collect();
        json!({"apiVersion": API_VERSION, "settings": {"webhooks": hooks}})
    };
    let limits: Vec<Limit<'_>> = vec![
        ("users[0].userName", 128, Box::new(|n| of("users", json!({"userName": long(n)})))),
        ("users[0].givenName", 256, Box::new(|n| user("givenName", json!(long(n))))),
        ("users[0].attributes", 50, Box::new(|n| user("attributes", many(n)))),
        ("users[0].attributes.k", 256, Box::new(|n| user("attributes", json!({"k": long(n)})))),
        ("groups[0].name", 128, Box::new(|n| of("groups", json!({"name": long(n)})))),
        ("groups[0].description", 1_024, Box::new(|n| of("groups", json!({"name": "G", "description": long(n)})))),
        ("permissionSets[0].name", 32, Box::new(|n| of("permissionSets", json!({"name": long(n)})))),
        ("applications[0].name", 100, Box::new(|n| of("applications", json!({"name": long(n)})))),
        ("assignments[0].reason", 500, Box::new(|n| assignment("reason", json!(long(n))))),
        ("administrators[0].accounts", 100, Box::new(admin)),
        ("settings.webhooks", 20, Box::new(hooks)),
        ("roles[0].name", 64, Box::new(|n| of("roles", json!({"account": "111122223333", "name": long(n)})))),
        ("directories[0].name", 64, Box::new(|n| of("directories", json!({"type": "saml", "name": long(n)})))),
    ];
    for (field, most, file) in limits {
        assert_eq!(faults_of(&file(most)), [], "{field}");
        let beyond = faults_of(&file(most + 1));
        assert!(matches!(beyond.as_slice(), [fault] if fault.field == field), "{field}: {beyond:?}");
    }
}

#[test]
fn marks_at_the_beginning_and_other_ends_of_lines_are_taken() {
    for text in [
        "\u{feff}apiVersion: vestibule/v1\ngroups: [{name: G}]\n",
        "apiVersion: vestibule/v1\r\ngroups:\r\n  - name: G\r\n",
        "\u{feff}{\"apiVersion\": \"vestibule/v1\", \"groups\": [{\"name\": \"G\"}]}",
        "%YAML 1.2\n---\napiVersion: vestibule/v1\ngroups: [{name: G}]\n",
        "# nothing\n---\n---\napiVersion: vestibule/v1\ngroups: [{name: G}]",
    ] {
        for name in ["org.yaml", "org"] {
            let (read, faults) = read(&[Document { name, text }], &no_files);
            assert!(faults.is_empty() && read.groups.len() == 1, "{text:?}: {faults:?}");
        }
    }
}

#[test]
fn accounts_are_listed_by_number_by_rule_or_both() {
    let text = "apiVersion: vestibule/v1
administrators: [{user: a, role: access-admin, accounts: [{path: /b/*}, \"111122223333\", {path: /a}]}]
assignments: [{user: a, permissionSet: R, accounts: [\"111122223333\", {path: /a/**}]}]";
    let (read, faults) = read(&[Document { name: "org.yaml", text }], &no_files);
    assert!(faults.is_empty(), "{faults:?}");
    let scope: Vec<_> = read.administrators[0].scope.iter().flatten().map(|said| said.value.clone()).collect();
    assert_eq!(written(&scope), json!(["111122223333", {"path": "/a"}, {"path": "/b/*"}]));
    assert_eq!(written(&scope[1..2]), json!({"path": "/a"}));
    assert_eq!(read.assignments.targets(&read.assignments.rows()[0]).len(), 2);
}

#[test]
fn nothing_takes_away_what_may_be_absent() {
    let text = "apiVersion: vestibule/v1
permissionSets: [{name: R, inlinePolicy: null, permissionsBoundary: ~}]
applications: [{name: W, saml: null}]";
    let (read, faults) = read(&[Document { name: "org.yaml", text }], &no_files);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(read.permission_sets[0].fields.get("inlinePolicy"), Some(&Value::Null));
    assert_eq!(read.permission_sets[0].fields.get("permissionsBoundary"), Some(&Value::Null));
    assert_eq!(read.applications[0].fields.get("saml"), Some(&Value::Null));
}
