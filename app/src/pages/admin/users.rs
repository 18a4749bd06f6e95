//! People: the list, and the forms to create and to change one.

use domain::authz::{Action, Resource, authorize};
use domain::identity::people::{PeopleQuery, PeopleSort, PersonRow, Status};
use domain::{Error, PageRequest};
use leptos::prelude::*;
use model::{UserId, t};

use super::{allowed, role_name};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::text_or_dash;
use crate::parts::filter::Filters;
use crate::parts::form::{check, field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::Title;
use crate::shell::Answer;

/// The status of a person as a badge.
pub fn status_badge(status: Status) -> AnyView {
    match status {
        Status::Active => badge(Tone::Good, t!("status.active")),
        Status::Invited => badge(Tone::Warn, t!("status.invited")),
        Status::Disabled => badge(Tone::Bad, t!("status.disabled")),
    }
}

/// What the address asks for.
fn query(cx: &Cx) -> PeopleQuery {
    let sort = cx.address.get("sort").unwrap_or("username");
    let (descending, key) = sort.strip_prefix('-').map_or((false, sort), |key| (true, key));
    PeopleQuery {
        search: cx.address.get("search").unwrap_or_default().to_owned(),
        status: match cx.address.get("status") {
            Some("active") => Some(Status::Active),
            Some("invited") => Some(Status::Invited),
            Some("disabled") => Some(Status::Disabled),
            _ => None,
        },
        sort: match key {
            "name" => PeopleSort::DisplayName,
            "email" => PeopleSort::Email,
            "created" => PeopleSort::Created,
            _ => PeopleSort::UserName,
        },
        descending,
        page: PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None },
    }
}

/// All people.
pub async fn list(cx: Cx) -> Answer {
    let page = cx.services().people.list(cx.call(), &query(&cx)).await?;
    let statuses = [
        ("", t!("filter.any")),
        ("active", t!("status.active")),
        ("invited", t!("status.invited")),
        ("disabled", t!("status.disabled")),
    ]
    .map(|(value, label)| (value.to_owned(), label.to_owned()));
    let filters = Filters::new(t!("users.search"))
        .with(
            "search",
            field("search", t!("filter.search"))
                .kind("search")
                .hint_unseen(t!("users.search-hint"))
                .value(cx.address.get("search").unwrap_or_default())
                .grow(),
        )
        .with(
            "status",
            field("status", t!("users.status"))
                .value(cx.address.get("status").unwrap_or_default())
                .options(statuses.to_vec()),
        );
    let may_create = allowed(&cx, Action::CreatePeople);
    let create = may_create.then(|| (t!("users.new").to_owned(), "/admin/users/new".to_owned()));
    let active = filters.active(&cx.address);
    let body = if page.rows.is_empty() && cx.address.get("page").is_none() {
        if active {
            filtered_empty(t!("users.none-found"), "/admin/users")
        } else {
            empty(t!("users.empty"), t!("users.empty-text"), create.clone())
        }
    } else {
        let mut table = Table::new(
            t!("users.title"),
            vec![
                Column::new(t!("field.username")).sort("username"),
                Column::new(t!("field.display_name")).sort("name").spare(),
                Column::new(t!("field.email")).sort("email").spare(),
                Column::new(t!("users.status")),
                Column::new(t!("users.factor")).spare(),
                Column::new(t!("users.last")).spare(),
                Column::new(t!("users.created")).sort("created").spare(),
            ],
        )
        .usual("username");
        for row in &page.rows {
            table.row(person_row(&cx, row));
        }
        Pager::of(&page, "count.people").around(&cx.address, table.view(&cx.address))
    };
    let title = Title::new(t!("users.title"));
    let title = if may_create { title.link(t!("users.new"), "/admin/users/new") } else { title };
    let body = view! {
        {title.view()}
        {filters.view(&cx.address)}
        {body}
    };
    Ok(Page::admin(AdminTab::Users, t!("users.title"), body))
}

fn person_row(cx: &Cx, row: &PersonRow) -> AnyView {
    let roles = row.roles.iter().map(|role| view! { " "{badge(Tone::Accent, role_name(*role))} }).collect_view();
    let last = match row.last_sign_in_at {
        Some(at) => cx.clock.view(at),
        None => t!("users.never").into_any(),
    };
    let factor = if row.has_factor { t!("yes") } else { t!("no") };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/users/{}", row.id)><bdi>{row.user_name.clone()}</bdi></a>{roles}
                <span class="sub in-brief"><bdi class="clamped">{row.display_name.clone()}</bdi></span>
            </th>
            <td class="spare name"><bdi class="clamped">{row.display_name.clone()}</bdi></td>
            <td class="spare address"><bdi>{text_or_dash(&row.email)}</bdi></td>
            <td>{status_badge(row.status)}</td>
            <td class="spare">{factor}</td>
            <td class="spare">{last}</td>
            <td class="spare">{cx.clock.view(row.created_at)}</td>
        </tr>
    }
    .into_any()
}

/// A new person.
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::CreatePeople, Resource::Organisation)?;
    let body = view! {
        {Title::new(t!("users.new")).under(t!("users.title"), "/admin/users").view()}
        <form class="form card" method="post" action="/actions/users/create">
            {fields(&cx, None)}
            {check("invite", t!("users.invite"), Some(t!("users.invite-hint").to_owned()), true)}
            <div class="row">{primary(t!("users.create"))}<a class="button quiet" href="/admin/users">{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Users, t!("users.new"), body))
}

/// Another name or address.
pub async fn edit(cx: Cx) -> Answer {
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let person = cx.services().people.get(cx.call(), id).await?;
    if !person.allowed.contains(&Action::EditPeople) {
        return Err(Error::forbidden().into());
    }
    let place = format!("/admin/users/{id}");
    let stored = [
        person.row.user_name.as_str(),
        person.row.email.as_str(),
        person.given_name.as_str(),
        person.family_name.as_str(),
        person.row.display_name.as_str(),
    ];
    let title = t!("users.edit", name = person.row.user_name);
    let body = view! {
        {Title::new(title.clone()).under(person.row.user_name.clone(), place.clone()).view()}
        <form class="form card" method="post" action="/actions/users/update">
            {hidden("id", id.to_string())}
            {hidden("version", person.version.to_string())}
            {fields(&cx, Some(stored))}
            <div class="row">{primary(t!("users.save"))}<a class="button quiet" href=place>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Users, title, body))
}

/// The fields of a person: user name, mail address, names.
fn fields(cx: &Cx, stored: Option<[&str; 5]>) -> AnyView {
    let [user_name, email, given, family, display] = stored.unwrap_or_default();
    let value = |name: &str, stored: &str| cx.typed(name).unwrap_or(stored).to_owned();
    let user_name = field("user_name", t!("field.username"))
        .hint(t!("users.username-hint"))
        .value(value("user_name", user_name))
        .error(cx.error_of("user_name"))
        .length(1, 128);
    let user_name = if stored.is_none() { user_name.focus() } else { user_name };
    let email = field("email", t!("field.email"))
        .kind("email")
        .value(value("email", email))
        .error(cx.error_of("email"))
        .length(1, 254);
    let given = field("given_name", t!("field.given_name"))
        .value(value("given_name", given))
        .error(cx.error_of("given_name"))
        .length(1, 256);
    let family = field("family_name", t!("field.family_name"))
        .value(value("family_name", family))
        .error(cx.error_of("family_name"))
        .length(1, 256);
    let display = field("display_name", t!("field.display_name"))
        .hint(t!("users.display-hint"))
        .value(value("display_name", display))
        .error(cx.error_of("display_name"))
        .optional()
        .length(0, 256);
    view! {
        {user_name.view()}
        {email.view()}
        <div class="pair">{given.view()}{family.view()}</div>
        {display.view()}
    }
    .into_any()
}
