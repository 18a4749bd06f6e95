//! The accounts of a person as lines that open: the markup of a line, its empty copy for the script, and the list that the
//! script searches in.
//!
//! A line is written here and nowhere else. The script copies the empty one and fills its slots ([`crate::islands::places`]).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::Hash;

use domain::access::entitlements::Entitled;
use domain::access::portal::{Listed, Listing, SOON, Shelf};
use jiff::SignedDuration;
use leptos::prelude::*;
use model::{PermissionSetId, Timestamp, t};

use super::badge::Tone;
use super::form::hidden;
use super::icon::star;
use super::time::{largest_unit, moment};
use crate::context::Cx;

/// What a line shows.
#[derive(Default)]
struct Line {
    id: String,
    name: String,
    email: String,
    path: String,
    favourite: bool,
    ends: String,
    next: String,
    sets: Vec<SetLine>,
}

/// What it shows of a permission set.
#[derive(Clone, Default)]
struct SetLine {
    name: String,
    description: String,
    length: String,
    ends: String,
}

/// Lines, one below the other.
pub fn list(cx: &Cx, rows: &[Listed<'_>], next: &str, labelled_by: Option<&'static str>) -> AnyView {
    let lines = rows
        .iter()
        .map(|row| {
            let account = row.reached.account;
            let sets = row.reached.sets().map(|entitled| SetLine {
                name: entitled.set.name.clone(),
                description: entitled.set.description.clone(),
                length: length(&entitled),
                ends: ends(cx, &entitled),
            });
            let sets: Vec<SetLine> = sets.collect();
            line(Line {
                id: account.id.to_string(),
                name: account.name.clone(),
                email: account.email.clone(),
                path: account.path.to_string(),
                favourite: row.shelf == Shelf::Favourite,
                ends: sets.iter().map(|set| set.ends.clone()).find(|ends| !ends.is_empty()).unwrap_or_default(),
                next: next.to_owned(),
                sets,
            })
        })
        .collect_view();
    let label = labelled_by.is_none().then(|| t!("start.accounts.title"));
    view! { <ul role="list" class="places" aria-labelledby=labelled_by aria-label=label>{lines}</ul> }.into_any()
}

/// Where the script puts what it finds.
pub fn found() -> AnyView {
    view! {
        <div id="places-found" class="stack" hidden>
            <ul role="list" class="places" aria-label=t!("start.results")></ul>
            <div class="empty" data-slot="none" hidden>
                <h2>{t!("start.none-found")}</h2>
                <p>{t!("filter.nothing")}</p>
            </div>
            <p data-slot="more" hidden><button type="button">{t!("start.more")}</button></p>
        </div>
    }
    .into_any()
}

/// An empty line with one empty set in it.
pub fn template(_: &Cx) -> AnyView {
    let empty = Line { sets: vec![SetLine::default()], ..Line::default() };
    view! { <template id="places-line">{line(empty)}</template> }.into_any()
}

fn line(line: Line) -> AnyView {
    let Line { id, name, email, path, favourite, ends, next, sets } = line;
    let note = format!("note-{id}");
    let sets = sets.into_iter().map(|set| set_line(set, &note)).collect_view();
    let to = if favourite { "no" } else { "yes" };
    let next = format!("{next}#a-{id}");
    let anchor = format!("a-{id}");
    view! {
        <li id=anchor>
            <details name="places">
                <summary>
                    <bdi class="place-name" data-slot="name">{name.clone()}</bdi>
                    {ends_badge(ends)}
                    <code data-slot="id">{id.clone()}</code>
                    <span class="place-path" data-slot="path">{path}</span>
                </summary>
                <div class="place-body">
                    <p class="small muted" data-slot="email">{email}</p>
                    <ul role="list" class="items">{sets}</ul>
                    <p class="hint" id=note>{t!("start.not-configured")}</p>
                </div>
            </details>
            <form method="post" action="/actions/portal/favourite">
                {hidden("account", id.clone())}
                {hidden("favourite", to)}
                {hidden("next", next)}
                <button class="star" aria-pressed=if favourite { "true" } else { "false" } title=t!("start.star")>
                    {star()}
                    <span class="hidden-visually">{t!("start.star")}" "<bdi data-slot="starred">{name}</bdi></span>
                </button>
            </form>
        </li>
    }
    .into_any()
}

fn set_line(set: SetLine, note: &str) -> AnyView {
    let SetLine { name, description, length, ends } = set;
    view! {
        <li>
            <div>
                <strong data-slot="set">{name}</strong>" "
                <span class="small muted" data-slot="length">{length}</span>" "
                {ends_badge(ends)}
                <p class="small muted" data-slot="description">{description}</p>
            </div>
            <div class="row">
                <button type="button" class="compact" disabled aria-describedby=note.to_owned()>{t!("start.console")}</button>
                <button type="button" class="compact" disabled aria-describedby=note.to_owned()>{t!("start.keys")}</button>
            </div>
        </li>
    }
    .into_any()
}

/// Says that something ends soon; there in every line, so that the script has a place to fill.
fn ends_badge(ends: String) -> AnyView {
    let (class, unseen) = (format!("badge {}", Tone::Warn.class()), ends.is_empty());
    view! { <span class=class data-slot="ends" hidden=unseen>{ends}</span> }.into_any()
}

fn length(entitled: &Entitled<'_>) -> String {
    largest_unit(SignedDuration::from_secs(i64::from(entitled.set.session.seconds())))
}

/// "Ends in 3 days", where it does within a week.
fn ends(cx: &Cx, entitled: &Entitled<'_>) -> String {
    let soon = |at: &Timestamp| at.since(cx.call().now) <= SOON;
    entitled.expires.filter(soon).map_or_else(String::new, |at| t!("start.ends", when = cx.clock.relative(moment(at))))
}

/// The whole list for the script, as lines of values between tabs: words of the sets, paths, which sets go together, and then
/// for each account its number, name, mail address (where a space stands for the name), path, sets, whether it is a favourite, and
/// what ends when. By columns, because what is alike lies side by side then and packs well.
pub fn data(cx: &Cx, listing: &Listing) -> String {
    let mut columns = Columns::default();
    for (number, row) in listing.rows().iter().enumerate() {
        columns.add(cx, number, row);
    }
    columns.into_text()
}

/// The list under construction. Every value is followed by what separates it from the next.
#[derive(Default)]
struct Columns {
    sets: Interned<PermissionSetId>,
    set_names: String,
    descriptions: String,
    lengths: String,
    places_of_paths: Interned<str>,
    paths: String,
    places_of_together: Interned<[usize]>,
    together: String,
    ids: String,
    names: String,
    emails: String,
    at_path: String,
    has_sets: String,
    favourites: String,
    ending: String,
    /// The sets of one account, kept for the next one.
    theirs: Vec<usize>,
}

impl Columns {
    fn add(&mut self, cx: &Cx, number: usize, row: &Listed<'_>) {
        let account = row.reached.account;
        self.theirs.clear();
        for entitled in row.reached.sets() {
            let (place, new) = self.sets.place(&entitled.set.id);
            if new {
                push(&mut self.set_names, &plain(&entitled.set.name), '\t');
                push(&mut self.descriptions, &plain(&entitled.set.description), '\t');
                push(&mut self.lengths, &length(&entitled), '\t');
            }
            self.theirs.push(place);
            let ends = ends(cx, &entitled);
            if !ends.is_empty() {
                push(&mut self.ending, &format!("{number}:{place}:{ends}"), '\t');
            }
        }
        self.ids.push_str(account.id.as_str());
        let (name, email) = (plain(&account.name), plain(&account.email));
        let named = Some(&*name).filter(|name| !name.is_empty()).and_then(|name| email.split_once(name));
        match named {
            Some((before, after)) => push(&mut self.emails, &format!("{before} {after}"), '\t'),
            None => push(&mut self.emails, &email, '\t'),
        }
        push(&mut self.names, &name, '\t');
        let (path, new) = self.places_of_paths.place(account.path.as_str());
        if new {
            push(&mut self.paths, account.path.as_str(), '\t');
        }
        push_number(&mut self.at_path, path, ' ');
        let (together, new) = self.places_of_together.place(self.theirs.as_slice());
        if new {
            for place in &self.theirs {
                push_number(&mut self.together, *place, ',');
            }
            self.together.pop();
            self.together.push('\t');
        }
        push_number(&mut self.has_sets, together, ' ');
        if row.shelf == Shelf::Favourite {
            push_number(&mut self.favourites, number, ' ');
        }
    }

    /// One line for each column, as text between tags.
    fn into_text(self) -> String {
        let mut lines = [
            self.set_names,
            self.descriptions,
            self.lengths,
            self.paths,
            self.together,
            self.ids + "\t",
            self.names,
            self.emails,
            self.at_path,
            self.has_sets,
            self.favourites,
            self.ending,
        ];
        for line in &mut lines {
            line.pop();
        }
        lines.join("\n").replace('&', "&amp;").replace('<', "&lt;")
    }
}

fn push(column: &mut String, value: &str, separator: char) {
    column.push_str(value);
    column.push(separator);
}

fn push_number(column: &mut String, number: usize, separator: char) {
    // Writing to a string cannot fail.
    let _ = write!(column, "{number}{separator}");
}

/// What separates values must not be in one.
fn plain(text: &str) -> Cow<'_, str> {
    let separates = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r');
    if text.bytes().any(separates) { text.replace(['\t', '\n', '\r'], " ").into() } else { text.into() }
}

/// Things by the order in which they came.
struct Interned<T: ToOwned + ?Sized>(HashMap<T::Owned, usize>);

impl<T: ToOwned + ?Sized> Default for Interned<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Interned<T>
where
    T: ToOwned + Hash + Eq + ?Sized,
    T::Owned: Hash + Eq,
{
    /// The place of something, and whether it is new.
    fn place(&mut self, thing: &T) -> (usize, bool) {
        if let Some(place) = self.0.get(thing) {
            return (*place, false);
        }
        let place = self.0.len();
        self.0.insert(thing.to_owned(), place);
        (place, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_values_is_in_none() {
        for (text, written) in [("", ""), ("a b", "a b"), ("a\tb\r\nc", "a b  c")] {
            assert_eq!(plain(text), written);
        }
    }

    #[test]
    fn things_have_the_place_at_which_they_came_first() {
        let mut interned = Interned::<str>::default();
        let places = ["a", "b", "a", "c", "b"].map(|text| interned.place(text));
        assert_eq!(places, [(0, true), (1, true), (0, false), (2, true), (1, false)]);
    }
}
