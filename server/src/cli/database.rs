//! `vestibule migrate`.

use domain::Entropy;
use domain::store::{self, Store};

use super::Failure;
use super::local::OrFailure as _;
use super::output::say;
use crate::config::Config;

pub const MIGRATE_HELP: &str = "\
Example:
  vestibule migrate

`serve` does the same at its start. May be interrupted anywhere and run again.";

/// Brings the schema up to date and says which changes that took.
pub async fn migrate(config: &Config) -> Result<(), Failure> {
    let store = Store::open(config.database_url.expose(), "migrate".to_owned(), Entropy::System).await.or_failure()?;
    store::migrate(&store, |change| say(&format!("making the change {change}"))).await.or_failure()?;
    say("the schema is up to date");
    store.close().await;
    Ok(())
}
