use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;

use super::*;
use crate::saml::keys::{KeyKind, SigningKey};
use crate::saml::testing;

const MESSAGE: &str = "<samlp:AuthnRequest/>";

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Percent-encodes all but letters and digits.
fn escaped(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b if b.is_ascii_alphanumeric() => char::from(*b).to_string(),
        b => format!("%{b:02X}"),
    };
    bytes.iter().map(one).collect()
}

fn message() -> String {
    format!("SAMLRequest={}", escaped(STANDARD.encode(packed(MESSAGE.as_bytes())).as_bytes()))
}

fn refused(query: &str) -> BindingError {
    Redirected::parse(query.as_bytes()).expect_err(query)
}

struct Peer {
    key: SigningKey,
    pinned: Vec<Pinned>,
}

impl Peer {
    fn new(kind: KeyKind) -> Self {
        let key = SigningKey::generate(kind).unwrap();
        let pinned = vec![Pinned::new(testing::certificate(&key)).unwrap()];
        Self { key, pinned }
    }

    /// Puts algorithm and signature behind a query.
    fn signed(&self, query: &str, algorithm: SignatureAlgorithm) -> String {
        let query = format!("{query}&SigAlg={}", escaped(algorithm.uri().as_bytes()));
        let signature = self.key.sign(algorithm, query.as_bytes()).unwrap();
        format!("{query}&Signature={}", escaped(STANDARD.encode(signature).as_bytes()))
    }

    fn verdict(&self, query: &str) -> Result<(), BindingError> {
        Redirected::parse(query.as_bytes())?.verify(&self.pinned).map(|_| ())
    }
}

#[test]
fn messages_in_addresses_are_read() {
    let plain = Redirected::parse(message().as_bytes()).unwrap();
    assert_eq!((plain.kind, plain.document.as_slice()), (MessageKind::Request, MESSAGE.as_bytes()));
    assert!(plain.relay_state.is_none() && !plain.is_signed());
    assert_eq!(plain.verify(&[]), Err(BindingError::Unsigned));
    let query =
        format!("lang=en&RelayState=a%26b+c&{}&SAMLEncoding={}", message(), escaped(DEFLATE_ENCODING.as_bytes()));
    let more = Redirected::parse(query.as_bytes()).unwrap();
    assert_eq!(more.relay_state.as_deref(), Some("a&b c"));
    let response = Redirected::parse(message().replace("SAMLRequest", "SAMLResponse").as_bytes()).unwrap();
    assert_eq!(response.kind, MessageKind::Response);
}

#[test]
fn signatures_cover_the_query_as_it_was_sent_sidp_07() {
    let peer = Peer::new(KeyKind::Rsa(2048));
    let query = peer.signed(&format!("{}&RelayState=x%2fy", message()), SignatureAlgorithm::RsaSha256);
    assert_eq!(peer.verdict(&query), Ok(()), "lower-case percent-encoding is verified as it came");
    assert_eq!(peer.verdict(&query.replace("x%2fy", "x%2Fy")), Err(BindingError::Signature));
    assert_eq!(peer.verdict(&query.replace("x%2fy", "x%2fz")), Err(BindingError::Signature));
    assert_eq!(peer.verdict(&query.replace("SAMLRequest", "SAMLResponse")), Err(BindingError::Signature));

    let parts: Vec<&str> = query.split('&').collect();
    let [message, state, algorithm, signature] = parts.as_slice() else { panic!("{parts:?}") };
    assert_eq!(
        peer.verdict(&[*signature, *state, *algorithm, *message].join("&")),
        Ok(()),
        "the order is the standard's"
    );
    assert_eq!(peer.verdict(&[*message, *state, *signature].join("&")), Err(BindingError::HalfSigned));
    assert_eq!(peer.verdict(&[*message, *state, *algorithm].join("&")), Err(BindingError::HalfSigned));
    assert_eq!(peer.verdict(&[*message, *state].join("&")), Err(BindingError::Unsigned));
    let stranger = Peer::new(KeyKind::Rsa(2048));
    assert_eq!(stranger.verdict(&query), Err(BindingError::Signature), "SIDP-05");
    let read = Redirected::parse(query.as_bytes()).unwrap();
    assert_eq!(read.verify(&[]), Err(BindingError::NoCertificate), "SSP-02");
    let both = [&stranger.pinned[..], &peer.pinned[..]].concat();
    assert_eq!(read.verify(&both), Ok(&peer.pinned[0]), "the next key stands beside the current one");

    let swap = |uri: &str| {
        peer.verdict(&[*message, *state, &format!("SigAlg={}", escaped(uri.as_bytes())), *signature].join("&"))
    };
    assert_eq!(swap(SignatureAlgorithm::RsaSha512.uri()), Err(BindingError::Signature));
    assert_eq!(swap(SignatureAlgorithm::EcdsaSha256.uri()), Err(BindingError::Signature));
    for weak in
        ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "none", ""]
    {
        assert!(matches!(swap(weak), Err(BindingError::Algorithm(_))), "{weak} (SSP-21, SSP-22)");
    }
    for empty in ["Signature=", "Signature=AAAA"] {
        assert_eq!(peer.verdict(&[*message, *state, *algorithm, empty].join("&")), Err(BindingError::Signature));
    }
    assert_eq!(
        peer.verdict(&[*message, *state, *algorithm, "Signature=x"].join("&")),
        Err(BindingError::Base64("Signature"))
    );
}

#[test]
fn every_accepted_algorithm_verifies() {
    for kind in [KeyKind::Rsa(2048), KeyKind::P256, KeyKind::P384] {
        let peer = Peer::new(kind);
        for algorithm in kind.algorithms() {
            assert_eq!(peer.verdict(&peer.signed(&message(), *algorithm)), Ok(()), "{algorithm:?}");
        }
    }
}

#[test]
fn nothing_is_there_twice_and_nothing_unsigned_is_added_sidp_08() {
    let peer = Peer::new(KeyKind::P256);
    let query = peer.signed(&format!("{}&RelayState=x", message()), SignatureAlgorithm::EcdsaSha256);
    assert_eq!(peer.verdict(&query), Ok(()));
    for (again, name) in [
        (message().as_str(), "SAMLRequest"),
        ("RelayState=x", "RelayState"),
        ("SigAlg=x", "SigAlg"),
        ("Signature=x", "Signature"),
    ] {
        assert_eq!(refused(&format!("{query}&{again}")), BindingError::Duplicate(name));
        assert_eq!(refused(&format!("{again}&{query}")), BindingError::Duplicate(name));
    }
    assert_eq!(refused(&format!("{query}&SAMLResponse=x")), BindingError::TwoMessages);
    assert_eq!(refused("RelayState=x"), BindingError::NoMessage);
    assert_eq!(refused(""), BindingError::NoMessage);
    for disguised in ["SAML%52equest=x", "Relay%53tate=y", "%53igAlg=x", "Relay+State=x"] {
        assert_eq!(refused(&format!("{query}&{disguised}")), BindingError::EncodedName);
    }
    assert_eq!(peer.verdict(&query.replace("&RelayState=x", "")), Err(BindingError::Signature), "a signed one removed");
    let without = peer.signed(&message(), SignatureAlgorithm::EcdsaSha256);
    assert_eq!(peer.verdict(&without), Ok(()));
    assert_eq!(peer.verdict(&format!("{without}&RelayState=x")), Err(BindingError::Signature), "an unsigned one added");
    assert_eq!(peer.verdict(&format!("{without}&RelayState=")), Err(BindingError::Signature));
    assert_eq!(peer.verdict(&format!("{without}&relaystate=x")), Ok(()), "a name that means nothing is not read");
    assert_eq!(refused(&"a=1&".repeat(40)), BindingError::TooManyParameters);
    assert_eq!(refused(&"a".repeat(LARGEST_QUERY + 1)), BindingError::LongQuery);
    assert_eq!(refused(&format!("{}&SAMLEncoding=urn%3Aother", message())), BindingError::Encoding);
}

#[test]
fn relay_state_is_bounded_and_else_left_alone_sidp_12() {
    let with =
        |text: &str| Redirected::parse(format!("{}&RelayState={}", message(), escaped(text.as_bytes())).as_bytes());
    for text in ["\"><script>", "'", "a\nb", &"x".repeat(81), &"x".repeat(LONGEST_RELAY_STATE)] {
        assert_eq!(with(text).unwrap().relay_state.as_deref(), Some(text));
        assert_eq!(check_relay_state(text), Ok(()));
    }
    for long in [LONGEST_RELAY_STATE + 1, 10_240] {
        assert_eq!(with(&"x".repeat(long)).unwrap_err(), BindingError::LongRelayState);
    }
    assert_eq!(with("a\0b").unwrap_err(), BindingError::Escape("RelayState"));
    assert_eq!(check_relay_state("a\0b"), Err(BindingError::RelayState));
    assert_eq!(refused(&format!("{}&RelayState=%ff", message())), BindingError::Escape("RelayState"));
}

#[test]
fn unpacking_stops_at_the_size_of_a_document_sidp_17() {
    let query = |bytes: &[u8]| format!("SAMLRequest={}", escaped(STANDARD.encode(bytes).as_bytes()));
    let bomb = packed(&vec![b'a'; 10 << 20]);
    assert!(bomb.len() < 16 * 1024, "{}", bomb.len());
    assert_eq!(refused(&query(&bomb)), BindingError::TooLarge);
    assert_eq!(refused(&query(&packed(&vec![b'a'; xml::LARGEST + 1]))), BindingError::TooLarge);
    let most = vec![b'a'; xml::LARGEST];
    assert_eq!(Redirected::parse(query(&packed(&most)).as_bytes()).unwrap().document, most);

    let whole = packed(MESSAGE.as_bytes());
    for broken in [&whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), b"", b"\xff\xff", MESSAGE.as_bytes()] {
        assert_eq!(refused(&query(broken)), BindingError::Compression, "{broken:?}");
    }
    for text in ["!", "AAA", "QUJD%0A", "QU JD", "QU+JD", "QUJ="] {
        assert_eq!(refused(&format!("SAMLRequest={text}")), BindingError::Base64("SAMLRequest"), "{text}");
    }
    assert_eq!(refused("SAMLRequest=%4"), BindingError::Escape("SAMLRequest"));
}

#[test]
fn messages_in_forms_are_read_with_their_line_breaks() {
    let text = STANDARD.encode(MESSAGE);
    let broken = text.as_bytes().chunks(8).map(|line| String::from_utf8_lossy(line) + "\r\n").collect::<String>();
    assert_eq!(posted(&text).unwrap(), MESSAGE.as_bytes());
    assert_eq!(posted(&broken).unwrap(), MESSAGE.as_bytes());
    assert_eq!(posted(""), Err(BindingError::NoMessage));
    for bad in ["!", "AAA", "AA AA"] {
        assert_eq!(posted(bad), Err(BindingError::Base64("the message")));
    }
    assert_eq!(posted(&STANDARD.encode(vec![b'a'; xml::LARGEST + 1])), Err(BindingError::TooLarge));
    assert_eq!(posted(&"A".repeat(5 << 20)), Err(BindingError::TooLarge));
    assert_eq!(posted(&STANDARD.encode(vec![b'a'; xml::LARGEST])).unwrap().len(), xml::LARGEST);
}

proptest! {
    #[test]
    fn no_query_and_no_field_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,100}") {
        let _ = Redirected::parse(&bytes);
        let _ = Redirected::parse(&[b"SAMLRequest=", escaped(STANDARD.encode(&bytes).as_bytes()).as_bytes()].concat());
        let _ = posted(&text);
    }

    #[test]
    fn no_byte_of_a_signed_query_can_be_another(at in 0..1_000_usize, to: u8) {
        let (query, pinned) = SIGNED.with(Clone::clone);
        let mut changed = query.clone().into_bytes();
        let place = at % changed.len();
        changed[place] = to;
        let verdict = Redirected::parse(&changed).and_then(|read| read.verify(&pinned).map(|_| ()));
        // A signature can be written in several ways; what it covers cannot.
        let covered = place < query.find("&Signature=").unwrap();
        prop_assert!(!covered || changed == query.as_bytes() || verdict.is_err(), "{}", String::from_utf8_lossy(&changed));
    }
}

thread_local! {
    static SIGNED: (String, Vec<Pinned>) = {
        let peer = Peer::new(KeyKind::P256);
        (peer.signed(&format!("{}&RelayState=x", message()), SignatureAlgorithm::EcdsaSha256), peer.pinned)
    };
}
