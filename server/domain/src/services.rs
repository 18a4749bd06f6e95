//! All services, made once at start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{ActiveValue::Set, EntityTrait};
use tokio::sync::watch;
use url::Url;

use crate::access::accounts::Accounts;
use crate::access::applications::Applications;
use crate::access::assignments::Assignments;
use crate::access::entitlements::Entitlements;
use crate::access::explain::Explain;
use crate::access::permission_sets::PermissionSets;
use crate::access::portal::Portal;
use crate::audit::log::AuditLog;
use crate::audit::refusals::Refusals;
use crate::backup::Backup;
use crate::clock::Clock;
use crate::core::Core;
use crate::demo::DemoOrganisation;
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::event_streams::EventStreams;
use crate::identity::administrators::Administrators;
use crate::identity::api_keys::ApiKeys;
use crate::identity::groups::Groups;
use crate::identity::me::Me;
use crate::identity::passwords::Hasher;
use crate::identity::people::People;
use crate::identity::sessions::Sessions;
use crate::identity::sign_in::SignIn;
use crate::jobs::Jobs;
use crate::key_files::KeyFiles;
use crate::key_rotation::KeyService;
use crate::keys::{KeyRing, MasterKey, Place};
use crate::provisioning::organisation::Organisation;
use crate::settings::Settings;
use crate::settings_service::SettingsService;
use crate::store::entity::instance;
use crate::store::{self, Store};

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
    /// Signing in and out.
    pub sign_in: SignIn,
    /// One's own things.
    pub me: Me,
    /// Sessions of browsers.
    pub sessions: Sessions,
    /// People.
    pub people: People,
    /// Groups.
    pub groups: Groups,
    /// Who is an administrator.
    pub administrators: Administrators,
    /// Keys of administrators for the AWS APIs.
    pub api_keys: ApiKeys,
    /// Accounts.
    pub accounts: Accounts,
    /// Applications.
    pub applications: Applications,
    /// The organisation as a whole: files of it.
    pub organisation: Organisation,
    /// Permission sets.
    pub permission_sets: PermissionSets,
    /// What people may use.
    pub entitlements: Entitlements,
    /// Why people may, or may not.
    pub explain: Explain,
    /// A person's own portal.
    pub portal: Portal,
    /// Who may go where.
    pub assignments: Assignments,
    /// Settings.
    pub settings: SettingsService,
    /// Webhooks and syslog.
    pub streams: EventStreams,
    /// The audit log.
    pub audit: AuditLog,
    /// Deliveries and clean-up.
    pub jobs: Jobs,
    /// The demo organisation.
    pub demo: DemoOrganisation,
    /// Backups.
    pub backup: Backup,
    /// Keys and their rotation.
    pub keys: KeyService,
    pub(crate) core: Arc<Core>,
}

impl Services {
    /// Opens database and keys; brings the schema up to date; makes the instance row on an empty database.
    pub async fn open(open: Open) -> Result<Self> {
        let node = node_name(&open.data_dir, &open.entropy)?;
        let store = Store::open(&open.database_url, node, open.entropy.clone()).await?;
        store::migrate(&store, |_| {}).await?;
        let row = instance::Entity::find_by_id(1).one(store.read()).await?;
        // A key may be made only together with the instance: a missing key file beside a full database is a mistake to stop at.
        let keys = key_ring(&open, row.is_none())?;
        let row = match row {
            Some(row) => row,
            None => make_instance(&store, &keys, &open).await?,
        };
        if keys.open(Place("instance", "sealed_check", &row.instance_id), &row.sealed_check).is_err() {
            return Err(Error::unavailable(
                "The master key is not the one this database was sealed with. Nothing was changed.",
            )
            .because(format!(
                "the database names key {}, given is {}",
                row.master_key_id,
                keys.current().id()
            )));
        }
        keys.named_by_database(&row.master_key_id);
        let settings: Settings =
            serde_json::from_value(row.settings).map_err(|e| Error::internal(format!("settings: {e}")))?;
        let hasher = Hasher::start(&open.entropy)?;
        let core = Arc::new(Core {
            store,
            access: crate::access::index::Index::default(),
            instance_id: row.instance_id,
            clock: open.clock,
            entropy: open.entropy,
            keys,
            admission: crate::identity::admission::Admission::new(hasher.threads()),
            under_way: crate::identity::throttle::UnderWay::default(),
            hasher,
            public_url: open.public_url,
            mail: open.mail,
            throttle: open.throttle,
            outbound_allow: open.outbound_allow,
            settings: watch::Sender::new(Arc::new(settings)),
            refusals: Refusals::default(),
            outbox_wake: tokio::sync::Notify::new(),
        });
        Ok(Self::over(core))
    }

    fn over(core: Arc<Core>) -> Self {
        Self {
            sign_in: SignIn(core.clone()),
            me: Me(core.clone()),
            sessions: Sessions(core.clone()),
            people: People(core.clone()),
            groups: Groups(core.clone()),
            administrators: Administrators(core.clone()),
            api_keys: ApiKeys(core.clone()),
            accounts: Accounts(core.clone()),
            applications: Applications(core.clone()),
            organisation: Organisation(core.clone()),
            permission_sets: PermissionSets(core.clone()),
            entitlements: Entitlements(core.clone()),
            explain: Explain(core.clone()),
            portal: Portal(core.clone()),
            assignments: Assignments(core.clone()),
            settings: SettingsService(core.clone()),
            streams: EventStreams(core.clone()),
            audit: AuditLog(core.clone()),
            jobs: Jobs(core.clone()),
            demo: DemoOrganisation(core.clone()),
            backup: Backup(core.clone()),
            keys: KeyService(core.clone()),
            core,
        }
    }

    /// The time, for whoever builds a `Call`.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// Chance, for request ids.
    pub fn entropy(&self) -> &Entropy {
        &self.core.entropy
    }

    /// Where refused requests are noted, for whoever builds a `Call`.
    pub fn refusals(&self) -> &Refusals {
        &self.core.refusals
    }

    /// The name of this installation, as AWS writes it: `ssoins-` and sixteen digits.
    pub fn instance_id(&self) -> &str {
        &self.core.instance_id
    }

    /// The settings in force.
    pub fn settings_now(&self) -> Arc<Settings> {
        self.core.settings()
    }

    /// Whether the database answers and its schema is the one this program knows.
    pub async fn ready(&self) -> Result<()> {
        self.core.store.ping().await?;
        store::is_current(&self.core.store).await
    }

    /// Closes the database connections.
    pub async fn close(self) {
        self.core.store.clone().close().await;
    }
}

async fn make_instance(store: &Store, keys: &KeyRing, open: &Open) -> Result<instance::Model> {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let instance_id = format!("ssoins-{}", hex(&open.entropy.bytes::<8>()?));
    let row = instance::Model {
        id: 1,
        identity_store_id: format!("d-{}", hex(&open.entropy.bytes::<5>()?)),
        created_at: open.clock.now().0,
        public_url: open.public_url.to_string(),
        settings: serde_json::to_value(Settings {
            management_account: Some(account_number(&open.entropy)?),
            ..Settings::default()
        })
        .map_err(|e| Error::internal(format!("settings: {e}")))?,
        settings_version: 1,
        owner_guard: 0,
        sealed_check: keys.seal(&open.entropy, Place("instance", "sealed_check", &instance_id), b"vestibule")?,
        master_key_id: keys.current().id().to_owned(),
        master_key_since: Some(open.clock.now().0),
        instance_id,
    };
    let fresh = instance::ActiveModel {
        id: Set(row.id),
        instance_id: Set(row.instance_id.clone()),
        identity_store_id: Set(row.identity_store_id.clone()),
        created_at: Set(row.created_at),
        public_url: Set(row.public_url.clone()),
        settings: Set(row.settings.clone()),
        settings_version: Set(row.settings_version),
        owner_guard: Set(row.owner_guard),
        sealed_check: Set(row.sealed_check.clone()),
        master_key_id: Set(row.master_key_id.clone()),
        master_key_since: Set(row.master_key_since),
    };
    // Two nodes may start on one empty database: one row wins, and the loser's key does not open it.
    instance::Entity::insert(fresh).on_conflict_do_nothing().exec_without_returning(store.write()).await?;
    instance::Entity::find_by_id(1)
        .one(store.write())
        .await?
        .ok_or_else(|| Error::internal("the instance row is missing after it was made"))
}

/// An account number that nobody has: the owner of the instance and of API keys, unless somebody names another.
fn account_number(entropy: &Entropy) -> Result<model::AccountId> {
    let number = u64::from_le_bytes(entropy.bytes()?) % 900_000_000_000 + 100_000_000_000;
    number.to_string().parse().map_err(|e| Error::internal(format!("account number {number}: {e}")))
}

/// The keys that the configuration names.
pub(crate) fn key_ring(open: &Open, may_create: bool) -> Result<KeyRing> {
    let files = KeyFiles::of(&open.master_key_file);
    match &open.master_key {
        Some(text) => Ok(KeyRing::new(MasterKey::parse(text.expose())?, files.read_former()?.into_iter().collect())),
        None => KeyRing::load(files, may_create, &open.entropy),
    }
}

/// Gives the node another name in the audit chains.
pub(crate) fn rename_node(data_dir: &Path, name: &str) -> Result<()> {
    let path = data_dir.join("node.id");
    let failed = |e: std::io::Error| Error::unavailable(format!("The file {} cannot be written: {e}.", path.display()));
    std::fs::create_dir_all(data_dir).map_err(failed)?;
    std::fs::write(&path, format!("{name}\n")).map_err(failed)
}

/// The node's name in the audit chains, made once and kept in the data folder.
fn node_name(data_dir: &Path, entropy: &Entropy) -> Result<String> {
    let path = data_dir.join("node.id");
    let failed = |e: std::io::Error| Error::unavailable(format!("The file {} cannot be used: {e}.", path.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        _ => {
            std::fs::create_dir_all(data_dir).map_err(failed)?;
            let name = data_encoding::HEXLOWER.encode(&entropy.bytes::<8>()?);
            std::fs::write(&path, format!("{name}\n")).map_err(failed)?;
            Ok(name)
        }
    }
}
