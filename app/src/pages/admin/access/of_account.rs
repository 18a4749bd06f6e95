//! What is assigned in an account, and who has access to it.

use domain::access::assignments::{GrantsOf, PersonWithAccess};
use leptos::prelude::*;
use model::{AccountId, t};

use super::{Columns, assign_button, export_link, filter_of, listed, page_request, ways, why};
use crate::context::Cx;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::tabs::tabs;
use crate::parts::title::Title;
use crate::shell::Answer;

/// The views of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Facts,
    Assignments,
    People,
}

/// `/admin/accounts/{id}/assignments`
pub async fn of_account(cx: Cx) -> Answer {
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let name = cx.services().assignments.account_name(cx.call(), id).await?;
    let none = (t!("access.account-none"), t!("access.account-none-text"));
    let list = listed(&cx, GrantsOf::Account(id), Columns::ALL, none).await?;
    let filter = filter_of(&cx);
    let of = format!("account:{id}");
    let export =
        export_link(&[("of", &of), ("whom", &filter.whom), ("account", &filter.account), ("set", &filter.set)]);
    let title = t!("access.account-of", name = name);
    let body = view! {
        {head(&cx, id, &title, name, export)}
        {tabs_of(id, View::Assignments)}
        {list}
    };
    Ok(Page::admin(AdminTab::Accounts, title, body))
}

/// `/admin/accounts/{id}/people`
pub async fn people_of_account(cx: Cx) -> Answer {
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let assignments = &cx.services().assignments;
    let name = assignments.account_name(cx.call(), id).await?;
    let search = cx.address.get("search").unwrap_or_default();
    let people = assignments.people_of(cx.call(), id, search, &page_request(&cx)).await?;
    let filters = Filters::new(t!("users.search"))
        .with("search", field("search", t!("filter.search")).kind("search").value(search).grow());
    let list = if people.rows.is_empty() && cx.address.get("page").is_none() {
        if filters.active(&cx.address) {
            filtered_empty(t!("users.none-found"), cx.address.path())
        } else {
            empty(t!("access.nobody"), t!("access.nobody-text"), None)
        }
    } else {
        Pager::of(&people, "count.people").around(&cx.address, table(&cx, id, &people.rows))
    };
    let something = !people.rows.is_empty() || filters.active(&cx.address);
    let account = id.to_string();
    let export = export_link(&[("list", "people"), ("account", &account)]);
    let title = t!("access.people-of", name = name);
    let body = view! {
        {head(&cx, id, &title, name, export)}
        {tabs_of(id, View::People)}
        {something.then(|| filters.view(&cx.address))}
        {list}
    };
    Ok(Page::admin(AdminTab::Accounts, title, body))
}

fn table(cx: &Cx, account: AccountId, people: &[PersonWithAccess]) -> AnyView {
    let columns = vec![Column::new(t!("field.username")), Column::new(t!("access.set")), Column::new(t!("access.via"))];
    let mut table = Table::new(t!("access.people"), columns).stacked();
    for person in people {
        for (at, set) in person.sets.iter().enumerate() {
            let who = if at == 0 {
                let href = format!("/admin/users/{}/access", person.user);
                view! {
                    <th scope="row">
                        <a href=href><bdi>{person.user_name.clone()}</bdi></a>
                        <span class="sub"><bdi>{person.display_name.clone()}</bdi></span>
                    </th>
                }
                .into_any()
            } else {
                view! { <td><span class="hidden-visually"><bdi>{person.user_name.clone()}</bdi></span></td> }.into_any()
            };
            let href = format!("/admin/permission-sets/{}", set.set);
            let whom = t!("access.of-in", set = set.set_name, whom = person.user_name, account = account);
            table.row(view! {
                <tr>
                    {who}
                    <td class="name">
                        <a href=href><bdi>{set.set_name.clone()}</bdi></a>
                        <div>{why(person.user, account, &set.set_name, whom)}</div>
                    </td>
                    <td>{ways(cx, &set.via)}</td>
                </tr>
            });
        }
    }
    table.view(&cx.address)
}

fn head(cx: &Cx, id: AccountId, title: &str, name: String, export: AnyView) -> AnyView {
    let value = id.to_string();
    let actions = view! { {export}{assign_button(cx, &[("account", &value)])} };
    Title::new(title.to_owned()).under(name, format!("/admin/accounts/{id}")).action(actions.into_any()).view()
}

/// The ways from an account to its access.
pub fn account_links(id: AccountId) -> AnyView {
    tabs_of(id, View::Facts)
}

/// The account itself, and the two views of its access.
fn tabs_of(id: AccountId, open: View) -> AnyView {
    let place = format!("/admin/accounts/{id}");
    let views = [
        (View::Facts, place.clone(), t!("access.facts")),
        (View::Assignments, format!("{place}/assignments"), t!("access.title")),
        (View::People, format!("{place}/people"), t!("access.people")),
    ];
    tabs(t!("access.tab"), views.map(|(view, href, label)| (view == open, href, label)))
}
