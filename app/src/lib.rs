//! The pages, actions and islands of Vestibule.
//!
//! Pages are HTML from the server with plain forms; they work without scripts. Islands add what only a script can do. This
//! file is the only one with feature gates: everything but the islands exists on the server only. Actions too, as long as no
//! island calls one.
//!
//! The edge mounts [`router::router`] and puts a [`context::Visit`] into the extensions of every request.

#![recursion_limit = "512"]

pub mod islands;

#[cfg(feature = "ssr")]
pub mod actions;
#[cfg(feature = "ssr")]
pub mod address;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod parts;
#[cfg(feature = "ssr")]
pub mod router;
#[cfg(feature = "ssr")]
pub mod shell;

#[cfg(feature = "ssr")]
pub use context::{Cookies, Ui, Visit};
