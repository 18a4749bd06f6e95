//! Giving a person a password: judged, hashed, and stored with everything that a new password ends.

use model::{Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::links;
use super::notify::{self, Changed};
use super::passwords::Password;
use super::sign_in::stages::Standing;
use super::{devices, password_policy, sessions, throttle};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::store::entity::{password, password_history, session, user};

/// A password that passed, hashed; made before the change begins.
pub(crate) struct Prepared {
    hash: String,
    /// What it replaces.
    before: Option<password::Model>,
    remembered: u64,
}

/// Which sessions survive.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep<'a> {
    /// None.
    Nothing,
    /// The one in which it is done.
    Session(&'a str),
}

/// Judges a password for this person and hashes it.
pub(crate) async fn prepare(
    core: &Core,
    field: &'static str,
    typed: &Password,
    standing: &Standing,
) -> Result<Prepared> {
    let settings = core.settings();
    let policy = &settings.password_policy;
    let has_factor = standing.has_factor;
    password_policy::check(field, typed, policy, has_factor, &standing.user, &settings.organization_name).await?;
    let read = core.store.read();
    let before = password::Entity::find_by_id(&standing.user.id).one(read).await?;
    let mut hashes: Vec<String> = before.iter().map(|row| row.hash.clone()).collect();
    if policy.history > 0 {
        let earlier = password_history::Entity::find()
            .filter(password_history::Column::UserId.eq(&standing.user.id))
            .order_by_desc(password_history::Column::SetAt)
            .limit(u64::from(policy.history))
            .all(read)
            .await?;
        hashes.extend(earlier.into_iter().map(|row| row.hash));
    }
    password_policy::check_history(field, &core.hasher, typed, &hashes).await?;
    let hash = core.hasher.hash(&core.entropy, typed).await?;
    Ok(Prepared { hash, before, remembered: u64::from(policy.history) })
}

impl Prepared {
    /// One that was hashed before, or elsewhere. What it replaces may be the same.
    pub(crate) async fn hashed<C: ConnectionTrait>(conn: &C, core: &Core, user: &str, hash: String) -> Result<Self> {
        let before = password::Entity::find_by_id(user).one(conn).await?;
        Ok(Self { hash, before, remembered: u64::from(core.settings().password_policy.history) })
    }

    /// Stores it. Other sessions, known browsers, open reset links and used-up budgets of the old password end with it; the
    /// person is told.
    pub(crate) async fn store<C: ConnectionTrait>(
        self,
        txn: &C,
        core: &Core,
        call: &Call,
        person: &user::Model,
        keep: Keep<'_>,
    ) -> Result<()> {
        if let Some(before) = &self.before {
            // Of two changes at once the second is refused: it judged a password that is no longer the present one.
            let replaced = password::Entity::update_many()
                .col_expr(password::Column::Hash, Expr::value(&self.hash))
                .col_expr(password::Column::SetAt, Expr::value(call.now.0))
                .filter(password::Column::UserId.eq(&person.id))
                .filter(password::Column::Hash.eq(&before.hash))
                .exec(txn)
                .await?;
            if replaced.rows_affected != 1 {
                return Err(Error::conflict(
                    None,
                    "The password was changed at the same moment elsewhere. Look again.",
                ));
            }
            self.remember(txn, core, call.now, before).await?;
        } else {
            let row = password::Model { user_id: person.id.clone(), hash: self.hash.clone(), set_at: call.now.0 };
            password::Entity::insert(password::ActiveModel::from(row).reset_all()).exec_without_returning(txn).await?;
        }
        user::Entity::update_many()
            .col_expr(user::Column::MustChangePassword, Expr::value(false))
            .filter(user::Column::Id.eq(&person.id))
            .exec(txn)
            .await?;
        let mut others = Condition::all().add(session::Column::UserId.eq(&person.id));
        if let Keep::Session(kept) = keep {
            others = others.add(session::Column::Id.ne(kept));
        }
        sessions::end_where(txn, call.now, "the password was changed", others).await?;
        devices::forget(txn, &person.id, None).await?;
        let id: UserId = person.id.parse().map_err(|e| Error::internal(format!("user {}: {e}", person.id)))?;
        for purpose in super::sign_in::LinkPurpose::FOR_PASSWORDS {
            links::void(txn, call.now, id, Some(purpose)).await?;
        }
        throttle::empty(txn, core, "name", &person.user_name_key).await?;
        if self.before.is_some() {
            notify::changed(txn, core, call, person, Changed::Password).await?;
        }
        Ok(())
    }

    /// Moves the replaced password to the history and forgets what is older than the policy remembers.
    async fn remember<C: ConnectionTrait>(
        &self,
        txn: &C,
        core: &Core,
        now: Timestamp,
        before: &password::Model,
    ) -> Result<()> {
        if self.remembered > 0 {
            let row = password_history::Model {
                id: data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?),
                user_id: before.user_id.clone(),
                hash: before.hash.clone(),
                set_at: now.0,
            };
            password_history::Entity::insert(password_history::ActiveModel::from(row).reset_all())
                .exec_without_returning(txn)
                .await?;
        }
        let kept: Vec<String> = password_history::Entity::find()
            .select_only()
            .column(password_history::Column::Id)
            .filter(password_history::Column::UserId.eq(&before.user_id))
            .order_by_desc(password_history::Column::SetAt)
            .limit(self.remembered)
            .into_tuple()
            .all(txn)
            .await?;
        password_history::Entity::delete_many()
            .filter(password_history::Column::UserId.eq(&before.user_id))
            .filter(password_history::Column::Id.is_not_in(kept))
            .exec(txn)
            .await?;
        Ok(())
    }
}
