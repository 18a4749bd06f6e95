//! One's own profile, password, factors and sessions.

use std::sync::Arc;

use model::{FactorId, SessionId, Timestamp};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::factors::{Ceremony, FactorView, RecoveryCodes, TotpOffer};
use crate::identity::sessions::SessionView;
use crate::identity::sign_in::{FactorChoices, SessionGrant};
use crate::secret::Secret;

/// One's own profile.
#[derive(Clone, Debug)]
pub struct Profile {
    pub user_name: String,
    pub display_name: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub groups: Vec<String>,
    pub roles: Vec<model::Role>,
    pub preferences: Preferences,
    pub created_at: Timestamp,
}

/// What a person likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// `light`, `dark`, or nothing: as the system says.
    pub theme: Option<String>,
    /// IANA name; nothing: UTC.
    pub zone: Option<String>,
}

/// What `/me/security` shows.
#[derive(Clone, Debug)]
pub struct Security {
    pub password_set_at: Option<Timestamp>,
    pub factors: Vec<FactorView>,
    pub recovery_codes_left: u32,
    pub sessions: Vec<SessionView>,
    /// The last factor cannot be removed while one is required.
    pub factor_required: bool,
    /// Passkeys need a host name.
    pub passkeys_off: bool,
    /// Least length of a new password for this person.
    pub password_min_length: u32,
}

/// One's own things.
#[derive(Clone, Debug)]
pub struct Me(pub(crate) Arc<Core>);

impl Me {
    pub async fn profile(&self, call: &Call) -> Result<Profile> {
        todo!()
    }
    /// Names only: mail address and user name are the administrator's.
    pub async fn update_profile(&self, call: &Call, display_name: &str, given_name: &str, family_name: &str) -> Result<()> {
        todo!()
    }
    pub async fn set_preferences(&self, call: &Call, theme: &str, zone: &str) -> Result<()> {
        todo!()
    }
    /// Ends all other sessions and gives this one a new token.
    pub async fn change_password(&self, call: &Call, current: &Secret, new: &Secret, again: &Secret) -> Result<SessionGrant> {
        todo!()
    }
    pub async fn security(&self, call: &Call) -> Result<Security> {
        todo!()
    }
    /// How this person can confirm who they are: factors, else the password.
    pub async fn confirm_choices(&self, call: &Call) -> Result<FactorChoices> {
        todo!()
    }
    /// Confirms by one-time code, or by the password where there is no factor. Gives the session a new token.
    pub async fn confirm(&self, call: &Call, proof: &Secret) -> Result<SessionGrant> {
        todo!()
    }
    pub async fn confirm_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        todo!()
    }
    pub async fn confirm_passkey_finish(&self, call: &Call, ceremony: &str, answer: &str) -> Result<SessionGrant> {
        todo!()
    }
    pub async fn add_totp_begin(&self, call: &Call) -> Result<TotpOffer> {
        todo!()
    }
    pub async fn add_totp_finish(&self, call: &Call, ceremony: &str, code: &Secret, name: &str) -> Result<RecoveryCodes> {
        todo!()
    }
    pub async fn add_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        todo!()
    }
    pub async fn add_passkey_finish(&self, call: &Call, ceremony: &str, answer: &str, name: &str) -> Result<RecoveryCodes> {
        todo!()
    }
    pub async fn rename_factor(&self, call: &Call, factor: FactorId, name: &str) -> Result<()> {
        todo!()
    }
    pub async fn remove_factor(&self, call: &Call, factor: FactorId) -> Result<()> {
        todo!()
    }
    pub async fn new_recovery_codes(&self, call: &Call) -> Result<RecoveryCodes> {
        todo!()
    }
    pub async fn end_session(&self, call: &Call, session: SessionId) -> Result<()> {
        todo!()
    }
    pub async fn end_other_sessions(&self, call: &Call) -> Result<u64> {
        todo!()
    }
}
