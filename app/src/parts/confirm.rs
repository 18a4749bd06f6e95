//! The page before something dangerous: a question, what will happen in numbers, the button, and the way back.

use leptos::prelude::*;
use model::t;

use super::form::{danger, field, hidden};
use super::title::Title;

/// A confirmation under construction.
pub struct Confirm {
    /// The question.
    pub title: String,
    action: &'static str,
    label: &'static str,
    effects: Vec<String>,
    values: Vec<AnyView>,
    typed: Option<(String, String, Option<String>)>,
}

impl Confirm {
    /// A question, the action that follows and the button's text.
    pub fn new(title: String, action: &'static str, label: &'static str) -> Self {
        Self { title, action, label, effects: Vec::new(), values: Vec::new(), typed: None }
    }

    /// Something that will happen.
    #[must_use]
    pub fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effects.push(effect.into());
        self
    }

    /// Something that will happen in some cases.
    #[must_use]
    pub fn effect_where(mut self, effect: Option<String>) -> Self {
        self.effects.extend(effect);
        self
    }

    /// A value that goes with the form.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.values.push(hidden(name, value));
        self
    }

    /// The name must be typed: nothing can bring this back.
    #[must_use]
    pub fn typed(mut self, expected: String, label: String, error: Option<String>) -> Self {
        self.typed = Some((expected, label, error));
        self
    }

    /// The view; `up` and `back` are where it was opened from.
    pub fn view(self, up: String, back: &str) -> AnyView {
        let effects = self.effects.into_iter().map(|effect| view! { <li>{effect}</li> }).collect_view();
        let typed = self.typed.map(|(expected, label, error)| {
            view! {
                {hidden("expected", expected)}
                {field("name", label).error(error).view()}
            }
        });
        view! {
            {Title::new(self.title).under(up, back).view()}
            <form class="form card" method="post" action=self.action>
                <ul class="effects">{effects}</ul>
                {self.values}
                {typed}
                <div class="row">{danger(self.label)}<a class="button quiet" href=back.to_owned()>{t!("cancel")}</a></div>
            </form>
        }
        .into_any()
    }
}
