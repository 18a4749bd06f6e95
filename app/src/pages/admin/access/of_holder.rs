//! Access of a person and of a group, and where a permission set is assigned.

use domain::access::Principal;
use domain::access::assignments::{AccessOfPerson, GrantsOf};
use domain::identity::people::Status;
use leptos::prelude::*;
use model::words::count;
use model::{AccountTarget, GroupId, PermissionSetId, UserId, t};

use super::{Columns, assign_button, export_link, filter_of, listed, page_request, target, ways, why};
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::Title;
use crate::shell::Answer;

/// `/admin/users/{id}/access`
pub async fn of_user(cx: Cx) -> Answer {
    let id: UserId = cx.id(2, t!("noun.person"))?;
    let person = cx.services().people.get(cx.call(), id).await?;
    let search = cx.address.get("search").unwrap_or_default();
    let page = cx.services().assignments.access_of(cx.call(), id, search, &page_request(&cx)).await?;
    let name = person.row.user_name.clone();
    let up = format!("/admin/users/{id}");
    let filters = Filters::new(t!("access.search"))
        .with("search", field("search", t!("filter.search")).kind("search").value(search).grow());
    let first = cx.address.get("page").is_none();
    let list = if page.rows.is_empty() && first && filters.active(&cx.address) {
        filtered_empty(t!("access.none-found"), format!("{up}/access"))
    } else if page.rows.is_empty() && first {
        empty(t!("access.person-none"), t!("access.person-none-text"), None)
    } else {
        let table = reached(&cx, &name, id, &page.rows);
        Pager::of(&page, "count.access").around(&cx.address, table)
    };
    let something = !page.rows.is_empty() || filters.active(&cx.address);
    let state = match person.row.status {
        Status::Active => None,
        Status::Disabled => Some(t!("access.person-disabled")),
        Status::Invited => Some(t!("access.person-invited")),
    };
    let state = state.map(|text| notice(Tone::Warn, text, None));
    let user = id.to_string();
    let export = export_link(&[("list", "access"), ("user", &user)]);
    let actions = view! { {export}{assign_button(&cx, &[("user", &user)])} };
    let title = t!("access.of", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, up).action(actions.into_any()).view()}
        {state}
        {something.then(|| filters.view(&cx.address))}
        {list}
    };
    Ok(Page::admin(AdminTab::Users, title, body))
}

fn reached(cx: &Cx, name: &str, user: UserId, rows: &[AccessOfPerson]) -> AnyView {
    let columns = vec![Column::new(t!("access.account")), Column::new(t!("access.set")), Column::new(t!("access.via"))];
    let mut table = Table::new(t!("access.tab"), columns).stacked();
    for row in rows {
        let set = format!("/admin/permission-sets/{}", row.set);
        let whom = t!("access.of-in", set = row.set_name, whom = name, account = row.account);
        table.row(view! {
            <tr>
                <th scope="row">{target(&AccountTarget::Account(row.account), Some(&row.account_name))}</th>
                <td class="name">
                    <a href=set><bdi>{row.set_name.clone()}</bdi></a>
                    <div>{why(user, row.account, &row.set_name, whom)}</div>
                </td>
                <td>{ways(cx, &row.via)}</td>
            </tr>
        });
    }
    table.view(&cx.address)
}

/// `/admin/groups/{id}/access`
pub async fn of_group(cx: Cx) -> Answer {
    let id: GroupId = cx.id(2, t!("noun.group"))?;
    let group = cx.services().groups.get(cx.call(), id).await?;
    let columns = Columns { principal: false, ..Columns::ALL };
    let none = (t!("access.group-none"), t!("access.group-none-text"));
    let list = listed(&cx, GrantsOf::Principal(Principal::Group(id)), columns, none).await?;
    let name = group.row.name.clone();
    let title = t!("access.of", name = name);
    let value = id.to_string();
    let note = t!("access.group-note", members = count("count.members", group.row.members));
    let body = view! {
        {Title::new(title.clone())
            .under(name, format!("/admin/groups/{id}"))
            .note(note)
            .action(actions(&cx, ("group", &value)))
            .view()}
        {list}
    };
    Ok(Page::admin(AdminTab::Groups, title, body))
}

/// `/admin/permission-sets/{id}/assignments`
pub async fn of_set(cx: Cx) -> Answer {
    let id: PermissionSetId = cx.id(2, t!("noun.permission-set"))?;
    let name = cx.services().assignments.set_name(cx.call(), id).await?;
    let columns = Columns { set: false, ..Columns::ALL };
    let none = (t!("access.set-none"), t!("access.set-none-text"));
    let list = listed(&cx, GrantsOf::PermissionSet(id), columns, none).await?;
    let title = t!("access.set-of", name = name);
    let value = id.to_string();
    let body = view! {
        {Title::new(title.clone())
            .under(name, format!("/admin/permission-sets/{id}"))
            .action(actions(&cx, ("set", &value)))
            .view()}
        {list}
    };
    Ok(Page::admin(AdminTab::PermissionSets, title, body))
}

/// The list as a table, and the way to assign more of it.
fn actions(cx: &Cx, (kind, id): (&'static str, &str)) -> AnyView {
    let filter = filter_of(cx);
    let of = format!("{kind}:{id}");
    let export =
        export_link(&[("of", &of), ("whom", &filter.whom), ("account", &filter.account), ("set", &filter.set)]);
    view! { {export}{assign_button(cx, &[(kind, id)])} }.into_any()
}
