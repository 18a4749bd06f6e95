//! One entry of the audit log: what happened, before and after, its place in the chain, and what else the request did.

use domain::audit::entry::EntryInFull;
use domain::audit::log::Entry;
use leptos::prelude::*;
use model::words::{grouped, look_up};
use model::{AuditId, t};
use serde_json::Value;

use crate::address::{Address, encode};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::browser::browser_name;
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::history::{actor_name, event_name, history};
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::Answer;

/// `/admin/audit/{id}`
pub async fn page(cx: Cx) -> Answer {
    let id: AuditId = cx.id(2, t!("noun.entry"))?;
    let found = cx.services().audit.get(cx.call(), id).await?;
    let title = event_name(&found.entry.action);
    let head = Title::new(title.clone())
        .note(view! { <bdi>{actor_name(&found.entry)}</bdi>" · "{cx.clock.view(found.entry.time)} })
        .under(t!("audit.title"), "/admin/audit");
    let body = view! {
        {head.view()}
        <div class="detail">
            <div class="stack">
                {section(t!("audit.entry"), None, facts(&cx, &found))}
                {section(t!("audit.changes"), None, changes(&found.entry))}
            </div>
            <div class="stack">
                {companions(&cx, &found)}
                {section(t!("audit.chain"), None, chain(&found))}
            </div>
        </div>
    };
    Ok(Page::admin(AdminTab::Audit, title, body))
}

fn facts(cx: &Cx, found: &EntryInFull) -> AnyView {
    let entry = &found.entry;
    let code = |text: &str| view! { <code>{text.to_owned()}</code> };
    let outcome = if entry.outcome == "success" {
        badge(Tone::Good, t!("audit.success"))
    } else {
        badge(Tone::Bad, t!("audit.failure"))
    };
    let kind_of = |kind: &str| look_up(&format!("actor.{kind}")).map_or_else(|| kind.to_owned(), str::to_owned);
    let actor = named(
        actor_name(entry),
        entry.actor.id.clone().unwrap_or_else(|| kind_of(&entry.actor.kind)),
        entry.actor.id.as_deref().filter(|_| found.actor_exists).and_then(|id| page_of("user", id)),
    );
    let target = entry.target.as_ref().map(|target| {
        let name = if target.name.is_empty() { target.kind.clone() } else { target.name.clone() };
        let detail = format!("{} {}", target.kind, target.id);
        named(name, detail, page_of(&target.kind, &target.id).filter(|_| found.target_exists))
    });
    let browser = found.user_agent.as_deref().map(|agent| {
        let (name, whole) = (browser_name(Some(agent)), agent.to_owned());
        view! { {name}<span class="sub">{whole}</span> }
    });
    Facts::new()
        .with(t!("audit.outcome"), outcome)
        .with_some(t!("audit.reason"), entry.reason.clone())
        .with(t!("audit.action"), code(&entry.action))
        .with(t!("audit.actor"), actor)
        .with_some(t!("audit.target"), target)
        .with(t!("audit.time"), cx.clock.view_exact(entry.time))
        .with_some(t!("audit.source"), entry.source.as_deref().map(code))
        .with_some(t!("audit.browser"), browser)
        .with_some(t!("audit.credential"), entry.credential_id.as_deref().map(code))
        .with(t!("audit.request"), code(&entry.request_id))
        .with(t!("audit.id"), code(&entry.id))
        .with_some(t!("audit.personal"), entry.erased.then(|| t!("audit.erased")))
        .view()
}

/// A name, as a link where it leads somewhere, with what identifies it below.
fn named(name: String, detail: String, href: Option<String>) -> AnyView {
    let name = match href {
        Some(href) => view! { <a href=href><bdi>{name}</bdi></a> }.into_any(),
        None => view! { <bdi>{name}</bdi> }.into_any(),
    };
    view! { {name}<span class="sub mono">{detail}</span> }.into_any()
}

/// The page of what an entry is about.
fn page_of(kind: &str, id: &str) -> Option<String> {
    match kind {
        "user" => Some(format!("/admin/users/{id}")),
        "group" => Some(format!("/admin/groups/{id}")),
        "account" => Some(format!("/admin/accounts/{id}")),
        "application" => Some(format!("/admin/applications/{id}")),
        "permissionSet" => Some(format!("/admin/permission-sets/{id}")),
        "webhook" => Some(super::streams::STREAMS.to_owned()),
        "settings" => Some("/admin/settings".to_owned()),
        _ => None,
    }
}

fn chain(found: &EntryInFull) -> AnyView {
    let proof = if found.proven { badge(Tone::Good, t!("audit.proven")) } else { badge(Tone::Bad, t!("audit.broken")) };
    let place = u64::try_from(found.place).unwrap_or_default();
    let hint = (!found.proven).then(|| view! { <p class="section-note">{t!("audit.broken-hint")}</p> });
    let facts = Facts::new()
        .with(t!("audit.place"), grouped(place))
        .with(t!("audit.node"), view! { <code>{found.node.clone()}</code> })
        .with(t!("audit.hash"), view! { <code>{found.hash.clone()}</code> })
        .with(t!("audit.proof"), proof);
    view! { {facts.view()}{hint} }.into_any()
}

/// What else the same request did.
fn companions(cx: &Cx, found: &EntryInFull) -> AnyView {
    let all = format!("/admin/audit?request={}", encode(&found.entry.request_id));
    let all = view! { <a class="button compact" href=all>{t!("audit.request-all")}</a> }.into_any();
    if found.of_request.is_empty() {
        let none = view! { <p class="section-note">{t!("audit.request-alone")}</p> };
        return section(t!("audit.request-others"), None, none);
    }
    section(t!("audit.request-others"), Some(all), history(cx, &found.of_request))
}

/// A field that changed: its name, and its value before and after.
type Changed<'a> = (&'a str, &'a Value, &'a Value);

/// Fields with before and after, and whatever else is said about a change.
fn split(changes: &Value) -> (Vec<Changed<'_>>, Vec<(&str, &Value)>) {
    let (mut changed, mut others) = (Vec::new(), Vec::new());
    for (name, value) in changes.as_object().into_iter().flatten() {
        let both = value
            .as_object()
            .filter(|both| !both.is_empty() && both.keys().all(|side| matches!(side.as_str(), "from" | "to")));
        match both {
            Some(both) => {
                let side = |side: &str| both.get(side).unwrap_or(&Value::Null);
                changed.push((name.as_str(), side("from"), side("to")));
            }
            None => others.push((name.as_str(), value)),
        }
    }
    (changed, others)
}

fn changes(entry: &Entry) -> AnyView {
    let (changed, others) = split(&entry.changes);
    if changed.is_empty() && others.is_empty() {
        let text = if entry.erased { t!("audit.erased-text") } else { t!("audit.no-changes") };
        return view! { <p class="section-note">{text}</p> }.into_any();
    }
    let table = (!changed.is_empty()).then(|| {
        let columns =
            vec![Column::new(t!("audit.field")), Column::new(t!("audit.before")), Column::new(t!("audit.after"))];
        let mut table = Table::new(t!("audit.changes"), columns);
        for (name, before, after) in changed {
            table.row(view! {
                <tr>
                    <th scope="row"><code>{name.to_owned()}</code></th>
                    <td><del>{value(before)}</del></td>
                    <td><ins>{value(after)}</ins></td>
                </tr>
            });
        }
        table.view(&Address::default())
    });
    let others = (!others.is_empty()).then(|| {
        let facts =
            others.into_iter().fold(Facts::new(), |facts, (name, said)| facts.with(name.to_owned(), value(said)));
        facts.view()
    });
    view! { <div class="stack">{table}{others}</div> }.into_any()
}

/// A value as people read it.
fn value(value: &Value) -> AnyView {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some(t!("yes").to_owned()),
        Value::Bool(false) => Some(t!("no").to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    };
    if let Some(text) = plain(value) {
        return view! { <bdi>{text_or_dash(&text)}</bdi> }.into_any();
    }
    let list: Option<Vec<String>> = value.as_array().and_then(|items| items.iter().map(plain).collect());
    match list {
        Some(items) if items.is_empty() => text_or_dash(""),
        Some(items) => view! { <bdi>{items.join(", ")}</bdi> }.into_any(),
        None => {
            let text = serde_json::to_string_pretty(value).unwrap_or_default();
            view! { <pre class="json"><code>{text}</code></pre> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_two_sides_is_a_change_and_the_rest_is_said() {
        let changes = json!({
            "email": { "from": "a@x", "to": "b@x" },
            "preferences": { "to": { "theme": "dark" } },
            "session": "5",
            "odd": { "from": 1, "until": 2 },
            "none": {},
        });
        let (changed, others) = split(&changes);
        let names: Vec<_> = changed.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, ["email", "preferences"]);
        assert_eq!(changed[1].1, &Value::Null);
        let names: Vec<_> = others.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["none", "odd", "session"]);
        assert!(split(&Value::Null).0.is_empty() && split(&json!("text")).1.is_empty());
    }
}
