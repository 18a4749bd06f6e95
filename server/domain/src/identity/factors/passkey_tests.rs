//! Passkeys as second step and instead of a password, with an authenticator in software, through the services.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Refusal, Timestamp, UserId};
use sea_orm::EntityTrait as _;
use url::Url;

use super::soft_passkey::SoftPasskey;
use crate::call::Actor;
use crate::error::Result;
use crate::identity::sign_in::{Progress, Step};
use crate::identity::test_people::PASSWORD;
use crate::store::entity::{factor, user};
use crate::testing::World;

/// Makes one detail wrong.
type Spoil = fn(&mut SoftPasskey);

struct Owner {
    id: UserId,
    key: SoftPasskey,
}

/// A person with a passkey.
async fn owner(world: &World, name: &str, byte: u8) -> Owner {
    let id = world.person(name).await;
    let progress = world.sign_in(name).await;
    let call = world.with_token(&progress.session.token).await;
    let mut key = SoftPasskey::new(byte);
    let ceremony = world.services.me.add_passkey_begin(&call).await.unwrap();
    let (_, codes) = world
        .services
        .me
        .add_passkey_finish(&call, &ceremony.id, &key.create(&ceremony.options), "Laptop")
        .await
        .unwrap();
    assert_eq!(codes.0.len(), 10);
    Owner { id, key }
}

async fn nameless(world: &World, key: &SoftPasskey) -> Result<Progress> {
    let call = world.anonymous();
    let ceremony = world.services.sign_in.passkey_begin(&call).await?;
    world.services.sign_in.passkey_finish(&call, &ceremony.id, &key.get(&ceremony.options), None).await
}

#[tokio::test]
async fn a_passkey_signs_in_without_name_and_password() {
    let world = World::new().await;
    let alice = owner(&world, "alice", 1).await;
    let progress = nameless(&world, &alice.key).await.unwrap();
    assert!(matches!(progress.step, Step::Done(_)));
    let call = world.with_token(&progress.session.token).await;
    assert!(matches!(&call.actor, Actor::Person(person) if person.strong && person.user == alice.id));
    let listed = world.services.me.security(&call).await.unwrap().factors;
    assert_eq!(listed.first().unwrap().name, "Laptop");
    assert!(listed.first().unwrap().last_used_at.is_some());
}

#[tokio::test]
async fn a_passkey_is_a_second_step_and_a_confirmation() {
    let world = World::new().await;
    let alice = owner(&world, "alice", 1).await;
    let half = world.half_way("alice").await;
    let choices = world.services.sign_in.second_factor_choices(&half).await.unwrap();
    assert!(choices.passkey && !choices.totp && choices.recovery_codes);
    let ceremony = world.services.sign_in.second_passkey_begin(&half).await.unwrap();
    let answer = alice.key.get(&ceremony.options);
    // The ceremony belongs to this session and is used once.
    let other = world.half_way("alice").await;
    assert!(
        world.services.sign_in.second_passkey_finish(&other, &ceremony.id, &answer).await.is_err(),
        "bound to the session"
    );
    let progress = world.services.sign_in.second_passkey_finish(&half, &ceremony.id, &answer).await.unwrap();
    assert!(matches!(progress.step, Step::Done(_)));
    world.clock.advance(10 * Timestamp::MINUTE);
    let call = world.with_token(&progress.session.token).await;
    assert_eq!(world.services.me.add_totp_begin(&call).await.unwrap_err().kind(), Refusal::ConfirmNeeded, "MFA-11");
    let ceremony = world.services.me.confirm_passkey_begin(&call).await.unwrap();
    let answer = alice.key.get(&ceremony.options);
    let grant = world.services.me.confirm_passkey_finish(&call, &ceremony.id, &answer).await.unwrap();
    let call = world.with_token(&grant.token).await;
    world.services.me.add_totp_begin(&call).await.unwrap();
    assert!(
        world.services.me.confirm_passkey_finish(&call, &ceremony.id, &answer).await.is_err(),
        "used once (MFA-15)"
    );
}

#[tokio::test]
async fn every_wrong_detail_of_an_answer_is_refused() {
    let world = World::new().await;
    let mut alice = owner(&world, "alice", 1).await;
    let faults: [(&str, Spoil); 11] = [
        ("another origin", |key| key.origin = "http://evil.example".into()),
        ("another port", |key| key.origin = "http://localhost:8081".into()),
        ("another scheme", |key| key.origin = "https://localhost:8080".into()),
        ("another RP", |key| key.rp_id = "evil.example".into()),
        ("another type", |key| key.kind_of_answer = "webauthn.create"),
        ("another challenge", |key| key.challenge = Some(URL_SAFE_NO_PAD.encode([7; 32]))),
        ("nobody present", |key| key.flags &= !1),
        ("nobody verified", |key| key.flags &= !4),
        ("backed up but not eligible", |key| key.flags = (key.flags & !8) | 16),
        ("another person", |key| key.user_handle = vec![9; 16]),
        ("another credential", |key| key.credential = vec![9; 32]),
    ];
    for (what, spoil) in faults {
        let mut spoilt = SoftPasskey::new(1);
        std::mem::swap(&mut spoilt, &mut alice.key);
        let (origin, rp, handle, credential, flags) = (
            spoilt.origin.clone(),
            spoilt.rp_id.clone(),
            spoilt.user_handle.clone(),
            spoilt.credential.clone(),
            spoilt.flags,
        );
        spoil(&mut spoilt);
        let error = nameless(&world, &spoilt).await.expect_err(what);
        assert_eq!(error.kind(), Refusal::Invalid, "{what} (MFA-15, MFA-17)");
        let half = world.half_way("alice").await;
        let ceremony = world.services.sign_in.second_passkey_begin(&half).await.unwrap();
        let answer = spoilt.get(&ceremony.options);
        // The person is known in the second step: the handle says nothing there.
        if what != "another person" {
            let refused = world.services.sign_in.second_passkey_finish(&half, &ceremony.id, &answer).await;
            assert!(refused.is_err(), "{what} (MFA-15, MFA-17)");
        }
        (spoilt.origin, spoilt.rp_id, spoilt.user_handle, spoilt.credential, spoilt.flags) =
            (origin, rp, handle, credential, flags);
        spoilt.kind_of_answer = "webauthn.get";
        spoilt.challenge = None;
        std::mem::swap(&mut spoilt, &mut alice.key);
    }
    nameless(&world, &alice.key).await.unwrap();
}

#[tokio::test]
async fn a_challenge_is_good_for_five_minutes_and_once() {
    let world = World::new().await;
    let alice = owner(&world, "alice", 1).await;
    let call = world.anonymous();
    let ceremony = world.services.sign_in.passkey_begin(&call).await.unwrap();
    let answer = alice.key.get(&ceremony.options);
    let second = world.second_node().await.unwrap();
    let (one, other) = tokio::join!(
        world.services.sign_in.passkey_finish(&call, &ceremony.id, &answer, None),
        second.sign_in.passkey_finish(&call, &ceremony.id, &answer, None)
    );
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|ok| **ok).count(), 1, "once, on all nodes (MFA-15)");
    let late = world.services.sign_in.passkey_begin(&call).await.unwrap();
    world.clock.advance(5 * Timestamp::MINUTE);
    let answer = alice.key.get(&late.options);
    assert!(
        world.services.sign_in.passkey_finish(&world.anonymous(), &late.id, &answer, None).await.is_err(),
        "MFA-15"
    );
    for nonsense in ["", "x", "AAAA", late.id.get(..60).unwrap()] {
        assert!(world.services.sign_in.passkey_finish(&world.anonymous(), nonsense, &answer, None).await.is_err());
    }
}

#[tokio::test]
async fn no_altered_byte_is_accepted() {
    let world = World::new().await;
    let alice = owner(&world, "alice", 1).await;
    let call = world.anonymous();
    let ceremony = world.services.sign_in.passkey_begin(&call).await.unwrap();
    let right = alice.key.get(&ceremony.options);
    let mut tried = 0;
    for field in ["authenticatorData", "clientDataJSON", "signature"] {
        let answer: serde_json::Value = serde_json::from_str(&right).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(answer["response"][field].as_str().unwrap()).unwrap();
        for index in 0..bytes.len() {
            for bit in [1_u8, 0x80] {
                let mut altered = bytes.clone();
                altered[index] ^= bit;
                let mut answer = answer.clone();
                answer["response"][field] = URL_SAFE_NO_PAD.encode(&altered).into();
                let outcome =
                    world.services.sign_in.passkey_finish(&call, &ceremony.id, &answer.to_string(), None).await;
                assert!(outcome.is_err(), "{field}, byte {index} (MFA-22)");
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "{tried} alterations");
    world.services.sign_in.passkey_finish(&call, &ceremony.id, &right, None).await.unwrap();
}

#[tokio::test]
async fn a_counter_that_goes_backwards_ends_the_passkey() {
    let world = World::new().await;
    let mut alice = owner(&world, "alice", 1).await;
    alice.key.counter = 7;
    nameless(&world, &alice.key).await.unwrap();
    assert!(nameless(&world, &alice.key).await.is_err(), "the same counter again (MFA-18)");
    let row = factor::Entity::find().one(world.services.core.store.read()).await.unwrap().unwrap();
    assert!(row.flagged, "MFA-18");
    assert!(
        world
            .audited("CredentialVerification")
            .await
            .iter()
            .any(|(outcome, person)| outcome == "failure" && person.contains("copied"))
    );
    alice.key.counter = 100;
    assert!(nameless(&world, &alice.key).await.is_err(), "a marked passkey stays refused (MFA-18)");
    let half = world.half_way("alice").await;
    assert!(world.services.sign_in.second_passkey_begin(&half).await.is_err());
}

#[tokio::test]
async fn a_credential_belongs_to_one_person() {
    let world = World::new().await;
    let _alice = owner(&world, "alice", 1).await;
    world.person("mallory").await;
    let progress = world.sign_in("mallory").await;
    let call = world.with_token(&progress.session.token).await;
    let ceremony = world.services.me.add_passkey_begin(&call).await.unwrap();
    let answer = SoftPasskey::new(1).create(&ceremony.options);
    let error = world.services.me.add_passkey_finish(&call, &ceremony.id, &answer, "").await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict, "MFA-20");
}

#[tokio::test]
async fn disabled_people_and_ip_addresses_have_no_passkeys() {
    let world = World::new().await;
    let alice = owner(&world, "alice", 1).await;
    world.set(alice.id, user::Column::Status, "disabled").await;
    let error = nameless(&world, &alice.key).await.unwrap_err();
    assert_eq!(error.outside(), "The passkey was not accepted.", "PW-30");
    let world = World::with(|open| open.public_url = Url::parse("http://127.0.0.1:8080").unwrap()).await;
    assert_eq!(world.services.sign_in.passkey_begin(&world.anonymous()).await.unwrap_err().kind(), Refusal::Forbidden);
    world.person("bob").await;
    let progress = world.sign_in("bob").await;
    let call = world.with_token(&progress.session.token).await;
    assert!(world.services.me.security(&call).await.unwrap().passkeys_off);
    assert!(world.services.me.add_passkey_begin(&call).await.is_err());
}

#[tokio::test]
async fn guesses_of_the_password_do_not_stop_a_passkey() {
    let world = World::new().await;
    let alice = owner(&world, "alice", 1).await;
    let mut stopped = false;
    for number in 0..250 {
        world.clock.advance(Timestamp::MINUTE);
        let call = world.from(&format!("198.51.{}.{}", number / 200, number % 200));
        stopped |= world.try_password(&call, "alice", "wrong").await.unwrap_err().outside().contains("passkey");
    }
    assert!(stopped, "a hundred failures stop passwords (PW-08)");
    nameless(&world, &alice.key).await.expect("a passkey is never blocked (PW-12)");
    world.clock.advance(Timestamp::HOUR);
    assert_eq!(
        world.try_password(&world.anonymous(), "alice", PASSWORD).await.unwrap().step,
        Step::SecondFactor,
        "and it opens the name again"
    );
}
