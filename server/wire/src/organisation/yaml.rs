//! YAML as events. Of YAML's many ways only those are taken that mean the same to everybody: no anchors, aliases or tags.

use std::borrow::Cow;

use saphyr_parser::{Event as Yaml, Parser, ScalarStyle, Span, StrInput, Tag};

use super::events::{Broken, Event, Source, Step};

pub(super) struct YamlSource<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> YamlSource<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { parser: Parser::new_from_str(text) }
    }
}

impl<'a> Source<'a> for YamlSource<'a> {
    fn step(&mut self) -> Step<'a> {
        loop {
            let Some(next) = self.parser.next_event() else { return Ok((Event::End, 1, 1)) };
            let (event, span) = next.map_err(|error| Broken {
                line: narrow(error.marker().line()),
                column: narrow(error.marker().col()).saturating_add(1),
                problem: format!("cannot be read as YAML: {}", error.info()),
            })?;
            let (line, column) = (narrow(span.start.line()), narrow(span.start.col()).saturating_add(1));
            let event = match event {
                Yaml::Nothing | Yaml::StreamStart | Yaml::DocumentEnd => continue,
                Yaml::StreamEnd => Event::End,
                Yaml::DocumentStart(_) => Event::Document,
                Yaml::Alias(_) => return Err(refused(&span, "aliases (*name) are not allowed: write it out")),
                Yaml::Scalar(text, style, anchor, tag) => {
                    plain(anchor, tag.as_ref(), &span)?;
                    Event::Scalar { text, quoted: style != ScalarStyle::Plain }
                }
                Yaml::SequenceStart(anchor, tag) => {
                    plain(anchor, tag.as_ref(), &span)?;
                    Event::List
                }
                Yaml::MappingStart(anchor, tag) => {
                    plain(anchor, tag.as_ref(), &span)?;
                    Event::Map
                }
                Yaml::SequenceEnd => Event::EndOfList,
                Yaml::MappingEnd => Event::EndOfMap,
            };
            return Ok((event, line, column));
        }
    }
}

fn plain(anchor: usize, tag: Option<&Cow<'_, Tag>>, span: &Span) -> Result<(), Broken> {
    if anchor != 0 {
        return Err(refused(span, "anchors (&name) are not allowed: write it out"));
    }
    if tag.is_some() {
        return Err(refused(span, "tags (!name) are not allowed: put a text in quotes"));
    }
    Ok(())
}

fn refused(span: &Span, problem: &str) -> Broken {
    Broken {
        line: narrow(span.start.line()),
        column: narrow(span.start.col()).saturating_add(1),
        problem: problem.to_owned(),
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
