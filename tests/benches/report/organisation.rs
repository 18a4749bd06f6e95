//! The organisation file at full size: what planning and applying a million assignments takes, and what it leaves behind in a server
//! that goes on serving.

use std::fmt::Write as _;
use std::path::Path;

use crate::Report;
use crate::http::Connection;
use crate::process::Server;

const PEOPLE: usize = 100_000;
const GROUPS: usize = 10_000;
const ACCOUNTS: usize = 7_000;
const SETS: usize = 3_500;
const ASSIGNMENTS: usize = 1_000_000;

const HEAD: &str = "apiVersion: vestibule/v1\n";
const NAME: &str = "reader";
const PASSWORD: &str = "plum-tractor-violet-9";

fn account(n: usize) -> String {
    // Numbers without a pattern, each once.
    format!("{:012}", (n * 618_033_988_749 + 271_828_182_845) % 1_000_000_000_000)
}

/// Everything but the assignments.
fn base() -> String {
    let mut text = format!("{HEAD}accounts:\n");
    for n in 0..ACCOUNTS {
        let _ = writeln!(text, "  - {{id: \"{}\", name: Account {n:05}, path: /team{}/prod}}", account(n), n % 40);
    }
    text.push_str("permissionSets:\n");
    for n in 0..SETS {
        let _ = writeln!(text, "  - {{name: Set{n:05}}}");
    }
    text.push_str("groups:\n");
    for n in 0..GROUPS {
        let _ = writeln!(text, "  - {{name: Group {n:05}}}");
    }
    text.push_str("users:\n");
    for n in 0..PEOPLE {
        let group = |k: usize| format!("Group {:05}", (n + k * GROUPS / 3) % GROUPS);
        let groups = [group(0), group(1), group(2)].join(", ");
        let _ = writeln!(text, "  - {{userName: user.{n:06}, email: user.{n:06}@example.com, groups: [{groups}]}}");
    }
    text
}

/// One assignment a line, as they are longest.
fn assignments() -> String {
    let mut text = format!("{HEAD}assignments:\n");
    for n in 0..ASSIGNMENTS {
        let (group, rest) = (n % GROUPS, n / GROUPS);
        let account = account((rest / SETS + group + rest) % ACCOUNTS);
        let set = rest % SETS;
        let _ =
            writeln!(text, "  - {{group: Group {group:05}, permissionSet: Set{set:05}, accounts: [\"{account}\"]}}");
    }
    text
}

/// Fills the rows about the organisation file.
pub fn measure(binary: &Path, report: &mut Report) {
    let server = Server::start(binary);
    let folder = tempfile::tempdir().expect("scratch folder");
    let written = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (base, file) = (written("base.yaml", base()), written("assignments.yaml", assignments()));
    let first = server.watched(&["apply", &base, "--yes"], 0);
    report.row(
        "apply of 100,000 people, 10,000 groups, 7,000 accounts and 3,500 permission sets",
        &format!("{:.1} s, {:.0} MB at most", first.seconds, first.most_megabytes),
        "",
    );
    let planned = server.watched(&["plan", &file], 2);
    report.row(
        "vestibule plan of 1,000,000 assignments",
        &format!(
            "{:.1} s ({:.1} s of CPU), {:.0} MB at most",
            planned.seconds, planned.cpu_seconds, planned.most_megabytes
        ),
        "≤ 10 s, ≤ 1 GB",
    );
    let applied = server.watched(&["apply", &file, "--yes"], 0);
    report.row(
        "vestibule apply of 1,000,000 assignments, in one transaction",
        &format!(
            "{:.1} s ({:.1} s of CPU), {:.0} MB at most",
            applied.seconds, applied.cpu_seconds, applied.most_megabytes
        ),
        "≤ 30 s, ≤ 1 GB",
    );
    // The server has served all the time; now it serves somebody of this organisation.
    let reader = format!(
        "{HEAD}users:\n  - {{userName: {NAME}, email: {NAME}@example.com, groups: [Group 00001, Group 00002], password: {{fromEnv: READER}}}}\n"
    );
    let reader = written("reader.yaml", reader);
    server.run_with(&["apply", &reader, "--yes"], &[("READER", PASSWORD)]);
    let mut connection = Connection::open(server.address);
    let form = format!("username={NAME}&password={PASSWORD}&next=");
    let answer = connection.post_form("/actions/sign-in/password", &form);
    assert_eq!(answer.location.as_deref(), Some("/start"), "{NAME} signs in");
    let cookie = format!("Cookie: {}\r\n", answer.cookie.expect("a session"));
    for _ in 0..50 {
        assert_eq!(connection.get_with("/start", &cookie).status, 200, "the portal");
    }
    report.row(
        "memory of the server beside it, which has served since",
        &format!("{:.1} MB, {:.1} MB at most", server.resident_megabytes(), server.most_megabytes()),
        "≤ 200 MB",
    );
}
