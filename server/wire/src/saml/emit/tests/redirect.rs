//! Messages in addresses.

use std::io::Read as _;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::super::*;
use super::samples::*;
use crate::saml::names::MessageKind;
use crate::saml::testing::RSA;

const SLO: &str = "https://app.example.com/slo";

/// A parameter as it stands in the query, decoded.
fn parameter(query: &str, name: &str) -> Option<Vec<u8>> {
    let raw = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let mut decoded = Vec::new();
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    Some(decoded)
}

fn inflated(encoded: &[u8]) -> String {
    let mut text = String::new();
    let bytes = STANDARD.decode(encoded).unwrap();
    flate2::read::DeflateDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_signature_covers_the_query_as_it_stands(relay in proptest::option::of(any::<String>()), xml in any::<String>()) {
        let url = redirect_url(SLO, MessageKind::Response, &xml, relay.as_deref(), Some(&rsa())).unwrap();
        prop_assert!(url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%&=?:/".contains(&byte)));
        let query = url.strip_prefix(SLO).unwrap().strip_prefix('?').unwrap();
        let (signed, signature) = query.split_once("&Signature=").unwrap();
        prop_assert!(!signature.contains('&'), "the signature comes last");
        let signature = STANDARD.decode(parameter(query, "Signature").unwrap()).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, RSA.certificate.public_key_info());
        prop_assert!(public.verify(signed.as_bytes(), &signature).is_ok());
        prop_assert_eq!(inflated(&parameter(query, "SAMLResponse").unwrap()), xml);
        prop_assert_eq!(parameter(query, "RelayState"), relay.map(String::into_bytes));
    }
}

#[test]
fn a_destination_with_a_query_keeps_it() {
    let url = redirect_url("https://app.example.com/slo?tenant=1", MessageKind::Request, "<x/>", None, None).unwrap();
    let query = url.strip_prefix("https://app.example.com/slo?tenant=1&").unwrap();
    assert_eq!(inflated(&parameter(query, "SAMLRequest").unwrap()), "<x/>");
    assert_eq!(parameter(query, "SigAlg").or_else(|| parameter(query, "Signature")), None);
    assert_eq!(parameter(query, "RelayState"), None);
}

#[test]
fn a_form_carries_plain_base64() {
    assert_eq!(post_value("<a>?</a>"), "PGE+PzwvYT4=");
    assert_eq!((MessageKind::Request.parameter(), MessageKind::Response.parameter()), ("SAMLRequest", "SAMLResponse"));
}
