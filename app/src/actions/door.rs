//! The door in front of all actions. It lets in small, well-formed forms with exactly the keys that the action's table names,
//! and takes away what would let leptos answer by other rules than ours: `Accept` and `Referer`.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use axum::response::{IntoResponse, Response};
use leptos::prelude::provide_context;
use model::t;

use super::Slot;
use super::table::{Entry, find, most_bytes};
use crate::context::{Cx, Ui, Visit, provide};
use crate::pages::problem;
use crate::parts::frame::Page;
use crate::shell;

/// Runs the action that a request names.
pub async fn act(ui: Ui, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(visit) = parts.extensions.get::<Visit>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let bytes = match checked(&parts, body).await {
        Ok(bytes) => bytes,
        Err(status) => return refused(&ui, visit, &parts, status),
    };
    parts.headers.remove(header::REFERER);
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));

    let slot = Slot::default();
    let context = {
        let (ui, slot) = (ui.clone(), slot.clone());
        move || {
            provide(&ui);
            provide_context(slot.clone());
        }
    };
    let inner = Request::from_parts(parts.clone(), Body::from(bytes));
    let response = leptos_axum::handle_server_fns_with_context(context, inner).await.into_response();
    if !slot.ran() {
        return refused(&ui, visit, &parts, StatusCode::BAD_REQUEST);
    }
    if let Some(again) = slot.take_again() {
        // The page stands where its form stands.
        parts.uri = Uri::try_from(again.path).unwrap_or(parts.uri);
        return render(&ui, visit, &parts, |_| (shell::status_of(again.error.kind()), (again.page)(&again.error)));
    }
    match slot.take() {
        Some(error) => {
            if let Some(cause) = error.cause() {
                tracing::warn!(request.id = %visit.call.request_id, "{}: {cause}", parts.uri.path());
            }
            let retry = error.retry_after_seconds();
            let mut answer = render(&ui, visit, &parts, |cx| problem::of(cx, &error));
            if let Some(value) = retry.and_then(|seconds| HeaderValue::from_str(&seconds.to_string()).ok()) {
                answer.headers_mut().insert(header::RETRY_AFTER, value);
            }
            // A refused step may still have changed or taken the session's cookie.
            for cookie in response.headers().get_all(header::SET_COOKIE) {
                answer.headers_mut().append(header::SET_COOKIE, cookie.clone());
            }
            answer
        }
        None => response,
    }
}

/// The body of a form that may come in.
async fn checked(parts: &Parts, body: Body) -> Result<Vec<u8>, StatusCode> {
    let entry = find(parts.uri.path()).ok_or(StatusCode::NOT_FOUND)?;
    if parts.method != Method::POST {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    let form = kind.map(|kind| {
        kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    // A form without any field may come without a type.
    if form == Some(false) || (form.is_none() && !entry.fields.is_empty()) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let bytes = to_bytes(body, most_bytes(parts.uri.path())).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    if fits(entry, &bytes) { Ok(bytes.to_vec()) } else { Err(StatusCode::BAD_REQUEST) }
}

/// Whether a form is well-formed and has each of the required keys and no other than the table's.
fn fits(entry: &Entry, form: &[u8]) -> bool {
    let Ok(fields) = wire::form::parse(form) else { return false };
    fields.iter().all(|(name, _)| entry.fields.iter().any(|field| field.is(name)))
        && entry
            .fields
            .iter()
            .filter(|field| field.required)
            .all(|field| fields.iter().any(|(name, _)| name == field.name))
}

/// A page for a form that did not come in.
fn refused(ui: &Ui, visit: Visit, parts: &Parts, status: StatusCode) -> Response {
    let (title, said) = match status {
        StatusCode::NOT_FOUND => (t!("problem.not-found"), t!("problem.no-action")),
        StatusCode::METHOD_NOT_ALLOWED => (t!("problem.invalid"), t!("problem.only-post")),
        StatusCode::PAYLOAD_TOO_LARGE => (t!("problem.invalid"), t!("problem.too-large")),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (t!("problem.invalid"), t!("problem.no-form")),
        _ => (t!("problem.invalid"), t!("problem.malformed")),
    };
    let mut answer =
        render(ui, visit, parts, |cx| (status, problem::page(cx, status, title, said, t!("problem.other-next"))));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    answer
}

/// A page outside of the routes: for refusals of actions and of the edge itself.
pub fn render(ui: &Ui, visit: Visit, parts: &Parts, page: impl FnOnce(&Cx) -> (StatusCode, Page)) -> Response {
    let owner = leptos::prelude::Owner::new();
    let (status, html) = owner.with(|| {
        let cx = Cx::new(ui, visit, parts);
        let (status, page) = page(&cx);
        (status, leptos::prelude::RenderHtml::to_html(shell::document(&cx, page)))
    });
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], html)
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::table::{many, may, must};

    #[test]
    fn a_form_has_the_keys_of_its_table_and_no_others() {
        const FIELDS: &[crate::actions::table::Known] = &[must("a"), may("b")];
        let entry = Entry { path: "/actions/x/y", fields: FIELDS };
        for good in ["a=1", "a=1&b=2", "a=", "b=&a=%20"] {
            assert!(fits(&entry, good.as_bytes()), "{good}");
        }
        for bad in ["", "b=1", "a=1&a=2", "a=1&c=3", "a[]=1", "a=1&%61=2", "a=%ff", "a=%00", "a=%zz", "A=1"] {
            assert!(!fits(&entry, bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_list_has_numbered_keys_each_once() {
        const FIELDS: &[crate::actions::table::Known] = &[must("a"), many("pick")];
        let entry = Entry { path: "/actions/x/y", fields: FIELDS };
        for good in ["a=1", "a=1&pick[0]=x", "pick%5B7%5D=x&a=1&pick%5B3%5D=x"] {
            assert!(fits(&entry, good.as_bytes()), "{good}");
        }
        for bad in [
            "a=1&pick=x",
            "a=1&pick[]=x",
            "a=1&pick[0]=x&pick%5b0%5d=y",
            "a=1&pick[1000]=x",
            "a=1&pick[x]=x",
            "a=1&pick[0][0]=x",
            "a=1&pick[+1]=x",
            "a[0]=1",
        ] {
            assert!(!fits(&entry, bad.as_bytes()), "{bad}");
        }
    }
}
