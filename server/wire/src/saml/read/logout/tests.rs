use proptest::prelude::*;

use super::*;
use crate::saml::names::StatusCode;
use crate::saml::read::samples::{LOGOUT_REQUEST as REQUEST, LOGOUT_RESPONSE as RESPONSE};

fn request(text: &str) -> Result<LogoutRequest, LogoutError> {
    LogoutRequest::read(&Document::read(text.as_bytes()).expect(text))
}

fn response(text: &str) -> Result<LogoutResponse, LogoutError> {
    LogoutResponse::read(&Document::read(text.as_bytes()).expect(text))
}

#[test]
fn requests_are_read() {
    let read = request(REQUEST).unwrap();
    assert_eq!(read.header.issuer, "https://sp.example/metadata");
    assert_eq!(
        read.name_id,
        NameId {
            value: "x y ".to_owned(),
            format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned()),
            name_qualifier: Some("https://sso.example/saml/metadata".to_owned()),
            sp_name_qualifier: Some("https://sp.example/metadata".to_owned()),
        },
        "the name exactly as it stands"
    );
    assert_eq!(read.sessions, ["_s1", "_s2"]);
    assert_eq!(read.reason, Some(LogoutReason::User));
    assert_eq!(request(&REQUEST.replace("logout:user", "other")).unwrap().reason, None);
}

#[test]
fn requests_that_are_old_or_odd_are_refused_sidp_28() {
    let read = request(REQUEST).unwrap();
    let skew = SignedDuration::from_secs(60);
    let check = |now: &str| read.check_expiry(now.parse().unwrap(), skew);
    assert_eq!(check("2030-01-31T12:05:59Z"), Ok(()));
    assert_eq!(check("2030-01-31T12:06:00Z"), Err(LogoutError::Expired(60)));
    assert_eq!(
        read.header.check_issuer("https://other.example/"),
        Err(HeaderError::Issuer {
            expected: "https://other.example/".to_owned(),
            found: "https://sp.example/metadata".to_owned(),
        })
    );
    for (from, to, expected) in [
        ("saml:NameID", "saml:EncryptedID", "the person is named by <EncryptedID>; only <NameID> is understood"),
        ("saml:NameID", "saml:BaseID", "the person is named by <BaseID>; only <NameID> is understood"),
        ("saml:NameID", "samlp:NameID", "<LogoutRequest> lacks <NameID>"),
        ("x y ", "", "<NameID> is empty"),
        ("x y ", "admin<x/>@evil", "<NameID> holds elements where only text may be"),
        (
            "</samlp:LogoutRequest>",
            "<saml:NameID>z</saml:NameID></samlp:LogoutRequest>",
            "<LogoutRequest> holds <NameID> where it may not stand, or too often",
        ),
        (
            "NotOnOrAfter=\"2030",
            "NotOnOrAfter=\"soon",
            "NotOnOrAfter of <LogoutRequest> is soon-01-31T12:05:00Z, which is no instant like 2030-01-31T12:00:00Z",
        ),
        ("LogoutRequest", "LogoutResponse", "<LogoutResponse> came where <LogoutRequest> is expected"),
    ] {
        let found = request(&REQUEST.replace(from, to)).expect_err(to).to_string();
        assert_eq!(found, expected);
    }
    let many = "<samlp:SessionIndex>s</samlp:SessionIndex>".repeat(MOST_SESSIONS);
    let found = request(&REQUEST.replace("<samlp:SessionIndex>_s1", &format!("{many}<samlp:SessionIndex>_s1")));
    assert_eq!(found.unwrap_err().to_string(), "<LogoutRequest> holds more than 64 <SessionIndex>");
}

#[test]
fn answers_are_read_and_must_answer_what_was_asked() {
    let read = response(RESPONSE).unwrap();
    assert_eq!(read.status.code, StatusCode::Responder);
    assert_eq!(read.status.detail, Some(StatusCode::PartialLogout));
    assert_eq!(read.status.message.as_deref(), Some("one is left"));
    assert_eq!(read.status.to_string(), "Responder, PartialLogout (one is left)");
    assert_eq!(read.check_answers("_1"), Ok(()));
    assert!(matches!(read.check_answers("_9"), Err(LogoutError::InResponseTo { .. })));
    let unasked = response(&RESPONSE.replace(" InResponseTo=\"_1\"", "")).unwrap();
    assert!(matches!(unasked.check_answers("_1"), Err(LogoutError::InResponseTo { .. })));
    for (from, to) in
        [("status:Responder", "status:PartialLogout"), ("status:Responder", "x"), ("samlp:Status>", "samlp:Other>")]
    {
        assert!(response(&RESPONSE.replace(from, to)).is_err(), "{to}");
    }
}

proptest! {
    #[test]
    fn no_changed_message_makes_it_panic(at in 0..REQUEST.len(), to in "\\PC{0,4}", length in 0..20_usize) {
        for sample in [REQUEST, RESPONSE] {
            let mut text = sample.as_bytes().to_vec();
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, to.bytes());
            if let Ok(document) = Document::read(&text) {
                let _ = (LogoutRequest::read(&document), LogoutResponse::read(&document));
            }
        }
    }
}
