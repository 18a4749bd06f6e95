//! Every parser at once: documents of honest peers, changed by chance and by habit of attackers, and the verdict of `xmlsec1` on
//! what is accepted of them.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::certificate::Pinned;
use super::logout::{LogoutRequest, LogoutResponse};
use super::metadata::{IdentityProvider, ServiceProvider};
use super::request::AuthnRequest;
use super::response::Expected;
use super::samples::{self, ACS, REQUEST_TO_SIGN};
use super::testing::{Peer, element, form, unsigned};
use super::xml::Document;
use super::{binding, location, response, signature};
use crate::saml::emit::{self, Signer};
use crate::saml::keys::KeyKind;
use crate::saml::names::{MessageKind, SignatureAlgorithm};
use crate::saml::testing::Judges;

static PEER: LazyLock<Peer> = LazyLock::new(|| Peer::new(KeyKind::P256));

/// What peers send, signed where it can be.
static CORPUS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let assertion = samples::assertion("_assertion", "anna", &unsigned(KeyKind::P256, "_assertion"));
    let whole = samples::response(&unsigned(KeyKind::P256, "_response"), &samples::assertion("_assertion", "anna", ""));
    let certificate = PEER.pinned[0].certificate().to_pem();
    let base64: String = certificate.lines().filter(|line| !line.starts_with('-')).collect();
    let metadata = |text: &str| text.replace("@signing@", &base64).replace("@both@", &base64);
    vec![
        PEER.signs(&request_to_sign()),
        PEER.signs(&samples::response("", &assertion)),
        PEER.signs(&whole),
        samples::AUTHN_REQUEST.to_owned(),
        samples::LEAST_AUTHN_REQUEST.to_owned(),
        samples::LOGOUT_REQUEST.to_owned(),
        samples::LOGOUT_RESPONSE.to_owned(),
        metadata(samples::SP_METADATA),
        metadata(samples::IDP_METADATA),
        query(),
        certificate,
        ACS.to_owned(),
    ]
});

/// A signed request as it stands in an address.
fn query() -> String {
    let certificate = PEER.pinned[0].certificate();
    let signer = Signer::new(&PEER.key, certificate, SignatureAlgorithm::EcdsaSha256).unwrap();
    let request = samples::LEAST_AUTHN_REQUEST;
    emit::redirect_url("", MessageKind::Request, request, Some("x"), Some(&signer)).unwrap().replacen('?', "", 1)
}

fn request_to_sign() -> String {
    REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha256")
}

/// What means something somewhere.
const WORDS: [&str; 32] = [
    "<",
    ">",
    "/>",
    "</",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!DOCTYPE a [<!ENTITY e 'x'>]>",
    "<?xml version='1.0'?>",
    "&e;",
    "&#0;",
    "&#x10FFFF;",
    "&amp;",
    " xmlns=''",
    " xmlns:saml='urn:x'",
    " ID='_assertion'",
    " ID='_1'",
    "<ds:Object>",
    "</ds:Object>",
    "<samlp:Extensions>",
    "</samlp:Extensions>",
    "<saml:Subject/>",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "\r\n",
    "'",
    "\"",
    "%53",
    "&RelayState=",
    "-----BEGIN CERTIFICATE-----",
];

/// One way to change a text. Places are taken modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Byte(usize, u8),
    Word(usize, usize),
    Without(usize, usize),
    Copied {
        from: usize,
        length: usize,
        to: usize,
    },
    /// An element, from one angle bracket to another, put somewhere else.
    Moved {
        from: usize,
        elements: usize,
        to: usize,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..20_000_usize;
    prop_oneof![
        (place.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (place.clone(), 0..WORDS.len()).prop_map(|(at, word)| Change::Word(at, word)),
        (place.clone(), 0..200_usize).prop_map(|(at, length)| Change::Without(at, length)),
        (place.clone(), 0..400_usize, place.clone()).prop_map(|(from, length, to)| Change::Copied { from, length, to }),
        (place.clone(), 1..12_usize, place).prop_map(|(from, elements, to)| Change::Moved { from, elements, to }),
    ]
}

fn changed(text: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut text = text.to_vec();
    for change in changes {
        let length = text.len().max(1);
        let range = |at: usize, size: usize| at % length..(at % length + size).min(text.len());
        match *change {
            Change::Byte(at, byte) => text.splice(range(at, 1), [byte]).for_each(drop),
            Change::Word(at, word) => text.splice(range(at, 0), WORDS[word].bytes()).for_each(drop),
            Change::Without(at, size) => text.drain(range(at, size)).for_each(drop),
            Change::Copied { from, length: size, to } => {
                let piece = text[range(from, size)].to_vec();
                text.splice(range(to, 0), piece).for_each(drop);
            }
            Change::Moved { from, elements, to } => {
                let brackets: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'<').collect();
                let count = brackets.len().max(1);
                let (Some(start), Some(end)) = (brackets.get(from % count), brackets.get(from % count + elements))
                else {
                    continue;
                };
                let piece: Vec<u8> = text.drain(*start..*end).collect();
                let brackets: Vec<usize> = (0..text.len()).filter(|at| text[*at] == b'<').collect();
                let at = brackets.get(to % brackets.len().max(1)).copied().unwrap_or_default();
                text.splice(at..at, piece).for_each(drop);
            }
        }
    }
    text
}

fn expected() -> Expected<'static> {
    samples::expected(&PEER.pinned)
}

/// The canonical form of a document as a whole.
fn whole(document: &Document<'_>) -> Vec<u8> {
    form(document, document.root(), None)
}

/// What was signed of a message: all but the signature.
fn covered(text: &[u8]) -> Vec<u8> {
    let document = Document::read(text).unwrap();
    form(&document, document.root(), document.root().elements().nth(1))
}

#[test]
fn what_honest_peers_send_is_accepted() {
    let now = expected().now;
    let [request, by_assertion, by_response, full, least, logout, answer, sp, idp, query, certificate, address] =
        CORPUS.as_slice()
    else {
        panic!("the corpus has other documents than are named here");
    };
    let read = |text: &str| Document::read(text.as_bytes()).map(|document| whole(&document)).is_ok();
    assert!([request, full, least, logout, answer].into_iter().all(|text| read(text)));
    assert!(signature::verify_message(&Document::read(request.as_bytes()).unwrap(), &PEER.pinned).is_ok());
    for text in [by_assertion, by_response] {
        assert_eq!(response::verify(text.as_bytes(), &expected()).unwrap().name_id.value, "anna");
    }
    assert!(ServiceProvider::read(sp.as_bytes(), now, None).is_ok());
    assert!(IdentityProvider::read(idp.as_bytes(), now, None).is_ok());
    let query = binding::Redirected::parse(query.as_bytes()).unwrap();
    assert!(query.verify(&PEER.pinned).is_ok() && query.document == samples::LEAST_AUTHN_REQUEST.as_bytes());
    assert_eq!(Pinned::parse(certificate).as_ref(), Ok(&PEER.pinned[0]));
    assert_eq!(location::check_location(address), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// No parser panics, and nothing that was changed is taken for what a peer has signed.
    #[test]
    fn what_was_changed_harms_no_parser_and_convinces_none(which in 0..12_usize, changes in prop::collection::vec(change(), 1..4)) {
        let original = CORPUS[which].as_bytes();
        let bytes = changed(original, &changes);
        let now = expected().now;
        if let Ok(document) = Document::read(&bytes) {
            prop_assert_eq!(document.source_of(document.root()).len(), document.root().range().len());
            let _ = (AuthnRequest::read(&document), LogoutRequest::read(&document), LogoutResponse::read(&document));
            if signature::verify_message(&document, &PEER.pinned).is_ok() {
                prop_assert_eq!(covered(&bytes), covered(original), "{}", String::from_utf8_lossy(&bytes));
            }
            prop_assert!(Document::read(&whole(&document)).is_ok(), "the canonical form can be read");
        }
        if let Ok(document) = Document::read_file(&bytes) {
            let _ = signature::verify_metadata(&document, &PEER.pinned);
        }
        let _ = (ServiceProvider::read(&bytes, now, None), IdentityProvider::read(&bytes, now, None));
        if let Ok(sign_on) = response::verify(&bytes, &expected()) {
            prop_assert_eq!(sign_on.name_id.value, "anna");
            prop_assert_eq!(sign_on.assertion_id, "_assertion");
        }
        if let Ok(read) = binding::Redirected::parse(&bytes) {
            let convinced = read.verify(&PEER.pinned).is_ok();
            prop_assert!(!convinced || read.document == samples::LEAST_AUTHN_REQUEST.as_bytes());
            prop_assert!(!convinced || read.relay_state.as_deref() == Some("x"));
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = (binding::posted(text), Pinned::parse(text), location::check_location(text));
        }
    }
}

/// What is accepted here, `xmlsec1` accepts: generated content, signed, then changed or not. One process judges many documents.
#[test]
fn xmlsec_accepts_what_is_accepted_here() {
    let mut runner = TestRunner::deterministic();
    let judges = Judges::new();
    let (mut accepted, mut signed, mut refused) = (Vec::new(), 0, 0);
    while signed < 1_000 {
        let content = element().new_tree(&mut runner).unwrap().current();
        let extensions = format!(
            "<samlp:Extensions xmlns:p='urn:p' xmlns:q='urn:q'>{content}</samlp:Extensions><samlp:NameIDPolicy "
        );
        let template = request_to_sign().replace("<samlp:NameIDPolicy ", &extensions);
        if Document::read(template.as_bytes()).is_err() {
            continue;
        }
        let text = PEER.signs(&template);
        signed += 1;
        let changes = prop::collection::vec(change(), 1..3);
        let other = |runner: &mut TestRunner| changed(text.as_bytes(), &changes.new_tree(runner).unwrap().current());
        let variants = (0..9).map(|_| other(&mut runner)).chain([text.clone().into_bytes()]).collect::<Vec<_>>();
        for variant in variants {
            let document = Document::read(&variant);
            if document.is_ok_and(|document| signature::verify_message(&document, &PEER.pinned).is_ok()) {
                accepted.push(String::from_utf8(variant).unwrap());
            } else {
                refused += 1;
            }
        }
    }
    assert!(accepted.len() >= signed && refused > signed, "{} accepted, {refused} refused of 10,000", accepted.len());
    for batch in accepted.chunks(200) {
        assert!(judges.verifies_all(batch, "AuthnRequest", PEER.pinned[0].certificate()));
    }
    let broken = [accepted[0].clone(), accepted[1].replace("sp.example", "SP.example"), accepted[2].clone()];
    assert!(!judges.verifies_all(&broken, "AuthnRequest", PEER.pinned[0].certificate()), "and it looks at each");
}
