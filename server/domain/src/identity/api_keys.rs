//! Keys of administrators for the AWS APIs: an id that anybody may see, and a secret that is shown once.
//!
//! A key acts as its person in one of the roles they hold. It is worth nothing while they are not active or do not hold that role.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Role, Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, EntityTrait, PaginatorTrait as _, QueryFilter, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::json;

use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::people::{Status, parse_id, status_of};
use crate::identity::{people_changes, ranks};
use crate::keys::Place;
use crate::secret::Secret;
use crate::store::entity::{api_key, user};

/// Keys that one person may have at a time.
const MOST_OF_A_PERSON: u64 = 10;
/// Longest description, in characters.
const LONGEST_DESCRIPTION: usize = 200;

/// What a key is worth now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// Its time is over.
    Expired,
    /// Its person is not active, or does not hold the role: it works again when they do.
    Asleep,
}

impl KeyState {
    /// The name in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Asleep => "asleep",
        }
    }
}

/// A key in a list.
#[derive(Clone, Debug)]
pub struct ApiKeyRow {
    /// `AKIA…`
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// Their sign-in name.
    pub user_name: String,
    /// In which role it acts.
    pub role: Role,
    /// What it is for.
    pub description: String,
    /// Whether it works.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if that is fixed.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Whose it is to be.
    pub user: UserId,
    /// One of the roles they hold.
    pub role: Role,
    /// What it is for; may be empty.
    pub description: String,
    /// When it ends; never by itself otherwise.
    pub expires_at: Option<Timestamp>,
}

/// Keys of administrators.
#[derive(Clone, Debug)]
pub struct ApiKeys(pub(crate) Arc<Core>);

impl ApiKeys {
    /// Every key that was not revoked, the newest first.
    pub async fn list(&self, call: &Call) -> Result<Vec<ApiKeyRow>> {
        authorize(call, Action::SeeAdministrators, Resource::Organisation)?;
        let read = self.0.store.read();
        let keys = api_key::Entity::find()
            .filter(api_key::Column::RevokedAt.is_null())
            .order_by_desc(api_key::Column::CreatedAt)
            .order_by_asc(api_key::Column::Id)
            .all(read)
            .await?;
        let holders: Vec<String> = keys.iter().map(|key| key.user_id.clone()).collect();
        let people = user::Entity::find().filter(user::Column::Id.is_in(&holders)).all(read).await?;
        let people: HashMap<&str, &user::Model> = people.iter().map(|person| (person.id.as_str(), person)).collect();
        let roles = ranks::roles_of(read, &holders).await?;
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(person) = people.get(key.user_id.as_str()) else { continue };
            let role: Role = key.role.parse().map_err(|e| Error::internal(format!("role {}: {e}", key.role)))?;
            let expires_at = key.expires_at.map(Timestamp);
            let held = roles.get(&key.user_id).is_some_and(|held| held.contains(&role));
            let state = if expires_at.is_some_and(|end| end <= call.now) {
                KeyState::Expired
            } else if held && status_of(person)? == Status::Active {
                KeyState::Active
            } else {
                KeyState::Asleep
            };
            rows.push(ApiKeyRow {
                user: parse_id(&key.user_id)?,
                id: key.id,
                user_name: person.user_name.clone(),
                role,
                description: key.description,
                state,
                created_at: Timestamp(key.created_at),
                expires_at,
                last_used_at: key.last_used_at.map(Timestamp),
            });
        }
        Ok(rows)
    }

    /// Makes a key; gives its id and, this once, its secret.
    pub async fn create(&self, call: &Call, new: &NewApiKey) -> Result<(String, Secret)> {
        authorize(call, Action::ManageApiKeys, Resource::Organisation)?;
        if new.description.chars().count() > LONGEST_DESCRIPTION || new.description.chars().any(char::is_control) {
            return Err(Error::invalid(
                "description",
                format!("must be one line of at most {LONGEST_DESCRIPTION} characters"),
            ));
        }
        if new.expires_at.is_some_and(|end| end <= call.now) {
            return Err(Error::invalid("expires", "must lie in the future"));
        }
        let core = &*self.0;
        let id = format!("AKIA{}", data_encoding::BASE32_NOPAD.encode(&core.entropy.bytes::<10>()?));
        let secret = Secret::new(data_encoding::BASE64.encode(&core.entropy.bytes::<30>()?));
        let sealed =
            core.keys.seal(&core.entropy, Place("api_keys", "sealed_secret", &id), secret.expose().as_bytes())?;
        let mut change = core.store.begin().await?;
        let person = people_changes::lock(change.txn(), new.user).await?;
        ranks::authorize_again(change.txn(), call, Action::ManageApiKeys, Resource::Organisation).await?;
        if !ranks::roles_of_person(change.txn(), new.user).await?.contains(&new.role) {
            return Err(Error::invalid("role", "must be one that this person holds"));
        }
        let of_person = api_key::Entity::find()
            .filter(api_key::Column::UserId.eq(&person.id))
            .filter(api_key::Column::RevokedAt.is_null());
        if of_person.count(change.txn()).await? >= MOST_OF_A_PERSON {
            return Err(Error::conflict(
                Some("user"),
                format!("has {MOST_OF_A_PERSON} keys already; revoke one of them first"),
            ));
        }
        let row = api_key::Model {
            id: id.clone(),
            user_id: person.id.clone(),
            role: new.role.as_str().to_owned(),
            sealed_secret: sealed,
            description: new.description.clone(),
            created_at: call.now.0,
            expires_at: new.expires_at.map(|end| end.0),
            last_used_at: None,
            revoked_at: None,
        };
        api_key::Entity::insert(api_key::ActiveModel::from(row).reset_all())
            .exec_without_returning(change.txn())
            .await?;
        change.audit(
            call,
            Event::done("CreateAccessKey").on("user", new.user, &person.user_name).with(json!({
                "accessKeyId": id, "role": new.role.as_str(), "expires": new.expires_at.map(|end| end.0),
            })),
        );
        change.commit().await?;
        Ok((id, secret))
    }

    /// Ends a key for good; its secret is forgotten with it.
    pub async fn revoke(&self, call: &Call, id: &str) -> Result<()> {
        authorize(call, Action::ManageApiKeys, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        ranks::authorize_again(change.txn(), call, Action::ManageApiKeys, Resource::Organisation).await?;
        let row = api_key::Entity::find_by_id(id)
            .filter(api_key::Column::RevokedAt.is_null())
            .lock_exclusive()
            .one(change.txn())
            .await?
            .ok_or_else(|| Error::not_found("API key"))?;
        api_key::Entity::update_many()
            .col_expr(api_key::Column::RevokedAt, Expr::val(Some(call.now.0)))
            .col_expr(api_key::Column::SealedSecret, Expr::val(""))
            .filter(api_key::Column::Id.eq(&row.id))
            .exec(change.txn())
            .await?;
        let owner = user::Entity::find_by_id(&row.user_id).one(change.txn()).await?;
        let name = owner.map_or_else(String::new, |person| person.user_name);
        change.audit(
            call,
            Event::done("DeleteAccessKey")
                .on("user", &row.user_id, name)
                .with(json!({"accessKeyId": row.id, "role": row.role})),
        );
        change.commit().await
    }
}

#[cfg(test)]
mod tests {
    use model::Refusal;

    use super::*;
    use crate::identity::administrators::Grant;
    use crate::testing::World;

    fn key(user: UserId, role: Role) -> NewApiKey {
        NewApiKey { user, role, description: "pipeline".to_owned(), expires_at: None }
    }

    async fn state(world: &World, id: &str) -> Option<KeyState> {
        let keys = world.services.api_keys.list(&world.operator()).await.unwrap();
        keys.into_iter().find(|key| key.id == id).map(|key| key.state)
    }

    #[tokio::test]
    async fn a_key_is_shown_once_kept_sealed_and_forgotten_when_revoked() {
        let world = World::new().await;
        let owner = world.admin("olga", Role::Owner).await;
        let call = world.by(owner).await;
        let (id, secret) = world.services.api_keys.create(&call, &key(owner, Role::Owner)).await.unwrap();
        assert!(id.len() == 20 && id.starts_with("AKIA"), "{id}");
        assert!(id.bytes().skip(4).all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)), "{id}");
        assert_eq!(secret.expose().len(), 40);
        let core = &world.services.core;
        let row = || async { api_key::Entity::find_by_id(&id).one(core.store.read()).await.unwrap().unwrap() };
        let sealed = row().await.sealed_secret;
        assert!(!sealed.contains(secret.expose()));
        let opened = core.keys.open(Place("api_keys", "sealed_secret", &id), &sealed).unwrap();
        assert_eq!(opened.as_slice(), secret.expose().as_bytes());

        world.services.api_keys.revoke(&call, &id).await.unwrap();
        let gone = row().await;
        assert_eq!((gone.sealed_secret.as_str(), gone.revoked_at), ("", Some(call.now.0)));
        assert_eq!(state(&world, &id).await, None);
        let again = world.services.api_keys.revoke(&call, &id).await.unwrap_err();
        assert_eq!(again.kind(), Refusal::NotFound);
    }

    #[tokio::test]
    async fn a_key_works_no_longer_than_its_role_its_person_and_its_time() {
        let world = World::new().await;
        let (services, operator) = (&world.services, world.operator());
        let alice = world.bare("alice").await;
        let role =
            services.administrators.grant_user(&operator, alice, &Grant::of(Role::Admin)).await.unwrap().unwrap();
        let soon = NewApiKey { expires_at: Some(world.clock.now().plus(60_000)), ..key(alice, Role::Admin) };
        let (lasting, _) = services.api_keys.create(&operator, &key(alice, Role::Admin)).await.unwrap();
        let (short, _) = services.api_keys.create(&operator, &soon).await.unwrap();
        assert_eq!(state(&world, &lasting).await, Some(KeyState::Active));
        services.people.disable(&operator, alice).await.unwrap();
        assert_eq!(state(&world, &lasting).await, Some(KeyState::Asleep));
        world.set(alice, user::Column::Status, "active").await;
        assert_eq!(state(&world, &short).await, Some(KeyState::Active));
        world.clock.advance(60_000);
        assert_eq!(state(&world, &short).await, Some(KeyState::Expired));
        services.administrators.revoke(&operator, &role).await.unwrap();
        assert_eq!(state(&world, &lasting).await, Some(KeyState::Asleep));
    }

    #[tokio::test]
    async fn only_owners_make_keys_and_only_for_roles_that_are_held() {
        let world = World::new().await;
        let services = &world.services;
        let owner = world.admin("olga", Role::Owner).await;
        let admin = world.admin("adam", Role::Admin).await;
        let (by_owner, by_admin) = (world.by(owner).await, world.by(admin).await);
        let refused = services.api_keys.create(&by_admin, &key(admin, Role::Admin)).await.unwrap_err();
        assert_eq!(refused.kind(), Refusal::Forbidden);
        for (new, field) in [
            (key(admin, Role::Owner), "role"),
            (NewApiKey { expires_at: Some(by_owner.now), ..key(admin, Role::Admin) }, "expires"),
            (NewApiKey { description: "two\nlines".to_owned(), ..key(admin, Role::Admin) }, "description"),
        ] {
            assert_eq!(services.api_keys.create(&by_owner, &new).await.unwrap_err().field(), Some(field));
        }
        let (id, _) = services.api_keys.create(&by_owner, &key(admin, Role::Admin)).await.unwrap();
        assert_eq!(services.api_keys.revoke(&by_admin, &id).await.unwrap_err().kind(), Refusal::Forbidden);
        assert_eq!(services.api_keys.list(&by_admin).await.unwrap().len(), 1, "but administrators see them");
        for _ in 1..MOST_OF_A_PERSON {
            services.api_keys.create(&by_owner, &key(admin, Role::Admin)).await.unwrap();
        }
        let full = services.api_keys.create(&by_owner, &key(admin, Role::Admin)).await.unwrap_err();
        assert_eq!(full.kind(), Refusal::Conflict);
    }
}
