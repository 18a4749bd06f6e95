//! The rule that an owner remains, and who may hand out roles.

use model::{Refusal, Role, UserId};

use super::administrators::{AdministratorRow, Grant, Holder};
use super::ranks;
use crate::testing::World;

/// Rounds of two changes at once: enough to find a race while building, and a thousand where it counts.
fn rounds() -> usize {
    if std::env::var_os("CI").is_some() { 1_000 } else { 200 }
}

async fn grants(world: &World) -> Vec<AdministratorRow> {
    world.services.administrators.list(&world.operator()).await.unwrap()
}

async fn grant_of(world: &World, user: UserId) -> String {
    let held =
        grants(world).await.into_iter().find(|row| matches!(&row.holder, Holder::User(holder, _) if *holder == user));
    held.unwrap().id
}

async fn owners(world: &World) -> u64 {
    ranks::active_owners(world.services.core.store.read()).await.unwrap()
}

#[tokio::test]
async fn the_last_owner_can_be_neither_removed_disabled_nor_demoted() {
    let world = World::new().await;
    let owner = world.admin("owner", Role::Owner).await;
    let admin = world.admin("admin", Role::Admin).await;
    let call = world.by(owner).await;
    let services = &world.services;
    for result in [
        services.people.disable(&call, owner).await,
        services.people.delete(&call, owner).await,
        services.administrators.revoke(&call, &grant_of(&world, owner).await).await.map(drop),
        services.people.delete(&world.operator(), owner).await,
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Refusal::Forbidden, "{error} (AUTHZ-06)");
        assert!(error.outside().contains("last owner"), "{error}");
    }
    assert_eq!(owners(&world).await, 1);
    services.administrators.grant_user(&call, admin, &Grant::of(Role::Owner)).await.unwrap();
    services.people.delete(&call, owner).await.unwrap();
    assert_eq!(owners(&world).await, 1, "with another owner it works");
}

#[tokio::test]
async fn an_owner_through_a_group_counts_and_is_kept_too() {
    let world = World::new().await;
    let services = &world.services;
    let owner = world.admin("owner", Role::Owner).await;
    let call = world.by(owner).await;
    let member = world.bare("member").await;
    let group = services.groups.create(&call, "Owners", "").await.unwrap();
    services.groups.add_member(&call, group, member).await.unwrap();
    services.administrators.grant_group(&call, group, &Grant::of(Role::Owner)).await.unwrap();
    services.people.delete(&call, owner).await.unwrap();
    let call = world.by(member).await;
    let grant = grants(&world).await.remove(0);
    for result in [
        services.groups.remove_member(&call, group, member).await,
        services.groups.delete(&call, group).await,
        services.administrators.revoke(&call, &grant.id).await.map(drop),
        services.people.disable(&call, member).await,
    ] {
        assert_eq!(result.unwrap_err().kind(), Refusal::Forbidden, "(AUTHZ-06)");
    }
    assert_eq!(owners(&world).await, 1);
}

#[tokio::test]
async fn two_owners_who_demote_each_other_at_once_leave_one() {
    let world = World::new().await;
    let services = &world.services;
    let pair = [world.admin("one", Role::Owner).await, world.admin("two", Role::Owner).await];
    for round in 0..rounds() {
        let mut tasks = tokio::task::JoinSet::new();
        for (at, user) in pair.into_iter().enumerate() {
            let other = pair[1 - at];
            let (services, call, grant) = (services.clone(), world.by(user).await, grant_of(&world, other).await);
            // Every way in which an owner goes, against every other.
            match (round + at) % 3 {
                0 => tasks.spawn(async move { services.administrators.revoke(&call, &grant).await.map(drop) }),
                1 => tasks.spawn(async move { services.people.disable(&call, other).await }),
                _ => tasks.spawn(async move { services.administrators.revoke(&call, &grant).await.map(drop) }),
            };
        }
        let mut done = 0;
        while let Some(result) = tasks.join_next().await {
            match result.unwrap() {
                Ok(()) => done += 1,
                Err(error) => {
                    assert_eq!(error.kind(), Refusal::Forbidden, "round {round}: {error}: {:?}", error.cause());
                }
            }
        }
        assert_eq!((done, owners(&world).await), (1, 1), "round {round} (AUTHZ-08)");
        for user in pair {
            services.people.enable(&world.operator(), user).await.unwrap();
            services.administrators.grant_user(&world.operator(), user, &Grant::of(Role::Owner)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn roles_are_the_owners_alone_to_give_also_through_groups() {
    let world = World::new().await;
    let services = &world.services;
    let owner = world.admin("owner", Role::Owner).await;
    let admin = world.admin("admin", Role::Admin).await;
    let plain = world.bare("plain").await;
    let by_owner = world.by(owner).await;
    let by_admin = world.by(admin).await;
    let group = services.groups.create(&by_admin, "Auditors", "").await.unwrap();
    services.groups.add_member(&by_admin, group, plain).await.unwrap();
    services.administrators.grant_group(&by_owner, group, &Grant::of(Role::Auditor)).await.unwrap();
    assert_eq!(ranks::roles_of_person(services.core.store.read(), plain).await.unwrap(), [Role::Auditor], "at once");
    let version = services.groups.get(&by_admin, group).await.unwrap().version;
    for result in [
        services.administrators.grant_user(&by_admin, admin, &Grant::of(Role::Owner)).await.map(drop),
        services.administrators.grant_user(&by_admin, plain, &Grant::of(Role::Helpdesk)).await.map(drop),
        services.administrators.grant_group(&by_admin, group, &Grant::of(Role::Admin)).await.map(drop),
        services.groups.add_member(&by_admin, group, admin).await,
        services.groups.remove_member(&by_admin, group, plain).await,
        services.groups.update(&by_admin, group, version, "Renamed", "").await,
        services.groups.delete(&by_admin, group).await,
        services
            .people
            .create(&by_admin, &super::test_admins::input("eve", "Eve", "Mallory"), &[group])
            .await
            .map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind(), Refusal::Forbidden, "an administrator raises nobody (AUTHZ-02)");
    }
    assert!(!services.groups.get(&by_admin, group).await.unwrap().may_change);
    assert!(services.groups.get(&by_owner, group).await.unwrap().may_change);

    // Whoever was demoted while the request waited decides nothing any more.
    let second = world.admin("second", Role::Owner).await;
    let stale = world.by(second).await;
    services.administrators.revoke(&by_owner, &grant_of(&world, second).await).await.unwrap();
    let error = services.administrators.grant_user(&stale, second, &Grant::of(Role::Owner)).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Forbidden, "(AUTHZ-15)");
}

#[tokio::test]
async fn a_member_added_many_times_at_once_is_one_member() {
    let world = World::new().await;
    let services = &world.services;
    let call = world.operator();
    let user = world.bare("alice").await;
    let group = services.groups.create(&call, "Engineers", "Build things").await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (groups, call) = (services.groups.clone(), world.operator());
        tasks.spawn(async move { groups.add_member(&call, group, user).await });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(services.groups.get(&call, group).await.unwrap().row.members, 1, "(DB-03)");
    assert_eq!(world.audited("AddMemberToGroup").await.len(), 1, "one effect, one entry");
    let members = services.groups.members(&call, group, "ali", &crate::PageRequest::default()).await.unwrap();
    assert_eq!((members.rows.len(), members.total), (1, Some(1)));
    services.groups.remove_member(&call, group, user).await.unwrap();
    services.groups.remove_member(&call, group, user).await.unwrap();
    assert_eq!(services.groups.get(&call, group).await.unwrap().row.members, 0);
    let error = services.groups.create(&call, "ENGINEERS", "").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Refusal::Conflict, Some("name")));
    let page = services.groups.list(&call, "eng", &crate::PageRequest::default()).await.unwrap();
    assert_eq!((page.rows.len(), page.total), (1, Some(1)));
}
