//! Long lists: the last page is read like the first, by an index and without a sort. The plans of both databases say so.

use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};

use super::people::{PeopleQuery, PeopleSort, Status};
use crate::testing::World;

/// Enough that a plan that reads everything would be chosen only by mistake.
const PEOPLE: u32 = 20_000;

/// Many people at once, by the database itself.
async fn fill(world: &World) {
    let store = &world.services.core.store;
    let numbers = if store.is_postgres() {
        format!("SELECT n FROM generate_series(1, {PEOPLE}) AS n")
    } else {
        format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {PEOPLE}) SELECT n FROM c")
    };
    let (json, flag, digits) = if store.is_postgres() {
        ("'{}'::jsonb", "false", "lpad(n::text, 12, '0')")
    } else {
        ("'{}'", "0", "printf('%012d', n)")
    };
    let people = format!(
        "INSERT INTO users (id, directory, user_name, user_name_key, display_name, display_key, given_name, family_name, email, \
         email_key, status, attributes, preferences, must_change_password, created_at, updated_at, version) \
         SELECT '00000000-0000-4000-8000-' || {digits}, 'builtin', 'user' || n, 'user' || n, 'Name ' || n, 'name ' || n, 'Name', 'N' || n, \
         'user' || n || '@example.com', 'user' || n || '@example.com', CASE WHEN n % 100 = 0 THEN 'disabled' ELSE 'active' END, \
         {json}, {json}, {flag}, n, n, 1 FROM ({numbers}) AS numbers"
    );
    let words = "INSERT INTO user_words (user_id, word) SELECT id, user_name_key FROM users \
                 UNION ALL SELECT id, 'example' FROM users";
    for sql in [people.as_str(), words, "ANALYZE"] {
        store.write().execute_unprepared(sql).await.unwrap();
    }
}

/// The plan of a page far into a list, in the words of the database.
async fn plan(world: &World, filter: &str, key: &str, tie: &str, from: &str) -> String {
    let store = &world.services.core.store;
    let explain = if store.is_postgres() { "EXPLAIN" } else { "EXPLAIN QUERY PLAN" };
    let sql = format!(
        "{explain} SELECT * FROM users WHERE {filter} ({key}, {tie}) > ({from}, 'x') ORDER BY {key} ASC, {tie} ASC LIMIT 51"
    );
    let backend = if store.is_postgres() { DatabaseBackend::Postgres } else { DatabaseBackend::Sqlite };
    let rows = store.read().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let column = if store.is_postgres() { 0 } else { 3 };
    rows.iter().map(|row| row.try_get_by::<String, _>(column).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_page_of_every_order_is_read_by_an_index() {
    let world = World::new().await;
    fill(&world).await;
    let orders = [
        ("user_name_key", "directory", "'user5'"),
        ("display_key", "id", "'name 5'"),
        ("email_key", "id", "'user5'"),
        ("created_at", "id", "9000"),
    ];
    for (key, tie, from) in orders {
        for filter in ["", "status = 'disabled' AND"] {
            let plan = plan(&world, filter, key, tie, from).await;
            let read_by_index = plan.contains("USING INDEX users_") || plan.contains("Index Scan using users_");
            assert!(read_by_index, "{key} {filter}: {plan}");
            let sorted = plan.contains("USE TEMP B-TREE") || plan.contains("Sort");
            assert!(!sorted, "{key} {filter}: {plan}");
        }
    }
}

#[tokio::test]
async fn a_long_list_counts_once_and_a_broad_search_shows_no_false_total() {
    let world = World::new().await;
    fill(&world).await;
    let call = world.operator();
    let read = world.services.core.store.read();
    let all = super::words::find(read, "").await.unwrap();
    assert!(matches!(all, super::words::Found::Everybody));
    assert!(
        matches!(super::words::find(read, "user1234").await.unwrap(), super::words::Found::Few(ids) if ids.len() == 11)
    );
    assert!(
        matches!(super::words::find(read, "exam user19999").await.unwrap(), super::words::Found::Few(ids) if ids.len() == 1)
    );
    assert!(
        matches!(super::words::find(read, "exam use").await.unwrap(), super::words::Found::Many(terms) if terms.len() == 2)
    );
    for (search, status, total) in [
        ("exam", None, None),
        ("user1234", None, Some(11)),
        ("", Some(Status::Disabled), Some(200)),
        ("", None, Some(u64::from(PEOPLE))),
    ] {
        let query =
            PeopleQuery { search: search.to_owned(), status, sort: PeopleSort::Created, ..PeopleQuery::default() };
        let page = world.services.people.list(&call, &query).await.unwrap();
        assert_eq!(page.total, total, "{search:?} {status:?}");
        assert_eq!(page.rows.len(), if total == Some(11) { 11 } else { 50 });
    }
}
