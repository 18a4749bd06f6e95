//! What is read, and every fault by its place.

use proptest::prelude::*;

use super::*;

fn nothing(_: &str, name: &str) -> Result<String, String> {
    match name {
        "idp.xml" => Ok("<EntityDescriptor/>".to_owned()),
        "odd.xml" => Ok("entity".to_owned()),
        _ => Err(format!("{name} cannot be read")),
    }
}

fn faults_of(name: &str, text: &str) -> Vec<String> {
    let (_, faults) = read(&[Document { name, text }], &nothing);
    faults.into_list().0.iter().map(ToString::to_string).collect()
}

/// A file with one section, which begins in line 2.
fn with(section: &str) -> String {
    format!("apiVersion: vestibule/v1\n{section}")
}

/// Each has exactly one fault: the text, where it is, which field, and a part of what is said.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("acounts: []", "2:1", "acounts", "is accounts meant?"),
    ("accounts:", "2:9", "accounts", "must be a list"),
    ("accounts: []\naccounts: []", "3:1", "accounts", "given twice"),
    ("accounts: [{name: A}]", "2:12", "accounts[0].id", "is missing"),
    ("accounts: [{id: 111122223333, name: A}]", "2:17", "accounts[0].id", "must be in quotes"),
    ("accounts: [{id: 012345678901, name: A}]", "2:17", "accounts[0].id", "must be in quotes"),
    ("accounts: [{id: \"11112222333\", name: A}]", "2:17", "accounts[0].id", "twelve digits"),
    ("accounts:\n  - id: \"111122223333\"\n    nmae: A", "4:5", "accounts[0].nmae", "is name meant?"),
    (
        "accounts:\n  - id: \"111122223333\"\n  - id: \"111122223333\"",
        "4:9",
        "accounts[1].id",
        "same account as line 3",
    ),
    ("accounts: [{id: \"111122223333\", tags: {cost: 12}}]", "2:46", "accounts[0].tags.cost", "not a number"),
    ("accounts: [{id: \"111122223333\", tags: [a]}]", "2:39", "accounts[0].tags", "must be a map"),
    (
        "accounts: [{id: \"111122223333\", broker: {type: gcp}}]",
        "2:48",
        "accounts[0].broker.type",
        "local, aws-saml or aws-role",
    ),
    ("accounts: [{id: \"111122223333\", broker: {}}]", "2:41", "accounts[0].broker.type", "is missing"),
    ("accounts: [{id: \"111122223333\", status: ACTIVE}]", "2:41", "accounts[0].status", "active, suspended or closed"),
    ("permissionSets: [{name: Read Only}]", "2:25", "permissionSets[0].name", "letters, digits"),
    ("permissionSets: [{name: a}, {name: A}]", "2:36", "permissionSets[1].name", "same permissionSet"),
    ("permissionSets: [{name: a, name: b}]", "2:28", "permissionSets[0].name", "given twice"),
    (
        "policies: [{arn: \"arn:aws:iam::aws:policy/X\", document: {Version: \"2012-10-17\", Statement: [{Effect: allow, Action: \"s3:GetObject\", Resource: \"*\"}]}}]",
        "2:102",
        "policies[0].document.Statement[0].Effect",
        "Allow or Deny",
    ),
    ("permissionSets: [{name: a, inlinePolicy: [1]}]", "2:42", "permissionSets[0].inlinePolicy", "must be a map"),
    ("permissionSets: [{name: a, permissionsBoundary: {}}]", "2:49", "permissionSets[0].permissionsBoundary", "either"),
    (
        "permissionSets: [{name: a, requireFreshFactor: \"true\"}]",
        "2:48",
        "permissionSets[0].requireFreshFactor",
        "true or false",
    ),
    ("policies: [{arn: x, document: {Statement: []}}]", "2:18", "policies[0].arn", "must be an ARN"),
    (
        "roles: [{account: \"111122223333\", name: R, trustPolicy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: \"sts:AssumeRole\", Principal: \"*\", Resource: x}]}}]",
        "2:161",
        "roles[0].trustPolicy.Statement[0].Resource",
        "is not known here",
    ),
    (
        "roles: [{account: \"111122223333\", name: R, trustPolicy: {Statement: []}, maxSessionDuration: PT13H}]",
        "2:94",
        "roles[0].maxSessionDuration",
        "between PT1H and PT12H",
    ),
    (
        "identityProviders: [{account: \"111122223333\", type: smal, name: P}]",
        "2:53",
        "identityProviders[0].type",
        "saml or oidc",
    ),
    (
        "identityProviders: [{account: \"111122223333\", type: saml, name: P, metadataFile: no.xml}]",
        "2:82",
        "identityProviders[0].metadataFile",
        "no.xml cannot be read",
    ),
    (
        "identityProviders: [{account: \"111122223333\", type: oidc, url: ftp://x, audiences: [a]}]",
        "2:64",
        "identityProviders[0].url",
        "must be an address",
    ),
    (
        "serviceControlPolicies: [{name: S, accounts: /x, document: {Statement: []}}]",
        "2:46",
        "serviceControlPolicies[0].accounts",
        "{path: …}",
    ),
    ("groups: [{name: a/b}]", "2:17", "groups[0].name", "slashes"),
    ("groups: [{name: G}, {name: g}]", "2:28", "groups[1].name", "same group as line 2"),
    ("groups: [G]", "2:10", "groups[0]", "must be a map"),
    ("users: [{userName: al ice}]", "2:20", "users[0].userName", "spaces"),
    ("users: [{userName: alice, email: alice}]", "2:34", "users[0].email", "mail address"),
    ("users: [{userName: alice, password: secret}]", "2:37", "users[0].password", "does not stand in a file"),
    ("users: [{userName: alice, password: {fromEnv: A B}}]", "2:47", "users[0].password.fromEnv", "name of a variable"),
    ("users: [{userName: alice, groups: [G, g]}]", "2:39", "users[0].groups[1]", "given twice"),
    ("users: [{userName: alice, disabled: \"no\"}]", "2:37", "users[0].disabled", "true or false"),
    ("users: [{userName: 12}]", "2:20", "users[0].userName", "put it in quotes"),
    ("users:\n- userName: alice\n- userName: Alice", "4:13", "users[1].userName", "same user as line 3"),
    (
        "assignments: [{user: a, group: b, permissionSet: R, accounts: [\"111122223333\"]}]",
        "2:32",
        "assignments[0].group",
        "exclude",
    ),
    ("assignments: [{permissionSet: R, accounts: [\"111122223333\"]}]", "2:15", "assignments[0]", "a user or a group"),
    ("assignments: [{user: a, accounts: [\"111122223333\"]}]", "2:15", "assignments[0].permissionSet", "is missing"),
    ("assignments: [{user: a, permissionSet: R, accounts: []}]", "2:53", "assignments[0].accounts", "at least one"),
    (
        "assignments: [{user: a, permissionSet: R, accounts: {path: /**/a}}]",
        "2:60",
        "assignments[0].accounts.path",
        "only as its last part",
    ),
    (
        "assignments: [{user: a, permissionSet: R, accounts: {path: /a}, expires: 2027-01-31}]",
        "2:74",
        "assignments[0].expires",
        "2027-01-31T00:00:00Z",
    ),
    (
        "assignments: [{user: a, permissionSet: R, accounts: [\"111122223333\"], until: x}]",
        "2:71",
        "assignments[0].until",
        "not known",
    ),
    ("applications: [{name: W, saml: {entityId: x}}]", "2:32", "applications[0].saml.acs", "is missing"),
    (
        "applications: [{name: W, saml: {sign: none}}]",
        "2:39",
        "applications[0].saml.sign",
        "assertion, response or both",
    ),
    (
        "applications: [{name: W, saml: {nameId: {value: \"${user:email\"}}}]",
        "2:49",
        "applications[0].saml.nameId.value",
        "without its }",
    ),
    (
        "applications: [{name: W, assignedTo: {everyone: true, groups: [G]}}]",
        "2:38",
        "applications[0].assignedTo",
        "everyone",
    ),
    ("administrators: [{user: a, role: root}]", "2:34", "administrators[0].role", "owner, admin"),
    ("administrators: [{user: a, role: access-admin}]", "2:18", "administrators[0].accounts", "is missing"),
    (
        "administrators: [{user: a, role: admin, breakGlass: true}]",
        "2:53",
        "administrators[0].breakGlass",
        "owner only",
    ),
    (
        "administrators: [{user: a, role: admin}, {user: A, role: admin}]",
        "2:49",
        "administrators[1]",
        "same administrator",
    ),
    ("directories: [{name: c, type: nis}]", "2:31", "directories[0].type", "ldap, active-directory, oidc or saml"),
    (
        "directories: [{name: c, type: ldap, url: \"ldap://x\", users: {base: b}}]",
        "2:42",
        "directories[0].url",
        "startTls",
    ),
    (
        "directories: [{name: c, type: oidc, issuer: \"https://x\", clientId: i, clientSecret: s}]",
        "2:85",
        "directories[0].clientSecret",
        "{fromEnv: NAME}",
    ),
    (
        "directories: [{name: c, type: ldap, url: \"ldaps://x\", users: {base: b, filter: (a}}]",
        "2:80",
        "directories[0].users.filter",
        "must be a filter",
    ),
    ("settings: {organisationName: X}", "2:12", "settings.organisationName", "is organizationName meant?"),
    ("settings: {managementAccount: 999999999999}", "2:31", "settings.managementAccount", "in quotes"),
    ("settings: {session: {idle: PT1M}}", "2:28", "settings.session.idle", "between PT5M and P1D"),
    ("settings: {mfa: {methods: [sms]}}", "2:28", "settings.mfa.methods[0]", "totp or passkey"),
    ("settings: {mfa: {administrators: optional}}", "2:34", "settings.mfa.administrators", "must be required"),
    ("settings: {passwordPolicy: {minLength: 4}}", "2:40", "settings.passwordPolicy.minLength", "between 15 and 128"),
    (
        "settings: {attributesForAccessControl: {d: department}}",
        "2:44",
        "settings.attributesForAccessControl.d",
        "${user:",
    ),
    ("settings: {webhooks: [{events: [a]}]}", "2:23", "settings.webhooks[0].url", "is missing"),
    (
        "accounts: [{id: \"111122223333\", broker: {type: local, role: x}}]",
        "2:55",
        "accounts[0].broker.role",
        "not known here; possible are type",
    ),
    (
        "accounts: [{id: \"111122223333\", broker: {type: aws-role, region: eu-west-1}}]",
        "2:41",
        "accounts[0].broker.role",
        "is missing",
    ),
    (
        "accounts: [{id: \"111122223333\", broker: {type: aws-saml, externalId: x, samlProvider: p, role: r, region: g}}]",
        "2:58",
        "accounts[0].broker.externalId",
        "is not known here",
    ),
    (
        "permissionSets: [{name: a, permissionsBoundary: {managedPolicy: m, customerManagedPolicy: {name: c}}}]",
        "2:49",
        "permissionSets[0].permissionsBoundary",
        "either",
    ),
    ("permissionSets: [{name: a, managedPolicies: [x, x]}]", "2:49", "permissionSets[0].managedPolicies[1]", "twice"),
    (
        "permissionSets: [{name: a, customerManagedPolicies: [{path: /}]}]",
        "2:54",
        "permissionSets[0].customerManagedPolicies[0].name",
        "is missing",
    ),
    (
        "policies: [{arn: \"arn:aws:iam::aws:policy/X\", document: {Statement: []}}, {arn: \"arn:aws:iam::aws:policy/X\"}]",
        "2:81",
        "policies[1].arn",
        "same policy as line 2",
    ),
    (
        "roles: [{account: \"111122223333\", name: R, path: /a/}, {account: \"111122223333\", name: r, path: /b/}]",
        "2:88",
        "roles[1].name",
        "same role as line 2",
    ),
    ("roles: [{account: \"1\", name: R}]", "2:19", "roles[0].account", "twelve digits"),
    ("roles: [{account: \"111122223333\", name: R, path: a}]", "2:50", "roles[0].path", "begin and end with /"),
    (
        "identityProviders: [{account: \"111122223333\", type: oidc, url: \"https://x\", audiences: []}]",
        "2:88",
        "identityProviders[0].audiences",
        "at least one",
    ),
    (
        "identityProviders: [{account: \"111122223333\", type: saml, name: P, metadata: x}]",
        "2:78",
        "identityProviders[0].metadata",
        "must be XML",
    ),
    (
        "identityProviders: [{account: \"111122223333\", type: saml, name: P, metadataFile: odd.xml}]",
        "2:82",
        "identityProviders[0].metadataFile",
        "the content of odd.xml must be XML",
    ),
    (
        "identityProviders: [{account: \"111122223333\", type: saml, name: P, metadataFile: idp.xml, metadata: <a/>}]",
        "2:101",
        "identityProviders[0].metadata",
        "exclude one another",
    ),
    (
        "serviceControlPolicies: [{name: S, accounts: [\"111122223333\", \"111122223333\"]}]",
        "2:63",
        "serviceControlPolicies[0].accounts",
        "names 111122223333 twice",
    ),
    ("users: [{userName: a}, {email: b@example.com}]", "2:24", "users[1].userName", "is missing"),
    ("users: [{userName: alice, attributes: {a: [b]}}]", "2:43", "users[0].attributes.a", "must be a text, not a list"),
    ("users: [{userName: alice, password: {}}]", "2:37", "users[0].password", "{fromEnv: NAME}"),
    (
        "users: [{userName: alice, password: {fromEnv: A, argon2id: b}}]",
        "2:60",
        "users[0].password.argon2id",
        "exclude one another",
    ),
    ("users: [{userName: alice, groups: [a/b/c]}]", "2:36", "users[0].groups[0]", "directory/name"),
    ("users: [{userName: alice, givenName: \"\"}]", "2:38", "users[0].givenName", "must not be empty"),
    ("users: [{userName: \"a\\u202eb\"}]", "2:20", "users[0].userName", "direction characters"),
    ("users: [{userName: \"a\\0b\"}]", "2:20", "", "users[0].userName: holds the character U+0000"),
    (
        "assignments: [{user: a, permissionSet: R, accounts: [\"111122223333\", /workloads/**]}]",
        "2:70",
        "assignments[0].accounts[1]",
        "{path: /workloads/**}",
    ),
    (
        "assignments: [{user: a, permissionSet: R, accounts: [{paht: /}]}]",
        "2:55",
        "assignments[0].accounts[0].paht",
        "is path meant?",
    ),
    ("assignments: [{user: a, permissionSet: R}]", "2:15", "assignments[0].accounts", "is missing"),
    (
        "administrators: [{user: a, role: access-admin, accounts: [\"111122223333\", {path: /}, \"111122223333\"]}]",
        "2:86",
        "administrators[0].accounts",
        "names 111122223333 twice",
    ),
    (
        "administrators: [{group: G, role: owner, breakGlass: true}]",
        "2:54",
        "administrators[0].breakGlass",
        "owner only",
    ),
    (
        "administrators: [{user: a, role: admin, accounts: {path: /}}]",
        "2:51",
        "administrators[0].accounts",
        "access-admin only",
    ),
    (
        "applications: [{name: W, saml: {metadataFile: idp.xml, entityId: x, acs: \"https://x/\"}}]",
        "2:32",
        "applications[0].saml",
        "must have one of",
    ),
    (
        "applications: [{name: W, saml: {attributes: [{name: a, value: b}, {name: c}]}}]",
        "2:67",
        "applications[0].saml.attributes[1].value",
        "is missing",
    ),
    ("applications: [{name: W}, {name: w}]", "2:34", "applications[1].name", "same application as line 2"),
    (
        "applications: [{name: W, assignedTo: {users: [a, A]}}]",
        "2:50",
        "applications[0].assignedTo.users[1]",
        "given twice",
    ),
    ("directories: [{name: builtin, type: ldap}]", "2:22", "directories[0].name", "not be builtin"),
    (
        "directories: [{name: c, type: oidc}, {name: C, type: saml}]",
        "2:45",
        "directories[1].name",
        "same directory as line 2",
    ),
    ("directories: [{name: c, type: ldap, startTls: true}]", "2:47", "directories[0].startTls", "beside url"),
    (
        "directories: [{name: c, type: ldap, sync: {maxDisablePercent: 101}}]",
        "2:63",
        "directories[0].sync.maxDisablePercent",
        "between 0 and 100",
    ),
    (
        "directories: [{name: c, type: ldap, bindPassword: {fromEnv: \"\"}}]",
        "2:61",
        "directories[0].bindPassword.fromEnv",
        "name of a variable",
    ),
    ("settings: {mfa: {enrolWithin: PT36H}}", "2:31", "settings.mfa.enrolWithin", "whole days"),
    ("settings: {mfa: {methods: [totp, totp]}}", "2:27", "settings.mfa.methods", "one twice"),
    ("settings: {mfa: {policy: always}}", "2:26", "settings.mfa.policy", "required, optional or context-aware"),
    ("settings: {session: {cli: P91D}}", "2:27", "settings.session.cli", "between PT15M and P90D"),
    ("settings: {session: {portal: 8h}}", "2:30", "settings.session.portal", "PT"),
    ("settings: {passwordPolicy: {history: \"3\"}}", "2:38", "settings.passwordPolicy.history", "whole number"),
    (
        "settings: {webhooks: [{url: \"https://x/\"}, {url: \"https://x/\"}]}",
        "2:50",
        "settings.webhooks[1].url",
        "given twice",
    ),
    (
        "settings: {webhooks: [{url: \"https://x/\", events: []}]}",
        "2:23",
        "settings.webhooks[0].events",
        "at least one",
    ),
    (
        "settings: {webhooks: [{url: \"https://x/\", secret: hush}]}",
        "2:51",
        "settings.webhooks[0].secret",
        "does not stand in a file",
    ),
    ("settings: []", "2:11", "settings", "must be a map, not a list"),
    ("settings: {}\n---\nsettings: {}", "4:1", "settings", "same settings as line 2"),
    ("groups: [{name: G}]\n---\ngroups: [{name: G}]", "4:17", "groups[0].name", "same group as line 2"),
    ("groups: [{? [a] : b}]", "2:13", "", "a key must be a text"),
    ("groups: [{<<: {name: G}, name: H}]", "2:11", "groups[0].<<", "is not known here"),
    ("groups: [{name: *G}]", "2:17", "", "cannot be read as YAML"),
    ("groups:\n\t- name: G", "3:2", "", "cannot be read as YAML"),
    ("groups: [{name: \"G}]", "2:17", "", "cannot be read as YAML"),
    ("groups: [{name: G\u{1}}]", "2:18", "", "control character U+0001"),
    ("groups: []\n\0", "3:1", "", "control character U+0000"),
    ("groups: text", "2:9", "groups", "must be a list, not a text"),
    ("groups: [[]]", "2:10", "groups[0]", "must be a map, not a list"),
    ("groups: [{name: &a G}]", "2:17", "", "anchors"),
    ("groups: [{name: !!str 12}]", "2:17", "", "tags"),
    ("groups: [{name: G}\nusers: []", "3:1", "", "cannot be read as YAML"),
    ("- a", "2:3", "", "cannot be read as YAML"),
];

#[test]
fn every_fault_is_named_by_its_place_and_is_the_only_one() {
    let mut amiss = Vec::new();
    for (text, place, field, said) in WRONG {
        let found = faults_of("org.yaml", &with(text));
        let begin =
            if field.is_empty() { format!("org.yaml:{place}: ") } else { format!("org.yaml:{place}: {field}: ") };
        let fits = matches!(found.as_slice(), [fault] if fault.starts_with(&begin) && fault.contains(said));
        if !fits {
            amiss.push(format!("{text}\n  expected {begin}…{said}…\n  found {found:#?}"));
        }
    }
    assert!(amiss.is_empty(), "{}", amiss.join("\n"));
}

#[test]
fn the_version_must_be_said_and_be_known() {
    for (text, place) in [("groups: []", "1:1"), ("apiVersion: v2", "1:13"), ("", "1:1"), ("---\n", "1:1")] {
        let found = faults_of("org.yaml", text);
        assert!(
            found.len() == 1 && found[0].starts_with(&format!("org.yaml:{place}: apiVersion: ")),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn one_duplicate_may_be_in_another_file_and_all_faults_come_at_once() {
    let one = with("groups: [{name: G}]");
    let documents = [Document { name: "a.yaml", text: &one }, Document { name: "b.yaml", text: &one }];
    let (_, faults) = read(&documents, &nothing);
    let found: Vec<String> = faults.into_list().0.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["b.yaml:2:17: groups[0].name: names the same group as another file, line 2"]);
    let many = with(&format!("groups: [{}]", "{nome: 1}, ".repeat(300)));
    let (_, faults) = read(&[Document { name: "a.yaml", text: &many }], &nothing);
    let (listed, beyond) = faults.into_list();
    assert_eq!((listed.len(), beyond), (100, 200));
}

#[test]
fn yaml_and_json_in_several_documents_say_the_same() {
    let yaml = "---\napiVersion: vestibule/v1\ngroups:\n  - name: Engineers\n---\nusers:\n- userName: alice\n  groups: [Engineers]\n...\n";
    let json = "{\"apiVersion\": \"vestibule/v1\", \"groups\": [{\"name\": \"Engineers\"}]}\n{\"users\": [{\"userName\": \"alice\", \"groups\": [\"Engineers\"]}]}";
    for (name, text) in [("a.yaml", yaml), ("a.json", json), ("a", json)] {
        let (read, faults) = read(&[Document { name, text }], &nothing);
        assert!(faults.is_empty(), "{name}: {faults:?}");
        assert_eq!(read.groups[0].name.value.as_str(), "Engineers");
        assert_eq!(read.users[0].groups.as_ref().unwrap().value[0].value, "Engineers");
        assert_eq!(read.sections.len(), 2);
    }
}

#[test]
fn a_file_that_is_named_is_kept_by_its_content() {
    let text = with("identityProviders: [{account: \"111122223333\", type: saml, name: P, metadataFile: idp.xml}]");
    let (read, faults) = read(&[Document { name: "a.yaml", text: &text }], &nothing);
    assert!(faults.is_empty(), "{faults:?}");
    let (section, stored) = &read.stored[0];
    assert_eq!((*section, stored.name.as_str()), (Section::IdentityProviders, "111122223333/saml/P"));
    assert_eq!(stored.body["metadata"], "<EntityDescriptor/>");
    assert!(stored.body.get("metadataFile").is_none());
    assert_eq!(stored.accounts.len(), 1);
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let nasty = [
        "plain",
        "yes",
        "12",
        "null",
        "a: b",
        "#x",
        "- x",
        "x #y",
        "\"q\"",
        "a\nb",
        " x",
        "ü😀",
        "{a}",
        "1e3",
        "~",
        "2027-01-31",
        "a:",
    ];
    for json in [false, true] {
        for text in nasty {
            let mut bytes = Vec::new();
            let mut writer = Writer::begin(&mut bytes, json).unwrap();
            let tags = Out::Map(vec![(text.to_owned(), Out::text(text))]);
            let item = Out::map([
                ("id", Some(Out::text("000000000012"))),
                ("name", Some(Out::text(text))),
                ("email", None),
                ("tags", Some(tags)),
            ]);
            writer.item(Section::Accounts, &item).unwrap();
            writer.item(Section::Groups, &Out::map([("name", Some(Out::text("G")))])).unwrap();
            writer.end().unwrap();
            let written = String::from_utf8(bytes).unwrap();
            let (read, faults) = read(&[Document { name: "a", text: &written }], &nothing);
            assert!(faults.is_empty(), "{text}: {faults:?}\n{written}");
            assert_eq!(read.accounts[0].id.value.as_str(), "000000000012");
            assert_eq!(read.accounts[0].fields["name"], *text, "{written}");
            assert_eq!(read.accounts[0].fields["tags"][text], *text, "{written}");
            assert_eq!(read.groups.len(), 1);
        }
    }
}

#[test]
fn depth_and_size_are_bounded() {
    let deep = with(&format!("groups: {}", "[".repeat(100_000)));
    assert_eq!(faults_of("a.yaml", &deep).len(), 1);
    let indented: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let found = faults_of("a.yaml", &with(&format!("groups:\n{indented}")));
    assert!(found.iter().any(|fault| fault.contains("nested too deeply")), "{found:?}");
    let json = format!("{{\"apiVersion\": \"vestibule/v1\", \"groups\": {}", "[".repeat(100_000));
    assert_eq!(faults_of("a.json", &json).len(), 1);
    let laughs = with("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]");
    assert!(faults_of("a.yaml", &laughs).iter().any(|fault| fault.contains("anchors")));
}

/// Texts that look a little like an organisation.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("apiVersion: vestibule/v1\n".to_owned()),
        Just("accounts:\n".to_owned()),
        Just("  - id: \"111122223333\"\n".to_owned()),
        Just("assignments: [{user: a, permissionSet: R, accounts: [\"111122223333\"]}]\n".to_owned()),
        Just("{\"apiVersion\":".to_owned()),
        Just("settings: {mfa: {policy: ".to_owned()),
        "[\\[\\]{}:,\"'&*!|>%@`#?\\- \n\ta-z0-9]{0,12}",
        "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_texts_end_in_faults_and_never_in_a_panic(text in nearly(), as_json in any::<bool>()) {
        let name = if as_json { "a.json" } else { "a.yaml" };
        let (_, faults) = read(&[Document { name, text: &text }], &nothing);
        let (listed, _) = faults.into_list();
        prop_assert!(listed.len() <= Faults::MOST);
        for fault in listed {
            prop_assert!(fault.at.line >= 1 && fault.at.column >= 1, "{fault}");
        }
    }
}
