//! What happened, newest first: entries of the audit log as sentences.

use domain::audit::Target;
use domain::audit::log::Entry;
use leptos::prelude::*;
use model::t;
use model::words::look_up;

use super::facts::Facts;
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
                    <strong>{event_name(&entry.action)}</strong>
                    {failed.then(|| view! { " ("{t!("audit.failure")}")" })}
                    <div class="muted small">{who_and_what(cx, entry)}" · "{cx.clock.view(entry.time)}</div>
                    {reason}
                    {details(cx, entry)}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="history" role="list">{items}</ol> }.into_any()
}

/// Everything an entry says, folded away.
pub fn details(cx: &Cx, entry: &Entry) -> AnyView {
    let code = |text: String| view! { <code>{text}</code> };
    let target = entry.target.clone().map(|target| {
        let href = match target.kind.as_str() {
            "user" => Some(format!("/admin/users/{}", target.id)),
            "group" => Some(format!("/admin/groups/{}", target.id)),
            _ => None,
        };
        let name = target_name(&target);
        let name = match href {
            Some(href) => view! { <a href=href><bdi>{name}</bdi></a> }.into_any(),
            None => view! { <bdi>{name}</bdi> }.into_any(),
        };
        view! { {name}" "<code>{target.id}</code> }
    });
    let changes = (!entry.changes.is_null()).then(|| {
        let text = serde_json::to_string_pretty(&entry.changes).unwrap_or_default();
        view! { <pre class="json"><code>{text}</code></pre> }
    });
    let facts = Facts::new()
        .with(t!("audit.action"), code(entry.action.clone()))
        .with_some(t!("audit.reason"), entry.reason.clone())
        .with_some(t!("audit.target"), target)
        .with(t!("audit.time"), cx.clock.view_exact(entry.time))
        .with_some(t!("audit.source"), entry.source.clone().map(code))
        .with(t!("audit.request"), code(entry.request_id.clone()))
        .with_some(t!("audit.credential"), entry.credential_id.clone().map(code))
        .with(t!("audit.entry"), code(entry.id.clone()))
        .with_some(t!("audit.changes"), changes)
        .with_some(t!("audit.personal"), entry.erased.then(|| t!("audit.erased")));
    view! {
        <details class="more small">
            <summary>{t!("audit.details")}<span class="hidden-visually">" "{event_name(&entry.action)}</span></summary>
            {facts.view()}
        </details>
    }
    .into_any()
}
