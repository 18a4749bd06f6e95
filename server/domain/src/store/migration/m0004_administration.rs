//! Who is an administrator.

use sea_orm_migration::prelude::*;

use super::{create, flag, index, maybe_text, number, text};

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
            "administrators",
            &["id"],
            vec![
                text("id"),
                maybe_text("user_id"),
                maybe_text("group_id"),
                text("role"),
                flag("break_glass"),
                number("created_at"),
            ],
            &[("user_id", "users"), ("group_id", "groups")],
        )
        .await?;
        index(manager, "administrators_user", "administrators", &["user_id", "role"], true).await?;
        index(manager, "administrators_group", "administrators", &["group_id", "role"], true).await
    }
}
