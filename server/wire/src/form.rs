//! Forms as browsers send them (`application/x-www-form-urlencoded`), read strictly: nothing is guessed, nothing is repaired.

use std::fmt;

/// The most fields a form may have.
pub const MOST_FIELDS: usize = 100;

/// Why a body is no form of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// More than [`MOST_FIELDS`].
    TooManyFields,
    /// A `%` without two hexadecimal digits.
    Escape,
    /// Bytes that are no UTF-8, or a NUL.
    Text,
    /// One name twice.
    Duplicate,
    /// A field without a name.
    Nameless,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyFields => "too many fields",
            Self::Escape => "a percent sign without two hexadecimal digits",
            Self::Text => "not UTF-8",
            Self::Duplicate => "a field is given twice",
            Self::Nameless => "a field has no name",
        })
    }
}

impl std::error::Error for Malformed {}

/// Names and values, in the order they were sent. Each name once.
pub fn parse(body: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let mut fields: Vec<(String, String)> = Vec::new();
    if body.is_empty() {
        return Ok(fields);
    }
    for pair in body.split(|byte| *byte == b'&') {
        if fields.len() == MOST_FIELDS {
            return Err(Malformed::TooManyFields);
        }
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decode(halves.next().unwrap_or_default())?;
        let value = decode(halves.next().unwrap_or_default())?;
        if name.is_empty() {
            return Err(Malformed::Nameless);
        }
        if fields.iter().any(|(known, _)| *known == name) {
            return Err(Malformed::Duplicate);
        }
        fields.push((name, value));
    }
    Ok(fields)
}

/// A name or a value as it is meant.
pub(crate) fn decode(raw: &[u8]) -> Result<String, Malformed> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                    return Err(Malformed::Escape);
                };
                high << 4 | low
            }
            // Control characters are never sent bare. Letters and spaces are, by programs that are no browsers.
            0x00..=0x1f | 0x7f => return Err(Malformed::Text),
            _ => *byte,
        });
    }
    match String::from_utf8(out) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Malformed::Text),
    }
}

fn digit(byte: Option<&u8>) -> Option<u8> {
    char::from(*byte?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_browsers_are_read() {
        let pairs =
            |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        assert_eq!(parse(b""), Ok(vec![]));
        assert_eq!(parse(b"a=1&b=&c"), Ok(pairs(&[("a", "1"), ("b", ""), ("c", "")])));
        assert_eq!(parse(b"user+name=%C3%BC%26+x=y"), Ok(pairs(&[("user name", "\u{fc}& x=y")])));
        assert_eq!(
            parse("k=\u{fc} x".as_bytes()),
            Ok(pairs(&[("k", "\u{fc} x")])),
            "unescaped, as some programs send it"
        );
        assert_eq!(parse(b"next=/start?a=b"), Ok(pairs(&[("next", "/start?a=b")])));
    }

    #[test]
    fn hostile_forms_are_refused() {
        let many = vec!["a=1"; 100_000].join("&");
        let numbered = (0..=MOST_FIELDS).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        let cases: &[(&[u8], Malformed)] = &[
            (b"a=1&a=2", Malformed::Duplicate),
            (b"a=1&%61=2", Malformed::Duplicate),
            (many.as_bytes(), Malformed::Duplicate),
            (numbered.as_bytes(), Malformed::TooManyFields),
            (b"a=%", Malformed::Escape),
            (b"a=%4", Malformed::Escape),
            (b"a=%zz", Malformed::Escape),
            (b"a=%+1", Malformed::Escape),
            (b"a=%ff", Malformed::Text),
            (b"a=%c3", Malformed::Text),
            (b"a=\xc3", Malformed::Text),
            (b"a=%00", Malformed::Text),
            (b"a=1\r\nb=2", Malformed::Text),
            (b"a=1&", Malformed::Nameless),
            (b"=1", Malformed::Nameless),
            (b"&", Malformed::Nameless),
        ];
        for (body, expected) in cases {
            assert_eq!(
                parse(body),
                Err(*expected),
                "{} (WEB-14)",
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&body);
        }

        #[test]
        fn every_text_survives(name in "[^\0]{1,20}", value in "[^\0]{0,40}") {
            let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
            let body = format!("{}={}", escape(&name), escape(&value));
            prop_assert_eq!(parse(body.as_bytes()), Ok(vec![(name, value)]));
        }
    }
}
