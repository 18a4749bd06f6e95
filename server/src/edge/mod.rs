//! The edge: what happens to every request before and after the part that answers it.
//!
//! In this order: who asks and under which address ([`facts`]), what is let in ([`guard`]), the router with its session and pages,
//! and then the headers that every answer carries ([`headers`]). A refusal of the edge and a panic of a handler take the same
//! way out as any other answer.

pub mod compress;
pub mod facts;
pub mod guard;
pub mod headers;
pub mod listener;
pub mod session;
mod strict;
pub mod tls;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use model::LocalPath;
use tower::ServiceExt as _;

use crate::ops::metrics::Metrics;
use facts::Facts;
use guard::Guard;
use headers::Policy;

/// How long a request may take before it is answered with 503.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the page for a status; the interface supplies it.
pub type ErrorPage = Arc<dyn Fn(StatusCode, &Facts) -> Response<Body> + Send + Sync>;

/// All that stands between a connection and the router.
#[derive(Clone)]
pub struct Edge {
    guard: Arc<Guard>,
    router: Router,
    error_page: ErrorPage,
    metrics: Metrics,
    patience: Duration,
}

impl Edge {
    /// An edge in front of a router.
    pub fn new(guard: Guard, router: Router, error_page: ErrorPage, metrics: Metrics) -> Self {
        Self { guard: Arc::new(guard), router, error_page, metrics, patience: PATIENCE }
    }

    /// Gives requests another time. The tests do not stop the runtime's clock: tokio's feature for that would make every build
    /// compile twice whatever stands on tokio.
    #[cfg(test)]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Answers a request that came over a connection from `peer`.
    pub async fn answer(&self, request: Request<Body>, peer: IpAddr) -> Response<Body> {
        let facts = match self.guard.facts(&request, peer) {
            Ok(facts) => facts,
            Err(error) => {
                tracing::error!("no request can be answered: {}", error.cause().unwrap_or_default());
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let _running = self.metrics.running();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut response = match self.guard.admit(request, &facts).await {
            Ok(request) => self.run(request, &facts).await,
            Err(refused) => {
                tracing::info!(request.id = %facts.id, source = %facts.source, "{method} refused: {}", refused.why);
                let mut response = (self.error_page)(refused.status, &facts);
                if refused.close {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                response
            }
        };
        self.furnish_empty(&mut response, &method, &path, &facts);
        let policy = response.extensions().get::<Policy>().cloned().unwrap_or_default();
        headers::secure(response.headers_mut(), &facts, &policy, self.guard.is_https());
        let status = response.status();
        self.metrics.answered(&path, status);
        tracing::debug!(request.id = %facts.id, source = %facts.source, status = status.as_u16(), "{method} {}", shown(&path));
        response
    }

    /// Runs the router in a task of its own: a client that goes away does not cut a change in half, and a panic ends only the task.
    async fn run(&self, mut request: Request<Body>, facts: &Facts) -> Response<Body> {
        request.extensions_mut().insert(facts.clone());
        let router = self.router.clone();
        let task = tokio::spawn(async move { router.oneshot(request).await });
        match tokio::time::timeout(self.patience, task).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(never))) => match never {},
            Ok(Err(error)) => {
                self.metrics.panicked();
                tracing::error!(request.id = %facts.id, "the answer to a request failed: {error}");
                (self.error_page)(StatusCode::INTERNAL_SERVER_ERROR, facts)
            }
            Err(_) => {
                tracing::error!(request.id = %facts.id, "a request took longer than {} s", self.patience.as_secs());
                let mut response = (self.error_page)(StatusCode::SERVICE_UNAVAILABLE, facts);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
        }
    }

    /// The router's own bare refusals (no such address, wrong method) get the page that people are used to.
    fn furnish_empty(&self, response: &mut Response<Body>, method: &Method, path: &str, facts: &Facts) {
        let status = response.status();
        let bare = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
            && !response.headers().contains_key(header::CONTENT_TYPE);
        if !bare {
            return;
        }
        // An address typed with a slash at its end means the one without.
        let elsewhere = path.trim_end_matches('/');
        if status == StatusCode::NOT_FOUND
            && matches!(*method, Method::GET | Method::HEAD)
            && elsewhere.len() < path.len()
            && let Ok(place) = LocalPath::parse(elsewhere)
            && let Ok(place) = HeaderValue::from_str(place.as_str())
        {
            *response = (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response();
            return;
        }
        let mut page = (self.error_page)(status, facts);
        if let Some(allow) = response.headers().get(header::ALLOW) {
            page.headers_mut().insert(header::ALLOW, allow.clone());
        }
        if method == Method::HEAD {
            *page.body_mut() = Body::empty();
        }
        *response = page;
    }
}

/// A path as logs show it: what follows `/start/link/` is a secret.
fn shown(path: &str) -> &str {
    if path.starts_with("/start/link/") { "/start/link/[hidden]" } else { path }
}

/// The page for a status where there is no interface: plain words and the id to ask about.
pub fn plain_page(status: StatusCode, facts: &Facts) -> Response<Body> {
    let reason = status.canonical_reason().unwrap_or("Error");
    let text = format!("{} {reason}\nRequest {}\n", status.as_u16(), facts.id);
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
