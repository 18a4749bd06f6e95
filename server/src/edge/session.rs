//! The session's cookie, carried by tower-sessions; the session itself is the domain's.
//!
//! tower-sessions wants a store that it reads from and writes to. Ours only reads: [`Sessions::resolve`] says who a token belongs
//! to, once for each request. Sessions begin, change their token and end inside the domain's own transactions; what is left for the
//! cookie is to carry the token that the domain made ([`TOKEN`]) or to go away.

use std::cell::RefCell;
use std::sync::Arc;

use app::context::{Answer, Cookies, SessionChange, Ui, Visit};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::identity::sessions::{Resolved, Sessions};
use domain::{Actor, Call, Error, Secret};
use model::Timestamp;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;
use tower_sessions::{Expiry, Session, SessionStore};

use super::facts::Facts;
use super::headers::Policy;
use crate::ops::metrics::Metrics;

/// Where the token that the domain made waits for [`SessionStore::create`].
const TOKEN: &str = "token";

/// Marks a record as one that lives: tower-sessions takes the cookie of an empty one away.
const ALIVE: &str = "alive";

/// How long a browser that has completed a sign-in is known.
const DEVICE_SECONDS: i64 = 180 * 86_400;

tokio::task_local! {
    /// What the store needs of the request, and what it found out. tower-sessions passes neither through.
    static LOOKUP: RefCell<Lookup>;
}

struct Lookup {
    now: Timestamp,
    found: Option<Arc<Resolved>>,
    failed: Option<Error>,
}

/// The adapter.
#[derive(Clone, Debug)]
pub struct Tokens(pub Sessions);

#[async_trait::async_trait]
impl SessionStore for Tokens {
    /// Adopts the token that the domain made.
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let token = record.data.remove(TOKEN).and_then(|token| token.as_str()?.parse::<Id>().ok());
        record.id =
            token.ok_or_else(|| session_store::Error::Backend("a session was begun outside the domain".to_owned()))?;
        Ok(())
    }

    async fn save(&self, _: &Record) -> session_store::Result<()> {
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let backend = |what: &str| session_store::Error::Backend(what.to_owned());
        let now = LOOKUP.try_with(|lookup| lookup.borrow().now).map_err(|_| backend("outside a request"))?;
        let resolved = self.0.resolve(&Secret::new(id.to_string()), now).await;
        let record = match &resolved {
            Ok(Some(session)) => Some(Record {
                id: *id,
                data: [(ALIVE.to_owned(), true.into())].into(),
                expiry_date: moment(session.expires_at),
            }),
            _ => None,
        };
        LOOKUP.with(|lookup| match resolved {
            Ok(session) => {
                lookup.borrow_mut().found = session.map(Arc::new);
                Ok(record)
            }
            Err(error) => {
                lookup.borrow_mut().failed = Some(error);
                Err(backend("the session could not be looked up"))
            }
        })
    }

    async fn delete(&self, _: &Id) -> session_store::Result<()> {
        Ok(())
    }
}

fn moment(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Resolves the session, runs the page or action with its [`Visit`], and gives the browser what became of the session.
pub async fn visit(
    ui: Ui,
    metrics: Metrics,
    session: Session,
    mut request: Request,
    next: axum::middleware::Next,
) -> Response {
    let Some(facts) = request.extensions().get::<Facts>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let resolved = match resolve(&session, facts.now).await {
        Ok(resolved) => resolved,
        Err(error) => {
            tracing::error!(request.id = %facts.id, "a session could not be looked up: {}", error.cause().unwrap_or_default());
            return crate::ui::problem(&ui, &facts, StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    let cookies = ui.cookies();
    let answer = Answer::default();
    let device = cookie(request.headers(), cookies.device).map(Secret::new);
    let visit = Visit {
        call: call(&ui, &facts, resolved.as_deref(), device),
        session: resolved,
        nonce: facts.nonce.clone(),
        answer: answer.clone(),
    };
    request.extensions_mut().insert(visit);
    let step = sign_in_step(request.uri().path());
    let form = super::compress::form(request.headers());
    let mut response = next.run(request).await;

    let extras = answer.take();
    if let Some(step) = step {
        let moved_on = matches!(extras.session, Some(SessionChange::Adopt(_)));
        metrics.signed_in(step, outcome(response.status(), moved_on));
    }
    if extras.compress {
        response = match super::compress::pack(response, form).await {
            Ok(packed) => packed,
            Err(error) => {
                tracing::error!(request.id = %facts.id, "a page could not be packed: {error}");
                return crate::ui::problem(&ui, &facts, StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
    }
    response.extensions_mut().insert(Policy { page: true, wasm: extras.wasm });
    if let Err(error) = apply(&session, extras.session, &cookies, &mut response).await {
        tracing::error!(request.id = %facts.id, "the session's cookie could not be set: {error}");
        return crate::ui::problem(&ui, &facts, StatusCode::INTERNAL_SERVER_ERROR);
    }
    response
}

/// Asks tower-sessions to load the record, which asks the domain.
async fn resolve(session: &Session, now: Timestamp) -> Result<Option<Arc<Resolved>>, Error> {
    let lookup = RefCell::new(Lookup { now, found: None, failed: None });
    LOOKUP
        .scope(lookup, async {
            let loaded = session.get_value(ALIVE).await;
            LOOKUP.with(|lookup| {
                let mut lookup = lookup.borrow_mut();
                match (loaded, lookup.failed.take()) {
                    (_, Some(error)) => Err(error),
                    (Err(error), None) => Err(Error::internal(error.to_string())),
                    (Ok(_), None) => Ok(lookup.found.take()),
                }
            })
        })
        .await
}

/// The first argument of every service function.
fn call(ui: &Ui, facts: &Facts, session: Option<&Resolved>, device: Option<Secret>) -> Call {
    Call {
        actor: session.map_or(Actor::Anonymous, |session| Actor::Person(session.person.clone())),
        request_id: facts.id.clone(),
        source: Some(facts.source),
        user_agent: facts.user_agent.clone(),
        device,
        now: facts.now,
        refusals: ui.services.refusals().clone(),
    }
}

/// A call by nobody, for the error pages of the edge.
pub fn nobody(ui: &Ui, facts: &Facts) -> Visit {
    Visit { call: call(ui, facts, None, None), session: None, nonce: facts.nonce.clone(), answer: Answer::default() }
}

async fn apply(
    session: &Session,
    change: Option<SessionChange>,
    cookies: &Cookies,
    response: &mut Response<Body>,
) -> Result<(), tower_sessions::session::Error> {
    match change {
        None => {}
        Some(SessionChange::End) => session.flush().await?,
        Some(SessionChange::Adopt(grant)) => {
            // The former token is dead already: the domain ended it when it made this one.
            session.cycle_id().await?;
            session.insert(TOKEN, grant.token.expose()).await?;
            session.set_expiry(Some(Expiry::AtDateTime(moment(grant.expires_at))));
            if let Some(device) = grant.device
                && let Ok(value) = HeaderValue::from_str(&cookies.set(cookies.device, device.expose(), DEVICE_SECONDS))
            {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
        }
    }
    Ok(())
}

/// Completes what tower-sessions sends to remove a cookie: browsers ignore a `__Host-` cookie without `Secure`, also its removal.
pub fn complete_cookies(headers: &mut HeaderMap, secure: bool) {
    let lines: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    if lines.is_empty() {
        return;
    }
    headers.remove(header::SET_COOKIE);
    for line in lines {
        let Ok(text) = line.to_str() else { continue };
        let mut text = text.to_owned();
        for attribute in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
            let there = text.split(';').any(|part| part.trim().eq_ignore_ascii_case(attribute));
            if !there && (attribute != "Secure" || secure) {
                text.push_str("; ");
                text.push_str(attribute);
            }
        }
        if let Ok(line) = HeaderValue::from_str(&text) {
            headers.append(header::SET_COOKIE, line);
        }
    }
}

/// The value of a cookie.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    super::facts::lines(headers, header::COOKIE.as_str())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, value)| *known == name && value.len() <= 128)
        .map(|(_, value)| value)
}

/// The step of a sign-in that an address is for, to count it.
fn sign_in_step(path: &str) -> Option<&'static str> {
    ["password", "code", "passkey", "second-passkey"]
        .into_iter()
        .find(|step| path.strip_prefix("/actions/sign-in/") == Some(step))
}

fn outcome(status: StatusCode, moved_on: bool) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "throttled",
        status if status.is_server_error() => "failed",
        _ if moved_on => "accepted",
        _ => "refused",
    }
}
