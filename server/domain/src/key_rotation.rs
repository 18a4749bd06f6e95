//! Rotation of the master key: a new key takes the old one's place, and everything sealed is sealed anew under it.
//!
//! The order makes every interruption harmless. First the files (see [`crate::key_files`]): from the moment at which the new
//! key is in place the old one waits beside it. Then the database names the new key. Then every sealed column is sealed
//! anew, in batches that may stop anywhere. Last, the former key goes: when nothing is sealed under it and nothing can be any more.
//! Run again, a rotation goes on where it stopped; a running server does the same by itself.

use std::path::PathBuf;
use std::sync::Arc;

use model::Timestamp;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Serialize;

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::{Actor, Call};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::key_files::KeyFiles;
use crate::keys::{KeyRing, Place, key_of};
use crate::settings::Settings;
use crate::store::entity::instance;
use crate::store::{Change, ServerLock};

/// A column whose values are sealed, and the column that names the row in the seal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'static str,
}

/// Every sealed column. The secrets of webhooks are sealed inside `instance.settings`; see [`webhook_place`].
pub(crate) const SEALED: [Sealed; 7] = [
    Sealed { table: "instance", column: "sealed_check", row: "instance_id" },
    Sealed { table: "factors", column: "sealed", row: "id" },
    Sealed { table: "ceremonies", column: "sealed", row: "id" },
    Sealed { table: "sessions", column: "notice", row: "id" },
    Sealed { table: "outbox", column: "sealed", row: "id" },
    Sealed { table: "api_keys", column: "sealed_secret", row: "id" },
    Sealed { table: "directory_secrets", column: "sealed", row: "id" },
];

/// Where the signing secret of a webhook is sealed for.
pub(crate) fn webhook_place(id: &str) -> Place<'_> {
    Place("webhooks", "secret", id)
}

/// Rows sealed anew in one transaction.
const BATCH: u64 = 200;

/// So long after the new key was named, no request can still be on its way that sealed under the former one.
const GRACE: i64 = Timestamp::MINUTE;

/// The keys.
#[derive(Clone, Debug)]
pub struct KeyService(pub(crate) Arc<Core>);

/// A key as it is listed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// `master`.
    pub kind: &'static str,
    /// Its public name.
    pub id: String,
    /// `current` or `former`.
    pub state: &'static str,
    /// Since when it seals, where that is known.
    #[serde(serialize_with = "maybe_rfc3339")]
    pub since: Option<Timestamp>,
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn maybe_rfc3339<S: serde::Serializer>(time: &Option<Timestamp>, to: S) -> std::result::Result<S::Ok, S::Error> {
    match time {
        Some(time) => crate::audit::log::rfc3339(time, to),
        None => to.serialize_none(),
    }
}

/// What a rotation did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    /// The former key.
    pub from: String,
    /// The key that seals now.
    pub to: String,
    /// Values sealed anew by this run.
    pub resealed: u64,
    /// Values that could not be opened before either, and were left as they are.
    pub unreadable: u64,
    /// An interrupted rotation was finished; no further key was made.
    pub continued: bool,
    /// The former key waits here until the running server removes it, within minutes.
    pub former_waits: Option<PathBuf>,
}

/// The steps after which a rotation may be interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Prepared,
    FormerKept,
    InPlace,
    Named,
    Batch,
    AllSealed,
}

#[derive(Default)]
struct Swept {
    resealed: u64,
    unreadable: u64,
}

impl KeyService {
    /// The keys in use.
    pub async fn list(&self, call: &Call) -> Result<Vec<KeyView>> {
        authorize(call, Action::OperateServer, Resource::Organisation)?;
        let row = instance_row(&self.0).await?;
        let current = self.0.keys.current();
        let since =
            (current.id() == row.master_key_id).then_some(Timestamp(row.master_key_since.unwrap_or(row.created_at)));
        let mut keys = vec![KeyView { kind: "master", id: current.id().to_owned(), state: "current", since }];
        if let Some(former) = self.0.keys.files().map(KeyFiles::read_former).transpose()?.flatten()
            && former.id() != current.id()
        {
            keys.push(KeyView { kind: "master", id: former.id().to_owned(), state: "former", since: None });
        }
        Ok(keys)
    }

    /// Puts a new master key in place and seals everything anew; or finishes a rotation that was interrupted.
    pub async fn rotate_master(&self, call: &Call) -> Result<Rotated> {
        self.rotate(call, &|_| Ok(())).await
    }

    async fn rotate(&self, call: &Call, after: &(dyn Fn(Step) -> Result<()> + Sync)) -> Result<Rotated> {
        authorize(call, Action::OperateServer, Resource::Organisation)?;
        let core = &self.0;
        let Some(files) = core.keys.files() else {
            return Err(Error::unavailable(
                "The master key is given by value, so there is no file to put a new one into. Stop the servers, write the key to \
                 a file that only you can read, name the file in master_key_file, rotate, and give the new file's content by value again.",
            ));
        };
        let _lock = files.lock()?;
        let former = files.read_former()?;
        let present = files.read_current()?;
        let in_place = former.as_ref().is_some_and(|former| former.id() != present.id());
        let mut continued = former.is_some();
        if !in_place {
            let row = instance_row(core).await?;
            if row.master_key_id != present.id() {
                return Err(Error::unavailable(
                    "The key in the file is not the one that the database names. Nothing was changed.",
                )
                .because(format!(
                    "the database names {}, the file holds {}",
                    row.master_key_id,
                    present.id()
                )));
            }
            continued |= files.prepare(&core.entropy)?;
            after(Step::Prepared)?;
            files.keep_former()?;
            after(Step::FormerKept)?;
            files.put_in_place()?;
        }
        after(Step::InPlace)?;
        let from = files.read_former()?.ok_or_else(|| Error::internal("the former master key is gone"))?;
        let to = files.read_current()?;
        let swept = carry_on(core, call, from.id(), to.id(), after).await?;
        let row = instance_row(core).await?;
        let gone = may_forget(core, call.now, &row);
        if gone {
            files.forget_former()?;
        }
        Ok(Rotated {
            from: from.id().to_owned(),
            to: to.id().to_owned(),
            resealed: swept.resealed,
            unreadable: swept.unreadable,
            continued,
            former_waits: (!gone).then(|| files.former().to_owned()),
        })
    }
}

/// What a server does every second: it follows a rotation that runs beside it, and finishes one that was left.
pub(crate) async fn look(core: &Core, row: &instance::Model, now: Timestamp) -> Result<()> {
    core.keys.named_by_database(&row.master_key_id);
    let Some(files) = core.keys.files().filter(|files| files.former().exists()) else { return Ok(()) };
    if now.since(Timestamp(row.master_key_since.unwrap_or(row.created_at))) < GRACE {
        return Ok(());
    }
    // Whoever holds the lock is at it already.
    let Ok(_lock) = files.lock() else { return Ok(()) };
    let (Some(former), current) = (files.read_former()?, files.read_current()?) else { return Ok(()) };
    if former.id() == current.id() {
        return Ok(());
    }
    let call = Call::local(Actor::System("key rotation"), "jobs", now);
    carry_on(core, &call, former.id(), current.id(), &|_| Ok(())).await?;
    // Named only now: the former key waits for another minute.
    if may_forget(core, now, &instance_row(core).await?) {
        files.forget_former()?;
        tracing::info!(key = former.id(), "nothing is sealed under the former master key any more; it was removed");
    }
    Ok(())
}

/// From the moment at which the new key is in place: names it, and seals everything anew.
async fn carry_on(
    core: &Core,
    call: &Call,
    from: &str,
    to: &str,
    after: &(dyn Fn(Step) -> Result<()> + Sync),
) -> Result<Swept> {
    if !core.keys.knows(from) || core.keys.current().id() != to {
        return Err(Error::unavailable("The master key's files changed meanwhile. Run the rotation again."));
    }
    let mut swept = Swept::default();
    name_new_key(core, call, from, to).await?;
    after(Step::Named)?;
    swept.resealed += reseal_webhooks(core, to).await?;
    for column in SEALED {
        reseal_column(core, column, to, &mut swept, after).await?;
    }
    after(Step::AllSealed)?;
    Ok(swept)
}

/// One transaction: the instance names the new key, its check value is sealed under it, and the audit says so.
async fn name_new_key(core: &Core, call: &Call, from: &str, to: &str) -> Result<()> {
    let row = instance_row(core).await?;
    if row.master_key_id == to {
        return Ok(());
    }
    let place = Place("instance", "sealed_check", &row.instance_id);
    let check = core.keys.seal(&core.entropy, place, &core.keys.open(place, &row.sealed_check)?)?;
    let mut change = core.store.begin().await?;
    let named = instance::Entity::update_many()
        .col_expr(instance::Column::MasterKeyId, Expr::val(to))
        .col_expr(instance::Column::MasterKeySince, Expr::val(call.now.0))
        .col_expr(instance::Column::SealedCheck, Expr::val(check))
        .filter(instance::Column::Id.eq(1))
        .filter(instance::Column::MasterKeyId.eq(&row.master_key_id))
        .exec(change.txn())
        .await?;
    if named.rows_affected != 1 {
        return Err(Error::conflict(None, "Another rotation of the master key runs."));
    }
    let keys = serde_json::json!({ "masterKey": { "from": from, "to": to } });
    change.audit(call, Event::done("RotateMasterKey").on("key", to, "master").with(keys));
    change.commit().await?;
    core.keys.named_by_database(to);
    Ok(())
}

async fn reseal_column(
    core: &Core,
    column: Sealed,
    to: &str,
    swept: &mut Swept,
    after: &(dyn Fn(Step) -> Result<()> + Sync),
) -> Result<()> {
    let (mut last, before) = (String::new(), swept.unreadable);
    loop {
        let rows = sealed_otherwise(core, column, to, &last).await?;
        let Some((end, _)) = rows.last() else { return Ok(()) };
        last.clone_from(end);
        let mut anew = Vec::with_capacity(rows.len());
        for (row, sealed) in rows {
            let place = Place(column.table, column.column, &row);
            match core.keys.open(place, &sealed) {
                Ok(plain) => {
                    let fresh = core.keys.seal(&core.entropy, place, &plain)?;
                    anew.push((row, sealed, fresh));
                }
                Err(e) => {
                    // Once for a column, not once for each of 100,000 rows.
                    if swept.unreadable == before {
                        let cause = e.cause();
                        tracing::warn!(cause, "a sealed value cannot be opened and is left as it is; more may follow");
                    }
                    swept.unreadable += 1;
                }
            }
        }
        let change = core.store.begin().await?;
        for (row, sealed, fresh) in anew {
            swept.resealed += replace(&change, column, &row, &sealed, fresh).await?;
        }
        change.commit().await?;
        after(Step::Batch)?;
    }
}

/// The next rows of a column that are sealed under another key than `to`, in the order of their names.
async fn sealed_otherwise(core: &Core, column: Sealed, to: &str, last: &str) -> Result<Vec<(String, String)>> {
    let (row, sealed) = (Alias::new(column.row), Alias::new(column.column));
    let mut select = Query::select();
    select
        .columns([row.clone(), sealed.clone()])
        .from(Alias::new(column.table))
        .and_where(Expr::col(sealed.clone()).is_not_null())
        .and_where(Expr::col(sealed.clone()).ne(""))
        .and_where(Expr::col(sealed).not_like(format!("{to}.%")))
        .and_where(Expr::col(row.clone()).gt(last))
        .order_by(row, sea_orm::Order::Asc)
        .limit(BATCH);
    let rows = core.store.write().query_all(&select).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by::<String, _>(0)?, row.try_get_by::<String, _>(1)?)))
        .collect::<std::result::Result<_, sea_orm::DbErr>>()
        .map_err(Error::from)
}

/// Puts the fresh seal where the old one still is; whoever changed the value meanwhile has sealed under the new key.
async fn replace(change: &Change, column: Sealed, row: &str, sealed: &str, fresh: String) -> Result<u64> {
    let mut update = Query::update();
    update
        .table(Alias::new(column.table))
        .value(Alias::new(column.column), fresh)
        .and_where(Expr::col(Alias::new(column.row)).eq(row))
        .and_where(Expr::col(Alias::new(column.column)).eq(sealed));
    Ok(change.txn().execute(&update).await?.rows_affected())
}

/// The secrets of webhooks, inside the settings. The version moves: a form that holds the old seals must not bring them back.
async fn reseal_webhooks(core: &Core, to: &str) -> Result<u64> {
    let row = instance_row(core).await?;
    let mut settings = settings_of(&row)?;
    let mut resealed = 0;
    for webhook in &mut settings.webhooks {
        if key_of(&webhook.sealed_secret) != Some(to) {
            let place = webhook_place(&webhook.id);
            webhook.sealed_secret =
                core.keys.seal(&core.entropy, place, &core.keys.open(place, &webhook.sealed_secret)?)?;
            resealed += 1;
        }
    }
    if resealed > 0 {
        let change = core.store.begin().await?;
        let saved = instance::Entity::update_many()
            .col_expr(instance::Column::Settings, Expr::val(json_of(&settings)?))
            .col_expr(instance::Column::SettingsVersion, Expr::val(row.settings_version + 1))
            .filter(instance::Column::Id.eq(1))
            .filter(instance::Column::SettingsVersion.eq(row.settings_version))
            .exec(change.txn())
            .await?;
        if saved.rows_affected != 1 {
            return Err(Error::conflict(None, "The settings were changed at this moment. Run the rotation again."));
        }
        change.commit().await?;
        core.settings.send_replace(Arc::new(settings));
    }
    Ok(resealed)
}

/// Whether the former key can go: no server runs, or the new key was named so long ago that nothing under way is sealed under it.
fn may_forget(core: &Core, now: Timestamp, row: &instance::Model) -> bool {
    let alone = core.store.file().is_some_and(|file| ServerLock::take(&format!("sqlite:{}", file.display())).is_ok());
    alone || row.master_key_since.is_some_and(|since| now.since(Timestamp(since)) >= GRACE)
}

/// The keys under which something is sealed in a SQLite database, as far as they are here: what its backup needs. A value whose
/// key is lost already needs nothing.
pub(crate) async fn keys_in_use(
    copy: &sea_orm::DatabaseConnection,
    row: &instance::Model,
    keys: &KeyRing,
) -> Result<Vec<String>> {
    let mut ids = std::collections::BTreeSet::new();
    for Sealed { table, column, .. } in SEALED {
        let select =
            format!("SELECT DISTINCT substr({column}, 1, instr({column}, '.') - 1) FROM {table} WHERE {column} <> ''");
        for found in copy.query_all_raw(sea_orm::Statement::from_string(copy.get_database_backend(), select)).await? {
            ids.insert(found.try_get_by::<String, _>(0)?);
        }
    }
    let webhooks = settings_of(row)?.webhooks;
    ids.extend(webhooks.iter().filter_map(|webhook| key_of(&webhook.sealed_secret)).map(str::to_owned));
    Ok(ids.into_iter().filter(|id| keys.knows(id)).collect())
}

pub(crate) async fn instance_row(core: &Core) -> Result<instance::Model> {
    instance::Entity::find_by_id(1)
        .one(core.store.write())
        .await?
        .ok_or_else(|| Error::internal("the instance row is missing"))
}

pub(crate) fn settings_of(row: &instance::Model) -> Result<Settings> {
    serde_json::from_value(row.settings.clone()).map_err(|e| Error::internal(format!("settings: {e}")))
}

pub(crate) fn json_of(settings: &Settings) -> Result<serde_json::Value> {
    serde_json::to_value(settings).map_err(|e| Error::internal(format!("settings: {e}")))
}

#[cfg(test)]
mod tests;
