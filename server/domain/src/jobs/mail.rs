//! Mail over SMTP.

use crate::secret::Secret;

/// How mail is sent (`smtp.*` of the configuration).
#[derive(Clone, Debug)]
pub struct MailSettings {
    pub host: String,
    pub port: u16,
    /// `tls` from the first byte, `starttls` (default), or `none` (loopback only).
    pub tls: MailTls,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub from: String,
}

/// Protection of the SMTP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    Tls,
    StartTls,
    None,
}
