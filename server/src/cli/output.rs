//! What commands print: data for programs or for people on standard output, messages on standard error.

use std::io::Write as _;

use serde_json::Value;

/// How data is printed.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// As JSON.
    pub json: bool,
}

impl Output {
    /// One thing.
    pub fn one(self, value: &Value, text: &str) {
        if self.json { line(&value.to_string()) } else { line(text) }
    }

    /// A list: a JSON array, or a table with these columns.
    pub fn list(self, columns: &[&str], rows: &[(Value, Vec<String>)]) {
        if self.json {
            let values: Vec<&Value> = rows.iter().map(|(value, _)| value).collect();
            line(&serde_json::to_string(&values).unwrap_or_default());
            return;
        }
        let heads: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
        let cells: Vec<&[String]> =
            std::iter::once(heads.as_slice()).chain(rows.iter().map(|(_, row)| row.as_slice())).collect();
        let width = |index: usize| {
            cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        for row in cells {
            let padded: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            line(padded.join("  ").trim_end());
        }
    }
}

/// A line of data. Who closes the other end of a pipe has read enough.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A message.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A moment in UTC.
pub fn time(time: model::Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0)
        .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
