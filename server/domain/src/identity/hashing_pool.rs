//! The threads that hash passwords: their number, their queue and their memory are bounded, so that a storm of sign-ins
//! starves nothing else and what is too much is refused at once.
//!
//! Each thread keeps its working memory while there is work and gives it back after some idle seconds.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::passwords::Password;
use crate::error::{Error, Result};

/// How long a thread keeps its memory without work.
const KEPT: Duration = Duration::from_secs(5);

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Cost {
    /// Refuses what is no Argon2 cost, or so much that verifying it would hold up everybody else.
    pub(super) fn check(self) -> std::result::Result<(), &'static str> {
        if self.memory_kib > 64 * 1024
            || u64::from(self.memory_kib) * u64::from(self.passes) > 256 * 1024
            || self.lanes > 8
        {
            return Err("costs too much to verify");
        }
        self.params(32).map(drop).map_err(|_| "has impossible costs")
    }

    fn params(self, length: usize) -> std::result::Result<Params, argon2::Error> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(length))
    }
}

/// One hash to be made.
struct Job {
    password: Password,
    salt: Vec<u8>,
    cost: Cost,
    length: usize,
    answer: oneshot::Sender<Result<Zeroizing<Vec<u8>>>>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    made: AtomicU64,
}

/// The threads and their queue. They end when this is dropped.
pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: usize,
    most_waiting: usize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.shared.wake.notify_all();
    }
}

impl Pool {
    /// Starts the threads.
    pub(super) fn start(threads: usize, most_waiting: usize) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        for number in 0..threads {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(format!("passwords-{number}"))
                .spawn(move || work(&shared))
                .map_err(|e| Error::unavailable("A thread for passwords cannot be started.").because(e))?;
        }
        Ok(Self { shared, threads, most_waiting })
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    pub(super) fn made(&self) -> u64 {
        self.shared.made.load(Ordering::Relaxed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).jobs.len()
    }

    /// Makes one hash; refused at once when too many are waiting.
    pub(super) async fn run(
        &self,
        password: Password,
        salt: Vec<u8>,
        cost: Cost,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let (answer, answered) = oneshot::channel();
        {
            let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if queue.jobs.len() >= self.most_waiting {
                return Err(Error::overloaded());
            }
            queue.jobs.push_back(Job { password, salt, cost, length, answer });
        }
        self.shared.wake.notify_one();
        answered.await.map_err(|_| Error::internal("a password thread has ended"))?
    }
}

/// How much these threads step back behind the others, in the steps of `nice`.
#[cfg(target_os = "linux")]
const STEP_BACK: i32 = 19;

/// The life of a thread.
fn work(shared: &Shared) {
    // In a storm of sign-ins everything else goes first; alone, they are as fast as ever. Linux gives threads priorities of
    // their own, other systems would slow the whole process down. Where it is not allowed, it is done without.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, STEP_BACK);
    let mut memory: Vec<Block> = Vec::new();
    while let Some(job) = next(shared, &mut memory) {
        // Whoever asked may have gone; a hash for nobody would only make others wait.
        if !job.answer.is_closed() {
            let hash = hash(&job, &mut memory);
            shared.made.fetch_add(1, Ordering::Relaxed);
            let _ = job.answer.send(hash);
        }
    }
}

fn next(shared: &Shared, memory: &mut Vec<Block>) -> Option<Job> {
    let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(job) = queue.jobs.pop_front() {
            return Some(job);
        }
        if queue.closed {
            return None;
        }
        if memory.is_empty() {
            queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        } else {
            let (held, waited) = shared.wake.wait_timeout(queue, KEPT).unwrap_or_else(PoisonError::into_inner);
            queue = held;
            if waited.timed_out() && queue.jobs.is_empty() {
                *memory = Vec::new();
            }
        }
    }
}

fn hash(job: &Job, memory: &mut Vec<Block>) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |e: argon2::Error| Error::internal(format!("argon2: {e}"));
    let params = job.cost.params(job.length).map_err(failed)?;
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::new());
    }
    let mut out = Zeroizing::new(vec![0; job.length]);
    let working = memory.get_mut(..blocks).ok_or_else(|| Error::internal("no memory for a hash"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2
        .hash_password_into_with_memory(job.password.expose().as_bytes(), &job.salt, &mut out, working)
        .map_err(failed)?;
    // An imported hash may need more than ours; that memory is not kept.
    memory.truncate(19 * 1024);
    memory.shrink_to_fit();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[tokio::test]
    async fn too_many_at_once_are_refused_at_once_with_a_time_to_come_back() {
        let pool = Arc::new(Pool::start(1, 4).unwrap());
        let cost = Cost { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
        let password = Password::parse("password", &Secret::new("x")).unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..300 {
            let (pool, password) = (pool.clone(), password.clone());
            waiting.spawn(async move { pool.run(password, vec![0; 16], cost, 32).await });
        }
        let outcomes = waiting.join_all().await;
        let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert!(refused.len() >= 200, "{} refused (PW-21)", refused.len());
        assert!(refused.len() < 300, "some are served");
        assert!(
            refused
                .iter()
                .all(|error| error.kind() == model::Refusal::Unavailable && error.retry_after_seconds().is_some())
        );
    }
}
