//! `vestibule backup`, `restore` and `migrate`.

use std::path::PathBuf;

use clap::Args;
use domain::store::{self, Store};
use domain::{Actor, Call, Entropy};
use serde_json::json;

use super::Failure;
use super::local::{Local, OrFailure as _, public_url};
use super::output::{Output, say, time};
use crate::config::Config;
use crate::serve;

pub const BACKUP_HELP: &str = "\
Example:
  vestibule backup /var/backups/vestibule.db

The server may run meanwhile. Keep the master key elsewhere: a backup opens only with it. On PostgreSQL use pg_dump.";

pub const RESTORE_HELP: &str = "\
Example:
  vestibule restore /var/backups/vestibule.db

The server must not run. The database that was there is kept beside it. Everybody signs in again. On PostgreSQL use pg_restore.";

pub const MIGRATE_HELP: &str = "\
Example:
  vestibule migrate

`serve` does the same at its start. May be interrupted anywhere and run again.";

#[derive(Args, Debug)]
pub struct Backup {
    /// The file to make; it must not exist yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Args, Debug)]
pub struct Restore {
    /// A file that `vestibule backup` made
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Makes a backup.
pub async fn backup(local: &Local, backup: Backup, out: Output) -> Result<(), Failure> {
    let made = local.services.backup.backup(&local.call(), &backup.file).await.or_failure()?;
    say(&format!("the backup is made; restoring it takes the master key {}", made.master_key_id));
    out.one(&json!(made), &format!("{} {} bytes", made.file.display(), made.bytes));
    Ok(())
}

/// Restores one. Opens no services: the database may be damaged or not there.
pub async fn restore(config: &Config, restore: Restore, out: Output) -> Result<(), Failure> {
    let open = serve::open(config, public_url(config));
    let call = Call::local(Actor::Operator, "restore", open.clock.now());
    let done = domain::backup::restore(&call, &open, &restore.file).await.or_failure()?;
    say(&format!("{} sessions of the backup have ended: everybody signs in again", done.sessions_ended));
    if let Some(kept) = &done.kept {
        say(&format!("the database that was here is kept as {}", kept.display()));
    }
    out.one(&json!(done), &format!("restored {} as of {}", done.instance_id, time(done.made_at)));
    Ok(())
}

/// Brings the schema up to date and says which changes that took.
pub async fn migrate(config: &Config) -> Result<(), Failure> {
    let store = Store::open(config.database_url.expose(), "migrate".to_owned(), Entropy::System).await.or_failure()?;
    store::migrate(&store, |change| say(&format!("making the change {change}"))).await.or_failure()?;
    say("the schema is up to date");
    store.close().await;
    Ok(())
}
