//! The audit log as JSON lines, in pieces: the whole of it is never in memory.

use app::context::{Ui, Visit};
use app::router::problem_page;
use axum::body::{Body, Bytes};
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{RequestExt as _, Router};
use domain::audit::log::{AuditQuery, Entry};
use domain::{Call, Error, Services};
use futures_util::stream;
use model::{Refusal, Timestamp};
use serde::Deserialize;

/// The address of the export.
pub const PATH: &str = "/admin/audit/export";

/// Its route.
pub fn router(ui: Ui) -> Router {
    Router::new().route(PATH, get(export)).with_state(ui)
}

/// What is wanted: as in the search of `/admin/audit`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    since: Option<String>,
    until: Option<String>,
    actor: String,
    target: String,
    action: String,
    request: String,
    outcome: Option<String>,
}

impl Wanted {
    fn query(self) -> Result<AuditQuery, Error> {
        let moment = |field: &'static str, text: Option<String>| match text
            .filter(|text| !text.is_empty())
            .map(|text| text.parse::<jiff::Timestamp>())
        {
            None => Ok(None),
            Some(Ok(time)) => Ok(Some(Timestamp(time.as_millisecond()))),
            Some(Err(_)) => Err(Error::invalid(field, "must be a moment such as 2026-01-31T08:00:00Z")),
        };
        Ok(AuditQuery {
            since: moment("since", self.since)?,
            until: moment("until", self.until)?,
            actor: self.actor,
            target: self.target,
            action: self.action,
            request: self.request,
            outcome: self.outcome.filter(|outcome| !outcome.is_empty()),
            ..AuditQuery::default()
        })
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
    let begun = match wanted.query() {
        Ok(query) => Pieces::begin(ui.services.clone(), visit.call, query).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(pieces) => {
            let headers = [
                (header::CONTENT_TYPE, "application/x-ndjson"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.jsonl\""),
            ];
            (headers, Body::from_stream(stream::try_unfold(pieces, Pieces::next))).into_response()
        }
        Err(error) => refused(&ui, request, &error),
    }
}

fn refused(ui: &Ui, request: Request, error: &Error) -> Response {
    match error.kind() {
        Refusal::SignInNeeded | Refusal::ConfirmNeeded => {
            let place = format!("/start/sign-in?next={}", app::address::encode("/admin/audit"));
            (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
        }
        kind => problem_page(ui, request, app::shell::status_of(kind)),
    }
}

/// The rest of an export.
struct Pieces {
    services: Services,
    call: Call,
    query: AuditQuery,
    ready: Option<Vec<Entry>>,
    after: Option<String>,
}

impl Pieces {
    async fn begin(services: Services, call: Call, query: AuditQuery) -> Result<Self, Error> {
        let (first, after) = services.audit.export(&call, &query, None).await?;
        Ok(Self { services, call, query, ready: Some(first), after })
    }

    /// The next piece, as lines.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        let entries = match (self.ready.take(), self.after.take()) {
            (Some(entries), after) => {
                self.after = after;
                entries
            }
            (None, Some(after)) => {
                let (entries, after) = self.services.audit.export(&self.call, &self.query, Some(after)).await?;
                self.after = after;
                entries
            }
            (None, None) => return Ok(None),
        };
        let mut lines = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut lines, entry)
                .map_err(|error| Error::internal(format!("audit export: {error}")))?;
            lines.push(b'\n');
        }
        Ok(Some((lines.into(), self)))
    }
}
