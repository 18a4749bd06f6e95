//! The first page of administration: how many there are, what needs somebody, what happened last.

use domain::PageRequest;
use domain::authz::Action;
use domain::identity::people::{PeopleQuery, Status};
use domain::identity::sessions::MOST_COUNTED;
use leptos::prelude::*;
use model::t;
use model::words::grouped;

use super::{allowed, user::history_card};
use crate::context::Cx;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::title::Title;
use crate::shell::{Answer, Stop};

/// `/admin`
pub async fn page(cx: Cx) -> Answer {
    let people = how_many(&cx, None).await?;
    let invited = how_many(&cx, Some(Status::Invited)).await?;
    let disabled = how_many(&cx, Some(Status::Disabled)).await?;
    let few = PageRequest { cursor: None, size: Some(1) };
    let groups = cx.services().groups.list(cx.call(), "", &few).await?.total;
    let sessions = cx.services().sessions.count(cx.call()).await?;
    let sessions =
        if sessions > MOST_COUNTED { t!("overview.more-than", n = grouped(MOST_COUNTED)) } else { grouped(sessions) };
    let tile = |href: &'static str, number: Option<u64>, label: &'static str| {
        // Where counting would cost more than it is worth there is no tile.
        number.map(
            |number| view! { <a class="tile" href=href><strong>{grouped(number)}</strong><span>{label}</span></a> },
        )
    };
    let latest = history_card(&cx, "target", "").await?;
    let create = allowed(&cx, Action::CreatePeople);
    let title = Title::new(t!("overview.title"));
    let title = if create { title.link(t!("users.new"), "/admin/users/new") } else { title };
    let body = view! {
        {title.view()}
        <div class="tiles">
            {tile("/admin/users", people, t!("overview.people"))}
            {tile("/admin/users?status=invited", invited, t!("overview.invited"))}
            {tile("/admin/users?status=disabled", disabled, t!("overview.disabled"))}
            {tile("/admin/groups", groups, t!("groups.title"))}
            <a class="tile" href="/admin/sessions"><strong>{sessions}</strong><span>{t!("overview.sessions")}</span></a>
        </div>
        {latest}
    };
    Ok(Page::admin(AdminTab::Overview, t!("overview.title"), body))
}

async fn how_many(cx: &Cx, status: Option<Status>) -> Result<Option<u64>, Stop> {
    let query = PeopleQuery { status, page: PageRequest { cursor: None, size: Some(1) }, ..PeopleQuery::default() };
    Ok(cx.services().people.list(cx.call(), &query).await?.total)
}
