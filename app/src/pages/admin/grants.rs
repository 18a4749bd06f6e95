//! The roles that a person or a group was given: a list with a way to take each back, and the form that gives one.

use domain::identity::administrators::AdministratorRow;
use leptos::prelude::*;
use model::{Role, t};

use super::role_name;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::form::{button_for, field, hidden, primary};

/// The list. Whoever may take a role back finds the button for it; `here` is the page to come back to.
pub fn items(grants: &[&AdministratorRow], may: bool, here: &str) -> impl IntoView + use<> {
    let items = grants
        .iter()
        .map(|grant| {
            let name = role_name(grant.role);
            let glass = grant.break_glass.then(|| view! { " "{badge(Tone::Warn, t!("role.break-glass"))} });
            let fields = [("id", grant.id.as_str()), ("next", here)];
            let revoke =
                may.then(|| button_for("/actions/administrators/revoke", &fields, t!("role.revoke"), name, "compact"));
            let scope = scope(grant);
            view! { <li><div>{badge(Tone::Accent, name)}{glass}{scope}</div>{revoke}</li> }
        })
        .collect_view();
    view! { <ul class="items" role="list">{items}</ul> }
}

/// Where a grant of access administration reaches, under the name of its role.
pub fn scope(grant: &AdministratorRow) -> Option<AnyView> {
    if grant.scope.is_empty() {
        return None;
    }
    let targets = grant.scope.iter().map(|target| view! { <li><bdi>{target.to_string()}</bdi></li> }).collect_view();
    Some(view! { <ul class="scope" role="list" aria-label=t!("role.scope")>{targets}</ul> }.into_any())
}

/// The form, folded under its summary unless it was refused just now; `more` stands between the role and the button. What access
/// administration reaches already stands in it, to be changed.
pub fn form(
    cx: &Cx,
    summary: &'static str,
    action: &'static str,
    id: String,
    held: &[&AdministratorRow],
    more: Option<AnyView>,
) -> impl IntoView + use<> {
    let roles =
        Role::ALL.map(|role| (role.as_str().to_owned(), role_name(role).to_owned())).into_iter().rev().collect();
    let role = cx.typed("role").unwrap_or("auditor").to_owned();
    let reached = held.iter().flat_map(|grant| &grant.scope).map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let scope = field("scope", t!("field.scope"))
        .lines(3)
        .optional()
        .hint(t!("role.scope-hint"))
        .value(cx.typed("scope").map_or(reached, str::to_owned))
        .error(cx.error_of("scope"));
    let refused = cx.error_of("scope").is_some() || cx.error_of("role").is_some();
    view! {
        <details class="more" open=refused>
            <summary>{summary}</summary>
            <form class="form" method="post" action=action>
                {hidden("id", id)}
                {field("role", t!("role.role")).options(roles).value(role).error(cx.error_of("role")).view()}
                {scope.view()}
                {more}
                <div class="row">{primary(t!("role.grant-do"))}</div>
            </form>
        </details>
    }
}
