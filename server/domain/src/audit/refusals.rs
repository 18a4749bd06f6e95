//! Who tried what they may not: refused administrative requests on their way into the log.
//!
//! A refusal changes nothing, so there is no transaction that its entry could stand in: [`authorize`](crate::authz::authorize) notes
//! it in memory, and a job writes what was noted within a second. Nobody can flood the log with it: the first attempt of a person at
//! an action is an entry at once, those that follow within a minute are counted and become one more. Only people who are signed in
//! are noted; what strangers try is in the server's log and in the metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Timestamp, UserId};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::Event;
use crate::authz::{Action, Resource};
use crate::call::{Actor, Call};
use crate::core::Core;
use crate::error::Result;
use crate::store::entity::user;

/// How long attempts of one person at one action are counted before they are written again.
const COUNTED: i64 = Timestamp::MINUTE;
/// Pairs of person and action that are held at once. More are in the server's log only.
const MOST: usize = 1_000;

/// What was refused and is not written yet; shared by all calls.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<BTreeMap<(UserId, Action), Tally>>>);

#[derive(Debug)]
struct Tally {
    /// Nothing is written before this moment.
    quiet_until: Timestamp,
    waiting: Option<Attempt>,
}

/// Attempts that become one entry.
#[derive(Clone, Debug)]
struct Attempt {
    /// The first of them.
    call: Call,
    resource: Resource,
    times: u32,
}

impl Refusals {
    fn tallies(&self) -> MutexGuard<'_, BTreeMap<(UserId, Action), Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this call was refused.
    pub(crate) fn note(&self, call: &Call, action: Action, resource: Resource) {
        let Actor::Person(person) = &call.actor else { return };
        let mut tallies = self.tallies();
        let key = (person.user, action);
        if tallies.len() >= MOST && !tallies.contains_key(&key) {
            return;
        }
        let tally = tallies.entry(key).or_insert(Tally { quiet_until: Timestamp(0), waiting: None });
        if let Some(attempt) = &mut tally.waiting {
            attempt.times = attempt.times.saturating_add(1);
        } else {
            // The call is kept without its secret and without its own way back here.
            let call = Call { device: None, refusals: Self::default(), ..call.clone() };
            tally.waiting = Some(Attempt { call, resource, times: 1 });
        }
    }

    /// Takes what may be written at this moment, and forgets who has been quiet for a while.
    fn take(&self, now: Timestamp) -> Vec<(Action, Attempt)> {
        let mut taken = Vec::new();
        self.tallies().retain(|(_, action), tally| {
            if now < tally.quiet_until {
                return true;
            }
            tally.quiet_until = now.plus(COUNTED);
            let waiting = tally.waiting.take();
            let active = waiting.is_some();
            taken.extend(waiting.map(|attempt| (*action, attempt)));
            active
        });
        taken
    }

    /// Keeps for the next round what could not be written.
    fn give_back(&self, attempts: Vec<(Action, Attempt)>) {
        let mut tallies = self.tallies();
        for (action, attempt) in attempts {
            let Actor::Person(person) = &attempt.call.actor else { continue };
            let tally =
                tallies.entry((person.user, action)).or_insert(Tally { quiet_until: Timestamp(0), waiting: None });
            tally.quiet_until = Timestamp(0);
            let later = tally.waiting.take().map_or(0, |later| later.times);
            tally.waiting = Some(Attempt { times: attempt.times.saturating_add(later), ..attempt });
        }
    }
}

/// Writes what is due. `Timestamp(i64::MAX)` at the end of the server: everything.
pub(crate) async fn write(core: &Core, now: Timestamp) -> Result<()> {
    let attempts = core.refusals.take(now);
    if attempts.is_empty() {
        return Ok(());
    }
    let written = append(core, &attempts).await;
    if written.is_err() {
        core.refusals.give_back(attempts);
    }
    written
}

async fn append(core: &Core, attempts: &[(Action, Attempt)]) -> Result<()> {
    let people = attempts.iter().filter_map(|(_, attempt)| match attempt.resource {
        Resource::Person { user, .. } => Some(user.to_string()),
        _ => None,
    });
    let people = user::Entity::find().filter(user::Column::Id.is_in(people)).all(core.store.read()).await?;
    let name_of = |id: &str| people.iter().find(|person| person.id == id).map(|person| person.user_name.clone());
    let mut change = core.store.begin().await?;
    for (action, Attempt { call, resource, times }) in attempts {
        let mut event = Event::refused("AccessDenied", "the rights of this person do not reach so far")
            .with(serde_json::json!({ "action": format!("{action:?}"), "times": times }));
        if let Resource::Person { user, .. } = resource {
            event = event.on("user", user, name_of(&user.to_string()).unwrap_or_default());
        }
        change.audit(call, event);
    }
    change.commit().await
}

#[cfg(test)]
mod tests {
    use model::{Refusal, Role, Timestamp};

    use super::{MOST, write};
    use crate::authz::{Action, Resource, authorize};
    use crate::testing::World;

    /// The attempted action, how often, and the target's name, of every entry.
    async fn entries(world: &World) -> Vec<(String, u64, String)> {
        let rows = world.audited("AccessDenied").await;
        let read = |(outcome, person): (String, String)| {
            assert_eq!(outcome, "failure");
            let person: serde_json::Value = serde_json::from_str(&person).unwrap();
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let changes = &person["changes"];
            (text(&changes["action"]), changes["times"].as_u64().unwrap(), text(&person["target"]))
        };
        rows.into_iter().map(read).collect()
    }

    #[tokio::test]
    async fn a_refused_administrative_request_is_in_the_log_with_actor_and_target() {
        let world = World::new().await;
        let (bob, olga) = (world.bare("bob").await, world.admin("olga", Role::Owner).await);
        let heidi = world.admin("heidi", Role::Helpdesk).await;
        let core = &world.services.core;
        let error = world.services.people.disable(&world.by(bob).await, heidi).await.unwrap_err();
        assert_eq!(error.kind(), Refusal::Forbidden);
        assert!(world.services.people.reset_factors(&world.by(heidi).await, olga).await.is_err());
        assert!(world.services.settings.get(&world.by(bob).await).await.is_err());
        write(core, world.clock.now()).await.unwrap();
        let mut seen = entries(&world).await;
        seen.sort();
        let seen: Vec<_> =
            seen.iter().map(|(action, times, target)| (action.as_str(), *times, target.as_str())).collect();
        // Bob may do it to nobody, so nobody is looked up; heidi may, but not to olga.
        let expected = [("DisablePeople", 1, ""), ("ResetFactors", 1, "olga"), ("SeeSettings", 1, "")];
        assert_eq!(seen, expected, "one entry for each refusal (attacks 4d)");
    }

    #[tokio::test]
    async fn what_is_allowed_or_only_not_confirmed_or_a_strangers_is_no_entry() {
        let world = World::new().await;
        let olga = world.admin("olga", Role::Owner).await;
        let mut tired = world.by(olga).await;
        tired.now = tired.now.plus(Timestamp::HOUR);
        assert_eq!(world.services.people.reset_factors(&tired, olga).await.unwrap_err().kind(), Refusal::ConfirmNeeded);
        assert!(world.services.settings.get(&world.anonymous()).await.is_err());
        assert!(authorize(&world.by(olga).await, Action::SeeAudit, Resource::Organisation).is_ok());
        assert!(authorize(&world.by(olga).await, Action::ProveSecondFactor, Resource::Organisation).is_err());
        write(&world.services.core, world.clock.now()).await.unwrap();
        assert_eq!(entries(&world).await, vec![]);
    }

    #[tokio::test]
    async fn nobody_floods_the_log() {
        let world = World::new().await;
        let bob = world.bare("bob").await;
        let call = world.by(bob).await;
        let knock = |times: usize| {
            for _ in 0..times {
                assert!(authorize(&call, Action::CreatePeople, Resource::Organisation).is_err());
            }
        };
        let round = async || write(&world.services.core, world.clock.now()).await.unwrap();
        let counts = async || entries(&world).await.into_iter().map(|(_, times, _)| times).collect::<Vec<_>>();
        knock(1);
        round().await;
        knock(10_000);
        for _ in 0..59 {
            world.clock.advance(1_000);
            round().await;
        }
        assert_eq!(counts().await, [1], "what follows within a minute is counted (OPS-11)");
        world.clock.advance(1_000);
        round().await;
        knock(5);
        round().await;
        assert_eq!(counts().await, [1, 10_000]);
        write(&world.services.core, Timestamp(i64::MAX)).await.unwrap();
        assert_eq!(counts().await, [1, 10_000, 5], "the end of the server loses nothing");

        for n in 0..2 * MOST {
            let id = model::UserId::from_random((n as u128).to_be_bytes());
            let mut other = call.clone();
            if let crate::call::Actor::Person(person) = &mut other.actor {
                person.user = id;
            }
            assert!(authorize(&other, Action::CreatePeople, Resource::Organisation).is_err());
        }
        assert!(world.services.core.refusals.tallies().len() <= MOST, "memory is bounded too (OPS-11)");
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_written_later() {
        let world = World::new().await;
        let call = world.by(world.bare("bob").await).await;
        assert!(authorize(&call, Action::CreatePeople, Resource::Organisation).is_err());
        let refusals = &world.services.core.refusals;
        let taken = refusals.take(world.clock.now());
        assert!(authorize(&call, Action::CreatePeople, Resource::Organisation).is_err());
        refusals.give_back(taken);
        write(&world.services.core, world.clock.now()).await.unwrap();
        assert_eq!(entries(&world).await, vec![("CreatePeople".to_owned(), 2, String::new())]);
    }
}
