//! Chance. Everything random in the product comes from here: the operating system, or a seed in tests.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::error::{Error, Result};

/// The operating system's randomness, or a reproducible stream for tests.
#[derive(Clone, Debug, Default)]
pub enum Entropy {
    /// From the operating system.
    #[default]
    System,
    /// From a seed: the same values in the same order, every time.
    Seeded(Arc<Mutex<u64>>),
}

impl Entropy {
    /// A reproducible stream for tests.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(seed << 32)))
    }

    /// Random bytes. Fails only where the operating system has none to give.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut out = [0; N];
        match self {
            Self::System => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one place that asks the operating system for chance"
                )]
                getrandom::fill(&mut out).map_err(|e| Error::internal(format!("no randomness: {e}")))?;
            }
            Self::Seeded(counter) => {
                let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in out.chunks_mut(32) {
                    *counter += 1;
                    let block = digest(&SHA256, &counter.to_le_bytes());
                    chunk.copy_from_slice(block.as_ref().get(..chunk.len()).unwrap_or_default());
                }
            }
        }
        Ok(out)
    }
}
