use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::*;
use crate::saml::read::testing::element;
use crate::saml::testing;

fn canonical(text: &str, prefixes: &[&str]) -> String {
    let document = Document::read(text.as_bytes()).expect(text);
    let mut out = Vec::new();
    write(&document, document.root(), None, prefixes, &mut |bytes| out.extend_from_slice(bytes));
    String::from_utf8(out).unwrap()
}

#[test]
fn the_form_is_exclusive() {
    for (text, expected) in [
        ("<a b='2' a=\"1\"/>", "<a a=\"1\" b=\"2\"></a>"),
        ("<?xml version='1.0'?>\n<a >\r\n</a >\n", "<a>\n</a>"),
        ("<a b='&lt;&gt;&amp;&quot;&#9;&#10;&#13;&#x20;'/>", "<a b=\"&lt;>&amp;&quot;&#x9;&#xA;&#xD; \"></a>"),
        ("<a>&lt;&gt;&amp;&quot;'&#9;&#13;</a>", "<a>&lt;&gt;&amp;\"'\t&#xD;</a>"),
        (
            "<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b/><p:b/></a>",
            "<a><p:b xmlns:p=\"urn:p\"></p:b><p:b xmlns:p=\"urn:p\"></p:b></a>",
        ),
        ("<p:a xmlns:p='urn:p'><p:b/></p:a>", "<p:a xmlns:p=\"urn:p\"><p:b></p:b></p:a>"),
        ("<a xmlns='urn:d'><b xmlns=''><c/></b></a>", "<a xmlns=\"urn:d\"><b xmlns=\"\"><c></c></b></a>"),
        ("<a xmlns=''/>", "<a></a>"),
        (
            "<a xmlns:p='urn:z' xmlns:q='urn:b' p:a='1' q:a='2' a='3' xml:lang='en'/>",
            "<a xmlns:p=\"urn:z\" xmlns:q=\"urn:b\" a=\"3\" xml:lang=\"en\" q:a=\"2\" p:a=\"1\"></a>",
        ),
    ] {
        assert_eq!(canonical(text, &[]), expected, "{text}");
    }
}

#[test]
fn namespaces_that_are_to_be_kept_are_kept_from_the_outside_too() {
    let text = "<r xmlns='urn:d' xmlns:p='urn:p' xmlns:q='urn:q'><p:a><b xmlns:q='urn:q2' xmlns:s='urn:s'/></p:a></r>";
    let document = Document::read(text.as_bytes()).unwrap();
    let inner = document.root().elements().next().unwrap();
    let mut out = Vec::new();
    write(&document, inner, None, &["q", "s", "unknown", "#default"], &mut |bytes| out.extend_from_slice(bytes));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "<p:a xmlns=\"urn:d\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\"><b xmlns:q=\"urn:q2\" xmlns:s=\"urn:s\"></b></p:a>"
    );
}

#[test]
fn what_is_left_out_is_left_out() {
    let document = Document::read(b"<a> <b/><b>x</b> </a>").unwrap();
    let first = document.root().elements().next();
    let mut out = Vec::new();
    write(&document, document.root(), first, &[], &mut |bytes| out.extend_from_slice(bytes));
    assert_eq!(out, b"<a> <b>x</b> </a>");
}

/// Hundreds of generated elements in one document, so that one process judges them all.
#[test]
fn xmllint_writes_the_same() {
    let mut runner = TestRunner::deterministic();
    let whole = |inside: &str| format!("<r xmlns:p='urn:p' xmlns:q='urn:q'>{inside}</r>");
    for _ in 0..4 {
        let mut inside = String::new();
        let mut most = 600;
        while most > 0 {
            let one = element().new_tree(&mut runner).unwrap().current();
            if Document::read(whole(&one).as_bytes()).is_ok() {
                inside.push_str(&one);
                most -= 1;
            }
        }
        let text = whole(&inside);
        let expected = testing::run("libxml2-utils", "xmllint", &["--exc-c14n", "-"], text.as_bytes());
        let found = canonical(&text, &[]);
        let differs = found.chars().zip(expected.chars()).position(|(one, other)| one != other);
        let piece = |text: &str| {
            text.chars().skip(differs.unwrap_or_default().saturating_sub(60)).take(120).collect::<String>()
        };
        assert!(found == expected, "{differs:?}:\n{}\n{}", piece(&found), piece(&expected));
        assert_eq!(canonical(&found, &[]), found, "canonical already");
    }
}
