//! Backup of a running SQLite database into one file, and its return.
//!
//! A backup is a consistent picture of the moment at which it began, taken beside a working server and encrypted under the
//! master key, which is not in it: keep the key apart from the backups, and old keys as long as backups made under them.
//!
//! A restore prepares everything beside the database (checks, changes of the schema, the end of all sessions and links) and
//! then puts the file in place in one step. What was there before stays beside as `<file>.before-restore`.

mod sealed_file;

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectOptions, ConnectionTrait as _, Database, DatabaseBackend, DatabaseConnection,
    EntityTrait as _, QueryFilter as _, Statement,
};
use sea_orm_migration::MigratorTrait as _;
use serde::Serialize;

use self::sealed_file::{Manifest, Unreadable};
use crate::audit::Event;
use crate::audit::log::rfc3339;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::sessions;
use crate::key_rotation::keys_in_use;
use crate::keys::{KeyRing, Place};
use crate::services::{Open, key_ring};
use crate::store::entity::{ceremony, device, instance, link, outbox};
use crate::store::migration::Migrator;
use crate::store::{self, ServerLock, Store, sqlite_path};

/// Backups.
#[derive(Clone, Debug)]
pub struct Backup(pub(crate) Arc<Core>);

/// A backup that was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Its file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The moment it shows.
    #[serde(serialize_with = "rfc3339")]
    pub made_at: Timestamp,
    /// Of which installation.
    pub instance_id: String,
    /// The key that is needed to restore it.
    pub master_key_id: String,
}

/// A backup that was restored.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The moment it shows.
    #[serde(serialize_with = "rfc3339")]
    pub made_at: Timestamp,
    /// Of which installation.
    pub instance_id: String,
    /// Sessions that were open in the backup, and are no more.
    pub sessions_ended: u64,
    /// Where the database is that was replaced.
    pub kept: Option<PathBuf>,
}

impl Backup {
    /// Writes a backup into a new file.
    pub async fn backup(&self, call: &Call, to: &Path) -> Result<Made> {
        authorize(call, Action::OperateServer, Resource::Organisation)?;
        let Some(source) = self.0.store.file() else {
            return Err(Error::unavailable(
                "The data is in PostgreSQL. Back it up with pg_dump --format=custom, and keep the master key's file apart from it.",
            ));
        };
        let claim = Claim::of(to, &self.0.entropy)?;
        let scratch = Scratch::beside(source)?;
        copy(source, &scratch.path).await?;
        let (row, needs) = read_copy(&scratch.path, &self.0.keys).await?;
        let key = self.0.keys.current();
        let manifest = Manifest {
            made_at: call.now.0,
            instance_id: row.instance_id,
            master_key_id: key.id().to_owned(),
            needs,
            salt: data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<16>()?),
        };
        let (part, plain, sealed) = (claim.part.clone(), scratch.path.clone(), manifest.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let failed = |e: std::io::Error| Error::unavailable(format!("The backup cannot be written: {e}."));
            let to = OpenOptions::new().write(true).open(part).map_err(failed)?;
            sealed_file::write(&File::open(plain).map_err(failed)?, &to, &sealed, &key)?;
            to.sync_all().map_err(failed)
        });
        writing.await.map_err(|e| Error::internal(format!("backup: {e}")))??;
        let bytes = claim.keep(to)?;
        let mut change = self.0.store.begin().await?;
        let facts = serde_json::json!({ "file": to.display().to_string(), "bytes": bytes });
        change.audit(call, Event::done("BackupDatabase").on("instance", &manifest.instance_id, "").with(facts));
        change.commit().await?;
        let (instance_id, master_key_id) = (manifest.instance_id, manifest.master_key_id);
        Ok(Made { file: to.to_owned(), bytes, made_at: call.now, instance_id, master_key_id })
    }
}

/// The name of the backup, taken by an empty file, and the file beside it that is being written. Both go if it fails.
struct Claim {
    part: PathBuf,
    name: Option<PathBuf>,
}

impl Claim {
    fn of(to: &Path, entropy: &crate::Entropy) -> Result<Self> {
        let failed = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Error::conflict(Some("file"), format!("{} exists already. A backup never overwrites.", to.display()))
            }
            _ => Error::unavailable(format!("{} cannot be written: {e}.", to.display())),
        };
        let private = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop);
        private(to).map_err(failed)?;
        let ending = format!(".{}.part", data_encoding::HEXLOWER.encode(&entropy.bytes::<4>()?));
        let claim = Self { part: with_ending(to, &ending), name: Some(to.to_owned()) };
        private(&claim.part).map_err(failed)?;
        Ok(claim)
    }

    /// On disk under its name. Gives the size.
    fn keep(mut self, to: &Path) -> Result<u64> {
        let failed = |e: std::io::Error| Error::unavailable(format!("{} cannot be written: {e}.", to.display()));
        let bytes = fs::metadata(&self.part).map_err(failed)?.len();
        fs::rename(&self.part, to).and_then(|()| sync_folder(to)).map_err(failed)?;
        self.name = None;
        Ok(bytes)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(name);
        }
    }
}

/// The copy that is encrypted, beside the database, where nothing is less protected than it was. One backup at a time; what
/// an interrupted one left is used again.
struct Scratch {
    path: PathBuf,
    _locked: File,
}

impl Scratch {
    fn beside(source: &Path) -> Result<Self> {
        let path = with_ending(source, ".backing-up");
        let failed = |e: std::io::Error| Error::unavailable(format!("{} cannot be written: {e}.", path.display()));
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::conflict(None, "Another backup runs. Wait for it."));
            }
            Err(fs::TryLockError::Error(e)) => return Err(failed(e)),
        }
        file.set_len(0).map_err(failed)?;
        Ok(Self { path, _locked: file })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for ending in ["", "-journal"] {
            let _ = fs::remove_file(with_ending(&self.path, ending));
        }
    }
}

/// Copies the database as it is at this moment.
async fn copy(source: &Path, to: &Path) -> Result<()> {
    let failed = |e: sea_orm::DbErr| Error::unavailable(format!("The backup cannot be written: {e}."));
    let from = connect(source).await.map_err(failed)?;
    // A read transaction of its own: it sees one moment, and in WAL nobody waits for it.
    let path = to.display().to_string();
    let copied =
        from.execute_raw(Statement::from_sql_and_values(DatabaseBackend::Sqlite, "VACUUM INTO ?", [path.into()])).await;
    let _ = from.close().await;
    copied.map(drop).map_err(failed)
}

/// Looks whether the copy is whole, and says whose it is and which keys it needs.
async fn read_copy(copy: &Path, keys: &KeyRing) -> Result<(instance::Model, Vec<String>)> {
    let copy = connect(copy).await?;
    let read = async {
        whole(&copy).await?;
        let row = instance::Entity::find_by_id(1).one(&copy).await?;
        let row = row.ok_or_else(|| Error::internal("the copy has no instance row"))?;
        let needs = keys_in_use(&copy, &row, keys).await?;
        Ok((row, needs))
    };
    let row = read.await;
    let _ = copy.close().await;
    row
}

/// Puts a backup in the place of the database. No server may run on it. Every session, link and ceremony of the backup ends.
pub async fn restore(call: &Call, open: &Open, from: &Path) -> Result<Restored> {
    authorize(call, Action::OperateServer, Resource::Organisation)?;
    let Some(database) = sqlite_path(&open.database_url).map(PathBuf::from) else {
        return Err(Error::unavailable(
            "The data is in PostgreSQL. Stop the servers and restore with pg_restore --clean, then delete the rows of the table sessions.",
        ));
    };
    let _lock = ServerLock::take(&open.database_url)?;
    let keys = key_ring(open, false)?;
    let (staged, manifest) = Staged::of(from, &database, &keys).await?;
    examine(&staged.0).await?;
    // Entries from here on make a chain of their own: a place in the old chain is never given twice.
    let node = data_encoding::HEXLOWER.encode(&open.entropy.bytes::<8>()?);
    let store = Store::open(&format!("sqlite:{}", staged.0.display()), node.clone(), open.entropy.clone()).await?;
    let prepared = prepare(&store, &keys, call, &manifest).await;
    store.close().await;
    let sessions_ended = prepared?;
    let kept = staged.swap(&database).await?;
    crate::services::rename_node(&open.data_dir, &node)?;
    Ok(Restored { made_at: manifest.made_at(), instance_id: manifest.instance_id, sessions_ended, kept })
}

/// The copy of a backup that is being prepared beside the database. Goes if anything fails.
struct Staged(PathBuf);

impl Staged {
    async fn of(from: &Path, database: &Path, keys: &KeyRing) -> Result<(Self, Manifest)> {
        let file =
            File::open(from).map_err(|e| Error::unavailable(format!("{} cannot be read: {e}.", from.display())))?;
        let told = |unreadable| match unreadable {
            Unreadable::Foreign => Error::invalid(
                "file",
                format!("{} is no backup made by this program. Nothing was changed.", from.display()),
            ),
            Unreadable::Newer => newer(),
            Unreadable::Damaged => damaged(),
            Unreadable::Other(e) => e,
        };
        let opened = sealed_file::open(file).map_err(told)?;
        let manifest = opened.manifest.clone();
        // Made while a rotation was under way it needs two.
        if let Some(id) = manifest.needs.iter().find(|id| !keys.knows(id)) {
            return Err(other_key(id, keys));
        }
        let key = keys.key(&manifest.master_key_id).ok_or_else(|| other_key(&manifest.master_key_id, keys))?;
        if let Some(folder) = database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)
                .map_err(|e| Error::unavailable(format!("The folder {} cannot be made: {e}.", folder.display())))?;
        }
        let staged = Self(with_ending(database, ".restoring"));
        staged.remove();
        let unwritable =
            |e: std::io::Error| Error::unavailable(format!("{} cannot be written: {e}.", staged.0.display()));
        let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged.0).map_err(unwritable)?;
        let read = tokio::task::spawn_blocking(move || opened.read(&to, &key)).await;
        read.map_err(|e| Error::internal(format!("restore: {e}")))?.map_err(told)?;
        Ok((staged, manifest))
    }

    fn remove(&self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(with_ending(&self.0, ending));
        }
    }

    /// Takes the place of the database; what was there stays beside.
    async fn swap(self, database: &Path) -> Result<Option<PathBuf>> {
        let failed = |e: std::io::Error| {
            Error::unavailable(format!("The database {} cannot be replaced: {e}.", database.display()))
        };
        if with_ending(&self.0, "-wal").exists() {
            return Err(Error::internal("the prepared database was not closed"));
        }
        File::open(&self.0).and_then(|file| file.sync_all()).map_err(failed)?;
        let kept = if database.exists() {
            settle(database).await?;
            let kept = (1..10_000)
                .map(|n| if n == 1 { ".before-restore".to_owned() } else { format!(".before-restore.{n}") })
                .map(|ending| with_ending(database, &ending))
                .find(|kept| !kept.exists())
                .ok_or_else(|| Error::internal("no name is free"))?;
            fs::hard_link(database, &kept).map_err(failed)?;
            // What a damaged database still has in its log belongs to it, and must not be taken for a part of the new one.
            for ending in ["-wal", "-shm"] {
                let log = with_ending(database, ending);
                if log.exists() {
                    fs::rename(&log, with_ending(&kept, ending)).map_err(failed)?;
                }
            }
            sync_folder(database).map_err(failed)?;
            Some(kept)
        } else {
            None
        };
        fs::rename(&self.0, database).and_then(|()| sync_folder(database)).map_err(failed)?;
        Ok(kept)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Writes the log of the present database into its file, so that it can be kept as one file. One that is damaged is kept as it is.
async fn settle(database: &Path) -> Result<()> {
    let Ok(present) = connect(database).await else { return Ok(()) };
    let answer =
        present.query_one_raw(Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)")).await;
    let _ = present.close().await;
    match answer {
        Ok(Some(row)) if row.try_get_by::<i32, _>(0).unwrap_or(0) != 0 => {
            Err(Error::unavailable("Another command uses the database. Wait for it, then restore."))
        }
        _ => Ok(()),
    }
}

/// Looks whether the database in the backup is whole, and none of a later program.
async fn examine(staged: &Path) -> Result<()> {
    let copy = connect(staged).await.map_err(|e| damaged().because(e))?;
    let examined = async {
        whole(&copy).await?;
        let select = Statement::from_string(DatabaseBackend::Sqlite, "SELECT version FROM seaql_migrations");
        let known: Vec<String> = Migrator::migrations().iter().map(|change| change.name().to_owned()).collect();
        for change in copy.query_all_raw(select).await.map_err(|e| damaged().because(e))? {
            let name: String = change.try_get_by(0)?;
            if !known.contains(&name) {
                return Err(newer().because(format!("its schema has the change {name}")));
            }
        }
        Ok(())
    };
    let examined = examined.await;
    let _ = copy.close().await;
    examined
}

/// Whether every page and index of the file is sound.
async fn whole(copy: &DatabaseConnection) -> Result<()> {
    let answer = copy.query_one_raw(Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA integrity_check(1)")).await;
    let row = answer.map_err(|e| damaged().because(e))?.ok_or_else(damaged)?;
    match row.try_get_by::<String, _>(0) {
        Ok(text) if text == "ok" => Ok(()),
        Ok(text) => Err(damaged().because(text)),
        Err(e) => Err(damaged().because(e)),
    }
}

/// Everything that a restored database needs before it can be used. Gives the number of sessions ended.
async fn prepare(store: &Store, keys: &KeyRing, call: &Call, manifest: &Manifest) -> Result<u64> {
    store::migrate(store, |_| {}).await?;
    let row = instance::Entity::find_by_id(1).one(store.write()).await?.ok_or_else(damaged)?;
    if keys.open(Place("instance", "sealed_check", &row.instance_id), &row.sealed_check).is_err() {
        return Err(other_key(&row.master_key_id, keys));
    }
    let mut change = store.begin().await?;
    let ended = sessions::end_where(change.txn(), call.now, "restored", Condition::all()).await?;
    link::Entity::update_many()
        .col_expr(link::Column::VoidedAt, Expr::val(call.now.0))
        .filter(link::Column::UsedAt.is_null())
        .filter(link::Column::VoidedAt.is_null())
        .exec(change.txn())
        .await?;
    ceremony::Entity::delete_many().exec(change.txn()).await?;
    // A known browser may be asked for less: one that was forgotten since must not be known again.
    device::Entity::delete_many().exec(change.txn()).await?;
    // What waited when the backup was made has left since, or carries a link that works no more.
    outbox::Entity::update_many()
        .col_expr(outbox::Column::FailedAt, Expr::val(call.now.0))
        .col_expr(outbox::Column::Sealed, Expr::val(""))
        .col_expr(outbox::Column::LastError, Expr::val("the database was restored from a backup"))
        .filter(outbox::Column::DoneAt.is_null())
        .filter(outbox::Column::FailedAt.is_null())
        .exec(change.txn())
        .await?;
    let facts = serde_json::json!({ "madeAt": manifest.made_at, "sessionsEnded": ended });
    change.audit(call, Event::done("RestoreDatabase").on("instance", &row.instance_id, "").with(facts));
    change.commit().await?;
    Ok(ended)
}

async fn connect(path: &Path) -> std::result::Result<DatabaseConnection, sea_orm::DbErr> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite://?mode=rw");
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(move |sqlite| sqlite.filename(&path));
    Database::connect(options).await
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn other_key(id: &str, keys: &KeyRing) -> Error {
    Error::unavailable(format!(
        "The backup needs the master key {id}; the key here is {}. Restore with the key of the backup, or put that key beside the \
         present one with .former added to its name.",
        keys.current().id()
    ))
}

fn newer() -> Error {
    Error::unavailable("The backup was made by a newer release of this program. Restore it with that release.")
}

fn damaged() -> Error {
    Error::unavailable("The backup is damaged. Nothing was changed.")
}

#[cfg(test)]
mod tests;
