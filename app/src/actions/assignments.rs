//! What administrators do with assignments: the steps of the wizard, applying what it has shown, and taking it back.

use domain::Error;
use domain::access::Principal;
use domain::access::assignments::{Add, Proposal, Purpose};
use jiff::civil::DateTime;
use leptos::prelude::*;
use model::{AccountTarget, Timestamp, t};

use super::{Act, local};
use crate::address::encode;
use crate::parts::notice::Flash;

/// A step of the wizard.
pub fn step(draft: &str, step: &str) -> String {
    format!("/admin/assignments/new?draft={}&step={}", encode(draft), encode(step))
}

/// What one field of a form chooses. Exactly one of them is filled.
fn chosen(account: &str, user: &str, group: &str, set: &str) -> Result<Option<Add>, Error> {
    let add = if !account.trim().is_empty() {
        let target = AccountTarget::parse(account.trim()).map_err(|e| Error::invalid("account", e.to_string()))?;
        Add::Target(target)
    } else if !user.is_empty() {
        Add::Principal(Principal::User(super::id(user, t!("noun.person"))?))
    } else if !group.is_empty() {
        Add::Principal(Principal::Group(super::id(group, t!("noun.group"))?))
    } else if !set.is_empty() {
        Add::Set(super::id(set, t!("noun.permission-set"))?)
    } else {
        return Ok(None);
    };
    Ok(Some(add))
}

/// Begins to assign, perhaps for an account, a person, a group or a permission set that is known already.
#[server(prefix = "/actions", endpoint = "assignments/begin")]
pub async fn assignment_begin(
    #[server(default)] account: String,
    #[server(default)] user: String,
    #[server(default)] group: String,
    #[server(default)] set: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let mut proposal = Proposal::default();
    match chosen(&account, &user, &group, &set) {
        Ok(Some(Add::Target(target))) => drop(proposal.targets.insert(target)),
        Ok(Some(Add::Principal(principal))) => drop(proposal.principals.insert(principal)),
        Ok(Some(Add::Set(set))) => drop(proposal.sets.insert(set)),
        Ok(Some(Add::Accounts(_)) | None) => {}
        Err(error) => {
            act.problem(error);
            return Ok(());
        }
    }
    let first = if proposal.targets.is_empty() { "accounts" } else { "people" };
    match act.services().assignments.begin_draft(act.call(), &proposal).await {
        Ok(draft) => act.go(&step(&draft, first)),
        Err(error) => act.refuse(error, "/admin/assignments", &[]),
    }
    Ok(())
}

/// Begins to take one assignment away, or to let it end at another time.
#[server(prefix = "/actions", endpoint = "assignments/change")]
pub async fn assignment_change(id: String, purpose: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match (super::id(&id, t!("noun.assignment")), purpose_of(&purpose)) {
        (Ok(id), Ok(purpose)) => act.services().assignments.begin_change(act.call(), id, purpose).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match outcome {
        Ok(draft) => act.go(&step(&draft, "review")),
        Err(error) => act.refuse(error, "/admin/assignments", &[]),
    }
    Ok(())
}

fn purpose_of(text: &str) -> Result<Purpose, Error> {
    match text {
        "grant" => Ok(Purpose::Grant),
        "revoke" => Ok(Purpose::Revoke),
        "alter" => Ok(Purpose::Alter),
        _ => Err(Error::invalid("purpose", t!("refused.purpose"))),
    }
}

/// Chooses something more; without any of the things, every account that the search finds.
#[server(prefix = "/actions", endpoint = "assignments/choose")]
pub async fn assignment_choose(
    draft: String,
    #[server(default)] account: String,
    #[server(default)] user: String,
    #[server(default)] group: String,
    #[server(default)] set: String,
    #[server(default)] search: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let assignments = &act.services().assignments;
    let add = match chosen(&account, &user, &group, &set) {
        Ok(Some(add)) => Ok(add),
        Ok(None) => assignments
            .accounts_found(act.call(), &search)
            .await
            .map(|found| Add::Accounts(found.into_iter().map(|account| account.id).collect())),
        Err(error) => Err(error),
    };
    let outcome = match add {
        Ok(add) => assignments.choose(act.call(), &draft, add).await,
        Err(error) => Err(error),
    };
    chose(&act, outcome, &draft, &next, &account);
    Ok(())
}

/// Chooses something no more; without any of the things, all accounts.
#[server(prefix = "/actions", endpoint = "assignments/drop")]
pub async fn assignment_drop(
    draft: String,
    #[server(default)] account: String,
    #[server(default)] user: String,
    #[server(default)] group: String,
    #[server(default)] set: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match chosen(&account, &user, &group, &set) {
        Ok(gone) => {
            let gone = gone.unwrap_or(Add::Accounts(Vec::new()));
            act.services().assignments.drop_choice(act.call(), &draft, &gone).await
        }
        Err(error) => Err(error),
    };
    chose(&act, outcome, &draft, &next, "");
    Ok(())
}

fn chose(act: &Act, outcome: Result<(), Error>, draft: &str, next: &str, typed: &str) {
    let own = step(draft, "accounts");
    let asked = local(next);
    let back = asked.as_ref().map_or(own.as_str(), model::LocalPath::as_str);
    match outcome {
        Ok(()) => act.go(back),
        Err(error) => act.refuse(error, back, &[("account", typed)]),
    }
}

/// What is to be done, until when and why; then everything is shown once more.
#[server(prefix = "/actions", endpoint = "assignments/terms")]
pub async fn assignment_terms(
    draft: String,
    purpose: String,
    #[server(default)] expires: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match (purpose_of(&purpose), moment(&act, &expires)) {
        (Ok(purpose), Ok(expires)) => {
            act.services().assignments.set_terms(act.call(), &draft, purpose, expires, reason.trim()).await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match outcome {
        Ok(()) => act.go(&step(&draft, "review")),
        Err(error) => act.refuse(error, &step(&draft, "review"), &[("expires", &expires), ("reason", &reason)]),
    }
    Ok(())
}

/// Reads what a `datetime-local` field sends, in the reader's zone.
fn moment(act: &Act, text: &str) -> Result<Option<Timestamp>, Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let refused = || Error::invalid("expires", t!("refused.moment"));
    let civil: DateTime = text.trim().parse().map_err(|_| refused())?;
    let zoned = civil.to_zoned(act.cx.clock.zone().clone()).map_err(|_| refused())?;
    Ok(Some(Timestamp(zoned.timestamp().as_millisecond())))
}

/// Does what was shown.
#[server(prefix = "/actions", endpoint = "assignments/apply")]
pub async fn assignment_apply(draft: String, digest: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let assignments = &act.services().assignments;
    let outcome = match assignments.draft(act.call(), &draft).await {
        Ok(kept) => assignments.apply(act.call(), &kept.proposal, &digest).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(applied) => {
            // Whether the draft could be cleared away is nobody's concern: it goes by itself in a day.
            let _ = assignments.end_draft(act.call(), &draft).await;
            let changed = applied.creates + applied.updates + applied.deletes;
            let flash = match applied.change {
                Some(change) => Flash::new("access-changed")
                    .about(model::words::count("count.assignments", changed))
                    .undo_with("change", change),
                None => Flash::new("access-unchanged"),
            };
            act.go_saying("/admin/assignments", &flash);
        }
        Err(error) => act.refuse(error, &step(&draft, "review"), &[]),
    }
    Ok(())
}

/// Takes a change back.
#[server(prefix = "/actions", endpoint = "assignments/undo")]
pub async fn assignment_undo(change: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().assignments.undo(act.call(), &change).await;
    act.finish(outcome, "/admin/assignments", &Flash::new("access-undone"));
    Ok(())
}
