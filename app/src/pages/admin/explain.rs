//! Why a person may use a permission set in an account, or why not: each way as a path from the person to the policies.

use domain::Error;
use domain::access::explain::{Explanation, Line, Lines, Path, Policies};
use domain::identity::people::PersonRow;
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{AccountId, UserId, t};

use crate::address::encode;
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::empty::empty;
use crate::parts::explained;
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::table::{Column, Table};
use crate::parts::time::moment;
use crate::parts::title::{Title, section};
use crate::shell::Answer;

/// Lines of a list; who wants fewer names an account or a set.
const SHOWN: usize = 200;

/// `/admin/explain`
pub async fn page(cx: Cx) -> Answer {
    let asked = |name: &str| cx.address.get(name).unwrap_or_default().to_owned();
    let (user, account, set) = (asked("user"), asked("account"), asked("set"));
    domain::authz::authorize(cx.call(), domain::authz::Action::SeeAssignments, domain::authz::Resource::Organisation)?;
    let person = if user.is_empty() { None } else { Some(person(&cx, &user).await) };
    let mut wrong = Vec::new();
    let person = match person {
        Some(Ok(person)) => Some(person),
        Some(Err(error)) if error.kind() == model::Refusal::NotFound => {
            wrong.push(("user", t!("explain.no-user", name = user).clone()));
            None
        }
        Some(Err(error)) => return Err(error.into()),
        None => None,
    };
    let number: Option<AccountId> = account.parse().ok();
    if !account.is_empty() && number.is_none() {
        wrong.push(("account", t!("explain.bad-account").to_owned()));
    }
    let answer = match (&person, number, set.as_str()) {
        _ if !wrong.is_empty() => None,
        (None, ..) => None,
        (Some(person), Some(account), set) if !set.is_empty() => {
            Some(one(&cx, &cx.services().explain.one(cx.call(), person.id, account, set).await?))
        }
        (Some(person), account, set) => {
            let set = (!set.is_empty()).then_some(set);
            match cx.services().explain.all(cx.call(), person.id, account, set).await {
                Ok(lines) => Some(all(&cx, person, &lines)),
                Err(error) if error.kind() == model::Refusal::NotFound => {
                    Some(notice(Tone::Bad, error.outside().to_owned(), None))
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let answer = answer.unwrap_or_else(|| empty(t!("explain.ask"), t!("explain.ask-text"), None));
    let error_of = |field: &str| wrong.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone());
    let shown = person.as_ref().map_or(user, |person| person.user_name.clone());
    let form = Filters::new(t!("explain.title"))
        .does(t!("explain.do"))
        .with("user", field("user", t!("explain.user")).value(shown).error(error_of("user")))
        .with(
            "account",
            field("account", t!("explain.account")).value(account).inputmode("numeric").error(error_of("account")),
        )
        .with("set", field("set", t!("explain.set")).value(set));
    let body = view! {
        {Title::new(t!("explain.title")).note(t!("explain.note")).view()}
        {form.view(&cx.address)}
        {answer}
    };
    Ok(Page::admin(AdminTab::Explain, t!("explain.title"), body))
}

/// Whom an address means: an id, or a name to sign in with.
async fn person(cx: &Cx, text: &str) -> Result<PersonRow, Error> {
    let people = &cx.services().people;
    let id = match text.parse::<UserId>() {
        Ok(id) => id,
        Err(_) => people.find(cx.call(), text).await?,
    };
    Ok(people.get(cx.call(), id).await?.row)
}

fn one(cx: &Cx, explanation: &Explanation) -> AnyView {
    let exact = |at| cx.clock.exact(moment(at));
    let tone = if explanation.allowed { Tone::Good } else { Tone::Bad };
    let mut reasons = explanation.obstacles.iter().map(|obstacle| explained::sentence(explanation, obstacle, exact));
    let nearest = reasons.next().map(|reason| view! { <p>{reason}</p> });
    let others: Vec<_> = reasons.map(|reason| view! { <li>{reason}</li> }).collect();
    let others =
        (!others.is_empty()).then(|| section(t!("explain.also"), None, view! { <ul class="effects">{others}</ul> }));
    let verdict = view! { <strong>{explained::verdict(explanation)}</strong>{nearest} };
    let paths = explanation.paths.iter().map(|path| chain(cx, explanation, path)).collect_view();
    let ways = (!explanation.paths.is_empty()).then(|| {
        let ways = count("count.ways", u64::try_from(explanation.paths.len()).unwrap_or(u64::MAX));
        section(ways, None, view! { <div class="stack">{paths}</div> })
    });
    view! {
        {notice(tone, verdict, None)}
        {ways}
        {others}
    }
    .into_any()
}

/// One way, drawn as the steps from the person to the policies.
fn chain(cx: &Cx, explanation: &Explanation, path: &Path) -> AnyView {
    let step = |label: &'static str, body: AnyView| {
        view! { <li><span class="small muted">{label}</span><div>{body}</div></li> }.into_any()
    };
    let user = format!("/admin/users/{}", explanation.user);
    let group = path.group.as_ref().map(|(id, name)| {
        let href = format!("/admin/groups/{id}");
        step(t!("explain.group"), view! { <a href=href><bdi>{name.clone()}</bdi></a> }.into_any())
    });
    let ends = match path.expires {
        Some(at) => view! { {t!("explain.until")}" "{cx.clock.view(at)} }.into_any(),
        None => t!("explain.no-end").into_any(),
    };
    let why = (!path.reason.is_empty()).then(|| view! { <p class="small"><bdi>{path.reason.clone()}</bdi></p> });
    let grant = view! {
        <code>{path.target.to_string()}</code>
        <p class="small muted">{ends}</p>
        {why}
    };
    let set = match explanation.set {
        Some(id) => {
            let href = format!("/admin/permission-sets/{id}");
            view! { <a href=href>{explanation.set_name.clone()}</a> }.into_any()
        }
        None => explanation.set_name.clone().into_any(),
    };
    view! {
        <ol class="chain" role="list">
            {step(t!("explain.person"), view! { <a href=user><bdi>{explanation.user_name.clone()}</bdi></a> }.into_any())}
            {group}
            {step(t!("explain.assignment"), grant.into_any())}
            {step(t!("explain.set"), set)}
            {explanation.policies.as_ref().map(|made_of| step(t!("explain.policies"), policies(made_of)))}
        </ol>
    }
    .into_any()
}

fn policies(made_of: &Policies) -> AnyView {
    let lines = explained::policies(made_of).into_iter().map(|line| view! { <li>{line}</li> }).collect_view();
    view! { <ul role="list" class="small">{lines}</ul> }.into_any()
}

/// Everything that a person may use, each line with its ways and the link to its explanation.
fn all(cx: &Cx, person: &PersonRow, lines: &Lines) -> AnyView {
    if let Some(why) = explained::nothing(lines) {
        let tone = if lines.obstacle.is_some() { Tone::Bad } else { Tone::Warn };
        return notice(tone, why, None);
    }
    let columns = [t!("explain.account"), t!("explain.set"), t!("explain.through")].map(Column::new);
    let mut table = Table::new(t!("explain.title"), columns.into());
    for line in lines.lines.iter().take(SHOWN) {
        table.row(row(cx, person.id, line));
    }
    let total = lines.lines.len() as u64;
    let shown = if lines.lines.len() > SHOWN {
        let href = format!("/admin/users/{}/access", person.id);
        let first = t!("explain.first", shown = grouped(SHOWN as u64), total = grouped(total));
        view! { {first}" "<a href=href>{t!("explain.pages")}</a> }.into_any()
    } else {
        count("count.pairs", total).into_any()
    };
    view! {
        <p class="small muted">{shown}</p>
        {table.view(&cx.address)}
    }
    .into_any()
}

fn row(cx: &Cx, user: UserId, line: &Line) -> AnyView {
    let href = format!("/admin/explain?user={user}&account={}&set={}", line.account.id, encode(&line.set.name));
    let ways = line
        .paths
        .iter()
        .map(|path| {
            let ends = path.expires.map(|at| view! { " "{badge(Tone::Warn, t!("explain.until"))}" "{cx.clock.view(at)} });
            view! { <div><bdi>{explained::via(path)}</bdi>" "<span class="muted small">{path.target.to_string()}</span>{ends}</div> }
        })
        .collect_view();
    view! {
        <tr>
            <th scope="row">
                <a href=href><bdi>{line.account.name.clone()}</bdi></a>
                <span class="sub"><code>{line.account.id.to_string()}</code></span>
            </th>
            <td>{line.set.name.clone()}</td>
            <td>{ways}</td>
        </tr>
    }
    .into_any()
}
