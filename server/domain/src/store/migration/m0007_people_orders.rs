//! People of one state, in every order that a list offers.

use sea_orm_migration::prelude::*;

use super::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index(manager, "users_status_name", "users", &["status", "user_name_key", "directory"], false).await?;
        index(manager, "users_status_display", "users", &["status", "display_key", "id"], false).await?;
        index(manager, "users_status_email", "users", &["status", "email_key", "id"], false).await?;
        index(manager, "users_status_created", "users", &["status", "created_at", "id"], false).await?;
        // The first of these says what this one said.
        manager.drop_index(Index::drop().name("users_status").table("users").if_exists().to_owned()).await
    }
}
