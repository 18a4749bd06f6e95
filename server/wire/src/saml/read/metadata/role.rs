//! What stands in the descriptor of a role: addresses, certificates and kinds of names.

use super::{AssertionConsumer, Endpoint, MetadataError};
use crate::saml::names::{Binding, ns};
use crate::saml::read::certificate::Pinned;
use crate::saml::read::location::check_location;
use crate::saml::read::shape::{self, ShapeError};
use crate::saml::read::shown;
use crate::saml::read::xml::Element;

/// The most addresses of a kind.
const MOST_ENDPOINTS: usize = 256;
/// The most certificates.
const MOST_CERTIFICATES: usize = 16;
/// The most kinds of names.
const MOST_FORMATS: usize = 32;

/// The certificates of a role by their use.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) signing: Vec<Pinned>,
    pub(super) encryption: Vec<Pinned>,
}

fn named<'e, 'a>(
    parent: &'e Element<'a>,
    local: &'static str,
    most: usize,
) -> Result<Vec<&'e Element<'a>>, MetadataError> {
    let found: Vec<_> = parent.elements().filter(|it| it.is(ns::METADATA, local)).take(most + 1).collect();
    if found.len() > most {
        return Err(ShapeError::TooMany { parent: shape::name(parent), child: local, most }.into());
    }
    Ok(found)
}

fn address(element: &Element<'_>, local: &'static str, attribute: &'static str) -> Result<String, MetadataError> {
    let location = shape::required(element, attribute)?;
    match check_location(location) {
        Ok(()) => Ok(location.to_owned()),
        Err(problem) => Err(MetadataError::Location { element: local, location: shown(location), problem }),
    }
}

/// Where answers go. Other ways than HTTP-POST are passed over: no answer is ever sent by them.
pub(super) fn consumers(role: &Element<'_>) -> Result<Vec<AssertionConsumer>, MetadataError> {
    const NAME: &str = "AssertionConsumerService";
    let mut consumers: Vec<AssertionConsumer> = Vec::new();
    for element in named(role, NAME, MOST_ENDPOINTS)? {
        if shape::required(element, "Binding")? != Binding::HttpPost.uri() {
            continue;
        }
        let index = shape::index(element, "index")?;
        if let Some(number) = index
            && consumers.iter().any(|it| it.index == index)
        {
            return Err(MetadataError::DuplicateIndex(number));
        }
        let is_default = shape::flag(element, "isDefault")?;
        consumers.push(AssertionConsumer { location: address(element, NAME, "Location")?, index, is_default });
    }
    if consumers.is_empty() {
        return Err(MetadataError::NoConsumer);
    }
    Ok(consumers)
}

/// Where other messages go, by the bindings that are spoken here.
pub(super) fn endpoints(role: &Element<'_>, local: &'static str) -> Result<Vec<Endpoint>, MetadataError> {
    let mut endpoints = Vec::new();
    for element in named(role, local, MOST_ENDPOINTS)? {
        let Some(binding) = Binding::from_uri(shape::required(element, "Binding")?) else { continue };
        let other = element.attribute("ResponseLocation");
        endpoints.push(Endpoint {
            binding,
            location: address(element, local, "Location")?,
            response_location: other.map(|_| address(element, local, "ResponseLocation")).transpose()?,
        });
    }
    Ok(endpoints)
}

pub(super) fn name_id_formats(role: &Element<'_>) -> Result<Vec<String>, MetadataError> {
    let found = named(role, "NameIDFormat", MOST_FORMATS)?;
    Ok(found.into_iter().map(shape::uri).collect::<Result<_, _>>()?)
}

/// The certificates. One that cannot be used is said to be so: dropping it in silence would be a surprise at the next rotation.
pub(super) fn keys(role: &Element<'_>) -> Result<Keys, MetadataError> {
    let mut keys = Keys::default();
    for descriptor in named(role, "KeyDescriptor", MOST_CERTIFICATES)? {
        let (signs, encrypts) = match descriptor.attribute("use") {
            None => (true, true),
            Some("signing") => (true, false),
            Some("encryption") => (false, true),
            Some(other) => return Err(MetadataError::KeyUse(shown(other))),
        };
        let certificates = descriptor.descendants().filter(|it| it.is(ns::SIGNATURE, "X509Certificate"));
        for element in certificates.take(MOST_CERTIFICATES) {
            let text = element.text().ok_or_else(|| ShapeError::NotText(shape::name(element)))?;
            let certificate = Pinned::parse(text)?;
            if signs {
                keys.signing.push(certificate.clone());
            }
            if encrypts {
                keys.encryption.push(certificate);
            }
        }
    }
    Ok(keys)
}
