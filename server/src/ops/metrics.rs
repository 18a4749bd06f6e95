//! Counters and gauges for Prometheus, on a listener of their own. No label names a person, an address or a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// What kind of address was asked, and what the answer was.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    group: &'static str,
    status: u16,
}

/// How a step of a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SignedIn {
    step: &'static str,
    outcome: &'static str,
}

/// Everything that is counted.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    requests: Family<Answered, Counter<u64, AtomicU64>>,
    running: Gauge<i64, AtomicI64>,
    panics: Counter<u64, AtomicU64>,
    sign_ins: Family<SignedIn, Counter<u64, AtomicU64>>,
    memory: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("vestibule");
        let requests = Family::default();
        registry.register("http_requests", "Requests by kind of address and status", requests.clone());
        let running = Gauge::default();
        registry.register("http_requests_running", "Requests being answered now", running.clone());
        let panics = Counter::default();
        registry.register("panics", "Requests that ended in a fault of the program", panics.clone());
        let sign_ins = Family::default();
        registry.register("sign_ins", "Steps of sign-ins by outcome", sign_ins.clone());
        let memory = Gauge::default();
        registry.register_with_unit("resident_memory", "Memory held by the process", Unit::Bytes, memory.clone());
        Self(Arc::new(Inner { registry, requests, running, panics, sign_ins, memory }))
    }
}

impl Metrics {
    /// A request has been answered.
    pub fn answered(&self, path: &str, status: StatusCode) {
        self.0.requests.get_or_create(&Answered { group: group(path), status: status.as_u16() }).inc();
    }

    /// Counts a request as running until the guard is dropped.
    pub fn running(&self) -> Running {
        self.0.running.inc();
        Running(self.0.running.clone())
    }

    /// A handler panicked.
    pub fn panicked(&self) {
        self.0.panics.inc();
    }

    /// A step of a sign-in ended.
    pub fn signed_in(&self, step: &'static str, outcome: &'static str) {
        self.0.sign_ins.get_or_create(&SignedIn { step, outcome }).inc();
    }

    /// The text that Prometheus reads.
    fn encode(&self) -> Result<String, std::fmt::Error> {
        self.0.memory.set(resident_bytes().unwrap_or_default());
        let mut out = String::new();
        text::encode(&mut out, &self.0.registry)?;
        Ok(out)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Running(Gauge<i64, AtomicI64>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The metrics' own router.
pub fn router(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(metrics)
}

async fn scrape(State(metrics): State<Metrics>) -> impl IntoResponse {
    match metrics.encode() {
        Ok(text) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")],
            text,
        ),
        Err(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], String::new())
        }
    }
}

/// The kind of an address: few enough that a label stays cheap.
fn group(path: &str) -> &'static str {
    match path.split('/').nth(1).unwrap_or_default() {
        "" | "start" => "portal",
        "me" => "me",
        "admin" => "admin",
        "actions" => "actions",
        "static" => "static",
        "healthz" | "readyz" => "health",
        _ => "other",
    }
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes: i64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
