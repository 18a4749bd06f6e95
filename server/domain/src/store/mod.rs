//! The database: how it is opened, read and changed.
//!
//! SQLite has one writer connection and several readers; PostgreSQL has one pool for both. Every change happens in a
//! [`Change`], which commits together with its audit entries and whatever has to leave the process because of it.

pub mod entity;
mod lock;
mod migrate;
pub mod migration;

pub use lock::ServerLock;
pub use migrate::{is_current, migrate};

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr,
    QueryTrait, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::audit::{self, Event};
use crate::call::Call;
use crate::entropy::Entropy;
use crate::error::{Error, Result};

/// The open database.
#[derive(Clone, Debug)]
pub struct Store {
    read: DatabaseConnection,
    write: DatabaseConnection,
    /// The name of this node in the audit chains.
    node: String,
    entropy: Entropy,
    /// The file, on SQLite.
    file: Option<PathBuf>,
    /// Where this node's audit chain ended after the last commit, on SQLite: mostly nobody else has written since.
    tip: Arc<Mutex<Option<audit::Tip>>>,
}

impl Store {
    /// Opens the database at `url` (`sqlite:<path>` or `postgres://…`). A SQLite file is made when it is absent.
    pub async fn open(url: &str, node: String, entropy: Entropy) -> Result<Self> {
        let cannot = |e: sea_orm::DbErr| Error::unavailable("The database cannot be opened.").because(e);
        if let Some(path) = sqlite_path(url) {
            make_private(Path::new(path))?;
            // The first connection makes the file a WAL database; only then may readers open it.
            let write = connect_file(sqlite_options(path, 1, false)).await.map_err(cannot)?;
            let readers =
                std::thread::available_parallelism().map_or(4, |n| u32::try_from(n.get()).unwrap_or(4)).clamp(2, 8);
            let read = connect_file(sqlite_options(path, readers, true)).await.map_err(cannot)?;
            Ok(Self { read, write, node, entropy, file: Some(PathBuf::from(path)), tip: Arc::default() })
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let mut options = ConnectOptions::new(url);
            options
                .max_connections(20)
                .min_connections(0)
                .acquire_timeout(Duration::from_secs(2))
                .statement_timeout(Duration::from_secs(30))
                .set_application_name("vestibule")
                .sqlx_logging(false);
            let pool = Database::connect(options).await.map_err(cannot)?;
            Ok(Self { read: pool.clone(), write: pool, node, entropy, file: None, tip: Arc::default() })
        } else {
            Err(Error::invalid("database_url", "must begin with sqlite: or postgres://"))
        }
    }

    /// For queries outside a change.
    pub fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// The pool for changes; only for what is no audited change (last seen, clean-up, leases).
    pub fn write(&self) -> &DatabaseConnection {
        &self.write
    }

    /// The pool for looking at the schema: `sea-orm-migration` makes its table where it is missing, which a reader may not.
    fn read_for_schema(&self) -> &DatabaseConnection {
        &self.write
    }

    /// Whether this is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.write.get_database_backend() == DatabaseBackend::Postgres
    }

    /// The database's file; nothing on PostgreSQL.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The name of this node in the audit chains.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Begins a change. Dropping it without [`Change::commit`] undoes everything.
    pub async fn begin(&self) -> Result<Change> {
        // SQLite: take the write lock at once, so that a change never fails half-way because another process wrote meanwhile.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let txn = self.write.begin_with_options(options).await?;
        Ok(Change {
            txn,
            node: self.node.clone(),
            entropy: self.entropy.clone(),
            tip: self.tip.clone(),
            events: Vec::new(),
            later: Vec::new(),
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read.execute_raw(Statement::from_string(self.read.get_database_backend(), "SELECT 1")).await?;
        Ok(())
    }

    /// Closes all connections.
    pub async fn close(self) {
        // What cannot be closed is closed by the end of the process.
        let _ = self.read.close().await;
        let _ = self.write.close().await;
    }
}

/// How often, and how far apart, a SQLite file that another process is just making is tried: five seconds in all.
const TRIES: u32 = 200;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

/// Connects to a file; waits while another process turns it into a WAL database, which SQLite's own patience does not cover.
async fn connect_file(options: ConnectOptions) -> std::result::Result<DatabaseConnection, sea_orm::DbErr> {
    for _ in 0..TRIES {
        match Database::connect(options.clone()).await {
            Err(error) if error.to_string().contains("database is locked") => tokio::time::sleep(BETWEEN_TRIES).await,
            done => return done,
        }
    }
    Database::connect(options).await
}

/// A transaction, with the audit entries that commit with it.
#[derive(Debug)]
pub struct Change {
    txn: DatabaseTransaction,
    node: String,
    entropy: Entropy,
    tip: Arc<Mutex<Option<audit::Tip>>>,
    events: Vec<audit::Draft>,
    later: Vec<Statement>,
}

impl Change {
    /// For the statements of the change.
    pub fn txn(&self) -> &DatabaseTransaction {
        &self.txn
    }

    /// Notes what happened; written when the change commits.
    pub fn audit(&mut self, call: &Call, event: Event) {
        self.events.push(audit::Draft::new(call, event));
    }

    /// A write that nothing else in the change looks at: sent with the others when it commits, on SQLite in one exchange with its
    /// thread, which costs more than a small statement itself.
    pub(crate) fn later(&mut self, write: &impl QueryTrait) {
        self.later.push(write.build(self.txn.get_database_backend()));
    }

    /// Writes the audit entries and what was left for later, and commits.
    pub async fn commit(self) -> Result<()> {
        let on_sqlite = self.txn.get_database_backend() == DatabaseBackend::Sqlite;
        let after = self.write().await?;
        let Self { txn, tip, .. } = self;
        txn.commit().await?;
        if on_sqlite && after.is_some() {
            *tip.lock().unwrap_or_else(PoisonError::into_inner) = after;
        }
        Ok(())
    }

    async fn write(&self) -> Result<Option<audit::Tip>> {
        let (backend, later) = (self.txn.get_database_backend(), &self.later);
        if self.events.is_empty() {
            send(&self.txn, later).await?;
            return Ok(None);
        }
        let entries = |tip: &audit::Tip| {
            let (mut writes, after) = audit::append(backend, &self.node, tip, &self.entropy, &self.events)?;
            writes.extend_from_slice(later);
            Ok::<_, Error>((writes, after))
        };
        let known = self.tip.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            let (writes, after) = entries(&known)?;
            // It fails where a command beside the server has gone on with the chain: its end is read again then.
            if send(&self.txn, &writes).await.is_ok() {
                return Ok(Some(after));
            }
        }
        let (writes, after) = entries(&audit::tip(&self.txn, &self.node).await?)?;
        send(&self.txn, &writes).await?;
        Ok(Some(after))
    }
}

async fn send(txn: &DatabaseTransaction, writes: &[Statement]) -> std::result::Result<(), DbErr> {
    if txn.get_database_backend() != DatabaseBackend::Sqlite {
        for write in writes {
            txn.execute_raw(write.clone()).await?;
        }
        return Ok(());
    }
    let texts: Vec<&str> = writes.iter().map(|write| write.sql.as_str()).collect();
    let text = texts.join("; ");
    // Each statement takes as many values as it has placeholders, in order.
    let values = writes.iter().filter_map(|write| write.values.as_ref()).flat_map(|values| values.0.iter().cloned());
    if !text.is_empty() {
        txn.execute_raw(Statement::from_sql_and_values(DatabaseBackend::Sqlite, &text, values)).await?;
    }
    Ok(())
}

/// The file of a SQLite address.
pub fn sqlite_path(url: &str) -> Option<&str> {
    url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))
}

fn sqlite_options(path: &str, connections: u32, read_only: bool) -> ConnectOptions {
    let path = PathBuf::from(path);
    let mut options = ConnectOptions::new("sqlite://?mode=rwc");
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(5))
        .sqlx_logging(false)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                // As it is, and not out of an address, where some characters mean something else.
                .filename(&path)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("foreign_keys", "ON")
                .pragma("cache_size", "-4000")
                .pragma("temp_store", "MEMORY")
                .busy_timeout(Duration::from_secs(5));
            if read_only { sqlite.pragma("query_only", "ON") } else { sqlite }
        });
    options
}

/// Makes the database file readable for its owner only, before SQLite makes it with the default rights.
fn make_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::unavailable(format!("The folder {} cannot be made.", folder.display())).because(e))?;
    }
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|e| Error::unavailable(format!("The database file {} cannot be opened: {e}.", path.display())))
}
