//! Formats that come over the wire, read and written without I/O and without a clock.

pub mod form;
pub mod forwarded;
pub mod organisation;
pub mod syslog;
