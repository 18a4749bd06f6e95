//! A database for one server: a file in its folder, or one of its own on the PostgreSQL that the suite started.

use std::{
    env,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

#[derive(Debug)]
pub(crate) enum Database {
    /// In the data folder; goes with it.
    Sqlite,
    Postgres {
        server: String,
        name: String,
    },
}

impl Database {
    pub(crate) fn create() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = env::var("VESTIBULE_TEST_DATABASE_URL") else {
            return Self::Sqlite;
        };
        // Test binaries run one after another and each counts for itself; the process keeps them apart.
        let name = format!("vestibule_{}_{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        psql(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        psql(&server, &format!("CREATE DATABASE {name}"));
        Self::Postgres { server, name }
    }

    /// What `VESTIBULE_DATABASE_URL` is set to; on SQLite the default will do.
    pub(crate) fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres { server, name } => {
                let (address, _) = server.rsplit_once('/').expect("the URL of a PostgreSQL server ends in a database");
                Some(format!("{address}/{name}"))
            }
        }
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
            psql(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn psql(server: &str, statement: &str) {
    let done = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--dbname", server, "--command", statement])
        .output()
        .expect("psql is installed");
    assert!(done.status.success(), "{statement}: {}", String::from_utf8_lossy(&done.stderr));
}
