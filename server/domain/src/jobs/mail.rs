//! Mail over SMTP.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use model::Timestamp;

use super::outbox::Failure;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// SMTP on this runtime.
type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// The longest wait for one answer of the server.
const ANSWER: Duration = Duration::from_secs(15);
/// The longest wait for a whole delivery.
const DELIVERY: Duration = Duration::from_mins(1);

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

impl FromStr for MailTls {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "tls" => Ok(Self::Tls),
            "starttls" => Ok(Self::StartTls),
            "none" => Ok(Self::None),
            _ => Err(Error::invalid("smtp.tls", "must be tls, starttls or none")),
        }
    }
}

impl fmt::Display for MailTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
            Self::None => "none",
        })
    }
}

impl MailSettings {
    /// Refuses what cannot work, or would send mail unprotected through a network. For start and `check-config`.
    pub fn check(&self) -> Result<()> {
        if self.host.is_empty() || self.host.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Error::invalid("smtp.host", "must be a host name or an address"));
        }
        if self.tls == MailTls::None && !is_loopback(&self.host) {
            return Err(Error::invalid(
                "smtp.tls",
                "none is for loopback only: mail would cross the network unprotected",
            ));
        }
        if self.username.is_some() != self.password.is_some() {
            return Err(Error::invalid("smtp.username", "and smtp.password must be given together"));
        }
        self.sender().map(drop)
    }

    /// Where mail goes out, without secrets.
    pub fn describe(&self) -> String {
        format!("{}:{} ({}) as {}", self.host, self.port, self.tls, self.from)
    }

    fn sender(&self) -> Result<Mailbox> {
        self.from
            .parse()
            .map_err(|_| Error::invalid("smtp.from", "must be a mail address such as Portal <portal@example.com>"))
    }

    fn transport(&self) -> Result<Smtp> {
        let refused = |e: lettre::transport::smtp::Error| Error::invalid("smtp.host", "cannot be used").because(e);
        let mut builder: AsyncSmtpTransportBuilder = match self.tls {
            MailTls::Tls => Smtp::relay(&self.host).map_err(refused)?,
            MailTls::StartTls => Smtp::starttls_relay(&self.host).map_err(refused)?,
            MailTls::None => Smtp::builder_dangerous(&self.host),
        };
        builder = builder.port(self.port).timeout(Some(ANSWER));
        if let (Some(name), Some(password)) = (&self.username, &self.password) {
            builder = builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Sends one mail. `id` makes the `Message-ID`: a repetition of the same mail can be told from another mail.
pub(crate) async fn send(
    settings: &MailSettings,
    id: &str,
    date: Timestamp,
    to: &str,
    subject: &str,
    text: &str,
) -> std::result::Result<String, Failure> {
    let for_good = |e: String| Failure::ForGood(e);
    let sender = settings.sender().map_err(|e| for_good(e.to_string()))?;
    let receiver =
        to.parse().map(|address| Mailbox::new(None, address)).map_err(|e| for_good(format!("address: {e}")))?;
    let host = sender.email.domain().to_owned();
    let written = UNIX_EPOCH + Duration::from_millis(u64::try_from(date.0).unwrap_or(0));
    let message = Message::builder()
        .from(sender)
        .to(receiver)
        .subject(subject)
        .date(written)
        .message_id(Some(format!("<{id}@{host}>")))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(text.to_owned())
        .map_err(|e| for_good(format!("message: {e}")))?;
    settings.check().map_err(|e| for_good(e.to_string()))?;
    let transport = settings.transport().map_err(|e| for_good(format!("{e}: {}", e.cause().unwrap_or_default())))?;
    match tokio::time::timeout(DELIVERY, transport.send(message)).await {
        Ok(Ok(answer)) => {
            Ok(format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")).trim().to_owned())
        }
        Ok(Err(e)) if e.is_permanent() => Err(Failure::ForGood(e.to_string())),
        Ok(Err(e)) => Err(Failure::ForNow(e.to_string())),
        Err(_) => Err(Failure::ForNow("the mail server took too long".to_owned())),
    }
}

/// `Auto-Submitted: auto-generated`: no out-of-office notes in answer.
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
