//! Connections: taken, given limits, and ended in good order.
//!
//! A connection has ten seconds for its TLS handshake and ten for each head of a request. When all places are taken, the
//! connection that has been idle longest gives up its place, so that a crowd of silent connections shuts nobody out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Edge;
use super::strict::Strict;
use super::tls::Tls;

/// For a TLS handshake and for the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// For requests that run when the server is told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// A listening socket and what stands behind it.
pub struct Listener {
    /// The socket.
    pub socket: TcpListener,
    /// Speaks TLS on it.
    pub tls: Option<Arc<Tls>>,
    /// Answers.
    pub edge: Edge,
}

impl Listener {
    /// Serves until `stop` ends, then finishes what runs.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let builder = Arc::new(builder());
        let graceful = GracefulShutdown::new();
        let places = Places::new();
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // No descriptors left, or the client is gone already. The first passes only with time.
                    tracing::warn!("a connection could not be taken: {error}");
                    places.make_room();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            };
            let place = places.take();
            let connection = Connection { edge: self.edge.clone(), builder: builder.clone(), place: place.clone() };
            let (tls, watcher) = (self.tls.clone(), graceful.watcher());
            let task = tokio::spawn(async move {
                let served = match tls {
                    None => connection.serve(stream, peer, watcher).await,
                    Some(tls) => connection.serve_tls(&tls, stream, peer, watcher).await,
                };
                if let Err(error) = served {
                    tracing::debug!(source = %peer.ip(), "a connection ended: {error}");
                }
            });
            place.hold(task.abort_handle());
        }
        drop(self.socket);
        if tokio::time::timeout(DRAIN_TIME, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still running after {} s; they are cut off", DRAIN_TIME.as_secs());
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_headers(100).max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(64 * 1024)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(HEAD_TIME);
    builder
}

struct Connection {
    edge: Edge,
    builder: Arc<Builder<TokioExecutor>>,
    place: Place,
}

type Ended = Box<dyn std::error::Error + Send + Sync>;

impl Connection {
    async fn serve_tls(self, tls: &Tls, stream: TcpStream, peer: SocketAddr, watcher: Watcher) -> Result<(), Ended> {
        let stream = tokio::time::timeout(HEAD_TIME, tls.acceptor().accept(stream))
            .await
            .map_err(|_| "TLS handshake too slow")??;
        self.serve(stream, peer, watcher).await
    }

    async fn serve<S>(self, stream: S, peer: SocketAddr, watcher: Watcher) -> Result<(), Ended>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { edge, builder, place } = self;
        let first = Arc::new(Notify::new());
        let seen = first.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (edge, running, seen) = (edge.clone(), place.running(), seen.clone());
            async move {
                seen.notify_one();
                let response = edge.answer(request.map(Body::new), peer.ip()).await;
                drop(running);
                Ok::<_, Infallible>(response)
            }
        });
        let connection =
            watcher.watch(builder.serve_connection(TokioIo::new(Strict::new(stream)), service).into_owned());
        tokio::pin!(connection);
        // The protocol is known from the first bytes only, and nothing else limits the wait for those.
        tokio::select! {
            ended = &mut connection => return ended,
            () = first.notified() => {}
            () = tokio::time::sleep(HEAD_TIME) => return Err("no request came".into()),
        }
        connection.await
    }
}

type Watcher = hyper_util::server::graceful::Watcher;

/// The connections there are, oldest first.
#[derive(Clone)]
struct Places(Arc<PlacesInner>);

struct PlacesInner {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    connections: BTreeMap<u64, Seat>,
}

#[derive(Clone, Default)]
struct Seat {
    running: Arc<AtomicUsize>,
    task: Option<AbortHandle>,
}

impl Places {
    fn new() -> Self {
        Self(Arc::new(PlacesInner { most: most_connections(), taken: Mutex::default() }))
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Place {
        if self.taken().connections.len() >= self.0.most {
            self.make_room();
        }
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        let seat = Seat::default();
        let running = seat.running.clone();
        taken.connections.insert(number, seat);
        Place(Arc::new(PlaceInner { number, running, places: self.clone() }))
    }

    /// Ends the oldest connection on which no request runs.
    fn make_room(&self) {
        let mut taken = self.taken();
        let idle =
            taken.connections.iter().find(|(_, seat)| seat.task.is_some() && seat.running.load(Ordering::Relaxed) == 0);
        let idle = idle.map(|(number, _)| *number);
        if let Some(task) = idle.and_then(|number| taken.connections.remove(&number)).and_then(|seat| seat.task) {
            task.abort();
        }
    }
}

/// A connection's place; given back when the last part of it is dropped.
#[derive(Clone)]
struct Place(Arc<PlaceInner>);

struct PlaceInner {
    number: u64,
    running: Arc<AtomicUsize>,
    places: Places,
}

impl Place {
    fn hold(&self, task: AbortHandle) {
        if let Some(seat) = self.0.places.taken().connections.get_mut(&self.0.number) {
            seat.task = Some(task);
        }
    }

    /// Counts a request for as long as the guard lives.
    fn running(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::Relaxed);
        Running(self.0.running.clone())
    }
}

impl Drop for PlaceInner {
    fn drop(&mut self) {
        self.places.taken().connections.remove(&self.number);
    }
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Three quarters of the descriptors this process may have, so that some are left for the database and for files.
fn most_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<usize>().ok());
    (soft.unwrap_or(1024) / 4 * 3).clamp(16, 16 * 1024)
}
