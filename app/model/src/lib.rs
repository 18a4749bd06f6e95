//! Words that server and browser share: ids, validated names, local paths, roles, kinds of refusal.
//!
//! Nothing here reads a clock, a socket or a database; everything compiles for the browser.

mod ids;
mod local_path;
mod names;
mod refusal;
mod role;
mod time;
pub mod words;

pub use ids::{AuditId, FactorId, GroupId, SessionId, UserId};
pub use local_path::LocalPath;
pub use names::{Email, GroupName, Invalid, Label, PersonName, UserName, name_key};
pub use refusal::Refusal;
pub use role::Role;
pub use time::Timestamp;
