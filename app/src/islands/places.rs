//! Search as you type over the accounts of a person. The list comes with the page as plain columns; what is found is shown as
//! copies of the page's own empty line. Without scripts the form around the field asks the server instead.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos::web_sys::wasm_bindgen::JsCast as _;
use leptos::web_sys::{
    self, Document, Element, HtmlElement, HtmlInputElement, HtmlTemplateElement, KeyboardEvent, Node,
};
use web_sys::js_sys::JsString;

/// Lines shown at first, and more on every wish.
const SHOWN: usize = 40;

/// Stands around the portal's list and listens to what happens in it.
#[island]
pub fn PlacesSearch(children: Children) -> impl IntoView {
    let places = StoredValue::new(None::<Places>);
    let shown = StoredValue::new(SHOWN);
    // Effects run only in the browser, once everything is there.
    Effect::new(move |_| places.set_value(Places::read()));
    let search =
        move || places.with_value(|places| places.as_ref().and_then(|places| places.search(shown.get_value())));
    let typed = move |event: leptos::ev::Event| {
        if is_search(event.target()) {
            shown.set_value(SHOWN);
            search();
        }
    };
    let clicked = move |event: leptos::ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if target.is_some_and(|target| matches!(target.closest("[data-slot=more] button"), Ok(Some(_)))) {
            shown.update_value(|shown| *shown += 10 * SHOWN);
            search();
        }
    };
    // Enter opens the first line that was found.
    let pressed = move |event: KeyboardEvent| {
        if event.key() == "Enter" && is_search(event.target()) && open_first() == Some(()) {
            event.prevent_default();
        }
    };
    view! { <div class="stack" on:input=typed on:click=clicked on:keydown=pressed>{children()}</div> }
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

fn is_search(target: Option<web_sys::EventTarget>) -> bool {
    target.and_then(|target| target.dyn_into::<Element>().ok()).is_some_and(|element| element.id() == "f-q")
}

/// Opens the first line of what was found, and puts the focus there.
fn open_first() -> Option<()> {
    let first = document()?.query_selector("#places-found:not([hidden]) summary").ok()??;
    let first = first.dyn_into::<HtmlElement>().ok()?;
    first.focus().ok()?;
    first.click();
    Some(())
}

/// A permission set as lines show it.
struct SetWords {
    name: String,
    description: String,
    length: String,
}

/// Everything that can be found.
struct Places {
    sets: Vec<SetWords>,
    paths: Vec<String>,
    /// Which sets go together.
    together: Vec<Vec<usize>>,
    ids: String,
    names: Vec<String>,
    emails: Vec<String>,
    at_path: Vec<usize>,
    has_sets: Vec<usize>,
    favourites: Vec<usize>,
    /// What ends when, by account and set.
    ending: HashMap<(usize, usize), String>,
    /// For each account, what it is searched by.
    searched: Vec<String>,
    /// The same of the sets' names.
    searched_sets: Vec<String>,
}

/// As names are compared: what looks alike is alike.
fn fold(text: &str) -> String {
    let folded = JsString::from(text).normalize("NFKC").to_lower_case().normalize("NFKC");
    folded.as_string().unwrap_or_default()
}

fn words(line: &str) -> Vec<String> {
    if line.is_empty() { Vec::new() } else { line.split('\t').map(str::to_owned).collect() }
}

fn numbers(line: &str, between: char) -> Vec<usize> {
    line.split(between).filter_map(|number| number.parse().ok()).collect()
}

impl Places {
    /// Reads what came with the page.
    fn read() -> Option<Self> {
        let text = document()?.get_element_by_id("places-data")?.text_content()?;
        let folded = fold(&text);
        let (plain, folded): (Vec<&str>, Vec<&str>) = (text.split('\n').collect(), folded.split('\n').collect());
        let line = |at: usize| plain.get(at).copied().unwrap_or_default();
        let folded = |at: usize| words(folded.get(at).copied().unwrap_or_default());
        let (descriptions, lengths) = (words(line(1)), words(line(2)));
        let sets = words(line(0)).into_iter().enumerate().map(|(at, name)| SetWords {
            name,
            description: descriptions.get(at).cloned().unwrap_or_default(),
            length: lengths.get(at).cloned().unwrap_or_default(),
        });
        let ending = line(11).split('\t').filter_map(|entry| {
            let mut parts = entry.splitn(3, ':');
            Some(((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?), parts.next()?.to_owned()))
        });
        let names = words(line(6));
        let mut places = Self {
            sets: sets.collect(),
            paths: words(line(3)),
            together: line(4).split('\t').map(|sets| numbers(sets, ',')).collect(),
            ids: line(5).to_owned(),
            emails: words(line(7)),
            at_path: numbers(line(8), ' '),
            has_sets: numbers(line(9), ' '),
            favourites: numbers(line(10), ' '),
            ending: ending.collect(),
            searched: Vec::with_capacity(names.len()),
            searched_sets: folded(0),
            names,
        };
        let (names, emails, paths) = (folded(6), folded(7), folded(3));
        for (at, name) in names.iter().enumerate() {
            let email = emails.get(at).map(|email| email.replace(' ', name)).unwrap_or_default();
            let path = places.at_path.get(at).and_then(|path| paths.get(*path)).map_or("", String::as_str);
            let searched = [name, places.id(at), &email, path].join("\n");
            places.searched.push(searched);
        }
        Some(places)
    }

    fn id(&self, at: usize) -> &str {
        self.ids.get(at * 12..at * 12 + 12).unwrap_or_default()
    }

    fn sets_of(&self, at: usize) -> &[usize] {
        self.has_sets.get(at).and_then(|sets| self.together.get(*sets)).map_or(&[], Vec::as_slice)
    }

    /// The accounts in which every word occurs.
    fn find(&self, terms: &[String]) -> Vec<usize> {
        // Few combinations of sets stand behind many accounts.
        let by_sets: Vec<Vec<bool>> = terms
            .iter()
            .map(|term| {
                let names: Vec<bool> = self.searched_sets.iter().map(|name| name.contains(term.as_str())).collect();
                let any = |sets: &Vec<usize>| sets.iter().any(|set| names.get(*set).copied().unwrap_or_default());
                self.together.iter().map(any).collect()
            })
            .collect();
        let occurs = |at: usize, text: &str| {
            terms.iter().zip(&by_sets).all(|(term, by_sets)| {
                let sets = self.has_sets.get(at).and_then(|sets| by_sets.get(*sets));
                sets.copied().unwrap_or_default() || text.contains(term.as_str())
            })
        };
        self.searched.iter().enumerate().filter(|(at, text)| occurs(*at, text)).map(|(at, _)| at).collect()
    }

    /// Shows what is found for what stands in the field; the page's own list where nothing is asked.
    fn search(&self, shown: usize) -> Option<()> {
        let document = document()?;
        let by_id = |id: &str| document.get_element_by_id(id);
        let typed = by_id("f-q")?.dyn_into::<HtmlInputElement>().ok()?.value();
        let (listed, found) = (by_id("places-listed")?, by_id("places-found")?);
        let terms: Vec<String> = fold(&typed).split_whitespace().map(term).collect();
        let own_list = terms.is_empty() && listed.get_attribute("data-filtered").is_none();
        show(&listed, own_list);
        show(&found, !own_list);
        let hits = self.find(&terms);
        self.count(&by_id("places-count")?, hits.len(), terms.is_empty());
        if own_list {
            return Some(());
        }
        let list = found.query_selector("ul").ok()??;
        let line = by_id("places-line")?.dyn_into::<HtmlTemplateElement>().ok()?.content().first_element_child()?;
        list.set_text_content(None);
        let next = String::from(web_sys::js_sys::encode_uri_component(typed.trim()));
        for at in hits.iter().take(shown) {
            let line = self.line(&line, *at, &next)?;
            list.append_child(AsRef::<Node>::as_ref(&line)).ok()?;
        }
        show(&found.query_selector("[data-slot=none]").ok()??, hits.is_empty());
        show(&found.query_selector("[data-slot=more]").ok()??, hits.len() > shown);
        Some(())
    }

    /// "12 of 7000 accounts"
    fn count(&self, status: &Element, hits: usize, all: bool) {
        let text = status.get_attribute(if all { "data-all" } else { "data-some" }).unwrap_or_default();
        let text = text.replace("%n", &hits.to_string()).replace("%total", &self.names.len().to_string());
        status.set_text_content(Some(&text));
    }

    /// A copy of the empty line, filled.
    fn line(&self, empty: &Element, at: usize, searched: &str) -> Option<Element> {
        let line = empty.clone_node_with_deep(true).ok()?.dyn_into::<Element>().ok()?;
        let (id, name) = (self.id(at), self.names.get(at).map_or("", String::as_str));
        let email = self.emails.get(at).map(|email| email.replace(' ', name)).unwrap_or_default();
        let path = self.at_path.get(at).and_then(|path| self.paths.get(*path)).map_or("", String::as_str);
        line.set_id(&format!("a-{id}"));
        fill(&line, "name", name);
        fill(&line, "starred", name);
        fill(&line, "id", id);
        fill(&line, "path", path);
        fill(&line, "email", &email);
        let sets = self.sets_of(at);
        let first_end = sets.iter().find_map(|set| self.ending.get(&(at, *set)));
        fill(&line, "ends", first_end.map_or("", String::as_str));
        let favourite = self.favourites.contains(&at);
        let next = format!("/start?q={searched}#a-{id}");
        for (field, value) in [("account", id), ("favourite", if favourite { "no" } else { "yes" }), ("next", &next)] {
            let input = line.query_selector(&format!("input[name={field}]")).ok()??;
            input.dyn_into::<HtmlInputElement>().ok()?.set_value(value);
        }
        let star = line.query_selector(".star").ok()??;
        star.set_attribute("aria-pressed", if favourite { "true" } else { "false" }).ok()?;
        let note = format!("note-{id}");
        line.query_selector(".hint").ok()??.set_id(&note);
        let list = line.query_selector("ul").ok()??;
        let empty = list.first_element_child()?;
        empty.remove();
        for place in sets {
            let Some(words) = self.sets.get(*place) else { continue };
            let set = empty.clone_node_with_deep(true).ok()?.dyn_into::<Element>().ok()?;
            fill(&set, "set", &words.name);
            fill(&set, "length", &words.length);
            fill(&set, "description", &words.description);
            fill(&set, "ends", self.ending.get(&(at, *place)).map_or("", String::as_str));
            let buttons = set.query_selector_all("button").ok()?;
            for button in (0..buttons.length()).filter_map(|n| buttons.item(n)?.dyn_into::<Element>().ok()) {
                button.set_attribute("aria-describedby", &note).ok()?;
            }
            list.append_child(AsRef::<Node>::as_ref(&set)).ok()?;
        }
        Some(line)
    }
}

/// A number may be written in groups, as in 1111-2222-3333.
fn term(word: &str) -> String {
    let grouped = word.contains('-') && word.chars().all(|c| c.is_ascii_digit() || c == '-');
    if grouped { word.replace('-', "") } else { word.to_owned() }
}

/// Fills the first slot of a name; a badge without words is not seen.
fn fill(within: &Element, slot: &str, text: &str) {
    if let Ok(Some(place)) = within.query_selector(&format!("[data-slot={slot}]")) {
        place.set_text_content(Some(text));
        if slot == "ends" {
            show(&place, !text.is_empty());
        }
    }
}

fn show(element: &Element, shown: bool) {
    // An attribute of this name can be set on every element.
    let _ = element.toggle_attribute_with_force("hidden", !shown);
}
