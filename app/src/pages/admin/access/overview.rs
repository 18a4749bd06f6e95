//! All assignments: the list, those that end soon, and what was changed last.

use domain::access::assignments::{AppliedChange, GrantsFilter, GrantsOf, Purpose, Summary};
use domain::authz::Action;
use domain::{Error, PageRequest};
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{Timestamp, t};

use super::{Columns, SOON, allowed, assign_button, export_link, filter_of, grants, listed, page_request};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::form::{button_for, field, hidden};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::pager::Pager;
use crate::parts::tabs::tabs;
use crate::parts::title::Title;
use crate::shell::{Answer, Stop};

const LIST: &str = "/admin/assignments";
const EXPIRING: &str = "/admin/assignments/expiring";
const CHANGES: &str = "/admin/assignments/changes";
/// For how many days ahead one can look.
const DAYS: [u16; 5] = [1, 7, SOON, 30, 90];
/// The form that the boxes of the list belong to.
const RENEWAL: &str = "renewal";

/// One of the three pages.
fn page(cx: &Cx, open: &'static str, export: Option<AnyView>, body: AnyView) -> Page {
    let views = [(LIST, t!("access.all")), (EXPIRING, t!("access.ending")), (CHANGES, t!("access.changes"))]
        .map(|(href, label)| (href == open, href, label));
    let actions = view! { {export}{assign_button(cx, &[])} }.into_any();
    let title = views.iter().find(|(open, ..)| *open).map_or(t!("access.title"), |(.., label)| label);
    let window = if open == LIST { t!("access.title") } else { title };
    let body = view! {
        {Title::new(t!("access.title")).action(actions).view()}
        {tabs(t!("access.views"), views)}
        {body}
    };
    Page::admin(AdminTab::Assignments, window, body)
}

/// `/admin/assignments`
pub async fn overview(cx: Cx) -> Answer {
    let none = (t!("access.none"), t!("access.none-text"));
    let list = listed(&cx, GrantsOf::Everybody, Columns::ALL, none).await?;
    let one = PageRequest { size: Some(1), ..PageRequest::default() };
    let before = cx.call().now.plus(i64::from(SOON) * Timestamp::DAY);
    let assignments = &cx.services().assignments;
    let soon = assignments.list(cx.call(), GrantsOf::EndingBefore(before), &GrantsFilter::default(), &one).await?;
    let soon = soon.total.filter(|soon| *soon > 0).map(|soon| {
        let look = view! { <a class="button compact" href=EXPIRING>{t!("access.look")}</a> }.into_any();
        notice(Tone::Warn, count("count.ending-soon", soon), Some(look))
    });
    let filter = filter_of(&cx);
    let export = export_link(&[("whom", &filter.whom), ("account", &filter.account), ("set", &filter.set)]);
    Ok(page(&cx, LIST, Some(export), view! { {soon}{list} }.into_any()))
}

/// `/admin/assignments/expiring`: what ends soon, to be renewed one by one, ticked, or all at once.
pub async fn expiring(cx: Cx) -> Answer {
    let days = days_of(&cx)?;
    let filter = filter_of(&cx);
    let before = cx.call().now.plus(i64::from(days) * Timestamp::DAY);
    let found =
        cx.services().assignments.list(cx.call(), GrantsOf::EndingBefore(before), &filter, &page_request(&cx)).await?;
    let columns = Columns { ticks: Some(RENEWAL), ..Columns::ALL };
    let options = DAYS.map(|days| (days.to_string(), count("count.days", u64::from(days)))).to_vec();
    let within = field("days", t!("access.within")).options(options).value(days.to_string());
    let filters = columns.filters(&cx);
    let searched = filters.active(&cx.address);
    let filters = filters.with("days", within);
    let list = if found.rows.is_empty() && cx.address.get("page").is_none() {
        let within = count("count.days", u64::from(days));
        if searched {
            filtered_empty(t!("access.no-grant-found"), EXPIRING)
        } else {
            empty(t!("access.ending-none", days = within), t!("access.ending-none-text"), None)
        }
    } else {
        let table = grants(&cx, t!("access.ending"), &found.rows, columns);
        let list = Pager::of(&found, "count.assignments").around(&cx.address, table);
        let may = allowed(&cx, Action::Assign).then(|| renewal(&cx, days, found.total));
        view! { {list}{may} }.into_any()
    };
    let days = days.to_string();
    let export =
        export_link(&[("ending", &days), ("whom", &filter.whom), ("account", &filter.account), ("set", &filter.set)]);
    Ok(page(&cx, EXPIRING, Some(export), view! { {filters.view(&cx.address)}{list} }.into_any()))
}

/// How many days ahead the address looks.
fn days_of(cx: &Cx) -> Result<u16, Stop> {
    match cx.address.get("days").map(str::parse) {
        None => Ok(SOON),
        Some(Ok(days)) => Ok(days),
        Some(Err(_)) => Err(Error::invalid("days", t!("refused.number")).into()),
    }
}

/// The form that renews what is ticked, or all that the list shows on all of its pages.
fn renewal(cx: &Cx, days: u16, total: Option<u64>) -> AnyView {
    let filter = filter_of(cx);
    let wrong = cx.error_of("pick").map(|error| view! { <p class="error">{error}</p> });
    let all = total.filter(|all| *all > 1).map(|all| {
        view! { <button name="all" value="on">{t!("access.renew-all", n = grouped(all))}</button> }
    });
    view! {
        <form id=RENEWAL class="bar" method="post" action="/actions/assignments/renew">
            {hidden("days", days.to_string())}
            {hidden("whom", filter.whom)}
            {hidden("account", filter.account)}
            {hidden("set", filter.set)}
            {hidden("next", cx.address.text())}
            {wrong}
            <button>{t!("access.renew-ticked")}</button>
            {all}
        </form>
    }
    .into_any()
}

/// `/admin/assignments/changes`: what was applied, the last first.
pub async fn changes(cx: Cx) -> Answer {
    let found = cx.services().assignments.changes(cx.call(), &page_request(&cx)).await?;
    let list = if found.rows.is_empty() && cx.address.get("page").is_none() {
        empty(t!("access.changes-none"), t!("access.changes-none-text"), None)
    } else {
        let items = found.rows.iter().map(|change| applied(&cx, change)).collect_view();
        let list = view! { <div class="card"><ul class="items" role="list">{items}</ul></div> }.into_any();
        Pager::of(&found, "count.changes").around(&cx.address, list)
    };
    Ok(page(&cx, CHANGES, None, list))
}

fn applied(cx: &Cx, change: &AppliedChange) -> AnyView {
    let here = cx.address.text();
    let said = sentence(&change.summary);
    let undo = change.may_undo.then(|| {
        let values = [("change", change.id.as_str()), ("next", here.as_str())];
        button_for("/actions/assignments/undo", &values, t!("notice.undo"), said.clone(), "compact")
    });
    let undone = change.undone_at.map(|_| view! { " "{badge(Tone::Plain, t!("access.undone"))} });
    let reason = (!change.summary.reason.is_empty())
        .then(|| view! { <div class="small"><bdi>{change.summary.reason.clone()}</bdi></div> });
    let numbers = {
        let summary = &change.summary;
        let many = summary.creates + summary.updates + summary.deletes;
        t!("access.numbers", grants = count("count.assignments", many), people = count("count.people", summary.people))
    };
    view! {
        <li>
            <div>
                <bdi>{said}</bdi>{undone}
                {reason}
                <div class="muted small">{numbers}" · "<bdi>{change.actor.clone()}</bdi>", "{cx.clock.view(change.at)}</div>
            </div>
            {undo}
        </li>
    }
    .into_any()
}

/// "`ReadOnly` given to Engineers and 2 more in Production (111122223333)".
fn sentence(summary: &Summary) -> String {
    let list = |(names, all): &(Vec<String>, u64)| {
        let more = all.saturating_sub(names.len() as u64);
        let names = names.join(", ");
        if more == 0 { names } else { t!("access.and-more", names = names, n = grouped(more)) }
    };
    let (sets, whom, accounts) = (list(&summary.sets), list(&summary.principals), list(&summary.accounts));
    match summary.purpose {
        Purpose::Grant => t!("access.granted", sets = sets, whom = whom, accounts = accounts),
        Purpose::Revoke => t!("access.revoked", sets = sets, whom = whom, accounts = accounts),
        Purpose::Alter => t!("access.altered", sets = sets, whom = whom, accounts = accounts),
    }
}
