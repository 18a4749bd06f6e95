//! The portal of somebody with 7,000 accounts and three permission sets in each: the time of the server, the weight of the page
//! with all it loads, and what a key press in its search costs in Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::http::{Connection, signed_in_weight};
use crate::process::Server;
use crate::{Report, median};

/// What the benchmark of the domain beside this one left.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/portal")
}

const NAME: &str = "reader";
const PASSWORD: &str = "plum-tractor-violet-9";

/// Fills the rows about the portal.
pub fn measure(binary: &Path, report: &mut Report) {
    if !folder().join("vestibule.db").exists() {
        report.row("portal with 7,000 accounts × 3 sets", "not measured: target/bench/portal is missing", "");
        return;
    }
    let server = Server::start_with(binary, &folder());
    let mut connection = Connection::open(server.address);
    let answer =
        connection.post_form("/actions/sign-in/password", &format!("username={NAME}&password={PASSWORD}&next="));
    assert_eq!(answer.location.as_deref(), Some("/start"), "{NAME} signs in");
    let cookie = format!("Cookie: {}\r\n", answer.cookie.expect("a session"));
    let headers = format!("{cookie}Accept-Encoding: br\r\nAccept: text/html\r\n");
    let cpu = server.cpu_seconds();
    let times: Vec<f64> = (0..31)
        .map(|_| {
            let begun = Instant::now();
            let page = connection.get_with("/start", &headers);
            assert_eq!(page.status, 200);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let cpu = (server.cpu_seconds() - cpu) / 31.0 * 1e3;
    report.row(
        "/start with 7,000 accounts × 3 sets, compressed, first byte to last (median of 31)",
        &format!("{:.1} ms ({cpu:.1} ms of CPU)", median(times)),
        "≤ 50 ms",
    );
    let weight = signed_in_weight(server.address, "/start", &cookie);
    report.row(
        "the same with everything it loads, islands included",
        &format!("{:.1} KB in {} requests", weight.bytes as f64 / 1e3, weight.requests),
        "≤ 150 KB",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/bench/portal.js");
    let url = format!("http://localhost:{}", server.address.port());
    let seen = Command::new("node").arg(script).args([&url, NAME, PASSWORD]).output().expect("node runs");
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&seen.stdout).expect("JSON");
    let figure = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
    report.row(
        "a key press in the search over 7,000 accounts (Chromium)",
        &format!(
            "{:.1} ms of work, {:.1} ms at the 95th percentile; shown after {:.1} ms",
            figure("worked"),
            figure("worked95"),
            figure("shown")
        ),
        "≤ 16 ms",
    );
}
