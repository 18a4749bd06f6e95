//! The demo organisation: eight people in every state that the pages can show, four groups, three administrators, and what
//! they may use.
//!
//! Only for looking around: it goes into an empty database, and only where nobody but this machine reaches the portal. The
//! passwords are random and stand in `demo-users.txt` in the data folder.

mod access;

use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{GroupId, GroupName, Role, UserId};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::administrators::{self, Grant};
use crate::identity::factors::{kept::NewFactor, totp};
use crate::identity::passwords::Password;
use crate::identity::people::{BUILTIN, PersonInput, Status};
use crate::identity::people_changes::{Checked, insert_as, join};
use crate::secret::Secret;
use crate::store::entity::{account, administrator, group, password, user};

/// The file with the demo people's passwords.
pub const FILE: &str = "demo-users.txt";

/// One of the demo people.
struct Demo {
    name: &'static str,
    given: &'static str,
    family: &'static str,
    groups: &'static [usize],
    role: Option<Role>,
    status: Status,
    totp: bool,
}

const GROUPS: [(&str, &str); 4] = [
    ("Engineers", "Build and run the products"),
    ("Platform", "Keeps the accounts and the network in order"),
    ("Finance", "Budgets and bills"),
    ("Auditors", "See everything, change nothing"),
];
/// The group whose members are auditors.
const AUDITORS: usize = 3;

const PEOPLE: [Demo; 8] = [
    Demo {
        name: "olivia",
        given: "Olivia",
        family: "Okafor",
        groups: &[1],
        role: Some(Role::Owner),
        status: Status::Active,
        totp: true,
    },
    Demo {
        name: "alice",
        given: "Alice",
        family: "Liddell",
        groups: &[0],
        role: None,
        status: Status::Active,
        totp: false,
    },
    Demo {
        name: "marta",
        given: "Marta",
        family: "Nowak",
        groups: &[0, 1, 2],
        role: None,
        status: Status::Active,
        totp: false,
    },
    Demo {
        name: "noah",
        given: "Noah",
        family: "Lindqvist",
        groups: &[],
        role: None,
        status: Status::Active,
        totp: false,
    },
    Demo {
        name: "dora",
        given: "Dora",
        family: "Marquez",
        groups: &[2],
        role: None,
        status: Status::Disabled,
        totp: false,
    },
    Demo {
        name: "tariq",
        given: "Tariq",
        family: "Haddad",
        groups: &[0],
        role: None,
        status: Status::Active,
        totp: true,
    },
    Demo {
        name: "ines",
        given: "Inês",
        family: "Carvalho",
        groups: &[0],
        role: None,
        status: Status::Invited,
        totp: false,
    },
    Demo {
        name: "audrey",
        given: "Audrey",
        family: "Chen",
        groups: &[AUDITORS],
        role: None,
        status: Status::Active,
        totp: true,
    },
];

/// One line of the file.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// The name to sign in with.
    pub user_name: String,
    /// The password; nothing for the person who is only invited.
    pub password: Option<Secret>,
    /// For an authenticator app.
    pub otpauth: Option<Secret>,
}

/// What became of it.
#[derive(Debug)]
pub enum Filled {
    /// The demo organisation was made just now.
    Now(PathBuf, Vec<DemoPerson>),
    /// It was there already.
    Before(PathBuf),
}

/// The demo organisation.
#[derive(Clone, Debug)]
pub struct DemoOrganisation(pub(crate) Arc<Core>);

impl DemoOrganisation {
    /// Fills an empty database. A second start on demo data changes nothing; any other data is left alone and refused.
    pub async fn fill(&self, call: &Call, data_dir: &Path) -> Result<Filled> {
        authorize(call, Action::OperateServer, Resource::Organisation)?;
        let core = &*self.0;
        if !is_loopback(&core.public_url) {
            return Err(Error::unavailable(format!(
                "--demo is for this machine only: its passwords lie in a file. public_url is {}, which others can reach.",
                core.public_url
            )));
        }
        let file = data_dir.join(FILE);
        match self.contents().await? {
            Contents::Demo => return Ok(Filled::Before(file)),
            Contents::Other => {
                return Err(Error::unavailable(
                    "--demo needs an empty database: this one holds people, groups or accounts that are not the demo's. \
                     Start without --demo, or with another --data-dir.",
                ));
            }
            Contents::Nothing => {}
        }
        let mut people = Vec::with_capacity(PEOPLE.len());
        for (at, demo) in PEOPLE.iter().enumerate() {
            people.push(self.prepare(at, demo).await?);
        }
        let shown: Vec<DemoPerson> = people.iter().map(Ready::shown).collect();
        let mut change = core.store.begin().await?;
        let groups: Vec<GroupId> = (0..GROUPS.len()).map(group_id).collect();
        for (at, (name, description)) in GROUPS.iter().enumerate() {
            let parsed = GroupName::parse(name).map_err(|e| Error::internal(format!("demo group {name}: {e}")))?;
            let row = group::Model {
                id: group_id(at).to_string(),
                directory: BUILTIN.to_owned(),
                name: (*name).to_owned(),
                name_key: parsed.key(),
                description: (*description).to_owned(),
                created_at: call.now.0,
                updated_at: call.now.0,
                version: 1,
            };
            group::Entity::insert(group::ActiveModel::from(row).reset_all())
                .exec_without_returning(change.txn())
                .await?;
        }
        for (at, ready) in people.into_iter().enumerate() {
            let (id, demo) = (user_id(at), ready.demo);
            let row = insert_as(change.txn(), core, call.now, &ready.checked, id, demo.status).await?;
            if let Some((_, hash)) = ready.password {
                let row = password::Model { user_id: row.id.clone(), hash, set_at: call.now.0 };
                password::Entity::insert(password::ActiveModel::from(row).reset_all())
                    .exec_without_returning(change.txn())
                    .await?;
            }
            if let Some((secret, _)) = ready.totp {
                NewFactor::totp(core, call.now, &row.id, "Demo authenticator", &secret, 0)?.add(change.txn()).await?;
            }
            for group in demo.groups.iter().filter_map(|at| groups.get(*at)) {
                join(change.txn(), &group.to_string(), &row.id, call.now).await?;
            }
            if let Some(role) = demo.role {
                administrators::insert(change.txn(), core, call.now, Some(id), None, &Grant::of(role)).await?;
            }
            change
                .audit(call, Event::done("CreateUser").on("user", id, demo.name).with(json!({"userName": demo.name})));
        }
        let auditors = Grant::of(Role::Auditor);
        administrators::insert(change.txn(), core, call.now, None, Some(group_id(AUDITORS)), &auditors).await?;
        access::fill(&change, core, call).await?;
        // The file first: if the process ends here, the database is still empty, and the next start writes it anew.
        write(&file, &shown)?;
        change.commit().await?;
        Ok(Filled::Now(file, shown))
    }

    async fn contents(&self) -> Result<Contents> {
        let read = self.0.store.read();
        let ours: Vec<String> = (0..PEOPLE.len()).map(|at| user_id(at).to_string()).collect();
        if user::Entity::find().filter(user::Column::Id.is_in(ours)).count(read).await? > 0 {
            return Ok(Contents::Demo);
        }
        let rows = user::Entity::find().count(read).await?
            + group::Entity::find().count(read).await?
            + administrator::Entity::find().count(read).await?
            + account::Entity::find().count(read).await?;
        Ok(if rows == 0 { Contents::Nothing } else { Contents::Other })
    }

    /// Everything slow: the password's hash, the app's secret.
    async fn prepare(&self, at: usize, demo: &'static Demo) -> Result<Ready> {
        let core = &*self.0;
        let checked = Checked::of(&PersonInput {
            user_name: demo.name.to_owned(),
            email: format!("{}@example.com", demo.name),
            given_name: demo.given.to_owned(),
            family_name: demo.family.to_owned(),
            display_name: String::new(),
        })?;
        let password = if demo.status == Status::Invited {
            None
        } else {
            let text = readable(core)?;
            let hash = core.hasher.hash(&core.entropy, &Password::parse("password", &text)?).await?;
            Some((text, hash))
        };
        let totp = if demo.totp {
            let secret: [u8; 20] = core.entropy.bytes()?;
            let address = totp::address(&secret, demo.name, &core.settings().organization_name)?;
            Some((secret, address))
        } else {
            None
        };
        tracing::debug!(person = demo.name, at, "demo person prepared");
        Ok(Ready { demo, checked, password, totp })
    }
}

enum Contents {
    Nothing,
    Demo,
    Other,
}

/// A demo person, ready to be written.
struct Ready {
    demo: &'static Demo,
    checked: Checked,
    password: Option<(Secret, String)>,
    totp: Option<([u8; 20], Secret)>,
}

impl Ready {
    fn shown(&self) -> DemoPerson {
        DemoPerson {
            user_name: self.demo.name.to_owned(),
            password: self.password.as_ref().map(|(text, _)| text.clone()),
            otpauth: self.totp.as_ref().map(|(_, address)| address.clone()),
        }
    }
}

impl DemoPerson {
    /// As it stands in the file: name, password, address of the authenticator entry, with tabs between.
    pub fn line(&self) -> Secret {
        let text =
            |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default();
        Secret::new(format!("{}\t{}\t{}", self.user_name, text(&self.password), text(&self.otpauth)))
    }
}

/// A password of 100 random bits that is easily typed.
fn readable(core: &Core) -> Result<Secret> {
    let text = data_encoding::BASE32_NOPAD.encode(&core.entropy.bytes::<13>()?).to_lowercase();
    let parts: Vec<&str> = [0..5, 5..10, 10..15, 15..20].into_iter().filter_map(|range| text.get(range)).collect();
    Ok(Secret::new(parts.join("-")))
}

fn write(path: &Path, people: &[DemoPerson]) -> Result<()> {
    let failed = |e: std::io::Error| Error::unavailable(format!("The file {} cannot be written: {e}.", path.display()));
    // A file of an earlier demo may be there; it is replaced as a whole, and nobody else ever reads it.
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let _ = std::fs::remove_file(&fresh);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
    for person in people {
        writeln!(file, "{}", person.line().expose()).map_err(failed)?;
    }
    file.sync_all().and_then(|()| std::fs::rename(&fresh, path)).map_err(failed)
}

/// Ids by which demo data is known again.
fn user_id(at: usize) -> UserId {
    UserId::from_random(marked(b"vestibule demo u", at))
}

fn group_id(at: usize) -> GroupId {
    GroupId::from_random(marked(b"vestibule demo g", at))
}

fn marked(kind: &[u8; 16], at: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[kind.as_slice(), &at.to_le_bytes()].concat());
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::identity::sign_in::Step;
    use crate::identity::test_people::code_at;
    use crate::page::PageRequest;
    use crate::testing::World;

    async fn fill(world: &World) -> Result<Filled> {
        world.services.demo.fill(&world.operator(), world.folder()).await
    }

    #[tokio::test]
    async fn the_demo_people_can_sign_in_as_the_file_says() {
        let world = World::new().await;
        let Filled::Now(file, people) = fill(&world).await.unwrap() else { panic!("the database was empty") };
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!((text.lines().count(), people.len()), (8, 8));
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, password, otpauth] = fields[..] else { panic!("three fields: {line}") };
            let result = if password.is_empty() {
                None
            } else {
                world.try_password(&world.anonymous(), name, password).await.ok()
            };
            match name {
                "dora" | "ines" => assert!(result.is_none(), "{name} cannot sign in"),
                _ if otpauth.is_empty() => assert!(matches!(result.unwrap().step, Step::Done(_)), "{name}"),
                _ => {
                    let progress = result.unwrap();
                    assert_eq!(progress.step, Step::SecondFactor, "{name}");
                    let secret = otpauth.split("secret=").nth(1).unwrap().split('&').next().unwrap();
                    let call = world.with_token(&progress.session.token).await;
                    let code = code_at(&Secret::new(secret), world.clock.now());
                    assert!(
                        matches!(world.services.sign_in.code(&call, &code).await.unwrap().step, Step::Done(_)),
                        "{name}"
                    );
                }
            }
        }
        for (name, pairs) in [("alice", 8), ("marta", 18), ("noah", 0), ("dora", 0), ("tariq", 9)] {
            let id = world.services.people.find(&world.operator(), name).await.unwrap();
            let reach = world.services.entitlements.reach(id, world.clock.now()).await.unwrap();
            assert_eq!(reach.pairs(), pairs, "{name}");
        }
        let applications = world.services.applications.list(&world.operator(), "", &PageRequest::default()).await;
        assert_eq!(applications.unwrap().rows.len(), 2);
        assert!(matches!(fill(&world).await.unwrap(), Filled::Before(_)), "a second start is fine");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "and changes nothing");
    }

    #[tokio::test]
    async fn other_data_and_other_machines_are_refused() {
        let world = World::new().await;
        world.bare("somebody").await;
        assert!(fill(&world).await.unwrap_err().outside().contains("empty database"));
        let world = World::with(|open| open.public_url = "https://portal.example.com".parse().unwrap()).await;
        assert!(fill(&world).await.unwrap_err().outside().contains("portal.example.com"));
        assert!(!world.folder().join(FILE).exists());
    }
}
