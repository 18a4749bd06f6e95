//! Keys of administrators for the AWS APIs: the list among the administrators, the form, and the one page that shows a secret.

use axum::http::header;
use domain::Error;
use domain::authz::{Action, Resource, authorize};
use domain::identity::administrators::Holder;
use domain::identity::api_keys::{ApiKeyRow, KeyState};
use leptos::prelude::*;
use model::words::count;
use model::{Role, t};

use super::{allowed, fresh, role_name};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::confirm::Confirm;
use crate::parts::copy::secret;
use crate::parts::facts::Facts;
use crate::parts::form::{field, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// Where the pages of keys stand.
pub const KEYS: &str = "/admin/administrators/keys";
/// The page with the list.
const LIST: &str = "/admin/administrators";
/// The notice that carries a key's secret to the page that shows it.
pub const SECRET: &str = "api-key-secret";
/// For how many days a key may be good; it may also be good for ever.
pub const DAYS: [i64; 3] = [30, 90, 365];

/// The list, as a part of the page of administrators.
pub async fn list(cx: &Cx) -> Result<AnyView, Stop> {
    let keys = cx.services().api_keys.list(cx.call()).await?;
    let may = allowed(cx, Action::ManageApiKeys);
    let add =
        may.then(|| view! { <a class="button compact" href=format!("{KEYS}/new")>{t!("api-keys.new")}</a> }.into_any());
    if keys.is_empty() {
        let none = view! { <p class="section-note">{t!("api-keys.none")}</p> };
        return Ok(section(t!("api-keys.title"), add, none));
    }
    let mut columns = vec![
        Column::new(t!("api-keys.id")),
        Column::new(t!("administrators.who")),
        Column::new(t!("api-keys.state")),
        Column::new(t!("api-keys.used")).spare(),
        Column::new(t!("api-keys.ends")).spare(),
    ];
    if may {
        columns.push(Column::new(t!("groups.actions")).unseen());
    }
    let mut table = Table::new(t!("api-keys.title"), columns);
    for key in keys {
        let revoke = may.then(|| {
            let href = format!("{KEYS}/{}/revoke", key.id);
            let whom = key.id.clone();
            view! {
                <td class="end">
                    <a class="button compact" href=href>{t!("role.revoke")}<span class="hidden-visually">" "{whom}</span></a>
                </td>
            }
        });
        let used = key.last_used_at.map_or_else(|| t!("api-keys.never").into_any(), |at| cx.clock.view(at));
        let ends = key.expires_at.map_or_else(|| t!("api-keys.never").into_any(), |at| cx.clock.view(at));
        table.row(view! {
            <tr>
                <th scope="row"><code>{key.id.clone()}</code><span class="sub"><bdi>{key.description.clone()}</bdi></span></th>
                <td>
                    <a href=format!("/admin/users/{}", key.user)><bdi>{key.user_name.clone()}</bdi></a>
                    <span class="sub">{role_name(key.role)}</span>
                </td>
                <td>{state(&key)}</td>
                <td class="spare">{used}</td>
                <td class="spare">{ends}</td>
                {revoke}
            </tr>
        });
    }
    Ok(section(t!("api-keys.title"), add, table.view(&cx.address)))
}

fn state(key: &ApiKeyRow) -> AnyView {
    match key.state {
        KeyState::Active => badge(Tone::Good, t!("api-keys.active")),
        KeyState::Expired => badge(Tone::Plain, t!("api-keys.expired")),
        KeyState::Asleep => badge(Tone::Warn, t!("api-keys.asleep")),
    }
}

/// `/admin/administrators/keys/new`
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageApiKeys, Resource::Organisation)?;
    fresh(&cx, Action::ManageApiKeys)?;
    let grants = cx.services().administrators.list(cx.call()).await?;
    let names = grants.iter().filter_map(|grant| match &grant.holder {
        Holder::User(_, name) => Some(name.clone()),
        Holder::Group(..) => None,
    });
    let names: std::collections::BTreeSet<String> = names.collect();
    let roles = Role::ALL.map(|role| (role.as_str().to_owned(), role_name(role).to_owned())).into();
    let days = DAYS
        .map(|days| (days.to_string(), count("count.days", u64::try_from(days).unwrap_or_default())))
        .into_iter()
        .chain([(String::new(), t!("api-keys.for-ever").to_owned())])
        .collect();
    let user = field("user", t!("field.user_name"))
        .value(cx.typed("user").unwrap_or_default())
        .list("administrators", names.into_iter().collect())
        .error(cx.error_of("user"))
        .focus();
    let role = field("role", t!("role.role"))
        .options(roles)
        .value(cx.typed("role").unwrap_or("admin"))
        .hint(t!("api-keys.role-hint"))
        .error(cx.error_of("role"));
    let description = field("description", t!("field.description"))
        .value(cx.typed("description").unwrap_or_default())
        .error(cx.error_of("description"))
        .length(0, 200)
        .optional();
    let days = field("days", t!("field.days"))
        .options(days)
        .value(cx.typed("days").unwrap_or("90"))
        .error(cx.error_of("days"))
        .free();
    let body = view! {
        {Title::new(t!("api-keys.new")).under(t!("administrators.title"), LIST).view()}
        <form class="form card" method="post" action="/actions/api-keys/create">
            {user.view()}
            {role.view()}
            {description.view()}
            {days.view()}
            <p class="section-note">{t!("api-keys.secret-comes")}</p>
            <div class="row">{primary(t!("api-keys.make"))}<a class="button quiet" href=LIST>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Administrators, t!("api-keys.new"), body))
}

async fn named(cx: &Cx) -> Result<ApiKeyRow, Stop> {
    let keys = cx.services().api_keys.list(cx.call()).await?;
    let id = cx.segment(3);
    Ok(keys.into_iter().find(|key| key.id == id).ok_or_else(|| Error::not_found(t!("noun.api-key")))?)
}

/// `/admin/administrators/keys/{id}/secret`: shown once, after the key was made.
pub async fn shown_once(cx: Cx) -> Answer {
    let key = named(&cx).await?;
    let notice =
        cx.once().filter(|notice| notice.message == SECRET && notice.values.get(1).is_some_and(|id| *id == key.id));
    let Some(text) = notice.and_then(|notice| notice.values.first().cloned()) else {
        return Err(Stop::Go(LIST.to_owned()));
    };
    cx.services().sessions.clear_notice(cx.call()).await?;
    cx.header(header::CACHE_CONTROL, "no-store");
    let facts = Facts::new()
        .with(t!("api-keys.id"), view! { <code>{key.id}</code> })
        .with(t!("administrators.who"), view! { <bdi>{key.user_name}</bdi>", "{role_name(key.role)} });
    let body = view! {
        {Title::new(t!("api-keys.secret")).under(t!("administrators.title"), LIST).view()}
        <div class="card">
            {facts.view()}
            {secret(text)}
            <p class="section-note">{t!("api-keys.secret-only")}</p>
            <div class="row"><a class="button primary" href=LIST>{t!("api-keys.secret-done")}</a></div>
        </div>
    };
    Ok(Page::admin(AdminTab::Administrators, t!("api-keys.secret"), body))
}

/// `/admin/administrators/keys/{id}/revoke`: the page before a key is revoked.
pub async fn revoke(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageApiKeys, Resource::Organisation)?;
    fresh(&cx, Action::ManageApiKeys)?;
    let key = named(&cx).await?;
    let title = t!("confirm.api-key.title", id = key.id);
    let body = Confirm::new(title.clone(), "/actions/api-keys/revoke", t!("confirm.api-key.do"))
        .effect(t!("confirm.api-key.ends"))
        .effect(t!("confirm.api-key.secret"))
        .with("id", key.id)
        .view(t!("administrators.title").to_owned(), LIST);
    Ok(Page::admin(AdminTab::Administrators, title, body))
}
