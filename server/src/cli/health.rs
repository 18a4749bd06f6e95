//! `vestibule healthcheck`: asks the running server.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Failure;
use super::output::Output;
use crate::config::Config;
use crate::serve::Running;

pub const HELP: &str = "\
Examples:
  vestibule healthcheck && echo ready
  HEALTHCHECK CMD [\"vestibule\", \"healthcheck\"]     in a container

The exit status is 1 where the server does not answer or is not ready.";

const PATIENCE: Duration = Duration::from_secs(5);

/// Ready or not.
pub async fn check(config: &Config, out: Output) -> Result<(), Failure> {
    let running = Running::read(&config.data_dir);
    let ops = running.as_ref().map_or(config.ops_listen, |running| running.ops);
    let main = running.as_ref().map_or(config.listen, |running| running.listen);
    // Where the portal speaks TLS, the operators' listener is asked: it answers the same and needs no certificate.
    let address = match (&config.tls, ops) {
        (None, _) => main,
        (Some(_), Some(ops)) => ops,
        (Some(_), None) => {
            return Err("with TLS on and ops.listen off there is nothing to ask: set ops.listen".to_owned());
        }
    };
    let answer = tokio::time::timeout(PATIENCE, ask(reachable(address))).await;
    let text = match answer {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(format!("the server does not answer on {address}: {error}")),
        Err(_) => return Err(format!("the server does not answer on {address} within {} s", PATIENCE.as_secs())),
    };
    if text.starts_with("HTTP/1.1 200") {
        out.one(&json!({ "status": "ready" }), "ready");
        return Ok(());
    }
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    let reason = serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|body| Some(body.get("reason")?.as_str()?.to_owned()));
    Err(format!("not ready: {}", reason.unwrap_or_else(|| text.lines().next().unwrap_or_default().to_owned())))
}

/// "Every address" is none to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, address.port()))
        }
        _ => address,
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
