//! Assignments on a real database: what is shown is what happens, all of it or nothing.

use std::collections::BTreeSet;

use model::{AccountTarget, AssignmentId, GroupId, PermissionSetId, Refusal, Role, Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;

use super::rows::{self, GrantKey, NewGrant, Rows};
use super::{Choice, GrantsFilter, GrantsOf, Proposal, Purpose, Warning, remove_ended};
use crate::access::Principal;
use crate::access::accounts::AccountsQuery;
use crate::access::permission_sets::PermissionSetInput;
use crate::call::Call;
use crate::page::PageRequest;
use crate::secret::Secret;
use crate::store::entity::{account, administrator, assignment, permission_set, user};
use crate::testing::World;

/// Three accounts, two sets.
struct Place {
    world: World,
    admin: Call,
    read_only: PermissionSetId,
    power: PermissionSetId,
}

const PROD: &str = "111122223333";
const TEST: &str = "222233334444";
const SANDBOX: &str = "333344445555";

impl Place {
    async fn new() -> Self {
        let world = World::new().await;
        let admin = world.admin("adam", Role::Admin).await;
        let admin = world.by(admin).await;
        for (id, name, path) in
            [(PROD, "Production", "/workloads/prod"), (TEST, "Test", "/workloads/test"), (SANDBOX, "Sandbox", "/")]
        {
            add_account(&world, id, name, path).await;
        }
        let read_only = add_set(&world, 1, "ReadOnly", &json!([])).await;
        let power = add_set(&world, 2, "Admin", &json!(["arn:aws:iam::aws:policy/AdministratorAccess"])).await;
        Self { world, admin, read_only, power }
    }

    async fn group(&self, name: &str, members: &[UserId]) -> GroupId {
        let operator = self.world.operator();
        let group = self.world.services.groups.create(&operator, name, "").await.unwrap();
        for member in members {
            self.world.services.groups.add_member(&operator, group, *member).await.unwrap();
        }
        group
    }

    fn grant(&self, targets: &[&str], principals: &[Principal]) -> Proposal {
        Proposal {
            targets: targets.iter().map(|target| AccountTarget::parse(target).unwrap()).collect(),
            principals: principals.iter().copied().collect(),
            sets: [self.read_only].into(),
            ..Proposal::default()
        }
    }

    /// Looks at what it would do, and does it.
    async fn apply(&self, call: &Call, proposal: &Proposal) -> super::Applied {
        let review = self.world.services.assignments.plan(call, proposal).await.unwrap();
        self.world.services.assignments.apply(call, proposal, &review.digest).await.unwrap()
    }

    async fn stored(&self) -> Vec<assignment::Model> {
        let mut rows = assignment::Entity::find().all(self.world.services.core.store.read()).await.unwrap();
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        rows
    }

    /// What a person reaches, as `account set`.
    async fn reached(&self, user: UserId) -> Vec<String> {
        let call = self.world.call(self.admin.actor.clone());
        let page = PageRequest { size: Some(200), ..PageRequest::default() };
        let page = self.world.services.assignments.access_of(&call, user, "", &page).await.unwrap();
        page.rows.iter().map(|row| format!("{} {}", row.account, row.set_name)).collect()
    }
}

async fn add_account(world: &World, id: &str, name: &str, path: &str) {
    let row = account::Model {
        id: id.to_owned(),
        name: name.to_owned(),
        name_key: model::name_key(name),
        email: String::new(),
        path: path.to_owned(),
        status: "active".to_owned(),
        broker: json!({"type": "local"}),
        tags: json!({}),
        created_at: 0,
        updated_at: 0,
        version: 1,
    };
    let store = &world.services.core.store;
    account::Entity::insert(account::ActiveModel::from(row).reset_all())
        .exec_without_returning(store.write())
        .await
        .unwrap();
}

async fn add_set(world: &World, number: u8, name: &str, policies: &serde_json::Value) -> PermissionSetId {
    let id = PermissionSetId::from_random([number; 8]);
    let row = permission_set::Model {
        id: id.to_string(),
        name: name.to_owned(),
        name_key: model::name_key(name),
        description: String::new(),
        session_seconds: 3600,
        relay_state: String::new(),
        managed_policies: policies.clone(),
        customer_policies: json!([]),
        inline_policy: None,
        boundary: serde_json::Value::Null,
        tags: json!({}),
        require_fresh_factor: false,
        last_used_at: None,
        created_at: 0,
        updated_at: 0,
        version: 1,
    };
    let store = &world.services.core.store;
    permission_set::Entity::insert(permission_set::ActiveModel::from(row).reset_all())
        .exec_without_returning(store.write())
        .await
        .unwrap();
    id
}

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
    let told = |outcome: &Result<super::Applied, crate::Error>| outcome.as_ref().err().map(crate::Error::kind);
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

    place.world.clock.advance(super::UNDO_LASTS + 1);
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

/// An access administrator of `/workloads/**`.
async fn limited(place: &Place, name: &str) -> (UserId, Call) {
    let user = place.world.bare(name).await;
    let row = administrator::Model {
        id: format!("scope-{name}"),
        user_id: Some(user.to_string()),
        group_id: None,
        role: Role::AccessAdmin.as_str().to_owned(),
        break_glass: false,
        scope: Some(r#"["/workloads/**"]"#.to_owned()),
        created_at: 0,
    };
    administrator::Entity::insert(administrator::ActiveModel::from(row).reset_all())
        .exec_without_returning(place.world.services.core.store.write())
        .await
        .unwrap();
    (user, place.world.by(user).await)
}

#[tokio::test]
async fn access_administration_ends_at_its_path() {
    let place = Place::new().await;
    let assignments = &place.world.services.assignments;
    let (lea, call) = limited(&place, "lea").await;
    let ann = place.world.bare("ann").await;
    let hers = place.group("Hers", &[lea]).await;
    place.apply(&place.admin, &place.grant(&[SANDBOX, PROD, "/**"], &[Principal::User(ann)])).await;
    let everywhere = place.stored().await;

    for target in [SANDBOX, "/**", "/*", "/", "/workloadsx/**"] {
        for purpose in [Purpose::Grant, Purpose::Revoke, Purpose::Alter] {
            let proposal = Proposal { purpose, ..place.grant(&[target, PROD], &[Principal::User(ann)]) };
            let refused = assignments.plan(&call, &proposal).await.unwrap_err();
            assert_eq!(refused.kind(), Refusal::Forbidden, "{purpose:?} {target} (AUTHZ-09)");
            let refused = assignments.apply(&call, &proposal, "").await.unwrap_err();
            assert_eq!(refused.kind(), Refusal::Forbidden, "{purpose:?} {target} (AUTHZ-09)");
        }
    }
    for own in [Principal::User(lea), Principal::Group(hers)] {
        let refused = assignments.plan(&call, &place.grant(&[PROD], &[own])).await.unwrap_err();
        assert_eq!(refused.kind(), Refusal::Forbidden, "nobody raises their own rights (AUTHZ-09)");
    }
    assert_eq!(place.stored().await, everywhere);

    // What they see is what is theirs.
    let page = PageRequest::default();
    for of in [GrantsOf::Everybody, GrantsOf::Principal(Principal::User(ann)), GrantsOf::PermissionSet(place.read_only)]
    {
        let seen = assignments.list(&call, of, &GrantsFilter::default(), &page).await.unwrap();
        let targets: Vec<String> = seen.rows.iter().map(|row| row.target.to_string()).collect();
        assert_eq!(targets, [PROD], "{of:?} (AUTHZ-09)");
    }
    let outside = assignments.list(&call, GrantsOf::Account(SANDBOX.parse().unwrap()), &GrantsFilter::default(), &page).await.unwrap_err();
    assert_eq!(outside.kind(), Refusal::Forbidden, "(AUTHZ-09)");
    assert!(assignments.people_of(&call, SANDBOX.parse().unwrap(), "", &page).await.is_err());
    let reach = assignments.access_of(&call, ann, "", &page).await.unwrap();
    let accounts: Vec<String> = reach.rows.iter().map(|row| row.account.to_string()).collect();
    assert_eq!(accounts, [PROD, TEST], "through the rule, and not the one outside (AUTHZ-09)");
    let hidden = everywhere.iter().find(|row| row.target == SANDBOX).unwrap();
    assert!(assignments.get(&call, hidden.id.parse::<AssignmentId>().unwrap()).await.is_err(), "(AUTHZ-09)");
    let all = AccountsQuery::default();
    let found = place.world.services.accounts.all_to_assign(&call, &all).await.unwrap();
    assert_eq!(found, [PROD, TEST].map(|id| id.parse().unwrap()), "(AUTHZ-09)");

    // Inside they decide, and take back what they did; what others did elsewhere is not theirs.
    let inside = place.grant(&["/workloads/test"], &[Principal::User(ann)]);
    let change = place.apply(&call, &inside).await.change.unwrap();
    assignments.undo(&call, &change).await.unwrap();
    let by_admin = place.apply(&place.admin, &place.grant(&[SANDBOX, TEST], &[Principal::User(lea)])).await;
    let refused = assignments.undo(&call, &by_admin.change.unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::Forbidden, "(AUTHZ-09)");
    assert_eq!(assignments.changes(&call, &page).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_scope_narrowed_meanwhile_counts_at_once() {
    let place = Place::new().await;
    let assignments = &place.world.services.assignments;
    let (_, call) = limited(&place, "lea").await;
    let ann = place.world.bare("ann").await;
    let change = place.apply(&call, &place.grant(&[TEST], &[Principal::User(ann)])).await.change.unwrap();
    let proposal = place.grant(&[PROD], &[Principal::User(ann)]);
    let review = assignments.plan(&call, &proposal).await.unwrap();
    // The request was authorised when it came in; since then its scope became another.
    administrator::Entity::update_many()
        .col_expr(administrator::Column::Scope, Expr::value(r#"["/elsewhere/**"]"#))
        .filter(administrator::Column::Id.eq("scope-lea"))
        .exec(place.world.services.core.store.write())
        .await
        .unwrap();
    let before = place.stored().await;
    let refused = assignments.apply(&call, &proposal, &review.digest).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::Forbidden, "(AUTHZ-09)");
    let refused = assignments.undo(&call, &change).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::Forbidden, "(AUTHZ-09)");
    assert_eq!(place.stored().await, before);
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

#[tokio::test]
async fn others_do_not_assign() {
    let place = Place::new().await;
    let ann = Principal::User(place.world.bare("ann").await);
    let proposal = place.grant(&[PROD], &[ann]);
    for role in [Role::Auditor, Role::Helpdesk] {
        let user = place.world.admin(role.as_str(), role).await;
        let call = place.world.by(user).await;
        let refused = place.world.services.assignments.plan(&call, &proposal).await.unwrap_err();
        assert_eq!(refused.kind(), Refusal::Forbidden, "{role:?} (AUTHZ-02)");
    }
    let refused = place.world.services.assignments.plan(&place.world.anonymous(), &proposal).await.unwrap_err();
    assert_eq!(refused.kind(), Refusal::SignInNeeded);
}

#[tokio::test]
async fn a_draft_belongs_to_who_makes_it() {
    let place = Place::new().await;
    let assignments = &place.world.services.assignments;
    let ann = Principal::User(place.world.bare("ann").await);
    let draft = assignments.begin_draft(&place.admin, &[Choice::Principal(ann)], "/admin/groups").await.unwrap();
    let rule = Choice::Target(AccountTarget::parse("/workloads/**").unwrap());
    assignments.choose(&place.admin, &draft, &[rule, Choice::Set(place.read_only)]).await.unwrap();
    let query = AccountsQuery { search: "workloads".to_owned(), ..AccountsQuery::default() };
    assignments.choose_accounts(&place.admin, &draft, &query).await.unwrap();
    let gone = Choice::Target(AccountTarget::parse(TEST).unwrap());
    assignments.drop_choices(&place.admin, &draft, &[gone]).await.unwrap();
    let kept = assignments.draft(&place.admin, &draft).await.unwrap().proposal;
    assert_eq!(kept, place.grant(&[PROD, "/workloads/**"], &[ann]));
    let other = place.world.admin("berta", Role::Admin).await;
    let other = place.world.by(other).await;
    assert_eq!(assignments.draft(&other, &draft).await.unwrap_err().kind(), Refusal::NotFound, "(AUTHZ-03)");
}

#[tokio::test]
async fn who_reaches_an_account_is_told_with_the_way_there() {
    let place = Place::new().await;
    let (ann, bob) = (place.world.bare("ann").await, place.world.bare("bob").await);
    let group = place.group("Engineers", &[ann]).await;
    place.apply(&place.admin, &place.grant(&["/workloads/*"], &[Principal::Group(group)])).await;
    place.apply(&place.admin, &place.grant(&[PROD, SANDBOX], &[Principal::User(ann), Principal::User(bob)])).await;
    let assignments = &place.world.services.assignments;
    let people = assignments.people_of(&place.admin, PROD.parse().unwrap(), "", &PageRequest::default()).await.unwrap();
    let names: Vec<&str> = people.rows.iter().map(|row| row.user_name.as_str()).collect();
    assert_eq!(names, ["ann", "bob"]);
    let via: Vec<Option<&str>> =
        people.rows[0].sets[0].via.iter().map(|via| via.group.as_ref().map(|(_, name)| name.as_str())).collect();
    assert_eq!(via, [None, Some("Engineers")]);

    // Pages of one row lead through the whole list and back.
    let mut page = PageRequest { size: Some(1), ..PageRequest::default() };
    let first = assignments.access_of(&place.admin, ann, "", &page).await.unwrap();
    assert_eq!((first.total, first.rows[0].account.as_str()), (Some(3), PROD));
    page.cursor = first.next;
    let second = assignments.access_of(&place.admin, ann, "", &page).await.unwrap();
    assert_eq!(second.rows[0].account.as_str(), SANDBOX);
    page.cursor = second.previous;
    let back = assignments.access_of(&place.admin, ann, "", &page).await.unwrap();
    assert_eq!(back.rows[0].account.as_str(), PROD);
}

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
