//! Where events are sent to: webhooks with how they fare, and syslog.

use axum::http::header;
use domain::authz::{Action, Resource, authorize};
use domain::event_streams::{StreamsView, WebhookView};
use domain::jobs::stream_state::StreamState;
use leptos::prelude::*;
use model::t;
use model::words::count;

use super::{allowed, fresh};
use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::confirm::Confirm;
use crate::parts::copy::secret;
use crate::parts::facts::Facts;
use crate::parts::form::{button_for, field, hidden, primary};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// Where these pages stand.
pub const STREAMS: &str = "/admin/settings/streams";
/// The notice that carries a webhook's secret to the page that shows it.
pub const SECRET: &str = "webhook-secret";

/// `/admin/settings/streams`
pub async fn page(cx: Cx) -> Answer {
    let view = cx.services().streams.list(cx.call()).await?;
    let may = allowed(&cx, Action::ChangeSettings);
    let title = Title::new(t!("streams.title")).note(t!("streams.note"));
    let title = if may { title.link(t!("streams.add"), format!("{STREAMS}/new")) } else { title };
    let read_only = (!may).then(|| notice(Tone::Plain, t!("settings.read-only"), None));
    let none = view.webhooks.is_empty().then(|| {
        let text = view! { <p class="section-note">{t!("streams.none")}</p> };
        section(t!("streams.webhooks"), None, text)
    });
    let webhooks = view.webhooks.iter().map(|webhook| card(&cx, webhook, may)).collect_view();
    let body = view! {
        {title.view()}
        {read_only}
        {none}
        {webhooks}
        {syslog(&cx, &view, may)}
    };
    Ok(Page::admin(AdminTab::Streams, t!("streams.title"), body))
}

/// One webhook: where it goes, how it fares, what can be done.
fn card(cx: &Cx, webhook: &WebhookView, may: bool) -> AnyView {
    let state = &webhook.state;
    let events = if webhook.events.iter().any(|event| event == "*") {
        t!("streams.all-events").to_owned()
    } else {
        webhook.events.join(", ")
    };
    let facts = fares(cx, Facts::new().with(t!("streams.events"), events), state);
    let deeds = may.then(|| {
        let id = webhook.id.as_str();
        let deed = |action: &'static str, label: &'static str| {
            button_for(action, &[("id", id)], label, webhook.url.clone(), "compact")
        };
        let pause = if state.paused_at.is_some() {
            deed("/actions/settings/webhook-resume", t!("streams.resume"))
        } else {
            deed("/actions/settings/webhook-pause", t!("streams.pause"))
        };
        view! {
            <div class="row">
                {deed("/actions/settings/webhook-test", t!("streams.test"))}
                {pause}
                <a class="button compact danger" href=format!("{STREAMS}/{id}/remove")>
                    {t!("streams.remove")}<span class="hidden-visually">" "{webhook.url.clone()}</span>
                </a>
            </div>
        }
    });
    section(webhook.url.clone(), Some(condition(state)), view! { {facts.view()}{deeds} })
}

/// How a stream fares, in one word.
fn condition(state: &StreamState) -> AnyView {
    if state.paused_at.is_some() {
        badge(Tone::Warn, t!("streams.paused"))
    } else if state.is_failing() {
        badge(Tone::Bad, t!("streams.failing"))
    } else if state.delivered_at.is_some() {
        badge(Tone::Good, t!("streams.delivering"))
    } else {
        badge(Tone::Plain, t!("streams.fresh"))
    }
}

/// How a stream fares, in full.
fn fares(cx: &Cx, facts: Facts, state: &StreamState) -> Facts {
    let moment = |at: Option<model::Timestamp>| at.map(|at| cx.clock.view(at));
    let delivered = moment(state.delivered_at).unwrap_or_else(|| t!("streams.never").into_any());
    let failure = state.failed_at.map(|at| {
        view! { {cx.clock.view(at)}<span class="sub">{state.last_error.clone()}</span> }
    });
    facts
        .with_some(t!("streams.since"), moment(state.begun_at))
        .with_some(t!("streams.paused-since"), moment(state.paused_at))
        .with(t!("streams.delivered"), delivered)
        .with_some(t!("streams.failed"), failure)
        .with(t!("streams.waiting"), count("count.events", state.waiting))
}

/// Where syslog goes.
fn syslog(cx: &Cx, view: &StreamsView, may: bool) -> AnyView {
    let stored = view.syslog.clone().unwrap_or_default();
    let on = view.syslog.is_some();
    let facts = on.then(|| fares(cx, Facts::new(), &view.syslog_state).view());
    let address = field("syslog", t!("field.syslog"))
        .value(cx.typed("syslog").map_or(stored, str::to_owned))
        .hint(t!("streams.syslog-hint"))
        .error(cx.error_of("syslog"))
        .free()
        .view();
    let save =
        may.then(|| view! { <div class="row"><button class="primary">{t!("streams.syslog-save")}</button></div> });
    let form = view! {
        <form class="form" method="post" action="/actions/settings/syslog">
            {hidden("version", view.version.to_string())}
            {address}
            {save}
        </form>
    };
    let state = if on { condition(&view.syslog_state) } else { badge(Tone::Plain, t!("streams.off")) };
    section(t!("streams.syslog"), Some(state), view! { <div class="stack">{facts}{form}</div> })
}

/// `/admin/settings/streams/new`
pub async fn new(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ChangeSettings, Resource::Organisation)?;
    let url = field("url", t!("field.url"))
        .kind("url")
        .value(cx.typed("url").unwrap_or_default())
        .hint(t!("streams.url-hint"))
        .error(cx.error_of("url"))
        .length(1, 2048)
        .focus();
    let events = field("events", t!("field.events"))
        .value(cx.typed("events").unwrap_or("*"))
        .hint(t!("streams.events-hint"))
        .error(cx.error_of("events"));
    let body = view! {
        {Title::new(t!("streams.add")).under(t!("streams.title"), STREAMS).view()}
        <form class="form card" method="post" action="/actions/settings/webhook-add">
            {url.view()}
            {events.view()}
            <p class="section-note">{t!("streams.secret-comes")}</p>
            <div class="row">{primary(t!("streams.add-do"))}<a class="button quiet" href=STREAMS>{t!("cancel")}</a></div>
        </form>
    };
    Ok(Page::admin(AdminTab::Streams, t!("streams.add"), body))
}

/// The signing secret of a webhook, shown once after it was added.
pub async fn shown_once(cx: Cx) -> Answer {
    let webhook = cx.services().streams.get(cx.call(), cx.segment(3)).await?;
    let notice =
        cx.once().filter(|notice| notice.message == SECRET && notice.values.get(1).is_some_and(|id| *id == webhook.id));
    let Some(text) = notice.and_then(|notice| notice.values.first().cloned()) else {
        return Err(Stop::Go(STREAMS.to_owned()));
    };
    cx.services().sessions.clear_notice(cx.call()).await?;
    cx.header(header::CACHE_CONTROL, "no-store");
    let deeds = button_for(
        "/actions/settings/webhook-test",
        &[("id", &webhook.id)],
        t!("streams.test"),
        webhook.url.clone(),
        "",
    );
    let body = view! {
        {Title::new(t!("streams.secret")).under(t!("streams.title"), STREAMS).view()}
        <div class="card">
            <p>{t!("streams.secret-text")}" "<code>{webhook.url}</code></p>
            {secret(text)}
            <p class="section-note">{t!("streams.secret-only")}</p>
            <p>{t!("streams.verify")}</p>
            <pre class="json"><code>"vestibule-signature: sha256=hex(HMAC-SHA256(secret, vestibule-timestamp + \".\" + body))"</code></pre>
            <div class="row"><a class="button primary" href=STREAMS>{t!("streams.secret-done")}</a>{deeds}</div>
        </div>
    };
    Ok(Page::admin(AdminTab::Streams, t!("streams.secret"), body))
}

/// The page before a webhook is removed.
pub async fn remove(cx: Cx) -> Answer {
    authorize(cx.call(), Action::ChangeSettings, Resource::Organisation)?;
    fresh(&cx, Action::ChangeSettings)?;
    let webhook = cx.services().streams.get(cx.call(), cx.segment(3)).await?;
    let waiting = (webhook.state.waiting > 0)
        .then(|| t!("confirm.webhook.waiting", events = count("count.events", webhook.state.waiting)));
    let title = t!("confirm.webhook.title", url = webhook.url);
    let body = Confirm::new(title.clone(), "/actions/settings/webhook-remove", t!("confirm.webhook.do"))
        .effect(t!("confirm.webhook.ends"))
        .effect_where(waiting)
        .effect(t!("confirm.webhook.secret"))
        .with("id", webhook.id)
        .view(t!("streams.title").to_owned(), STREAMS);
    Ok(Page::admin(AdminTab::Streams, title, body))
}
