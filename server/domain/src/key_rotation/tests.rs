use std::collections::BTreeSet;
use std::fs;

use sea_orm::{ActiveModelTrait as _, EntityTrait as _};

use super::*;
use crate::Services;
use crate::jobs::outbox::{Payload, enqueue};
use crate::settings::Webhook;
use crate::store::entity::{ceremony, outbox as outbox_row};
use crate::testing::World;

const CEREMONIES: usize = 450;

/// What the watching job does.
async fn look_now(core: &Core, now: Timestamp) -> Result<()> {
    look(core, &instance_row(core).await?, now).await
}

/// Sealed values of every kind that needs no person.
async fn fill(core: &Core) {
    let mut rows = Vec::new();
    for n in 0..CEREMONIES {
        let id = format!("c{n:04}");
        let sealed = core.keys.seal(&core.entropy, Place("ceremonies", "sealed", &id), id.as_bytes()).unwrap();
        rows.push(ceremony::ActiveModel::from(ceremony::Model {
            id,
            kind: "test".into(),
            session_hash: None,
            user_id: None,
            sealed,
            expires_at: i64::MAX,
        }));
    }
    ceremony::Entity::insert_many(rows.into_iter().map(sea_orm::ActiveModelTrait::reset_all))
        .exec_without_returning(core.store.write())
        .await
        .unwrap();
    let mail = Payload::Mail { to: "a@example.com".into(), subject: "s".into(), text: "t".into() };
    enqueue(core.store.write(), core, core.clock.now(), &mail).await.unwrap();
    let row = instance_row(core).await.unwrap();
    let mut settings = settings_of(&row).unwrap();
    let sealed_secret = core.keys.seal(&core.entropy, webhook_place("w1"), b"webhook secret").unwrap();
    settings.webhooks.push(Webhook {
        id: "w1".into(),
        url: "https://example.com/".into(),
        events: vec!["*".into()],
        sealed_secret,
        secret_from: None,
    });
    let saved = instance::ActiveModel {
        id: sea_orm::ActiveValue::Set(1),
        settings: sea_orm::ActiveValue::Set(json_of(&settings).unwrap()),
        ..Default::default()
    };
    saved.update(core.store.write()).await.unwrap();
}

/// Opens everything, and gives the keys under which it is sealed.
async fn open_all(core: &Core) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut opened = |place: Place<'_>, sealed: &str| {
        keys.insert(key_of(sealed).unwrap().to_owned());
        core.keys.open(place, sealed).unwrap()
    };
    let row = instance_row(core).await.unwrap();
    assert_eq!(opened(Place("instance", "sealed_check", &row.instance_id), &row.sealed_check).as_slice(), b"vestibule");
    for webhook in &settings_of(&row).unwrap().webhooks {
        assert_eq!(opened(webhook_place(&webhook.id), &webhook.sealed_secret).as_slice(), b"webhook secret");
    }
    let ceremonies = ceremony::Entity::find().all(core.store.write()).await.unwrap();
    assert_eq!(ceremonies.len(), CEREMONIES);
    for row in ceremonies {
        assert_eq!(opened(Place("ceremonies", "sealed", &row.id), &row.sealed).as_slice(), row.id.as_bytes());
    }
    for row in outbox_row::Entity::find().all(core.store.write()).await.unwrap() {
        opened(Place("outbox", "sealed", &row.id), &row.sealed);
    }
    keys
}

/// On SQLite without a server the former key goes at once; elsewhere it waits a minute for whatever is under way.
async fn let_former_go(world: &World, rotated: &Rotated) {
    let former = KeyFiles::of(&world.open.master_key_file).former().to_owned();
    if world.services.core.store.is_postgres() {
        assert_eq!(rotated.former_waits.as_ref(), Some(&former));
        look_now(&world.services.core, world.clock.now()).await.unwrap();
        assert!(former.exists(), "the former key waits");
        world.clock.advance(GRACE);
        look_now(&world.services.core, world.clock.now()).await.unwrap();
    } else {
        assert_eq!(rotated.former_waits, None);
    }
    assert!(!former.exists());
}

#[tokio::test]
async fn an_interruption_at_any_step_loses_nothing_and_the_next_run_goes_on() {
    let steps = [Step::Prepared, Step::FormerKept, Step::InPlace, Step::Named, Step::Batch, Step::AllSealed];
    for stop_at in steps {
        let world = World::new().await;
        let running = &world.services.core;
        fill(running).await;
        let old = running.keys.current().id().to_owned();
        // The command is a process of its own beside the running server.
        let command = Services::open(world.open.clone()).await.unwrap();
        let stop = |step| if step == stop_at { Err(Error::internal("interrupted")) } else { Ok(()) };
        command.keys.rotate(&world.operator(), &stop).await.unwrap_err();

        open_all(running).await;
        let restarted = Services::open(world.open.clone()).await.unwrap();
        open_all(&restarted.core).await;
        // Both may seal, and each reads what the other sealed.
        for (one, other) in [(running, &restarted.core), (&restarted.core, running)] {
            let sealed = one.keys.seal(&one.entropy, Place("t", "c", "r"), b"x").unwrap();
            assert_eq!(other.keys.open(Place("t", "c", "r"), &sealed).unwrap().as_slice(), b"x", "{stop_at:?}");
        }

        let rotated = restarted.keys.rotate_master(&world.operator()).await.unwrap();
        assert!(rotated.continued, "{stop_at:?}");
        assert_eq!((rotated.from.as_str(), rotated.unreadable), (old.as_str(), 0), "{stop_at:?}");
        let_former_go(&world, &rotated).await;
        for core in [running, &restarted.core, &Services::open(world.open.clone()).await.unwrap().core] {
            assert_eq!(
                open_all(core).await,
                [rotated.to.clone()].into(),
                "{stop_at:?}: all is sealed under the new key (CRY-06)"
            );
        }
        assert_eq!(instance_row(running).await.unwrap().master_key_id, rotated.to);
    }
}

#[tokio::test]
async fn a_server_finishes_what_a_command_left() {
    let world = World::new().await;
    let core = &world.services.core;
    fill(core).await;
    let command = Services::open(world.open.clone()).await.unwrap();
    let stop = |step| if step == Step::InPlace { Err(Error::internal("interrupted")) } else { Ok(()) };
    command.keys.rotate(&world.operator(), &stop).await.unwrap_err();
    world.clock.advance(GRACE);
    look_now(core, world.clock.now()).await.unwrap();
    world.clock.advance(GRACE);
    look_now(core, world.clock.now()).await.unwrap();
    let files = KeyFiles::of(&world.open.master_key_file);
    assert!(!files.former().exists());
    assert_eq!(open_all(core).await, [files.read_current().unwrap().id().to_owned()].into());
}

#[tokio::test]
async fn a_running_server_follows_a_rotation_beside_it() {
    let world = World::new().await;
    let running = &world.services.core;
    fill(running).await;
    for _ in 0..2 {
        let command = Services::open(world.open.clone()).await.unwrap();
        let rotated = command.keys.rotate_master(&world.operator()).await.unwrap();
        assert!(!rotated.continued);
        assert!(rotated.resealed >= CEREMONIES as u64);
        let_former_go(&world, &rotated).await;
        look_now(running, world.clock.now()).await.unwrap();
        assert_eq!(open_all(running).await, [rotated.to.clone()].into());
        assert_eq!(running.keys.current().id(), rotated.to, "what it seals from now on, others can read");
        let listed = world.services.keys.list(&world.operator()).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id.as_str(), listed[0].state), (rotated.to.as_str(), "current"));
        assert!(listed[0].since.is_some());
    }
    let audited = crate::store::entity::audit_entry::Entity::find().all(running.store.read()).await.unwrap();
    assert_eq!(audited.iter().filter(|row| row.action == "RotateMasterKey").count(), 2);
}

#[tokio::test]
async fn a_node_without_the_new_key_seals_nothing_until_it_has_it() {
    let world = World::new().await;
    let away = world.folder().join("away.key");
    fs::copy(&world.open.master_key_file, &away).unwrap();
    let open = crate::Open { master_key_file: away.clone(), ..world.open.clone() };
    let other = Services::open(open).await.unwrap();
    world.services.keys.rotate_master(&world.operator()).await.unwrap();
    look_now(&other.core, world.clock.now()).await.unwrap();
    let place = Place("t", "c", "r");
    assert!(other.core.keys.seal(&other.core.entropy, place, b"x").is_err(), "the others could not read it");
    let arriving = world.folder().join("arriving.key");
    fs::copy(&world.open.master_key_file, &arriving).unwrap();
    fs::rename(&arriving, &away).unwrap();
    look_now(&other.core, world.clock.now()).await.unwrap();
    let sealed = other.core.keys.seal(&other.core.entropy, place, b"x").unwrap();
    assert_eq!(world.services.core.keys.open(place, &sealed).unwrap().as_slice(), b"x");
}

#[tokio::test]
async fn a_file_replaced_by_mistake_changes_nothing() {
    let world = World::new().await;
    let core = &world.services.core;
    let before = core.keys.current().id().to_owned();
    let foreign = world.folder().join("foreign.key");
    crate::keys::MasterKey::generate(&crate::Entropy::seeded(99)).unwrap().save(&foreign).unwrap();
    fs::rename(&foreign, &world.open.master_key_file).unwrap();
    let sealed = core.keys.seal(&core.entropy, Place("t", "c", "r"), b"x").unwrap();
    assert_eq!(key_of(&sealed), Some(before.as_str()));
    let error = world.services.keys.rotate_master(&world.operator()).await.unwrap_err();
    assert!(error.outside().contains("not the one that the database names"), "{error}");
    assert!(!KeyFiles::of(&world.open.master_key_file).former().exists());
}

#[tokio::test]
async fn what_cannot_be_rotated_is_explained() {
    let world = World::new().await;
    let text = fs::read_to_string(&world.open.master_key_file).unwrap();
    let open = crate::Open { master_key: Some(crate::Secret::new(text.trim())), ..world.open.clone() };
    let by_value = Services::open(open).await.unwrap();
    let error = by_value.keys.rotate_master(&world.operator()).await.unwrap_err();
    assert!(error.outside().contains("master_key_file"), "{error}");
    assert_eq!(
        world.services.keys.rotate_master(&world.anonymous()).await.unwrap_err().kind(),
        model::Refusal::SignInNeeded
    );

    let files = KeyFiles::of(&world.open.master_key_file);
    let held = files.lock().unwrap();
    let error = world.services.keys.rotate_master(&world.operator()).await.unwrap_err();
    assert_eq!(error.kind(), model::Refusal::Conflict);
    drop(held);
    // A new key that was torn while it was written is made again.
    let mut torn = world.open.master_key_file.clone().into_os_string();
    torn.push(".next");
    fs::write(&torn, "AAAA").unwrap();
    world.services.keys.rotate_master(&world.operator()).await.unwrap();
}

/// Nothing is sealed for a column that the rotation does not know.
#[test]
fn every_sealed_place_in_the_source_is_known() {
    // Handed to a browser for a few minutes and never stored.
    let carried = [("ceremonies", "carried")];
    let mut places = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with("keys.rs")
                && !path.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                for found in text.split("Place(\"").skip(1) {
                    let mut parts = found.split('"');
                    places.insert((parts.next().unwrap().to_owned(), parts.nth(1).unwrap().to_owned()));
                }
            }
        }
    }
    let known: BTreeSet<(String, String)> = SEALED
        .iter()
        .map(|sealed| (sealed.table, sealed.column))
        .chain(carried)
        .chain([("webhooks", "secret")])
        .map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect();
    assert_eq!(places, known);
}
