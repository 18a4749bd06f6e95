//! The factors a person has: listed, added, renamed, removed; and codes of either kind looked up.

use model::{FactorId, Label, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::{FactorKind, FactorView, passkey, recovery, totp};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::sign_in::FactorChoices;
use crate::keys::Place;
use crate::secret::Secret;
use crate::store::entity::factor::{ActiveModel, Column, Entity, Model};

/// Nobody needs more.
const MOST: u64 = 20;

/// The factors of a person, oldest first.
pub(crate) async fn of<C: ConnectionTrait>(conn: &C, user: &str) -> Result<Vec<FactorView>> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(view).collect()
}

fn view(row: Model) -> Result<FactorView> {
    let broken = |what: String| Error::internal(format!("factor {}: {what}", row.id));
    Ok(FactorView {
        id: row.id.parse().map_err(|e: model::Invalid| broken(e.to_string()))?,
        kind: FactorKind::parse(&row.kind).ok_or_else(|| broken(format!("kind {}", row.kind)))?,
        name: row.name,
        created_at: Timestamp(row.created_at),
        last_used_at: row.last_used_at.map(Timestamp),
        flagged: row.flagged,
    })
}

/// What a person can prove themselves with.
pub(crate) async fn choices<C: ConnectionTrait>(conn: &C, core: &Core, user: &str) -> Result<FactorChoices> {
    let factors = of(conn, user).await?;
    let passkeys_off = passkey::off(core);
    Ok(FactorChoices {
        totp: factors.iter().any(|factor| factor.kind == FactorKind::Totp),
        passkey: !passkeys_off && factors.iter().any(|factor| factor.kind == FactorKind::Passkey && !factor.flagged),
        recovery_codes: !factors.is_empty() && recovery::left(conn, user).await? > 0,
        passkeys_off,
    })
}

/// A factor to be added, made ready before the change begins.
pub(crate) struct NewFactor {
    row: Model,
}

impl NewFactor {
    /// The name it will have.
    pub(crate) fn name(&self) -> &str {
        &self.row.name
    }

    /// An app whose first code was right at this step.
    pub(crate) fn totp(core: &Core, now: Timestamp, user: &str, name: &str, secret: &[u8], step: i64) -> Result<Self> {
        let name = named(name, "Authenticator app")?;
        let mut factor = Self::new(core, now, user, FactorKind::Totp, name, secret)?;
        factor.row.last_step = Some(step);
        Ok(factor)
    }

    /// A passkey; `credential_key` is unique over all people.
    pub(crate) fn passkey(
        core: &Core,
        now: Timestamp,
        user: &str,
        name: &str,
        passkey: &[u8],
        credential_key: String,
    ) -> Result<Self> {
        let name = named(name, "Passkey")?;
        let mut factor = Self::new(core, now, user, FactorKind::Passkey, name, passkey)?;
        factor.row.credential_key = Some(credential_key);
        Ok(factor)
    }

    fn new(core: &Core, now: Timestamp, user: &str, kind: FactorKind, name: String, secret: &[u8]) -> Result<Self> {
        let id = FactorId::from_random(core.entropy.bytes()?).to_string();
        let sealed = core.keys.seal(&core.entropy, Place("factors", "sealed", &id), secret)?;
        let row = Model {
            id,
            user_id: user.to_owned(),
            kind: kind.as_str().to_owned(),
            name,
            sealed,
            credential_key: None,
            last_step: None,
            created_at: now.0,
            last_used_at: None,
            flagged: false,
        };
        Ok(Self { row })
    }

    /// Adds it.
    pub(crate) async fn add<C: ConnectionTrait>(self, txn: &C) -> Result<()> {
        if Entity::find().filter(Column::UserId.eq(&self.row.user_id)).count(txn).await? >= MOST {
            return Err(Error::conflict(None, "You have as many second factors as one can have. Remove one first."));
        }
        if let Some(key) = &self.row.credential_key
            && Entity::find().filter(Column::CredentialKey.eq(key)).count(txn).await? > 0
        {
            return Err(taken());
        }
        match Entity::insert(ActiveModel::from(self.row).reset_all()).exec_without_returning(txn).await {
            // Two requests at once: the unique index has the last word.
            Err(error) if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => {
                Err(taken())
            }
            other => other.map(drop).map_err(Error::from),
        }
    }
}

fn taken() -> Error {
    Error::conflict(None, "This passkey is registered already.")
}

/// A name as typed, or a plain one.
fn named(typed: &str, otherwise: &str) -> Result<String> {
    let typed = if typed.trim().is_empty() { otherwise } else { typed.trim() };
    Ok(Label::parse(typed).map_err(|e| Error::invalid("name", e.to_string()))?.as_str().to_owned())
}

/// One factor of a person.
pub(crate) async fn one<C: ConnectionTrait>(conn: &C, user: &str, factor: FactorId) -> Result<Model> {
    Entity::find_by_id(factor.to_string())
        .filter(Column::UserId.eq(user))
        .one(conn)
        .await?
        .ok_or_else(|| Error::not_found("second factor"))
}

/// Gives a factor another name.
pub(crate) async fn rename<C: ConnectionTrait>(txn: &C, user: &str, factor: FactorId, name: &str) -> Result<String> {
    let name = Label::parse(name.trim()).map_err(|e| Error::invalid("name", e.to_string()))?;
    let renamed = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name.as_str()))
        .filter(Column::Id.eq(factor.to_string()))
        .filter(Column::UserId.eq(user))
        .exec(txn)
        .await?;
    if renamed.rows_affected == 1 { Ok(name.as_str().to_owned()) } else { Err(Error::not_found("second factor")) }
}

/// Removes every factor and recovery code of a person; says how many factors there were.
pub(crate) async fn remove_all<C: ConnectionTrait>(txn: &C, user: &str) -> Result<u64> {
    use crate::store::entity::recovery_code;
    let removed = Entity::delete_many().filter(Column::UserId.eq(user)).exec(txn).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user)).exec(txn).await?;
    Ok(removed.rows_affected)
}

/// What a typed code turned out to be. It counts only once it has been used up.
#[derive(Debug)]
pub(crate) enum Code {
    /// Of an app, at this step.
    Totp { factor: String, step: i64 },
    /// A recovery code.
    Recovery { row: String },
}

impl Code {
    /// Looks a typed code up, whatever kind it is.
    pub(crate) async fn find<C: ConnectionTrait>(
        conn: &C,
        core: &Core,
        now: Timestamp,
        user: &str,
        typed: &Secret,
    ) -> Result<Option<Self>> {
        let compact: String = typed.expose().chars().filter(|c| !c.is_whitespace()).take(64).collect();
        if totp::looks_like_code(&compact) {
            let found = totp::find(conn, core, now, user, &compact).await?;
            return Ok(found.map(|(factor, step)| Self::Totp { factor: factor.id, step }));
        }
        Ok(recovery::find(conn, user, &compact).await?.map(|row| Self::Recovery { row }))
    }

    /// Uses it up; `false` where somebody was faster with the same code.
    pub(crate) async fn use_up<C: ConnectionTrait>(&self, txn: &C, now: Timestamp) -> Result<bool> {
        match self {
            Self::Totp { factor, step } => totp::advance(txn, now, factor, *step).await,
            Self::Recovery { row } => recovery::use_up(txn, now, row).await,
        }
    }

    /// The name in the audit log.
    pub(crate) fn credential(&self) -> &'static str {
        match self {
            Self::Totp { .. } => "TOTP",
            Self::Recovery { .. } => "RECOVERY_CODE",
        }
    }
}

/// Removes one factor; gives its name and how many are left. The person's row is locked, so that two requests cannot each
/// leave the other's factor as the last one and remove both.
pub(crate) async fn remove<C: ConnectionTrait>(txn: &C, user: &str, factor: FactorId) -> Result<Option<(String, u64)>> {
    use crate::store::entity::{recovery_code, user};
    use sea_orm::QuerySelect as _;
    if txn.get_database_backend() == sea_orm::DatabaseBackend::Postgres {
        user::Entity::find_by_id(user).lock_exclusive().one(txn).await?;
    }
    let Some(row) = Entity::find_by_id(factor.to_string()).filter(Column::UserId.eq(user)).one(txn).await? else {
        return Ok(None);
    };
    Entity::delete_by_id(&row.id).exec(txn).await?;
    let left = Entity::find().filter(Column::UserId.eq(user)).count(txn).await?;
    if left == 0 {
        recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(user)).exec(txn).await?;
    }
    Ok(Some((row.name, left)))
}
