//! Who may use what, at full size: does the size of the organisation matter to one question, and what does memory cost?
//!
//! Run by `make bench`, which adds what this prints to its report. It also leaves a folder with an installation in which one person
//! has 7,000 accounts, for the benchmark of the portal beside it.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures with the real clock, prints what it saw, and stops where it cannot go on"
)]

use std::path::Path;
use std::time::Instant;

use domain::access::Principal;
use domain::access::accounts::AccountsQuery;
use domain::access::assignments::{GrantsFilter, GrantsOf};
use domain::access::permission_sets::PermissionSetsQuery;
use domain::audit::log::AuditQuery;
use domain::page::{Page, PageRequest};
use domain::testing::{Organisation, Size, World};
use domain::{Actor, Call};
use model::{AccountId, PermissionSetId, UserId};

/// The world that is measured.
const SEED: u64 = 3;
const CHECKS: u32 = 500;
const ROUNDS: usize = 41;

// One thread beside those of the databases, and all on one core (see the Makefile): what it costs to wake a thread on another
// core would be the larger part of what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let small = Size { people: 100, groups: 10, accounts: 50, sets: 10, assignments: 1_000 };
    let large = Size { people: 100_000, groups: 10_000, accounts: 7_000, sets: 3_500, assignments: 1_000_000 };
    let (few, asked) = (Asked::new(small).await, Asked::new(large).await);
    // In turn, and the best of many rounds: whatever else the machine does meets both.
    let (mut of_small, mut of_large) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        of_small = of_small.min(few.seconds_a_check().await);
        of_large = of_large.min(asked.seconds_a_check().await);
    }
    println!(
        "| CPU of an entitlement check at 1,000,000 assignments | {:.2} × that at 1,000 ({:.1} µs against {:.1} µs) | ≤ 1.2 × |",
        of_large / of_small,
        of_large * 1e6,
        of_small * 1e6
    );
    let before = resident_megabytes();
    for user in &asked.all.people {
        let call = asked.call_of(*user);
        asked.world.services.entitlements.may(&call, asked.account, asked.set).await.expect("an answer");
    }
    println!(
        "| memory of the index once all 100,000 people have asked | {:.0} MB more ({:.0} MB in all) | ≤ 200 MB |",
        resident_megabytes() - before,
        resident_megabytes()
    );
    lists(&asked).await;
    portal().await;
}

/// Does the last page of a list cost what its first does?
async fn lists(asked: &Asked) {
    let (services, call) = (&asked.world.services, asked.world.operator());
    let all = &asked.all;
    pages("groups", async |page| count(services.groups.list(&call, "", &page).await)).await;
    pages("accounts", async |page| {
        count(services.accounts.list(&call, &AccountsQuery { page, ..AccountsQuery::default() }).await)
    })
    .await;
    pages("permission sets", async |page| {
        count(
            services.permission_sets.list(&call, &PermissionSetsQuery { page, ..PermissionSetsQuery::default() }).await,
        )
    })
    .await;
    for (name, of) in [
        ("assignments", GrantsOf::Everybody),
        ("assignments of an account", GrantsOf::Account(all.accounts[7])),
        ("assignments of a group", GrantsOf::Principal(Principal::Group(all.groups[7]))),
        ("assignments of a permission set", GrantsOf::PermissionSet(all.sets[7])),
    ] {
        pages(name, async |page| count(services.assignments.list(&call, of, &GrantsFilter::default(), &page).await))
            .await;
    }
    asked.world.log(100_000).await;
    pages("the audit log", async |page| {
        count(services.audit.search(&call, &AuditQuery { page, ..AuditQuery::default() }).await)
    })
    .await;
}

/// How many rows a page has, and where the next one begins.
fn count<T>(page: domain::Result<Page<T>>) -> (usize, Option<String>) {
    let page = page.expect("a page");
    (page.rows.len(), page.next)
}

/// Rows of the pages that are timed.
const ROWS: u32 = 10;

/// Walks to the end by the largest pages, then times the first page and one at the end: equally many rows, in turn.
async fn pages(name: &str, list: impl AsyncFn(PageRequest) -> (usize, Option<String>)) {
    let (mut total, mut last, mut next) = (0, None, None);
    loop {
        let (rows, after) = list(PageRequest { cursor: next.clone(), size: Some(200) }).await;
        total += rows;
        if after.is_none() {
            break;
        }
        last = next;
        next = after;
    }
    let time = async |cursor: &Option<String>| {
        let begun = Instant::now();
        list(PageRequest { cursor: cursor.clone(), size: Some(ROWS) }).await;
        begun.elapsed().as_secs_f64()
    };
    let (mut firsts, mut lasts) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        firsts.push(time(&None).await);
        lasts.push(time(&last).await);
    }
    let (first, end) = (median(firsts), median(lasts));
    println!(
        "| {name}: last page of {total} | {:.2} × the first ({:.2} ms against {:.2} ms) | ≤ 1.2 × |",
        end / first,
        end * 1e3,
        first * 1e3
    );
}

fn median(mut seen: Vec<f64>) -> f64 {
    seen.sort_by(f64::total_cmp);
    seen.get(seen.len() / 2).copied().expect("runs")
}

/// One person among many, and what they are asked about.
struct Asked {
    world: World,
    all: Organisation,
    call: Call,
    account: AccountId,
    set: PermissionSetId,
}

impl Asked {
    /// Alike in every organisation: in five groups, each with three grants.
    async fn new(size: Size) -> Self {
        let world = World::new().await;
        let all = world.organisation(SEED, size).await;
        let someone = world.person("someone").await;
        let (account, set) = (all.accounts[7], all.sets[3]);
        for n in 0..5 {
            let group = world.group(&format!("Team {n}"), &[someone]).await;
            for at in 0..3 {
                world.assign(Principal::Group(group), set, &all.accounts[n + at + 3].to_string()).await;
            }
        }
        let progress = world.sign_in("someone").await;
        let call = world.with_token(&progress.session.token).await;
        Self { world, all, call, account, set }
    }

    /// A call by somebody else.
    fn call_of(&self, user: UserId) -> Call {
        let mut call = self.call.clone();
        if let Actor::Person(person) = &mut call.actor {
            person.user = user;
        }
        call
    }

    /// CPU of a check, by one round.
    async fn seconds_a_check(&self) -> f64 {
        let before = cpu_seconds();
        for _ in 0..CHECKS {
            let entitlements = &self.world.services.entitlements;
            assert!(entitlements.may(&self.call, self.account, self.set).await.expect("an answer"));
        }
        (cpu_seconds() - before) / f64::from(CHECKS)
    }
}

/// CPU that all threads of this process have used.
fn cpu_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("/proc");
    let spent = threads.filter_map(|thread| {
        // A thread may end while the others are looked at.
        let spent = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        spent.split(' ').next()?.parse::<f64>().ok()
    });
    spent.sum::<f64>() / 1e9
}

/// An installation in which `reader` has three sets in each of 7,000 accounts.
async fn portal() {
    let world = World::new().await;
    let size = Size { people: 10, groups: 3, accounts: 7_000, sets: 3, assignments: 0 };
    let all = world.organisation(SEED, size).await;
    let reader: UserId = world.person("reader").await;
    for set in &all.sets {
        let group = world.group(&format!("All of {set}"), &[reader]).await;
        world.assign(Principal::Group(group), *set, "/**").await;
    }
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench/portal"));
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder");
    world.services.clone().close().await;
    for file in ["vestibule.db", "master.key"] {
        std::fs::copy(world.folder().join(file), folder.join(file)).expect("copied");
    }
}

fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
    kilobytes.and_then(|text| text.parse::<f64>().ok()).expect("VmRSS") / 1e3
}
