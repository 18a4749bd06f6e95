use std::os::unix::fs::PermissionsExt as _;

use sea_orm::{EntityTrait as _, PaginatorTrait as _};

use super::*;
use crate::Services;
use crate::keys::MasterKey;
use crate::store::entity::{audit_entry, session, user};
use crate::testing::World;

const USERS: usize = 50;

fn person(n: usize) -> user::Model {
    user::Model {
        id: format!("00000000-0000-4000-8000-{n:012}"),
        directory: "builtin".into(),
        user_name: format!("u{n}"),
        user_name_key: format!("u{n}"),
        display_name: "U".into(),
        display_key: "u".into(),
        given_name: "U".into(),
        family_name: "U".into(),
        email: format!("u{n}@example.com"),
        email_key: format!("u{n}@example.com"),
        status: "active".into(),
        attributes: serde_json::json!({}),
        preferences: serde_json::json!({}),
        enrol_by: None,
        must_change_password: false,
        last_sign_in_at: None,
        created_at: 0,
        updated_at: 0,
        version: 1,
    }
}

async fn add(store: &Store, n: usize) {
    let change = store.begin().await.unwrap();
    user::Entity::insert(sea_orm::ActiveModelTrait::reset_all(user::ActiveModel::from(person(n))))
        .exec_without_returning(change.txn())
        .await
        .unwrap();
    let row = session::Model {
        token_hash: format!("t{n}"),
        id: format!("s{n}"),
        user_id: person(n).id,
        stage: "full".into(),
        strong: true,
        signed_in_at: 0,
        confirmed_at: 0,
        created_at: 0,
        last_seen_at: 0,
        expires_at: i64::MAX,
        source: None,
        user_agent: None,
        next: None,
        notice: None,
        ended_at: None,
        ended_why: None,
        enrolment_link: None,
    };
    session::Entity::insert(sea_orm::ActiveModelTrait::reset_all(session::ActiveModel::from(row)))
        .exec_without_returning(change.txn())
        .await
        .unwrap();
    change.commit().await.unwrap();
}

/// A place on another machine, with the same key.
fn elsewhere(world: &World) -> Open {
    let folder = world.folder().join("elsewhere");
    fs::create_dir_all(&folder).unwrap();
    let key = folder.join("master.key");
    if !key.exists() {
        fs::copy(&world.open.master_key_file, &key).unwrap();
    }
    Open {
        database_url: format!("sqlite:{}", folder.join("v.db").display()),
        data_dir: folder.clone(),
        master_key_file: key,
        entropy: crate::Entropy::seeded(77),
        ..world.open.clone()
    }
}

/// A world with a file. On PostgreSQL backup and restore are refused, with the programs that do it there.
async fn world_on_sqlite() -> Option<World> {
    let world = World::new().await;
    if !world.services.core.store.is_postgres() {
        return Some(world);
    }
    let file = world.folder().join("b");
    let error = world.services.backup.backup(&world.operator(), &file).await.unwrap_err();
    assert!(error.outside().contains("pg_dump"), "{error}");
    let error = restore(&world.operator(), &world.open, &file).await.unwrap_err();
    assert!(error.outside().contains("pg_restore"), "{error}");
    None
}

/// A backup of what is there now.
async fn backed_up(world: &World) -> (PathBuf, Made) {
    let file = world.folder().join("b");
    let made = world.services.backup.backup(&world.operator(), &file).await.unwrap();
    (file, made)
}

#[tokio::test]
async fn a_backup_under_load_is_one_moment_and_returns_on_another_machine() {
    let Some(world) = world_on_sqlite().await else { return };
    let store = world.services.core.store.clone();
    add(&store, 0).await;
    let writer = tokio::spawn(async move {
        for n in 1..USERS {
            add(&store, n).await;
        }
    });
    let file = world.folder().join("100% of it? yes #1");
    // What an interrupted backup left is in nobody's way.
    fs::write(with_ending(Path::new(sqlite_path(&world.open.database_url).unwrap()), ".backing-up"), "left").unwrap();
    let made = world.services.backup.backup(&world.operator(), &file).await.unwrap();
    writer.await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(made.bytes, fs::metadata(&file).unwrap().len());
    assert!(!with_ending(&file, "-wal").exists(), "one file");
    let bytes = fs::read(&file).unwrap();
    assert!(
        !bytes.windows(11).any(|window| window == b"example.com" || window.starts_with(b"SQLite")),
        "encrypted (P13)"
    );
    let left = fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!left.into_iter().any(|name| name.contains("backing-up") || name.contains(".part")));

    let open = elsewhere(&world);
    let restored = restore(&world.operator(), &open, &file).await.unwrap();
    assert_eq!((restored.instance_id, restored.kept), (made.instance_id, None));
    let there = Services::open(open.clone()).await.unwrap();
    let db = there.core.store.read();
    let (people, sessions) =
        (user::Entity::find().count(db).await.unwrap(), session::Entity::find().all(db).await.unwrap());
    assert!(people >= 1);
    assert_eq!(people, sessions.len() as u64, "both or none of a transaction (OPS-06)");
    assert_eq!(restored.sessions_ended, people);
    assert!(sessions.iter().all(|session| session.ended_at.is_some()), "sessions of before are over (P13)");
    let audited = audit_entry::Entity::find().all(db).await.unwrap();
    assert!(audited.iter().any(|row| row.action == "RestoreDatabase"));
    assert!(there.audit.verify(&world.operator()).await.unwrap().faults.is_empty());
    assert_eq!(
        fs::metadata(store::sqlite_path(&open.database_url).unwrap()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_restore_keeps_what_it_replaces_and_needs_the_server_to_be_gone() {
    let Some(world) = world_on_sqlite().await else { return };
    add(&world.services.core.store, 1).await;
    let (file, _) = backed_up(&world).await;
    add(&world.services.core.store, 2).await;

    let lock = ServerLock::take(&world.open.database_url).unwrap();
    let error = restore(&world.operator(), &world.open, &file).await.unwrap_err();
    assert!(error.outside().contains("Another server"), "{error}");
    drop(lock);
    world.services.close().await;

    let call = Call::local(crate::Actor::Operator, "test", world.clock.now());
    for expected in [2, 1] {
        let restored = restore(&call, &world.open, &file).await.unwrap();
        let kept = restored.kept.unwrap();
        let old =
            Store::open(&format!("sqlite:{}", kept.display()), "n".into(), world.open.entropy.clone()).await.unwrap();
        assert_eq!(user::Entity::find().count(old.read()).await.unwrap(), expected, "{}", kept.display());
        old.close().await;
        let now = Services::open(world.open.clone()).await.unwrap();
        assert_eq!(user::Entity::find().count(now.core.store.read()).await.unwrap(), 1);
        now.close().await;
    }
}

#[tokio::test]
async fn a_damaged_database_can_be_replaced_and_is_kept_with_its_log() {
    let Some(world) = world_on_sqlite().await else { return };
    add(&world.services.core.store, 1).await;
    let (file, _) = backed_up(&world).await;
    let call = world.operator();
    let (open, database) = (world.open.clone(), PathBuf::from(sqlite_path(&world.open.database_url).unwrap()));
    world.services.close().await;
    fs::write(&database, "nothing of a database is left").unwrap();
    fs::write(with_ending(&database, "-wal"), "a log").unwrap();
    let restored = restore(&call, &open, &file).await.unwrap();
    let kept = restored.kept.unwrap();
    assert_eq!(fs::read_to_string(&kept).unwrap(), "nothing of a database is left");
    let again = Services::open(open).await.unwrap();
    assert_eq!(user::Entity::find().count(again.core.store.read()).await.unwrap(), 1);
}

#[tokio::test]
async fn nothing_is_overwritten_and_a_failed_backup_leaves_nothing() {
    let Some(world) = world_on_sqlite().await else { return };
    let file = world.folder().join("precious");
    fs::write(&file, "mine").unwrap();
    let error = world.services.backup.backup(&world.operator(), &file).await.unwrap_err();
    assert_eq!(error.kind(), model::Refusal::Conflict);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    let nowhere = world.folder().join("absent").join("b");
    assert!(world.services.backup.backup(&world.operator(), &nowhere).await.is_err());
    let refused = world.services.backup.backup(&world.anonymous(), &world.folder().join("c")).await.unwrap_err();
    assert_eq!(refused.kind(), model::Refusal::SignInNeeded);
    let left: Vec<_> =
        fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.contains(".part") || name == "c"), "{left:?}");
}

#[tokio::test]
async fn what_is_no_backup_of_ours_is_refused_and_changes_nothing() {
    let Some(world) = world_on_sqlite().await else { return };
    let (file, _) = backed_up(&world).await;
    let bytes = fs::read(&file).unwrap();
    let open = elsewhere(&world);
    let database = PathBuf::from(sqlite_path(&open.database_url).unwrap());
    let refused = async |what: &str, file: &Path| {
        let error = restore(&world.operator(), &open, file).await.unwrap_err();
        assert!(!database.exists() && !with_ending(&database, ".restoring").exists(), "{what}");
        error.outside().to_owned()
    };

    for (what, content) in
        [("empty", &b""[..]), ("text", b"hello, this is no database at all"), ("cut", &bytes[..bytes.len() / 2])]
    {
        let other = world.folder().join(what);
        fs::write(&other, content).unwrap();
        refused(what, &other).await;
    }
    assert!(refused("absent", &world.folder().join("absent")).await.contains("cannot be read"));

    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let other = world.folder().join("changed");
    fs::write(&other, changed).unwrap();
    assert!(refused("changed", &other).await.contains("damaged"));
    let other = world.folder().join("later");
    fs::write(&other, [b"vestibule backup 2", &bytes[18..]].concat()).unwrap();
    assert!(refused("a later form", &other).await.contains("newer release"));
    let plain = world.folder().join("plain");
    fs::copy(sqlite_path(&world.open.database_url).unwrap(), &plain).unwrap();
    assert!(refused("a copy of the database", &plain).await.contains("no backup"));

    // Well encrypted, and yet not to be restored.
    let with = async |name: &str, sql: &str| {
        let (database, other) = (world.folder().join(format!("{name}.db")), world.folder().join(name));
        let opened = sealed_file::open(File::open(&file).unwrap()).ok().unwrap();
        let (manifest, key) = (opened.manifest.clone(), world.services.core.keys.current());
        opened.read(&File::create(&database).unwrap(), &key).unwrap();
        let copy = connect(&database).await.unwrap();
        copy.execute_unprepared(sql).await.unwrap();
        copy.close().await.unwrap();
        sealed_file::write(&File::open(&database).unwrap(), &File::create(&other).unwrap(), &manifest, &key).unwrap();
        other
    };
    let later = with("newer", "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)").await;
    assert!(refused("a newer schema", &later).await.contains("newer release"));
    let foreign = with("foreign", "DROP TABLE seaql_migrations").await;
    assert!(refused("another database", &foreign).await.contains("damaged"));
    let none = with("none", "DELETE FROM instance").await;
    assert!(refused("no instance", &none).await.contains("damaged"));
}

#[tokio::test]
async fn another_master_key_is_named() {
    let Some(world) = world_on_sqlite().await else { return };
    let (file, made) = backed_up(&world).await;
    let open = elsewhere(&world);
    fs::rename(&open.master_key_file, with_ending(&open.master_key_file, ".old")).unwrap();
    let error = restore(&world.operator(), &open, &file).await.unwrap_err();
    assert!(error.outside().contains("master.key"), "a missing key is named, and none is made: {error}");
    let other = MasterKey::generate(&crate::Entropy::seeded(5)).unwrap();
    other.save(&open.master_key_file).unwrap();
    let error = restore(&world.operator(), &open, &file).await.unwrap_err();
    assert!(error.outside().contains(&made.master_key_id) && error.outside().contains(other.id()), "{error}");
    // The old key beside the present one opens it, and a server then seals everything under the present one.
    fs::rename(with_ending(&open.master_key_file, ".old"), with_ending(&open.master_key_file, ".former")).unwrap();
    restore(&world.operator(), &open, &file).await.unwrap();
    let there = Services::open(open.clone()).await.unwrap();
    world.clock.advance(2 * Timestamp::MINUTE);
    let row = crate::key_rotation::instance_row(&there.core).await.unwrap();
    crate::key_rotation::look(&there.core, &row, world.clock.now()).await.unwrap();
    let row = crate::key_rotation::instance_row(&there.core).await.unwrap();
    assert_eq!(row.master_key_id, other.id());
}

#[tokio::test]
async fn a_backup_made_during_a_rotation_names_both_keys_and_lost_values_need_none() {
    let Some(world) = world_on_sqlite().await else { return };
    let core = &world.services.core;
    let row = |id: &str, sealed: String| ceremony::Model {
        id: id.to_owned(),
        kind: "test".into(),
        session_hash: None,
        user_id: None,
        sealed,
        expires_at: i64::MAX,
    };
    let old = core.keys.current();
    let known = core.keys.seal(&core.entropy, Place("ceremonies", "sealed", "a"), b"x").unwrap();
    for row in [row("a", known), row("b", "0badc0de.AAAA".into())] {
        let row = sea_orm::ActiveModelTrait::reset_all(ceremony::ActiveModel::from(row));
        ceremony::Entity::insert(row).exec_without_returning(core.store.write()).await.unwrap();
    }
    // Half-way: the new key is in place, nothing is sealed under it.
    let files = crate::key_files::KeyFiles::of(&world.open.master_key_file);
    files.prepare(&core.entropy).unwrap();
    files.keep_former().unwrap();
    files.put_in_place().unwrap();
    let (file, made) = backed_up(&world).await;
    assert_ne!(made.master_key_id, old.id());
    let open = elsewhere(&world);
    let error = restore(&world.operator(), &open, &file).await.unwrap_err();
    assert!(error.outside().contains(old.id()), "{error}");
    fs::copy(files.former(), with_ending(&open.master_key_file, ".former")).unwrap();
    restore(&world.operator(), &open, &file).await.unwrap();
}
