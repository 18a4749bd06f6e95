//! `AuthnRequest`: a service provider asks for somebody to be signed on.

use super::header::{Header, HeaderError};
use super::metadata::AssertionConsumer;
use super::name_id::NameId;
use super::shape::{self, Children, ShapeError};
use super::shown;
use super::xml::{Document, Element};
use crate::saml::names::{Binding, ns};

/// The most classes of authentication contexts in one request.
const MOST_CLASSES: usize = 32;

/// What a service provider asks for. Nothing of it has been checked against what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthnRequest {
    /// Who asks, when and whom.
    pub header: Header,
    /// Whether the person is to be authenticated anew.
    pub force: bool,
    /// Whether the person must not be asked anything.
    pub passive: bool,
    /// How the answer is to travel, as a URI.
    pub binding: Option<String>,
    /// Where the answer is to go, by address.
    pub acs_url: Option<String>,
    /// Where the answer is to go, by its number in the metadata.
    pub acs_index: Option<u16>,
    /// Which set of attributes is wanted, by its number in the metadata.
    pub attribute_set: Option<u16>,
    /// How the service calls itself before people.
    pub provider_name: Option<String>,
    /// Whom the answer must be about.
    pub subject: Option<NameId>,
    /// What kind of name is wanted.
    pub name_id_policy: Option<NameIdPolicy>,
    /// How the person is to be authenticated.
    pub context: Option<RequestedContext>,
}

/// What kind of name is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameIdPolicy {
    /// As a URI.
    pub format: Option<String>,
    /// The service provider, or group of them, the name is to be made for.
    pub sp_name_qualifier: Option<String>,
    /// Whether a name may be made for somebody who has none.
    pub allow_create: bool,
}

/// How the person is to be authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedContext {
    /// How the classes are meant.
    pub comparison: Comparison,
    /// The classes as URIs, the most wanted first. Never empty.
    pub classes: Vec<String>,
}

/// How an authentication must compare with what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// One of the classes.
    Exact,
    /// One of the classes, or a stronger one.
    Minimum,
    /// None that is stronger than all of the classes.
    Maximum,
    /// One that is stronger than all of the classes.
    Better,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error("both an address and an index say where the answer is to go; only one may")]
    TwoPlaces,
    #[error("an index says where the answer is to go, and ProtocolBinding how; only one may")]
    IndexAndBinding,
    #[error("<Subject> names nobody by <NameID>, or demands a way of confirmation; neither can be answered")]
    Subject,
    #[error("<RequestedAuthnContext> refers to declarations; only classes are understood")]
    ContextDeclaration,
    #[error("Comparison is {0}; it must be exact, minimum, maximum or better")]
    Comparison(String),
    #[error("the answer is wanted by {0}; it is only ever sent by HTTP-POST")]
    Binding(String),
    #[error("the AssertionConsumerServiceURL {0} is not registered for this application (compared letter by letter)")]
    UnknownUrl(String),
    #[error("the AssertionConsumerServiceIndex {0} is not registered for this application")]
    UnknownIndex(u16),
    #[error("the application has no registered address that an answer could go to")]
    NoPlace,
}

impl AuthnRequest {
    /// Reads a request. Whether it is signed by whom it names, [`super::signature`] or [`super::binding`] says.
    pub fn read(document: &Document<'_>) -> Result<Self, RequestError> {
        let (header, mut children) = Header::read(document, "AuthnRequest")?;
        let root = document.root();
        let request = Self {
            header,
            force: shape::flag(root, "ForceAuthn")?.unwrap_or(false),
            passive: shape::flag(root, "IsPassive")?.unwrap_or(false),
            binding: shape::value(root, "ProtocolBinding")?,
            acs_url: shape::value(root, "AssertionConsumerServiceURL")?,
            acs_index: shape::index(root, "AssertionConsumerServiceIndex")?,
            attribute_set: shape::index(root, "AttributeConsumingServiceIndex")?,
            provider_name: shape::value(root, "ProviderName")?,
            subject: children.optional(ns::ASSERTION, "Subject").map(subject).transpose()?,
            name_id_policy: children.optional(ns::PROTOCOL, "NameIDPolicy").map(name_id_policy).transpose()?,
            context: {
                // What the asker would like to limit the assertion to; the conditions are ours to set.
                children.optional(ns::ASSERTION, "Conditions");
                children.optional(ns::PROTOCOL, "RequestedAuthnContext").map(context).transpose()?
            },
        };
        // Where else one could ask. There is nowhere else.
        children.optional(ns::PROTOCOL, "Scoping");
        children.end()?;
        match (&request.acs_url, request.acs_index, &request.binding) {
            (Some(_), Some(_), _) => Err(RequestError::TwoPlaces),
            (None, Some(_), Some(_)) => Err(RequestError::IndexAndBinding),
            _ => Ok(request),
        }
    }

    /// The registered address that the answer goes to: the one that is asked for, if it is registered in exactly these letters,
    /// or the default.
    pub fn answer_to<'r>(&self, registered: &'r [AssertionConsumer]) -> Result<&'r AssertionConsumer, RequestError> {
        if let Some(binding) = &self.binding
            && Binding::from_uri(binding) != Some(Binding::HttpPost)
        {
            return Err(RequestError::Binding(shown(binding)));
        }
        match (&self.acs_url, self.acs_index) {
            (Some(url), _) => {
                let found = registered.iter().find(|it| it.location == *url);
                found.ok_or_else(|| RequestError::UnknownUrl(shown(url)))
            }
            (None, Some(index)) => {
                registered.iter().find(|it| it.index == Some(index)).ok_or(RequestError::UnknownIndex(index))
            }
            (None, None) => AssertionConsumer::default_of(registered).ok_or(RequestError::NoPlace),
        }
    }
}

fn subject(element: &Element<'_>) -> Result<NameId, RequestError> {
    let mut children = Children::of(element)?;
    let name = children.optional(ns::ASSERTION, "NameID").ok_or(RequestError::Subject)?;
    children.end().map_err(|_| RequestError::Subject)?;
    Ok(NameId::read(name)?)
}

fn name_id_policy(element: &Element<'_>) -> Result<NameIdPolicy, ShapeError> {
    Children::of(element)?.end()?;
    Ok(NameIdPolicy {
        format: shape::value(element, "Format")?,
        sp_name_qualifier: shape::value(element, "SPNameQualifier")?,
        allow_create: shape::flag(element, "AllowCreate")?.unwrap_or(false),
    })
}

fn context(element: &Element<'_>) -> Result<RequestedContext, RequestError> {
    let comparison = match element.attribute("Comparison") {
        None | Some("exact") => Comparison::Exact,
        Some("minimum") => Comparison::Minimum,
        Some("maximum") => Comparison::Maximum,
        Some("better") => Comparison::Better,
        Some(other) => return Err(RequestError::Comparison(shown(other))),
    };
    let mut children = Children::of(element)?;
    if children.optional(ns::ASSERTION, "AuthnContextDeclRef").is_some() {
        return Err(RequestError::ContextDeclaration);
    }
    let first = children.required(ns::ASSERTION, "AuthnContextClassRef")?;
    let more = children.many(ns::ASSERTION, "AuthnContextClassRef", MOST_CLASSES - 1)?;
    children.end()?;
    let classes = std::iter::once(first).chain(more).map(shape::uri).collect::<Result<_, _>>()?;
    Ok(RequestedContext { comparison, classes })
}

#[cfg(test)]
mod tests;
