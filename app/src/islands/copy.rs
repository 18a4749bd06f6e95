//! A button that copies the text of the `<code>` element beside it. Without scripts it is not there: the text can be selected.

use leptos::prelude::*;
use leptos::web_sys::wasm_bindgen::JsCast as _;

/// Copies the text of the nearest `<code>` in the same parent and says so.
#[island]
pub fn CopyButton(label: String, done: String) -> impl IntoView {
    let copied = RwSignal::new(false);
    let ready = RwSignal::new(false);
    // Effects run only in the browser: the server sends the button hidden.
    Effect::new(move |_| ready.set(true));
    let copy = move |event: leptos::ev::MouseEvent| {
        let button = event.current_target().and_then(|target| target.dyn_into::<leptos::web_sys::Element>().ok());
        let text = button
            .and_then(|button| button.closest(".secret").ok().flatten())
            .and_then(|frame| frame.query_selector("code").ok().flatten())
            .and_then(|code| code.text_content());
        if let (Some(text), Some(window)) = (text, leptos::web_sys::window()) {
            // The promise settles after the button has changed its word; a browser that refuses leaves the text selectable.
            let _promise = window.navigator().clipboard().write_text(&text);
            copied.set(true);
        }
    };
    view! {
        <button type="button" class="compact" hidden=move || !ready.get() on:click=copy>
            <span aria-live="polite">{move || if copied.get() { done.clone() } else { label.clone() }}</span>
        </button>
    }
}
