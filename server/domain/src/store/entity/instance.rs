//! The one row that says who this installation is, and its settings.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "instance")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub instance_id: String,
    pub identity_store_id: String,
    pub created_at: i64,
    pub public_url: String,
    pub settings: Json,
    pub settings_version: i64,
    pub owner_guard: i64,
    pub sealed_check: String,
    pub master_key_id: String,
    pub master_key_since: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
