//! What a person reads on a page: values in its forms, notices, secrets that are shown once.

use reqwest::header;

use crate::Answer;

impl Answer {
    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> String {
        let marked = format!("name=\"{name}\"");
        let tag = self.tags("<input").into_iter().find(|tag| tag.contains(&marked));
        let tag = tag.unwrap_or_else(|| panic!("the page has no field {name}: {} {}", self.status, self.heading()));
        unescaped(attribute(tag, "value").expect("a value"))
    }

    /// The secret that an authenticator app is given.
    pub fn secret(&self) -> String {
        let after = self.body.split_once("class=\"secret\"").map(|(_, after)| after);
        let after = after.unwrap_or_else(|| panic!("the page shows no secret: {} {}", self.status, self.heading()));
        between(after, "<code", "</code>").chars().filter(char::is_ascii_alphanumeric).collect()
    }

    /// The recovery codes that are shown once.
    pub fn recovery_codes(&self) -> Vec<String> {
        let list = between(&self.body, "class=\"codes\"", "</ol>");
        list.split("<li>").skip(1).map(|item| text_of(item.split("</li>").next().unwrap_or_default())).collect()
    }

    /// What the page says about the action before it, one text for each notice.
    pub fn notices(&self) -> Vec<String> {
        let parts = self.body.split("class=\"notice").skip(1);
        parts
            .map(|part| {
                text_of(part.split_once('>').map_or("", |(_, rest)| rest).split("</div>").next().unwrap_or_default())
            })
            .collect()
    }

    /// The page's heading.
    pub fn heading(&self) -> String {
        text_of(between(&self.body, "<h1", "</h1>"))
    }

    /// The value that a cookie is set to.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookie = self.cookies().into_iter().find(|cookie| cookie.split('=').next() == Some(name))?;
        cookie.split(';').next()?.split_once('=').map(|(_, value)| value.to_owned())
    }

    /// Every `Set-Cookie` line.
    pub fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.map(|line| line.to_str().expect("a header of text")).collect()
    }

    /// The nonce of the content security policy.
    pub fn nonce(&self) -> &str {
        let policy = self.header(header::CONTENT_SECURITY_POLICY);
        policy.split_once("'nonce-").map_or("", |(_, rest)| rest.split('\'').next().unwrap_or_default())
    }

    /// Status, headers and body without what is another in every answer: request id, nonce, date.
    pub fn masked(&self) -> String {
        let mut text = format!("{}\n", self.status);
        let mut lines: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| **name != header::DATE)
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("a header of text")))
            .collect();
        lines.sort();
        text.extend(lines);
        text.push_str(&self.body);
        for part in [self.header(header::HeaderName::from_static("x-request-id")), self.nonce()] {
            if !part.is_empty() {
                text = text.replace(part, "*");
            }
        }
        text
    }

    fn tags(&self, opening: &str) -> Vec<&str> {
        self.body.split(opening).skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect()
    }
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).map_or("", |(_, rest)| rest).split(to).next().unwrap_or_default()
}

/// The text without tags.
fn text_of(html: &str) -> String {
    let mut out = String::new();
    let mut inside = html.contains('>') && html.find('>') < html.find('<');
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    unescaped(out.trim())
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}
