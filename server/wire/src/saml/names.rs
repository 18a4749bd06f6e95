//! The words of SAML that both directions share: namespaces, algorithms, formats, bindings, statuses, each with the URI it has
//! in messages. What is not in a list here does not exist for Vestibule; SHA-1 and RSA with PKCS #1 v1.5 encryption are missing
//! on purpose.

/// XML namespaces.
pub mod ns {
    /// `saml:`, assertions.
    pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    /// `samlp:`, requests and responses.
    pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
    /// `md:`, metadata.
    pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
    /// `ds:`, XML signature.
    pub const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
    /// `xenc:`, XML encryption.
    pub const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
    /// `xenc11:`, what XML encryption 1.1 added.
    pub const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
    /// `xs:`, types of XML schema.
    pub const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
    /// `xsi:`, the type of an element in its instance.
    pub const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
    /// What `xml:lang` stands in; its prefix is never declared.
    pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
}

/// The one canonicalisation that is written and accepted: exclusive, without comments.
pub const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The transform that leaves the signature itself out of what it signs.
pub const ENVELOPED_SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// The one way a subject is confirmed: whoever bears the assertion.
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// The encoding of a message in an address.
pub const DEFLATE_ENCODING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// An enum whose variants have one URI each.
macro_rules! uris {
    (
        $(#[$of_enum:meta])*
        $name:ident { $( $(#[$of_variant:meta])* $variant:ident = $uri:literal, )+ }
    ) => {
        $(#[$of_enum])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$of_variant])* $variant, )+
        }

        impl $name {
            /// All there are, in the order of the list.
            pub const ALL: &[Self] = &[$( Self::$variant, )+];

            /// What it is called in messages.
            pub const fn uri(self) -> &'static str {
                match self {
                    $( Self::$variant => $uri, )+
                }
            }

            /// What a URI names, compared byte by byte.
            pub fn from_uri(uri: &str) -> Option<Self> {
                match uri {
                    $( $uri => Some(Self::$variant), )+
                    _ => None,
                }
            }
        }
    };
}

uris! {
    /// What kind of name a `NameID` holds.
    NameIdFormat {
        /// Whatever both sides agreed on.
        Unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        /// An e-mail address.
        EmailAddress = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        /// A name that stays, and that no other service provider has for this person.
        Persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        /// A name for one session.
        Transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        /// An entity id; the name of a provider, never of a person.
        Entity = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
    }
}

uris! {
    /// What kind of name an attribute has.
    AttributeNameFormat {
        /// Nothing is said.
        Unspecified = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified",
        /// A URI.
        Uri = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
        /// A plain word.
        Basic = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
    }
}

uris! {
    /// How a message travels.
    Binding {
        /// In an address.
        HttpRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
        /// In a form.
        HttpPost = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
    }
}

/// Which of the two kinds a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Somebody asks.
    Request,
    /// Somebody answers.
    Response,
}

impl MessageKind {
    /// The name of its parameter in an address, and of its field in a form.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

uris! {
    /// How something is signed.
    SignatureAlgorithm {
        /// RSA with PKCS #1 v1.5 padding over SHA-256: what every peer understands.
        RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        /// The same over SHA-384.
        RsaSha384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        /// The same over SHA-512.
        RsaSha512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        /// ECDSA over SHA-256.
        EcdsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        /// ECDSA over SHA-384.
        EcdsaSha384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        /// ECDSA over SHA-512.
        EcdsaSha512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
    }
}

impl SignatureAlgorithm {
    /// The digest of what is referred to goes with the one inside the signature.
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaSha256 | Self::EcdsaSha256 => DigestAlgorithm::Sha256,
            Self::RsaSha384 | Self::EcdsaSha384 => DigestAlgorithm::Sha384,
            Self::RsaSha512 | Self::EcdsaSha512 => DigestAlgorithm::Sha512,
        }
    }

    /// Whether an RSA key makes it; otherwise one on an elliptic curve does.
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512)
    }
}

uris! {
    /// How what a signature refers to is digested.
    DigestAlgorithm {
        /// SHA-256.
        Sha256 = "http://www.w3.org/2001/04/xmlenc#sha256",
        /// SHA-384; its URI stands in another namespace than its brothers'.
        Sha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384",
        /// SHA-512.
        Sha512 = "http://www.w3.org/2001/04/xmlenc#sha512",
    }
}

uris! {
    /// How the content of an encrypted assertion is encrypted. Only what notices a change.
    ContentCipher {
        /// AES-128 in GCM.
        Aes128Gcm = "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        /// AES-256 in GCM.
        Aes256Gcm = "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    }
}

uris! {
    /// How the key of the content is encrypted.
    KeyTransport {
        /// RSA-OAEP with MGF1 over SHA-1, the digest named beside it.
        RsaOaepMgf1p = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
        /// RSA-OAEP with both the digest and the mask generation named beside it.
        RsaOaep = "http://www.w3.org/2009/xmlenc11#rsa-oaep",
    }
}

uris! {
    /// What became of a request. The first four stand at the top level, the others below one of them.
    StatusCode {
        /// Done.
        Success = "urn:oasis:names:tc:SAML:2.0:status:Success",
        /// The one who asked made a mistake.
        Requester = "urn:oasis:names:tc:SAML:2.0:status:Requester",
        /// The one who answers could not.
        Responder = "urn:oasis:names:tc:SAML:2.0:status:Responder",
        /// Another version of SAML was asked for.
        VersionMismatch = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch",
        /// The person could not be authenticated.
        AuthnFailed = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
        /// An attribute was not what was expected.
        InvalidAttrNameOrValue = "urn:oasis:names:tc:SAML:2.0:status:InvalidAttrNameOrValue",
        /// The `NameID` that was asked for cannot be given.
        InvalidNameIdPolicy = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy",
        /// The authentication context that was asked for cannot be reached.
        NoAuthnContext = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext",
        /// None of the identity providers named can be reached.
        NoAvailableIdp = "urn:oasis:names:tc:SAML:2.0:status:NoAvailableIDP",
        /// The person would have to be asked, and must not be.
        NoPassive = "urn:oasis:names:tc:SAML:2.0:status:NoPassive",
        /// None of the identity providers named is known.
        NoSupportedIdp = "urn:oasis:names:tc:SAML:2.0:status:NoSupportedIDP",
        /// Not all who had to be logged out were.
        PartialLogout = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout",
        /// Asking somebody else is not allowed by the request.
        ProxyCountExceeded = "urn:oasis:names:tc:SAML:2.0:status:ProxyCountExceeded",
        /// Understood, and not wanted.
        RequestDenied = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
        /// Not something that is done here.
        RequestUnsupported = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported",
        /// The version of the request is older than any supported.
        RequestVersionDeprecated = "urn:oasis:names:tc:SAML:2.0:status:RequestVersionDeprecated",
        /// The version of the request is newer than any supported.
        RequestVersionTooHigh = "urn:oasis:names:tc:SAML:2.0:status:RequestVersionTooHigh",
        /// The version of the request is older than the lowest supported.
        RequestVersionTooLow = "urn:oasis:names:tc:SAML:2.0:status:RequestVersionTooLow",
        /// The resource in the request is not known.
        ResourceNotRecognized = "urn:oasis:names:tc:SAML:2.0:status:ResourceNotRecognized",
        /// The answer would be too large.
        TooManyResponses = "urn:oasis:names:tc:SAML:2.0:status:TooManyResponses",
        /// The attribute profile is not known.
        UnknownAttrProfile = "urn:oasis:names:tc:SAML:2.0:status:UnknownAttrProfile",
        /// Nobody of that name.
        UnknownPrincipal = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal",
        /// The binding of the request is not supported for it.
        UnsupportedBinding = "urn:oasis:names:tc:SAML:2.0:status:UnsupportedBinding",
    }
}

impl StatusCode {
    /// Whether it may stand at the top level of a status.
    pub const fn is_top_level(self) -> bool {
        matches!(self, Self::Success | Self::Requester | Self::Responder | Self::VersionMismatch)
    }
}

uris! {
    /// How somebody was authenticated.
    AuthnContext {
        /// Nothing is said.
        Unspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
        /// A password, whatever carried it.
        Password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
        /// A password over TLS.
        PasswordProtectedTransport = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        /// A session from before, at the service that says so.
        PreviousSession = "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession",
        /// A one-time code that depends on the time.
        TimeSyncToken = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
        /// Two factors on a registered device.
        MobileTwoFactorContract = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
        /// Two factors on a device nobody registered.
        MobileTwoFactorUnregistered = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
        /// A key in software.
        SoftwarePki = "urn:oasis:names:tc:SAML:2.0:ac:classes:SoftwarePKI",
        /// A card.
        Smartcard = "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard",
        /// A card with a key, and a PIN.
        SmartcardPki = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
        /// A certificate.
        X509 = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
        /// A certificate of the client in TLS.
        TlsClient = "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
        /// Kerberos.
        Kerberos = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
        /// More than one factor, as REFEDS defines it.
        RefedsMfa = "https://refeds.org/profile/mfa",
        /// One factor of some quality, as REFEDS defines it.
        RefedsSfa = "https://refeds.org/profile/sfa",
        /// More than one factor, in the words of Microsoft's products.
        MicrosoftMultipleAuthn = "http://schemas.microsoft.com/claims/multipleauthn",
    }
}

uris! {
    /// Why somebody is logged out.
    LogoutReason {
        /// The person wanted it.
        User = "urn:oasis:names:tc:SAML:2.0:logout:user",
        /// An administrator wanted it.
        Admin = "urn:oasis:names:tc:SAML:2.0:logout:admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every URI of a list names what it was taken from, and no other; a list that holds one twice fails here.
    macro_rules! round_trip {
        ($($name:ident),+) => {
            $(
                for (place, one) in $name::ALL.iter().enumerate() {
                    assert_eq!($name::from_uri(one.uri()), Some(*one));
                    assert!($name::ALL.iter().skip(place + 1).all(|other| other.uri() != one.uri()), "{one:?}");
                    assert_eq!($name::from_uri(&one.uri().to_uppercase()), None);
                }
            )+
        };
    }

    #[test]
    fn every_name_is_found_by_its_uri() {
        round_trip!(NameIdFormat, AttributeNameFormat, Binding, SignatureAlgorithm, DigestAlgorithm, ContentCipher);
        round_trip!(KeyTransport, StatusCode, AuthnContext, LogoutReason);
    }

    #[test]
    fn what_is_weak_has_no_name_here_ssp_21() {
        assert_eq!(SignatureAlgorithm::from_uri("http://www.w3.org/2000/09/xmldsig#rsa-sha1"), None);
        assert_eq!(SignatureAlgorithm::from_uri("http://www.w3.org/2000/09/xmldsig#hmac-sha1"), None);
        assert_eq!(DigestAlgorithm::from_uri("http://www.w3.org/2000/09/xmldsig#sha1"), None);
        assert_eq!(KeyTransport::from_uri("http://www.w3.org/2001/04/xmlenc#rsa-1_5"), None);
        assert_eq!(ContentCipher::from_uri("http://www.w3.org/2001/04/xmlenc#aes256-cbc"), None);
    }
}
