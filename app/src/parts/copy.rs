//! A value to be copied: shown in full, selectable by one click, with a copy button where scripts run.

use leptos::prelude::*;
use model::t;

use crate::islands::copy::CopyButton;

/// A secret or an address that is shown once.
pub fn secret(value: impl Into<String>) -> AnyView {
    view! {
        <div class="secret" data-done=t!("copied")>
            <code>{value.into()}</code>
            <CopyButton>{t!("copy")}</CopyButton>
            <span class="small" role="status"></span>
        </div>
    }
    .into_any()
}
