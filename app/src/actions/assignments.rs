//! What administrators do with assignments: the steps of the wizard, applying what it has shown, and taking it back.

use domain::Error;
use domain::access::Principal;
use domain::access::accounts::AccountsQuery;
use domain::access::assignments::{Choice, GrantsFilter, Purpose, Renewed};
use jiff::civil::DateTime;
use leptos::prelude::*;
use model::words::count;
use model::{AccountPath, AccountTarget, Refusal, Timestamp, t};
use serde::{Deserialize, Serialize};

use super::{Act, local, spoken};
use crate::address::encode;
use crate::pages::admin::assign::review::Reviewed;
use crate::pages::admin::assign::terms::{self, Until, Written};
use crate::parts::notice::Flash;

/// Where an administrator comes back to who began nowhere in particular.
const OVERVIEW: &str = "/admin/assignments";

/// A step of the wizard.
pub fn step(draft: &str, step: &str) -> String {
    format!("/admin/assignments/new?draft={}&step={}", encode(draft), encode(step))
}

/// Where a form wants to come back to.
fn back(next: &str) -> String {
    local(next).map_or_else(String::new, |path| path.as_str().to_owned())
}

/// What an account field says: twelve digits, or a rule for paths.
fn target(text: &str) -> Result<Option<Choice>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let target = AccountTarget::parse(text).map_err(|e| Error::invalid("account", e.to_string()))?;
    Ok(Some(Choice::Target(target)))
}

/// What a box of a list stands for: `user:…`, `group:…`, `set:…`, `account:…`.
fn picked(text: &str) -> Result<Choice, Error> {
    let (kind, rest) = text.split_once(':').unwrap_or_default();
    Ok(match kind {
        "user" => Choice::Principal(Principal::User(super::id(rest, t!("noun.person"))?)),
        "group" => Choice::Principal(Principal::Group(super::id(rest, t!("noun.group"))?)),
        "set" => Choice::Set(super::id(rest, t!("noun.permission-set"))?),
        "account" => target(rest)?.ok_or_else(|| Error::not_found(t!("noun.account")))?,
        _ => return Err(Error::invalid("pick", t!("refused.choice"))),
    })
}

/// Begins to assign, perhaps for an account, a person, a group or a permission set that is known already.
#[server(prefix = "/actions", endpoint = "assignments/begin")]
pub async fn assignment_begin(
    #[server(default)] account: String,
    #[server(default)] user: String,
    #[server(default)] group: String,
    #[server(default)] set: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let known = [("account", account), ("user", user), ("group", group), ("set", set)];
    let known = known.iter().filter(|(_, id)| !id.is_empty()).map(|(kind, id)| picked(&format!("{kind}:{id}")));
    let chosen: Vec<Choice> = match known.collect() {
        Ok(chosen) => chosen,
        Err(error) => {
            act.problem(error);
            return Ok(());
        }
    };
    let first = if chosen.iter().any(|one| matches!(one, Choice::Target(_))) { "people" } else { "accounts" };
    match act.services().assignments.begin_draft(act.call(), &chosen, &back(&next)).await {
        Ok(draft) => act.go(&step(&draft, first)),
        Err(error) => act.refuse(error, OVERVIEW, &[]),
    }
    Ok(())
}

/// Begins to take one assignment away, or to let it end at another time.
#[server(prefix = "/actions", endpoint = "assignments/change")]
pub async fn assignment_change(
    id: String,
    purpose: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async {
        let (id, purpose) = (super::id(&id, t!("noun.assignment"))?, purpose_of(&purpose)?);
        let draft = act.services().assignments.begin_change(act.call(), id, purpose, &back(&next)).await?;
        Ok((draft, purpose))
    };
    match outcome.await {
        Ok((draft, Purpose::Alter)) => act.go(&step(&draft, "terms")),
        Ok((draft, _)) => act.go(&step(&draft, "review")),
        Err(error) => act.refuse(error, OVERVIEW, &[]),
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

/// Begins to let many assignments end later: those that are ticked, or all that the list shows on all of its pages.
#[server(prefix = "/actions", endpoint = "assignments/renew")]
pub async fn assignment_renew(
    #[server(default)] pick: Vec<String>,
    #[server(default)] all: String,
    #[server(default)] days: String,
    #[server(default)] whom: String,
    #[server(default)] account: String,
    #[server(default)] set: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let list = format!("{OVERVIEW}/expiring");
    let asked = back(&next);
    let place = if asked.is_empty() { &list } else { &asked };
    let renewed = if all.is_empty() {
        pick.iter().map(|id| super::id(id, t!("noun.assignment"))).collect::<Result<_, _>>().map(Renewed::These)
    } else {
        days.parse().map_err(|_| Error::invalid("days", t!("refused.number"))).map(|days: u16| Renewed::Ending {
            before: act.call().now.plus(i64::from(days) * Timestamp::DAY),
            filter: GrantsFilter { whom, account, set },
        })
    };
    let outcome = match renewed {
        Ok(renewed) => act.services().assignments.begin_renewal(act.call(), &renewed, &asked).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(draft) => act.go(&step(&draft, "terms")),
        Err(error) => act.refuse(error, place, &[]),
    }
    Ok(())
}

/// The search over accounts, as the list of them sends it along.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sought {
    search: String,
    path: String,
    tag: String,
    status: String,
}

impl Sought {
    fn query(self) -> Result<AccountsQuery, Error> {
        let path = Some(self.path.as_str()).filter(|path| !path.is_empty()).map(AccountPath::parse).transpose();
        let path = path.map_err(|e| Error::invalid("path", e.to_string()))?;
        let status = self.status.parse().ok();
        Ok(AccountsQuery { search: self.search, path, tag: self.tag, status, ..AccountsQuery::default() })
    }
}

/// Chooses what is ticked or typed; where asked for, every account that the search finds.
#[server(prefix = "/actions", endpoint = "assignments/choose")]
pub async fn assignment_choose(
    draft: String,
    #[server(default)] pick: Vec<String>,
    #[server(default)] account: String,
    #[server(default)] all: String,
    #[server(default)] next: String,
    #[server(flatten)] sought: Sought,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let assignments = &act.services().assignments;
    let outcome = async {
        // Whether the caller may is decided before anything of the form is looked at.
        let draft = assignments.draft(act.call(), &draft).await?.id;
        if !all.is_empty() {
            let query = sought.query()?;
            return assignments.choose_accounts(act.call(), &draft, &query).await;
        }
        let picked = pick.iter().map(|one| picked(one)).chain(target(&account).transpose());
        let chosen: Vec<Choice> = picked.collect::<Result<_, _>>()?;
        if chosen.is_empty() {
            return Err(Error::invalid("pick", t!("refused.nothing-ticked")));
        }
        assignments.choose(act.call(), &draft, &chosen).await
    };
    chose(&act, outcome.await, &draft, &next, &account);
    Ok(())
}

/// Chooses something no more: what is ticked, or all accounts.
#[server(prefix = "/actions", endpoint = "assignments/drop")]
pub async fn assignment_drop(
    draft: String,
    #[server(default)] pick: Vec<String>,
    #[server(default)] all: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let assignments = &act.services().assignments;
    let outcome = async {
        let draft = assignments.draft(act.call(), &draft).await?.id;
        if !all.is_empty() {
            return assignments.drop_accounts(act.call(), &draft).await;
        }
        let gone: Vec<Choice> = pick.iter().map(|one| picked(one)).collect::<Result<_, _>>()?;
        assignments.drop_choices(act.call(), &draft, &gone).await
    };
    chose(&act, outcome.await, &draft, &next, "");
    Ok(())
}

fn chose(act: &Act, outcome: Result<(), Error>, draft: &str, next: &str, typed: &str) {
    let asked = back(next);
    let place = if asked.is_empty() { step(draft, "accounts") } else { asked };
    match outcome {
        // What is chosen stands on the page, and the focus goes there.
        Ok(()) => act.go(&format!("{place}#chosen")),
        Err(error) => act.refuse(error, &place, &[("account", typed)]),
    }
}

/// What is to be done, until when and why; then everything is shown once more.
#[server(prefix = "/actions", endpoint = "assignments/terms")]
pub async fn assignment_terms(
    draft: String,
    purpose: String,
    #[server(default)] until: String,
    #[server(default)] expires: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let assignments = &act.services().assignments;
    let outcome = async {
        let end = end_of(&act, &until, &expires)?;
        assignments.set_terms(act.call(), &draft, purpose_of(&purpose)?, end, reason.trim()).await
    };
    match outcome.await {
        Ok(()) => act.go(&step(&draft, "review")),
        Err(error) if error.kind() == Refusal::Invalid => match assignments.draft(act.call(), &draft).await {
            // A reason may be too long to wait in a cookie for the next page.
            Ok(kept) => {
                let (cx, written) = (act.cx.clone(), Written { purpose, until, expires, reason });
                act.again(&step(&draft, "terms"), error, move |error| terms::again(&cx, &kept, &written, error));
            }
            Err(gone) => act.refuse(gone, &step(&draft, "terms"), &[]),
        },
        Err(error) => act.refuse(error, &step(&draft, "terms"), &[]),
    }
    Ok(())
}

/// When something is to end. A date without a choice beside it is meant.
fn end_of(act: &Act, until: &str, expires: &str) -> Result<Option<Timestamp>, Error> {
    let until = match Until::parse(until) {
        None if !until.is_empty() => return Err(Error::invalid("until", t!("refused.choice"))),
        None if expires.trim().is_empty() => Until::Never,
        until => until.unwrap_or(Until::At),
    };
    match until {
        Until::Never => Ok(None),
        Until::In(length) => Ok(Some(act.call().now.plus(length))),
        Until::At => moment(act, expires).map(Some),
    }
}

/// Reads what a `datetime-local` field sends, in the reader's zone.
fn moment(act: &Act, text: &str) -> Result<Timestamp, Error> {
    let refused = || Error::invalid("expires", t!("refused.moment"));
    let civil: DateTime = text.trim().parse().map_err(|_| refused())?;
    let zoned = civil.to_zoned(act.cx.clock.zone().clone()).map_err(|_| refused())?;
    Ok(Timestamp(zoned.timestamp().as_millisecond()))
}

/// Does what was shown. Where it would do something else by now, that is shown instead.
#[server(prefix = "/actions", endpoint = "assignments/apply")]
pub async fn assignment_apply(draft: String, digest: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let assignments = &act.services().assignments;
    let kept = match assignments.draft(act.call(), &draft).await {
        Ok(kept) => kept,
        Err(error) => {
            act.refuse(error, OVERVIEW, &[]);
            return Ok(());
        }
    };
    match assignments.apply(act.call(), &kept.proposal, &digest).await {
        Ok(applied) => {
            // Whether the draft could be cleared away is nobody's concern: it goes by itself in a day.
            let _ = assignments.end_draft(act.call(), &draft).await;
            let changed = applied.creates + applied.updates + applied.deletes;
            let place = if kept.back.is_empty() { OVERVIEW } else { &kept.back };
            let flash = match applied.change {
                Some(change) => Flash::new("access-changed")
                    .about(count("count.assignments", changed))
                    .undo_with("change", change)
                    .undo_with("next", place),
                None => Flash::new("access-unchanged"),
            };
            act.go_saying(place, &flash);
        }
        Err(error) if matches!(error.kind(), Refusal::Conflict | Refusal::Invalid) => {
            let place = step(&draft, "review");
            match Reviewed::load(&act.cx, kept).await {
                Ok(now) => {
                    let cx = act.cx.clone();
                    act.again(&place, error, move |error| now.page(&cx, Some(&spoken(error))));
                }
                Err(worse) => act.refuse(worse, &place, &[]),
            }
        }
        Err(error) => act.refuse(error, &step(&draft, "review"), &[]),
    }
    Ok(())
}

/// Takes a change back.
#[server(prefix = "/actions", endpoint = "assignments/undo")]
pub async fn assignment_undo(change: String, #[server(default)] next: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = act.services().assignments.undo(act.call(), &change).await;
    let asked = back(&next);
    act.finish(outcome, if asked.is_empty() { OVERVIEW } else { &asked }, &Flash::new("access-undone"));
    Ok(())
}
