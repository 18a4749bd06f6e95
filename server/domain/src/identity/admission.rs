//! How many passwords of one source are looked at at once on this node.
//!
//! A budget counts an attempt as failed until it has succeeded. A source with many people behind it would use its budget up by
//! right passwords alone, if all of them were under way at once; so a few are, and the others wait a moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// The doors, one for each source that has people waiting.
#[derive(Debug)]
pub struct Admission {
    at_once: usize,
    most_waiting: usize,
    doors: Mutex<HashMap<String, Arc<Door>>>,
    places: Arc<Semaphore>,
}

/// What one source may take up.
#[derive(Debug)]
struct Door {
    /// Being looked at.
    at_once: Arc<Semaphore>,
    /// Being looked at or waiting: a part of all places, so that one source leaves some to the others.
    places: Arc<Semaphore>,
}

/// Held while an attempt is looked at.
#[derive(Debug)]
pub(crate) struct Admitted {
    _held: [OwnedSemaphorePermit; 3],
    _door: Arc<Door>,
}

impl Admission {
    /// For a pool of so many threads.
    pub fn new(threads: usize) -> Self {
        let most_waiting = threads * 128;
        Self {
            at_once: (threads * 2).clamp(4, 8),
            most_waiting,
            doors: Mutex::default(),
            places: Arc::new(Semaphore::new(most_waiting)),
        }
    }

    /// Waits for one's turn; refused at once when too many wait already.
    pub(crate) async fn enter(&self, source: &str) -> Result<Admitted> {
        let door = self.door(source);
        let taken = |places: &Arc<Semaphore>| places.clone().try_acquire_owned().map_err(|_| Error::overloaded());
        let (own, common) = (taken(&door.places)?, taken(&self.places)?);
        let turn = door.at_once.clone().acquire_owned().await.map_err(|_| Error::internal("a door was closed"))?;
        Ok(Admitted { _held: [own, common, turn], _door: door })
    }

    fn door(&self, source: &str) -> Arc<Door> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        // Doors that nobody stands at are forgotten; the number of those that stay is bounded by the places.
        if doors.len() > 2 * self.most_waiting {
            doors.retain(|_, door| Arc::strong_count(door) > 1);
        }
        let fresh = || {
            let at_once = Arc::new(Semaphore::new(self.at_once));
            Arc::new(Door { at_once, places: Arc::new(Semaphore::new(self.most_waiting / 2)) })
        };
        doors.entry(source.to_owned()).or_insert_with(fresh).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_source_leaves_room_for_the_others() {
        let admission = Arc::new(Admission::new(1));
        let mut inside = Vec::new();
        for _ in 0..4 {
            inside.push(admission.enter("flood").await.unwrap());
        }
        let waiting: Vec<_> = (0..200)
            .map(|_| {
                let admission = admission.clone();
                tokio::spawn(async move { admission.enter("flood").await.map(drop).is_ok() })
            })
            .collect();
        // Until each of them has been turned away or stands in line.
        while waiting.iter().filter(|attempt| attempt.is_finished()).count() < 140 {
            tokio::task::yield_now().await;
        }
        drop(admission.enter("somebody else").await.expect("a place and a turn (PW-21)"));
        drop(inside);
        let mut served = 0;
        for attempt in waiting {
            served += usize::from(attempt.await.unwrap());
        }
        assert_eq!(served, 60, "half of the places, of which four were inside; the excess is refused (PW-21)");
    }
}
