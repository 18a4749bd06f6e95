//! Words that an organisation gives to its accounts and permission sets, by AWS's limits.

use std::collections::BTreeMap;

/// The most tags of one thing.
pub const MOST: usize = 50;

fn fits(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

/// What is wrong with tags: `[key]`, or nothing where it is about all of them, and why.
pub fn faults(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    if tags.len() > MOST {
        return vec![(String::new(), format!("must be at most {MOST}, not {}", tags.len()))];
    }
    let mut faults = Vec::new();
    for (key, value) in tags {
        let shown: String = key.chars().take(40).collect();
        let mut fault = |reason: &str| faults.push((format!("[{shown}]"), reason.to_owned()));
        if key.is_empty() || key.chars().count() > 128 {
            fault("must have keys of 1 to 128 characters");
        } else if !fits(key) {
            fault("may have letters, digits, spaces and _ . : / = + - @ in keys");
        } else if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            fault("must not have keys that begin with aws:, which are AWS's own");
        } else if value.chars().count() > 256 {
            fault("must have values of at most 256 characters");
        } else if !fits(value) {
            fault("may have letters, digits, spaces and _ . : / = + - @ in values");
        }
    }
    faults
}
