//! The message catalogue: every text that people read, by key.
//!
//! `words/en.txt` holds one text a line as `key = text`; `{name}` in a text is a place for a value. A second language is a
//! second file. Code says [`t!`](crate::t); a test in `app` reads the sources and proves that every key used exists, that
//! every key that exists is used, and that the places match.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

const ENGLISH: &str = include_str!("../words/en.txt");

static CATALOGUE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| entries(ENGLISH).collect());

/// The lines of a catalogue that hold a text.
pub fn entries(catalogue: &str) -> impl Iterator<Item = (&str, &str)> {
    catalogue.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (key, text) = line.split_once(" = ")?;
        Some((key.trim(), text.trim()))
    })
}

/// The English catalogue as it stands in the file, for tests.
pub fn english() -> &'static str {
    ENGLISH
}

/// A text without places. A key that does not exist shows as itself, so that the fault is visible and harmless.
pub fn text(key: &'static str) -> &'static str {
    CATALOGUE.get(key).copied().unwrap_or(key)
}

/// A text whose key is only known while running, such as the label of an audit event.
pub fn look_up(key: &str) -> Option<&'static str> {
    CATALOGUE.get(key).copied()
}

/// A text with its places filled.
pub fn fill(key: &'static str, values: &[(&str, &dyn Display)]) -> String {
    fill_text(text(key), values)
}

/// `key.one` or `key.other`, whichever the count asks for, with `{n}` filled by the count.
pub fn count(key: &str, n: u64) -> String {
    let form = format!("{key}.{}", if n == 1 { "one" } else { "other" });
    let Some(text) = look_up(&form) else { return form };
    fill_text(text, &[("n", &grouped(n))])
}

/// A number with its thousands set apart by a thin space, as `12 345`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn fill_text(text: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => out.push_str(&value.to_string()),
            None => out.push_str(name),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A text of the catalogue: `t!("sign-in.title")`, or with values `t!("notice.user-created", name = user.name)`.
#[macro_export]
macro_rules! t {
    ($key:literal) => {
        $crate::words::text($key)
    };
    ($key:literal, $($name:ident = $value:expr),+ $(,)?) => {
        $crate::words::fill($key, &[$((stringify!($name), &$value as &dyn ::std::fmt::Display)),+])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_into_their_places_and_are_never_read_as_places() {
        assert_eq!(fill_text("{a} and {b}", &[("a", &"{b}"), ("b", &2)]), "{b} and 2");
        assert_eq!(fill_text("open { stays", &[]), "open { stays");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn no_key_stands_twice_in_the_catalogue() {
        let mut seen = std::collections::HashSet::new();
        for (key, text) in entries(ENGLISH) {
            assert!(seen.insert(key), "{key} stands twice");
            assert!(!text.is_empty(), "{key} is empty");
        }
    }
}
