//! What the tests of reading share: peers that sign, also what no honest peer would.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::canonical;
use super::certificate::Pinned;
use super::xml::{Document, Element};
use crate::saml::keys::{KeyKind, SigningKey};
use crate::saml::names::ns;
use crate::saml::testing;

/// A peer with a key of its own.
pub(super) struct Peer {
    pub(super) key: SigningKey,
    pub(super) pinned: Vec<Pinned>,
}

impl Peer {
    pub(super) fn new(kind: KeyKind) -> Self {
        let key = SigningKey::generate(kind).unwrap();
        let pinned = vec![Pinned::new(testing::certificate(&key)).unwrap()];
        Self { key, pinned }
    }

    /// Fills in `@digest@` and `@value@` of a signature, which covers what it stands in, whatever else is odd about it.
    pub(super) fn signs(&self, template: &str) -> String {
        let digested = {
            let document = Document::read(template.as_bytes()).expect(template);
            let all = || document.root().descendants();
            let waits =
                |it: &&Element<'_>| it.descendants().any(|it| it.text().is_some_and(|text| text.contains("@digest@")));
            let signature = all().filter(waits).find(|it| it.is(ns::SIGNATURE, "Signature"));
            let around =
                all().find(|it| it.elements().any(|child| Some(child.range()) == signature.map(Element::range)));
            let bytes = form(&document, around.unwrap_or(document.root()), signature);
            template.replace("@digest@", &STANDARD.encode(digest::digest(&digest::SHA256, &bytes)))
        };
        let document = Document::read(digested.as_bytes()).unwrap();
        let waits =
            |it: &&Element<'_>| it.descendants().any(|it| it.text().is_some_and(|text| text.contains("@value@")));
        let signature =
            document.root().descendants().filter(waits).find(|it| it.is(ns::SIGNATURE, "Signature")).unwrap();
        let info = signature.elements().find(|it| it.is(ns::SIGNATURE, "SignedInfo")).unwrap();
        let algorithm = self.key.kind().algorithms()[0];
        let value = self.key.sign(algorithm, &form(&document, info, None)).unwrap();
        digested.replace("@value@", &STANDARD.encode(value))
    }
}

/// The canonical form of an element, without one below it.
pub(super) fn form(document: &Document<'_>, element: &Element<'_>, without: Option<&Element<'_>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    canonical::write(document, element, without, &[], &mut |part| bytes.extend_from_slice(part));
    bytes
}

/// A signature to be filled in, by a key of the kind, over the element with the ID.
pub(super) fn unsigned(kind: KeyKind, id: &str) -> String {
    let algorithm = kind.algorithms()[0].uri();
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo><ds:CanonicalizationMethod \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/><ds:SignatureMethod Algorithm=\"{algorithm}\"/><ds:Reference \
         URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>@digest@</ds:DigestValue></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue>@value@</ds:SignatureValue></ds:Signature>"
    )
}

/// An element with all that canonicalisation changes. The prefixes `p` and `q` have to be declared around it.
pub(super) fn element() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "",
        "x",
        "&amp;",
        "&#13;",
        "&lt;&gt;\"'",
        "\r\n\t",
        "\u{e9}\u{1f600}",
        " ",
        "&#x85;",
    ]);
    text.prop_map(str::to_owned).prop_recursive(5, 40, 4, |inner| {
        let declared = vec![
            "xmlns='urn:d'",
            "xmlns=''",
            "xmlns:p='urn:p'",
            "xmlns:p='urn:p2'",
            "xmlns:q='urn:p'",
            "xmlns:q='urn:a?b=c'",
        ];
        let said =
            vec!["z='1'", "a=' &#9;\n&quot;\"'", "p:z='&#13;&lt;>'", "q:b=\"'\"", "p:a='\u{e9}'", "xml:lang='en'"];
        (
            prop::sample::select(vec!["a", "p:a", "q:b"]),
            prop::sample::subsequence(declared, 0..=3),
            prop::sample::subsequence(said, 0..=5).prop_shuffle(),
            prop::collection::vec(inner, 0..4),
        )
            .prop_map(|(name, declared, said, inside)| {
                format!("<{name} {} {}>{}</{name}>", declared.join(" "), said.join("\n"), inside.concat())
            })
    })
}
