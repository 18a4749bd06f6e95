//! Secrets that directories need: read from the environment of `apply`, kept sealed. The files and the exports name the variable.

use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _};
use serde_json::{Map, Value};
use wire::organisation::{SECRETS, Section, Stored};

use super::planner::{Planner, Step};
use crate::core::Core;
use crate::error::Result;
use crate::keys::Place;
use crate::secret::Secret;
use crate::store::entity::directory_secret;

/// The variable in `{fromEnv: NAME}`.
fn variable(body: &Map<String, Value>, field: &str) -> Option<String> {
    body.get(field)?.get("fromEnv")?.as_str().map(ToOwned::to_owned)
}

impl<C: ConnectionTrait> Planner<'_, C> {
    /// The secrets to read: of a new directory, from another variable, or of all where that is asked for.
    pub(super) fn directory_secrets(
        &mut self,
        thing: &Stored,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
    ) -> bool {
        let mut reads = false;
        for field in SECRETS {
            let (was, is) = (variable(before, field), variable(after, field));
            let said = thing.body.get(field).is_some();
            if was == is && !(said && self.options.set_passwords) {
                continue;
            }
            reads |= is.is_some();
            self.steps.push(Step::KeepSecret {
                directory: model::name_key(&thing.name),
                secret: field,
                variable: is,
                field: format!("{}[{}].{field}.fromEnv", Section::Directories.name(), thing.index),
            });
        }
        reads
    }
}

fn id(directory: &str, secret: &str) -> String {
    format!("{directory}/{secret}")
}

/// Keeps a secret in place of the one before; without one, none is kept.
pub(super) async fn keep(
    txn: &impl ConnectionTrait,
    core: &Core,
    directory: &str,
    name: &str,
    secret: Option<&Secret>,
) -> Result<()> {
    let id = id(directory, name);
    directory_secret::Entity::delete_by_id(&id).exec(txn).await?;
    let Some(secret) = secret else { return Ok(()) };
    let place = Place("directory_secrets", "sealed", &id);
    let sealed = core.keys.seal(&core.entropy, place, secret.expose().as_bytes())?;
    let row = directory_secret::Model { directory: directory.to_owned(), sealed, id };
    directory_secret::Entity::insert(directory_secret::ActiveModel::from(row).reset_all())
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

/// A directory goes, with its secrets.
pub(super) async fn forget(txn: &impl ConnectionTrait, directory: &str) -> Result<()> {
    directory_secret::Entity::delete_many()
        .filter(directory_secret::Column::Directory.eq(model::name_key(directory)))
        .exec(txn)
        .await?;
    Ok(())
}
