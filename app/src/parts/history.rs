//! What happened, newest first: entries of the audit log as sentences.

use domain::audit::Target;
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

/// What it was done to, as people know it.
pub fn target_name(target: &Target) -> String {
    if target.name.is_empty() { target.id.clone() } else { target.name.clone() }
}

/// Who did it and to what, in one line; not to what where that is the page's own subject or the actor.
pub fn who_and_what(cx: &Cx, entry: &Entry) -> AnyView {
    let actor = actor_name(entry);
    let target = entry.target.as_ref().filter(|target| !cx.address.path().ends_with(&target.id)).map(target_name);
    let target = target.filter(|name| *name != actor).map(|name| view! { " → "<bdi>{name}</bdi> });
    view! { <bdi>{actor}</bdi>{target} }.into_any()
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
                    <a href=place(entry)>{event_name(&entry.action)}</a>
                    {failed.then(|| view! { " ("{t!("audit.failure")}")" })}
                    <div class="muted small">{who_and_what(cx, entry)}" · "{cx.clock.view(entry.time)}</div>
                    {reason}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="history" role="list">{items}</ol> }.into_any()
}

/// The page of an entry.
pub fn place(entry: &Entry) -> String {
    format!("/admin/audit/{}", entry.id)
}
