//! Words that server and browser share: ids, validated names, local paths, roles, kinds of refusal.
//!
//! Nothing here reads a clock, a socket or a database; everything compiles for the browser.

mod account;
pub mod iam;
mod ids;
mod local_path;
mod names;
mod refusal;
mod role;
mod session_length;
mod time;
pub mod words;

pub use account::{AccountId, AccountPath, AccountTarget, PathRule};
pub use ids::{ApplicationId, AssignmentId, AuditId, FactorId, GroupId, PermissionSetId, SessionId, UserId};
pub use local_path::LocalPath;
pub use names::{
    AccountName, ApplicationName, Email, GroupName, Invalid, Label, PermissionSetName, PersonName, UserName, name_key,
};
pub use refusal::Refusal;
pub use role::Role;
pub use session_length::SessionLength;
pub use time::Timestamp;
