//! The figures: what the product costs, side by side with the physical floor, in one run on one machine.
//!
//! Run by `make bench`. Rates are ratios against a floor measured in the same run; sizes, memory and start times are medians.
//! Nothing here asserts: the report says what was seen beside what was wanted.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures with the real clock, prints what it saw, and stops where it cannot go on"
)]

mod floor;
mod http;
mod organisation;
mod portal;
mod process;
mod storm;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use process::Server;

fn main() {
    let binary = std::env::var_os("VESTIBULE_BIN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/vestibule")),
        PathBuf::from,
    );
    assert!(binary.exists(), "{} is missing: make release builds it", binary.display());
    // `cargo bench … -- sign-ins` measures that part alone.
    let parts: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);

    let mut report = Report::new();
    if wanted("process") {
        measure_process(&binary, &mut report);
    }
    if wanted("portal") {
        portal::measure(&binary, &mut report);
    }
    if wanted("organisation") {
        organisation::measure(&binary, &mut report);
    }
    if wanted("sign-ins") {
        let server = Server::start(&binary);
        storm::measure(&server, &mut report);
        report.row("memory after the storms", &format!("{:.1} MB", server.resident_megabytes()), "");
    }

    report.save();
}

/// Start, idling, sizes.
fn measure_process(binary: &Path, report: &mut Report) {
    let starts: Vec<f64> = (0..11).map(|_| Server::start(binary).cold_start.as_secs_f64() * 1e3).collect();
    report.row(
        "cold start to the first 200, empty database (median of 11)",
        &format!("{:.0} ms", median(starts)),
        "≤ 100 ms",
    );

    let server = Server::start(binary);
    server.get_ok("/healthz");
    std::thread::sleep(Duration::from_secs(3));
    report.row("idle memory after start", &format!("{:.1} MB", server.resident_megabytes()), "≤ 25 MB");
    let before = server.cpu_seconds();
    std::thread::sleep(Duration::from_secs(30));
    report.row(
        "idle CPU over 30 s",
        &format!("{:.3} % of a core", (server.cpu_seconds() - before) / 30.0 * 100.0),
        "≤ 0.1 %",
    );

    let page = http::page_weight(server.address, "/start/sign-in");
    report.row(
        "sign-in page, compressed",
        &format!("{:.1} KB in {} requests", page.bytes as f64 / 1e3, page.requests),
        "≤ 15 KB in ≤ 3 requests",
    );
    let size = std::fs::metadata(binary).map_or(0, |meta| meta.len());
    report.row("binary with the UI inside", &format!("{:.1} MB", size as f64 / 1e6), "≤ 30 MB");
}

/// Lines of a table, printed as they come and written at the end.
pub struct Report(String);

impl Report {
    fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self(format!(
            "# Figures of one run\n\nMachine: {cores} cores. Peers and floors were measured in the same run.\n\n| what | seen | wanted |\n|---|---|---|\n"
        ))
    }

    /// One figure.
    pub fn row(&mut self, what: &str, seen: &str, wanted: &str) {
        println!("{what}: {seen} (wanted: {wanted})");
        let _ = writeln!(self.0, "| {what} | {seen} | {wanted} |");
    }

    fn save(mut self) {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench"));
        // What the benchmarks beside this one left for the table.
        for rows in ["people.rows", "access.rows"] {
            self.0.push_str(&std::fs::read_to_string(folder.join(rows)).unwrap_or_default());
        }
        std::fs::create_dir_all(&folder).expect("target/bench");
        std::fs::write(folder.join("report.md"), &self.0).expect("report.md");
        println!("written: target/bench/report.md");
    }
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value that this share of all lies below.
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or(f64::NAN)
}
