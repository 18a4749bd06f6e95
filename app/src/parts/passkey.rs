//! Forms that `public/passkey.js` completes: hidden until it runs in a browser that has passkeys.

use leptos::prelude::*;
use model::t;

use super::form::hidden;

/// A passkey ceremony: where it begins, where it ends, what goes with it.
pub struct Passkey {
    /// `get` proves, `create` makes a new one.
    pub ceremony: &'static str,
    /// The action that begins it.
    pub begin: &'static str,
    /// The action that ends it.
    pub finish: &'static str,
    /// The button's text.
    pub label: &'static str,
    /// `primary` where it is what the page is for.
    pub class: &'static str,
    /// Fields that go with the answer.
    pub with: AnyView,
}

impl Passkey {
    /// The form.
    pub fn view(self) -> AnyView {
        view! {
            <form class="form" method="post" action=self.finish data-passkey=self.ceremony data-begin=self.begin
                data-failed=t!("passkey.failed") hidden>
                {hidden("ceremony", "")}
                {hidden("answer", "")}
                {self.with}
                <button class=self.class>{self.label}</button>
                <p class="error" role="alert" hidden></p>
            </form>
        }
        .into_any()
    }
}

/// What stands in its place where scripts or passkeys are missing.
pub fn without() -> AnyView {
    view! { <p class="hint" data-passkey-missing>{t!("passkey.missing")}</p> }.into_any()
}
