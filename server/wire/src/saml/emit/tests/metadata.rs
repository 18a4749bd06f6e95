//! Metadata in both roles.

use jiff::SignedDuration;

use super::super::*;
use super::samples::*;
use crate::saml::names::{Binding, NameIdFormat};
use crate::saml::testing::{Judges, P256, RSA, at, canonical};

const LOGOUT: &str = "https://sso.example.com/saml/slo";

fn entity(id: &Id) -> Entity<'_> {
    Entity {
        id,
        entity_id: ISSUER,
        valid_until: Some(at("2026-12-21T12:00:00Z")),
        cache_duration: Some(SignedDuration::from_hours(6)),
        signing: &[],
        logout: Some(LOGOUT),
        name_id_formats: &[NameIdFormat::Persistent, NameIdFormat::EmailAddress],
    }
}

#[test]
fn metadata_of_the_identity_provider_has_both_keys_and_both_bindings_sidp_32() {
    let judges = Judges::new();
    let document_id = id(1);
    let entity = Entity { signing: &[&RSA.certificate, &P256.certificate], ..entity(&document_id) };
    let provider = IdentityProvider { sign_on: "https://sso.example.com/saml/sso?a=1&b=2", want_requests_signed: true };
    let xml = idp_metadata(&entity, &provider, Some(&rsa())).unwrap();
    assert_eq!(values(&xml, "EntityDescriptor", "entityID"), [ISSUER]);
    assert_eq!(values(&xml, "EntityDescriptor", "validUntil"), ["2026-12-21T12:00:00Z"]);
    assert_eq!(values(&xml, "EntityDescriptor", "cacheDuration"), ["PT6H"]);
    assert_eq!(values(&xml, "IDPSSODescriptor", "WantAuthnRequestsSigned"), ["true"]);
    assert_eq!(values(&xml, "KeyDescriptor", "use"), ["signing", "signing"]);
    let both = [Binding::HttpRedirect.uri(), Binding::HttpPost.uri()];
    assert_eq!(values(&xml, "SingleSignOnService", "Binding"), both);
    assert_eq!(values(&xml, "SingleSignOnService", "Location"), [provider.sign_on, provider.sign_on]);
    assert_eq!(values(&xml, "SingleLogoutService", "Binding"), both);
    assert_eq!(values(&xml, "SingleLogoutService", "Location"), [LOGOUT, LOGOUT]);
    assert_eq!(texts(&xml, "NameIDFormat"), [NameIdFormat::Persistent.uri(), NameIdFormat::EmailAddress.uri()]);
    let pem = |text: &str| text.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    // The first certificate is the one in the signature.
    assert_eq!(texts(&xml, "X509Certificate")[1..], [pem(&RSA.certificate.to_pem()), pem(&P256.certificate.to_pem())]);
    assert!(judges.verifies(&xml, "EntityDescriptor", &RSA.certificate));
    assert_eq!(judges.faults(&xml), None);
    assert_eq!(canonical(&xml), xml);
}

#[test]
fn metadata_of_the_service_provider_says_where_responses_go() {
    let judges = Judges::new();
    let document_id = id(1);
    let entity = Entity { signing: &[&P256.certificate], logout: None, ..entity(&document_id) };
    let provider = ServiceProvider { acs: "https://sso.example.com/saml/acs/partner", requests_signed: true };
    let xml = sp_metadata(&entity, &provider, Some(&p256())).unwrap();
    assert_eq!(values(&xml, "SPSSODescriptor", "AuthnRequestsSigned"), ["true"]);
    assert_eq!(values(&xml, "SPSSODescriptor", "WantAssertionsSigned"), ["true"]);
    assert_eq!(values(&xml, "AssertionConsumerService", "Location"), [provider.acs]);
    assert_eq!(values(&xml, "AssertionConsumerService", "Binding"), [Binding::HttpPost.uri()]);
    assert!(!xml.contains("SingleLogoutService"));
    assert!(judges.verifies(&xml, "EntityDescriptor", &P256.certificate));
    assert_eq!(judges.faults(&xml), None);
}

#[test]
fn what_need_not_be_said_is_not_said() {
    let document_id = id(1);
    let entity =
        Entity { valid_until: None, cache_duration: None, name_id_formats: &[], logout: None, ..entity(&document_id) };
    let provider = IdentityProvider { sign_on: "https://sso.example.com/saml/sso", want_requests_signed: false };
    let xml = idp_metadata(&entity, &provider, None).unwrap();
    assert!(!xml.contains("validUntil") && !xml.contains("cacheDuration") && !xml.contains("Signature"));
    assert_eq!(values(&xml, "IDPSSODescriptor", "WantAuthnRequestsSigned"), ["false"]);
    assert_eq!(Judges::new().faults(&xml), None);
}
