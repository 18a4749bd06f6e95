//! What happened, newest first: entries of the audit log as sentences.

use domain::audit::log::Entry;
use leptos::prelude::*;
use model::t;
use model::words::look_up;

use crate::context::Cx;

/// The name of an event in words; one that the catalogue does not know shows as itself.
pub fn event_name(action: &str) -> String {
    look_up(&format!("event.{action}")).map_or_else(|| action.to_owned(), str::to_owned)
}

/// Who did it, as people know them.
pub fn actor_name(entry: &Entry) -> String {
    if entry.actor.name.is_empty() {
        look_up(&format!("actor.{}", entry.actor.kind)).map_or_else(|| entry.actor.kind.clone(), str::to_owned)
    } else {
        entry.actor.name.clone()
    }
}

/// The entries as a list.
pub fn history(cx: &Cx, entries: &[Entry]) -> AnyView {
    if entries.is_empty() {
        return view! { <p class="section-note">{t!("history.empty")}</p> }.into_any();
    }
    let items = entries
        .iter()
        .map(|entry| {
            let failed = entry.outcome != "success";
            let reason = entry.reason.clone().map(|reason| view! { <div class="small">{reason}</div> });
            view! {
                <li class=failed.then_some("failure")>
                    <a href=format!("/admin/audit/{}", entry.id)>{event_name(&entry.action)}</a>
                    {failed.then(|| view! { " ("{t!("audit.failure")}")" })}
                    <div class="muted small"><bdi>{actor_name(entry)}</bdi>" · "{cx.clock.view(entry.time)}</div>
                    {reason}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="history" role="list">{items}</ol> }.into_any()
}
