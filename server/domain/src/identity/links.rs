//! One-time links: made, looked at, used once.

use model::{Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::sign_in::LinkPurpose;
use crate::secret::Secret;
use crate::store::entity::link;

/// How long an invitation works.
pub(crate) const INVITATION_LIVES: i64 = 7 * Timestamp::DAY;
/// How long a link for a forgotten or reset password works.
pub(crate) const RESET_LIVES: i64 = 30 * Timestamp::MINUTE;
/// How long a link to enrol a factor works.
pub(crate) const ENROLMENT_LIVES: i64 = 7 * Timestamp::DAY;
/// How long the first owner's link works.
pub(crate) const FIRST_OWNER_LIVES: i64 = 30 * Timestamp::MINUTE;

impl LinkPurpose {
    /// The name in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FirstOwner => "first-owner",
            Self::Invitation => "invitation",
            Self::PasswordReset => "password-reset",
            Self::Enrolment => "enrolment",
        }
    }

    /// Reads the name in the database.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::FirstOwner, Self::Invitation, Self::PasswordReset, Self::Enrolment]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// Makes a link inside the caller's transaction; earlier ones of the same purpose stop working. Only the digest is stored.
pub(crate) async fn issue(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    user: UserId,
    purpose: LinkPurpose,
    lives_millis: i64,
) -> Result<Secret> {
    void(txn, now, user, Some(purpose)).await?;
    let token = Secret::random_256(&core.entropy)?;
    let row = link::Model {
        token_hash: token.digest(),
        purpose: purpose.as_str().to_owned(),
        user_id: user.to_string(),
        created_at: now.0,
        expires_at: now.plus(lives_millis).0,
        used_at: None,
        voided_at: None,
    };
    link::Entity::insert(link::ActiveModel::from(row).reset_all()).exec_without_returning(txn).await?;
    Ok(token)
}

/// Stops links of a person from working: those of one purpose, or all.
pub(crate) async fn void(
    txn: &impl ConnectionTrait,
    now: Timestamp,
    user: UserId,
    purpose: Option<LinkPurpose>,
) -> Result<()> {
    let mut update = link::Entity::update_many()
        .col_expr(link::Column::VoidedAt, Expr::val(now.0))
        .filter(link::Column::UserId.eq(user.to_string()))
        .filter(link::Column::UsedAt.is_null())
        .filter(link::Column::VoidedAt.is_null());
    if let Some(purpose) = purpose {
        update = update.filter(link::Column::Purpose.eq(purpose.as_str()));
    }
    update.exec(txn).await?;
    Ok(())
}

/// The answer to every link that does not work.
pub(crate) fn dead() -> Error {
    Error::not_accepted("This link does not work any more. Ask for a new one.")
}

/// Takes a link: of two requests with it, one does.
pub(crate) async fn use_up(txn: &impl ConnectionTrait, now: Timestamp, token_hash: &str) -> Result<()> {
    let used = link::Entity::update_many()
        .col_expr(link::Column::UsedAt, Expr::value(now.0))
        .filter(link::Column::TokenHash.eq(token_hash))
        .filter(link::Column::UsedAt.is_null())
        .filter(link::Column::VoidedAt.is_null())
        .filter(link::Column::ExpiresAt.gt(now.0))
        .exec(txn)
        .await?;
    if used.rows_affected == 1 { Ok(()) } else { Err(dead()) }
}

/// The address that a person opens. The edge keeps this path out of its logs, and its page answers without referrer.
pub(crate) fn address(core: &Core, token: &Secret) -> Secret {
    let base = core.public_url.as_str().trim_end_matches('/');
    Secret::new(format!("{base}/start/link/{}", token.expose()))
}
