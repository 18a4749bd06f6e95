//! Audit entries to syslog, over TCP or UDP, one node at a time.
//!
//! Over TCP a batch counts as delivered when the receiver has closed the connection after ours was closed, or has kept quiet
//! for a while; a connection that breaks before is tried again from the same place, so that entries may come twice and are
//! never left out. UDP promises nothing.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use model::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use wire::syslog::{Line, framed};

use super::outbox::LONGEST_REASON;
use super::stream_state;
use super::streams::{self, SYSLOG};
use crate::audit::log::{Entry, shown};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::outbound::{Clear, Rule};
use crate::store::entity::audit_entry;

/// Entries sent over one connection.
const BATCH: u64 = 500;
/// How long the stream is one node's alone; longer than a batch may take.
const LEASE: i64 = Timestamp::MINUTE;
/// Waiting after a failure.
const WAIT: i64 = 30 * Timestamp::SECOND;
const CONNECTING: Duration = Duration::from_secs(5);
/// The longest time for everything that is sent under one lease.
const SENDING: Duration = Duration::from_secs(40);
/// How long a receiver may take to close the connection.
const CLOSING: Duration = Duration::from_secs(2);
/// The longest line on TCP: what common receivers take by default.
const LONGEST_ON_TCP: usize = 8192;
/// The longest line on UDP: what every receiver should take.
const LONGEST_ON_UDP: usize = 2048;
/// "log audit"
const FACILITY: u8 = 13;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;

/// Where entries go: `tcp://host:port` or `udp://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    tcp: bool,
    host: String,
    port: u16,
}

impl Destination {
    /// The receiver's name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads the setting.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || Error::invalid("syslog", "must be tcp://host:port or udp://host:port");
        let (tcp, rest) = match text.split_once("://") {
            Some(("tcp", rest)) => (true, rest),
            Some(("udp", rest)) => (false, rest),
            _ => return Err(refused()),
        };
        let (host, port) = rest.rsplit_once(':').ok_or_else(refused)?;
        let port: u16 = port.parse().map_err(|_| refused())?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if host.is_empty() || host.len() > 253 || port == 0 || !host.chars().all(fits) {
            return Err(refused());
        }
        Ok(Self { tcp, host: host.to_owned(), port })
    }
}

/// Sends what is new. Gives the number of entries.
pub(crate) async fn run(core: &Core, now: Timestamp) -> Result<u64> {
    let settings = core.settings();
    let Some(address) = &settings.syslog else {
        return Ok(0);
    };
    if streams::behind(core, SYSLOG).await?.is_empty() {
        return Ok(0);
    }
    let until = now.plus(LEASE);
    if !streams::take(core, SYSLOG, now, until).await? {
        return Ok(0);
    }
    let sending = async { send_all(core, &Destination::parse(address)?).await };
    let sent = tokio::time::timeout(SENDING, sending).await;
    match sent.unwrap_or_else(|_| Err(unreachable("took too long"))) {
        Ok(sent) => {
            stream_state::note(core.store.write(), SYSLOG, core.clock.now(), Ok(())).await?;
            streams::release(core, SYSLOG, until, Timestamp(0)).await?;
            Ok(sent)
        }
        Err(e) => {
            tracing::warn!(error = %e, cause = e.cause(), "audit entries could not be sent to syslog; tried again in half a minute");
            let reason = format!("{e} ({})", e.cause().unwrap_or("no further cause"));
            let reason: String = reason.chars().take(LONGEST_REASON).collect();
            stream_state::note(core.store.write(), SYSLOG, core.clock.now(), Err(reason)).await?;
            streams::release(core, SYSLOG, until, now.plus(WAIT)).await?;
            Ok(0)
        }
    }
}

async fn send_all(core: &Core, to: &Destination) -> Result<u64> {
    let addresses = Rule::of(core).judge(&to.host, to.port, Clear::Allowed).await?;
    let host = core.public_url.host_str().unwrap_or_default();
    let mut sent = 0;
    for mut chain in streams::behind(core, SYSLOG).await? {
        loop {
            let rows = streams::entries(core, &chain, BATCH).await?;
            let Some(last) = rows.last().map(|row| row.seq) else { break };
            let lines =
                rows.into_iter().map(|row| line_of(host, row, if to.tcp { LONGEST_ON_TCP } else { LONGEST_ON_UDP }));
            let lines = lines.collect::<Result<Vec<String>>>()?;
            let taken = if to.tcp { over_tcp(&addresses, &lines).await } else { over_udp(&addresses, &lines).await };
            taken.map_err(unreachable)?;
            if !streams::advance(core.store.write(), SYSLOG, &chain, last).await? {
                // The settings turned the stream off, or on anew.
                return Ok(sent);
            }
            sent += lines.len() as u64;
            chain.seq = last;
        }
    }
    Ok(sent)
}

fn unreachable(cause: impl std::fmt::Display) -> Error {
    Error::unavailable("The syslog receiver cannot be reached.").because(cause)
}

/// The line of an entry. Where it would be too long, the details of the change are left out; the JSON stays whole.
fn line_of(host: &str, row: audit_entry::Model, longest: usize) -> Result<String> {
    let (node, seq) = (row.node.clone(), row.seq.to_string());
    let mut entry = shown(row, &HashMap::new());
    let time = jiff::Timestamp::from_millisecond(entry.time.0).map(|time| time.to_string()).unwrap_or_default();
    let (id, action, outcome) = (entry.id.clone(), entry.action.clone(), entry.outcome.clone());
    let parameters = [("id", id.as_str()), ("node", &node), ("seq", &seq), ("outcome", &outcome)];
    let line = |entry: &Entry, limit: usize| {
        let json = serde_json::to_string(entry).map_err(|e| Error::internal(format!("audit entry: {e}")))?;
        let line = Line {
            facility: FACILITY,
            severity: if outcome == "success" { NOTICE } else { WARNING },
            timestamp: &time,
            host,
            app: "vestibule",
            process: &node,
            message_id: &action,
            // The number that is set aside for examples; this program has none of its own.
            element: "audit@32473",
            parameters: &parameters,
            message: &json,
        };
        Ok(line.format(limit))
    };
    let whole = line(&entry, usize::MAX)?;
    if whole.len() <= longest {
        return Ok(whole);
    }
    entry.changes = serde_json::json!({ "omitted": true });
    entry.reason = entry.reason.map(|reason| reason.chars().take(100).collect());
    line(&entry, longest)
}

async fn over_tcp(addresses: &[SocketAddr], lines: &[String]) -> std::io::Result<()> {
    let mut stream = tokio::time::timeout(CONNECTING, TcpStream::connect(addresses)).await??;
    for line in lines {
        stream.write_all(&framed(line)).await?;
    }
    stream.shutdown().await?;
    let mut answer = [0; 256];
    loop {
        match tokio::time::timeout(CLOSING, stream.read(&mut answer)).await {
            // Closed by the other side, or quiet: it has what we sent.
            Ok(Ok(0)) | Err(_) => return Ok(()),
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return Err(e),
        }
    }
}

async fn over_udp(addresses: &[SocketAddr], lines: &[String]) -> std::io::Result<()> {
    let Some(to) = addresses.first() else { return Ok(()) };
    let socket = match to {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await?,
    };
    for line in lines {
        socket.send_to(line.as_bytes(), to).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn only_whole_addresses_are_destinations() {
        for good in ["tcp://logs.example.com:6514", "udp://10.0.0.1:514", "tcp://[::1]:1514"] {
            assert!(Destination::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "logs.example.com",
            "tcp://logs.example.com",
            "http://x:1",
            "tcp://:1",
            "tcp://x:0",
            "tcp://x:99999",
            "tcp://a b:1",
            "udp://x\r\n:1",
        ] {
            assert!(Destination::parse(bad).is_err(), "{bad:?} (WEB-22)");
        }
    }
}
