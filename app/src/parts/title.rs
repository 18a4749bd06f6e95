//! The head of a page: where it stands, what it is, and its one primary action.

use leptos::prelude::*;

/// A page title under construction.
pub struct Title {
    text: String,
    note: Option<AnyView>,
    crumb: Option<(String, String)>,
    actions: Vec<AnyView>,
}

impl Title {
    /// A title.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), note: None, crumb: None, actions: Vec::new() }
    }

    /// A line below the title.
    #[must_use]
    pub fn note(mut self, note: impl IntoView + 'static) -> Self {
        self.note = Some(note.into_any());
        self
    }

    /// The list this page was opened from.
    #[must_use]
    pub fn under(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumb = Some((label.into(), href.into()));
        self
    }

    /// The primary action, as a link to the page where it is done.
    #[must_use]
    pub fn link(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.actions.push(view! { <a class="button primary" href=href.into()>{label.into()}</a> }.into_any());
        self
    }

    /// Any other action.
    #[must_use]
    pub fn action(mut self, action: AnyView) -> Self {
        self.actions.push(action);
        self
    }

    /// The view.
    pub fn view(self) -> AnyView {
        let crumb = self.crumb.map(|(label, href)| {
            view! { <p class="crumb"><a href=href><span aria-hidden="true">"← "</span>{label}</a></p> }
        });
        let actions = (!self.actions.is_empty()).then(|| view! { <div class="title-actions">{self.actions}</div> });
        view! {
            <div class="title">
                <div>
                    {crumb}
                    <h1>{self.text}</h1>
                    {self.note.map(|note| view! { <p>{note}</p> })}
                </div>
                {actions}
            </div>
        }
        .into_any()
    }
}

/// A part of a page in a card with its own heading and, on the right, its own action.
pub fn section(heading: impl Into<String>, action: Option<AnyView>, body: impl IntoView + 'static) -> AnyView {
    view! {
        <section class="card">
            <div class="section-head"><h2>{heading.into()}</h2>{action}</div>
            {body.into_any()}
        </section>
    }
    .into_any()
}
