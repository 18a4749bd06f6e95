//! `/healthz`: the process answers. `/readyz`: it can serve people. Neither says anything about versions or names.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use domain::Services;
use serde_json::json;

/// How long the database may take for the question whether it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// What readiness depends on.
#[derive(Clone, Debug)]
pub struct Health {
    services: Services,
    stopping: Arc<AtomicBool>,
}

impl Health {
    /// For a server on these services.
    pub fn new(services: Services) -> Self {
        Self { services, stopping: Arc::default() }
    }

    /// From now on the server is not ready: it finishes what runs.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// The two addresses.
pub fn router(health: Health) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(health)
}

async fn healthz() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "ok\n")
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let not_ready =
        |reason: &str| (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "unavailable", "reason": reason})));
    if health.stopping.load(Ordering::Relaxed) {
        return not_ready("the server is stopping");
    }
    match tokio::time::timeout(PATIENCE, health.services.ready()).await {
        Ok(Ok(())) => (StatusCode::OK, Json(json!({"status": "ready"}))),
        Ok(Err(error)) => {
            tracing::warn!("not ready: {error} {}", error.cause().unwrap_or_default());
            not_ready(error.outside())
        }
        Err(_) => not_ready("The database does not answer."),
    }
}
