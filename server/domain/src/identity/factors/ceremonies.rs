//! What is kept between the two halves of something: an offered secret, the challenge of a passkey. Sealed, bound to one
//! session and one person, used once, five minutes (an offered secret: fifteen) at the most.

use model::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use zeroize::Zeroizing;

use crate::core::Core;
use crate::error::{Error, Result};
use crate::keys::Place;
use crate::store::entity::ceremony::{ActiveModel, Column, Entity, Model};
use crate::store::entity::session;

/// How long a passkey's challenge is good for.
const CHALLENGE_LASTS: i64 = 5 * Timestamp::MINUTE;
/// How long an offered secret waits for its first code.
const OFFER_LASTS: i64 = 15 * Timestamp::MINUTE;

/// What a ceremony is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A one-time-code secret that is offered.
    TotpOffer,
    /// A new passkey.
    NewPasskey,
    /// A passkey as second step.
    SecondStep,
    /// A passkey to confirm.
    Confirm,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::TotpOffer => "totp-offer",
            Self::NewPasskey => "new-passkey",
            Self::SecondStep => "second-step",
            Self::Confirm => "confirm",
        }
    }

    fn lasts(self) -> i64 {
        if self == Self::TotpOffer { OFFER_LASTS } else { CHALLENGE_LASTS }
    }
}

/// The answer to a ceremony that is not there: over, used, or somebody else's.
pub(crate) fn over() -> Error {
    Error::not_accepted("This took too long, or was done already. Begin again.")
}

/// Keeps a state; gives the name under which it comes back.
pub(crate) async fn keep<C: ConnectionTrait>(
    conn: &C,
    core: &Core,
    now: Timestamp,
    kind: Kind,
    of: &session::Model,
    state: &[u8],
) -> Result<String> {
    let id = data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?);
    let row = Model {
        sealed: core.keys.seal(&core.entropy, Place("ceremonies", "sealed", &id), state)?,
        id: id.clone(),
        kind: kind.as_str().to_owned(),
        // The session's name and not its token's digest: confirming changes the token while a form is open.
        session_hash: Some(of.id.clone()),
        user_id: Some(of.user_id.clone()),
        expires_at: now.plus(kind.lasts()).0,
    };
    Entity::insert(ActiveModel::from(row).reset_all()).exec_without_returning(conn).await?;
    Ok(id)
}

/// Looks at a state without using it up.
pub(crate) async fn look<C: ConnectionTrait>(
    conn: &C,
    core: &Core,
    now: Timestamp,
    kind: Kind,
    of: &session::Model,
    id: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    // Ours are hexadecimal; anything else may hold what a database refuses.
    if !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(over());
    }
    let row = Entity::find_by_id(id)
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::SessionHash.eq(&of.id))
        .filter(Column::UserId.eq(&of.user_id))
        .filter(Column::ExpiresAt.gt(now.0))
        .one(conn)
        .await?
        .ok_or_else(over)?;
    core.keys.open(Place("ceremonies", "sealed", &row.id), &row.sealed)
}

/// The newest state of a kind that this session has open, with its name.
pub(crate) async fn newest<C: ConnectionTrait>(
    conn: &C,
    core: &Core,
    now: Timestamp,
    kind: Kind,
    of: &session::Model,
) -> Result<Option<(String, Zeroizing<Vec<u8>>)>> {
    let row = Entity::find()
        .filter(Column::Kind.eq(kind.as_str()))
        .filter(Column::SessionHash.eq(&of.id))
        .filter(Column::ExpiresAt.gt(now.plus(kind.lasts() / 3).0))
        .order_by_desc(Column::ExpiresAt)
        .one(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let state = core.keys.open(Place("ceremonies", "sealed", &row.id), &row.sealed)?;
    Ok(Some((row.id, state)))
}

/// Uses a state up: of several that would, one does.
pub(crate) async fn use_up<C: ConnectionTrait>(conn: &C, id: &str) -> Result<()> {
    let gone = Entity::delete_by_id(id).exec(conn).await?;
    if gone.rows_affected == 1 { Ok(()) } else { Err(over()) }
}

/// Marks a ceremony that was never stored (it carried its own state) as used, until it would have run out anyway.
pub(crate) async fn mark_used<C: ConnectionTrait>(conn: &C, id: &str, expires_at: i64) -> Result<()> {
    let row = Model {
        id: id.to_owned(),
        kind: "used".to_owned(),
        session_hash: None,
        user_id: None,
        sealed: String::new(),
        expires_at,
    };
    let inserted = Entity::insert(ActiveModel::from(row).reset_all())
        .on_conflict_do_nothing()
        .exec_without_returning(conn)
        .await?;
    match inserted {
        sea_orm::TryInsertResult::Inserted(1) => Ok(()),
        _ => Err(over()),
    }
}

/// Removes what has run out.
pub async fn clean_up(store: &crate::store::Store, now: Timestamp) -> Result<u64> {
    let gone = Entity::delete_many().filter(Column::ExpiresAt.lt(now.0)).exec(store.write()).await?;
    Ok(gone.rows_affected)
}
