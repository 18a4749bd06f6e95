//! Goes through the files from front to back and hands each thing to the reader of its section.

use std::collections::HashMap;

use super::at::{At, Faults};
use super::events::{Broken, Event, Source};
use super::json::JsonSource;
use super::node::{Node, Path, near};
use super::shape::Reading;
use super::yaml::YamlSource;
use super::{API_VERSION, Organisation, Section, access, directories, people, policies, resources, settings};

/// The most that all files together may hold, in bytes.
pub const LARGEST: usize = 512 << 20;
/// The most files.
const MOST_FILES: usize = 1_000;

/// A file.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// As it is named in faults.
    pub name: &'a str,
    pub text: &'a str,
}

/// Reads a file that a document names: given the document's name and the name in it. The problem follows the field's name.
pub type Load<'l> = &'l dyn Fn(&str, &str) -> Result<String, String>;

/// Reads files. What could be read is given back also where something is wrong, so that more can be said about it.
pub fn read(documents: &[Document<'_>], load: Load<'_>) -> (Organisation, Faults) {
    let mut faults = Faults::in_files(documents.iter().map(|document| document.name.to_owned()).collect());
    let mut organisation = Organisation::default();
    if documents.len() > MOST_FILES || documents.iter().map(|document| document.text.len()).sum::<usize>() > LARGEST {
        let problem = format!("there may be at most {MOST_FILES} files with {} MiB in all", LARGEST >> 20);
        faults.add(At { file: 0, line: 1, column: 1 }, "", problem);
        return (organisation, faults);
    }
    let mut known = Known::default();
    for (file, document) in documents.iter().enumerate() {
        let file = u16::try_from(file).unwrap_or(u16::MAX);
        if let Some((before, odd)) = unprintable(document.text) {
            let (line, column) = behind(before);
            let problem = format!("holds the control character U+{:04X}", u32::from(odd));
            faults.add(At { file, line, column }, "", problem);
            continue;
        }
        let mut source = source_of(document);
        let files = |name: &str| load(document.name, name);
        let mut reading = Reading { faults: &mut faults, files: &files, accounts: Vec::new(), lacking: Vec::new() };
        let mut walk = Walk { file, versions: 0, reading: &mut reading, known: &mut known, to: &mut organisation };
        if let Err(broken) = walk.file(&mut *source) {
            let at = At { file, line: broken.line, column: broken.column };
            faults.add(at, "", broken.problem);
        }
    }
    (organisation, faults)
}

fn source_of<'a>(document: &Document<'a>) -> Box<dyn Source<'a> + 'a> {
    let text = document.text.strip_prefix('\u{feff}').unwrap_or(document.text);
    let named = std::path::Path::new(document.name).extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let begins = text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{');
    // What is JSON is read as JSON: YAML has other ideas about some of its escapes.
    if named || (begins && JsonSource::fits(text)) {
        Box::new(JsonSource::of(text))
    } else {
        Box::new(YamlSource::of(text))
    }
}

/// The first control character that stands in the text as it is, and all before it. To some readers it is the end.
fn unprintable(text: &str) -> Option<(&str, char)> {
    let place = text.bytes().position(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'))?;
    let (before, rest) = text.split_at_checked(place)?;
    Some((before, rest.chars().next()?))
}

/// Line and column behind a beginning of a text.
pub fn behind(text: &str) -> (u32, u32) {
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let lines = text.bytes().filter(|byte| *byte == b'\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    (narrow(lines + 1), narrow(last.chars().count() + 1))
}

/// What has been named, so that nothing is named twice.
#[derive(Default)]
pub(super) struct Known(HashMap<(Section, String), At>);

impl Known {
    /// Notes a thing by the form in which its name is compared; a second one of the name is a fault.
    pub(super) fn note(&mut self, section: Section, key: String, at: At, path: &Path<'_>, faults: &mut Faults) {
        match self.0.entry((section, key)) {
            std::collections::hash_map::Entry::Occupied(first) => {
                let first = *first.get();
                let place = if first.file == at.file {
                    format!("line {}", first.line)
                } else {
                    format!("another file, line {}", first.line)
                };
                faults.add(at, path, format!("names the same {} as {place}", section.kind()));
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(at);
            }
        }
    }
}

struct Walk<'w, 'r> {
    file: u16,
    versions: usize,
    reading: &'w mut Reading<'r>,
    known: &'w mut Known,
    to: &'w mut Organisation,
}

impl Walk<'_, '_> {
    fn at(&self, line: u32, column: u32) -> At {
        At { file: self.file, line, column }
    }

    fn file(&mut self, source: &mut dyn Source<'_>) -> Result<(), Broken> {
        loop {
            let (event, line, column) = source.step()?;
            match event {
                Event::Document => self.document(source)?,
                Event::End => break,
                _ => return Err(Broken { line, column, problem: "a document is expected here".to_owned() }),
            }
        }
        if self.versions == 0 {
            let problem = format!("is missing: it says {API_VERSION}");
            self.reading.faults.add(self.at(1, 1), "apiVersion", problem);
        }
        Ok(())
    }

    fn document(&mut self, source: &mut dyn Source<'_>) -> Result<(), Broken> {
        let (event, line, column) = source.step()?;
        match event {
            Event::Map => {}
            // An empty document says nothing.
            Event::Scalar { text, quoted: false } if matches!(text.as_ref(), "" | "~" | "null") => return Ok(()),
            _ => return Err(Broken { line, column, problem: "a map of sections is expected here".to_owned() }),
        }
        let mut seen: Vec<String> = Vec::new();
        loop {
            let (event, line, column) = source.step()?;
            let at = self.at(line, column);
            let name = match event {
                Event::EndOfMap => return Ok(()),
                Event::Scalar { text, .. } => text.into_owned(),
                _ => return Err(Broken { line, column, problem: "the name of a section is expected here".to_owned() }),
            };
            if seen.contains(&name) {
                self.reading.faults.add(at, &name, "is given twice in one document");
            }
            let section = Section::parse(&name);
            match section {
                None if name == "apiVersion" => self.version(source)?,
                Some(Section::Settings) => self.settings(source, at)?,
                Some(section) => self.things(source, section)?,
                None => {
                    let meant = Section::ALL.into_iter().find(|section| near(section.name(), &name));
                    let problem = match meant {
                        Some(meant) => format!("is not known here; is {} meant?", meant.name()),
                        None => "is not known here".to_owned(),
                    };
                    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                    self.reading.faults.add(at, shown, problem);
                    self.node(source, &Path::Root("value"))?;
                }
            }
            seen.push(name);
        }
    }

    fn node<'a>(&mut self, source: &mut dyn Source<'a>, path: &Path<'_>) -> Result<Node<'a>, Broken> {
        let (event, line, column) = source.step()?;
        Node::build(source, (event, self.at(line, column)), path, self.reading.faults)
    }

    fn version(&mut self, source: &mut dyn Source<'_>) -> Result<(), Broken> {
        let path = Path::Root("apiVersion");
        let node = self.node(source, &path)?;
        self.versions += 1;
        if let Some(text) = node.text(&path, self.reading.faults)
            && text != API_VERSION
        {
            self.reading.faults.add(node.at, path, format!("must be {API_VERSION}"));
        }
        Ok(())
    }

    fn settings(&mut self, source: &mut dyn Source<'_>, at: At) -> Result<(), Broken> {
        let path = Path::Root("settings");
        let node = self.node(source, &path)?;
        self.to.sections.insert(Section::Settings);
        self.known.note(Section::Settings, String::new(), at, &path, self.reading.faults);
        if let Some(read) = settings::read(&node, &path, self.reading) {
            self.to.settings = Some(read);
        }
        Ok(())
    }

    fn things(&mut self, source: &mut dyn Source<'_>, section: Section) -> Result<(), Broken> {
        let root = Path::Root(section.name());
        let (event, line, column) = source.step()?;
        self.to.sections.insert(section);
        if event != Event::List {
            let node = Node::build(source, (event, self.at(line, column)), &root, self.reading.faults)?;
            node.list(&root, self.reading.faults);
            return Ok(());
        }
        for index in 0.. {
            let (event, line, column) = source.step()?;
            if event == Event::EndOfList {
                break;
            }
            let path = Path::Item(&root, index);
            let node = Node::build(source, (event, self.at(line, column)), &path, self.reading.faults)?;
            self.thing(section, &node, index, &path);
        }
        Ok(())
    }

    fn thing(&mut self, section: Section, node: &Node<'_>, index: usize, path: &Path<'_>) {
        let (reading, known) = (&mut *self.reading, &mut *self.known);
        match section {
            Section::Settings => {}
            Section::Accounts => self.to.accounts.extend(resources::account(node, index, path, reading, known)),
            Section::PermissionSets => {
                self.to.permission_sets.extend(resources::permission_set(node, index, path, reading, known));
            }
            Section::Applications => {
                self.to.applications.extend(resources::application(node, index, path, reading, known));
            }
            Section::Groups => self.to.groups.extend(people::group(node, index, path, reading, known)),
            Section::Users => self.to.users.extend(people::user(node, index, path, reading, known)),
            Section::Assignments => access::assignment(node, path, reading, &mut self.to.assignments),
            Section::Administrators => {
                self.to.administrators.extend(access::administrator(node, index, path, reading, known));
            }
            Section::Directories => {
                let read = directories::directory(node, index, path, reading, known);
                self.to.stored.extend(read.map(|stored| (section, stored)));
            }
            Section::Policies | Section::Roles | Section::IdentityProviders | Section::ServiceControlPolicies => {
                let read = policies::thing(section, node, index, path, reading, known);
                self.to.stored.extend(read.map(|stored| (section, stored)));
            }
        }
    }
}
