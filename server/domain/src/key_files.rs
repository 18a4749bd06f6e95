//! The files of the master key, and how one takes the other's place.
//!
//! `<file>` holds the key that seals. A rotation prepares the new key in `<file>.next`, lets the old one wait in
//! `<file>.former`, and then renames `.next` to `<file>`. Each step is one atomic change of the folder, so that at any
//! moment `<file>` and `<file>.former` together hold every key under which something may be sealed.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::keys::MasterKey;

/// Where the master key lives.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    current: PathBuf,
    former: PathBuf,
    next: PathBuf,
    lock: PathBuf,
}

/// Held while a rotation works on the files.
#[derive(Debug)]
pub(crate) struct RotationLock {
    _file: File,
}

impl KeyFiles {
    /// The files that belong to a key file.
    pub fn of(current: &Path) -> Self {
        let beside = |ending: &str| {
            let mut name: OsString = current.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        Self { current: current.to_owned(), former: beside(".former"), next: beside(".next"), lock: beside(".lock") }
    }

    /// The key that seals.
    pub fn current(&self) -> &Path {
        &self.current
    }

    /// The key that sealed before it, while something may still be sealed under it.
    pub fn former(&self) -> &Path {
        &self.former
    }

    /// Reads the key that seals.
    pub(crate) fn read_current(&self) -> Result<MasterKey> {
        MasterKey::read(&self.current)
    }

    /// Reads the former key, if one waits.
    pub(crate) fn read_former(&self) -> Result<Option<MasterKey>> {
        if self.former.exists() { MasterKey::read(&self.former).map(Some) } else { Ok(None) }
    }

    /// One rotation at a time. The operating system releases the lock when the process ends, however it ends.
    pub(crate) fn lock(&self) -> Result<RotationLock> {
        if fs::symlink_metadata(&self.current).is_ok_and(|meta| meta.is_symlink()) {
            return Err(Error::unavailable(format!(
                "{} is a link to another file. Set master_key_file to the file itself, then rotate.",
                self.current.display()
            )));
        }
        let file = File::create(&self.lock).map_err(|e| self.failed(&e))?;
        match file.try_lock() {
            Ok(()) => Ok(RotationLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::conflict(
                None,
                "Another rotation of the master key runs. Wait for it, then look with: vestibule key list",
            )),
            Err(TryLockError::Error(e)) => Err(self.failed(&e)),
        }
    }

    /// The first step: the new key, on disk and out of the way. One that an interrupted rotation left is used again.
    /// Says whether there was one.
    pub(crate) fn prepare(&self, entropy: &Entropy) -> Result<bool> {
        if self.next.exists() {
            if MasterKey::read(&self.next).is_ok() {
                return Ok(true);
            }
            // Torn while it was written: nothing is sealed under a key that never was in place.
            fs::remove_file(&self.next).map_err(|e| self.failed(&e))?;
        }
        MasterKey::generate(entropy)?.save(&self.next)?;
        self.settle()?;
        Ok(false)
    }

    /// The second step: the present key under its second name.
    pub(crate) fn keep_former(&self) -> Result<()> {
        match fs::hard_link(&self.current, &self.former) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(self.failed(&e)),
            Ok(()) => {}
        }
        self.settle()
    }

    /// The third step: the new key takes the old one's place.
    pub(crate) fn put_in_place(&self) -> Result<()> {
        fs::rename(&self.next, &self.current).map_err(|e| self.failed(&e))?;
        self.settle()
    }

    /// The last step: the former key goes.
    pub(crate) fn forget_former(&self) -> Result<()> {
        match fs::remove_file(&self.former) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(self.failed(&e)),
            _ => self.settle(),
        }
    }

    /// A change of the folder is on disk only when the folder is.
    fn settle(&self) -> Result<()> {
        let folder = self.current.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| self.failed(&e))
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        Error::unavailable(format!(
            "The files of the master key beside {} cannot be changed: {error}.",
            self.current.display()
        ))
    }
}
