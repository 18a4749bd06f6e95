//! The accounts of a person as lines that open: the markup of a line, its empty copy for the script, and the list that the
//! script searches in.
//!
//! A line is written here and nowhere else. The script copies the empty one and fills its slots ([`crate::islands::places`]).

use std::collections::HashMap;
use std::fmt::Write as _;

use domain::access::entitlements::Entitled;
use domain::access::portal::{Listed, Listing, SOON, Shelf};
use jiff::SignedDuration;
use leptos::prelude::*;
use model::{Timestamp, t};

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
    let rows = listing.rows();
    let (mut sets, mut paths, mut together) = (Interned::default(), Interned::default(), Interned::default());
    let mut set_words: [Vec<String>; 3] = Default::default();
    let (mut ids, mut names, mut emails) = (String::new(), Vec::new(), Vec::new());
    let (mut at_path, mut has_sets, mut favourites, mut ending) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        let account = row.reached.account;
        let mut theirs = String::new();
        for entitled in row.reached.sets() {
            let (place, new) = sets.place(&entitled.set.name);
            if new {
                set_words[0].push(plain(&entitled.set.name));
                set_words[1].push(plain(&entitled.set.description));
                set_words[2].push(length(&entitled));
            }
            // Writing to a string cannot fail.
            let _ = write!(theirs, "{}{place}", if theirs.is_empty() { "" } else { "," });
            let ends = ends(cx, &entitled);
            if !ends.is_empty() {
                ending.push(format!("{number}:{place}:{ends}"));
            }
        }
        ids.push_str(account.id.as_str());
        let name = plain(&account.name);
        emails.push(if name.is_empty() { plain(&account.email) } else { plain(&account.email).replace(&name, " ") });
        names.push(name);
        at_path.push(paths.place(account.path.as_str()).0.to_string());
        has_sets.push(together.place(&theirs).0.to_string());
        if row.shelf == Shelf::Favourite {
            favourites.push(number.to_string());
        }
    }
    let [set_names, descriptions, lengths] = set_words.map(|words| words.join("\t"));
    let lines = [
        set_names,
        descriptions,
        lengths,
        paths.list.join("\t"),
        together.list.join("\t"),
        ids,
        names.join("\t"),
        emails.join("\t"),
        at_path.join(" "),
        has_sets.join(" "),
        favourites.join(" "),
        ending.join("\t"),
    ];
    lines.join("\n").replace('&', "&amp;").replace('<', "&lt;")
}

/// What separates values must not be in one.
fn plain(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

/// Texts by the order in which they came.
#[derive(Default)]
struct Interned {
    places: HashMap<String, usize>,
    list: Vec<String>,
}

impl Interned {
    /// The place of a text, and whether it is new.
    fn place(&mut self, text: &str) -> (usize, bool) {
        if let Some(place) = self.places.get(text) {
            return (*place, false);
        }
        let place = self.list.len();
        self.list.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        (place, true)
    }
}
