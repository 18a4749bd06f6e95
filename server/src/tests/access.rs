//! Every address, asked by every kind of actor, decides as the domain's table does (AUTHZ-01).

use std::collections::BTreeSet;

use app::actions::table::{ACTIONS, find, register};
use axum::http::StatusCode;
use domain::authz::{Action, Decision, Resource, decide};
use domain::identity::people::PersonInput;
use domain::identity::sign_in::SessionGrant;
use domain::identity::test_people::{PASSWORD, code_at};
use domain::{Actor, Secret};
use model::{Refusal, Role};

use super::{Answer, Site};
use crate::access::{Door, Row, TABLE};

#[test]
fn every_page_and_every_action_has_a_row_and_every_row_has_one() {
    register();
    let pages = app::router::routes().into_iter().map(|route| (route.path().to_owned(), "page"));
    let forms = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| (path.to_owned(), "form"));
    let there: BTreeSet<(String, &str)> = pages.chain(forms).collect();
    let rows = TABLE.iter().filter_map(|row| match row.door {
        Door::Page => Some((row.path.to_owned(), "page")),
        Door::Form => Some((row.path.to_owned(), "form")),
        Door::Read => None,
    });
    let rows: BTreeSet<(String, &str)> = rows.collect();
    let missing: Vec<_> = there.difference(&rows).collect();
    let extra: Vec<_> = rows.difference(&there).collect();
    assert!(missing.is_empty() && extra.is_empty(), "without a row: {missing:?}; answered by nothing: {extra:?}");
    assert!(ACTIONS.iter().all(|action| TABLE.iter().any(|row| row.path == action.path)));
}
