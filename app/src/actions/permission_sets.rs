//! What administrators do with permission sets. A refused form comes back as the answer itself: a policy is too large to wait in a
//! cookie for the next page.

use domain::Error;
use domain::access::permission_sets::PolicyText;
use leptos::prelude::*;
use model::iam::{Rules, Severity};
use model::{PermissionSetId, Refusal, t};
use serde::{Deserialize, Serialize};

use super::{Act, spoken};
use crate::pages::admin::permission_sets::change::{create_form, edit_form};
use crate::pages::admin::permission_sets::form::Written;
use crate::pages::admin::permission_sets::policy;
use crate::parts::frame::Page;
use crate::parts::notice::Flash;

fn place(set: &str) -> String {
    format!("/admin/permission-sets/{set}")
}

fn set_id(text: &str) -> Result<PermissionSetId, Error> {
    super::id(text, t!("noun.permission-set"))
}

/// Whether another try of the form can help.
fn can_be_mended(error: &Error) -> bool {
    matches!(error.kind(), Refusal::Invalid | Refusal::Conflict)
}

/// Creates a permission set.
#[server(prefix = "/actions", endpoint = "permission-sets/create")]
pub async fn permission_set_create(#[server(flatten)] written: Written) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async { act.services().permission_sets.create(act.call(), &written.read()?).await }.await;
    let form = "/admin/permission-sets/new";
    match outcome {
        Ok(id) => {
            act.go_saying(&place(&id.to_string()), &Flash::new("permission-set-created").about(written.name.trim()));
        }
        Err(error) if can_be_mended(&error) => {
            act.again(form, error, move |error| create_form(&written, &written.wrong(error), Some(&spoken(error))));
        }
        Err(error) => act.refuse(error, form, &[]),
    }
    Ok(())
}

/// Changes everything but name and inline policy.
#[server(prefix = "/actions", endpoint = "permission-sets/update")]
pub async fn permission_set_update(
    id: String,
    version: i64,
    #[server(flatten)] written: Written,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async {
        act.services().permission_sets.update_fields(act.call(), set_id(&id)?, version, &written.read()?).await
    }
    .await;
    saved(&act, outcome, "permission-set-saved", &id, "edit", async |set| {
        let view = act.services().permission_sets.get(act.call(), set).await?;
        let named = Written { name: view.row.set.name().to_string(), ..written };
        let form = move |error: &Error| edit_form(&view, version, &named, &named.wrong(error), Some(&spoken(error)));
        Ok(Box::new(form) as Form)
    })
    .await;
    Ok(())
}

/// Puts the inline policy; an empty text removes it.
#[server(prefix = "/actions", endpoint = "permission-sets/policy")]
pub async fn permission_set_policy(id: String, version: i64, inline_policy: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let policy_text = PolicyText::new(&inline_policy);
    let given = Some(policy_text.clone()).filter(|policy| !policy.as_str().trim().is_empty());
    let removed = given.is_none();
    let outcome =
        async { act.services().permission_sets.update_policy(act.call(), set_id(&id)?, version, given).await }.await;
    let notice = if removed { "policy-removed" } else { "policy-saved" };
    saved(&act, outcome, notice, &id, "policy", async |set| {
        let view = act.services().permission_sets.get(act.call(), set).await?;
        let form = move |error: &Error| {
            // What is wrong with the policy stands beside it.
            let why = if error.field().is_some() { t!("policy.refused").to_owned() } else { spoken(error) };
            policy::editor(&view, version, policy_text.as_str(), Some(&why))
        };
        Ok(Box::new(form) as Form)
    })
    .await;
    Ok(())
}

/// What the check says about a policy while it is typed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyReport {
    size: u32,
    most: u32,
    findings: Vec<PolicyFinding>,
}

/// One finding of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyFinding {
    line: u32,
    column: u32,
    path: String,
    message: String,
    warning: bool,
}

/// Checks a policy and changes nothing.
#[server(prefix = "/actions", endpoint = "permission-sets/policy-check")]
pub async fn permission_set_policy_check(inline_policy: String) -> Result<Option<PolicyReport>, ServerFnError> {
    let act = Act::begin()?;
    let policy = PolicyText::new(&inline_policy);
    match async { act.services().permission_sets.check_policy(act.call(), &policy) }.await {
        Ok(checked) => {
            let findings = checked.findings.into_iter().map(|finding| PolicyFinding {
                line: finding.at.line,
                column: finding.at.column,
                path: finding.path,
                message: finding.message,
                warning: finding.severity == Severity::Warning,
            });
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            Ok(Some(PolicyReport {
                size: number(checked.size),
                most: number(Rules::INLINE.most),
                findings: findings.collect(),
            }))
        }
        Err(error) => {
            act.refuse(error, "/admin/permission-sets", &[]);
            Ok(None)
        }
    }
}

type Form = Box<dyn FnOnce(&Error) -> Page + Send>;

/// The end of a change: to the permission set, or the form once more.
async fn saved(
    act: &Act,
    outcome: Result<(), Error>,
    notice: &str,
    id: &str,
    verb: &str,
    form: impl AsyncFnOnce(PermissionSetId) -> Result<Form, Error>,
) {
    let path = format!("{}/{verb}", place(id));
    match outcome {
        Ok(()) => act.go_saying(&place(id), &Flash::new(notice)),
        Err(error) if can_be_mended(&error) => match async { form(set_id(id)?).await }.await {
            Ok(form) => act.again(&path, error, form),
            Err(gone) => act.refuse(gone, &path, &[]),
        },
        Err(error) => act.refuse(error, &path, &[]),
    }
}

/// Makes a copy under another name.
#[server(prefix = "/actions", endpoint = "permission-sets/clone")]
pub async fn permission_set_clone(id: String, name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async { act.services().permission_sets.duplicate(act.call(), set_id(&id)?, name.trim()).await }.await;
    match outcome {
        Ok(copy) => {
            act.go_saying(&place(&copy.to_string()), &Flash::new("permission-set-created").about(name.trim()));
        }
        Err(error) => act.refuse(error, &format!("{}/clone", place(&id)), &[("name", &name)]),
    }
    Ok(())
}

/// Deletes a permission set. The name has been typed, as a guard against the wrong row.
#[server(prefix = "/actions", endpoint = "permission-sets/delete")]
pub async fn permission_set_delete(id: String, expected: String, name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let form = format!("{}/delete", place(&id));
    if expected.trim() != name.trim() {
        act.refuse(Error::invalid("name", t!("refused.name-differs")), &form, &[("name", &name)]);
        return Ok(());
    }
    let outcome = async { act.services().permission_sets.delete(act.call(), set_id(&id)?).await }.await;
    match outcome {
        Ok(()) => {
            act.go_saying("/admin/permission-sets", &Flash::new("permission-set-deleted").about(expected));
        }
        Err(error) => act.refuse(error, &form, &[]),
    }
    Ok(())
}
