//! Lists of people at full size: does the last page cost what the first costs?
//!
//! Run by `make bench`, which adds what this prints to its report. SQLite, or PostgreSQL where the tests' variable names one.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures with the real clock, prints what it saw, and stops where it cannot go on"
)]

use std::time::Instant;

use domain::identity::people::{PeopleQuery, PeopleSort};
use domain::page::PageRequest;
use domain::testing::World;

const PEOPLE: usize = 100_000;
const REPEATS: usize = 41;

#[tokio::main]
async fn main() {
    let world = World::new().await;
    world.crowd(PEOPLE).await;
    for (name, sort, descending) in [
        ("user name", PeopleSort::UserName, false),
        ("display name, falling", PeopleSort::DisplayName, true),
        ("mail", PeopleSort::Email, false),
        ("created, falling", PeopleSort::Created, true),
    ] {
        let query = |cursor, size| PeopleQuery {
            sort,
            descending,
            page: PageRequest { cursor, size },
            ..PeopleQuery::default()
        };
        // Walk to the end once, by the largest pages; the cursor before the end is the one to time.
        let (mut last, mut next) = (None, None);
        loop {
            let page =
                world.services.people.list(&world.operator(), &query(next.clone(), Some(200))).await.expect("a page");
            if page.next.is_none() {
                break;
            }
            last = next;
            next = page.next;
        }
        let first_page = time(&world, &query(None, None)).await;
        let last_page = time(&world, &query(last, None)).await;
        println!(
            "| /admin/users by {name}: last page of {PEOPLE} people | {:.2} × the first ({:.2} ms against {:.2} ms) | ≤ 1.2 × |",
            last_page / first_page,
            last_page * 1e3,
            first_page * 1e3
        );
    }
    for search in ["jun", "gupta 0999", "ada.000100"] {
        let query = PeopleQuery { search: search.to_owned(), ..PeopleQuery::default() };
        println!("| search for “{search}” among {PEOPLE} people | {:.2} ms | |", time(&world, &query).await * 1e3);
    }
}

/// The median of some runs.
async fn time(world: &World, query: &PeopleQuery) -> f64 {
    let mut seen = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let begun = Instant::now();
        world.services.people.list(&world.operator(), query).await.expect("a page");
        seen.push(begun.elapsed().as_secs_f64());
    }
    seen.sort_by(f64::total_cmp);
    seen.get(REPEATS / 2).copied().expect("runs")
}
