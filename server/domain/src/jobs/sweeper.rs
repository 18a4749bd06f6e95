//! Clean-up: what has run out is removed, and audit entries past their retention.

use model::Timestamp;

use super::outbox;
use crate::access::assignments;
use crate::audit::retention;
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::clean_up;

/// How long deliveries that were made or given up can still be looked at.
const OUTBOX_KEPT: i64 = 7 * Timestamp::DAY;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions, links, ceremonies, budgets, browsers.
    pub sign_in: u64,
    /// Deliveries.
    pub outbox: u64,
    /// Audit entries.
    pub audit: u64,
    /// Assignments that had ended.
    pub assignments: u64,
}

/// Removes it. Several nodes may do this at once: each row goes once.
pub(crate) async fn run(core: &Core, call: &Call) -> Result<Swept> {
    Ok(Swept {
        sign_in: clean_up::run(core, call.now).await?,
        outbox: outbox::sweep(core, call.now.plus(-OUTBOX_KEPT)).await?,
        audit: retention::remove_old(core, call).await?,
        assignments: assignments::remove_ended(core, call).await?,
    })
}
