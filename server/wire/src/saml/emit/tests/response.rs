//! Responses: what stands in them, what signs them, and what hostile names cannot do to them.

use jiff::{SignedDuration, Timestamp};

use super::super::*;
use super::samples::*;
use crate::saml::keys::{KeyError, KeyKind, SigningKey};
use crate::saml::names::{ContentCipher, EXCLUSIVE_C14N, KeyTransport, SignatureAlgorithm, StatusCode};
use crate::saml::testing::{Judges, P256, RSA, at, canonical, certificate};

const MAIL: &str = "mail";

#[test]
fn a_response_says_everything_a_service_provider_has_to_check_sidp_23() {
    let xml = about_anna(vec![attribute(MAIL, &["anna@example.com"])], &rsa(), Signed::Both);

    assert_eq!(values(&xml, "Response", "ID"), [format!("_{}", "01".repeat(20))]);
    assert_eq!(values(&xml, "Response", "Version"), ["2.0"]);
    assert_eq!(values(&xml, "Response", "Destination"), [ACS]);
    assert_eq!(values(&xml, "Response", "InResponseTo"), ["_request"]);
    assert_eq!(values(&xml, "Response", "IssueInstant"), ["2026-11-21T12:00:30Z"]);
    assert_eq!(values(&xml, "Assertion", "ID"), [format!("_{}", "02".repeat(20))]);
    assert_eq!(texts(&xml, "Issuer"), [ISSUER, ISSUER]);
    assert_eq!(texts(&xml, "NameID"), ["anna@example.com"]);
    assert_eq!(texts(&xml, "Audience"), [AUDIENCE]);
    assert_eq!(values(&xml, "SubjectConfirmation", "Method"), ["urn:oasis:names:tc:SAML:2.0:cm:bearer"]);
    assert_eq!(values(&xml, "SubjectConfirmationData", "Recipient"), [ACS]);
    assert_eq!(values(&xml, "SubjectConfirmationData", "InResponseTo"), ["_request"]);
    assert_eq!(values(&xml, "SubjectConfirmationData", "NotOnOrAfter"), ["2026-11-21T12:05:30Z"]);
    assert_eq!(values(&xml, "SubjectConfirmationData", "NotBefore"), [""], "the profile forbids it here");
    assert_eq!(values(&xml, "Conditions", "NotBefore"), ["2026-11-21T11:59:30Z"]);
    assert_eq!(values(&xml, "Conditions", "NotOnOrAfter"), ["2026-11-21T12:05:30Z"]);
    assert_eq!(values(&xml, "AuthnStatement", "AuthnInstant"), ["2026-11-21T11:00:00Z"]);
    assert_eq!(values(&xml, "AuthnStatement", "SessionIndex"), ["_session"]);
    assert_eq!(values(&xml, "AuthnStatement", "SessionNotOnOrAfter"), ["2026-11-21T20:00:00Z"]);
    assert_eq!(texts(&xml, "AuthnContextClassRef"), ["https://refeds.org/profile/mfa"]);
    assert_eq!(values(&xml, "StatusCode", "Value"), [StatusCode::Success.uri()]);

    let rsa_sha256 = SignatureAlgorithm::RsaSha256.uri();
    assert_eq!(values(&xml, "SignatureMethod", "Algorithm"), [rsa_sha256, rsa_sha256]);
    assert_eq!(values(&xml, "CanonicalizationMethod", "Algorithm"), [EXCLUSIVE_C14N, EXCLUSIVE_C14N]);
    assert_eq!(Judges::new().faults(&xml), None);
}

#[test]
fn each_choice_of_what_is_signed_is_verified_and_nothing_else_is_signed() {
    let judges = Judges::new();
    for (signed, of_response, of_assertion) in
        [(Signed::Assertion, false, true), (Signed::Response, true, false), (Signed::Both, true, true)]
    {
        let xml = about_anna(vec![attribute(MAIL, &["anna@example.com"])], &rsa(), signed);
        assert_eq!(judges.verifies(&xml, "Response", &RSA.certificate), of_response, "{signed:?}");
        assert_eq!(judges.verifies(&xml, "Assertion", &RSA.certificate), of_assertion, "{signed:?}");
    }
}

#[test]
fn an_assertion_is_verified_without_the_response_around_it() {
    let xml = about_anna(vec![attribute(MAIL, &["anna@example.com"])], &rsa(), Signed::Both);
    let (start, end) = (xml.find("<saml:Assertion").unwrap(), xml.find("</samlp:Response>").unwrap());
    assert!(Judges::new().verifies(&xml[start..end], "Assertion", &RSA.certificate));
}

#[test]
fn every_algorithm_that_can_be_chosen_is_verified() {
    let judges = Judges::new();
    for kind in [KeyKind::DEFAULT, KeyKind::P256, KeyKind::P384] {
        let key = SigningKey::generate(kind).unwrap();
        let certificate = certificate(&key);
        for algorithm in kind.algorithms() {
            let signer = Signer::new(&key, &certificate, *algorithm).unwrap();
            let xml = about_anna(vec![attribute(MAIL, &["x"])], &signer, Signed::Both);
            assert!(judges.verifies(&xml, "Response", &certificate), "{algorithm:?}");
            assert!(judges.verifies(&xml, "Assertion", &certificate), "{algorithm:?}");
        }
    }
}

#[test]
fn a_change_or_another_key_is_noticed() {
    let judges = Judges::new();
    let xml = about_anna(vec![attribute(MAIL, &["anna"])], &rsa(), Signed::Both);
    for (from, to) in
        [(">anna<", ">anja<"), ("xs:string", "xs:token "), ("XMLSchema\"", "XMLSchemb\""), ("T12:05", "T13:05")]
    {
        let changed = xml.replace(from, to.trim_end());
        assert_ne!(changed, xml);
        assert!(!judges.verifies(&changed, "Response", &RSA.certificate), "{from}");
        assert!(!judges.verifies(&changed, "Assertion", &RSA.certificate), "{from}");
    }
    let other = SigningKey::generate(KeyKind::DEFAULT).unwrap();
    assert!(!judges.verifies(&xml, "Response", &certificate(&other)));
    assert_eq!(Signer::new(&other, &RSA.certificate, SignatureAlgorithm::RsaSha256).unwrap_err(), KeyError::NotAPair);
}

#[test]
fn a_name_that_is_markup_stays_a_name_sidp_20() {
    let judges = Judges::new();
    let hostile = "Bob</saml:AttributeValue></saml:Attribute><saml:Attribute \
                   Name=\"https://aws.amazon.com/SAML/Attributes/Role\"><saml:AttributeValue>Admin";
    let name = "x\"><saml:AttributeValue>Admin</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"y";
    let xml = about_anna(vec![attribute("displayName", &[hostile]), attribute(name, &["v"])], &rsa(), Signed::Both);
    assert_eq!(values(&xml, "Attribute", "Name"), ["displayName", name]);
    assert_eq!(texts(&xml, "AttributeValue"), [hostile, "v"]);
    assert!(judges.verifies(&xml, "Response", &RSA.certificate));
    assert!(judges.verifies(&xml, "Assertion", &RSA.certificate));
    assert_eq!(judges.faults(&xml), None);
}

#[test]
fn unusual_characters_arrive_as_they_are_and_impossible_ones_not_at_all_sidp_22() {
    let judges = Judges::new();
    let legal = "R&D <x> \"q\" 'a' ]]> 🦀 \u{85}\u{2028}\u{7f}\u{fffd} a\rb\r\nc\td \n";
    let illegal = "A\0\u{1}\u{8}\u{b}n\u{c}\u{e}\u{1f}n\u{fffe}\u{ffff}a";
    let (response_id, assertion_id) = (id(1), id(2));
    let mut assertion = assertion(&assertion_id, vec![attribute(legal, &[legal, illegal, ""])]);
    assertion.subject.value = legal;
    assertion.session_index = legal;
    let signer = rsa();
    let protection = Protection { signer: &signer, signed: Signed::Both, encryption: None };
    let mut envelope = envelope(&response_id);
    envelope.issuer = legal;
    let xml = response(&envelope, &assertion, protection).unwrap();
    assert_eq!(values(&xml, "Attribute", "Name"), [legal]);
    assert_eq!(texts(&xml, "AttributeValue"), [legal, "Anna", ""]);
    assert_eq!(texts(&xml, "NameID"), [legal]);
    assert_eq!(texts(&xml, "Issuer"), [legal, legal]);
    assert_eq!(values(&xml, "AuthnStatement", "SessionIndex"), [legal]);
    assert!(judges.verifies(&xml, "Response", &RSA.certificate));
    assert!(judges.verifies(&xml, "Assertion", &RSA.certificate));
}

#[test]
fn attributes_keep_their_names_formats_and_values() {
    let mut named = attribute("urn:oid:0.9.2342.19200300.100.1.3", &["a@example.com", "b@example.com"]);
    named.friendly_name = Some(MAIL.into());
    let xml = about_anna(vec![attribute("empty", &[]), named], &p256(), Signed::Assertion);
    assert_eq!(values(&xml, "Attribute", "Name"), ["urn:oid:0.9.2342.19200300.100.1.3"]);
    assert_eq!(values(&xml, "Attribute", "FriendlyName"), [MAIL]);
    assert_eq!(texts(&xml, "AttributeValue"), ["a@example.com", "b@example.com"]);
    assert!(xml.contains(" xsi:type=\"xs:string\""));

    let without = about_anna(vec![attribute("empty", &[])], &p256(), Signed::Both);
    let judges = Judges::new();
    assert!(!without.contains("AttributeStatement") && !without.contains("PrefixList"));
    assert!(judges.verifies(&without, "Assertion", &P256.certificate));
    assert_eq!(judges.faults(&without), None);
}

#[test]
fn what_is_written_is_canonical_already() {
    let without = about_anna(vec![], &p256(), Signed::Both);
    assert_eq!(canonical(&without), without);
    let xml = about_anna(vec![attribute("\"a\t<b>\"", &["\r\n&"])], &p256(), Signed::Both);
    // The declaration that only values use is kept by the signature's list of prefixes, which xmllint does not know.
    assert_eq!(canonical(&xml), xml.replace(" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", ""));
}

#[test]
fn the_skew_is_bounded_and_the_calendar_has_ends() {
    let (response_id, assertion_id) = (id(1), id(2));
    let signer = p256();
    let write = |issued, skew| {
        let envelope = Envelope { issued, ..envelope(&response_id) };
        let assertion = Assertion { skew, ..assertion(&assertion_id, vec![]) };
        response(&envelope, &assertion, Protection { signer: &signer, signed: Signed::Assertion, encryption: None })
            .unwrap()
    };
    let noon = at("2026-11-21T12:00:00Z");
    assert_eq!(values(&write(noon, SignedDuration::MAX), "Conditions", "NotBefore"), ["2026-11-21T11:55:00Z"]);
    assert_eq!(values(&write(noon, SignedDuration::MIN), "Conditions", "NotBefore"), ["2026-11-21T12:00:00Z"]);
    let last = write(Timestamp::MAX, SignedDuration::ZERO);
    assert_eq!(values(&last, "Conditions", "NotOnOrAfter"), ["9999-12-30T22:00:00Z"]);
}

#[test]
fn a_refusal_says_who_was_wrong_and_why_sidp_26() {
    let judges = Judges::new();
    let response_id = id(1);
    let status = Status::responder(StatusCode::NoPassive).saying("Nobody is signed in & <you> said not to ask.");
    let xml = refusal(&envelope(&response_id), &status, Some(&rsa())).unwrap();
    assert_eq!(values(&xml, "StatusCode", "Value"), [StatusCode::Responder.uri(), StatusCode::NoPassive.uri()]);
    assert_eq!(texts(&xml, "StatusMessage"), ["Nobody is signed in & <you> said not to ask."]);
    assert_eq!(texts(&xml, "Assertion"), [""; 0]);
    assert!(judges.verifies(&xml, "Response", &RSA.certificate));
    assert_eq!(judges.faults(&xml), None);

    let unsigned = refusal(&envelope(&response_id), &Status::version_mismatch(), None).unwrap();
    assert_eq!(values(&unsigned, "StatusCode", "Value"), [StatusCode::VersionMismatch.uri()]);
    assert!(!unsigned.contains("Signature"));
    assert_eq!(judges.faults(&unsigned), None);
}

fn encrypted(cipher: ContentCipher, transport: KeyTransport, signed: Signed) -> String {
    let (response_id, assertion_id) = (id(1), id(2));
    let signer = p256();
    let key = ContentKey::from_random([7; 32], [9; 12]);
    let encryption = Encryption::new(&RSA.certificate, cipher, transport, key).unwrap();
    let assertion = assertion(&assertion_id, vec![attribute(MAIL, &["anna@example.com"])]);
    response(&envelope(&response_id), &assertion, Protection { signer: &signer, signed, encryption: Some(encryption) })
        .unwrap()
}

#[test]
fn an_encrypted_assertion_is_decrypted_and_verified_by_others() {
    let judges = Judges::new();
    for cipher in ContentCipher::ALL {
        let xml = encrypted(*cipher, KeyTransport::RsaOaepMgf1p, Signed::Both);
        assert!(!xml.contains("anna@example.com"));
        assert!(judges.verifies(&xml, "Response", &P256.certificate));
        assert_eq!(judges.faults(&xml), None);
        let plain = judges.decrypted(&xml, &RSA.key);
        assert_eq!(texts(&plain, "AttributeValue"), ["anna@example.com"]);
        assert!(judges.verifies(&plain, "Assertion", &P256.certificate), "{plain}");
    }
}

#[test]
fn the_key_of_the_content_opens_with_sha_256_in_both_places_too() {
    use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
    use base64::Engine as _;

    let xml = encrypted(ContentCipher::Aes128Gcm, KeyTransport::RsaOaep, Signed::Assertion);
    assert_eq!(Judges::new().faults(&xml), None);
    let wrapped = base64::engine::general_purpose::STANDARD.decode(&texts(&xml, "CipherValue")[0]).unwrap();
    let private = PrivateDecryptingKey::from_pkcs8(&RSA.key.to_pkcs8().unwrap()).unwrap();
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut room = vec![0; private.min_output_size()];
    assert_eq!(private.decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut room, None).unwrap(), [7; 16]);
}

#[test]
fn only_rsa_certificates_can_be_encrypted_to() {
    let key = ContentKey::from_random([0; 32], [0; 12]);
    assert_eq!(format!("{key:?}"), "ContentKey([hidden])");
    let refused = Encryption::new(&P256.certificate, ContentCipher::Aes256Gcm, KeyTransport::RsaOaepMgf1p, key);
    assert_eq!(refused.unwrap_err(), EmitError::CannotEncrypt(KeyKind::P256));
}
