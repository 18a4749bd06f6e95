//! `vestibule key …`.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::Failure;
use super::local::{Local, OrFailure as _};
use super::output::{Output, say, time};

pub const HELP: &str = "\
Examples:
  vestibule key list
  vestibule key rotate master                     seal every secret under a new key";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Which keys there are, by their public names
    List,
    /// Make a new key and put everything under it
    Rotate {
        /// Which key
        #[arg(value_enum, default_value = "master")]
        key: Key,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Key {
    /// What seals secrets in the database
    Master,
}

/// Runs one.
pub async fn run(local: &Local, command: Command, out: Output) -> Result<(), Failure> {
    let (keys, call) = (&local.services.keys, local.call());
    match command {
        Command::List => {
            let listed = keys.list(&call).await.or_failure()?;
            let rows: Vec<_> = listed
                .iter()
                .map(|key| {
                    let since = key.since.map_or_else(|| "unknown".to_owned(), time);
                    (json!(key), vec![key.kind.to_owned(), key.id.clone(), key.state.to_owned(), since])
                })
                .collect();
            out.list(&["kind", "id", "state", "since"], &rows);
        }
        Command::Rotate { key: Key::Master } => {
            let rotated = keys.rotate_master(&call).await.or_failure()?;
            if rotated.continued {
                say("a rotation that had been interrupted is finished");
            }
            if rotated.unreadable > 0 {
                say(&format!(
                    "warning: {} values could not be opened before either; they are left as they were",
                    rotated.unreadable
                ));
            }
            if let Some(file) = &rotated.former_waits {
                say(&format!("the former key waits in {} until the running server needs it no more", file.display()));
            }
            say("backups made before need the former key");
            out.one(&json!(rotated), &format!("{} values are sealed under {}", rotated.resealed, rotated.to));
        }
    }
    Ok(())
}
