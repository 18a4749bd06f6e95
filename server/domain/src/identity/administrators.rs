//! Who is an administrator. The last owner stays, also against two requests at once.

use std::sync::Arc;

use model::{GroupId, Role, Timestamp, UserId};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;

/// Who holds a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    User(UserId, String),
    Group(GroupId, String),
}

/// One grant of a role.
#[derive(Clone, Debug)]
pub struct AdministratorRow {
    pub id: String,
    pub holder: Holder,
    pub role: Role,
    /// Local, own factors, every use alarms all owners.
    pub break_glass: bool,
    pub created_at: Timestamp,
}

/// Administrators.
#[derive(Clone, Debug)]
pub struct Administrators(pub(crate) Arc<Core>);

impl Administrators {
    pub async fn list(&self, call: &Call) -> Result<Vec<AdministratorRow>> {
        todo!()
    }
    pub async fn grant_user(&self, call: &Call, user: UserId, role: Role, break_glass: bool) -> Result<()> {
        todo!()
    }
    pub async fn grant_group(&self, call: &Call, group: GroupId, role: Role) -> Result<()> {
        todo!()
    }
    pub async fn revoke(&self, call: &Call, grant: &str) -> Result<()> {
        todo!()
    }
}
