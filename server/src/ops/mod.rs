//! What operators look at: health, readiness, metrics.

pub mod health;
pub mod metrics;
