//! JSON as events, with lines and columns. Several documents may follow one another.

use std::borrow::Cow;

use super::events::{Broken, Event, Source, Step};

/// The deepest nesting; what stands deeper is no organisation.
const DEEPEST: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    List,
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Document,
    Value,
    /// The first of a list or map, or its end.
    First,
    /// The key after a comma.
    Key,
    /// A comma or the end.
    Next,
}

pub(super) struct JsonSource<'a> {
    text: &'a str,
    place: usize,
    line: u32,
    column: u32,
    open: Vec<Inside>,
    expect: Expect,
}

impl<'a> JsonSource<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, place: 0, line: 1, column: 1, open: Vec::new(), expect: Expect::Document }
    }

    /// Whether a text is JSON from its first sign to its last.
    pub(super) fn fits(text: &str) -> bool {
        let mut source = JsonSource::of(text);
        loop {
            match source.step() {
                Ok((Event::End, _, _)) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place).copied()
    }

    /// Goes on over so many bytes on one line, which hold so many characters.
    fn advance(&mut self, bytes: usize, characters: usize) {
        self.place += bytes;
        self.column = self.column.saturating_add(u32::try_from(characters).unwrap_or(u32::MAX));
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.place += 1;
                    self.line = self.line.saturating_add(1);
                    self.column = 1;
                }
                b' ' | b'\t' | b'\r' => self.advance(1, 1),
                _ => return,
            }
        }
    }

    fn broken<T>(&self, problem: &str) -> Result<T, Broken> {
        Err(Broken { line: self.line, column: self.column, problem: format!("cannot be read as JSON: {problem}") })
    }

    fn closed(&mut self) {
        self.expect = if self.open.is_empty() { Expect::Document } else { Expect::Next };
    }

    fn value(&mut self) -> Result<Event<'a>, Broken> {
        match self.peek() {
            Some(open @ (b'{' | b'[')) => {
                if self.open.len() >= DEEPEST {
                    return self.broken("it is nested too deeply");
                }
                self.advance(1, 1);
                self.expect = Expect::First;
                let (inside, event) =
                    if open == b'{' { (Inside::Map, Event::Map) } else { (Inside::List, Event::List) };
                self.open.push(inside);
                Ok(event)
            }
            Some(b'"') => {
                let text = self.string()?;
                self.closed();
                Ok(Event::Scalar { text, quoted: true })
            }
            Some(_) => {
                let rest = self.text.get(self.place..).unwrap_or_default();
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
                    .unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or_default();
                let good = matches!(word, "true" | "false" | "null")
                    || (word.starts_with(|c: char| c == '-' || c.is_ascii_digit())
                        && serde_json::from_str::<serde_json::Number>(word).is_ok());
                if !good {
                    return self.broken("a value is expected here");
                }
                self.advance(word.len(), word.len());
                self.closed();
                Ok(Event::Scalar { text: Cow::Borrowed(word), quoted: false })
            }
            None => self.broken("it ends too early"),
        }
    }

    /// A string; the text itself where it holds no escapes.
    fn string(&mut self) -> Result<Cow<'a, str>, Broken> {
        let rest = self.text.get(self.place..).unwrap_or_default();
        let mut escaped = false;
        let mut end = None;
        for (at, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    end = Some(at);
                    break;
                }
                0..=0x1f => return self.broken("a text holds a control character or a line break"),
                _ => {}
            }
        }
        let Some(end) = end else { return self.broken("a text does not end") };
        let raw = rest.get(..=end).unwrap_or_default();
        let inner = rest.get(1..end).unwrap_or_default();
        let text = if inner.contains('\\') {
            match serde_json::from_str::<String>(raw) {
                Ok(text) => Cow::Owned(text),
                Err(_) => return self.broken("a text holds an escape that is none"),
            }
        } else {
            Cow::Borrowed(inner)
        };
        self.advance(raw.len(), raw.chars().count());
        Ok(text)
    }

    fn key(&mut self) -> Result<Event<'a>, Broken> {
        if self.peek() != Some(b'"') {
            return self.broken("a key in quotes is expected here");
        }
        let text = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.broken("a colon is expected here");
        }
        self.advance(1, 1);
        self.expect = Expect::Value;
        Ok(Event::Scalar { text, quoted: true })
    }
}

impl<'a> Source<'a> for JsonSource<'a> {
    fn step(&mut self) -> Step<'a> {
        self.skip_space();
        if self.expect == Expect::Next {
            let closing = matches!(
                (self.peek(), self.open.last()),
                (Some(b'}'), Some(Inside::Map)) | (Some(b']'), Some(Inside::List))
            );
            if !closing {
                if self.peek() != Some(b',') {
                    return self.broken("a comma or the end is expected here");
                }
                self.advance(1, 1);
                self.skip_space();
                self.expect = if self.open.last() == Some(&Inside::Map) { Expect::Key } else { Expect::Value };
            }
        }
        let (line, column) = (self.line, self.column);
        let event = match (self.expect, self.open.last().copied(), self.peek()) {
            (Expect::Document, _, None) => Event::End,
            (Expect::Document, _, Some(_)) => {
                self.expect = Expect::Value;
                Event::Document
            }
            (Expect::First | Expect::Next, Some(Inside::Map), Some(b'}')) => {
                self.advance(1, 1);
                self.open.pop();
                self.closed();
                Event::EndOfMap
            }
            (Expect::First | Expect::Next, Some(Inside::List), Some(b']')) => {
                self.advance(1, 1);
                self.open.pop();
                self.closed();
                Event::EndOfList
            }
            (Expect::First | Expect::Key, Some(Inside::Map), _) => self.key()?,
            _ => self.value()?,
        };
        Ok((event, line, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Result<Vec<(Event<'_>, u32, u32)>, Broken> {
        let mut source = JsonSource::of(text);
        let mut steps = Vec::new();
        loop {
            let step = source.step()?;
            if step.0 == Event::End {
                return Ok(steps);
            }
            steps.push(step);
        }
    }

    #[test]
    fn places_are_counted_in_characters_and_escapes_are_read() {
        let found = steps("{\"ä\": [1,\n \"\\ud83d\\ude00\"]} {}").unwrap();
        let scalar = |text: &str, quoted| Event::Scalar { text: text.to_owned().into(), quoted };
        assert_eq!(
            found,
            [
                (Event::Document, 1, 1),
                (Event::Map, 1, 1),
                (scalar("ä", true), 1, 2),
                (Event::List, 1, 7),
                (scalar("1", false), 1, 8),
                (scalar("😀", true), 2, 2),
                (Event::EndOfList, 2, 16),
                (Event::EndOfMap, 2, 17),
                (Event::Document, 2, 19),
                (Event::Map, 2, 19),
                (Event::EndOfMap, 2, 20),
            ]
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bad in [
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "[01]",
            "[+1]",
            "[1 2]",
            "\"\n\"",
            "\"\\x\"",
            "[}",
            "{]",
            "nul",
            "[1,,2]",
            "{\"a\":}",
            "\"\\ud800\"",
            &"[".repeat(100),
            "}",
            "]",
            "[.5]",
            "[NaN]",
            "'a'",
        ] {
            assert!(steps(bad).is_err(), "{bad}");
        }
    }
}
