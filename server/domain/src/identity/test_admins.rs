//! Administrators for the tests of administration, and the steps that most of those tests begin with.

use model::{Role, SessionId, UserId};
use sea_orm::EntityTrait as _;

use super::people::PersonInput;
use super::roles;
use crate::call::{Actor, Call, Person, Stage};
use crate::store::entity::user;
use crate::testing::World;

/// Fields of a person.
pub(crate) fn input(user_name: &str, given: &str, family: &str) -> PersonInput {
    PersonInput {
        user_name: user_name.to_owned(),
        email: format!("{user_name}@example.com"),
        given_name: given.to_owned(),
        family_name: family.to_owned(),
        display_name: String::new(),
    }
}

impl World {
    /// An active person with this role.
    pub(crate) async fn admin(&self, name: &str, role: Role) -> UserId {
        let user = self.bare(name).await;
        self.give_role(user, role, false).await;
        user
    }

    /// An active person without password, made quickly.
    pub(crate) async fn bare(&self, name: &str) -> UserId {
        let user = self.services.people.create(&self.operator(), &input(name, name, "Test"), &[]).await.unwrap();
        self.set(user, user::Column::Status, "active").await;
        user
    }

    /// A confirmed call by this person, with the roles they hold now.
    pub(crate) async fn by(&self, user: UserId) -> Call {
        let read = self.services.core.store.read();
        let row = user::Entity::find_by_id(user.to_string()).one(read).await.unwrap().unwrap();
        let held = roles::held_by(read, &user.to_string()).await.unwrap();
        self.call(Actor::Person(Person {
            user,
            user_name: row.user_name,
            session: SessionId::from_random([9; 16]),
            stage: Stage::Full,
            signed_in_at: self.clock.now(),
            confirmed_at: self.clock.now(),
            strong: true,
            roles: held.roles,
            scopes: held.scopes,
        }))
    }
}
