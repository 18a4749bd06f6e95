//! What is known of a request before anything looks at it: its id, where it comes from, when, and the nonce of its answer.

use std::net::IpAddr;

use axum::http::{HeaderMap, Request, header};
use domain::Error;
use model::Timestamp;

use super::guard::Guard;

/// The header that carries the request's id, in from trusted proxies and always out.
pub const REQUEST_ID: &str = "x-request-id";

/// The facts; in the extensions of every request.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Shown on error pages, in logs and in the audit.
    pub id: String,
    /// The client's address, after trusted proxies.
    pub source: IpAddr,
    /// The moment, read once.
    pub now: Timestamp,
    /// The nonce in this answer's content security policy.
    pub nonce: String,
    /// The browser's name for itself, cut to 400 characters.
    pub user_agent: Option<String>,
    /// It came through a trusted proxy.
    pub proxied: bool,
}

impl Guard {
    /// Reads the facts. Fails only where the operating system has no chance to give.
    pub fn facts<B>(&self, request: &Request<B>, peer: IpAddr) -> Result<Facts, Error> {
        let headers = request.headers();
        let trusted = self.trusts(peer);
        let source = if trusted {
            wire::forwarded::client(peer, lines(headers, "x-forwarded-for"), lines(headers, "forwarded"), |address| {
                self.trusts(address)
            })
        } else {
            wire::forwarded::plain(peer)
        };
        let given = trusted.then(|| lines(headers, REQUEST_ID).next()).flatten().filter(|id| is_request_id(id));
        let id = match given {
            Some(id) => id.to_owned(),
            None => self.random_text()?,
        };
        let user_agent = headers.get(header::USER_AGENT).map(|agent| readable(agent.as_bytes()));
        Ok(Facts { id, source, now: self.clock.now(), nonce: self.random_text()?, user_agent, proxied: trusted })
    }

    /// 128 random bits in 22 characters.
    fn random_text(&self) -> Result<String, Error> {
        Ok(domain::Secret::random_128(&self.entropy)?.expose().to_owned())
    }
}

/// The lines of a header that are text.
pub fn lines<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok())
}

/// An id that cannot break a log line or a header, and is worth keeping.
fn is_request_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:=/+".contains(&b))
}

/// At most 400 characters, none of which could break a line.
fn readable(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().filter(|c| !c.is_control()).take(400).collect()
}
