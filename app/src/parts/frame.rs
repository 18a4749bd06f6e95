//! The three frames a page can stand in: a step (one narrow column), the portal, and administration.

use leptos::prelude::*;
use model::t;

use super::form::button;
use super::icon::{chevron, mark};
use super::notice::Flash;

/// A finished page, before its frame is put around it.
pub struct Page {
    /// For the title of the window.
    pub title: String,
    /// Where it stands.
    pub frame: Frame,
    /// What it says.
    pub body: AnyView,
    /// Whether the passkey script is loaded.
    pub passkeys: bool,
    /// Whether a fragment in the address may lead elsewhere.
    pub fragments: bool,
    /// A script of this page alone.
    pub script: Option<&'static str>,
    /// Whether the islands are loaded on a step; portal and administration always have them.
    pub islands: bool,
}

impl Page {
    /// A step: one question, one column.
    pub fn step(title: impl Into<String>, body: impl IntoView + 'static) -> Self {
        Self::within(Frame::Step, title.into(), body.into_any())
    }

    /// A page of the portal.
    pub fn portal(tab: PortalTab, title: impl Into<String>, body: impl IntoView + 'static) -> Self {
        Self::within(Frame::Portal(tab), title.into(), body.into_any())
    }

    /// A page of administration.
    pub fn admin(tab: AdminTab, title: impl Into<String>, body: impl IntoView + 'static) -> Self {
        Self::within(Frame::Admin(tab), title.into(), body.into_any())
    }

    fn within(frame: Frame, title: String, body: AnyView) -> Self {
        Self { title, frame, body, passkeys: false, fragments: false, script: None, islands: false }
    }

    /// Loads the passkey script.
    #[must_use]
    pub fn with_passkeys(mut self) -> Self {
        self.passkeys = true;
        self
    }

    /// Follows the fragments that addresses of AWS's portal carry.
    #[must_use]
    pub fn with_fragments(mut self) -> Self {
        self.fragments = true;
        self
    }

    /// Loads a script of this page alone, by its name in `public/`.
    #[must_use]
    pub fn with_script(mut self, name: &'static str) -> Self {
        self.script = Some(name);
        self
    }

    /// Loads the islands on a step.
    #[must_use]
    pub fn with_islands(mut self) -> Self {
        self.islands = true;
        self
    }
}

/// Where a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Sign-in and other single questions: no navigation, no wasm.
    Step,
    /// The portal of a person.
    Portal(PortalTab),
    /// Administration.
    Admin(AdminTab),
}

/// Entries of the portal's navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalTab {
    /// `/start`
    Accounts,
    /// `/start/applications`
    Applications,
    /// `/me/profile`
    Profile,
    /// `/me/security`
    Security,
    /// Nowhere in it.
    None,
}

/// Entries of the administrators' navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminTab {
    /// `/admin`
    Overview,
    /// `/admin/accounts`
    Accounts,
    /// `/admin/permission-sets`
    PermissionSets,
    /// `/admin/assignments`
    Assignments,
    /// `/admin/applications`
    Applications,
    /// `/admin/users`
    Users,
    /// `/admin/groups`
    Groups,
    /// `/admin/explain`
    Explain,
    /// `/admin/sessions`
    Sessions,
    /// `/admin/audit`
    Audit,
    /// `/admin/administrators`
    Administrators,
    /// `/admin/settings`
    Settings,
    /// `/admin/settings/streams`
    Streams,
    /// Nowhere in it.
    None,
}

/// Who reads the page.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// As they like to be called.
    pub display_name: String,
    /// As they sign in.
    pub user_name: String,
    /// Whether administration is open to them.
    pub administers: bool,
    /// The parts of administration that are closed to them.
    pub closed: Vec<AdminTab>,
}

/// How a person likes to see pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The value of `data-theme`, of the form and of the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The value of `data-theme`; nothing leaves it to the system.
    pub fn attribute(self) -> Option<&'static str> {
        (self != Theme::System).then(|| self.as_str())
    }

    /// Reads what [`Theme::as_str`] wrote; anything else is the system's.
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        }
    }
}

/// What a frame shows besides the page.
pub struct Surroundings {
    /// The organisation's name.
    pub organization: String,
    /// Who reads, if somebody is signed in.
    pub viewer: Option<Viewer>,
    /// Their theme.
    pub theme: Theme,
    /// What the last action says.
    pub flash: Option<Flash>,
    /// The address of the page, to come back to.
    pub here: String,
}

impl Surroundings {
    /// Puts the frame around a page.
    pub fn around(&self, frame: Frame, body: AnyView) -> AnyView {
        match (frame, &self.viewer) {
            (Frame::Portal(tab), Some(viewer)) => self.portal(tab, viewer, body),
            (Frame::Admin(tab), Some(viewer)) => self.admin(tab, viewer, body),
            _ => self.step(body),
        }
    }

    fn notice(&self, may_focus: bool) -> Option<AnyView> {
        self.flash.as_ref().and_then(|flash| flash.view(may_focus))
    }

    fn step(&self, body: AnyView) -> AnyView {
        view! {
            <div class="frame-step">
                <main id="main" tabindex="-1">
                    <p class="step-brand">{mark()}{self.organization.clone()}</p>
                    {self.notice(false)}
                    {body}
                </main>
                <footer>{t!("frame.step-footer")}</footer>
            </div>
        }
        .into_any()
    }

    fn portal(&self, tab: PortalTab, viewer: &Viewer, body: AnyView) -> AnyView {
        let tabs = [
            (PortalTab::Accounts, "/start", t!("nav.accounts")),
            (PortalTab::Applications, "/start/applications", t!("nav.applications")),
        ]
        .map(|(this, href, label)| {
            let current = (this == tab).then_some("page");
            view! { <a href=href aria-current=current>{label}</a> }
        })
        .into_iter()
        .collect_view();
        view! {
            {skip()}
            <header class="top">
                {self.brand("/start")}
                <nav class="tabs" aria-label=t!("nav.portal")>{tabs}</nav>
                {self.account(viewer, false)}
            </header>
            <div class="frame-portal">
                <main id="main" tabindex="-1">{self.notice(true)}{body}</main>
            </div>
        }
        .into_any()
    }

    fn admin(&self, tab: AdminTab, viewer: &Viewer, body: AnyView) -> AnyView {
        let link = |this: AdminTab, href: &'static str, label: &'static str| {
            let current = (this == tab).then_some("page");
            (!viewer.closed.contains(&this))
                .then(|| view! { <li><a href=href aria-current=current>{label}</a></li> }.into_any())
        };
        view! {
            {skip()}
            <header class="top">
                <button class="side-open" popovertarget="side">{t!("nav.menu")}</button>
                {self.brand("/admin")}
                {self.account(viewer, true)}
            </header>
            <div class="frame-admin">
                <nav class="side" id="side" popover="auto" aria-label=t!("nav.admin")>
                    <p class="side-back"><a href="/start"><span aria-hidden="true">"←"</span>{t!("menu.portal")}</a></p>
                    <ul role="list">
                        {link(AdminTab::Overview, "/admin", t!("nav.overview"))}
                    </ul>
                    {Self::access(viewer, link)}
                    <p class="side-head" id="side-people">{t!("nav.people")}</p>
                    <ul role="list" aria-labelledby="side-people">
                        {link(AdminTab::Users, "/admin/users", t!("nav.users"))}
                        {link(AdminTab::Groups, "/admin/groups", t!("nav.groups"))}
                        {link(AdminTab::Administrators, "/admin/administrators", t!("nav.administrators"))}
                        {link(AdminTab::Sessions, "/admin/sessions", t!("nav.sessions"))}
                    </ul>
                    <p class="side-head" id="side-house">{t!("nav.house")}</p>
                    <ul role="list" aria-labelledby="side-house">
                        {link(AdminTab::Audit, "/admin/audit", t!("nav.audit"))}
                        {link(AdminTab::Settings, "/admin/settings", t!("nav.settings"))}
                        {link(AdminTab::Streams, "/admin/settings/streams", t!("nav.streams"))}
                    </ul>
                </nav>
                <main id="main" tabindex="-1">{self.notice(true)}{body}</main>
            </div>
        }
        .into_any()
    }

    /// Who may go where; nothing where all of it is closed to the reader.
    fn access(
        viewer: &Viewer,
        link: impl Fn(AdminTab, &'static str, &'static str) -> Option<AnyView>,
    ) -> Option<AnyView> {
        let tabs = [
            AdminTab::Accounts,
            AdminTab::PermissionSets,
            AdminTab::Assignments,
            AdminTab::Applications,
            AdminTab::Explain,
        ];
        let open = tabs.iter().any(|tab| !viewer.closed.contains(tab));
        open.then(|| {
            view! {
                <p class="side-head" id="side-access">{t!("nav.access")}</p>
                <ul role="list" aria-labelledby="side-access">
                    {link(AdminTab::Accounts, "/admin/accounts", t!("nav.accounts"))}
                    {link(AdminTab::PermissionSets, "/admin/permission-sets", t!("nav.permission-sets"))}
                    {link(AdminTab::Assignments, "/admin/assignments", t!("nav.assignments"))}
                    {link(AdminTab::Applications, "/admin/applications", t!("nav.applications"))}
                    {link(AdminTab::Explain, "/admin/explain", t!("nav.explain"))}
                </ul>
            }
            .into_any()
        })
    }

    fn brand(&self, href: &'static str) -> AnyView {
        view! { <a class="brand" href=href>{mark()}<span class="brand-name">{self.organization.clone()}</span></a> }
            .into_any()
    }

    fn account(&self, viewer: &Viewer, in_admin: bool) -> AnyView {
        let elsewhere = if in_admin {
            Some(("/start", t!("menu.portal")))
        } else {
            viewer.administers.then_some(("/admin", t!("menu.admin")))
        };
        let elsewhere = elsewhere.map(|(href, label)| view! { <a href=href>{label}</a> });
        let themes =
            [(Theme::System, t!("theme.system")), (Theme::Light, t!("theme.light")), (Theme::Dark, t!("theme.dark"))]
                .map(|(theme, label)| {
                    let pressed = if theme == self.theme { "true" } else { "false" };
                    view! { <button name="theme" value=theme.as_str() aria-pressed=pressed>{label}</button> }
                })
                .into_iter()
                .collect_view();
        view! {
            <div class="account">
                <button popovertarget="account-menu" aria-haspopup="true">
                    <span class="account-name">{viewer.display_name.clone()}</span>
                    {chevron()}
                </button>
                <div class="menu" id="account-menu" popover="auto">
                    <div class="menu-who">
                        <strong>{viewer.display_name.clone()}</strong>
                        <div class="muted small">{viewer.user_name.clone()}</div>
                    </div>
                    <a href="/me/profile">{t!("menu.profile")}</a>
                    <a href="/me/security">{t!("menu.security")}</a>
                    {elsewhere}
                    <button popovertarget="keys" hidden>{t!("keys.title")}</button>
                    <hr/>
                    <form method="post" action="/actions/me/theme" class="choice" aria-label=t!("theme.title")>
                        <span class="small muted">{t!("theme.title")}</span>
                        <input type="hidden" name="next" value=self.here.clone()/>
                        {themes}
                    </form>
                    <hr/>
                    {button("/actions/sign-in/out", &[], t!("menu.sign-out"), "")}
                </div>
                {keys()}
            </div>
        }
        .into_any()
    }
}

/// The keys of `public/keys.js`; opened by the menu or by one of them.
fn keys() -> AnyView {
    let keys = [
        ("/", t!("keys.search")),
        ("j", t!("keys.next")),
        ("k", t!("keys.previous")),
        ("s", t!("keys.star")),
        ("?", t!("keys.help")),
        ("Esc", t!("keys.close")),
    ]
    .map(|(key, does)| view! { <dt><kbd>{key}</kbd></dt><dd>{does}</dd> })
    .into_iter()
    .collect_view();
    view! {
        <div class="sheet" id="keys" popover="auto" role="dialog" aria-labelledby="keys-title">
            <h2 id="keys-title">{t!("keys.title")}</h2>
            <dl class="facts">{keys}</dl>
            <div class="check">
                <input type="checkbox" id="keys-on" checked/>
                <label for="keys-on">{t!("keys.on")}</label>
            </div>
            <button popovertarget="keys" popovertargetaction="hide">{t!("keys.done")}</button>
        </div>
    }
    .into_any()
}

fn skip() -> AnyView {
    view! { <a class="skip" href="#main">{t!("frame.skip")}</a> }.into_any()
}
