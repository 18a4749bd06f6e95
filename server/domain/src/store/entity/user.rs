//! A person.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub directory: String,
    pub user_name: String,
    pub user_name_key: String,
    pub display_name: String,
    pub display_key: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub email_key: String,
    pub status: String,
    pub attributes: Json,
    pub preferences: Json,
    pub enrol_by: Option<i64>,
    pub must_change_password: bool,
    pub last_sign_in_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
