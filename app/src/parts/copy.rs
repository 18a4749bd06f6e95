//! A value to be copied: shown in full, selectable by one click, with a copy button where scripts run.

use leptos::prelude::*;

use crate::islands::copy::CopyButton;

/// A secret or an address that is shown once.
pub fn secret(value: impl Into<String>, label: &'static str, done: &'static str) -> AnyView {
    let value: String = value.into();
    // The island reads the value from the page: nothing secret is an island's prop.
    view! {
        <div class="secret">
            <code>{value}</code>
            <CopyButton label=label.to_owned() done=done.to_owned()/>
        </div>
    }
    .into_any()
}
