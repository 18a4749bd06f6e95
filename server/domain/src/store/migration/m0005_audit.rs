//! The audit log and the ends of its chains.

use sea_orm_migration::prelude::*;

use super::{create, index, maybe_text, number, text};

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
            "audit",
            &["node", "seq"],
            vec![
                text("node"),
                number("seq"),
                text("id"),
                number("time"),
                text("action"),
                text("outcome"),
                text("actor_type"),
                maybe_text("actor_id"),
                maybe_text("target_type"),
                maybe_text("target_id"),
                text("request_id"),
                maybe_text("credential_id"),
                maybe_text("person"),
                text("person_digest"),
                text("hash"),
            ],
            &[],
        )
        .await?;
        index(manager, "audit_id", "audit", &["id"], true).await?;
        index(manager, "audit_time", "audit", &["time", "id"], false).await?;
        index(manager, "audit_actor", "audit", &["actor_id", "time"], false).await?;
        index(manager, "audit_target", "audit", &["target_id", "time"], false).await?;
        index(manager, "audit_action", "audit", &["action", "time"], false).await?;
        create(
            manager,
            "audit_heads",
            &["node"],
            vec![text("node"), number("seq"), text("hash"), number("base_seq"), text("base_hash")],
            &[],
        )
        .await
    }
}
