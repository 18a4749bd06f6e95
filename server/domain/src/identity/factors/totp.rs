//! One-time codes by an app (RFC 6238): SHA-1, six digits, thirty seconds, one step early or late. A code works once: the last
//! step is stored and only moves forward.

use model::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use totp_rs::{Algorithm, Builder, Totp};

use super::{FactorKind, TotpOffer, ceremonies};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::keys::Place;
use crate::secret::Secret;
use crate::store::entity::factor::{Column, Entity, Model};
use crate::store::entity::{session, user};

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

fn totp(secret: &[u8], account: &str, issuer: &str) -> Result<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_skew(1)
        .with_secret(secret.to_vec())
        // A colon separates the two in the address that apps read.
        .with_account_name(account.replace(':', "_"))
        .with_issuer(Some(issuer.replace(':', " ")))
        .build()
        .map_err(|e| Error::internal(format!("totp: {e}")))
}

/// The address that an app scans.
pub(crate) fn address(secret: &[u8], account: &str, issuer: &str) -> Result<Secret> {
    let uri = totp(secret, account, issuer)?.to_url().map_err(|e| Error::internal(format!("totp: {e}")))?;
    Ok(Secret::new(uri))
}

/// Whether a text could be such a code; recovery codes look otherwise.
pub(crate) fn looks_like_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The step at which a code is right now, if any.
pub(crate) fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>> {
    let Ok(seconds) = u64::try_from(now.0 / Timestamp::SECOND) else { return Ok(None) };
    if !looks_like_code(code) {
        return Ok(None);
    }
    Ok(totp(secret, "account", "issuer")?.check(code, seconds).and_then(|step| i64::try_from(step).ok()))
}

/// Offers a secret; the one that this session has been offered already, while it is fresh, so that a page shown again does
/// not part with the app.
pub(crate) async fn offer(
    core: &Core,
    now: Timestamp,
    session: &session::Model,
    person: &user::Model,
) -> Result<TotpOffer> {
    let kind = ceremonies::Kind::TotpOffer;
    let open = ceremonies::newest(core.store.read(), core, now, kind, session).await?;
    let (ceremony, secret) = if let Some((ceremony, secret)) = open {
        (ceremony, secret.to_vec())
    } else {
        let secret = core.entropy.bytes::<SECRET_BYTES>()?.to_vec();
        (ceremonies::keep(core.store.write(), core, now, kind, session, &secret).await?, secret)
    };
    let uri = address(&secret, &person.user_name, &core.settings().organization_name)?;
    Ok(TotpOffer { ceremony, secret: Secret::new(data_encoding::BASE32_NOPAD.encode(&secret)), uri })
}

/// Checks the first code of an offered secret; gives the secret and the step of the code.
pub(crate) async fn accept_offer(
    core: &Core,
    now: Timestamp,
    session: &session::Model,
    ceremony: &str,
    typed: &Secret,
) -> Result<(Vec<u8>, i64)> {
    let kind = ceremonies::Kind::TotpOffer;
    let secret = ceremonies::look(core.store.read(), core, now, kind, session, ceremony).await?;
    let compact: String = typed.expose().chars().filter(|c| !c.is_whitespace()).collect();
    let Some(step) = step_of(&secret, &compact, now)? else {
        return Err(Error::invalid("code", "is not the one the app shows now"));
    };
    Ok((secret.to_vec(), step))
}

/// The factor and step at which a code is right for a person, if it has not been used.
pub(crate) async fn find<C: ConnectionTrait>(
    conn: &C,
    core: &Core,
    now: Timestamp,
    user: &str,
    typed: &str,
) -> Result<Option<(Model, i64)>> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user))
        .filter(Column::Kind.eq(FactorKind::Totp.as_str()))
        .all(conn)
        .await?;
    for row in rows {
        let secret = core.keys.open(Place("factors", "sealed", &row.id), &row.sealed)?;
        if let Some(step) = step_of(&secret, typed, now)?
            && row.last_step.is_none_or(|last| last < step)
        {
            return Ok(Some((row, step)));
        }
    }
    Ok(None)
}

/// Uses a step up. `false`: somebody was faster with the same code.
pub(crate) async fn advance<C: ConnectionTrait>(txn: &C, now: Timestamp, factor: &str, step: i64) -> Result<bool> {
    let moved = Entity::update_many()
        .col_expr(Column::LastStep, Expr::value(step))
        .col_expr(Column::LastUsedAt, Expr::value(now.0))
        .filter(Column::Id.eq(factor))
        .filter(Column::LastStep.is_null().or(Column::LastStep.lt(step)))
        .exec(txn)
        .await?;
    Ok(moved.rows_affected == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_present_step_and_its_neighbours_are_right() {
        // RFC 6238, appendix B: the last six digits of the SHA-1 values.
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            for step in -3..=3 {
                let then = Timestamp((seconds + step * 30) * 1000);
                let expected = (-1..=1).contains(&step).then_some(seconds / 30);
                assert_eq!(step_of(secret, code, then).unwrap(), expected, "{step} (MFA-02)");
            }
        }
        for bad in ["", "28708", "2870822", "+87082", "２８７０８２", "28708a"] {
            assert_eq!(step_of(secret, bad, Timestamp(59_000)).unwrap(), None, "{bad}");
        }
    }
}
