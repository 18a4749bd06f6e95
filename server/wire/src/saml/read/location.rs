//! Addresses that people's browsers are sent to with a message in hand. What stands here is compared letter by letter with what
//! requests ask for, so it is checked and never tidied up.

use std::net::{IpAddr, Ipv6Addr};

/// The most bytes of an address.
const LONGEST: usize = 2_048;

/// Why an address is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    #[error("is longer than {LONGEST} bytes")]
    Long,
    #[error("holds a character that addresses do not have; international names are written in punycode")]
    Character,
    #[error("does not begin with https:// (http:// is allowed to this machine only, as for development)")]
    Scheme,
    #[error("has a name or password before the host")]
    UserInfo,
    #[error("has a fragment ('#')")]
    Fragment,
    #[error("has no host that can be read, or no port that can")]
    Host,
}

/// Whether messages may be sent to an address.
pub fn check_location(text: &str) -> Result<(), LocationError> {
    if text.len() > LONGEST {
        return Err(LocationError::Long);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&byte)) {
        return Err(LocationError::Character);
    }
    let (secure, behind) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(behind), _) => (true, behind),
        (None, Some(behind)) => (false, behind),
        (None, None) => return Err(LocationError::Scheme),
    };
    if behind.contains('#') {
        return Err(LocationError::Fragment);
    }
    let authority = behind.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(LocationError::UserInfo);
    }
    let local = host_is_local(authority).ok_or(LocationError::Host)?;
    if secure || local { Ok(()) } else { Err(LocationError::Scheme) }
}

/// Whether the host is this machine; nothing where it is no host.
fn host_is_local(authority: &str) -> Option<bool> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        check_port(port)?;
        return Some(address.parse::<Ipv6Addr>().ok()?.is_loopback());
    }
    let host = authority.split(':').next().unwrap_or_default();
    check_port(authority.strip_prefix(host).unwrap_or_default())?;
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !plain || host.is_empty() || host.starts_with(['.', '-']) {
        return None;
    }
    Some(host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

/// Nothing, or a colon and a number.
fn check_port(text: &str) -> Option<()> {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty().then_some(()) };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && digits.parse::<u16>().is_ok_and(|port| port > 0)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_be_trusted_with_a_message_are_taken_sidp_04() {
        for good in [
            "https://sp.example/saml/acs",
            "https://sp.example:8443/acs?tenant=1&x=%2F",
            "https://sp.example",
            "https://192.0.2.1/acs",
            "https://[2001:db8::1]/acs",
            "http://localhost:18100/acs",
            "http://127.0.0.1/acs",
            "http://127.8.8.8:1/acs",
            "http://[::1]:3000/acs",
            "https://my_app.internal/acs",
        ] {
            assert_eq!(check_location(good), Ok(()), "{good}");
        }
        let long = format!("https://sp.example/{}", "a".repeat(LONGEST));
        for (bad, why) in [
            ("javascript:alert(1)", LocationError::Scheme),
            ("data:text/html,x", LocationError::Scheme),
            ("http://sp.example/acs", LocationError::Scheme),
            ("http://127.0.0.1.evil.example/acs", LocationError::Scheme),
            ("http://localhost.evil.example/acs", LocationError::Scheme),
            ("http://[2001:db8::1]/acs", LocationError::Scheme),
            ("//sp.example/acs", LocationError::Scheme),
            ("/acs", LocationError::Scheme),
            ("", LocationError::Scheme),
            ("HTTPS://sp.example/acs", LocationError::Scheme),
            ("file:///etc/passwd", LocationError::Scheme),
            ("https://sp.example/\"><script>", LocationError::Character),
            ("https://sp.example/a b", LocationError::Character),
            ("https://sp.example/a\nb", LocationError::Character),
            ("https://sp.example\\@evil.example/", LocationError::Character),
            ("https://\u{e9}.example/", LocationError::Character),
            ("https://user@sp.example/", LocationError::UserInfo),
            ("https://sp.example:443@evil.example/", LocationError::UserInfo),
            ("http://localhost@evil.example/", LocationError::UserInfo),
            ("https://sp.example/acs#x", LocationError::Fragment),
            ("https:///acs", LocationError::Host),
            ("https://:443/acs", LocationError::Host),
            ("https://sp.example:/acs", LocationError::Host),
            ("https://sp.example:0/acs", LocationError::Host),
            ("https://sp.example:65536/acs", LocationError::Host),
            ("https://sp.example:1:2/acs", LocationError::Host),
            ("https://sp%2eexample/acs", LocationError::Host),
            ("https://[::1/acs", LocationError::Host),
            (&long, LocationError::Long),
        ] {
            assert_eq!(check_location(bad), Err(why), "{bad}");
        }
    }
}
