//! Where something stands in the files, and what is wrong there.

use std::fmt;

/// A place in a file; line and column count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Which of the files.
    pub file: u16,
    pub line: u32,
    /// In characters.
    pub column: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    pub value: T,
    pub at: At,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    pub at: At,
    /// As in `users[3].email`; empty where the text itself is broken.
    pub field: String,
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.at.line, self.at.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong, up to a bound.
#[derive(Debug, Default)]
pub struct Faults {
    files: Vec<String>,
    list: Vec<Fault>,
    beyond: usize,
}

impl Faults {
    /// Nobody reads more than so many at once.
    pub const MOST: usize = 100;

    /// Faults in these files.
    pub fn in_files(files: Vec<String>) -> Self {
        Self { files, ..Self::default() }
    }

    /// Notes one.
    pub fn add(&mut self, at: At, field: impl fmt::Display, problem: impl Into<String>) {
        if self.list.len() >= Self::MOST {
            self.beyond += 1;
            return;
        }
        let file = self.files.get(usize::from(at.file)).cloned().unwrap_or_default();
        self.list.push(Fault { file, at, field: field.to_string(), problem: problem.into() });
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// In the order of the files, and how many more there are.
    pub fn into_list(mut self) -> (Vec<Fault>, usize) {
        self.list.sort_by_key(|fault| fault.at);
        (self.list, self.beyond)
    }
}
