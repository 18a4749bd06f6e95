//! The portal: the accounts of a person with a search, and links that lead straight to one of them.

use axum::http::StatusCode;
use domain::Error;
use domain::access::portal::{Listing, Part, Search, Shelf, Way};
use domain::authz::Action;
use leptos::prelude::*;
use model::words::count;
use model::{Refusal, t};

use super::admin::allowed;
use crate::address::encode;
use crate::context::Cx;
use crate::islands::places::PlacesSearch;
use crate::parts::badge::Tone;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::facts::Facts;
use crate::parts::form::field;
use crate::parts::frame::{Page, PortalTab};
use crate::parts::notice::notice;
use crate::parts::places;
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// The root of the site leads to the portal.
pub async fn root(_: Cx) -> Answer {
    Err(Stop::Go("/start".to_owned()))
}

/// `/start`: the accounts of the reader.
pub async fn accounts(cx: Cx) -> Answer {
    let listing = cx.services().portal.list(cx.call()).await?;
    let title = t!("start.accounts.title");
    if listing.is_empty() {
        let body = view! { {Title::new(title).view()}{nothing_yet(&cx)} };
        return Ok(Page::portal(PortalTab::Accounts, title, body).with_fragments());
    }
    // The list of somebody with thousands of accounts is for the script; it is sent compressed.
    cx.compress();
    let searched = cx.address.get("q").unwrap_or_default();
    let part = listing.part(&Search::parse(searched), cx.address.get("page").and_then(|id| id.parse().ok()));
    let search = field("q", t!("start.search"))
        .kind("search")
        .value(searched)
        .hint_unseen(t!("start.search-hint"))
        .free()
        .grow()
        .focus();
    let ending = listing.ending(cx.call().now);
    let ending = (ending > 0)
        .then(|| notice(Tone::Warn, count("count.ending", u64::try_from(ending).unwrap_or(u64::MAX)), None));
    let searchable = view! {
        {ending}
        <search>
            <form class="filters" method="get" action="/start" aria-label=t!("start.search")>
                {search.view()}
                <button>{t!("filter.apply")}</button>
            </form>
        </search>
        <p class="small muted" id="places-count" role="status" data-some=t!("start.found") data-all=t!("start.all")>
            {how_many(&part, &listing, searched)}
        </p>
        <div id="places-listed" class="stack" data-filtered=(!searched.is_empty()).then_some("yes")>
            {listed(&cx, &part, searched)}
            {pager(&cx, &part)}
        </div>
        {places::found()}
    }
    .into_any();
    let body = view! {
        {Title::new(title).view()}
        <PlacesSearch>{searchable}</PlacesSearch>
        {places::template(&cx)}
        <div id="places-data" hidden inner_html=places::data(&cx, &listing)></div>
    };
    Ok(Page::portal(PortalTab::Accounts, title, body).with_fragments())
}

/// Nobody has given them anything: whom to ask, and for what.
fn nothing_yet(cx: &Cx) -> AnyView {
    let organization = cx.settings().organization_name.clone();
    let name = cx.signed_in().map(|person| person.user_name.clone()).unwrap_or_default();
    let next = allowed(cx, Action::SeeAdministration).then(|| (t!("start.to-admin").to_owned(), "/admin".to_owned()));
    empty(t!("start.accounts.empty"), t!("start.accounts.empty-text", organization = organization, name = name), next)
}

fn how_many(part: &Part<'_>, listing: &Listing, searched: &str) -> String {
    let number = |n: usize| model::words::grouped(u64::try_from(n).unwrap_or(u64::MAX));
    if searched.is_empty() {
        t!("start.all").replace("%total", &number(part.total))
    } else {
        t!("start.found").replace("%n", &number(part.total)).replace("%total", &number(listing.len()))
    }
}

/// The accounts of this page. Favourites and recent ones have headings of their own where nothing is searched.
fn listed(cx: &Cx, part: &Part<'_>, searched: &str) -> AnyView {
    if part.rows.is_empty() {
        return filtered_empty(t!("start.none-found"), "/start");
    }
    let next = cx.address.text();
    let several = part.rows.iter().any(|row| row.shelf != Shelf::Rest) && searched.is_empty();
    if !several {
        return places::list(cx, &part.rows, &next, None);
    }
    let shelf = |shelf: Shelf, heading: &'static str, id: &'static str| {
        let rows: Vec<_> = part.rows.iter().filter(|row| row.shelf == shelf).copied().collect();
        (!rows.is_empty()).then(|| {
            view! {
                <section class="stack tight">
                    <h2 id=id>{heading}</h2>
                    {places::list(cx, &rows, &next, Some(id))}
                </section>
            }
        })
    };
    view! {
        {shelf(Shelf::Favourite, t!("start.favourites"), "shelf-favourites")}
        {shelf(Shelf::Recent, t!("start.recent"), "shelf-recent")}
        {shelf(Shelf::Rest, t!("start.rest"), "shelf-rest")}
    }
    .into_any()
}

fn pager(cx: &Cx, part: &Part<'_>) -> Option<AnyView> {
    let link = |label: &'static str, from: Option<model::AccountId>, rel: &'static str| {
        from.map(|from| {
            let href = cx.address.with(&[("page", from.as_str())]);
            view! { <a class="button compact" href=href rel=rel>{label}</a> }
        })
    };
    (part.next.is_some() || part.previous.is_some()).then(|| {
        view! {
            <nav class="row" aria-label=t!("pager.below")>
                {link(t!("pager.previous"), part.previous, "prev")}
                {link(t!("pager.next"), part.next, "next")}
            </nav>
        }
        .into_any()
    })
}

/// `/start/console`: a link to an account, and maybe to a permission set and a page of the console.
pub async fn console(cx: Cx) -> Answer {
    let account = cx.address.get("account_id").unwrap_or_default();
    let opened =
        cx.services().portal.open(cx.call(), account, cx.address.get("role_name"), cx.address.get("destination")).await;
    match opened {
        Ok(way) if way.missing => Ok(no_such_set(&cx, &way)),
        Ok(way) if way.set.is_none() => Ok(choose(&cx, &way)),
        Ok(way) => Ok(not_configured(&way)),
        Err(error) if error.kind() == Refusal::NotFound => Ok(no_access(&cx, account)),
        Err(error) if error.kind() == Refusal::Invalid => Ok(bad_link(&cx, &error)),
        Err(error) => Err(error.into()),
    }
}

/// The account as such pages head it.
fn head(way: &Way, title: &str) -> AnyView {
    let account = &way.account;
    let note = view! { <bdi>{account.name.clone()}</bdi>" "<code>{account.id.to_string()}</code> };
    Title::new(title).note(note).under(t!("start.accounts.title"), "/start").view()
}

/// Everything is right but what would give the session.
fn not_configured(way: &Way) -> Page {
    let set = way.set.as_ref().map(|set| set.name.clone()).unwrap_or_default();
    let destination = way.destination.as_ref().map(|url| view! { <code>{url.to_string()}</code> });
    let facts = Facts::new()
        .with(t!("console.account"), view! { <bdi>{way.account.name.clone()}</bdi> })
        .with(t!("console.set"), set)
        .with_some(t!("console.destination"), destination);
    let body = view! {
        {head(way, t!("console.title"))}
        {notice(Tone::Warn, t!("console.not-configured"), None)}
        {section(t!("console.asked"), None, facts.view())}
        <p class="muted">{t!("console.not-configured-next")}</p>
    };
    Page::portal(PortalTab::Accounts, t!("console.title"), body)
}

/// The link names no set: the person chooses.
fn choose(cx: &Cx, way: &Way) -> Page {
    let body = view! {
        {head(way, t!("console.choose"))}
        {section(t!("console.your-sets"), None, sets(cx, way))}
    };
    Page::portal(PortalTab::Accounts, t!("console.choose"), body)
}

/// The link names a set that the person does not have in this account.
fn no_such_set(cx: &Cx, way: &Way) -> Page {
    cx.status(StatusCode::FORBIDDEN);
    let wanted = cx.address.get("role_name").unwrap_or_default().to_owned();
    let body = view! {
        {head(way, t!("console.no-set"))}
        {notice(Tone::Bad, t!("console.no-set-text", name = wanted), None)}
        {section(t!("console.your-sets"), None, sets(cx, way))}
        {whom_to_ask(cx, way.account.id.as_str(), &wanted)}
    };
    Page::portal(PortalTab::Accounts, t!("console.no-set"), body)
}

/// The person has nothing in this account; whether it exists is not said.
fn no_access(cx: &Cx, account: &str) -> Page {
    cx.status(StatusCode::NOT_FOUND);
    let set = cx.address.get("role_name").unwrap_or_default().to_owned();
    let body = view! {
        {Title::new(t!("console.no-access")).under(t!("start.accounts.title"), "/start").view()}
        {notice(Tone::Bad, t!("console.no-access-text", account = account), None)}
        {whom_to_ask(cx, account, &set)}
    };
    Page::portal(PortalTab::Accounts, t!("console.no-access"), body)
}

/// The link is broken in itself: what is wrong with it, and where to go on.
fn bad_link(cx: &Cx, error: &Error) -> Page {
    cx.status(StatusCode::BAD_REQUEST);
    let (why, href, label) = match error.field() {
        Some("destination") => (
            t!("console.bad-destination").to_owned(),
            cx.address.with(&[("destination", "")]),
            t!("console.without-destination"),
        ),
        Some("account_id") => (t!("console.bad-account").to_owned(), "/start".to_owned(), t!("console.to-accounts")),
        _ => (error.outside().to_owned(), "/start".to_owned(), t!("console.to-accounts")),
    };
    let body = view! {
        {Title::new(t!("console.bad-link")).under(t!("start.accounts.title"), "/start").view()}
        {notice(Tone::Bad, why, None)}
        <div class="row"><a class="button primary" href=href>{label}</a></div>
    };
    Page::portal(PortalTab::Accounts, t!("console.bad-link"), body)
}

/// Every set of the person in the account, each with the link to the same destination.
fn sets(cx: &Cx, way: &Way) -> AnyView {
    let destination = cx.address.get("destination").map(|text| format!("&destination={}", encode(text)));
    let items = way
        .sets
        .iter()
        .map(|set| {
            let href = format!(
                "/start/console?account_id={}&role_name={}{}",
                way.account.id,
                encode(&set.name),
                destination.as_deref().unwrap_or_default()
            );
            let description = (!set.description.is_empty())
                .then(|| view! { <p class="small muted"><bdi>{set.description.clone()}</bdi></p> });
            view! { <li><div><a href=href>{set.name.clone()}</a>{description}</div></li> }
        })
        .collect_view();
    view! { <ul role="list" class="items">{items}</ul> }.into_any()
}

fn whom_to_ask(cx: &Cx, account: &str, set: &str) -> AnyView {
    let organization = cx.settings().organization_name.clone();
    let name = cx.signed_in().map(|person| person.user_name.clone()).unwrap_or_default();
    let facts = Facts::new()
        .with(t!("console.you"), name)
        .with(t!("console.account"), view! { <code>{account.to_owned()}</code> })
        .with_some(t!("console.set"), (!set.is_empty()).then(|| set.to_owned()));
    section(
        t!("console.ask", organization = organization),
        None,
        view! { <p>{t!("console.ask-text")}</p>{facts.view()} },
    )
}

/// What an address with a fragment of AWS's portal leads to, for `/start` and the sign-in in front of it. Fragments never reach
/// the server.
pub const FRAGMENT: &str = r#"const [,p,q]=location.hash.match(/^#\/(console|device)(\?.*)?$/)??[];if(p)location.replace(`/start/${p}${q??""}`)"#;
