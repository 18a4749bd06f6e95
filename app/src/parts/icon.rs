//! The few pictures the interface draws inline. Each stands beside a word, so none has a name of its own.

use std::sync::LazyLock;

use leptos::prelude::*;

use crate::address::encode;

/// The icon of the window, inside the page: one request less at the first sight of it.
pub static WINDOW_ICON: LazyLock<String> =
    LazyLock::new(|| format!("data:image/svg+xml,{}", encode(include_str!("../../../public/favicon.svg").trim())));

/// The arch.
pub fn mark() -> AnyView {
    view! {
        <svg class="mark" viewBox="0 0 16 16" aria-hidden="true">
            <path fill-rule="evenodd" d="M1 15V8a7 7 0 0 1 14 0v7h-3.5V8a3.5 3.5 0 0 0-7 0v7zM7 15V8.6a1 1 0 0 1 2 0V15z"/>
        </svg>
    }
    .into_any()
}

/// A favourite: filled where it is one.
pub fn star() -> AnyView {
    view! {
        <svg class="star-shape" viewBox="0 0 16 16" aria-hidden="true">
            <path d="M8 1.6l1.95 4.1 4.5.6-3.3 3.1.83 4.45L8 11.7l-3.98 2.15.83-4.45-3.3-3.1 4.5-.6z"/>
        </svg>
    }
    .into_any()
}

/// Says that a button opens something below it.
pub fn chevron() -> AnyView {
    view! {
        <svg class="chevron" viewBox="0 0 12 12" aria-hidden="true"><path d="M2 4l4 4 4-4"/></svg>
    }
    .into_any()
}
