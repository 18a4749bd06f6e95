//! The rules: who people are, what they may do, and what is kept about it.
//!
//! Pages, actions, protocols and the command line all come through [`Services`]. Every public function of a service takes a
//! [`Call`] first and authorises first; a change commits together with its audit entry.

pub mod access;
pub mod audit;
pub mod authz;
pub mod backup;
pub mod call;
pub mod clock;
mod core;
pub mod demo;
pub mod entropy;
pub mod error;
pub mod event_streams;
pub mod identity;
pub mod jobs;
pub mod key_files;
pub mod key_rotation;
pub mod keys;
pub mod outbound;
pub mod page;
pub mod provisioning;
pub mod secret;
mod services;
pub mod settings;
pub mod settings_service;
pub mod store;
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::expect_used, reason = "a test world that cannot be built ends the test")]
pub mod testing;

pub use call::{Actor, Call, Person, Stage};
pub use clock::Clock;
pub use entropy::Entropy;
pub use error::{Error, Result};
pub use page::{Page, PageRequest};
pub use secret::Secret;
pub use services::{Open, Services};
