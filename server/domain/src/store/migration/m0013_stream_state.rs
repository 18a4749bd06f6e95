//! How streams fare: since when, whether they pause, the last delivery and the last failure; which stream a delivery belongs to.

use sea_orm_migration::prelude::*;

use super::{add_column, index, maybe_number, maybe_text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for moment in ["begun_at", "paused_at", "delivered_at", "failed_at"] {
            add_column(manager, "streams", maybe_number(moment)).await?;
        }
        add_column(manager, "streams", maybe_text("last_error")).await?;
        add_column(manager, "outbox", maybe_text("stream")).await?;
        index(manager, "outbox_stream", "outbox", &["stream", "done_at", "failed_at"], false).await
    }
}
