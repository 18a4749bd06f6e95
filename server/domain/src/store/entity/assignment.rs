//! One grant: a principal, a permission set, an account or a rule for accounts.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "assignments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub principal_kind: String,
    pub principal_id: String,
    pub permission_set_id: String,
    pub target: String,
    pub expires_at: Option<i64>,
    pub reason: String,
    pub created_at: i64,
    pub created_by: String,
    pub warned_at: Option<i64>,
    /// When it last got other terms.
    pub renewed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
