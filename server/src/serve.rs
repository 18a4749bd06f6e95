//! The running server: bind, open, say where it listens, serve, stop in good order.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::demo::Filled;
use domain::store::ServerLock;
use domain::{Actor, Call, Clock, Entropy, Open, Secret, Services};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use url::Url;

use crate::config::Config;
use crate::edge::guard::Guard;
use crate::edge::listener::Listener;
use crate::edge::tls::Tls;
use crate::edge::{Edge, ErrorPage, plain_page};
use crate::ops::health::{self, Health};
use crate::ops::metrics::{self, Metrics};
use crate::{assets, ui};

/// Why the server does not run. Shown as it is; the cause follows in brackets.
pub type Failure = String;

/// How services are opened with this configuration.
pub fn open(config: &Config, public_url: Url) -> Open {
    Open {
        database_url: config.database_url.expose().to_owned(),
        data_dir: config.data_dir.clone(),
        master_key_file: config.master_key_file.clone(),
        master_key: config.master_key.clone(),
        public_url,
        mail: config.mail.clone(),
        throttle: config.throttle.clone(),
        outbound_allow: config.outbound_allow.clone(),
        clock: Clock::System,
        entropy: Entropy::System,
    }
}

/// An error of the domain in the words of the command line, where also the cause may be seen.
pub fn explained(error: &domain::Error) -> Failure {
    match error.cause() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}

/// Everything that answers: the router with pages, actions, files and health, and the edge in front of it.
pub fn edge(services: &Services, config: &Config, public_url: Url, health: Health, metrics: Metrics) -> Edge {
    let guard = Guard::new(public_url, config.trusted.clone(), services.clock().clone(), services.entropy().clone());
    let ui = ui::ui(services.clone(), &config.region, guard.is_https());
    let router = ui::router(&ui, &metrics).merge(assets::router()).merge(health::router(health));
    let error_page: ErrorPage = Arc::new(move |status, facts| ui::problem(&ui, facts, status));
    Edge::new(guard, router, error_page, metrics)
}

/// Runs until the process is told to stop.
pub async fn run(config: &Config, demo: bool) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    // The sockets first: the port is known before anything slow begins, and who connects early waits instead of failing.
    let socket = bind("listen", config.listen).await?;
    let bound = socket.local_addr().map_err(|error| format!("listen: {error}"))?;
    let ops = match config.ops_listen {
        Some(address) => Some(bind("ops.listen", address).await?),
        None => None,
    };
    let ops_address = ops.as_ref().and_then(|socket| socket.local_addr().ok());
    let tls = config.tls.as_ref().map(Tls::open).transpose()?.map(Arc::new);
    let public_url = config.public_url(bound);

    let _lock = ServerLock::take(config.database_url.expose()).map_err(|error| explained(&error))?;
    let services = Services::open(open(config, public_url.clone())).await.map_err(|error| explained(&error))?;
    let demo = if demo { Some(fill(&services, config).await?) } else { None };

    let (health, metrics) = (Health::new(services.clone()), Metrics::default());
    let edge = edge(&services, config, public_url.clone(), health.clone(), metrics.clone());
    let (stopper, stopped) = watch::channel(false);
    let stop = |mut stopped: watch::Receiver<bool>| async move {
        // The sender lives as long as the server.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let served = tokio::spawn(Listener { socket, tls, edge }.serve(stop(stopped.clone())));
    let ops = ops.map(|socket| {
        let guard = Guard::for_operators(public_url.clone(), services.clock().clone(), services.entropy().clone());
        let router = metrics::router(metrics, services.clone()).merge(health::router(health.clone()));
        let edge = Edge::new(guard, router, Arc::new(plain_page), Metrics::default());
        tokio::spawn(Listener { socket, tls: None, edge }.serve(stop(stopped.clone())))
    });
    let jobs = {
        let (jobs, stop) = (services.jobs.clone(), stop(stopped));
        tokio::spawn(async move { Box::pin(jobs.run(stop)).await })
    };
    let running = Running { listen: bound, ops: ops_address, public_url: public_url.to_string() };
    running.write(&config.data_dir);
    announce(config, bound, &public_url);
    if let Some(demo) = demo {
        introduce(&demo);
    }

    signals.wait().await;
    tracing::info!("stopping: running requests are finished first");
    health.stop();
    // Nobody may be left to hear it.
    let _ = stopper.send(true);
    for task in [Some(served), ops, Some(jobs)].into_iter().flatten() {
        if let Err(error) = task.await {
            tracing::error!("a part of the server ended badly: {error}");
        }
    }
    Running::forget(&config.data_dir);
    services.close().await;
    Ok(())
}

/// The demo organisation, where the database is empty and nobody but this machine can reach it.
async fn fill(services: &Services, config: &Config) -> Result<Filled, Failure> {
    let call = Call::local(Actor::Operator, "demo", services.clock().now());
    services.demo.fill(&call, &config.data_dir).await.map_err(|error| explained(&error))
}

/// Says who can sign in to the demo. The passwords are shown when they are made, and kept in the file.
fn introduce(demo: &Filled) {
    let text = match demo {
        Filled::Before(file) => format!("demo people and their passwords: {}\n", file.display()),
        Filled::Now(file, people) => {
            let lines: Vec<String> = people
                .iter()
                .map(|person| {
                    let password = person.password.as_ref().map_or("(only invited)", Secret::expose);
                    let app = person.otpauth.as_ref().map(Secret::expose).unwrap_or_default();
                    format!("  {:<10} {password:<24} {app}", person.user_name).trim_end().to_owned()
                })
                .collect();
            format!(
                "\ndemo people (name, password, and the entry for an authenticator app where a code is asked for):\n\n{}\n\n\
                 The same is kept in {}. The portal runs until Ctrl-C.\n",
                lines.join("\n"),
                file.display()
            )
        }
    };
    let mut out = std::io::stdout();
    // The file holds the same.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Where the server of a data folder is found, for the commands beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Running {
    /// The portal.
    pub listen: SocketAddr,
    /// Metrics and health.
    pub ops: Option<SocketAddr>,
    /// The address people use.
    pub public_url: String,
}

impl Running {
    fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("running.json")
    }

    /// What the server that runs has written; a server that was killed leaves it too.
    pub fn read(data_dir: &Path) -> Option<Self> {
        serde_json::from_str(&std::fs::read_to_string(Self::path(data_dir)).ok()?).ok()
    }

    fn write(&self, data_dir: &Path) {
        // Only a convenience: without it the commands go by the configuration.
        if let Ok(text) = serde_json::to_string(self)
            && let Err(error) = std::fs::write(Self::path(data_dir), text)
        {
            tracing::warn!("{} cannot be written: {error}", Self::path(data_dir).display());
        }
    }

    fn forget(data_dir: &Path) {
        // It may be gone already.
        let _ = std::fs::remove_file(Self::path(data_dir));
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| format!("{key}: {address} cannot be listened on: {error}"))
}

/// The one line on standard output that people and scripts wait for; everything else is a log.
fn announce(config: &Config, bound: SocketAddr, public_url: &Url) {
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if runs_as_root() {
        tracing::warn!("the server runs as root and needs nothing of it: give it a user of its own");
    }
    tracing::info!(region = %config.region, "people reach this portal at {public_url}");
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let shown = if config.public_url.is_none() {
        public_url.as_str().trim_end_matches('/').to_owned()
    } else {
        format!("{scheme}://{bound}")
    };
    let mut out = std::io::stdout();
    // A closed standard output is no reason not to serve.
    let _ = writeln!(out, "listening on {shown}").and_then(|()| out.flush());
}

fn runs_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

/// What ends the server: Ctrl-C, or the service manager.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let failed = |error| format!("signals cannot be received: {error}");
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
