//! Single logout, asked for and answered.

use jiff::Timestamp;

use super::EmitError;
use super::envelope::{Envelope, NameId, Status, date_time, status_message};
use super::response::LIFETIME;
use super::sign::{Signable, Signer};
use super::xml::{at, maybe, samlp};
use crate::saml::names::LogoutReason;

/// Who is to be logged out of which sessions.
#[derive(Clone, Copy, Debug)]
pub struct Logout<'a> {
    /// The name under which the other side knows them.
    pub name_id: NameId<'a>,
    /// The sessions, by what the assertion called them; none means all.
    pub session_indexes: &'a [&'a str],
    /// Why.
    pub reason: Option<LogoutReason>,
}

/// Asks the other side to log somebody out. Signed inside for the POST binding, outside for the redirect binding.
pub fn logout_request(
    envelope: &Envelope<'_>,
    logout: &Logout<'_>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    let issued = date_time(envelope.issued);
    let until = date_time(envelope.issued.saturating_add(LIFETIME).unwrap_or(Timestamp::MAX));
    let signable = Signable { name: samlp("LogoutRequest"), id: envelope.id, signer, inclusive: None };
    let [destination, id, in_response_to, instant, version] = envelope.attributes(&issued);
    let attributes = [
        destination,
        id,
        in_response_to,
        instant,
        version,
        at("NotOnOrAfter", &until),
        maybe("Reason", logout.reason.map(LogoutReason::uri)),
    ];
    envelope.write(&signable, attributes, |canon| {
        logout.name_id.write(canon);
        for index in logout.session_indexes {
            canon.leaf(samlp("SessionIndex"), [], index);
        }
        Ok(())
    })
}

/// Answers a request for logout.
pub fn logout_response(
    envelope: &Envelope<'_>,
    status: &Status<'_>,
    signer: Option<&Signer<'_>>,
) -> Result<String, EmitError> {
    status_message(samlp("LogoutResponse"), envelope, status, signer)
}
