//! What happens later: deliveries from the outbox, streams of audit entries, the settings of other nodes, clean-up.

pub mod figures;
pub mod mail;
pub mod outbox;
pub mod stream_state;
pub(crate) mod streams;
pub mod sweeper;
pub mod syslog;
pub(crate) mod webhook;

#[cfg(test)]
pub(crate) mod stream_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::access::assignments::remind;
use crate::audit::refusals;
use crate::authz::{Action, Resource, authorize};
use crate::call::{Actor, Call};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::sign_in::send_reset_links;
use crate::{key_rotation, settings_service};
use figures::{Passwords, Queues};
use outbox::{Failure, Payload, Taken};
use sweeper::Swept;

/// Deliveries under way at once.
const AT_ONCE: u64 = 8;
/// Between two looks at the database.
const OFTEN: Duration = Duration::from_secs(1);
/// Between two rounds of clean-up.
const SELDOM: Duration = Duration::from_mins(10);

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
    /// Entries sent to syslog.
    pub logged: u64,
}

impl Jobs {
    /// Does what is due at `call.now`, once.
    pub async fn run_due(&self, call: &Call) -> Result<Round> {
        authorize(call, Action::RunJobs, Resource::Organisation)?;
        settings_service::refresh(&self.0, &settings_service::row(self.0.store.read()).await?, None)?;
        refusals::write(&self.0, call.now).await?;
        streams::to_webhooks(&self.0, call.now).await?;
        let logged = syslog::run(&self.0, call.now).await?;
        Ok(Round { logged, ..self.deliver(call.now).await? })
    }

    /// How busy the hashing of passwords is on this node.
    pub fn passwords(&self, call: &Call) -> Result<Passwords> {
        authorize(call, Action::RunJobs, Resource::Organisation)?;
        Ok(figures::passwords(&self.0))
    }

    /// How long the queues in the database are.
    pub async fn queues(&self, call: &Call) -> Result<Queues> {
        authorize(call, Action::RunJobs, Resource::Organisation)?;
        figures::queues(&self.0, call.now).await
    }

    /// Removes what has run out.
    pub async fn sweep(&self, call: &Call) -> Result<Swept> {
        authorize(call, Action::RunJobs, Resource::Organisation)?;
        sweeper::run(&self.0, call).await
    }

    /// Works until `shutdown` is done, and finishes what is under way then. A delivery that takes long holds up nothing else.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let ending = async {
            shutdown.await;
            stop.send_replace(true);
        };
        let sleepless = Notify::new();
        let state = std::sync::atomic::AtomicI64::new(0);
        let watching = repeat(OFTEN, &sleepless, stopped.clone(), "watching", || async {
            use std::sync::atomic::Ordering::Relaxed;
            let now = self.0.clock.now();
            let row = settings_service::row(self.0.store.read()).await?;
            key_rotation::look(&self.0, &row, now).await?;
            let seen = Some(state.load(Relaxed)).filter(|version| *version != 0);
            state.store(settings_service::refresh(&self.0, &row, seen)?, Relaxed);
            refusals::write(&self.0, now).await?;
            streams::to_webhooks(&self.0, now).await
        });
        let delivering = repeat(OFTEN, &self.0.outbox_wake, stopped.clone(), "deliveries", || async {
            let now = self.0.clock.now();
            if outbox::next_due(&self.0).await?.is_some_and(|due| due <= now) {
                self.deliver(now).await?;
            }
            Ok(())
        });
        let logging = repeat(OFTEN, &sleepless, stopped.clone(), "syslog", || async {
            syslog::run(&self.0, self.0.clock.now()).await.map(drop)
        });
        let sweeping = repeat(SELDOM, &sleepless, stopped, "clean-up", || async {
            let call = Call::local(Actor::System("clean-up"), "clean-up", self.0.clock.now());
            self.sweep(&call).await?;
            remind(&self.0, &call).await.map(drop)
        });
        tokio::join!(ending, watching, delivering, logging, sweeping);
        if let Err(e) = refusals::write(&self.0, Timestamp(i64::MAX)).await {
            tracing::warn!(error = %e, cause = e.cause(), "the last refused requests are not in the audit log");
        }
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
                    Err(e) => return Err(Error::internal(format!("delivery: {e}"))),
                }
            }
        }
    }
}

/// Does a job at once, then at every wake-up and at least once a period, until told to stop. A failure is logged; the next
/// round tries again.
async fn repeat<F: Future<Output = Result<()>>>(
    period: Duration,
    wake: &Notify,
    mut stopped: watch::Receiver<bool>,
    job: &'static str,
    work: impl Fn() -> F,
) {
    let mut failing = false;
    let begun = tokio::time::Instant::now();
    loop {
        match work().await {
            Ok(()) => failing = false,
            // Once while it lasts: a database that is away for an hour is one line, not 3,600.
            Err(e) if !failing => {
                failing = true;
                tracing::warn!(job, error = %e, cause = e.cause(), "a round of a job failed; it is tried again");
            }
            Err(_) => {}
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = wake.notified() => {}
            () = tokio::time::sleep_until(next_beat(begun, period)) => {}
        }
    }
}

/// The end of the period that is running. Jobs that began together wake together, which an idle machine feels less.
fn next_beat(begun: tokio::time::Instant, period: Duration) -> tokio::time::Instant {
    let beats = begun.elapsed().as_nanos() / period.as_nanos().max(1) + 1;
    begun + period.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX))
}

async fn deliver_one(core: &Core, row: &Taken) -> std::result::Result<(), Failure> {
    match &row.payload {
        Ok(Payload::Mail { to, subject, text }) => {
            let Some(settings) = &core.mail else {
                return Err(Failure::ForNow("no mail is configured on this node".to_owned()));
            };
            mail::send(settings, &row.id, row.created_at, to, subject, text).await.map(drop)
        }
        Ok(Payload::ResetLinks { typed, request_id, source, user_agent }) => {
            let call = Call {
                source: *source,
                user_agent: user_agent.clone(),
                ..Call::local(Actor::Anonymous, request_id.clone(), core.clock.now())
            };
            let sent = send_reset_links(core, &call, typed).await;
            sent.map_err(|e| Failure::ForNow(e.cause().unwrap_or(e.outside()).to_owned()))
        }
        Ok(Payload::Webhook { webhook, event, body }) => {
            webhook::send(core, core.clock.now(), webhook::Delivery { id: &row.id, webhook, event, body }).await
        }
        Err(e) => Err(Failure::ForNow(e.cause().unwrap_or("cannot be opened").to_owned())),
    }
}
