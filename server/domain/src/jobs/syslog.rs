//! Audit entries to syslog, over TCP or UDP, one node at a time.
//!
//! Over TCP a batch counts as delivered when the receiver has closed the connection after ours was closed, or has kept quiet
//! for a while; a connection that breaks before is tried again from the same place, so that entries may come twice and are
//! never left out. UDP promises nothing.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use model::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use wire::syslog::{Message, Severity};

use super::streams::{self, SYSLOG};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::outbound;

/// Entries sent over one connection.
const BATCH: u64 = 500;
/// How long the stream is one node's alone; longer than a batch may take.
const LEASE: i64 = Timestamp::MINUTE;
/// Waiting after a failure.
const WAIT: i64 = 30 * Timestamp::SECOND;
const CONNECTING: Duration = Duration::from_secs(5);
const SENDING: Duration = Duration::from_secs(20);
/// How long a receiver may take to close the connection.
const CLOSING: Duration = Duration::from_secs(2);

/// Where entries go: `tcp://host:port` or `udp://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    tcp: bool,
    host: String,
    port: u16,
}

impl Destination {
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
    match send_all(core, &Destination::parse(address)?).await {
        Ok(sent) => {
            streams::release(core, SYSLOG, until, Timestamp(0)).await?;
            Ok(sent)
        }
        Err(e) => {
            tracing::warn!(error = %e, cause = e.cause(), "audit entries could not be sent to syslog; tried again in half a minute");
            streams::release(core, SYSLOG, until, now.plus(WAIT)).await?;
            Ok(0)
        }
    }
}

/// One batch of each chain: the next second brings the next.
async fn send_all(core: &Core, to: &Destination) -> Result<u64> {
    let addresses = outbound::resolve(&to.host, to.port, &core.outbound_allow).await.map_err(unreachable)?;
    let host = core.public_url.host_str().unwrap_or_default();
    let mut sent = 0;
    for chain in streams::behind(core, SYSLOG).await? {
        let rows = streams::entries(core, &chain, BATCH).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { continue };
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let timestamp = streams::rfc3339(Timestamp(row.time));
            let severity = if row.outcome == "success" { Severity::Notice } else { Severity::Warning };
            let kind = row.action.clone();
            let text = streams::json_line(row)?;
            let message =
                Message { severity, timestamp: &timestamp, host, program: "vestibule", kind: &kind, text: &text };
            messages.push(if to.tcp { message.framed() } else { message.line().into_bytes() });
        }
        let sending = async {
            if to.tcp { over_tcp(&addresses, &messages).await } else { over_udp(&addresses, &messages).await }
        };
        match tokio::time::timeout(SENDING, sending).await {
            Ok(outcome) => outcome.map_err(|e| unreachable(e.to_string()))?,
            Err(_) => return Err(unreachable("took too long".to_owned())),
        }
        streams::advance(core.store.write(), SYSLOG, &chain, last).await?;
        sent += u64::try_from(messages.len()).unwrap_or(u64::MAX);
    }
    Ok(sent)
}

fn unreachable(cause: String) -> Error {
    Error::unavailable("The syslog receiver cannot be reached.").because(cause)
}

async fn over_tcp(addresses: &[SocketAddr], messages: &[Vec<u8>]) -> std::io::Result<()> {
    let mut stream = tokio::time::timeout(CONNECTING, TcpStream::connect(addresses)).await??;
    stream.write_all(&messages.concat()).await?;
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

async fn over_udp(addresses: &[SocketAddr], messages: &[Vec<u8>]) -> std::io::Result<()> {
    let Some(to) = addresses.first() else { return Ok(()) };
    let socket = match to {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await?,
    };
    for message in messages {
        socket.send_to(message, to).await?;
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
