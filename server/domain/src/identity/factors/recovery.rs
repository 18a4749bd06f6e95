//! Ten recovery codes of 80 random bits: shown once, stored hashed and salted, each used once. A new set voids the old.

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest};
use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::RecoveryCodes;
use crate::core::Core;
use crate::error::Result;
use crate::secret::Secret;
use crate::store::entity::recovery_code::{ActiveModel, Column, Entity, Model};

/// Codes in a set.
const CODES: usize = 10;
/// Characters of a code, of five bits each.
const CHARACTERS: usize = 16;

/// Makes a new set; earlier codes stop working.
pub(crate) async fn make<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    now: Timestamp,
    user: &str,
) -> Result<RecoveryCodes> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(txn).await?;
    let (mut codes, mut rows) = (Vec::with_capacity(CODES), Vec::with_capacity(CODES));
    for _ in 0..CODES {
        let plain = data_encoding::BASE32_NOPAD.encode(&core.entropy.bytes::<10>()?);
        let id = data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?);
        let row = Model { hash: hash(&id, &plain), id, user_id: user.to_owned(), created_at: now.0, used_at: None };
        rows.push(ActiveModel::from(row).reset_all());
        codes.push(Secret::new(grouped(&plain)));
    }
    Entity::insert_many(rows).exec_without_returning(txn).await?;
    Ok(RecoveryCodes(codes))
}

/// Makes a first set; nothing where the person has codes left.
pub(crate) async fn make_if_none<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    now: Timestamp,
    user: &str,
) -> Result<RecoveryCodes> {
    if left(txn, user).await? > 0 { Ok(RecoveryCodes(Vec::new())) } else { make(txn, core, now, user).await }
}

/// Unused codes of a person.
pub(crate) async fn left<C: ConnectionTrait>(conn: &C, user: &str) -> Result<u64> {
    Ok(Entity::find().filter(Column::UserId.eq(user)).filter(Column::UsedAt.is_null()).count(conn).await?)
}

/// The unused row that a code opens, if any. Capitals, hyphens and spaces do not matter.
pub(crate) async fn find<C: ConnectionTrait>(conn: &C, user: &str, typed: &str) -> Result<Option<String>> {
    let typed: String = typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    if typed.len() != CHARACTERS {
        return Ok(None);
    }
    let rows = Entity::find().filter(Column::UserId.eq(user)).filter(Column::UsedAt.is_null()).all(conn).await?;
    let same = |row: &Model| {
        constant_time::verify_slices_are_equal(row.hash.as_bytes(), hash(&row.id, &typed).as_bytes()).is_ok()
    };
    Ok(rows.into_iter().find(same).map(|row| row.id))
}

/// Uses a code up. `false`: somebody was faster.
pub(crate) async fn use_up<C: ConnectionTrait>(txn: &C, now: Timestamp, row: &str) -> Result<bool> {
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now.0))
        .filter(Column::Id.eq(row))
        .filter(Column::UsedAt.is_null())
        .exec(txn)
        .await?;
    Ok(used.rows_affected == 1)
}

/// The row's id is the salt.
fn hash(id: &str, code: &str) -> String {
    data_encoding::HEXLOWER.encode(digest(&SHA256, format!("{id}:{code}").as_bytes()).as_ref())
}

/// Small letters in groups of four: easier to copy by hand.
fn grouped(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + code.len() / 4);
    for (index, c) in code.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
