//! X.509 certificates: what stands in one, and how one is made for a key of ours. A certificate here is a way to carry a public
//! key: whom to trust is decided by pinning it, never by who issued it.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, SerialNumber};
use rustls_pki_types::PrivatePkcs8KeyDer;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Name};

use super::{KeyError, KeyKind, RSA_BITS, SigningKey};

/// The largest certificate that is read.
const MOST_BYTES: usize = 16 * 1024;
/// How much of a subject is kept.
const MOST_OF_A_SUBJECT: usize = 200;

/// A certificate and what stands in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    subject: String,
    not_before: Timestamp,
    not_after: Timestamp,
    kind: KeyKind,
    public_key_info: Vec<u8>,
    public_key: Vec<u8>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({:?}, {}, until {})", self.subject, self.kind, self.not_after)
    }
}

/// What a self-signed certificate shall say.
#[derive(Clone, Copy, Debug)]
pub struct SelfSigned<'a> {
    /// Its subject and issuer.
    pub common_name: &'a str,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// Random bytes for the serial number.
    pub serial: [u8; 16],
}

impl Certificate {
    /// Reads DER. Keys that are too weak or of an unknown kind are refused here, whatever the certificate is for.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MOST_BYTES {
            return Err(KeyError::UnreadableCertificate);
        }
        let (rest, read) = X509Certificate::from_der(der).map_err(|_| KeyError::UnreadableCertificate)?;
        if !rest.is_empty() {
            return Err(KeyError::UnreadableCertificate);
        }
        let public = read.public_key();
        Ok(Self {
            der: der.to_vec(),
            subject: said(read.subject()),
            not_before: instant(read.validity().not_before.timestamp()),
            not_after: instant(read.validity().not_after.timestamp()),
            kind: kind_of(public)?,
            public_key_info: public.raw.to_vec(),
            public_key: public.subject_public_key.data.to_vec(),
        })
    }

    /// Reads base64 as it stands in metadata and signatures, with whatever white space is in it.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(2 * MOST_BYTES).collect();
        Self::from_der(&STANDARD.decode(dense).map_err(|_| KeyError::UnreadableCertificate)?)
    }

    /// Makes a certificate for a key, signed by the key itself.
    pub fn self_signed(key: &SigningKey, wanted: &SelfSigned<'_>) -> Result<Self, KeyError> {
        let pkcs8 = key.to_pkcs8()?;
        let pair =
            rcgen::KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8.as_slice())).map_err(|_| KeyError::Refused)?;
        // Inferred types: the library counts in a calendar of its own, which needs no name here.
        let calendar = |at: Timestamp| {
            let seconds = u64::try_from(at.as_second()).map_err(|_| KeyError::Refused)?;
            Ok(rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds))
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, wanted.common_name);
        params.not_before = calendar(wanted.not_before)?;
        params.not_after = calendar(wanted.not_after)?;
        params.is_ca = IsCa::NoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Positive and of full length, whatever the random bytes are.
        let mut serial = wanted.serial;
        serial[0] = serial[0] & 0x7f | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let made = params.self_signed(&pair).map_err(|_| KeyError::Refused)?;
        Self::from_der(made.der())
    }

    /// The certificate itself.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As PEM, for download.
    pub fn to_pem(&self) -> String {
        let text = STANDARD.encode(&self.der);
        let mut pem = String::with_capacity(text.len() + text.len() / 64 + 64);
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while let Some((line, more)) = rest.split_at_checked(64) {
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        if !rest.is_empty() {
            pem.push_str(rest);
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// Whose it is, for people to read: cut off where it is long, without control characters.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Valid from.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Valid until.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// What kind of key is in it.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The SHA-256 digest that people compare.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, &self.der).as_ref());
        bytes
    }

    /// The public key with its kind (`SubjectPublicKeyInfo`), as verifiers take it.
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// Whether a private key goes with it.
    pub fn belongs_to(&self, key: &SigningKey) -> bool {
        self.kind == key.kind() && self.public_key == key.public()
    }

    /// Refuses one that is not valid now.
    pub fn check_valid_at(&self, now: Timestamp) -> Result<(), KeyError> {
        if now > self.not_after {
            return Err(KeyError::Expired(day(self.not_after)));
        }
        if now < self.not_before {
            return Err(KeyError::NotYetValid(day(self.not_before)));
        }
        Ok(())
    }
}

fn day(at: Timestamp) -> jiff::civil::Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// "Never", which is the last second of the year 9999, is beyond the last instant there is.
fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn said(name: &X509Name<'_>) -> String {
    name.to_string().chars().filter(|c| !c.is_control()).take(MOST_OF_A_SUBJECT).collect()
}

fn kind_of(public: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, KeyError> {
    let algorithm = &public.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        let Ok(PublicKey::RSA(key)) = public.parsed() else { return Err(KeyError::UnreadableCertificate) };
        let bits = key.key_size();
        return if bits < *RSA_BITS.start() { Err(KeyError::WeakRsa(bits)) } else { Ok(KeyKind::Rsa(bits)) };
    }
    if *algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY {
        return Err(KeyError::UnsupportedKey);
    }
    let curve = public.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    match curve {
        Some(curve) if curve == OID_EC_P256 => Ok(KeyKind::P256),
        Some(curve) if curve == OID_NIST_EC_P384 => Ok(KeyKind::P384),
        _ => Err(KeyError::UnsupportedCurve),
    }
}
