//! Settings of the organisation: one form for each subject, so that a save changes what is in sight and nothing else.

use domain::authz::Action;
use domain::settings::MfaPolicy;
use domain::settings_service::SettingsView;
use leptos::prelude::*;
use model::t;

use super::allowed;
use crate::context::Cx;
use crate::parts::badge::Tone;
use crate::parts::facts::Facts;
use crate::parts::form::{Field, button, choices, field, hidden};
use crate::parts::frame::{AdminTab, Page};
use crate::parts::notice::notice;
use crate::parts::title::{Title, section};
use crate::shell::Answer;

/// `/admin/settings`
pub async fn page(cx: Cx) -> Answer {
    let view = cx.services().settings.get(cx.call()).await?;
    let may = allowed(&cx, Action::ChangeSettings);
    let settings = &view.settings;
    let version = view.version.to_string();
    let save =
        |label: &'static str| may.then(|| view! { <div class="row"><button class="primary">{label}</button></div> });
    let text = |name: &'static str, label: &'static str, stored: String| {
        field(name, label).value(cx.typed(name).map_or(stored, str::to_owned)).error(cx.error_of(name))
    };
    let number = |name: &'static str, label: &'static str, stored: u32| -> Field {
        text(name, label, stored.to_string()).inputmode("numeric").short()
    };

    let organization = form(
        "/actions/settings/organization",
        &version,
        view! {
            {text("organization_name", t!("field.organization_name"), settings.organization_name.clone()).hint(t!("settings.name-hint")).length(1, 256).view()}
            {save(t!("settings.save-name"))}
        },
    );

    let policy = cx.typed("policy").unwrap_or(match settings.mfa.policy {
        MfaPolicy::Required => "required",
        MfaPolicy::Optional => "optional",
        MfaPolicy::ContextAware => "context-aware",
    });
    let policies = vec![
        ("required", t!("settings.required").to_owned(), Some(t!("settings.required-hint").to_owned())),
        ("context-aware", t!("settings.context").to_owned(), Some(t!("settings.context-hint").to_owned())),
        ("optional", t!("settings.optional").to_owned(), Some(t!("settings.optional-hint").to_owned())),
    ];
    let mfa = form(
        "/actions/settings/mfa",
        &version,
        view! {
            {choices("policy", t!("settings.policy"), policy, policies)}
            <p class="section-note">{t!("settings.always")}</p>
            {number("enrol_within_days", t!("field.enrol_within_days"), settings.mfa.enrol_within_days).hint(t!("settings.enrol-hint")).view()}
            {save(t!("settings.save-mfa"))}
        },
    );

    let session = form(
        "/actions/settings/session",
        &version,
        view! {
            {number("portal_minutes", t!("field.portal_minutes"), settings.session.portal_minutes).hint(t!("settings.portal-hint")).view()}
            {number("idle_minutes", t!("field.idle_minutes"), settings.session.idle_minutes).hint(t!("settings.idle-hint")).view()}
            {save(t!("settings.save-session"))}
        },
    );

    let rules = &settings.password_policy;
    let password = form(
        "/actions/settings/password",
        &version,
        view! {
            {number("min_length", t!("field.min_length"), rules.min_length).hint(t!("settings.length-hint")).view()}
            {number("min_length_with_factor", t!("field.min_length_with_factor"), rules.min_length_with_factor).hint(t!("settings.factor-hint")).view()}
            {number("history", t!("field.history"), rules.history).hint(t!("settings.history-hint")).view()}
            {save(t!("settings.save-password"))}
        },
    );

    let days = settings.audit.retention_days.map(|days| days.to_string()).unwrap_or_default();
    let audit = form(
        "/actions/settings/audit",
        &version,
        view! {
            {text("retention_days", t!("field.retention_days"), days).hint(t!("settings.retention-hint")).inputmode("numeric").short().free().view()}
            {save(t!("settings.save-audit"))}
        },
    );

    let mail = mail(&view, may);
    let moved = view
        .public_url_at_first_start
        .as_ref()
        .filter(|first| **first != view.public_url)
        .map(|first| notice(Tone::Warn, t!("settings.moved", first = first, now = view.public_url), None));
    let read_only = (!may).then(|| notice(Tone::Plain, t!("settings.read-only"), None));
    let body = view! {
        {Title::new(t!("settings.title")).view()}
        {read_only}
        {moved}
        {section(t!("settings.organization"), None, organization)}
        {section(t!("settings.mfa"), None, mfa)}
        {section(t!("settings.sessions"), None, session)}
        {section(t!("settings.passwords"), None, password)}
        {section(t!("settings.audit"), None, audit)}
        {section(t!("settings.mail"), None, mail)}
        {section(t!("settings.this"), None, instance(&view))}
    };
    Ok(Page::admin(AdminTab::Settings, t!("settings.title"), body))
}

/// How mail goes out, and the button that tries it.
fn mail(view: &SettingsView, may: bool) -> AnyView {
    match &view.mail {
        Some(mail) => {
            let test = may.then(|| button("/actions/settings/mail-test", &[], t!("settings.mail-test"), ""));
            view! {
                <p>{t!("settings.mail-by")}" "<code>{mail.clone()}</code></p>
                {test}
            }
            .into_any()
        }
        None => view! { <p class="section-note">{t!("settings.mail-off")}</p> }.into_any(),
    }
}

/// What was fixed at the first start.
fn instance(view: &SettingsView) -> AnyView {
    let code = |text: &str| {
        let text = text.to_owned();
        view! { <code>{text}</code> }
    };
    Facts::new()
        .with(t!("settings.public-url"), code(&view.public_url))
        .with(t!("settings.instance"), code(&view.instance_id))
        .with(t!("settings.store"), code(&view.identity_store_id))
        .view()
}

fn form(action: &'static str, version: &str, fields: impl IntoView + 'static) -> AnyView {
    view! {
        <form class="form" method="post" action=action>
            {hidden("version", version)}
            {fields.into_any()}
        </form>
    }
    .into_any()
}
