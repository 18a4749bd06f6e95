//! What stands where a list would be: what the list is for, and the one thing to do next.

use leptos::prelude::*;
use model::t;

/// A list that holds nothing yet.
pub fn empty(title: impl Into<String>, text: impl Into<String>, action: Option<(String, String)>) -> AnyView {
    let action = action.map(|(label, href)| view! { <a class="button primary" href=href>{label}</a> });
    view! {
        <div class="empty">
            <h2>{title.into()}</h2>
            <p>{text.into()}</p>
            {action}
        </div>
    }
    .into_any()
}

/// A list whose filter matches nothing.
pub fn filtered_empty(what: impl Into<String>, clear: impl Into<String>) -> AnyView {
    view! {
        <div class="empty">
            <h2>{what.into()}</h2>
            <p>{t!("filter.nothing")}</p>
            <a class="button" href=clear.into()>{t!("filter.clear")}</a>
        </div>
    }
    .into_any()
}
