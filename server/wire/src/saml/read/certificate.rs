//! The certificate of a peer, pinned by an administrator or found in metadata that an administrator chose.
//!
//! What counts is its key. Who issued it does not matter, and a date that has passed is shown and warned of rather than
//! enforced: service providers keep certificates for years, and the administrator is who trusts them.

use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::keys::{Certificate, KeyError, KeyKind};
use crate::saml::names::SignatureAlgorithm;

/// The most bytes of a certificate as it is pasted.
const LARGEST: usize = 64 * 1024;
/// What stands around a certificate in PEM.
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why something is not taken as the certificate of a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("there is no certificate")]
    Missing,
    #[error("the certificate is larger than {} KiB", LARGEST / 1024)]
    TooLarge,
    #[error("this is a private key; give the certificate alone, and replace a key that has been shown to anybody")]
    PrivateKey,
    #[error("there is more than one certificate; give each by itself")]
    Several,
    #[error("the certificate is neither PEM nor base64")]
    Encoding,
    #[error("the key of the certificate cannot verify: an RSA key may have at most 8192 bits")]
    Unusable,
    #[error(transparent)]
    Content(#[from] KeyError),
}

/// A certificate whose key may say that a message is its owner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned(Certificate);

impl Pinned {
    /// Reads PEM, or the base64 of DER as metadata has it.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        if text.len() > LARGEST {
            return Err(CertificateError::TooLarge);
        }
        if text.contains("PRIVATE KEY-----") {
            return Err(CertificateError::PrivateKey);
        }
        let inside = match text.split_once(BEGIN) {
            None => text,
            Some((_, behind)) => {
                let (inside, behind) = behind.split_once(END).ok_or(CertificateError::Encoding)?;
                if behind.contains(BEGIN) {
                    return Err(CertificateError::Several);
                }
                inside
            }
        };
        let base64: String = inside.chars().filter(|char| !char.is_ascii_whitespace()).collect();
        if base64.is_empty() {
            return Err(CertificateError::Missing);
        }
        let der = STANDARD.decode(base64).map_err(|_| CertificateError::Encoding)?;
        Self::new(Certificate::from_der(&der)?)
    }

    /// Takes a certificate that has been read, as from storage.
    pub fn new(certificate: Certificate) -> Result<Self, CertificateError> {
        let way: &'static dyn VerificationAlgorithm = match certificate.kind() {
            KeyKind::Rsa(_) => &signature::RSA_PKCS1_2048_8192_SHA256,
            KeyKind::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            KeyKind::P384 => &signature::ECDSA_P384_SHA384_ASN1,
        };
        match ParsedPublicKey::new(way, certificate.public_key_info()) {
            Ok(_) => Ok(Self(certificate)),
            Err(_) => Err(CertificateError::Unusable),
        }
    }

    /// What stands in it.
    pub fn certificate(&self) -> &Certificate {
        &self.0
    }

    /// Whether its key made a signature, in the form that XML signatures have: that of an elliptic curve is two numbers of equal
    /// length. An algorithm for another kind of key answers no.
    pub fn verifies(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let size = match self.0.kind() {
            KeyKind::Rsa(_) => return self.check(algorithm, message, signature),
            KeyKind::P256 => 64,
            KeyKind::P384 => 96,
        };
        signature.len() == size && asn1(signature).is_some_and(|asn1| self.check(algorithm, message, &asn1))
    }

    /// The same for addresses: some programs put the ASN.1 form of an elliptic signature there, which is taken too.
    pub fn verifies_in_address(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        self.verifies(algorithm, message, signature)
            || (!algorithm.is_rsa() && self.check(algorithm, message, signature))
    }

    fn check(&self, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        use SignatureAlgorithm::{EcdsaSha256, EcdsaSha384, EcdsaSha512, RsaSha256, RsaSha384, RsaSha512};
        let way: &'static dyn VerificationAlgorithm = match (self.0.kind(), algorithm) {
            (KeyKind::Rsa(_), RsaSha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (KeyKind::Rsa(_), RsaSha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (KeyKind::Rsa(_), RsaSha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (KeyKind::P256, EcdsaSha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (KeyKind::P256, EcdsaSha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (KeyKind::P256, EcdsaSha512) => &signature::ECDSA_P256_SHA512_ASN1,
            (KeyKind::P384, EcdsaSha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (KeyKind::P384, EcdsaSha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (KeyKind::P384, EcdsaSha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (KeyKind::Rsa(_), EcdsaSha256 | EcdsaSha384 | EcdsaSha512)
            | (KeyKind::P256 | KeyKind::P384, RsaSha256 | RsaSha384 | RsaSha512) => return false,
        };
        UnparsedPublicKey::new(way, self.0.public_key_info()).verify(message, signature).is_ok()
    }
}

/// Two numbers of equal length as an ASN.1 sequence of integers. Of a given curve, the library knows only the ASN.1 form with
/// every digest.
fn asn1(fixed: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = fixed.split_at_checked(fixed.len() / 2)?;
    let mut body = integer(r)?;
    body.extend(integer(s)?);
    tagged(0x30, &body)
}

fn integer(number: &[u8]) -> Option<Vec<u8>> {
    let start = number.iter().position(|byte| *byte != 0)?;
    let plain = number.get(start..)?;
    let sign: &[u8] = if plain.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    tagged(0x02, &[sign, plain].concat())
}

/// Nothing here is longer than 127 bytes, whose length is one byte.
fn tagged(tag: u8, body: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(body.len()).ok().filter(|length| *length < 0x80)?;
    Some([&[tag, length], body].concat())
}

#[cfg(test)]
mod tests;
