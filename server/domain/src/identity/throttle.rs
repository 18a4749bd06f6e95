//! Budgets of attempts, shared by all nodes through the database.
//!
//! An attempt is paid for before it is evaluated, in one transaction over all its budgets, so that a burst of parallel guesses
//! cannot be more than the budgets hold. Success gives back what was paid. Nobody is locked out by somebody else's guesses:
//! waiting for a name is short however long an attacker goes on, a browser that the person has used before has a budget of its
//! own, and passkeys and reset links need none.
//!
//! Where one node has the database to itself (SQLite), a password under way is only noted in memory (`reserve`) and written
//! down when it was wrong: a right password costs no write.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use model::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};
use serde::Deserialize;

use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::entity::throttle::{ActiveModel, Column, Entity, Model};

/// How one kind of budget behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Failures before the first wait.
    pub free: u32,
    /// The first wait; each further failure doubles it.
    pub first_wait_seconds: u32,
    /// No wait is longer.
    pub longest_wait_seconds: u32,
    /// One failure is forgotten each so many seconds; 0: never, only by success.
    pub forget_seconds: u32,
    /// After so many failures no waiting helps; 0: never so.
    pub stop: u32,
}

impl Rule {
    /// The wait after this many failures, in milliseconds.
    fn wait(&self, failures: i64) -> i64 {
        let over = failures - i64::from(self.free);
        if over < 0 {
            return 0;
        }
        let doublings = u32::try_from(over).unwrap_or(u32::MAX).min(30);
        let seconds = i64::from(self.first_wait_seconds).saturating_mul(1 << doublings);
        seconds.min(i64::from(self.longest_wait_seconds)) * Timestamp::SECOND
    }

    /// Until when others wait after this many failures. No wait is no moment: attempts that came earlier may be evaluated later,
    /// and would wait for this one's time.
    fn blocks_until(&self, failures: i64, now: Timestamp) -> i64 {
        match self.wait(failures) {
            0 => 0,
            wait => now.0 + wait,
        }
    }

    /// Failures that still count.
    fn left(&self, row: &Model, now: Timestamp) -> i64 {
        let forgotten = match i64::from(self.forget_seconds) * Timestamp::SECOND {
            0 => 0,
            each => now.since(Timestamp(row.updated_at)).max(0) / each,
        };
        (row.failures - forgotten).max(0)
    }
}

/// How many attempts are free and how the waiting grows (`throttle.*` of the configuration).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Passwords, of one source for all names together.
    pub source: Rule,
    /// Passwords, for one name by all sources together.
    pub name: Rule,
    /// Passwords, of one source for one name.
    pub pair: Rule,
    /// Passwords, of one browser that the person has used before.
    pub device: Rule,
    /// Codes, for one person in all sign-ins together (of one known browser: the same again).
    pub factor: Rule,
    /// Codes, in one sign-in.
    pub attempt: Rule,
    /// Confirming who one is in a session that is signed in.
    pub confirm: Rule,
    /// Asking for reset links, of one source.
    pub reset_source: Rule,
    /// Asking for reset links, for one name.
    pub reset_name: Rule,
}

impl Default for Limits {
    fn default() -> Self {
        let rule = |free, first_wait_seconds, longest_wait_seconds, forget_seconds, stop| Rule {
            free,
            first_wait_seconds,
            longest_wait_seconds,
            forget_seconds,
            stop,
        };
        Self {
            source: rule(10, 60, 900, 30, 0),
            name: rule(10, 1, 30, 0, 100),
            pair: rule(5, 1, 3600, 0, 0),
            device: rule(5, 1, 900, 0, 100),
            factor: rule(10, 900, 86_400, 0, 0),
            attempt: rule(5, 900, 900, 0, 5),
            confirm: rule(5, 60, 3600, 0, 0),
            reset_source: rule(10, 60, 900, 60, 0),
            reset_name: rule(3, 900, 900, 900, 0),
        }
    }
}

/// A rule in the configuration: what is not named stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleFile {
    free: Option<u32>,
    first_wait_seconds: Option<u32>,
    longest_wait_seconds: Option<u32>,
    forget_seconds: Option<u32>,
    stop: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsFile {
    source: RuleFile,
    name: RuleFile,
    pair: RuleFile,
    device: RuleFile,
    factor: RuleFile,
    attempt: RuleFile,
    confirm: RuleFile,
    reset_source: RuleFile,
    reset_name: RuleFile,
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let file = LimitsFile::deserialize(from)?;
        let over = |rule: Rule, file: RuleFile| Rule {
            free: file.free.unwrap_or(rule.free),
            first_wait_seconds: file.first_wait_seconds.unwrap_or(rule.first_wait_seconds),
            longest_wait_seconds: file.longest_wait_seconds.unwrap_or(rule.longest_wait_seconds),
            forget_seconds: file.forget_seconds.unwrap_or(rule.forget_seconds),
            stop: file.stop.unwrap_or(rule.stop),
        };
        let default = Self::default();
        Ok(Self {
            source: over(default.source, file.source),
            name: over(default.name, file.name),
            pair: over(default.pair, file.pair),
            device: over(default.device, file.device),
            factor: over(default.factor, file.factor),
            attempt: over(default.attempt, file.attempt),
            confirm: over(default.confirm, file.confirm),
            reset_source: over(default.reset_source, file.reset_source),
            reset_name: over(default.reset_name, file.reset_name),
        })
    }
}

/// One budget that an attempt pays into.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    key: String,
    rule: Rule,
    /// What success does: forget everything, or only this one attempt.
    resets: bool,
}

impl Bucket {
    /// A budget that success empties.
    pub(crate) fn reset_by_success(core: &Core, kind: &str, of: &str, rule: Rule) -> Result<Self> {
        Ok(Self { key: key(core, kind, of)?, rule, resets: true })
    }

    /// A budget to which success only gives its own attempt back.
    pub(crate) fn paid_back(core: &Core, kind: &str, of: &str, rule: Rule) -> Result<Self> {
        Ok(Self { key: key(core, kind, of)?, rule, resets: false })
    }
}

/// The name of a budget in the database: says nothing about the name or address it is for.
fn key(core: &Core, kind: &str, of: &str) -> Result<String> {
    let secret = core.keys.current().derive("throttle")?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()), format!("{kind}\0{of}").as_bytes());
    Ok(format!("{kind}:{}", data_encoding::HEXLOWER.encode(tag.as_ref().get(..16).unwrap_or_default())))
}

/// Where a call comes from, as budgets see it: an address, or a /64 of IPv6, which is one customer.
pub(crate) fn source_of(call: &Call) -> String {
    match call.source.map(|address| address.to_canonical()) {
        None => "nowhere".to_owned(),
        Some(std::net::IpAddr::V4(address)) => address.to_string(),
        Some(std::net::IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Attempts that have been paid for.
#[derive(Debug)]
pub(crate) struct Paid {
    buckets: Vec<Bucket>,
    /// The highest count that any budget with a stop has reached, and that stop.
    pub(crate) last_before_stop: bool,
}

/// Passwords under way on the one node of a database, by budget.
#[derive(Debug, Default)]
pub struct UnderWay {
    counts: Mutex<HashMap<String, Count>>,
    /// Digests of the budgets that may hold failures, once they have been read. Only this process adds some; so what is not
    /// among them need not be asked for.
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    read: bool,
    digests: HashSet<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    attempts: i64,
    /// When the last of them came, in milliseconds.
    last_at: i64,
}

/// A password that may be looked at. Dropped without a word it has cost nothing: nobody has learned anything by it.
#[derive(Debug)]
pub(crate) struct Reserved {
    core: Arc<Core>,
    now: Timestamp,
    how: How,
}

#[derive(Debug)]
enum How {
    /// Written down already, as on a database that other nodes share.
    Paid(Paid),
    /// Noted in memory. `kept`: some of the budgets hold failures of before.
    Noted { buckets: Vec<Bucket>, kept: bool },
}

/// Lets a password be looked at, or refuses it as [`pay`] does.
pub(crate) async fn reserve(core: &Arc<Core>, now: Timestamp, buckets: Vec<Bucket>) -> Result<Reserved> {
    if core.store.is_postgres() {
        let paid = pay(&core.store, now, buckets).await?;
        return Ok(Reserved { core: core.clone(), now, how: How::Paid(paid) });
    }
    // Noted before the rows are read: a failure that is written meanwhile is counted twice for a moment, never not at all.
    let before = core.under_way.enter(&buckets, now);
    let mut reserved = Reserved { core: core.clone(), now, how: How::Noted { buckets, kept: false } };
    let How::Noted { buckets, kept } = &mut reserved.how else { return Ok(reserved) };
    let rows = if core.under_way.may_be_kept(&core.store, buckets).await? {
        Entity::find().filter(Column::Key.is_in(buckets.iter().map(|b| &b.key))).all(core.store.read()).await?
    } else {
        Vec::new()
    };
    *kept = !rows.is_empty();
    let standing = buckets.iter().zip(before).map(|(bucket, count)| {
        let (kept, mut blocked_until) = kept_by(bucket, &rows, now);
        let failures = kept + count.attempts;
        if count.attempts > 0 {
            blocked_until = blocked_until.max(bucket.rule.blocks_until(failures, Timestamp(count.last_at)));
        }
        (bucket, failures, blocked_until)
    });
    may_go_on(standing, now)?;
    Ok(reserved)
}

impl Reserved {
    /// The password was right: inside the transaction of what it leads to.
    pub(crate) async fn succeeded<C: ConnectionTrait>(&self, txn: &C) -> Result<()> {
        match &self.how {
            How::Paid(paid) => paid.succeeded(txn).await,
            How::Noted { kept: false, .. } => Ok(()),
            How::Noted { buckets, kept: true } => {
                let emptied = buckets.iter().filter(|bucket| bucket.resets).map(|bucket| &bucket.key);
                Entity::delete_many().filter(Column::Key.is_in(emptied)).exec(txn).await?;
                Ok(())
            }
        }
    }

    /// The password was wrong: inside the transaction that notes the refusal.
    pub(crate) async fn failed<C: ConnectionTrait>(&self, txn: &C) -> Result<()> {
        let How::Noted { buckets, .. } = &self.how else { return Ok(()) };
        self.core.under_way.is_kept(buckets);
        let rows = Entity::find().filter(Column::Key.is_in(buckets.iter().map(|b| &b.key))).all(txn).await?;
        let failed = buckets.iter().map(|bucket| {
            let (kept, blocked_until) = kept_by(bucket, &rows, self.now);
            // Of two that were under way at once the later wait counts, whichever is written last.
            let blocked_until = blocked_until.max(bucket.rule.blocks_until(kept + 1, self.now));
            row(bucket, kept + 1, blocked_until, self.now)
        });
        write(txn, failed.collect()).await
    }

    /// The password was never evaluated: it cost nothing.
    pub(crate) async fn not_evaluated(self) -> Result<()> {
        match &self.how {
            How::Paid(paid) => paid.not_evaluated(&self.core.store).await,
            How::Noted { .. } => Ok(()),
        }
    }
}

fn digest(key: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let How::Noted { buckets, .. } = &self.how {
            self.core.under_way.leave(buckets);
        }
    }
}

impl UnderWay {
    /// Whether any of these budgets may hold failures.
    async fn may_be_kept(&self, store: &Store, buckets: &[Bucket]) -> Result<bool> {
        {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.read {
                return Ok(buckets.iter().any(|bucket| kept.digests.contains(&digest(&bucket.key))));
            }
        }
        let keys: Vec<String> = Entity::find().select_only().column(Column::Key).into_tuple().all(store.read()).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.digests.extend(keys.iter().map(|key| digest(key)));
        kept.read = true;
        Ok(true)
    }

    /// These are about to.
    fn is_kept(&self, buckets: &[Bucket]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.digests.extend(buckets.iter().map(|bucket| digest(&bucket.key)));
    }

    /// Reads anew what is kept, next time; unless a failure is just being written.
    pub(crate) fn forget_kept(&self) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.is_empty() {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
        }
    }

    /// Notes an attempt in all its budgets; gives what was under way before.
    fn enter(&self, buckets: &[Bucket], now: Timestamp) -> Vec<Count> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut enter = |bucket: &Bucket| {
            let count = counts.entry(bucket.key.clone()).or_default();
            let before = *count;
            *count = Count { attempts: before.attempts + 1, last_at: before.last_at.max(now.0) };
            before
        };
        buckets.iter().map(&mut enter).collect()
    }

    fn leave(&self, buckets: &[Bucket]) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for bucket in buckets {
            if let Some(count) = counts.get_mut(&bucket.key) {
                count.attempts -= 1;
                if count.attempts == 0 {
                    counts.remove(&bucket.key);
                }
            }
        }
    }
}

/// Pays for one attempt in all budgets, or in none: refused while any of them waits or has stopped.
pub(crate) async fn pay(store: &Store, now: Timestamp, buckets: Vec<Bucket>) -> Result<Paid> {
    let mut again = 0;
    loop {
        match try_pay(store, now, &buckets).await {
            Ok(last_before_stop) => return Ok(Paid { buckets, last_before_stop }),
            // Two transactions may stand in each other's way on PostgreSQL; one of them is told to come again.
            Err(error) if error.kind() == model::Refusal::Unavailable && again < 3 => again += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn try_pay(store: &Store, now: Timestamp, buckets: &[Bucket]) -> Result<bool> {
    let change = store.begin().await?;
    let txn = change.txn();
    let mut keys: Vec<&str> = buckets.iter().map(|bucket| bucket.key.as_str()).collect();
    // Always in the same order, so that two attempts cannot wait for each other.
    keys.sort_unstable();
    let mut rows = Entity::find().filter(Column::Key.is_in(keys.iter().copied())).order_by_asc(Column::Key);
    if txn.get_database_backend() == DatabaseBackend::Postgres {
        // Rows come and go with success, so locks on rows alone are not always taken in the same order.
        let locks: Vec<String> =
            (1..=keys.len()).map(|number| format!("pg_advisory_xact_lock(hashtextextended(${number}, 0))")).collect();
        let values = keys.iter().map(|key| (*key).into());
        let statement = format!("SELECT {}", locks.join(", "));
        txn.query_one_raw(Statement::from_sql_and_values(DatabaseBackend::Postgres, statement, values)).await?;
        let fresh = buckets.iter().map(|bucket| ActiveModel::from(row(bucket, 0, 0, now)).reset_all());
        Entity::insert_many(fresh).on_conflict_do_nothing_on([Column::Key]).exec_without_returning(txn).await?;
        rows = rows.lock_exclusive();
    }
    let rows = rows.all(txn).await?;
    let standing = buckets.iter().map(|bucket| {
        let (failures, blocked_until) = kept_by(bucket, &rows, now);
        (bucket, failures, blocked_until)
    });
    let last_before_stop = may_go_on(standing, now)?;
    let paid = buckets.iter().map(|bucket| {
        let failures = kept_by(bucket, &rows, now).0 + 1;
        row(bucket, failures, bucket.rule.blocks_until(failures, now), now)
    });
    write(txn, paid.collect()).await?;
    change.commit().await?;
    Ok(last_before_stop)
}

/// The failures of a budget that still count, and until when it waits.
fn kept_by(bucket: &Bucket, rows: &[Model], now: Timestamp) -> (i64, i64) {
    rows.iter().find(|row| row.key == bucket.key).map_or((0, 0), |row| (bucket.rule.left(row, now), row.blocked_until))
}

/// Refuses an attempt while any of its budgets waits or has stopped; says whether it is the last before a stop.
fn may_go_on<'b>(standing: impl Iterator<Item = (&'b Bucket, i64, i64)>, now: Timestamp) -> Result<bool> {
    let (mut wait, mut stopped, mut last_before_stop) = (0, false, false);
    for (bucket, failures, blocked_until) in standing {
        let stop = i64::from(bucket.rule.stop);
        stopped |= stop > 0 && failures >= stop;
        last_before_stop |= stop > 0 && failures + 1 >= stop;
        wait = wait.max(blocked_until - now.0);
    }
    if stopped {
        return Err(Error::stopped(
            3600,
            "There were too many attempts. Use a passkey, a browser you have signed in with before, or a link to set a new password.",
        ));
    }
    if wait > 0 {
        return Err(Error::throttled(u32::try_from((wait + 999) / Timestamp::SECOND).unwrap_or(u32::MAX)));
    }
    Ok(last_before_stop)
}

fn row(bucket: &Bucket, failures: i64, blocked_until: i64, now: Timestamp) -> Model {
    Model { key: bucket.key.clone(), failures, blocked_until, updated_at: now.0 }
}

async fn write<C: ConnectionTrait>(txn: &C, mut rows: Vec<Model>) -> Result<()> {
    // Always in the same order, so that two attempts cannot wait for each other.
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    Entity::insert_many(rows.into_iter().map(|row| ActiveModel::from(row).reset_all()))
        .on_conflict(
            OnConflict::column(Column::Key)
                .update_columns([Column::Failures, Column::BlockedUntil, Column::UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(txn)
        .await?;
    Ok(())
}

impl Paid {
    /// The attempt was right: inside the transaction of what it leads to.
    pub(crate) async fn succeeded<C: ConnectionTrait>(&self, txn: &C) -> Result<()> {
        // One by one in the order in which attempts pay, so that neither waits for the other.
        for bucket in sorted(&self.buckets) {
            if bucket.resets {
                Entity::delete_by_id(&bucket.key).exec(txn).await?;
            } else {
                give_back(txn, bucket).await?;
            }
        }
        Ok(())
    }

    /// The attempt was never evaluated: it cost nothing.
    pub(crate) async fn not_evaluated(&self, store: &Store) -> Result<()> {
        for bucket in sorted(&self.buckets) {
            give_back(store.write(), bucket).await?;
        }
        Ok(())
    }
}

fn sorted(buckets: &[Bucket]) -> Vec<&Bucket> {
    let mut sorted: Vec<&Bucket> = buckets.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    sorted
}

async fn give_back<C: ConnectionTrait>(txn: &C, bucket: &Bucket) -> Result<()> {
    use sea_orm::sea_query::ExprTrait as _;
    let below = Expr::col(Column::Failures).lte(i64::from(bucket.rule.free));
    Entity::update_many()
        .col_expr(Column::BlockedUntil, Expr::case(below, 0).finally(Expr::col(Column::BlockedUntil)).into())
        .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
        .filter(Column::Key.eq(&bucket.key))
        .filter(Column::Failures.gt(0))
        .exec(txn)
        .await?;
    Ok(())
}

/// Empties a budget: a reset link or a passkey has proven who the person is.
pub(crate) async fn empty<C: ConnectionTrait>(txn: &C, core: &Core, kind: &str, of: &str) -> Result<()> {
    Entity::delete_by_id(key(core, kind, of)?).exec(txn).await?;
    Ok(())
}

/// Removes budgets that nobody has touched for long. Counts towards a stop are kept for a year.
pub async fn clean_up(store: &Store, now: Timestamp) -> Result<u64> {
    use sea_orm::sea_query::ExprTrait as _;
    let old = now.plus(-2 * Timestamp::DAY).0;
    let very_old = now.plus(-365 * Timestamp::DAY).0;
    let kept =
        Column::Key.starts_with("name:").or(Column::Key.starts_with("device:")).or(Column::Key.starts_with("factor:"));
    let gone = Entity::delete_many()
        .filter(Column::UpdatedAt.lt(very_old).or(Column::UpdatedAt.lt(old).and(kept.not())))
        .exec(store.write())
        .await?;
    Ok(gone.rows_affected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let rule = Limits::default().pair;
        let seconds: Vec<i64> = (1..20).map(|failures| rule.wait(failures) / 1000).collect();
        assert_eq!(seconds.get(..8).unwrap(), [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(seconds.last(), Some(&3600));
        assert_eq!(rule.wait(i64::MAX), 3_600_000);
    }

    #[test]
    fn a_day_of_guessing_codes_is_worth_less_than_one_in_ten_thousand() {
        let rule = Limits::default().factor;
        let (mut failures, mut time, mut guesses) = (0, 0, 0_i64);
        while time < Timestamp::DAY {
            failures += 1;
            guesses += 1;
            time += rule.wait(failures);
        }
        // Three codes of a million are right at any moment.
        assert!(guesses * 3 * 10_000 <= 1_000_000, "{guesses} guesses (MFA-04)");
    }

    #[test]
    fn a_configuration_changes_only_what_it_names() {
        let limits: Limits = serde_json::from_str(r#"{"name": {"free": 3}}"#).unwrap();
        assert_eq!(limits.name, Rule { free: 3, ..Limits::default().name });
        assert_eq!(limits.source, Limits::default().source);
        assert!(serde_json::from_str::<Limits>(r#"{"names": {}}"#).is_err());
        assert!(serde_json::from_str::<Limits>(r#"{"name": {"fre": 3}}"#).is_err());
    }
}
