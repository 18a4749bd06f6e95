//! Where a person goes after a step: a path of this origin and nothing else.

use std::fmt;

use crate::names::Invalid;

/// A path with optional query on this origin. `//host`, `/\host`, other schemes and control characters do not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// Checks a target that came from outside.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let refused = || Invalid::new("must be a path of this site");
        if !text.starts_with('/') || text.len() > 2048 {
            return Err(refused());
        }
        // Browsers read `\` as `/` and drop tabs and line breaks; anything that is not printable ASCII must be encoded.
        if text.starts_with("//")
            || !text.bytes().all(|b| (0x21..=0x7e).contains(&b) && !matches!(b, b'\\' | b'"' | b'<' | b'>'))
        {
            return Err(refused());
        }
        let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        // Encoded separators and dots could become another path after a proxy has decoded them.
        if ["%2f", "%5c", "%00", "%0a", "%0d", "%09", "%2e"].iter().any(|code| path.contains(code))
            || path.split('/').any(|part| part == "..")
        {
            return Err(refused());
        }
        Ok(Self(text.to_owned()))
    }

    /// A path of ours, written in the source.
    pub fn ours(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The path as it goes into a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::LocalPath;

    #[test]
    fn only_paths_of_this_origin_parse() {
        for bad in [
            "",
            "start",
            "//evil",
            "/\\evil",
            "https:evil",
            "https://evil",
            "javascript:alert(1)",
            "/%0d%0aSet-Cookie:x",
            "/a\r\nb",
            "/\tb",
            "/%2f/evil",
            "/..//evil",
            "/%5cevil",
            "/a b",
            "/ü",
            "/a/../..//evil",
            "/\u{0}",
        ] {
            assert!(LocalPath::parse(bad).is_err(), "{bad:?} (PW-34)");
        }
        for good in
            ["/", "/start", "/start?a=b%2Fc&d=//x", "/admin/users/1#history", "/start/device?user_code=ABCD-EFGH"]
        {
            assert!(LocalPath::parse(good).is_ok(), "{good}");
        }
    }
}
