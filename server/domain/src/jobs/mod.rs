//! What happens later: deliveries from the outbox, clean-up, retention.

pub mod mail;
