//! Pages of one-time links (invitation, reset, first owner), and the form that asks for one.

use axum::http::header;
use domain::Secret;
use domain::identity::sign_in::LinkPurpose;
use leptos::prelude::*;
use model::{Refusal, t};

use super::sign_in::new_password_fields;
use crate::context::Cx;
use crate::parts::form::{field, hidden, primary};
use crate::parts::frame::Page;
use crate::shell::Answer;

/// "Forgot your password?"
pub async fn forgotten(cx: Cx) -> Answer {
    let name = field("username", t!("forgotten.field"))
        .autocomplete("username")
        .value(cx.typed("username").unwrap_or_default())
        .error(cx.error_of("username"))
        .length(1, 256)
        .focus();
    let body = view! {
        <h1>{t!("forgotten.title")}</h1>
        <p>{t!("forgotten.text")}</p>
        <form class="form" method="post" action="/actions/sign-in/forgotten">
            {name.view()}
            {primary(t!("forgotten.do"))}
        </form>
        <p><a href="/start/sign-in">{t!("forgotten.back")}</a></p>
    };
    Ok(Page::step(t!("forgotten.title"), body))
}

/// What a one-time link opens. Looking at it does not use it: mail scanners follow links.
pub async fn link(cx: Cx) -> Answer {
    // Nobody else may learn the address: no cache, no referrer.
    cx.header(header::CACHE_CONTROL, "no-store");
    cx.header(header::REFERRER_POLICY, "no-referrer");
    let token = cx.segment(2).to_owned();
    let view = match cx.services().sign_in.look_at_link(cx.call(), &Secret::new(token.clone())).await {
        Ok(view) => view,
        Err(error)
            if matches!(
                error.kind(),
                Refusal::NotFound | Refusal::Invalid | Refusal::Forbidden | Refusal::Conflict
            ) =>
        {
            cx.status(axum::http::StatusCode::NOT_FOUND);
            return Ok(spent());
        }
        Err(error) => return Err(error.into()),
    };
    let (title, text, label) = match view.purpose {
        LinkPurpose::FirstOwner => (t!("link.owner.title"), t!("link.owner.text"), t!("link.password-do")),
        LinkPurpose::Invitation => (t!("link.invitation.title"), t!("link.invitation.text"), t!("link.password-do")),
        LinkPurpose::PasswordReset => (t!("link.reset.title"), t!("link.reset.text"), t!("link.password-do")),
        LinkPurpose::Enrolment => (t!("link.enrol.title"), t!("link.enrol.text"), t!("link.enrol-do")),
    };
    let fields = if view.purpose == LinkPurpose::Enrolment {
        let password = field("new", t!("field.password"))
            .kind("password")
            .autocomplete("current-password")
            .error(cx.error_of("new"))
            .focus();
        view! { {password.view()} {hidden("again", "")} }.into_any()
    } else {
        new_password_fields(&cx, true)
    };
    let body = view! {
        <h1>{title}</h1>
        <p>{t!("link.greeting", name = view.display_name)}" "{text}</p>
        <form class="form" method="post" action="/actions/sign-in/link">
            {hidden("token", token)}
            <div class="field">
                <label for="f-username">{t!("field.username")}</label>
                <input id="f-username" type="text" value=view.user_name readonly autocomplete="username"/>
            </div>
            {fields}
            {primary(label)}
        </form>
        <p class="hint">{t!("link.until")}" "{cx.clock.view(view.expires_at)}"."</p>
    };
    Ok(Page::step(title, body))
}

/// A link that is used up, too old or never was: one page for all, so that nothing can be learnt from it.
fn spent() -> Page {
    let body = view! {
        <h1>{t!("link.spent.title")}</h1>
        <p>{t!("link.spent.text")}</p>
        <p class="row">
            <a class="button primary" href="/start/forgotten">{t!("link.spent.do")}</a>
            <a class="button" href="/start/sign-in">{t!("problem.to-sign-in")}</a>
        </p>
    };
    Page::step(t!("link.spent.title"), body)
}
