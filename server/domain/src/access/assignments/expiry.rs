//! Grants that end by themselves: a word before, once, and clearing away after. That they end on the second is the doing of
//! whoever reads them; nothing here is waited for.

use std::collections::{BTreeMap, BTreeSet};

use model::{Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::rows::{self, GrantKey};
use super::{apply, names};
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::jobs::outbox::enqueue_mail;
use crate::store::entity::assignment::{Column, Entity, Model};
use crate::store::entity::user;

/// Grants in one transaction.
const AT_ONCE: u64 = 500;
/// How long before its end a word is sent; of a short grant, when half of it has passed.
const WORD_BEFORE: i64 = 7 * Timestamp::DAY;

/// Removes what has ended; says how many grants. Several nodes may do this at once: each row goes once.
pub(crate) async fn remove_ended(core: &Core, call: &Call) -> Result<u64> {
    let ended = Entity::find()
        .filter(Column::ExpiresAt.lte(call.now.0))
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .limit(AT_ONCE);
    let mut gone = 0;
    // Looked for without a transaction first: nearly always there is nothing to do.
    while ended.clone().one(core.store.read()).await?.is_some() {
        let mut change = core.store.begin().await?;
        let txn = change.txn();
        stamp::line_up(txn).await?;
        let ended = ended.clone().all(txn).await?;
        if ended.is_empty() {
            break;
        }
        let keys: Vec<GrantKey> = ended.iter().map(GrantKey::of).collect::<Result<_>>()?;
        let mut events = Vec::with_capacity(keys.len());
        for (row, key) in ended.iter().zip(&keys) {
            let event: Event = apply::told(txn, "DeleteAccountAssignment", key, Some(row), None).await?;
            events.push(event.because("expired"));
        }
        gone += rows::remove(txn, &keys).await?;
        let touched: BTreeSet<Principal> = keys.iter().map(|key| key.principal).collect();
        stamp::touch(txn, call.now, Touched::Only(touched.into_iter().collect())).await?;
        for event in events {
            change.audit(call, event);
        }
        change.commit().await?;
    }
    Ok(gone)
}

/// Tells people, once, what of theirs ends soon, and whoever gave it; says how many grants that were.
pub(crate) async fn remind(core: &Core, call: &Call) -> Result<u64> {
    let now = call.now;
    let change = core.store.begin().await?;
    let txn = change.txn();
    let mut select = Entity::find()
        .filter(Column::ExpiresAt.gt(now.0))
        .filter(Column::ExpiresAt.lte(now.plus(WORD_BEFORE).0))
        .filter(Column::WarnedAt.is_null())
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .limit(AT_ONCE);
    if core.store.is_postgres() {
        select = select.lock_exclusive();
    }
    let soon: Vec<Model> = select.all(txn).await?.into_iter().filter(|row| is_due(row, now)).collect();
    if soon.is_empty() {
        return Ok(0);
    }
    Entity::update_many()
        .col_expr(Column::WarnedAt, Expr::value(now.0))
        .filter(Column::Id.is_in(soon.iter().map(|row| row.id.as_str())))
        .exec(txn)
        .await?;
    // Each person gets one mail, however much of theirs ends.
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let keys: Vec<GrantKey> = soon.iter().map(GrantKey::of).collect::<Result<_>>()?;
    let principals: BTreeSet<Principal> = keys.iter().map(|key| key.principal).collect();
    let named = names::of_principals(txn, &principals.into_iter().collect::<Vec<_>>()).await?;
    let sets: BTreeSet<_> = keys.iter().map(|key| key.set).collect();
    let sets = names::of_sets(txn, &sets.into_iter().collect::<Vec<_>>()).await?;
    for (row, key) in soon.iter().zip(&keys) {
        let holder = named.get(&key.principal).map(|named| named.name.as_str()).unwrap_or_default();
        let set = sets.get(&key.set).map(String::as_str).unwrap_or_default();
        let end = moment(row.expires_at.unwrap_or_default());
        let line = format!("- {set} in {} for {holder}: until {end}", key.target);
        if let Principal::User(user) = key.principal {
            lines.entry(user.to_string()).or_default().push(line.clone());
        }
        if row.created_by.parse::<UserId>().is_ok() && row.created_by != row.principal_id {
            lines.entry(row.created_by.clone()).or_default().push(line);
        }
    }
    let receivers = user::Entity::find()
        .filter(user::Column::Id.is_in(lines.keys()))
        .filter(user::Column::Status.eq("active"))
        .all(txn)
        .await?;
    for person in receivers {
        let list = lines.remove(&person.id).unwrap_or_default().join("\n");
        let organization = core.settings().organization_name.clone();
        let place = format!("{}/start", core.public_url.as_str().trim_end_matches('/'));
        let subject = format!("Access that ends soon \u{2013} {organization}");
        let text = format!(
            "Hello {},\n\nThis access ends soon:\n\n{list}\n\nWhere it is needed for longer, ask your administrators to renew \
             it. What you can reach now:\n{place}\n",
            person.display_name,
        );
        enqueue_mail(txn, core, now, &person.email, &subject, &text).await?;
    }
    let told = u64::try_from(soon.len()).unwrap_or(u64::MAX);
    change.commit().await?;
    core.outbox_wake.notify_one();
    Ok(told)
}

fn is_due(row: &Model, now: Timestamp) -> bool {
    let end = Timestamp(row.expires_at.unwrap_or(i64::MAX));
    let half = end.since(Timestamp(row.created_at)) / 2;
    end.since(now) <= WORD_BEFORE.min(half)
}

fn moment(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| String::new(), |at| at.strftime("%-d %B %Y, %H:%M UTC").to_string())
}
