//! Generated names, attributes and options: whatever stands in them, every response is well-formed, valid by the schemas, verified by
//! `xmlsec1`, and gives back the values that went in.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::*;
use super::samples::*;
use crate::saml::names::{AttributeNameFormat, AuthnContext, NameIdFormat};
use crate::saml::testing::{Judges, P256, RSA};

/// Up to three programs are started for each, so that the whole takes seconds.
const CASES: u32 = 48;

fn anything() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<char>().prop_map(String::from),
        1 => select(vec![
            "\r\n", "\t", "]]>", "<!--", "-->", "<![CDATA[", "&amp;", "&#x0;", "\0", "\u{fffe}", "\u{feff}", "\u{85}", "</saml:",
            "\"", "'", " ", "xmlns=\"x\"", "<?xml", "\u{202e}", "%", "é", "e\u{301}",
        ])
        .prop_map(String::from),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// What arrives of a text: all that XML can carry.
fn carried(text: &str) -> String {
    let legal =
        |c: &char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().filter(legal).collect()
}

fn attributes() -> impl Strategy<Value = Vec<Attribute<'static>>> {
    let one = (anything(), select(AttributeNameFormat::ALL), option::of(anything()), vec(anything(), 0..4));
    let one = one.prop_map(|(name, format, friendly_name, values)| Attribute {
        name: Cow::Owned(name),
        format,
        friendly_name: friendly_name.map(Cow::Owned),
        values: values.into_iter().map(Cow::Owned).collect(),
    });
    vec(one, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_response_is_valid_verified_and_says_what_went_in(
        texts_in in [anything(), anything(), anything()],
        qualifiers in (option::of(anything()), option::of(anything())),
        format in select(NameIdFormat::ALL),
        context in select(AuthnContext::ALL),
        attributes in attributes(),
        signed in select(vec![Signed::Assertion, Signed::Response, Signed::Both]),
        curve in any::<bool>(),
        in_response_to in option::of("[a-z_][a-z0-9]{0,30}"),
        session in any::<bool>(),
    ) {
        let [subject, issuer, session_index] = &texts_in;
        let (response_id, assertion_id) = (id(1), id(2));
        let mut envelope = envelope(&response_id);
        envelope.issuer = issuer;
        envelope.in_response_to = in_response_to.as_deref();
        let mut assertion = assertion(&assertion_id, attributes);
        assertion.subject = NameId {
            value: subject,
            format,
            name_qualifier: qualifiers.0.as_deref(),
            sp_name_qualifier: qualifiers.1.as_deref(),
        };
        assertion.context = context;
        assertion.session_index = session_index;
        if !session {
            assertion.session_ends = None;
        }
        let (signer, certificate) = if curve { (p256(), &P256.certificate) } else { (rsa(), &RSA.certificate) };

        let xml = response(&envelope, &assertion, Protection { signer: &signer, signed, encryption: None }).unwrap();

        let judges = Judges::new();
        prop_assert_eq!(judges.faults(&xml), None);
        if signed != Signed::Assertion {
            prop_assert!(judges.verifies(&xml, "Response", certificate), "{}", xml);
        }
        if signed != Signed::Response {
            prop_assert!(judges.verifies(&xml, "Assertion", certificate), "{}", xml);
        }
        prop_assert_eq!(texts(&xml, "NameID"), [carried(subject)]);
        prop_assert_eq!(texts(&xml, "Issuer"), [carried(issuer), carried(issuer)]);
        prop_assert_eq!(values(&xml, "AuthnStatement", "SessionIndex"), [carried(session_index)]);
        let told: Vec<_> = assertion.attributes.iter().filter(|it| !it.values.is_empty()).collect();
        prop_assert_eq!(values(&xml, "Attribute", "Name"), told.iter().map(|it| carried(&it.name)).collect::<Vec<_>>());
        let expected = told.iter().flat_map(|it| it.values.iter().map(|value| carried(value))).collect::<Vec<_>>();
        prop_assert_eq!(texts(&xml, "AttributeValue"), expected);
    }
}
