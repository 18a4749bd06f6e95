//! Secrets of directories, sealed.

use sea_orm_migration::prelude::*;

use super::{create, index, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![text("id"), text("directory"), text("sealed")];
        create(manager, "directory_secrets", &["id"], columns, &[]).await?;
        index(manager, "directory_secrets_directory", "directory_secrets", &["directory"], false).await
    }
}
