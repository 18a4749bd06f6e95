//! What proxies say about the request they pass on: `X-Forwarded-For` and `Forwarded` (RFC 7239).
//!
//! Both are lists to which each proxy adds the address it saw, at the end. Only entries added by proxies of ours mean anything, so
//! the lists are read from the end for as long as the address that made the entry is trusted.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address a request comes from.
///
/// `peer` is the other end of the connection. Where both headers are there they must agree: a proxy writes one of them, and the
/// other may have come through from a stranger.
pub fn client<'h>(
    peer: IpAddr,
    forwarded_for: impl Iterator<Item = &'h str>,
    forwarded: impl Iterator<Item = &'h str>,
    trusted: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let peer = plain(peer);
    let listed: Vec<Option<IpAddr>> = forwarded_for.flat_map(|line| line.split(',')).map(address).collect();
    let elements: Vec<Option<IpAddr>> = forwarded.flat_map(|line| line.split(',')).map(element).collect();
    match (listed.is_empty(), elements.is_empty()) {
        (true, true) => peer,
        (false, true) => walk(peer, &listed, trusted),
        (true, false) => walk(peer, &elements, trusted),
        (false, false) => {
            let (one, other) = (walk(peer, &listed, &trusted), walk(peer, &elements, &trusted));
            if one == other { one } else { peer }
        }
    }
}

/// From the last entry towards the first, until somebody is not trusted or an entry cannot be read.
fn walk(peer: IpAddr, entries: &[Option<IpAddr>], trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut current = peer;
    for entry in entries.iter().rev() {
        if !trusted(current) {
            break;
        }
        match entry {
            Some(address) => current = *address,
            None => break,
        }
    }
    current
}

/// An IPv4 address that travels inside IPv6 is that IPv4 address.
pub fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let read = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| bare?.parse::<Ipv6Addr>().ok().map(IpAddr::V6));
    read.map(plain)
}

/// The `for` of one element of `Forwarded`.
fn element(text: &str) -> Option<IpAddr> {
    let value = text.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    })?;
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    address(quoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, forwarded_for: &[&str], forwarded: &[&str]) -> String {
        let trusted = |address: IpAddr| address.is_loopback() || address.to_string().starts_with("10.");
        client(peer.parse().unwrap(), forwarded_for.iter().copied(), forwarded.iter().copied(), trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(from("192.0.2.9", &["198.51.100.1"], &["for=198.51.100.1"]), "192.0.2.9");
        // The proxy added what it saw; what came before it is the stranger's invention.
        assert_eq!(from("10.0.0.1", &["127.0.0.1, 198.51.100.1, 192.0.2.9"], &[]), "192.0.2.9");
        assert_eq!(from("10.0.0.1", &["192.0.2.9"], &["for=198.51.100.1"]), "10.0.0.1", "the headers disagree");
    }

    #[test]
    fn chains_of_trusted_proxies_lead_to_the_client() {
        assert_eq!(from("::ffff:10.0.0.1", &["192.0.2.9, 10.0.0.2"], &[]), "192.0.2.9");
        assert_eq!(from("10.0.0.1", &["192.0.2.9", "10.0.0.2"], &[]), "192.0.2.9", "two lines are one list");
        assert_eq!(from("10.0.0.1", &[], &["for=192.0.2.9;proto=https, For=\"[2001:db8::1]:4711\""]), "2001:db8::1");
        assert_eq!(
            from("127.0.0.1", &["192.0.2.9:4711"], &["for=\"192.0.2.9:80\""]),
            "192.0.2.9",
            "ports do not matter"
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk() {
        for bad in
            ["", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "[::1", "a,b", &"1".repeat(100), "::1]", "\"1.2.3.4\""]
        {
            assert_eq!(from("10.0.0.1", &[bad], &[]), "10.0.0.1", "{bad}");
            assert_eq!(from("10.0.0.1", &[], &[&format!("for={bad}x")]), "10.0.0.1", "{bad}");
        }
    }
}
