//! How long a session lasts, as AWS writes it: `PT1H`, `PT1H30M`, `PT12H`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::Invalid;

/// A length of time in whole seconds, written as an ISO 8601 duration of days, hours, minutes and seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionLength(u32);

impl SessionLength {
    /// One hour.
    pub const HOUR: SessionLength = SessionLength(3600);
    /// The longest session of a permission set.
    pub const LONGEST_OF_A_SET: SessionLength = SessionLength(12 * 3600);

    /// So many seconds.
    pub fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// In seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// Reads any ISO 8601 duration without years, months and weeks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new("must be a duration such as PT1H, PT1H30M or P30D");
        let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty() && text.len() <= 100).ok_or_else(refused)?;
        let (mut seconds, mut digits, mut in_time, mut last) = (0_u32, String::new(), false, 0);
        for c in rest.chars() {
            match c {
                '0'..='9' => digits.push(c),
                'T' if !in_time && digits.is_empty() => in_time = true,
                _ => {
                    // Each unit once, and in order.
                    let (rank, unit) = match (c, in_time) {
                        ('D', false) => (1, 86_400),
                        ('H', true) => (2, 3_600),
                        ('M', true) => (3, 60),
                        ('S', true) => (4, 1),
                        _ => return Err(refused()),
                    };
                    if rank <= last {
                        return Err(refused());
                    }
                    last = rank;
                    let count: u32 = digits.parse().map_err(|_| refused())?;
                    digits.clear();
                    seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(refused)?;
                }
            }
        }
        if !digits.is_empty() || last == 0 || rest.ends_with('T') {
            return Err(refused());
        }
        Ok(Self(seconds))
    }

    /// Reads the session duration of a permission set: one to twelve hours.
    pub fn parse_of_set(text: &str) -> Result<Self, Invalid> {
        let length = Self::parse(text)?;
        if (Self::HOUR..=Self::LONGEST_OF_A_SET).contains(&length) {
            Ok(length)
        } else {
            Err(Invalid::new("must be between PT1H and PT12H"))
        }
    }
}

impl fmt::Display for SessionLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours, minutes, seconds) = (self.0 / 86_400, self.0 / 3600 % 24, self.0 / 60 % 60, self.0 % 60);
        // AWS writes twelve hours as PT12H and never days below one day.
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if hours + minutes + seconds > 0 || days == 0 {
            f.write_str("T")?;
        }
        if hours > 0 {
            write!(f, "{hours}H")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}M")?;
        }
        if seconds > 0 || self.0 == 0 {
            write!(f, "{seconds}S")?;
        }
        Ok(())
    }
}

impl Serialize for SessionLength {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionLength {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::SessionLength;

    #[test]
    fn durations_come_back_as_they_went() {
        for text in ["PT1H", "PT1H30M", "PT12H", "P7D", "P1DT1H", "PT45S", "PT0S"] {
            assert_eq!(SessionLength::parse(text).map(|length| length.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(SessionLength::parse("PT90M").map(SessionLength::seconds), Ok(5400));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for bad in [
            "",
            "P",
            "PT",
            "1H",
            "PT1",
            "PT1H1H",
            "PT1M1H",
            "P1H",
            "PT-1H",
            "PT1.5H",
            "P1Y",
            "PT99999999999H",
            "pt1h",
            "P1DT",
        ] {
            assert!(SessionLength::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["PT59M", "PT12H1S", "P1D"] {
            assert!(SessionLength::parse_of_set(bad).is_err(), "{bad:?}");
        }
        assert!(SessionLength::parse_of_set("PT12H").is_ok() && SessionLength::parse_of_set("PT1H").is_ok());
    }
}
