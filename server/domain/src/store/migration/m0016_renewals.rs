//! When a grant was last renewed: its word before the end counts from there.

use sea_orm_migration::prelude::*;

use super::{add_column, maybe_number};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, "assignments", maybe_number("renewed_at")).await
    }
}
