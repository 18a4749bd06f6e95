//! What a person may do where they are assigned.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "permission_sets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub name: String,
    pub name_key: String,
    pub description: String,
    pub session_seconds: i64,
    pub relay_state: String,
    pub managed_policies: Json,
    pub customer_policies: Json,
    pub inline_policy: Option<String>,
    pub boundary: Json,
    pub tags: Json,
    pub require_fresh_factor: bool,
    pub last_used_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
