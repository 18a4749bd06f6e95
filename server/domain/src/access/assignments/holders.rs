//! Who holds a permission set, in whatever account, and whether it is theirs or comes through groups.

use std::collections::{HashMap, HashSet};

use model::{GroupId, PermissionSetId, UserId};
use sea_orm::sea_query::{ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
    Select,
};

use super::{Assignments, names, within_reach};
use crate::access::{ACTIVE_PERSON, Principal};
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::error::Result;
use crate::identity::people::parse_id;
use crate::page::{Key, Ordering, Page, PageRequest, Window};
use crate::store::entity::{assignment, membership, user};

/// Somebody who holds a permission set.
#[derive(Clone, Debug)]
pub struct PersonWithSet {
    pub user: UserId,
    pub user_name: String,
    pub display_name: String,
    /// Whether it is assigned to the person.
    pub directly: bool,
    /// The groups through which they hold it, by name.
    pub groups: Vec<(GroupId, String)>,
}

impl Assignments {
    /// Active people to whom a permission set is assigned now, or to one of their groups, by user name; in the caller's reach.
    pub async fn people_with(
        &self,
        call: &Call,
        set: PermissionSetId,
        page: &PageRequest,
    ) -> Result<Page<PersonWithSet>> {
        authorize(call, Action::SeeAssignments, Resource::Organisation)?;
        let read = self.0.store.read();
        let kinds = (Key::Text(String::new()), Key::Text(String::new()));
        let window = Window::of(page, Ordering { name: "people-with".to_owned(), descending: false, kinds })?;
        let lasting = assignment::Column::ExpiresAt.is_null().or(assignment::Column::ExpiresAt.gt(call.now.0));
        let granted = assignment::Entity::find()
            .select_only()
            .column(assignment::Column::PrincipalId)
            .filter(assignment::Column::PermissionSetId.eq(set.to_string()))
            .filter(lasting);
        let granted = within_reach(read, call, granted).await?;
        let members = Query::select()
            .column(membership::Column::UserId)
            .from(membership::Entity)
            .and_where(membership::Column::GroupId.in_subquery(to(&granted, "group")))
            .to_owned();
        let select = user::Entity::find().filter(user::Column::Status.eq(ACTIVE_PERSON)).filter(
            Condition::any()
                .add(user::Column::Id.in_subquery(to(&granted, "user")))
                .add(user::Column::Id.in_subquery(members)),
        );
        let total = if window.is_first { Some(select.clone().count(read).await?) } else { window.counted };
        let found = window.apply(select, user::Column::UserNameKey, user::Column::Directory).all(read).await?;
        let page =
            window.finish(found, total, |row| (row.user_name_key.as_str().into(), row.directory.as_str().into()));
        let rows = self.with_ways(&granted, page.rows).await?;
        Ok(Page { rows, total: page.total, next: page.next, previous: page.previous })
    }

    /// Adds through what each of them holds it. A few queries for a page.
    async fn with_ways(
        &self,
        granted: &Select<assignment::Entity>,
        people: Vec<user::Model>,
    ) -> Result<Vec<PersonWithSet>> {
        let read = self.0.store.read();
        let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
        let own: Vec<String> = granted
            .clone()
            .filter(assignment::Column::PrincipalId.is_in(ids.iter().copied()))
            .distinct()
            .into_tuple()
            .all(read)
            .await?;
        let own: HashSet<String> = own.into_iter().collect();
        let memberships: Vec<(String, String)> = membership::Entity::find()
            .select_only()
            .columns([membership::Column::UserId, membership::Column::GroupId])
            .filter(membership::Column::UserId.is_in(ids))
            .filter(membership::Column::GroupId.in_subquery(to(granted, "group")))
            .into_tuple()
            .all(read)
            .await?;
        let held: HashSet<&str> = memberships.iter().map(|(_, group)| group.as_str()).collect();
        let held = held.into_iter().map(|group| Ok(Principal::Group(parse_id(group)?))).collect::<Result<Vec<_>>>()?;
        let named = names::of_principals(read, &held).await?;
        let mut groups: HashMap<String, Vec<(GroupId, String)>> = HashMap::new();
        for (user, group) in memberships {
            let group: GroupId = parse_id(&group)?;
            let name = named.get(&Principal::Group(group)).map(|named| named.name.clone()).unwrap_or_default();
            groups.entry(user).or_default().push((group, name));
        }
        for of_one in groups.values_mut() {
            of_one.sort_by_cached_key(|(_, name)| model::name_key(name));
        }
        let dress = |person: user::Model| {
            Ok(PersonWithSet {
                user: parse_id(&person.id)?,
                directly: own.contains(&person.id),
                groups: groups.remove(&person.id).unwrap_or_default(),
                user_name: person.user_name,
                display_name: person.display_name,
            })
        };
        people.into_iter().map(dress).collect()
    }
}

/// Those of some grants that are to people, or to groups.
fn to(granted: &Select<assignment::Entity>, kind: &str) -> SelectStatement {
    granted.clone().filter(assignment::Column::PrincipalKind.eq(kind)).into_query()
}

#[cfg(test)]
mod tests {
    use model::{AccountTarget, Role, Timestamp};

    use super::*;
    use crate::identity::administrators::Grant;
    use crate::testing::World;

    /// Who is listed, and through what.
    fn told(page: &Page<PersonWithSet>) -> Vec<(String, bool, Vec<String>)> {
        let groups = |row: &PersonWithSet| row.groups.iter().map(|(_, name)| name.clone()).collect();
        page.rows.iter().map(|row| (row.user_name.clone(), row.directly, groups(row))).collect()
    }

    fn row(name: &str, directly: bool, groups: &[&str]) -> (String, bool, Vec<String>) {
        (name.to_owned(), directly, groups.iter().map(|group| (*group).to_owned()).collect())
    }

    #[tokio::test]
    async fn whoever_holds_a_set_is_listed_once_with_every_way() {
        let world = World::new().await;
        let [ann, bob, cid, dan, eve] = [
            world.bare("ann").await,
            world.bare("bob").await,
            world.bare("cid").await,
            world.bare("dan").await,
            world.bare("eve").await,
        ];
        let (set, other) = (world.permission_set("Admin").await, world.permission_set("Other").await);
        let zeta = world.group("zeta", &[ann, bob]).await;
        let alpha = world.group("Alpha", &[ann, dan]).await;
        let elsewhere = world.group("Elsewhere", &[ann, eve]).await;
        world.assign(Principal::User(ann), set, "111122223333").await;
        world.assign(Principal::User(ann), set, "/workloads/**").await;
        world.assign(Principal::Group(zeta), set, "111122223333").await;
        world.assign(Principal::Group(alpha), set, "/**").await;
        world.assign(Principal::Group(elsewhere), other, "/**").await;
        let end = world.clock.now().plus(Timestamp::MINUTE);
        world.assign_until(Principal::User(cid), set, "111122223333", Some(end)).await;
        world.services.people.disable(&world.operator(), dan).await.unwrap();

        let assignments = &world.services.assignments;
        let listed = assignments.people_with(&world.operator(), set, &PageRequest::default()).await.unwrap();
        let ann_and_bob = [row("ann", true, &["Alpha", "zeta"]), row("bob", false, &["zeta"])];
        assert_eq!(told(&listed), [&ann_and_bob[..], &[row("cid", true, &[])]].concat());
        assert_eq!(listed.total, Some(3));

        let mut page = PageRequest { size: Some(1), ..PageRequest::default() };
        page.cursor = assignments.people_with(&world.operator(), set, &page).await.unwrap().next;
        let second = assignments.people_with(&world.operator(), set, &page).await.unwrap();
        assert_eq!((told(&second), second.total), (vec![row("bob", false, &["zeta"])], Some(3)));

        world.clock.advance(Timestamp::MINUTE);
        let later = assignments.people_with(&world.operator(), set, &PageRequest::default()).await.unwrap();
        assert_eq!(told(&later), ann_and_bob, "a grant ends on its second");
    }

    #[tokio::test]
    async fn delegated_administration_sees_holders_in_its_own_accounts() {
        let world = World::new().await;
        let (ann, bob, lea) = (world.bare("ann").await, world.bare("bob").await, world.bare("lea").await);
        let set = world.permission_set("Admin").await;
        world.account("111122223333", "Prod", "/workloads/prod").await;
        world.account("222233334444", "Hidden", "/secret").await;
        world.assign(Principal::User(ann), set, "111122223333").await;
        world.assign(Principal::User(bob), set, "222233334444").await;
        let scope = vec![AccountTarget::parse("/workloads/**").unwrap()];
        let grant = Grant::of(Role::AccessAdmin).within(scope);
        world.services.administrators.grant_user(&world.operator(), lea, &grant).await.unwrap();
        let call = world.by(lea).await;
        let seen = world.services.assignments.people_with(&call, set, &PageRequest::default()).await.unwrap();
        assert_eq!((told(&seen), seen.total), (vec![row("ann", true, &[])], Some(1)), "(AUTHZ-09)");
        let refused = world.services.assignments.people_with(&world.by(ann).await, set, &PageRequest::default()).await;
        assert_eq!(refused.unwrap_err().kind(), model::Refusal::Forbidden);
    }
}
