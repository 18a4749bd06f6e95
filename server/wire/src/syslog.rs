//! One line of syslog as RFC 5424 has it, and its framing on a TCP stream (RFC 6587, octet counting).
//!
//! Whatever comes in, one line goes out: header fields are cut to printable ASCII, and nothing that a reader could take for the
//! end of a line, or that would turn the direction of the text, reaches the message unescaped.

use std::fmt::Write as _;

/// The least that RFC 5424 wants every receiver to take.
pub const LEAST_LIMIT: usize = 480;

/// What a line says. Empty header fields become `-`.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// 0 to 23; 13 is "log audit".
    pub facility: u8,
    /// 0 (emergency) to 7 (debug).
    pub severity: u8,
    /// RFC 3339 with at most six digits of a second, or empty.
    pub timestamp: &'a str,
    /// The host it happened on.
    pub host: &'a str,
    /// The program.
    pub app: &'a str,
    /// The process.
    pub process: &'a str,
    /// The kind of message.
    pub message_id: &'a str,
    /// The name of the one element of structured data; empty: none.
    pub element: &'a str,
    /// Its parameters. Later ones are left out where the line would grow too long.
    pub parameters: &'a [(&'a str, &'a str)],
    /// The text. Where it holds JSON, it holds the same JSON afterwards. Cut at the end where the line would grow too long.
    pub message: &'a str,
}

impl Line<'_> {
    /// The line, at most `limit` bytes long (but not less than [`LEAST_LIMIT`]).
    pub fn format(&self, limit: usize) -> String {
        let limit = limit.max(LEAST_LIMIT);
        let priority = u16::from(self.facility.min(23)) * 8 + u16::from(self.severity.min(7));
        let mut line = format!(
            "<{priority}>1 {} {} {} {} {} ",
            field(self.timestamp, 32),
            // RFC 5424 allows longer names; these leave room for the rest in the shortest line.
            field(self.host, 128),
            field(self.app, 48),
            field(self.process, 64),
            field(self.message_id, 32),
        );
        self.data(&mut line, limit);
        // A space that no message could follow would be one byte too many.
        if !self.message.is_empty() && line.len() + 1 < limit {
            line.push(' ');
            let room = limit.saturating_sub(line.len());
            push_escaped(&mut line, self.message, room);
        }
        line
    }

    fn data(&self, line: &mut String, limit: usize) {
        let element = name(self.element);
        if element.is_empty() {
            line.push('-');
            return;
        }
        line.push('[');
        line.push_str(&element);
        for (key, value) in self.parameters {
            let key = name(key);
            let mut parameter = format!(" {key}=\"");
            push_value(&mut parameter, value);
            parameter.push('"');
            if !key.is_empty() && line.len() + parameter.len() < limit {
                line.push_str(&parameter);
            }
        }
        line.push(']');
    }
}

/// A line with its length in front, for a stream.
pub fn framed(line: &str) -> Vec<u8> {
    format!("{} {line}", line.len()).into_bytes()
}

/// A header field: printable ASCII without spaces, `-` when nothing is left.
fn field(text: &str, most: usize) -> String {
    let kept: String = text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(most).collect();
    if kept.is_empty() { "-".to_owned() } else { kept }
}

/// The name of an element or a parameter: as a header field, and without the characters that end a name.
fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"')).take(32).collect()
}

/// The value of a parameter: quotation mark, backslash and bracket are escaped, control characters become spaces.
fn push_value(out: &mut String, value: &str) {
    for c in value.chars().take(256) {
        match c {
            '"' | '\\' | ']' => out.extend(['\\', c]),
            c if is_unsafe(c) => out.push(' '),
            c => out.push(c),
        }
    }
}

/// The text, with unsafe characters written as JSON writes them; at most `room` bytes, never half a character or escape.
fn push_escaped(out: &mut String, text: &str, room: usize) {
    let end = out.len() + room;
    let mut escaped = String::with_capacity(12);
    for c in text.chars() {
        escaped.clear();
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
        if out.len() + escaped.len() > end {
            return;
        }
        out.push_str(&escaped);
    }
}

/// What could end a line, steer a terminal, or turn the direction of what follows.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Line<'static> = Line {
        facility: 13,
        severity: 6,
        timestamp: "2026-01-01T00:00:00.123Z",
        host: "sso.example.com",
        app: "vestibule",
        process: "n1",
        message_id: "CreateUser",
        element: "audit@32473",
        parameters: &[("seq", "7"), ("outcome", "success")],
        message: "{\"a\":1}",
    };

    #[test]
    fn a_plain_line_reads_as_the_rfc_has_it() {
        assert_eq!(
            PLAIN.format(8192),
            "<110>1 2026-01-01T00:00:00.123Z sso.example.com vestibule n1 CreateUser [audit@32473 seq=\"7\" outcome=\"success\"] {\"a\":1}"
        );
        let bare =
            Line { timestamp: "", host: "", app: "", process: "", message_id: "", element: "", message: "", ..PLAIN };
        assert_eq!(bare.format(8192), "<110>1 - - - - - -");
        assert_eq!(framed("abc"), b"3 abc");
        assert_eq!(framed("\u{fc}"), "2 \u{fc}".as_bytes(), "bytes are counted, not characters");
        assert_eq!(Line { facility: 99, severity: 99, ..bare }.format(8192), "<191>1 - - - - - -");
    }

    #[test]
    fn hostile_values_stay_in_their_field() {
        let hostile = [
            ("a second line", "x\n<110>1 - evil evil - - - forged"),
            ("carriage return and null", "x\r\0<0>1"),
            ("end of the element", "x\"] forged [y z=\"\\"),
            ("line separators of Unicode", "a\u{2028}b\u{2029}c\u{85}d"),
            ("turned direction", "\u{202e}gpj.exe\u{2066}"),
            ("terminal", "\u{1b}[2J\u{9b}31m"),
        ];
        for (what, text) in hostile {
            let line = Line {
                host: text,
                app: text,
                process: text,
                message_id: text,
                parameters: &[("name", text), (text, "v")],
                message: text,
                ..PLAIN
            }
            .format(8192);
            assert!(!line.chars().any(is_unsafe), "{what}: {line:?}");
            let (header, _) = line.split_once(" [audit@").unwrap();
            assert_eq!(header.split(' ').count(), 6, "{what}: {line:?}");
            let (value, message) = parse_value(&line, "name");
            let readable: String = text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
            assert_eq!(value, readable, "{what}");
            assert!(!message.is_empty(), "{what}");
        }
    }

    /// Reads the first parameter as a receiver does; gives it and what follows.
    fn parse_value<'a>(line: &'a str, name: &str) -> (String, &'a str) {
        let start = line.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        let mut value = String::new();
        let mut chars = line[start..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.push(chars.next().unwrap().1),
                '"' => return (value, &line[start + at + 1..]),
                c => value.push(c),
            }
        }
        panic!("the value does not end: {line}")
    }

    #[test]
    fn escaping_leaves_json_the_same_json() {
        let value = serde_json::json!({ "name": "a\u{2028}\u{202e}\u{7f}\u{85}\u{1b}\n\"\\\u{1f600}" });
        let line = Line { message: &value.to_string(), ..PLAIN }.format(8192);
        let (_, message) = line.split_once("] ").unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(message).unwrap(), value);
    }

    #[test]
    fn a_line_that_its_parameters_fill_to_the_last_byte_stays_within_the_limit() {
        let value = "x".repeat(200);
        let parameters = [("a", value.as_str()), ("b", value.as_str()), ("c", "y")];
        let full = (LEAST_LIMIT..2 * LEAST_LIMIT)
            .filter(|limit| Line { parameters: &parameters, ..PLAIN }.format(*limit).len() == *limit)
            .count();
        assert!(full > 0, "the limit is reached");
        for limit in LEAST_LIMIT..2 * LEAST_LIMIT {
            assert!(Line { parameters: &parameters, ..PLAIN }.format(limit).len() <= limit, "{limit}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_line_or_the_limit(a in any::<String>(), b in any::<String>(), limit in 0_usize..4000) {
            let long = b.repeat(50);
            let line = Line { host: &a, app: &b, process: &a, message_id: &b, timestamp: &a, element: &a,
                parameters: &[(&a, &b), (&b, &long)], message: &long, ..PLAIN }.format(limit);
            prop_assert!(line.len() <= limit.max(LEAST_LIMIT));
            prop_assert!(!line.chars().any(is_unsafe));
            prop_assert_eq!(line.split(' ').nth(1).is_some(), true);
        }
    }
}
