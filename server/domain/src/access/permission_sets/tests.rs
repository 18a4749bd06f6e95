//! What administrators may do with permission sets, and what is kept about it.

use model::{AssignmentId, PermissionSetId, Refusal, Role};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait as _};
use serde_json::{Value, json};

use super::{JobFunction, PermissionSetInput, PermissionSetsQuery, PermissionsBoundary, PolicyText};
use crate::PageRequest;
use crate::access::stamp;
use crate::audit::log::AuditQuery;
use crate::store::entity::{account, assignment, permission_set};
use crate::testing::World;

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const BILLING: &str = "arn:aws:iam::aws:policy/job-function/Billing";

fn whole(name: &str) -> PermissionSetInput {
    serde_json::from_value(json!({
        "name": name, "description": "For tests", "sessionDuration": "PT4H", "relayState": "https://console.aws.amazon.com/",
        "managedPolicies": [READ_ONLY], "customerManagedPolicies": [{"name": "Extra"}],
        "inlinePolicy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]},
        "permissionsBoundary": {"managedPolicy": BILLING}, "tags": {"team": "core"},
    }))
    .unwrap()
}

impl World {
    async fn set_named(&self, name: &str) -> PermissionSetId {
        self.services.permission_sets.create(&self.operator(), &whole(name)).await.unwrap()
    }

    async fn assigned(&self, kind: &str, principal: &str, set: PermissionSetId, target: &str) {
        let core = &self.services.core;
        let row = assignment::Model {
            id: AssignmentId::ordered(self.clock.now(), core.entropy.bytes().unwrap()).to_string(),
            principal_kind: kind.to_owned(),
            principal_id: principal.to_owned(),
            permission_set_id: set.to_string(),
            target: target.to_owned(),
            expires_at: None,
            reason: String::new(),
            created_at: self.clock.now().0,
            created_by: String::new(),
            warned_at: None,
            renewed_at: None,
        };
        assignment::Entity::insert(assignment::ActiveModel::from(row).reset_all())
            .exec_without_returning(core.store.write())
            .await
            .unwrap();
    }

    async fn account_at(&self, id: &str, path: &str) {
        let row = account::Model {
            id: id.to_owned(),
            name: format!("Account {id}"),
            name_key: format!("account {id}"),
            email: String::new(),
            path: path.to_owned(),
            status: "active".to_owned(),
            broker: json!({"type": "local"}),
            tags: json!({}),
            created_at: 0,
            updated_at: 0,
            version: 1,
        };
        account::Entity::insert(account::ActiveModel::from(row).reset_all())
            .exec_without_returning(self.services.core.store.write())
            .await
            .unwrap();
    }

    /// What was done to a permission set, oldest first.
    async fn events_of(&self, id: PermissionSetId) -> Vec<(String, Value)> {
        let query = AuditQuery { target: id.to_string(), ..AuditQuery::default() };
        let mut entries = self.services.audit.search(&self.operator(), &query).await.unwrap().rows;
        entries.reverse();
        entries.into_iter().map(|entry| (entry.action, entry.changes)).collect()
    }

    async fn stamp(&self) -> i64 {
        stamp::current(self.services.core.store.read()).await.unwrap()
    }
}

#[tokio::test]
async fn a_permission_set_comes_back_whole_and_leaves_the_events_of_aws() {
    let world = World::new().await;
    let id = world.set_named("Whole").await;
    let view = world.services.permission_sets.get(&world.operator(), id).await.unwrap();
    assert_eq!(view.row.set.to_input(), whole("Whole").check().unwrap().to_input());
    assert_eq!((view.version, view.may_change, view.places.unwrap().assignments), (1, true, 0));
    assert_eq!(world.services.permission_sets.find(&world.operator(), "whole").await.unwrap(), id);
    let actions: Vec<String> = world.events_of(id).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(
        actions,
        [
            "CreatePermissionSet",
            "AttachManagedPolicyToPermissionSet",
            "AttachCustomerManagedPolicyReferenceToPermissionSet",
            "PutInlinePolicyToPermissionSet",
            "PutPermissionsBoundaryToPermissionSet",
        ]
    );
}

#[tokio::test]
async fn a_change_says_what_differs_and_nothing_else_and_clears_what_is_left_out() {
    let world = World::new().await;
    let id = world.set_named("Changing").await;
    let (operator, before) = (world.operator(), world.events_of(id).await.len());
    let stamp = world.stamp().await;
    let sets = &world.services.permission_sets;
    sets.update(&operator, id, 1, &whole("Changing")).await.unwrap();
    assert_eq!((world.events_of(id).await.len(), world.stamp().await), (before, stamp), "the same is no change");
    let changed = PermissionSetInput {
        relay_state: String::new(),
        managed_policies: vec![BILLING.to_owned()],
        inline_policy: None,
        tags: [("env".to_owned(), "prod".to_owned())].into(),
        ..whole("Changing")
    };
    sets.update(&operator, id, 1, &changed).await.unwrap();
    let events = world.events_of(id).await.split_off(before);
    let expected = [
        ("UpdatePermissionSet", json!({"relayState": {"from": "https://console.aws.amazon.com/", "to": ""}})),
        ("AttachManagedPolicyToPermissionSet", json!({"managedPolicyArn": BILLING})),
        ("DetachManagedPolicyFromPermissionSet", json!({"managedPolicyArn": READ_ONLY})),
        (
            "DeleteInlinePolicyFromPermissionSet",
            json!({"inlinePolicy": {"from": whole("x").inline_policy.unwrap().as_str()}}),
        ),
        ("TagResource", json!({"tags": {"env": "prod"}})),
        ("UntagResource", json!({"tagKeys": ["team"]})),
    ];
    assert_eq!(events, expected.map(|(action, changes)| (action.to_owned(), changes)));
    assert!(world.stamp().await > stamp, "what people may do has changed");
    let error = sets.update(&operator, id, 1, &whole("Changing")).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict, "somebody else was faster");
    let view = sets.get(&operator, id).await.unwrap();
    assert_eq!(view.row.set.to_input(), changed.check().unwrap().to_input());
    assert_eq!(view.version, 2);
}

#[tokio::test]
async fn another_layout_of_the_same_policy_is_kept_as_it_was_written() {
    let world = World::new().await;
    let id = world.set_named("Layout").await;
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;
    let input = PermissionSetInput { inline_policy: Some(PolicyText::new(text)), ..whole("Layout") };
    world.services.permission_sets.update(&world.operator(), id, 1, &input).await.unwrap();
    let view = world.services.permission_sets.get(&world.operator(), id).await.unwrap();
    assert_eq!(view.row.set.to_input().inline_policy.unwrap().as_str(), text);
    assert_eq!(view.row.set.to_input(), whole("Layout").check().unwrap().to_input(), "it says the same");
}

#[tokio::test]
async fn fields_and_policy_are_changed_one_without_the_other() {
    let world = World::new().await;
    let id = world.set_named("Parts").await;
    let (sets, operator) = (&world.services.permission_sets, world.operator());
    let fields = PermissionSetInput { inline_policy: None, description: "Other".to_owned(), ..whole("Ignored") };
    sets.update_fields(&operator, id, 1, &fields).await.unwrap();
    let now = sets.get(&operator, id).await.unwrap().row.set.to_input();
    assert_eq!((now.description.as_str(), &now.inline_policy), ("Other", &whole("Parts").inline_policy));
    sets.update_policy(&operator, id, 2, None).await.unwrap();
    let now = sets.get(&operator, id).await.unwrap().row.set.to_input();
    assert_eq!((now.description.as_str(), now.inline_policy), ("Other", None));
    let stale = sets.update_policy(&operator, id, 2, whole("Parts").inline_policy).await.unwrap_err();
    assert_eq!(stale.kind(), Refusal::Conflict);
}

#[tokio::test]
async fn names_are_unique_and_stay() {
    let world = World::new().await;
    let id = world.set_named("Stays").await;
    let (sets, operator) = (&world.services.permission_sets, world.operator());
    for taken in ["Stays", "sTAYS"] {
        let error = sets.create(&operator, &PermissionSetInput::named(taken)).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (Refusal::Conflict, Some("name")), "{taken}");
    }
    let error = sets.update(&operator, id, 1, &whole("Other")).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Refusal::Invalid, Some("name")));
    let error = sets.duplicate(&operator, id, "stays").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Refusal::Conflict, Some("name")));
    let copy = sets.duplicate(&operator, id, "Copy").await.unwrap();
    let view = sets.get(&operator, copy).await.unwrap();
    assert_eq!(view.row.set.to_input(), whole("Copy").check().unwrap().to_input());
}

#[tokio::test]
async fn bad_input_names_the_field_and_changes_nothing() {
    let world = World::new().await;
    let id = world.set_named("Kept").await;
    let (sets, operator) = (&world.services.permission_sets, world.operator());
    let boundary = Some(PermissionsBoundary::ManagedPolicy("arn:aws:s3:::x".to_owned()));
    let cases = [
        ("session_duration", PermissionSetInput { session_duration: "PT13H".to_owned(), ..whole("Kept") }),
        ("permissions_boundary", PermissionSetInput { permissions_boundary: boundary, ..whole("Kept") }),
        ("inline_policy", PermissionSetInput { inline_policy: Some(PolicyText::new("[]")), ..whole("Kept") }),
    ];
    for (field, input) in cases {
        for error in [
            sets.update(&operator, id, 1, &input).await.unwrap_err(),
            sets.create(&operator, &PermissionSetInput { name: "New".to_owned(), ..input.clone() }).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.field()), (Refusal::Invalid, Some(field)));
        }
    }
    assert_eq!(sets.get(&operator, id).await.unwrap().version, 1);
    assert_eq!(sets.list(&operator, &PermissionSetsQuery::default()).await.unwrap().total, Some(1));
}

#[tokio::test]
async fn one_that_is_assigned_stays_and_says_where() {
    let world = World::new().await;
    let (sets, operator) = (&world.services.permission_sets, world.operator());
    let id = world.set_named("Assigned").await;
    let (user, group) =
        (world.bare("alice").await, world.services.groups.create(&operator, "Engineers", "").await.unwrap());
    for (account, path) in [("111122223333", "/"), ("444455556666", "/w/a"), ("777788889999", "/w/b")] {
        world.account_at(account, path).await;
    }
    world.assigned("user", &user.to_string(), id, "111122223333").await;
    world.assigned("group", &group.to_string(), id, "/w/**").await;
    world.assigned("group", &group.to_string(), id, "444455556666").await;
    let places = sets.get(&operator, id).await.unwrap().places.unwrap();
    assert_eq!((places.assignments, places.accounts), (3, 3), "a rule and an account that meet count once");
    let error = sets.delete(&operator, id).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict);
    for part in ["3 times", "user alice in Account 111122223333 (111122223333)", "group Engineers in /w/**"] {
        assert!(error.outside().contains(part), "{part}: {}", error.outside());
    }
    for person in 0..7 {
        let user = world.bare(&format!("more{person}")).await;
        world.assigned("user", &user.to_string(), id, "111122223333").await;
    }
    assert!(sets.delete(&operator, id).await.unwrap_err().outside().contains("5 more"), "a few stand for all");
    let row = sets.list(&operator, &PermissionSetsQuery::default()).await.unwrap().rows.remove(0);
    assert_eq!(row.assignments, Some(10));

    let free = world.set_named("Free").await;
    sets.delete(&operator, free).await.unwrap();
    assert_eq!(sets.get(&operator, free).await.unwrap_err().kind(), Refusal::NotFound);
    assert_eq!(world.events_of(free).await.last().map(|(action, _)| action.as_str()), Some("DeletePermissionSet"));
}

#[tokio::test]
async fn the_list_pages_by_name_finds_parts_of_names_and_what_nobody_uses() {
    let world = World::new().await;
    let (sets, operator) = (&world.services.permission_sets, world.operator());
    let mut ids = Vec::new();
    for function in JobFunction::ALL {
        ids.push(sets.create(&operator, &function.input()).await.unwrap());
    }
    let mut names = Vec::new();
    let mut page = PageRequest { cursor: None, size: Some(4) };
    loop {
        let found =
            sets.list(&operator, &PermissionSetsQuery { page, ..PermissionSetsQuery::default() }).await.unwrap();
        assert_eq!(found.total, Some(11));
        names.extend(found.rows.iter().map(|row| row.set.name().to_string()));
        let Some(next) = found.next else { break };
        page = PageRequest { cursor: Some(next), size: Some(4) };
    }
    assert_eq!(names.len(), 11);
    assert!(names.windows(2).all(|pair| pair[0].to_lowercase() < pair[1].to_lowercase()), "{names:?}");
    let found = async |search: &str, unused_days| {
        let query = PermissionSetsQuery { search: search.to_owned(), unused_days, ..PermissionSetsQuery::default() };
        sets.list(&operator, &query).await.unwrap().rows.len()
    };
    assert_eq!(found("ONLY", None).await, 2);
    for nothing in ["%", "_", "\\", "'", "nobody"] {
        assert_eq!(found(nothing, None).await, 0, "{nothing}");
    }
    assert_eq!(found("", Some(30)).await, 0, "all are new");
    world.clock.advance(40 * model::Timestamp::DAY);
    let used = permission_set::ActiveModel {
        id: Set(ids[0].to_string()),
        last_used_at: Set(Some(world.clock.now().0)),
        ..Default::default()
    };
    used.update(world.services.core.store.write()).await.unwrap();
    let later = world.operator();
    let query = PermissionSetsQuery { unused_days: Some(30), ..PermissionSetsQuery::default() };
    assert_eq!(sets.list(&later, &query).await.unwrap().total, Some(10));
}

#[tokio::test]
async fn who_may_not_change_them_may_not_and_delegates_do_not_see_where_they_are_assigned() {
    let world = World::new().await;
    let id = world.set_named("Seen").await;
    let sets = &world.services.permission_sets;
    for role in [Role::Auditor, Role::Helpdesk, Role::AccessAdmin] {
        let admin = world.admin(role.as_str(), role).await;
        let call = world.by(admin).await;
        let refusals = [
            sets.create(&call, &whole("New")).await.map(drop),
            sets.update(&call, id, 1, &whole("Seen")).await,
            sets.duplicate(&call, id, "Copy").await.map(drop),
            sets.delete(&call, id).await,
        ];
        assert!(refusals.iter().all(|r| r.as_ref().is_err_and(|e| e.kind() == Refusal::Forbidden)), "{role}");
        let seen = sets.get(&call, id).await;
        match role {
            Role::Helpdesk => assert_eq!(seen.unwrap_err().kind(), Refusal::Forbidden),
            Role::Auditor => assert!(seen.unwrap().places.is_some()),
            _ => {
                let seen = seen.unwrap();
                assert!(seen.places.is_none() && !seen.may_change);
                let list = sets.list(&call, &PermissionSetsQuery::default()).await.unwrap();
                assert!(list.rows.iter().all(|row| row.assignments.is_none()));
            }
        }
    }
}

#[test]
fn those_that_make_administrators_are_known() {
    let own = |action: &str| {
        let document =
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]});
        PermissionSetInput {
            inline_policy: Some(PolicyText::from_value(&document)),
            ..PermissionSetInput::named("Own")
        }
    };
    assert!(JobFunction::AdministratorAccess.input().check().unwrap().is_administrative());
    assert!(!JobFunction::PowerUserAccess.input().check().unwrap().is_administrative());
    assert!(own("*").check().unwrap().is_administrative());
    assert!(!own("s3:*").check().unwrap().is_administrative());
}

#[test]
fn the_ready_made_ones_pass_the_check() {
    for function in JobFunction::ALL {
        assert!(function.input().check().is_ok(), "{function:?}");
        assert_eq!(JobFunction::named(function.name()), Some(function));
    }
}
