//! The shim that becomes the wasm file: it names `app`, so that the islands are exported, and starts hydration.

use app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called by `public/islands.js` before the islands are woken one by one.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
