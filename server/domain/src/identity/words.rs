//! The words that a person is found by, kept in the transaction that changes their names.
//!
//! A search finds a person when each of its words begins a word of the person. Words are the longest runs of letters and
//! digits, in the form in which names compare.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, QuerySelect,
    QueryTrait as _,
};

use crate::error::Result;
use crate::store::entity::{user, user_word};

/// The longest word that is kept and searched for.
const LONGEST: usize = 64;
/// Rows of one statement.
const MOST_AT_ONCE: usize = 5_000;
/// The most words of one search.
const MOST_TERMS: usize = 8;
/// Up to so many matches are fetched and put into the wanted order; beyond, the order is walked and each row is asked.
const FEW: u64 = 1_000;

fn words_in(text: &str) -> impl Iterator<Item = String> {
    let key = model::name_key(text);
    let words: Vec<String> = key
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(LONGEST).collect())
        .collect();
    words.into_iter()
}

/// Writes the words of a person anew.
pub(crate) async fn write(txn: &impl ConnectionTrait, person: &user::Model) -> Result<()> {
    user_word::Entity::delete_many().filter(user_word::Column::UserId.eq(&person.id)).exec(txn).await?;
    add(txn, person).await
}

/// Writes the words of a person who has none yet.
pub(crate) async fn add(txn: &impl ConnectionTrait, person: &user::Model) -> Result<()> {
    add_all(txn, std::iter::once(person)).await
}

/// Writes the words of people who have none yet.
pub(crate) async fn add_all<'p>(
    txn: &impl ConnectionTrait,
    people: impl Iterator<Item = &'p user::Model>,
) -> Result<()> {
    let rows: Vec<user_word::ActiveModel> = people.flat_map(rows_of).collect();
    for part in rows.chunks(MOST_AT_ONCE) {
        user_word::Entity::insert_many(part.to_vec()).exec_without_returning(txn).await?;
    }
    Ok(())
}

fn rows_of(person: &user::Model) -> impl Iterator<Item = user_word::ActiveModel> {
    let names = [&person.user_name, &person.display_name, &person.given_name, &person.family_name, &person.email];
    let words: BTreeSet<String> = names.into_iter().flat_map(|name| words_in(name)).collect();
    let id = person.id.clone();
    words.into_iter().map(move |word| user_word::ActiveModel { user_id: Set(id.clone()), word: Set(word) })
}

/// Who a search finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing was searched for.
    Everybody,
    /// These, and nobody else.
    Few(Vec<String>),
    /// Too many to fetch: whoever has a word for each of these beginnings.
    Many(Vec<String>),
}

/// Finds whom a search means. Its cost is bounded however many match.
pub(crate) async fn find(read: &DatabaseConnection, search: &str) -> Result<Found> {
    let mut terms: Vec<String> = words_in(search).take(MOST_TERMS).collect();
    if terms.is_empty() {
        // Only signs were typed: no word begins with them.
        return Ok(if search.trim().is_empty() { Found::Everybody } else { Found::Few(Vec::new()) });
    }
    terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
    for (at, term) in terms.iter().enumerate() {
        let ids: Vec<String> = user_word::Entity::find()
            .select_only()
            .column(user_word::Column::UserId)
            .filter(begins(term))
            .limit(FEW + 1)
            .into_tuple()
            .all(read)
            .await?;
        if u64::try_from(ids.len()).unwrap_or(u64::MAX) <= FEW {
            let ids: BTreeSet<String> = ids.into_iter().collect();
            if terms.len() == 1 || ids.is_empty() {
                return Ok(Found::Few(ids.into_iter().collect()));
            }
            let others = terms.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, term)| term);
            let mut narrowed =
                user::Entity::find().select_only().column(user::Column::Id).filter(user::Column::Id.is_in(ids));
            for term in others {
                narrowed = narrowed.filter(Expr::exists(has_word(term)));
            }
            return Ok(Found::Few(narrowed.into_tuple().all(read).await?));
        }
    }
    Ok(Found::Many(terms))
}

impl Found {
    /// Narrows a query over people to who was found.
    pub(crate) fn narrow(&self, select: sea_orm::Select<user::Entity>) -> sea_orm::Select<user::Entity> {
        match self {
            Self::Everybody => select,
            Self::Few(ids) => select.filter(user::Column::Id.is_in(ids)),
            Self::Many(terms) => terms.iter().fold(select, |select, term| select.filter(Expr::exists(has_word(term)))),
        }
    }
}

fn begins(term: &str) -> Expr {
    let column = || Expr::col((user_word::Entity, user_word::Column::Word));
    // No word holds this character: everything that begins with the term lies before it.
    column().gte(term).and(column().lt(format!("{term}\u{10FFFF}")))
}

fn has_word(term: &str) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(user_word::Entity)
        .and_where(Expr::col((user_word::Entity, user_word::Column::UserId)).equals((user::Entity, user::Column::Id)))
        .and_where(begins(term))
        .to_owned()
}

/// How many a query finds, counted up to a bound; `None` beyond it.
pub(crate) async fn count_up_to(
    read: &DatabaseConnection,
    select: sea_orm::Select<user::Entity>,
    bound: u64,
) -> Result<Option<u64>> {
    let inner = select.select_only().expr_as(Expr::val(1), "one").limit(bound + 1).into_query();
    let outer = Query::select().expr(Expr::cust("COUNT(*)")).from_subquery(inner, "counted").to_owned();
    let row = read.query_one(&outer).await?;
    let count: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(0);
    let count = u64::try_from(count).unwrap_or(0);
    Ok((count <= bound).then_some(count))
}

#[cfg(test)]
mod tests {
    use super::words_in;

    #[test]
    fn words_are_runs_of_letters_and_digits_in_comparable_form() {
        let of = |text| words_in(text).collect::<Vec<_>>();
        assert_eq!(of("Anne-Marie O'Neil"), ["anne", "marie", "o", "neil"]);
        assert_eq!(of("ＡLICE@example.com"), ["alice", "example", "com"]);
        assert_eq!(of("%_'; DROP TABLE users --"), ["drop", "table", "users"], "signs never reach a query (DB-01)");
        assert!(of("\0 % _").is_empty());
    }
}
