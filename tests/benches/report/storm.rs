//! Password sign-ins: what they cost beyond the hash, and what a storm of them does to everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::http::Connection;
use crate::process::Server;
use crate::{Report, floor, quantile};

const PASSWORD: &str = "sandstone-arch-lantern-42";
const LASTING: Duration = Duration::from_secs(15);

/// Fills the rows about sign-ins.
pub fn measure(server: &Server, report: &mut Report) {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let names: Vec<String> = (0..2 * cores).map(|n| format!("bench{n}")).collect();
    for name in &names {
        let email = format!("{name}@example.com");
        server.run(
            &[
                "user",
                "create",
                name,
                "--email",
                &email,
                "--given-name",
                "Bench",
                "--family-name",
                name,
                "--password-stdin",
            ],
            PASSWORD,
        );
    }

    // One at a time: CPU per sign-in against CPU per hash.
    let raw_one = floor::hashes_per_second(1, Duration::from_secs(5));
    let (before, count) = (server.cpu_seconds(), 200);
    let mut connection = Connection::open(server.address);
    let first = names.first().map_or("", String::as_str);
    for _ in 0..count {
        sign_in(&mut connection, first);
    }
    let per_sign_in = (server.cpu_seconds() - before) / f64::from(count);
    let beyond = (per_sign_in - 1.0 / raw_one) / per_sign_in * 100.0;
    report.row(
        "CPU of a password sign-in beyond the hash",
        &format!(
            "{beyond:.1} % ({:.2} ms of {:.2} ms; hash alone {:.2} ms)",
            (per_sign_in - 1.0 / raw_one) * 1e3,
            per_sign_in * 1e3,
            1e3 / raw_one
        ),
        "≤ 5 %",
    );

    // All cores: rate against the hashes alone, and what /healthz feels meanwhile.
    let mut idle = healthz_latencies(server, Duration::from_secs(5));
    let raw_all = floor::hashes_per_second(cores, LASTING);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let begun = Instant::now();
    let workers: Vec<_> = names
        .iter()
        .cloned()
        .map(|name| {
            let (stop, done, address) = (stop.clone(), done.clone(), server.address);
            std::thread::spawn(move || {
                let mut connection = Connection::open(address);
                while !stop.load(Ordering::Relaxed) {
                    sign_in(&mut connection, &name);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut busy = healthz_latencies(server, LASTING);
    let rate = f64::from(done.load(Ordering::Relaxed)) / begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        let _ = worker.join();
    }
    report.row(
        "password sign-ins per second, all cores",
        &format!("{:.2} × the hashes alone ({rate:.1}/s against {raw_all:.1}/s)", rate / raw_all),
        "≥ 0.95 ×",
    );
    let (idle_p99, busy_p99) = (quantile(&mut idle, 0.99), quantile(&mut busy, 0.99));
    report.row(
        "p99 of /healthz during the storm",
        &format!("{:.1} × idle ({:.2} ms against {:.2} ms)", busy_p99 / idle_p99, busy_p99 * 1e3, idle_p99 * 1e3),
        "≤ 2 ×",
    );
}

fn sign_in(connection: &mut Connection, name: &str) {
    let answer =
        connection.post_form("/actions/sign-in/password", &format!("username={name}&password={PASSWORD}&next="));
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/start")), "sign-in of {name}");
}

/// One request every five milliseconds, as a monitor would ask.
fn healthz_latencies(server: &Server, lasting: Duration) -> Vec<f64> {
    let mut connection = Connection::open(server.address);
    let begun = Instant::now();
    let mut latencies = Vec::new();
    while begun.elapsed() < lasting {
        let asked = Instant::now();
        assert_eq!(connection.get("/healthz").status, 200);
        latencies.push(asked.elapsed().as_secs_f64());
        std::thread::sleep(Duration::from_millis(5));
    }
    latencies
}
