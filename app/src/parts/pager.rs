//! The pager: how many there are, which of them stand here, and the way to the next. It stands above and below a table.

use leptos::prelude::*;
use model::t;

use crate::address::Address;

/// Where a page of a list begins and ends.
pub struct Pager {
    /// "128 people", or "more than 10 000 people".
    pub total: String,
    /// The cursor of the page before, if there is one.
    pub before: Option<String>,
    /// The cursor of the page after, if there is one.
    pub after: Option<String>,
}

impl Pager {
    /// The view, once for each end of the list; `label` tells the two apart.
    pub fn view(&self, address: &Address, label: &'static str) -> AnyView {
        let link = |text: &'static str, key: &'static str, other: &'static str, cursor: &Option<String>, rel: &'static str| {
            cursor.as_ref().map(|cursor| {
                let href = address.with(&[(key, cursor), (other, "")]);
                view! { <a class="button compact" href=href rel=rel>{text}</a> }
            })
        };
        let first = self.before.is_some().then(|| {
            let href = address.with(&[("after", ""), ("before", "")]);
            view! { <a class="button compact" href=href>{t!("pager.first")}</a> }
        });
        let previous = link(t!("pager.previous"), "before", "after", &self.before, "prev");
        let next = link(t!("pager.next"), "after", "before", &self.after, "next");
        let several = self.before.is_some() || self.after.is_some();
        view! {
            <div class="pager">
                <span>{self.total.clone()}</span>
                {several.then(|| view! { <nav aria-label=label>{first}{previous}{next}</nav> })}
            </div>
        }
        .into_any()
    }

    /// The pager above and below something.
    pub fn around(&self, address: &Address, table: AnyView) -> AnyView {
        let several = self.before.is_some() || self.after.is_some();
        view! {
            <div class="stack tight">
                {self.view(address, t!("pager.above"))}
                {table}
                {several.then(|| self.view(address, t!("pager.below")))}
            </div>
        }
        .into_any()
    }
}
