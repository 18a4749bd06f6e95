//! Who holds which administrator role, directly or through a group.

use domain::authz::Action;
use domain::identity::administrators::Holder;
use leptos::prelude::*;
use model::t;

use super::{allowed, api_keys, grants, role_name};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::facts::Facts;
use crate::parts::form::button_for;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::table::{Column, Table};
use crate::parts::title::{Title, section};
use crate::shell::Answer;

/// `/admin/administrators`
pub async fn page(cx: Cx) -> Answer {
    let grants = cx.services().administrators.list(cx.call()).await?;
    let may = allowed(&cx, Action::ManageAdministrators);
    let mut columns = vec![
        Column::new(t!("administrators.who")),
        Column::new(t!("role.role")),
        Column::new(t!("administrators.since")).spare(),
    ];
    if may {
        columns.push(Column::new(t!("groups.actions")).unseen());
    }
    let mut table = Table::new(t!("administrators.title"), columns);
    for grant in &grants {
        let (kind, href, name) = match &grant.holder {
            Holder::User(id, name) => (t!("administrators.person"), format!("/admin/users/{id}"), name.clone()),
            Holder::Group(id, name) => (t!("administrators.group"), format!("/admin/groups/{id}"), name.clone()),
        };
        let glass = grant.break_glass.then(|| view! { " "{badge(Tone::Warn, t!("role.break-glass"))} });
        let revoke = may.then(|| {
            let button = button_for(
                "/actions/administrators/revoke",
                &[("id", &grant.id)],
                t!("role.revoke"),
                name.clone(),
                "compact",
            );
            view! { <td class="end">{button}</td> }
        });
        table.row(view! {
            <tr>
                <th scope="row"><a href=href><bdi>{name}</bdi></a><span class="sub">{kind}</span></th>
                <td>{badge(Tone::Accent, role_name(grant.role))}{glass}{grants::scope(grant)}</td>
                <td class="spare">{cx.clock.view(grant.created_at)}</td>
                {revoke}
            </tr>
        });
    }
    let keys = api_keys::list(&cx).await?;
    let roles = Facts::new()
        .with(t!("role.owner"), t!("role.owner-text"))
        .with(t!("role.admin"), t!("role.admin-text"))
        .with(t!("role.access-admin"), t!("role.access-admin-text"))
        .with(t!("role.helpdesk"), t!("role.helpdesk-text"))
        .with(t!("role.auditor"), t!("role.auditor-text"));
    let body = view! {
        {Title::new(t!("administrators.title")).note(t!("administrators.note")).view()}
        {table.view(&cx.address)}
        {keys}
        {section(t!("administrators.roles"), None, roles.view())}
    };
    Ok(Page::admin(AdminTab::Administrators, t!("administrators.title"), body))
}
