//! The pager: how many there are, and the way to the pages before and after. It stands above and below a table.

use leptos::prelude::*;
use model::t;
use model::words::count;

use crate::address::Address;

/// Where a page of a list stands.
pub struct Pager {
    total: String,
    previous: Option<String>,
    next: Option<String>,
}

impl Pager {
    /// Of a page; `noun` is the catalogue's key for counting what is listed.
    pub fn of<T>(page: &domain::Page<T>, noun: &str) -> Self {
        let whole = page.previous.is_none() && page.next.is_none();
        let total = match page.total {
            Some(total) => count(noun, total),
            None if whole => count(noun, page.rows.len() as u64),
            None => t!("pager.many", n = model::words::grouped(page.rows.len() as u64)),
        };
        Self { total, previous: page.previous.clone(), next: page.next.clone() }
    }

    fn several(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }

    fn view(&self, address: &Address, label: &'static str) -> AnyView {
        let link = |text: &'static str, cursor: &Option<String>, rel: &'static str| {
            cursor.as_ref().map(|cursor| {
                let href = address.with(&[("page", cursor)]);
                view! { <a class="button compact" href=href rel=rel>{text}</a> }
            })
        };
        let first = self.previous.is_some().then(|| {
            let href = address.with(&[("page", "")]);
            view! { <a class="button compact" href=href>{t!("pager.first")}</a> }
        });
        let previous = link(t!("pager.previous"), &self.previous, "prev");
        let next = link(t!("pager.next"), &self.next, "next");
        view! {
            <div class="pager">
                <span>{self.total.clone()}</span>
                {self.several().then(|| view! { <nav aria-label=label>{first}{previous}{next}</nav> })}
            </div>
        }
        .into_any()
    }

    /// The pager above and, where there is more than one page, below something.
    pub fn around(&self, address: &Address, list: AnyView) -> AnyView {
        let below = self.several().then(|| self.view(address, t!("pager.below")));
        view! {
            <div class="stack tight">
                {self.view(address, t!("pager.above"))}
                {list}
                {below}
            </div>
        }
        .into_any()
    }
}
