//! The values that conditions compare with, each by its kind.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::json::is_number;
use super::policy::ValueKind;

/// Why a value is none of its kind; nothing where it is one.
pub(super) fn fault(kind: ValueKind, text: &str) -> Option<&'static str> {
    match kind {
        ValueKind::Text => None,
        ValueKind::Number if is_number(text.strip_prefix('+').unwrap_or(text)) => None,
        ValueKind::Number => Some("must be a number"),
        ValueKind::Bool if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") => None,
        ValueKind::Bool => Some("must be true or false"),
        ValueKind::Date if is_date(text) => None,
        ValueKind::Date => Some("must be a date such as 2026-03-01 or 2026-03-01T08:00:00Z, or seconds since 1970"),
        ValueKind::Binary if is_base64(text) => None,
        ValueKind::Binary => Some("must be Base64"),
        ValueKind::Address => address_fault(text),
        ValueKind::Arn => arn_fault(text),
    }
}

/// `2026-03-01`, `2026-03-01T08:00:00Z`, `2026-03-01T08:00:00.5+01:00`, `2026`, `2026-03`, or seconds since 1970.
fn is_date(text: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if text.len() > 4 && digits(text.strip_prefix('-').unwrap_or(text), text.trim_start_matches('-').len()) {
        return text.len() <= 14;
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = parts.next().filter(|part| digits(part, 4)).and_then(|part| part.parse::<u32>().ok());
    let month = parts.next().map(|part| digits(part, 2).then(|| part.parse::<u32>().unwrap_or(0)));
    let day = parts.next().map(|part| digits(part, 2).then(|| part.parse::<u32>().unwrap_or(0)));
    let whole = parts.next().is_none()
        && match (year, month, day) {
            (Some(_), None | Some(Some(1..=12)), None) => time.is_none(),
            (Some(year), Some(Some(month)), Some(Some(day))) => (1..=days_in(year, month)).contains(&day),
            _ => false,
        };
    whole && time.is_none_or(is_time)
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

/// `08:00Z`, `08:00:00Z`, `08:00:00.123+01:00`.
fn is_time(text: &str) -> bool {
    let two = |text: Option<&str>, most: u32| {
        text.is_some_and(|text| {
            text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u32>().is_ok_and(|n| n <= most)
        })
    };
    let (clock, zone) = match text.strip_suffix('Z') {
        Some(clock) => (clock, None),
        None => match text.rfind(['+', '-']).and_then(|at| text.split_at_checked(at)) {
            Some((clock, zone)) => (clock, zone.get(1..)),
            None => return false,
        },
    };
    let zone_fits = zone.is_none_or(|zone| {
        let mut parts = zone.split(':');
        two(parts.next(), 23) && two(parts.next(), 59) && parts.next().is_none()
    });
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) = (parts.next(), parts.next(), parts.next());
    zone_fits
        && two(hours, 23)
        && two(minutes, 59)
        && parts.next().is_none()
        && seconds.map_or(fraction.is_none(), |seconds| two(Some(seconds), 60))
        && fraction.is_none_or(|f| (1..=9).contains(&f.len()) && f.bytes().all(|b| b.is_ascii_digit()))
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

fn address_fault(text: &str) -> Option<&'static str> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Some("must be an address or a range such as 192.0.2.0/24 or 2001:db8::/32");
    };
    let most: u32 = if address.is_ipv4() { 32 } else { 128 };
    let plain = |length: &&str| !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    match length {
        None => None,
        Some(length) => match Some(length).filter(plain).and_then(|length| length.parse::<u32>().ok()) {
            Some(length) if length <= most => None,
            _ if most == 32 => Some("must have a prefix length of 0 to 32"),
            _ => Some("must have a prefix length of 0 to 128"),
        },
    }
}

/// Whether a range names an address that is not its first: `192.0.2.1/24`.
pub(super) fn has_host_bits(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    match (address.parse::<IpAddr>(), length.parse::<u32>()) {
        (Ok(IpAddr::V4(address)), Ok(length @ 0..=32)) => {
            address != Ipv4Addr::from(address.to_bits() & u32::MAX.checked_shl(32 - length).unwrap_or(0))
        }
        (Ok(IpAddr::V6(address)), Ok(length @ 0..=128)) => {
            address != Ipv6Addr::from(address.to_bits() & u128::MAX.checked_shl(128 - length).unwrap_or(0))
        }
        _ => false,
    }
}

/// An ARN with wildcards, as a condition compares it.
fn arn_fault(text: &str) -> Option<&'static str> {
    if text == "*" {
        return None;
    }
    (!text.starts_with("arn:") || text.split(':').count() < 6)
        .then_some("must be an ARN of six parts such as arn:aws:sns:*:111122223333:topic")
}

/// Kinds of the keys that every request may have, for those that are often compared wrongly.
pub(super) fn kind_of_key(key: &str) -> Option<ValueKind> {
    const KEYS: [(&str, ValueKind); 19] = [
        ("aws:SourceIp", ValueKind::Address),
        ("aws:VpcSourceIp", ValueKind::Address),
        ("aws:CurrentTime", ValueKind::Date),
        ("aws:EpochTime", ValueKind::Date),
        ("aws:TokenIssueTime", ValueKind::Date),
        ("aws:MultiFactorAuthPresent", ValueKind::Bool),
        ("aws:SecureTransport", ValueKind::Bool),
        ("aws:ViaAWSService", ValueKind::Bool),
        ("aws:PrincipalIsAWSService", ValueKind::Bool),
        ("aws:MultiFactorAuthAge", ValueKind::Number),
        ("aws:PrincipalArn", ValueKind::Arn),
        ("aws:SourceArn", ValueKind::Arn),
        ("aws:PrincipalAccount", ValueKind::Text),
        ("aws:PrincipalOrgID", ValueKind::Text),
        ("aws:SourceAccount", ValueKind::Text),
        ("aws:RequestedRegion", ValueKind::Text),
        ("aws:username", ValueKind::Text),
        ("aws:userid", ValueKind::Text),
        ("aws:SourceVpce", ValueKind::Text),
    ];
    KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, kind)| *kind)
}
