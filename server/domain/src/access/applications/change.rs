//! The statements that change applications, for every service that does so inside a change of its own. None of them asks who is
//! calling or notes an event.

use model::{ApplicationId, Timestamp};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, SqlErr,
};
use serde_json::{Map, Value, json};

use super::Application;
use crate::access::Principal;
use crate::error::{Error, Result};
use crate::store::entity::{application, application_assignment};

/// Turns the refusal of the unique index into the refusal of the field.
fn name_taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(Some("name"), "is the name of another application").because(error)
        }
        _ => error.into(),
    }
}

fn row(id: String, created_at: i64, now: Timestamp, version: i64, of: &Application) -> application::Model {
    application::Model {
        id,
        name: of.name.as_str().to_owned(),
        name_key: of.name.key(),
        description: of.description.clone(),
        start_url: of.start_url.clone(),
        status: of.status.as_str().to_owned(),
        visible: of.visible,
        everyone: of.everyone,
        saml: of.saml.clone(),
        created_at,
        updated_at: now.0,
        version,
    }
}

/// Writes a new application.
pub(crate) async fn insert(
    txn: &impl ConnectionTrait,
    now: Timestamp,
    id: ApplicationId,
    new: &Application,
) -> Result<()> {
    let row = row(id.to_string(), now.0, now, 1, new);
    application::Entity::insert(application::ActiveModel::from(row).reset_all())
        .exec_without_returning(txn)
        .await
        .map(drop)
        .map_err(name_taken)
}

/// The application, locked until the change ends.
pub(crate) async fn lock(txn: &impl ConnectionTrait, id: ApplicationId) -> Result<application::Model> {
    application::Entity::find_by_id(id.to_string())
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| Error::not_found("application"))
}

/// Gives a locked application another state; says what became different. Nothing is written where nothing did.
pub(crate) async fn change(
    txn: &impl ConnectionTrait,
    now: Timestamp,
    before: &application::Model,
    after: &Application,
) -> Result<Map<String, Value>> {
    let mut to = after.fields();
    let differences: Map<String, Value> = Application::of_row(before)?
        .fields()
        .into_iter()
        .filter_map(|(field, from)| {
            let to = to.remove(&field)?;
            (from != to).then(|| (field, json!({"from": from, "to": to})))
        })
        .collect();
    if !differences.is_empty() {
        let row = row(before.id.clone(), before.created_at, now, before.version + 1, after);
        let row = application::ActiveModel::from(row).reset_all();
        application::Entity::update(row).exec(txn).await.map_err(name_taken)?;
    }
    Ok(differences)
}

/// Removes a locked application; says to how many it was assigned.
pub(crate) async fn remove(txn: &impl ConnectionTrait, row: &application::Model) -> Result<u64> {
    let assigned = application_assignment::Entity::delete_many()
        .filter(application_assignment::Column::ApplicationId.eq(&row.id))
        .exec(txn)
        .await?;
    application::Entity::delete_by_id(&row.id).exec(txn).await?;
    Ok(assigned.rows_affected)
}

/// Lets a person or a group use a locked application; says whether that is new.
pub(crate) async fn assign(
    txn: &impl ConnectionTrait,
    now: Timestamp,
    application: &application::Model,
    principal: Principal,
) -> Result<bool> {
    let row = application_assignment::Model {
        application_id: application.id.clone(),
        principal_id: principal.id(),
        principal_kind: principal.kind().to_owned(),
        created_at: now.0,
    };
    let key = (row.application_id.clone(), row.principal_id.clone());
    if application_assignment::Entity::find_by_id(key).one(txn).await?.is_some() {
        return Ok(false);
    }
    application_assignment::Entity::insert(application_assignment::ActiveModel::from(row).reset_all())
        .exec_without_returning(txn)
        .await?;
    Ok(true)
}

/// Takes a locked application from a person or a group; says whether they had it.
pub(crate) async fn unassign(
    txn: &impl ConnectionTrait,
    application: &application::Model,
    principal: Principal,
) -> Result<bool> {
    let key = (application.id.clone(), principal.id());
    let gone = application_assignment::Entity::delete_by_id(key).exec(txn).await?;
    Ok(gone.rows_affected > 0)
}
