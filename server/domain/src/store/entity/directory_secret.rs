//! A secret that a directory of the organisation file needs.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "directory_secrets")]
pub struct Model {
    /// The directory's name in the form in which it compares, a slash, and the field.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The directory's name in that form.
    pub directory: String,
    pub sealed: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
