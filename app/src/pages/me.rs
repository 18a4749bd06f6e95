//! One's own profile and preferences.

use leptos::prelude::*;
use model::t;

use crate::context::Cx;
use crate::parts::badge::{Tone, badge};
use crate::parts::facts::{Facts, text_or_dash};
use crate::parts::form::{choices, field, hidden, primary};
use crate::parts::frame::{Page, PortalTab};
use crate::parts::tabs::{Tabs, me_tabs};
use crate::parts::title::{Title, section};
use crate::shell::{Answer, Stop};

/// `/me` leads to the profile.
pub async fn root(_: Cx) -> Answer {
    Err(Stop::Go("/me/profile".to_owned()))
}

/// Names, mail address, groups, and how pages look.
pub async fn profile(cx: Cx) -> Answer {
    let profile = cx.services().me.profile(cx.call()).await?;
    let value = |name: &str, stored: &str| cx.typed(name).unwrap_or(stored).to_owned();
    let display = field("display_name", t!("field.display_name"))
        .hint(t!("profile.display-hint"))
        .autocomplete("name")
        .value(value("display_name", &profile.display_name))
        .error(cx.error_of("display_name"))
        .length(1, 256);
    let given = field("given_name", t!("field.given_name"))
        .autocomplete("given-name")
        .value(value("given_name", &profile.given_name))
        .error(cx.error_of("given_name"))
        .length(1, 256);
    let family = field("family_name", t!("field.family_name"))
        .autocomplete("family-name")
        .value(value("family_name", &profile.family_name))
        .error(cx.error_of("family_name"))
        .length(1, 256);
    let zone = field("zone", t!("field.zone"))
        .hint(t!("profile.zone-hint"))
        .value(value("zone", profile.preferences.zone.as_deref().unwrap_or("UTC")))
        .error(cx.error_of("zone"))
        .list("zones", crate::parts::time::zones());
    let themes = vec![
        ("system", t!("theme.system").to_owned(), None),
        ("light", t!("theme.light").to_owned(), None),
        ("dark", t!("theme.dark").to_owned(), None),
    ];
    let groups = text_or_dash(&profile.groups.join(", "));
    let roles = profile.roles.iter().map(|role| badge(Tone::Accent, super::admin::role_name(*role))).collect_view();
    let mut facts = Facts::new()
        .with(t!("field.username"), view! { <bdi>{profile.user_name.clone()}</bdi> })
        .with(t!("field.email"), view! { <bdi>{profile.email.clone()}</bdi> })
        .with(t!("profile.groups"), groups);
    if !profile.roles.is_empty() {
        facts = facts.with(t!("profile.roles"), view! { <span class="row">{roles}</span> });
    }
    facts = facts.with(t!("profile.since"), cx.clock.view_exact(profile.created_at));
    let body = view! {
        {Title::new(t!("me.title")).view()}
        {me_tabs(Tabs::Profile)}
        {section(t!("profile.names"), None, view! {
            <form class="form" method="post" action="/actions/me/profile">
                {display.view()}
                <div class="pair">{given.view()}{family.view()}</div>
                <div class="row">{primary(t!("profile.save"))}</div>
            </form>
        })}
        {section(t!("profile.looks"), None, view! {
            <div class="stack">
                <form class="form" method="post" action="/actions/me/theme">
                    {choices("theme", t!("theme.title"), cx.theme().as_str(), themes)}
                    {hidden("next", "/me/profile")}
                    <div class="row"><button>{t!("profile.theme-do")}</button></div>
                </form>
                <form class="form" method="post" action="/actions/me/zone">
                    {zone.view()}
                    <div class="row"><button>{t!("profile.zone-do")}</button></div>
                </form>
            </div>
        })}
        {section(t!("profile.managed"), None, view! {
            <p class="section-note">{t!("profile.managed-text")}</p>
            {facts.view()}
        })}
    };
    Ok(Page::portal(PortalTab::Profile, t!("me.title"), body))
}
