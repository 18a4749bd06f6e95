//! Which accounts a list shows, as conditions of SQL: what the caller's reach, a search, a path, a tag and a status leave.

use model::{AccountPath, AccountTarget, PathRule};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, SimpleExpr};
use sea_orm::{ColumnTrait as _, Condition, DatabaseBackend};

use super::AccountStatus;
use crate::authz::{Action, Decision, Resource, decide};
use crate::call::{Actor, Call};
use crate::error::{Error, Result};
use crate::page::{Key, Ordering, PageRequest, contains};
use crate::store::entity::account::{self, Column};

/// The longest search.
const LONGEST_SEARCH: usize = 512;

/// What a list shows.
#[derive(Clone, Debug, Default)]
pub struct AccountsQuery {
    /// A part of the name, the number, the address or the path.
    pub search: String,
    /// Only there and below.
    pub path: Option<AccountPath>,
    /// Only with this tag: `key`, or `key=value`.
    pub tag: String,
    /// Only in this state.
    pub status: Option<AccountStatus>,
    /// By what it is ordered.
    pub sort: AccountsSort,
    /// From the last to the first.
    pub descending: bool,
    /// Which page.
    pub page: PageRequest,
}

/// By what a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountsSort {
    /// By name.
    #[default]
    Name,
    /// By number.
    Id,
    /// By path.
    Path,
}

impl AccountsSort {
    pub(super) fn ordering(self, descending: bool) -> Ordering {
        let name = match self {
            Self::Name => "accounts-name",
            Self::Id => "accounts-id",
            Self::Path => "accounts-path",
        };
        let text = || Key::Text(String::new());
        Ordering { name: name.to_owned(), descending, kinds: (text(), text()) }
    }

    pub(super) fn columns(self) -> (Column, Column) {
        match self {
            Self::Name => (Column::NameKey, Column::Id),
            Self::Id => (Column::Id, Column::Id),
            Self::Path => (Column::Path, Column::Id),
        }
    }

    pub(super) fn place(self, row: &account::Model) -> (Key, Key) {
        let key = match self {
            Self::Name => &row.name_key,
            Self::Id => &row.id,
            Self::Path => &row.path,
        };
        (key.as_str().into(), row.id.as_str().into())
    }
}

impl AccountsQuery {
    pub(super) fn condition(&self, backend: DatabaseBackend) -> Result<Condition> {
        let search = self.search.trim();
        let mut condition = Condition::all();
        if search.chars().count() > LONGEST_SEARCH || search.contains('\0') {
            return Err(Error::invalid("search", "must have at most 512 characters and no control characters"));
        }
        if !search.is_empty() {
            condition = condition.add(found(search));
        }
        if let Some(path) = &self.path {
            condition = condition.add(at_or_below(path.as_str()));
        }
        if let Some(status) = self.status {
            condition = condition.add(Column::Status.eq(status.as_str()));
        }
        let tag = self.tag.trim();
        Ok(if tag.is_empty() { condition } else { condition.add(tagged(tag, backend)?) })
    }
}

/// Accounts that have a text somewhere in what people know them by.
pub(crate) fn found(search: &str) -> Condition {
    let (key, lower) = (model::name_key(search), search.to_lowercase());
    Condition::any()
        .add(Column::NameKey.like(contains(&key)))
        .add(Column::Id.like(contains(search)))
        .add(Expr::from(Func::lower(Expr::col(Column::Email))).like(contains(&lower)))
        .add(Expr::from(Func::lower(Expr::col(Column::Path))).like(contains(&lower)))
        .add(Column::Path.like(contains(search)))
}

/// `key` or `key=value`.
fn tagged(tag: &str, backend: DatabaseBackend) -> Result<SimpleExpr> {
    let (key, value) = tag.split_once('=').map_or((tag, None), |(key, value)| (key, Some(value)));
    let (key, value) = (key.trim(), value.map(str::trim));
    // The key becomes part of a path into JSON: only what a tag can have may come in.
    let pair = [(key.to_owned(), value.unwrap_or_default().to_owned())].into();
    if let Some((_, reason)) = crate::access::tags::faults(&pair).into_iter().next() {
        return Err(Error::invalid("tag", reason));
    }
    let at = match backend {
        DatabaseBackend::Postgres => Expr::cust_with_values("tags->>$1", [key.to_owned()]),
        _ => Expr::cust_with_values("json_extract(tags, ?)", [format!("$.\"{key}\"")]),
    };
    Ok(match value {
        Some(value) => at.eq(value),
        None => at.is_not_null(),
    })
}

/// A path and everything below it. Texts compare byte by byte, and `0` comes after `/`.
fn at_or_below(path: &str) -> Condition {
    if path == "/" {
        return Condition::all();
    }
    Condition::any().add(Column::Path.eq(path)).add(below(path))
}

fn below(stem: &str) -> Condition {
    Condition::all().add(Column::Path.gte(format!("{stem}/"))).add(Column::Path.lt(format!("{stem}0")))
}

/// Accounts that a rule matches: the same as [`PathRule::matches`], asked of the database.
pub(crate) fn matched_by(rule: &PathRule) -> Condition {
    let rule = rule.as_str();
    if let Some(stem) = rule.strip_suffix("/**") {
        return at_or_below(if stem.is_empty() { "/" } else { stem });
    }
    let Some(stem) = rule.strip_suffix("/*") else {
        return Condition::all().add(Column::Path.eq(rule));
    };
    // One step below: the rest after the slash is there and holds no other.
    let from = i32::try_from(stem.chars().count()).unwrap_or_default() + 2;
    let rest = Expr::from(Func::cust("substr").arg(Expr::col(Column::Path)).arg(Expr::val(from)));
    below(stem).add(Column::Path.ne(format!("{stem}/"))).add(rest.not_like("%/%"))
}

/// Accounts that the caller may see: all, or those of their access administration.
pub(crate) fn reached_by(call: &Call) -> Condition {
    let elsewhere = Resource::Account { in_scope: false };
    if decide(&call.actor, Action::SeeAccounts, elsewhere, call.now) == Decision::Allow {
        return Condition::all();
    }
    let scopes = match &call.actor {
        Actor::Person(person) => person.scopes.as_slice(),
        _ => &[],
    };
    // A condition without parts would be true.
    scopes.iter().fold(Condition::any().add(Expr::val(1).eq(0)), |condition, scope| match scope {
        AccountTarget::Account(id) => condition.add(Column::Id.eq(id.as_str())),
        AccountTarget::Rule(rule) => condition.add(matched_by(rule)),
    })
}
