use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn fault(text: &str) -> Option<Fault> {
    Document::read(text.as_bytes()).err().map(|malformed| malformed.fault)
}

#[test]
fn names_are_expanded_and_text_is_as_it_is_meant() {
    let text = "\u{feff}<?xml version='1.0' encoding='utf-8' standalone=\"yes\" ?>\r\n<a xmlns='urn:one' \
                xmlns:p=\"urn:two\"><p:b c=' 1&#x9;\t&lt;' p:c='2' xml:lang='en' >R&amp;D &#128512;\r\n&#13;</p:b>\
                <c xmlns=''/></a>\n";
    let document = Document::read(text.as_bytes()).unwrap();
    let root = document.root();
    assert!(root.is("urn:one", "a") && !root.is("", "a") && !root.is("urn:one", "b"));
    assert!(!root.has_loose_text() && root.text().is_none());
    let children: Vec<_> = root.elements().collect();
    let [b, c] = children.as_slice() else { panic!("{children:?}") };
    assert!(b.is("urn:two", "b"));
    assert_eq!(b.attribute("c"), Some(" 1\t <"), "a tab by reference stays, a bare one is a space");
    assert_eq!(b.attribute_in("urn:two", "c"), Some("2"));
    assert_eq!(b.attribute_in("http://www.w3.org/XML/1998/namespace", "lang"), Some("en"));
    assert_eq!(b.attribute("lang"), None);
    assert_eq!(b.text(), Some("R&D \u{1f600}\n\r"));
    assert!(c.is("", "c") && c.text() == Some(""));
    assert_eq!(document.source_of(c), "<c xmlns=''/>");
    assert!(document.source_of(b).starts_with("<p:b c=") && document.source_of(b).ends_with("</p:b>"));
    let order: Vec<_> = root.descendants().map(|element| element.name().local).collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[test]
fn what_is_not_well_formed_is_refused_ssp_39() {
    let cases = [
        ("", Fault::Empty),
        ("   ", Fault::Empty),
        ("<a/>garbage", Fault::Outside),
        ("garbage<a/>", Fault::Outside),
        ("<a/>&#32;", Fault::Outside),
        ("<a/><b/>", Fault::Outside),
        ("<a></a></a>", Fault::EndTag),
        ("<a><b></a></b>", Fault::EndTag),
        ("<a xmlns:p='urn:x'><p:b></b></a>", Fault::EndTag),
        ("<a>", Fault::Unclosed),
        ("<a", Fault::Tag),
        ("<a b", Fault::Tag),
        ("<a b=c>", Fault::AttributeValue),
        ("<a b='c>", Fault::AttributeValue),
        ("<a b='<'/>", Fault::AttributeValue),
        ("<a b='1'c='2'/>", Fault::Tag),
        ("< a/>", Fault::Name),
        ("<a / >", Fault::Tag),
        ("<1a/>", Fault::Name),
        ("<a:b:c/>", Fault::Name),
        ("<:a/>", Fault::Name),
        ("<a:/>", Fault::Name),
        ("<\u{e9}/>", Fault::Name),
        ("<a b='1' b='2'/>", Fault::DuplicateAttribute),
        ("<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>", Fault::DuplicateAttribute),
        ("<a xmlns:p='urn:x' xmlns:p='urn:y'/>", Fault::DuplicatePrefix),
        ("<a xmlns='urn:x' xmlns='urn:y'/>", Fault::DuplicatePrefix),
        ("<p:a/>", Fault::UndeclaredPrefix),
        ("<a><b xmlns:p='urn:x'/><p:c/></a>", Fault::UndeclaredPrefix),
        ("<a p:b='1'/>", Fault::UndeclaredPrefix),
        ("<a xmlns:p=''/>", Fault::Namespace),
        ("<a xmlns:p='relative'/>", Fault::Namespace),
        ("<a xmlns:p='urn:%4'/>", Fault::Namespace),
        ("<a xmlns:p='urn:%zz'/>", Fault::Namespace),
        ("<a xmlns:p='1urn:x'/>", Fault::Namespace),
        ("<a xmlns:p='u%72n:x'/>", Fault::Namespace),
        ("<a xmlns:p='http://a:b/'/>", Fault::Namespace),
        ("<a xmlns:p='http://a@b/'/>", Fault::Namespace),
        ("<a xmlns:p='http://[::1]/'/>", Fault::Namespace),
        ("<a xmlns:p='urn:a#b#c'/>", Fault::Namespace),
        ("<a xmlns:p='urn:a b'/>", Fault::Namespace),
        ("<a xmlns:p='urn:a&quot;'/>", Fault::Namespace),
        ("<a xmlns:p='urn:a\\b'/>", Fault::Namespace),
        ("<a xmlns:p=':x'/>", Fault::Namespace),
        ("<a xmlns:p='urn:a&amp;b'/>", Fault::Namespace),
        ("<a xmlns:xml='urn:x'/>", Fault::Namespace),
        ("<a xmlns:xmlns='urn:x'/>", Fault::Namespace),
        ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", Fault::Namespace),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", Fault::Namespace),
        ("<a>]]></a>", Fault::SectionEnd),
        ("<a>\u{0}</a>", Fault::Character),
        ("<a>\u{1b}</a>", Fault::Character),
        ("<a>\u{fffe}</a>", Fault::Character),
        ("<a>&#0;</a>", Fault::Reference),
        ("<a>&#xFFFF;</a>", Fault::Reference),
        ("<a>&#xD800;</a>", Fault::Reference),
        ("<a>&#x110000;</a>", Fault::Reference),
        ("<a>&#+65;</a>", Fault::Reference),
        ("<a>&#;</a>", Fault::Reference),
        ("<a>&#x;</a>", Fault::Reference),
        ("<a>&amp</a>", Fault::Reference),
        ("<a>&</a>", Fault::Reference),
        ("<a>&nbsp;</a>", Fault::Reference),
        ("<a b='&undefined;'/>", Fault::Reference),
        ("<?xml version='1.1'?><a/>", Fault::Declaration),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", Fault::Declaration),
        ("<?xml encoding='UTF-8'?><a/>", Fault::Declaration),
        ("<?xml version='1.0' standalone='maybe'?><a/>", Fault::Declaration),
        ("<?xml version='1.0'", Fault::Declaration),
        (" <?xml version='1.0'?><a/>", Fault::Instruction),
        ("<a><?php ?></a>", Fault::Instruction),
        ("<?xml-stylesheet href='x'?><a/>", Fault::Instruction),
        ("<a><![CDATA[x]]></a>", Fault::CData),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), Some(expected), "{text}");
    }
    let latin = Document::read(b"<a>\n\xff</a>").unwrap_err();
    assert_eq!(latin, Malformed { line: 2, fault: Fault::Encoding });
    assert_eq!(latin.to_string(), "line 2 of the document: the text is not UTF-8");
}

#[test]
fn entities_are_refused_before_anything_is_opened_or_expanded_sidp_14_sidp_15() {
    let laughs =
        (1..=9).map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10))).collect::<String>();
    let quadratic = format!("<!ENTITY a '{}'>", "a".repeat(50_000));
    for inside in [
        "",
        "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
        "<!ENTITY % x SYSTEM 'http://127.0.0.1/'> %x;",
        &laughs,
        &quadratic,
    ] {
        for text in [
            format!("<!DOCTYPE a [{inside}]><a>&l9;&x;&a;</a>"),
            format!("<?xml version='1.0'?>\n<!DOCTYPE a [{inside}]><a/>"),
        ] {
            assert_eq!(fault(&text), Some(Fault::DocumentType));
            assert_eq!(Document::read_file(text.as_bytes()).err().map(|it| it.fault), Some(Fault::DocumentType));
        }
    }
    assert_eq!(fault("<!DOCTYPE a SYSTEM 'http://127.0.0.1/a.dtd'><a/>"), Some(Fault::DocumentType));
    assert_eq!(fault("<a><!ENTITY b 'c'></a>"), Some(Fault::DocumentType));
}

#[test]
fn sizes_are_bounded_sidp_19() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert_eq!(fault(&nested(DEEPEST)), None);
    assert_eq!(fault(&nested(DEEPEST + 1)), Some(Fault::TooDeep));
    assert_eq!(fault(&"<a>".repeat(80_000)), Some(Fault::TooDeep), "and no stack overflows");
    assert_eq!(fault(&"<a>".repeat(100_000)), Some(Fault::TooLarge));

    let attributes = |most: usize| format!("<a{}/>", (0..most).map(|n| format!(" a{n}='1'")).collect::<String>());
    assert_eq!(fault(&attributes(MOST_ATTRIBUTES)), None);
    assert_eq!(fault(&attributes(MOST_ATTRIBUTES + 1)), Some(Fault::TooManyAttributes));
    assert_eq!(fault(&attributes(20_000)), Some(Fault::TooManyAttributes));
    assert_eq!(fault(&attributes(100_000)), Some(Fault::TooLarge));

    let namespaces =
        |most: usize| format!("<a{}/>", (0..most).map(|n| format!(" xmlns:a{n}='urn:{n}'")).collect::<String>());
    assert_eq!(fault(&namespaces(MOST_NAMESPACES)), None);
    assert_eq!(fault(&namespaces(10_000)), Some(Fault::TooManyAttributes));
    let half = MOST_NAMESPACES / 2 + 1;
    let inside = format!("<b>{}{}</b>", namespaces(half), namespaces(half));
    assert_eq!(fault(&inside), None, "beside each other");
    let inside = namespaces(half).replace("/>", ">") + &namespaces(half) + "</a>";
    assert_eq!(fault(&inside), Some(Fault::TooManyNamespaces), "inside each other");

    assert_eq!(fault(&format!("<a>{}</a>", "<b/>".repeat(MOST_ELEMENTS - 1))), None);
    assert_eq!(fault(&format!("<a>{}</a>", "<b/>".repeat(MOST_ELEMENTS))), Some(Fault::TooManyElements));
    assert_eq!(fault(&format!("<{}/>", "a".repeat(LONGEST_NAME))), None);
    assert_eq!(fault(&format!("<{}/>", "a".repeat(LONGEST_NAME + 1))), Some(Fault::LongName));
    assert_eq!(fault(&format!("<{}/>", "a".repeat(200_000))), Some(Fault::LongName));
    assert_eq!(fault(&format!("<a xmlns='urn:{}'/>", "a".repeat(LONGEST_NAMESPACE))), Some(Fault::Namespace));
    assert_eq!(fault(&format!("<a>{}</a>", "x".repeat(LARGEST - 7))), None);
    assert_eq!(fault(&format!("<a>{}</a>", "x".repeat(LARGEST - 6))), Some(Fault::TooLarge));
    assert_eq!(fault(&"x".repeat(5_000_000)), Some(Fault::TooLarge));
}

#[test]
fn a_comment_never_shortens_a_value_ssp_19() {
    let text = "<!-- from a generator --><a>admin<!-- -->@evil<!-- x -->.example</a><!-- end -->";
    assert_eq!(fault("<a>admin<!-- -->@evil</a>"), Some(Fault::Comment));
    assert_eq!(fault("<!-- --><a/>"), Some(Fault::Comment));
    let file = Document::read_file(text.as_bytes()).unwrap();
    assert_eq!(file.root().text(), Some("admin@evil.example"));
    for odd in ["<a><!-- -- --></a>", "<a><!-- ", "<a><!--></a>", "<!-- --->"] {
        assert!(Document::read_file(odd.as_bytes()).is_err(), "{odd}");
    }
}

/// Writes what was read, plainly.
fn written(element: &Element<'_>, out: &mut String) {
    let escape = |text: &str| -> String { text.chars().map(|char| format!("&#{};", u32::from(char))).collect() };
    let qualified = |name: Name<'_>| match name.prefix {
        "" => name.local.to_owned(),
        prefix => format!("{prefix}:{}", name.local),
    };
    let name = qualified(element.name());
    let _ = write!(out, "<{name}");
    for it in element.declarations() {
        let colon = if it.prefix.is_empty() { "" } else { ":" };
        let _ = write!(out, " xmlns{colon}{}=\"{}\"", it.prefix, it.namespace);
    }
    for it in element.attributes() {
        let _ = write!(out, " {}=\"{}\"", qualified(it.name), escape(&it.value));
    }
    out.push('>');
    for node in element.nodes() {
        match node {
            Node::Element(child) => written(child, out),
            Node::Text(text) => out.push_str(&escape(text)),
        }
    }
    let _ = write!(out, "</{name}>");
}

/// Pieces that together make documents and all sorts of broken ones.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "<a>",
        "</a>",
        "<p:b xmlns:p='urn:x'>",
        "</p:b>",
        "<c d='1' e=\"2\"/>",
        "<a ",
        "x",
        " ",
        "&amp;",
        "&#65;",
        "&x;",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml version='1.0'?>",
        "<!DOCTYPE a>",
        "xmlns='urn:y'",
        "'",
        "\"",
        ">",
        "/>",
        "\r\n",
        "\u{e9}",
        "\u{0}",
    ])
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::read(&bytes);
        let _ = Document::read_file(&bytes);
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(pieces in prop::collection::vec(piece(), 0..12)) {
        let text = format!("<a>{}</a>", pieces.concat());
        if let Ok(document) = Document::read(text.as_bytes()) {
            let (mut once, mut twice) = (String::new(), String::new());
            written(document.root(), &mut once);
            let again = Document::read(once.as_bytes());
            written(again.as_ref().expect("what was written is well formed").root(), &mut twice);
            prop_assert_eq!(once, twice);
            prop_assert_eq!(document.source_of(document.root()), text.as_str());
        }
    }
}
