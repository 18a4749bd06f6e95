//! A button that copies the text of the `<code>` element beside it. Without scripts it is not there: the text can be selected.

use leptos::prelude::*;
use leptos::web_sys;
use leptos::web_sys::wasm_bindgen::JsCast as _;

/// Copies the text of the `<code>` in the frame (`.secret`) it stands in, and says so in the frame's status. Its words are its
/// children and an attribute of the frame, not props: props would bring a JSON reader into the wasm file, and nothing secret
/// may ever be one.
#[island]
pub fn CopyButton(children: Children) -> impl IntoView {
    let ready = RwSignal::new(false);
    // Effects run only in the browser: the server sends the button hidden.
    Effect::new(move |_| ready.set(true));
    let copy = move |event: leptos::ev::MouseEvent| {
        let button = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let Some(frame) = button.and_then(|button| button.closest(".secret").ok().flatten()) else { return };
        let part = |selector: &str| frame.query_selector(selector).ok().flatten();
        let (Some(code), Some(window)) = (part("code").and_then(|code| code.text_content()), web_sys::window()) else {
            return;
        };
        // A browser that refuses leaves the text selectable.
        let _promise = window.navigator().clipboard().write_text(&code);
        if let Some(status) = part("[role=status]") {
            status.set_text_content(frame.get_attribute("data-done").as_deref());
        }
    };
    view! { <button type="button" class="compact" hidden=move || !ready.get() on:click=copy>{children()}</button> }
}
