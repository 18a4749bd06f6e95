//! How far streams of audit entries have come.

use sea_orm_migration::prelude::*;

use super::{create, number, text};

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
            "streams",
            &["stream", "node"],
            vec![text("stream"), text("node"), number("seq"), number("taken_until")],
            &[],
        )
        .await
    }
}
