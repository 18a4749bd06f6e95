//! What one half writes, the other half reads: with its signature verified, and with every value as it went in.

use super::super::*;
use super::samples::*;
use crate::saml::names::{AuthnContext, Binding, LogoutReason, MessageKind, NameIdFormat, StatusCode};
use crate::saml::read;
use crate::saml::read::binding::Redirected;
use crate::saml::read::certificate::Pinned;
use crate::saml::read::signature::{verify_message, verify_response_part};
use crate::saml::read::xml::Document;
use crate::saml::testing::{P256, RSA, at};

const HOSTILE: &str = "R&D <x> \"q\" 'a' ]]> \u{85}\u{2028} \u{1F980}";

fn pinned() -> Vec<Pinned> {
    vec![Pinned::new(P256.certificate.clone()).unwrap(), Pinned::new(RSA.certificate.clone()).unwrap()]
}

/// Takes a message out of the address it was put into, with its signature verified.
fn through_address(kind: MessageKind, xml: &str, signer: &Signer<'_>) -> Vec<u8> {
    let url = redirect_url(ACS, kind, xml, Some("a b&c=\u{e9}"), Some(signer)).unwrap();
    // The destination has a query of its own, which comes back with the message.
    let (_, query) = url.split_once('?').unwrap();
    let arrived = Redirected::parse(query.as_bytes()).unwrap();
    assert_eq!(arrived.relay_state.as_deref(), Some("a b&c=\u{e9}"));
    arrived.verify(&pinned()).unwrap();
    arrived.document
}

#[test]
fn a_request_for_sign_on() {
    let request_id = id(1);
    let request = AuthnRequest {
        acs: "https://sso.example.com/saml/acs/partner?a=1&b=2",
        force_authn: true,
        name_id_format: Some(NameIdFormat::Persistent),
        contexts: &[AuthnContext::RefedsMfa, AuthnContext::Password],
    };
    for signer in [rsa(), p256()] {
        let posted = authn_request(&envelope(&request_id), &request, Some(&signer)).unwrap();
        let document = Document::read(posted.as_bytes()).unwrap();
        verify_message(&document, &pinned()).unwrap();
        let read = read::request::AuthnRequest::read(&document).unwrap();

        let plain = authn_request(&envelope(&request_id), &request, None).unwrap();
        let redirected = through_address(MessageKind::Request, &plain, &signer);
        assert_eq!(read::request::AuthnRequest::read(&Document::read(&redirected).unwrap()).unwrap(), read);

        assert_eq!((read.header.id.as_str(), read.header.issuer.as_str()), (request_id.as_str(), ISSUER));
        assert_eq!((read.header.issued, read.header.destination.as_deref()), (at("2026-11-21T12:00:30Z"), Some(ACS)));
        assert_eq!((read.force, read.passive), (true, false));
        assert_eq!(read.acs_url.as_deref(), Some(request.acs));
        assert_eq!(read.binding.as_deref(), Some(Binding::HttpPost.uri()));
        assert_eq!(read.name_id_policy.unwrap().format.as_deref(), Some(NameIdFormat::Persistent.uri()));
        assert_eq!(read.context.unwrap().classes, request.contexts.iter().map(|it| it.uri()).collect::<Vec<_>>());
    }
}

#[test]
fn logout() {
    let (request_id, response_id) = (id(1), id(2));
    let name_id = NameId { name_qualifier: Some(ISSUER), sp_name_qualifier: Some(HOSTILE), ..name_id(HOSTILE) };
    let wanted = Logout { name_id, session_indexes: &["_one", HOSTILE], reason: Some(LogoutReason::Admin) };
    let request = logout_request(&envelope(&request_id), &wanted, None).unwrap();
    let redirected = through_address(MessageKind::Request, &request, &rsa());
    let read = read::logout::LogoutRequest::read(&Document::read(&redirected).unwrap()).unwrap();
    assert_eq!((read.name_id.value.as_str(), read.name_id.sp_name_qualifier.as_deref()), (HOSTILE, Some(HOSTILE)));
    assert_eq!(read.sessions, ["_one", HOSTILE]);
    assert_eq!((read.reason, read.not_on_or_after), (Some(LogoutReason::Admin), Some(at("2026-11-21T12:05:30Z"))));

    let envelope = Envelope { in_response_to: Some(request_id.as_str()), ..envelope(&response_id) };
    let response =
        logout_response(&envelope, &Status::PARTIAL_LOGOUT.saying("Not from <mail>."), Some(&p256())).unwrap();
    let document = Document::read(response.as_bytes()).unwrap();
    verify_message(&document, &pinned()).unwrap();
    let read = read::logout::LogoutResponse::read(&document).unwrap();
    read.check_answers(request_id.as_str()).unwrap();
    assert_eq!((read.status.code, read.status.detail), (StatusCode::Success, Some(StatusCode::PartialLogout)));
    assert_eq!(read.status.message.as_deref(), Some("Not from <mail>."));
}

#[test]
fn metadata_of_both_roles() {
    let document_id = id(1);
    let now = at("2026-11-21T12:00:00Z");
    let entity = Entity {
        id: &document_id,
        entity_id: ISSUER,
        valid_until: Some(at("2026-12-21T12:00:00Z")),
        cache_duration: None,
        signing: &[&RSA.certificate, &P256.certificate],
        logout: Some("https://sso.example.com/saml/slo"),
        name_id_formats: &[NameIdFormat::Persistent],
    };
    let keys: Vec<Pinned> =
        [&RSA.certificate, &P256.certificate].map(|certificate| Pinned::new(certificate.clone()).unwrap()).into();

    let provider = IdentityProvider { sign_on: "https://sso.example.com/saml/sso", want_requests_signed: true };
    let xml = idp_metadata(&entity, &provider, Some(&rsa())).unwrap();
    let read = read::metadata::IdentityProvider::read(xml.as_bytes(), now, Some(&keys)).unwrap();
    assert_eq!((read.entity_id.as_str(), &read.signing, read.wants_requests_signed), (ISSUER, &keys, true));
    assert!(read.sign_on.iter().all(|endpoint| endpoint.location == provider.sign_on) && read.sign_on.len() == 2);

    let provider = ServiceProvider { acs: "https://sso.example.com/saml/acs/partner", requests_signed: true };
    let xml = sp_metadata(&entity, &provider, Some(&p256())).unwrap();
    let read = read::metadata::ServiceProvider::read(xml.as_bytes(), now, Some(&keys)).unwrap();
    assert_eq!((&read.signing, read.signs_requests, read.wants_assertions_signed), (&keys, true, true));
    assert_eq!(read.consumers.iter().map(|it| it.location.as_str()).collect::<Vec<_>>(), [provider.acs]);
    assert_eq!((read.valid_until, read.logout.len()), (entity.valid_until, 2));
}

#[test]
fn a_response_and_its_assertion() {
    for (signed, of_response, of_assertion) in
        [(Signed::Assertion, false, true), (Signed::Response, true, false), (Signed::Both, true, true)]
    {
        let xml = about_anna(vec![attribute(HOSTILE, &[HOSTILE])], &p256(), signed);
        let document = Document::read(xml.as_bytes()).unwrap();
        let assertion = document.root().elements().find(|element| element.name().local == "Assertion").unwrap();
        let verified = |element| verify_response_part(&document, element, &pinned()).is_ok();
        assert_eq!((verified(document.root()), verified(assertion)), (of_response, of_assertion), "{signed:?}");
    }
}
