//! Permission sets: the list, and one of them.

pub mod change;
pub mod form;
pub mod people;
pub mod policy;

use domain::PageRequest;
use domain::access::Principal;
use domain::access::permission_sets::{
    PermissionSetInput, PermissionSetRow, PermissionSetView, PermissionSetsQuery, PermissionsBoundary, Place, Places,
};
use domain::authz::Action;
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{AccountTarget, PermissionSetId, UserId, t};

use self::form::friendly;
use super::user::history_card;
use super::{access, allowed};
use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::Answer;

/// The address of one.
pub fn place(id: PermissionSetId) -> String {
    format!("/admin/permission-sets/{id}")
}

/// What can be seen of one: itself, where it is assigned, and who has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Assignments,
    People,
}

/// The ways between a permission set and its access, for whoever may see that; none is open on the set itself.
pub fn tabs(cx: &Cx, id: PermissionSetId, open: Option<Tab>) -> Option<AnyView> {
    let place = place(id);
    let link = |this: Option<Tab>, href: String, label: &'static str| {
        view! { <a href=href aria-current=(this == open).then_some("page")>{label}</a> }
    };
    allowed(cx, Action::SeeAssignments).then(|| {
        view! {
            <nav class="tabs line" aria-label=t!("access.tab")>
                {link(None, place.clone(), t!("access.set"))}
                {link(Some(Tab::Assignments), format!("{place}/assignments"), t!("access.title"))}
                {link(Some(Tab::People), format!("{place}/people"), t!("sets.people"))}
            </nav>
        }
        .into_any()
    })
}

/// All permission sets.
pub async fn list(cx: Cx) -> Answer {
    let unused = cx.address.get("unused").unwrap_or_default().to_owned();
    let query = PermissionSetsQuery {
        search: cx.address.get("search").unwrap_or_default().to_owned(),
        unused_days: unused.parse().ok(),
        page: PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None },
    };
    let page = cx.services().permission_sets.list(cx.call(), &query).await?;
    // An address may ask for another number of days.
    let mut days = vec![30, 90, 180];
    days.extend(query.unused_days.filter(|asked| !days.contains(asked)));
    let days = days.into_iter().map(|days| (days.to_string(), t!("sets.unused-days", days = days)));
    let options = std::iter::once((String::new(), t!("filter.any").to_owned())).chain(days).collect();
    let filters = Filters::new(t!("sets.search"))
        .with("search", field("search", t!("filter.search")).kind("search").value(query.search).grow())
        .with("unused", field("unused", t!("sets.use")).value(unused).options(options));
    let may = allowed(&cx, Action::ManagePermissionSets);
    let body = if page.rows.is_empty() && cx.address.get("page").is_none() {
        if filters.active(&cx.address) {
            filtered_empty(t!("sets.none-found"), "/admin/permission-sets")
        } else {
            let create = may.then(|| (t!("sets.new").to_owned(), "/admin/permission-sets/new".to_owned()));
            empty(t!("sets.empty"), t!("sets.empty-text"), create)
        }
    } else {
        let counted = page.rows.iter().any(|row| row.assignments.is_some());
        let mut columns = vec![
            Column::new(t!("field.name")),
            Column::new(t!("field.description")).spare(),
            Column::new(t!("sets.session")),
        ];
        columns.extend(counted.then(|| Column::new(t!("sets.assignments"))));
        columns.push(Column::new(t!("sets.last-used")).spare());
        let mut table = Table::new(t!("sets.title"), columns);
        for row in &page.rows {
            table.row(set_row(&cx, row));
        }
        Pager::of(&page, "count.permission-sets").around(&cx.address, table.view(&cx.address))
    };
    let title = Title::new(t!("sets.title"));
    let title = if may { title.link(t!("sets.new"), "/admin/permission-sets/new") } else { title };
    let body = view! {
        {title.view()}
        {filters.view(&cx.address)}
        {body}
    };
    Ok(Page::admin(AdminTab::PermissionSets, t!("sets.title"), body))
}

fn set_row(cx: &Cx, row: &PermissionSetRow) -> AnyView {
    let input = row.set.to_input();
    let administrative =
        row.set.is_administrative().then(|| view! { " "{badge(Tone::Warn, t!("sets.administrative"))} });
    let assignments = row.assignments.map(|count| view! { <td>{grouped(count)}</td> });
    let used = match row.last_used_at {
        Some(at) => cx.clock.view(at),
        None => t!("users.never").into_any(),
    };
    view! {
        <tr>
            <th scope="row"><a href=place(row.id)>{input.name}</a>{administrative}</th>
            <td class="spare name"><div class="clamped">{text_or_dash(&input.description)}</div></td>
            <td>{friendly(&input.session_duration)}</td>
            {assignments}
            <td class="spare">{used}</td>
        </tr>
    }
    .into_any()
}

/// One permission set: what it is left, its history right.
pub async fn page(cx: Cx) -> Answer {
    let id: PermissionSetId = cx.id(2, t!("noun.permission-set"))?;
    let view = cx.services().permission_sets.get(cx.call(), id).await?;
    let input = view.row.set.to_input();
    let name = input.name.clone();
    let administrative = view.row.set.is_administrative().then(|| badge(Tone::Warn, t!("sets.administrative")));
    let mut title = Title::new(name.clone()).under(t!("sets.title"), "/admin/permission-sets");
    if let Some(administrative) = administrative {
        title = title.note(administrative);
    }
    if view.may_change {
        let link = |verb: &str, class: &'static str, label: &'static str| {
            view! { <a class=class href=format!("{}/{verb}", place(id))>{label}</a> }.into_any()
        };
        title = title
            .action(link("edit", "button primary", t!("user.edit")))
            .action(link("clone", "button", t!("sets.clone")))
            .action(link("delete", "button danger", t!("groups.delete")));
    }
    let history =
        if allowed(&cx, Action::SeeAudit) { Some(history_card(&cx, "target", &id.to_string()).await?) } else { None };
    let body = view! {
        {title.view()}
        {tabs(&cx, id, None)}
        <div class="detail">
            <div class="stack">
                {facts(&cx, &view, &input)}
                {assigned(&view)}
                {policies(&view, &input)}
                {inline_policy(&view, &input)}
            </div>
            {history}
        </div>
    };
    Ok(Page::admin(AdminTab::PermissionSets, name, body))
}

fn facts(cx: &Cx, view: &PermissionSetView, input: &PermissionSetInput) -> AnyView {
    let used = match view.row.last_used_at {
        Some(at) => cx.clock.view(at),
        None => t!("users.never").into_any(),
    };
    let tags = input
        .tags
        .iter()
        .map(|(key, value)| view! { <li><bdi>{key.clone()}</bdi>" = "<bdi>{value.clone()}</bdi></li> })
        .collect_view();
    let tags = if input.tags.is_empty() { text_or_dash("") } else { view! { <ul role="list">{tags}</ul> }.into_any() };
    let relay = view! { <bdi>{text_or_dash(&input.relay_state)}</bdi> };
    let facts = Facts::new()
        .with(t!("field.description"), text_or_dash(&input.description))
        .with(t!("field.session_duration"), friendly(&input.session_duration))
        .with(t!("field.relay_state"), relay)
        .with(t!("sets.fresh-short"), if input.require_fresh_factor { t!("yes") } else { t!("no") })
        .with(t!("field.tags"), tags)
        .with(t!("sets.last-used"), used)
        .with(t!("users.created"), cx.clock.view(view.row.created_at))
        .with(t!("user.id"), view! { <code>{view.row.id.to_string()}</code> });
    section(t!("user.facts"), None, facts.view())
}

/// Where it is assigned, for whoever may see all of that.
fn assigned(view: &PermissionSetView) -> Option<AnyView> {
    let places = view.places.as_ref()?;
    if places.assignments == 0 {
        let unassigned = view! { <p class="section-note">{t!("sets.unassigned")}</p> };
        return Some(section(t!("sets.assigned-in"), None, unassigned));
    }
    let note = t!(
        "sets.assigned-note",
        assignments = count("count.assignments", places.assignments),
        accounts = count("count.accounts", places.accounts)
    );
    let href = format!("{}/assignments", place(view.row.id));
    let all = view! { <a class="button compact" href=href>{t!("sets.all-assignments")}</a> };
    let body = view! {
        <p class="section-note">{note}</p>
        {first_places(view, places)}
    };
    Some(section(t!("sets.assigned-in"), Some(all.into_any()), body))
}

/// A few of the grants, and how many more there are.
fn first_places(view: &PermissionSetView, places: &Places) -> AnyView {
    let set = view.row.set.name().as_str();
    let items = places.first.iter().map(|place| granted(set, place)).collect_view();
    let rest = places.assignments.saturating_sub(places.first.len() as u64);
    let rest = (rest > 0).then(|| {
        let href = format!("{}/assignments", place(view.row.id));
        view! { <li><a href=href>{t!("sets.more", n = grouped(rest))}</a></li> }
    });
    view! { <ul class="items" role="list">{items}{rest}</ul> }.into_any()
}

/// To whom and for what; where it is one person, with the way to why.
fn granted(set: &str, place: &Place) -> AnyView {
    let (href, kind) = match place.principal {
        Principal::User(id) => (format!("/admin/users/{id}/access"), t!("noun.person")),
        Principal::Group(id) => (format!("/admin/groups/{id}/access"), t!("noun.group")),
    };
    let explain = match place.principal {
        Principal::User(id) => {
            let account = match &place.target {
                AccountTarget::Account(account) => account.to_string(),
                AccountTarget::Rule(_) => String::new(),
            };
            Some(explain_link(id, &account, set, &place.principal_name))
        }
        Principal::Group(_) => None,
    };
    view! {
        <li>
            <div>
                <a href=href><bdi>{place.principal_name.clone()}</bdi></a>" "<span class="muted small">{kind}</span>
                <div class="small">{access::target(&place.target, place.account_name.as_deref())}</div>
            </div>
            {explain}
        </li>
    }
    .into_any()
}

/// Why somebody has it; without an account, everywhere.
fn explain_link(user: UserId, account: &str, set: &str, name: &str) -> AnyView {
    let href = format!("/admin/explain?user={user}&account={account}&set={}", encode(set));
    view! { <a class="button compact" href=href>{t!("explain.do")}<span class="hidden-visually">" "{name.to_owned()}</span></a> }
        .into_any()
}

fn policies(view: &PermissionSetView, input: &PermissionSetInput) -> AnyView {
    let edit = view.may_change.then(|| {
        view! { <a class="button compact" href=format!("{}/edit", place(view.row.id))>{t!("user.edit")}</a> }.into_any()
    });
    let of_aws = input.managed_policies.iter().map(|arn| view! { <li><code>{arn.clone()}</code></li> }).collect_view();
    let own = input
        .customer_managed_policies
        .iter()
        .map(|policy| view! { <li><code>{format!("{}{}", policy.path, policy.name)}</code></li> })
        .collect_view();
    let list = |none: bool, items: AnyView| {
        if none { text_or_dash("") } else { view! { <ul role="list">{items}</ul> }.into_any() }
    };
    let boundary = match &input.permissions_boundary {
        None => text_or_dash(""),
        Some(PermissionsBoundary::ManagedPolicy(arn)) => view! { <code>{arn.clone()}</code> }.into_any(),
        Some(PermissionsBoundary::CustomerManagedPolicy(policy)) => {
            view! { <code>{format!("{}{}", policy.path, policy.name)}</code> }.into_any()
        }
    };
    let facts = Facts::new()
        .with(t!("field.managed_policies"), list(input.managed_policies.is_empty(), of_aws.into_any()))
        .with(t!("field.customer_managed_policies"), list(input.customer_managed_policies.is_empty(), own.into_any()))
        .with(t!("field.permissions_boundary"), boundary);
    section(t!("sets.policies"), edit, facts.view())
}

fn inline_policy(view: &PermissionSetView, input: &PermissionSetInput) -> AnyView {
    let href = format!("{}/policy", place(view.row.id));
    let label = if input.inline_policy.is_some() { t!("user.edit") } else { t!("policy.add") };
    let edit = view.may_change.then(|| view! { <a class="button compact" href=href>{label}</a> }.into_any());
    let body = match &input.inline_policy {
        Some(policy) => {
            let checked = policy.checked();
            let warned = (!checked.findings.is_empty()).then(|| policy::findings(&checked, policy.as_str()));
            view! { {warned}<pre class="json" tabindex="0"><code>{policy.as_str().to_owned()}</code></pre> }.into_any()
        }
        None => view! { <p class="section-note">{t!("policy.none")}</p> }.into_any(),
    };
    section(t!("field.inline_policy"), edit, body)
}
