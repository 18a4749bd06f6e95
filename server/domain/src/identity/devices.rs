//! Browsers that have completed a sign-in of a person before, known by a cookie of their own.
//!
//! A known browser has its own budget of password attempts, and where the policy looks at the context it may be spared the
//! second factor. It is never a factor: it counts for nobody else, not after 30 days, and not after a new password, removed
//! factors or "sign out everywhere else".

use std::net::IpAddr;

use model::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, RelationDef};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::secret::Secret;
use crate::store::Change;
use crate::store::entity::device::{ActiveModel, Column, Entity, Model};
use crate::store::entity::user;

/// How long a browser is known without a sign-in.
const KNOWN_FOR: i64 = 30 * Timestamp::DAY;

/// The browser of this call, where this person has used it.
pub(crate) async fn known<C: ConnectionTrait>(conn: &C, call: &Call, user: &str) -> Result<Option<Model>> {
    let Some(token) = &call.device else { return Ok(None) };
    Ok(Entity::find()
        .filter(Column::TokenHash.eq(token.digest()))
        .filter(Column::UserId.eq(user))
        .filter(Column::LastSeenAt.gt(call.now.plus(-KNOWN_FOR).0))
        .one(conn)
        .await?)
}

/// The same as a part of a query about people: a row of the browser beside the person who has used it.
pub(crate) fn of_call(call: &Call) -> RelationDef {
    // Nothing has an empty digest.
    let digest = call.device.as_ref().map(Secret::digest).unwrap_or_default();
    let since = call.now.plus(-KNOWN_FOR).0;
    user::Entity::belongs_to(Entity)
        .from(user::Column::Id)
        .to(Column::UserId)
        .on_condition(move |_, device| {
            Condition::all()
                .add(Expr::col((device.clone(), Column::TokenHash)).eq(digest.clone()))
                .add(Expr::col((device, Column::LastSeenAt)).gt(since))
        })
        .into()
}

/// Whether the browser was last used from the network of this call.
pub(crate) fn same_network(device: &Model, call: &Call) -> bool {
    device.network.is_some() && device.network == network_of(call)
}

/// The network of a call, coarse enough for a home or an office: /24 of IPv4, /56 of IPv6.
fn network_of(call: &Call) -> Option<String> {
    call.source.map(|address| match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
    })
}

/// What remembering a browser led to.
pub(crate) struct Seen {
    /// The person had not used it before.
    pub(crate) is_new: bool,
    /// The value of its cookie, where it changes.
    pub(crate) token: Option<Secret>,
}

/// Remembers the browser of a complete sign-in; `known` is what it was known as.
pub(crate) fn remember(
    change: &mut Change,
    core: &Core,
    call: &Call,
    user: &str,
    known: Option<Model>,
) -> Result<Seen> {
    if let Some(device) = known {
        let seen = Entity::update_many()
            .col_expr(Column::LastSeenAt, Expr::value(call.now.0))
            .col_expr(Column::Network, Expr::value(network_of(call)))
            .col_expr(Column::UserAgent, Expr::value(call.user_agent.clone()))
            .filter(Column::Id.eq(device.id));
        change.later(&seen);
        return Ok(Seen { is_new: false, token: None });
    }
    // A fresh token: whoever planted the old one into this browser must not know the new. Others who use the same browser
    // stay known in it.
    let token = Secret::random_128(&core.entropy)?;
    if let Some(old) = &call.device {
        let gone = Entity::delete_many().filter(Column::TokenHash.eq(old.digest())).filter(Column::UserId.eq(user));
        change.later(&gone);
        let others = Entity::update_many()
            .col_expr(Column::TokenHash, Expr::value(token.digest()))
            .filter(Column::TokenHash.eq(old.digest()));
        change.later(&others);
    }
    let row = Model {
        id: data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?),
        token_hash: token.digest(),
        user_id: user.to_owned(),
        network: network_of(call),
        user_agent: call.user_agent.clone(),
        first_seen_at: call.now.0,
        last_seen_at: call.now.0,
    };
    change.later(&Entity::insert(ActiveModel::from(row).reset_all()));
    Ok(Seen { is_new: true, token: Some(token) })
}

/// Forgets the browsers of a person, all or all but one.
pub(crate) async fn forget<C: ConnectionTrait>(txn: &C, user: &str, but: Option<&str>) -> Result<()> {
    let mut which = Entity::delete_many().filter(Column::UserId.eq(user));
    if let Some(kept) = but {
        which = which.filter(Column::Id.ne(kept));
    }
    which.exec(txn).await?;
    Ok(())
}

/// Removes browsers that are known no more.
pub async fn clean_up(store: &crate::store::Store, now: Timestamp) -> Result<u64> {
    let gone = Entity::delete_many().filter(Column::LastSeenAt.lt(now.plus(-KNOWN_FOR).0)).exec(store.write()).await?;
    Ok(gone.rows_affected)
}
