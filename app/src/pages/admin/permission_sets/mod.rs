//! Permission sets: the list, one of them, and the forms around it.

pub mod form;
pub mod policy;

use domain::access::permission_sets::{
    JobFunction, PermissionSetInput, PermissionSetRow, PermissionSetView, PermissionSetsQuery, PermissionsBoundary,
    Places,
};
use domain::authz::{Action, Resource, authorize};
use domain::{Error, PageRequest};
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{PermissionSetId, t};

use self::form::{Written, Wrong, fields, friendly};
use super::allowed;
use super::user::history_card;
use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::confirm::Confirm;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::filter::Filters;
use crate::parts::form::{field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::Answer;

/// The address of one.
pub fn place(id: PermissionSetId) -> String {
    format!("/admin/permission-sets/{id}")
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
    let days = ["30", "90", "180"].map(|days| (days.to_owned(), t!("sets.unused-days", days = days)));
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
            <td class="spare">{text_or_dash(&input.description)}</td>
            <td>{friendly(&input.session_duration)}</td>
            {assignments}
            <td class="spare">{used}</td>
        </tr>
    }
    .into_any()
}

/// A new one: first what it begins with, then its form.
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManagePermissionSets, Resource::Organisation)?;
    let Some(from) = cx.address.get("from") else { return Ok(choose()) };
    let input = JobFunction::named(from).map_or_else(|| PermissionSetInput::named(""), JobFunction::input);
    let description = JobFunction::named(from).map(does).unwrap_or_default().to_owned();
    Ok(create_form(&Written::of(&PermissionSetInput { description, ..input }), &Vec::new(), None))
}

fn choose() -> Page {
    let ready = JobFunction::ALL
        .map(|function| {
            let href = format!("/admin/permission-sets/new?from={}", encode(function.name()));
            let administrative = (function == JobFunction::AdministratorAccess)
                .then(|| view! { " "{badge(Tone::Warn, t!("sets.administrative"))} });
            view! {
                <li>
                    <div>
                        <a href=href>{function.name()}</a>{administrative}
                        <div class="muted small">{does(function)}</div>
                    </div>
                </li>
            }
        })
        .into_iter()
        .collect_view();
    let body = view! {
        {Title::new(t!("sets.new")).under(t!("sets.title"), "/admin/permission-sets").view()}
        {section(
            t!("sets.from-nothing"),
            Some(view! { <a class="button primary" href="/admin/permission-sets/new?from=nothing">{t!("sets.from-nothing-do")}</a> }.into_any()),
            view! { <p class="section-note">{t!("sets.from-nothing-text")}</p> },
        )}
        {section(
            t!("sets.from-job"),
            None,
            view! { <p class="section-note">{t!("sets.from-job-text")}</p><ul class="items" role="list">{ready}</ul> },
        )}
    };
    Page::admin(AdminTab::PermissionSets, t!("sets.new"), body)
}

/// What a ready-made permission set is for.
fn does(function: JobFunction) -> &'static str {
    match function {
        JobFunction::AdministratorAccess => t!("job.administrator"),
        JobFunction::PowerUserAccess => t!("job.power-user"),
        JobFunction::ReadOnlyAccess => t!("job.read-only"),
        JobFunction::ViewOnlyAccess => t!("job.view-only"),
        JobFunction::Billing => t!("job.billing"),
        JobFunction::DataScientist => t!("job.data-scientist"),
        JobFunction::DatabaseAdministrator => t!("job.database"),
        JobFunction::NetworkAdministrator => t!("job.network"),
        JobFunction::SecurityAudit => t!("job.security-audit"),
        JobFunction::SupportUser => t!("job.support"),
        JobFunction::SystemAdministrator => t!("job.system"),
    }
}

fn said(refused: Option<&str>) -> Option<AnyView> {
    refused.map(|why| notice(Tone::Bad, why.to_owned(), None))
}

/// The form of a new one; `refused`: why it was not created.
pub fn create_form(written: &Written, wrong: &Wrong, refused: Option<&str>) -> Page {
    let body = view! {
        {Title::new(t!("sets.new")).under(t!("sets.title"), "/admin/permission-sets").view()}
        {said(refused)}
        <form class="form wide card" method="post" action="/actions/permission-sets/create">
            {fields(written, wrong, true)}
            <p class="section-note">{t!("sets.policy-later")}</p>
            <div class="row">{primary(t!("sets.create"))}<a class="button quiet" href="/admin/permission-sets">{t!("cancel")}</a></div>
        </form>
    };
    Page::admin(AdminTab::PermissionSets, t!("sets.new"), body)
}

/// The form of one that is there.
pub async fn edit(cx: Cx) -> Answer {
    let view = changeable(&cx).await?;
    let written = Written::of(&view.row.set.to_input());
    Ok(edit_form(&view, view.version, &written, &Vec::new(), None))
}

/// The form of one that is there; `refused`: why it was not saved.
pub fn edit_form(
    view: &PermissionSetView,
    version: i64,
    written: &Written,
    wrong: &Wrong,
    refused: Option<&str>,
) -> Page {
    let (id, name) = (view.row.id, view.row.set.name().to_string());
    let title = t!("users.edit", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, place(id)).view()}
        {said(refused)}
        <form class="form wide card" method="post" action="/actions/permission-sets/update">
            {hidden("id", id.to_string())}
            {hidden("version", version.to_string())}
            {fields(written, wrong, false)}
            <div class="row">{primary(t!("users.save"))}<a class="button quiet" href=place(id)>{t!("cancel")}</a></div>
        </form>
    };
    Page::admin(AdminTab::PermissionSets, title, body)
}

async fn changeable(cx: &Cx) -> Result<PermissionSetView, Error> {
    let id: PermissionSetId = cx.id(2, t!("noun.permission-set"))?;
    let view = cx.services().permission_sets.get(cx.call(), id).await?;
    if view.may_change { Ok(view) } else { Err(Error::forbidden()) }
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
        return Some(section(
            t!("sets.assigned-in"),
            None,
            view! { <p class="section-note">{t!("sets.unassigned")}</p> },
        ));
    }
    let note = t!(
        "sets.assigned-note",
        assignments = count("count.assignments", places.assignments),
        accounts = count("count.accounts", places.accounts)
    );
    Some(section(t!("sets.assigned-in"), None, view! { <p class="section-note">{note}</p>{first_places(places)} }))
}

fn first_places(places: &Places) -> AnyView {
    let items = places.first.iter().map(|place| view! { <li><bdi>{place.to_string()}</bdi></li> }).collect_view();
    let rest = places.assignments.saturating_sub(places.first.len() as u64);
    let rest = (rest > 0).then(|| view! { <li class="muted">{t!("sets.more", n = grouped(rest))}</li> });
    view! { <ul class="items" role="list">{items}{rest}</ul> }.into_any()
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

/// The same under another name.
pub async fn duplicate(cx: Cx) -> Answer {
    let view = changeable(&cx).await?;
    let (id, name) = (view.row.id, view.row.set.name().to_string());
    let title = t!("sets.clone-title", name = name);
    let name_field = field("name", t!("sets.clone-name"))
        .hint(t!("sets.name-hint"))
        .value(cx.typed("name").unwrap_or_default())
        .error(cx.error_of("name"))
        .length(1, 32)
        .focus();
    let body = view! {
        {Title::new(title.clone()).note(t!("sets.clone-text")).under(name, place(id)).view()}
        <form class="form card" method="post" action="/actions/permission-sets/clone">
            {hidden("id", id.to_string())}
            {name_field.view()}
            <div class="row">{primary(t!("sets.clone-do"))}<a class="button quiet" href=place(id)>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::PermissionSets, title, body))
}

/// Before one is deleted; where it is assigned, what stands in the way.
pub async fn delete(cx: Cx) -> Answer {
    let view = changeable(&cx).await?;
    let (id, name) = (view.row.id, view.row.set.name().to_string());
    let title = t!("confirm.set.title", name = name);
    if let Some(places) = view.places.as_ref().filter(|places| places.assignments > 0) {
        let why = t!(
            "confirm.set.assigned",
            assignments = count("count.assignments", places.assignments),
            accounts = count("count.accounts", places.accounts)
        );
        let body = view! {
            {Title::new(title.clone()).under(name, place(id)).view()}
            {notice(Tone::Warn, why, None)}
            <div class="card">{first_places(places)}</div>
            <div class="row"><a class="button" href=place(id)>{t!("sets.back")}</a></div>
        };
        return Ok(Page::admin(AdminTab::PermissionSets, title, body));
    }
    let body = Confirm::new(title.clone(), "/actions/permission-sets/delete", t!("confirm.set.do"))
        .effect(t!("confirm.set.effect"))
        .typed(name.clone(), t!("confirm.delete.type", name = name), cx.error_of("name"))
        .with("id", id.to_string())
        .view(name, &place(id));
    Ok(Page::admin(AdminTab::PermissionSets, title, body))
}
