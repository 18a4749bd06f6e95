//! From written values to checked ones.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use domain::Secret;
use domain::identity::throttle::Limits;
use domain::jobs::mail::{MailSettings, MailTls};
use ipnet::IpNet;
use serde_json::Map;
use tracing_subscriber::filter::Targets;
use url::Url;

use super::layers::{BUDGET_FIELDS, BUDGETS, Given, Layers, Origin, Values};
use super::{Config, LogSettings, Problem, TlsFiles, is_loopback};

/// Checks everything, so that all faults are reported at once.
pub fn resolve(layers: Layers) -> Result<Config, Vec<Problem>> {
    let mut from = Reader { values: layers.values, problems: layers.problems };
    let data_dir = PathBuf::from(from.text("data_dir").unwrap_or_else(|| "./data".to_owned()));
    let database = from
        .secret("database_url")
        .unwrap_or_else(|| Secret::new(format!("sqlite:{}", data_dir.join("vestibule.db").display())));
    from.check("database_url", database_url(database.expose()));
    let listen = from.parsed("listen", address).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let public_url = from.parsed("public_url", public_url);
    let (master_key, master_key_file) = from.master_key(data_dir.join("master.key"));
    let region = from.parsed("region", region).unwrap_or_else(|| "us-east-1".to_owned());
    let tls = from.tls();
    let trusted = from.list("proxy.trusted", network);
    let outbound_allow = from.list("outbound.allow", network);
    let ops_listen = from
        .parsed("ops.listen", |text| if text == "off" { Ok(None) } else { address(text).map(Some) })
        .unwrap_or_else(|| Some(SocketAddr::from(([127, 0, 0, 1], 9464))));
    let json = from.parsed("log.format", |text| match text {
        "json" => Ok(true),
        "text" => Ok(false),
        _ => Err("must be json or text".to_owned()),
    });
    let level = from.parsed("log.level", level).unwrap_or_else(|| "info".to_owned());
    let mail = from.mail();
    let throttle = from.throttle();

    let mut warnings = Vec::new();
    if let Some(url) = &public_url {
        if url.scheme() == "http" && tls.is_some() {
            from.wrong("public_url", "must begin with https:// where tls.cert_file is set");
        }
        if url.scheme() == "https" && tls.is_none() && trusted.is_empty() {
            warnings.push("public_url is https and no TLS is set up here: name the proxy in front in proxy.trusted, so that its forwarded headers count".to_owned());
        }
    }
    if public_url.as_ref().is_none_or(is_loopback) && !listen.ip().is_loopback() {
        warnings.push(format!("listening on {listen}, and public_url is a loopback address: other machines are refused by their Host header"));
    }
    if ops_listen.is_some_and(|ops| !ops.ip().is_loopback()) {
        warnings.push("ops.listen is reachable from other machines: metrics need no sign-in".to_owned());
    }
    if !from.problems.is_empty() {
        return Err(from.problems);
    }
    Ok(Config {
        listen,
        public_url,
        data_dir,
        database_url: database,
        master_key,
        master_key_file,
        region,
        tls,
        trusted,
        outbound_allow,
        ops_listen,
        throttle,
        log: LogSettings { json, level },
        mail,
        warnings,
    })
}

struct Reader {
    values: Values,
    problems: Vec<Problem>,
}

impl Reader {
    fn given(&self, path: &str) -> Option<&Given> {
        self.values.get(path)
    }

    fn wrong(&mut self, path: &str, what: impl Into<String>) {
        let at = self.given(path).map_or(Origin::Default, |given| given.at.clone());
        self.problems.push(Problem::new(at, path, what));
    }

    fn check(&mut self, path: &str, result: Result<(), String>) {
        if let Err(what) = result {
            self.wrong(path, what);
        }
    }

    /// Exactly one text.
    fn text(&mut self, path: &str) -> Option<String> {
        match self.given(path)?.items.as_slice() {
            [one] if !one.expose().is_empty() => Some(one.expose().to_owned()),
            [_] => {
                self.wrong(path, "must not be empty");
                None
            }
            _ => {
                self.wrong(path, "must be one value, not a list");
                None
            }
        }
    }

    fn parsed<T>(&mut self, path: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(path)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(what) => {
                self.wrong(path, what);
                None
            }
        }
    }

    fn list<T>(&mut self, path: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let items: Vec<String> =
            self.given(path).iter().flat_map(|given| &given.items).map(|item| item.expose().to_owned()).collect();
        let mut out = Vec::new();
        for item in items.iter().filter(|item| !item.is_empty()) {
            match parse(item) {
                Ok(value) => out.push(value),
                Err(what) => self.wrong(path, what),
            }
        }
        out
    }

    /// A secret by value or from the file that `<path>_file` names.
    fn secret(&mut self, path: &str) -> Option<Secret> {
        let file = format!("{path}_file");
        if self.given(&file).is_none() {
            return self.text(path).map(Secret::new);
        }
        if self.given(path).is_some() {
            self.wrong(&file, format!("{path} is given as well: give one of them"));
            return None;
        }
        let name = self.text(&file)?;
        match std::fs::read_to_string(&name) {
            Ok(text) if text.trim_end_matches(['\r', '\n']).is_empty() => {
                self.wrong(&file, format!("{name} is empty"));
                None
            }
            Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                self.wrong(&file, format!("{name} cannot be read: {error}"));
                None
            }
        }
    }

    fn master_key(&mut self, usual: PathBuf) -> (Option<Secret>, PathBuf) {
        let file = self.text("master_key_file").map(PathBuf::from);
        let key = self.text("master_key").map(Secret::new);
        if file.is_some() && key.is_some() {
            self.wrong("master_key_file", "master_key is given as well: give one of them");
        }
        (key, file.unwrap_or(usual))
    }

    fn tls(&mut self) -> Option<TlsFiles> {
        let (cert, key) = (self.text("tls.cert_file"), self.text("tls.key_file"));
        match (cert, key) {
            (Some(cert), Some(key)) => {
                for (path, file) in [("tls.cert_file", &cert), ("tls.key_file", &key)] {
                    if let Err(error) = std::fs::File::open(file) {
                        self.wrong(path, format!("{file} cannot be read: {error}"));
                    }
                }
                Some(TlsFiles { cert_file: cert.into(), key_file: key.into() })
            }
            (Some(_), None) => {
                self.wrong("tls.cert_file", "needs tls.key_file beside it");
                None
            }
            (None, Some(_)) => {
                self.wrong("tls.key_file", "needs tls.cert_file beside it");
                None
            }
            (None, None) => None,
        }
    }

    fn throttle(&mut self) -> Limits {
        let mut given = Map::new();
        for budget in BUDGETS {
            let mut fields = Map::new();
            for field in BUDGET_FIELDS {
                let number = self.parsed(&format!("throttle.{budget}.{field}"), |text| {
                    text.parse::<u32>().map_err(|_| "must be a whole number".to_owned())
                });
                fields.extend(number.map(|number| ((*field).to_owned(), number.into())));
            }
            given.insert((*budget).to_owned(), fields.into());
        }
        match serde_json::from_value(given.into()) {
            Ok(limits) => limits,
            Err(error) => {
                self.wrong("throttle", error.to_string());
                Limits::default()
            }
        }
    }

    fn mail(&mut self) -> Option<MailSettings> {
        let host = self.text("smtp.host");
        let port = self.parsed("smtp.port", |text| {
            text.parse::<u16>().ok().filter(|port| *port != 0).ok_or("must be a port".to_owned())
        });
        let tls = self.parsed("smtp.tls", |text| match text {
            "tls" => Ok(MailTls::Tls),
            "starttls" => Ok(MailTls::StartTls),
            "none" => Ok(MailTls::None),
            _ => Err("must be starttls, tls or none".to_owned()),
        });
        let username = self.text("smtp.username");
        let password = self.secret("smtp.password");
        let from = self.text("smtp.from");
        let Some(host) = host else {
            let others: Vec<String> = self.values.keys().filter(|path| path.starts_with("smtp.")).cloned().collect();
            for path in others {
                self.wrong(&path, "needs smtp.host");
            }
            return None;
        };
        let Some(from) = from else {
            self.wrong("smtp.host", "needs smtp.from, the sender's address");
            return None;
        };
        let tls = tls.unwrap_or(MailTls::StartTls);
        if tls == MailTls::None && !is_loopback_name(&host) {
            self.wrong("smtp.tls", "none is for a mail server on this machine only");
        }
        if username.is_some() != password.is_some() {
            self.wrong("smtp.host", "needs smtp.username and smtp.password together, or none of them");
        }
        let port = port.unwrap_or(match tls {
            MailTls::Tls => 465,
            MailTls::StartTls => 587,
            MailTls::None => 25,
        });
        Some(MailSettings { host, port, tls, username, password, from })
    }
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || IpAddr::from_str(host).is_ok_and(|address| address.is_loopback())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| "must be an address with a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
}

fn network(text: &str) -> Result<IpNet, String> {
    IpNet::from_str(text)
        .or_else(|_| IpAddr::from_str(text).map(IpNet::from))
        .map_err(|_| format!("{text:?} is no address and no network such as 10.0.0.0/8"))
}

fn region(text: &str) -> Result<String, String> {
    let fine = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fine {
        Ok(text.to_owned())
    } else {
        Err("must be lower-case letters, digits and hyphens, such as us-east-1".to_owned())
    }
}

fn level(text: &str) -> Result<String, String> {
    let known = |level: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&level);
    let part =
        |item: &str| item.split_once('=').map_or_else(|| known(item), |(name, level)| !name.is_empty() && known(level));
    if text.split(',').all(part) && text.parse::<Targets>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err("must be error, warn, info, debug or trace, for parts too: info,domain=debug".to_owned())
    }
}

fn database_url(text: &str) -> Result<(), String> {
    let sqlite = domain::store::sqlite_path(text).is_some_and(|path| !path.is_empty());
    let postgres =
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) && Url::parse(text).is_ok();
    if sqlite || postgres {
        Ok(())
    } else {
        Err("must be sqlite:<path> or postgres://user:password@host/database".to_owned())
    }
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "must be an address such as https://sso.example.com".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("must begin with https:// (or http:// on a loopback name)".to_owned());
    }
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err("must be scheme, host and port only, without a path".to_owned());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(
            "plain http is for loopback names only: session cookies would travel in the clear. Use https".to_owned()
        );
    }
    Ok(url)
}
