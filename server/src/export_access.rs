//! Who may go where as comma-separated values, in pieces: the whole of it is never in memory.

use app::context::{Ui, Visit};
use app::router::problem_page;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{RequestExt as _, Router};
use domain::access::Principal;
use domain::access::assignments::{GrantsFilter, GrantsOf, Via};
use domain::{Call, Error, PageRequest, Services};
use futures_util::stream;
use model::{AccountId, Refusal, Timestamp, UserId};
use serde::Deserialize;

/// The address of the export.
pub const PATH: &str = "/admin/assignments/export";

/// Rows fetched at once.
const PIECE: u32 = 200;

/// Its route.
pub fn router(ui: Ui) -> Router {
    Router::new().route(PATH, get(export)).with_state(ui)
}

/// What is wanted: who reaches one account (`list=people`), what one person reaches (`list=access`), or assignments: all of
/// them, those of one account, person, group or permission set (`of=group:…`), those that end within so many days; each narrowed
/// as on the page.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    list: String,
    user: String,
    of: String,
    ending: String,
    whom: String,
    account: String,
    set: String,
}

#[derive(Clone)]
enum Table {
    People(AccountId),
    Access(UserId),
    Grants(GrantsOf, GrantsFilter),
}

/// Reads the value of a field.
fn read<T: std::str::FromStr>(field: &'static str, text: &str, what: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::invalid(field, format!("must be {what}")))
}

impl Wanted {
    fn table(self, now: Timestamp) -> Result<Table, Error> {
        match self.list.as_str() {
            "people" => read("account", &self.account, "the number of an account").map(Table::People),
            "access" => read("user", &self.user, "the id of a person").map(Table::Access),
            "" => {
                let of = self.grants(now)?;
                Ok(Table::Grants(of, GrantsFilter { whom: self.whom, account: self.account, set: self.set }))
            }
            _ => Err(Error::invalid("list", "must be people or access, or left out")),
        }
    }

    fn grants(&self, now: Timestamp) -> Result<GrantsOf, Error> {
        if !self.ending.is_empty() {
            let days: u16 = read("ending", &self.ending, "a number of days")?;
            return Ok(GrantsOf::EndingBefore(now.plus(i64::from(days) * Timestamp::DAY)));
        }
        let (kind, id) = self.of.split_once(':').unwrap_or_default();
        let what = "account:, user:, group: or set: with an id";
        Ok(match kind {
            "" if self.of.is_empty() => GrantsOf::Everybody,
            "account" => GrantsOf::Account(read("of", id, what)?),
            "user" => GrantsOf::Principal(Principal::User(read("of", id, what)?)),
            "group" => GrantsOf::Principal(Principal::Group(read("of", id, what)?)),
            "set" => GrantsOf::PermissionSet(read("of", id, what)?),
            _ => return Err(Error::invalid("of", format!("must be {what}"))),
        })
    }
}

impl Table {
    fn head(&self) -> &'static [&'static str] {
        match self {
            Self::People(_) => &["user", "displayName", "permissionSet", "via", "group", "target", "expires"],
            Self::Access(_) => {
                &["account", "accountName", "path", "permissionSet", "via", "group", "target", "expires"]
            }
            Self::Grants(..) => &[
                "principalType",
                "principal",
                "target",
                "accountName",
                "permissionSet",
                "expires",
                "reason",
                "created",
                "createdBy",
            ],
        }
    }

    fn file(&self) -> &'static str {
        match self {
            Self::People(_) => "attachment; filename=\"account-access.csv\"",
            Self::Access(_) => "attachment; filename=\"person-access.csv\"",
            Self::Grants(..) => "attachment; filename=\"assignments.csv\"",
        }
    }
}

async fn export(State(ui): State<Ui>, mut request: Request) -> Response {
    let Some(visit) = request.extensions().get::<Visit>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(Query(wanted)) = request.extract_parts::<Query<Wanted>>().await else {
        return problem_page(&ui, request, StatusCode::BAD_REQUEST);
    };
    // The first piece is fetched before anything is answered: a refusal has its own status.
    let begun = match wanted.table(visit.call.now) {
        Ok(table) => Pieces::begin(ui.services.clone(), visit.call, table).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(pieces) => {
            let headers =
                [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, pieces.table.file())];
            (headers, Body::from_stream(stream::try_unfold(pieces, Pieces::next))).into_response()
        }
        Err(error) => match error.kind() {
            Refusal::SignInNeeded | Refusal::ConfirmNeeded => {
                let place = format!("/start/sign-in?next={}", app::address::encode("/admin/assignments"));
                (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
            }
            kind => problem_page(&ui, request, app::shell::status_of(kind)),
        },
    }
}

/// The rest of an export.
struct Pieces {
    services: Services,
    call: Call,
    table: Table,
    ready: Option<Vec<u8>>,
    after: Option<String>,
}

impl Pieces {
    async fn begin(services: Services, call: Call, table: Table) -> Result<Self, Error> {
        let mut lines = Vec::new();
        line(&mut lines, table.head().iter().map(|name| (*name).to_owned()));
        let (rows, after) = piece(&services, &call, &table, None).await?;
        lines.extend(rows);
        Ok(Self { services, call, table, ready: Some(lines), after })
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        if let Some(ready) = self.ready.take() {
            return Ok(Some((ready.into(), self)));
        }
        let Some(after) = self.after.take() else { return Ok(None) };
        let (rows, after) = piece(&self.services, &self.call, &self.table, Some(after)).await?;
        self.after = after;
        Ok(Some((rows.into(), self)))
    }
}

/// One piece as lines, and where the next begins.
async fn piece(
    services: &Services,
    call: &Call,
    table: &Table,
    cursor: Option<String>,
) -> Result<(Vec<u8>, Option<String>), Error> {
    let page = PageRequest { cursor, size: Some(PIECE) };
    let mut lines = Vec::new();
    let next = match table {
        Table::Grants(of, filter) => {
            let page = services.assignments.list(call, *of, filter, &page).await?;
            for row in page.rows {
                line(
                    &mut lines,
                    [
                        row.principal.kind().to_owned(),
                        row.named.name,
                        row.target.to_string(),
                        row.account.unwrap_or_default(),
                        row.set_name,
                        moment(row.expires),
                        row.reason,
                        moment(Some(row.created_at)),
                        row.created_by,
                    ],
                );
            }
            page.next
        }
        Table::Access(user) => {
            let page = services.assignments.access_of(call, *user, "", &page).await?;
            for row in page.rows {
                for via in row.via {
                    let about =
                        [row.account.to_string(), row.account_name.clone(), row.path.to_string(), row.set_name.clone()];
                    line(&mut lines, about.into_iter().chain(way(via)));
                }
            }
            page.next
        }
        Table::People(account) => {
            let page = services.assignments.people_of(call, *account, "", &page).await?;
            for person in page.rows {
                for set in person.sets {
                    for via in set.via {
                        let about = [person.user_name.clone(), person.display_name.clone(), set.set_name.clone()];
                        line(&mut lines, about.into_iter().chain(way(via)));
                    }
                }
            }
            page.next
        }
    };
    Ok((lines, next))
}

fn way(via: Via) -> [String; 4] {
    let (kind, group) = match via.group {
        Some((_, name)) => ("group", name),
        None => ("user", String::new()),
    };
    [kind.to_owned(), group, via.target.to_string(), moment(via.expires)]
}

fn moment(at: Option<Timestamp>) -> String {
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at.0).ok());
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// One line of RFC 4180. A value that a spreadsheet would take for a formula begins with an apostrophe.
fn line(lines: &mut Vec<u8>, values: impl IntoIterator<Item = String>) {
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            lines.push(b',');
        }
        let guard = if value.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        lines.extend(format!("\"{guard}{}\"", value.replace('"', "\"\"")).into_bytes());
    }
    lines.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_value_stays_a_value() {
        let mut lines = Vec::new();
        line(&mut lines, ["a", "say \"hi\", you", "=HYPERLINK(1)", "-1", "ä\u{202e}"].map(str::to_owned));
        let text = String::from_utf8(lines).unwrap();
        assert_eq!(text, "\"a\",\"say \"\"hi\"\", you\",\"'=HYPERLINK(1)\",\"'-1\",\"ä\u{202e}\"\r\n", "(AUTHZ-21)");
    }
}
