//! Counters and gauges for Prometheus, on a listener of their own. No label names a person, an address or a request.
//!
//! What happens here is counted as it happens; how the queues stand is asked when somebody reads, and left out while the database
//! does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use domain::jobs::figures::{Passwords, Queues};
use domain::{Actor, Call, Services};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// How long the database may take to say how its queues stand.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// Which kind of delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Delivery {
    kind: &'static str,
}

/// Which stream of audit entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stream {
    stream: String,
}

type Number = Gauge<i64, AtomicI64>;

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
    memory: Number,
    passwords: PasswordGauges,
    queues: QueueGauges,
}

#[derive(Debug, Default)]
struct PasswordGauges {
    made: Counter<u64, AtomicU64>,
    waiting: Number,
    threads: Number,
}

impl PasswordGauges {
    fn register(registry: &mut Registry) -> Self {
        let made = Self::default();
        registry.register("password_hashes", "Passwords hashed or verified", made.made.clone());
        registry.register("password_hashes_waiting", "Passwords that wait for a thread", made.waiting.clone());
        registry.register("password_threads", "Passwords hashed at once at most", made.threads.clone());
        made
    }

    fn set(&self, passwords: Passwords) {
        self.made.inner().store(passwords.made, Ordering::Relaxed);
        self.waiting.set(i64::try_from(passwords.waiting).unwrap_or(i64::MAX));
        self.threads.set(i64::try_from(passwords.threads).unwrap_or(i64::MAX));
    }
}

#[derive(Debug, Default)]
struct QueueGauges {
    database: Number,
    pending: Family<Delivery, Number>,
    retried: Family<Delivery, Number>,
    given_up: Family<Delivery, Number>,
    oldest: Family<Delivery, Gauge<f64, AtomicU64>>,
    behind: Family<Stream, Number>,
}

impl QueueGauges {
    fn register(registry: &mut Registry) -> Self {
        let made = Self::default();
        registry.register("database_up", "1 while the database answers", made.database.clone());
        registry.register("outbox_pending", "Deliveries on their way", made.pending.clone());
        registry.register("outbox_retried", "Deliveries on their way that failed before", made.retried.clone());
        registry.register("outbox_given_up", "Deliveries given up within a week", made.given_up.clone());
        let oldest = "For how long the oldest delivery is on its way";
        registry.register_with_unit("outbox_oldest", oldest, Unit::Seconds, made.oldest.clone());
        registry.register("audit_stream_behind", "Audit entries that a stream has still to send", made.behind.clone());
        made
    }

    /// Nothing: the database does not answer, and what it said before is not repeated.
    fn set(&self, queues: Option<Queues>) {
        self.database.set(queues.is_some().into());
        for family in [&self.pending, &self.retried, &self.given_up] {
            family.clear();
        }
        self.oldest.clear();
        self.behind.clear();
        let queues = queues.unwrap_or_default();
        for (kind, deliveries) in queues.outbox {
            let of = Delivery { kind };
            self.pending.get_or_create(&of).set(deliveries.pending);
            self.retried.get_or_create(&of).set(deliveries.retried);
            self.given_up.get_or_create(&of).set(deliveries.given_up);
            self.oldest.get_or_create(&of).set(Duration::from_millis(deliveries.oldest.unsigned_abs()).as_secs_f64());
        }
        for (stream, behind) in queues.behind {
            self.behind.get_or_create(&Stream { stream }).set(behind);
        }
    }
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
        let memory = Number::default();
        registry.register_with_unit("resident_memory", "Memory held by the process", Unit::Bytes, memory.clone());
        let passwords = PasswordGauges::register(&mut registry);
        let queues = QueueGauges::register(&mut registry);
        Self(Arc::new(Inner { registry, requests, running, panics, sign_ins, memory, passwords, queues }))
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

    /// Asks how the work behind the requests stands.
    async fn ask(&self, services: &Services) {
        let call = Call::local(Actor::System("metrics"), "metrics", services.clock().now());
        if let Ok(passwords) = services.jobs.passwords(&call) {
            self.0.passwords.set(passwords);
        }
        let queues = tokio::time::timeout(PATIENCE, services.jobs.queues(&call)).await;
        self.0.queues.set(queues.ok().and_then(Result::ok));
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
pub fn router(metrics: Metrics, services: Services) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state((metrics, services))
}

async fn scrape(State((metrics, services)): State<(Metrics, Services)>) -> impl IntoResponse {
    metrics.ask(&services).await;
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
