//! One person: facts left, history right, and everything that can be done with them. What is dangerous goes through a page
//! that names its effect.

use axum::http::header;
use domain::authz::{Action, Resource, authorize};
use domain::identity::administrators::Holder;
use domain::identity::people::{PersonView, Status};
use domain::{Error, PageRequest};
use leptos::prelude::*;
use model::words::count;
use model::{Role, UserId, t};

use super::access::access_link;
use super::users::status_badge;
use super::{allowed, fresh, grants, role_name};
use crate::address::encode;
use crate::context::Cx;
use crate::pages::security::factor_kind;
use crate::parts::badge::{Tone, badge};
use crate::parts::browser::browser_name;
use crate::parts::confirm::Confirm;
use crate::parts::copy::secret;
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::form::{button, button_for, check, field};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::history::history;
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

fn place(id: UserId) -> String {
    format!("/admin/users/{id}")
}

/// The page of a person.
pub async fn page(cx: Cx) -> Answer {
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let person = cx.services().people.get(cx.call(), id).await?;
    let may = |action: Action| person.allowed.contains(&action);
    let name = person.row.user_name.clone();

    let edit = may(Action::EditPeople).then(|| {
        view! { <a class="button primary" href=format!("{}/edit", place(id))>{t!("user.edit")}</a> }.into_any()
    });
    let title = Title::new(name.clone())
        .note(view! { <span class="row">{status_badge(person.row.status)}<bdi>{person.row.display_name.clone()}</bdi></span> })
        .under(t!("users.title"), "/admin/users");
    let title = if allowed(&cx, Action::SeeAssignments) {
        let href = format!("/admin/explain?user={id}");
        title.action(view! { <a class="button" href=href>{t!("explain.title")}</a> }.into_any())
    } else {
        title
    };
    let title = match access_link(&cx, &place(id)) {
        Some(access) => title.action(access),
        None => title,
    };
    let title = match edit {
        Some(edit) => title.action(edit),
        None => title,
    };
    let left = view! {
        <div class="stack">
            {facts(&cx, &person)}
            {sign_in(&cx, &person)}
            {groups_card(&person)}
            {roles_card(&cx, &person).await?}
            {sessions(&cx, &person).await?}
            {danger_card(&person)}
        </div>
    };
    let right = history_card(&cx, "target", &id.to_string()).await?;
    let body = view! {
        {title.view()}
        <div class="detail">{left}{right}</div>
    };
    Ok(Page::admin(AdminTab::Users, name, body))
}

fn facts(cx: &Cx, person: &PersonView) -> AnyView {
    let row = &person.row;
    let last = match row.last_sign_in_at {
        Some(at) => cx.clock.view(at),
        None => t!("users.never").into_any(),
    };
    let mut facts = Facts::new()
        .with(t!("field.email"), view! { <bdi>{text_or_dash(&row.email)}</bdi> })
        .with(t!("field.given_name"), view! { <bdi>{text_or_dash(&person.given_name)}</bdi> })
        .with(t!("field.family_name"), view! { <bdi>{text_or_dash(&person.family_name)}</bdi> })
        .with(t!("user.directory"), person.directory.clone())
        .with(t!("users.last"), last)
        .with(t!("users.created"), cx.clock.view(row.created_at))
        .with(t!("user.id"), view! { <code>{row.id.to_string()}</code> });
    for (name, value) in &person.attributes {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        facts = facts.with(name.clone(), view! { <bdi>{value}</bdi> });
    }
    section(t!("user.facts"), None, facts.view())
}

/// Password and factors, with what helpdesk can do about them.
fn sign_in(cx: &Cx, person: &PersonView) -> AnyView {
    let id = person.row.id;
    let may = |action: Action| person.allowed.contains(&action);
    let password = match person.password_set_at {
        Some(at) => view! { {t!("user.password-set")}" "{cx.clock.view(at)} }.into_any(),
        None => t!("user.no-password").into_any(),
    };
    let must = person.must_change_password.then(|| view! { " "{badge(Tone::Warn, t!("user.must-change"))} });
    let factors = if person.factors.is_empty() {
        let by = person.enrol_by.map(|by| {
            if by < cx.call().now {
                badge(Tone::Warn, t!("user.enrol-over"))
            } else {
                view! { <span class="muted">{t!("user.enrol-by")}" "{cx.clock.view(by)}</span> }.into_any()
            }
        });
        view! { {t!("user.no-factor")}" "{by} }.into_any()
    } else {
        let items = person
            .factors
            .iter()
            .map(|factor| {
                let flagged = factor.flagged.then(|| view! { " "{badge(Tone::Bad, t!("factor.flagged"))} });
                let used = factor.last_used_at.map(|at| view! { ", "{t!("factor.last-used")}" "{cx.clock.view(at)} });
                view! { <li><bdi>{factor.name.clone()}</bdi>{flagged}<span class="sub muted small">" "{factor_kind(factor.kind)}{used}</span></li> }
            })
            .collect_view();
        view! { <ul role="list">{items}</ul> }.into_any()
    };
    let confirm = |verb: &str, label: &'static str| {
        let href = format!("{}/confirm/{verb}", place(id));
        view! { <a class="button compact" href=href>{label}</a> }.into_any()
    };
    let invite = (may(Action::ResetPassword) && person.row.status == Status::Invited)
        .then(|| button("/actions/users/invite", &[("id", &id.to_string())], t!("user.invite-again"), "compact"));
    let reset_password = (may(Action::ResetPassword) && person.row.status != Status::Invited)
        .then(|| confirm("reset-password", t!("user.reset-password")));
    let reset_factors = match (may(Action::ResetFactors), person.factors.is_empty()) {
        (true, false) => Some(confirm("reset-factors", t!("user.reset-factors"))),
        (true, true) if person.enrol_by.is_some() && person.row.status == Status::Active => {
            Some(confirm("reset-factors", t!("user.enrol-link")))
        }
        _ => None,
    };
    let facts = Facts::new().with(t!("field.password"), view! { {password}{must} }).with(t!("user.factors"), factors);
    section(
        t!("user.sign-in"),
        None,
        view! {
            {facts.view()}
            <div class="row">{invite}{reset_password}{reset_factors}</div>
        },
    )
}

fn groups_card(person: &PersonView) -> AnyView {
    let id = person.row.id.to_string();
    let here = place(person.row.id);
    let may = person.allowed.contains(&Action::ManageGroups);
    let items = person
        .groups
        .iter()
        .map(|(group, name)| {
            let remove = may.then(|| {
                let group = group.to_string();
                button_for(
                    "/actions/groups/member-remove",
                    &[("group", &group), ("user", &id), ("next", &here)],
                    t!("user.leave"),
                    name.clone(),
                    "compact",
                )
            });
            view! { <li><div><a href=format!("/admin/groups/{group}")><bdi>{name.clone()}</bdi></a></div>{remove}</li> }
        })
        .collect_view();
    let add = may.then(|| {
        view! { <a class="button compact" href=format!("{here}/groups")>{t!("user.add-group")}</a> }.into_any()
    });
    let none = person.groups.is_empty().then(|| view! { <p class="section-note">{t!("user.no-groups")}</p> });
    section(t!("groups.title"), add, view! { {none}<ul class="items" role="list">{items}</ul> })
}

/// Roles of this person: who may see them sees them; who may change them changes them.
async fn roles_card(cx: &Cx, person: &PersonView) -> Result<Option<AnyView>, Stop> {
    if !allowed(cx, Action::SeeAdministrators) {
        return Ok(None);
    }
    let grants = cx.services().administrators.list(cx.call()).await?;
    let id = person.row.id;
    let here = place(id);
    let may = person.allowed.contains(&Action::ManageAdministrators);
    let own: Vec<_> =
        grants.iter().filter(|grant| matches!(&grant.holder, Holder::User(user, _) if *user == id)).collect();
    let items = grants::items(&own, may, &here);
    let through: Vec<Role> =
        person.row.roles.iter().copied().filter(|role| !own.iter().any(|grant| grant.role == *role)).collect();
    let through = (!through.is_empty()).then(|| {
        let names = through.iter().map(|role| role_name(*role)).collect::<Vec<_>>().join(", ");
        view! { <p class="section-note">{t!("role.through-group", names = names)}</p> }
    });
    let none = (own.is_empty() && through.is_none()).then(|| view! { <p class="section-note">{t!("role.none")}</p> });
    let grant = may.then(|| {
        let glass = check("break_glass", t!("role.break-glass"), Some(t!("role.break-glass-hint").to_owned()), false);
        grants::form(cx, t!("role.grant"), "/actions/users/role-grant", id.to_string(), &own, Some(glass))
    });
    Ok(Some(section(
        t!("role.title"),
        None,
        view! {
            {none}
            {items}
            {through}
            {grant}
        },
    )))
}

async fn sessions(cx: &Cx, person: &PersonView) -> Result<AnyView, Stop> {
    let id = person.row.id;
    let here = place(id);
    let page = PageRequest { cursor: None, size: Some(10) };
    let sessions = cx.services().sessions.list(cx.call(), Some(id), &page).await?;
    let may = person.allowed.contains(&Action::EndSessions);
    let items = sessions
        .rows
        .iter()
        .map(|session| {
            let browser = browser_name(session.user_agent.as_deref());
            let end = may.then(|| {
                button_for("/actions/sessions/end", &[("id", &session.id.to_string()), ("next", &here)], t!("session.end"), browser.clone(), "compact")
            });
            let source = session.source.clone().unwrap_or_else(|| t!("session.no-address").to_owned());
            view! {
                <li>
                    <div>
                        {browser}
                        <div class="muted small">
                            <span class="mono">{source}</span>" · "{t!("session.seen")}" "{cx.clock.view(session.last_seen_at)}
                        </div>
                    </div>
                    {end}
                </li>
            }
        })
        .collect_view();
    let none = sessions.rows.is_empty().then(|| view! { <p class="section-note">{t!("user.no-sessions")}</p> });
    let all = (may && !sessions.rows.is_empty())
        .then(|| button("/actions/users/end-sessions", &[("id", &id.to_string())], t!("user.end-sessions"), "compact"));
    let more = sessions
        .next
        .is_some()
        .then(|| view! { <p><a href=format!("/admin/sessions?user={id}")>{t!("user.all-sessions")}</a></p> });
    Ok(section(t!("sessions.title"), all, view! { {none}<ul class="items" role="list">{items}</ul>{more} }))
}

fn danger_card(person: &PersonView) -> Option<AnyView> {
    let may = |action: Action| person.allowed.contains(&action);
    let id = person.row.id;
    let confirm = |verb: &str, label: &'static str| {
        let href = format!("{}/confirm/{verb}", place(id));
        view! { <a class="button danger" href=href>{label}</a> }.into_any()
    };
    let switch = may(Action::DisablePeople).then(|| {
        if person.row.status == Status::Disabled {
            button("/actions/users/enable", &[("id", &id.to_string())], t!("user.enable"), "")
        } else {
            confirm("disable", t!("user.disable"))
        }
    });
    let delete = may(Action::DeletePeople).then(|| confirm("delete", t!("user.delete")));
    (switch.is_some() || delete.is_some())
        .then(|| section(t!("user.end"), None, view! { <div class="row">{switch}{delete}</div> }))
}

/// What happened to something, where the reader may see the audit log.
pub async fn history_card(cx: &Cx, key: &'static str, id: &str) -> Result<Option<AnyView>, Stop> {
    if !allowed(cx, Action::SeeAudit) {
        return Ok(None);
    }
    let query = domain::audit::log::AuditQuery {
        target: id.to_owned(),
        page: PageRequest { cursor: None, size: Some(15) },
        ..Default::default()
    };
    let page = cx.services().audit.search(cx.call(), &query).await?;
    let all =
        view! { <a class="button compact" href=format!("/admin/audit?{key}={}", encode(id))>{t!("history.all")}</a> }
            .into_any();
    Ok(Some(section(t!("history.title"), Some(all), history(cx, &page.rows))))
}

/// A link that is shown once, because no mail is configured.
pub async fn link(cx: Cx) -> Answer {
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let person = cx.services().people.get(cx.call(), id).await?;
    let notice = cx
        .once()
        .filter(|notice| notice.message == "link" && notice.values.get(1).is_some_and(|user| *user == id.to_string()));
    let Some((link, kind)) =
        notice.and_then(|notice| Some((notice.values.first()?.clone(), notice.values.get(2)?.clone())))
    else {
        return Err(Stop::Go(place(id)));
    };
    cx.services().sessions.clear_notice(cx.call()).await?;
    cx.header(header::CACHE_CONTROL, "no-store");
    let (title, text) = match kind.as_str() {
        "password-reset" => (t!("once.reset"), t!("once.reset-text")),
        "factors-reset" => (t!("once.factors"), t!("once.factors-text")),
        _ => (t!("once.invite"), t!("once.invite-text")),
    };
    let body = view! {
        {Title::new(title).under(person.row.user_name.clone(), place(id)).view()}
        <div class="card">
            <p>{t!("once.give", name = person.row.display_name)}" "{text}</p>
            {secret(link)}
            <p class="section-note">{t!("once.only")}</p>
            <p><a class="button primary" href=place(id)>{t!("once.done")}</a></p>
        </div>
    };
    Ok(Page::admin(AdminTab::Users, title, body))
}

/// Groups this person could join.
pub async fn groups(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ManageGroups, Resource::Organisation)?;
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let person = cx.services().people.get(cx.call(), id).await?;
    let search = cx.address.get("search").unwrap_or_default();
    let page = PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None };
    let found = cx.services().groups.list(cx.call(), search, &page).await?;
    let items = found
        .rows
        .iter()
        .map(|group| {
            let member = person.groups.iter().any(|(own, _)| *own == group.id);
            let action = if member {
                badge(Tone::Plain, t!("user.member"))
            } else {
                let values = [("group", group.id.to_string()), ("user", id.to_string()), ("next", place(id))];
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                button_for("/actions/groups/member-add", &values, t!("user.join"), group.name.clone(), "compact")
            };
            view! {
                <li>
                    <div><bdi>{group.name.clone()}</bdi><span class="muted small">" "{count("count.members", group.members)}</span></div>
                    {action}
                </li>
            }
        })
        .collect_view();
    let filters = crate::parts::filter::Filters::new(t!("groups.search"))
        .with("search", field("search", t!("filter.search")).kind("search").value(search).grow());
    let title = t!("user.groups-of", name = person.row.user_name);
    let pager = crate::parts::pager::Pager::of(&found, "count.groups");
    let body = view! {
        {Title::new(title.clone()).under(person.row.user_name.clone(), place(id)).view()}
        {filters.view(&cx.address)}
        {pager.around(&cx.address, view! { <div class="card"><ul class="items" role="list">{items}</ul></div> }.into_any())}
    };
    Ok(Page::admin(AdminTab::Users, title, body))
}

/// The page before something dangerous: what it does, to whom, and the button.
pub async fn confirm(cx: Cx) -> Answer {
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let verb = cx.segment(4).to_owned();
    let person = cx.services().people.get(cx.call(), id).await?;
    let action = match verb.as_str() {
        "disable" => Action::DisablePeople,
        "delete" => Action::DeletePeople,
        "reset-password" => Action::ResetPassword,
        "reset-factors" => Action::ResetFactors,
        _ => return Err(Error::not_found(t!("problem.page")).into()),
    };
    if !person.allowed.contains(&action) {
        return Err(Error::forbidden().into());
    }
    fresh(&cx, action)?;
    let running =
        cx.services().sessions.list(cx.call(), Some(id), &PageRequest { cursor: None, size: Some(200) }).await?;
    let running = (!running.rows.is_empty())
        .then(|| t!("confirm.disable.sessions", sessions = count("count.sessions", running.rows.len() as u64)));
    let name = person.row.user_name.clone();
    let confirm = match action {
        Action::DisablePeople => {
            Confirm::new(t!("confirm.disable.title", name = name), "/actions/users/disable", t!("confirm.disable.do"))
                .effect_where(running)
                .effect(t!("confirm.disable.door"))
        }
        Action::ResetPassword => Confirm::new(
            t!("confirm.password.title", name = name),
            "/actions/users/reset-password",
            t!("confirm.password.do"),
        )
        .effect(t!("confirm.password.void"))
        .effect_where(running)
        .effect(t!("confirm.password.link")),
        Action::ResetFactors if person.factors.is_empty() => {
            Confirm::new(t!("confirm.enrol.title", name = name), "/actions/users/reset-factors", t!("confirm.enrol.do"))
                .effect(t!("confirm.enrol.link"))
                .effect_where(running)
        }
        Action::ResetFactors => Confirm::new(
            t!("confirm.factors.title", name = name),
            "/actions/users/reset-factors",
            t!("confirm.factors.do"),
        )
        .effect(t!("confirm.factors.gone", factors = count("count.factors", person.factors.len() as u64)))
        .effect_where(running)
        .effect(t!("confirm.factors.link")),
        _ => Confirm::new(t!("confirm.delete.title", name = name), "/actions/users/delete", t!("confirm.delete.do"))
            .effect_where(running)
            .effect(t!("confirm.delete.groups", groups = count("count.groups", person.groups.len() as u64)))
            .effect(t!("confirm.delete.audit"))
            .typed(name.clone(), t!("confirm.delete.type", name = name), cx.error_of("name")),
    };
    let title = confirm.title.clone();
    let body = confirm.with("id", id.to_string()).view(person.row.user_name.clone(), &place(id));
    Ok(Page::admin(AdminTab::Users, title, body))
}
