//! Access administration is given for some accounts: what a scope may be, how it changes, and what it opens.

use model::{AccountPath, AccountTarget, Refusal, Role};

use super::administrators::Grant;
use crate::audit::log::AuditQuery;
use crate::authz::{Action, Resource, authorize};
use crate::testing::World;

fn scope(targets: &[&str]) -> Vec<AccountTarget> {
    targets.iter().map(|target| AccountTarget::parse(target).unwrap()).collect()
}

fn access(targets: &[&str]) -> Grant {
    Grant::of(Role::AccessAdmin).within(scope(targets))
}

/// What the audit told of the last role that was granted.
async fn told(world: &World) -> serde_json::Value {
    let query = AuditQuery { action: "GrantRole".to_owned(), ..AuditQuery::default() };
    let found = world.services.audit.search(&world.operator(), &query).await.unwrap();
    found.rows.first().unwrap().changes.clone()
}

#[tokio::test]
async fn a_scope_comes_with_access_administration_and_nothing_else() {
    let world = World::new().await;
    let services = &world.services;
    let call = world.operator();
    let alice = world.bare("alice").await;
    let group = services.groups.create(&call, "Delegates", "").await.unwrap();
    let many: Vec<AccountTarget> =
        (0..101).map(|n| AccountTarget::parse(&format!("/workloads/{n}")).unwrap()).collect();
    for (grant, reason) in [
        (Grant::of(Role::AccessAdmin), "at least one"),
        (Grant::of(Role::Admin).within(scope(&["/workloads/**"])), "access administrators only"),
        (access(&["111122223333"]), "111122223333"),
        (Grant::of(Role::AccessAdmin).within(many), "at most 100"),
    ] {
        for error in [
            services.administrators.grant_user(&call, alice, &grant).await.unwrap_err(),
            services.administrators.grant_group(&call, group, &grant).await.unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.field()), (Refusal::Invalid, Some("scope")), "{error}");
            assert!(error.outside().contains(reason), "{error}");
        }
    }
    assert!(services.administrators.list(&call).await.unwrap().is_empty(), "nothing was granted");
}

#[tokio::test]
async fn a_scope_is_replaced_at_once_and_the_audit_says_from_what_to_what() {
    let world = World::new().await;
    let services = &world.services;
    let call = world.operator();
    let alice = world.bare("alice").await;
    let first = access(&["/workloads/**", "/sandbox", "/sandbox"]);
    assert!(services.administrators.grant_user(&call, alice, &first).await.unwrap().is_some());
    assert_eq!(told(&world).await["scope"], serde_json::json!(["/sandbox", "/workloads/**"]));
    let stale = world.by(alice).await;

    let reaches = |call: &crate::Call, path: &str| {
        let account = Resource::account(call, "111122223333".parse().unwrap(), &AccountPath::parse(path).unwrap());
        authorize(call, Action::Assign, account.granting(false)).is_ok()
    };
    assert!(reaches(&stale, "/workloads/prod"));
    assert!(!reaches(&stale, "/security"));

    let again = services.administrators.grant_user(&call, alice, &access(&["/sandbox", "/security/*"])).await.unwrap();
    assert_eq!(again, None, "the same grant, for other accounts");
    let expected = serde_json::json!({"from": ["/sandbox", "/workloads/**"], "to": ["/sandbox", "/security/*"]});
    assert_eq!(told(&world).await["scope"], expected);
    let fresh = world.by(alice).await;
    assert!(!reaches(&fresh, "/workloads/prod"));
    assert!(reaches(&fresh, "/security/log"));

    let held = services.administrators.list(&call).await.unwrap().remove(0);
    assert_eq!(held.scope, scope(&["/sandbox", "/security/*"]));
    let taken = services.administrators.revoke(&call, &held.id).await.unwrap();
    assert_eq!(taken.grant, access(&["/sandbox", "/security/*"]), "all that is needed to give it back");
    assert!(!reaches(&world.by(alice).await, "/sandbox"));
}

#[tokio::test]
async fn an_access_administrator_widens_nobodys_scope() {
    let world = World::new().await;
    let services = &world.services;
    let operator = world.operator();
    let alice = world.bare("alice").await;
    let group = services.groups.create(&operator, "Delegates", "").await.unwrap();
    services.groups.add_member(&operator, group, alice).await.unwrap();
    services.administrators.grant_group(&operator, group, &access(&["/sandbox"])).await.unwrap();
    let call = world.by(alice).await;
    for error in [
        services.administrators.grant_user(&call, alice, &access(&["/**"])).await.unwrap_err(),
        services.administrators.grant_group(&call, group, &access(&["/**"])).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), Refusal::Forbidden, "{error}");
    }
    services.administrators.grant_group(&operator, group, &access(&["/security"])).await.unwrap();
    assert_eq!(services.administrators.list(&operator).await.unwrap().remove(0).scope, scope(&["/security"]));
}
