//! The pages, actions and islands of Vestibule.
//!
//! Pages are HTML from the server with plain forms; they work without scripts. Islands add what only a script can do. This
//! file is the only one with feature gates: everything but the islands exists on the server only.

#![recursion_limit = "256"]

pub mod islands;

#[cfg(feature = "ssr")]
pub mod address;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod parts;
#[cfg(feature = "ssr")]
pub mod shell;
