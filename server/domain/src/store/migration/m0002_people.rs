//! People, groups and who is in which.

use sea_orm_migration::prelude::*;

use super::{create, flag, index, json, maybe_number, number, text};

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
            "users",
            &["id"],
            vec![
                text("id"),
                text("directory"),
                text("user_name"),
                text("user_name_key"),
                text("display_name"),
                text("display_key"),
                text("given_name"),
                text("family_name"),
                text("email"),
                text("email_key"),
                text("status"),
                json("attributes"),
                json("preferences"),
                maybe_number("enrol_by"),
                flag("must_change_password"),
                maybe_number("last_sign_in_at"),
                number("created_at"),
                number("updated_at"),
                number("version"),
            ],
            &[],
        )
        .await?;
        index(manager, "users_name", "users", &["user_name_key", "directory"], true).await?;
        index(manager, "users_display", "users", &["display_key", "id"], false).await?;
        index(manager, "users_email", "users", &["email_key", "id"], false).await?;
        index(manager, "users_created", "users", &["created_at", "id"], false).await?;
        index(manager, "users_status", "users", &["status", "user_name_key"], false).await?;
        create(
            manager,
            "user_words",
            &["word", "user_id"],
            vec![text("user_id"), text("word")],
            &[("user_id", "users")],
        )
        .await?;
        index(manager, "user_words_user", "user_words", &["user_id"], false).await?;
        create(
            manager,
            "groups",
            &["id"],
            vec![
                text("id"),
                text("directory"),
                text("name"),
                text("name_key"),
                text("description"),
                number("created_at"),
                number("updated_at"),
                number("version"),
            ],
            &[],
        )
        .await?;
        index(manager, "groups_name", "groups", &["name_key", "directory"], true).await?;
        create(
            manager,
            "memberships",
            &["group_id", "user_id"],
            vec![text("group_id"), text("user_id"), number("since")],
            &[("group_id", "groups"), ("user_id", "users")],
        )
        .await?;
        index(manager, "memberships_user", "memberships", &["user_id"], false).await
    }
}
