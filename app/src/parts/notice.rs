//! What an action says when it is done: what changed, and how to undo it where that is possible.
//!
//! The words wait in a cookie of two minutes between the 303 and the page it leads to ([`Flash`]); the page that shows them
//! clears it. Nothing secret ever goes in there. The cookie names an entry of [`NOTICES`], so it can make the page say
//! nothing that is not in the catalogue, except for names and for the reasons of refusals, which are shown as plain text.

use leptos::prelude::*;
use model::t;
use model::words::look_up;

use super::badge::Tone;
use super::form::hidden;
use crate::address::{decode, encode};

/// A notice that an action may leave, its tone, and the action that takes back what was done.
pub struct Kind {
    key: &'static str,
    tone: Tone,
    undo: Option<&'static str>,
}

const fn kind(key: &'static str, tone: Tone) -> Kind {
    Kind { key, tone, undo: None }
}

const fn undoable(key: &'static str, undo: &'static str) -> Kind {
    Kind { key, tone: Tone::Good, undo: Some(undo) }
}

/// Every notice there is. Its text is `notice.<key>` in the catalogue.
pub const NOTICES: &[Kind] = &[
    kind("sign-in-refused", Tone::Bad),
    kind("step-refused", Tone::Bad),
    kind("code-refused", Tone::Bad),
    kind("passkey-refused", Tone::Bad),
    kind("signed-out", Tone::Good),
    kind("refused", Tone::Bad),
    kind("reset-asked", Tone::Good),
    kind("password-changed", Tone::Good),
    kind("profile-saved", Tone::Good),
    kind("preferences-saved", Tone::Good),
    kind("factor-added", Tone::Good),
    kind("factor-removed", Tone::Good),
    kind("factor-renamed", Tone::Good),
    kind("session-revoked", Tone::Good),
    kind("others-signed-out", Tone::Good),
    undoable("starred", "/actions/portal/favourite"),
    undoable("unstarred", "/actions/portal/favourite"),
    kind("user-created", Tone::Good),
    kind("user-invited", Tone::Good),
    kind("user-saved", Tone::Good),
    undoable("user-disabled", "/actions/users/enable"),
    undoable("user-enabled", "/actions/users/disable"),
    kind("user-deleted", Tone::Good),
    kind("factors-reset", Tone::Good),
    kind("password-reset", Tone::Good),
    kind("sessions-ended", Tone::Good),
    undoable("role-granted", "/actions/administrators/revoke"),
    undoable("role-revoked", "/actions/users/role-grant"),
    undoable("group-role-revoked", "/actions/groups/role-grant"),
    kind("group-created", Tone::Good),
    kind("group-saved", Tone::Good),
    kind("group-deleted", Tone::Good),
    undoable("member-added", "/actions/groups/member-remove"),
    undoable("member-removed", "/actions/groups/member-add"),
    kind("account-created", Tone::Good),
    kind("account-saved", Tone::Good),
    kind("account-deleted", Tone::Good),
    kind("accounts-imported", Tone::Good),
    kind("application-created", Tone::Good),
    kind("application-saved", Tone::Good),
    kind("application-deleted", Tone::Good),
    undoable("application-assigned", "/actions/applications/unassign"),
    undoable("application-unassigned", "/actions/applications/assign"),
    kind("permission-set-created", Tone::Good),
    kind("permission-set-saved", Tone::Good),
    kind("permission-set-deleted", Tone::Good),
    kind("policy-saved", Tone::Good),
    kind("policy-removed", Tone::Good),
    undoable("access-changed", "/actions/assignments/undo"),
    kind("access-unchanged", Tone::Good),
    kind("access-undone", Tone::Good),
    kind("settings-saved", Tone::Good),
    kind("mail-sent", Tone::Good),
    kind("webhook-tested", Tone::Good),
    kind("webhook-test-failed", Tone::Bad),
    undoable("webhook-paused", "/actions/settings/webhook-resume"),
    undoable("webhook-resumed", "/actions/settings/webhook-pause"),
    kind("webhook-removed", Tone::Good),
    kind("api-key-revoked", Tone::Good),
];

/// What waits for the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flash {
    /// Key of the notice.
    pub key: String,
    /// The name the notice speaks of, or the reason of a refusal.
    pub name: String,
    /// What the undo action needs.
    pub undo: Vec<(String, String)>,
    /// The field that was refused and why.
    pub error: Option<(String, String)>,
    /// What had been typed, to be shown again: never anything secret.
    pub typed: Vec<(String, String)>,
}

impl Flash {
    /// A notice.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    /// Speaks of this.
    #[must_use]
    pub fn about(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Gives the undo action a value.
    #[must_use]
    pub fn undo_with(mut self, field: &str, value: impl Into<String>) -> Self {
        self.undo.push((field.to_owned(), value.into()));
        self
    }

    /// The reason a field was refused.
    pub fn error_of(&self, field: &str) -> Option<String> {
        self.error.as_ref().filter(|(name, _)| name == field).map(|(_, reason)| reason.clone())
    }

    /// What had been typed into a field.
    pub fn typed(&self, field: &str) -> Option<&str> {
        self.typed.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    /// As a cookie value.
    pub fn encode(&self) -> String {
        let mut parts = vec![format!("k={}", encode(&self.key))];
        if !self.name.is_empty() {
            parts.push(format!("n={}", shortened(&self.name)));
        }
        if let Some((field, reason)) = &self.error {
            parts.push(format!("e.{}={}", encode(field), shortened(reason)));
        }
        parts.extend(self.undo.iter().map(|(field, value)| format!("u.{}={}", encode(field), encode(value))));
        let mut text = parts.join("&");
        for (field, value) in &self.typed {
            let part = format!("&t.{}={}", encode(field), encode(value));
            // Browsers drop a cookie above 4 KiB; what was typed is worth less than the notice.
            if text.len() + part.len() < 3_600 {
                text.push_str(&part);
            }
        }
        text
    }

    /// Reads a cookie value.
    pub fn decode(text: &str) -> Self {
        let mut flash = Self::default();
        for (key, value) in text.split('&').filter_map(|part| part.split_once('=')) {
            let value = decode(value);
            match key.split_once('.') {
                None if key == "k" => flash.key = value,
                None if key == "n" => flash.name = value,
                Some(("e", field)) => flash.error = Some((decode(field), value)),
                Some(("u", field)) => flash.undo.push((decode(field), value)),
                Some(("t", field)) => flash.typed.push((decode(field), value)),
                _ => {}
            }
        }
        flash
    }

    /// The view, if the key is one of ours. Where no field is wrong, a notice may take the focus, so that it is not lost after a
    /// post.
    pub fn view(&self, may_focus: bool) -> Option<AnyView> {
        let kind = NOTICES.iter().find(|kind| kind.key == self.key)?;
        let text = look_up(&format!("notice.{}", kind.key))?.replace("{name}", &self.name);
        let undo = kind.undo.filter(|_| !self.undo.is_empty()).map(|action| {
            let values: Vec<AnyView> = self
                .undo
                .iter()
                .filter_map(|(field, value)| Some(hidden(known_field(field)?, value.clone())))
                .collect();
            view! {
                <form method="post" action=action>
                    {values}
                    <button class="compact">{t!("notice.undo")}</button>
                </form>
            }
        });
        Some(framed(kind.tone, text.into_any(), undo.map(IntoAny::into_any), may_focus && self.error.is_none()))
    }
}

/// The fields that undo actions have.
fn known_field(name: &str) -> Option<&'static str> {
    [
        "id",
        "user",
        "group",
        "role",
        "break_glass",
        "scope",
        "kind",
        "who",
        "name",
        "next",
        "account",
        "favourite",
        "change",
    ]
    .into_iter()
    .find(|known| *known == name)
}

/// A text as it goes into the cookie, cut where it would take the room of the rest.
fn shortened(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let part = encode(c.encode_utf8(&mut [0; 4]));
        if out.len() + part.len() > 1_100 {
            out.push_str("%E2%80%A6");
            break;
        }
        out.push_str(&part);
    }
    out
}

/// A notice on the page. Bad ones are read aloud at once, others when there is a pause.
pub fn notice(tone: Tone, text: impl IntoView + 'static, action: Option<AnyView>) -> AnyView {
    framed(tone, text.into_any(), action, false)
}

fn framed(tone: Tone, text: AnyView, action: Option<AnyView>, focus: bool) -> AnyView {
    let class = format!("notice {}", tone.class());
    let role = if tone == Tone::Bad { "alert" } else { "status" };
    view! {
        <div class=class role=role tabindex=focus.then_some("-1") autofocus=focus>
            <div>{text}</div>
            {action}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flash_survives_its_cookie() {
        let mut flash = Flash::new("user-disabled").about("Ünal & <b>").undo_with("id", "1=2&3");
        flash.error = Some(("name".to_owned(), "must not be empty".to_owned()));
        flash.typed.push(("email".to_owned(), "a@b.c".to_owned()));
        assert_eq!(Flash::decode(&flash.encode()), flash);
    }

    #[test]
    fn what_is_typed_never_pushes_the_cookie_over_its_limit() {
        let mut flash = Flash::new("refused").about("李".repeat(500));
        flash.error = Some(("name".to_owned(), "ü".repeat(500)));
        flash.typed.push(("long".to_owned(), "ü".repeat(2_000)));
        flash.typed.push(("short".to_owned(), "x".to_owned()));
        let text = flash.encode();
        assert!(text.len() < 4_000);
        assert_eq!(Flash::decode(&text).typed("short"), Some("x"));
    }

    #[test]
    fn every_notice_has_its_text() {
        for kind in NOTICES {
            assert!(look_up(&format!("notice.{}", kind.key)).is_some(), "notice.{} is missing", kind.key);
        }
    }

    #[test]
    fn whatever_can_be_undone_is_undone_by_an_action_that_takes_its_values() {
        for kind in NOTICES {
            let Some(path) = kind.undo else { continue };
            let action = crate::actions::table::find(path).expect("an action of the table");
            assert!(action.fields.iter().filter(|field| field.required).all(|field| known_field(field.name).is_some()));
        }
    }

    #[test]
    fn a_made_up_notice_shows_nothing() {
        assert!(Flash::new("click-here-to-win").view(true).is_none());
    }
}
