//! The configuration: `vestibule.toml`, then the environment, then flags. It is accepted whole or refused whole, and every
//! fault is named with the place where it stands.

mod layers;
mod resolve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use domain::Secret;
use domain::identity::throttle::Limits;
use domain::jobs::mail::MailSettings;
use ipnet::IpNet;
use url::{Host, Url};

use layers::Layers;
pub use layers::Origin;

/// The file that is read when none is named and it is there.
const USUAL_FILE: &str = "vestibule.toml";

/// Everything that can be configured, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where people connect to.
    pub listen: SocketAddr,
    /// The address people use; follows from the bound port where it is not given.
    pub public_url: Option<Url>,
    /// What the server keeps beside the database.
    pub data_dir: PathBuf,
    /// `sqlite:<path>` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// A master key given by value.
    pub master_key: Option<Secret>,
    /// The file of the master key, unless the key is given by value.
    pub master_key_file: PathBuf,
    /// The region that AWS clients are told.
    pub region: String,
    /// Certificate and key, where the server itself speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Whose forwarded headers are believed.
    pub trusted: Vec<IpNet>,
    /// Private addresses that may be connected to all the same.
    pub outbound_allow: Vec<IpNet>,
    /// Where metrics are; nothing: nowhere.
    pub ops_listen: Option<SocketAddr>,
    /// Budgets of attempts.
    pub throttle: Limits,
    /// Logs.
    pub log: LogSettings,
    /// Mail.
    pub mail: Option<MailSettings>,
    /// What is allowed and yet worth a word at start.
    pub warnings: Vec<String>,
}

/// Certificate and key in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

/// How logs are written.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// JSON or text; nothing: text on a terminal.
    pub json: Option<bool>,
    /// A level, or levels for parts: `info,domain=debug`.
    pub level: String,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug)]
pub struct Problem {
    at: Origin,
    field: String,
    what: String,
}

impl Problem {
    fn new(at: Origin, field: &str, what: impl Into<String>) -> Self {
        Self { at, field: field.to_owned(), what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)
    }
}

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data-dir`
    pub data_dir: Option<String>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--public-url`
    pub public_url: Option<String>,
}

impl Config {
    /// Reads all layers of this process.
    pub fn load(flags: &Flags) -> Result<Self, Vec<Problem>> {
        // What is no text cannot be one of our values; names of ours are ASCII.
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_layers(flags, variables)
    }

    /// A configuration of these variables alone, for tests.
    #[cfg(test)]
    pub fn from_variables(variables: impl Iterator<Item = (String, String)>) -> Result<Self, Vec<Problem>> {
        Self::from_layers(&Flags::default(), variables)
    }

    fn from_layers(flags: &Flags, variables: impl Iterator<Item = (String, String)>) -> Result<Self, Vec<Problem>> {
        let variables: Vec<_> = variables.collect();
        let named = flags.config.clone().or_else(|| {
            let (_, path) = variables.iter().find(|(name, _)| name == "VESTIBULE_CONFIG")?;
            Some(PathBuf::from(path))
        });
        let file = named.or_else(|| Some(PathBuf::from(USUAL_FILE)).filter(|path| path.exists()));
        let mut layers = Layers::default();
        if let Some(file) = &file {
            layers.add_file(file);
        }
        layers.add_environment(variables.into_iter());
        layers.add_flag("data_dir", "--data-dir", flags.data_dir.clone());
        layers.add_flag("listen", "--listen", flags.listen.clone());
        layers.add_flag("public_url", "--public-url", flags.public_url.clone());
        if let Some(file) = &file {
            refuse_readable_secrets(file, &mut layers);
        }
        resolve::resolve(layers)
    }

    /// The address people use, once the port is known.
    pub fn public_url(&self, bound: SocketAddr) -> Url {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_url.clone().unwrap_or_else(|| {
            let mut url = LOCALHOST.clone();
            // Neither can fail: the scheme is http or https and the address has a host.
            let _ = url.set_scheme(scheme);
            let _ = url.set_port(Some(bound.port()));
            url
        })
    }
}

static LOCALHOST: std::sync::LazyLock<Url> = std::sync::LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant that parses")]
    Url::parse("http://localhost").expect("a constant that parses")
});

/// Whether a host can only be this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A file that everybody on the machine can read must not hold a secret.
fn refuse_readable_secrets(file: &Path, layers: &mut Layers) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::metadata(file) else { return };
    if metadata.permissions().mode() & 0o004 == 0 {
        return;
    }
    let found = layers.values.iter().filter(|(path, given)| {
        let secret = layers::KEYS.iter().any(|key| key.secret && key.path == path.as_str());
        let shown = path.as_str() == "database_url" && given.items.iter().all(|url| !holds_password(url.expose()));
        secret && !shown && matches!(given.at, Origin::File(..))
    });
    let problems: Vec<Problem> = found
        .map(|(path, given)| {
            let what = format!(
                "everybody on this machine can read this secret: chmod 600 {}, or use {path}_file",
                file.display()
            );
            Problem::new(given.at.clone(), path, what)
        })
        .collect();
    layers.problems.extend(problems);
}

fn holds_password(database_url: &str) -> bool {
    Url::parse(database_url)
        .is_ok_and(|url| url.password().is_some() || url.query().is_some_and(|query| query.contains("password")))
}
