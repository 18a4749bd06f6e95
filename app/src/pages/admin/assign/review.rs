//! The last step: what it would do, person by person, and the button that does it.

use domain::Error;
use domain::access::assignments::{Chosen, Draft, GrantRow, PersonChange, Purpose, Review, Warning};
use domain::access::plan::Access;
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{Refusal, t};

use super::terms::grants_card;
use super::{Step, frame, of_draft, target_text};
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::facts::Facts;
use crate::parts::form::{danger, hidden, primary};
use crate::parts::frame::Page;
use crate::parts::notice::notice;
use crate::parts::title::section;

/// Names of a kind that the summary shows.
const NAMED: usize = 10;
/// What somebody gains and loses is in sight at once where it is not more than this.
const AT_ONCE: u64 = 6;

/// Everything that the page shows, read before any of it is rendered.
pub struct Reviewed {
    draft: Draft,
    chosen: Chosen,
    grants: Vec<GrantRow>,
    outcome: Result<Review, Error>,
}

impl Reviewed {
    /// Works the draft out as things are now.
    pub async fn load(cx: &Cx, draft: Draft) -> Result<Self, Error> {
        let assignments = &cx.services().assignments;
        let outcome = match assignments.plan(cx.call(), &draft.proposal).await {
            // What is missing or wrong is said in its place.
            Err(error) if !matches!(error.kind(), Refusal::Invalid | Refusal::Conflict) => return Err(error),
            outcome => outcome,
        };
        let chosen = assignments.chosen(cx.call(), &draft.proposal).await?;
        let grants = assignments.chosen_grants(cx.call(), &draft.proposal).await?;
        Ok(Self { draft, chosen, grants, outcome })
    }

    /// The step; `said` is why it was not applied.
    pub fn page(&self, cx: &Cx, said: Option<&str>) -> Page {
        let said = said.map(|said| notice(Tone::Bad, said.to_owned(), None));
        let effect = match &self.outcome {
            Ok(review) => effect(&self.draft, review),
            Err(error) => missing(&self.draft, error),
        };
        let body = view! {
            {said}
            <div class="detail review">
                <div class="stack">{effect}</div>
                <div class="stack">{self.summary(cx)}</div>
            </div>
        };
        frame(&self.draft, Step::Review, body.into_any())
    }

    /// What is asked for, each with the way to change it.
    fn summary(&self, cx: &Cx) -> AnyView {
        let proposal = &self.draft.proposal;
        let change = |step: Step| {
            let label = t!("assign.change");
            view! { <a class="button compact" href=step.place(&self.draft)>{label}<span class="hidden-visually">" "{step.label()}</span></a> }
                .into_any()
        };
        let list = |names: Vec<String>, all: usize| {
            let names: Vec<String> = names.into_iter().take(NAMED).collect();
            let left = all.saturating_sub(names.len());
            let left =
                (left > 0).then(|| view! { <li class="muted">{t!("assign.and-more", n = grouped(left as u64))}</li> });
            let names = names.into_iter().map(|name| view! { <li><bdi>{name}</bdi></li> }).collect_view();
            view! { <ul role="list">{names}{left}</ul> }.into_any()
        };
        let targets = self.chosen.targets.iter().map(|(target, name)| target_text(target, name)).collect();
        let principals = self.chosen.principals.iter().map(|(_, name)| name.clone()).collect();
        let sets = self.chosen.sets.iter().map(|(_, name)| name.clone()).collect();
        let cards = if proposal.only.is_empty() {
            [
                (Step::Accounts, list(targets, proposal.targets.len())),
                (Step::People, list(principals, proposal.principals.len())),
                (Step::Sets, list(sets, proposal.sets.len())),
            ]
            .map(|(step, names)| section(step.label(), Some(change(step)), names))
            .into_iter()
            .collect_view()
            .into_any()
        } else {
            grants_card(cx, &self.draft, &self.grants)
        };
        let purpose = match proposal.purpose {
            Purpose::Grant => t!("assign.grant"),
            Purpose::Revoke => t!("assign.revoke"),
            Purpose::Alter => t!("assign.alter"),
        };
        let end = (proposal.purpose != Purpose::Revoke).then(|| match proposal.expires {
            Some(end) => cx.clock.view_exact(end),
            None => t!("access.no-end").into_any(),
        });
        let reason = (!proposal.reason.is_empty()).then(|| view! { <bdi>{proposal.reason.clone()}</bdi> });
        let terms = Facts::new()
            .with(t!("assign.purpose"), purpose)
            .with_some(t!("access.until"), end)
            .with_some(t!("access.reason"), reason)
            .view();
        view! { {cards}{section(Step::Terms.label(), Some(change(Step::Terms)), terms)} }.into_any()
    }
}

/// What is not chosen yet, or cannot be as it is, and the way there.
fn missing(draft: &Draft, error: &Error) -> AnyView {
    let steps = [
        ("accounts", Step::Accounts),
        ("principals", Step::People),
        ("permission_sets", Step::Sets),
        ("expires", Step::Terms),
        ("reason", Step::Terms),
    ];
    let step = error.field().and_then(|field| steps.iter().find(|(name, _)| *name == field));
    let link =
        step.map(|(_, step)| view! { <a class="button primary" href=step.place(draft)>{step.label()}</a> }.into_any());
    notice(Tone::Warn, crate::actions::spoken(error), link)
}

fn effect(draft: &Draft, review: &Review) -> AnyView {
    if !review.changes_something() {
        let same = count("count.assignments", review.unchanged);
        let said = match draft.proposal.purpose {
            Purpose::Grant => t!("assign.no-grant", n = same),
            Purpose::Revoke | Purpose::Alter => t!("assign.no-change").to_owned(),
        };
        return section(t!("assign.effect"), None, view! { <p>{said}</p> });
    }
    let warnings = review.warnings.iter().map(|warning| view! { <li>{warned(warning)}</li> }).collect_view();
    let warnings = (!review.warnings.is_empty()).then(|| {
        notice(
            Tone::Warn,
            view! { <strong>{t!("assign.look-twice")}</strong><ul class="warnings">{warnings}</ul> },
            None,
        )
    });
    view! { {warnings}{verdict(draft, review)}{people(review)} }.into_any()
}

/// The effect in numbers, and the button.
fn verdict(draft: &Draft, review: &Review) -> AnyView {
    let grants = [
        (t!("assign.creates"), review.creates),
        (t!("assign.updates"), review.updates),
        (t!("assign.deletes"), review.deletes),
        (t!("assign.unchanged"), review.unchanged),
    ];
    let mut facts = Facts::new();
    for (label, number) in grants {
        facts = facts.with_some(label, (number > 0).then(|| grouped(number)));
    }
    let who = match (review.gaining, review.losing) {
        (0, 0) => t!("assign.nobody").to_owned(),
        (gaining, 0) => count("count.gain", gaining),
        (0, losing) => count("count.lose", losing),
        (gaining, losing) => {
            t!("assign.both", gain = count("count.people", gaining), lose = count("count.people", losing))
        }
    };
    let button = match draft.proposal.purpose {
        Purpose::Revoke => danger(t!("assign.apply-revoke", n = count("count.assignments", review.deletes))),
        Purpose::Alter if !draft.proposal.only.is_empty() => {
            primary(t!("assign.title-renew", what = count("count.assignments", review.updates)))
        }
        Purpose::Alter => primary(t!("assign.apply-alter", n = count("count.assignments", review.updates))),
        Purpose::Grant => primary(t!("assign.apply", n = count("count.assignments", review.creates + review.updates))),
    };
    let apply = view! {
        <form method="post" action="/actions/assignments/apply">
            {of_draft(draft)}
            {hidden("digest", review.digest.clone())}
            {button}
        </form>
    };
    let body = view! {
        <p class="verdict">{who}</p>
        {facts.view()}
        <div class="row">{apply}<span class="muted small">{t!("assign.undo-note")}</span></div>
    };
    section(t!("assign.effect"), None, body)
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
fn people(review: &Review) -> Option<AnyView> {
    if review.people.is_empty() {
        return None;
    }
    let items = review.people.iter().map(|change| person(review, change)).collect_view();
    let shown = review.people.len() as u64;
    let more = (review.affected > shown).then(|| {
        view! { <p class="section-note">{t!("assign.first-people", shown = shown, all = grouped(review.affected))}</p> }
    });
    Some(section(t!("assign.each"), None, view! { <ul class="items" role="list">{items}</ul>{more} }))
}

fn person(review: &Review, change: &PersonChange) -> AnyView {
    let both = change.gains > 0 && change.loses > 0;
    let side = |sign: &'static str, label: String, class: &'static str, list: &[Access], all: u64| {
        if all == 0 {
            return None;
        }
        let pairs = list.iter().map(|pair| {
            let account = review.accounts.get(&pair.account).cloned().unwrap_or_default();
            view! {
                <li>
                    <span aria-hidden="true">{sign}</span>
                    " "
                    <bdi>{pair.permission_set.clone()}</bdi>
                    <div class="muted small"><bdi>{account}</bdi>" "<code>{pair.account.to_string()}</code></div>
                </li>
            }
        });
        let pairs = pairs.collect_view();
        let rest = all.saturating_sub(list.len() as u64);
        let rest = (rest > 0).then(|| view! { <li class="muted">{t!("assign.and-more", n = grouped(rest))}</li> });
        // What the summary says alone is not said again.
        let label = both.then(|| view! { <span class="small">{label}</span> });
        Some(view! { <div class=class>{label}<ul role="list">{pairs}{rest}</ul></div> })
    };
    let named = &change.named;
    let (gained, lost) = (t!("assign.gains", n = grouped(change.gains)), t!("assign.loses", n = grouped(change.loses)));
    let said: Vec<String> = [(change.gains, &gained), (change.loses, &lost)]
        .into_iter()
        .filter(|(many, _)| *many > 0)
        .map(|(_, label)| label.clone())
        .collect();
    let gains = side("+", gained, "diff-gains", &named.gains, change.gains);
    let loses = side("−", lost, "diff-loses", &named.loses, change.loses);
    view! {
        <li class="diff">
            <div><a href=format!("/admin/users/{}/access", change.user)><bdi>{named.user.clone()}</bdi></a></div>
            <details class="more" open=change.gains + change.loses <= AT_ONCE>
                <summary>{said.join(", ")}</summary>
                <div class="diff-sides">{gains}{loses}</div>
            </details>
        </li>
    }
    .into_any()
}
