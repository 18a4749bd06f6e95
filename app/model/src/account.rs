//! Accounts: their numbers, names and places in the organisation, and rules that match several of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::Invalid;

/// An account number: twelve digits, zeros in front included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccountId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match <[u8; 12]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            _ => Err(Invalid::new("must be twelve digits")),
        }
    }
}

impl Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where an account stands in the organisation: `/` or `/workloads/prod`; no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AccountPath(String);

impl AccountPath {
    /// The root of the organisation.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Checks a path that came from outside.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text == "/" {
            return Ok(Self::root());
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(Invalid::new("must begin with /"));
        };
        if text.chars().count() > 512 {
            return Err(Invalid::new("must have at most 512 characters"));
        }
        for segment in rest.split('/') {
            check_segment(segment)?;
        }
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts from the top; none for the root.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }
}

fn check_segment(segment: &str) -> Result<(), Invalid> {
    if segment.is_empty() {
        return Err(Invalid::new("must not contain empty parts"));
    }
    if segment.chars().count() > 128 {
        return Err(Invalid::new("must not contain parts of more than 128 characters"));
    }
    if segment.trim() != segment || matches!(segment, "." | "..") {
        return Err(Invalid::new("must not contain parts that begin or end with a space, or . or .."));
    }
    if segment.chars().any(|c| !(c.is_alphanumeric() || " ._+=,@-".contains(c))) {
        return Err(Invalid::new("may contain letters, digits, spaces and . _ + = , @ - between slashes"));
    }
    Ok(())
}

impl fmt::Display for AccountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AccountPath {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// A rule for accounts by their path: `/workloads/prod` (there and nowhere else), `/workloads/*` (one step below), or
/// `/workloads/**` (there and anywhere below). Accounts that come later match it too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PathRule(String);

impl PathRule {
    /// Checks a rule that came from outside.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let stem = match text {
            "/**" | "/*" => "/",
            _ => text.strip_suffix("/**").or_else(|| text.strip_suffix("/*")).unwrap_or(text),
        };
        if stem.contains('*') {
            return Err(Invalid::new("may contain * or ** only as its last part"));
        }
        AccountPath::parse(stem)?;
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an account at this path is meant.
    pub fn matches(&self, path: &AccountPath) -> bool {
        let path = path.as_str();
        if let Some(stem) = self.0.strip_suffix("/**") {
            return path == stem
                || stem.is_empty()
                || path.strip_prefix(stem).is_some_and(|rest| rest.starts_with('/'));
        }
        if let Some(stem) = self.0.strip_suffix("/*") {
            let below = path.strip_prefix(stem).and_then(|rest| rest.strip_prefix('/'));
            return below.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'));
        }
        path == self.0
    }

    /// Whether every path that the other rule can match is matched by this one.
    pub fn covers(&self, other: &PathRule) -> bool {
        let Some(stem) = self.0.strip_suffix("/**") else {
            return self == other
                || (self.0.ends_with("/*") && AccountPath::parse(&other.0).is_ok_and(|path| self.matches(&path)));
        };
        let theirs = other.0.strip_suffix("/**").or_else(|| other.0.strip_suffix("/*")).unwrap_or(&other.0);
        stem.is_empty() || theirs == stem || theirs.strip_prefix(stem).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PathRule {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// What a grant is for: one account, or every account that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountTarget {
    /// This one.
    Account(AccountId),
    /// Those that match, also later.
    Rule(PathRule),
}

impl AccountTarget {
    /// Reads twelve digits or a rule; the two never look alike.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.starts_with('/') {
            return PathRule::parse(text).map(Self::Rule);
        }
        text.parse()
            .map(Self::Account)
            .map_err(|_| Invalid::new("must be twelve digits or a path such as /workloads/**"))
    }

    /// Whether an account is meant.
    pub fn matches(&self, id: AccountId, path: &AccountPath) -> bool {
        match self {
            Self::Account(one) => *one == id,
            Self::Rule(rule) => rule.matches(path),
        }
    }
}

impl fmt::Display for AccountTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Rule(rule) => rule.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_is_twelve_digits() {
        assert_eq!("000000000012".parse::<AccountId>().map(|id| id.to_string()).as_deref(), Ok("000000000012"));
        for bad in ["", "12", "1111222233334", "11112222333x", "１１１１２２２２３３３３", " 11112222333"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_have_one_spelling() {
        for good in ["/", "/workloads", "/workloads/prod", "/Größe 1/a_b"] {
            assert!(AccountPath::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "workloads", "//", "/a/", "/a//b", "/a/../b", "/ a", "/a\n", "/<b>", "/a*"] {
            assert!(AccountPath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_rule_matches_where_it_says() {
        let rule = |text| PathRule::parse(text).unwrap();
        let path = |text| AccountPath::parse(text).unwrap();
        for (text, hits, misses) in [
            ("/w/**", &["/w", "/w/a", "/w/a/b"][..], &["/", "/wx", "/x/w"][..]),
            ("/w/*", &["/w/a"], &["/w", "/w/a/b", "/wx/a"]),
            ("/w", &["/w"], &["/w/a", "/"]),
            ("/**", &["/", "/w", "/w/a"], &[]),
            ("/*", &["/w"], &["/", "/w/a"]),
            ("/", &["/"], &["/w"]),
        ] {
            for hit in hits {
                assert!(rule(text).matches(&path(hit)), "{text} {hit}");
            }
            for miss in misses {
                assert!(!rule(text).matches(&path(miss)), "{text} {miss}");
            }
        }
        for bad in ["", "w/**", "/**/w", "/w*", "/w/**/", "/w/***", "*"] {
            assert!(PathRule::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_rule_covers_what_cannot_leave_it() {
        let covers = |a, b| PathRule::parse(a).unwrap().covers(&PathRule::parse(b).unwrap());
        for (a, b) in
            [("/**", "/w/*"), ("/w/**", "/w"), ("/w/**", "/w/**"), ("/w/**", "/w/a/*"), ("/w/*", "/w/a"), ("/w", "/w")]
        {
            assert!(covers(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("/w/**", "/**"),
            ("/w/**", "/wx"),
            ("/w/*", "/w/**"),
            ("/w/*", "/w/a/*"),
            ("/w", "/w/**"),
            ("/w/**", "/*"),
        ] {
            assert!(!covers(a, b), "{a} {b}");
        }
    }
}
