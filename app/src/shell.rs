//! The HTML document around every page, and the route table: path → page.

use std::future::Future;
use std::pin::Pin;

use axum::http::{StatusCode, header};
use domain::authz::Action;
use domain::{Error, Stage};
use leptos::prelude::*;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};
use model::{Refusal, t};

use crate::address::encode;
use crate::context::Cx;
use crate::pages;
use crate::pages::admin::allowed;
use crate::pages::problem;
use crate::parts::frame::{AdminTab, Frame, Page, Surroundings, Viewer};
use crate::parts::icon::WINDOW_ICON;

/// What a page comes to.
pub type Answer = Result<Page, Stop>;

/// Why there is no page.
#[derive(Debug)]
pub enum Stop {
    /// The domain refused.
    Refused(Error),
    /// It is elsewhere: a path of this site.
    Go(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Refused(error)
    }
}

/// The root. It touches no service: it also runs once at start, when the routes are listed.
#[component]
pub fn App() -> impl IntoView {
    view! {
        <Router>
            <FlatRoutes fallback=|| serve(pages::problem::not_found)>
                <Route path=path!("/") view=|| serve(pages::portal::root) ssr=SsrMode::Async/>
                <Route path=path!("/start/applications") view=|| serve(pages::applications::tiles) ssr=SsrMode::Async/>
                <Route path=path!("/start") view=|| serve(pages::portal::accounts) ssr=SsrMode::Async/>
                <Route path=path!("/start/console") view=|| serve(pages::portal::console) ssr=SsrMode::Async/>
                <Route path=path!("/start/sign-in") view=|| serve(pages::sign_in::sign_in) ssr=SsrMode::Async/>
                <Route path=path!("/start/second-factor") view=|| serve(pages::sign_in::second_factor) ssr=SsrMode::Async/>
                <Route path=path!("/start/enrol") view=|| serve(pages::sign_in::enrol) ssr=SsrMode::Async/>
                <Route path=path!("/start/enrol/app") view=|| serve(pages::sign_in::enrol_app) ssr=SsrMode::Async/>
                <Route path=path!("/start/new-password") view=|| serve(pages::sign_in::new_password) ssr=SsrMode::Async/>
                <Route path=path!("/start/recovery-codes") view=|| serve(pages::sign_in::recovery_codes) ssr=SsrMode::Async/>
                <Route path=path!("/start/forgotten") view=|| serve(pages::links::forgotten) ssr=SsrMode::Async/>
                <Route path=path!("/start/link/:token") view=|| serve(pages::links::link) ssr=SsrMode::Async/>
                <Route path=path!("/start/confirm") view=|| serve(pages::sign_in::confirm) ssr=SsrMode::Async/>
                <Route path=path!("/me") view=|| serve(pages::me::root) ssr=SsrMode::Async/>
                <Route path=path!("/me/profile") view=|| serve(pages::me::profile) ssr=SsrMode::Async/>
                <Route path=path!("/me/security") view=|| serve(pages::security::security) ssr=SsrMode::Async/>
                <Route path=path!("/me/factors/app") view=|| serve(pages::security::add_app) ssr=SsrMode::Async/>
                <Route path=path!("/me/factors/passkey") view=|| serve(pages::security::add_passkey) ssr=SsrMode::Async/>
                <Route path=path!("/me/factors/:id") view=|| serve(pages::security::factor) ssr=SsrMode::Async/>
                <Route path=path!("/me/recovery-codes") view=|| serve(pages::security::recovery_codes) ssr=SsrMode::Async/>
                <Route path=path!("/admin") view=|| serve(pages::admin::overview::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users") view=|| serve(pages::admin::users::list) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/new") view=|| serve(pages::admin::users::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id") view=|| serve(pages::admin::user::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id/edit") view=|| serve(pages::admin::users::edit) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id/link") view=|| serve(pages::admin::user::link) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id/groups") view=|| serve(pages::admin::user::groups) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id/confirm/:verb") view=|| serve(pages::admin::user::confirm) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups") view=|| serve(pages::admin::groups::list) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups/new") view=|| serve(pages::admin::groups::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups/:id") view=|| serve(pages::admin::groups::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups/:id/edit") view=|| serve(pages::admin::groups::edit) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups/:id/members") view=|| serve(pages::admin::groups::add_members) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups/:id/delete") view=|| serve(pages::admin::groups::delete) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts") view=|| serve(pages::admin::accounts::list) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/new") view=|| serve(pages::admin::accounts::forms::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/import") view=|| serve(pages::admin::accounts::import::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/:id") view=|| serve(pages::admin::accounts::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/:id/edit") view=|| serve(pages::admin::accounts::forms::edit) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/:id/delete") view=|| serve(pages::admin::accounts::forms::delete) ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications") view=|| serve(pages::admin::applications::list) ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications/new") view=|| serve(pages::admin::applications::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications/:id") view=|| serve(pages::admin::applications::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications/:id/edit") view=|| serve(pages::admin::applications::edit) ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications/:id/assign") view=|| serve(pages::admin::applications::assign) ssr=SsrMode::Async/>
                <Route path=path!("/admin/applications/:id/delete") view=|| serve(pages::admin::applications::delete) ssr=SsrMode::Async/>
                <Route path=path!("/admin/explain") view=|| serve(pages::admin::explain::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets") view=|| serve(pages::admin::permission_sets::list) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/new") view=|| serve(pages::admin::permission_sets::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/:id") view=|| serve(pages::admin::permission_sets::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/:id/edit") view=|| serve(pages::admin::permission_sets::edit) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/:id/policy") view=|| serve(pages::admin::permission_sets::policy::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/:id/clone") view=|| serve(pages::admin::permission_sets::duplicate) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/:id/delete") view=|| serve(pages::admin::permission_sets::delete) ssr=SsrMode::Async/>
                <Route path=path!("/admin/users/:id/access") view=|| serve(pages::admin::access::of_user) ssr=SsrMode::Async/>
                <Route path=path!("/admin/groups/:id/access") view=|| serve(pages::admin::access::of_group) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/:id/assignments") view=|| serve(pages::admin::access::of_account) ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/:id/people") view=|| serve(pages::admin::access::people_of_account) ssr=SsrMode::Async/>
                <Route path=path!("/admin/permission-sets/:id/assignments") view=|| serve(pages::admin::access::of_set) ssr=SsrMode::Async/>
                <Route path=path!("/admin/assignments") view=|| serve(pages::admin::access::overview) ssr=SsrMode::Async/>
                <Route path=path!("/admin/assignments/expiring") view=|| serve(pages::admin::access::expiring) ssr=SsrMode::Async/>
                <Route path=path!("/admin/assignments/changes") view=|| serve(pages::admin::access::changes) ssr=SsrMode::Async/>
                <Route path=path!("/admin/assignments/new") view=|| serve(pages::admin::assign::wizard) ssr=SsrMode::Async/>
                <Route path=path!("/admin/administrators") view=|| serve(pages::admin::administrators::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/administrators/keys/new") view=|| serve(pages::admin::api_keys::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/administrators/keys/:id/secret") view=|| serve(pages::admin::api_keys::shown_once) ssr=SsrMode::Async/>
                <Route path=path!("/admin/administrators/keys/:id/revoke") view=|| serve(pages::admin::api_keys::revoke) ssr=SsrMode::Async/>
                <Route path=path!("/admin/sessions") view=|| serve(pages::admin::sessions::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit") view=|| serve(pages::admin::audit::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit/:id") view=|| serve(pages::admin::audit_entry::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings") view=|| serve(pages::admin::settings::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings/streams") view=|| serve(pages::admin::streams::page) ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings/streams/new") view=|| serve(pages::admin::streams::new) ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings/streams/:id/secret") view=|| serve(pages::admin::streams::shown_once) ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings/streams/:id/remove") view=|| serve(pages::admin::streams::remove) ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}

/// Runs a page and puts the document around what it comes to.
fn serve<F, Later>(page: F) -> AnyView
where
    F: FnOnce(Cx) -> Later,
    Later: Future<Output = Answer> + Send + 'static,
{
    let Some(cx) = Cx::take() else { return ().into_any() };
    let later: Pin<Box<dyn Future<Output = Answer> + Send>> = Box::pin(page(cx.clone()));
    Suspend::new(async move {
        match later.await {
            Ok(page) => document(&cx, page),
            Err(stop) => stopped(&cx, stop),
        }
    })
    .into_any()
}

/// The answer where there is no page.
fn stopped(cx: &Cx, stop: Stop) -> AnyView {
    let error = match stop {
        Stop::Go(path) => {
            cx.see_other(&path);
            return ().into_any();
        }
        Stop::Refused(error) => error,
    };
    match error.kind() {
        Refusal::SignInNeeded => cx.see_other(&sign_in_path(cx)),
        Refusal::ConfirmNeeded => cx.see_other(&format!("/start/confirm?next={}", encode(&cx.address.text()))),
        _ => {
            let (status, page) = problem::of(cx, &error);
            cx.status(status);
            if let Some(seconds) = error.retry_after_seconds() {
                cx.header(header::RETRY_AFTER, &seconds.to_string());
            }
            return document(cx, page);
        }
    }
    ().into_any()
}

/// Where somebody goes who must sign in first: the step they are at, or the beginning with the way back.
pub fn sign_in_path(cx: &Cx) -> String {
    match cx.person().map(|person| person.stage) {
        Some(Stage::SecondFactor) => "/start/second-factor".to_owned(),
        Some(Stage::Enrol) => "/start/enrol".to_owned(),
        Some(Stage::NewPassword) => "/start/new-password".to_owned(),
        Some(Stage::Full) | None => match cx.address.text().as_str() {
            "/" | "/start" => "/start/sign-in".to_owned(),
            here => format!("/start/sign-in?next={}", encode(here)),
        },
    }
}

/// The status of a refusal.
pub fn status_of(kind: Refusal) -> StatusCode {
    match kind {
        Refusal::Invalid => StatusCode::BAD_REQUEST,
        Refusal::SignInNeeded => StatusCode::UNAUTHORIZED,
        Refusal::ConfirmNeeded | Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::Conflict => StatusCode::CONFLICT,
        Refusal::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The whole document.
pub fn document(cx: &Cx, page: Page) -> AnyView {
    cx.flash_is_shown();
    let settings = cx.settings();
    let viewer = cx.signed_in().map(|person| Viewer {
        display_name: cx.display_name().to_owned(),
        user_name: person.user_name.clone(),
        administers: allowed(cx, Action::SeeAdministration),
        closed: [
            (AdminTab::Accounts, Action::SeeAccounts),
            (AdminTab::PermissionSets, Action::SeePermissionSets),
            (AdminTab::Assignments, Action::SeeAssignments),
            (AdminTab::Applications, Action::SeeApplications),
            (AdminTab::Explain, Action::SeeAssignments),
            (AdminTab::Administrators, Action::SeeAdministrators),
            (AdminTab::Sessions, Action::SeeSessions),
            (AdminTab::Audit, Action::SeeAudit),
            (AdminTab::Settings, Action::SeeSettings),
            (AdminTab::Streams, Action::SeeSettings),
        ]
        .into_iter()
        .filter(|(_, action)| !allowed(cx, *action))
        .map(|(tab, _)| tab)
        .collect(),
    });
    let around = Surroundings {
        organization: settings.organization_name.clone(),
        viewer,
        theme: cx.theme(),
        flash: cx.flash.as_deref().cloned(),
        here: cx.address.text(),
    };
    let title = t!("frame.window", page = page.title, organization = settings.organization_name);
    let passkeys = page.passkeys.then(|| script(cx, "passkey.js")).flatten();
    let own = page.script.and_then(|name| script(cx, name));
    let islands = (page.frame != Frame::Step || page.islands).then(|| islands(cx)).flatten();
    let keys = (page.frame != Frame::Step).then(|| script(cx, "keys.js")).flatten();
    let fragments = page.fragments.then(|| {
        view! { <script nonce=cx.nonce().to_owned() inner_html=pages::portal::FRAGMENT></script> }
    });
    let body = around.around(page.frame, page.body);
    html(cx, &title, cx.theme().attribute(), view! { {fragments}{passkeys}{own}{keys}{islands} }.into_any(), body)
}

fn html(cx: &Cx, title: &str, theme: Option<&'static str>, scripts: AnyView, body: AnyView) -> AnyView {
    let ui = cx.ui();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title inner_html=escaped(title)></title>
                <link rel="stylesheet" href=ui.asset("main.css")/>
                <link rel="icon" type="image/svg+xml" href=WINDOW_ICON.as_str()/>
                {scripts}
            </head>
            <body>{body}</body>
        </html>
    }
    .into_any()
}

/// Inside `<title>` nothing is markup, not even the comments by which leptos separates texts; so it is written whole.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn script(cx: &Cx, name: &str) -> Option<AnyView> {
    let address = cx.ui().asset(name)?;
    Some(view! { <script type="module" src=address nonce=cx.nonce().to_owned()></script> }.into_any())
}

/// The loader of the islands, where their wasm was built.
fn islands(cx: &Cx) -> Option<AnyView> {
    let loader = cx.ui().asset("islands.js")?;
    let js = cx.ui().asset("vestibule.js")?;
    let wasm = cx.ui().asset("vestibule.wasm")?;
    cx.uses_wasm();
    Some(
        view! {
            <script type="module" id="islands" src=loader data-js=js data-wasm=wasm nonce=cx.nonce().to_owned()></script>
        }
        .into_any(),
    )
}
