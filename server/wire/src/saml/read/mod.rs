//! What comes in, read strictly and none of it trusted.

pub mod xml;
