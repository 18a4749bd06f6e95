//! Moments and durations as people read them: relative, with the exact moment in the reader's zone on hover.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use leptos::prelude::*;
use model::t;
use model::words::count;

/// A stored moment as a moment that can be shown; one out of range shows as the beginning of time.
pub fn moment(stored: model::Timestamp) -> Timestamp {
    Timestamp::from_millisecond(stored.0).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The names of all zones, for suggestions: places only, without the old abbreviations.
pub fn zones() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.as_str().to_owned())
        .filter(|name| name.contains('/') && !name.starts_with("Etc/"))
        .collect();
    names.sort_unstable();
    names.insert(0, "UTC".to_owned());
    names
}

/// The reader's idea of time: the moment of the request and their zone.
#[derive(Clone, Debug)]
pub struct Clock {
    now: Timestamp,
    zone: TimeZone,
}

impl Clock {
    /// The clock of one request.
    pub fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// The reader's zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// "3 minutes ago" or "in 2 days", as a `<time>` element that says the exact moment as well.
    pub fn view(&self, stored: model::Timestamp) -> AnyView {
        let moment = moment(stored);
        let exact = self.exact(moment);
        view! { <time datetime=moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() title=exact>{self.relative(moment)}</time> }.into_any()
    }

    /// The exact moment as text, in a `<time>` element.
    pub fn view_exact(&self, stored: model::Timestamp) -> AnyView {
        let moment = moment(stored);
        let relative = self.relative(moment);
        view! { <time datetime=moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() title=relative>{self.exact(moment)}</time> }.into_any()
    }

    /// The exact moment in the reader's zone, with the zone's abbreviation.
    pub fn exact(&self, moment: Timestamp) -> String {
        moment.to_zoned(self.zone.clone()).strftime("%-d %b %Y, %H:%M:%S %Z").to_string()
    }

    /// The distance from now, in the largest unit that is not zero.
    pub fn relative(&self, moment: Timestamp) -> String {
        let distance = moment.duration_since(self.now);
        let ahead = distance.is_positive();
        let distance = distance.abs();
        if distance < SignedDuration::from_secs(45) {
            return if ahead { t!("time.any-moment") } else { t!("time.just-now") }.to_owned();
        }
        if distance > SignedDuration::from_hours(24 * 60) {
            return moment.to_zoned(self.zone.clone()).strftime("%-d %b %Y").to_string();
        }
        let length = largest_unit(distance);
        if ahead { t!("time.in", length = length) } else { t!("time.ago", length = length) }
    }
}

/// A duration in its largest unit, rounded: "4 hours".
pub fn largest_unit(duration: SignedDuration) -> String {
    let seconds = duration.abs().as_secs().unsigned_abs();
    match seconds {
        0..60 => count("time.seconds", seconds),
        60..3_570 => count("time.minutes", (seconds + 30) / 60),
        3_570..84_600 => count("time.hours", (seconds + 1_800) / 3_600),
        _ => count("time.days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::new("2026-03-10T12:00:00Z".parse().unwrap(), TimeZone::UTC)
    }

    #[test]
    fn distances_are_rounded_to_the_largest_unit() {
        let says = |moment: &str| clock().relative(moment.parse().unwrap());
        assert_eq!(says("2026-03-10T11:59:50Z"), "just now");
        assert_eq!(says("2026-03-10T11:59:00Z"), "1 minute ago");
        assert_eq!(says("2026-03-10T11:00:05Z"), "1 hour ago");
        assert_eq!(says("2026-03-10T20:00:00Z"), "in 8 hours");
        assert_eq!(says("2026-03-17T12:00:00Z"), "in 7 days");
        assert_eq!(says("2025-01-02T12:00:00Z"), "2 Jan 2025");
    }

    #[test]
    fn the_exact_moment_names_its_zone() {
        assert_eq!(clock().exact("2026-03-10T11:59:50Z".parse().unwrap()), "10 Mar 2026, 11:59:50 UTC");
    }
}
