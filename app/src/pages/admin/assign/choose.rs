//! The steps that choose: what there is on the left, to be ticked; what is chosen on the right.

use domain::PageRequest;
use domain::access::Principal;
use domain::access::accounts::AccountStatus;
use domain::access::assignments::{Chosen, Draft};
use domain::access::permission_sets::PermissionSetsQuery;
use domain::identity::people::{PeopleQuery, Status};
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{AccountTarget, t};

use super::{Step, of_draft, onward};
use crate::context::Cx;
use crate::pages::admin::{accounts as registry, users};
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::filtered_empty;
use crate::parts::filter::Filters;
use crate::parts::form::{field, hidden};
use crate::parts::pager::Pager;
use crate::parts::title::section;
use crate::shell::Stop;

/// Rows of a page of a list to choose from: few enough that what is chosen stays near on a telephone.
const ROWS: u32 = 25;
/// Rows of a list that stands beside another.
const FEW: u32 = 10;
/// What of the address belongs to the step.
const KEPT: &[&str] = &["draft", "step", "of"];

/// One line to choose from.
struct Offer {
    /// What the box stands for.
    pick: String,
    taken: bool,
    name: String,
    about: AnyView,
}

/// The step.
pub async fn body(cx: &Cx, draft: &Draft, step: Step) -> Result<AnyView, Stop> {
    let offered = match step {
        Step::Accounts => accounts(cx, draft).await?,
        Step::People => people(cx, draft).await?,
        _ => sets(cx, draft).await?,
    };
    let chosen = cx.services().assignments.chosen(cx.call(), &draft.proposal).await?;
    let here = cx.address.text();
    Ok(view! {
        <form id="drop" method="post" action="/actions/assignments/drop">
            {of_draft(draft)}
            {hidden("next", here)}
        </form>
        <div class="detail choosing">
            <div class="stack">{offered}</div>
            {chosen_card(draft, step, &chosen)}
        </div>
    }
    .into_any())
}

/// Lines with a box each. What is chosen already has a way back instead. `first` counts the boxes of the lists before.
fn ticks(offers: Vec<Offer>, first: usize) -> AnyView {
    let lines = offers
        .into_iter()
        .zip(first..)
        .map(|(offer, at)| {
            let id = format!("pick-{at}");
            let words = view! { <bdi>{offer.name.clone()}</bdi>" "{offer.about} };
            if offer.taken {
                let remove = remove_button(offer.pick, &offer.name);
                return view! { <li><div>{words}" "{badge(Tone::Good, t!("assign.chosen"))}</div>{remove}</li> }
                    .into_any();
            }
            view! {
                <li>
                    <div class="check">
                        <input type="checkbox" form="choose" id=id.clone() name=format!("pick[{at}]") value=offer.pick/>
                        <label for=id>{words}</label>
                    </div>
                </li>
            }
            .into_any()
        })
        .collect_view();
    view! { <div class="card"><ul class="items ticks" role="list">{lines}</ul></div> }.into_any()
}

fn remove_button(pick: String, name: &str) -> AnyView {
    let whom = name.to_owned();
    view! {
        <button class="compact" form="drop" name="pick[0]" value=pick>
            {t!("groups.remove")}
            <span class="hidden-visually">" "{whom}</span>
        </button>
    }
    .into_any()
}

/// The form that the boxes belong to. It stays in sight below a long list.
fn choose_bar(cx: &Cx, draft: &Draft, more: Option<AnyView>) -> AnyView {
    let wrong = cx.error_of("pick").or_else(|| cx.error_of("accounts"));
    let wrong = wrong.map(|error| view! { <p class="error">{error}</p> });
    view! {
        <form id="choose" class="bar" method="post" action="/actions/assignments/choose">
            {of_draft(draft)}
            {hidden("next", cx.address.text())}
            {wrong}
            <button>{t!("assign.add")}</button>
            {more}
        </form>
    }
    .into_any()
}

fn search(cx: &Cx, label: &'static str) -> AnyView {
    let value = cx.address.get("search").unwrap_or_default().to_owned();
    Filters::new(label)
        .keeps(KEPT)
        .with("search", field("search", label).kind("search").value(value).grow())
        .view(&cx.address)
}

async fn accounts(cx: &Cx, draft: &Draft) -> Result<AnyView, Stop> {
    let mut query = registry::query(cx)?;
    query.page.size = Some(ROWS);
    let page = cx.services().accounts.list(cx.call(), &query).await?;
    let filters = registry::filters(cx).await?.keeps(KEPT);
    let offers = page.rows.iter().map(|account| {
        let closed =
            (account.status != AccountStatus::Active).then(|| view! { " "{registry::status_badge(account.status)} });
        Offer {
            pick: format!("account:{}", account.id),
            taken: draft.proposal.targets.contains(&AccountTarget::Account(account.id)),
            name: account.name.to_string(),
            about: view! {
                <code>{account.id.to_string()}</code>
                " "
                <span class="muted small"><bdi>{account.path.to_string()}</bdi></span>
                {closed}
            }
            .into_any(),
        }
    });
    let offers: Vec<Offer> = offers.collect();
    let several = page.total.filter(|all| *all > 1);
    let all = several.map(|all| {
        let asked = ["search", "path", "tag", "status"]
            .map(|name| cx.address.get(name).map(|value| hidden(name, value)))
            .into_iter()
            .collect_view();
        view! { {asked}<button name="all" value="on">{t!("assign.add-all", n = grouped(all))}</button> }.into_any()
    });
    let list = if offers.is_empty() {
        filtered_empty(t!("accounts.none-found"), Step::Accounts.place(draft))
    } else {
        let list = Pager::of(&page, "count.accounts").around(&cx.address, ticks(offers, 0));
        view! { {list}{choose_bar(cx, draft, all)} }.into_any()
    };
    Ok(view! { {filters.view(&cx.address)}{list}{by_path(cx, draft)} }.into_any())
}

/// Accounts by a rule, for those that come later too.
fn by_path(cx: &Cx, draft: &Draft) -> AnyView {
    let form = view! {
        <form class="form" method="post" action="/actions/assignments/choose">
            {of_draft(draft)}
            {hidden("next", cx.address.text())}
            {field("account", t!("assign.rule"))
                .value(cx.typed("account").unwrap_or_default())
                .hint(t!("assign.rule-hint"))
                .error(cx.error_of("account"))
                .mono()
                .view()}
            <div class="row"><button>{t!("assign.add-rule")}</button></div>
        </form>
    };
    section(t!("assign.by-path"), None, form)
}

async fn people(cx: &Cx, draft: &Draft) -> Result<AnyView, Stop> {
    let wanted = cx.address.get("search").unwrap_or_default();
    let only = cx.address.get("of");
    let page = |shown: bool| PageRequest {
        cursor: cx.address.get("page").filter(|_| shown).map(str::to_owned),
        size: Some(if shown { ROWS } else { FEW }),
    };
    let mut lists = Vec::new();
    let mut boxes = 0;
    if only != Some("people") {
        let groups = cx.services().groups.list(cx.call(), wanted, &page(only.is_some())).await?;
        let offers: Vec<Offer> = groups
            .rows
            .iter()
            .map(|row| Offer {
                pick: format!("group:{}", row.id),
                taken: draft.proposal.principals.contains(&Principal::Group(row.id)),
                name: row.name.clone(),
                about: view! { <span class="muted small">{count("count.members", row.members)}</span> }.into_any(),
            })
            .collect();
        let (shown, next) = (offers.len(), boxes + offers.len());
        let list = ticks(offers, boxes);
        boxes = next;
        let pager = &Pager::of(&groups, "count.groups");
        lists.push(one_of_two(cx, ("groups", t!("groups.title")), (groups.total, shown), pager, list));
    }
    if only != Some("groups") {
        let query = PeopleQuery { search: wanted.to_owned(), page: page(only.is_some()), ..PeopleQuery::default() };
        let people = cx.services().people.list(cx.call(), &query).await?;
        let offers: Vec<Offer> = people
            .rows
            .iter()
            .map(|row| {
                let state = (row.status != Status::Active).then(|| view! { " "{users::status_badge(row.status)} });
                Offer {
                    pick: format!("user:{}", row.id),
                    taken: draft.proposal.principals.contains(&Principal::User(row.id)),
                    name: row.user_name.clone(),
                    about: view! { <span class="muted small"><bdi>{row.display_name.clone()}</bdi></span>{state} }
                        .into_any(),
                }
            })
            .collect();
        let shown = offers.len();
        let list = ticks(offers, boxes);
        let pager = &Pager::of(&people, "count.people");
        lists.push(one_of_two(cx, ("people", t!("users.title")), (people.total, shown), pager, list));
    }
    let lists: Vec<AnyView> = lists.into_iter().flatten().collect();
    let found = !lists.is_empty();
    let none = (!found).then(|| filtered_empty(t!("assign.nobody-found"), Step::People.place(draft)));
    let both = only.map(|_| {
        view! { <p><a href=cx.address.with(&[("of", ""), ("page", "")])>{t!("assign.both-lists")}</a></p> }
    });
    let bar = found.then(|| choose_bar(cx, draft, None));
    Ok(view! { {search(cx, t!("assign.search-people"))}{both}{lists}{none}{bar} }.into_any())
}

/// A list beside another: its first rows and the way to all of it; or all of it, page by page, where the address asks for it.
fn one_of_two(
    cx: &Cx,
    (name, heading): (&'static str, &'static str),
    (total, shown): (Option<u64>, usize),
    pager: &Pager,
    list: AnyView,
) -> Option<AnyView> {
    if shown == 0 {
        return None;
    }
    if cx.address.get("of") == Some(name) {
        return Some(view! { <h2>{heading}</h2>{pager.around(&cx.address, list)} }.into_any());
    }
    let more = total.filter(|all| *all > shown as u64).map(|all| {
        let href = cx.address.with(&[("of", name), ("page", "")]);
        view! { <a href=href>{t!("assign.all-of", n = grouped(all))}</a> }
    });
    Some(view! { <div class="section-head"><h2>{heading}</h2>{more}</div>{list} }.into_any())
}

async fn sets(cx: &Cx, draft: &Draft) -> Result<AnyView, Stop> {
    let query = PermissionSetsQuery {
        search: cx.address.get("search").unwrap_or_default().to_owned(),
        page: PageRequest { cursor: cx.address.get("page").map(str::to_owned), size: Some(ROWS) },
        ..PermissionSetsQuery::default()
    };
    let page = cx.services().permission_sets.list(cx.call(), &query).await?;
    let offers: Vec<Offer> = page
        .rows
        .iter()
        .map(|row| Offer {
            pick: format!("set:{}", row.id),
            taken: draft.proposal.sets.contains(&row.id),
            name: row.set.name().to_string(),
            about: view! { <span class="muted small"><bdi>{row.set.to_input().description}</bdi></span> }.into_any(),
        })
        .collect();
    let list = if offers.is_empty() {
        filtered_empty(t!("assign.no-set-found"), Step::Sets.place(draft))
    } else {
        let list = Pager::of(&page, "count.permission-sets").around(&cx.address, ticks(offers, 0));
        view! { {list}{choose_bar(cx, draft, None)} }.into_any()
    };
    Ok(view! { {search(cx, t!("assign.search-sets"))}{list} }.into_any())
}

/// What is chosen in this step, the way back from each, and the way on.
fn chosen_card(draft: &Draft, step: Step, chosen: &Chosen) -> AnyView {
    let line = |pick: String, name: String, about: AnyView| {
        let remove = remove_button(pick, &name);
        view! { <li><div>{about}</div>{remove}</li> }.into_any()
    };
    let named = |name: &str, about: Option<&'static str>| {
        let about = about.map(|about| view! { " "<span class="muted small">{about}</span> });
        view! { <bdi>{name.to_owned()}</bdi>{about} }.into_any()
    };
    let items: Vec<AnyView> = match step {
        Step::Accounts => chosen
            .targets
            .iter()
            .map(|(target, name)| {
                let id = target.to_string();
                let about = view! { <bdi>{name.clone()}</bdi>" "<code class="small">{id.clone()}</code> };
                line(format!("account:{id}"), super::target_text(target, name), about.into_any())
            })
            .collect(),
        Step::People => chosen
            .principals
            .iter()
            .map(|(principal, name)| {
                let about = named(name, (principal.kind() == "group").then(|| t!("noun.group")));
                line(format!("{}:{}", principal.kind(), principal.id()), name.clone(), about)
            })
            .collect(),
        _ => {
            chosen.sets.iter().map(|(set, name)| line(format!("set:{set}"), name.clone(), named(name, None))).collect()
        }
    };
    let all = step.chosen(draft);
    let none = items.is_empty().then(|| view! { <p class="section-note">{t!("assign.nothing")}</p> });
    let more = (all > items.len()).then(|| {
        view! { <p class="section-note">{t!("assign.more", shown = items.len(), all = grouped(all as u64))}</p> }
    });
    let clear = (step == Step::Accounts && all > 1).then(|| {
        view! { <button class="compact" form="drop" name="all" value="on">{t!("assign.remove-all")}</button> }
    });
    view! {
        <section class="card chosen" id="chosen" tabindex="-1" aria-labelledby="chosen-title">
            <div class="section-head"><h2 id="chosen-title">{t!("assign.chosen-of", n = grouped(all as u64))}</h2>{clear}</div>
            {none}
            <ul class="items" role="list">{items}</ul>
            {more}
            {(all > 0).then(|| view! { <p>{onward(draft, step)}</p> })}
        </section>
    }
    .into_any()
}
