//! Assigning access, step by step: accounts, people and groups, permission sets, the terms, and a look at what it would do.

mod choose;
pub mod review;
pub mod terms;

use domain::access::assignments::{Draft, Purpose};
use domain::authz::{Action, Resource, authorize};
use leptos::prelude::*;
use model::words::{count, grouped};
use model::{Refusal, t};

use crate::actions::assignments::step as step_path;
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::form::{button, hidden};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::title::Title;
use crate::shell::Answer;

const OVERVIEW: &str = "/admin/assignments";

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Accounts,
    People,
    Sets,
    Terms,
    Review,
}

impl Step {
    const ALL: [Self; 5] = [Self::Accounts, Self::People, Self::Sets, Self::Terms, Self::Review];

    /// Those of a draft: what is about assignments that are there has nothing to choose.
    fn of(draft: &Draft) -> &'static [Self] {
        if draft.proposal.only.is_empty() { &Self::ALL } else { &[Self::Terms, Self::Review] }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::People => "people",
            Self::Sets => "sets",
            Self::Terms => "terms",
            Self::Review => "review",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Accounts => t!("assign.accounts"),
            Self::People => t!("assign.people"),
            Self::Sets => t!("assign.sets"),
            Self::Terms => t!("assign.terms"),
            Self::Review => t!("assign.review"),
        }
    }

    /// How much of a draft was chosen in it.
    fn chosen(self, draft: &Draft) -> usize {
        match self {
            Self::Accounts => draft.proposal.targets.len(),
            Self::People => draft.proposal.principals.len(),
            Self::Sets => draft.proposal.sets.len(),
            Self::Terms | Self::Review => 0,
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Accounts => Self::People,
            Self::People => Self::Sets,
            Self::Sets => Self::Terms,
            Self::Terms | Self::Review => Self::Review,
        }
    }

    fn place(self, draft: &Draft) -> String {
        step_path(&draft.id, self.as_str())
    }
}

/// `/admin/assignments/new`
pub async fn wizard(cx: Cx) -> Answer {
    let Some(id) = cx.address.get("draft") else { return begin(&cx, None) };
    let draft = match cx.services().assignments.draft(cx.call(), id).await {
        Ok(draft) => draft,
        // Applied already, or a day old: people come here by the button that leads back.
        Err(error) if error.kind() == Refusal::NotFound => {
            cx.status(crate::shell::status_of(error.kind()));
            return begin(&cx, Some(t!("assign.gone")));
        }
        Err(error) => return Err(error.into()),
    };
    let steps = Step::of(&draft);
    let wanted = cx.address.get("step").unwrap_or_default();
    let step = steps.iter().copied().find(|step| step.as_str() == wanted).or_else(|| steps.first().copied());
    match step {
        None | Some(Step::Review) => Ok(review::Reviewed::load(&cx, draft).await?.page(&cx, None)),
        Some(Step::Terms) => terms::page(&cx, &draft).await,
        Some(step) => Ok(frame(&draft, step, choose::body(&cx, &draft, step).await?)),
    }
}

/// Without a draft: what this is, and the beginning.
fn begin(cx: &Cx, said: Option<&'static str>) -> Answer {
    authorize(cx.call(), Action::Assign, Resource::Organisation)?;
    let known = ["account", "user", "group", "set"];
    let values: Vec<(&'static str, &str)> =
        known.into_iter().filter_map(|name| cx.address.get(name).map(|value| (name, value))).collect();
    let body = view! {
        {Title::new(t!("assign.title")).under(t!("access.title"), OVERVIEW).view()}
        {said.map(|said| notice(Tone::Warn, said, None))}
        <div class="card stack">
            <p>{t!("assign.text")}</p>
            {button("/actions/assignments/begin", &values, t!("assign.begin"), "primary")}
        </div>
    };
    Ok(Page::admin(AdminTab::Assignments, t!("assign.title"), body))
}

/// What a draft is about, as a title.
fn title_of(draft: &Draft) -> String {
    let many = count("count.assignments", draft.proposal.only.len() as u64);
    match (draft.proposal.only.is_empty(), draft.proposal.purpose) {
        (true, _) => t!("assign.title").to_owned(),
        (false, Purpose::Revoke) => t!("assign.title-remove", what = many),
        (false, _) => t!("assign.title-renew", what = many),
    }
}

/// A step with its head: the way back, the title and the other steps.
fn frame(draft: &Draft, open: Step, body: AnyView) -> Page {
    let title = title_of(draft);
    let back = if draft.back.is_empty() { OVERVIEW } else { &draft.back };
    let cancel = view! { <a class="button" href=back.to_owned()>{t!("cancel")}</a> };
    let links = Step::of(draft)
        .iter()
        .map(|step| {
            let chosen = step.chosen(draft);
            let chosen = (chosen > 0).then(|| view! { <span class="count">{grouped(chosen as u64)}</span> });
            let current = (*step == open).then_some("step");
            view! { <li><a href=step.place(draft) aria-current=current><span class="label">{step.label()}</span>{chosen}</a></li> }
        })
        .collect_view();
    let body = view! {
        {Title::new(title.clone()).under(t!("access.title"), OVERVIEW).action(cancel.into_any()).view()}
        <nav aria-label=t!("assign.steps")><ol class="steps" role="list">{links}</ol></nav>
        {body}
    };
    Page::admin(AdminTab::Assignments, title, body)
}

/// The draft that a form is about.
fn of_draft(draft: &Draft) -> AnyView {
    hidden("draft", draft.id.clone())
}

/// The way to the next step.
fn onward(draft: &Draft, step: Step) -> AnyView {
    let next = step.next();
    view! { <a class="button primary" href=next.place(draft)>{t!("assign.next", step = next.label())}</a> }.into_any()
}

/// "Production (111122223333)", or a rule.
fn target_text(target: &model::AccountTarget, name: &str) -> String {
    if name.is_empty() { target.to_string() } else { format!("{name} ({target})") }
}
