//! One file per table.

pub mod administrator;
pub mod audit_entry;
pub mod audit_head;
pub mod ceremony;
pub mod device;
pub mod factor;
pub mod group;
pub mod instance;
pub mod link;
pub mod membership;
pub mod outbox;
pub mod password;
pub mod password_history;
pub mod recovery_code;
pub mod session;
pub mod stream;
pub mod throttle;
pub mod user;
pub mod user_word;
