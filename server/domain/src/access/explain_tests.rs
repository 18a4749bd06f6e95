//! Explanations: every way in, and the nearest reason where there is none.

use model::{AccountTarget, Refusal, Role, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::{Obstacle, Policies, policies_of};
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::store::entity::{account, administrator, permission_set};
use crate::testing::World;

#[tokio::test]
async fn every_way_in_is_named() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let team = world.group("Engineers", &[alice]).await;
    let (account, set) =
        (world.account("111122223333", "Prod", "/workloads/prod").await, world.permission_set("Admin").await);
    let end = world.clock.now().plus(Timestamp::DAY);
    let own = world.assign_until(Principal::User(alice), set, "111122223333", Some(end)).await;
    let by_team = world.assign(Principal::Group(team), set, "/workloads/**").await;
    let explained = world.services.explain.one(&world.operator(), alice, account, "ADMIN").await.unwrap();
    assert!(explained.allowed && explained.obstacles.is_empty());
    assert_eq!((explained.user_name.as_str(), explained.set_name.as_str()), ("alice", "Admin"));
    let mut paths: Vec<_> = explained
        .paths
        .iter()
        .map(|path| (path.assignment, path.group.as_ref().map(|(_, name)| name.as_str()), path.expires))
        .collect();
    let mut expected = vec![(own, None, Some(end)), (by_team, Some("Engineers"), None)];
    paths.sort_unstable();
    expected.sort_unstable();
    assert_eq!(paths, expected);
    assert!(explained.paths.iter().any(|path| path.target == AccountTarget::parse("/workloads/**").unwrap()));

    let lines = world.services.explain.all(&world.operator(), alice, None, None).await.unwrap();
    let [line] = lines.lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((line.account.id, line.set.id, line.paths.len()), (account, set, 2));
    let by_id =
        world.services.explain.all(&world.operator(), alice, Some(account), Some(&set.to_string())).await.unwrap();
    assert_eq!(by_id.lines.len(), 1);
}

#[tokio::test]
async fn the_nearest_reason_comes_first() {
    let world = World::new().await;
    let (alice, bob) = (world.person("alice").await, world.person("bob").await);
    let (prod, dev) =
        (world.account("111122223333", "Prod", "/p").await, world.account("444455556666", "Dev", "/d").await);
    let (admin, read) = (world.permission_set("Admin").await, world.permission_set("ReadOnly").await);
    let operator = world.operator();
    let obstacles = async |user, account, set| {
        let explained = world.services.explain.one(&operator, user, account, set).await.unwrap();
        assert!(!explained.allowed);
        explained.obstacles
    };
    assert_eq!(obstacles(alice, prod, "Admin").await, [Obstacle::Nothing]);
    assert_eq!(obstacles(alice, "999999999999".parse().unwrap(), "Admin").await, [Obstacle::NoAccount]);
    assert_eq!(obstacles(alice, prod, "No<such>").await, [Obstacle::NoSet]);

    let team = world.group("Admins", &[bob]).await;
    world.assign(Principal::Group(team), admin, "/**").await;
    let without = Obstacle::OtherGroups(vec!["Admins".to_owned()]);
    assert_eq!(obstacles(alice, prod, "Admin").await, vec![without.clone()]);

    world.assign(Principal::User(alice), admin, "444455556666").await;
    let elsewhere = Obstacle::OtherAccounts { count: 1, some: vec!["Dev (444455556666)".to_owned()] };
    assert_eq!(obstacles(alice, prod, "Admin").await, [elsewhere.clone(), without.clone()]);

    world.assign(Principal::User(alice), read, "111122223333").await;
    let other_set = Obstacle::OtherSets(vec!["ReadOnly".to_owned()]);
    assert_eq!(obstacles(alice, prod, "Admin").await, [other_set.clone(), elsewhere.clone(), without.clone()]);

    let yesterday = operator.now.plus(-Timestamp::DAY);
    let old = world.group("Old", &[alice]).await;
    world.assign_until(Principal::Group(old), admin, "111122223333", Some(yesterday)).await;
    let ended = Obstacle::Ended { group: Some("Old".to_owned()), at: yesterday };
    assert_eq!(obstacles(alice, prod, "Admin").await, [ended, other_set, elsewhere, without]);

    suspend(&world, dev).await;
    assert_eq!(obstacles(alice, dev, "Admin").await, [Obstacle::OutOfUse]);
    world.services.people.disable(&operator, bob).await.unwrap();
    let explained = world.services.explain.one(&operator, bob, prod, "Admin").await.unwrap();
    assert_eq!((explained.allowed, explained.paths.len()), (false, 1), "the way is shown, and that it is closed");
    assert_eq!(explained.obstacles, [Obstacle::Disabled]);
    let lines = world.services.explain.all(&operator, bob, None, None).await.unwrap();
    assert_eq!((lines.obstacle, lines.lines.len()), (Some(Obstacle::Disabled), 0));
}

async fn suspend(world: &World, id: model::AccountId) {
    let write = world.services.core.store.write();
    account::Entity::update_many()
        .col_expr(account::Column::Status, Expr::value("suspended"))
        .filter(account::Column::Id.eq(id.to_string()))
        .exec(write)
        .await
        .unwrap();
    stamp::touch(write, world.clock.now(), Touched::Directory).await.unwrap();
}

#[tokio::test]
async fn an_explanation_and_a_check_never_disagree() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let (mut accounts, mut sets) = (Vec::new(), Vec::new());
    for (n, path) in ["/", "/w", "/w/a", "/w/a/b", "/x"].iter().enumerate() {
        accounts.push(world.account(&format!("{n:012}"), &format!("A{n}"), path).await);
    }
    for name in ["One", "Two", "Three"] {
        sets.push(world.permission_set(name).await);
    }
    let now = world.clock.now();
    for (n, target) in ["/w/**", "000000000004", "/w/*", "/", "/x", "000000000002"].iter().enumerate() {
        let members = if n % 3 == 2 { vec![] } else { vec![alice] };
        let group = world.group(&format!("G{n}"), &members).await;
        let end = (n % 2 == 1).then(|| now.plus(Timestamp::SECOND * (i64::try_from(n).unwrap() - 3)));
        world.assign_until(Principal::Group(group), sets[n % 3], target, end).await;
    }
    let lines = world.services.explain.all(&world.operator(), alice, None, None).await.unwrap().lines;
    let mut allowed = 0;
    for account in &accounts {
        for set in &sets {
            let check = world.services.entitlements.check(alice, *account, *set, now).await.unwrap();
            let one = world.services.explain.one(&world.operator(), alice, *account, &set.to_string()).await.unwrap();
            let listed = lines.iter().any(|line| line.account.id == *account && line.set.id == *set);
            assert_eq!((one.allowed, listed), (check, check), "{account} {}", one.set_name);
            assert_eq!(one.obstacles.is_empty(), check, "{account} {}", one.set_name);
            allowed += usize::from(check);
        }
    }
    assert!((2..15).contains(&allowed), "{allowed} of 15: some are allowed and some are not");
}

#[tokio::test]
async fn an_access_administrator_sees_what_is_theirs() {
    let world = World::new().await;
    let carol = world.enrolled("carol").await;
    world.give_role(carol.id, Role::AccessAdmin, false).await;
    administrator::Entity::update_many()
        .col_expr(administrator::Column::Scope, Expr::value(r#"["/w/**"]"#))
        .filter(administrator::Column::UserId.eq(carol.id.to_string()))
        .exec(world.services.core.store.write())
        .await
        .unwrap();
    let alice = world.person("alice").await;
    let (inside, outside) =
        (world.account("111122223333", "In", "/w/a").await, world.account("444455556666", "Out", "/x").await);
    let set = world.permission_set("Admin").await;
    world.assign(Principal::User(alice), set, "/**").await;
    let progress = world.sign_in_strongly("carol", &carol.secret).await;
    let call = world.with_token(&progress.session.token).await;
    let explain = &world.services.explain;
    assert!(explain.one(&call, alice, inside, "Admin").await.unwrap().allowed);
    for hidden in [outside, "999999999999".parse().unwrap()] {
        assert_eq!(explain.one(&call, alice, hidden, "Admin").await.unwrap_err().kind(), Refusal::Forbidden);
    }
    let seen: Vec<_> =
        explain.all(&call, alice, None, None).await.unwrap().lines.iter().map(|line| line.account.id).collect();
    assert_eq!(seen, [inside]);
    let ordinary = world.sign_in("alice").await;
    let ordinary = world.with_token(&ordinary.session.token).await;
    assert_eq!(explain.all(&ordinary, alice, None, None).await.unwrap_err().kind(), Refusal::Forbidden);
}

#[test]
fn the_policies_of_a_set_are_summed_up() {
    let row = permission_set::Model {
        id: "ps-0000000000000000".into(),
        name: "Admin".into(),
        name_key: "admin".into(),
        description: String::new(),
        session_seconds: 3600,
        relay_state: String::new(),
        managed_policies: serde_json::json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
        customer_policies: serde_json::json!([{"name": "Extra", "path": "/team/"}]),
        inline_policy: Some(r#"{"Version":"2012-10-17","Statement":[{},{}]}"#.into()),
        boundary: serde_json::json!({"managedPolicy": "arn:aws:iam::aws:policy/PowerUserAccess"}),
        tags: serde_json::json!({}),
        require_fresh_factor: false,
        last_used_at: None,
        created_at: 0,
        updated_at: 0,
        version: 1,
    };
    assert_eq!(
        policies_of(&row),
        Policies {
            managed: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()],
            customer: vec!["/team/Extra".to_owned()],
            inline: Some(2),
            boundary: Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned()),
        }
    );
}
