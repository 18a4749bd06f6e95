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
    doors: Mutex<HashMap<String, Arc<Semaphore>>>,
    waiting: Arc<Semaphore>,
}

/// Held while an attempt is looked at.
#[derive(Debug)]
pub(crate) struct Admitted {
    _permit: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Admission {
    /// For a pool of so many threads.
    pub fn new(threads: usize) -> Self {
        let most_waiting = threads * 128;
        Self {
            at_once: (threads * 2).clamp(4, 8),
            most_waiting,
            doors: Mutex::default(),
            waiting: Arc::new(Semaphore::new(most_waiting)),
        }
    }

    /// Waits for one's turn; refused at once when too many wait already.
    pub(crate) async fn enter(&self, source: &str) -> Result<Admitted> {
        let place = self.waiting.clone().try_acquire_owned().map_err(|_| Error::overloaded())?;
        let door = {
            let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
            // Doors that nobody stands at are forgotten; the number of those that stay is bounded by the places.
            if doors.len() > 2 * self.most_waiting {
                doors.retain(|_, door| Arc::strong_count(door) > 1);
            }
            doors.entry(source.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))).clone()
        };
        let permit = door.acquire_owned().await.map_err(|_| Error::internal("a door was closed"))?;
        Ok(Admitted { _permit: permit, _place: place })
    }
}
