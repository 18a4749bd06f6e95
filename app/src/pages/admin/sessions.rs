//! All sessions that live, or those of one person.

use domain::PageRequest;
use domain::authz::Action;
use leptos::prelude::*;
use model::{UserId, t};

use super::allowed;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::browser::browser_name;
use crate::parts::empty::empty;
use crate::parts::form::{button, button_for};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::Title;
use crate::shell::Answer;

/// `/admin/sessions`
pub async fn page(cx: Cx) -> Answer {
    let of: Option<UserId> = cx.address.get("user").and_then(|user| user.parse().ok());
    let request = PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None };
    let page = cx.services().sessions.list(cx.call(), of, &request).await?;
    let may = allowed(&cx, Action::EndSessions);
    let here = cx.address.text();
    let mut columns = vec![
        Column::new(t!("field.username")),
        Column::new(t!("sessions.browser")).spare(),
        Column::new(t!("sessions.address")).spare(),
        Column::new(t!("sessions.signed-in")).spare(),
        Column::new(t!("sessions.seen")),
        Column::new(t!("sessions.until")).spare(),
    ];
    if may {
        columns.push(Column::new(t!("groups.actions")).unseen());
    }
    let mut table = Table::new(t!("sessions.title"), columns);
    for session in &page.rows {
        let browser = browser_name(session.user_agent.as_deref());
        let end = may.then(|| {
            let action = if session.current {
                badge(Tone::Accent, t!("session.this"))
            } else {
                let whom = format!("{}, {browser}", session.user_name);
                button_for(
                    "/actions/sessions/end",
                    &[("id", &session.id.to_string()), ("next", &here)],
                    t!("session.end"),
                    whom,
                    "compact",
                )
            };
            view! { <td class="end">{action}</td> }
        });
        let address = session.source.clone().unwrap_or_else(|| t!("session.no-address").to_owned());
        let strong = (!session.strong).then(|| view! { <span class="sub">{t!("sessions.no-factor")}</span> });
        table.row(view! {
            <tr>
                <th scope="row">
                    <a href=format!("/admin/users/{}", session.user)><bdi>{session.user_name.clone()}</bdi></a>
                    <span class="sub in-brief">{browser.clone()}" · "<span class="mono">{address.clone()}</span></span>
                </th>
                <td class="spare">{browser}{strong}</td>
                <td class="spare mono">{address}</td>
                <td class="spare">{cx.clock.view(session.signed_in_at)}</td>
                <td>{cx.clock.view(session.last_seen_at)}</td>
                <td class="spare">{cx.clock.view(session.expires_at)}</td>
                {end}
            </tr>
        });
    }
    let list = if page.rows.is_empty() && cx.address.get("page").is_none() {
        empty(t!("sessions.empty"), t!("sessions.empty-text"), None)
    } else {
        Pager::of(&page, "count.sessions").around(&cx.address, table.view(&cx.address))
    };
    let title = Title::new(t!("sessions.title"));
    let title = match of {
        Some(user) => {
            let name = page.rows.first().map(|session| session.user_name.clone()).unwrap_or_default();
            let end = (may && !page.rows.is_empty()).then(|| {
                button("/actions/users/end-sessions", &[("id", &user.to_string())], t!("user.end-sessions"), "danger")
            });
            let title = title.note(t!("sessions.of", name = name)).under(t!("sessions.all"), "/admin/sessions");
            match end {
                Some(end) => title.action(end),
                None => title,
            }
        }
        None => title.note(t!("sessions.note")),
    };
    let body = view! { {title.view()} {list} };
    Ok(Page::admin(AdminTab::Sessions, t!("sessions.title"), body))
}
