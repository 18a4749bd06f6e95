//! Who may go where, seen from a person, a group, an account and a permission set; and the overview of assignments.

mod of_account;
mod of_holder;
mod overview;

use domain::PageRequest;
use domain::access::Principal;
use domain::access::assignments::{GrantRow, GrantsFilter, GrantsOf, Via};
use domain::authz::Action;
use leptos::prelude::*;
use model::{AccountTarget, Timestamp, t};

pub use of_account::{account_links, of_account, people_of_account};
pub use of_holder::{of_group, of_set, of_user};
pub use overview::{changes, expiring, overview};

use super::allowed;
use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::filter::Filters;
use crate::parts::form::{button, button_for, field};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::shell::Stop;

/// Where all assignments, or a part of them, come as a table for other programs.
const EXPORT: &str = "/admin/assignments/export";
/// What ends within this many days is shown as ending soon.
const SOON: u16 = 14;

fn page_request(cx: &Cx) -> PageRequest {
    PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None }
}

/// A form that begins to assign, for something that is known already, and comes back here.
pub fn assign_button(cx: &Cx, values: &[(&'static str, &str)]) -> Option<AnyView> {
    let here = cx.address.text();
    let values: Vec<(&'static str, &str)> = values.iter().copied().chain([("next", here.as_str())]).collect();
    allowed(cx, Action::Assign).then(|| button("/actions/assignments/begin", &values, t!("access.assign"), "primary"))
}

/// The way to what somebody or something can reach, for the page at `place`.
pub fn access_link(cx: &Cx, place: &str) -> Option<AnyView> {
    allowed(cx, Action::SeeAssignments)
        .then(|| view! { <a class="button" href=format!("{place}/access")>{t!("access.tab")}</a> }.into_any())
}

/// The link to a list as a table; the query says which.
fn export_link(query: &[(&str, &str)]) -> AnyView {
    let pairs: Vec<String> = query
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let href = if pairs.is_empty() { EXPORT.to_owned() } else { format!("{EXPORT}?{}", pairs.join("&")) };
    view! { <a class="button" href=href download="">{t!("access.export")}</a> }.into_any()
}

/// What the search over grants asks for.
fn filter_of(cx: &Cx) -> GrantsFilter {
    let text = |name: &str| cx.address.get(name).unwrap_or_default().to_owned();
    GrantsFilter { whom: text("whom"), account: text("account"), set: text("set") }
}

/// Which columns a list of grants has: what the page is about needs none.
#[derive(Clone, Copy)]
struct Columns {
    account: bool,
    principal: bool,
    set: bool,
    /// A box before each line, of the form with this id.
    ticks: Option<&'static str>,
}

impl Columns {
    const ALL: Self = Self { account: true, principal: true, set: true, ticks: None };

    /// The search over what the columns show.
    fn filters(self, cx: &Cx) -> Filters {
        let filter = filter_of(cx);
        let mut filters = Filters::new(t!("access.search-grants"));
        for (shown, name, label, value) in [
            (self.principal, "whom", t!("access.whom"), filter.whom),
            (self.account, "account", t!("access.account"), filter.account),
            (self.set, "set", t!("access.set"), filter.set),
        ] {
            if shown {
                filters = filters.with(name, field(name, label).kind("search").value(value));
            }
        }
        filters
    }
}

/// A list of grants with its search, or what stands there instead of it.
async fn listed(cx: &Cx, of: GrantsOf, columns: Columns, none: (&'static str, &'static str)) -> Result<AnyView, Stop> {
    let page = cx.services().assignments.list(cx.call(), of, &filter_of(cx), &page_request(cx)).await?;
    let filters = columns.filters(cx);
    if page.rows.is_empty() && cx.address.get("page").is_none() {
        return Ok(if filters.active(&cx.address) {
            let list = filtered_empty(t!("access.no-grant-found"), cx.address.path());
            view! { {filters.view(&cx.address)}{list} }.into_any()
        } else {
            empty(none.0, none.1, None)
        });
    }
    let table = grants(cx, t!("access.title"), &page.rows, columns);
    let list = Pager::of(&page, "count.assignments").around(&cx.address, table);
    Ok(view! { {filters.view(&cx.address)}{list} }.into_any())
}

/// A table of grants with what can be done about each.
fn grants(cx: &Cx, label: &'static str, rows: &[GrantRow], columns: Columns) -> AnyView {
    let may = rows.iter().any(|row| row.may_change);
    let ticks = columns.ticks.filter(|_| may);
    let mut heads = Vec::new();
    if ticks.is_some() {
        heads.push(Column::new(t!("access.tick")).unseen());
    }
    for (shown, head) in [
        (columns.principal, t!("access.whom")),
        (columns.set, t!("access.set")),
        (columns.account, t!("access.account")),
    ] {
        if shown {
            heads.push(Column::new(head));
        }
    }
    heads.push(Column::new(t!("access.until")));
    heads.push(Column::new(t!("access.reason")).spare());
    if may {
        heads.push(Column::new(t!("groups.actions")).unseen());
    }
    let mut table = Table::new(label, heads).stacked();
    for (at, row) in rows.iter().enumerate() {
        let tick = ticks.map(|form| {
            let name = of_in(row);
            let id = row.id.to_string();
            let tick = row.may_change.then(|| {
                view! { <input type="checkbox" form=form name=format!("pick[{at}]") value=id aria-label=name/> }
            });
            view! { <td class="tick">{tick}</td> }
        });
        let whom = columns.principal.then(|| view! { <td class="name">{principal(row)}</td> });
        let set = columns.set.then(|| {
            let href = format!("/admin/permission-sets/{}", row.set);
            view! { <td><a href=href><bdi>{row.set_name.clone()}</bdi></a></td> }
        });
        let account =
            columns.account.then(|| view! { <td class="name">{target(&row.target, row.account.as_deref())}</td> });
        let buttons = may.then(|| view! { <td class="end">{row.may_change.then(|| change_buttons(cx, row))}</td> });
        let reason = (!row.reason.is_empty())
            .then(|| view! { <div class="in-brief muted small"><bdi>{row.reason.clone()}</bdi></div> });
        table.row(view! {
            <tr>
                {tick}{whom}{set}{account}
                <td>{until(cx, row.expires)}{reason}</td>
                <td class="spare"><bdi>{row.reason.clone()}</bdi>{given(cx, row)}</td>
                {buttons}
            </tr>
        });
    }
    table.view(&cx.address)
}

/// "`ReadOnly` of alice in 111122223333".
fn of_in(row: &GrantRow) -> String {
    t!("access.of-in", set = row.set_name, whom = row.named.name, account = row.target)
}

/// Who gave it, and when.
fn given(cx: &Cx, row: &GrantRow) -> AnyView {
    let by = (!row.created_by.is_empty()).then(|| view! { <bdi>{row.created_by.clone()}</bdi>", " });
    view! { <div class="muted small">{by}{cx.clock.view(row.created_at)}</div> }.into_any()
}

fn change_buttons(cx: &Cx, row: &GrantRow) -> AnyView {
    change_forms(cx, &row.id.to_string(), &of_in(row), row.expires.is_some())
}

/// The buttons that let a grant end later, or now.
fn change_forms(cx: &Cx, id: &str, whom: &str, ends: bool) -> AnyView {
    let here = cx.address.text();
    let button = |purpose: &'static str, label: &'static str| {
        let values = [("id", id), ("purpose", purpose), ("next", here.as_str())];
        button_for("/actions/assignments/change", &values, label, whom.to_owned(), "compact")
    };
    let renew = ends.then(|| button("alter", t!("access.renew")));
    view! { <div class="row">{renew}{button("revoke", t!("access.remove"))}</div> }.into_any()
}

/// An account by name and number, or a rule.
fn target(target: &AccountTarget, name: Option<&str>) -> AnyView {
    match target {
        AccountTarget::Account(id) => {
            let name = name.map(|name| view! { <bdi>{name.to_owned()}</bdi>" " });
            view! { <a href=format!("/admin/accounts/{id}")>{name}<code>{id.to_string()}</code></a> }.into_any()
        }
        AccountTarget::Rule(rule) => {
            view! { <code>{rule.to_string()}</code><div class="muted small">{t!("access.rule")}</div> }.into_any()
        }
    }
}

fn principal(row: &GrantRow) -> AnyView {
    let name = row.named.name.clone();
    let state = row.named.inactive.as_deref().map(|status| {
        let text = if status == "disabled" { t!("status.disabled") } else { t!("status.invited") };
        view! { " "{badge(Tone::Warn, text)} }
    });
    match row.principal {
        Principal::User(id) => {
            view! { <a href=format!("/admin/users/{id}/access")><bdi>{name}</bdi></a>{state} }.into_any()
        }
        Principal::Group(id) => {
            view! { <a href=format!("/admin/groups/{id}/access")><bdi>{name}</bdi></a>" "<span class="muted small">{t!("noun.group")}</span> }
                .into_any()
        }
    }
}

fn until(cx: &Cx, expires: Option<Timestamp>) -> AnyView {
    match expires {
        None => view! { <span class="muted">{t!("access.no-end")}</span> }.into_any(),
        Some(end) if end <= cx.call().now => badge(Tone::Bad, t!("access.ended")),
        Some(end) if end.since(cx.call().now) <= i64::from(SOON) * Timestamp::DAY => {
            view! { <span class="badge warn">{cx.clock.view(end)}</span> }.into_any()
        }
        Some(end) => cx.clock.view(end),
    }
}

/// The link that says why somebody may use a set in an account.
fn why(user: impl std::fmt::Display, account: impl std::fmt::Display, set: &str, whom: String) -> AnyView {
    let href = format!("/admin/explain?user={user}&account={account}&set={}", encode(set));
    view! { <a class="small" href=href>{t!("access.why")}<span class="hidden-visually">" "{whom}</span></a> }.into_any()
}

/// The grants that lead to something, each with what can be done about it.
fn ways(cx: &Cx, via: &[Via]) -> AnyView {
    let ways = via
        .iter()
        .map(|way| {
            let through = match &way.group {
                Some((id, name)) => {
                    view! { <a href=format!("/admin/groups/{id}/access")><bdi>{name.clone()}</bdi></a> }.into_any()
                }
                None => t!("access.direct").into_any(),
            };
            let rule = matches!(way.target, AccountTarget::Rule(_))
                .then(|| view! { " "<code class="small">{way.target.to_string()}</code> });
            let end = way.expires.map(|_| view! { " "{until(cx, way.expires)} });
            let what = way.group.as_ref().map_or_else(|| t!("access.direct").to_owned(), |(_, name)| name.clone());
            let change =
                way.may_change.then(|| change_forms(cx, &way.assignment.to_string(), &what, way.expires.is_some()));
            view! { <li><div>{through}{rule}{end}</div>{change}</li> }
        })
        .collect_view();
    view! { <ul class="items" role="list">{ways}</ul> }.into_any()
}
