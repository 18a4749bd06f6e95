//! One-time links: made, looked at, used once.
