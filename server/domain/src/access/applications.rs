//! Applications that people sign in to through us: what there is, and who may use it.
//!
//! How an application speaks SAML is kept here as a whole and given a meaning by the identity provider.

mod assigned;
mod change;
mod input;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{ApplicationId, GroupId, Timestamp, UserId};
use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder as _, QuerySelect,
};
use serde_json::{Value, json};

pub(crate) use change::{assign, change, insert, lock, remove, unassign};
pub use input::{Application, ApplicationInput, ApplicationStatus};

use super::Principal;
use crate::audit::Event;
use crate::authz::{Action, Decision, Resource, authorize, authorize_person, decide};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::{application, application_assignment, membership};

/// The most tiles of a person.
const MOST_TILES: u64 = 500;

/// One row.
#[derive(Clone, Debug)]
pub struct ApplicationRow {
    /// Its id.
    pub id: ApplicationId,
    /// The application.
    pub application: Application,
    /// People and groups it is assigned to.
    pub assigned: u64,
}

/// Whom an application is assigned to.
#[derive(Clone, Debug)]
pub struct Assigned {
    /// Who.
    pub principal: Principal,
    /// Their user name, or the group's name.
    pub name: String,
}

/// Everything about an application.
#[derive(Clone, Debug)]
pub struct ApplicationView {
    /// Its id.
    pub id: ApplicationId,
    /// The application.
    pub application: Application,
    /// To how many people and groups it is assigned.
    pub assigned: u64,
    /// When it was written down.
    pub created_at: Timestamp,
    /// What an update must name.
    pub version: i64,
    /// Whether the caller may change it.
    pub may_change: bool,
}

/// An application as a person sees it in the portal.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Its id.
    pub id: ApplicationId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Where it begins; nothing while it is not configured.
    pub start_url: Option<String>,
}

/// Applications.
#[derive(Clone, Debug)]
pub struct Applications(pub(crate) Arc<Core>);

impl Applications {
    /// Applications by name; `search` is a part of it.
    pub async fn list(&self, call: &Call, search: &str, page: &PageRequest) -> Result<Page<ApplicationRow>> {
        authorize(call, Action::SeeApplications, Resource::Organisation)?;
        let read = self.0.store.read();
        let text = || Key::Text(String::new());
        let ordering = Ordering { name: "applications".to_owned(), descending: false, kinds: (text(), text()) };
        let window = Window::of(page, ordering)?;
        let mut select = application::Entity::find();
        if !search.trim().is_empty() {
            select = select.filter(named(search)?);
        }
        let total = if window.is_first { Some(select.clone().count(read).await?) } else { window.counted };
        let rows = window.apply(select, application::Column::NameKey, application::Column::Id).all(read).await?;
        let page = window.finish(rows, total, |row| (row.name_key.as_str().into(), row.id.as_str().into()));
        let ids: Vec<String> = page.rows.iter().map(|row| row.id.clone()).collect();
        let counts = assigned::counted(read, &ids).await?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for row in &page.rows {
            rows.push(ApplicationRow {
                id: id_of(&row.id)?,
                application: Application::of_row(row)?,
                assigned: counts.get(&row.id).copied().unwrap_or(0),
            });
        }
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    /// Everything about an application.
    pub async fn get(&self, call: &Call, id: ApplicationId) -> Result<ApplicationView> {
        authorize(call, Action::SeeApplications, Resource::Organisation)?;
        let read = self.0.store.read();
        let row = application::Entity::find_by_id(id.to_string()).one(read).await?;
        let row = row.ok_or_else(|| Error::not_found("application"))?;
        let may_change =
            decide(&call.actor, Action::ManageApplications, Resource::Organisation, call.now) == Decision::Allow;
        Ok(ApplicationView {
            id,
            application: Application::of_row(&row)?,
            assigned: assigned::counted(read, &[row.id]).await?.into_values().sum(),
            created_at: Timestamp(row.created_at),
            version: row.version,
            may_change,
        })
    }

    /// Writes an application down.
    pub async fn create(&self, call: &Call, input: &ApplicationInput) -> Result<ApplicationId> {
        authorize(call, Action::ManageApplications, Resource::Organisation)?;
        let application = input.checked()?;
        let id = ApplicationId::from_random(self.0.entropy.bytes()?);
        let mut change = self.0.store.begin().await?;
        insert(change.txn(), call.now, id, &application).await?;
        change.audit(call, event("CreateApplication", id, &application, Value::Object(application.fields())));
        change.commit().await?;
        Ok(id)
    }

    /// Changes an application, but not how it speaks SAML. Refused as a conflict when somebody else changed it since `version`.
    pub async fn update(&self, call: &Call, id: ApplicationId, version: i64, input: &ApplicationInput) -> Result<()> {
        authorize(call, Action::ManageApplications, Resource::Organisation)?;
        let mut txn = self.0.store.begin().await?;
        let before = lock(txn.txn(), id).await?;
        if before.version != version {
            return Err(Error::conflict(
                None,
                "Somebody else changed this meanwhile. Look at it again, then repeat your change.",
            ));
        }
        let after = Application { saml: before.saml.clone(), ..input.checked()? };
        let differences = change(txn.txn(), call.now, &before, &after).await?;
        if differences.is_empty() {
            return Ok(());
        }
        txn.audit(call, event("UpdateApplication", id, &after, differences.into()));
        txn.commit().await
    }

    /// Removes an application and whom it was assigned to.
    pub async fn delete(&self, call: &Call, id: ApplicationId) -> Result<()> {
        authorize(call, Action::ManageApplications, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let row = lock(change.txn(), id).await?;
        let application = Application::of_row(&row)?;
        let assigned = remove(change.txn(), &row).await?;
        let changes = json!({"name": application.name, "assignments": assigned});
        change.audit(call, event("DeleteApplication", id, &application, changes));
        change.commit().await
    }

    /// Lets a person or a group use an application. Who may already stays; then nothing is audited.
    pub async fn assign(&self, call: &Call, id: ApplicationId, principal: Principal) -> Result<()> {
        authorize(call, Action::ManageApplications, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let row = lock(change.txn(), id).await?;
        let name = name_of(change.txn(), principal).await?;
        if !assign(change.txn(), call.now, &row, principal).await? {
            return Ok(());
        }
        let changes = json!({"principal": {"type": principal.kind(), "id": principal.id(), "name": name}});
        change.audit(call, event("CreateApplicationAssignment", id, &Application::of_row(&row)?, changes));
        change.commit().await
    }

    /// Takes an application from a person or a group. Who may not already stays so; then nothing is audited.
    pub async fn unassign(&self, call: &Call, id: ApplicationId, principal: Principal) -> Result<()> {
        authorize(call, Action::ManageApplications, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let row = lock(change.txn(), id).await?;
        if !unassign(change.txn(), &row, principal).await? {
            return Ok(());
        }
        let changes = json!({"principal": {"type": principal.kind(), "id": principal.id()}});
        change.audit(call, event("DeleteApplicationAssignment", id, &Application::of_row(&row)?, changes));
        change.commit().await
    }

    /// The tiles of the caller, by name: what is in use, meant to be seen, and theirs directly, through a group, or everybody's.
    pub async fn for_person(&self, call: &Call, search: &str) -> Result<Vec<Tile>> {
        let person = authorize_person(call, Action::UsePortal)?;
        let user = person.user.to_string();
        let groups = Query::select()
            .column(membership::Column::GroupId)
            .from(membership::Entity)
            .and_where(membership::Column::UserId.eq(&user))
            .to_owned();
        let principal = Expr::col((application_assignment::Entity, application_assignment::Column::PrincipalId));
        let theirs = Query::select()
            .column(application_assignment::Column::ApplicationId)
            .from(application_assignment::Entity)
            .and_where(principal.clone().eq(&user).or(principal.in_subquery(groups)))
            .to_owned();
        let mut select = application::Entity::find()
            .filter(application::Column::Status.eq(ApplicationStatus::Enabled.as_str()))
            .filter(application::Column::Visible.eq(true))
            .filter(application::Column::Everyone.eq(true).or(application::Column::Id.in_subquery(theirs)));
        if !search.trim().is_empty() {
            select = select.filter(named(search)?);
        }
        let rows = select
            .order_by_asc(application::Column::NameKey)
            .order_by_asc(application::Column::Id)
            .limit(MOST_TILES)
            .all(self.0.store.read())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Tile {
                    id: id_of(&row.id)?,
                    name: row.name,
                    description: row.description,
                    start_url: Some(row.start_url).filter(|url| !url.is_empty()),
                })
            })
            .collect()
    }
}

fn id_of(text: &str) -> Result<ApplicationId> {
    text.parse().map_err(|e| Error::internal(format!("application {text}: {e}")))
}

/// Applications with this in their name.
fn named(search: &str) -> Result<Expr> {
    let key = model::name_key(search.trim());
    if key.contains('\0') || key.chars().count() > 200 {
        return Err(Error::invalid("search", "must have at most 200 characters and no control characters"));
    }
    let escaped = key.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Ok(application::Column::NameKey.like(LikeExpr::new(format!("%{escaped}%")).escape('\\')))
}

/// The name of whom something is to be assigned to; they must be there, and stay until the change ends.
async fn name_of(txn: &impl ConnectionTrait, principal: Principal) -> Result<String> {
    async fn person(txn: &impl ConnectionTrait, id: UserId) -> Result<String> {
        Ok(crate::identity::people_changes::lock(txn, id).await?.user_name)
    }
    async fn group(txn: &impl ConnectionTrait, id: GroupId) -> Result<String> {
        Ok(crate::identity::groups::lock(txn, id).await?.name)
    }
    match principal {
        Principal::User(id) => person(txn, id).await,
        Principal::Group(id) => group(txn, id).await,
    }
}

/// An event about an application.
fn event(action: &'static str, id: ApplicationId, application: &Application, changes: Value) -> Event {
    Event::done(action).on("application", id, application.name.as_str()).with(changes)
}
