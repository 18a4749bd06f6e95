//! The forms around a permission set: a new one, another state of one, a copy of one, and the page before one is deleted.

use domain::Error;
use domain::access::permission_sets::{JobFunction, PermissionSetInput, PermissionSetView};
use domain::authz::{Action, Resource, authorize};
use leptos::prelude::*;
use model::words::count;
use model::{PermissionSetId, t};

use super::form::{Written, Wrong, fields};
use super::{first_places, place};
use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::confirm::Confirm;
use crate::parts::form::{field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::title::{Title, section};
use crate::shell::Answer;

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
            <div class="card">{first_places(&view, places)}</div>
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
