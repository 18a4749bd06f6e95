//! Starts the built binary as an operator would and talks to it as a browser would. The tests themselves are in `tests/`.
//!
//! Every server is its own: a scratch folder, a free port, and on PostgreSQL (when `VESTIBULE_TEST_DATABASE_URL` names a
//! server) a database of its own. All of it goes when the value is dropped.

#![expect(clippy::expect_used, clippy::panic, reason = "this crate is used by tests only")]

mod account;
mod browser;
mod database;
mod page;
mod people;
mod raw;
mod server;

pub use account::{Account, Factor, PASSWORD};
pub use browser::{Answer, Browser};
pub use people::DemoPerson;
pub use raw::{Raw, exchange};
pub use server::{Setup, Vestibule, Words};
