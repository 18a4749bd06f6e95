//! What is put together step by step.

use model::{AccountTarget, Refusal, Role, Timestamp, UserId};

use super::{PROD, Place, SANDBOX, TEST, limited};
use crate::access::Principal;
use crate::access::accounts::AccountsQuery;
use crate::access::assignments::{Choice, GrantsFilter, Proposal, Purpose, Renewed};
use crate::store::entity::assignment;

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
async fn renewing_some_leaves_everything_else_with_the_same_people_and_places() {
    let place = Place::new().await;
    let assignments = &place.world.services.assignments;
    let (ann, bob) = (place.world.bare("ann").await, place.world.bare("bob").await);
    let expires = Some(place.world.clock.now().plus(Timestamp::DAY));
    let both = [Principal::User(ann), Principal::User(bob)];
    place.apply(&place.admin, &Proposal { expires, ..place.grant(&[PROD, TEST], &both) }).await;
    let of = |rows: &[assignment::Model], user: UserId, target: &str| {
        rows.iter().find(|row| row.principal_id == user.to_string() && row.target == target).cloned().unwrap()
    };
    let before = place.stored().await;
    // Together they name both people and both accounts, and are still two and not four.
    let ids = [of(&before, ann, PROD), of(&before, bob, TEST)].map(|row| row.id.parse().unwrap());
    let draft = assignments.begin_renewal(&place.admin, &Renewed::These(ids.to_vec()), "").await.unwrap();
    let later = Some(place.world.clock.now().plus(30 * Timestamp::DAY));
    assignments.set_terms(&place.admin, &draft, Purpose::Alter, later, "").await.unwrap();
    let kept = assignments.draft(&place.admin, &draft).await.unwrap();
    let review = assignments.plan(&place.admin, &kept.proposal).await.unwrap();
    assert_eq!((review.updates, review.unchanged, review.affected), (2, 0, 0));
    let change = assignments.apply(&place.admin, &kept.proposal, &review.digest).await.unwrap().change.unwrap();
    let after = place.stored().await;
    for (user, target, renewed) in [(ann, PROD, true), (ann, TEST, false), (bob, PROD, false), (bob, TEST, true)] {
        let end = if renewed { later } else { expires };
        assert_eq!(of(&after, user, target).expires_at, end.map(|at| at.0), "{target}");
    }
    assignments.undo(&place.admin, &change).await.unwrap();
    assert_eq!(place.stored().await, before);

    // What has gone since is said, and all that end are those that the search shows.
    let revoke = Proposal { purpose: Purpose::Revoke, ..place.grant(&[PROD], &[Principal::User(ann)]) };
    place.apply(&place.admin, &revoke).await;
    let gone = assignments.begin_renewal(&place.admin, &Renewed::These(ids.to_vec()), "").await.unwrap_err();
    assert_eq!(gone.kind(), Refusal::Conflict);
    let filter = GrantsFilter { account: "test".to_owned(), ..GrantsFilter::default() };
    let all = Renewed::Ending { before: place.world.clock.now().plus(2 * Timestamp::DAY), filter };
    let draft = assignments.begin_renewal(&place.admin, &all, "").await.unwrap();
    let kept = assignments.draft(&place.admin, &draft).await.unwrap().proposal;
    assert_eq!(kept.only.iter().map(|key| key.target.to_string()).collect::<Vec<_>>(), [TEST, TEST]);
}

#[tokio::test]
async fn what_cannot_be_assigned_in_is_not_chosen() {
    let place = Place::new().await;
    let assignments = &place.world.services.assignments;
    let (_, call) = limited(&place, "lea").await;
    let draft = assignments.begin_draft(&call, &[], "").await.unwrap();
    for target in [SANDBOX, "999999999999", "/**", "/workloadsx"] {
        let choice = Choice::Target(AccountTarget::parse(target).unwrap());
        let refused = assignments.choose(&call, &draft, std::slice::from_ref(&choice)).await.unwrap_err();
        assert_eq!((refused.kind(), refused.field()), (Refusal::Invalid, Some("account")), "{target} (AUTHZ-09)");
        assert!(assignments.begin_draft(&call, &[choice], "").await.is_err(), "{target} (AUTHZ-09)");
    }
    assignments.choose_accounts(&call, &draft, &AccountsQuery::default()).await.unwrap();
    let kept = assignments.draft(&call, &draft).await.unwrap().proposal;
    assert_eq!(kept.targets.iter().map(ToString::to_string).collect::<Vec<_>>(), [PROD, TEST]);
}
