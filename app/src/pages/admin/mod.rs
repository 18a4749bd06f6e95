//! The pages of administration.

pub mod access;
pub mod accounts;
pub mod administrators;
pub mod api_keys;
pub mod applications;
pub mod assign;
pub mod audit;
pub mod audit_entry;
pub mod explain;
mod grants;
pub mod groups;
pub mod overview;
pub mod permission_sets;
pub mod sessions;
pub mod settings;
pub mod streams;
pub mod user;
pub mod users;

use domain::Error;
use domain::authz::{Action, Decision, Resource, decide};
use model::{Refusal, Role, t};

use crate::context::Cx;
use crate::shell::Stop;

/// Whether the reader may do something in general, so that a page shows no dead button. The service decides again. A sleeping
/// confirmation does not hide anything.
pub fn allowed(cx: &Cx, action: Action) -> bool {
    let call = cx.call();
    matches!(
        decide(&call.actor, action, Resource::Organisation, call.now),
        Decision::Allow | Decision::Refuse(Refusal::ConfirmNeeded)
    )
}

/// Whoever is about to do something sensitive confirms first, so that nothing they type is lost on the way.
pub fn fresh(cx: &Cx, action: Action) -> Result<(), Stop> {
    let call = cx.call();
    match decide(&call.actor, action, Resource::Organisation, call.now) {
        Decision::Refuse(Refusal::ConfirmNeeded) => Err(Error::confirm_needed().into()),
        _ => Ok(()),
    }
}

/// A role in words.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => t!("role.owner"),
        Role::Admin => t!("role.admin"),
        Role::Helpdesk => t!("role.helpdesk"),
        Role::AccessAdmin => t!("role.access-admin"),
        Role::Auditor => t!("role.auditor"),
    }
}
