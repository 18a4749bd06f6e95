//! Assigning access, step by step: accounts, people and groups, permission sets, and a look at what it would do.

use domain::PageRequest;
use domain::access::Principal;
use domain::access::assignments::{Chosen, Draft, PersonChange, Proposal, Purpose, Review, Warning};
use domain::authz::{Action, Resource, authorize};
use domain::identity::people::PeopleQuery;
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{AccountTarget, Refusal, t};

use super::users::status_badge;
use crate::actions::assignments::step as step_path;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::form::{button, button_for, field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::time::moment;
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// What is shown of a list to choose from; who wants another one searches.
const SHOWN: usize = 50;

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Accounts,
    People,
    Sets,
    Review,
}

impl Step {
    const ALL: [Self; 4] = [Self::Accounts, Self::People, Self::Sets, Self::Review];

    fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::People => "people",
            Self::Sets => "sets",
            Self::Review => "review",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Accounts => t!("assign.accounts"),
            Self::People => t!("assign.people"),
            Self::Sets => t!("assign.sets"),
            Self::Review => t!("assign.review"),
        }
    }

    fn chosen(self, proposal: &Proposal) -> Option<usize> {
        match self {
            Self::Accounts => Some(proposal.targets.len()),
            Self::People => Some(proposal.principals.len()),
            Self::Sets => Some(proposal.sets.len()),
            Self::Review => None,
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Accounts => Self::People,
            Self::People => Self::Sets,
            Self::Sets | Self::Review => Self::Review,
        }
    }
}

/// `/admin/assignments/new`
pub async fn wizard(cx: Cx) -> Answer {
    let Some(id) = cx.address.get("draft") else { return begin(&cx) };
    let draft = cx.services().assignments.draft(cx.call(), id).await?;
    let wanted = cx.address.get("step").unwrap_or("accounts");
    let step = Step::ALL.into_iter().find(|step| step.as_str() == wanted).unwrap_or(Step::Accounts);
    let body = match step {
        Step::Review => review(&cx, &draft).await?,
        step => choosing(&cx, &draft, step).await?,
    };
    let body = view! {
        {Title::new(t!("assign.title")).under(t!("access.title"), "/admin/assignments").view()}
        {steps(&draft, step)}
        {body}
    };
    Ok(Page::admin(AdminTab::Assignments, t!("assign.title"), body))
}

/// Without a draft: what this is, and the beginning.
fn begin(cx: &Cx) -> Answer {
    authorize(cx.call(), Action::Assign, Resource::Organisation)?;
    let known = ["account", "user", "group", "set"];
    let values: Vec<(&'static str, &str)> =
        known.into_iter().filter_map(|name| cx.address.get(name).map(|value| (name, value))).collect();
    let body = view! {
        {Title::new(t!("assign.title")).under(t!("access.title"), "/admin/assignments").view()}
        <div class="card stack">
            <p>{t!("assign.text")}</p>
            {button("/actions/assignments/begin", &values, t!("assign.begin"), "primary")}
        </div>
    };
    Ok(Page::admin(AdminTab::Assignments, t!("assign.title"), body))
}

fn steps(draft: &Draft, open: Step) -> AnyView {
    let links = Step::ALL
        .map(|step| {
            let chosen = step.chosen(&draft.proposal).filter(|chosen| *chosen > 0);
            let chosen = chosen.map(|chosen| view! { " "<span class="muted">{grouped(chosen as u64)}</span> });
            let current = (step == open).then_some("step");
            view! { <a href=step_path(&draft.id, step.as_str()) aria-current=current>{step.label()}{chosen}</a> }
        })
        .into_iter()
        .collect_view();
    view! { <nav class="tabs line" aria-label=t!("assign.steps")>{links}</nav> }.into_any()
}

/// What can be chosen on the left, what is chosen on the right.
async fn choosing(cx: &Cx, draft: &Draft, step: Step) -> Result<AnyView, Stop> {
    let search = cx.address.get("search").unwrap_or_default().to_owned();
    let label = match step {
        Step::Accounts => t!("assign.search-accounts"),
        Step::People => t!("assign.search-people"),
        _ => t!("assign.search-sets"),
    };
    let here = step_path(&draft.id, step.as_str());
    let clear =
        (!search.is_empty()).then(|| view! { <a class="button quiet" href=here.clone()>{t!("filter.clear")}</a> });
    let searching = view! {
        <search>
            <form class="filters" method="get" action="/admin/assignments/new" aria-label=label>
                {hidden("draft", draft.id.clone())}
                {hidden("step", step.as_str())}
                {field("search", label).kind("search").value(search.clone()).grow().free().view()}
                <button>{t!("filter.apply")}</button>
                {clear}
            </form>
        </search>
    };
    let offered = match step {
        Step::Accounts => accounts(cx, draft, &search).await?,
        Step::People => people(cx, draft, &search).await?,
        _ => sets(cx, draft, &search).await?,
    };
    let chosen = cx.services().assignments.chosen(cx.call(), &draft.proposal).await?;
    let chosen = chosen_card(cx, draft, step, &chosen);
    let go = (step.chosen(&draft.proposal).unwrap_or_default() > 0).then(|| {
        let next = step.next();
        view! { <a class="button primary" href=step_path(&draft.id, next.as_str())>{t!("assign.next", step = next.label())}</a> }
    });
    Ok(view! {
        <div class="detail">
            <div class="stack">{searching}{offered}</div>
            <div class="stack">{chosen}{go}</div>
        </div>
    }
    .into_any())
}

/// One line to choose from.
fn offer(
    cx: &Cx,
    draft: &Draft,
    (kind, id): (&'static str, &str),
    taken: bool,
    name: String,
    about: AnyView,
) -> AnyView {
    let here = cx.address.text();
    let values = [("draft", draft.id.as_str()), (kind, id), ("next", here.as_str())];
    let act = if taken {
        badge(Tone::Good, t!("assign.chosen"))
    } else {
        button_for("/actions/assignments/choose", &values, t!("groups.add"), name.clone(), "compact")
    };
    view! { <li><div><bdi>{name}</bdi>" "{about}</div>{act}</li> }.into_any()
}

fn offers(items: Vec<AnyView>, all: usize) -> AnyView {
    if items.is_empty() {
        return view! { <p class="section-note">{t!("assign.none-found")}</p> }.into_any();
    }
    let more = (all > items.len()).then(|| {
        view! { <p class="section-note">{t!("assign.more", shown = items.len(), all = grouped(all as u64))}</p> }
    });
    view! { <div class="card"><ul class="items" role="list">{items}</ul></div>{more} }.into_any()
}

async fn accounts(cx: &Cx, draft: &Draft, search: &str) -> Result<AnyView, Stop> {
    let found = cx.services().assignments.accounts_found(cx.call(), search).await?;
    let all = found.len();
    let here = cx.address.text();
    let items = found
        .iter()
        .take(SHOWN)
        .map(|account| {
            let taken = draft.proposal.targets.contains(&AccountTarget::Account(account.id));
            let about = view! { <code>{account.id.to_string()}</code>" "<span class="muted small"><bdi>{account.path.to_string()}</bdi></span> };
            offer(cx, draft, ("account", &account.id.to_string()), taken, account.name.clone(), about.into_any())
        })
        .collect();
    let everything = (all > 1).then(|| {
        let values = [("draft", draft.id.as_str()), ("search", search), ("next", here.as_str())];
        button("/actions/assignments/choose", &values, t!("assign.add-all", n = grouped(all as u64)), "")
    });
    let rule = view! {
        <form class="row" method="post" action="/actions/assignments/choose">
            {hidden("draft", draft.id.clone())}
            {hidden("next", here.clone())}
            {field("account", t!("assign.rule"))
                .value(cx.typed("account").unwrap_or_default())
                .hint(t!("assign.rule-hint"))
                .error(cx.error_of("account").or_else(|| cx.error_of("accounts")))
                .code()
                .grow()
                .view()}
            <button>{t!("assign.add-rule")}</button>
        </form>
    };
    Ok(view! { {everything}{offers(items, all)}{section(t!("assign.by-path"), None, rule)} }.into_any())
}

async fn people(cx: &Cx, draft: &Draft, search: &str) -> Result<AnyView, Stop> {
    let page = PageRequest { size: Some(25), ..PageRequest::default() };
    let groups = cx.services().groups.list(cx.call(), search, &page).await?;
    let query = PeopleQuery { search: search.to_owned(), page, ..PeopleQuery::default() };
    let people = cx.services().people.list(cx.call(), &query).await?;
    let chosen = &draft.proposal.principals;
    let of_groups: Vec<AnyView> = groups
        .rows
        .iter()
        .map(|row| {
            let taken = chosen.contains(&Principal::Group(row.id));
            let about = view! { <span class="muted small">{count("count.members", row.members)}</span> };
            offer(cx, draft, ("group", &row.id.to_string()), taken, row.name.clone(), about.into_any())
        })
        .collect();
    let of_people: Vec<AnyView> = people
        .rows
        .iter()
        .map(|row| {
            let taken = chosen.contains(&Principal::User(row.id));
            let state = (row.status != domain::identity::people::Status::Active)
                .then(|| view! { " "{status_badge(row.status)} });
            let about = view! { <span class="muted small"><bdi>{row.display_name.clone()}</bdi></span>{state} };
            offer(cx, draft, ("user", &row.id.to_string()), taken, row.user_name.clone(), about.into_any())
        })
        .collect();
    let all_of = |total: Option<u64>, shown: usize| total.and_then(|all| usize::try_from(all).ok()).unwrap_or(shown);
    let (groups, people) = (
        offers_under(t!("groups.title"), of_groups, |shown| all_of(groups.total, shown)),
        offers_under(t!("users.title"), of_people, |shown| all_of(people.total, shown)),
    );
    Ok(view! { {groups}{people} }.into_any())
}

fn offers_under(heading: &'static str, items: Vec<AnyView>, all: impl Fn(usize) -> usize) -> AnyView {
    let all = all(items.len());
    view! { <h2>{heading}</h2>{offers(items, all)} }.into_any()
}

async fn sets(cx: &Cx, draft: &Draft, search: &str) -> Result<AnyView, Stop> {
    let found = cx.services().assignments.sets_found(cx.call(), search).await?;
    let all = found.len();
    let items = found
        .iter()
        .take(SHOWN)
        .map(|set| {
            let taken = draft.proposal.sets.contains(&set.id);
            let about = view! { <span class="muted small"><bdi>{set.description.clone()}</bdi></span> };
            offer(cx, draft, ("set", &set.id.to_string()), taken, set.name.clone(), about.into_any())
        })
        .collect();
    Ok(offers(items, all))
}

/// What is chosen in this step, and the way back from each.
fn chosen_card(cx: &Cx, draft: &Draft, step: Step, chosen: &Chosen) -> AnyView {
    let here = cx.address.text();
    let line = |value: (&'static str, String), name: String, about: String| {
        let values = [("draft", draft.id.as_str()), (value.0, value.1.as_str()), ("next", here.as_str())];
        let whom = if name.is_empty() { about.clone() } else { name.clone() };
        let remove = button_for("/actions/assignments/drop", &values, t!("groups.remove"), whom, "compact");
        view! { <li><div><bdi>{name}</bdi>" "<code class="small">{about}</code></div>{remove}</li> }.into_any()
    };
    let items: Vec<AnyView> = match step {
        Step::Accounts => chosen
            .targets
            .iter()
            .map(|(target, name)| line(("account", target.to_string()), name.clone(), target.to_string()))
            .collect(),
        Step::People => chosen
            .principals
            .iter()
            .map(|(principal, name)| {
                let about = if principal.kind() == "group" { t!("noun.group") } else { "" };
                line((principal.kind(), principal.id()), name.clone(), about.to_owned())
            })
            .collect(),
        _ => {
            chosen.sets.iter().map(|(set, name)| line(("set", set.to_string()), name.clone(), String::new())).collect()
        }
    };
    let all = step.chosen(&draft.proposal).unwrap_or_default();
    let none = items.is_empty().then(|| view! { <p class="section-note">{t!("assign.nothing")}</p> });
    let more = (all > items.len()).then(
        || view! { <p class="section-note">{t!("assign.more", shown = items.len(), all = grouped(all as u64))}</p> },
    );
    let clear = (step == Step::Accounts && all > 1).then(|| {
        let values = [("draft", draft.id.as_str()), ("next", here.as_str())];
        button("/actions/assignments/drop", &values, t!("assign.remove-all"), "compact")
    });
    let heading = t!("assign.chosen-of", what = step.label());
    section(heading, clear, view! { {none}<ul class="items" role="list">{items}</ul>{more} })
}

/// What it would do, and the button that does it.
async fn review(cx: &Cx, draft: &Draft) -> Result<AnyView, Stop> {
    let proposal = &draft.proposal;
    let planned = match cx.services().assignments.plan(cx.call(), proposal).await {
        Ok(review) => Ok(review),
        // What is missing or wrong is said in its place.
        Err(error) if matches!(error.kind(), Refusal::Invalid | Refusal::Conflict) => Err(error),
        Err(error) => return Err(error.into()),
    };
    let terms = terms(cx, draft);
    let chosen = cx.services().assignments.chosen(cx.call(), proposal).await?;
    let effect = match planned {
        Ok(review) => effect(draft, &review),
        Err(error) => {
            let missing = [("accounts", Step::Accounts), ("principals", Step::People), ("permission_sets", Step::Sets)];
            let step = error.field().and_then(|field| missing.iter().find(|(name, _)| *name == field));
            let link = step.map(|(_, step)| {
                view! { <a class="button primary" href=step_path(&draft.id, step.as_str())>{step.label()}</a> }
            });
            let said = match step {
                Some((_, step)) => format!("{} {}.", step.label(), error.outside()),
                None => format!("{}.", error.outside().trim_end_matches('.')),
            };
            view! { <div class="notice warn"><p>{said}</p></div>{link} }.into_any()
        }
    };
    Ok(view! {
        <div class="detail">
            <div class="stack">{effect}</div>
            <div class="stack">{summary(proposal, &chosen)}{terms}</div>
        </div>
    }
    .into_any())
}

/// What is chosen, in short.
fn summary(proposal: &Proposal, chosen: &Chosen) -> AnyView {
    let list = |names: Vec<String>, all: usize| {
        let names: Vec<String> = names.into_iter().take(10).collect();
        let more = all.saturating_sub(names.len());
        let more = (more > 0).then(|| t!("assign.and-more", n = grouped(more as u64)));
        view! { <bdi>{names.join(", ")}</bdi>" "<span class="muted">{more}</span> }
    };
    let targets = chosen
        .targets
        .iter()
        .map(|(target, name)| if name.is_empty() { target.to_string() } else { format!("{name} ({target})") })
        .collect();
    let principals = chosen.principals.iter().map(|(_, name)| name.clone()).collect();
    let sets = chosen.sets.iter().map(|(_, name)| name.clone()).collect();
    let facts = crate::parts::facts::Facts::new()
        .with(t!("assign.accounts"), list(targets, proposal.targets.len()))
        .with(t!("assign.people"), list(principals, proposal.principals.len()))
        .with(t!("assign.sets"), list(sets, proposal.sets.len()));
    section(t!("assign.what"), None, facts.view())
}

/// What is to be done, until when and why.
fn terms(cx: &Cx, draft: &Draft) -> AnyView {
    let proposal = &draft.proposal;
    let purposes = [("grant", t!("assign.grant")), ("revoke", t!("assign.revoke")), ("alter", t!("assign.alter"))]
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .to_vec();
    let purpose = match proposal.purpose {
        Purpose::Grant => "grant",
        Purpose::Revoke => "revoke",
        Purpose::Alter => "alter",
    };
    let expires = proposal
        .expires
        .map(|at| moment(at).to_zoned(cx.clock.zone().clone()).strftime("%Y-%m-%dT%H:%M").to_string())
        .unwrap_or_default();
    let body = view! {
        <form class="form" method="post" action="/actions/assignments/terms">
            {hidden("draft", draft.id.clone())}
            {field("purpose", t!("assign.purpose")).options(purposes).value(purpose).view()}
            {field("expires", t!("assign.expires"))
                .kind("datetime-local")
                .value(cx.typed("expires").map_or(expires, str::to_owned))
                .hint(t!("assign.expires-hint"))
                .error(cx.error_of("expires"))
                .optional()
                .view()}
            {field("reason", t!("access.reason"))
                .value(cx.typed("reason").map_or_else(|| proposal.reason.clone(), str::to_owned))
                .hint(t!("assign.reason-hint"))
                .error(cx.error_of("reason"))
                .optional()
                .length(0, 500)
                .view()}
            <div class="row"><button>{t!("assign.look-again")}</button></div>
        </form>
    };
    section(t!("assign.terms"), None, body)
}

fn effect(draft: &Draft, review: &Review) -> AnyView {
    if !review.changes_something() {
        return section(
            t!("assign.effect"),
            None,
            view! { <p class="section-note">{t!("assign.no-change", n = count("count.assignments", review.unchanged))}</p> },
        );
    }
    let grants = [
        (t!("assign.creates"), review.creates),
        (t!("assign.updates"), review.updates),
        (t!("assign.deletes"), review.deletes),
        (t!("assign.unchanged"), review.unchanged),
    ];
    let mut facts = crate::parts::facts::Facts::new();
    for (label, number) in grants {
        facts = facts.with_some(label, (number > 0).then(|| grouped(number)));
    }
    let who = match (review.gaining, review.losing) {
        (0, 0) => t!("assign.nobody").to_owned(),
        (gaining, 0) => t!("assign.gain", people = count("count.people", gaining)),
        (0, losing) => t!("assign.lose", people = count("count.people", losing)),
        (gaining, losing) => {
            t!("assign.both", gain = count("count.people", gaining), lose = count("count.people", losing))
        }
    };
    let warnings = review.warnings.iter().map(|warning| view! { <li>{warned(warning)}</li> }).collect_view();
    let warnings = (!review.warnings.is_empty()).then(|| {
        view! { <div class="notice warn"><div><strong>{t!("assign.look")}</strong><ul>{warnings}</ul></div></div> }
    });
    let apply = view! {
        <form method="post" action="/actions/assignments/apply">
            {hidden("draft", draft.id.clone())}
            {hidden("digest", review.digest.clone())}
            {primary(match draft.proposal.purpose {
                Purpose::Revoke => t!("assign.apply-revoke", n = count("count.assignments", review.deletes)),
                _ => t!("assign.apply", n = count("count.assignments", review.creates + review.updates)),
            })}
        </form>
    };
    let people = people_of(review);
    view! {
        {warnings}
        {section(t!("assign.effect"), None, view! { <p><strong>{who}</strong></p>{facts.view()}<div class="row">{apply}<span class="muted small">{t!("assign.undo-note")}</span></div> })}
        {people}
    }
    .into_any()
}

fn warned(warning: &Warning) -> String {
    match warning {
        Warning::Administrator(set) => t!("warning.administrator", set = set),
        Warning::Disabled(name) => t!("warning.disabled", name = name),
        Warning::Invited(name) => t!("warning.invited", name = name),
        Warning::EmptyGroup(name) => t!("warning.empty-group", name = name),
        Warning::ManyPeople(n) => t!("warning.many-people", people = count("count.people", *n)),
        Warning::NoAccount(rule) => t!("warning.no-account", rule = rule),
        Warning::OutOfUse(account) => t!("warning.out-of-use", account = account),
    }
}

/// Who gains and loses what, in two columns.
fn people_of(review: &Review) -> Option<AnyView> {
    if review.people.is_empty() {
        return None;
    }
    let items = review.people.iter().map(person).collect_view();
    let all = review.gaining.max(review.losing);
    let shown = review.people.len() as u64;
    let more = (all > shown)
        .then(|| view! { <p class="section-note">{t!("assign.more", shown = shown, all = grouped(all))}</p> });
    Some(
        view! { <h2>{t!("assign.each")}</h2><div class="card"><ul class="items" role="list">{items}</ul></div>{more} }
            .into_any(),
    )
}

fn person(change: &PersonChange) -> AnyView {
    let side = |sign: &'static str,
                label: String,
                class: &'static str,
                list: &[domain::access::plan::Access],
                all: u64| {
        if all == 0 {
            return None;
        }
        let pairs = list
            .iter()
            .map(|pair| view! { <li><span aria-hidden="true">{sign}</span>" "<bdi>{pair.permission_set.clone()}</bdi>" "<code class="small">{pair.account.to_string()}</code></li> })
            .collect_view();
        let rest = all.saturating_sub(list.len() as u64);
        let rest = (rest > 0).then(|| view! { <li class="muted">{t!("assign.and-more", n = grouped(rest))}</li> });
        Some(view! { <div class=class><span class="small">{label}</span><ul role="list">{pairs}{rest}</ul></div> })
    };
    let gains =
        side("+", t!("assign.gains", n = grouped(change.gains)), "diff-gains", &change.named.gains, change.gains);
    let loses =
        side("−", t!("assign.loses", n = grouped(change.loses)), "diff-loses", &change.named.loses, change.loses);
    view! {
        <li class="diff">
            <a href=format!("/admin/users/{}/access", change.user)><bdi>{change.named.user.clone()}</bdi></a>
            <div class="diff-sides">{gains}{loses}</div>
        </li>
    }
    .into_any()
}
