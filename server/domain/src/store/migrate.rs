//! Bringing the schema up to date: one change after the other, each all or nothing, in any interruption and beside other nodes.

use std::time::Duration;

use sea_orm_migration::MigratorTrait as _;

use super::Store;
use super::migration::Migrator;
use crate::error::{Error, Result};

/// How often a change is tried again when another node may be making it at this moment.
const TRIES: u32 = 50;

/// Makes every change that is missing and tells `progress` the name of each before it begins (another node may
/// be quicker in making it).
pub async fn migrate(store: &Store, progress: impl Fn(&str)) -> Result<()> {
    let mut tries = 0;
    loop {
        let next = match Migrator::get_pending_migrations(store.write()).await {
            Ok(pending) => pending.first().map(|change| change.name().to_owned()),
            Err(e) if tries >= TRIES || e.to_string().contains("is missing") => {
                return Err(Error::unavailable("The database belongs to a newer release of this program.").because(e));
            }
            Err(_) => {
                wait(&mut tries).await;
                continue;
            }
        };
        let Some(name) = next else {
            return Ok(());
        };
        progress(&name);
        match Migrator::up(store.write(), Some(1)).await {
            Ok(()) => tries = 0,
            // Another node may have made it first: look again. What stays impossible is reported.
            Err(_) if tries < TRIES => wait(&mut tries).await,
            Err(e) => {
                return Err(Error::unavailable(format!("The change {name} of the schema cannot be made.")).because(e));
            }
        }
    }
}

/// Whether no change is missing.
pub async fn is_current(store: &Store) -> Result<()> {
    let pending = Migrator::get_pending_migrations(store.read_for_schema())
        .await
        .map_err(|e| Error::unavailable("The database's schema is not the one of this program.").because(e))?;
    if pending.is_empty() {
        Ok(())
    } else {
        Err(Error::unavailable("The database's schema is older than this program."))
    }
}

async fn wait(tries: &mut u32) {
    *tries += 1;
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, EntityTrait as _};

    use sea_orm_migration::MigratorTrait as _;

    use super::{Migrator, Store, is_current, migrate};
    use crate::Entropy;
    use crate::store::entity::user;
    use crate::testing::World;

    #[tokio::test]
    async fn nodes_that_start_together_make_each_change_once() {
        let world = World::unopened().await;
        let node = |n: u64| {
            let url = world.open.database_url.clone();
            tokio::spawn(async move {
                let store = Store::open(&url, format!("n{n}"), Entropy::seeded(n)).await.unwrap();
                migrate(&store, |_| {}).await.unwrap();
                is_current(&store).await.unwrap();
            })
        };
        let (a, b, c) = (node(1), node(2), node(3));
        a.await.unwrap();
        b.await.unwrap();
        c.await.unwrap();
        let store = Store::open(&world.open.database_url, "n".into(), Entropy::seeded(4)).await.unwrap();
        assert_eq!(user::Entity::find().all(store.read()).await.unwrap(), vec![]);
        let applied = Migrator::get_applied_migrations(store.write()).await.unwrap();
        assert_eq!(applied.len(), Migrator::migrations().len(), "each change is made once (DB-19)");
    }

    #[tokio::test]
    async fn an_older_program_refuses_a_newer_schema() {
        let world = World::new().await;
        let store = Store::open(&world.open.database_url, "n".into(), Entropy::seeded(4)).await.unwrap();
        store
            .write()
            .execute_unprepared("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)")
            .await
            .unwrap();
        let error = migrate(&store, |_| {}).await.unwrap_err();
        assert!(error.outside().contains("newer release"), "{error} (DB-19)");
        assert!(is_current(&store).await.is_err());
    }
}
