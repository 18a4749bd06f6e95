//! A message to start from, and how values are read back.

use std::borrow::Cow;

use jiff::SignedDuration;

use super::super::*;
use crate::saml::names::{AttributeNameFormat, AuthnContext, NameIdFormat, SignatureAlgorithm};
use crate::saml::read::xml::{Document, Element};
use crate::saml::testing::{P256, RSA, at};

pub(super) const ISSUER: &str = "https://sso.example.com/saml/metadata";
pub(super) const ACS: &str = "https://app.example.com/acs?tenant=1&x=2";
pub(super) const AUDIENCE: &str = "https://app.example.com/sp";

pub(super) fn id(seed: u8) -> Id {
    Id::from_random([seed; 20])
}

pub(super) fn rsa() -> Signer<'static> {
    Signer::new(&RSA.key, &RSA.certificate, SignatureAlgorithm::RsaSha256).unwrap()
}

pub(super) fn p256() -> Signer<'static> {
    Signer::new(&P256.key, &P256.certificate, SignatureAlgorithm::EcdsaSha256).unwrap()
}

pub(super) fn envelope(id: &Id) -> Envelope<'_> {
    Envelope {
        id,
        issuer: ISSUER,
        issued: at("2026-11-21T12:00:30.9Z"),
        destination: ACS,
        in_response_to: Some("_request"),
    }
}

pub(super) fn name_id(value: &str) -> NameId<'_> {
    NameId { value, format: NameIdFormat::EmailAddress, name_qualifier: None, sp_name_qualifier: None }
}

pub(super) fn attribute<'a>(name: &'a str, values: &[&'a str]) -> Attribute<'a> {
    Attribute {
        name: Cow::Borrowed(name),
        format: AttributeNameFormat::Basic,
        friendly_name: None,
        values: values.iter().map(|value| Cow::Borrowed(*value)).collect(),
    }
}

pub(super) fn assertion<'a>(id: &'a Id, attributes: Vec<Attribute<'a>>) -> Assertion<'a> {
    Assertion {
        id,
        subject: name_id("anna@example.com"),
        audience: AUDIENCE,
        skew: SignedDuration::from_secs(60),
        authenticated: at("2026-11-21T11:00:00Z"),
        context: AuthnContext::RefedsMfa,
        session_index: "_session",
        session_ends: Some(at("2026-11-21T20:00:00Z")),
        attributes,
    }
}

/// A response about Anna with these attributes.
pub(super) fn about_anna(attributes: Vec<Attribute<'_>>, signer: &Signer<'_>, signed: Signed) -> String {
    response(&envelope(&id(1)), &assertion(&id(2), attributes), Protection { signer, signed, encryption: None })
        .unwrap()
}

/// What `find` finds in the elements of that name, in the order of the document.
fn found(xml: &str, local: &str, find: impl Fn(&Element<'_>) -> String) -> Vec<String> {
    let document = Document::read(xml.as_bytes()).unwrap_or_else(|error| panic!("{error}: {xml}"));
    document.root().descendants().filter(|element| element.name().local == local).map(find).collect()
}

/// The texts of the elements of that name.
pub(super) fn texts(xml: &str, local: &str) -> Vec<String> {
    found(xml, local, |element| element.text().unwrap_or_default().to_owned())
}

/// The values of an attribute of the elements of that name; empty where it is missing.
pub(super) fn values(xml: &str, local: &str, attribute: &str) -> Vec<String> {
    found(xml, local, |element| element.attribute(attribute).unwrap_or_default().to_owned())
}
