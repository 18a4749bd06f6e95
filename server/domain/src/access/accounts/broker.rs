//! How credentials for an account are made: by this installation itself, or by AWS for an assertion or a role of ours.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::Fault;

/// What stands in a role's ARN for the name of the permission set.
pub const PERMISSION_SET: &str = "{permissionSet}";

/// The way to credentials for an account, as the organisation file writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Broker {
    /// This installation is the account's own authority. (In braces, so that serde refuses fields beside it too.)
    Local {},
    /// `AssumeRoleWithSAML`: no key of the account is held.
    AwsSaml {
        /// The account's SAML provider that stands for this installation.
        saml_provider: String,
        /// The role of a permission set, with [`PERMISSION_SET`] in place of its name.
        role: String,
        /// Where STS is asked.
        region: String,
        /// Where STS is asked, if not at the region's own address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sts_endpoint: Option<String>,
    },
    /// `AssumeRole` with the credentials of the server itself.
    AwsRole {
        /// The role of a permission set, with [`PERMISSION_SET`] in place of its name.
        role: String,
        /// What the role's trust policy asks for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
        /// Where STS is asked.
        region: String,
    },
}

impl Default for Broker {
    fn default() -> Self {
        Self::Local {}
    }
}

impl Broker {
    /// Its `type` in the organisation file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local {} => "local",
            Self::AwsSaml { .. } => "aws-saml",
            Self::AwsRole { .. } => "aws-role",
        }
    }

    /// Everything that is wrong, for the account with this number.
    pub(super) fn faults(&self, account: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut note = |field: &str, checked: Result<(), String>| {
            if let Err(reason) = checked {
                faults.push(Fault { field: format!("broker.{field}"), reason });
            }
        };
        match self {
            Self::Local {} => {}
            Self::AwsSaml { saml_provider, role, region, sts_endpoint } => {
                let provider = check_provider(saml_provider, account);
                let partition = if provider.is_ok() { same_partition(saml_provider, role) } else { Ok(()) };
                note("samlProvider", provider);
                note("role", check_role(role, account).and(partition));
                note("region", check_region(region));
                if let Some(endpoint) = sts_endpoint {
                    note("stsEndpoint", check_endpoint(endpoint));
                }
            }
            Self::AwsRole { role, external_id, region } => {
                note("role", check_role(role, account));
                note("region", check_region(region));
                if let Some(id) = external_id {
                    note("externalId", check_external_id(id));
                }
            }
        }
        faults
    }
}

/// The partition and the resource of an ARN of IAM in this account.
fn iam_arn<'a>(arn: &'a str, account: &str) -> Result<(&'a str, &'a str), String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", owner, resource] = parts.as_slice() else {
        return Err("must be an ARN of IAM such as arn:aws:iam::111122223333:…".to_owned());
    };
    if !is_partition(partition) {
        return Err("must begin with arn:aws: or the name of another partition of AWS".to_owned());
    }
    if *owner != account {
        return Err(format!("must be in this account: it names {owner}, and this is {account}"));
    }
    Ok((partition, resource))
}

/// `aws`, `aws-cn`, `aws-us-gov`, `aws-iso-b` …
fn is_partition(text: &str) -> bool {
    let mut parts = text.split('-');
    let fits = |part: &str| (1..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase());
    parts.next() == Some("aws") && parts.clone().count() <= 3 && parts.all(fits)
}

fn check_provider(arn: &str, account: &str) -> Result<(), String> {
    let (_, resource) = iam_arn(arn, account)?;
    let name = resource.strip_prefix("saml-provider/").unwrap_or_default();
    if name.is_empty() || name.len() > 128 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return Err("must be the ARN of a SAML provider: …:saml-provider/ and its name".to_owned());
    }
    Ok(())
}

fn check_role(arn: &str, account: &str) -> Result<(), String> {
    let (_, resource) = iam_arn(arn, account)?;
    let Some(role) = resource.strip_prefix("role/") else {
        return Err("must be the ARN of a role: …:role/ and its path and name".to_owned());
    };
    let (path, name) = role.rsplit_once('/').unwrap_or(("", role));
    // One role for every permission set would give all of them the rights of that one role.
    if name.matches(PERMISSION_SET).count() != 1 || path.contains(['{', '}']) {
        return Err(format!(
            "must have {PERMISSION_SET} once, in the role's name, where the permission set's name goes"
        ));
    }
    let around = name.replace(PERMISSION_SET, "");
    let fits = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if around.len() > 63 || !fits(&around) {
        return Err("may have letters, digits and _ + = , . @ - in the role's name, 64 in all".to_owned());
    }
    if path.len() > 510 || (!path.is_empty() && path.split('/').any(|part| part.is_empty() || !fits(part))) {
        return Err("may have letters, digits and _ + = , . @ - between the slashes of the role's path".to_owned());
    }
    Ok(())
}

fn same_partition(one: &str, other: &str) -> Result<(), String> {
    if one.split(':').nth(1) == other.split(':').nth(1) {
        return Ok(());
    }
    Err("must be in the same partition of AWS as the SAML provider".to_owned())
}

fn check_region(region: &str) -> Result<(), String> {
    let parts: Vec<&str> = region.split('-').collect();
    let fits = match parts.as_slice() {
        [words @ .., number] => {
            (2..=3).contains(&words.len())
                && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
                && number.len() == 1
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        [] => false,
    };
    if fits && region.len() <= 32 { Ok(()) } else { Err("must be a region such as eu-west-1".to_owned()) }
}

fn check_endpoint(text: &str) -> Result<(), String> {
    let url =
        Url::parse(text).map_err(|_| "must be an address such as https://sts.eu-west-1.amazonaws.com".to_owned())?;
    if url.scheme() != "https" {
        return Err("must begin with https://".to_owned());
    }
    let has_host = matches!(url.host(), Some(Host::Domain(host)) if !host.is_empty())
        || matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
    if !has_host || !url.username().is_empty() || url.password().is_some() {
        return Err("must have a host name and no user name or password".to_owned());
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err("must be an origin: nothing may follow the host and port".to_owned());
    }
    if text.len() > 512 { Err("must have at most 512 characters".to_owned()) } else { Ok(()) }
}

fn check_external_id(text: &str) -> Result<(), String> {
    let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b));
    if (2..=1224).contains(&text.len()) && fits {
        return Ok(());
    }
    Err("must have 2 to 1224 letters, digits and _ + = , . @ : / -".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "444455556666";

    fn saml(provider: &str, role: &str, region: &str, endpoint: Option<&str>) -> Broker {
        Broker::AwsSaml {
            saml_provider: provider.to_owned(),
            role: role.to_owned(),
            region: region.to_owned(),
            sts_endpoint: endpoint.map(str::to_owned),
        }
    }

    const PROVIDER: &str = "arn:aws:iam::444455556666:saml-provider/Vestibule";
    const ROLE: &str = "arn:aws:iam::444455556666:role/vestibule/{permissionSet}";

    #[test]
    fn brokers_as_the_organisation_file_has_them_are_read_and_written_alike() {
        for text in [
            r#"{"type":"local"}"#,
            r#"{"type":"aws-saml","samlProvider":"arn:aws:iam::444455556666:saml-provider/Vestibule","role":"arn:aws:iam::444455556666:role/vestibule/{permissionSet}","region":"eu-west-1","stsEndpoint":"https://sts.eu-west-1.amazonaws.com"}"#,
            r#"{"type":"aws-role","role":"arn:aws-us-gov:iam::444455556666:role/{permissionSet}","externalId":"x-1","region":"us-gov-west-1"}"#,
        ] {
            let broker: Broker = serde_json::from_str(text).unwrap();
            assert!(broker.faults(ACCOUNT).is_empty(), "{text} {:?}", broker.faults(ACCOUNT));
            assert_eq!(serde_json::to_string(&broker).unwrap(), text);
        }
    }

    #[test]
    fn what_no_broker_has_is_refused() {
        for text in [
            r#"{"type":"local","role":"x"}"#,
            r#"{"type":"aws-saml","role":"x","region":"y"}"#,
            r#"{"type":"aws-role","role":"x","region":"y","samlProvider":"z"}"#,
            r#"{"type":"other"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<Broker>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_fault_names_its_field() {
        let cases = [
            (saml("arn:aws:iam::111122223333:saml-provider/V", ROLE, "eu-west-1", None), "broker.samlProvider"),
            (saml("arn:aws:iam::444455556666:role/V", ROLE, "eu-west-1", None), "broker.samlProvider"),
            (saml("Vestibule", ROLE, "eu-west-1", None), "broker.samlProvider"),
            (saml(PROVIDER, "arn:aws:iam::111122223333:role/{permissionSet}", "eu-west-1", None), "broker.role"),
            (saml(PROVIDER, "arn:aws-cn:iam::444455556666:role/{permissionSet}", "eu-west-1", None), "broker.role"),
            (saml(PROVIDER, "arn:aws:iam::444455556666:role/Admin", "eu-west-1", None), "broker.role"),
            (saml(PROVIDER, "arn:aws:iam::444455556666:role/{permissionSet}/x", "eu-west-1", None), "broker.role"),
            (saml(PROVIDER, "arn:aws:iam::444455556666:role/a//{permissionSet}", "eu-west-1", None), "broker.role"),
            (saml(PROVIDER, "arn:aws:iam::444455556666:role/<{permissionSet}>", "eu-west-1", None), "broker.role"),
            (saml(PROVIDER, ROLE, "europe", None), "broker.region"),
            (saml(PROVIDER, ROLE, "eu-west-1\n", None), "broker.region"),
            (saml(PROVIDER, ROLE, "eu-west-1", Some("http://sts.eu-west-1.amazonaws.com")), "broker.stsEndpoint"),
            (saml(PROVIDER, ROLE, "eu-west-1", Some("https://a:b@sts.example.com")), "broker.stsEndpoint"),
            (saml(PROVIDER, ROLE, "eu-west-1", Some("https://sts.example.com/x?y")), "broker.stsEndpoint"),
            (
                Broker::AwsRole {
                    role: ROLE.to_owned(),
                    external_id: Some("<".to_owned()),
                    region: "eu-west-1".to_owned(),
                },
                "broker.externalId",
            ),
        ];
        for (broker, field) in cases {
            let faults = broker.faults(ACCOUNT);
            assert_eq!(faults.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(), [field], "{broker:?}");
        }
    }
}
