//! Whom applications are assigned to: page by page, some of them, or how many.

use std::collections::{HashMap, HashSet};

use model::ApplicationId;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::{Applications, Assigned};
use crate::access::Principal;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::error::Result;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::{application_assignment, group, user};

impl Applications {
    /// Whom an application is assigned to: groups first, then people, each by name.
    pub async fn assigned(&self, call: &Call, id: ApplicationId, page: &PageRequest) -> Result<Page<Assigned>> {
        authorize(call, Action::SeeApplications, Resource::Organisation)?;
        let read = self.0.store.read();
        let kinds = (Key::Text(String::new()), Key::Text(String::new()));
        let window = Window::of(page, Ordering { name: "assigned".to_owned(), descending: false, kinds })?;
        let groups: Vec<(String, String, String)> = group::Entity::find()
            .select_only()
            .columns([group::Column::Id, group::Column::NameKey, group::Column::Name])
            .filter(group::Column::Id.in_subquery(holders(id, "group")))
            .into_tuple()
            .all(read)
            .await?;
        let people: Vec<(String, String, String)> = user::Entity::find()
            .select_only()
            .columns([user::Column::Id, user::Column::UserNameKey, user::Column::UserName])
            .filter(user::Column::Id.in_subquery(holders(id, "user")))
            .into_tuple()
            .all(read)
            .await?;
        let mut rows = Vec::with_capacity(groups.len() + people.len());
        for (kind, named) in [("group", groups), ("user", people)] {
            for (id, key, name) in named {
                let principal = Principal::from_columns(kind, &id)?;
                let place = (Key::Text(format!("{kind}\u{1}{key}")), Key::Text(id));
                rows.push((place, Assigned { principal, name }));
            }
        }
        rows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let page = window.cut(rows, |(place, _)| place.clone());
        let rows = page.rows.into_iter().map(|(_, assigned)| assigned).collect();
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    /// To which of some people and groups an application is assigned.
    pub async fn assigned_among(
        &self,
        call: &Call,
        id: ApplicationId,
        some: &[Principal],
    ) -> Result<HashSet<Principal>> {
        authorize(call, Action::SeeApplications, Resource::Organisation)?;
        let found: Vec<(String, String)> = application_assignment::Entity::find()
            .select_only()
            .columns([application_assignment::Column::PrincipalKind, application_assignment::Column::PrincipalId])
            .filter(application_assignment::Column::ApplicationId.eq(id.to_string()))
            .filter(application_assignment::Column::PrincipalId.is_in(some.iter().map(Principal::id)))
            .into_tuple()
            .all(self.0.store.read())
            .await?;
        found.iter().map(|(kind, id)| Principal::from_columns(kind, id)).collect()
    }
}

/// Ids of the people or groups that an application is assigned to.
fn holders(application: ApplicationId, kind: &str) -> SelectStatement {
    Query::select()
        .column(application_assignment::Column::PrincipalId)
        .from(application_assignment::Entity)
        .and_where(application_assignment::Column::ApplicationId.eq(application.to_string()))
        .and_where(application_assignment::Column::PrincipalKind.eq(kind))
        .to_owned()
}

/// To how many people and groups each of some applications is assigned; one query.
pub(super) async fn counted(db: &impl ConnectionTrait, applications: &[String]) -> Result<HashMap<String, u64>> {
    if applications.is_empty() {
        return Ok(HashMap::new());
    }
    let counted: Vec<(String, i64)> = application_assignment::Entity::find()
        .select_only()
        .column(application_assignment::Column::ApplicationId)
        .expr_as(Expr::col(application_assignment::Column::PrincipalId).count(), "assigned")
        .filter(application_assignment::Column::ApplicationId.is_in(applications))
        .group_by(application_assignment::Column::ApplicationId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counted.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
}
