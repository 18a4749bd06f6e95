//! Writes XML that already is its own exclusive canonical form, so that signing needs no canonicalisation.
//!
//! Names are typed and fixed; only text and the values of attributes come from outside, and both are escaped here and nowhere
//! else. What the canonical form asks for is done while writing:
//!
//! - a namespace is declared where its prefix is first used on the way down, and not again below; since each prefix has one
//!   namespace in all documents, a set of prefixes is all that has to be remembered;
//! - declarations come first, by prefix; then attributes, by namespace and name;
//! - no empty-element tags, no comments, no white space between elements, LF.
//!
//! The canonical form of an element by itself is the text it has in its document if no element around it uses a prefix that it
//! uses too. Whoever nests something signed keeps to that; [`Canon::stands_alone`] tells.
//!
//! **Characters that XML 1.0 cannot carry are left out**: U+0000 to U+001F but for tab, line feed and carriage return, and U+FFFE
//! and U+FFFF. No escape exists for them, and one of them in somebody's name must not keep the person from signing in.
//!
//! **Two characters leave as references**: U+0085 and U+2028 end a line in XML 1.1, and a parser that many service providers in
//! JavaScript use makes line feeds of them, which would break the signature. Canonical form has the character itself, so what is
//! digested has it as well, and [`Canon::finish`] exchanges it afterwards.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::saml::names::{EXCLUSIVE_C14N, ns};

/// Ends a line in XML 1.1, as the other does.
const NEXT_LINE: char = '\u{85}';
const LINE_SEPARATOR: char = '\u{2028}';

/// A prefix and its namespace. In the order of the alphabet, which is the order of declarations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Ds,
    Ec,
    Md,
    Saml,
    Samlp,
    Xenc,
    Xenc11,
    Xs,
    Xsi,
}

impl Prefix {
    const ALL: [Self; 9] =
        [Self::Ds, Self::Ec, Self::Md, Self::Saml, Self::Samlp, Self::Xenc, Self::Xenc11, Self::Xs, Self::Xsi];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ds => "ds",
            Self::Ec => "ec",
            Self::Md => "md",
            Self::Saml => "saml",
            Self::Samlp => "samlp",
            Self::Xenc => "xenc",
            Self::Xenc11 => "xenc11",
            Self::Xs => "xs",
            Self::Xsi => "xsi",
        }
    }

    const fn namespace(self) -> &'static str {
        match self {
            Self::Ds => ns::SIGNATURE,
            Self::Ec => EXCLUSIVE_C14N,
            Self::Md => ns::METADATA,
            Self::Saml => ns::ASSERTION,
            Self::Samlp => ns::PROTOCOL,
            Self::Xenc => ns::ENCRYPTION,
            Self::Xenc11 => ns::ENCRYPTION_11,
            Self::Xs => ns::SCHEMA,
            Self::Xsi => ns::SCHEMA_INSTANCE,
        }
    }
}

/// Prefixes that are declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Prefixes(u16);

impl Prefixes {
    const fn with(self, prefix: Prefix) -> Self {
        Self(self.0 | (1 << prefix as u16))
    }

    const fn has(self, prefix: Prefix) -> bool {
        self.0 & (1 << prefix as u16) != 0
    }
}

/// The name of an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(pub(super) Prefix, pub(super) &'static str);

/// `saml:…`
pub(super) const fn saml(local: &'static str) -> Name {
    Name(Prefix::Saml, local)
}

/// `samlp:…`
pub(super) const fn samlp(local: &'static str) -> Name {
    Name(Prefix::Samlp, local)
}

/// `md:…`
pub(super) const fn md(local: &'static str) -> Name {
    Name(Prefix::Md, local)
}

/// `ds:…`
pub(super) const fn ds(local: &'static str) -> Name {
    Name(Prefix::Ds, local)
}

/// `xenc:…`
pub(super) const fn xenc(local: &'static str) -> Name {
    Name(Prefix::Xenc, local)
}

/// What stands in the start tag beside the name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attribute<'a> {
    /// An attribute without a prefix, as nearly all are. Left out where there is no value.
    Plain(&'static str, Option<&'a str>),
    /// `xsi:type`, a name of XML schema itself.
    SchemaType(&'static str),
    /// Declares a prefix that only stands inside values (`xs` in `xsi:type="xs:string"`). The signature over it has to name it in its
    /// list of inclusive prefixes: the exclusive form leaves out what no name uses.
    Declare(Prefix),
    /// Nothing, where an element has one attribute more or less from case to case.
    Nothing,
}

/// An attribute with a value.
pub(super) const fn at<'a>(name: &'static str, value: &'a str) -> Attribute<'a> {
    Attribute::Plain(name, Some(value))
}

/// An attribute that may be missing.
pub(super) const fn maybe<'a>(name: &'static str, value: Option<&'a str>) -> Attribute<'a> {
    Attribute::Plain(name, value)
}

impl Attribute<'_> {
    /// What the canonical form sorts by: namespace, then local name.
    const fn order(&self) -> (&'static str, &'static str) {
        match self {
            Self::Declare(_) | Self::Nothing => ("", ""),
            Self::Plain(name, _) => ("", name),
            Self::SchemaType(_) => (ns::SCHEMA_INSTANCE, "type"),
        }
    }
}

/// A document that is being written.
#[derive(Debug, Default)]
pub(super) struct Canon {
    out: String,
    declared: Prefixes,
    /// Whether there is something that leaves as a reference.
    line_ends: bool,
}

impl Canon {
    /// An empty document with room for what will come.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { out: String::with_capacity(bytes), ..Self::default() }
    }

    /// How much is written.
    pub(super) fn position(&self) -> usize {
        self.out.len()
    }

    /// What is written from a position on, in canonical form.
    pub(super) fn since(&self, position: usize) -> &str {
        self.out.get(position..).unwrap_or_default()
    }

    /// Puts something already written where a position is: a signature, whose content is known last and whose place is early.
    pub(super) fn insert(&mut self, position: usize, written: &str) {
        self.out.insert_str(position, written);
    }

    /// Writes an element that was made as a document of its own, where its prefix is declared already.
    pub(super) fn embed(&mut self, name: Name, alone: &str) {
        let start = self.out.len();
        self.out.push('<');
        self.qualified(name);
        let rest = alone.get(self.out.len() - start..).unwrap_or_default();
        let declaration = format!(" xmlns:{}=\"{}\"", name.0.name(), name.0.namespace());
        self.out.push_str(rest.strip_prefix(declaration.as_str()).unwrap_or(rest));
    }

    /// What is written, ready to leave.
    pub(super) fn finish(self) -> String {
        if self.line_ends {
            // Names in the markup hold neither, so each stands where a reference may.
            return self.out.replace(NEXT_LINE, "&#x85;").replace(LINE_SEPARATOR, "&#x2028;");
        }
        self.out
    }

    /// An element with what `content` writes into it.
    pub(super) fn element<const N: usize>(
        &mut self,
        name: Name,
        attributes: [Attribute<'_>; N],
        content: impl FnOnce(&mut Self),
    ) {
        // It never fails; the type says so, and the compiler removes the branch.
        let Ok(()) = self.try_element::<N, std::convert::Infallible>(name, attributes, |inner| {
            content(inner);
            Ok(())
        });
    }

    /// The same with content that may fail, because something in it is signed or encrypted.
    pub(super) fn try_element<const N: usize, E>(
        &mut self,
        name: Name,
        attributes: [Attribute<'_>; N],
        content: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let outside = self.declared;
        self.start_tag(name, attributes);
        let outcome = content(self);
        self.declared = outside;
        self.out.push_str("</");
        self.qualified(name);
        self.out.push('>');
        outcome
    }

    /// An element with nothing in it.
    pub(super) fn empty<const N: usize>(&mut self, name: Name, attributes: [Attribute<'_>; N]) {
        self.element(name, attributes, |_| {});
    }

    /// An element with text in it.
    pub(super) fn leaf<const N: usize>(&mut self, name: Name, attributes: [Attribute<'_>; N], text: &str) {
        self.element(name, attributes, |inner| inner.text(text));
    }

    /// An element with bytes in it, as base64 without line breaks.
    pub(super) fn base64<const N: usize>(&mut self, name: Name, attributes: [Attribute<'_>; N], bytes: &[u8]) {
        self.element(name, attributes, |inner| STANDARD.encode_string(bytes, &mut inner.out));
    }

    /// Whether something signed by itself may begin here: no element around it has declared a prefix that it uses as well.
    /// Otherwise its own canonical form would have a declaration that its text here has not.
    pub(super) fn stands_alone(&self, uses: &[Prefix]) -> bool {
        uses.iter().all(|prefix| !self.declared.has(*prefix))
    }

    fn start_tag<const N: usize>(&mut self, name: Name, mut attributes: [Attribute<'_>; N]) {
        attributes.sort_unstable_by_key(Attribute::order);
        let mut used = Prefixes::default().with(name.0);
        for attribute in &attributes {
            match attribute {
                Attribute::Declare(prefix) => used = used.with(*prefix),
                Attribute::SchemaType(_) => used = used.with(Prefix::Xsi),
                Attribute::Plain(..) | Attribute::Nothing => {}
            }
        }
        self.out.push('<');
        self.qualified(name);
        for prefix in Prefix::ALL {
            if used.has(prefix) && !self.declared.has(prefix) {
                self.out.push_str(" xmlns:");
                self.out.push_str(prefix.name());
                self.out.push_str("=\"");
                self.out.push_str(prefix.namespace());
                self.out.push('"');
                self.declared = self.declared.with(prefix);
            }
        }
        for attribute in attributes {
            match attribute {
                Attribute::Plain(_, None) | Attribute::Declare(_) | Attribute::Nothing => {}
                Attribute::Plain(name, Some(value)) => self.attribute(name, value),
                Attribute::SchemaType(kind) => self.attribute("xsi:type", kind),
            }
        }
        self.out.push('>');
    }

    fn qualified(&mut self, Name(prefix, local): Name) {
        self.out.push_str(prefix.name());
        self.out.push(':');
        self.out.push_str(local);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.escape(value, |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'"' => Some("&quot;"),
            b'\t' => Some("&#x9;"),
            b'\n' => Some("&#xA;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
        self.out.push('"');
    }

    /// Text between tags.
    pub(super) fn text(&mut self, text: &str) {
        self.escape(text, |byte| match byte {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
    }

    /// Copies what may stand as it is in runs, and says the rest otherwise. Beyond ASCII only few characters are special, and each
    /// begins with one of three bytes.
    fn escape(&mut self, text: &str, instead: impl Fn(u8) -> Option<&'static str>) {
        let mut run = 0;
        for (place, byte) in text.bytes().enumerate() {
            let (said, length) = match byte {
                b'\t' | b'\n' | b'\r' | 0x20..0x80 => match instead(byte) {
                    Some(said) => (said, 1),
                    None => continue,
                },
                0..0x20 => ("", 1),
                0xC2 | 0xE2 | 0xEF => {
                    let rest = text.get(place..).unwrap_or_default();
                    self.line_ends |= rest.starts_with([NEXT_LINE, LINE_SEPARATOR]);
                    if !rest.starts_with(['\u{FFFE}', '\u{FFFF}']) {
                        continue;
                    }
                    ("", 3)
                }
                _ => continue,
            };
            self.out.push_str(text.get(run..place).unwrap_or_default());
            self.out.push_str(said);
            run = place + length;
        }
        self.out.push_str(text.get(run..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Canon)) -> String {
        let mut canon = Canon::default();
        write(&mut canon);
        canon.finish()
    }

    #[test]
    fn declarations_come_where_a_prefix_is_first_used_and_attributes_in_canonical_order() {
        let text = written(|canon| {
            canon.element(
                saml("Attribute"),
                [at("b", "2"), Attribute::Declare(Prefix::Xs), at("a", "1"), maybe("c", None)],
                |canon| {
                    canon.leaf(saml("AttributeValue"), [Attribute::SchemaType("xs:string"), at("z", "3")], "v");
                    canon.empty(ds("KeyInfo"), []);
                    canon.empty(ds("KeyInfo"), []);
                },
            );
        });
        assert_eq!(
            text,
            "<saml:Attribute xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
             xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" a=\"1\" b=\"2\"><saml:AttributeValue \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" z=\"3\" xsi:type=\"xs:string\">v\
             </saml:AttributeValue><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:KeyInfo><ds:KeyInfo \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"></ds:KeyInfo></saml:Attribute>"
        );
    }

    #[test]
    fn text_and_attributes_are_escaped_as_the_canonical_form_has_it_sidp_22() {
        let hostile = "R&D <x> \"q\" 'a' ]]> \u{85}\u{2028}🦀 1\r\n2\t3";
        assert_eq!(
            written(|canon| canon.leaf(Name(Prefix::Ds, "X"), [at("a", hostile)], hostile)),
            "<ds:X xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" a=\"R&amp;D &lt;x> &quot;q&quot; 'a' ]]> &#x85;&#x2028;🦀 \
             1&#xD;&#xA;2&#x9;3\">R&amp;D &lt;x&gt; \"q\" 'a' ]]&gt; &#x85;&#x2028;🦀 1&#xD;\n2\t3</ds:X>"
        );
    }

    #[test]
    fn what_xml_cannot_carry_is_left_out_and_nothing_else_sidp_22() {
        let mut text = String::new();
        for illegal in (0..0x20).filter_map(char::from_u32).filter(|c| !"\t\n\r".contains(*c)) {
            text.push(illegal);
            text.push('.');
        }
        text.push_str("\u{FFFE}a\u{FFFF}\u{FFFD}\u{FFFC}\u{EFFF}\u{7F}\u{10FFFF}\u{FFFE}");
        let expected = format!("{}a\u{FFFD}\u{FFFC}\u{EFFF}\u{7F}\u{10FFFF}", ".".repeat(29));
        assert_eq!(written(|canon| canon.text(&text)), expected);
    }

    #[test]
    fn what_is_signed_alone_shares_no_prefix_with_what_is_around_it() {
        let mut canon = Canon::default();
        canon.element(samlp("Response"), [], |canon| {
            assert!(canon.stands_alone(&[Prefix::Saml, Prefix::Xs, Prefix::Ds]));
            canon.leaf(saml("Issuer"), [], "x");
            assert!(canon.stands_alone(&[Prefix::Saml]), "a brother's declaration ends with it");
            canon.element(saml("Outer"), [], |canon| assert!(!canon.stands_alone(&[Prefix::Saml])));
        });
    }
}
