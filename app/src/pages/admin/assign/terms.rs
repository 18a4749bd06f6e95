//! The step that asks what is to be done, until when and why.

use domain::Error;
use domain::access::assignments::{Draft, GrantRow, Purpose};
use jiff::SignedDuration;
use leptos::prelude::*;
use model::words::grouped;
use model::{Timestamp, t};

use super::{Step, frame, of_draft, target_text};
use crate::actions::spoken;
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::form::{choices, field, hidden, primary};
use crate::parts::frame::Page;
use crate::parts::notice::notice;
use crate::parts::time::{largest_unit, moment};
use crate::parts::title::section;
use crate::shell::Answer;

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Not by itself.
    Never,
    /// After so many milliseconds.
    In(i64),
    /// At a moment that stands beside it.
    At,
}

/// The lengths that are offered, as the form sends them.
const LENGTHS: [(&str, i64); 5] = [
    ("8h", 8 * Timestamp::HOUR),
    ("1d", Timestamp::DAY),
    ("7d", 7 * Timestamp::DAY),
    ("30d", 30 * Timestamp::DAY),
    ("90d", 90 * Timestamp::DAY),
];

impl Until {
    /// Reads what the form sends.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "never" => Some(Self::Never),
            "date" => Some(Self::At),
            _ => LENGTHS.iter().find(|(name, _)| *name == text).map(|(_, length)| Self::In(*length)),
        }
    }
}

/// What stands in the form.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// `grant`, `revoke` or `alter`.
    pub purpose: String,
    /// Which choice.
    pub until: String,
    /// A date and time in the reader's zone.
    pub expires: String,
    /// Why.
    pub reason: String,
}

impl Written {
    /// What a draft says so far.
    fn of(cx: &Cx, draft: &Draft) -> Self {
        let proposal = &draft.proposal;
        let purpose = match proposal.purpose {
            Purpose::Grant => "grant",
            Purpose::Revoke => "revoke",
            Purpose::Alter => "alter",
        };
        let until = match (proposal.expires, proposal.purpose) {
            (Some(_), _) => "date",
            // Who renews says for how long: without an end is no usual answer.
            (None, Purpose::Alter) if !draft.decided => "30d",
            (None, _) => "never",
        };
        let local = |at| moment(at).to_zoned(cx.clock.zone().clone()).strftime("%Y-%m-%dT%H:%M").to_string();
        Self {
            purpose: purpose.to_owned(),
            until: until.to_owned(),
            expires: proposal.expires.map(local).unwrap_or_default(),
            reason: proposal.reason.clone(),
        }
    }
}

/// The step.
pub async fn page(cx: &Cx, draft: &Draft) -> Answer {
    let grants = cx.services().assignments.chosen_grants(cx.call(), &draft.proposal).await?;
    let about = (!grants.is_empty()).then(|| grants_card(cx, draft, &grants));
    Ok(frame(draft, Step::Terms, body(cx, draft, &Written::of(cx, draft), None, about)))
}

/// The step once more, with what was written and what is wrong with it.
pub fn again(cx: &Cx, draft: &Draft, written: &Written, error: &Error) -> Page {
    frame(draft, Step::Terms, body(cx, draft, written, Some(error), None))
}

fn body(cx: &Cx, draft: &Draft, written: &Written, error: Option<&Error>, about: Option<AnyView>) -> AnyView {
    let wrong = |name: &str| error.filter(|error| error.field() == Some(name)).map(spoken);
    let said = error.map(|error| notice(Tone::Bad, spoken(error), None));
    let purpose = if draft.proposal.only.is_empty() {
        let purposes = vec![
            ("grant", t!("assign.grant").to_owned(), Some(t!("assign.grant-hint").to_owned())),
            ("revoke", t!("assign.revoke").to_owned(), Some(t!("assign.revoke-hint").to_owned())),
            ("alter", t!("assign.alter").to_owned(), Some(t!("assign.alter-hint").to_owned())),
        ];
        choices("purpose", t!("assign.purpose"), &written.purpose, purposes)
    } else {
        hidden("purpose", written.purpose.clone())
    };
    // What is taken away has no end to choose.
    let ends = draft.proposal.only.is_empty() || draft.proposal.purpose != Purpose::Revoke;
    let until = ends.then(|| until(cx, written, wrong("until"), wrong("expires")));
    let keeps = !draft.proposal.only.is_empty() && draft.proposal.purpose == Purpose::Alter;
    let hint = if keeps { t!("assign.reason-keeps") } else { t!("assign.reason-hint") };
    let form = view! {
        <form class="form card terms" method="post" action="/actions/assignments/terms">
            {of_draft(draft)}
            {purpose}
            {until}
            {field("reason", t!("access.reason"))
                .value(written.reason.clone())
                .hint(hint)
                .error(wrong("reason"))
                .optional()
                .view()}
            <div class="row">{primary(t!("assign.look"))}</div>
        </form>
    };
    match about {
        Some(about) => view! { {said}<div class="detail"><div class="stack">{form}</div>{about}</div> }.into_any(),
        None => view! { {said}{form} }.into_any(),
    }
}

fn until(cx: &Cx, written: &Written, wrong_choice: Option<String>, wrong_date: Option<String>) -> AnyView {
    let lengths = LENGTHS.map(|(name, length)| (name, largest_unit(SignedDuration::from_millis(length)), None));
    let mut options = vec![("never", t!("assign.no-end").to_owned(), None)];
    options.extend(lengths);
    options.push(("date", t!("assign.at-date").to_owned(), None));
    let chosen = if wrong_date.is_some() { "date" } else { written.until.as_str() };
    let zone = cx.clock.zone().iana_name().unwrap_or("UTC").to_owned();
    let date = field("expires", t!("assign.expires"))
        .kind("datetime-local")
        .value(written.expires.clone())
        .hint(t!("assign.expires-zone", zone = zone))
        .error(wrong_date)
        .free();
    view! {
        <div class="until stack">
            {wrong_choice.map(|error| view! { <p class="error">{error}</p> })}
            {choices("until", t!("assign.until"), chosen, options)}
            <div class="at-date">{date.view()}</div>
        </div>
    }
    .into_any()
}

/// The assignments that it is about, as they are now.
pub(super) fn grants_card(cx: &Cx, draft: &Draft, grants: &[GrantRow]) -> AnyView {
    let items = grants
        .iter()
        .map(|row| {
            let end = match row.expires {
                Some(end) => view! { {t!("access.until")}" "{cx.clock.view(end)} }.into_any(),
                None => t!("access.no-end").into_any(),
            };
            view! {
                <li>
                    <div>
                        <bdi>{t!("access.of-whom", set = row.set_name, whom = row.named.name)}</bdi>
                        <div class="muted small"><bdi>{target_text(&row.target, row.account.as_deref().unwrap_or_default())}</bdi></div>
                        <div class="muted small">{end}</div>
                    </div>
                </li>
            }
        })
        .collect_view();
    let all = draft.proposal.only.len();
    let more = (all > grants.len()).then(|| {
        let left = grouped((all - grants.len()) as u64);
        view! { <p class="section-note">{t!("assign.and-more", n = left)}</p> }
    });
    section(t!("assign.what"), None, view! { <ul class="items" role="list">{items}</ul>{more} })
}
