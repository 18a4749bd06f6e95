//! The order of the portal, what it finds, and where links lead.

use model::{AccountId, Refusal, Timestamp};

use super::{Listing, Search, Shelf};
use crate::Call;
use crate::access::Principal;
use crate::testing::World;

/// Somebody with access to accounts of these names, in the order of their numbers.
async fn someone(world: &World, names: &[&str]) -> (Call, Vec<AccountId>) {
    let alice = world.person("alice").await;
    let set = world.permission_set("ReadOnly").await;
    let mut accounts = Vec::new();
    for (n, name) in names.iter().enumerate() {
        accounts.push(world.account(&format!("{n:012}"), name, "/workloads/prod").await);
    }
    world.assign(Principal::User(alice), set, "/workloads/**").await;
    let progress = world.sign_in("alice").await;
    (world.with_token(&progress.session.token).await, accounts)
}

fn names(listing: &Listing) -> Vec<(&str, Shelf)> {
    listing.rows().iter().map(|row| (row.reached.account.name.as_str(), row.shelf)).collect()
}

fn found(listing: &Listing, search: &str) -> Vec<String> {
    let part = listing.part(&Search::parse(search), None);
    assert_eq!(part.total, part.rows.len());
    part.rows.iter().map(|row| row.reached.account.name.clone()).collect()
}

#[tokio::test]
async fn favourites_and_recent_accounts_stand_first() {
    let world = World::new().await;
    let portal = &world.services.portal;
    let (call, accounts) = someone(&world, &["delta", "Charlie", "bravo", "Alpha"]).await;
    let by_name = [("Alpha", Shelf::Rest), ("bravo", Shelf::Rest), ("Charlie", Shelf::Rest), ("delta", Shelf::Rest)];
    assert_eq!(names(&portal.list(&call).await.unwrap()), by_name);

    portal.set_favourite(&call, accounts[0], true).await.unwrap();
    portal.set_favourite(&call, accounts[2], true).await.unwrap();
    portal.open(&call, "000000000001", Some("readonly"), None).await.unwrap();
    let listing = portal.list(&call).await.unwrap();
    assert_eq!(
        names(&listing),
        [("bravo", Shelf::Favourite), ("delta", Shelf::Favourite), ("Charlie", Shelf::Recent), ("Alpha", Shelf::Rest)]
    );

    portal.set_favourite(&call, accounts[2], false).await.unwrap();
    assert_eq!(names(&portal.list(&call).await.unwrap())[0], ("delta", Shelf::Favourite));
    assert_eq!(world.audited("UpdateUser").await.len(), 3, "each change of a mark is audited");
    let other = portal.set_favourite(&call, "999999999999".parse().unwrap(), true).await.unwrap_err();
    assert_eq!(other.kind(), Refusal::NotFound);
}

#[tokio::test]
async fn every_word_of_a_search_must_occur_somewhere() {
    let world = World::new().await;
    let strange = "\u{5d0}\u{5d1} <b>\"R&D\"</b> \u{1f680}";
    let (call, _) = someone(&world, &["Payments Prod", "Payments Dev", strange]).await;
    let listing = world.services.portal.list(&call).await.unwrap();
    for (search, expected) in [
        ("pay PROD", &["Payments Dev", "Payments Prod"][..]),
        ("payments dev", &["Payments Dev"]),
        ("0000-0000-0001", &["Payments Dev"]),
        ("aws+000000000000@", &["Payments Prod"]),
        ("readonly /workloads \u{1f680}", &[strange]),
        ("<b>\"r&d\"", &[strange]),
        ("\u{5d0}\u{5d1}", &[strange]),
        ("pay admin", &[]),
        ("%", &[]),
    ] {
        assert_eq!(found(&listing, search), expected, "{search}");
    }
    assert_eq!(found(&listing, "  ").len(), 3);
}

#[tokio::test]
async fn pages_lead_forth_and_back_without_a_gap() {
    let world = World::new().await;
    let many: Vec<String> = (0..120).map(|n| format!("Account {n:03}")).collect();
    let (call, accounts) = someone(&world, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let listing = world.services.portal.list(&call).await.unwrap();
    let (mut seen, mut from, mut pages) = (Vec::new(), None, 0);
    loop {
        let part = listing.part(&Search::default(), from);
        assert_eq!(part.total, 120);
        seen.extend(part.rows.iter().map(|row| row.reached.account.id));
        pages += 1;
        if let Some(previous) = part.previous {
            assert_eq!(listing.part(&Search::default(), Some(previous)).next, from);
        }
        from = part.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), (accounts, 3));
    let gone = listing.part(&Search::default(), Some("999999999999".parse().unwrap()));
    assert_eq!(gone.rows[0].reached.account.name, "Account 000");
}

#[tokio::test]
async fn a_link_leads_where_the_person_may_go_and_nowhere_else() {
    let world = World::new().await;
    let portal = &world.services.portal;
    let (call, accounts) = someone(&world, &["Prod"]).await;
    world.account("222222222222", "Hidden", "/elsewhere").await;
    let destination = "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1#x";
    let way = portal.open(&call, "000000000000", Some("READONLY"), Some(destination)).await.unwrap();
    assert_eq!((way.account.id, way.set.unwrap().name.as_str()), (accounts[0], "ReadOnly"));
    assert_eq!((way.destination.unwrap().as_str(), way.missing), (destination, false));
    let way = portal.open(&call, "000000000000", None, None).await.unwrap();
    assert_eq!((way.set.is_none(), way.sets.len(), way.missing), (true, 1, false));
    let way = portal.open(&call, "000000000000", Some("Admin"), None).await.unwrap();
    assert!(way.missing && way.set.is_none());

    let refused =
        async |account, destination| portal.open(&call, account, Some("ReadOnly"), destination).await.unwrap_err();
    for hidden in ["222222222222", "333333333333"] {
        assert_eq!(refused(hidden, None).await.kind(), Refusal::NotFound, "{hidden}: existing or not");
    }
    for bad in ["", "12", "00000000000x"] {
        assert_eq!(refused(bad, None).await.field(), Some("account_id"), "{bad:?}");
    }
    for bad in [
        "http://console.aws.amazon.com/",
        "https://console.aws.amazon.com.evil.example/",
        "https://evilconsole.aws.amazon.com/",
        "https://console.aws.amazon.com@evil.example/",
        "https://console.aws.amazon.com:8443/",
        "javascript:alert(1)",
        "//console.aws.amazon.com/",
    ] {
        assert_eq!(refused("000000000000", Some(bad)).await.field(), Some("destination"), "{bad}");
    }
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute_and_keeps_the_star() {
    let world = World::new().await;
    let portal = &world.services.portal;
    let (call, accounts) = someone(&world, &["Prod", "Dev", "Test"]).await;
    portal.set_favourite(&call, accounts[0], true).await.unwrap();
    for (n, account) in accounts.iter().enumerate() {
        let later = Call { now: call.now.plus(i64::try_from(n).unwrap() * Timestamp::SECOND), ..call.clone() };
        portal.open(&later, account.as_str(), Some("ReadOnly"), None).await.unwrap();
    }
    let again = Call { now: call.now.plus(30 * Timestamp::SECOND), ..call.clone() };
    portal.open(&again, accounts[1].as_str(), Some("ReadOnly"), None).await.unwrap();
    let order = |listing: &Listing| names(listing).into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(order(&portal.list(&call).await.unwrap()), ["Prod", "Test", "Dev"]);
    let much_later = Call { now: call.now.plus(5 * Timestamp::MINUTE), ..call.clone() };
    portal.open(&much_later, accounts[1].as_str(), Some("ReadOnly"), None).await.unwrap();
    assert_eq!(order(&portal.list(&call).await.unwrap()), ["Prod", "Dev", "Test"]);
}

#[tokio::test]
async fn what_ends_within_a_week_is_counted() {
    let world = World::new().await;
    let (call, _) = someone(&world, &["Prod"]).await;
    let alice = match &call.actor {
        crate::Actor::Person(person) => person.user,
        _ => unreachable!(),
    };
    for (name, days) in [("Soon", 6), ("Later", 8)] {
        let set = world.permission_set(name).await;
        let end = Some(call.now.plus(days * Timestamp::DAY));
        world.assign_until(Principal::User(alice), set, "000000000000", end).await;
    }
    assert_eq!(world.services.portal.list(&call).await.unwrap().ending(call.now), 1);
}
