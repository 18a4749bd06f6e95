//! Where connections of ours may go when the address comes from a setting: to public addresses, and to private ones that the
//! operator has allowed (`outbound.allow`).
//!
//! The name is resolved once, here; the connection is then made to what was looked at, so that a name cannot become another
//! address in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

/// The longest wait for a name server.
const RESOLVING: Duration = Duration::from_secs(5);

/// Resolves a name or address and keeps what may be connected to. The error says why nothing is left.
pub(crate) async fn resolve(host: &str, port: u16, allow: &[IpNet]) -> std::result::Result<Vec<SocketAddr>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = match bare.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => match tokio::time::timeout(RESOLVING, tokio::net::lookup_host((bare, port))).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(e)) => return Err(format!("{host} has no address: {e}")),
            Err(_) => return Err(format!("no answer about the address of {host}")),
        },
    };
    let permitted: Vec<SocketAddr> = found.iter().copied().filter(|address| may_reach(address.ip(), allow)).collect();
    if permitted.is_empty() {
        return Err(format!("{host} is a private address; outbound.allow does not name it"));
    }
    Ok(permitted)
}

/// Whether an address may be connected to.
pub(crate) fn may_reach(address: IpAddr, allow: &[IpNet]) -> bool {
    let address = address.to_canonical();
    allow.iter().any(|net| net.contains(&address)) || is_public(address)
}

/// Whether an address was allowed by name, which also permits to speak to it without TLS.
pub(crate) fn is_allowed(address: IpAddr, allow: &[IpNet]) -> bool {
    let address = address.to_canonical();
    allow.iter().any(|net| net.contains(&address))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Shared by carriers; protocol assignments; benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., high, low] = address.segments();
    // Addresses that carry an IPv4 address lead where that one leads.
    if (first, second) == (0x64, 0xff9b) {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Only the part that is handed out, without tunnels (Teredo and 6to4) and documentation.
    (first & 0xe000) == 0x2000
        && (first, second) != (0x2001, 0)
        && (first, second) != (0x2001, 0xdb8)
        && first != 0x2002
        && (first & 0xfff0) != 0x3ff0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_reached_only_where_they_are_allowed() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
        ];
        for text in private {
            let address: IpAddr = text.parse().unwrap();
            assert!(!may_reach(address, &[]), "{text} (WEB-22)");
        }
        for text in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"] {
            assert!(may_reach(text.parse().unwrap(), &[]), "{text}");
        }
        let allow: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        assert!(may_reach("10.1.2.3".parse().unwrap(), &allow));
        assert!(may_reach("::ffff:10.1.2.3".parse().unwrap(), &allow));
        assert!(!may_reach("192.168.1.1".parse().unwrap(), &allow));
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        assert!(resolve("localhost", 80, &[]).await.unwrap_err().contains("private"), "(WEB-22)");
        let found =
            resolve("localhost", 80, &["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]).await.unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        assert!(resolve("[::1]", 80, &[]).await.is_err());
    }
}
