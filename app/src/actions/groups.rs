//! What administrators do with groups and their members.

use domain::Error;
use leptos::prelude::*;
use model::{GroupId, t};

use super::users::{grant_of, role_granted};
use super::{Act, local, person_id};
use crate::parts::notice::Flash;

fn place(group: &str) -> String {
    format!("/admin/groups/{group}")
}

fn group_id(text: &str) -> Result<GroupId, Error> {
    super::id(text, t!("noun.group"))
}

/// Creates a group.
#[server(prefix = "/actions", endpoint = "groups/create")]
pub async fn group_create(name: String, #[server(default)] description: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().groups.create(act.call(), name.trim(), description.trim()).await {
        Ok(group) => act.go_saying(&place(&group.to_string()), &Flash::new("group-created").about(name.trim())),
        Err(error) => act.refuse(error, "/admin/groups/new", &[("name", &name), ("description", &description)]),
    }
    Ok(())
}

/// Changes a group's name and description.
#[server(prefix = "/actions", endpoint = "groups/update")]
pub async fn group_update(
    id: String,
    version: i64,
    name: String,
    #[server(default)] description: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async {
        act.services().groups.update(act.call(), group_id(&id)?, version, name.trim(), description.trim()).await
    }
    .await;
    match outcome {
        Ok(()) => act.go_saying(&place(&id), &Flash::new("group-saved").about(name.trim())),
        Err(error) => {
            act.refuse(error, &format!("{}/edit", place(&id)), &[("name", &name), ("description", &description)]);
        }
    }
    Ok(())
}

/// Deletes a group. The name has been typed, as a guard against the wrong row.
#[server(prefix = "/actions", endpoint = "groups/delete")]
pub async fn group_delete(id: String, expected: String, name: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let form = format!("{}/delete", place(&id));
    if expected.trim() != name.trim() {
        act.refuse(Error::invalid("name", t!("refused.name-differs")), &form, &[("name", &name)]);
        return Ok(());
    }
    let outcome = async { act.services().groups.delete(act.call(), group_id(&id)?).await }.await;
    match outcome {
        Ok(()) => act.go_saying("/admin/groups", &Flash::new("group-deleted").about(expected)),
        Err(error) => act.refuse(error, &form, &[]),
    }
    Ok(())
}

/// Adds a member.
#[server(prefix = "/actions", endpoint = "groups/member-add")]
pub async fn group_member_add(
    group: String,
    user: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome =
        async { act.services().groups.add_member(act.call(), group_id(&group)?, person_id(&user)?).await }.await;
    member_changed(&act, outcome, "member-added", &group, &user, &next);
    Ok(())
}

/// Removes a member.
#[server(prefix = "/actions", endpoint = "groups/member-remove")]
pub async fn group_member_remove(
    group: String,
    user: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome =
        async { act.services().groups.remove_member(act.call(), group_id(&group)?, person_id(&user)?).await }.await;
    member_changed(&act, outcome, "member-removed", &group, &user, &next);
    Ok(())
}

fn member_changed(act: &Act, outcome: Result<(), Error>, notice: &str, group: &str, user: &str, next: &str) {
    let own = place(group);
    let asked = local(next);
    let back = asked.as_ref().map_or(own.as_str(), model::LocalPath::as_str);
    match outcome {
        Ok(()) => act.go_saying(back, &Flash::new(notice).undo_with("group", group).undo_with("user", user)),
        Err(error) => act.refuse(error, back, &[]),
    }
}

/// Gives the members of a group a role.
#[server(prefix = "/actions", endpoint = "groups/role-grant")]
pub async fn group_role_grant(id: String, role: String, #[server(default)] scope: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = async {
        let grant = grant_of(&role, &scope)?;
        act.services().administrators.grant_group(act.call(), group_id(&id)?, &grant).await
    }
    .await;
    role_granted(&act, outcome, &place(&id), &role, &scope);
    Ok(())
}
