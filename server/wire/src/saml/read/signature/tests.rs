use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::saml::keys::{KeyKind, SigningKey};
use crate::saml::read::samples::REQUEST_TO_SIGN;
use crate::saml::read::testing::{Peer, form};
use crate::saml::testing::Judges;

impl Peer {
    fn verdict(&self, text: &str) -> Result<(), SignatureError> {
        let document = Document::read(text.as_bytes()).expect(text);
        verify_message(&document, &self.pinned).map(|_| ())
    }

    /// The verdict on a template that was changed before it was signed.
    fn verdict_on_signed(&self, from: &str, to: &str) -> Result<(), SignatureError> {
        assert!(REQUEST_TO_SIGN.contains(from), "{from}");
        self.verdict(&self.signs(&REQUEST_TO_SIGN.replace(from, to)))
    }
}

/// Signs by `xmlsec1`.
fn signed_by_xmlsec(template: &str, key: &SigningKey) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (document, private) = (folder.path().join("document.xml"), folder.path().join("key.der"));
    std::fs::write(&document, template.replace("@digest@", "").replace("@value@", "")).unwrap();
    std::fs::write(&private, key.to_pkcs8().unwrap()).unwrap();
    let output = Command::new("xmlsec1")
        .args(["--sign", "--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest", "--privkey-der"])
        .args([&private, &document])
        .output()
        .expect("xmlsec1 (Debian package xmlsec1) is needed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_xmlsec_signs_is_accepted() {
    let (rsa, curve) = (Peer::new(KeyKind::Rsa(2048)), Peer::new(KeyKind::P256));
    let with_prefixes = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
        xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs #default\"/></ds:Transform>";
    let plain = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let method = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let key_info = "</ds:SignatureValue><ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo></ds:Signature>";
    let cases = [
        (&rsa, REQUEST_TO_SIGN.clone()),
        (&rsa, REQUEST_TO_SIGN.replace("#rsa-sha256", "#rsa-sha384")),
        (&rsa, REQUEST_TO_SIGN.replace("#rsa-sha256", "#rsa-sha512").replace("xmlenc#sha256", "xmlenc#sha512")),
        (&rsa, REQUEST_TO_SIGN.replace("xmlenc#sha256", "xmldsig-more#sha384")),
        (&curve, REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha256")),
        (&curve, REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha512")),
        (&rsa, REQUEST_TO_SIGN.replace(plain, with_prefixes)),
        (&rsa, REQUEST_TO_SIGN.replace(method, &with_prefixes.replace("Transform", "CanonicalizationMethod"))),
        (&rsa, REQUEST_TO_SIGN.replace("><", ">\r\n  <").replace("Version='2.0'", "Version = '2.0'\n")),
        (&rsa, REQUEST_TO_SIGN.replace("https://sp.example/", "R&amp;D &lt;x&gt; \"q\" &#13; \u{e9}\u{1f600}")),
        (&rsa, REQUEST_TO_SIGN.replace("<samlp:NameIDPolicy ", "<samlp:NameIDPolicy Format='a&#10;&#9;b&quot;' ")),
        (&rsa, REQUEST_TO_SIGN.replace("ds:", "").replace("xmlns:ds", "xmlns")),
        (&rsa, REQUEST_TO_SIGN.replace("</ds:SignatureValue></ds:Signature>", key_info)),
    ];
    for (peer, template) in &cases {
        let text = signed_by_xmlsec(template, &peer.key);
        assert_eq!(peer.verdict(&text), Ok(()), "{text}");
        let changed = text.replace("AllowCreate=\"true\"", "AllowCreate=\"1\"");
        assert_eq!(peer.verdict(&changed), Err(SignatureError::Digest));
    }
}

/// Writes a document in another way: each choice is one that XML leaves open, or a change that a signature must notice.
fn rewritten(text: &str, choices: &[u8]) -> String {
    let mut out = String::new();
    let mut choices = choices.iter().copied().cycle();
    let mut in_tag = false;
    for char in text.chars() {
        in_tag = match char {
            '<' => true,
            '>' => false,
            _ => in_tag,
        };
        match (char, in_tag, choices.next().unwrap_or_default()) {
            (' ', true, 0..=40) => out.push_str("\n\t "),
            ('>', _, 0..=20) if !out.ends_with(['/', '?']) => out.push_str(" >"),
            ('.', false, 0..=60) => out.push_str("&#46;"),
            ('A'..='Z', false, 0..=20) => out.push_str(&["&#", &u32::from(char).to_string(), ";"].concat()),
            ('2', _, 255) => out.push('3'),
            ('t', true, 255) => out.push_str("&#116;"),
            _ => out.push(char),
        }
    }
    out
}

#[test]
fn the_verdict_is_that_of_xmlsec_or_a_stricter_one() {
    let peer = Peer::new(KeyKind::P256);
    let text = peer.signs(&REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha256"));
    let judges = Judges::new();
    let mut runner = TestRunner::deterministic();
    let (mut accepted, mut refused) = (0, 0);
    let changes = ["AllowCreate", "sp.example", "Policy", "c14n", "#sha256"];
    for round in 0..60 {
        let choices = prop::collection::vec(any::<u8>(), 97).new_tree(&mut runner).unwrap().current();
        let change = changes[round % changes.len()];
        let changed = if round % 3 == 0 { text.replace(change, &change.to_uppercase()) } else { text.clone() };
        let other = rewritten(&changed, &choices);
        let read = Document::read(other.as_bytes());
        let ours = read.as_ref().is_ok_and(|document| verify_message(document, &peer.pinned).is_ok());
        let theirs = judges.verifies(&other, "AuthnRequest", peer.pinned[0].certificate());
        // Stricter is only the reader: it wants the names of namespaces without references.
        assert!(ours == theirs || (theirs && read.is_err()), "{other}");
        if ours { accepted += 1 } else { refused += 1 }
    }
    assert!(accepted >= 20 && refused >= 20, "{accepted} accepted, {refused} refused");
}

#[test]
fn only_pinned_keys_count_ssp_01_ssp_02_sidp_05() {
    let peer = Peer::new(KeyKind::Rsa(2048));
    let text = peer.signs(&REQUEST_TO_SIGN);
    assert_eq!(peer.verdict(&text), Ok(()));
    let document = Document::read(text.as_bytes()).unwrap();
    assert_eq!(verify_message(&document, &[]), Err(SignatureError::NoCertificate));
    let stranger = Peer::new(KeyKind::Rsa(2048));
    assert_eq!(stranger.verdict(&text), Err(SignatureError::Signature));
    // The stranger brings his own certificate.
    let own = STANDARD.encode(stranger.pinned[0].certificate().der());
    let key_info = format!(
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{own}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    let brought = stranger.signs(&REQUEST_TO_SIGN.replace("</ds:SignatureValue>", &key_info));
    assert_eq!(stranger.verdict(&brought), Ok(()), "it is signed well, only not by the peer");
    assert_eq!(peer.verdict(&brought), Err(SignatureError::Signature));
    let both = [&stranger.pinned[..], &peer.pinned[..]].concat();
    assert_eq!(verify_message(&document, &both), Ok(&peer.pinned[0]), "the next key beside the current one");

    let start = text.find("<ds:Signature ").unwrap();
    let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let unsigned = format!("{}{}", &text[..start], &text[end..]);
    assert_eq!(peer.verdict(&unsigned), Err(SignatureError::Unsigned));
    assert_eq!(
        peer.verdict(&REQUEST_TO_SIGN.replace("@digest@", "").replace("@value@", "")),
        Err(SignatureError::Signature)
    );
    assert_eq!(peer.verdict(&text.replace("https://sp.example/", "https://sp.example")), Err(SignatureError::Digest));
    assert_eq!(peer.verdict(&text.replace("#sha256\"", "#sha512\"")), Err(SignatureError::Signature));
}

#[test]
fn one_signature_at_its_one_place_ssp_11() {
    let peer = Peer::new(KeyKind::P256);
    let template = REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha256");
    let good = peer.signs(&template);
    assert_eq!(peer.verdict(&good), Ok(()));
    let start = good.find("<ds:Signature ").unwrap();
    let end = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (before, signature, after) = (&good[..start], &good[start..end], &good[end..]);
    let bad = signature.replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA");
    let policy = "<samlp:NameIDPolicy AllowCreate=\"true\"/>";
    let close = "</samlp:AuthnRequest>";
    let elsewhere = [
        format!("{before}{policy}{signature}{close}"),
        format!("{before}<samlp:Extensions>{signature}</samlp:Extensions>{policy}{close}"),
        format!("{before}<samlp:Extensions><x>{signature}</x></samlp:Extensions>{policy}{close}"),
        format!("{before}{signature}{signature}{policy}{close}"),
        format!("{before}{bad}{signature}{policy}{close}"),
        format!("{before}{signature}{bad}{policy}{close}"),
        format!("{before}{signature}<samlp:Extensions>{signature}</samlp:Extensions>{policy}{close}"),
        good.replace("</ds:SignatureValue>", &format!("</ds:SignatureValue><ds:KeyInfo>{bad}</ds:KeyInfo>")),
        good.replace("<saml:Issuer>https://sp.example/</saml:Issuer>", ""),
        format!("<x xmlns:ds=\"{}\">{signature}{}{after}</x>", ns::SIGNATURE, before),
    ];
    for text in &elsewhere {
        assert_eq!(peer.verdict(text), Err(SignatureError::Place), "{text}");
    }
}

#[test]
fn one_reference_to_the_parent_and_nothing_else_ssp_14_ssp_15() {
    let peer = Peer::new(KeyKind::Rsa(2048));
    for uri in [
        "",
        "#",
        "#_2",
        "_1",
        "#xpointer(id('_1'))",
        "#xpointer(/)",
        "http://127.0.0.1:9/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "\\\\127.0.0.1\\x",
    ] {
        let verdict = peer.verdict_on_signed("URI=\"#_1\"", &format!("URI=\"{uri}\""));
        assert!(matches!(verdict, Err(SignatureError::Reference(_))), "{uri}: {verdict:?}");
    }
    let absent = peer.verdict_on_signed(" URI=\"#_1\"", "");
    assert_eq!(absent, Err(SignatureError::Reference("nothing".to_owned())));
    let child = peer.verdict_on_signed("<samlp:NameIDPolicy ", "<samlp:NameIDPolicy ID=\"_2\" ");
    assert_eq!(child, Ok(()), "an ID of its own is no fault");
    for (name, id) in [("ID", "_1"), ("Id", "_1"), ("id", "_1"), ("xml:id", "_1")] {
        let twice = peer.verdict_on_signed("<samlp:NameIDPolicy ", &format!("<samlp:NameIDPolicy {name}=\"{id}\" "));
        assert_eq!(twice, Err(SignatureError::DuplicateId("_1".to_owned())), "{name}");
    }
    let no_id = peer.verdict_on_signed(" ID=\"_1\"", "");
    assert_eq!(no_id, Err(SignatureError::NoId));

    let start = REQUEST_TO_SIGN.find("<ds:Reference").unwrap();
    let end = REQUEST_TO_SIGN.find("</ds:Reference>").unwrap() + "</ds:Reference>".len();
    let reference = &REQUEST_TO_SIGN[start..end];
    for (to, missing) in [(String::new(), true), (format!("{reference}{reference}"), false)] {
        let verdict = peer.verdict_on_signed(reference, &to);
        let as_expected = match &verdict {
            Err(SignatureError::Shape(ShapeError::Missing { child, .. })) => missing && *child == "Reference",
            Err(SignatureError::Shape(ShapeError::Unexpected { child, .. })) => !missing && child == "Reference",
            _ => false,
        };
        assert!(as_expected, "{verdict:?}");
    }
    let info = &REQUEST_TO_SIGN
        [REQUEST_TO_SIGN.find("<ds:SignedInfo>").unwrap()..REQUEST_TO_SIGN.find("<ds:SignatureValue>").unwrap()];
    let twice = peer.verdict_on_signed(info, &info.repeat(2));
    assert!(
        matches!(twice, Err(SignatureError::Shape(ShapeError::Missing { child: "SignatureValue", .. }))),
        "{twice:?}"
    );
    for hidden in [
        "<ds:Object><ds:Manifest/></ds:Object>",
        "<ds:KeyInfo><ds:RetrievalMethod URI='http://127.0.0.1/'/></ds:KeyInfo>",
        "<ds:Object/>",
    ] {
        let verdict = peer.verdict_on_signed("</ds:SignatureValue>", &format!("</ds:SignatureValue>{hidden}"));
        assert!(matches!(verdict, Err(SignatureError::Forbidden(_))), "{hidden}");
    }
    let text = peer.signs(&REQUEST_TO_SIGN).replace("<ds:SignatureValue>", "<ds:SignatureValue><x/>");
    assert!(matches!(peer.verdict(&text), Err(SignatureError::Shape(ShapeError::NotText(_)))));
    let text = peer.signs(&REQUEST_TO_SIGN).replace("<ds:SignatureValue>", "<ds:SignatureValue>!");
    assert_eq!(peer.verdict(&text), Err(SignatureError::Base64("SignatureValue")));
    for (from, to) in
        [("<ds:DigestValue>", "<ds:DigestValue><!-- -->"), ("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->")]
    {
        assert!(
            Document::read(REQUEST_TO_SIGN.replace(from, to).as_bytes()).is_err(),
            "a comment in a value is refused by the reader"
        );
    }
}

#[test]
fn only_two_transforms_in_their_order_ssp_16() {
    let peer = Peer::new(KeyKind::Rsa(2048));
    let enveloped = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let exclusive = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>count(//*[count(//*[count(//*)&gt;0])&gt;0])&gt;0</ds:XPath></ds:Transform>";
    let xslt = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>";
    let both = format!("{enveloped}{exclusive}");
    let chained = exclusive.repeat(100);
    for other in [
        enveloped,
        exclusive,
        &format!("{exclusive}{enveloped}"),
        &format!("{both}{xpath}"),
        &format!("{xpath}{both}"),
        &format!("{enveloped}{chained}"),
        &format!("{xslt}{exclusive}"),
    ] {
        assert_eq!(peer.verdict_on_signed(&both, other), Err(SignatureError::Transforms), "{other}");
    }
    for second in [
        xpath,
        xslt,
        &exclusive.replace("c14n#", "c14n#WithComments"),
        &exclusive.replace("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315"),
    ] {
        let verdict = peer.verdict_on_signed(&both, &format!("{enveloped}{second}"));
        assert!(matches!(verdict, Err(SignatureError::Canonicalization(_))), "{verdict:?}");
    }
    let method = "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#";
    let verdict = peer.verdict_on_signed(method, &format!("{method}WithComments"));
    assert!(matches!(verdict, Err(SignatureError::Canonicalization(_))), "{verdict:?}");
    let filtered = exclusive.replace("/>", "><ds:XPath>1</ds:XPath></ds:Transform>");
    let verdict = peer.verdict_on_signed(&both, &format!("{enveloped}{filtered}"));
    assert!(matches!(verdict, Err(SignatureError::Shape(ShapeError::Unexpected { .. }))), "{verdict:?}");
    let many = format!(
        "<ds:Transform Algorithm=\"{EXCLUSIVE_C14N}\"><e:InclusiveNamespaces xmlns:e=\"{EXCLUSIVE_C14N}\" PrefixList=\"{}\"/></ds:Transform>",
        "p ".repeat(17)
    );
    let verdict = peer.verdict_on_signed(&both, &format!("{enveloped}{many}"));
    assert!(matches!(verdict, Err(SignatureError::Shape(ShapeError::TooMany { .. }))), "{verdict:?}");
}

#[test]
fn weak_algorithms_and_secrets_made_of_public_keys_are_refused_ssp_21_ssp_22() {
    let peer = Peer::new(KeyKind::Rsa(2048));
    let own = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    for uri in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "none",
        "",
    ] {
        let verdict = peer.verdict_on_signed(own, uri);
        assert!(matches!(verdict, Err(SignatureError::Algorithm(_))), "{uri}: {verdict:?}");
    }
    assert_eq!(peer.verdict_on_signed(own, SignatureAlgorithm::EcdsaSha256.uri()), Err(SignatureError::Signature));
    for uri in ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5", ""] {
        let verdict = peer.verdict_on_signed("http://www.w3.org/2001/04/xmlenc#sha256", uri);
        assert!(matches!(verdict, Err(SignatureError::DigestAlgorithm(_))), "{uri}: {verdict:?}");
    }
    let short = "#rsa-sha256\"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>";
    let verdict = peer.verdict_on_signed("#rsa-sha256\"/>", short);
    assert!(matches!(verdict, Err(SignatureError::Shape(ShapeError::Unexpected { .. }))), "{verdict:?}");
}

#[test]
fn a_signed_message_moved_into_another_is_refused_sidp_06() {
    let peer = Peer::new(KeyKind::P256);
    let inner = peer.signs(&REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha256"));
    let outer = format!(
        "<samlp:AuthnRequest xmlns:samlp=\"{}\" xmlns:saml=\"{}\" ID=\"_2\" Version=\"2.0\"><saml:Issuer>https://sp.example/\
         </saml:Issuer><samlp:Extensions>{inner}</samlp:Extensions></samlp:AuthnRequest>",
        ns::PROTOCOL,
        ns::ASSERTION
    );
    assert_eq!(peer.verdict(&outer), Err(SignatureError::Place));
    let start = inner.find("<ds:Signature ").unwrap();
    let end = inner.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let stripped = format!("{}{}", &inner[..start], &inner[end..]);
    // The signature is where it should be, and refers to the original in the extensions.
    let wrapped = outer
        .replace(&inner, &stripped)
        .replace("<samlp:Extensions>", &format!("{}<samlp:Extensions>", &inner[start..end]));
    assert!(matches!(peer.verdict(&wrapped), Err(SignatureError::Reference(_))));
    assert_eq!(
        peer.verdict(&wrapped.replace("ID=\"_2\"", "ID=\"_1\"")),
        Err(SignatureError::DuplicateId("_1".to_owned()))
    );
}

proptest! {
    #[test]
    fn no_byte_of_a_signed_message_can_be_another(at in 0..4_000_usize, to: u8) {
        let (text, pinned) = SIGNED.with(Clone::clone);
        let mut changed = text.clone().into_bytes();
        let place = at % changed.len();
        changed[place] = to;
        let covered = place < text.find("<ds:SignatureValue>").unwrap() || place > text.find("</ds:Signature>").unwrap() + 15;
        if let Ok(document) = Document::read(&changed) {
            let same = |one: &Document<'_>, other: &Document<'_>| {
                form(one, one.root(), None) == form(other, other.root(), None)
            };
            let original = Document::read(text.as_bytes()).unwrap();
            let accepted = verify_message(&document, &pinned).is_ok();
            prop_assert!(!covered || !accepted || same(&document, &original), "{}", String::from_utf8_lossy(&changed));
        }
    }
}

thread_local! {
    static SIGNED: (String, Vec<Pinned>) = {
        let peer = Peer::new(KeyKind::P256);
        (peer.signs(&REQUEST_TO_SIGN.replace("#rsa-sha256", "#ecdsa-sha256")), peer.pinned)
    };
}
