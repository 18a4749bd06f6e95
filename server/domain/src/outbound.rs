//! Where this program may connect to when somebody else names the address: webhooks, syslog, later metadata and keys.
//!
//! A name is looked up once, every address it has is judged, and the connection goes to exactly the addresses that were
//! judged (a second look-up could answer something else). Private addresses are refused unless `outbound.allow` holds them;
//! loopback also needs a public address that is loopback itself, so that a server on a network never reaches its own machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use url::{Host, Url};

use crate::core::Core;
use crate::error::{Error, Result};

/// The longest wait for an answer of the name service.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Reads an address that is to be fetched from: https, or http (which [`Rule::judge`] lets through to loopback only).
pub fn parse(text: &str) -> Result<Url> {
    let refused = |why: &str| Error::invalid("url", why);
    if text.len() > 2048 {
        return Err(refused("must be at most 2,048 characters"));
    }
    let mut url = Url::parse(text.trim()).map_err(|_| refused("must be an https address"))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(refused("must be an https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("must not hold a user name or password"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// An address as logs may show it: without path and query, which may hold a token of their own.
pub fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) if matches!(url.path(), "" | "/") && url.query().is_none() => url.origin().ascii_serialization(),
        Ok(url) => format!("{}/\u{2026}", url.origin().ascii_serialization()),
        Err(_) => "\u{2026}".to_owned(),
    }
}

/// Whether a connection in the clear may leave the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// It may: the protocol knows nothing else.
    Allowed,
    /// Only to loopback; anything else is over TLS.
    LoopbackOnly,
    /// The connection is over TLS.
    Never,
}

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    allow: &'a [IpNet],
    public_url_is_loopback: bool,
}

impl<'a> Rule<'a> {
    /// The rule of this installation.
    pub(crate) fn of(core: &'a Core) -> Self {
        Self::new(&core.outbound_allow, &core.public_url)
    }

    /// A rule from the configuration.
    pub fn new(allow: &'a [IpNet], public_url: &Url) -> Self {
        let public_url_is_loopback = match public_url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        Self { allow, public_url_is_loopback }
    }

    /// Whether one address may be connected to.
    pub fn admits(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let allowed = self.allow.iter().any(|net| net.contains(&address));
        if address.is_loopback() { allowed && self.public_url_is_loopback } else { allowed || is_public(address) }
    }

    /// Refuses what can be refused without a look-up: an address that may not be connected to. For settings when they are saved.
    pub fn refuse_literal(self, field: &'static str, host: &str) -> Result<()> {
        let name = host.trim_end_matches('.');
        let address = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address,
            Err(_) if name.eq_ignore_ascii_case("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Err(_) => return Ok(()),
        };
        if self.admits(address) { Ok(()) } else { Err(private(field, host)) }
    }

    /// Looks up a host and gives the addresses that may be connected to.
    pub async fn judge(self, host: &str, port: u16, clear: Clear) -> Result<Vec<SocketAddr>> {
        let unknown = || Error::unavailable(format!("The name {host} cannot be looked up."));
        let found: Vec<SocketAddr> = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, port)))
                .await
                .map_err(|e| unknown().because(e))?
                .map_err(|e| unknown().because(e))?
                .collect(),
        };
        let admitted: Vec<SocketAddr> = found.iter().copied().filter(|found| self.admits(found.ip())).collect();
        if admitted.is_empty() {
            return Err(private("url", host).because(format!("{host} is {found:?}")));
        }
        if clear == Clear::LoopbackOnly && !admitted.iter().all(|address| address.ip().to_canonical().is_loopback()) {
            return Err(Error::invalid("url", "must begin with https"));
        }
        Ok(admitted)
    }

    /// [`Rule::judge`] for an address of the web.
    pub async fn judge_url(self, url: &Url) -> Result<Vec<SocketAddr>> {
        let host = url.host_str().ok_or_else(|| Error::invalid("url", "must be an https address"))?;
        let port = url.port_or_known_default().ok_or_else(|| Error::invalid("url", "must name a port"))?;
        let clear = if url.scheme() == "https" { Clear::Never } else { Clear::LoopbackOnly };
        self.judge(host, port, clear).await
    }
}

fn private(field: &'static str, host: &str) -> Error {
    Error::invalid(field, format!("leads to a private address. Add it to outbound.allow if {host} is meant"))
}

/// Whether an address is one of the public internet. What embeds an IPv4 address is judged by that.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        // "this network", private, loopback; multicast, reserved, broadcast
        0 | 10 | 127 | 224.. => true,
        // carrier-grade translation
        100 => (64..128).contains(&b),
        // link-local, with the metadata services of clouds
        169 => b == 254,
        172 => (16..32).contains(&b),
        // protocol assignments, documentation, 6to4 relays, private
        192 => matches!((b, c), (0, 0 | 2) | (88, 99)) || b == 168,
        // measurements, documentation
        198 => matches!(b, 18 | 19) || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [first, second, third, .., high, low] = segments;
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (first, second) {
        // translated to IPv4
        (0x64, 0xff9b) => segments.get(2..6) == Some(&[0; 4]) && v4(high, low),
        // 6to4
        (0x2002, _) => v4(second, third),
        // Teredo, benchmarking, ORCHID, and the rest of the protocol assignments; documentation, twice
        (0x2001, 0x0000..0x0200 | 0x0db8) | (0x3fff, 0x0000..0x1000) => false,
        // everything that is given out for the internet
        (0x2000..0x4000, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<'a>(allow: &'a [IpNet], public_url: &str) -> Rule<'a> {
        Rule::new(allow, &Url::parse(public_url).unwrap())
    }

    #[test]
    fn only_public_addresses_are_public() {
        let private = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ];
        for text in private {
            assert!(!is_public(text.parse().unwrap()), "{text} (WEB-22)");
        }
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn the_list_opens_private_addresses_and_loopback_only_on_a_loopback_server() {
        let allow: Vec<IpNet> =
            vec!["10.1.0.0/16".parse().unwrap(), "127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let (local, public) = (rule(&allow, "http://localhost:8080"), rule(&allow, "https://sso.example.com"));
        for (text, here, there) in [
            ("10.1.2.3", true, true),
            ("::ffff:10.1.2.3", true, true),
            ("10.2.0.1", false, false),
            ("127.0.0.1", true, false),
            ("::ffff:127.0.0.1", true, false),
            ("::1", true, false),
            ("169.254.169.254", false, false),
            ("1.1.1.1", true, true),
        ] {
            let address = text.parse().unwrap();
            assert_eq!((local.admits(address), public.admits(address)), (here, there), "{text}");
        }
        assert!(!rule(&[], "http://127.0.0.1:1").admits("127.0.0.1".parse().unwrap()), "not without the list");
    }

    #[tokio::test]
    async fn a_host_is_judged_by_what_it_is_looked_up_to() {
        let allow: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap()];
        let (none, some) = (rule(&[], "http://localhost"), rule(&allow, "http://localhost"));
        assert!(none.judge("localhost", 80, Clear::Never).await.is_err());
        assert!(
            some.judge("localhost", 80, Clear::LoopbackOnly)
                .await
                .unwrap()
                .iter()
                .all(|address| address.ip() == Ipv4Addr::LOCALHOST)
        );
        for text in [
            "http://0x7f.1/",
            "http://2130706433/",
            "http://127.1/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::]/",
            "https://localhost./",
        ] {
            assert!(none.judge_url(&parse(text).unwrap()).await.is_err(), "{text} (WEB-22)");
        }
        let error = none.judge_url(&parse("http://1.1.1.1/").unwrap()).await.unwrap_err();
        assert!(error.outside().contains("https"), "{error}");
        assert_eq!(
            none.judge_url(&parse("https://1.1.1.1/").unwrap()).await.unwrap(),
            ["1.1.1.1:443".parse().unwrap()]
        );
    }

    #[test]
    fn other_addresses_are_refused() {
        for text in [
            "",
            "x",
            "ftp://a/",
            "file:///etc/passwd",
            "https://",
            "https://u:p@a/",
            "https://u@a/",
            "gopher://a",
            "javascript:1",
            "unix:/x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("https://a/x#y").unwrap().as_str(), "https://a/x");
    }
}
