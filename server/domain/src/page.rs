//! Pages of long lists, by key and not by offset: the last page costs what the first costs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr};
use sea_orm::{EntityTrait, IntoSimpleExpr, Order, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Value};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all under this filter; `None` where counting would cost more than the page.
    pub total: Option<u64>,
    /// Opaque; gives the page after this one.
    pub next: Option<String>,
    /// Opaque; gives the page before this one.
    pub previous: Option<String>,
}

/// Which page is wanted.
#[derive(Clone, Debug, Default)]
pub struct PageRequest {
    /// The `next` or `previous` of another page; from outside, so unreadable ones are refused as invalid.
    pub cursor: Option<String>,
    /// Rows a page; 1–200, otherwise 50.
    pub size: Option<u32>,
}

impl PageRequest {
    /// Rows a page, within limits.
    pub fn size(&self) -> u64 {
        u64::from(self.size.filter(|size| (1..=200).contains(size)).unwrap_or(50))
    }
}

/// A pattern that finds a text anywhere in another: nothing in it is a sign of patterns.
pub(crate) fn contains(text: &str) -> LikeExpr {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}

/// A value that rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Key {
    /// A moment or a number.
    Number(i64),
    /// A text, compared byte by byte.
    Text(String),
}

impl Key {
    fn same_kind(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Number(_), Self::Number(_)) | (Self::Text(_), Self::Text(_)))
    }

    fn is_storable(&self) -> bool {
        !matches!(self, Self::Text(text) if text.contains('\0'))
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Number(number) => number.into(),
            Key::Text(text) => text.into(),
        }
    }
}

/// What a cursor holds. It comes back from outside: it chooses a place in an order, and never a column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The order it belongs to.
    o: String,
    /// The row's key.
    k: Key,
    /// What tells rows with one key apart.
    t: Key,
    /// Whether the page before that row is wanted.
    b: bool,
    /// How many rows the first page counted, so that only the first counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
}

/// One order of a list.
#[derive(Clone, Debug)]
pub(crate) struct Ordering {
    /// Its name; a cursor of another order is refused.
    pub(crate) name: String,
    /// From the greatest to the least.
    pub(crate) descending: bool,
    /// The kinds of the key and of what breaks ties.
    pub(crate) kinds: (Key, Key),
}

/// The part of a list that is read.
#[derive(Debug)]
pub(crate) struct Window {
    ordering: Ordering,
    from: Option<(Key, Key)>,
    back: bool,
    size: u64,
    /// What the first page counted.
    pub(crate) counted: Option<u64>,
    /// Whether this is the page without a cursor: the one that counts.
    pub(crate) is_first: bool,
}

impl Window {
    /// Reads a request for a page; a cursor that is not one of ours for this order is refused.
    pub(crate) fn of(request: &PageRequest, ordering: Ordering) -> Result<Self> {
        let size = request.size();
        let Some(text) = request.cursor.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(Self { ordering, from: None, back: false, size, counted: None, is_first: true });
        };
        let refused = || Error::invalid("cursor", "is not one that this list gave out");
        if text.len() > 4096 {
            return Err(refused());
        }
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let cursor: Cursor = serde_json::from_slice(&json).map_err(|_| refused())?;
        let fits = cursor.o == ordering.label()
            && cursor.k.same_kind(&ordering.kinds.0)
            && cursor.t.same_kind(&ordering.kinds.1)
            && cursor.k.is_storable()
            && cursor.t.is_storable();
        if !fits {
            return Err(refused());
        }
        Ok(Self {
            ordering,
            from: Some((cursor.k, cursor.t)),
            back: cursor.b,
            size,
            counted: cursor.n,
            is_first: false,
        })
    }

    /// Orders and cuts a query; one row more than wanted is read, to know whether there is another page.
    pub(crate) fn apply<E: EntityTrait>(
        &self,
        select: Select<E>,
        key: impl IntoSimpleExpr,
        tie: impl IntoSimpleExpr,
    ) -> Select<E> {
        let (key, tie) = (key.into_simple_expr(), tie.into_simple_expr());
        let falling = self.ordering.descending != self.back;
        let mut select = select;
        if let Some((k, t)) = &self.from {
            let here = Expr::tuple([key.clone(), tie.clone()]);
            let there = Expr::tuple([Expr::val(k.clone()), Expr::val(t.clone())]);
            select = select.filter(if falling { here.lt(there) } else { here.gt(there) });
        }
        let direction = || if falling { Order::Desc } else { Order::Asc };
        select.order_by(key, direction()).order_by(tie, direction()).limit(self.size + 1)
    }

    /// Cuts the page out of a whole list that is in memory, in rising order and without two rows in one place.
    pub(crate) fn cut<T>(self, mut rows: Vec<T>, place: impl Fn(&T) -> (Key, Key)) -> Page<T> {
        let total = Some(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        let size = usize::try_from(self.size).unwrap_or(usize::MAX).saturating_add(1);
        if let Some(from) = &self.from {
            if self.back {
                rows.truncate(rows.partition_point(|row| place(row) < *from));
                rows.reverse();
            } else {
                rows.drain(..rows.partition_point(|row| place(row) <= *from));
            }
        } else if self.back {
            rows.reverse();
        }
        rows.truncate(size);
        self.finish(rows, total, place)
    }

    /// Makes the page of what was read. `place` gives the key and the tie-breaker of a row.
    pub(crate) fn finish<T>(self, mut rows: Vec<T>, total: Option<u64>, place: impl Fn(&T) -> (Key, Key)) -> Page<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if self.back {
            rows.reverse();
        }
        let (has_next, has_previous) = if self.back { (true, more) } else { (more, self.from.is_some()) };
        let cursor = |row: Option<&T>, back: bool| {
            let (k, t) = place(row?);
            let json = serde_json::to_vec(&Cursor { o: self.ordering.label(), k, t, b: back, n: total }).ok()?;
            Some(URL_SAFE_NO_PAD.encode(json))
        };
        let next = has_next.then(|| cursor(rows.last(), false)).flatten();
        let previous = has_previous.then(|| cursor(rows.first(), true)).flatten();
        Page { rows, total, next, previous }
    }
}

impl Ordering {
    fn label(&self) -> String {
        format!("{}{}", self.name, if self.descending { "-" } else { "+" })
    }
}
