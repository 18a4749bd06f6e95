//! One server for one SQLite file.

use std::fs::File;
use std::path::PathBuf;

use super::sqlite_path;
use crate::error::{Error, Result};

/// Held by a running server; commands beside it do not need it. Released by the operating system when the process ends, however it ends.
#[derive(Debug)]
pub struct ServerLock {
    _file: Option<File>,
}

impl ServerLock {
    /// Takes the lock of a SQLite file; on PostgreSQL many servers may run.
    pub fn take(database_url: &str) -> Result<Self> {
        let Some(path) = sqlite_path(database_url) else {
            return Ok(Self { _file: None });
        };
        let lock = PathBuf::from(format!("{path}.server"));
        let failed = |e: &dyn std::fmt::Display| {
            Error::unavailable(format!("The file {} cannot be locked: {e}.", lock.display()))
        };
        if let Some(folder) = lock.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
        }
        let file = File::create(&lock).map_err(|e| failed(&e))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(std::fs::TryLockError::WouldBlock) => Err(Error::unavailable(format!(
                "Another server runs on {path}. SQLite serves one; for several, use PostgreSQL (database_url)."
            ))),
            Err(std::fs::TryLockError::Error(e)) => Err(failed(&e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ServerLock;

    #[test]
    fn a_second_server_on_one_file_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/v.db", folder.path().display());
        let first = ServerLock::take(&url).unwrap();
        let error = ServerLock::take(&url).unwrap_err();
        assert!(error.outside().contains("Another server"), "{error} (DB-14)");
        drop(first);
        ServerLock::take(&url).unwrap();
        let (_a, _b) = (ServerLock::take("postgres://x/y").unwrap(), ServerLock::take("postgres://x/y").unwrap());
    }
}
