//! What happens with every step that succeeds: the session goes on, and where the sign-in is complete the browser becomes
//! known, the person is told of a new one, and break-glass use alarms the owners.

use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::stages::{Standing, person_of, step_of};
use super::{Progress, SessionGrant};
use crate::audit::Event;
use crate::call::{Actor, Call, Stage};
use crate::core::Core;
use crate::error::Result;
use crate::identity::{devices, notify};
use crate::secret::Secret;
use crate::store::Change;
use crate::store::entity::{device, session, user};

/// The last statements of a step, inside its change: audit, and what completeness brings with it.
pub(super) async fn step(
    core: &Core,
    call: &Call,
    change: &mut Change,
    standing: &Standing,
    (token, row): (Secret, session::Model),
    credential: &str,
) -> Result<Progress> {
    let complete = row.stage == Stage::Full.as_str();
    let device = if complete { devices::known(change.txn(), call, &standing.user.id).await? } else { None };
    step_in(core, call, change, standing, (token, row), credential, device).await
}

/// [`step`] in a browser that was looked up already.
pub(super) async fn step_in(
    core: &Core,
    call: &Call,
    change: &mut Change,
    standing: &Standing,
    (token, row): (Secret, session::Model),
    credential: &str,
    known: Option<device::Model>,
) -> Result<Progress> {
    let person = person_of(&row, standing)?;
    let stage = person.stage;
    let call = call.acting_as(Actor::Person(person));
    let about = |event: Event| event.on("user", &standing.user.id, standing.user.user_name.clone());
    let details = serde_json::json!({"CredentialType": credential, "step": stage.as_str()});
    change.audit(&call, about(Event::done("CredentialVerification")).with(details));
    let mut device = None;
    if stage == Stage::Full {
        let details = serde_json::json!({"CredentialType": credential, "strong": row.strong});
        change.audit(&call, about(Event::done("UserAuthentication")).with(details));
        let seen = devices::remember(change, core, &call, &standing.user.id, known)?;
        if seen.is_new && standing.user.last_sign_in_at.is_some() {
            notify::new_device(change.txn(), core, &call, &standing.user).await?;
        }
        device = seen.token;
        let signed_in = user::Entity::update_many()
            .col_expr(user::Column::LastSignInAt, Expr::value(call.now.0))
            .filter(user::Column::Id.eq(&standing.user.id));
        change.later(&signed_in);
        if standing.held.break_glass {
            change.audit(&call, about(Event::done("BreakGlassSignIn")));
            notify::break_glass(change.txn(), core, &call, &standing.user).await?;
        }
    }
    let session = SessionGrant { token, expires_at: Timestamp(row.expires_at), device };
    Ok(Progress { session, step: step_of(stage, row.next.as_deref()) })
}
