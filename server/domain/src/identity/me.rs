//! One's own profile, password, factors and sessions.

mod confirm;
mod factors;
mod password;

use std::sync::Arc;

use model::{PersonName, SessionId, Timestamp};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::{Call, Person};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::factors::{FactorView, kept, passkey, recovery};
use crate::identity::sessions::{SessionView, end_where, living, views};
use crate::identity::sign_in::stages::Standing;
use crate::identity::{devices, password_policy, words};
use crate::store::entity::{group, membership, password as password_row, session, user};

/// One's own profile.
#[derive(Clone, Debug)]
pub struct Profile {
    pub user_name: String,
    pub display_name: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub groups: Vec<String>,
    pub roles: Vec<model::Role>,
    pub preferences: Preferences,
    pub created_at: Timestamp,
}

/// What a person likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// `light`, `dark`, or nothing: as the system says.
    pub theme: Option<String>,
    /// IANA name; nothing: UTC.
    pub zone: Option<String>,
}

/// What `/me/security` shows.
#[derive(Clone, Debug)]
pub struct Security {
    pub password_set_at: Option<Timestamp>,
    pub factors: Vec<FactorView>,
    pub recovery_codes_left: u32,
    pub sessions: Vec<SessionView>,
    /// The last factor cannot be removed while one is required.
    pub factor_required: bool,
    /// Passkeys need a host name.
    pub passkeys_off: bool,
    /// Least length of a new password for this person.
    pub password_min_length: u32,
}

/// One's own things.
#[derive(Clone, Debug)]
pub struct Me(pub(crate) Arc<Core>);

impl Me {
    /// The profile.
    pub async fn profile(&self, call: &Call) -> Result<Profile> {
        let person = authorize_person(call, Action::UsePortal)?;
        let read = self.0.store.read();
        let standing = self.standing(person).await?;
        let groups =
            membership::Entity::find().filter(membership::Column::UserId.eq(&standing.user.id)).all(read).await?;
        let groups = group::Entity::find()
            .filter(group::Column::Id.is_in(groups.into_iter().map(|row| row.group_id)))
            .order_by_asc(group::Column::NameKey)
            .all(read)
            .await?;
        Ok(Profile {
            user_name: standing.user.user_name,
            display_name: standing.user.display_name,
            given_name: standing.user.given_name,
            family_name: standing.user.family_name,
            email: standing.user.email,
            groups: groups.into_iter().map(|group| group.name).collect(),
            roles: standing.held.roles,
            preferences: serde_json::from_value(standing.user.preferences).unwrap_or_default(),
            created_at: Timestamp(standing.user.created_at),
        })
    }

    /// Names only: mail address and user name are the administrator's.
    pub async fn update_profile(
        &self,
        call: &Call,
        display_name: &str,
        given_name: &str,
        family_name: &str,
    ) -> Result<()> {
        let person = authorize_person(call, Action::EditOwnProfile)?;
        let parse = |field: &'static str, text: &str| {
            PersonName::parse(text.trim()).map_err(|e| Error::invalid(field, e.to_string()))
        };
        let display = parse("display_name", display_name)?;
        let (given, family) = (parse("given_name", given_name)?, parse("family_name", family_name)?);
        let mut change = self.0.store.begin().await?;
        let before = user::Entity::find_by_id(person.user.to_string())
            .one(change.txn())
            .await?
            .ok_or_else(Error::sign_in_needed)?;
        user::Entity::update_many()
            .col_expr(user::Column::DisplayName, Expr::value(display.as_str()))
            .col_expr(user::Column::DisplayKey, Expr::value(display.key()))
            .col_expr(user::Column::GivenName, Expr::value(given.as_str()))
            .col_expr(user::Column::FamilyName, Expr::value(family.as_str()))
            .col_expr(user::Column::UpdatedAt, Expr::value(call.now.0))
            .col_expr(user::Column::Version, Expr::value(before.version + 1))
            .filter(user::Column::Id.eq(&before.id))
            .exec(change.txn())
            .await?;
        let after = user::Model {
            display_name: display.as_str().to_owned(),
            given_name: given.as_str().to_owned(),
            family_name: family.as_str().to_owned(),
            ..before.clone()
        };
        words::write(change.txn(), &after).await?;
        let changes = serde_json::json!({
            "displayName": {"from": before.display_name, "to": after.display_name},
            "givenName": {"from": before.given_name, "to": after.given_name},
            "familyName": {"from": before.family_name, "to": after.family_name},
        });
        change.audit(call, Event::done("UpdateUser").on("user", &before.id, before.user_name).with(changes));
        change.commit().await
    }

    /// Theme and zone; empty: as the system says, UTC.
    pub async fn set_preferences(&self, call: &Call, theme: &str, zone: &str) -> Result<()> {
        let person = authorize_person(call, Action::EditOwnProfile)?;
        let theme = match theme {
            "" => None,
            "light" | "dark" => Some(theme.to_owned()),
            _ => return Err(Error::invalid("theme", "must be light, dark or empty")),
        };
        let zone = match zone {
            "" => None,
            name if name.len() <= 64 && jiff::tz::TimeZone::get(name).is_ok() => Some(name.to_owned()),
            _ => return Err(Error::invalid("zone", "must be a time zone such as Europe/Berlin")),
        };
        let preferences = serde_json::to_value(Preferences { theme, zone })
            .map_err(|e| Error::internal(format!("preferences: {e}")))?;
        let mut change = self.0.store.begin().await?;
        user::Entity::update_many()
            .col_expr(user::Column::Preferences, Expr::value(preferences.clone()))
            .filter(user::Column::Id.eq(person.user.to_string()))
            .exec(change.txn())
            .await?;
        let event = Event::done("UpdateUser").on("user", person.user, person.user_name.clone());
        change.audit(call, event.with(serde_json::json!({"preferences": {"to": preferences}})));
        change.commit().await
    }

    /// Password, factors and sessions.
    pub async fn security(&self, call: &Call) -> Result<Security> {
        let person = authorize_person(call, Action::ManageOwnSessions)?;
        let read = self.0.store.read();
        let settings = self.0.settings();
        let standing = self.standing(person).await?;
        let id = &standing.user.id;
        let sessions = session::Entity::find()
            .filter(session::Column::UserId.eq(id))
            .filter(living(call.now, &settings.session))
            .order_by_desc(session::Column::CreatedAt)
            .all(read)
            .await?;
        Ok(Security {
            password_set_at: password_row::Entity::find_by_id(id).one(read).await?.map(|row| Timestamp(row.set_at)),
            factors: kept::of(read, id).await?,
            recovery_codes_left: u32::try_from(recovery::left(read, id).await?).unwrap_or(u32::MAX),
            sessions: views(read, sessions, Some(person.session)).await?,
            factor_required: standing.needs_factor(&settings),
            passkeys_off: passkey::off(&self.0),
            password_min_length: password_policy::min_length(&settings.password_policy, standing.has_factor),
        })
    }

    /// Ends one of one's own sessions.
    pub async fn end_session(&self, call: &Call, session: SessionId) -> Result<()> {
        let person = authorize_person(call, Action::ManageOwnSessions)?;
        let which = Condition::all()
            .add(session::Column::Id.eq(session.to_string()))
            .add(session::Column::UserId.eq(person.user.to_string()));
        let mut change = self.0.store.begin().await?;
        if end_where(change.txn(), call.now, "ended by its owner", which).await? == 0 {
            return Err(Error::not_found("session"));
        }
        let event = Event::done("DeleteSession").on("user", person.user, person.user_name.clone());
        change.audit(call, event.with(serde_json::json!({"session": session})));
        change.commit().await
    }

    /// "Sign out everywhere else": other browsers are known no more, either.
    pub async fn end_other_sessions(&self, call: &Call) -> Result<u64> {
        let person = authorize_person(call, Action::ManageOwnSessions)?;
        let user = person.user.to_string();
        let here = devices::known(self.0.store.read(), call, &user).await?;
        let which = Condition::all()
            .add(session::Column::UserId.eq(&user))
            .add(session::Column::Id.ne(person.session.to_string()));
        let mut change = self.0.store.begin().await?;
        let ended = end_where(change.txn(), call.now, "signed out everywhere else", which).await?;
        devices::forget(change.txn(), &user, here.as_ref().map(|device| device.id.as_str())).await?;
        let event = Event::done("BatchDeleteSession").on("user", person.user, person.user_name.clone());
        change.audit(call, event.with(serde_json::json!({"sessions": ended})));
        change.commit().await?;
        Ok(ended)
    }

    async fn standing(&self, person: &Person) -> Result<Standing> {
        Standing::of_id(self.0.store.read(), &person.user.to_string()).await
    }
}
