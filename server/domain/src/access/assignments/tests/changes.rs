//! What a change would do, the change itself, its end and the way back.

use std::collections::BTreeSet;

use model::{Refusal, Role, Timestamp, UserId};
use sea_orm::EntityTrait as _;

use super::{PROD, Place, SANDBOX, TEST};
use crate::access::Principal;
use crate::access::assignments::{Applied, Proposal, Purpose, UNDO_LASTS, Warning, remove_ended};
use crate::access::permission_sets::PermissionSetInput;
use crate::page::PageRequest;
use crate::secret::Secret;
use crate::store::entity::user;

#[tokio::test]
async fn what_is_shown_is_what_happens() {
    let place = Place::new().await;
    let (ann, bob) = (place.world.bare("ann").await, place.world.bare("bob").await);
    let group = place.group("Engineers", &[ann, bob]).await;
    place.apply(&place.admin, &place.grant(&[PROD], &[Principal::User(ann)])).await;

    // Ann has one of the three already, by herself: through the group it counts once.
    let proposal = place.grant(&["/workloads/**", SANDBOX], &[Principal::Group(group)]);
    let review = place.world.services.assignments.plan(&place.admin, &proposal).await.unwrap();
    assert_eq!((review.creates, review.updates, review.deletes, review.unchanged), (2, 0, 0, 0));
    let gains: Vec<(&str, u64, u64)> =
        review.people.iter().map(|person| (person.named.user.as_str(), person.gains, person.loses)).collect();
    assert_eq!(gains, [("ann", 2, 0), ("bob", 3, 0)]);
    assert_eq!(review.people[0].named.gains[0].permission_set, "ReadOnly");

    place.world.services.assignments.apply(&place.admin, &proposal, &review.digest).await.unwrap();
    let all = [format!("{PROD} ReadOnly"), format!("{SANDBOX} ReadOnly"), format!("{TEST} ReadOnly")];
    assert_eq!(place.reached(ann).await, all);
    assert_eq!(place.reached(bob).await, all);
    assert_eq!(place.world.audited("CreateAccountAssignment").await.len(), 1);
    assert_eq!(place.world.audited("ApplyAccountAssignments").await.len(), 1, "many are one entry");

    // The same again is no change, and leaves no trace.
    let review = place.world.services.assignments.plan(&place.admin, &proposal).await.unwrap();
    assert_eq!((review.unchanged, review.changes_something()), (2, false));
    let applied = place.world.services.assignments.apply(&place.admin, &proposal, &review.digest).await.unwrap();
    assert_eq!(applied.change, None);
    assert_eq!(place.world.audited("ApplyAccountAssignments").await.len(), 1);
}

#[tokio::test]
async fn what_would_do_something_else_by_now_is_refused() {
    let place = Place::new().await;
    let ann = place.world.bare("ann").await;
    let group = place.group("Engineers", &[ann]).await;
    let assignments = &place.world.services.assignments;
    let proposal = place.grant(&[PROD], &[Principal::Group(group)]);
    let review = assignments.plan(&place.admin, &proposal).await.unwrap();
    let bob = place.world.bare("bob").await;
    place.world.services.groups.add_member(&place.world.operator(), group, bob).await.unwrap();
    let refused = assignments.apply(&place.admin, &proposal, &review.digest).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::Conflict, "{refused}");
    assert!(place.stored().await.is_empty());

    // What somebody else changes without touching this is in nobody's way.
    let review = assignments.plan(&place.admin, &proposal).await.unwrap();
    place.apply(&place.admin, &place.grant(&[TEST], &[Principal::User(ann)])).await;
    assignments.apply(&place.admin, &proposal, &review.digest).await.unwrap();
    assert_eq!(place.stored().await.len(), 2);
}

#[tokio::test]
async fn of_two_who_change_the_same_at_once_one_is_told() {
    let place = Place::new().await;
    let ann = place.world.bare("ann").await;
    place.apply(&place.admin, &place.grant(&[PROD], &[Principal::User(ann)])).await;
    let other = place.world.admin("berta", Role::Admin).await;
    let other = place.world.by(other).await;
    let revoke = Proposal { purpose: Purpose::Revoke, ..place.grant(&[PROD], &[Principal::User(ann)]) };
    let expires = Some(place.world.clock.now().plus(Timestamp::DAY));
    let alter = Proposal { purpose: Purpose::Alter, expires, ..revoke.clone() };
    let assignments = &place.world.services.assignments;
    let (first, second) =
        (assignments.plan(&place.admin, &revoke).await.unwrap(), assignments.plan(&other, &alter).await.unwrap());
    let outcomes = tokio::join!(
        assignments.apply(&place.admin, &revoke, &first.digest),
        assignments.apply(&other, &alter, &second.digest),
    );
    let told = |outcome: &Result<Applied, crate::Error>| outcome.as_ref().err().map(crate::Error::kind);
    let told: Vec<Refusal> = [told(&outcomes.0), told(&outcomes.1)].into_iter().flatten().collect();
    assert!(matches!(told.as_slice(), [Refusal::Conflict | Refusal::Unavailable]), "{outcomes:?}");
    let rows = place.stored().await;
    let altered = rows.len() == 1 && rows[0].expires_at == expires.map(|at| at.0);
    assert!(if outcomes.0.is_ok() { rows.is_empty() } else { altered }, "{rows:?}");
}

#[tokio::test]
async fn all_of_it_or_nothing() {
    let place = Place::new().await;
    let ann = place.world.bare("ann").await;
    let proposal = place.grant(&[PROD, TEST, "999999999999"], &[Principal::User(ann)]);
    let refused = place.world.services.assignments.plan(&place.admin, &proposal).await.unwrap_err();
    assert_eq!(refused.field(), Some("accounts"));

    let good = place.grant(&[PROD, TEST], &[Principal::User(ann)]);
    let review = place.world.services.assignments.plan(&place.admin, &good).await.unwrap();
    place.world.services.people.delete(&place.world.operator(), ann).await.unwrap();
    let refused = place.world.services.assignments.apply(&place.admin, &good, &review.digest).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::Conflict);
    assert!(place.stored().await.is_empty());
}

#[tokio::test]
async fn a_proposal_names_what_is_wrong_with_it() {
    let place = Place::new().await;
    let ann = Principal::User(place.world.bare("ann").await);
    let now = place.world.clock.now();
    for (proposal, field) in [
        (place.grant(&[], &[ann]), "accounts"),
        (place.grant(&[PROD], &[]), "principals"),
        (Proposal { sets: BTreeSet::new(), ..place.grant(&[PROD], &[ann]) }, "permission_sets"),
        (Proposal { expires: Some(now), ..place.grant(&[PROD], &[ann]) }, "expires"),
        (Proposal { reason: "x".repeat(501), ..place.grant(&[PROD], &[ann]) }, "reason"),
        (Proposal { reason: "a\nb".to_owned(), ..place.grant(&[PROD], &[ann]) }, "reason"),
    ] {
        let refused = place.world.services.assignments.plan(&place.admin, &proposal).await.unwrap_err();
        assert_eq!((refused.kind(), refused.field()), (Refusal::Invalid, Some(field)));
    }
}

#[tokio::test]
async fn what_needs_a_second_look_is_said() {
    let place = Place::new().await;
    let world = &place.world;
    let (off, invited) = (world.bare("off").await, world.bare("invited").await);
    world.set(off, user::Column::Status, "disabled").await;
    world.set(invited, user::Column::Status, "invited").await;
    let empty = place.group("Nobody", &[]).await;
    let proposal = Proposal {
        sets: [place.power].into(),
        ..place
            .grant(&[PROD, "/nowhere/**"], &[Principal::User(off), Principal::User(invited), Principal::Group(empty)])
    };
    let review = world.services.assignments.plan(&place.admin, &proposal).await.unwrap();
    let said = |warning: Warning| assert!(review.warnings.contains(&warning), "{warning:?} in {:?}", review.warnings);
    said(Warning::Administrator("Admin".to_owned()));
    said(Warning::Disabled("off".to_owned()));
    said(Warning::Invited("invited".to_owned()));
    said(Warning::EmptyGroup("Nobody".to_owned()));
    said(Warning::NoAccount("/nowhere/**".to_owned()));
    let names: Vec<&str> = review.people.iter().map(|person| person.named.user.as_str()).collect();
    assert_eq!(names, ["invited"], "who is disabled gains nothing");

    let many: Vec<UserId> = {
        world.crowd(150).await;
        let rows = user::Entity::find().all(world.services.core.store.read()).await.unwrap();
        rows.iter().filter(|row| row.status == "active").map(|row| row.id.parse().unwrap()).collect()
    };
    let crowd: Vec<Principal> = many.into_iter().map(Principal::User).collect();
    let review = world.services.assignments.plan(&place.admin, &place.grant(&[PROD], &crowd)).await.unwrap();
    assert!(matches!(review.warnings.as_slice(), [Warning::ManyPeople(151..)]), "{:?}", review.warnings);
}

#[tokio::test]
async fn a_change_is_taken_back_within_an_hour_and_only_once() {
    let place = Place::new().await;
    let assignments = &place.world.services.assignments;
    let ann = Principal::User(place.world.bare("ann").await);
    place.apply(&place.admin, &place.grant(&[PROD, TEST], &[ann])).await;
    let before = place.stored().await;
    let revoke = Proposal { purpose: Purpose::Revoke, ..place.grant(&[PROD, TEST], &[ann]) };
    let change = place.apply(&place.admin, &revoke).await.change.unwrap();
    assert!(place.stored().await.is_empty());
    assignments.undo(&place.admin, &change).await.unwrap();
    assert_eq!(place.stored().await, before, "as it was, with its id, reason and end");
    assert_eq!(place.world.audited("UndoAccountAssignments").await.len(), 1);
    let again = assignments.undo(&place.admin, &change).await.unwrap_err();
    assert_eq!(again.kind(), Refusal::Conflict);

    // What was changed since is not overwritten.
    let given = place.apply(&place.admin, &place.grant(&[SANDBOX], &[ann])).await.change.unwrap();
    let expires = Some(place.world.clock.now().plus(Timestamp::DAY));
    let alter = Proposal { purpose: Purpose::Alter, expires, ..place.grant(&[SANDBOX], &[ann]) };
    let altered = place.apply(&place.admin, &alter).await.change.unwrap();
    assert_eq!(assignments.undo(&place.admin, &given).await.unwrap_err().kind(), Refusal::Conflict);
    assignments.undo(&place.admin, &altered).await.unwrap();
    let listed = assignments.changes(&place.admin, &PageRequest::default()).await.unwrap();
    assert!(listed.rows.iter().any(|row| row.id == given && row.may_undo));

    place.world.clock.advance(UNDO_LASTS + 1);
    let late = place.world.call(place.admin.actor.clone());
    assert_eq!(assignments.undo(&late, &given).await.unwrap_err().kind(), Refusal::Conflict);
}

#[tokio::test]
async fn a_grant_ends_on_the_second_and_is_cleared_away_with_an_entry() {
    let place = Place::new().await;
    let user = place.world.bare("ann").await;
    let end = place.world.clock.now().plus(Timestamp::HOUR);
    let proposal = Proposal { expires: Some(end), ..place.grant(&[PROD], &[Principal::User(user)]) };
    place.apply(&place.admin, &proposal).await;
    place.world.clock.advance(Timestamp::HOUR - 1);
    assert_eq!(place.reached(user).await.len(), 1);
    place.world.clock.advance(1);
    assert!(place.reached(user).await.is_empty(), "before anything was cleared away");

    // Giving it again begins it anew.
    let later = place.world.call(place.admin.actor.clone());
    let again = Proposal { expires: Some(later.now.plus(Timestamp::HOUR)), ..proposal };
    place.apply(&later, &again).await;
    assert_eq!(place.reached(user).await.len(), 1);

    place.world.clock.advance(Timestamp::HOUR);
    let job = place.world.call(crate::Actor::System("clean-up"));
    let swept = place.world.services.jobs.sweep(&job).await.unwrap();
    assert_eq!(swept.assignments, 1);
    assert!(place.stored().await.is_empty());
    let entries = place.world.audited("DeleteAccountAssignment").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(place.world.services.jobs.sweep(&job).await.unwrap().assignments, 0);
}

#[tokio::test]
async fn somebody_in_three_hundred_groups_has_each_thing_once() {
    let place = Place::new().await;
    let user = place.world.bare("ann").await;
    let mut groups = Vec::new();
    for number in 0..300 {
        groups.push(Principal::Group(place.group(&format!("g{number}"), &[user]).await));
    }
    let proposal = place.grant(&[PROD, "/workloads/**"], &groups);
    let review = place.world.services.assignments.plan(&place.admin, &proposal).await.unwrap();
    assert_eq!((review.creates, review.gaining), (600, 1));
    assert_eq!(review.people[0].gains, 2);
    place.apply(&place.admin, &proposal).await;
    assert_eq!(place.reached(user).await.len(), 2);

    // All but one of the groups lose it: she loses nothing.
    let all_but_one: Vec<Principal> = groups.iter().copied().skip(1).collect();
    let revoke = Proposal { purpose: Purpose::Revoke, ..place.grant(&[PROD, "/workloads/**"], &all_but_one) };
    let review = place.world.services.assignments.plan(&place.admin, &revoke).await.unwrap();
    assert_eq!((review.deletes, review.losing), (598, 0));
}

#[tokio::test]
async fn changes_of_access_never_wait_for_each_other_in_a_circle() {
    let place = Place::new().await;
    let services = &place.world.services;
    let (ann, bob) = (place.world.bare("ann").await, place.world.bare("bob").await);
    let (operator, admin) = (place.world.operator(), &place.admin);
    let outcome = |result: crate::Result<()>| match result.map_err(|e| e.kind()) {
        Ok(()) | Err(Refusal::Conflict) => {}
        Err(kind) => panic!("{kind:?}"),
    };
    for round in 0..12 {
        let grant = place.grant(&[PROD, TEST], &[Principal::User(ann), Principal::User(bob)]);
        let apply = async {
            let review = services.assignments.plan(admin, &grant).await?;
            let applied = services.assignments.apply(admin, &grant, &review.digest).await?;
            match applied.change {
                Some(change) => services.assignments.undo(admin, &change).await,
                None => Ok(()),
            }
        };
        let set = async {
            let view = services.permission_sets.get(admin, place.read_only).await?;
            let description = if view.row.set.description.is_empty() { "again" } else { "" }.to_owned();
            let input = PermissionSetInput { description, ..view.row.set.to_input() };
            services.permission_sets.update(admin, place.read_only, view.version, &input).await
        };
        let person = async {
            services.people.disable(admin, bob).await?;
            services.people.enable(admin, bob).await?;
            let password = Secret::new(format!("plum-tractor-violet-{round}"));
            services.people.set_password(&operator, ann, &password).await
        };
        let ends = async { remove_ended(&services.core, &operator).await.map(drop) };
        let (one, two, three, four) = tokio::join!(apply, set, person, ends);
        [one, two, three, four].into_iter().for_each(outcome);
    }
}
