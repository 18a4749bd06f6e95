//! One's own password, factors, recovery codes and sessions.

use axum::http::header;
use domain::Error;
use domain::authz::{Action, Resource, authorize};
use domain::identity::factors::{FactorKind, FactorView};
use domain::identity::sessions::SessionView;
use leptos::prelude::*;
use model::words::count;
use model::{FactorId, t};

use super::sign_in::{codes_shown_once, totp_form};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::browser::browser_name;
use crate::parts::form::{button, button_for, danger, field, hidden, primary};
use crate::parts::frame::{Page, PortalTab};
use crate::parts::passkey::{Passkey, without};
use crate::parts::tabs::{Tabs, me_tabs};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

fn portal(title: &str, body: impl IntoView + 'static) -> Page {
    Page::portal(PortalTab::Security, title, body)
}

/// Everything that guards one's own account.
pub async fn security(cx: Cx) -> Answer {
    let security = cx.services().me.security(cx.call()).await?;
    let others = security.sessions.iter().any(|session| !session.current);
    let sessions = security.sessions.iter().map(|session| session_line(&cx, session)).collect_view();
    let everywhere =
        others.then(|| button("/actions/me/end-other-sessions", &[], t!("security.out-everywhere"), "compact"));
    let factors = security.factors.iter().map(|factor| factor_line(&cx, factor)).collect_view();
    let no_factor =
        security.factors.is_empty().then(|| view! { <p class="section-note">{t!("security.no-factor")}</p> });
    let add_passkey = (!security.passkeys_off)
        .then(|| view! { <a class="button compact" href="/me/factors/passkey">{t!("security.add-passkey")}</a> });
    let add = view! {
        <span class="row">
            <a class="button compact" href="/me/factors/app">{t!("security.add-app")}</a>
            {add_passkey}
        </span>
    };
    let passkeys_off =
        security.passkeys_off.then(|| view! { <p class="section-note">{t!("security.passkeys-off")}</p> });
    let codes = (!security.factors.is_empty()).then(|| {
        let left = u64::from(security.recovery_codes_left);
        let low = (left < 3).then(|| badge(Tone::Warn, t!("security.codes-low")));
        section(
            t!("codes.heading"),
            Some(view! { <a class="button compact" href="/me/recovery-codes">{t!("codes.new")}</a> }.into_any()),
            view! {
                <p>{count("count.codes-left", left)}" "{low}</p>
                <p class="section-note">{t!("codes.what")}</p>
            },
        )
    });
    let set = security
        .password_set_at
        .map(|at| view! { <p class="section-note">{t!("security.password-set")}" "{cx.clock.view(at)}"."</p> });
    let current = field("current", t!("field.current"))
        .kind("password")
        .autocomplete("current-password")
        .error(cx.error_of("current"));
    let new = field("new", t!("field.new"))
        .kind("password")
        .autocomplete("new-password")
        .hint(t!("password.hint", least = security.password_min_length))
        .error(cx.error_of("new"));
    let again =
        field("again", t!("field.again")).kind("password").autocomplete("new-password").error(cx.error_of("again"));
    let body = view! {
        {Title::new(t!("me.title")).view()}
        {me_tabs(Tabs::Security)}
        {section(t!("security.factors"), Some(add.into_any()), view! {
            {no_factor}
            <ul class="items" role="list">{factors}</ul>
            {passkeys_off}
        })}
        {codes}
        {section(t!("security.password"), None, view! {
            {set}
            <form class="form" method="post" action="/actions/me/password">
                {current.view()}{new.view()}{again.view()}
                <div class="row">{primary(t!("security.password-do"))}</div>
                <p class="hint">{t!("security.password-ends")}</p>
            </form>
        })}
        {section(t!("security.sessions"), everywhere, view! { <ul class="items" role="list">{sessions}</ul> })}
    };
    Ok(portal(t!("me.title"), body))
}

fn factor_line(cx: &Cx, factor: &FactorView) -> AnyView {
    let kind = factor_kind(factor.kind);
    let used = match factor.last_used_at {
        Some(at) => view! { {t!("factor.last-used")}" "{cx.clock.view(at)} }.into_any(),
        None => t!("factor.never-used").into_any(),
    };
    let flagged = factor.flagged.then(|| badge(Tone::Bad, t!("factor.flagged")));
    view! {
        <li>
            <div>
                <strong><bdi>{factor.name.clone()}</bdi></strong>" "{flagged}
                <div class="muted small">{kind}" · "{t!("factor.since")}" "{cx.clock.view(factor.created_at)}" · "{used}</div>
            </div>
            <a class="button compact" href=format!("/me/factors/{}", factor.id)>
                {t!("factor.manage")}<span class="hidden-visually">" "{factor.name.clone()}</span>
            </a>
        </li>
    }
    .into_any()
}

/// The kind of a factor in words.
pub fn factor_kind(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Totp => t!("factor.totp"),
        FactorKind::Passkey => t!("factor.passkey"),
    }
}

fn session_line(cx: &Cx, session: &SessionView) -> AnyView {
    let browser = browser_name(session.user_agent.as_deref());
    let end = if session.current {
        badge(Tone::Accent, t!("session.this"))
    } else {
        let id = session.id.to_string();
        button_for("/actions/me/end-session", &[("id", &id)], t!("session.end"), browser.clone(), "compact")
    };
    let source = session.source.clone().unwrap_or_else(|| t!("session.no-address").to_owned());
    view! {
        <li>
            <div>
                <strong>{browser}</strong>
                <div class="muted small">
                    <span class="mono">{source}</span>" · "{t!("session.signed-in")}" "{cx.clock.view(session.signed_in_at)}
                    " · "{t!("session.seen")}" "{cx.clock.view(session.last_seen_at)}" · "{t!("session.ends")}" "{cx.clock.view(session.expires_at)}
                </div>
            </div>
            {end}
        </li>
    }
    .into_any()
}

/// Whoever is about to change their factors confirms first, so that nothing they type is lost on the way.
fn fresh(cx: &Cx) -> Result<(), Stop> {
    Ok(authorize(cx.call(), Action::ManageOwnFactors, Resource::Organisation)?)
}

/// A new app.
pub async fn add_app(cx: Cx) -> Answer {
    fresh(&cx)?;
    let offer = cx.services().me.add_totp_begin(cx.call()).await?;
    cx.header(header::CACHE_CONTROL, "no-store");
    let body = view! {
        {Title::new(t!("security.add-app")).under(t!("me.security"), "/me/security").view()}
        <div class="card form">{totp_form(&cx, &offer, "/actions/me/add-app")}</div>
    };
    Ok(portal(t!("security.add-app"), body))
}

/// A new passkey.
pub async fn add_passkey(cx: Cx) -> Answer {
    fresh(&cx)?;
    let name = field("name", t!("factor.name"))
        .hint(t!("factor.name-hint-passkey"))
        .value(cx.typed("name").unwrap_or(t!("factor.name-passkey")))
        .error(cx.error_of("name"))
        .length(1, 64);
    let passkey = Passkey {
        ceremony: "create",
        begin: "/actions/me/add-passkey-begin",
        finish: "/actions/me/add-passkey",
        label: t!("enrol.passkey-do"),
        class: "primary",
        with: name.view(),
    };
    let body = view! {
        {Title::new(t!("security.add-passkey")).under(t!("me.security"), "/me/security").view()}
        <div class="card form">
            <p>{t!("enrol.passkey-text")}</p>
            {passkey.view()}
            {without()}
        </div>
    };
    Ok(portal(t!("security.add-passkey"), body).with_passkeys())
}

/// One factor: another name, or away with it.
pub async fn factor(cx: Cx) -> Answer {
    let id: FactorId = cx.id(2, t!("noun.factor"))?;
    let security = cx.services().me.security(cx.call()).await?;
    let Some(factor) = security.factors.iter().find(|factor| factor.id == id) else {
        return Err(Error::not_found(t!("noun.factor")).into());
    };
    fresh(&cx)?;
    let last = security.factors.len() == 1;
    let name = field("name", t!("factor.name"))
        .value(cx.typed("name").unwrap_or(&factor.name))
        .error(cx.error_of("name"))
        .length(1, 64);
    let remove = if last && security.factor_required {
        view! { <p>{t!("factor.last-required")}</p> }.into_any()
    } else {
        let effect = if last { t!("factor.remove-last") } else { t!("factor.remove-text") };
        view! {
            <p>{effect}</p>
            <form method="post" action="/actions/me/remove-factor">
                {hidden("id", id.to_string())}
                {danger(t!("factor.remove"))}
            </form>
        }
        .into_any()
    };
    let body = view! {
        {Title::new(factor.name.clone()).note(factor_kind(factor.kind)).under(t!("me.security"), "/me/security").view()}
        {section(t!("factor.rename"), None, view! {
            <form class="form" method="post" action="/actions/me/rename-factor">
                {hidden("id", id.to_string())}
                {name.view()}
                <div class="row">{primary(t!("factor.rename-do"))}</div>
            </form>
        })}
        {section(t!("factor.remove-title"), None, remove)}
    };
    Ok(portal(&factor.name, body))
}

/// Recovery codes: shown once when they are new, otherwise the button that makes new ones.
pub async fn recovery_codes(cx: Cx) -> Answer {
    if let Some(codes) = codes_shown_once(&cx).await? {
        let body = view! {
            {Title::new(t!("codes.title")).under(t!("me.security"), "/me/security").view()}
            <div class="card form">
                {codes}
                <p><a class="button primary" href="/me/security">{t!("codes.done")}</a></p>
            </div>
        };
        return Ok(portal(t!("codes.title"), body));
    }
    fresh(&cx)?;
    let security = cx.services().me.security(cx.call()).await?;
    let body = view! {
        {Title::new(t!("codes.new")).under(t!("me.security"), "/me/security").view()}
        <div class="card form">
            <p>{count("count.codes-left", u64::from(security.recovery_codes_left))}</p>
            <p>{t!("codes.new-text")}</p>
            {button("/actions/me/recovery-codes", &[], t!("codes.new-do"), "primary")}
        </div>
    };
    Ok(portal(t!("codes.new"), body))
}
