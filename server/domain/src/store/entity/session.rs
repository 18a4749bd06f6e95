//! A browser session. The cookie's value is not here, only its digest.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    pub id: String,
    pub user_id: String,
    pub stage: String,
    pub strong: bool,
    pub signed_in_at: i64,
    pub confirmed_at: i64,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub expires_at: i64,
    pub source: Option<String>,
    pub user_agent: Option<String>,
    pub next: Option<String>,
    pub notice: Option<String>,
    pub ended_at: Option<i64>,
    pub ended_why: Option<String>,
    /// The one-time link that opened enrolment to it: spent when the factor is set up.
    pub enrolment_link: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
