//! Search and filters of a list: a GET form, so that what is shown can be bookmarked and sent to somebody.

use leptos::prelude::*;
use model::t;

use super::form::{Field, hidden};
use crate::address::Address;

/// A filter form under construction.
pub struct Filters {
    label: String,
    fields: Vec<AnyView>,
    names: Vec<&'static str>,
    does: &'static str,
    keeps: &'static [&'static str],
}

impl Filters {
    /// A form; the label says what it searches.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), fields: Vec::new(), names: Vec::new(), does: t!("filter.apply"), keeps: &["sort"] }
    }

    /// Adds a field, already filled from the address.
    #[must_use]
    pub fn with(mut self, name: &'static str, field: Field) -> Self {
        self.names.push(name);
        self.fields.push(field.free().view());
        self
    }

    /// Says what its button does, where that is not a search.
    #[must_use]
    pub fn does(mut self, label: &'static str) -> Self {
        self.does = label;
        self
    }

    /// What else of the address stays as it is while searching.
    #[must_use]
    pub fn keeps(mut self, names: &'static [&'static str]) -> Self {
        self.keeps = names;
        self
    }

    /// Whether any filter is set.
    pub fn active(&self, address: &Address) -> bool {
        self.names.iter().any(|name| address.get(name).is_some())
    }

    /// The view.
    pub fn view(self, address: &Address) -> AnyView {
        let clear = self.active(address).then(|| {
            let nothing: Vec<(&str, &str)> = self.names.iter().map(|name| (*name, "")).chain([("page", "")]).collect();
            view! { <a class="button quiet" href=address.with(&nothing)>{t!("filter.clear")}</a> }
        });
        let kept: Vec<AnyView> = self.keeps.iter().filter_map(|name| Some(hidden(name, address.get(name)?))).collect();
        view! {
            <search>
                <form class="filters" method="get" action=address.path().to_owned() aria-label=self.label>
                    {self.fields}
                    {kept}
                    <button>{self.does}</button>
                    {clear}
                </form>
            </search>
        }
        .into_any()
    }
}
