//! Names and values, one pair a line.

use leptos::prelude::*;
use model::t;

/// A definition list under construction.
#[derive(Default)]
pub struct Facts {
    rows: Vec<AnyView>,
}

impl Facts {
    /// No facts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl IntoView + 'static) -> Self {
        self.rows.push(view! { <dt>{name.into()}</dt><dd>{value.into_any()}</dd> }.into_any());
        self
    }

    /// Adds a fact where there is one.
    #[must_use]
    pub fn with_some(self, name: impl Into<String>, value: Option<impl IntoView + 'static>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The list.
    pub fn view(self) -> AnyView {
        view! { <dl class="facts">{self.rows}</dl> }.into_any()
    }
}

/// A text, or a dash that screen readers read as "none".
pub fn text_or_dash(text: &str) -> AnyView {
    if text.is_empty() {
        view! { <span aria-hidden="true">"–"</span><span class="hidden-visually">{t!("none")}</span> }.into_any()
    } else {
        text.to_owned().into_any()
    }
}
