//! Who sees and decides what, and who reaches what.

use model::{AssignmentId, Refusal, Role};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::{PROD, Place, SANDBOX, TEST, limited};
use crate::access::Principal;
use crate::access::accounts::AccountsQuery;
use crate::access::assignments::{GrantsFilter, GrantsOf, Proposal, Purpose};
use crate::page::PageRequest;
use crate::store::entity::administrator;

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
    let outside = assignments
        .list(&call, GrantsOf::Account(SANDBOX.parse().unwrap()), &GrantsFilter::default(), &page)
        .await
        .unwrap_err();
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
