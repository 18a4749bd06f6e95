//! Rules of the organisation file, on a real database.

mod owners;
mod round_trip;

use model::{Refusal, Role};
use wire::organisation::Document;

use super::apply::Applied;
use super::organisation::{Files, Options, Planned, Refused};
use crate::Secret;
use crate::access::plan::Op;
use crate::testing::World;

/// A file with something of every section.
const WHOLE: &str = include_str!("../../../../../docs/organisation-example.yaml");

const PASSWORD: &str = "correct horse battery staple of a stable";

fn environment(name: &str) -> Option<Secret> {
    matches!(name, "ALICE_PASSWORD" | "HOOK_SECRET" | "OWNER_PASSWORD").then(|| Secret::new(PASSWORD))
}

fn nothing_set(_: &str) -> Option<Secret> {
    None
}

fn no_files(_: &str, name: &str) -> Result<String, String> {
    Err(format!("{name} cannot be read"))
}

const PLAIN: Options = Options { prune: false, set_passwords: false };
const PRUNE: Options = Options { prune: true, set_passwords: false };

async fn plan(world: &World, text: &str, options: Options) -> Result<Planned, Refused> {
    let documents = [Document { name: "org.yaml", text }];
    let files = Files { documents: &documents, load: &no_files };
    world.services.organisation.plan(&world.operator(), files, options, &environment).await
}

async fn apply(world: &World, text: &str, options: Options) -> Result<Applied, Refused> {
    let documents = [Document { name: "org.yaml", text }];
    let files = Files { documents: &documents, load: &no_files };
    Box::pin(world.services.organisation.apply(&world.operator(), files, options, &environment, None)).await
}

async fn export(world: &World) -> String {
    let mut bytes = Vec::new();
    world.services.organisation.export(&world.operator(), &mut bytes, false).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn with(text: &str) -> String {
    format!("apiVersion: vestibule/v1\n{text}")
}

fn faults(refused: Refused) -> Vec<String> {
    match refused {
        Refused::Faults(list, _) => list.iter().map(ToString::to_string).collect(),
        Refused::Error(error) => panic!("{error}: {:?}", error.cause()),
    }
}

fn names(planned: &Planned) -> Vec<(Op, String, String)> {
    let mut names = Vec::new();
    planned.each_change(|change| names.push((change.op, change.kind.to_string(), change.name.clone())));
    names
}

#[tokio::test]
async fn an_export_says_it_all_and_applying_it_changes_nothing() {
    let world = World::new().await;
    let planned = plan(&world, WHOLE, PLAIN).await.map_err(faults).unwrap();
    assert!(!planned.is_empty());
    apply(&world, WHOLE, PLAIN).await.map_err(faults).unwrap();
    assert!(plan(&world, WHOLE, PRUNE).await.unwrap().is_empty(), "what was applied is as the file says");
    let first = export(&world).await;
    assert!(!first.contains(PASSWORD) && first.contains("ALICE_PASSWORD"), "names of secrets, never values");
    let again = plan(&world, &first, PRUNE).await.map_err(faults).unwrap();
    assert!(again.is_empty(), "{:?}", names(&again));
    let empty = World::new().await;
    apply(&empty, &first, PLAIN).await.map_err(faults).unwrap();
    assert_eq!(export(&empty).await, first, "export, wipe, apply, export");
    let mut json = Vec::new();
    world.services.organisation.export(&world.operator(), &mut json, true).await.unwrap();
    let json = String::from_utf8(json).unwrap();
    assert!(plan(&world, &json, PRUNE).await.map_err(faults).unwrap().is_empty(), "as JSON likewise");
}

#[tokio::test]
async fn a_plan_shows_who_gains_and_who_loses() {
    let world = World::new().await;
    let base = with(
        "accounts: [{id: \"111122223333\", name: A, path: /w/a}, {id: \"444455556666\", name: B, path: /w/b}]
permissionSets: [{name: Read}]
groups: [{name: G}]
users: [{userName: alice, email: a@example.com, groups: [G]}]
assignments: [{group: G, permissionSet: Read, accounts: {path: /w/**}}]",
    );
    let planned = plan(&world, &base, PLAIN).await.map_err(faults).unwrap();
    let mut people = Vec::new();
    planned.each_access(|person| people.push(person.named()));
    assert_eq!((people.len(), people[0].user.as_str(), people[0].gains.len()), (1, "alice", 2));
    apply(&world, &base, PLAIN).await.map_err(faults).unwrap();
    let moved = with("accounts: [{id: \"444455556666\", path: /elsewhere}]");
    let planned = plan(&world, &moved, PLAIN).await.map_err(faults).unwrap();
    assert_eq!(names(&planned), [(Op::Update, "account".to_owned(), "444455556666".to_owned())]);
    let mut people = Vec::new();
    planned.each_access(|person| people.push(person.named()));
    assert_eq!((people[0].gains.len(), people[0].loses.len()), (0, 1), "a rule follows the account");
}

#[tokio::test]
async fn references_are_checked_against_files_and_database_and_nothing_is_applied() {
    let world = World::new().await;
    for (text, place) in [
        (
            "assignments: [{user: nobody, permissionSet: Read, accounts: {path: /**}}]\npermissionSets: [{name: Read}]",
            "2:22: assignments[0].user: there is no user nobody",
        ),
        (
            "assignments: [{group: G, permissionSet: Read, accounts: {path: /**}}]\ngroups: [{name: G}]",
            "2:41: assignments[0].permissionSet: there is no permission set Read",
        ),
        (
            "groups: [{name: G}]\npermissionSets: [{name: R}]\nassignments: [{group: G, permissionSet: R, accounts: [\"111122223333\"]}]",
            "4:55: assignments[0].accounts[0]: there is no account 111122223333",
        ),
        (
            "groups: [{name: G}]\npermissionSets: [{name: R}]\nassignments: [{group: G, permissionSet: R, accounts: {path: /}}, {group: g, permissionSet: r, accounts: {path: /}}]",
            "4:112: assignments[1]: says the same",
        ),
        ("users: [{userName: a, email: a@example.com, groups: [G]}]", "2:54: users[0].groups[0]: there is no group G"),
        ("users: [{userName: a}]", "2:9: users[0].email: is missing"),
        ("users: [{userName: a, email: a@example.com, password: {argon2id: x}}]", "2:66: users[0].password.argon2id: "),
        ("administrators: [{group: G, role: admin}]", "2:26: administrators[0].group: there is no group G"),
        (
            "applications: [{name: W, assignedTo: {users: [u]}}]",
            "2:47: applications[0].assignedTo.users[0]: there is no user u",
        ),
        (
            "roles: [{account: \"111122223333\", name: R, trustPolicy: {Version: \"2012-10-17\", Statement: []}}]",
            "2:19: roles[0].account: there is no account",
        ),
        ("accounts: [{id: \"111122223333\", name: A, path: w}]", "2:48: accounts[0].path: must begin with /"),
        ("accounts: [{id: \"111122223333\"}]", "2:12: accounts[0].name: is missing"),
        (
            "permissionSets: [{name: R, sessionDuration: PT13H}]",
            "2:45: permissionSets[0].sessionDuration: must be between",
        ),
        ("permissionSets: [{name: R, managedPolicies: [x]}]", "2:46: permissionSets[0].managedPolicies[0]: "),
        (
            "permissionSets: [{name: R, inlinePolicy: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: x, Resource: \"*\"}]}}]",
            "2:102: permissionSets[0].inlinePolicy.Statement[0].Action: must be",
        ),
        (
            "permissionSets: [{name: R, permissionsBoundary: {managedPolicy: x}}]",
            "2:65: permissionSets[0].permissionsBoundary.managedPolicy: ",
        ),
        ("permissionSets: [{name: R, relayState: \"<x>\"}]", "2:40: permissionSets[0].relayState: "),
        (
            "permissionSets: [{name: R, tags: {\"aws:x\": y}}]",
            "2:44: permissionSets[0].tags[aws:x]: must not have keys",
        ),
        ("accounts: [{id: \"111122223333\", name: A, email: a}]", "2:49: accounts[0].email: must be a mail address"),
        (
            "accounts: [{id: \"111122223333\", name: A, broker: {type: aws-role, region: eu-west-1, role: \"arn:aws:iam::444455556666:role/{permissionSet}\"}}]",
            "2:92: accounts[0].broker.role: must be in this account",
        ),
        (
            "accounts: [{id: \"111122223333\", name: A, broker: {type: aws-role, region: nowhere, role: \"arn:aws:iam::111122223333:role/{permissionSet}\"}}]",
            "2:75: accounts[0].broker.region: ",
        ),
        ("policies: [{arn: \"arn:aws:iam::aws:policy/X\"}]", "2:12: policies[0].document: is missing"),
        (
            "accounts: [{id: \"111122223333\", name: A}]\nidentityProviders: [{account: \"111122223333\", type: saml, name: P}]",
            "3:21: identityProviders[0].metadataFile: is missing",
        ),
        (
            "identityProviders: [{account: \"111122223333\", type: oidc, url: \"https://x\", audiences: [a]}]",
            "2:31: identityProviders[0].account: there is no account",
        ),
        (
            "serviceControlPolicies: [{name: S, accounts: [\"111122223333\"], document: {Statement: []}}]",
            "2:47: serviceControlPolicies[0].accounts: there is no account",
        ),
        ("directories: [{name: c, type: ldap, users: {base: b}}]", "2:15: directories[0].url: is missing"),
        ("administrators: [{user: u, role: admin}]", "2:25: administrators[0].user: there is no user u"),
        (
            "groups: [{name: G}]\nadministrators: [{group: G, role: access-admin, accounts: [\"111122223333\"]}]",
            "3:60: administrators[0].accounts: there is no account 111122223333",
        ),
        (
            "applications: [{name: W, assignedTo: {groups: [g]}}]",
            "2:48: applications[0].assignedTo.groups[0]: there is no group g",
        ),
        ("applications: [{name: W, startUrl: \"javascript:x\"}]", "2:36: applications[0].startUrl: must be an address"),
        ("settings: {webhooks: [{url: \"https://10.0.0.1/\"}]}", "2:29: settings.webhooks[0].url: "),
        (
            "settings: {webhooks: [{url: \"https://a:b@example.com/\"}]}",
            "2:29: settings.webhooks[0].url: must not hold",
        ),
    ] {
        let found = faults(plan(&world, &with(text), PLAIN).await.map(|planned| names(&planned)).unwrap_err());
        assert!(found.len() == 1 && found[0].starts_with(&format!("org.yaml:{place}")), "{text}\n{found:#?}");
        let found = faults(apply(&world, &with(text), PLAIN).await.map(drop).unwrap_err());
        assert_eq!(found.len(), 1);
    }
    assert!(plan(&world, &export(&world).await, PRUNE).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_field_that_is_absent_stays_and_pruning_removes_only_named_kinds() {
    let world = World::new().await;
    apply(&world, WHOLE, PLAIN).await.map_err(faults).unwrap();
    let owner = with("groups: [{name: Engineers}]");
    let planned = plan(&world, &owner, PLAIN).await.map_err(faults).unwrap();
    assert!(planned.is_empty(), "{:?}", names(&planned));
    let planned = plan(&world, &owner, PRUNE).await.map_err(faults).unwrap();
    assert!(
        names(&planned)
            .iter()
            .all(|(op, kind, _)| *op == Op::Delete && matches!(kind.as_str(), "group" | "assignment")),
        "{:?}",
        names(&planned)
    );
    let planned = plan(&world, &with("users: []\nadministrators: []"), PRUNE).await.map_err(faults).unwrap();
    let gone: Vec<String> = names(&planned).into_iter().map(|(_, _, name)| name).collect();
    assert!(gone.iter().any(|name| name == "alice"), "{gone:?}");
    assert!(!gone.iter().any(|name| name == "keeper" || name.contains("keeper")), "the last owner stays: {gone:?}");
    apply(&world, &with("users: []\nadministrators: []"), PRUNE).await.map_err(faults).unwrap();
    assert!(export(&world).await.contains("userName: keeper"));
}

#[tokio::test]
async fn what_was_shown_is_applied_or_nothing() {
    let world = World::new().await;
    let text = with("groups: [{name: G}]");
    let documents = [Document { name: "org.yaml", text: &text }];
    let files = Files { documents: &documents, load: &no_files };
    let organisation = &world.services.organisation;
    let digest = organisation.plan(&world.operator(), files, PLAIN, &environment).await.unwrap().digest();
    world.services.groups.create(&world.operator(), "Other", "").await.unwrap();
    let refused = organisation.apply(&world.operator(), files, PLAIN, &environment, Some(&digest)).await.unwrap_err();
    assert!(matches!(refused, Refused::Error(ref error) if error.kind() == Refusal::Conflict), "{refused:?}");
    assert!(!export(&world).await.contains("name: G\n"));
    let digest = organisation.plan(&world.operator(), files, PLAIN, &environment).await.unwrap().digest();
    organisation.apply(&world.operator(), files, PLAIN, &environment, Some(&digest)).await.unwrap();
    assert!(export(&world).await.contains("name: G\n"));
    let refused = organisation.apply(&world.operator(), files, PLAIN, &environment, Some(&digest)).await;
    assert!(refused.is_err(), "a plan is applied once");
}

#[tokio::test]
async fn passwords_are_set_on_creation_and_later_only_when_asked() {
    let world = World::new().await;
    let text = with("users: [{userName: alice, email: a@example.com, password: {fromEnv: ALICE_PASSWORD}}]");
    let documents = [Document { name: "org.yaml", text: &text }];
    let files = Files { documents: &documents, load: &no_files };
    let organisation = &world.services.organisation;
    let refused = organisation.apply(&world.operator(), files, PLAIN, &nothing_set, None).await.unwrap_err();
    let found = faults(refused);
    assert_eq!(found, ["org.yaml:2:69: users[0].password.fromEnv: the variable ALICE_PASSWORD is not set"]);
    let planned = organisation.plan(&world.operator(), files, PLAIN, &nothing_set).await.unwrap();
    assert!(planned.warnings().iter().any(|warning| warning.contains("ALICE_PASSWORD is not set")));
    apply(&world, &text, PLAIN).await.map_err(faults).unwrap();
    assert!(plan(&world, &text, PLAIN).await.unwrap().is_empty());
    let again = Options { prune: false, set_passwords: true };
    assert_eq!(plan(&world, &text, again).await.unwrap().counts().updates, 1);
    apply(&world, &text, again).await.map_err(faults).unwrap();
}

#[tokio::test]
async fn only_an_owner_applies_and_only_who_may_look_plans() {
    let world = World::new().await;
    let text = with("groups: [{name: G}]");
    let documents = [Document { name: "org.yaml", text: &text }];
    let files = Files { documents: &documents, load: &no_files };
    for role in [Role::Admin, Role::Helpdesk, Role::Auditor, Role::AccessAdmin] {
        let admin = world.admin(role.as_str(), role).await;
        let call = world.by(admin).await;
        let organisation = &world.services.organisation;
        let refused = organisation.apply(&call, files, PLAIN, &environment, None).await.unwrap_err();
        assert!(matches!(refused, Refused::Error(ref error) if error.kind() == Refusal::Forbidden), "{role}");
        let looks = organisation.plan(&call, files, PLAIN, &environment).await.is_ok();
        assert_eq!(looks, matches!(role, Role::Admin | Role::Auditor), "{role}");
        assert_eq!(organisation.export(&call, &mut Vec::new(), false).await.is_ok(), looks, "{role}");
    }
}

#[tokio::test]
async fn thousands_of_things_are_applied_at_once() {
    let world = World::new().await;
    let sets: String = (0..2_500).map(|n| format!("  - {{name: Set{n}}}\n")).collect();
    let people: String =
        (0..1_100).map(|n| format!("  - {{userName: p{n}, email: p{n}@example.com, groups: [G]}}\n")).collect();
    let text = with(&format!("groups: [{{name: G}}]\npermissionSets:\n{sets}users:\n{people}"));
    let applied = apply(&world, &text, PLAIN).await.map_err(faults).unwrap();
    assert_eq!(applied.counts.creates, 3_601);
    assert!(plan(&world, &text, PRUNE).await.unwrap().is_empty());
}
