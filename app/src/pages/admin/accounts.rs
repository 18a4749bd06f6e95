//! Accounts: the list, the same by path, and one account.

pub mod forms;
pub mod import;

use domain::PageRequest;
use domain::access::accounts::{Account, AccountStatus, AccountView, AccountsQuery, AccountsSort, Broker, PathCount};
use domain::authz::Action;
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{AccountId, AccountPath, t};

use super::access::account_links;
use super::allowed;
use super::user::history_card;
use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::pager::Pager;
use crate::parts::table::{Column, Table};
use crate::parts::tabs::tabs;
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

const LIST: &str = "/admin/accounts";

/// Where the page of an account is.
pub fn place(id: AccountId) -> String {
    format!("{LIST}/{id}")
}

/// The status in words.
pub fn status_name(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Active => t!("accounts.status-active"),
        AccountStatus::Suspended => t!("accounts.status-suspended"),
        AccountStatus::Closed => t!("accounts.status-closed"),
    }
}

pub fn status_badge(status: AccountStatus) -> AnyView {
    let tone = match status {
        AccountStatus::Active => Tone::Good,
        AccountStatus::Suspended => Tone::Warn,
        AccountStatus::Closed => Tone::Bad,
    };
    badge(tone, status_name(status))
}

fn broker_name(broker: &Broker) -> &'static str {
    match broker {
        Broker::Local {} => t!("accounts.broker-local"),
        Broker::AwsSaml { .. } => t!("accounts.broker-aws-saml"),
        Broker::AwsRole { .. } => t!("accounts.broker-aws-role"),
    }
}

/// What the address asks for.
pub fn query(cx: &Cx) -> Result<AccountsQuery, Stop> {
    let text = |key: &str| cx.address.get(key).unwrap_or_default().to_owned();
    let sort = cx.address.get("sort").unwrap_or("name");
    let (descending, key) = sort.strip_prefix('-').map_or((false, sort), |key| (true, key));
    let path = cx.address.get("path").map(AccountPath::parse).transpose();
    Ok(AccountsQuery {
        search: text("search"),
        path: path.map_err(|e| domain::Error::invalid("path", e.to_string()))?,
        tag: text("tag"),
        status: cx.address.get("status").and_then(|status| status.parse().ok()),
        sort: match key {
            "id" => AccountsSort::Id,
            "path" => AccountsSort::Path,
            _ => AccountsSort::Name,
        },
        descending,
        page: PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: None },
    })
}

/// `/admin/accounts`: the list, or the paths.
pub async fn list(cx: Cx) -> Answer {
    let by_path = cx.address.get("view") == Some("paths");
    let body = if by_path { paths(&cx).await? } else { rows(&cx).await? };
    let title = Title::new(t!("accounts.title"));
    let title = if allowed(&cx, Action::ManageAccounts) {
        let import = view! { <a class="button" href=format!("{LIST}/import")>{t!("accounts.import")}</a> }.into_any();
        title.action(import).link(t!("accounts.new"), format!("{LIST}/new"))
    } else {
        title
    };
    let views = [(!by_path, LIST, t!("accounts.list")), (by_path, "/admin/accounts?view=paths", t!("accounts.tree"))];
    let body = view! {
        {title.view()}
        {tabs(t!("accounts.views"), views)}
        {body}
    };
    Ok(Page::admin(AdminTab::Accounts, t!("accounts.title"), body))
}

async fn rows(cx: &Cx) -> Result<AnyView, Stop> {
    let page = cx.services().accounts.list(cx.call(), &query(cx)?).await?;
    let filters = filters(cx).await?;
    let list = if page.rows.is_empty() && cx.address.get("page").is_none() {
        if filters.active(&cx.address) { filtered_empty(t!("accounts.none-found"), LIST) } else { nothing(cx) }
    } else {
        Pager::of(&page, "count.accounts").around(&cx.address, table(cx, &page.rows))
    };
    Ok(view! { {filters.view(&cx.address)} {list} }.into_any())
}

/// The search over accounts, filled from the address.
pub async fn filters(cx: &Cx) -> Result<Filters, Stop> {
    let value = |key: &str| cx.address.get(key).unwrap_or_default().to_owned();
    let statuses = std::iter::once((String::new(), t!("filter.any").to_owned()))
        .chain(AccountStatus::ALL.map(|status| (status.as_str().to_owned(), status_name(status).to_owned())));
    let paths = cx.services().accounts.tree(cx.call()).await?;
    let paths = std::iter::once((String::new(), t!("accounts.path-all").to_owned()))
        .chain(paths.iter().skip(1).map(|at| (at.path.to_string(), at.path.to_string())));
    Ok(Filters::new(t!("accounts.search"))
        .with(
            "search",
            field("search", t!("filter.search"))
                .kind("search")
                .value(value("search"))
                .hint_unseen(t!("accounts.search-hint"))
                .grow(),
        )
        .with("path", field("path", t!("field.path")).options(paths.collect()).value(value("path")))
        .with("tag", field("tag", t!("field.tag")).value(value("tag")).hint_unseen(t!("accounts.tag-hint")))
        .with("status", field("status", t!("field.status")).options(statuses.collect()).value(value("status"))))
}

fn table(cx: &Cx, accounts: &[Account]) -> AnyView {
    let columns = vec![
        Column::new(t!("field.name")).sort("name"),
        Column::new(t!("field.id")).sort("id"),
        Column::new(t!("field.path")).sort("path").spare(),
        Column::new(t!("field.status")).spare(),
    ];
    let mut table = Table::new(t!("accounts.title"), columns).usual("name");
    for account in accounts {
        let email = (!account.email().is_empty())
            .then(|| view! { <div class="sub"><bdi>{account.email().to_owned()}</bdi></div> });
        let path = account.path.to_string();
        let there = format!("{LIST}?path={}", encode(&path));
        table.row(view! {
            <tr>
                <th scope="row"><a href=place(account.id)><bdi>{account.name.to_string()}</bdi></a>{email}</th>
                <td class="nowrap"><code>{account.id.to_string()}</code></td>
                <td class="spare"><a href=there><bdi>{path}</bdi></a></td>
                <td class="spare">{status_badge(account.status)}</td>
            </tr>
        });
    }
    table.view(&cx.address)
}

fn nothing(cx: &Cx) -> AnyView {
    if allowed(cx, Action::ManageAccounts) {
        let create = (t!("accounts.new").to_owned(), format!("{LIST}/new"));
        return empty(t!("accounts.empty"), t!("accounts.empty-text"), Some(create));
    }
    let reached = cx.person().is_some_and(|person| person.scopes.is_empty());
    if reached && !allowed(cx, Action::SeeAudit) {
        return empty(t!("accounts.none-reached"), t!("accounts.none-reached-text"), None);
    }
    empty(t!("accounts.empty"), t!("accounts.empty-text"), None)
}

/// The paths as a tree; each leads to the accounts there and below.
async fn paths(cx: &Cx) -> Result<AnyView, Stop> {
    let tree = cx.services().accounts.tree(cx.call()).await?;
    if tree.is_empty() {
        return Ok(nothing(cx));
    }
    Ok(view! { <div class="card">{branch(&tree, 0)}</div> }.into_any())
}

/// The branches that begin at this depth. What is below a path follows it.
fn branch(tree: &[PathCount], depth: usize) -> AnyView {
    let depth_of = |at: &PathCount| at.path.segments().count();
    let mut items = Vec::new();
    let mut rest = tree;
    while let Some((first, others)) = rest.split_first() {
        let many = others.iter().take_while(|at| depth_of(at) > depth).count();
        let (below, next) = others.split_at(many);
        let name = first.path.segments().last().map_or_else(|| first.path.to_string(), str::to_owned);
        let href = format!("{LIST}?path={}&sort=path", encode(first.path.as_str()));
        let here = (first.here > 0 && first.here < first.below)
            .then(|| t!("accounts.tree-here", n = grouped(first.here)))
            .map(|here| view! { " · "{here} });
        items.push(view! {
            <li>
                <a href=href><bdi>{name}</bdi></a>
                " "
                <span class="muted small">{count("count.accounts", first.below)}{here}</span>
                {(!below.is_empty()).then(|| branch(below, depth + 1))}
            </li>
        });
        rest = next;
    }
    view! { <ul class="tree" role="list">{items}</ul> }.into_any()
}

/// One account: what it is left, what happened right.
pub async fn page(cx: Cx) -> Answer {
    let id: AccountId = cx.id(2, t!("noun.account"))?;
    let account = cx.services().accounts.get(cx.call(), id).await?;
    let name = account.account.name.to_string();
    let title = Title::new(name.clone()).under(t!("accounts.title"), LIST);
    let title = if account.may_change {
        title.action(
            view! {
                <a class="button" href=format!("{}/edit", place(id))>{t!("accounts.change")}</a>
                <a class="button danger" href=format!("{}/delete", place(id))>{t!("accounts.delete")}</a>
            }
            .into_any(),
        )
    } else {
        title
    };
    let closed = (account.account.status != AccountStatus::Active).then(|| {
        let status = status_name(account.account.status).to_lowercase();
        let text = t!("accounts.no-access-text", status = status);
        notice(Tone::Warn, view! { <strong>{t!("accounts.no-access")}</strong>" "{text} }, None)
    });
    let access = allowed(&cx, Action::SeeAssignments).then(|| account_links(id));
    let body = view! {
        {title.view()}
        {closed}
        {access}
        <div class="detail">
            <div class="stack">
                {section(t!("accounts.facts"), None, facts(&cx, &account))}
                {section(t!("accounts.broker"), None, broker(&account.account.broker))}
            </div>
            <div class="stack">
                {history_card(&cx, "target", &id.to_string()).await?}
            </div>
        </div>
    };
    Ok(Page::admin(AdminTab::Accounts, name, body))
}

fn facts(cx: &Cx, view: &AccountView) -> AnyView {
    let account = &view.account;
    let there = format!("{LIST}?path={}", encode(account.path.as_str()));
    let tags = account.tags.iter().map(|(key, value)| {
        let pair = format!("{key}={value}");
        let href = format!("{LIST}?tag={}", encode(&pair));
        view! { <li><a class="badge" href=href><bdi>{pair}</bdi></a></li> }
    });
    let tags = if account.tags.is_empty() {
        text_or_dash("")
    } else {
        view! { <ul class="badges" role="list">{tags.collect_view()}</ul> }.into_any()
    };
    Facts::new()
        .with(t!("field.id"), view! { <code>{account.id.to_string()}</code> })
        .with(t!("field.status"), status_badge(account.status))
        .with(t!("field.path"), view! { <a href=there><bdi>{account.path.to_string()}</bdi></a> })
        .with(t!("field.email"), view! { <bdi>{text_or_dash(account.email())}</bdi> })
        .with(t!("field.tags"), tags)
        .with(t!("users.created"), cx.clock.view(view.created_at))
        .view()
}

fn broker(broker: &Broker) -> AnyView {
    let code = |text: &str| view! { <code>{text.to_owned()}</code> }.into_any();
    let facts = Facts::new().with(t!("accounts.broker-legend"), broker_name(broker));
    match broker {
        Broker::Local {} => facts,
        Broker::AwsSaml { saml_provider, role, region, sts_endpoint } => facts
            .with(t!("field.saml_provider"), code(saml_provider))
            .with(t!("field.role_arn"), code(role))
            .with(t!("field.region"), code(region))
            .with_some(t!("field.sts_endpoint"), sts_endpoint.as_deref().map(code)),
        Broker::AwsRole { role, external_id, region } => facts
            .with(t!("field.role_arn"), code(role))
            .with(t!("field.region"), code(region))
            .with_some(t!("field.external_id"), external_id.as_deref().map(code)),
    }
    .view()
}
