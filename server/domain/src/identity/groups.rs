//! Administration of groups and their members.

use std::sync::Arc;

use model::{GroupId, Role, Timestamp, UserId};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::people::PersonRow;
use crate::page::{Page, PageRequest};

/// One row.
#[derive(Clone, Debug)]
pub struct GroupRow {
    pub id: GroupId,
    pub name: String,
    pub description: String,
    pub members: u64,
    pub created_at: Timestamp,
    /// Roles that members get.
    pub roles: Vec<Role>,
}

/// Everything about a group.
#[derive(Clone, Debug)]
pub struct GroupView {
    pub row: GroupRow,
    pub directory: String,
    pub version: i64,
    pub may_change: bool,
}

/// Groups.
#[derive(Clone, Debug)]
pub struct Groups(pub(crate) Arc<Core>);

impl Groups {
    pub async fn list(&self, call: &Call, search: &str, page: &PageRequest) -> Result<Page<GroupRow>> {
        todo!()
    }
    pub async fn get(&self, call: &Call, group: GroupId) -> Result<GroupView> {
        todo!()
    }
    pub async fn find(&self, call: &Call, name: &str) -> Result<GroupId> {
        todo!()
    }
    pub async fn members(&self, call: &Call, group: GroupId, search: &str, page: &PageRequest) -> Result<Page<PersonRow>> {
        todo!()
    }
    pub async fn create(&self, call: &Call, name: &str, description: &str) -> Result<GroupId> {
        todo!()
    }
    pub async fn update(&self, call: &Call, group: GroupId, version: i64, name: &str, description: &str) -> Result<()> {
        todo!()
    }
    pub async fn delete(&self, call: &Call, group: GroupId) -> Result<()> {
        todo!()
    }
    pub async fn add_member(&self, call: &Call, group: GroupId, user: UserId) -> Result<()> {
        todo!()
    }
    pub async fn remove_member(&self, call: &Call, group: GroupId, user: UserId) -> Result<()> {
        todo!()
    }
}
