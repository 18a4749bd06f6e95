//! Signatures inside documents (XML-DSig), in the one shape that SAML allows.
//!
//! The order is what protects. First the shape: where the signature stands, what it refers to, how many there are of anything,
//! which algorithms. Then the signature over `SignedInfo` with a pinned key; what the message says about keys is never looked at.
//! Then the digest of the element itself. Nobody without the key makes this code do more than the first two.
//!
//! The canonical form is made from our own tree (the private module `canonical` beside this one) and not by a library for XML signatures. Each of those
//! brings a parser of its own, and two parsers that understand one document differently are how wrapped signatures came to
//! be accepted elsewhere; here what is digested and what is read are the same nodes. What the libraries have beyond that
//! (other transforms, references to elsewhere, keys in messages, weak algorithms) would all have to be refused beforehand by
//! the rules below; and the best of them, bergshamra 0.11, adds more than forty crates even without its default features,
//! CMS, PKCS #12 and a parser for command lines among them. The canonical form is small because the reader lets so little in,
//! and the tests hold it against `xmlsec1` and `xmllint`.

use std::collections::HashSet;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::canonical;
use super::certificate::Pinned;
use super::shape::{self, Children, ShapeError};
use super::shown;
use super::xml::{Document, Element};
use crate::saml::names::{DigestAlgorithm, ENVELOPED_SIGNATURE, EXCLUSIVE_C14N, SignatureAlgorithm, ns};

/// The most prefixes that a canonicalisation may be told to keep.
const MOST_PREFIXES: usize = 16;

/// Why a signature inside a document is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("the message is not signed")]
    Unsigned,
    #[error("no certificate is registered that could verify the signature")]
    NoCertificate,
    #[error("there is a signature that is not a direct child of what it signs, at its one allowed place")]
    Place,
    #[error("the ID {0} is given to more than one element")]
    DuplicateId(String),
    #[error("the signed element has no ID")]
    NoId,
    #[error("the signature holds <{0}>, which is never followed")]
    Forbidden(String),
    #[error("the signature refers to {0}; it must refer to the element that it stands in, by its ID")]
    Reference(String),
    #[error("the canonicalisation {0} is not accepted; only exclusive canonicalisation without comments is")]
    Canonicalization(String),
    #[error("the transforms are not the two that are accepted: enveloped signature, then exclusive canonicalisation")]
    Transforms,
    #[error("the signature algorithm {0} is not accepted; use RSA or ECDSA with SHA-256, SHA-384 or SHA-512")]
    Algorithm(String),
    #[error("the digest algorithm {0} is not accepted; use SHA-256, SHA-384 or SHA-512")]
    DigestAlgorithm(String),
    #[error("<{0}> is not base64")]
    Base64(&'static str),
    #[error("the signature was not made by a registered certificate, or what it covers was changed")]
    Signature,
    #[error("the content was changed after it was signed")]
    Digest,
}

/// Which of the registered certificates has signed a request or an answer as a whole: its signature stands right behind
/// `<Issuer>`, and there is no other in the document.
pub fn verify_message<'c>(document: &Document<'_>, registered: &'c [Pinned]) -> Result<&'c Pinned, SignatureError> {
    only_at(document, &[place_behind_issuer(document.root())])?;
    verify(document, document.root(), place_behind_issuer(document.root()), registered)
}

/// Which of the registered certificates has signed an element of a response: the response or an assertion that is its child.
/// A signature that stands in neither of these places refuses the whole document.
pub fn verify_response_part<'c>(
    document: &Document<'_>,
    element: &Element<'_>,
    registered: &'c [Pinned],
) -> Result<&'c Pinned, SignatureError> {
    let root = document.root();
    let assertions = root.elements().filter(|it| it.is(ns::ASSERTION, "Assertion"));
    let places: Vec<_> = std::iter::once(root).chain(assertions).map(place_behind_issuer).collect();
    only_at(document, &places)?;
    verify(document, element, place_behind_issuer(element), registered)
}

/// Which of the pinned certificates has signed metadata as a whole: its signature is the first child.
pub fn verify_metadata<'c>(document: &Document<'_>, pinned: &'c [Pinned]) -> Result<&'c Pinned, SignatureError> {
    let root = document.root();
    let first = root.elements().next().filter(|it| is_signature(it));
    if first.is_none() && root.elements().any(is_signature) {
        return Err(SignatureError::Place);
    }
    verify(document, root, first, pinned)
}

fn is_signature(element: &Element<'_>) -> bool {
    element.is(ns::SIGNATURE, "Signature")
}

/// The signature of an element whose first child is its issuer.
fn place_behind_issuer<'e, 'a>(element: &'e Element<'a>) -> Option<&'e Element<'a>> {
    let mut children = element.elements();
    children.next().filter(|first| first.is(ns::ASSERTION, "Issuer"))?;
    children.next().filter(|second| is_signature(second))
}

/// No signature may stand anywhere but at these places.
fn only_at(document: &Document<'_>, places: &[Option<&Element<'_>>]) -> Result<(), SignatureError> {
    let known = |it: &Element<'_>| places.iter().flatten().any(|place| place.range() == it.range());
    if document.root().descendants().any(|it| is_signature(it) && !known(it)) {
        return Err(SignatureError::Place);
    }
    Ok(())
}

fn verify<'c>(
    document: &Document<'_>,
    signed: &Element<'_>,
    signature: Option<&Element<'_>>,
    registered: &'c [Pinned],
) -> Result<&'c Pinned, SignatureError> {
    let signature = signature.ok_or(SignatureError::Unsigned)?;
    if registered.is_empty() {
        return Err(SignatureError::NoCertificate);
    }
    check_ids(document)?;
    let read = Signature::read(signature, signed)?;
    let mut info = Vec::new();
    canonical::write(document, read.info, None, &read.info_prefixes, &mut |bytes| info.extend_from_slice(bytes));
    let fits = |key: &&Pinned| key.verifies(read.algorithm, &info, &read.value);
    let key = registered.iter().find(fits).ok_or(SignatureError::Signature)?;
    let mut context = digest::Context::new(hash(read.digest_algorithm));
    canonical::write(document, signed, Some(signature), &read.prefixes, &mut |bytes| context.update(bytes));
    if context.finish().as_ref() == read.digest { Ok(key) } else { Err(SignatureError::Digest) }
}

fn hash(algorithm: DigestAlgorithm) -> &'static digest::Algorithm {
    match algorithm {
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
    }
}

/// What could be taken for an ID by anybody must be unique, so that a reference means one element to everybody.
fn check_ids(document: &Document<'_>) -> Result<(), SignatureError> {
    let mut known = HashSet::new();
    for element in document.root().descendants() {
        for attribute in element.attributes() {
            let is_id =
                matches!(attribute.name.namespace, "" | ns::XML) && attribute.name.local.eq_ignore_ascii_case("id");
            if is_id && !known.insert(attribute.value.as_ref()) {
                return Err(SignatureError::DuplicateId(shown(&attribute.value)));
            }
        }
    }
    Ok(())
}

/// A signature of the allowed shape.
struct Signature<'e, 'a> {
    info: &'e Element<'a>,
    info_prefixes: Vec<&'e str>,
    algorithm: SignatureAlgorithm,
    value: Vec<u8>,
    prefixes: Vec<&'e str>,
    digest_algorithm: DigestAlgorithm,
    digest: Vec<u8>,
}

impl<'e, 'a> Signature<'e, 'a> {
    fn read(signature: &'e Element<'a>, signed: &Element<'_>) -> Result<Self, SignatureError> {
        let id = shape::id(signed, "ID")?.ok_or(SignatureError::NoId)?;
        let followed = |it: &&Element<'_>| {
            matches!(it.name().local, "Object" | "Manifest" | "RetrievalMethod") && it.name().namespace == ns::SIGNATURE
        };
        if let Some(found) = signature.descendants().find(followed) {
            return Err(SignatureError::Forbidden(shape::name(found)));
        }
        let mut children = Children::of(signature)?;
        let info = children.required(ns::SIGNATURE, "SignedInfo")?;
        let value = base64(children.required(ns::SIGNATURE, "SignatureValue")?, "SignatureValue")?;
        // What it says about keys is not looked at.
        children.optional(ns::SIGNATURE, "KeyInfo");
        children.end()?;

        let mut children = Children::of(info)?;
        let info_prefixes = canonicalization(children.required(ns::SIGNATURE, "CanonicalizationMethod")?)?;
        let method = children.required(ns::SIGNATURE, "SignatureMethod")?;
        Children::of(method)?.end()?;
        let reference = children.required(ns::SIGNATURE, "Reference")?;
        children.end()?;
        let uri = shape::required(method, "Algorithm")?;
        let algorithm = SignatureAlgorithm::from_uri(uri).ok_or_else(|| SignatureError::Algorithm(shown(uri)))?;

        match reference.attribute("URI") {
            Some(uri) if uri.strip_prefix('#') == Some(id.as_str()) => {}
            Some(other) => return Err(SignatureError::Reference(format!("\"{}\"", shown(other)))),
            None => return Err(SignatureError::Reference("nothing".to_owned())),
        }
        let mut children = Children::of(reference)?;
        let prefixes = transforms(children.required(ns::SIGNATURE, "Transforms")?)?;
        let method = children.required(ns::SIGNATURE, "DigestMethod")?;
        Children::of(method)?.end()?;
        let digest = base64(children.required(ns::SIGNATURE, "DigestValue")?, "DigestValue")?;
        children.end()?;
        let uri = shape::required(method, "Algorithm")?;
        let digest_algorithm =
            DigestAlgorithm::from_uri(uri).ok_or_else(|| SignatureError::DigestAlgorithm(shown(uri)))?;
        Ok(Self { info, info_prefixes, algorithm, value, prefixes, digest_algorithm, digest })
    }
}

/// The two transforms, in their order. The prefixes that the second is to keep.
fn transforms<'e>(element: &'e Element<'_>) -> Result<Vec<&'e str>, SignatureError> {
    let mut children = Children::of(element)?;
    let enveloped = children.required(ns::SIGNATURE, "Transform")?;
    let second = children.optional(ns::SIGNATURE, "Transform").ok_or(SignatureError::Transforms)?;
    children.end().map_err(|_| SignatureError::Transforms)?;
    if shape::required(enveloped, "Algorithm")? != ENVELOPED_SIGNATURE {
        return Err(SignatureError::Transforms);
    }
    Children::of(enveloped)?.end()?;
    canonicalization(second)
}

/// Exclusive canonicalisation, and the prefixes that it is to keep.
fn canonicalization<'e>(element: &'e Element<'_>) -> Result<Vec<&'e str>, SignatureError> {
    let algorithm = shape::required(element, "Algorithm")?;
    if algorithm != EXCLUSIVE_C14N {
        return Err(SignatureError::Canonicalization(shown(algorithm)));
    }
    let mut children = Children::of(element)?;
    let inclusive = children.optional(EXCLUSIVE_C14N, "InclusiveNamespaces");
    children.end()?;
    let Some(inclusive) = inclusive else { return Ok(Vec::new()) };
    Children::of(inclusive)?.end()?;
    let list = inclusive.attribute("PrefixList").unwrap_or_default();
    let prefixes: Vec<_> = list.split(' ').filter(|prefix| !prefix.is_empty()).take(MOST_PREFIXES + 1).collect();
    if prefixes.len() > MOST_PREFIXES {
        let (parent, child) = (shape::name(inclusive), "PrefixList");
        return Err(ShapeError::TooMany { parent, child, most: MOST_PREFIXES }.into());
    }
    Ok(prefixes)
}

/// Base64 with the line breaks that most programs put in.
fn base64(element: &Element<'_>, called: &'static str) -> Result<Vec<u8>, SignatureError> {
    let text = element.text().ok_or_else(|| ShapeError::NotText(shape::name(element)))?;
    let plain: String = text.chars().filter(|char| !matches!(char, ' ' | '\t' | '\r' | '\n')).collect();
    STANDARD.decode(plain).map_err(|_| SignatureError::Base64(called))
}

#[cfg(test)]
mod tests;
