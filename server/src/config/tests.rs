use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{Config, Flags};

/// Environment variables of a case: name and value.
type Variables<'a> = &'a [(&'a str, &'a str)];

/// Loads a file of this text with these variables; the problems as text.
fn load(text: &str, variables: Variables<'_>) -> Result<Config, String> {
    load_with_mode(text, variables, 0o600)
}

fn load_with_mode(text: &str, variables: Variables<'_>, mode: u32) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("v.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let flags = Flags { config: Some(file.clone()), ..Flags::default() };
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_layers(&flags, variables).map_err(|problems| {
        let lines: Vec<String> =
            problems.iter().map(|problem| problem.to_string().replace(&file.display().to_string(), "v.toml")).collect();
        lines.join("\n")
    })
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = load("", &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url("127.0.0.1:4711".parse().unwrap()).as_str(), "http://localhost:4711/");
    assert_eq!(config.database_url.expose(), "sqlite:./data/vestibule.db");
    assert_eq!(config.master_key_file.to_str(), Some("./data/master.key"));
    assert_eq!(config.region, "us-east-1");
    assert_eq!(config.ops_listen.unwrap().to_string(), "127.0.0.1:9464");
    assert!(config.tls.is_none() && config.mail.is_none() && config.trusted.is_empty());
}

#[test]
fn later_layers_win() {
    let text = "listen = \"127.0.0.1:1\"\nregion = \"eu-west-1\"\n[ops]\nlisten = \"off\"\n";
    let config = load(text, &[("VESTIBULE_LISTEN", "127.0.0.1:2"), ("VESTIBULE_OPS_LISTEN", "127.0.0.1:3")]).unwrap();
    assert_eq!((config.listen.port(), config.ops_listen.unwrap().port()), (2, 3));
    assert_eq!(config.region, "eu-west-1");
    assert!(load(text, &[]).unwrap().ops_listen.is_none());
    let config =
        load("", &[("VESTIBULE_PROXY__TRUSTED", "10.0.0.0/8, ::1"), ("VESTIBULE_OPS__LISTEN", "off")]).unwrap();
    assert_eq!(config.trusted.len(), 2);
    let flags = Flags { listen: Some("127.0.0.1:9".to_owned()), ..Flags::default() };
    let config =
        Config::from_layers(&flags, [("VESTIBULE_LISTEN".to_owned(), "127.0.0.1:2".to_owned())].into_iter()).unwrap();
    assert_eq!(config.listen.port(), 9);
}

#[test]
fn every_fault_is_named_with_its_place() {
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str);
    let cases: &[Case<'_>] = &[
        ("listne = 1", &[], "v.toml:1:1: listne: there is no such setting"),
        ("\n[smtp]\n  hots = \"a\"", &[], "v.toml:3:3: smtp.hots: there is no such setting"),
        ("[nope]\na = 1", &[], "v.toml:1:2: nope: there is no such setting"),
        ("listen = \"x\"", &[], "v.toml:1:10: listen: must be an address"),
        ("listen = [\"a\", \"b\"]", &[], "v.toml:1:10: listen: must be one value"),
        ("listen = ", &[], "v.toml:1:10: "),
        ("", &[("VESTIBULE_LISTNE", "1")], "VESTIBULE_LISTNE: there is no such setting"),
        ("", &[("VESTIBULE_LISTEN", "80")], "VESTIBULE_LISTEN: listen: must be an address"),
        ("public_url = \"http://sso.example.com\"", &[], "public_url: plain http is for loopback names only"),
        ("public_url = \"http://127.0.0.1.example.com\"", &[], "public_url: plain http is for loopback names only"),
        ("public_url = \"https://sso.example.com/path\"", &[], "public_url: must be scheme, host and port only"),
        ("public_url = \"ftp://localhost\"", &[], "public_url: must begin with https://"),
        ("database_url = \"mysql://x/y\"", &[], "database_url: must be sqlite:"),
        ("[tls]\ncert_file = \"a\"", &[], "v.toml:2:13: tls.cert_file: needs tls.key_file"),
        ("[proxy]\ntrusted = [\"all\"]", &[], "proxy.trusted: \"all\" is no address"),
        ("[log]\nlevel = \"loud\"", &[], "log.level: must be error"),
        ("[smtp]\nport = 25", &[], "smtp.port: needs smtp.host"),
        (
            "[smtp]\nhost = \"mail.example.com\"\nfrom = \"a@b\"\ntls = \"none\"",
            &[],
            "smtp.tls: none is for a mail server on this machine",
        ),
        (
            "[smtp]\nhost = \"localhost\"\nfrom = \"a@b\"\nusername = \"u\"\npassword_file = \"/nowhere\"",
            &[],
            "smtp.password_file: /nowhere cannot be read",
        ),
    ];
    for (text, variables, expected) in cases {
        let said = load(text, variables).unwrap_err();
        assert!(said.contains(expected), "{text}: {said}");
    }
    let both = load("listen = \"x\"\nregion = \"X\"", &[]).unwrap_err();
    assert_eq!(both.lines().count(), 2, "all faults at once: {both}");
}

#[test]
fn secrets_are_hidden_and_not_left_readable() {
    let text = "[smtp]\nhost = \"localhost\"\nfrom = \"a@b\"\nusername = \"u\"\npassword = \"canary\"\n";
    let config =
        load(text, &[("VESTIBULE_DATABASE_URL", "postgres://u:canary@h/d"), ("VESTIBULE_MASTER_KEY", "canary")])
            .unwrap();
    assert!(!format!("{config:?}").contains("canary"));
    let said = load_with_mode(text, &[], 0o644).unwrap_err();
    assert!(
        said.contains("v.toml:5:12: smtp.password: everybody on this machine can read this secret"),
        "{said} (OPS-04)"
    );
    assert!(load_with_mode("database_url = \"postgres://u:canary@h/d\"", &[], 0o644).is_err());
    assert!(load_with_mode("database_url = \"postgres://u@h/d\"", &[], 0o644).is_ok(), "no password in it");
    assert!(!load_with_mode("database_url = \"mysql://u:canary@h/d\"", &[], 0o644).unwrap_err().contains("canary"));
}

#[test]
fn a_secret_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    fs::write(&file, "postgres://u:p@h/d\n").unwrap();
    let name = file.display().to_string();
    let config = load("", &[("VESTIBULE_DATABASE_URL_FILE", &name)]).unwrap();
    assert_eq!(config.database_url.expose(), "postgres://u:p@h/d");
    let config = load("database_url = \"sqlite:x\"", &[("VESTIBULE_DATABASE_URL_FILE", &name)]).unwrap();
    assert_eq!(config.database_url.expose(), "postgres://u:p@h/d", "a later layer replaces either form");
    let said = load(&format!("database_url = \"sqlite:x\"\ndatabase_url_file = \"{name}\""), &[]).unwrap_err();
    assert!(said.contains("database_url_file: database_url is given as well"), "{said}");
}

#[test]
fn budgets_of_attempts_can_be_set_one_by_one() {
    let config = load("[throttle.name]\nfree = 3\n", &[("VESTIBULE_THROTTLE__PAIR__STOP", "7")]).unwrap();
    assert_eq!((config.throttle.name.free, config.throttle.pair.stop), (3, 7));
    assert_eq!(config.throttle.source, domain::identity::throttle::Limits::default().source);
    let said = load("[throttle.nmae]\nfree = 3\n[throttle.name]\nfree = \"many\"", &[]).unwrap_err();
    assert!(said.contains("v.toml:1:11: throttle.nmae: there is no such setting"), "{said}");
    assert!(said.contains("v.toml:4:8: throttle.name.free: must be a whole number"), "{said}");
}
