//! Keys that sign: RSA of 2048 to 4096 bits, and ECDSA on P-256 and P-384. They stand in storage as PKCS #8, and beside each is
//! a certificate that tells others whose it is.

mod certificate;
mod import;

use std::fmt;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};
use zeroize::Zeroizing;

pub use self::certificate::{Certificate, SelfSigned};
pub use self::import::import;
use super::names::{DigestAlgorithm, SignatureAlgorithm};

/// The smallest and the largest RSA key that signs here. Below is weak, above is slow without being safer for what is signed.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// What is wrong with a key or a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing that looks like a private key.
    #[error("this is no private key: it should be PEM text with a line \"-----BEGIN PRIVATE KEY-----\"")]
    NoKey,
    /// A private key under a passphrase.
    #[error("this private key is protected by a passphrase: save it without one, then import it")]
    KeyUnderPassphrase,
    /// A private key that cannot be read.
    #[error("this private key cannot be read: it has to be RSA of 2048 to 4096 bits, or ECDSA on P-256 or P-384")]
    UnreadableKey,
    /// Nothing that looks like a certificate.
    #[error("this is no certificate: it should be PEM text with a line \"-----BEGIN CERTIFICATE-----\"")]
    NoCertificate,
    /// A certificate that cannot be read.
    #[error("this certificate cannot be read: it is cut off or no X.509 certificate")]
    UnreadableCertificate,
    /// More certificates than anybody's chain has.
    #[error("these are more than {0} certificates: paste the one of the key, and its chain if need be")]
    TooManyCertificates(usize),
    /// An RSA key that is too short.
    #[error("the RSA key has {0} bits: at least 2048 are needed")]
    WeakRsa(usize),
    /// An RSA key that is too long.
    #[error("the RSA key has {0} bits: at most 4096 are supported")]
    LargeRsa(usize),
    /// A curve that is not supported.
    #[error("the key is on an elliptic curve that is not supported: P-256 and P-384 are")]
    UnsupportedCurve,
    /// A kind of key that is not supported.
    #[error("the key is neither RSA nor ECDSA, and nothing else is supported")]
    UnsupportedKey,
    /// The key and the certificate do not go together.
    #[error("the private key does not belong to the certificate")]
    NotAPair,
    /// The certificate has run out.
    #[error("the certificate expired on {0}")]
    Expired(jiff::civil::Date),
    /// The certificate is from the future.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(jiff::civil::Date),
    /// The key cannot sign in that way.
    #[error("a key of the kind {0} cannot sign with {1:?}")]
    WrongAlgorithm(KeyKind, SignatureAlgorithm),
    /// The cryptographic library gave up.
    #[error("the cryptographic library refused the operation")]
    Refused,
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA of so many bits.
    Rsa(usize),
    /// The curve P-256.
    P256,
    /// The curve P-384.
    P384,
}

impl KeyKind {
    /// What is made where nobody chose: every service provider verifies RSA.
    pub const DEFAULT: Self = Self::Rsa(2048);

    /// What a key of the kind can sign with; the first is what it signs with where nobody chose.
    pub const fn algorithms(self) -> &'static [SignatureAlgorithm] {
        use SignatureAlgorithm as Algorithm;
        match self {
            Self::Rsa(_) => &[Algorithm::RsaSha256, Algorithm::RsaSha384, Algorithm::RsaSha512],
            Self::P256 => &[Algorithm::EcdsaSha256],
            Self::P384 => &[Algorithm::EcdsaSha384],
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
        }
    }
}

/// A private key that signs.
pub struct SigningKey {
    pair: Pair,
    kind: KeyKind,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, [hidden])", self.kind)
    }
}

impl SigningKey {
    /// A new key, from the library's own randomness. RSA takes from a tenth of a second to seconds.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let pair = match kind {
            KeyKind::Rsa(bits) => {
                let size = match bits {
                    2048 => KeySize::Rsa2048,
                    3072 => KeySize::Rsa3072,
                    4096 => KeySize::Rsa4096,
                    bits if bits < *RSA_BITS.start() => return Err(KeyError::WeakRsa(bits)),
                    _ => return Err(KeyError::Refused),
                };
                Pair::Rsa(RsaKeyPair::generate(size).map_err(|_| KeyError::Refused)?)
            }
            KeyKind::P256 => {
                Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Refused)?)
            }
            KeyKind::P384 => {
                Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(|_| KeyError::Refused)?)
            }
        };
        Ok(Self { pair, kind })
    }

    /// Reads the stored form.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Self::rsa(pair);
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Ok(Self { pair: Pair::Ecdsa(pair), kind: KeyKind::P256 });
        }
        EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der)
            .map(|pair| Self { pair: Pair::Ecdsa(pair), kind: KeyKind::P384 })
            .map_err(|_| KeyError::UnreadableKey)
    }

    fn rsa(pair: RsaKeyPair) -> Result<Self, KeyError> {
        let bits = pair.public_modulus_len() * 8;
        if bits > *RSA_BITS.end() {
            return Err(KeyError::LargeRsa(bits));
        }
        Ok(Self { pair: Pair::Rsa(pair), kind: KeyKind::Rsa(bits) })
    }

    /// The form to store, sealed.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => AsDer::<Pkcs8V1Der<'_>>::as_der(pair).map(|der| der.as_ref().to_vec()),
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        der.map(Zeroizing::new).map_err(|_| KeyError::Refused)
    }

    /// What kind it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public half, as it stands in the bit string of a certificate.
    fn public(&self) -> &[u8] {
        match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_ref(),
            Pair::Ecdsa(pair) => pair.public_key().as_ref(),
        }
    }

    /// Signs. The signature has the form that XML signatures have: for ECDSA, both numbers at full length, one after the other.
    pub fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        if !self.kind.algorithms().contains(&algorithm) {
            return Err(KeyError::WrongAlgorithm(self.kind, algorithm));
        }
        let digest = digest_of(algorithm.digest(), message);
        match &self.pair {
            Pair::Rsa(pair) => {
                let encoding = match algorithm.digest() {
                    DigestAlgorithm::Sha256 => &RSA_PKCS1_SHA256,
                    DigestAlgorithm::Sha384 => &RSA_PKCS1_SHA384,
                    DigestAlgorithm::Sha512 => &RSA_PKCS1_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(encoding, &digest, &mut signature).map_err(|_| KeyError::Refused)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => {
                pair.sign_digest(&digest).map(|signature| signature.as_ref().to_vec()).map_err(|_| KeyError::Refused)
            }
        }
    }
}

/// The digest of some bytes.
pub(super) fn digest_of(algorithm: DigestAlgorithm, bytes: &[u8]) -> Digest {
    let algorithm = match algorithm {
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes)
}

#[cfg(test)]
mod tests;
