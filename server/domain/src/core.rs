//! What every service shares.

use std::sync::Arc;

use tokio::sync::watch;
use url::Url;

use crate::audit::refusals::Refusals;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::identity::passwords::Hasher;
use crate::keys::KeyRing;
use crate::settings::Settings;
use crate::store::Store;

/// Given once at start; shared by all services.
pub struct Core {
    /// The database.
    pub store: Store,
    /// Who was granted what, in memory.
    pub access: crate::access::index::Index,
    /// The name of this installation.
    pub instance_id: String,
    /// The time, for jobs; requests carry theirs in `Call`.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
    /// Seals and opens.
    pub keys: KeyRing,
    /// Hashes passwords on a pool of its own.
    pub hasher: Hasher,
    /// Lets a few passwords of one source in at once.
    pub admission: crate::identity::admission::Admission,
    /// Where people reach us.
    pub public_url: Url,
    /// How mail is sent, if at all.
    pub mail: Option<crate::jobs::mail::MailSettings>,
    /// Passwords that are being looked at.
    pub under_way: crate::identity::throttle::UnderWay,
    /// Budgets of attempts.
    pub throttle: crate::identity::throttle::Limits,
    /// Private addresses that we may connect to all the same.
    pub outbound_allow: Vec<ipnet::IpNet>,
    /// The settings as last read; refreshed every second and at each change on this node.
    pub settings: watch::Sender<Arc<Settings>>,
    /// Requests refused for lack of rights, on their way into the log.
    pub refusals: Refusals,
    /// Woken when something was put into the outbox.
    pub outbox_wake: tokio::sync::Notify,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("public_url", &self.public_url.as_str()).finish_non_exhaustive()
    }
}

impl Core {
    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }
}
