//! Rows of grants in bulk.

use model::{AccountTarget, UserId};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

use super::{PROD, Place};
use crate::access::Principal;
use crate::access::assignments::rows::{self, GrantKey, NewGrant, Rows};
use crate::store::entity::assignment;

#[tokio::test]
async fn thousands_of_rows_are_written_read_and_removed_in_bulk() {
    let place = Place::new().await;
    let now = place.world.clock.now();
    let store = &place.world.services.core.store;
    let mut make = Rows::new(&place.world.services.core.entropy, now, "test").unwrap();
    let keys: Vec<GrantKey> = (0..1_234u32)
        .map(|number| GrantKey {
            principal: Principal::User(UserId::from_random(u128::from(number).to_be_bytes())),
            target: AccountTarget::parse(PROD).unwrap(),
            set: place.read_only,
        })
        .collect();
    let grant = |key: &GrantKey| NewGrant { key: key.clone(), expires: None, reason: "it's \"why\"".to_owned() };
    let made: Vec<assignment::Model> = keys.iter().map(|key| make.make(grant(key))).collect();
    assert!(made.is_sorted_by(|a, b| a.id < b.id), "ids follow each other");
    let change = store.begin().await.unwrap();
    assert_eq!(rows::insert(change.txn(), made.clone(), 200_000).await.unwrap(), 1_234);
    let other: Vec<assignment::Model> =
        made.iter().take(3).map(|row| assignment::Model { expires_at: Some(5), ..row.clone() }).collect();
    rows::alter(change.txn(), other).await.unwrap();
    change.commit().await.unwrap();
    let found = rows::find(store.read(), &keys).await.unwrap();
    assert_eq!(found.len(), 1_234);
    assert_eq!(found.get(&keys[2]).unwrap().expires_at, Some(5));
    assert_eq!(found.get(&keys[3]).unwrap(), &made[3]);

    // The indexes are there again: the second row of one key is refused.
    let change = store.begin().await.unwrap();
    let twice = make.make(grant(&keys[0]));
    assert!(rows::insert(change.txn(), [twice], 1).await.is_err());
    drop(change);
    let change = store.begin().await.unwrap();
    assert_eq!(rows::remove(change.txn(), &keys).await.unwrap(), 1_234);
    change.commit().await.unwrap();
    assert_eq!(assignment::Entity::find().count(store.read()).await.unwrap(), 0);
}
