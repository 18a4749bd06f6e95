//! Who has a permission set, in whatever account, and through what.

use domain::PageRequest;
use domain::access::assignments::PersonWithSet;
use leptos::prelude::*;
use model::words::grouped;
use model::{PermissionSetId, t};

use super::{Tab, explain_link, place, tabs};
use crate::context::Cx;
use crate::parts::empty::empty;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::title::Title;
use crate::shell::Answer;

/// Groups that a line names; the explanation names all.
const NAMED: usize = 5;

/// `/admin/permission-sets/{id}/people`
pub async fn page(cx: Cx) -> Answer {
    let id: PermissionSetId = cx.id(2, t!("noun.permission-set"))?;
    let assignments = &cx.services().assignments;
    let name = assignments.set_name(cx.call(), id).await?;
    let request = PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None };
    let people = assignments.people_with(cx.call(), id, &request).await?;
    let list = if people.rows.is_empty() && request.cursor.is_none() {
        empty(t!("sets.people-none"), t!("sets.people-none-text"), None)
    } else {
        let columns = vec![
            Column::new(t!("field.username")),
            Column::new(t!("access.via")),
            Column::new(t!("groups.actions")).unseen(),
        ];
        let mut table = Table::new(t!("sets.people"), columns);
        for person in &people.rows {
            table.row(row(&name, person));
        }
        Pager::of(&people, "count.people").around(&cx.address, table.view(&cx.address))
    };
    let title = t!("sets.people-of", name = name);
    let body = view! {
        {Title::new(title.clone()).under(name, place(id)).view()}
        {tabs(&cx, id, Some(Tab::People))}
        {list}
    };
    Ok(Page::admin(AdminTab::PermissionSets, title, body))
}

fn row(set: &str, person: &PersonWithSet) -> AnyView {
    let directly = person.directly.then(|| view! { <li>{t!("access.direct")}</li> });
    let groups = person.groups.iter().take(NAMED).map(|(id, name)| {
        view! { <li><a href=format!("/admin/groups/{id}/access")><bdi>{name.clone()}</bdi></a></li> }
    });
    let rest = person.groups.len().saturating_sub(NAMED);
    let rest = (rest > 0).then(|| view! { <li class="muted">{t!("sets.more", n = grouped(rest as u64))}</li> });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/users/{}/access", person.user)><bdi>{person.user_name.clone()}</bdi></a>
                <span class="sub"><bdi>{person.display_name.clone()}</bdi></span>
            </th>
            <td class="name"><ul role="list">{directly}{groups.collect_view()}{rest}</ul></td>
            <td class="end">{explain_link(person.user, "", set, &person.user_name)}</td>
        </tr>
    }
    .into_any()
}
