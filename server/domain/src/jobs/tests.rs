//! Mail to a real SMTP server of the test, settings on two nodes, and secrets at rest.

use model::{Refusal, Role, Timestamp};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::figures::Deliveries;
use super::mail::{MailSettings, MailTls};
use super::outbox::{self, MOST_ATTEMPTS};
use crate::Secret;
use crate::call::{Actor, Call};
use crate::identity::people::LinkSent;
use crate::identity::test_admins::input;
use crate::settings::Webhook;
use crate::store::entity::outbox as row;
use crate::testing::World;

fn job(world: &World) -> Call {
    Call::local(Actor::System("outbox"), "test", world.clock.now())
}

fn mail_at(port: u16) -> MailSettings {
    MailSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: MailTls::None,
        username: None,
        password: None,
        from: "Portal <portal@example.com>".to_owned(),
    }
}

/// Speaks SMTP on a free port; answers the recipient with `answer` and hands each mail over.
async fn smtp(answer: &'static str) -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (hand, mails) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut mail = String::new();
            stream.write_all(b"220 test\r\n").await.unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                let reply = match line.get(..4).unwrap_or_default() {
                    "EHLO" => "250 test",
                    "RCPT" => answer,
                    "DATA" => {
                        stream.write_all(b"354 go\r\n").await.unwrap();
                        loop {
                            line.clear();
                            stream.read_line(&mut line).await.unwrap();
                            if line == ".\r\n" {
                                break;
                            }
                            mail.push_str(&line);
                        }
                        hand.send(std::mem::take(&mut mail)).unwrap();
                        "250 taken as 42"
                    }
                    "QUIT" => "221 bye",
                    _ => "250 ok",
                };
                if stream.write_all(format!("{reply}\r\n").as_bytes()).await.is_err() {
                    break;
                }
                line.clear();
            }
        }
    });
    (port, mails)
}

#[tokio::test]
async fn an_invitation_leaves_by_mail_once_and_is_not_kept() {
    let (port, mut mails) = smtp("250 ok").await;
    let world = World::with(|open| open.mail = Some(mail_at(port))).await;
    let admin = world.admin("root", Role::Admin).await;
    let call = world.by(admin).await;
    let alice = world.services.people.create(&call, &input("alice", "Alïce", "Liddell"), &[]).await.unwrap();
    assert!(matches!(world.services.people.invite(&call, alice).await.unwrap(), LinkSent::ByMail));
    let waiting = row::Entity::find().all(world.services.core.store.read()).await.unwrap();
    assert!(waiting.iter().all(|row| !row.sealed.contains("/start/link/")), "sealed at rest (CRY-01)");

    let round = world.services.jobs.run_due(&job(&world)).await.unwrap();
    assert_eq!((round.delivered, round.failed), (1, 0));
    let mail = mails.recv().await.unwrap();
    assert!(mail.contains("To: alice@example.com") && mail.contains("Auto-Submitted: auto-generated"), "{mail}");
    assert!(mail.contains("Date: Thu, 01 Jan 2026 00:00:00"), "the moment of the change: {mail}");
    assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().delivered, 0, "once");
    let rows = row::Entity::find().all(world.services.core.store.read()).await.unwrap();
    assert!(rows.iter().all(|row| row.sealed.is_empty() && row.done_at.is_some()), "what has left is not kept");
}

#[tokio::test]
async fn a_mail_is_tried_again_with_growing_waits_and_given_up_in_the_end() {
    let (port, mut mails) = smtp("450 try later").await;
    let world = World::with(|open| open.mail = Some(mail_at(port))).await;
    let core = &world.services.core;
    let mut change = core.store.begin().await.unwrap();
    outbox::enqueue_mail(change.txn(), core, world.clock.now(), "a@example.com", "Subject", "Text").await.unwrap();
    change.audit(&job(&world), crate::audit::Event::done("Test"));
    change.commit().await.unwrap();
    let mut waits = Vec::new();
    for _ in 0..MOST_ATTEMPTS {
        assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().failed, 1);
        assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().failed, 0, "not before its time");
        let Some(due) = outbox::next_due(core).await.unwrap() else { break };
        waits.push(due.since(world.clock.now()));
        world.clock.advance(due.since(world.clock.now()));
    }
    assert_eq!(waits.len(), usize::try_from(MOST_ATTEMPTS).unwrap() - 1);
    assert!(waits.is_sorted() && waits[1] == 2 * waits[0], "{waits:?}");
    let rows = row::Entity::find().all(core.store.read()).await.unwrap();
    assert!(rows[0].failed_at.is_some() && rows[0].last_error.as_ref().unwrap().contains("450"), "{rows:?}");
    assert!(mails.try_recv().is_err());
    world.clock.advance(8 * Timestamp::DAY);
    assert_eq!(world.services.jobs.sweep(&job(&world)).await.unwrap().outbox, 1);
    assert_eq!(row::Entity::find().count(core.store.read()).await.unwrap(), 0);
}

#[tokio::test]
async fn operators_see_how_long_the_queues_are_and_how_old() {
    let (port, _mails) = smtp("450 try later").await;
    let world = World::with(|open| open.mail = Some(mail_at(port))).await;
    let core = &world.services.core;
    let mails = async || world.services.jobs.queues(&job(&world)).await.unwrap().outbox["mail"];
    assert_eq!(mails().await, Deliveries::default());
    outbox::enqueue_mail(core.store.write(), core, world.clock.now(), "a@example.com", "S", "T").await.unwrap();
    world.clock.advance(5_000);
    outbox::enqueue_mail(core.store.write(), core, world.clock.now(), "b@example.com", "S", "T").await.unwrap();
    assert_eq!(mails().await, Deliveries { pending: 2, oldest: 5_000, ..Deliveries::default() });
    world.services.jobs.run_due(&job(&world)).await.unwrap();
    assert_eq!(mails().await, Deliveries { pending: 2, retried: 2, oldest: 5_000, ..Deliveries::default() });
    while let Some(due) = outbox::next_due(core).await.unwrap() {
        world.clock.advance(due.since(world.clock.now()));
        world.services.jobs.run_due(&job(&world)).await.unwrap();
    }
    assert_eq!(mails().await, Deliveries { given_up: 2, ..Deliveries::default() });

    let made = || world.services.jobs.passwords(&job(&world)).unwrap().made;
    let before = made();
    assert!(world.try_password(&world.anonymous(), "nobody", "wrong").await.is_err());
    assert_eq!(made() - before, 1);
    assert!(world.services.jobs.queues(&world.anonymous()).await.is_err(), "for jobs only");
    assert!(world.services.jobs.passwords(&world.operator()).is_err(), "for jobs only");
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_not_repeated() {
    let (port, _mails) = smtp("550 no such person").await;
    let world = World::with(|open| open.mail = Some(mail_at(port))).await;
    let core = &world.services.core;
    outbox::enqueue_mail(core.store.write(), core, world.clock.now(), "a@example.com", "S", "T").await.unwrap();
    assert_eq!(world.services.jobs.run_due(&job(&world)).await.unwrap().failed, 1);
    assert_eq!(outbox::next_due(core).await.unwrap(), None);
}

#[tokio::test]
async fn two_nodes_deliver_each_mail_once_and_a_dead_node_leaves_its_mail_to_the_other() {
    let (port, mut mails) = smtp("250 ok").await;
    let world = World::with(|open| open.mail = Some(mail_at(port))).await;
    let other = world.second_node().await.unwrap();
    let core = &world.services.core;
    for n in 0..20 {
        outbox::enqueue_mail(core.store.write(), core, world.clock.now(), "a@example.com", &format!("S{n}"), "T")
            .await
            .unwrap();
    }
    let call = job(&world);
    let (one, two) = tokio::join!(world.services.jobs.run_due(&call), other.jobs.run_due(&call));
    assert_eq!(one.unwrap().delivered + two.unwrap().delivered, 20, "(DB-03)");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let mail = mails.recv().await.unwrap();
        assert!(seen.insert(mail.lines().find(|line| line.starts_with("Subject")).unwrap().to_owned()), "twice");
    }
    // A node takes a row and dies.
    outbox::enqueue_mail(core.store.write(), core, world.clock.now(), "a@example.com", "S", "T").await.unwrap();
    assert_eq!(outbox::take(core, world.clock.now(), 8).await.unwrap().len(), 1);
    assert_eq!(other.jobs.run_due(&call).await.unwrap().delivered, 0, "the lease holds");
    world.clock.advance(3 * Timestamp::MINUTE);
    assert_eq!(other.jobs.run_due(&job(&world)).await.unwrap().delivered, 1, "and ends");
}

#[test]
fn mail_without_protection_stays_on_this_machine() {
    let far = MailSettings { host: "mail.example.com".to_owned(), ..mail_at(25) };
    assert_eq!(far.check().unwrap_err().field(), Some("smtp.tls"), "(CRY-15)");
    assert!(mail_at(25).check().is_ok());
    let bad = MailSettings { from: "a@b\r\nBcc: c@d".to_owned(), ..mail_at(25) };
    assert_eq!(bad.check().unwrap_err().field(), Some("smtp.from"), "(WEB-22)");
    let secret = MailSettings { username: Some("u".into()), password: Some(Secret::new("canary")), ..mail_at(25) };
    assert!(!format!("{secret:?}{}", secret.describe()).contains("canary"));
}

#[tokio::test]
async fn settings_change_by_version_and_reach_the_other_node() {
    let world = World::new().await;
    let other = world.second_node().await.unwrap();
    let owner = world.admin("root", Role::Owner).await;
    let auditor = world.admin("auditor", Role::Auditor).await;
    let call = world.by(owner).await;
    let settings = &world.services.settings;
    let view = settings.get(&call).await.unwrap();
    let mut changed = view.settings.clone();
    changed.session.idle_minutes = 30;
    settings.update(&call, view.version, changed.clone()).await.unwrap();
    let error = settings.update(&call, view.version, changed.clone()).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Conflict, "the second editor is told (DB-05)");
    assert_eq!(world.services.settings_now().session.idle_minutes, 30);
    assert_eq!(other.settings_now().session.idle_minutes, 60);
    other.jobs.run_due(&job(&world)).await.unwrap();
    assert_eq!(other.settings_now().session.idle_minutes, 30, "a second later the other node knows");
    changed.session.idle_minutes = 1;
    let error = settings.update(&call, view.version + 1, changed.clone()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (Refusal::Invalid, Some("idle_minutes")));
    let forged = Webhook {
        id: "x".into(),
        url: "https://example.com".into(),
        events: vec!["*".into()],
        sealed_secret: "k.x".into(),
        secret_from: None,
    };
    let error = settings
        .update(&call, view.version + 1, crate::settings::Settings { webhooks: vec![forged], ..view.settings })
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("webhooks"));
    let error = settings.update(&world.by(auditor).await, view.version + 1, changed).await.unwrap_err();
    assert_eq!(error.kind(), Refusal::Forbidden);
    let (_, entry) = world.audited("UpdateInstance").await.remove(0);
    assert!(entry.contains(r#""session.idleMinutes":{"from":60,"to":30}"#), "{entry}");
    assert!(!entry.contains("organizationName"), "only what changed: {entry}");
}

#[tokio::test]
async fn the_test_mail_says_what_the_server_said() {
    let (port, mut mails) = smtp("250 ok").await;
    let world = World::with(|open| open.mail = Some(mail_at(port))).await;
    let owner = world.admin("root", Role::Owner).await;
    let answer = world.services.settings.test_mail(&world.by(owner).await).await.unwrap();
    assert!(answer.contains("taken as 42"), "{answer}");
    assert!(mails.recv().await.unwrap().contains("To: root@example.com"));
    let world = World::new().await;
    let owner = world.admin("root", Role::Owner).await;
    assert_eq!(
        world.services.settings.test_mail(&world.by(owner).await).await.unwrap_err().kind(),
        Refusal::Unavailable
    );
}

/// Everything secret that passes through an installation, and where it comes to lie.
#[tokio::test]
async fn no_secret_lies_at_rest_in_clear() {
    let world = World::with(|open| open.mail = Some(mail_at(1))).await;
    let core = &world.services.core;
    let owner = world.admin("root", Role::Owner).await;
    let call = world.by(owner).await;
    let enrolled = world.enrolled("alice").await;
    let session = world.sign_in_strongly("alice", &enrolled.secret).await.session;
    let call = Call { now: world.clock.now(), ..call };
    let hook = Secret::new("canary-of-the-webhook");
    world.services.streams.add_webhook(&call, "https://1.1.1.1/", &["*".into()], Some(hook.clone())).await.unwrap();
    let bob = world.services.people.create(&call, &input("bob", "Bob", "Builder"), &[]).await.unwrap();
    assert!(matches!(world.services.people.invite(&call, bob).await.unwrap(), LinkSent::ByMail));
    let shown = world.services.settings.get(&world.by(owner).await).await.unwrap();
    assert!(shown.settings.webhooks.iter().all(|hook| hook.sealed_secret.is_empty()), "write-only (AUTHZ-24)");

    let row = row::Entity::find().all(core.store.read()).await.unwrap().pop().unwrap();
    let mail = core.keys.open(crate::keys::Place("outbox", "sealed", &row.id), &row.sealed).unwrap();
    let mail = String::from_utf8(mail.to_vec()).unwrap();
    let link = mail.split("/start/link/").nth(1).map(|rest| rest.chars().take(43).collect::<String>());
    let mut canaries = vec![
        crate::identity::test_people::PASSWORD.as_bytes().to_vec(),
        enrolled.secret.expose().as_bytes().to_vec(),
        data_encoding::BASE32_NOPAD.decode(enrolled.secret.expose().as_bytes()).unwrap(),
        session.token.expose().as_bytes().to_vec(),
        hook.expose().as_bytes().to_vec(),
    ];
    canaries.extend(session.device.iter().map(|device| device.expose().as_bytes().to_vec()));
    canaries.extend(enrolled.codes.iter().map(|code| code.expose().as_bytes().to_vec()));
    canaries.extend(link.map(String::into_bytes));

    let mut looked_at = 0;
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            looked_at += bytes.len();
            for canary in &canaries {
                let found = bytes.windows(canary.len()).any(|window| window == canary);
                assert!(!found, "{}: {} (CRY-01)", path.display(), String::from_utf8_lossy(canary));
            }
        }
    }
    assert!(core.store.is_postgres() || looked_at > 100_000, "the database file was looked at");
}
