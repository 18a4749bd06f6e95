//! An authenticator in software, for tests: makes passkeys and answers challenges, rightly or wrongly in any one detail.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;
const BACKUP_ELIGIBLE: u8 = 8;
const WITH_CREDENTIAL: u8 = 64;

/// One passkey, and how it answers.
pub(crate) struct SoftPasskey {
    key: EcdsaKeyPair,
    pub(crate) credential: Vec<u8>,
    pub(crate) user_handle: Vec<u8>,
    pub(crate) rp_id: String,
    pub(crate) origin: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) kind_of_answer: &'static str,
    /// Replaces the challenge that was asked.
    pub(crate) challenge: Option<String>,
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl SoftPasskey {
    /// With a credential id made of this byte.
    pub(crate) fn new(byte: u8) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential: vec![byte; 32],
            user_handle: Vec::new(),
            rp_id: "localhost".into(),
            origin: "http://localhost:8080".into(),
            flags: USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE,
            counter: 0,
            kind_of_answer: "webauthn.get",
            challenge: None,
        }
    }

    fn client_data(&self, kind: &str, asked: &Value) -> Vec<u8> {
        let challenge = self.challenge.clone().unwrap_or_else(|| asked["challenge"].as_str().unwrap().to_owned());
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// Answers `navigator.credentials.create`.
    pub(crate) fn create(&mut self, options: &str) -> String {
        let asked: Value = serde_json::from_str(options).unwrap();
        let asked = &asked["publicKey"];
        assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
        self.user_handle = URL_SAFE_NO_PAD.decode(asked["user"]["id"].as_str().unwrap()).unwrap();
        let mut data = self.authenticator_data(self.flags | WITH_CREDENTIAL);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend(&self.credential);
        // COSE: {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        let point = self.key.public_key().as_ref();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": …}
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.push(0x59);
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(&data);
        json!({
            "id": b64(&self.credential),
            "rawId": b64(&self.credential),
            "type": "public-key",
            "extensions": {},
            "response": {"attestationObject": b64(&object), "clientDataJSON": b64(&self.client_data("webauthn.create", asked))},
        })
        .to_string()
    }

    /// Answers `navigator.credentials.get`.
    pub(crate) fn get(&self, options: &str) -> String {
        let asked: Value = serde_json::from_str(options).unwrap();
        let client_data = self.client_data(self.kind_of_answer, &asked["publicKey"]);
        let data = self.authenticator_data(self.flags);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        #[expect(clippy::disallowed_methods, reason = "a signature of the software authenticator, which is not ours")]
        let chance = aws_lc_rs::rand::SystemRandom::new();
        let signature = self.key.sign(&chance, &signed).unwrap();
        json!({
            "id": b64(&self.credential),
            "rawId": b64(&self.credential),
            "type": "public-key",
            "extensions": {},
            "response": {
                "authenticatorData": b64(&data),
                "clientDataJSON": b64(&client_data),
                "signature": b64(signature.as_ref()),
                "userHandle": b64(&self.user_handle),
            },
        })
        .to_string()
    }
}
