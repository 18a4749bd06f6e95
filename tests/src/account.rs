//! People of a test's own making: created on the command line, let in and given a factor as they would do it themselves.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use totp_rs::Totp;

use crate::{Answer, Browser, Vestibule};

/// Long, and not guessed early.
pub const PASSWORD: &str = "plum-tractor-violet-9";

/// Seconds for which a code is shown.
const STEP: u64 = 30;

/// One person and all that they know and have.
#[derive(Debug)]
pub struct Account {
    pub name: String,
    pub id: String,
    pub password: String,
    pub factor: Option<Factor>,
}

/// An authenticator app and a sheet of recovery codes.
#[derive(Debug)]
pub struct Factor {
    /// As the page shows it, without spaces.
    pub secret: String,
    app: Totp,
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    last_step: u64,
    recovery: Vec<String>,
}

impl Vestibule {
    /// Someone who can sign in with [`PASSWORD`] and has no factor.
    pub fn person(&self, name: &str) -> Account {
        let email = format!("{name}@example.com");
        let words = ["user", "create", name, "--email", &email, "--given-name", "Given", "--family-name", "Family"];
        let made = self.cli_with_input(&[&words[..], &["--password-stdin", "--json"]].concat(), PASSWORD);
        assert_eq!(made.code, 0, "{}", made.err);
        let made: Value = serde_json::from_str(&made.out).expect("JSON");
        let id = made["id"].as_str().expect("an id").to_owned();
        Account { name: name.to_owned(), id, password: PASSWORD.to_owned(), factor: None }
    }

    /// The path of the first owner's one-time link.
    pub fn init(&self, name: &str) -> String {
        let made = self.cli(&["init", "--admin", name, "--email", &format!("{name}@example.com"), "--json"]);
        assert_eq!(made.code, 0, "{}", made.err);
        let made: Value = serde_json::from_str(&made.out).expect("JSON");
        let link = made["link"].as_str().expect("a link");
        link.strip_prefix(&self.url("")).expect("a link of ours").to_owned()
    }

    /// The first owner, with a factor, and the browser they are signed in with.
    pub fn owner(&self, name: &str) -> (Account, Browser) {
        let link = self.init(name);
        let token = link.rsplit('/').next().expect("a token").to_owned();
        let browser = self.browser();
        let fields = [("token", token.as_str()), ("new", PASSWORD), ("again", PASSWORD)];
        let answer = browser.post("/actions/sign-in/link", &fields);
        assert!(answer.leads_to("/start/enrol"), "{} {}", answer.status, answer.location());
        let shown = self.cli(&["user", "show", name, "--json"]);
        let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
        let id = shown["id"].as_str().expect("an id").to_owned();
        let mut account = Account { name: name.to_owned(), id, password: PASSWORD.to_owned(), factor: None };
        account.enrol(&browser);
        (account, browser)
    }

    /// Someone with a role, granted by an owner, and a factor; with the browser they are signed in with.
    pub fn administrator(&self, owner: &Browser, name: &str, role: &str) -> (Account, Browser) {
        let mut account = self.person(name);
        let granted = owner.post("/actions/users/role-grant", &[("id", &account.id), ("role", role)]);
        assert!(granted.leads_to(&format!("/admin/users/{}", account.id)), "{} {}", granted.status, granted.location());
        let browser = self.browser();
        let answer = account.begin(&browser);
        assert!(answer.leads_to("/start/enrol"), "{} {}", answer.status, answer.location());
        account.enrol(&browser);
        (account, browser)
    }
}

impl Account {
    /// Gives the password.
    pub fn begin(&self, browser: &Browser) -> Answer {
        browser.post("/actions/sign-in/password", &[("username", &self.name), ("password", &self.password)])
    }

    /// Signs in all the way, by a recovery code where a factor is asked for.
    pub fn enter(&self, browser: &Browser) {
        let mut answer = self.begin(browser);
        if answer.leads_to("/start/second-factor") {
            answer = browser.post("/actions/sign-in/code", &[("code", &self.factor().recovery_code())]);
        }
        assert!(answer.leads_to("/start"), "{}: {} {}", self.name, answer.status, answer.location());
    }

    /// Sets up an app in a browser that stands at enrolment.
    pub fn enrol(&mut self, browser: &Browser) {
        let page = browser.get("/start/enrol/app");
        let factor = Factor::new(&page.secret());
        let fields = [("ceremony", page.hidden("ceremony")), ("code", factor.code()), ("name", "Phone".to_owned())];
        let answer =
            browser.post("/actions/sign-in/enrol-app", &fields.each_ref().map(|(name, value)| (*name, value.as_str())));
        assert!(answer.leads_to("/start/recovery-codes"), "{} {}", answer.status, answer.location());
        let codes = browser.get(answer.location()).recovery_codes();
        assert_eq!(codes.len(), 10);
        factor.keep(codes);
        self.factor = Some(factor);
    }

    /// Their factor.
    pub fn factor(&self) -> &Factor {
        self.factor.as_ref().expect("this person has a factor")
    }
}

impl Factor {
    /// An app that has been given this secret.
    pub fn new(secret: &str) -> Self {
        let app = Totp::from_url(format!("otpauth://totp/a:b?secret={secret}&issuer=a")).expect("a secret in base32");
        Self { secret: secret.to_owned(), app, used: Mutex::new(Used { last_step: 0, recovery: Vec::new() }) }
    }

    /// A code that is right now and was not given before. There are at most three in half a minute.
    pub fn code(&self) -> String {
        let now = now() / STEP;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.last_step = (used.last_step + 1).max(now - 1);
        assert!(used.last_step <= now + 1, "no fresh code is left: use a recovery code");
        self.app.generate(used.last_step * STEP).to_string()
    }

    /// The code of so many half minutes from now.
    pub fn code_at(&self, steps: i64) -> String {
        let step = (now() / STEP).checked_add_signed(steps).expect("a time after 1970");
        self.app.generate(step * STEP).to_string()
    }

    /// A recovery code that was not given before.
    pub fn recovery_code(&self) -> String {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).recovery.pop().expect("a code is left")
    }

    /// A new sheet of codes.
    pub fn keep(&self, codes: Vec<String>) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).recovery = codes;
    }
}

#[expect(clippy::disallowed_methods, reason = "an authenticator app reads the clock too")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}
