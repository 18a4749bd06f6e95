//! Which roles a person holds now, directly and through groups.

use model::{AccountTarget, Role};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::error::{Error, Result};

/// What a person holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Most powerful first, each once.
    pub(crate) roles: Vec<Role>,
    /// Holds an owner's role for emergencies.
    pub(crate) break_glass: bool,
    /// Where access administration reaches.
    pub(crate) scopes: Vec<AccountTarget>,
}

/// Reads the roles of a person.
pub(crate) async fn held_by<C: ConnectionTrait>(conn: &C, user: &str) -> Result<Held> {
    Ok(standing(conn, user).await?.held)
}

/// What a sign-in must know of a person besides their row.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) held: Held,
    pub(crate) has_factor: bool,
    /// The hash of their password.
    pub(crate) password: Option<String>,
}

#[derive(FromQueryResult)]
struct Row {
    role: Option<String>,
    break_glass: Option<bool>,
    scope: Option<String>,
    has_factor: bool,
    password: Option<String>,
}

/// One row for each role, and one without a role for who has none.
const STANDING: &str = "SELECT a.role, a.break_glass, a.scope, \
    EXISTS (SELECT 1 FROM factors f WHERE f.user_id = $1) AS has_factor, \
    (SELECT p.hash FROM passwords p WHERE p.user_id = $1) AS password \
    FROM (SELECT 1 AS one) o LEFT JOIN administrators a \
    ON a.user_id = $1 OR a.group_id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = $1)";

/// Reads it in one query: every sign-in and every request asks.
pub(crate) async fn standing<C: ConnectionTrait>(conn: &C, user: &str) -> Result<Standing> {
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), STANDING, [user.into()]);
    let rows = Row::find_by_statement(statement).all(conn).await?;
    let mut standing = Standing::default();
    let held = &mut standing.held;
    for row in rows {
        standing.has_factor = row.has_factor;
        standing.password = row.password;
        let Some(role) = row.role else { continue };
        held.roles.push(role.parse().map_err(|e| Error::internal(format!("role {role}: {e}")))?);
        held.break_glass |= row.break_glass.unwrap_or_default();
        held.scopes.extend(row.scope.as_deref().map(scope_from).transpose()?.into_iter().flatten());
    }
    held.roles.sort_unstable();
    held.roles.dedup();
    Ok(standing)
}

/// Reads the accounts of an access administrator: a JSON list of account numbers and path rules.
pub(crate) fn scope_from(text: &str) -> Result<Vec<AccountTarget>> {
    let broken = |e: &dyn std::fmt::Display| Error::internal(format!("scope {text}: {e}"));
    let targets: Vec<String> = serde_json::from_str(text).map_err(|e| broken(&e))?;
    targets.iter().map(|target| AccountTarget::parse(target).map_err(|e| broken(&e))).collect()
}
