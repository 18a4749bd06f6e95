//! Syslog messages as RFC 5424 has them, and their framing on a stream (RFC 6587, octet counting).

use std::fmt::Write as _;

/// The facility of audit messages ("log audit").
pub const AUDIT: u8 = 13;

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was refused or failed.
    Warning,
    /// Something was done.
    Notice,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// How grave.
    pub severity: Severity,
    /// RFC 3339 in UTC, with at most six digits of a second.
    pub timestamp: &'a str,
    /// The machine.
    pub host: &'a str,
    /// The program.
    pub program: &'a str,
    /// Which kind of message.
    pub kind: &'a str,
    /// The words, in UTF-8.
    pub text: &'a str,
}

impl Message<'_> {
    /// The message without framing: what goes into one datagram. One line, whatever the parts hold.
    pub fn line(&self) -> String {
        let severity = match self.severity {
            Severity::Warning => 4,
            Severity::Notice => 5,
        };
        let mut line = format!("<{}>1 ", AUDIT * 8 + severity);
        for (part, most) in [(self.timestamp, 32), (self.host, 255), (self.program, 48), ("", 128), (self.kind, 32)] {
            push_header(&mut line, part, most);
            line.push(' ');
        }
        // No structured data; then the mark that says UTF-8.
        line.push_str("- \u{feff}");
        for c in self.text.chars() {
            // A control character could end the message early or draw on a terminal.
            if c.is_control() {
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            } else {
                line.push(c);
            }
        }
        line
    }

    /// The message as it goes through a stream: its length, a space, itself.
    pub fn framed(&self) -> Vec<u8> {
        let line = self.line();
        format!("{} {line}", line.len()).into_bytes()
    }
}

/// A part of the header: printable ASCII without spaces, cut to its longest, `-` where nothing is left.
fn push_header(line: &mut String, part: &str, most: usize) {
    let before = line.len();
    line.extend(part.chars().filter(char::is_ascii_graphic).take(most));
    if line.len() == before {
        line.push('-');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message<'a>(kind: &'a str, text: &'a str) -> Message<'a> {
        Message {
            severity: Severity::Notice,
            timestamp: "2026-01-01T00:00:00.000Z",
            host: "portal.example.com",
            program: "vestibule",
            kind,
            text,
        }
    }

    #[test]
    fn a_message_is_as_the_standard_has_it() {
        assert_eq!(
            message("CreateUser", "{\"a\":1}").line(),
            "<109>1 2026-01-01T00:00:00.000Z portal.example.com vestibule - CreateUser - \u{feff}{\"a\":1}"
        );
        let refused = Message { severity: Severity::Warning, ..message("", "ü") };
        assert_eq!(refused.line(), "<108>1 2026-01-01T00:00:00.000Z portal.example.com vestibule - - - \u{feff}ü");
        let framed = refused.framed();
        assert!(
            framed.starts_with(format!("{} <108>", refused.line().len()).as_bytes()),
            "octets are counted, not characters"
        );
    }

    proptest! {
        #[test]
        fn no_part_breaks_out_of_its_place(kind in "\\PC*|[\\x00-\\x20]*", text in any::<String>()) {
            let line = message(&kind, &text).line();
            prop_assert!(!line.chars().any(char::is_control), "one line (AUTHZ-21)");
            prop_assert_eq!(line.split(' ').nth(5).map(|part| part.len() <= 32 && part.is_ascii()), Some(true));
            prop_assert_eq!(line.split(' ').nth(6), Some("-"));
        }
    }
}
