//! The word before access ends: to whom, when, and once.

use model::{AccountTarget, PermissionSetId, Role, Timestamp, UserId};

use super::{ENDING_PAGE, GrantsFilter, GrantsOf, Proposal, Purpose, remind};
use crate::access::Principal;
use crate::call::{Actor, Call};
use crate::page::PageRequest;
use crate::store::entity::user;
use crate::testing::World;

const PROD: &str = "111122223333";

/// An account, a set, and an administrator who gives it.
struct Scene {
    world: World,
    adam: UserId,
    set: PermissionSetId,
}

impl Scene {
    async fn new() -> Self {
        let world = World::with_mail().await;
        world.account(PROD, "Production", "/workloads/prod").await;
        let set = world.permission_set("ReadOnly").await;
        let adam = world.admin("adam", Role::Admin).await;
        Self { world, adam, set }
    }

    /// Gives it, or gives it anew, for so long from now.
    async fn give(&self, by: &Call, to: Principal, lasting: i64, purpose: Purpose) {
        let by = Call { now: self.world.clock.now(), ..by.clone() };
        let proposal = Proposal {
            purpose,
            targets: [AccountTarget::parse(PROD).unwrap()].into(),
            principals: [to].into(),
            sets: [self.set].into(),
            expires: Some(by.now.plus(lasting)),
            ..Proposal::default()
        };
        let review = self.world.services.assignments.plan(&by, &proposal).await.unwrap();
        self.world.services.assignments.apply(&by, &proposal, &review.digest).await.unwrap();
    }

    /// What is sent now, as the receivers.
    async fn reminded(&self) -> Vec<(String, String)> {
        self.world.forget_mails().await;
        let call = Call::local(Actor::System("clean-up"), "test", self.world.clock.now());
        remind(&self.world.services.core, &call).await.unwrap();
        let mut sent = Vec::new();
        for mail in self.world.mails().await {
            let mail: serde_json::Value = serde_json::from_str(&mail).unwrap();
            let text = |name: &str| mail[name].as_str().unwrap().to_owned();
            sent.push((text("to"), text("text")));
        }
        sent.sort();
        sent
    }

    async fn receivers(&self) -> Vec<String> {
        self.reminded().await.into_iter().map(|(to, _)| to.split('@').next().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_week_before_its_end_the_person_and_whoever_gave_it_are_told_once() {
    let scene = Scene::new().await;
    let adam = scene.world.by(scene.adam).await;
    let ann = scene.world.bare("ann").await;
    scene.give(&adam, Principal::User(ann), 30 * Timestamp::DAY, Purpose::Grant).await;
    scene.world.clock.advance(23 * Timestamp::DAY - 1);
    assert!(scene.reminded().await.is_empty(), "not a moment too early");
    scene.world.clock.advance(1);
    let sent = scene.reminded().await;
    let to: Vec<&str> = sent.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["adam@example.com", "ann@example.com"]);
    let line = "– ReadOnly in Production (111122223333) for ann, until 31 January 2026, 00:00 UTC";
    for (to, text) in &sent {
        assert!(text.contains(line), "{to}: {text}");
    }
    assert!(sent[0].1.contains(ENDING_PAGE) && !sent[0].1.contains("/start"), "{}", sent[0].1);
    assert!(sent[1].1.contains("http://localhost:8080/start"), "{}", sent[1].1);
    scene.world.clock.advance(Timestamp::DAY);
    assert!(scene.reminded().await.is_empty(), "once");

    let page = PageRequest::default();
    let soon = GrantsOf::EndingBefore(scene.world.clock.now().plus(7 * Timestamp::DAY));
    let seen = scene.world.services.assignments.list(&adam, soon, &GrantsFilter::default(), &page).await.unwrap();
    assert_eq!(seen.rows.len(), 1, "administrators see it as well");
}

#[tokio::test]
async fn of_a_short_grant_the_word_comes_at_half_time_and_again_after_it_was_renewed() {
    let scene = Scene::new().await;
    let adam = scene.world.by(scene.adam).await;
    let ann = scene.world.bare("ann").await;
    let to = Principal::User(ann);
    scene.give(&adam, to, 2 * Timestamp::HOUR, Purpose::Grant).await;
    scene.world.clock.advance(Timestamp::HOUR - 1);
    assert!(scene.receivers().await.is_empty());
    scene.world.clock.advance(1);
    assert_eq!(scene.receivers().await, ["adam", "ann"]);
    scene.world.clock.advance(30 * Timestamp::MINUTE);
    scene.give(&adam, to, 4 * Timestamp::HOUR, Purpose::Alter).await;
    assert!(scene.receivers().await.is_empty(), "who has just renewed it knows");
    scene.world.clock.advance(2 * Timestamp::HOUR);
    assert_eq!(scene.receivers().await, ["adam", "ann"]);
    scene.world.clock.advance(2 * Timestamp::HOUR);
    assert!(scene.receivers().await.is_empty(), "what has ended is not told of");
}

#[tokio::test]
async fn members_of_a_group_are_told_and_nobody_who_cannot_sign_in() {
    let scene = Scene::new().await;
    let adam = scene.world.by(scene.adam).await;
    let (ann, ben, cid) = (scene.world.bare("ann").await, scene.world.bare("ben").await, scene.world.bare("cid").await);
    scene.world.set(ben, user::Column::Status, "disabled").await;
    scene.world.set(cid, user::Column::Status, "invited").await;
    let group = scene.world.group("Engineers", &[ann, ben, cid]).await;
    scene.give(&adam, Principal::Group(group), Timestamp::DAY, Purpose::Grant).await;
    // Both in one mail.
    scene.give(&adam, Principal::User(ann), Timestamp::DAY, Purpose::Grant).await;
    scene.world.clock.advance(12 * Timestamp::HOUR);
    let sent = scene.reminded().await;
    let to: Vec<&str> = sent.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["adam@example.com", "ann@example.com"]);
    assert!(sent[1].1.contains("for Engineers,") && sent[1].1.contains("for ann,"), "{}", sent[1].1);
}

#[tokio::test]
async fn of_a_very_large_group_only_those_who_answer_for_it_are_told() {
    let scene = Scene::new().await;
    let adam = scene.world.by(scene.adam).await;
    scene.world.crowd(201).await;
    let people = scene.world.everybody().await;
    let group = scene.world.group("All", &people).await;
    scene.give(&adam, Principal::Group(group), Timestamp::DAY, Purpose::Grant).await;
    scene.world.clock.advance(Timestamp::DAY - 1);
    assert_eq!(scene.receivers().await, ["adam"]);
}

#[tokio::test]
async fn what_nobody_answers_for_any_more_is_told_to_the_owners() {
    let scene = Scene::new().await;
    let adam = scene.world.by(scene.adam).await;
    let (ann, olga) = (scene.world.bare("ann").await, scene.world.bare("olga").await);
    scene.world.give_role(olga, Role::Owner, false).await;
    scene.give(&adam, Principal::User(ann), Timestamp::DAY, Purpose::Grant).await;
    scene.world.set(scene.adam, user::Column::Status, "disabled").await;
    let ben = scene.world.bare("ben").await;
    scene.give(&scene.world.operator(), Principal::User(ben), Timestamp::DAY, Purpose::Grant).await;
    scene.world.clock.advance(12 * Timestamp::HOUR);
    let sent = scene.reminded().await;
    let to: Vec<&str> = sent.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["ann@example.com", "ben@example.com", "olga@example.com"]);
    assert!(sent[2].1.contains("for ann,") && sent[2].1.contains("for ben,"), "{}", sent[2].1);
}

#[tokio::test]
async fn many_that_are_not_due_yet_do_not_hide_one_that_is() {
    let scene = Scene::new().await;
    let adam = scene.world.by(scene.adam).await;
    let ann = scene.world.bare("ann").await;
    scene.give(&adam, Principal::User(ann), 8 * Timestamp::DAY, Purpose::Grant).await;
    scene.world.clock.advance(4 * Timestamp::DAY);
    scene.world.crowd(501).await;
    let until = Some(scene.world.clock.now().plus(3 * Timestamp::DAY));
    for person in scene.world.everybody().await.into_iter().take(501) {
        scene.world.assign_until(Principal::User(person), scene.set, "/", until).await;
    }
    assert_eq!(scene.receivers().await, ["adam", "ann"]);
}
