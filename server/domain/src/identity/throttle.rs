//! Budgets of attempts, per name and per source, shared by all nodes through the database.

/// How many attempts are free and how the waiting grows.
#[derive(Clone, Debug)]
pub struct Limits {}

impl Default for Limits {
    fn default() -> Self {
        Self {}
    }
}
