//! The audit log as JSON lines, in pieces: the whole of it is never in memory.

use axum::Router;


/// The address of the export.
pub fn router() -> Router {
    Router::new()
}
