//! What happens later: deliveries from the outbox, clean-up, retention.

pub mod mail;
pub mod outbox;

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use tokio::task::JoinSet;

use crate::authz::{Action, Resource, authorize};
use crate::call::{Actor, Call};
use crate::core::Core;
use crate::error::Result;
use outbox::{Failure, Payload, Taken};

/// Deliveries under way at once.
const AT_ONCE: u64 = 8;

/// The jobs.
#[derive(Clone, Debug)]
pub struct Jobs(pub(crate) Arc<Core>);

/// What one round of jobs did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Deliveries that succeeded.
    pub delivered: u64,
    /// Deliveries that did not, and will be tried again or are given up.
    pub failed: u64,
}

impl Jobs {
    /// Does what is due at `call.now`, once.
    pub async fn run_due(&self, call: &Call) -> Result<Round> {
        authorize(call, Action::RunJobs, Resource::Organisation)?;
        self.deliver(call.now).await
    }

    /// Delivers what is due.
    async fn deliver(&self, now: Timestamp) -> Result<Round> {
        let mut round = Round::default();
        loop {
            let taken = outbox::take(&self.0, now, AT_ONCE).await?;
            if taken.is_empty() {
                return Ok(round);
            }
            let mut under_way = JoinSet::new();
            for row in taken {
                let core = self.0.clone();
                under_way.spawn(async move {
                    let outcome = deliver_one(&core, &row).await;
                    let delivered = outcome.is_ok();
                    // A delivery takes its time: what is noted is when it ended.
                    outbox::settle(&core, core.clock.now(), &row, outcome).await.map(|_| delivered)
                });
            }
            while let Some(done) = under_way.join_next().await {
                match done {
                    Ok(Ok(true)) => round.delivered += 1,
                    Ok(Ok(false)) => round.failed += 1,
                    Ok(Err(e)) => return Err(e),
                    Err(e) => return Err(crate::Error::internal(format!("delivery: {e}"))),
                }
            }
        }
    }

    /// Works until `shutdown` is done: looks every second, and at once when something was put into the outbox.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut every_second = tokio::time::interval(Duration::from_secs(1));
        every_second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                () = self.0.outbox_wake.notified() => {}
                _ = every_second.tick() => {}
            }
            if let Err(e) = self.tick().await {
                tracing::warn!(error = %e, cause = e.cause(), "a round of jobs failed; it is tried again in a second");
            }
        }
    }

    async fn tick(&self) -> Result<()> {
        let now = self.0.clock.now();
        if let Err(e) = crate::key_rotation::look(&self.0, now).await {
            tracing::warn!(error = %e, cause = e.cause(), "looking after a key rotation failed; it is tried again in a second");
        }
        if outbox::next_due(&self.0).await?.is_some_and(|due| due <= now) {
            self.run_due(&Call::local(Actor::System("outbox"), "jobs", now)).await?;
        }
        Ok(())
    }
}

async fn deliver_one(core: &Core, row: &Taken) -> std::result::Result<(), Failure> {
    match &row.payload {
        Ok(Payload::Mail { to, subject, text }) => {
            let Some(settings) = &core.mail else {
                return Err(Failure::ForNow("no mail is configured on this node".to_owned()));
            };
            mail::send(settings, &row.id, row.created_at, to, subject, text).await.map(drop)
        }
        Ok(Payload::Webhook { .. }) => Err(Failure::ForGood("not yet".to_owned())),
        Err(e) => Err(Failure::ForNow(e.cause().unwrap_or("cannot be opened").to_owned())),
    }
}
