//! What has to leave the process, until it has left.

use sea_orm_migration::prelude::*;

use super::{create, index, maybe_number, maybe_text, number, text};

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
            "outbox",
            &["id"],
            vec![
                text("id"),
                text("kind"),
                text("sealed"),
                number("created_at"),
                number("due_at"),
                number("attempts"),
                number("taken_until"),
                maybe_number("done_at"),
                maybe_number("failed_at"),
                maybe_text("last_error"),
            ],
            &[],
        )
        .await?;
        index(manager, "outbox_due", "outbox", &["done_at", "failed_at", "due_at"], false).await
    }
}
