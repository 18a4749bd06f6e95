//! The master key and what it seals.
//!
//! A sealed text is `<key id>.<nonce and ciphertext>`; its associated data name table, column and row, so that a value
//! copied to another place does not open there. AES-256-GCM-SIV: a repeated nonce would not break it.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::key_files::KeyFiles;

/// Where a sealed value lives: table, column, row.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a>(pub &'a str, pub &'a str, pub &'a str);

/// 256 bits from which everything else is derived.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    bytes: Arc<Zeroizing<[u8; 32]>>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, [hidden])", self.id)
    }
}

impl MasterKey {
    /// Reads a key as base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || Error::invalid("master_key_file", "must hold 32 bytes in base64");
        let decoded = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| refused())?);
        let bytes: [u8; 32] = decoded.as_slice().try_into().map_err(|_| refused())?;
        if bytes == [0; 32] {
            return Err(Error::invalid("master_key_file", "must not be all zeros"));
        }
        Ok(Self::from_bytes(bytes))
    }

    fn from_bytes(bytes: [u8; 32]) -> Self {
        let name = digest(&SHA256, &[b"vestibule master key id:".as_slice(), &bytes].concat());
        let id = data_encoding::HEXLOWER.encode(name.as_ref().get(..4).unwrap_or_default());
        Self { id, bytes: Arc::new(Zeroizing::new(bytes)) }
    }

    /// A fresh key.
    pub fn generate(entropy: &Entropy) -> Result<Self> {
        Ok(Self::from_bytes(entropy.bytes()?))
    }

    /// Reads the key file, or makes it (0600) when it is absent and `may_create`.
    pub fn load(path: &Path, may_create: bool, entropy: &Entropy) -> Result<Self> {
        if may_create && fs::symlink_metadata(path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
            let key = Self::generate(entropy)?;
            key.save(path)?;
            return Ok(key);
        }
        Self::read(path)
    }

    /// Reads a key file. One that others may read is refused.
    pub fn read(path: &Path) -> Result<Self> {
        let failed =
            |e: std::io::Error| Error::unavailable(format!("The master key {} cannot be read: {e}.", path.display()));
        let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::unavailable(format!(
                "The master key {} can be read by others (mode {:o}). Run: chmod 600 {}",
                path.display(),
                mode & 0o777,
                path.display()
            )));
        }
        Self::parse(&text)
    }

    /// Writes the key to a new file; never over an existing one.
    pub fn save(&self, path: &Path) -> Result<()> {
        let failed = |e: std::io::Error| {
            Error::unavailable(format!("The master key {} cannot be written: {e}.", path.display()))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        let text = Zeroizing::new(STANDARD.encode(self.bytes.as_slice()));
        writeln!(file, "{}", text.as_str()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// The key's public name: stored beside what it sealed.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key for one purpose.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>> {
        let failed = |_| Error::internal("key derivation failed");
        let mut out = Zeroizing::new([0; 32]);
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"vestibule/v1");
        let info = [purpose.as_bytes()];
        salt.extract(self.bytes.as_slice())
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(out.as_mut_slice()))
            .map_err(failed)?;
        Ok(out)
    }

    fn sealing_key(&self) -> Result<LessSafeKey> {
        let key = self.derive("seal")?;
        UnboundKey::new(&AES_256_GCM_SIV, key.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| Error::internal("sealing key refused"))
    }
}

/// The keys that can open, one of which seals.
///
/// A rotation may run beside this process: the ring looks at the key files again when one of them has changed, and when it
/// meets a value sealed under a key that it does not know. What it has once known it keeps until the process ends.
#[derive(Clone, Debug)]
pub struct KeyRing(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    keys: RwLock<Keys>,
    files: Option<KeyFiles>,
}

#[derive(Debug)]
struct Keys {
    current: MasterKey,
    /// Open, but do not seal.
    others: Vec<MasterKey>,
    /// How the key file looked when it was read.
    seen: Option<Stamp>,
    /// The key that the database names.
    named: Option<String>,
}

impl Keys {
    fn find(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.others).find(|key| key.id == id)
    }

    fn learn(&mut self, key: &MasterKey) {
        if self.find(&key.id).is_none() {
            self.others.push(key.clone());
        }
    }

    /// Makes a key that is here the one that seals.
    fn promote(&mut self, id: &str) {
        if let Some(at) = self.others.iter().position(|key| key.id == id) {
            let former = std::mem::replace(&mut self.current, self.others.swap_remove(at));
            self.others.push(former);
        }
    }
}

/// What tells one state of a file from another.
type Stamp = (u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|meta| (meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

impl KeyRing {
    /// A ring that seals with `current` and can still open what `former` sealed.
    pub fn new(current: MasterKey, former: Vec<MasterKey>) -> Self {
        Self(Arc::new(Ring {
            keys: RwLock::new(Keys { current, others: former, seen: None, named: None }),
            files: None,
        }))
    }

    /// The ring of a key file, which is made when it is absent and `may_create`.
    pub fn load(files: KeyFiles, may_create: bool, entropy: &Entropy) -> Result<Self> {
        let seen = stamp(files.current());
        // The former key first: if a rotation goes on between the two lines, the second sees more than the first.
        let former = files.read_former()?;
        let current = MasterKey::load(files.current(), may_create, entropy)?;
        let others = former.into_iter().filter(|key| key.id != current.id).collect();
        Ok(Self(Arc::new(Ring { keys: RwLock::new(Keys { current, others, seen, named: None }), files: Some(files) })))
    }

    /// The files of this ring; `None` where the key was given by value.
    pub fn files(&self) -> Option<&KeyFiles> {
        self.0.files.as_ref()
    }

    /// The key that seals.
    pub fn current(&self) -> MasterKey {
        self.look_again();
        self.keys().current.clone()
    }

    /// A key by its public name, if it is here.
    pub(crate) fn key(&self, id: &str) -> Option<MasterKey> {
        if self.knows(id) { self.keys().find(id).cloned() } else { None }
    }

    /// Whether a value sealed under this key can be opened here.
    pub fn knows(&self, id: &str) -> bool {
        if self.keys().find(id).is_some() {
            return true;
        }
        self.read_files();
        self.keys().find(id).is_some()
    }

    /// The database names this key as the one that seals. A key that is not here stops the sealing: the other nodes could
    /// soon not read what this one seals.
    pub fn named_by_database(&self, id: &str) {
        let known = self.knows(id);
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        if known && self.0.files.as_ref().is_none_or(|files| !files.former().exists()) {
            keys.promote(id);
        }
        if keys.named.as_deref() != Some(id) {
            if !known {
                tracing::error!(
                    key = id,
                    "the master key was rotated and this node does not have the new one; it seals nothing until it has"
                );
            }
            keys.named = Some(id.to_owned());
        }
    }

    /// Seals a value for one place.
    pub fn seal(&self, entropy: &Entropy, place: Place<'_>, value: &[u8]) -> Result<String> {
        self.look_again();
        let key = {
            let keys = self.keys();
            if keys.named.as_deref().is_some_and(|id| keys.find(id).is_none()) {
                return Err(Error::unavailable("The master key was rotated. This server needs the new one.")
                    .because("the database names a key that is not here"));
            }
            keys.current.clone()
        };
        seal_with(&key, entropy, place, value)
    }

    /// Opens a value sealed for this place. Anything else is a fault of ours or a manipulated database.
    pub fn open(&self, place: Place<'_>, sealed: &str) -> Result<Zeroizing<Vec<u8>>> {
        let (id, body) = sealed.split_once('.').ok_or_else(|| broken(place, "sealed value has no key id"))?;
        if !self.knows(id) {
            return Err(broken(place, "sealed under a master key that is not here"));
        }
        let key =
            self.keys().find(id).cloned().ok_or_else(|| broken(place, "sealed under a master key that is not here"))?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| broken(place, "sealed value is not base64"))?;
        let (nonce, cipher) =
            body.split_at_checked(NONCE_LEN).ok_or_else(|| broken(place, "sealed value is too short"))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken(place, "sealed value is too short"))?;
        let mut plain = Zeroizing::new(cipher.to_vec());
        let length = key
            .sealing_key()?
            .open_in_place(nonce, Aad::from(associated(place)), &mut plain)
            .map_err(|_| broken(place, "sealed value does not open"))?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the key files again where the key file is no longer the one that was read.
    fn look_again(&self) {
        if let Some(files) = &self.0.files {
            let now = stamp(files.current());
            if now.is_some() && now != self.keys().seen {
                self.read_files();
            }
        }
    }

    /// Learns the keys that the files hold now. A new key seals only where the files themselves say that a rotation goes on
    /// (the former key waits beside it) or the database names it: a file that was replaced by mistake changes nothing.
    fn read_files(&self) {
        let Some(files) = &self.0.files else { return };
        let seen = stamp(files.current());
        let read = files.read_former().and_then(|former| Ok((former, files.read_current()?)));
        let (former, current) = match read {
            Ok(read) => read,
            Err(e) => {
                tracing::warn!(error = %e, "the master key's file changed and cannot be read; the keys in memory stay");
                return;
            }
        };
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.seen = seen;
        if let Some(former) = &former {
            keys.learn(former);
        }
        keys.learn(&current);
        let rotating = former.is_some_and(|former| former.id == keys.current.id);
        if rotating || keys.named.as_deref() == Some(current.id()) {
            keys.promote(&current.id);
        }
    }
}

fn broken(place: Place<'_>, what: &str) -> Error {
    Error::internal(format!("{what}: {}.{} of {}", place.0, place.1, place.2))
}

fn seal_with(key: &MasterKey, entropy: &Entropy, place: Place<'_>, value: &[u8]) -> Result<String> {
    let nonce: [u8; NONCE_LEN] = entropy.bytes()?;
    let mut sealed = value.to_vec();
    key.sealing_key()?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated(place)), &mut sealed)
        .map_err(|_| Error::internal("sealing failed"))?;
    let body = [nonce.as_slice(), &sealed].concat();
    Ok(format!("{}.{}", key.id, URL_SAFE_NO_PAD.encode(body)))
}

/// The key a sealed text names.
pub fn key_of(sealed: &str) -> Option<&str> {
    sealed.split_once('.').map(|(id, _)| id)
}

/// Table, column and row, separated so that no two places give the same bytes.
fn associated(place: Place<'_>) -> Vec<u8> {
    [place.0, place.1, place.2].join("\u{0}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(seed: u64) -> (KeyRing, Entropy) {
        let entropy = Entropy::seeded(seed);
        (KeyRing::new(MasterKey::generate(&entropy).unwrap(), Vec::new()), entropy)
    }

    #[test]
    fn a_value_opens_only_in_its_place_and_unaltered() {
        let (ring, entropy) = ring(1);
        let sealed = ring.seal(&entropy, Place("factors", "sealed", "a"), b"secret").unwrap();
        assert!(!sealed.contains("secret"));
        assert_eq!(ring.open(Place("factors", "sealed", "a"), &sealed).unwrap().as_slice(), b"secret");
        assert!(ring.open(Place("factors", "sealed", "b"), &sealed).is_err(), "another row");
        assert!(ring.open(Place("links", "sealed", "a"), &sealed).is_err(), "another table");
        let last = if sealed.ends_with('A') { 'B' } else { 'A' };
        let altered = format!("{}{last}", &sealed[..sealed.len() - 2]);
        assert!(ring.open(Place("factors", "sealed", "a"), &altered).is_err(), "altered");
        assert!(ring.open(Place("factors", "sealed", "a"), "nonsense").is_err());
    }

    #[test]
    fn a_former_key_still_opens_and_never_seals() {
        let (old, entropy) = ring(2);
        let sealed = old.seal(&entropy, Place("t", "c", "r"), b"x").unwrap();
        let new = KeyRing::new(MasterKey::generate(&entropy).unwrap(), vec![old.current().clone()]);
        assert_eq!(new.open(Place("t", "c", "r"), &sealed).unwrap().as_slice(), b"x");
        assert!(new.seal(&entropy, Place("t", "c", "r"), b"x").unwrap().starts_with(new.current().id()));
        assert!(old.open(Place("t", "c", "r"), &new.seal(&entropy, Place("t", "c", "r"), b"x").unwrap()).is_err());
    }

    #[test]
    fn short_and_foreign_keys_are_refused() {
        for bad in ["", "AAAA", "not base64!", &STANDARD.encode([0; 32]), &STANDARD.encode([1; 31])] {
            assert!(MasterKey::parse(bad).is_err(), "{bad} (CRY-02)");
        }
        assert_eq!(
            format!("{:?}", MasterKey::parse(&STANDARD.encode([7; 32])).unwrap()).matches("[hidden]").count(),
            1
        );
    }
}
