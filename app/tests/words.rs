//! The catalogue and the sources agree: every key used exists with the same places, every key that exists is used.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::words::{english, entries};

/// Keys that are built while running; each group has its own test or shows something harmless where a key is missing.
const BUILT: &[&str] = &["notice.", "field.", "event.", "actor.", "count.", "time."];

fn sources(folder: &Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Key and names of the values of every `t!` in the sources.
fn used() -> BTreeMap<String, BTreeSet<String>> {
    let mut text = String::new();
    for folder in ["src", "../server/domain/src"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    }
    let mut found = BTreeMap::new();
    for (at, found_at) in text.match_indices("t!(") {
        // `format!` and its like end in the same letters.
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        // A long one has its key on the next line.
        let Some(begun) = text[at + found_at.len()..].trim_start().strip_prefix('"') else { continue };
        let (key, after) = begun.split_once('"').unwrap();
        // Up to the parenthesis that closes the macro.
        let mut depth = 1;
        let arguments: String = after
            .chars()
            .take_while(|c| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth > 0
            })
            .collect();
        let mut level = 0;
        let mut names = BTreeSet::new();
        let mut word = String::new();
        for c in arguments.chars() {
            level += i32::from(c == '(') - i32::from(c == ')');
            match c {
                '=' if level == 0 => {
                    names.insert(word.trim().to_owned());
                    word.clear();
                }
                ',' => word.clear(),
                c => word.push(c),
            }
        }
        found.insert(key.to_owned(), names);
    }
    found
}

fn places(text: &str) -> BTreeSet<String> {
    text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn every_key_in_the_sources_is_in_the_catalogue_with_the_same_places() {
    let known: BTreeMap<_, _> = entries(english()).collect();
    for (key, names) in used() {
        let text = known.get(key.as_str());
        assert!(text.is_some(), "{key} is not in the catalogue");
        assert_eq!(places(text.unwrap()), names, "places of {key}");
    }
}

#[test]
fn every_key_in_the_catalogue_is_used() {
    let used = used();
    for (key, _) in entries(english()) {
        assert!(used.contains_key(key) || BUILT.iter().any(|prefix| key.starts_with(prefix)), "{key} is not used");
    }
}

#[test]
fn the_catalogue_keeps_the_tone() {
    for (key, text) in entries(english()) {
        let lower = text.to_lowercase();
        for word in ["please", "oops", "!", "sorry"] {
            assert!(!lower.contains(word), "{key} says {word:?}");
        }
    }
}
