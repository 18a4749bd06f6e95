//! Applications: the list, one application with whom it is assigned to, and the forms around them.

use domain::access::Principal;
use domain::access::applications::{Application, ApplicationStatus, ApplicationView, Assigned};
use domain::authz::{Action, Resource, authorize};
use domain::identity::people::PeopleQuery;
use domain::{Error, PageRequest};
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{ApplicationId, t};

use super::allowed;
use super::user::history_card;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::confirm::Confirm;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::filter::Filters;
use crate::parts::form::{button_for, check, field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

const LIST: &str = "/admin/applications";

fn place(id: ApplicationId) -> String {
    format!("{LIST}/{id}")
}

fn search(cx: &Cx, label: &'static str) -> Filters {
    let value = cx.address.get("search").unwrap_or_default().to_owned();
    Filters::new(label).with("search", field("search", t!("filter.search")).kind("search").value(value).grow())
}

/// What is unusual about an application.
fn badges(application: &Application) -> AnyView {
    let disabled = (application.status == ApplicationStatus::Disabled)
        .then(|| view! { " "{badge(Tone::Bad, t!("applications.disabled"))} });
    let unseen = (!application.visible).then(|| view! { " "{badge(Tone::Plain, t!("applications.unseen"))} });
    let url = application.start_url.is_empty().then(|| view! { " "{badge(Tone::Warn, t!("applications.no-url"))} });
    view! { {disabled}{unseen}{url} }.into_any()
}

/// All applications.
pub async fn list(cx: Cx) -> Answer {
    let request = PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None };
    let searched = cx.address.get("search").unwrap_or_default();
    let page = cx.services().applications.list(cx.call(), searched, &request).await?;
    let filters = search(&cx, t!("applications.search"));
    let may = allowed(&cx, Action::ManageApplications);
    let body = if page.rows.is_empty() && cx.address.get("page").is_none() {
        if filters.active(&cx.address) {
            filtered_empty(t!("applications.none-found"), LIST)
        } else {
            let create = may.then(|| (t!("applications.new").to_owned(), format!("{LIST}/new")));
            empty(t!("applications.empty"), t!("applications.empty-text"), create)
        }
    } else {
        let columns = vec![
            Column::new(t!("field.name")),
            Column::new(t!("field.description")).spare(),
            Column::new(t!("applications.assigned")),
        ];
        let mut table = Table::new(t!("applications.title"), columns);
        for row in &page.rows {
            let application = &row.application;
            let assigned =
                if application.everyone { t!("applications.everyone").to_owned() } else { grouped(row.assigned) };
            table.row(view! {
                <tr>
                    <th scope="row">
                        <a href=place(row.id)><bdi>{application.name.to_string()}</bdi></a>
                        {badges(application)}
                    </th>
                    <td class="spare name"><div class="clamped"><bdi>{text_or_dash(&application.description)}</bdi></div></td>
                    <td>{assigned}</td>
                </tr>
            });
        }
        Pager::of(&page, "count.applications").around(&cx.address, table.view(&cx.address))
    };
    let title = Title::new(t!("applications.title"));
    let title = if may { title.link(t!("applications.new"), format!("{LIST}/new")) } else { title };
    let body = view! { {title.view()} {filters.view(&cx.address)} {body} };
    Ok(Page::admin(AdminTab::Applications, t!("applications.title"), body))
}

/// A new application.
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageApplications, Resource::Organisation)?;
    let body = view! {
        {Title::new(t!("applications.new")).under(t!("applications.title"), LIST).view()}
        <form class="form card" method="post" action="/actions/applications/create">
            {fields(&cx, None)}
            <div class="row">{primary(t!("applications.create"))}<a class="button quiet" href=LIST>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Applications, t!("applications.new"), body))
}

/// Another state of an application.
pub async fn edit(cx: Cx) -> Answer {
    let (id, view) = changeable(&cx).await?;
    let name = view.application.name.to_string();
    let title = t!("applications.edit", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, place(id)).view()}
        <form class="form card" method="post" action="/actions/applications/update">
            {hidden("id", id.to_string())}
            {hidden("version", view.version.to_string())}
            {fields(&cx, Some(&view.application))}
            <div class="row">{primary(t!("accounts.save"))}<a class="button quiet" href=place(id)>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Applications, title, body))
}

/// The application in the address, for who may change it.
async fn changeable(cx: &Cx) -> Result<(ApplicationId, ApplicationView), Stop> {
    authorize(cx.call(), Action::ManageApplications, Resource::Organisation)?;
    let id: ApplicationId = cx.id(2, t!("noun.application"))?;
    let view = cx.services().applications.get(cx.call(), id).await?;
    if view.may_change { Ok((id, view)) } else { Err(Error::forbidden().into()) }
}

fn fields(cx: &Cx, application: Option<&Application>) -> AnyView {
    let value = |name: &str, is: fn(&Application) -> String| match cx.typed(name) {
        Some(typed) => typed.to_owned(),
        None => application.map(is).unwrap_or_default(),
    };
    let name = field("name", t!("field.name"))
        .value(value("name", |application| application.name.to_string()))
        .error(cx.error_of("name"))
        .length(1, 100);
    let name = if application.is_none() && cx.flash.is_none() { name.focus() } else { name };
    let description = field("description", t!("field.description"))
        .value(value("description", |application| application.description.clone()))
        .error(cx.error_of("description"))
        .length(0, 128)
        .optional();
    let url = field("start_url", t!("field.start_url"))
        .kind("url")
        .hint(t!("applications.url-hint"))
        .value(value("start_url", |application| application.start_url.clone()))
        .error(cx.error_of("start_url"))
        .length(0, 512)
        .optional();
    let tick = |name: &'static str, label: &'static str, hint: &'static str, is: bool| {
        let ticked = cx.typed(name).map_or(is, |typed| !typed.is_empty());
        check(name, label, Some(hint.to_owned()), ticked)
    };
    let enabled = application.is_none_or(|application| application.status == ApplicationStatus::Enabled);
    let visible = application.is_none_or(|application| application.visible);
    let everyone = application.is_some_and(|application| application.everyone);
    view! {
        {name.view()}
        {description.view()}
        {url.view()}
        {tick("enabled", t!("applications.enabled"), t!("applications.enabled-hint"), enabled)}
        {tick("visible", t!("applications.visible"), t!("applications.visible-hint"), visible)}
        {tick("everyone", t!("applications.everyone-label"), t!("applications.everyone-hint"), everyone)}
    }
    .into_any()
}

/// One application: what it is and whom it is assigned to left, history right.
pub async fn page(cx: Cx) -> Answer {
    let id: ApplicationId = cx.id(2, t!("noun.application"))?;
    let applications = &cx.services().applications;
    let view = applications.get(cx.call(), id).await?;
    let request = PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None };
    let assigned_to = applications.assigned(cx.call(), id, &request).await?;
    let name = view.application.name.to_string();
    let title = Title::new(name.clone()).under(t!("applications.title"), LIST);
    let title = if view.may_change {
        title
            .action(
                view! {
                    <a class="button" href=format!("{}/edit", place(id))>{t!("accounts.change")}</a>
                    <a class="button danger" href=format!("{}/delete", place(id))>{t!("accounts.delete")}</a>
                }
                .into_any(),
            )
            .link(t!("applications.assign"), format!("{}/assign", place(id)))
    } else {
        title
    };
    let body = view! {
        {title.view()}
        <div class="detail">
            <div class="stack">
                {section(t!("applications.facts"), None, facts(&cx, &view))}
                {section(t!("applications.assigned"), None, assigned(&cx, &view, &assigned_to))}
            </div>
            <div class="stack">
                {history_card(&cx, "target", &id.to_string()).await?}
            </div>
        </div>
    };
    Ok(Page::admin(AdminTab::Applications, name, body))
}

fn facts(cx: &Cx, view: &ApplicationView) -> AnyView {
    let application = &view.application;
    let url = if application.start_url.is_empty() {
        t!("applications.no-url").into_any()
    } else {
        let href = application.start_url.clone();
        view! { <a href=href rel="noreferrer">{application.start_url.clone()}</a> }.into_any()
    };
    let yes = |on: bool| if on { t!("yes") } else { t!("no") };
    let saml = if application.saml.is_null() { t!("applications.saml-none") } else { t!("applications.saml-stored") };
    Facts::new()
        .with(t!("field.description"), view! { <bdi>{text_or_dash(&application.description)}</bdi> })
        .with(t!("field.start_url"), url)
        .with(t!("applications.enabled"), yes(application.status == ApplicationStatus::Enabled))
        .with(t!("applications.visible"), yes(application.visible))
        .with(t!("applications.everyone-label"), yes(application.everyone))
        .with(t!("applications.saml"), saml)
        .with(t!("users.created"), cx.clock.view(view.created_at))
        .with(t!("user.id"), view! { <code>{view.id.to_string()}</code> })
        .view()
}

fn assigned(cx: &Cx, view: &ApplicationView, page: &domain::Page<Assigned>) -> AnyView {
    let note =
        view.application.everyone.then(|| view! { <p class="section-note">{t!("applications.everyone-note")}</p> });
    if view.assigned == 0 {
        let nobody = (!view.application.everyone)
            .then(|| view! { <p class="section-note">{t!("applications.assigned-nobody")}</p> });
        return view! { {note}{nobody} }.into_any();
    }
    let items = page
        .rows
        .iter()
        .map(|one| {
            let (href, kind) = match one.principal {
                Principal::Group(group) => (format!("/admin/groups/{group}"), t!("applications.group")),
                Principal::User(user) => (format!("/admin/users/{user}"), t!("applications.person")),
            };
            let remove = view.may_change.then(|| {
                let here = cx.address.text();
                let action = "/actions/applications/unassign";
                change(view.id, one.principal, &one.name, &here, action, t!("applications.remove"))
            });
            view! {
                <li>
                    <div><a href=href><bdi>{one.name.clone()}</bdi></a>" "<span class="muted small">{kind}</span></div>
                    {remove}
                </li>
            }
        })
        .collect_view();
    let list = view! { <ul class="items" role="list">{items}</ul> }.into_any();
    view! { {note}{Pager::of(page, "count.assignments").around(&cx.address, list)} }.into_any()
}

/// The button that assigns or takes away.
fn change(
    id: ApplicationId,
    principal: Principal,
    name: &str,
    next: &str,
    action: &'static str,
    label: &'static str,
) -> AnyView {
    let (id, who) = (id.to_string(), principal.id());
    let values = [("id", id.as_str()), ("kind", principal.kind()), ("who", &who), ("name", name), ("next", next)];
    button_for(action, &values, label, name, "compact")
}

/// People and groups to whom it could be assigned; of each so many as fit, whoever wants others searches.
pub async fn assign(cx: Cx) -> Answer {
    let (id, view) = changeable(&cx).await?;
    let searched = cx.address.get("search").unwrap_or_default().to_owned();
    let size = PageRequest { cursor: None, size: Some(20) };
    let groups = cx.services().groups.list(cx.call(), &searched, &size).await?;
    let query = PeopleQuery { search: searched, page: size, ..PeopleQuery::default() };
    let people = cx.services().people.list(cx.call(), &query).await?;
    let here = cx.address.text();
    let offered = groups.rows.iter().map(|row| Principal::Group(row.id));
    let offered: Vec<Principal> = offered.chain(people.rows.iter().map(|row| Principal::User(row.id))).collect();
    let assigned = cx.services().applications.assigned_among(cx.call(), id, &offered).await?;
    let item = |principal: Principal, name: &str, beside: String| {
        let (action, label) = if assigned.contains(&principal) {
            ("/actions/applications/unassign", t!("applications.remove"))
        } else {
            ("/actions/applications/assign", t!("applications.assign"))
        };
        let button = change(id, principal, name, &here, action, label);
        view! {
            <li>
                <div><bdi>{name.to_owned()}</bdi>" "<span class="muted small"><bdi>{beside}</bdi></span></div>
                {button}
            </li>
        }
        .into_any()
    };
    let of_groups: Vec<AnyView> = groups
        .rows
        .iter()
        .map(|row| item(Principal::Group(row.id), &row.name, count("count.members", row.members)))
        .collect();
    let of_people: Vec<AnyView> =
        people.rows.iter().map(|row| item(Principal::User(row.id), &row.user_name, row.display_name.clone())).collect();
    let filters = search(&cx, t!("applications.assign-search"));
    let list = if of_groups.is_empty() && of_people.is_empty() {
        filtered_empty(t!("users.none-found"), format!("{}/assign", place(id)))
    } else {
        view! {
            {offers(t!("applications.assign-groups"), of_groups, groups.total)}
            {offers(t!("applications.assign-people"), of_people, people.total)}
        }
        .into_any()
    };
    let name = view.application.name.to_string();
    let title = t!("applications.assign-to", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, place(id)).view()}
        {filters.view(&cx.address)}
        <div class="stack">{list}</div>
    };
    Ok(Page::admin(AdminTab::Applications, title, body))
}

/// What can be chosen of one kind, and whether there is more of it.
fn offers(heading: &'static str, items: Vec<AnyView>, total: Option<u64>) -> Option<AnyView> {
    let shown = items.len() as u64;
    let more = total.filter(|total| *total > shown).map(|total| {
        let text = t!("assign.more", shown = grouped(shown), all = grouped(total));
        view! { <p class="section-note">{text}</p> }
    });
    (shown > 0).then(|| section(heading, None, view! { <ul class="items" role="list">{items}</ul>{more} }))
}

/// Before an application is deleted.
pub async fn delete(cx: Cx) -> Answer {
    let (id, view) = changeable(&cx).await?;
    let name = view.application.name.to_string();
    let effect = if view.application.everyone {
        t!("confirm.application.everyone").to_owned()
    } else {
        t!("confirm.application.assigned", count = count("count.assignments", view.assigned))
    };
    let title = t!("confirm.application.title", name = name);
    let confirm = Confirm::new(title.clone(), "/actions/applications/delete", t!("confirm.application.do"))
        .effect(effect)
        .typed(name.clone(), t!("confirm.delete.type", name = name), cx.error_of("name"))
        .with("id", id.to_string());
    Ok(Page::admin(AdminTab::Applications, title, confirm.view(name, &place(id))))
}
