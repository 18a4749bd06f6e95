//! Finding the one entity that is meant.

use std::collections::HashSet;

use jiff::Timestamp;

use super::MetadataError;
use crate::saml::names::ns;
use crate::saml::read::certificate::Pinned;
use crate::saml::read::shape::{self, LONGEST_URI};
use crate::saml::read::shown;
use crate::saml::read::signature;
use crate::saml::read::xml::{Document, Element};

/// How many are named where there are too many.
const MOST_NAMED: usize = 5;

/// An entity in the role that is looked for.
pub(super) struct Found<'e, 'a> {
    pub(super) entity_id: String,
    pub(super) role: &'e Element<'a>,
    /// The earliest end of what it stands in.
    pub(super) valid_until: Option<Timestamp>,
}

/// Reads a document in which one entity has the role, and hands that to `take`.
pub(super) fn with_one<T>(
    bytes: &[u8],
    now: Timestamp,
    pinned: Option<&[Pinned]>,
    called: &'static str,
    role: &str,
    take: impl FnOnce(Found<'_, '_>) -> Result<T, MetadataError>,
) -> Result<T, MetadataError> {
    let document = Document::read_file(bytes)?;
    let root = document.root();
    if !is_entity(root) && !is_group(root) {
        return Err(MetadataError::Root(shape::name(root)));
    }
    if let Some(pinned) = pinned {
        signature::verify_metadata(&document, pinned)?;
    }
    let mut found = all(root, role)?;
    if found.len() > 1 {
        return Err(MetadataError::Several { role: called, names: names(&found) });
    }
    let one = found.pop().ok_or(MetadataError::NoRole(called))?;
    match one.valid_until {
        Some(end) if end <= now => Err(MetadataError::Expired(end)),
        _ => take(one),
    }
}

fn is_entity(element: &Element<'_>) -> bool {
    element.is(ns::METADATA, "EntityDescriptor")
}

fn is_group(element: &Element<'_>) -> bool {
    element.is(ns::METADATA, "EntitiesDescriptor")
}

/// Each entity with each of its descriptors of the role, through groups of any depth.
fn all<'e, 'a>(root: &'e Element<'a>, role: &str) -> Result<Vec<Found<'e, 'a>>, MetadataError> {
    let mut found = Vec::new();
    let mut known = HashSet::new();
    let mut waiting = vec![(root, None)];
    while let Some((element, outer)) = waiting.pop() {
        let valid_until = earlier(outer, shape::instant(element, "validUntil")?);
        if is_group(element) {
            let inside = element.elements().filter(|it| is_entity(it) || is_group(it));
            waiting.extend(inside.map(|it| (it, valid_until)));
            continue;
        }
        let entity_id = entity_id(element)?;
        if !known.insert(entity_id.clone()) {
            return Err(MetadataError::DuplicateEntity(shown(&entity_id)));
        }
        for role in element.elements().filter(|it| it.is(ns::METADATA, role) && speaks_saml(it)) {
            let valid_until = earlier(valid_until, shape::instant(role, "validUntil")?);
            found.push(Found { entity_id: entity_id.clone(), role, valid_until });
        }
    }
    Ok(found)
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn entity_id(entity: &Element<'_>) -> Result<String, MetadataError> {
    let id = shape::required(entity, "entityID")?;
    let odd = |char: char| char.is_whitespace() || char.is_control();
    if id.is_empty() || id.contains(odd) || id.chars().nth(LONGEST_URI).is_some() {
        return Err(MetadataError::EntityId(shown(id)));
    }
    Ok(id.to_owned())
}

/// A descriptor may be one for SAML 1.1 only.
fn speaks_saml(role: &Element<'_>) -> bool {
    role.attribute("protocolSupportEnumeration").is_some_and(|list| list.split(' ').any(|one| one == ns::PROTOCOL))
}

fn names(found: &[Found<'_, '_>]) -> String {
    let mut names: Vec<String> = found.iter().take(MOST_NAMED).map(|it| shown(&it.entity_id)).collect();
    let more = found.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
