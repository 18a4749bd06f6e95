//! Password sign-ins: what they cost beyond the hash, and what a storm of them does to everything else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::http::Connection;
use crate::process::Server;
use crate::{Report, floor, quantile};

const PASSWORD: &str = "sandstone-arch-lantern-42";
/// How long one turn of a storm lasts, and how many there are.
const LASTING: Duration = Duration::from_secs(5);
const STORMS: u32 = 4;
/// Sign-ins one after the other.
const SIGN_INS: u32 = 300;

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

    one_at_a_time(server, names.first().map_or("", String::as_str), report);
    all_at_once(server, &names, cores, report);
}

/// CPU of a sign-in outside of the threads that hash. A hash in another process would be no measure: how its memory happens to
/// lie changes what it costs by a quarter.
fn one_at_a_time(server: &Server, name: &str, report: &mut Report) {
    let mut connection = Connection::open(server.address);
    sign_in(&mut connection, name);
    let (hashed, other) = server.cpu_seconds_of_threads("passwords-");
    for _ in 0..SIGN_INS {
        sign_in(&mut connection, name);
    }
    let (hashed_after, other_after) = server.cpu_seconds_of_threads("passwords-");
    let [hash, beyond] = [hashed_after - hashed, other_after - other].map(|spent| spent / f64::from(SIGN_INS) * 1e3);
    report.row(
        "CPU of a password sign-in beyond the hash",
        &format!("{:.1} % ({beyond:.2} ms of {:.2} ms)", beyond / (hash + beyond) * 100.0, hash + beyond),
        "≤ 5 %",
    );
}

/// All cores: rate against the hashes alone, and what `/healthz` feels meanwhile, by turns again.
fn all_at_once(server: &Server, names: &[String], cores: usize, report: &mut Report) {
    let (mut idle, mut busy) = (Vec::new(), Vec::new());
    let (mut hashes, mut sign_ins) = (0.0, 0.0);
    for _ in 0..STORMS {
        idle.extend(healthz_latencies(server, LASTING));
        hashes += floor::hashes_per_second(cores, LASTING) / f64::from(STORMS);
        sign_ins += storm(server, names, &mut busy) / f64::from(STORMS);
    }
    report.row(
        "password sign-ins per second, all cores",
        &format!("{:.2} × the hashes alone ({sign_ins:.1}/s against {hashes:.1}/s)", sign_ins / hashes),
        "≥ 0.95 ×",
    );
    let (idle_p99, busy_p99) = (quantile(&mut idle, 0.99), quantile(&mut busy, 0.99));
    report.row(
        "p99 of /healthz during the storm",
        &format!("{:.1} × idle ({:.2} ms against {:.2} ms)", busy_p99 / idle_p99, busy_p99 * 1e3, idle_p99 * 1e3),
        "≤ 2 ×",
    );
}

/// Everybody signs in again and again; gives sign-ins per second.
fn storm(server: &Server, names: &[String], latencies: &mut Vec<f64>) -> f64 {
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
    latencies.extend(healthz_latencies(server, LASTING));
    let rate = f64::from(done.load(Ordering::Relaxed)) / begun.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        let _ = worker.join();
    }
    rate
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
