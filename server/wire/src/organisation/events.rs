//! What a text is made of, whatever it is written in.

use std::borrow::Cow;

/// One step through a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event<'a> {
    Document,
    /// A text where `quoted`; else what it looks like.
    Scalar {
        text: Cow<'a, str>,
        quoted: bool,
    },
    List,
    EndOfList,
    Map,
    EndOfMap,
    End,
}

/// Why a text cannot be read any further, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) problem: String,
}

/// An event with line and column.
pub(super) type Step<'a> = Result<(Event<'a>, u32, u32), Broken>;

/// Gives one event after the other; nothing after [`Event::End`] or a [`Broken`].
pub(super) trait Source<'a> {
    fn step(&mut self) -> Step<'a>;
}
