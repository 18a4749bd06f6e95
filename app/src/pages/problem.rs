//! The page that says what went wrong: what happened, what to do next, and the request's id for whoever is asked.

use axum::http::StatusCode;
use domain::Error;
use domain::authz::Action;
use leptos::prelude::*;
use model::{Refusal, t};

use super::admin::allowed;
use crate::context::Cx;
use crate::parts::frame::{AdminTab, Frame, Page, PortalTab};
use crate::shell::{Answer, status_of};

/// The page of an address that leads nowhere.
pub async fn not_found(_: Cx) -> Answer {
    Err(Error::not_found(t!("problem.page")).into())
}

/// The page of a refusal, with its status.
pub fn of(cx: &Cx, error: &Error) -> (StatusCode, Page) {
    let status = status_of(error.kind());
    let title = match error.kind() {
        Refusal::Invalid => t!("problem.invalid"),
        Refusal::SignInNeeded | Refusal::ConfirmNeeded => t!("problem.sign-in"),
        Refusal::Forbidden => t!("problem.forbidden"),
        Refusal::NotFound => t!("problem.not-found"),
        Refusal::Conflict => t!("problem.conflict"),
        Refusal::Throttled => t!("problem.throttled"),
        Refusal::Unavailable => t!("problem.unavailable"),
        Refusal::Internal => t!("problem.internal"),
    };
    let next = match error.kind() {
        Refusal::Forbidden => t!("problem.forbidden-next"),
        Refusal::NotFound => t!("problem.not-found-next"),
        Refusal::Internal => t!("problem.internal-next"),
        Refusal::Unavailable => t!("problem.unavailable-next"),
        Refusal::Throttled => t!("problem.throttled-next"),
        Refusal::Invalid | Refusal::SignInNeeded | Refusal::ConfirmNeeded | Refusal::Conflict => {
            t!("problem.other-next")
        }
    };
    let said = match error.field() {
        Some(field) => format!("{field}: {}", error.outside()),
        None => error.outside().to_owned(),
    };
    // A reason that only repeats the title is no reason.
    let said = if said.trim_end_matches('.') == title { String::new() } else { said };
    (status, page(cx, status, title, &said, next))
}

/// A page for a status that no service gave: a malformed request, a body that is too large.
pub fn page(cx: &Cx, status: StatusCode, title: &str, said: &str, next: &str) -> Page {
    let frame = match (cx.signed_in(), cx.address.path().starts_with("/admin")) {
        (Some(_), true) if allowed(cx, Action::SeeAdministration) => Frame::Admin(AdminTab::None),
        (Some(_), _) => Frame::Portal(PortalTab::None),
        (None, _) => Frame::Step,
    };
    let home = match frame {
        Frame::Admin(_) => ("/admin", t!("problem.to-admin")),
        Frame::Portal(_) => ("/start", t!("problem.to-portal")),
        Frame::Step => ("/start/sign-in", t!("problem.to-sign-in")),
    };
    let body = view! {
        <div class="problem">
            <p class="status small">{status.as_u16()}</p>
            <h1>{title.to_owned()}</h1>
            {(!said.is_empty()).then(|| view! { <p>{said.to_owned()}</p> })}
            <p>{next.to_owned()}</p>
            <p class="row"><a class="button" href=home.0>{home.1}</a></p>
            <p class="small muted">{t!("problem.request")}" "<code>{cx.call().request_id.clone()}</code></p>
        </div>
    };
    Page { frame, ..Page::step(title, body) }
}
