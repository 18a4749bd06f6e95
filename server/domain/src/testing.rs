//! A world for tests: real services on a fresh real database, with a clock that stands still and reproducible chance.
//!
//! SQLite in a scratch folder; PostgreSQL, in a database of its own that is dropped at the end, where
//! `VESTIBULE_TEST_DATABASE_URL` names a server.

mod access;
mod log;
mod mails;

pub use access::{Organisation, Size};

use std::net::{IpAddr, Ipv4Addr};

use model::{Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, Database, EntityTrait as _, QueryOrder as _, QuerySelect as _,
    TransactionTrait as _,
};
use tempfile::TempDir;
use url::Url;

use crate::call::{Actor, Call};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::error::Result;
use crate::services::{Open, Services};
use crate::store::entity::user;
use crate::store::{self, Store};

/// The moment at which tests begin: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);

/// A database of its own on which nothing has been opened yet.
pub struct Unopened {
    /// How services would be opened on it.
    pub open: Open,
    /// Moved by hand.
    pub clock: Clock,
    folder: TempDir,
    dropped_at_end: Option<DropAtEnd>,
}

/// Services on a database of their own.
pub struct World {
    /// What is tested.
    pub services: Services,
    /// Moved by hand.
    pub clock: Clock,
    /// How the services were opened; for a second node or another start on the same data.
    pub open: Open,
    folder: TempDir,
    _dropped_at_end: Option<DropAtEnd>,
}

impl World {
    /// An empty installation.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An empty installation, opened a little differently.
    pub async fn with(adjust: impl FnOnce(&mut Open)) -> Self {
        let Unopened { mut open, clock, folder, dropped_at_end } = Self::on(Fresh::Migrated).await;
        adjust(&mut open);
        let services = Services::open(open.clone()).await.expect("services open");
        Self { services, clock, open, folder, _dropped_at_end: dropped_at_end }
    }

    /// A database on which nothing has been opened yet.
    pub async fn unopened() -> Unopened {
        Self::on(Fresh::Empty).await
    }

    async fn on(fresh: Fresh) -> Unopened {
        let folder = tempfile::tempdir().expect("scratch folder");
        let clock = Clock::manual(START);
        let (database_url, dropped_at_end) = fresh_database(&folder, fresh).await;
        let open = Open {
            database_url,
            data_dir: folder.path().to_owned(),
            master_key_file: folder.path().join("master.key"),
            master_key: None,
            public_url: Url::parse("http://localhost:8080").expect("address"),
            mail: None,
            throttle: crate::identity::throttle::Limits::default(),
            outbound_allow: Vec::new(),
            clock: clock.clone(),
            entropy: Entropy::seeded(1),
        };
        Unopened { open, clock, folder, dropped_at_end }
    }

    /// Another node on the same database: its own data folder and chance, the same key and clock.
    pub async fn second_node(&self) -> Result<Services> {
        let data_dir = self.folder.path().join("second");
        Services::open(Open { data_dir, entropy: Entropy::seeded(2), ..self.open.clone() }).await
    }

    /// A command that is run beside the server: the same folder, another process.
    pub async fn beside(&self) -> Result<Services> {
        Services::open(Open { entropy: Entropy::seeded(3), ..self.open.clone() }).await
    }

    /// The scratch folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Fills the database with active people, named after their number, in one transaction.
    pub async fn crowd(&self, people: usize) {
        self.crowd_by(&self.services.core.entropy, people).await;
    }

    /// The same with ids by this chance.
    async fn crowd_by(&self, chance: &Entropy, people: usize) -> Vec<UserId> {
        const GIVEN: [&str; 10] = ["Ada", "Bela", "Chen", "Dara", "Emil", "Femi", "Gita", "Hugo", "Ines", "Jun"];
        const FAMILY: [&str; 7] = ["Abara", "Brandt", "Costa", "Dvořák", "Eriksen", "Fontaine", "Gupta"];
        let core = &self.services.core;
        let txn = core.store.write().begin().await.expect("begun");
        let now = self.clock.now().0;
        let mut made = Vec::with_capacity(people);
        for n in 0..people {
            let id = UserId::from_random(chance.bytes().expect("chance"));
            made.push(id);
            let given = GIVEN.get(n % GIVEN.len()).copied().unwrap_or_default();
            let family = FAMILY.get(n % FAMILY.len()).copied().unwrap_or_default();
            let user_name = format!("{}.{n:06}", given.to_lowercase());
            let email = format!("{user_name}@example.com");
            let display_name = format!("{given} {family}");
            let row = user::Model {
                id: id.to_string(),
                directory: crate::identity::people::BUILTIN.to_owned(),
                user_name_key: model::name_key(&user_name),
                display_key: model::name_key(&display_name),
                email_key: model::name_key(&email),
                user_name,
                display_name,
                given_name: given.to_owned(),
                family_name: family.to_owned(),
                email,
                status: "active".to_owned(),
                attributes: serde_json::json!({}),
                preferences: serde_json::json!({}),
                enrol_by: None,
                must_change_password: false,
                last_sign_in_at: None,
                created_at: now + i64::try_from(n).unwrap_or_default(),
                updated_at: now,
                version: 1,
            };
            user::Entity::insert(user::ActiveModel::from(row.clone()).reset_all())
                .exec_without_returning(&txn)
                .await
                .expect("stored");
            crate::identity::words::add(&txn, &row).await.expect("stored");
        }
        txn.commit().await.expect("committed");
        made
    }

    /// Everybody, whoever came first the first.
    pub async fn everybody(&self) -> Vec<UserId> {
        let ids: Vec<String> = user::Entity::find()
            .select_only()
            .column(user::Column::Id)
            .order_by_asc(user::Column::CreatedAt)
            .order_by_asc(user::Column::Id)
            .into_tuple()
            .all(self.services.core.store.read())
            .await
            .expect("people");
        ids.iter().map(|id| id.parse().expect("an id")).collect()
    }

    /// A call by somebody, now, from 192.0.2.1.
    pub fn call(&self, actor: Actor) -> Call {
        Call {
            actor,
            request_id: "test".to_owned(),
            source: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
            user_agent: Some("test browser".to_owned()),
            device: None,
            now: self.clock.now(),
            refusals: self.services.refusals().clone(),
        }
    }

    /// A call by nobody.
    pub fn anonymous(&self) -> Call {
        self.call(Actor::Anonymous)
    }

    /// A call of the command line on the server.
    pub fn operator(&self) -> Call {
        Call::local(Actor::Operator, "test", self.clock.now())
    }
}

/// A PostgreSQL database that goes when the test ends.
struct DropAtEnd {
    server: String,
    name: String,
}

impl Drop for DropAtEnd {
    fn drop(&mut self) {
        let (server, name) = (std::mem::take(&mut self.server), std::mem::take(&mut self.name));
        // The runtime of the test is still running: drop the database from a thread with a runtime of its own.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
            runtime.block_on(async {
                let _ = on_server(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        })
        .join();
    }
}

/// What is in a fresh database.
#[derive(Clone, Copy)]
enum Fresh {
    Empty,
    /// All tables and no row: what opening services would make first, and the slowest part of it on PostgreSQL.
    Migrated,
}

async fn fresh_database(folder: &TempDir, fresh: Fresh) -> (String, Option<DropAtEnd>) {
    let Ok(server) = std::env::var("VESTIBULE_TEST_DATABASE_URL") else {
        return (format!("sqlite:{}", folder.path().join("vestibule.db").display()), None);
    };
    let name = random_name();
    let template = match fresh {
        Fresh::Empty => "template1",
        Fresh::Migrated => migrated_template(&server).await,
    };
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    on_server(&server, &create).await.expect("a database of its own");
    (database_of(&server, &name), Some(DropAtEnd { server, name }))
}

/// The database that others are copied from: made once by each process, which then all its tests share. It stays behind on
/// a server that is thrown away itself.
async fn migrated_template(server: &str) -> &'static str {
    static TEMPLATE: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = random_name();
            on_server(server, &format!("CREATE DATABASE {name}")).await.expect("a database of its own");
            let store = Store::open(&database_of(server, &name), "template".to_owned(), Entropy::System).await;
            let store = store.expect("the template opens");
            store::migrate(&store, |_| {}).await.expect("the schema is made");
            store.close().await;
            name
        })
        .await
}

async fn on_server(server: &str, statement: &str) -> Result<()> {
    let admin = Database::connect(server).await?;
    admin.execute_unprepared(statement).await?;
    Ok(admin.close().await?)
}

fn random_name() -> String {
    format!("t{}", data_encoding::HEXLOWER.encode(&Entropy::System.bytes::<8>().expect("chance")))
}

fn database_of(server: &str, name: &str) -> String {
    let mut url = Url::parse(server).expect("address of PostgreSQL");
    url.set_path(name);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::World;
    use crate::keys::MasterKey;
    use crate::{Entropy, Services};

    #[tokio::test]
    async fn an_empty_database_becomes_an_instance_and_opens_again() {
        let world = World::new().await;
        world.services.ready().await.unwrap();
        let again = Services::open(world.open.clone()).await.unwrap();
        again.ready().await.unwrap();
        world.second_node().await.unwrap().ready().await.unwrap();
    }

    #[tokio::test]
    async fn a_wrong_or_missing_master_key_stops_the_start() {
        let world = World::new().await;
        let mut open = world.open.clone();
        open.master_key_file = world.folder().join("missing.key");
        let error = Services::open(open.clone()).await.unwrap_err();
        assert!(error.outside().contains("missing.key"), "{error} (CRY-02)");
        assert!(!open.master_key_file.exists(), "no key is made beside a full database (CRY-02)");
        MasterKey::generate(&Entropy::seeded(9)).unwrap().save(&open.master_key_file).unwrap();
        let error = Services::open(open).await.unwrap_err();
        assert!(error.outside().contains("not the one"), "{error} (CRY-02)");
    }
}
