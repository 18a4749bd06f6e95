//! Logout and the request to an upstream.

use super::super::*;
use super::samples::*;
use crate::saml::names::{AuthnContext, Binding, LogoutReason, NameIdFormat, StatusCode};
use crate::saml::testing::{Judges, RSA};

#[test]
fn a_request_for_logout_names_the_person_and_the_sessions() {
    let judges = Judges::new();
    let request_id = id(1);
    let name_id = NameId {
        name_qualifier: Some(ISSUER),
        sp_name_qualifier: Some(AUDIENCE),
        format: NameIdFormat::Persistent,
        ..name_id("<anna> & co")
    };
    let envelope = Envelope { in_response_to: None, ..envelope(&request_id) };
    let logout = Logout { name_id, session_indexes: &["_one", "_two"], reason: Some(LogoutReason::User) };
    let xml = logout_request(&envelope, &logout, Some(&rsa())).unwrap();
    assert_eq!(texts(&xml, "NameID"), ["<anna> & co"]);
    assert_eq!(values(&xml, "NameID", "NameQualifier"), [ISSUER]);
    assert_eq!(values(&xml, "NameID", "SPNameQualifier"), [AUDIENCE]);
    assert_eq!(texts(&xml, "SessionIndex"), ["_one", "_two"]);
    assert_eq!(values(&xml, "LogoutRequest", "NotOnOrAfter"), ["2026-11-21T12:05:30Z"]);
    assert_eq!(values(&xml, "LogoutRequest", "Reason"), [LogoutReason::User.uri()]);
    assert!(judges.verifies(&xml, "LogoutRequest", &RSA.certificate));
    assert_eq!(judges.faults(&xml), None);
}

#[test]
fn an_answer_to_a_logout_says_whether_it_was_complete() {
    let judges = Judges::new();
    let response_id = id(1);
    for (status, codes) in [
        (Status::SUCCESS, vec![StatusCode::Success]),
        (Status::PARTIAL_LOGOUT, vec![StatusCode::Success, StatusCode::PartialLogout]),
        (Status::requester(StatusCode::UnknownPrincipal), vec![StatusCode::Requester, StatusCode::UnknownPrincipal]),
    ] {
        let xml = logout_response(&envelope(&response_id), &status, Some(&rsa())).unwrap();
        let uris: Vec<&str> = codes.into_iter().map(StatusCode::uri).collect();
        assert_eq!(values(&xml, "StatusCode", "Value"), uris);
        assert!(judges.verifies(&xml, "LogoutResponse", &RSA.certificate));
        assert_eq!(judges.faults(&xml), None);
    }
}

#[test]
fn an_upstream_is_asked_for_what_is_needed() {
    let judges = Judges::new();
    let request_id = id(1);
    let request = AuthnRequest {
        acs: "https://sso.example.com/saml/acs/partner",
        force_authn: true,
        name_id_format: Some(NameIdFormat::EmailAddress),
        contexts: &[AuthnContext::RefedsMfa, AuthnContext::Password],
    };
    let xml = authn_request(&envelope(&request_id), &request, Some(&rsa())).unwrap();
    assert_eq!(values(&xml, "AuthnRequest", "ForceAuthn"), ["true"]);
    assert_eq!(values(&xml, "AuthnRequest", "InResponseTo"), [""]);
    assert_eq!(values(&xml, "AuthnRequest", "AssertionConsumerServiceURL"), [request.acs]);
    assert_eq!(values(&xml, "AuthnRequest", "ProtocolBinding"), [Binding::HttpPost.uri()]);
    assert_eq!(values(&xml, "NameIDPolicy", "Format"), [NameIdFormat::EmailAddress.uri()]);
    assert_eq!(texts(&xml, "AuthnContextClassRef"), request.contexts.iter().map(|it| it.uri()).collect::<Vec<_>>());
    assert!(judges.verifies(&xml, "AuthnRequest", &RSA.certificate));
    assert_eq!(judges.faults(&xml), None);

    let least = AuthnRequest { force_authn: false, name_id_format: None, contexts: &[], ..request };
    let xml = authn_request(&envelope(&request_id), &least, None).unwrap();
    assert!(!xml.contains("RequestedAuthnContext") && !xml.contains("Signature") && !xml.contains("ForceAuthn"));
    assert_eq!(judges.faults(&xml), None);
}
