//! Passwords: what is accepted as one, and how it is hashed and verified.
//!
//! Argon2id with 19 MiB, two passes and one lane. A password is compared in Unicode's composed form (NFC, as in RFC 8265), is
//! 1–1,024 bytes long and holds no control characters; both are checked before any hashing.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::hashing_pool::{Cost, Pool};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// What every new hash costs.
const PRESENT: Cost = Cost { memory_kib: 19 * 1024, passes: 2, lanes: 1 };
/// Length of a hash in bytes.
const LENGTH: usize = 32;
/// The longest password, in bytes.
const LONGEST: usize = 1024;

/// A password in the one form in which it is hashed.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Password {
    /// Checks a text that came from outside; `field` is named in the refusal.
    pub fn parse(field: &'static str, text: &Secret) -> Result<Self> {
        let text = text.expose();
        if text.is_empty() {
            return Err(Error::invalid(field, "must not be empty"));
        }
        if text.len() > LONGEST {
            return Err(Error::invalid(field, "must have at most 1,024 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::invalid(field, "must not contain control characters"));
        }
        Ok(Self(Zeroizing::new(text.nfc().collect())))
    }

    /// The characters, for the policy.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another password.
    Wrong,
    /// The password.
    Right,
    /// The password, hashed at another cost than today's: hash it anew.
    RightButOutdated,
}

/// Hashes and verifies passwords on a bounded number of threads of its own.
#[derive(Clone, Debug)]
pub struct Hasher {
    pool: Arc<Pool>,
    /// Verified where there is no hash, so that an absent password costs the same as a wrong one.
    nobody: Arc<str>,
}

impl Hasher {
    /// Starts the pool: as many threads as the machine has cores.
    pub fn start(entropy: &Entropy) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let nobody = print(PRESENT, &entropy.bytes::<16>()?, &entropy.bytes::<LENGTH>()?);
        Ok(Self { pool: Arc::new(Pool::start(threads, threads * 64)?), nobody: nobody.into() })
    }

    /// How many hashes are made at once.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// How many hashes have been made since the start, for the metrics.
    pub fn made(&self) -> u64 {
        self.pool.made()
    }

    /// How many wait for a thread now, for the metrics.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Hashes a new password.
    pub async fn hash(&self, entropy: &Entropy, password: &Password) -> Result<String> {
        let salt: [u8; 16] = entropy.bytes()?;
        let hash = self.pool.run(password.clone(), salt.to_vec(), PRESENT, LENGTH).await?;
        Ok(print(PRESENT, &salt, &hash))
    }

    /// Verifies a password; `None` costs the same and is always wrong.
    pub async fn verify(&self, password: &Password, stored: Option<&str>) -> Result<Verdict> {
        // A hash that cannot be read counts as absent: it costs the same and is wrong.
        let readable = stored.and_then(|text| Stored::parse(text).ok());
        let known = readable.is_some();
        let Some(stored) = readable.or_else(|| Stored::parse(&self.nobody).ok()) else {
            return Err(Error::internal("the hash of nobody cannot be read"));
        };
        let hash = self.pool.run(password.clone(), stored.salt, stored.cost, stored.hash.len()).await?;
        let same = constant_time::verify_slices_are_equal(&hash, &stored.hash).is_ok();
        Ok(match (known && same, stored.cost == PRESENT && stored.hash.len() == LENGTH) {
            (false, _) => Verdict::Wrong,
            (true, true) => Verdict::Right,
            (true, false) => Verdict::RightButOutdated,
        })
    }
}

/// Refuses hashes from elsewhere that are malformed, of another kind, or that cost so much that verifying them would be an
/// attack on us.
pub fn check_import(phc: &str) -> Result<()> {
    Stored::parse(phc).map(drop)
}

/// A stored hash, taken apart.
struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Stored {
    /// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash` and nothing else.
    fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| Error::invalid("argon2id", why.to_owned());
        if text.len() > 512 {
            return Err(refused("is too long"));
        }
        let parts: Vec<&str> = text.split('$').collect();
        let ["", "argon2id", "v=19", numbers, salt, hash] = parts.as_slice() else {
            return Err(refused("must be of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash"));
        };
        let numbers: Vec<&str> = numbers.split(',').collect();
        let [m, t, p] = numbers.as_slice() else { return Err(refused("must name m, t and p")) };
        let number = |part: &str, name: &str| {
            part.strip_prefix(name)
                .filter(|digits| !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse::<u32>().ok())
                .ok_or_else(|| refused("must name m, t and p as numbers"))
        };
        let cost = Cost { memory_kib: number(m, "m=")?, passes: number(t, "t=")?, lanes: number(p, "p=")? };
        cost.check().map_err(refused)?;
        let bytes =
            |part: &str| STANDARD_NO_PAD.decode(part).map_err(|_| refused("holds something that is not base64"));
        let (salt, hash) = (bytes(salt)?, bytes(hash)?);
        if !(8..=64).contains(&salt.len()) || !(16..=64).contains(&hash.len()) {
            return Err(refused("has a salt or hash of unusual length"));
        }
        Ok(Self { cost, salt, hash })
    }
}

fn print(cost: Cost, salt: &[u8], hash: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        cost.memory_kib,
        cost.passes,
        cost.lanes,
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse("password", &Secret::new(text)).unwrap()
    }

    #[tokio::test]
    async fn a_hash_is_of_the_agreed_cost_and_verifies_only_its_password() {
        let entropy = Entropy::seeded(1);
        let hasher = Hasher::start(&entropy).unwrap();
        let hash = hasher.hash(&entropy, &password("a rather long password")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash} (CRY-12)");
        assert_eq!(hasher.verify(&password("a rather long password"), Some(&hash)).await.unwrap(), Verdict::Right);
        assert_eq!(hasher.verify(&password("a rather long passwore"), Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(hasher.verify(&password("a rather long password"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_known_vector_of_lower_cost_verifies_and_asks_for_a_new_hash() {
        // Made by the reference program: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 24
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hasher = Hasher::start(&Entropy::seeded(1)).unwrap();
        assert_eq!(
            hasher.verify(&password("password"), Some(stored)).await.unwrap(),
            Verdict::RightButOutdated,
            "CRY-12"
        );
        assert_eq!(hasher.verify(&password("Password"), Some(stored)).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn composed_and_decomposed_spellings_are_one_password() {
        let entropy = Entropy::seeded(1);
        let hasher = Hasher::start(&entropy).unwrap();
        for (set, typed) in [
            ("caf\u{e9} au lait", "cafe\u{301} au lait"),
            ("\u{d55c}\u{ae00}", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
        ] {
            let hash = hasher.hash(&entropy, &password(set)).await.unwrap();
            assert_eq!(hasher.verify(&password(typed), Some(&hash)).await.unwrap(), Verdict::Right, "{set} (PW-17)");
        }
    }

    #[tokio::test]
    async fn every_byte_of_a_long_password_counts() {
        let entropy = Entropy::seeded(1);
        let hasher = Hasher::start(&entropy).unwrap();
        for length in [64, 65, 73, 128, 1024] {
            let (a, b) = ("x".repeat(length), format!("{}y", "x".repeat(length - 1)));
            let hash = hasher.hash(&entropy, &password(&a)).await.unwrap();
            assert_eq!(hasher.verify(&password(&a), Some(&hash)).await.unwrap(), Verdict::Right, "{length} (PW-20)");
            assert_eq!(hasher.verify(&password(&b), Some(&hash)).await.unwrap(), Verdict::Wrong, "{length} (PW-20)");
        }
    }

    #[test]
    fn what_is_no_password_is_refused_before_hashing() {
        for bad in [
            "",
            "correct\0garbage",
            "trailing\n",
            "tab\tinside",
            "esc\u{1b}[0m",
            "nel\u{85}",
            &"x".repeat(1025),
            &"x".repeat(1 << 20),
        ] {
            assert!(Password::parse("password", &Secret::new(bad)).is_err(), "{} bytes (PW-20, PW-22)", bad.len());
        }
        assert_eq!(format!("{:?}", password("hidden")), "[hidden]");
    }

    #[test]
    fn absurd_and_foreign_hashes_are_refused() {
        let tail = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for bad in [
            "",
            "$argon2id$",
            "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
            &format!("$argon2id$v=19$m=4194304,t=2,p=1${tail}"),
            &format!("$argon2id$v=19$m=19456,t=1000,p=1${tail}"),
            &format!("$argon2id$v=19$m=65536,t=5,p=1${tail}"),
            &format!("$argon2id$v=19$m=19456,t=2,p=200${tail}"),
            &format!("$argon2id$v=19$m=19456,t=0,p=1${tail}"),
            &format!("$argon2id$v=19$m=7,t=2,p=1${tail}"),
            &format!("$argon2i$v=19$m=19456,t=2,p=1${tail}"),
            &format!("$argon2id$v=16$m=19456,t=2,p=1${tail}"),
            &format!("$argon2id$v=19$m=19456,t=2,p=1,x=1${tail}"),
            &format!("$argon2id$v=19$m=+1,t=2,p=1${tail}"),
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFh",
            "$argon2id$v=19$m=19456,t=2,p=1$????$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert!(check_import(bad).is_err(), "{bad} (CRY-11)");
        }
        check_import(&format!("$argon2id$v=19$m=65536,t=3,p=4${tail}")).unwrap();
    }
}
