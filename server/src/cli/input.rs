//! What commands read: secrets on standard input, and times.

use std::io::Read as _;

use domain::Secret;
use jiff::SpanRelativeTo;
use model::Timestamp;

use super::Failure;

/// A secret on standard input, without the line's end.
pub fn secret(what: &str) -> Result<Secret, Failure> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin().take(4096).read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(format!("there is no {what} on standard input")) } else { Ok(Secret::new(secret)) }
}

/// A moment, or the beginning of a day.
pub fn moment(text: &str) -> Option<Timestamp> {
    let at = |time: jiff::Timestamp| Timestamp(time.as_millisecond());
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().map(at).or_else(|| day().map(|start| at(start.timestamp())))
}

/// A length of time such as `P1D`, in milliseconds; its sign does not count.
pub fn span(text: &str) -> Option<i64> {
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Some(i64::try_from(length.as_millis()).unwrap_or(i64::MAX).saturating_abs())
}
