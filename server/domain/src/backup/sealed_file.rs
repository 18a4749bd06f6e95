//! The file of a backup: a line that says what it is, then the database in encrypted pieces.
//!
//! ```text
//! vestibule backup 1 {"madeAt":…,"instanceId":"…","masterKeyId":"…","needs":["…"],"salt":"…"}
//! pieces of 64 KiB, each followed by its 16 bytes of tag; the last one is shorter or empty
//! ```
//!
//! AES-256-GCM under a key that is derived from the master key for this one file (by the salt). A piece's nonce is its number
//! and whether it is the last, so that pieces can be neither left out, moved nor cut off; the line is bound to every piece.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::keys::MasterKey;

/// How every backup begins.
const MAGIC: &str = "vestibule backup ";
/// The form that this program writes and reads.
const FORMAT: &str = "1";
/// The longest first line.
const LONGEST_LINE: u64 = 4096;
/// So much of the database is in one piece.
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;

/// What a backup says about itself, in the clear.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    /// The moment it shows.
    pub(super) made_at: i64,
    /// Of which installation.
    pub(super) instance_id: String,
    /// Under which key it is encrypted.
    pub(super) master_key_id: String,
    /// Every key under which something in it is sealed.
    pub(super) needs: Vec<String>,
    /// Makes the key of this file.
    pub(super) salt: String,
}

impl Manifest {
    pub(super) fn made_at(&self) -> Timestamp {
        Timestamp(self.made_at)
    }

    fn key(&self, master: &MasterKey) -> Result<LessSafeKey> {
        let key = master.derive(&format!("backup {}", self.salt))?;
        UnboundKey::new(&AES_256_GCM, key.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| Error::internal("backup key refused"))
    }
}

/// Why a file could not be read to its end.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is no backup.
    Foreign,
    /// It was made by a later program.
    Newer,
    /// It was changed, cut off, or encrypted under another key than it says.
    Damaged,
    /// The disk, or something else that is no fault of the file.
    Other(Error),
}

impl From<std::io::Error> for Unreadable {
    fn from(error: std::io::Error) -> Self {
        Self::Other(Error::unavailable(format!("The backup cannot be copied: {error}.")))
    }
}

/// The number of a piece, and whether it is the last.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    for (to, from) in bytes.iter_mut().skip(3).zip(number.to_be_bytes()) {
        *to = from;
    }
    if let Some(flag) = bytes.last_mut() {
        *flag = u8::from(last);
    }
    Nonce::assume_unique_for_key(bytes)
}

/// Reads until the buffer is full or the file ends.
fn fill(from: &mut impl Read, buffer: &mut Vec<u8>, most: usize) -> std::io::Result<()> {
    buffer.clear();
    from.take(most as u64).read_to_end(buffer).map(drop)
}

/// Writes the database into the file.
pub(super) fn write(database: &File, to: &File, manifest: &Manifest, master: &MasterKey) -> Result<()> {
    let failed = |e: std::io::Error| Error::unavailable(format!("The backup cannot be written: {e}."));
    let key = manifest.key(master)?;
    let json = serde_json::to_string(manifest).map_err(|e| Error::internal(format!("manifest: {e}")))?;
    let line = format!("{MAGIC}{FORMAT} {json}\n");
    let (mut from, mut to) = (BufReader::new(database), BufWriter::new(to));
    to.write_all(line.as_bytes()).map_err(failed)?;
    let mut piece = Vec::with_capacity(PIECE + TAG);
    for number in 0.. {
        fill(&mut from, &mut piece, PIECE).map_err(failed)?;
        let last = piece.len() < PIECE;
        key.seal_in_place_append_tag(nonce(number, last), Aad::from(line.as_bytes()), &mut piece)
            .map_err(|_| Error::internal("sealing a backup failed"))?;
        to.write_all(&piece).map_err(failed)?;
        if last {
            break;
        }
    }
    to.flush().map_err(failed)?;
    drop(to);
    Ok(())
}

/// A backup whose first line was read.
pub(super) struct Opened {
    pub(super) manifest: Manifest,
    line: String,
    rest: BufReader<File>,
}

/// Reads the first line.
pub(super) fn open(file: File) -> std::result::Result<Opened, Unreadable> {
    let mut rest = BufReader::new(file);
    let mut line = Vec::new();
    (&mut rest).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    let line = String::from_utf8(line).map_err(|_| Unreadable::Foreign)?;
    let (format, json) = line.strip_prefix(MAGIC).and_then(|rest| rest.split_once(' ')).ok_or(Unreadable::Foreign)?;
    if format != FORMAT {
        return Err(Unreadable::Newer);
    }
    let manifest = serde_json::from_str(json).map_err(|_| Unreadable::Damaged)?;
    Ok(Opened { manifest, line, rest })
}

impl Opened {
    /// Writes the database that is in the backup. What was written before an error is worth nothing.
    pub(super) fn read(mut self, to: &File, master: &MasterKey) -> std::result::Result<(), Unreadable> {
        let key = self.manifest.key(master).map_err(Unreadable::Other)?;
        let mut to = BufWriter::new(to);
        let mut piece = Vec::with_capacity(PIECE + TAG);
        for number in 0.. {
            fill(&mut self.rest, &mut piece, PIECE + TAG)?;
            let last = piece.len() < PIECE + TAG;
            let plain = key
                .open_in_place(nonce(number, last), Aad::from(self.line.as_bytes()), &mut piece)
                .map_err(|_| Unreadable::Damaged)?;
            to.write_all(plain)?;
            if last {
                break;
            }
        }
        to.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::*;
    use crate::Entropy;

    fn sealed(content: &[u8], master: &MasterKey) -> Vec<u8> {
        let mut plain = tempfile::tempfile().unwrap();
        plain.write_all(content).unwrap();
        plain.rewind().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let manifest = Manifest {
            made_at: 7,
            instance_id: "i".into(),
            master_key_id: master.id().into(),
            needs: vec![],
            salt: "s".into(),
        };
        write(&plain, &file, &manifest, master).unwrap();
        file.rewind().unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn opened(bytes: &[u8], master: &MasterKey) -> std::result::Result<Vec<u8>, Unreadable> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut to = tempfile::tempfile().unwrap();
        open(file)?.read(&to, master)?;
        to.rewind().unwrap();
        let mut content = Vec::new();
        to.read_to_end(&mut content).unwrap();
        Ok(content)
    }

    #[test]
    fn what_goes_in_comes_out_and_nothing_of_it_is_seen() {
        let master = MasterKey::generate(&Entropy::seeded(1)).unwrap();
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let content: Vec<u8> = b"canary".iter().copied().cycle().take(length).collect();
            let bytes = sealed(&content, &master);
            assert!(!bytes.windows(6).any(|window| window == b"canary"), "{length}");
            assert!(opened(&bytes, &master).unwrap() == content, "{length}");
        }
    }

    #[test]
    fn pieces_cannot_be_changed_moved_left_out_or_cut_off() {
        let master = MasterKey::generate(&Entropy::seeded(1)).unwrap();
        let bytes = sealed(&vec![7; 2 * PIECE + 10], &master);
        let start = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let one = PIECE + TAG;
        let refused = |what: &str, bytes: Vec<u8>| {
            assert!(matches!(opened(&bytes, &master), Err(Unreadable::Damaged)), "{what}");
        };
        let mut changed = bytes.clone();
        changed[start + 5] ^= 1;
        refused("changed", changed);
        refused("cut within a piece", bytes[..bytes.len() - 1].to_vec());
        refused("cut between pieces", bytes[..start + one].to_vec());
        refused("cut to the first line", bytes[..start].to_vec());
        refused("left out", [&bytes[..start], &bytes[start + one..]].concat());
        refused(
            "moved",
            [
                &bytes[..start],
                &bytes[start + one..start + 2 * one],
                &bytes[start..start + one],
                &bytes[start + 2 * one..],
            ]
            .concat(),
        );
        refused("added to", [&bytes[..], b"x"].concat());
        let said = String::from_utf8(bytes[..start].to_vec()).unwrap().replace("\"madeAt\":7", "\"madeAt\":8");
        refused("another date", [said.as_bytes(), &bytes[start..]].concat());
        let other = MasterKey::generate(&Entropy::seeded(2)).unwrap();
        assert!(matches!(opened(&bytes, &other), Err(Unreadable::Damaged)), "another key");
    }

    #[test]
    fn foreign_files_are_told_from_newer_ones() {
        let master = MasterKey::generate(&Entropy::seeded(1)).unwrap();
        for bytes in [&b""[..], b"SQLite format 3\0", b"vestibule", &[0xff; 10_000], &[b'a'; 10_000]] {
            assert!(matches!(opened(bytes, &master), Err(Unreadable::Foreign)));
        }
        assert!(matches!(opened(b"vestibule backup 2 {}\n", &master), Err(Unreadable::Newer)));
        assert!(matches!(opened(b"vestibule backup 1 {}\n", &master), Err(Unreadable::Damaged)));
    }
}
