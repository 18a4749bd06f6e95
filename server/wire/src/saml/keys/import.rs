//! An own key with its certificate, as PEM from wherever somebody keeps them. What is wrong is said in plain words.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RsaKeyPair,
};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{Certificate, KeyError, KeyKind, Pair, SigningKey};

/// The longest chain that is looked through for the certificate of the key.
const MOST_CERTIFICATES: usize = 16;

/// Reads a private key (PKCS #8, PKCS #1 or SEC 1) and the certificate that belongs to it, which may stand anywhere in a chain.
pub fn import(key: &str, certificates: &str, now: Timestamp) -> Result<(SigningKey, Certificate), KeyError> {
    let key = private_key(key)?;
    let mut first = None;
    for (place, der) in CertificateDer::pem_slice_iter(certificates.as_bytes()).enumerate() {
        if place == MOST_CERTIFICATES {
            return Err(KeyError::TooManyCertificates(MOST_CERTIFICATES));
        }
        let read = der.map_err(|_| KeyError::UnreadableCertificate).and_then(|der| Certificate::from_der(&der));
        match read {
            Ok(certificate) if certificate.belongs_to(&key) => {
                certificate.check_valid_at(now)?;
                return Ok((key, certificate));
            }
            // Of a chain, the one that somebody put first is the one they mean.
            Ok(_) => first = first.or(Some(KeyError::NotAPair)),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or(KeyError::NoCertificate))
}

pub(super) fn private_key(text: &str) -> Result<SigningKey, KeyError> {
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            KeyError::KeyUnderPassphrase
        } else {
            KeyError::NoKey
        }
    })?;
    // The older way to protect a key keeps its label and says so in a header.
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::KeyUnderPassphrase);
    }
    match &key {
        PrivateKeyDer::Pkcs8(der) => SigningKey::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => {
            SigningKey::rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| KeyError::UnreadableKey)?)
        }
        PrivateKeyDer::Sec1(der) => {
            [(&ECDSA_P256_SHA256_FIXED_SIGNING, KeyKind::P256), (&ECDSA_P384_SHA384_FIXED_SIGNING, KeyKind::P384)]
                .into_iter()
                .find_map(|(algorithm, kind)| {
                    let pair = EcdsaKeyPair::from_private_key_der(algorithm, der.secret_sec1_der()).ok()?;
                    Some(SigningKey { pair: Pair::Ecdsa(pair), kind })
                })
                .ok_or(KeyError::UnreadableKey)
        }
        _ => Err(KeyError::UnreadableKey),
    }
}
