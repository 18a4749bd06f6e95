//! The demo people, as `serve --demo` leaves them in `demo-users.txt`.

use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::Totp;

/// One line of the file: name, password, and the address of the authenticator entry if there is one.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    pub user_name: String,
    pub password: String,
    pub otpauth: Option<String>,
}

impl DemoPerson {
    pub(crate) fn parse(line: &str) -> Self {
        let mut fields = line.split('\t');
        let mut next = || fields.next().unwrap_or_default().to_owned();
        let (user_name, password, otpauth) = (next(), next(), next());
        Self { user_name, password, otpauth: Some(otpauth).filter(|address| !address.is_empty()) }
    }

    /// The code that an authenticator app would show now. A code works once: one sign-in per person and half minute.
    #[expect(clippy::disallowed_methods, reason = "an authenticator app reads the clock too")]
    pub fn code(&self) -> String {
        let address = self.otpauth.as_ref().expect("this person has an authenticator");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let authenticator = Totp::from_url(address).expect("an otpauth address");
        authenticator.generate(now.as_secs()).to_string()
    }
}
