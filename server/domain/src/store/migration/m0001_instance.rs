//! Who this installation is.

use sea_orm_migration::prelude::*;

use super::{create, json, number, text};

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
            "instance",
            &["id"],
            vec![
                ColumnDef::new("id").integer().not_null().take(),
                text("instance_id"),
                text("identity_store_id"),
                number("created_at"),
                text("public_url"),
                json("settings"),
                number("settings_version"),
                number("owner_guard"),
                text("sealed_check"),
                text("master_key_id"),
            ],
            &[],
        )
        .await
    }
}
