//! What is let in: known hosts, known methods, requests of our own pages, bodies of a bearable size and speed.

use std::net::IpAddr;
use std::time::Duration;

use app::actions::table::most_bytes;
use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use domain::{Clock, Entropy};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use ipnet::IpNet;
use url::Url;

use super::facts::{Facts, lines};
use crate::config::is_loopback;

/// The longest address: no page of ours needs more, and a signed request of another program fits.
const LONGEST_ADDRESS: usize = 16 * 1024;

/// How long a client may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Addresses that probes ask under any name; they say nothing that depends on it.
const ANY_HOST: &[&str] = &["/healthz", "/readyz"];

/// Unsafe requests that need not come from our own pages, because they carry a proof of their own. None yet.
const FROM_ELSEWHERE: &[&str] = &[];

/// Decides what is let in.
#[derive(Debug)]
pub struct Guard {
    any_host: bool,
    public_url: Url,
    origin: String,
    loopback: bool,
    trusted: Vec<IpNet>,
    body_time: Duration,
    pub(super) clock: Clock,
    pub(super) entropy: Entropy,
}

/// Why a request was not let in.
#[derive(Debug)]
pub struct Refused {
    /// The answer's status.
    pub status: StatusCode,
    /// For the log.
    pub why: &'static str,
    /// What is left on the connection cannot be relied on.
    pub close: bool,
}

impl Refused {
    fn new(status: StatusCode, why: &'static str) -> Self {
        Self { status, why, close: false }
    }

    fn closing(status: StatusCode, why: &'static str) -> Self {
        Self { status, why, close: true }
    }
}

impl Guard {
    /// A guard for the address people use.
    pub fn new(public_url: Url, trusted: Vec<IpNet>, clock: Clock, entropy: Entropy) -> Self {
        let (origin, loopback) = (public_url.origin().ascii_serialization(), is_loopback(&public_url));
        Self { any_host: false, origin, loopback, public_url, trusted, body_time: BODY_TIME, clock, entropy }
    }

    /// A guard for the operators' listener, which is asked by address and changes nothing.
    pub fn for_operators(public_url: Url, clock: Clock, entropy: Entropy) -> Self {
        Self { any_host: true, ..Self::new(public_url, Vec::new(), clock, entropy) }
    }

    /// Gives bodies another time.
    #[cfg(test)]
    pub fn with_body_time(self, body_time: Duration) -> Self {
        Self { body_time, ..self }
    }

    /// Whether people reach us over https.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Whether an address is a proxy of ours.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = wire::forwarded::plain(address);
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// Lets a request in, with its body read, or refuses it.
    pub async fn admit(&self, request: Request<Body>, facts: &Facts) -> Result<Request<Body>, Refused> {
        if request.uri().path_and_query().is_some_and(|address| address.as_str().len() > LONGEST_ADDRESS) {
            return Err(Refused::closing(StatusCode::URI_TOO_LONG, "address too long"));
        }
        let path = request.uri().path();
        if !self.any_host && !ANY_HOST.contains(&path) {
            self.known_host(&request, facts)?;
        }
        let safe = match *request.method() {
            Method::GET | Method::HEAD | Method::OPTIONS => true,
            Method::POST | Method::PUT | Method::PATCH | Method::DELETE => false,
            _ => return Err(Refused::closing(StatusCode::METHOD_NOT_ALLOWED, "unknown method")),
        };
        // Nobody in front of us can have read the end of such a body differently if we do not read it at all.
        if request.headers().contains_key(header::TRANSFER_ENCODING) {
            return Err(Refused::closing(StatusCode::LENGTH_REQUIRED, "a body in chunks"));
        }
        if safe {
            let (parts, _) = request.into_parts();
            return Ok(Request::from_parts(parts, Body::empty()));
        }
        if !FROM_ELSEWHERE.contains(&path) {
            self.own_page(&request, facts)?;
        }
        read(request, self.body_time).await
    }

    /// The host must be the public one. A trusted proxy may name the one that it was asked for.
    fn known_host<B>(&self, request: &Request<B>, facts: &Facts) -> Result<(), Refused> {
        let refused = || Refused::new(StatusCode::MISDIRECTED_REQUEST, "unknown host");
        let host = Self::host(request, facts).ok_or_else(refused)?;
        if self.is_ours(&host) { Ok(()) } else { Err(refused()) }
    }

    fn host<B>(request: &Request<B>, facts: &Facts) -> Option<Authority> {
        if facts.proxied
            && let Some(host) = lines(request.headers(), "x-forwarded-host").next()
        {
            return host.split(',').next_back()?.trim().parse().ok();
        }
        let mut named = lines(request.headers(), header::HOST.as_str());
        // HTTP/2 names the host in the request itself; both must not be there and differ.
        let authority = match (request.uri().authority(), named.next(), named.next()) {
            (None, Some(host), None) => host.parse().ok()?,
            (Some(authority), None, _) => authority.clone(),
            (Some(authority), Some(host), None) if authority.as_str().eq_ignore_ascii_case(host) => authority.clone(),
            _ => return None,
        };
        Some(authority).filter(|authority| !authority.as_str().contains('@'))
    }

    fn is_ours(&self, host: &Authority) -> bool {
        let name = host.host().trim_end_matches('.');
        if self.loopback {
            // Whatever port leads here: a loopback name cannot lead anywhere else.
            return format!("http://{name}").parse::<Url>().is_ok_and(|url| is_loopback(&url));
        }
        let port = host.port_u16().or_else(|| if self.is_https() { Some(443) } else { Some(80) });
        self.public_url.host_str().is_some_and(|ours| ours.eq_ignore_ascii_case(name))
            && port == self.public_url.port_or_known_default()
    }

    /// An unsafe request must come from a page of ours: the browser says so, or its origin does.
    fn own_page<B>(&self, request: &Request<B>, facts: &Facts) -> Result<(), Refused> {
        let headers = request.headers();
        let refused = || Refused::new(StatusCode::FORBIDDEN, "not from a page of this site");
        match only(headers, "sec-fetch-site") {
            Only::One("same-origin") => Ok(()),
            Only::None => match only(headers, header::ORIGIN.as_str()) {
                Only::One(origin) if origin == self.origin || self.is_loopback_origin(origin, request, facts) => Ok(()),
                _ => Err(refused()),
            },
            _ => Err(refused()),
        }
    }

    /// Under a loopback name the origin is whatever name the browser was given, as long as it is the one asked.
    fn is_loopback_origin<B>(&self, origin: &str, request: &Request<B>, facts: &Facts) -> bool {
        self.loopback
            && Self::host(request, facts)
                .is_some_and(|host| self.is_ours(&host) && origin == format!("{}://{host}", self.public_url.scheme()))
    }
}

enum Only<'h> {
    None,
    One(&'h str),
    Many,
}

/// The value of a header that must not be there twice.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Only<'h> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (None, _) => Only::None,
        (Some(Ok(value)), None) => Only::One(value),
        _ => Only::Many,
    }
}

/// Reads the whole body, within its limits.
async fn read(request: Request<Body>, time: Duration) -> Result<Request<Body>, Refused> {
    let too_large = || Refused::closing(StatusCode::PAYLOAD_TOO_LARGE, "body too large");
    let most = most_bytes(request.uri().path());
    let declared = match only(request.headers(), header::CONTENT_LENGTH.as_str()) {
        Only::None => 0,
        Only::One(length) => {
            length.parse::<u64>().map_err(|_| Refused::closing(StatusCode::BAD_REQUEST, "length unreadable"))?
        }
        Only::Many => return Err(Refused::closing(StatusCode::BAD_REQUEST, "two lengths")),
    };
    if declared > most as u64 {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let read = Limited::new(body, most).collect();
    match tokio::time::timeout(time, read).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(parts, Body::from(bytes.to_bytes()))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refused::closing(StatusCode::BAD_REQUEST, "body broken off")),
        Err(_) => Err(Refused::closing(StatusCode::REQUEST_TIMEOUT, "body too slow")),
    }
}
