//! PostgreSQL goes away under the running server and comes back: nobody restarts anything, and nothing that was said is untrue.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use it::{Vestibule, exchange};
use reqwest::StatusCode;

/// How soon the server must serve again once its database does.
const BACK: Duration = Duration::from_secs(10);

/// A PostgreSQL of this test's own, which may be ended.
struct Postgres {
    folder: PathBuf,
    url: String,
}

#[expect(clippy::unwrap_used, reason = "tests")]
fn script(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres.sh");
    let done = Command::new(script).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

impl Postgres {
    #[expect(clippy::unwrap_used, reason = "tests")]
    fn start() -> Self {
        let printed = script(&["start"]);
        let (folder, url) = printed.split_once(' ').unwrap();
        // For speed, the servers of the tests acknowledge before they have written. This one is going to be ended.
        Self { folder: folder.into(), url: format!("{url}?options[synchronous_commit]=on") }
    }

    fn command(&self, word: &str) {
        script(&[word, &self.folder.display().to_string()]);
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.command("stop");
    }
}

fn metrics(server: &Vestibule) -> String {
    let running = std::fs::read_to_string(server.data_dir().join("running.json")).unwrap_or_default();
    let running: serde_json::Value = serde_json::from_str(&running).unwrap_or_default();
    let port = running["ops"].as_str().and_then(|address| address.rsplit(':').next()?.parse().ok()).unwrap_or_default();
    exchange(port, b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time until the server is back is what is asked for")]
fn readiness_follows_the_database_and_people_go_on_where_they_were() {
    if env::var_os("VESTIBULE_TEST_DATABASE_URL").is_none() {
        // A file does not go away.
        return;
    }
    let postgres = Postgres::start();
    let server = Vestibule::setup().env("VESTIBULE_DATABASE_URL", &postgres.url).start();
    let (bob, browser) = (server.person("bob"), server.browser());
    bob.enter(&browser);
    assert_eq!(browser.get("/readyz").status, StatusCode::OK);

    postgres.command("kill");
    let away = browser.get("/readyz");
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE, "{} (OPS-16)", away.body);
    for told in ["127.0.0.1", "postgres", "sqlx", "refused", "0.1.0"] {
        assert!(!away.body.contains(told), "{told}: {} (OPS-16)", away.body);
    }
    assert_eq!(browser.get("/healthz").status, StatusCode::OK, "the process itself is well");
    assert_eq!(server.browser().get("/start/sign-in").status, StatusCode::OK, "what needs no database is there");
    let refused = bob.begin(&server.browser());
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{} (DB-16)", refused.body);
    assert_eq!(browser.get("/me/profile").status, StatusCode::SERVICE_UNAVAILABLE, "not signed out, only not now");
    let figures = metrics(&server);
    assert!(figures.contains("vestibule_database_up 0") && figures.contains("vestibule_http_requests"), "{figures}");

    postgres.command("revive");
    let since = Instant::now();
    while browser.get("/readyz").status != StatusCode::OK {
        assert!(since.elapsed() < BACK, "ready again by itself (DB-16): {}", server.log());
    }
    assert_eq!(browser.get("/me/profile").status, StatusCode::OK, "the session is the one from before");
    bob.enter(&server.browser());
    assert!(metrics(&server).contains("vestibule_database_up 1"));
    assert_eq!(server.cli(&["audit", "verify"]).code, 0);
}
