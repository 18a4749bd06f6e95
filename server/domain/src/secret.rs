//! Secrets that never show themselves.

use std::fmt;

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::error::Result;

/// A text that must not be seen: printed as `[hidden]`, wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text that came from outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A fresh token of 128 random bits, in 22 characters that need no escaping.
    pub fn random_128(entropy: &Entropy) -> Result<Self> {
        Ok(Self::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<16>()?)))
    }

    /// A fresh token of 256 random bits, in 43 characters that need no escaping.
    pub fn random_256(entropy: &Entropy) -> Result<Self> {
        Ok(Self::new(URL_SAFE_NO_PAD.encode(entropy.bytes::<32>()?)))
    }

    /// The text itself. Every use is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of a token: its SHA-256 in hex. Tokens are random, so no salt is needed.
    pub fn digest(&self) -> String {
        data_encoding::HEXLOWER.encode(digest(&SHA256, self.0.as_bytes()).as_ref())
    }

    /// Comparison in constant time.
    pub fn same_as(&self, other: &Secret) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}
