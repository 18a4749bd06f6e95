//! What administrators do with applications.

use domain::Error;
use domain::access::Principal;
use domain::access::applications::{ApplicationInput, ApplicationStatus};
use leptos::prelude::*;
use model::{ApplicationId, t};
use serde::{Deserialize, Serialize};

use super::{Act, local};
use crate::address::encode;
use crate::parts::notice::Flash;

fn place(id: &str) -> String {
    format!("/admin/applications/{}", encode(id))
}

fn application_id(text: &str) -> Result<ApplicationId, Error> {
    super::id(text, t!("noun.application"))
}

/// The fields of an application as its form sends them; a box that is not ticked is not sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationForm {
    name: String,
    description: String,
    start_url: String,
    visible: String,
    enabled: String,
    everyone: String,
}

impl ApplicationForm {
    fn input(&self) -> ApplicationInput {
        let enabled = !self.enabled.is_empty();
        ApplicationInput {
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            start_url: self.start_url.trim().to_owned(),
            visible: !self.visible.is_empty(),
            status: if enabled { ApplicationStatus::Enabled } else { ApplicationStatus::Disabled },
            everyone: !self.everyone.is_empty(),
            ..ApplicationInput::default()
        }
    }

    /// What goes back into the form when it is refused.
    fn typed(&self) -> [(&'static str, &str); 6] {
        [
            ("name", &self.name),
            ("description", &self.description),
            ("start_url", &self.start_url),
            ("visible", &self.visible),
            ("enabled", &self.enabled),
            ("everyone", &self.everyone),
        ]
    }
}

/// Writes an application down.
#[server(prefix = "/actions", endpoint = "applications/create")]
pub async fn application_create(#[server(flatten)] form: ApplicationForm) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().applications.create(act.call(), &form.input()).await {
        Ok(id) => act.go_saying(&place(&id.to_string()), &Flash::new("application-created").about(form.name.trim())),
        Err(error) => act.refuse(error, "/admin/applications/new", &form.typed()),
    }
    Ok(())
}

/// Changes an application.
#[server(prefix = "/actions", endpoint = "applications/update")]
pub async fn application_update(
    id: String,
    version: i64,
    #[server(flatten)] form: ApplicationForm,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match application_id(&id) {
        Ok(id) => act.services().applications.update(act.call(), id, version, &form.input()).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => act.go_saying(&place(&id), &Flash::new("application-saved").about(form.name.trim())),
        Err(error) => act.refuse(error, &format!("{}/edit", place(&id)), &form.typed()),
    }
    Ok(())
}

/// Deletes an application. The name has been typed, as a guard against the wrong row.
#[server(prefix = "/actions", endpoint = "applications/delete")]
pub async fn application_delete(id: String, expected: String, name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let form = format!("{}/delete", place(&id));
    if expected.trim() != name.trim() {
        act.refuse(Error::invalid("name", t!("refused.name-differs")), &form, &[("name", &name)]);
        return Ok(());
    }
    let outcome = match application_id(&id) {
        Ok(id) => act.services().applications.delete(act.call(), id).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => act.go_saying("/admin/applications", &Flash::new("application-deleted").about(expected)),
        Err(error) => act.refuse(error, &form, &[]),
    }
    Ok(())
}

/// The person or group that a form names.
fn principal(kind: &str, id: &str) -> Result<Principal, Error> {
    match kind {
        "user" => super::id(id, t!("noun.person")).map(Principal::User),
        "group" => super::id(id, t!("noun.group")).map(Principal::Group),
        _ => Err(Error::invalid("kind", t!("refused.choice"))),
    }
}

/// Lets a person or a group use an application.
#[server(prefix = "/actions", endpoint = "applications/assign")]
pub async fn application_assign(
    id: String,
    kind: String,
    who: String,
    #[server(default)] name: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match (application_id(&id), principal(&kind, &who)) {
        (Ok(id), Ok(principal)) => act.services().applications.assign(act.call(), id, principal).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    changed(&act, outcome, "application-assigned", [&id, &kind, &who, &name], &next);
    Ok(())
}

/// Takes an application from a person or a group.
#[server(prefix = "/actions", endpoint = "applications/unassign")]
pub async fn application_unassign(
    id: String,
    kind: String,
    who: String,
    #[server(default)] name: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match (application_id(&id), principal(&kind, &who)) {
        (Ok(id), Ok(principal)) => act.services().applications.unassign(act.call(), id, principal).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    changed(&act, outcome, "application-unassigned", [&id, &kind, &who, &name], &next);
    Ok(())
}

fn changed(act: &Act, outcome: Result<(), Error>, notice: &str, about: [&str; 4], next: &str) {
    let [id, kind, who, name] = about;
    let own = place(id);
    let asked = local(next);
    let back = asked.as_ref().map_or(own.as_str(), model::LocalPath::as_str);
    match outcome {
        Ok(()) => {
            let undo = [("id", id), ("kind", kind), ("who", who), ("name", name)].into_iter();
            let flash = Flash::new(notice).about(name);
            act.go_saying(back, &undo.fold(flash, |flash, (field, value)| flash.undo_with(field, value)));
        }
        Err(error) => act.refuse(error, back, &[]),
    }
}
