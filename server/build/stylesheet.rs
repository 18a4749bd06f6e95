//! Makes one small stylesheet of the files in `style/`: follows the imports of `main.css`, then drops comments and space.
//!
//! Used by `build.rs`; `src/assets.rs` includes it in its tests.

use std::collections::{BTreeMap, BTreeSet};

/// The text of `main.css` with each `@import "file" [layer(name)] [condition];` replaced by the file itself.
///
/// Refuses an import of a file that is not there, and a file that nothing imports: it would be dead and nobody would see.
pub fn bundle(sheets: &BTreeMap<String, String>) -> Result<String, String> {
    let main = sheets.get("main.css").ok_or("main.css is missing")?;
    let mut used = BTreeSet::from(["main.css"]);
    let mut whole = String::new();
    for (number, line) in main.lines().enumerate() {
        let Some(rest) = line.trim().strip_prefix("@import") else {
            whole.push_str(line);
            whole.push('\n');
            continue;
        };
        let fault = |what: &str| format!("main.css:{}: {what}", number + 1);
        let rest = rest.trim().strip_suffix(';').ok_or_else(|| fault("an import ends with ; on its own line"))?;
        let rest = rest.strip_prefix("url(").map_or(rest.to_owned(), |inner| inner.replacen(')', "", 1));
        let mut parts = rest.splitn(3, '"');
        let (Some(""), Some(name), Some(condition)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fault("an import names its file in double quotes"));
        };
        let (name, text) = sheets
            .get_key_value(name.trim_start_matches("./"))
            .ok_or_else(|| fault(&format!("{name} does not exist")))?;
        if !used.insert(name) {
            return Err(fault(&format!("{name} is imported twice")));
        }
        let (opening, closing) = wrapping(condition.trim()).map_err(fault)?;
        whole.extend([&opening, text, closing, "\n"]);
    }
    match sheets.keys().find(|name| !used.contains(name.as_str())) {
        Some(forgotten) => Err(format!("{forgotten}: main.css does not import it")),
        None => Ok(whole),
    }
}

/// What goes around an imported file: its layer outside, its media condition inside.
fn wrapping(condition: &str) -> Result<(String, &'static str), &'static str> {
    let (layer, media) = match condition.strip_prefix("layer") {
        None => (None, condition),
        Some(named) => match named.strip_prefix('(').and_then(|named| named.split_once(')')) {
            Some((name, media)) => (Some(name), media.trim()),
            None => return Err("a layer is written layer(name)"),
        },
    };
    Ok(match (layer, media) {
        (None, "") => (String::new(), ""),
        (Some(name), "") => (format!("@layer {name}{{"), "}"),
        (None, media) => (format!("@media {media}{{"), "}"),
        (Some(name), media) => (format!("@layer {name}{{@media {media}{{"), "}}"),
    })
}

/// Drops comments and the white space that means nothing. Strings stay as they are.
pub fn minify(css: &str) -> String {
    let mut small = String::with_capacity(css.len());
    let mut rest = css;
    while let Some(next) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            space(&mut small);
        } else if next == '"' || next == '\'' {
            let end = string_end(rest, next);
            small.push_str(&rest[..end]);
            rest = &rest[end..];
        } else {
            if next.is_whitespace() {
                space(&mut small);
            } else {
                if matches!(next, '{' | '}' | ';' | ',') && small.ends_with(' ') {
                    small.pop();
                }
                if next == '}' && small.ends_with(';') {
                    small.pop();
                }
                small.push(next);
            }
            rest = &rest[next.len_utf8()..];
        }
    }
    small.truncate(small.trim_end().len());
    small
}

/// One space, unless what stands before needs none. A space before `:` stays: `a :hover` is not `a:hover`.
fn space(small: &mut String) {
    if !small.is_empty() && !small.ends_with(['{', '}', ';', ',', ':', ' ']) {
        small.push(' ');
    }
}

/// Where the string that `text` begins with ends.
fn string_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
