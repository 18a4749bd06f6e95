//! The assertion itself: conditions, how the person was authenticated, attributes.

use jiff::Timestamp;

use super::error::ResponseError;
use super::{Expected, SignOn, check_issuer, check_version, subject};
use crate::saml::names::ns;
use crate::saml::read::shape::{self, Children, ShapeError};
use crate::saml::read::shown;
use crate::saml::read::xml::Element;

/// The most audiences that one restriction may name, and restrictions.
const MOST_AUDIENCES: usize = 32;

/// Something that is said about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// What kind of name that is, as a URI.
    pub name_format: Option<String>,
    /// A name for people.
    pub friendly_name: Option<String>,
    /// Its values that are text, in their order. One that is made of elements is left out.
    pub values: Vec<String>,
}

/// Reads an assertion whose signature has been verified.
pub(super) fn read(assertion: &Element<'_>, expected: &Expected<'_>) -> Result<SignOn, ResponseError> {
    check_version(assertion)?;
    let no_attribute = |attribute| ShapeError::NoAttribute { element: shape::name(assertion), attribute };
    let assertion_id = shape::id(assertion, "ID")?.ok_or_else(|| no_attribute("ID"))?;
    let issued = shape::instant(assertion, "IssueInstant")?.ok_or_else(|| no_attribute("IssueInstant"))?;
    check_begun(assertion, issued, expected)?;
    let mut children = Children::of(assertion)?;
    check_issuer(children.required(ns::ASSERTION, "Issuer")?, expected)?;
    children.optional(ns::SIGNATURE, "Signature");
    let (name_id, confirmed_until) = subject::read(children.required(ns::ASSERTION, "Subject")?, expected)?;
    let valid_until = conditions(children.required(ns::ASSERTION, "Conditions")?, expected)?;
    // Others' advice is not followed.
    children.optional(ns::ASSERTION, "Advice");
    let (mut statement, mut attributes) = (None, Vec::new());
    loop {
        if let Some(found) = children.optional(ns::ASSERTION, "AttributeStatement") {
            attribute_statement(found, &mut attributes)?;
        } else if statement.is_none() {
            match children.optional(ns::ASSERTION, "AuthnStatement") {
                Some(found) => statement = Some(found),
                None => break,
            }
        } else {
            break;
        }
    }
    children.end()?;
    let statement = statement.ok_or(ResponseError::NoStatement)?;
    let (authenticated, session_not_on_or_after) = session(statement, expected)?;
    Ok(SignOn {
        assertion_id,
        remember_until: valid_until.max(confirmed_until).saturating_add(expected.skew).unwrap_or(Timestamp::MAX),
        name_id,
        authenticated,
        context_class: context_class(statement)?,
        session_index: shape::value(statement, "SessionIndex")?,
        session_not_on_or_after,
        attributes,
    })
}

/// What is dated later than now has not happened yet.
pub(super) fn check_begun(
    element: &Element<'_>,
    begins: Timestamp,
    expected: &Expected<'_>,
) -> Result<(), ResponseError> {
    let ahead = begins.duration_since(expected.now);
    if ahead > expected.skew {
        return Err(ResponseError::NotYet { element: shape::name(element), seconds: ahead.as_secs() });
    }
    Ok(())
}

/// `NotBefore`, where it is there, and `NotOnOrAfter`, which must be. The end.
pub(super) fn check_times(element: &Element<'_>, expected: &Expected<'_>) -> Result<Timestamp, ResponseError> {
    if let Some(begins) = shape::instant(element, "NotBefore")? {
        check_begun(element, begins, expected)?;
    }
    let end = shape::instant(element, "NotOnOrAfter")?;
    let end = end.ok_or_else(|| ResponseError::NoEnd { element: shape::name(element) })?;
    check_not_ended(element, end, expected)?;
    Ok(end)
}

fn check_not_ended(element: &Element<'_>, end: Timestamp, expected: &Expected<'_>) -> Result<(), ResponseError> {
    let since = expected.now.duration_since(end);
    if since >= expected.skew {
        return Err(ResponseError::Ended { element: shape::name(element), seconds: since.as_secs() });
    }
    Ok(())
}

/// Every condition must be met; one that is not understood cannot be.
fn conditions(element: &Element<'_>, expected: &Expected<'_>) -> Result<Timestamp, ResponseError> {
    let end = check_times(element, expected)?;
    if element.has_loose_text() {
        return Err(ShapeError::LooseText(shape::name(element)).into());
    }
    let mut restricted = false;
    for condition in element.elements() {
        let name = condition.name();
        match name.local {
            "AudienceRestriction" if name.namespace == ns::ASSERTION => {
                check_audience(condition, expected)?;
                restricted = true;
            }
            // Each assertion works once here anyway.
            "OneTimeUse" if name.namespace == ns::ASSERTION => {}
            "ProxyRestriction" if name.namespace == ns::ASSERTION => return Err(ResponseError::ProxyRestriction),
            _ => return Err(ResponseError::Condition(shape::name(condition))),
        }
    }
    if restricted { Ok(end) } else { Err(ResponseError::NoAudience) }
}

fn check_audience(restriction: &Element<'_>, expected: &Expected<'_>) -> Result<(), ResponseError> {
    let mut children = Children::of(restriction)?;
    let audiences = children.many(ns::ASSERTION, "Audience", MOST_AUDIENCES)?;
    children.end()?;
    let audiences: Vec<String> = audiences.into_iter().map(shape::uri).collect::<Result<_, _>>()?;
    if audiences.iter().any(|audience| audience == expected.audience) {
        return Ok(());
    }
    let found = audiences.first().map_or_else(|| "nobody".to_owned(), |first| shown(first));
    Err(ResponseError::Audience { expected: expected.audience.to_owned(), found })
}

/// When the person was authenticated, and when the session must end.
fn session(statement: &Element<'_>, expected: &Expected<'_>) -> Result<(Timestamp, Option<Timestamp>), ResponseError> {
    let missing = || ShapeError::NoAttribute { element: shape::name(statement), attribute: "AuthnInstant" };
    let authenticated = shape::instant(statement, "AuthnInstant")?.ok_or_else(missing)?;
    check_begun(statement, authenticated, expected)?;
    let end = shape::instant(statement, "SessionNotOnOrAfter")?;
    if let Some(end) = end {
        check_not_ended(statement, end, expected)?;
    }
    Ok((authenticated, end))
}

fn context_class(statement: &Element<'_>) -> Result<Option<String>, ResponseError> {
    let mut children = Children::of(statement)?;
    children.optional(ns::ASSERTION, "SubjectLocality");
    let context = children.required(ns::ASSERTION, "AuthnContext")?;
    children.end()?;
    let class = context.elements().find(|it| it.is(ns::ASSERTION, "AuthnContextClassRef"));
    Ok(class.map(shape::uri).transpose()?)
}

fn attribute_statement(statement: &Element<'_>, attributes: &mut Vec<Attribute>) -> Result<(), ResponseError> {
    let mut children = Children::of(statement)?;
    while let Some(element) = children.optional(ns::ASSERTION, "Attribute") {
        let values = element.elements().filter(|it| it.is(ns::ASSERTION, "AttributeValue"));
        attributes.push(Attribute {
            name: shape::required(element, "Name")?.to_owned(),
            name_format: shape::value(element, "NameFormat")?,
            friendly_name: shape::value(element, "FriendlyName")?,
            values: values.filter_map(Element::text).map(str::to_owned).collect(),
        });
    }
    if children.optional(ns::ASSERTION, "EncryptedAttribute").is_some() {
        return Err(ResponseError::EncryptedAttribute);
    }
    Ok(children.end()?)
}
