//! What can be wrong with a document, in words.

use super::{DEEPEST, LARGEST, LONGEST_NAME, LONGEST_NAMESPACE, MOST_ATTRIBUTES, MOST_ELEMENTS, MOST_NAMESPACES};

/// Why a document was not read, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the document: {fault}")]
pub struct Malformed {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the document is larger than {} KiB", LARGEST / 1024)]
    TooLarge,
    #[error("the text is not UTF-8")]
    Encoding,
    #[error("a character that XML does not allow")]
    Character,
    #[error("the XML declaration is not one of XML 1.0 in UTF-8")]
    Declaration,
    #[error("a document type (DOCTYPE); it is never read")]
    DocumentType,
    #[error("a processing instruction; none is read")]
    Instruction,
    #[error("a comment; none is allowed in a message")]
    Comment,
    #[error("a CDATA section; none is allowed")]
    CData,
    #[error("an entity other than the five of XML, or a reference to a character that is not allowed")]
    Reference,
    #[error(
        "a name that is missing, has more than one colon or other characters than letters, digits, '-', '.' and '_'"
    )]
    Name,
    #[error("a name longer than {LONGEST_NAME} bytes")]
    LongName,
    #[error("a tag that is not well formed")]
    Tag,
    #[error("an attribute whose value has no quotes, no end or a '<' in it")]
    AttributeValue,
    #[error("an attribute given twice")]
    DuplicateAttribute,
    #[error("a namespace prefix declared twice")]
    DuplicatePrefix,
    #[error("a prefix whose namespace is not declared")]
    UndeclaredPrefix,
    #[error(
        "a namespace declaration that is not allowed, or whose value is no URI of at most {LONGEST_NAMESPACE} bytes"
    )]
    Namespace,
    #[error("']]>' in text")]
    SectionEnd,
    #[error("an end tag that does not belong to the element that is open")]
    EndTag,
    #[error("the document ends before all elements are closed")]
    Unclosed,
    #[error("there is no element")]
    Empty,
    #[error("text or a second element outside the outermost element")]
    Outside,
    #[error("more than {DEEPEST} elements inside each other")]
    TooDeep,
    #[error("more than {MOST_ATTRIBUTES} attributes of one element")]
    TooManyAttributes,
    #[error("more than {MOST_ELEMENTS} elements")]
    TooManyElements,
    #[error("more than {MOST_NAMESPACES} namespaces declared at one place")]
    TooManyNamespaces,
}
