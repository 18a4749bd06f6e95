//! The one-time link by which a session came to enrolment.

use sea_orm_migration::prelude::*;

use super::maybe_text;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut statement = Table::alter();
        statement.table("sessions").add_column(maybe_text("enrolment_link"));
        manager.alter_table(statement).await
    }
}
