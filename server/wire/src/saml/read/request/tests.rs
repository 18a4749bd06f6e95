use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::saml::read::samples::{AUTHN_REQUEST as FULL, LEAST_AUTHN_REQUEST as LEAST};

fn read(text: &str) -> Result<AuthnRequest, RequestError> {
    AuthnRequest::read(&Document::read(text.as_bytes()).expect(text))
}

/// Why the full request is refused once a piece of it is another.
fn refused(from: &str, to: &str) -> String {
    assert!(FULL.contains(from), "{from}");
    read(&FULL.replace(from, to)).expect_err(to).to_string()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn all_that_can_be_asked_is_read() {
    let full = read(FULL).unwrap();
    assert_eq!(
        full,
        AuthnRequest {
            header: Header {
                id: "_a-1.b".to_owned(),
                issuer: "https://sp.example/metadata".to_owned(),
                issued: at("2030-01-31T12:00:00.123Z"),
                destination: Some("https://sso.example/saml/sso".to_owned()),
            },
            force: true,
            passive: false,
            binding: Some(Binding::HttpPost.uri().to_owned()),
            acs_url: Some("https://sp.example/acs".to_owned()),
            acs_index: None,
            attribute_set: Some(7),
            provider_name: Some("R&D".to_owned()),
            subject: Some(NameId {
                value: "a@b.example".to_owned(),
                format: Some("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned()),
                name_qualifier: None,
                sp_name_qualifier: Some("q".to_owned()),
            }),
            name_id_policy: Some(NameIdPolicy {
                format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned()),
                sp_name_qualifier: Some("group".to_owned()),
                allow_create: true,
            }),
            context: Some(RequestedContext {
                comparison: Comparison::Minimum,
                classes: vec!["urn:one".to_owned(), "urn:two".to_owned()],
            }),
        }
    );
    let least = read(LEAST).unwrap();
    assert_eq!((least.header.id.as_str(), least.header.issuer.as_str()), ("a", "sp"));
    assert!(!least.force && !least.passive && least.context.is_none() && least.name_id_policy.is_none());
}

#[test]
fn what_a_request_must_say_it_must_say_well_sidp_09_sidp_11() {
    for (from, to, expected) in [
        (" ID=\"_a-1.b\"", "", "<AuthnRequest> lacks ID"),
        ("ID=\"_a-1.b\"", "ID=\"\"", "is , which is no ID"),
        ("ID=\"_a-1.b\"", "ID=\"1a\"", "is 1a, which is no ID"),
        ("ID=\"_a-1.b\"", "ID=\"a&quot;b\"", "which is no ID"),
        (" Version=\"2.0\"", "", "<AuthnRequest> lacks Version"),
        ("Version=\"2.0\"", "Version=\"1.1\"", "Version is 1.1; only 2.0 is understood"),
        ("IssueInstant=\"2030-01-31T12:00:00.123Z\"", "", "<AuthnRequest> lacks IssueInstant"),
        ("2030-01-31T12:00:00.123Z", "2030-01-31T12:00:00", "which is no instant like 2030-01-31T12:00:00Z"),
        ("ForceAuthn=\"true\"", "ForceAuthn=\"TRUE\"", "ForceAuthn of <AuthnRequest> is TRUE, which is no truth value"),
        ("Index=\"7\"", "Index=\"-1\"", "is -1, which is no number up to 65535"),
        ("Index=\"7\"", "Index=\"65536\"", "is 65536, which is no number up to 65535"),
        ("nameid-format:entity\"", "nameid-format:persistent\"", "the format of <Issuer> is urn:"),
        ("https://sp.example/metadata", "", "<Issuer> is empty"),
        ("https://sp.example/metadata", "<x/>", "<Issuer> holds elements where only text may be"),
        ("saml:Issuer", "saml:Issuers", "<AuthnRequest> lacks <Issuer>"),
        ("samlp:AuthnRequest", "samlp:LogoutRequest", "<LogoutRequest> came where <AuthnRequest> is expected"),
        ("SAML:2.0:protocol", "SAML:1.1:protocol", "<AuthnRequest> came where <AuthnRequest> is expected"),
        ("<samlp:Scoping", "text<samlp:Scoping", "<AuthnRequest> holds text between its elements"),
        ("<samlp:Scoping", "<samlp:Unknown/><samlp:Scoping", "<AuthnRequest> holds <Unknown> where it may not stand"),
        ("<samlp:Scoping", "<saml:Subject/><samlp:Scoping", "<AuthnRequest> holds <Subject> where it may not stand"),
        (
            "<saml:Conditions",
            "<samlp:NameIDPolicy/><saml:Conditions",
            "holds <NameIDPolicy> where it may not stand, or too often",
        ),
        ("Comparison=\"minimum\"", "Comparison=\"least\"", "Comparison is least; it must be exact"),
        ("saml:AuthnContextClassRef>", "saml:AuthnContextDeclRef>", "refers to declarations"),
        ("a@b.example</saml:NameID>", "a</saml:NameID><saml:SubjectConfirmation/>", "<Subject> names nobody"),
        (" AttributeConsuming", " AssertionConsumerServiceIndex=\"1\" AttributeConsuming", "only one may"),
        (
            "AssertionConsumerServiceURL=\"https://sp.example/acs\"",
            "AssertionConsumerServiceIndex=\"1\"",
            "and ProtocolBinding how; only one may",
        ),
    ] {
        let found = refused(from, to);
        assert!(found.contains(expected), "{to}: {found}");
    }
    let classes = "<saml:AuthnContextClassRef>urn:x</saml:AuthnContextClassRef>".repeat(40);
    let many = refused("<saml:AuthnContextClassRef>urn:one</saml:AuthnContextClassRef>", &classes);
    assert!(many.contains("more than 31 <AuthnContextClassRef>"), "{many}");
    let long = refused("https://sp.example/metadata", &"a".repeat(2_000));
    assert_eq!(long, "<Issuer> is longer than 1024 characters");
    let shown = refused("Version=\"2.0\"", &format!("Version=\"{}\"", "\u{202e}&#13;&lt;".repeat(200)));
    assert!(
        shown.len() < 700 && !shown.contains(['\u{202e}', '\r']),
        "what a peer sends is shown short and escaped: {shown}"
    );
}

#[test]
fn a_message_inside_a_message_is_refused_sidp_06() {
    let put = |inside: &str| refused("<x:Hint xmlns:x=\"urn:x\" a=\"1\">text</x:Hint>", inside);
    assert!(put(LEAST).contains("<Extensions> holds <AuthnRequest>"));
    assert!(put(&format!("<x>{LEAST}</x>")).contains("<Extensions> holds <AuthnRequest>"));
    assert!(put("<saml:Assertion/>").contains("<Extensions> holds <Assertion>"));
    let stray = "there is a signature at another place than right behind <Issuer>";
    let signature = "<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>";
    assert_eq!(put(&format!("<x>{signature}</x>")), stray);
    assert_eq!(refused("<samlp:NameIDPolicy", &format!("{signature}<samlp:NameIDPolicy")), stray);
    let in_place = FULL.replace("<samlp:Extensions>", &format!("{signature}<samlp:Extensions>"));
    assert!(read(&in_place).is_ok(), "whether it is good is another question");
    assert!(read(&in_place.replace(signature, &signature.repeat(2))).is_err());
}

#[test]
fn messages_are_for_us_from_whom_we_know_and_of_today_sidp_09_sidp_11() {
    let header = read(FULL).unwrap().header;
    assert_eq!(header.check_issuer("https://sp.example/metadata"), Ok(()));
    for other in ["https://sp.example/metadata/", "https://SP.example/metadata", ""] {
        assert!(matches!(header.check_issuer(other), Err(HeaderError::Issuer { .. })), "{other}");
    }
    let ours = ["https://sso.example/saml/sso", "https://sso.example/saml/sso/one"];
    assert_eq!(header.check_destination(&ours, true), Ok(()));
    assert_eq!(header.check_destination(&[ours[1], ours[0]], true), Ok(()));
    for foreign in ["https://sso.example/saml/sso/", "https://sso.example/saml/slo", "http://sso.example/saml/sso", ""]
    {
        let foreign = Header { destination: Some(foreign.to_owned()), ..header.clone() };
        let error = foreign.check_destination(&ours, false).unwrap_err();
        assert!(matches!(&error, HeaderError::Destination { expected, .. } if expected == ours[0]), "{error}");
    }
    let silent = Header { destination: None, ..header.clone() };
    assert_eq!(silent.check_destination(&ours, false), Ok(()));
    assert_eq!(silent.check_destination(&ours, true), Err(HeaderError::NoDestination));

    let (oldest, skew) = (SignedDuration::from_secs(300), SignedDuration::from_secs(60));
    let check = |now: &str| header.check_time(at(now), oldest, skew);
    assert_eq!(check("2030-01-31T12:00:00Z"), Ok(()));
    assert_eq!(check("2030-01-31T11:59:01Z"), Ok(()));
    assert_eq!(check("2030-01-31T11:58:59Z"), Err(HeaderError::TooNew(61)));
    assert_eq!(check("2030-01-31T12:06:00Z"), Ok(()));
    assert_eq!(check("2030-01-31T12:06:01Z"), Err(HeaderError::TooOld(360)));
    assert_eq!(check("2030-01-31T13:00:00Z"), Err(HeaderError::TooOld(3599)));
    assert_eq!(check("2030-01-31T11:00:00Z"), Err(HeaderError::TooNew(3600)));
    assert!(
        header.check_time(Timestamp::MAX, oldest, skew).is_err()
            && header.check_time(Timestamp::MIN, oldest, skew).is_err()
    );
}

fn consumer(location: &str, index: u16, is_default: Option<bool>) -> AssertionConsumer {
    AssertionConsumer { location: location.to_owned(), index: Some(index), is_default }
}

#[test]
fn answers_go_to_registered_addresses_only_sidp_01_sidp_02() {
    let request = read(FULL).unwrap();
    let registered = [consumer("https://sp.example/other", 0, None), consumer("https://sp.example/acs", 5, Some(true))];
    assert_eq!(request.answer_to(&registered), Ok(&registered[1]));
    for variant in [
        "https://sp.example/ac",
        "https://sp.example/acs/",
        "https://sp.example/acs/more",
        "https://sp.example:443/acs",
        "https://sp.example:8443/acs",
        "https://user@sp.example/acs",
        "https://sp.example/acs#x",
        "https://sp.example/acs?x",
        "https://SP.example/acs",
        "HTTPS://sp.example/acs",
        "https://sp.example./acs",
        "https://sp.example/x/%2e%2e/acs",
        "https://sp.example/x/../acs",
        "http://sp.example/acs",
        "https://evil.example/acs",
        "https://sp.example/%61cs",
        " https://sp.example/acs",
        "",
    ] {
        let asked = AuthnRequest { acs_url: Some(variant.to_owned()), ..request.clone() };
        assert!(matches!(asked.answer_to(&registered), Err(RequestError::UnknownUrl(_))), "{variant}");
    }
    let by_index = |index| AuthnRequest { acs_url: None, binding: None, acs_index: Some(index), ..request.clone() };
    assert_eq!(by_index(0).answer_to(&registered), Ok(&registered[0]));
    assert_eq!(by_index(1).answer_to(&registered), Err(RequestError::UnknownIndex(1)));
    let open = read(LEAST).unwrap();
    assert_eq!(open.answer_to(&registered), Ok(&registered[1]), "the default");
    assert_eq!(open.answer_to(&[]), Err(RequestError::NoPlace));
    let denied = [consumer("https://a.example", 1, Some(false)), consumer("https://b.example", 2, None)];
    assert_eq!(open.answer_to(&denied), Ok(&denied[1]));
    assert_eq!(open.answer_to(&denied[..1]), Ok(&denied[0]));
    let artifact =
        AuthnRequest { binding: Some("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact".to_owned()), ..open };
    assert!(matches!(artifact.answer_to(&registered), Err(RequestError::Binding(_))));
}

proptest! {
    #[test]
    fn no_changed_request_makes_it_panic(at in 0..FULL.len(), to in "\\PC{0,4}", length in 0..20_usize) {
        let mut text = FULL.as_bytes().to_vec();
        let end = (at + length).min(text.len());
        text.splice(at..end, to.bytes());
        if let Ok(document) = Document::read(&text) {
            let _ = AuthnRequest::read(&document);
        }
    }
}
