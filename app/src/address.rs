//! The address of the page being read: its path and what the query says. Lists keep their state here and nowhere else.

use std::fmt::Write as _;

/// A path with its query, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    path: String,
    query: Vec<(String, String)>,
}

impl Address {
    /// Reads a path and a raw query. What is repeated counts once, the first time.
    pub fn new(path: &str, query: &str) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()).take(32) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(key), decode(value));
            if !value.is_empty() && !pairs.iter().any(|(known, _)| *known == key) {
                pairs.push((key, value));
            }
        }
        Self { path: path.to_owned(), query: pairs }
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value of a key, trimmed; empty counts as absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The address as text.
    pub fn text(&self) -> String {
        self.with(&[])
    }

    /// The same address with some keys changed; an empty value removes the key.
    pub fn with(&self, changes: &[(&str, &str)]) -> String {
        let kept = self.query.iter().filter(|(key, _)| !changes.iter().any(|(changed, _)| changed == key));
        let kept = kept.map(|(key, value)| (key.as_str(), value.as_str()));
        let pairs: Vec<String> = kept
            .chain(changes.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect();
        if pairs.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, pairs.join("&")) }
    }
}

/// Percent-encodes everything but the unreserved characters.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Decodes a part of a query: `+` is a space, bytes that are no UTF-8 become the replacement character.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let hex = bytes
            .get(index + 1..index + 3)
            .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                index += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(*byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let address = Address::new("/admin/users", "search=a%26b+c&sort=name&search=second&empty=");
        assert_eq!(address.get("search"), Some("a&b c"));
        assert_eq!(address.get("empty"), None);
        assert_eq!(address.with(&[("sort", "-name")]), "/admin/users?search=a%26b%20c&sort=-name");
        assert_eq!(address.with(&[("search", ""), ("sort", "")]), "/admin/users");
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode("%C3%BC%ff"), "ü\u{fffd}");
    }
}
