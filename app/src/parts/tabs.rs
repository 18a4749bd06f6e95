//! Tabs that are links: the two pages of one's own things.

use leptos::prelude::*;
use model::t;

/// Which one is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tabs {
    /// `/me/profile`
    Profile,
    /// `/me/security`
    Security,
}

/// The tabs of one's own pages.
pub fn me_tabs(open: Tabs) -> AnyView {
    let link = |this: Tabs, href: &'static str, label: &'static str| {
        view! { <a href=href aria-current=(this == open).then_some("page")>{label}</a> }
    };
    view! {
        <nav class="tabs line" aria-label=t!("me.title")>
            {link(Tabs::Profile, "/me/profile", t!("me.profile"))}
            {link(Tabs::Security, "/me/security", t!("me.security"))}
        </nav>
    }
    .into_any()
}
