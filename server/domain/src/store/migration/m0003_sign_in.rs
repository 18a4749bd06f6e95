//! Passwords, factors, sessions, one-time links and the budgets of attempts.

use sea_orm_migration::prelude::*;

use super::{create, flag, index, maybe_number, maybe_text, number, text};

/// What surrounds a sign-in: known browsers, one-time links, ceremonies, budgets.
async fn attempts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "devices",
        &["id"],
        vec![
            text("id"),
            text("token_hash"),
            text("user_id"),
            maybe_text("network"),
            maybe_text("user_agent"),
            number("first_seen_at"),
            number("last_seen_at"),
        ],
        &[("user_id", "users")],
    )
    .await?;
    index(manager, "devices_token", "devices", &["token_hash", "user_id"], true).await?;
    index(manager, "devices_user", "devices", &["user_id"], false).await?;
    create(
        manager,
        "links",
        &["token_hash"],
        vec![
            text("token_hash"),
            text("purpose"),
            text("user_id"),
            number("created_at"),
            number("expires_at"),
            maybe_number("used_at"),
            maybe_number("voided_at"),
        ],
        &[("user_id", "users")],
    )
    .await?;
    index(manager, "links_user", "links", &["user_id"], false).await?;
    create(
        manager,
        "ceremonies",
        &["id"],
        vec![
            text("id"),
            text("kind"),
            maybe_text("session_hash"),
            maybe_text("user_id"),
            text("sealed"),
            number("expires_at"),
        ],
        &[],
    )
    .await?;
    index(manager, "ceremonies_expiry", "ceremonies", &["expires_at"], false).await?;
    create(
        manager,
        "throttles",
        &["key"],
        vec![text("key"), number("failures"), number("blocked_until"), number("updated_at")],
        &[],
    )
    .await?;
    index(manager, "throttles_age", "throttles", &["updated_at"], false).await
}

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "passwords",
            &["user_id"],
            vec![text("user_id"), text("hash"), number("set_at")],
            &[("user_id", "users")],
        )
        .await?;
        create(
            manager,
            "password_history",
            &["id"],
            vec![text("id"), text("user_id"), text("hash"), number("set_at")],
            &[("user_id", "users")],
        )
        .await?;
        index(manager, "password_history_user", "password_history", &["user_id", "set_at"], false).await?;
        create(
            manager,
            "factors",
            &["id"],
            vec![
                text("id"),
                text("user_id"),
                text("kind"),
                text("name"),
                text("sealed"),
                maybe_text("credential_key"),
                maybe_number("last_step"),
                number("created_at"),
                maybe_number("last_used_at"),
                flag("flagged"),
            ],
            &[("user_id", "users")],
        )
        .await?;
        index(manager, "factors_user", "factors", &["user_id"], false).await?;
        index(manager, "factors_credential", "factors", &["credential_key"], true).await?;
        create(
            manager,
            "recovery_codes",
            &["id"],
            vec![text("id"), text("user_id"), text("hash"), number("created_at"), maybe_number("used_at")],
            &[("user_id", "users")],
        )
        .await?;
        index(manager, "recovery_codes_user", "recovery_codes", &["user_id"], false).await?;
        create(
            manager,
            "sessions",
            &["token_hash"],
            vec![
                text("token_hash"),
                text("id"),
                text("user_id"),
                text("stage"),
                flag("strong"),
                number("signed_in_at"),
                number("confirmed_at"),
                number("created_at"),
                number("last_seen_at"),
                number("expires_at"),
                maybe_text("source"),
                maybe_text("user_agent"),
                maybe_text("next"),
                maybe_text("notice"),
                maybe_number("ended_at"),
                maybe_text("ended_why"),
            ],
            &[("user_id", "users")],
        )
        .await?;
        index(manager, "sessions_id", "sessions", &["id"], true).await?;
        index(manager, "sessions_user", "sessions", &["user_id", "created_at"], false).await?;
        index(manager, "sessions_expiry", "sessions", &["expires_at"], false).await?;
        index(manager, "sessions_created", "sessions", &["created_at", "id"], false).await?;
        attempts(manager).await
    }
}
