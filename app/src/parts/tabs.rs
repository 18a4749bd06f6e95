//! Tabs that are links: several views of one thing.

use leptos::prelude::*;
use model::t;

/// Tabs inside a page; `label` says what they are views of. Each has whether it is open, where it leads and what it is called.
pub fn tabs<L: Into<String>>(label: &'static str, items: impl IntoIterator<Item = (bool, L, &'static str)>) -> AnyView {
    let links = items
        .into_iter()
        .map(|(open, href, text)| view! { <a href=href.into() aria-current=open.then_some("page")>{text}</a> })
        .collect_view();
    view! { <nav class="tabs line" aria-label=label>{links}</nav> }.into_any()
}

/// Which one of one's own pages is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tabs {
    /// `/me/profile`
    Profile,
    /// `/me/security`
    Security,
}

/// The tabs of one's own pages.
pub fn me_tabs(open: Tabs) -> AnyView {
    tabs(
        t!("me.title"),
        [
            (open == Tabs::Profile, "/me/profile", t!("me.profile")),
            (open == Tabs::Security, "/me/security", t!("me.security")),
        ],
    )
}
