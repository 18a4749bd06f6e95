//! SAML 2.0 as messages and documents: `read` takes apart what comes in and trusts none of it, `emit` writes what goes out.
//! No I/O, no clock, no chance: the instant, ids and random bytes are arguments.

pub mod emit;
pub mod keys;
pub mod names;
pub mod read;
#[cfg(test)]
mod testing;
