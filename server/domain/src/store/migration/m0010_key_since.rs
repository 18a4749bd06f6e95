//! Since when the present master key seals.

use sea_orm_migration::prelude::*;

use super::maybe_number;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut statement = Table::alter();
        statement.table("instance").add_column(maybe_number("master_key_since"));
        manager.alter_table(statement).await
    }
}
