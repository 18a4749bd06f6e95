//! Which roles a person holds now, directly and through groups.

use model::Role;
use sea_orm::sea_query::{ExprTrait as _, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::error::{Error, Result};
use crate::store::entity::{administrator, membership};

/// What a person holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Most powerful first, each once.
    pub(crate) roles: Vec<Role>,
    /// Holds an owner's role for emergencies.
    pub(crate) break_glass: bool,
}

/// Reads the roles of a person.
pub(crate) async fn held_by<C: ConnectionTrait>(conn: &C, user: &str) -> Result<Held> {
    let groups = Query::select()
        .column(membership::Column::GroupId)
        .from(membership::Entity)
        .and_where(membership::Column::UserId.eq(user))
        .to_owned();
    let rows = administrator::Entity::find()
        .filter(administrator::Column::UserId.eq(user).or(administrator::Column::GroupId.in_subquery(groups)))
        .all(conn)
        .await?;
    let mut held = Held::default();
    for row in rows {
        held.roles.push(row.role.parse().map_err(|e| Error::internal(format!("role {}: {e}", row.role)))?);
        held.break_glass |= row.break_glass;
    }
    held.roles.sort_unstable();
    held.roles.dedup();
    Ok(held)
}
