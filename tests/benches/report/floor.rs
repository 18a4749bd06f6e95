//! The physical floor of a password sign-in: the hash itself, by the same library with the same parameters.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, Some(32)).expect("parameters"))
}

/// Hashes per second of `threads` threads that do nothing else.
pub fn hashes_per_second(threads: usize, lasting: Duration) -> f64 {
    let begun = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            std::thread::spawn(move || {
                let (argon, mut blocks, mut out, mut count) =
                    (hasher(), vec![Block::default(); 19 * 1024], [0; 32], 0_u32);
                while begun.elapsed() < lasting {
                    argon
                        .hash_password_into_with_memory(
                            b"correct horse battery staple",
                            b"0123456789abcdef",
                            &mut out,
                            &mut blocks,
                        )
                        .expect("hash");
                    count += 1;
                }
                f64::from(count) / begun.elapsed().as_secs_f64()
            })
        })
        .collect();
    workers.into_iter().map(|worker| worker.join().expect("counts")).sum()
}
