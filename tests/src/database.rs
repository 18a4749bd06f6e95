//! A database for one server: a file in its folder, or one of its own on the PostgreSQL that the suite started.

use std::{
    env,
    process::{self, Command},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

#[derive(Debug)]
pub(crate) enum Database {
    /// In the data folder; goes with it.
    Sqlite,
    Postgres {
        server: String,
        name: String,
    },
    /// One that another server has made, and drops.
    Borrowed(String),
}

impl Database {
    /// A copy of the one that [`template`] made: with all tables and no row, as after `vestibule migrate`.
    pub(crate) fn create() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = env::var("VESTIBULE_TEST_DATABASE_URL") else {
            return Self::Sqlite;
        };
        // Test binaries run one after another and each counts for itself; the process keeps them apart.
        let name = format!("vestibule_{}_{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        make(&server, &name, template(&server));
        Self::Postgres { server, name }
    }

    /// What `VESTIBULE_DATABASE_URL` is set to; on SQLite the default will do.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { server, name } => Some(on(server, name)),
            Self::Borrowed(url) => Some(url.clone()),
        }
    }

    /// The same database for another server; a SQLite database has one.
    pub(crate) fn borrow(&self) -> Option<Self> {
        self.url().map(Self::Borrowed)
    }

    /// All that is stored, in PostgreSQL.
    pub(crate) fn dump(&self) -> Option<Vec<u8>> {
        let done = Command::new("pg_dump").args(["--dbname", &self.url()?]).output().expect("pg_dump is installed");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Some(done.stdout)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self {
            psql(server, &[&drop_statement(name)]);
        }
    }
}

/// A copy of a database, under a name that an earlier process may have left behind.
fn make(server: &str, name: &str, template: &str) {
    psql(server, &[&drop_statement(name), &format!("CREATE DATABASE {name} TEMPLATE {template}")]);
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")
}

fn on(server: &str, name: &str) -> String {
    let (address, _) = server.rsplit_once('/').expect("the URL of a PostgreSQL server ends in a database");
    format!("{address}/{name}")
}

/// The database that others are copied from: migrated by the binary once for each test binary. It stays behind on a server
/// that is thrown away itself.
fn template(server: &str) -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("vestibule_{}_template", process::id());
        make(server, &name, "template1");
        let folder = tempfile::tempdir().expect("a scratch folder");
        let mut migrate = crate::server::command();
        migrate.arg("migrate").env("VESTIBULE_DATA_DIR", folder.path());
        let done = migrate.env("VESTIBULE_DATABASE_URL", on(server, &name)).output().expect("the binary starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        name
    })
}

/// Statements one by one: a database is neither made nor dropped inside a transaction.
fn psql(server: &str, statements: &[&str]) {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", server]);
    for statement in statements {
        command.args(["--command", statement]);
    }
    let done = command.output().expect("psql is installed");
    assert!(done.status.success(), "{statements:?}: {}", String::from_utf8_lossy(&done.stderr));
}
