//! Groups: the list, one group with its members, and the forms around them.

use domain::authz::{Action, Resource, authorize};
use domain::identity::administrators::Holder;
use domain::identity::people::PeopleQuery;
use domain::{Error, PageRequest};
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{GroupId, t};

use super::access::access_link;
use super::user::history_card;
use super::users::status_badge;
use super::{allowed, grants, role_name};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::confirm::Confirm;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::filter::Filters;
use crate::parts::form::{button_for, field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

fn place(id: GroupId) -> String {
    format!("/admin/groups/{id}")
}

fn page_request(cx: &Cx) -> PageRequest {
    PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None }
}

fn search_filter(cx: &Cx, label: &'static str) -> Filters {
    let value = cx.address.get("search").unwrap_or_default().to_owned();
    Filters::new(label).with("search", field("search", t!("filter.search")).kind("search").value(value).grow())
}

/// All groups.
pub async fn list(cx: Cx) -> Answer {
    let search = cx.address.get("search").unwrap_or_default();
    let page = cx.services().groups.list(cx.call(), search, &page_request(&cx)).await?;
    let filters = search_filter(&cx, t!("groups.search"));
    let may = allowed(&cx, Action::ManageGroups);
    let body = if page.rows.is_empty() && cx.address.get("page").is_none() {
        if filters.active(&cx.address) {
            filtered_empty(t!("groups.none-found"), "/admin/groups")
        } else {
            let create = may.then(|| (t!("groups.new").to_owned(), "/admin/groups/new".to_owned()));
            empty(t!("groups.empty"), t!("groups.empty-text"), create)
        }
    } else {
        let columns = vec![
            Column::new(t!("field.name")),
            Column::new(t!("field.description")).spare(),
            Column::new(t!("groups.members")),
            Column::new(t!("users.created")).spare(),
        ];
        let mut table = Table::new(t!("groups.title"), columns);
        for group in &page.rows {
            let roles =
                group.roles.iter().map(|role| view! { " "{badge(Tone::Accent, role_name(*role))} }).collect_view();
            table.row(view! {
                <tr>
                    <th scope="row"><a href=place(group.id)><bdi>{group.name.clone()}</bdi></a>{roles}</th>
                    <td class="spare"><bdi>{text_or_dash(&group.description)}</bdi></td>
                    <td>{grouped(group.members)}</td>
                    <td class="spare">{cx.clock.view(group.created_at)}</td>
                </tr>
            });
        }
        Pager::of(&page, "count.groups").around(&cx.address, table.view(&cx.address))
    };
    let title = Title::new(t!("groups.title"));
    let title = if may { title.link(t!("groups.new"), "/admin/groups/new") } else { title };
    let body = view! { {title.view()} {filters.view(&cx.address)} {body} };
    Ok(Page::admin(AdminTab::Groups, t!("groups.title"), body))
}

/// A new group.
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageGroups, Resource::Organisation)?;
    let body = view! {
        {Title::new(t!("groups.new")).under(t!("groups.title"), "/admin/groups").view()}
        <form class="form card" method="post" action="/actions/groups/create">
            {fields(&cx, "", "", true)}
            <div class="row">{primary(t!("groups.create"))}<a class="button quiet" href="/admin/groups">{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Groups, t!("groups.new"), body))
}

/// Another name or description.
pub async fn edit(cx: Cx) -> Answer {
    let id: GroupId = cx.id(2, t!("noun.group"))?;
    let group = cx.services().groups.get(cx.call(), id).await?;
    if !group.may_change {
        return Err(Error::forbidden().into());
    }
    let title = t!("users.edit", name = group.row.name);
    let body = view! {
        {Title::new(title.clone()).under(group.row.name.clone(), place(id)).view()}
        <form class="form card" method="post" action="/actions/groups/update">
            {hidden("id", id.to_string())}
            {hidden("version", group.version.to_string())}
            {fields(&cx, &group.row.name, &group.row.description, false)}
            <div class="row">{primary(t!("users.save"))}<a class="button quiet" href=place(id)>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Groups, title, body))
}

fn fields(cx: &Cx, name: &str, description: &str, focus: bool) -> AnyView {
    let name = field("name", t!("field.name"))
        .value(cx.typed("name").unwrap_or(name))
        .error(cx.error_of("name"))
        .length(1, 128);
    let name = if focus { name.focus() } else { name };
    let description = field("description", t!("field.description"))
        .value(cx.typed("description").unwrap_or(description))
        .error(cx.error_of("description"))
        .optional()
        .length(0, 1024);
    view! { {name.view()} {description.view()} }.into_any()
}

/// One group: members left, history right.
pub async fn page(cx: Cx) -> Answer {
    let id: GroupId = cx.id(2, t!("noun.group"))?;
    let group = cx.services().groups.get(cx.call(), id).await?;
    let search = cx.address.get("search").unwrap_or_default();
    let members = cx.services().groups.members(cx.call(), id, search, &page_request(&cx)).await?;
    let filters = search_filter(&cx, t!("groups.search-members"));
    let here = cx.address.text();
    let list = if members.rows.is_empty() && filters.active(&cx.address) {
        filtered_empty(t!("users.none-found"), place(id))
    } else if members.rows.is_empty() {
        let add = group.may_change.then(|| (t!("groups.add-member").to_owned(), format!("{}/members", place(id))));
        empty(t!("groups.no-members"), t!("groups.no-members-text"), add)
    } else {
        let mut columns = vec![
            Column::new(t!("field.username")),
            Column::new(t!("field.display_name")).spare(),
            Column::new(t!("users.status")),
        ];
        if group.may_change {
            columns.push(Column::new(t!("groups.actions")).unseen());
        }
        let mut table = Table::new(t!("groups.members"), columns);
        for row in &members.rows {
            let remove = group.may_change.then(|| {
                let values = [("group", id.to_string()), ("user", row.id.to_string()), ("next", here.clone())];
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                let button = button_for(
                    "/actions/groups/member-remove",
                    &values,
                    t!("groups.remove"),
                    row.user_name.clone(),
                    "compact",
                );
                view! { <td class="end">{button}</td> }
            });
            table.row(view! {
                <tr>
                    <th scope="row"><a href=format!("/admin/users/{}", row.id)><bdi>{row.user_name.clone()}</bdi></a></th>
                    <td class="spare name"><bdi class="clamped">{row.display_name.clone()}</bdi></td>
                    <td>{status_badge(row.status)}</td>
                    {remove}
                </tr>
            });
        }
        Pager::of(&members, "count.members").around(&cx.address, table.view(&cx.address))
    };
    let facts = Facts::new()
        .with(t!("field.description"), view! { <bdi>{text_or_dash(&group.row.description)}</bdi> })
        .with(t!("groups.members"), grouped(group.row.members))
        .with(t!("user.directory"), group.directory.clone())
        .with(t!("users.created"), cx.clock.view(group.row.created_at))
        .with(t!("user.id"), view! { <code>{id.to_string()}</code> });
    let end = group.may_change.then(|| {
        view! {
            <a class="button" href=format!("{}/edit", place(id))>{t!("user.edit")}</a>
            <a class="button danger" href=format!("{}/delete", place(id))>{t!("groups.delete")}</a>
        }
        .into_any()
    });
    let title = Title::new(group.row.name.clone()).under(t!("groups.title"), "/admin/groups");
    let title = match access_link(&cx, &place(id)) {
        Some(access) => title.action(access),
        None => title,
    };
    let title = match end {
        Some(end) => title.action(end),
        None => title,
    };
    let title =
        if group.may_change { title.link(t!("groups.add-member"), format!("{}/members", place(id))) } else { title };
    let body = view! {
        {title.view()}
        <div class="detail">
            <div class="stack">
                {filters.view(&cx.address)}
                {list}
            </div>
            <div class="stack">
                {section(t!("user.facts"), None, facts.view())}
                {roles(&cx, id).await?}
                {history_card(&cx, "target", &id.to_string()).await?}
            </div>
        </div>
    };
    Ok(Page::admin(AdminTab::Groups, group.row.name, body))
}

/// Roles that members get.
async fn roles(cx: &Cx, id: GroupId) -> Result<Option<AnyView>, Stop> {
    if !allowed(cx, Action::SeeAdministrators) {
        return Ok(None);
    }
    let grants = cx.services().administrators.list(cx.call()).await?;
    let may = allowed(cx, Action::ManageAdministrators);
    let here = place(id);
    let own: Vec<_> =
        grants.iter().filter(|grant| matches!(&grant.holder, Holder::Group(group, _) if *group == id)).collect();
    let items = grants::items(&own, may, &here);
    let none = own.is_empty().then(|| view! { <p class="section-note">{t!("role.group-none")}</p> });
    let grant =
        may.then(|| grants::form(cx, t!("role.grant-group"), "/actions/groups/role-grant", id.to_string(), &own, None));
    Ok(Some(section(t!("role.title"), None, view! { {none}{items}{grant} })))
}

/// People who could become members.
pub async fn add_members(cx: Cx) -> Answer {
    let id: GroupId = cx.id(2, t!("noun.group"))?;
    let group = cx.services().groups.get(cx.call(), id).await?;
    if !group.may_change {
        return Err(Error::forbidden().into());
    }
    let query = PeopleQuery {
        search: cx.address.get("search").unwrap_or_default().to_owned(),
        page: page_request(&cx),
        ..PeopleQuery::default()
    };
    let people = cx.services().people.list(cx.call(), &query).await?;
    let here = cx.address.text();
    let items = people
        .rows
        .iter()
        .map(|row| {
            let values = [("group", id.to_string()), ("user", row.id.to_string()), ("next", here.clone())];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            let add = button_for("/actions/groups/member-add", &values, t!("groups.add"), row.user_name.clone(), "compact");
            view! {
                <li>
                    <div><bdi>{row.user_name.clone()}</bdi>" "<span class="muted small clamped"><bdi>{row.display_name.clone()}</bdi></span></div>
                    {add}
                </li>
            }
        })
        .collect_view();
    let filters = search_filter(&cx, t!("users.search"));
    let list = if people.rows.is_empty() {
        filtered_empty(t!("users.none-found"), format!("{}/members", place(id)))
    } else {
        Pager::of(&people, "count.people").around(
            &cx.address,
            view! { <div class="card"><ul class="items" role="list">{items}</ul></div> }.into_any(),
        )
    };
    let title = t!("groups.add-to", name = group.row.name);
    let body = view! {
        {Title::new(title.clone()).under(group.row.name.clone(), place(id)).view()}
        {filters.view(&cx.address)}
        {list}
    };
    Ok(Page::admin(AdminTab::Groups, title, body))
}

/// Before a group is deleted.
pub async fn delete(cx: Cx) -> Answer {
    let id: GroupId = cx.id(2, t!("noun.group"))?;
    let group = cx.services().groups.get(cx.call(), id).await?;
    if !group.may_change {
        return Err(Error::forbidden().into());
    }
    let name = group.row.name.clone();
    let mut confirm =
        Confirm::new(t!("confirm.group.title", name = name), "/actions/groups/delete", t!("confirm.group.do"))
            .effect(t!("confirm.group.members", members = count("count.members", group.row.members)));
    if !group.row.roles.is_empty() {
        let roles = group.row.roles.iter().map(|role| role_name(*role)).collect::<Vec<_>>().join(", ");
        confirm = confirm.effect(t!("confirm.group.roles", roles = roles));
    }
    let title = confirm.title.clone();
    let body = confirm
        .typed(name.clone(), t!("confirm.delete.type", name = name), cx.error_of("name"))
        .with("id", id.to_string())
        .view(name, &place(id));
    Ok(Page::admin(AdminTab::Groups, title, body))
}
