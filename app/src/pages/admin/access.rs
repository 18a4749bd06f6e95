//! Who may go where, seen from a person, a group, an account and a permission set; and the overview of assignments.

use domain::PageRequest;
use domain::access::Principal;
use domain::access::assignments::{AccessOfPerson, AppliedChange, GrantRow, GrantsOf, Purpose, Summary, Via};
use domain::authz::Action;
use leptos::prelude::*;
use model::words::count;
use model::{AccountId, AccountTarget, GroupId, PermissionSetId, Timestamp, UserId, t};

use super::{allowed, permission_sets};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::filter::Filters;
use crate::parts::form::{button, button_for, field};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// What ends within this time is shown as ending soon.
const SOON: i64 = 14 * Timestamp::DAY;
/// Rows of the short lists of the overview.
const FEW: u32 = 5;

fn page_request(cx: &Cx) -> PageRequest {
    PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None }
}

/// A form that begins to assign, for something that is known already.
pub fn assign_button(cx: &Cx, values: &[(&'static str, &str)]) -> Option<AnyView> {
    allowed(cx, Action::Assign).then(|| button("/actions/assignments/begin", values, t!("access.assign"), "primary"))
}

/// The way to what somebody or something can reach, for the page at `place`.
pub fn access_link(cx: &Cx, place: &str) -> Option<AnyView> {
    allowed(cx, Action::SeeAssignments)
        .then(|| view! { <a class="button" href=format!("{place}/access")>{t!("access.tab")}</a> }.into_any())
}

/// `/admin/assignments`
pub async fn overview(cx: Cx) -> Answer {
    let assignments = &cx.services().assignments;
    let few = PageRequest { size: Some(FEW), ..PageRequest::default() };
    let all = assignments.list(cx.call(), GrantsOf::Everybody, &page_request(&cx)).await?;
    let first = cx.address.get("page").is_none();
    let mut above = Vec::new();
    if first {
        let changes = assignments.changes(cx.call(), &few).await?;
        let soon = GrantsOf::EndingBefore(cx.call().now.plus(SOON));
        let soon = assignments.list(cx.call(), soon, &few).await?;
        if !changes.rows.is_empty() {
            above.push(last_changes(&cx, &changes.rows));
        }
        if !soon.rows.is_empty() {
            let table = grants(&cx, t!("access.ending"), &soon.rows, Columns::ALL);
            above.push(section(t!("access.ending"), None, table));
        }
    }
    let list = if all.rows.is_empty() && first {
        empty(t!("access.none"), t!("access.none-text"), None)
    } else {
        let table = grants(&cx, t!("access.title"), &all.rows, Columns::ALL);
        Pager::of(&all, "count.assignments").around(&cx.address, table)
    };
    let export = view! { <a class="button" href=EXPORT download="">{t!("access.export")}</a> };
    let actions = view! { {export}{assign_button(&cx, &[])} }.into_any();
    let body = view! {
        {Title::new(t!("access.title")).action(actions).view()}
        <div class="stack wide">{above}{list}</div>
    };
    Ok(Page::admin(AdminTab::Assignments, t!("access.title"), body))
}

/// Where all assignments, or a part of them, come as a table for other programs.
pub const EXPORT: &str = "/admin/assignments/export";

fn last_changes(cx: &Cx, changes: &[AppliedChange]) -> AnyView {
    let items = changes
        .iter()
        .map(|change| {
            let undo = change.may_undo.then(|| {
                let values = [("change", change.id.as_str())];
                button_for(
                    "/actions/assignments/undo",
                    &values,
                    t!("notice.undo"),
                    sentence(&change.summary),
                    "compact",
                )
            });
            let undone = change.undone_at.map(|_| view! { " "{badge(Tone::Plain, t!("access.undone"))} });
            let reason = (!change.summary.reason.is_empty())
                .then(|| view! { <div class="muted small"><bdi>{change.summary.reason.clone()}</bdi></div> });
            view! {
                <li>
                    <div>
                        {sentence(&change.summary)}{undone}
                        <div class="muted small"><bdi>{change.actor.clone()}</bdi>", "{cx.clock.view(change.at)}</div>
                        {reason}
                    </div>
                    {undo}
                </li>
            }
        })
        .collect_view();
    section(t!("access.changes"), None, view! { <ul class="items" role="list">{items}</ul> })
}

/// "`ReadOnly` for Engineers and 2 more in Production".
fn sentence(summary: &Summary) -> String {
    let list = |(names, all): &(Vec<String>, u64)| {
        let more = all.saturating_sub(names.len() as u64);
        let names = names.join(", ");
        if more == 0 { names } else { t!("access.and-more", names = names, n = model::words::grouped(more)) }
    };
    let (sets, whom, accounts) = (list(&summary.sets), list(&summary.principals), list(&summary.accounts));
    match summary.purpose {
        Purpose::Grant => t!("access.granted", sets = sets, whom = whom, accounts = accounts),
        Purpose::Revoke => t!("access.revoked", sets = sets, whom = whom, accounts = accounts),
        Purpose::Alter => t!("access.altered", sets = sets, whom = whom, accounts = accounts),
    }
}

/// Which columns a list of grants has: what the page is about needs none.
#[derive(Clone, Copy)]
struct Columns {
    account: bool,
    principal: bool,
    set: bool,
}

impl Columns {
    const ALL: Self = Self { account: true, principal: true, set: true };
}

/// A table of grants with what can be done about each.
fn grants(cx: &Cx, label: &'static str, rows: &[GrantRow], columns: Columns) -> AnyView {
    let mut heads = Vec::new();
    if columns.account {
        heads.push(Column::new(t!("access.account")));
    }
    if columns.principal {
        heads.push(Column::new(t!("access.whom")));
    }
    if columns.set {
        heads.push(Column::new(t!("access.set")));
    }
    heads.push(Column::new(t!("access.until")));
    heads.push(Column::new(t!("access.reason")).spare());
    let may = rows.iter().any(|row| row.may_change);
    if may {
        heads.push(Column::new(t!("groups.actions")).unseen());
    }
    let mut table = Table::new(label, heads);
    for row in rows {
        let account = columns.account.then(|| view! { <td>{target(&row.target, row.account.as_deref())}</td> });
        let whom = columns.principal.then(|| view! { <td>{principal(row)}</td> });
        let set = columns
            .set
            .then(|| view! { <td><a href=format!("/admin/permission-sets/{}", row.set)><bdi>{row.set_name.clone()}</bdi></a></td> });
        let buttons = may.then(|| view! { <td class="end">{row.may_change.then(|| change_buttons(row))}</td> });
        table.row(view! {
            <tr>
                {account}{whom}{set}
                <td>{until(cx, row.expires)}</td>
                <td class="spare"><bdi>{row.reason.clone()}</bdi></td>
                {buttons}
            </tr>
        });
    }
    table.view(&cx.address)
}

fn change_buttons(row: &GrantRow) -> AnyView {
    let id = row.id.to_string();
    let whom = t!("access.of-in", set = row.set_name, whom = row.named.name, account = row.target);
    let button = |purpose: &'static str, label: &'static str| {
        let values = [("id", id.as_str()), ("purpose", purpose)];
        button_for("/actions/assignments/change", &values, label, whom.clone(), "compact")
    };
    let renew = row.expires.map(|_| button("alter", t!("access.renew")));
    view! { <div class="row">{renew}{button("revoke", t!("access.remove"))}</div> }.into_any()
}

/// An account by name and number, or a rule.
pub fn target(target: &AccountTarget, name: Option<&str>) -> AnyView {
    match target {
        AccountTarget::Account(id) => {
            let name = name.map(|name| view! { <bdi>{name.to_owned()}</bdi>" " });
            view! { <a href=format!("/admin/accounts/{id}")>{name}<code>{id.to_string()}</code></a> }.into_any()
        }
        AccountTarget::Rule(rule) => {
            view! { <code>{rule.to_string()}</code>" "<span class="muted small">{t!("access.rule")}</span> }.into_any()
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
        Some(end) if end.since(cx.call().now) <= SOON => {
            view! { <span class="badge warn">{cx.clock.view(end)}</span> }.into_any()
        }
        Some(end) => cx.clock.view(end),
    }
}

/// `/admin/users/{id}/access`
pub async fn of_user(cx: Cx) -> Answer {
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let person = cx.services().people.get(cx.call(), id).await?;
    let search = cx.address.get("search").unwrap_or_default();
    let page = cx.services().assignments.access_of(cx.call(), id, search, &page_request(&cx)).await?;
    let name = person.row.user_name.clone();
    let up = format!("/admin/users/{id}");
    let value = search.to_owned();
    let filters = Filters::new(t!("access.search"))
        .with("search", field("search", t!("filter.search")).kind("search").value(value).grow());
    let list = if page.rows.is_empty() && filters.active(&cx.address) {
        filtered_empty(t!("access.none-found"), format!("{up}/access"))
    } else if page.rows.is_empty() {
        empty(t!("access.person-none"), t!("access.person-none-text"), None)
    } else {
        let table = reached(&cx, id, &page.rows);
        Pager::of(&page, "count.access").around(&cx.address, table)
    };
    let state = (person.row.status != domain::identity::people::Status::Active).then(|| {
        let text = match person.row.status {
            domain::identity::people::Status::Disabled => t!("access.person-disabled"),
            _ => t!("access.person-invited"),
        };
        view! { <p class="section-note">{text}</p> }
    });
    let user = id.to_string();
    let export = format!("{EXPORT}?user={id}");
    let actions = view! { <a class="button" href=export download="">{t!("access.export")}</a>{assign_button(&cx, &[("user", &user)])} };
    let title = t!("access.of", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, up).action(actions.into_any()).view()}
        {state}
        {filters.view(&cx.address)}
        {list}
    };
    Ok(Page::admin(AdminTab::Users, title, body))
}

fn reached(cx: &Cx, user: UserId, rows: &[AccessOfPerson]) -> AnyView {
    let columns = vec![Column::new(t!("access.account")), Column::new(t!("access.set")), Column::new(t!("access.via"))];
    let mut table = Table::new(t!("access.tab"), columns);
    for row in rows {
        let explain =
            format!("/admin/explain?user={user}&account={}&set={}", row.account, crate::address::encode(&row.set_name));
        table.row(view! {
            <tr>
                <th scope="row">{target(&AccountTarget::Account(row.account), Some(&row.account_name))}</th>
                <td><a href=explain><bdi>{row.set_name.clone()}</bdi></a></td>
                <td>{ways(cx, &row.via)}</td>
            </tr>
        });
    }
    table.view(&cx.address)
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
            let id = way.assignment.to_string();
            let what = way.group.as_ref().map_or_else(|| t!("access.direct").to_owned(), |(_, name)| name.clone());
            let change = |purpose: &'static str, label: &'static str| {
                let values = [("id", id.as_str()), ("purpose", purpose)];
                button_for("/actions/assignments/change", &values, label, what.clone(), "compact quiet")
            };
            let renew = (way.may_change && way.expires.is_some()).then(|| change("alter", t!("access.renew")));
            let remove = way.may_change.then(|| change("revoke", t!("access.remove")));
            view! { <li><div>{through}{rule}{end}</div><div class="row">{renew}{remove}</div></li> }
        })
        .collect_view();
    view! { <ul class="items" role="list">{ways}</ul> }.into_any()
}

/// `/admin/groups/{id}/access`
pub async fn of_group(cx: Cx) -> Answer {
    let id: GroupId = cx.id(2, t!("noun.group"))?;
    let group = cx.services().groups.get(cx.call(), id).await?;
    let list = listed(
        &cx,
        GrantsOf::Principal(Principal::Group(id)),
        Columns { principal: false, ..Columns::ALL },
        (t!("access.group-none"), t!("access.group-none-text")),
    )
    .await?;
    let name = group.row.name.clone();
    let title = t!("access.of", name = name);
    let value = id.to_string();
    let title_view = Title::new(title.clone())
        .under(name, format!("/admin/groups/{id}"))
        .note(t!("access.group-note", members = count("count.members", group.row.members)));
    let title_view = match assign_button(&cx, &[("group", &value)]) {
        Some(assign) => title_view.action(assign),
        None => title_view,
    };
    Ok(Page::admin(AdminTab::Groups, title, view! { {title_view.view()}{list} }))
}

/// `/admin/permission-sets/{id}/assignments`
pub async fn of_set(cx: Cx) -> Answer {
    let id: PermissionSetId = cx.id(2, t!("noun.permission-set"))?;
    let name = cx.services().assignments.set_name(cx.call(), id).await?;
    let list = listed(
        &cx,
        GrantsOf::PermissionSet(id),
        Columns { set: false, ..Columns::ALL },
        (t!("access.set-none"), t!("access.set-none-text")),
    )
    .await?;
    let title = t!("access.set-of", name = name);
    let value = id.to_string();
    let title_view = Title::new(title.clone()).under(name, format!("/admin/permission-sets/{id}"));
    let title_view = match assign_button(&cx, &[("set", &value)]) {
        Some(assign) => title_view.action(assign),
        None => title_view,
    };
    let tabs = permission_sets::tabs(&cx, id, Some(permission_sets::Tab::Assignments));
    Ok(Page::admin(AdminTab::PermissionSets, title, view! { {title_view.view()}{tabs}{list} }))
}

/// `/admin/accounts/{id}/assignments`
pub async fn of_account(cx: Cx) -> Answer {
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let name = cx.services().assignments.account_name(cx.call(), id).await?;
    let list =
        listed(&cx, GrantsOf::Account(id), Columns::ALL, (t!("access.account-none"), t!("access.account-none-text")))
            .await?;
    let title = t!("access.account-of", name = name);
    let body = view! {
        {account_title(&cx, id, &title, name)}
        {account_tabs(id, false)}
        {list}
    };
    Ok(Page::admin(AdminTab::Accounts, title, body))
}

/// `/admin/accounts/{id}/people`
pub async fn people_of_account(cx: Cx) -> Answer {
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let assignments = &cx.services().assignments;
    let name = assignments.account_name(cx.call(), id).await?;
    let people = assignments.people_of(cx.call(), id, &page_request(&cx)).await?;
    let list = if people.rows.is_empty() && cx.address.get("page").is_none() {
        empty(t!("access.nobody"), t!("access.nobody-text"), None)
    } else {
        let columns =
            vec![Column::new(t!("field.username")), Column::new(t!("access.set")), Column::new(t!("access.via"))];
        let mut table = Table::new(t!("access.people"), columns);
        for person in &people.rows {
            for (at, set) in person.sets.iter().enumerate() {
                let explain = format!(
                    "/admin/explain?user={}&account={id}&set={}",
                    person.user,
                    crate::address::encode(&set.set_name)
                );
                let who = if at == 0 {
                    let href = format!("/admin/users/{}/access", person.user);
                    view! { <th scope="row"><a href=href><bdi>{person.user_name.clone()}</bdi></a><div class="muted small"><bdi>{person.display_name.clone()}</bdi></div></th> }
                        .into_any()
                } else {
                    view! { <td><span class="hidden-visually"><bdi>{person.user_name.clone()}</bdi></span></td> }
                        .into_any()
                };
                table.row(view! {
                    <tr>
                        {who}
                        <td><a href=explain><bdi>{set.set_name.clone()}</bdi></a></td>
                        <td>{ways(&cx, &set.via)}</td>
                    </tr>
                });
            }
        }
        Pager::of(&people, "count.people").around(&cx.address, table.view(&cx.address))
    };
    let title = t!("access.people-of", name = name);
    let body = view! {
        {account_title(&cx, id, &title, name)}
        {account_tabs(id, true)}
        {list}
    };
    Ok(Page::admin(AdminTab::Accounts, title, body))
}

fn account_title(cx: &Cx, id: AccountId, title: &str, name: String) -> AnyView {
    let value = id.to_string();
    let export = format!("{EXPORT}?account={id}");
    let actions = view! { <a class="button" href=export download="">{t!("access.export")}</a>{assign_button(cx, &[("account", &value)])} };
    Title::new(title.to_owned()).under(name, format!("/admin/accounts/{id}")).action(actions.into_any()).view()
}

/// The ways from an account to its access.
pub fn account_links(id: AccountId) -> AnyView {
    tabs_of_account(id, None)
}

fn account_tabs(id: AccountId, people: bool) -> AnyView {
    tabs_of_account(id, Some(people))
}

/// The account itself, and the two views of its access.
fn tabs_of_account(id: AccountId, open: Option<bool>) -> AnyView {
    let link = |this: Option<bool>, href: String, label: &'static str| {
        view! { <a href=href aria-current=(this == open).then_some("page")>{label}</a> }
    };
    view! {
        <nav class="tabs line" aria-label=t!("access.tab")>
            {link(None, format!("/admin/accounts/{id}"), t!("access.facts"))}
            {link(Some(false), format!("/admin/accounts/{id}/assignments"), t!("access.title"))}
            {link(Some(true), format!("/admin/accounts/{id}/people"), t!("access.people"))}
        </nav>
    }
    .into_any()
}

async fn listed(cx: &Cx, of: GrantsOf, columns: Columns, none: (&'static str, &'static str)) -> Result<AnyView, Stop> {
    let page = cx.services().assignments.list(cx.call(), of, &page_request(cx)).await?;
    if page.rows.is_empty() && cx.address.get("page").is_none() {
        return Ok(empty(none.0, none.1, None));
    }
    let table = grants(cx, t!("access.title"), &page.rows, columns);
    Ok(Pager::of(&page, "count.assignments").around(&cx.address, table))
}
