//! A short state in a frame: "Disabled", "Owner". The word carries the meaning, the colour only repeats it.

use leptos::prelude::*;

/// How a state is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    Plain,
    /// As it should be.
    Good,
    /// Somebody should look at it.
    Warn,
    /// Wrong, or closed.
    Bad,
    /// Ours: roles, the current one.
    Accent,
}

impl Tone {
    /// The class in `style/parts.css`.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
            Tone::Accent => "accent",
        }
    }
}

/// A badge.
pub fn badge(tone: Tone, text: impl Into<String>) -> AnyView {
    let class = format!("badge {}", tone.class());
    view! { <span class=class>{text.into()}</span> }.into_any()
}
