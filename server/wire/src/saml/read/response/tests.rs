use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::saml::emit::{self, Envelope, Id, Protection, Signed, Signer};
use crate::saml::keys::KeyKind;
use crate::saml::names::{AttributeNameFormat, AuthnContext, NameIdFormat, SignatureAlgorithm};
use crate::saml::read::samples::{self, ACS, IDP, US, assertion, response};
use crate::saml::read::shape::ShapeError;
use crate::saml::read::testing::{Peer, unsigned};
use crate::saml::testing;

static PEER: LazyLock<Peer> = LazyLock::new(|| Peer::new(KeyKind::P256));

fn expected() -> Expected<'static> {
    samples::expected(&PEER.pinned)
}

/// A response whose assertion is to be signed.
fn template() -> String {
    response("", &assertion("_assertion", "anna", &unsigned(KeyKind::P256, "_assertion")))
}

fn verdict(text: &str) -> Result<SignOn, ResponseError> {
    verify(text.as_bytes(), &expected())
}

/// Why a response is refused that was changed before it was signed.
fn refused(from: &str, to: &str) -> ResponseError {
    assert!(template().contains(from), "{from}");
    verdict(&PEER.signs(&template().replace(from, to))).expect_err(to)
}

#[test]
fn who_has_signed_in_is_read() {
    let good = verdict(&PEER.signs(&template())).unwrap();
    assert_eq!(
        good,
        SignOn {
            assertion_id: "_assertion".to_owned(),
            remember_until: testing::at("2030-01-31T12:11:00Z"),
            name_id: NameId {
                value: "anna".to_owned(),
                format: Some(NameIdFormat::Persistent.uri().to_owned()),
                name_qualifier: None,
                sp_name_qualifier: None,
            },
            authenticated: testing::at("2030-01-31T11:00:00Z"),
            context_class: Some("urn:class".to_owned()),
            session_index: Some("_s".to_owned()),
            session_not_on_or_after: Some(testing::at("2030-01-31T20:00:00Z")),
            attributes: vec![Attribute {
                name: "groups".to_owned(),
                name_format: Some("urn:f".to_owned()),
                friendly_name: Some("g".to_owned()),
                values: vec!["one".to_owned(), "R&D".to_owned()],
            }],
        }
    );
    let whole = response(&unsigned(KeyKind::P256, "_response"), &assertion("_assertion", "anna", ""));
    assert_eq!(verdict(&PEER.signs(&whole)), Ok(good.clone()));
    let inner = PEER.signs(&template());
    let status = inner.find("<samlp:Status>").unwrap();
    let both = format!("{}{}{}", &inner[..status], unsigned(KeyKind::P256, "_response"), &inner[status..]);
    assert_eq!(verdict(&PEER.signs(&both)), Ok(good));
    let outer_broken = PEER.signs(&both).replacen("<ds:SignatureValue>", "<ds:SignatureValue>AAAA", 1);
    assert_eq!(verdict(&outer_broken), Err(SignatureError::Signature.into()), "each that is there must be good");
}

#[test]
fn our_own_responses_are_understood() {
    let pair = &*testing::RSA;
    let signer = Signer::new(&pair.key, &pair.certificate, SignatureAlgorithm::RsaSha256).unwrap();
    let pinned = [Pinned::new(pair.certificate.clone()).unwrap()];
    let (one, two) = (Id::from_random([1; 20]), Id::from_random([2; 20]));
    let issued = testing::at("2030-01-31T12:00:00Z");
    let envelope = Envelope { id: &one, issuer: IDP, issued, destination: ACS, in_response_to: Some("_request") };
    for signed in [Signed::Assertion, Signed::Response, Signed::Both] {
        let told = emit::Attribute {
            name: "name".into(),
            format: AttributeNameFormat::Basic,
            friendly_name: None,
            values: vec!["Anna <&> \"B\"\r\n".into(), "\u{1f600}".into()],
        };
        let assertion = emit::Assertion {
            id: &two,
            subject: emit::NameId {
                value: "anna",
                format: NameIdFormat::Persistent,
                name_qualifier: Some(IDP),
                sp_name_qualifier: Some(US),
            },
            audience: US,
            skew: SignedDuration::from_secs(60),
            authenticated: issued,
            context: AuthnContext::Password,
            session_index: "_s",
            session_ends: None,
            attributes: vec![told],
        };
        let protection = Protection { signer: &signer, signed, encryption: None };
        let text = emit::response(&envelope, &assertion, protection).unwrap();
        let read = verify(text.as_bytes(), &Expected { pinned: &pinned, ..expected() }).unwrap();
        assert_eq!(read.assertion_id, two.as_str());
        assert_eq!(read.attributes[0].values, ["Anna <&> \"B\"\r\n", "\u{1f600}"]);
        assert_eq!(read.name_id.sp_name_qualifier.as_deref(), Some(US));
    }
}

#[test]
fn only_what_a_pinned_key_signed_counts_ssp_01_ssp_02() {
    let good = PEER.signs(&template());
    assert_eq!(
        verify(good.as_bytes(), &Expected { pinned: &[], ..expected() }),
        Err(SignatureError::NoCertificate.into())
    );
    let unsigned_response = response("", &assertion("_assertion", "admin", ""));
    assert_eq!(verdict(&unsigned_response), Err(SignatureError::Unsigned.into()));
    let nobody = verify(unsigned_response.as_bytes(), &Expected { pinned: &[], ..expected() });
    assert_eq!(nobody, Err(SignatureError::Unsigned.into()));
    assert_eq!(verdict(&Peer::new(KeyKind::P256).signs(&template())), Err(SignatureError::Signature.into()));
    assert_eq!(verdict(&good.replace(">anna<", ">admin<")), Err(SignatureError::Digest.into()));
    let start = good.find("<ds:SignatureValue>").unwrap() + "<ds:SignatureValue>".len();
    let end = good.find("</ds:SignatureValue>").unwrap();
    assert_eq!(verdict(&format!("{}{}", &good[..start], &good[end..])), Err(SignatureError::Signature.into()));
}

/// The eight ways of wrapping of SAML Raider, and some more. Whatever is signed, nobody becomes `admin`.
#[test]
fn wrapped_responses_are_refused_ssp_03_to_ssp_10() {
    let signed_assertion = {
        let text = PEER.signs(&template());
        text[text.find("<saml:Assertion").unwrap()..text.find("</samlp:Response>").unwrap()].to_owned()
    };
    let cut = |text: &str| {
        let (start, end) = (text.find("<ds:Signature ").unwrap(), text.find("</ds:Signature>").unwrap() + 15);
        (text[start..end].to_owned(), format!("{}{}", &text[..start], &text[end..]))
    };
    let (signature, original) = cut(&signed_assertion);
    let evil = |id: &str, signature: &str| assertion(id, "admin", signature);
    let holding =
        |what: &str| signature.replace("</ds:Signature>", &format!("<ds:Object>{what}</ds:Object></ds:Signature>"));
    let inside = |outer: &str, what: &str| outer.replace("</saml:Assertion>", &format!("{what}</saml:Assertion>"));
    let signed_response =
        PEER.signs(&response(&unsigned(KeyKind::P256, "_response"), &assertion("_assertion", "anna", "")));
    let (of_response, bare_response) = cut(&signed_response);
    let evil_response =
        |signature: &str| response(signature, &evil("_evil", "")).replacen("ID=\"_response\"", "ID=\"_outer\"", 1);
    let of_response_holding =
        of_response.replace("</ds:Signature>", &format!("<ds:Object>{bare_response}</ds:Object></ds:Signature>"));
    let documents = [
        ("SSP-03", evil_response(&of_response_holding)),
        ("SSP-04", evil_response(&of_response).replace("<samlp:Status>", &format!("{bare_response}<samlp:Status>"))),
        ("SSP-05", response("", &format!("{}{signed_assertion}", evil("_evil", "")))),
        ("SSP-06", response("", &inside(&evil("_evil", ""), &signed_assertion))),
        ("SSP-07", response("", &format!("{}{original}", evil("_evil", &signature)))),
        ("SSP-08", response("", &evil("_evil", &holding(&original)))),
        ("SSP-08 with the ID", response("", &evil("_assertion", &holding(&original)))),
        (
            "SSP-09",
            response("", &signed_assertion).replace(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", evil("_assertion", "")),
            ),
        ),
        ("SSP-10", response("", &inside(&evil("_assertion", &holding(&original)), ""))),
        ("after", response("", &format!("{signed_assertion}{}", evil("_evil", "")))),
        (
            "in advice",
            response(
                "",
                &evil("_evil", "").replace(
                    "</saml:Conditions>",
                    &format!("</saml:Conditions><saml:Advice>{signed_assertion}</saml:Advice>"),
                ),
            ),
        ),
        (
            "in the status",
            response("", &evil("_evil", "")).replace(
                "</samlp:Status>",
                &format!("<samlp:StatusDetail>{signed_assertion}</samlp:StatusDetail></samlp:Status>"),
            ),
        ),
        ("foreign signature", response("", &evil("_evil", &signature))),
    ];
    assert_eq!(verdict(&response("", &signed_assertion)).unwrap().name_id.value, "anna");
    assert_eq!(verdict(&signed_response).unwrap().name_id.value, "anna");
    for (row, text) in &documents {
        assert!(text.contains("admin"), "{row}");
        assert!(verdict(text).is_err(), "{row}: {text}");
    }
}

#[test]
fn times_are_enforced_in_both_places_ssp_24() {
    let at = |now: &str| verify(PEER.signs(&template()).as_bytes(), &Expected { now: testing::at(now), ..expected() });
    assert!(at("2030-01-31T11:59:00Z").is_ok() && at("2030-01-31T12:05:59Z").is_ok());
    assert!(matches!(at("2030-01-31T11:58:59Z"), Err(ResponseError::NotYet { seconds: 61, .. })));
    assert!(
        matches!(at("2030-01-31T12:06:00Z"), Err(ResponseError::Ended { element, seconds: 60 }) if element == "SubjectConfirmationData")
    );
    assert!(
        matches!(refused("12:10:00Z", "11:59:30Z"), ResponseError::Ended { element, .. } if element == "Conditions")
    );
    assert!(
        matches!(refused("NotBefore=\"2030-01-31T12:00:00Z\"", "NotBefore=\"2030-01-31T12:02:00Z\""), ResponseError::NotYet { element, .. } if element == "Conditions")
    );
    assert!(
        matches!(refused("Recipient=", "NotBefore=\"2030-01-31T12:02:00Z\" Recipient="), ResponseError::NotYet { element, .. } if element == "SubjectConfirmationData")
    );
    for (from, element) in [
        (" NotOnOrAfter=\"2030-01-31T12:05:00Z\"", "SubjectConfirmationData"),
        (" NotOnOrAfter=\"2030-01-31T12:10:00Z\"", "Conditions"),
    ] {
        assert_eq!(refused(from, ""), ResponseError::NoEnd { element: element.to_owned() });
    }
    assert!(matches!(
        refused("AuthnInstant=\"2030-01-31T11", "AuthnInstant=\"2030-01-31T13"),
        ResponseError::NotYet { .. }
    ));
    assert!(matches!(
        refused("SessionNotOnOrAfter=\"2030-01-31T20", "SessionNotOnOrAfter=\"2030-01-31T10"),
        ResponseError::Ended { .. }
    ));
    let made = "Version=\"2.0\" IssueInstant=\"2030-01-31T12:00:00Z\"><saml:Issuer>";
    assert!(
        matches!(refused(made, &made.replace("12:00:00Z", "12:02:00Z")), ResponseError::NotYet { element, .. } if element == "Assertion")
    );
}

#[test]
fn it_is_for_us_and_for_this_address_ssp_26_ssp_28() {
    let audience = format!("<saml:Audience>{US}</saml:Audience>");
    let restriction = format!("<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>");
    let other = "<saml:Audience>https://other.example/</saml:Audience>";
    assert!(matches!(refused(&audience, other), ResponseError::Audience { .. }));
    assert!(matches!(refused(&audience, ""), ResponseError::Audience { found, .. } if found == "nobody"));
    assert!(matches!(
        refused(&audience, "<saml:Audience></saml:Audience>"),
        ResponseError::Shape(ShapeError::Empty(_))
    ));
    assert_eq!(refused(&restriction, ""), ResponseError::NoAudience);
    let also = format!("{restriction}<saml:AudienceRestriction>{other}</saml:AudienceRestriction>");
    assert!(matches!(refused(&restriction, &also), ResponseError::Audience { .. }), "every restriction counts");
    assert!(verdict(&PEER.signs(&template().replace(&audience, &format!("{other}{audience}")))).is_ok());

    assert!(matches!(
        refused("Recipient=\"https://sso.example/", "Recipient=\"https://evil.example/"),
        ResponseError::Recipient(_)
    ));
    assert!(matches!(
        refused(&format!(" Recipient=\"{ACS}\""), ""),
        ResponseError::Shape(ShapeError::NoAttribute { attribute: "Recipient", .. })
    ));
    assert!(matches!(
        refused("Destination=\"https://sso.example/", "Destination=\"https://evil.example/"),
        ResponseError::Destination(_)
    ));
    let silent = |text: String| PEER.signs(&text.replace(&format!(" Destination=\"{ACS}\""), ""));
    assert!(verdict(&silent(template())).is_ok(), "the response itself is not signed");
    let whole = response(&unsigned(KeyKind::P256, "_response"), &assertion("_assertion", "anna", ""));
    assert_eq!(verdict(&silent(whole)), Err(ResponseError::NoDestination));
    let foreign = Expected { issuer: "https://other.example/", ..expected() };
    assert!(matches!(verify(PEER.signs(&template()).as_bytes(), &foreign), Err(ResponseError::Issuer { .. })));
    let inner = format!("2030-01-31T12:00:00Z\"><saml:Issuer>{IDP}");
    assert!(matches!(refused(&inner, &inner.replace(IDP, "https://other.example/")), ResponseError::Issuer { .. }));
}

#[test]
fn it_answers_what_this_browser_asked_ssp_29_ssp_30() {
    let good = PEER.signs(&template());
    let with = |text: &str, asked| verify(text.as_bytes(), &Expected { asked, ..expected() });
    assert!(matches!(with(&good, Asked::For("_other")), Err(ResponseError::InResponseTo(_))));
    assert!(matches!(with(&good, Asked::Nothing), Err(ResponseError::InResponseTo(_))));
    let stripped = PEER.signs(&template().replace(" InResponseTo=\"_request\"", ""));
    assert_eq!(with(&stripped, Asked::For("_request")), Err(ResponseError::NoInResponseTo("Response".to_owned())));
    assert!(with(&stripped, Asked::Nothing).is_ok());
    let inner = "SubjectConfirmationData InResponseTo=\"_request\"";
    assert!(matches!(refused(inner, "SubjectConfirmationData"), ResponseError::NoInResponseTo(_)));
    assert!(matches!(
        refused(inner, "SubjectConfirmationData InResponseTo=\"_other\""),
        ResponseError::InResponseTo(_)
    ));
}

#[test]
fn conditions_that_are_not_understood_are_not_met_ssp_33() {
    let end = "</saml:Conditions>";
    let own =
        "<saml:Condition xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"x\"/></saml:Conditions>";
    assert_eq!(refused(end, own), ResponseError::Condition("Condition".to_owned()));
    assert_eq!(refused(end, "<OneTimeUse/></saml:Conditions>"), ResponseError::Condition("OneTimeUse".to_owned()));
    assert_eq!(refused(end, "<saml:ProxyRestriction Count=\"0\"/></saml:Conditions>"), ResponseError::ProxyRestriction);
    assert!(verdict(&PEER.signs(&template().replace(end, &format!("<saml:OneTimeUse/>{end}")))).is_ok());
}

#[test]
fn only_a_bearer_is_confirmed_ssp_36() {
    for method in ["holder-of-key", "sender-vouches"] {
        assert_eq!(refused("cm:bearer", &format!("cm:{method}")), ResponseError::NoBearer);
    }
    let text = template();
    let confirmation = &text[text.find("<saml:SubjectConfirmation ").unwrap()..text.find("</saml:Subject>").unwrap()];
    assert_eq!(refused(confirmation, ""), ResponseError::NoBearer);
    let bad = confirmation.replace(ACS, "https://evil.example/");
    for two in [format!("{bad}{confirmation}"), format!("{confirmation}{bad}")] {
        assert!(verdict(&PEER.signs(&text.replace(confirmation, &two))).is_ok(), "the good one is enough");
    }
    assert!(matches!(refused(confirmation, &bad.repeat(2)), ResponseError::Recipient(_)));
    assert_eq!(refused("saml:NameID", "saml:EncryptedID"), ResponseError::NoName);
    assert!(matches!(refused(">anna<", "><"), ResponseError::Shape(ShapeError::Empty(_))));
    assert!(matches!(refused(">anna<", ">admin<x/>@evil<"), ResponseError::Shape(ShapeError::NotText(_))), "SSP-19");
}

#[test]
fn what_is_not_a_sign_on_is_refused_with_its_reason() {
    let failed = response("", "").replace("status:Success\"/>", "status:Responder\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:NoPassive\"/></samlp:StatusCode>");
    assert_eq!(
        verdict(&failed).unwrap_err().to_string(),
        "the identity provider did not sign anybody in: Responder, NoPassive"
    );
    assert_eq!(verdict(&response("", "")), Err(ResponseError::NoAssertion));
    let garbage =
        "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">AA</saml:EncryptedAssertion>";
    assert_eq!(verdict(&response("", garbage)), Err(ResponseError::Encrypted), "SSP-37");
    let text = template();
    let statement = &text[text.find("<saml:AuthnStatement").unwrap()..text.find("<saml:AttributeStatement>").unwrap()];
    assert_eq!(refused(statement, ""), ResponseError::NoStatement);
    assert!(matches!(refused(statement, &statement.repeat(2)), ResponseError::Shape(ShapeError::Unexpected { .. })));
    assert!(matches!(
        refused("<saml:Attribute ", "<saml:EncryptedAttribute/><saml:Attribute "),
        ResponseError::EncryptedAttribute
    ));
    assert!(matches!(
        refused(
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_assertion\" Version=\"2.0\"",
            "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_assertion\" Version=\"1.1\""
        ),
        ResponseError::Version(_)
    ));
    for broken in [
        format!("{text}garbage"),
        format!("{text}{text}"),
        text.replace("</samlp:Response>", ""),
        format!("<!DOCTYPE x>{text}"),
    ] {
        assert!(matches!(verdict(&broken), Err(ResponseError::Malformed(_))), "SSP-39, SIDP-14");
    }
}

proptest! {
    #[test]
    fn nothing_that_was_changed_signs_anybody_else_on(at in 0..6_000_usize, to in "\\PC{0,3}", length in 0..30_usize) {
        let mut text = SIGNED.with(Clone::clone).into_bytes();
        let start = at % text.len();
        let end = (start + length).min(text.len());
        text.splice(start..end, to.bytes());
        if let Ok(sign_on) = verify(&text, &expected()) {
            prop_assert_eq!(sign_on.name_id.value, "anna");
            prop_assert_eq!(sign_on.attributes.len(), 1);
        }
    }
}

thread_local! {
    static SIGNED: String = PEER.signs(&template());
}
