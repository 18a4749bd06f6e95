//! The only code of ours that runs in the browser. Every page works without it.

pub mod copy;
pub mod places;
