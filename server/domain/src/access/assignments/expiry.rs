//! Grants that end by themselves: a word before, once, and clearing away after. That they end on the second is the doing of
//! whoever reads them; nothing here is waited for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::{AccountId, AccountTarget, Timestamp, t};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::rows::{self, GrantKey};
use super::{apply, names};
use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::people::Status;
use crate::identity::{letters, notify};
use crate::jobs::outbox::enqueue_mail;
use crate::store::entity::assignment::{Column, Entity, Model};
use crate::store::entity::{membership, user};

/// Grants in one transaction.
const AT_ONCE: u64 = 500;
/// Ids in one list of a query.
const CHUNK: usize = 500;
/// The members of a larger group are not told one by one: whoever gave it to them is.
const MOST_TOLD: u64 = 200;
/// Where administrators see what ends, and renew it.
pub const ENDING_PAGE: &str = "/admin/assignments";
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
    let mut told = 0;
    loop {
        let change = core.store.begin().await?;
        let txn = change.txn();
        let soon = due(txn, core, call.now).await?;
        if soon.is_empty() {
            return Ok(told);
        }
        Entity::update_many()
            .col_expr(Column::WarnedAt, Expr::value(call.now.0))
            .filter(Column::Id.is_in(soon.iter().map(|row| row.id.as_str())))
            .exec(txn)
            .await?;
        let mut letters = Letters::default();
        letters.about(txn, &soon).await?;
        letters.send(txn, core, call.now).await?;
        change.commit().await?;
        told += u64::try_from(soon.len()).unwrap_or_default();
    }
}

/// Grants of which a word is due: their end is near, and half of their time has passed since they were given or renewed.
async fn due(txn: &impl ConnectionTrait, core: &Core, now: Timestamp) -> Result<Vec<Model>> {
    let begun = Func::coalesce([Expr::col(Column::RenewedAt), Expr::col(Column::CreatedAt)]);
    let mut select = Entity::find()
        .filter(Column::ExpiresAt.gt(now.0))
        .filter(Column::ExpiresAt.lte(now.plus(WORD_BEFORE).0))
        .filter(Column::WarnedAt.is_null())
        .filter(Expr::col(Column::ExpiresAt).add(begun).lte(2 * now.0))
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .limit(AT_ONCE);
    if core.store.is_postgres() {
        select = select.lock_exclusive();
    }
    Ok(select.all(txn).await?)
}

/// What each person is told: one mail, however much ends.
#[derive(Default)]
struct Letters {
    /// By person: what is theirs.
    own: BTreeMap<String, Vec<String>>,
    /// By person: what they gave, or answer for.
    given: BTreeMap<String, Vec<String>>,
}

impl Letters {
    async fn about(&mut self, txn: &impl ConnectionTrait, soon: &[Model]) -> Result<()> {
        let keys: Vec<GrantKey> = soon.iter().map(GrantKey::of).collect::<Result<_>>()?;
        let principals: BTreeSet<Principal> = keys.iter().map(|key| key.principal).collect();
        let sets: BTreeSet<_> = keys.iter().map(|key| key.set).collect();
        let accounts: BTreeSet<AccountId> = keys
            .iter()
            .filter_map(|key| if let AccountTarget::Account(account) = key.target { Some(account) } else { None })
            .collect();
        let named = names::of_principals(txn, &principals.iter().copied().collect::<Vec<_>>()).await?;
        let sets = names::of_sets(txn, &sets.into_iter().collect::<Vec<_>>()).await?;
        let accounts = names::of_accounts(txn, &accounts.into_iter().collect::<Vec<_>>()).await?;
        let mut members: HashMap<Principal, Vec<String>> = HashMap::new();
        for principal in principals {
            members.insert(principal, holders(txn, principal).await?);
        }
        let givers = active(txn, soon.iter().map(|row| row.created_by.as_str())).await?;
        let owners: Vec<String> = notify::owners(txn).await?.into_iter().map(|owner| owner.id).collect();
        for (row, key) in soon.iter().zip(&keys) {
            let holder = named.get(&key.principal).map(|named| named.name.as_str()).unwrap_or_default();
            let target = match &key.target {
                AccountTarget::Account(id) => {
                    accounts.get(id).map_or_else(|| id.to_string(), |(name, _)| format!("{name} ({id})"))
                }
                AccountTarget::Rule(rule) => rule.to_string(),
            };
            let line = t!(
                "mail.access-ends.line",
                set = sets.get(&key.set).map(String::as_str).unwrap_or_default(),
                target = target,
                holder = holder,
                when = moment(row.expires_at.unwrap_or_default()),
            );
            let own = members.get(&key.principal).into_iter().flatten();
            own.for_each(|person| self.own.entry(person.clone()).or_default().push(line.clone()));
            // What the command line gave, or somebody who has gone, is for the owners to look after.
            let answer = if givers.contains(&row.created_by) { std::slice::from_ref(&row.created_by) } else { &owners };
            for person in answer {
                if !members.get(&key.principal).is_some_and(|own| own.contains(person)) {
                    self.given.entry(person.clone()).or_default().push(line.clone());
                }
            }
        }
        Ok(())
    }

    async fn send(&self, txn: &impl ConnectionTrait, core: &Core, now: Timestamp) -> Result<()> {
        let receivers: BTreeSet<&String> = self.own.keys().chain(self.given.keys()).collect();
        let receivers: Vec<&String> = receivers.into_iter().collect();
        let organization = &core.settings().organization_name;
        let root = core.public_url.as_str().trim_end_matches('/');
        for part in receivers.chunks(CHUNK) {
            let active = user::Entity::find()
                .filter(user::Column::Id.is_in(part.iter().copied()))
                .filter(user::Column::Status.eq(Status::Active.as_str()))
                .all(txn)
                .await?;
            for person in active {
                let mut paragraphs: Vec<String> = Vec::new();
                if let Some(own) = self.own.get(&person.id) {
                    let place = format!("{root}/start");
                    paragraphs.extend([t!("mail.access-ends.own").to_owned(), own.join("\n")]);
                    paragraphs.push(t!("mail.access-ends.ask", place = place));
                }
                if let Some(given) = self.given.get(&person.id) {
                    let place = format!("{root}{ENDING_PAGE}");
                    paragraphs.extend([t!("mail.access-ends.given").to_owned(), given.join("\n")]);
                    paragraphs.push(t!("mail.access-ends.renew", place = place));
                }
                let letter = letters::access_ends(organization, &person.display_name, &paragraphs);
                enqueue_mail(txn, core, now, &person.email, &letter.subject, &letter.text).await?;
            }
        }
        Ok(())
    }
}

/// Whom a grant serves: the person, or the members of a group, where these are not very many.
async fn holders(txn: &impl ConnectionTrait, principal: Principal) -> Result<Vec<String>> {
    let group = match principal {
        Principal::User(user) => return Ok(vec![user.to_string()]),
        Principal::Group(group) => group,
    };
    let members: Vec<String> = membership::Entity::find()
        .select_only()
        .column(membership::Column::UserId)
        .filter(membership::Column::GroupId.eq(group.to_string()))
        .limit(MOST_TOLD + 1)
        .into_tuple()
        .all(txn)
        .await?;
    Ok(if u64::try_from(members.len()).unwrap_or(u64::MAX) > MOST_TOLD { Vec::new() } else { members })
}

/// Those of these ids that are active people.
async fn active<'i>(txn: &impl ConnectionTrait, ids: impl Iterator<Item = &'i str>) -> Result<HashSet<String>> {
    let ids: BTreeSet<&str> = ids.collect();
    let active: Vec<String> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(user::Column::Id.is_in(ids))
        .filter(user::Column::Status.eq(Status::Active.as_str()))
        .into_tuple()
        .all(txn)
        .await?;
    Ok(active.into_iter().collect())
}

fn moment(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map_or_else(|_| String::new(), |at| at.strftime("%-d %B %Y, %H:%M UTC").to_string())
}
