//! The registry on a real database.

use std::collections::BTreeMap;

use model::{AccountId, AccountPath, AccountTarget, PathRule, Refusal, Role};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, QueryFilter as _};

use super::{AccountInput, AccountStatus, AccountsQuery, AccountsSort, Broker, filter};
use crate::access::stamp;
use crate::call::{Actor, Call};
use crate::page::PageRequest;
use crate::store::entity::{account, assignment, permission_set};
use crate::testing::World;

pub(super) fn input(id: &str, name: &str, path: &str) -> AccountInput {
    AccountInput {
        id: id.to_owned(),
        name: name.to_owned(),
        email: format!("aws+{id}@example.com"),
        path: path.to_owned(),
        tags: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
        ..AccountInput::default()
    }
}

pub(super) async fn made(world: &World, id: &str, name: &str, path: &str) -> AccountId {
    world.services.accounts.create(&world.operator(), &input(id, name, path)).await.unwrap()
}

async fn names(world: &World, call: &Call, query: &AccountsQuery) -> Vec<String> {
    let page = world.services.accounts.list(call, query).await.unwrap();
    page.rows.into_iter().map(|account| account.name.to_string()).collect()
}

/// An access administrator for these.
async fn access_admin(world: &World, scopes: &[&str]) -> Call {
    let user = world.admin("scoped", Role::AccessAdmin).await;
    let mut call = world.by(user).await;
    if let Actor::Person(person) = &mut call.actor {
        person.scopes = scopes.iter().map(|scope| AccountTarget::parse(scope).unwrap()).collect();
    }
    call
}

/// One grant, put straight into the database.
async fn assign(world: &World, target: &str) {
    let store = world.services.core.store.write();
    let set = permission_set::Model {
        id: "ps-0000000000000001".to_owned(),
        name: "ReadOnly".to_owned(),
        name_key: "readonly".to_owned(),
        description: String::new(),
        session_seconds: 3600,
        relay_state: String::new(),
        managed_policies: serde_json::json!([]),
        customer_policies: serde_json::json!([]),
        inline_policy: None,
        boundary: serde_json::json!(null),
        tags: serde_json::json!({}),
        require_fresh_factor: false,
        last_used_at: None,
        created_at: 0,
        updated_at: 0,
        version: 1,
    };
    let set = permission_set::ActiveModel::from(set).reset_all();
    permission_set::Entity::insert(set).exec_without_returning(store).await.unwrap();
    let grant = assignment::Model {
        id: "1".to_owned(),
        principal_kind: "user".to_owned(),
        principal_id: "somebody".to_owned(),
        permission_set_id: "ps-0000000000000001".to_owned(),
        target: target.to_owned(),
        expires_at: None,
        reason: String::new(),
        created_at: 0,
        created_by: String::new(),
        warned_at: None,
        renewed_at: None,
    };
    let grant = assignment::ActiveModel::from(grant).reset_all();
    assignment::Entity::insert(grant).exec_without_returning(store).await.unwrap();
}

async fn version(world: &World) -> i64 {
    stamp::current(world.services.core.store.read()).await.unwrap()
}

#[tokio::test]
async fn an_account_is_written_changed_and_removed_with_its_audit() {
    let world = World::new().await;
    let (accounts, call) = (&world.services.accounts, world.operator());
    let before = version(&world).await;
    let id = made(&world, "000000000012", "Production", "/workloads/prod").await;
    let view = accounts.get(&call, id).await.unwrap();
    assert_eq!((view.version, view.assignments, view.may_change), (1, 0, true));
    let mut changed = input("000000000012", "Production", "/workloads/live");
    changed.status = "suspended".to_owned();
    accounts.update(&call, 1, &changed).await.unwrap();
    accounts.update(&call, 2, &changed).await.unwrap();
    let view = accounts.get(&call, id).await.unwrap();
    assert_eq!((view.version, view.account.status), (2, AccountStatus::Suspended), "the same again changes nothing");
    accounts.delete(&call, id).await.unwrap();
    assert_eq!(accounts.get(&call, id).await.unwrap_err().kind(), Refusal::NotFound);
    for action in ["CreateAccount", "UpdateAccount", "DeleteAccount"] {
        assert_eq!(world.audited(action).await.len(), 1, "{action}");
    }
    for target in ["000000000012", "production"] {
        let query = crate::audit::log::AuditQuery { target: target.to_owned(), ..Default::default() };
        let history = world.services.audit.search(&call, &query).await.unwrap();
        assert_eq!(history.rows.len(), 3, "the history of {target}, also when it is gone");
    }
    assert_eq!(version(&world).await, before + 3, "every change is seen by whoever decides about access");
}

#[tokio::test]
async fn of_two_administrators_who_change_an_account_one_is_told() {
    let world = World::new().await;
    let (accounts, call) = (&world.services.accounts, world.operator());
    made(&world, "111122223333", "Production", "/").await;
    let (one, two) = (input("111122223333", "First", "/"), input("111122223333", "Second", "/"));
    let (first, second) = tokio::join!(accounts.update(&call, 1, &one), accounts.update(&call, 1, &two));
    let refused: Vec<_> = [first, second].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.iter().map(crate::Error::kind).collect::<Vec<_>>(), [Refusal::Conflict]);
    let again = accounts.create(&call, &one).await.unwrap_err();
    assert_eq!((again.kind(), again.field()), (Refusal::Conflict, Some("id")));
}

#[tokio::test]
async fn an_account_that_is_assigned_stays_and_says_where() {
    let world = World::new().await;
    let id = made(&world, "111122223333", "Production", "/").await;
    assign(&world, "111122223333").await;
    let error = world.services.accounts.delete(&world.operator(), id).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict);
    assert_eq!(error.outside(), "Production still has 1 assignment: ReadOnly (1). Remove them first.");
    assert_eq!(world.services.accounts.get(&world.operator(), id).await.unwrap().assignments, 1);
}

#[tokio::test]
async fn a_rule_for_paths_does_not_keep_an_account() {
    let world = World::new().await;
    let id = made(&world, "111122223333", "Production", "/w").await;
    assign(&world, "/w/**").await;
    world.services.accounts.delete(&world.operator(), id).await.unwrap();
}

#[tokio::test]
async fn a_list_is_searched_narrowed_and_ordered() {
    let world = World::new().await;
    let call = world.operator();
    for (id, name, path) in [
        ("300000000001", "Größe 100%", "/workloads/prod"),
        ("200000000002", "<b>\"O'Neil\" & Söhne</b>", "/workloads/test/deep"),
        ("100000000003", "حساب الإنتاج", "/sandbox"),
        ("100000000004", "Rocket 🚀_x", "/Workloads Old"),
    ] {
        made(&world, id, name, path).await;
    }
    let searched = |search: &str| AccountsQuery { search: search.to_owned(), ..AccountsQuery::default() };
    for (search, found) in [
        ("größe", &["Größe 100%"][..]),
        ("0%", &["Größe 100%"]),
        ("🚀_", &["Rocket 🚀_x"]),
        ("\"o'neil\" &", &["<b>\"O'Neil\" & Söhne</b>"]),
        ("الإنتاج", &["حساب الإنتاج"]),
        ("AWS+3000", &["Größe 100%"]),
        ("0000000000", &["<b>\"O'Neil\" & Söhne</b>", "Größe 100%", "Rocket 🚀_x", "حساب الإنتاج"]),
        ("/Sandbox", &["حساب الإنتاج"]),
        ("' OR 1=1 --", &[]),
    ] {
        assert_eq!(names(&world, &call, &searched(search)).await, found, "{search}");
    }
    let by = |sort| AccountsQuery { sort, ..AccountsQuery::default() };
    assert_eq!(names(&world, &call, &by(AccountsSort::Id)).await[0], "حساب الإنتاج");
    assert_eq!(names(&world, &call, &by(AccountsSort::Path)).await[0], "Rocket 🚀_x");
    let at = |path| AccountsQuery { path: Some(AccountPath::parse(path).unwrap()), ..AccountsQuery::default() };
    assert_eq!(names(&world, &call, &at("/workloads")).await.len(), 2, "/Workloads Old is another path");
    assert_eq!(names(&world, &call, &at("/")).await.len(), 4);
    let tagged = |tag: &str| AccountsQuery { tag: tag.to_owned(), ..AccountsQuery::default() };
    for (tag, many) in [("env", 4), ("env=prod", 4), ("env = test", 0), ("team", 0)] {
        assert_eq!(names(&world, &call, &tagged(tag)).await.len(), many, "{tag}");
    }
    let error = world.services.accounts.list(&call, &tagged("a\"b")).await.unwrap_err();
    assert_eq!(error.field(), Some("tag"), "what no tag can be never reaches a query (DB-01)");
    let closed = AccountsQuery { status: Some(AccountStatus::Closed), ..AccountsQuery::default() };
    assert!(names(&world, &call, &closed).await.is_empty());
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_in_every_order() {
    let world = World::new().await;
    for n in 0..7 {
        made(&world, &format!("{n:012}"), &format!("Account {}", n % 3), &format!("/p{}", n % 2)).await;
    }
    for sort in [AccountsSort::Name, AccountsSort::Id, AccountsSort::Path] {
        let mut seen = std::collections::BTreeSet::new();
        let mut cursor = None;
        loop {
            let query = AccountsQuery { sort, page: PageRequest { cursor, size: Some(3) }, ..AccountsQuery::default() };
            let page = world.services.accounts.list(&world.operator(), &query).await.unwrap();
            assert_eq!(page.total, Some(7));
            seen.extend(page.rows.into_iter().map(|account| account.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 7, "{sort:?}");
    }
}

#[tokio::test]
async fn an_access_administrator_sees_their_accounts_and_no_others() {
    let world = World::new().await;
    let inside = made(&world, "100000000001", "Inside", "/w/prod").await;
    let by_number = made(&world, "100000000002", "By number", "/elsewhere").await;
    let outside = made(&world, "100000000003", "Outside", "/w2/prod").await;
    let call = access_admin(&world, &["/w/**", "100000000002"]).await;
    let accounts = &world.services.accounts;
    assert_eq!(names(&world, &call, &AccountsQuery::default()).await, ["By number", "Inside"]);
    let searched = AccountsQuery { search: "side".to_owned(), ..AccountsQuery::default() };
    assert_eq!(names(&world, &call, &searched).await, ["Inside"]);
    let tree: Vec<_> = accounts.tree(&call).await.unwrap().into_iter().map(|at| at.path.to_string()).collect();
    assert_eq!(tree, ["/", "/elsewhere", "/w", "/w/prod"]);
    for id in [inside, by_number] {
        let view = accounts.get(&call, id).await.unwrap();
        assert!(!view.may_change && view.may_assign, "assigning is theirs, the registry is not");
    }
    assert_eq!(accounts.get(&call, outside).await.unwrap_err().kind(), Refusal::NotFound);
    let theirs = input("100000000001", "Renamed", "/w/prod");
    for refused in [
        accounts.update(&call, 1, &theirs).await,
        accounts.delete(&call, inside).await,
        accounts.create(&call, &input("100000000009", "New", "/w")).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), Refusal::Forbidden, "(AUTHZ-04)");
    }
    let nothing = access_admin_without_scope(&call);
    assert!(names(&world, &nothing, &AccountsQuery::default()).await.is_empty(), "no scope reaches nothing");
}

fn access_admin_without_scope(call: &Call) -> Call {
    let mut call = call.clone();
    if let Actor::Person(person) = &mut call.actor {
        person.scopes.clear();
    }
    call
}

#[tokio::test]
async fn the_database_matches_rules_as_the_model_does() {
    let world = World::new().await;
    let paths = ["/", "/w", "/w/a", "/w/a/b", "/wx", "/wx/a", "/w.a", "/w a/b", "/W/a", "/größe/ä", "/größe/ä/ö", "/x"];
    for (n, path) in paths.iter().enumerate() {
        made(&world, &format!("{n:012}"), "Account", path).await;
    }
    let read = world.services.core.store.read();
    for rule in ["/**", "/*", "/", "/w/**", "/w/*", "/w", "/w/a", "/w/a/*", "/größe/*", "/größe/**", "/%/**", "/_/*"]
    {
        let Ok(rule) = PathRule::parse(rule) else { continue };
        let found = account::Entity::find().filter(filter::matched_by(&rule)).all(read).await.unwrap();
        let mut found: Vec<String> = found.into_iter().map(|row| row.path).collect();
        found.sort_unstable();
        let mut meant: Vec<&str> =
            paths.into_iter().filter(|path| rule.matches(&AccountPath::parse(path).unwrap())).collect();
        meant.sort_unstable();
        assert_eq!(found, meant, "{rule}");
    }
}

#[tokio::test]
async fn the_tree_counts_here_and_below() {
    let world = World::new().await;
    for (id, path) in [("1", "/w/prod"), ("2", "/w/prod"), ("3", "/w/prod/eu"), ("4", "/w x"), ("5", "/")] {
        made(&world, &format!("00000000000{id}"), "Account", path).await;
    }
    let tree = world.services.accounts.tree(&world.operator()).await.unwrap();
    let tree: Vec<_> = tree.iter().map(|at| (at.path.as_str(), at.here, at.below)).collect();
    assert_eq!(tree, [("/", 1, 5), ("/w", 0, 3), ("/w/prod", 2, 3), ("/w/prod/eu", 1, 1), ("/w x", 1, 1)]);
}

#[test]
fn everything_wrong_with_an_account_is_named() {
    let wrong = AccountInput {
        id: "12".to_owned(),
        name: " ".to_owned(),
        email: "nobody".to_owned(),
        path: "workloads".to_owned(),
        status: "gone".to_owned(),
        tags: BTreeMap::from([("aws:x".to_owned(), String::new())]),
        broker: Broker::default(),
    };
    let fields: Vec<String> = wrong.check().unwrap_err().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["id", "name", "email", "path", "status", "tags[aws:x]"]);
    let bare = AccountInput { id: "111122223333".into(), name: "A".into(), ..AccountInput::default() }.check().unwrap();
    assert_eq!((bare.path, bare.status, bare.broker), (AccountPath::root(), AccountStatus::Active, Broker::Local {}));
}
