//! The audit log: search, the way to each entry, and to the export.

use domain::audit::log::{AuditQuery, Entry};
use domain::{Error, PageRequest};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use leptos::prelude::*;
use model::{Timestamp, t};

use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::history::{actor_name, event_name, place, target_name, who_and_what};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::Title;
use crate::shell::Answer;

/// Reads what a `datetime-local` field sends, or a bare date, in the reader's zone.
fn moment(text: Option<&str>, zone: &TimeZone, field: &'static str) -> Result<Option<Timestamp>, Error> {
    let Some(text) = text else { return Ok(None) };
    let civil: DateTime = text
        .parse()
        .or_else(|_| text.parse::<jiff::civil::Date>().map(|date| date.at(0, 0, 0, 0)))
        .map_err(|_| Error::invalid(field, t!("refused.moment")))?;
    let zoned = civil.to_zoned(zone.clone()).map_err(|_| Error::invalid(field, t!("refused.moment")))?;
    Ok(Some(Timestamp(zoned.timestamp().as_millisecond())))
}

fn query(cx: &Cx) -> Result<AuditQuery, Error> {
    let text = |key: &str| cx.address.get(key).unwrap_or_default().to_owned();
    Ok(AuditQuery {
        since: moment(cx.address.get("since"), cx.clock.zone(), "since")?,
        until: moment(cx.address.get("until"), cx.clock.zone(), "until")?,
        actor: text("actor"),
        target: text("target"),
        action: text("action"),
        request: text("request"),
        outcome: cx
            .address
            .get("outcome")
            .filter(|outcome| matches!(*outcome, "success" | "failure"))
            .map(str::to_owned),
        page: PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None },
    })
}

/// `/admin/audit`
pub async fn page(cx: Cx) -> Answer {
    let query = query(&cx)?;
    let page = cx.services().audit.search(cx.call(), &query).await?;
    let value = |key: &str| cx.address.get(key).unwrap_or_default().to_owned();
    let outcomes = [("", t!("filter.any")), ("success", t!("audit.success")), ("failure", t!("audit.failure"))]
        .map(|(value, label)| (value.to_owned(), label.to_owned()));
    let filters = Filters::new(t!("audit.search"))
        .with("actor", field("actor", t!("audit.actor")).value(value("actor")))
        .with("target", field("target", t!("audit.target")).value(value("target")))
        .with("action", field("action", t!("audit.action")).value(value("action")))
        .with("request", field("request", t!("audit.request")).value(value("request")))
        .with("outcome", field("outcome", t!("audit.outcome")).value(value("outcome")).options(outcomes.to_vec()))
        .with("since", field("since", t!("audit.since")).kind("datetime-local").value(value("since")))
        .with("until", field("until", t!("audit.until")).kind("datetime-local").value(value("until")));
    let list = if page.rows.is_empty() && cx.address.get("page").is_none() {
        if filters.active(&cx.address) {
            filtered_empty(t!("audit.none-found"), "/admin/audit")
        } else {
            empty(t!("audit.empty"), t!("audit.empty-text"), None)
        }
    } else {
        let columns = vec![
            Column::new(t!("audit.time")).spare(),
            Column::new(t!("audit.action")),
            Column::new(t!("audit.actor")).spare(),
            Column::new(t!("audit.target")).spare(),
            Column::new(t!("audit.source")).spare(),
        ];
        let mut table = Table::new(t!("audit.title"), columns);
        for entry in &page.rows {
            table.row(row(&cx, entry));
        }
        Pager::of(&page, "count.entries").around(&cx.address, table.view(&cx.address))
    };
    let export = format!("/admin/audit/export{}", export_query(&query));
    let title = Title::new(t!("audit.title"))
        .note(t!("audit.note"))
        .action(view! { <a class="button" href=export download="audit.jsonl">{t!("audit.export")}</a> }.into_any());
    let body = view! { {title.view()} {filters.view(&cx.address)} {list} };
    Ok(Page::admin(AdminTab::Audit, t!("audit.title"), body))
}

/// The same search for the export, with moments in UTC.
fn export_query(query: &AuditQuery) -> String {
    let moment = |at: Option<Timestamp>| at.map(|at| crate::parts::time::moment(at).to_string()).unwrap_or_default();
    let pairs = [
        ("since", moment(query.since)),
        ("until", moment(query.until)),
        ("actor", query.actor.clone()),
        ("target", query.target.clone()),
        ("action", query.action.clone()),
        ("request", query.request.clone()),
        ("outcome", query.outcome.clone().unwrap_or_default()),
    ];
    let parts: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", encode(value)))
        .collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

fn row(cx: &Cx, entry: &Entry) -> AnyView {
    let failed = (entry.outcome != "success").then(|| view! { " "{badge(Tone::Bad, t!("audit.failure"))} });
    let target = entry.target.as_ref().map(|target| {
        view! { <bdi>{target_name(target)}</bdi><span class="sub">{target.kind.clone()}</span> }
    });
    view! {
        <tr>
            <td class="spare nowrap">{cx.clock.view_exact(entry.time)}</td>
            <th scope="row">
                <a href=place(entry)>{event_name(&entry.action)}</a>{failed}
                <span class="sub in-brief">{cx.clock.view_exact(entry.time)}</span>
                <span class="sub in-brief">{who_and_what(cx, entry)}</span>
            </th>
            <td class="spare name"><bdi>{actor_name(entry)}</bdi></td>
            <td class="spare name">{target}</td>
            <td class="spare mono">{entry.source.clone()}</td>
        </tr>
    }
    .into_any()
}
