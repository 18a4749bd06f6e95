//! The hash chain: what an entry's hash covers.

use aws_lc_rs::digest::{Context, SHA256, digest};
use data_encoding::HEXLOWER;

use crate::store::entity::audit_entry::Model;

/// The digest of an entry's personal part.
pub fn digest_of(person: &str) -> String {
    HEXLOWER.encode(digest(&SHA256, person.as_bytes()).as_ref())
}

/// The hash of an entry: everything but the personal part itself, after the hash of the entry before it.
pub fn hash_of(previous: &str, row: &Model) -> String {
    let mut context = Context::new(&SHA256);
    let (seq, time) = (row.seq.to_string(), row.time.to_string());
    let fields: [Option<&str>; 14] = [
        Some(previous),
        Some(&row.node),
        Some(&seq),
        Some(&row.id),
        Some(&time),
        Some(&row.action),
        Some(&row.outcome),
        Some(&row.actor_type),
        row.actor_id.as_deref(),
        row.target_type.as_deref(),
        row.target_id.as_deref(),
        Some(&row.request_id),
        row.credential_id.as_deref(),
        Some(&row.person_digest),
    ];
    for field in fields {
        // Absent and empty differ, and lengths keep neighbouring fields apart.
        match field {
            Some(text) => {
                context.update(&[1]);
                context.update(&(text.len() as u64).to_le_bytes());
                context.update(text.as_bytes());
            }
            None => context.update(&[0]),
        }
    }
    HEXLOWER.encode(context.finish().as_ref())
}
