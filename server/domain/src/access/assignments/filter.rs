//! Which grants a list shows, as conditions of SQL: whose, where, and which part of what people know them by.

use sea_orm::sea_query::{Query, SelectStatement};
use sea_orm::{ColumnTrait as _, Condition, EntityName as _};

use crate::access::accounts;
use crate::error::{Error, Result};
use crate::page::contains;
use crate::store::entity::assignment::Column;
use crate::store::entity::{account, group, permission_set, user};

/// The longest search.
const LONGEST: usize = 512;

/// Narrows a list of grants. Each is a part of what people know something by; an empty one leaves all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantsFilter {
    /// The name of a person or a group.
    pub whom: String,
    /// The name, number or path of an account, or a path rule.
    pub account: String,
    /// The name of a permission set.
    pub set: String,
}

impl GrantsFilter {
    /// Whether it leaves everything.
    pub fn is_empty(&self) -> bool {
        [&self.whom, &self.account, &self.set].iter().all(|text| text.trim().is_empty())
    }

    /// People whose name has this in it; nothing where nothing is searched for.
    pub(super) fn people(search: &str) -> Result<Option<Condition>> {
        Ok(part("search", search)?.map(called))
    }

    pub(super) fn condition(&self) -> Result<Condition> {
        let mut condition = Condition::all();
        if let Some(whom) = part("whom", &self.whom)? {
            let people = Query::select()
                .column(user::Column::Id)
                .from(user::Entity.table_ref())
                .cond_where(called(whom))
                .to_owned();
            let groups = Query::select()
                .column(group::Column::Id)
                .from(group::Entity.table_ref())
                .and_where(group::Column::NameKey.like(contains(&model::name_key(whom))))
                .to_owned();
            condition = condition.add(
                Condition::any()
                    .add(Column::PrincipalId.in_subquery(people))
                    .add(Column::PrincipalId.in_subquery(groups)),
            );
        }
        if let Some(text) = part("account", &self.account)? {
            let mut any = Condition::any().add(Column::Target.in_subquery(accounts_with(text)));
            // Rules are written with these, numbers are not: without them the rules need no look.
            if text.contains(['/', '*']) {
                any = any.add(Column::Target.like(contains(text)));
            }
            condition = condition.add(any);
        }
        if let Some(set) = part("set", &self.set)? {
            let sets = Query::select()
                .column(permission_set::Column::Id)
                .from(permission_set::Entity.table_ref())
                .and_where(permission_set::Column::NameKey.like(contains(&model::name_key(set))))
                .to_owned();
            condition = condition.add(Column::PermissionSetId.in_subquery(sets));
        }
        Ok(condition)
    }
}

/// People with this in the name they sign in with or are called by.
fn called(whom: &str) -> Condition {
    let key = contains(&model::name_key(whom));
    Condition::any().add(user::Column::UserNameKey.like(key.clone())).add(user::Column::DisplayKey.like(key))
}

fn accounts_with(text: &str) -> SelectStatement {
    Query::select()
        .column(account::Column::Id)
        .from(account::Entity.table_ref())
        .cond_where(accounts::found(text))
        .to_owned()
}

/// What is searched for, where anything is.
fn part<'t>(field: &'static str, text: &'t str) -> Result<Option<&'t str>> {
    let text = text.trim();
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must have at most 512 characters and no control characters"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}
