//! The pages of administration.

pub mod administrators;
pub mod audit;
pub mod groups;
pub mod overview;
pub mod sessions;
pub mod settings;
pub mod user;
pub mod users;
