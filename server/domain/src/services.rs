//! All services, made once at start.

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::audit::log::AuditLog;
use crate::clock::Clock;
use crate::core::Core;
use crate::entropy::Entropy;
use crate::error::Result;
use crate::identity::administrators::Administrators;
use crate::identity::groups::Groups;
use crate::identity::me::Me;
use crate::identity::people::People;
use crate::identity::sessions::Sessions;
use crate::identity::sign_in::SignIn;
use crate::settings_service::SettingsService;

/// What the services need to open.
#[derive(Clone, Debug)]
pub struct Open {
    /// `sqlite:<path>` or `postgres://…`
    pub database_url: String,
    /// Holds the node's name; and the master key where no other file is given.
    pub data_dir: PathBuf,
    /// The master key's file.
    pub master_key_file: PathBuf,
    /// A key given by value instead (environment or command); then the file is not read.
    pub master_key: Option<crate::Secret>,
    /// Where people reach us.
    pub public_url: Url,
    /// How mail is sent.
    pub mail: Option<crate::jobs::mail::MailSettings>,
    /// Budgets of attempts.
    pub throttle: crate::identity::throttle::Limits,
    /// Private addresses that may be connected to.
    pub outbound_allow: Vec<ipnet::IpNet>,
    /// The clock.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
}

/// The way in for every protocol.
#[derive(Clone, Debug)]
pub struct Services {
    pub sign_in: SignIn,
    pub me: Me,
    pub sessions: Sessions,
    pub people: People,
    pub groups: Groups,
    pub administrators: Administrators,
    pub settings: SettingsService,
    pub audit: AuditLog,
    core: Arc<Core>,
}

impl Services {
    /// Opens database and keys; brings the schema up to date; makes the instance row on an empty database.
    pub async fn open(open: Open) -> Result<Self> {
        todo!()
    }

    /// The time, for whoever builds a `Call`.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Chance, for request ids.
    pub fn entropy(&self) -> &Entropy {
        &self.core.entropy
    }

    /// The settings in force.
    pub fn settings_now(&self) -> Arc<crate::settings::Settings> {
        self.core.settings()
    }
}
