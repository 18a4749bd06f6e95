//! `vestibule plan`, `apply` and `export`: the organisation as files.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::Args;
use domain::Secret;
use domain::access::plan::{FieldChange, Op, PersonAccess, PlannedChange};
use domain::provisioning::organisation::{Files, Options, Planned, Refused};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::organisation::{Document, LARGEST, behind};

use super::Failure;
use super::local::Local;
use super::output::{Output, say};
use crate::serve::explained;

pub const PLAN_HELP: &str = "\
Examples:
  vestibule plan organisation.yaml
  vestibule plan accounts.yaml people.yaml --prune --out today.plan

Nothing is changed. The exit status is 0 where all is as the files say already, and 2 where something would change.";

pub const APPLY_HELP: &str = "\
Examples:
  vestibule apply organisation.yaml
  vestibule apply today.plan                      exactly what `vestibule plan --out` has shown
  ALICE_PASSWORD=… vestibule apply organisation.yaml --yes --set-passwords

All of it is applied, or nothing. What the files do not name stays, unless --prune.";

pub const EXPORT_HELP: &str = "\
Examples:
  vestibule export > organisation.yaml
  vestibule export --json

The export has the form that `vestibule apply` reads; applying it changes nothing. It holds no secret.";

/// How many changes and people are shown to a reader; --json has all of them.
const SHOWN: usize = 40;
/// The most that a person's line names.
const NAMED: usize = 6;
/// The largest file that an organisation file may name: metadata, certificates.
const LARGEST_NAMED: usize = 1 << 20;

#[derive(Args, Debug)]
pub struct Plan {
    /// Organisation files, YAML or JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Remove what the files do not name, of the kinds that they name
    #[arg(long)]
    prune: bool,
    /// Keep the plan, to apply exactly this
    #[arg(long, value_name = "PLAN")]
    out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Apply {
    /// Organisation files, or one plan that was kept
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Remove what the files do not name, of the kinds that they name
    #[arg(long)]
    prune: bool,
    /// Set the passwords of people, and the secrets of webhooks, who are there already
    #[arg(long)]
    set_passwords: bool,
}

/// A plan as it is kept: the files as they were, and what stands for the plan.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    vestibule_plan: u32,
    digest: String,
    prune: bool,
    documents: Vec<(String, String)>,
    /// By document and name.
    files: Vec<(String, String, String)>,
}

/// Files, and what they name, read once.
struct Sources {
    documents: Vec<(String, String)>,
    named: Mutex<BTreeMap<(String, String), String>>,
    /// Whether files may still be read from the disk.
    on_disk: bool,
}

impl Sources {
    fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut documents = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let text = read_text(path, LARGEST).map_err(|problem| match problem {
                Unreadable::NotUtf8 { line, column } => format!("{name}:{line}:{column}: is not UTF-8"),
                other => format!("{name}: {other}"),
            })?;
            documents.push((name, text));
        }
        Ok(Self { documents, named: Mutex::default(), on_disk: true })
    }

    fn of(kept: Kept) -> Self {
        let named = kept.files.into_iter().map(|(document, name, text)| ((document, name), text)).collect();
        Self { documents: kept.documents, named: Mutex::new(named), on_disk: false }
    }

    fn named(&self, document: &str, name: &str) -> Result<String, String> {
        let key = (document.to_owned(), name.to_owned());
        let mut named = self.named.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(text) = named.get(&key) {
            return Ok(text.clone());
        }
        if !self.on_disk {
            return Err(format!("{name} is not part of the plan"));
        }
        let path = Path::new(document).parent().unwrap_or(Path::new("")).join(name);
        let text = read_text(&path, LARGEST_NAMED).map_err(|problem| format!("{name}: {problem}"))?;
        named.insert(key, text.clone());
        Ok(text)
    }

    fn keep(self, planned: &Planned, prune: bool) -> Kept {
        let named = self.named.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Kept {
            vestibule_plan: 1,
            digest: planned.digest(),
            prune,
            documents: self.documents,
            files: named.into_iter().map(|((document, name), text)| (document, name, text)).collect(),
        }
    }
}

/// Why a file is not taken.
enum Unreadable {
    Io(std::io::Error),
    Directory,
    TooLarge(usize),
    NotUtf8 { line: u32, column: u32 },
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::Directory => f.write_str("is a directory; files are named one by one"),
            Self::TooLarge(most) => write!(f, "is larger than {} MiB", most >> 20),
            Self::NotUtf8 { line, column } => write!(f, "is not UTF-8 in line {line}, column {column}"),
        }
    }
}

/// A whole file, where it is not endless.
fn read_text(path: &Path, most: usize) -> Result<String, Unreadable> {
    let file = File::open(path).map_err(Unreadable::Io)?;
    let about = file.metadata().map_err(Unreadable::Io)?;
    if about.is_dir() {
        return Err(Unreadable::Directory);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(most).min(most));
    file.take(u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Unreadable::Io)?;
    if bytes.len() > most {
        return Err(Unreadable::TooLarge(most));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let (line, column) = behind(&String::from_utf8_lossy(good));
        Unreadable::NotUtf8 { line, column }
    })
}

fn environment(name: &str) -> Option<Secret> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).map(Secret::new)
}

fn refused(refused: Refused) -> Failure {
    match refused {
        Refused::Faults(faults, beyond) => {
            let mut lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            if beyond > 0 {
                lines.push(format!("and {beyond} more"));
            }
            lines.join("\n")
        }
        Refused::Error(error) => explained(&error),
    }
}

/// `vestibule plan`: says whether something would change.
pub async fn plan(local: &Local, plan: Plan, out: Output) -> Result<bool, Failure> {
    let sources = Sources::read(&plan.files)?;
    let options = Options { prune: plan.prune, set_passwords: false };
    let planned = planned(local, &sources, options).await?;
    if out.json {
        show_json(&planned);
    } else {
        show(&planned);
    }
    let changes = !planned.is_empty();
    if let Some(path) = plan.out {
        let text = serde_json::to_string(&sources.keep(&planned, plan.prune))
            .map_err(|error| format!("the plan cannot be written: {error}"))?;
        write_private(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
        say(&format!("the plan is kept in {}", path.display()));
    }
    Ok(changes)
}

async fn planned(local: &Local, sources: &Sources, options: Options) -> Result<Planned, Failure> {
    let documents: Vec<Document<'_>> = sources.documents.iter().map(|(name, text)| Document { name, text }).collect();
    let files = Files { documents: &documents, load: &|document, name| sources.named(document, name) };
    local.services.organisation.plan(&local.call(), files, options, &environment).await.map_err(refused)
}

/// `vestibule apply`.
pub async fn apply(local: &Local, apply: Apply, out: Output) -> Result<(), Failure> {
    // Read once: a file may be a pipe.
    let sources = Sources::read(&apply.files)?;
    let (sources, options, expected) = if let Some(kept) = kept(&sources)? {
        if apply.prune || apply.set_passwords {
            return Err("a plan is applied as it was made: without --prune and --set-passwords".to_owned());
        }
        let (digest, prune) = (kept.digest.clone(), kept.prune);
        (Sources::of(kept), Options { prune, set_passwords: false }, Some(digest))
    } else {
        let options = Options { prune: apply.prune, set_passwords: apply.set_passwords };
        let asks = !apply.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let expected = if asks {
            let planned = planned(local, &sources, options).await?;
            show(&planned);
            if planned.is_empty() {
                return Ok(());
            }
            confirm()?;
            Some(planned.digest())
        } else {
            None
        };
        (sources, options, expected)
    };
    let documents: Vec<Document<'_>> = sources.documents.iter().map(|(name, text)| Document { name, text }).collect();
    let files = Files { documents: &documents, load: &|document, name| sources.named(document, name) };
    let organisation = &local.services.organisation;
    let applied =
        organisation.apply(&local.call(), files, options, &environment, expected.as_deref()).await.map_err(refused)?;
    applied.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    let counts = applied.counts;
    let text = format!("{} created, {} changed, {} removed", counts.creates, counts.updates, counts.deletes);
    let value = json!({
        "creates": counts.creates, "updates": counts.updates, "deletes": counts.deletes, "warnings": applied.warnings,
    });
    out.one(&value, &text);
    Ok(())
}

/// `vestibule export`.
pub async fn export(local: &Local, out: Output) -> Result<(), Failure> {
    let mut to = std::io::BufWriter::new(std::io::stdout());
    local.services.organisation.export(&local.call(), &mut to, out.json).await.map_err(|error| explained(&error))
}

/// The plan, where the one file is one.
fn kept(sources: &Sources) -> Result<Option<Kept>, Failure> {
    let [(name, text)] = sources.documents.as_slice() else { return Ok(None) };
    if !text.starts_with("{\"vestibulePlan\":") {
        return Ok(None);
    }
    let kept: Kept = serde_json::from_str(text)
        .map_err(|error| format!("{name}:{}:{}: is no plan: {error}", error.line(), error.column()))?;
    if kept.vestibule_plan != 1 {
        return Err(format!("{name}: is a plan of another version"));
    }
    Ok(Some(kept))
}

/// For its owner only: files may name people.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

fn confirm() -> Result<(), Failure> {
    let mut err = std::io::stderr();
    let _ = write!(err, "apply this? [y/N] ").and_then(|()| err.flush());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| format!("standard input: {error}"))?;
    if matches!(line.trim().to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err("nothing was changed".to_owned())
    }
}

/// All of it, one piece after the other: there may be a million. Who closes the other end of a pipe has read enough.
fn show_json(planned: &Planned) {
    let mut to = std::io::BufWriter::new(std::io::stdout());
    let _ = write!(to, "{{\"changes\":[");
    let mut comma = "";
    planned.each_change(|change| {
        let _ = write!(to, "{comma}{}", serde_json::to_string(change).unwrap_or_default());
        comma = ",";
    });
    let _ = write!(to, "],\"access\":[");
    comma = "";
    planned.each_access(|person| {
        let _ = write!(to, "{comma}{}", serde_json::to_string(&person.named()).unwrap_or_default());
        comma = ",";
    });
    let _ = writeln!(to, "],\"warnings\":{}}}", json!(planned.warnings())).and_then(|()| to.flush());
}

/// Colours, where somebody looks.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn show(planned: &Planned) {
    let paint = Paint(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
    let mut to = std::io::BufWriter::new(std::io::stdout());
    let mut line = |text: &str| {
        let _ = writeln!(to, "{text}");
    };
    if planned.is_empty() {
        line("nothing would change");
    } else {
        let counts = planned.counts();
        line(&format!("{} to create, {} to change, {} to remove", counts.creates, counts.updates, counts.deletes));
        let mut shown = 0;
        planned.each_change(|change| {
            shown += 1;
            if shown <= SHOWN {
                line(&change_line(change, paint));
            }
        });
        if shown > SHOWN {
            line(&format!("  … and {} more", shown - SHOWN));
        }
        let (mut people, mut gains, mut losses) = (Vec::new(), 0, 0);
        let mut all = 0;
        planned.each_access(|person| {
            all += 1;
            gains += usize::from(person.gains());
            losses += usize::from(person.loses());
            if people.len() < SHOWN {
                people.push(person.named());
            }
        });
        if all > 0 {
            line(&format!("access: {gains} gain, {losses} lose"));
            for person in people {
                person_lines(&person, paint, &mut line);
            }
            if all > SHOWN {
                line(&format!("  … and {} more people", all - SHOWN));
            }
        }
    }
    planned.warnings().iter().for_each(|warning| line(&paint.with("33", &format!("warning: {warning}"))));
    let _ = to.flush();
}

fn change_line(change: &PlannedChange, paint: Paint) -> String {
    let (sign, colour) = match change.op {
        Op::Create => ("+", "32"),
        Op::Update => ("~", "33"),
        Op::Delete => ("-", "31"),
    };
    let head = paint.with(colour, &format!("  {sign} {} {}", change.kind, visible(&change.name)));
    if change.op != Op::Update {
        return head;
    }
    let fields: Vec<String> = change.fields.iter().map(|(name, field)| field_text(name, field)).collect();
    format!("{head}: {}", fields.join(", "))
}

fn field_text(name: &str, field: &FieldChange) -> String {
    let side = |value: &Value| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => "nothing".to_owned(),
            other => other.to_string(),
        };
        let cut: String = text.chars().take(60).collect();
        visible(&if cut.len() < text.len() { format!("{cut}…") } else { cut })
    };
    format!("{name} {} → {}", side(&field.from), side(&field.to))
}

fn person_lines(person: &PersonAccess, paint: Paint, line: &mut impl FnMut(&str)) {
    for (sign, colour, list) in [("+", "32", &person.gains), ("-", "31", &person.loses)] {
        if list.is_empty() {
            continue;
        }
        let mut named: Vec<String> =
            list.iter().take(NAMED).map(|access| format!("{} in {}", access.permission_set, access.account)).collect();
        if list.len() > NAMED {
            named.push(format!("{} more", list.len() - NAMED));
        }
        line(&paint.with(colour, &format!("  {} {sign} {}", visible(&person.user), named.join(", "))));
    }
}

/// Nothing that a terminal would obey.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
