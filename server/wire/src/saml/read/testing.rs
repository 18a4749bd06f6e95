//! What the tests of reading share: peers that sign, also what no honest peer would.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
