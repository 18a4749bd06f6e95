//! The roles that a person or a group was given: a list with a way to take each back, and the form that gives one.

use domain::identity::administrators::AdministratorRow;
use leptos::prelude::*;
use model::{Role, t};

use super::role_name;
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
            view! { <li><div>{badge(Tone::Accent, name)}{glass}</div>{revoke}</li> }
        })
        .collect_view();
    view! { <ul class="items" role="list">{items}</ul> }
}

/// The form, folded under its summary; `more` stands between the role and the button.
pub fn form(summary: &'static str, action: &'static str, id: String, more: Option<AnyView>) -> impl IntoView {
    let roles =
        Role::ALL.map(|role| (role.as_str().to_owned(), role_name(role).to_owned())).into_iter().rev().collect();
    view! {
        <details class="more">
            <summary>{summary}</summary>
            <form class="form" method="post" action=action>
                {hidden("id", id)}
                {field("role", t!("role.role")).options(roles).value("auditor").view()}
                {more}
                <div class="row">{primary(t!("role.grant-do"))}</div>
            </form>
        </details>
    }
}
