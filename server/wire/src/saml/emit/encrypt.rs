//! An assertion for the eyes of one service provider: AES-GCM for the content, RSA-OAEP for its key. Nothing else is written:
//! CBC and PKCS #1 v1.5 let whoever can ask often enough read and change what is inside.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

use super::EmitError;
use super::sign::key_info;
use super::xml::{Canon, Name, Prefix, at, ds, saml, xenc};
use crate::saml::keys::{Certificate, KeyKind};
use crate::saml::names::{ContentCipher, DigestAlgorithm, KeyTransport};

/// The digest inside OAEP as `rsa-oaep-mgf1p` has it where nothing else is said.
///
/// No signature is made with it. OAEP needs its hash as a mask that looks random, not to be free of collisions, so what broke
/// SHA-1 does not touch it; and mgf1p has MGF1 over SHA-1 built in. It is what every service provider can decrypt, the ones
/// on xmlsec and Java's older libraries included, and therefore what is used unless metadata asks for the other.
const OAEP_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
/// Mask generation over SHA-256, as `rsa-oaep` names it.
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
/// What was encrypted is an element, and replaces the ciphertext.
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";

/// Random bytes for one content: its key and its nonce. Not to be copied, so that it cannot be used twice: a second content under the
/// same nonce would give both away.
pub struct ContentKey {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; 12],
}

impl ContentKey {
    /// From random bytes.
    pub fn from_random(key: [u8; 32], nonce: [u8; 12]) -> Self {
        Self { key: Zeroizing::new(key), nonce }
    }

    fn of(&self, cipher: ContentCipher) -> &[u8] {
        match cipher {
            ContentCipher::Aes128Gcm => self.key.split_at(16).0,
            ContentCipher::Aes256Gcm => self.key.as_slice(),
        }
    }
}

impl std::fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContentKey([hidden])")
    }
}

/// For whom, and how.
#[derive(Debug)]
pub struct Encryption<'a> {
    certificate: &'a Certificate,
    public: OaepPublicEncryptingKey,
    cipher: ContentCipher,
    transport: KeyTransport,
    content_key: ContentKey,
}

impl<'a> Encryption<'a> {
    /// To the holder of a certificate, which has to be one of an RSA key.
    pub fn new(
        certificate: &'a Certificate,
        cipher: ContentCipher,
        transport: KeyTransport,
        content_key: ContentKey,
    ) -> Result<Self, EmitError> {
        if !matches!(certificate.kind(), KeyKind::Rsa(_)) {
            return Err(EmitError::CannotEncrypt(certificate.kind()));
        }
        let public = PublicEncryptingKey::from_der(certificate.public_key_info())
            .map_err(|_| EmitError::UnusableKey)
            .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(|_| EmitError::UnusableKey))?;
        Ok(Self { certificate, public, cipher, transport, content_key })
    }

    /// Writes the encrypted form of an assertion.
    pub(super) fn write(self, canon: &mut Canon, assertion: String) -> Result<(), EmitError> {
        let content = self.content(assertion)?;
        let key = self.wrapped_key()?;
        canon.element(saml("EncryptedAssertion"), [], |canon| {
            canon.element(xenc("EncryptedData"), [at("Type", ELEMENT)], |canon| {
                canon.empty(xenc("EncryptionMethod"), [at("Algorithm", self.cipher.uri())]);
                canon.element(ds("KeyInfo"), [], |canon| self.encrypted_key(canon, &key));
                cipher_data(canon, &content);
            });
        });
        Ok(())
    }

    /// Nonce, ciphertext and tag, one after the other.
    fn content(&self, assertion: String) -> Result<Vec<u8>, EmitError> {
        let algorithm = match self.cipher {
            ContentCipher::Aes128Gcm => &AES_128_GCM,
            ContentCipher::Aes256Gcm => &AES_256_GCM,
        };
        let key = UnboundKey::new(algorithm, self.content_key.of(self.cipher)).map_err(|_| EmitError::UnusableKey)?;
        let nonce = self.content_key.nonce;
        let mut sealed = assertion.into_bytes();
        LessSafeKey::new(key)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| EmitError::UnusableKey)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    fn wrapped_key(&self) -> Result<Vec<u8>, EmitError> {
        let algorithm = match self.transport {
            KeyTransport::RsaOaepMgf1p => &OAEP_SHA1_MGF1SHA1,
            KeyTransport::RsaOaep => &OAEP_SHA256_MGF1SHA256,
        };
        let mut room = vec![0; self.public.ciphertext_size()];
        self.public
            .encrypt(algorithm, self.content_key.of(self.cipher), &mut room, None)
            .map(|wrapped| wrapped.to_vec())
            .map_err(|_| EmitError::UnusableKey)
    }

    fn encrypted_key(&self, canon: &mut Canon, wrapped: &[u8]) {
        canon.element(xenc("EncryptedKey"), [], |canon| {
            canon.element(xenc("EncryptionMethod"), [at("Algorithm", self.transport.uri())], |canon| {
                match self.transport {
                    KeyTransport::RsaOaepMgf1p => canon.empty(ds("DigestMethod"), [at("Algorithm", OAEP_SHA1)]),
                    KeyTransport::RsaOaep => {
                        canon.empty(ds("DigestMethod"), [at("Algorithm", DigestAlgorithm::Sha256.uri())]);
                        canon.empty(Name(Prefix::Xenc11, "MGF"), [at("Algorithm", MGF1_SHA256)]);
                    }
                }
            });
            // Tells a service provider with several keys which one is meant.
            key_info(canon, self.certificate);
            cipher_data(canon, wrapped);
        });
    }
}

fn cipher_data(canon: &mut Canon, bytes: &[u8]) {
    canon.element(xenc("CipherData"), [], |canon| canon.base64(xenc("CipherValue"), [], bytes));
}
