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
use domain::testing::{Organisation, Size, World};
use domain::{Actor, Call};
use model::{AccountId, PermissionSetId, UserId};

/// The world that is measured.
const SEED: u64 = 3;
const CHECKS: u32 = 500;
const ROUNDS: usize = 41;

#[tokio::main]
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
        "| entitlement check at 1,000,000 assignments | {:.2} × that at 1,000 ({:.1} µs against {:.1} µs) | ≤ 1.2 × |",
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
    portal().await;
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

    /// One round.
    async fn seconds_a_check(&self) -> f64 {
        let begun = Instant::now();
        for _ in 0..CHECKS {
            let entitlements = &self.world.services.entitlements;
            assert!(entitlements.may(&self.call, self.account, self.set).await.expect("an answer"));
        }
        begun.elapsed().as_secs_f64() / f64::from(CHECKS)
    }
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
