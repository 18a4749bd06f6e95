//! Reading and changing the settings.

use std::sync::Arc;

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::settings::Settings;

/// Settings as the administration shows them.
#[derive(Clone, Debug)]
pub struct SettingsView {
    pub settings: Settings,
    pub version: i64,
    pub public_url: String,
    pub instance_id: String,
    pub identity_store_id: String,
    /// Where mail goes out, without secrets; nothing: not configured.
    pub mail: Option<String>,
    /// The public address differs from the one of the first start.
    pub public_url_at_first_start: Option<String>,
}

/// Settings.
#[derive(Clone, Debug)]
pub struct SettingsService(pub(crate) Arc<Core>);

impl SettingsService {
    pub async fn get(&self, call: &Call) -> Result<SettingsView> {
        todo!()
    }
    pub async fn update(&self, call: &Call, version: i64, settings: Settings) -> Result<()> {
        todo!()
    }
    /// Sends a mail to the caller now and says what the server said.
    pub async fn test_mail(&self, call: &Call) -> Result<String> {
        todo!()
    }
}
