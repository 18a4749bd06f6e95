//! What is exported is read again, and says the same.

use super::*;

/// Export, wipe, apply, export.
async fn goes_round(world: &World) -> String {
    let first = export(world).await;
    let planned = plan(world, &first, PRUNE).await.map_err(faults).unwrap();
    assert!(planned.is_empty(), "{:?}", names(&planned));
    let empty = World::new().await;
    apply(&empty, &first, PLAIN).await.map_err(faults).unwrap();
    assert_eq!(export(&empty).await, first);
    let mut json = Vec::new();
    world.services.organisation.export(&world.operator(), &mut json, true).await.unwrap();
    let json = String::from_utf8(json).unwrap();
    assert!(plan(world, &json, PRUNE).await.map_err(faults).unwrap().is_empty(), "as JSON likewise");
    let empty = World::new().await;
    apply(&empty, &json, PLAIN).await.map_err(faults).unwrap();
    assert_eq!(export(&empty).await, first);
    first
}

#[tokio::test]
async fn the_demo_organisation_goes_round() {
    let world = World::new().await;
    world.services.demo.fill(&world.operator(), world.folder()).await.unwrap();
    let text = goes_round(&world).await;
    assert!(text.contains("applications:") && text.contains("administrators:"), "{text}");
}

#[tokio::test]
async fn odd_names_both_kinds_of_places_and_every_kind_of_end_go_round() {
    let world = World::new().await;
    let text = with(
        "settings: {organizationName: \"\\\"Quotes\\\" & <Co>: #1\"}
accounts:
  - {id: \"000000000012\", name: \"yes\", path: /Größe 1/a_b, tags: {\"on\": \"12\", b: \"\"}, status: suspended}
  - {id: \"111122223333\", name: \"שלום 😀\"}
permissionSets: [{name: \"12.5\", description: \"- a: b # c\", tags: {x: \"null\"}}, {name: \"=,.@-\"}]
groups: [{name: \"null\", description: \"two\\nlines\"}, {name: \"# [x]: {y}\"}]
users:
  - {userName: \"o'brien\", email: o@example.com, displayName: \"O\\\"B\", groups: [\"null\", \"# [x]: {y}\"], attributes: {\"1\": \"true\"}}
  - {userName: \"1e3\", email: e@example.com, password: {argon2id: \"$argon2id$v=19$m=19456,t=2,p=1$MTIzNDU2Nzg5MDEyMzQ1Ng$xQYQqFJZV0Fn+JnY7RKLrwUxzqsKB5xQfv6JbPvAVVs\"}}
assignments:
  - {user: \"1e3\", permissionSet: \"12.5\", accounts: [\"111122223333\", {path: /a/**}], reason: \"'x' \\\"y\\\"\", expires: 2027-01-31T12:00:00.5+02:00}
  - {user: \"1e3\", permissionSet: \"=,.@-\", accounts: {path: /*}, expires: null}
  - {group: \"# [x]: {y}\", permissionSet: \"12.5\", accounts: {path: /}}
administrators:
  - {user: \"o'brien\", role: access-admin, accounts: [{path: /b/**}, \"000000000012\", {path: /a}]}
  - {group: \"null\", role: access-admin, accounts: {path: \"/Größe 1/**\"}}
serviceControlPolicies:
  - {name: S, accounts: [\"111122223333\", {path: /a}], document: {Version: \"2012-10-17\", Statement: []}}
",
    );
    apply(&world, &text, PLAIN).await.map_err(faults).unwrap();
    let text = goes_round(&world).await;
    let scope = "    accounts:\n      - \"000000000012\"\n      - path: /a\n      - path: \"/b/**\"\n";
    assert!(text.contains(scope), "{text}");
    assert!(!text.contains("argon2id"), "a hash is a secret");
    assert!(text.contains("2027-01-31T10:00:00.5Z"), "{text}");
}

#[tokio::test]
async fn the_example_of_the_contract_with_empty_policies_is_taken() {
    let world = World::new().await;
    let text = with(
        "permissionSets: [{name: R, inlinePolicy: {Version: \"2012-10-17\", Statement: []}}]
policies: [{arn: \"arn:aws:iam::aws:policy/Custom\", document: {Version: \"2012-10-17\", Statement: []}}]",
    );
    apply(&world, &text, PLAIN).await.map_err(faults).unwrap();
    goes_round(&world).await;
    let text = with("permissionSets: [{name: R, inlinePolicy: null}]");
    assert_eq!(apply(&world, &text, PLAIN).await.map_err(faults).unwrap().counts.updates, 1);
    assert!(!goes_round(&world).await.contains("inlinePolicy"));
}

#[tokio::test]
async fn a_stored_thing_keeps_what_is_not_said_and_a_directory_of_another_type_begins_anew() {
    let world = World::new().await;
    apply(&world, WHOLE, PLAIN).await.map_err(faults).unwrap();
    let text = with("directories: [{name: corp, type: ldap, sync: {every: PT5M}}]");
    assert_eq!(apply(&world, &text, PLAIN).await.map_err(faults).unwrap().counts.updates, 1);
    let said = goes_round(&world).await;
    assert!(said.contains("every: PT5M") && said.contains("ldaps://ldap.example.com:636"), "{said}");
    let text = with("directories: [{name: corp, type: saml, metadata: <a/>}]");
    assert_eq!(apply(&world, &text, PLAIN).await.map_err(faults).unwrap().counts.updates, 1);
    assert!(!goes_round(&world).await.contains("ldaps://"));
}

#[tokio::test]
async fn the_secret_of_a_directory_is_kept_sealed_and_read_again_only_when_asked() {
    use sea_orm::EntityTrait as _;

    use crate::keys::Place;
    use crate::store::entity::directory_secret;

    let world = World::new().await;
    let of = |variable: &str| {
        with(&format!(
            "directories: [{{name: Corp, type: oidc, issuer: \"https://x\", clientId: i, clientSecret: {{fromEnv: {variable}}}}}]"
        ))
    };
    let kept = async || {
        let core = &world.services.core;
        let rows = directory_secret::Entity::find().all(core.store.read()).await.unwrap();
        let open = |row: &directory_secret::Model| {
            let place = Place("directory_secrets", "sealed", &row.id);
            String::from_utf8(core.keys.open(place, &row.sealed).unwrap().to_vec()).unwrap()
        };
        rows.iter().map(|row| (row.id.clone(), open(row))).collect::<Vec<_>>()
    };
    let applied = apply(&world, &of("NOT_SET"), PLAIN).await.map_err(faults).unwrap();
    assert!(applied.warnings.iter().any(|warning| warning.contains("NOT_SET is not set")), "{:?}", applied.warnings);
    assert!(kept().await.is_empty());
    apply(&world, &of("HOOK_SECRET"), PLAIN).await.map_err(faults).unwrap();
    assert_eq!(kept().await, [("corp/clientSecret".to_owned(), PASSWORD.to_owned())]);
    assert!(plan(&world, &of("HOOK_SECRET"), PLAIN).await.unwrap().is_empty());
    let again = Options { prune: false, set_passwords: true };
    assert_eq!(plan(&world, &of("HOOK_SECRET"), again).await.unwrap().counts().updates, 1);
    goes_round(&world).await;
    apply(&world, &with("directories: []"), PRUNE).await.map_err(faults).unwrap();
    assert!(kept().await.is_empty());
}
