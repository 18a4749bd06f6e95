//! What a page or an action is given with the request, and how it answers besides its HTML: status, headers, cookies, notices.
//!
//! The edge puts a [`Visit`] into the extensions of every request; [`provide`] is the one closure that hands it on, to pages
//! and to server functions alike. Nothing else reads the context.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use domain::identity::me::Preferences;
use domain::identity::sessions::{Notice, Resolved};
use domain::identity::sign_in::SessionGrant;
use domain::settings::Settings;
use domain::{Actor, Call, Error, Person, Services, Stage};
use jiff::tz::TimeZone;
use leptos::nonce::Nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;

use crate::address::Address;
use crate::parts::frame::Theme;
use crate::parts::notice::Flash;
use crate::parts::time::{Clock, moment};

/// Given once at start.
#[derive(Clone, Debug)]
pub struct Ui {
    /// All rules.
    pub services: Services,
    /// The address that AWS's command line takes for ours: it resolves the portal's by a HEAD.
    pub alias: Arc<str>,
    /// Whether people reach us over https: decides the names and flags of cookies.
    pub secure: bool,
    /// The hashed address of a static file; `/static/missing` where it was not built.
    pub asset: fn(&str) -> &'static str,
}

impl Ui {
    /// The hashed address of a static file, if it was built.
    pub fn asset(&self, name: &str) -> Option<&'static str> {
        Some((self.asset)(name)).filter(|address| *address != "/static/missing")
    }

    /// Names of the cookies.
    pub fn cookies(&self) -> Cookies {
        if self.secure {
            Cookies {
                session: "__Host-vestibule",
                device: "__Host-vestibule-device",
                notice: "__Host-vestibule-notice",
                secure: true,
            }
        } else {
            Cookies { session: "vestibule", device: "vestibule-device", notice: "vestibule-notice", secure: false }
        }
    }
}

/// Names and flags of our cookies.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    /// Carries the session's token.
    pub session: &'static str,
    /// Carries the token of a browser that has completed a sign-in before.
    pub device: &'static str,
    /// Carries what an action says to the next page.
    pub notice: &'static str,
    secure: bool,
}

impl Cookies {
    /// A `Set-Cookie` value; a life of zero removes the cookie.
    pub fn set(&self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    /// The value of a cookie in a request.
    pub fn read<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
        parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

/// One request, as the edge understood it.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Who asks, from where, when.
    pub call: Call,
    /// The session, where the cookie names one that lives.
    pub session: Option<Arc<Resolved>>,
    /// The nonce in this answer's content security policy.
    pub nonce: String,
    /// What the edge does with the answer.
    pub answer: Answer,
}

/// What a page or an action asks of the edge for its answer: cookies and policy are set there.
#[derive(Clone, Debug, Default)]
pub struct Answer(Arc<Mutex<Extras>>);

/// The wishes that [`Answer`] collects.
#[derive(Debug, Default)]
pub struct Extras {
    /// What becomes of the browser's session.
    pub session: Option<SessionChange>,
    /// The page loads wasm.
    pub wasm: bool,
    /// The page is long and holds nothing secret: it may travel compressed.
    pub compress: bool,
}

/// What becomes of the browser's session.
#[derive(Debug)]
pub enum SessionChange {
    /// It has a new token, and maybe a new device.
    Adopt(SessionGrant),
    /// It is over.
    End,
}

impl Answer {
    fn fill(&self, fill: impl FnOnce(&mut Extras)) {
        fill(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes the wishes out, for the edge.
    pub fn take(&self) -> Extras {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Hands the request on to pages and server functions; called inside their owner, once for each request.
pub fn provide(ui: &Ui) {
    let Some(parts) = use_context::<Parts>() else { return };
    let Some(visit) = parts.extensions.get::<Visit>().cloned() else { return };
    provide_context(Nonce::from_value(visit.nonce.as_str()));
    provide_context(Cx::new(ui, visit, &parts));
}

/// What every page and action works with.
#[derive(Clone)]
pub struct Cx {
    ui: Ui,
    visit: Visit,
    /// The address of the page.
    pub address: Address,
    /// What the last action left, with what had been typed.
    pub flash: Option<Arc<Flash>>,
    /// The reader's idea of time.
    pub clock: Clock,
    answer: Option<ResponseOptions>,
}

impl Cx {
    /// From a request, before anything is rendered.
    pub fn new(ui: &Ui, visit: Visit, parts: &Parts) -> Self {
        let preferences = visit.session.as_ref().map(|session| &session.preferences);
        let zone = preferences
            .and_then(|p| p.zone.as_deref())
            .and_then(|zone| TimeZone::get(zone).ok())
            .unwrap_or(TimeZone::UTC);
        let flash = Cookies::read(parts, ui.cookies().notice).map(|text| Arc::new(Flash::decode(text)));
        Self {
            clock: Clock::new(moment(visit.call.now), zone),
            ui: ui.clone(),
            visit,
            address: Address::new(parts.uri.path(), parts.uri.query().unwrap_or_default()),
            flash,
            answer: use_context(),
        }
    }

    /// The one that [`provide`] left. Absent only while routes are listed at start.
    pub fn take() -> Option<Self> {
        use_context()
    }

    /// All rules.
    pub fn services(&self) -> &Services {
        &self.ui.services
    }

    /// Given at start.
    pub fn ui(&self) -> &Ui {
        &self.ui
    }

    /// The first argument of every service function.
    pub fn call(&self) -> &Call {
        &self.visit.call
    }

    /// The nonce of this answer.
    pub fn nonce(&self) -> &str {
        &self.visit.nonce
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.ui.services.settings_now()
    }

    /// Who has a session, at whatever stage.
    pub fn person(&self) -> Option<&Person> {
        match &self.visit.call.actor {
            Actor::Person(person) => Some(person),
            _ => None,
        }
    }

    /// Who is signed in completely.
    pub fn signed_in(&self) -> Option<&Person> {
        self.person().filter(|person| person.stage == Stage::Full)
    }

    /// As the reader likes to be called; as they sign in, where that is all that is known.
    pub fn display_name(&self) -> &str {
        let own = self.visit.session.as_ref().map(|session| session.display_name.as_str());
        let named = own.filter(|name| !name.is_empty());
        named.or_else(|| self.person().map(|person| person.user_name.as_str())).unwrap_or_default()
    }

    /// What the reader likes.
    pub fn preferences(&self) -> Preferences {
        self.visit.session.as_ref().map(|session| session.preferences.clone()).unwrap_or_default()
    }

    /// The reader's theme.
    pub fn theme(&self) -> Theme {
        Theme::parse(self.preferences().theme.as_deref().unwrap_or_default())
    }

    /// A secret that an action left with the session, to be shown once.
    pub fn once(&self) -> Option<&Notice> {
        self.visit.session.as_ref().and_then(|session| session.notice.as_ref())
    }

    /// A segment of the path: in `/admin/users/7`, 0 is `admin` and 2 is `7`.
    pub fn segment(&self, index: usize) -> &str {
        self.address.path().split('/').nth(index + 1).unwrap_or_default()
    }

    /// An id in the path; what is no id does not exist.
    pub fn id<T: std::str::FromStr>(&self, index: usize, what: &str) -> Result<T, Error> {
        self.segment(index).parse().map_err(|_| Error::not_found(what))
    }

    /// What had been typed into a field before the form was refused.
    pub fn typed(&self, field: &str) -> Option<&str> {
        self.flash.as_ref().and_then(|flash| flash.typed(field))
    }

    /// What is wrong with a field, for the form that was refused.
    pub fn error_of(&self, field: &str) -> Option<String> {
        self.flash.as_ref().and_then(|flash| flash.error_of(field))
    }

    /// Sets the status of the answer.
    pub fn status(&self, status: StatusCode) {
        if let Some(answer) = &self.answer {
            answer.set_status(status);
        }
    }

    /// Adds a header to the answer; what is no header value is left out.
    pub fn header(&self, name: HeaderName, value: &str) {
        if let (Some(answer), Ok(value)) = (&self.answer, HeaderValue::from_str(value)) {
            answer.append_header(name, value);
        }
    }

    /// Sends the browser to a path of this site with a GET.
    pub fn see_other(&self, path: &str) {
        self.status(StatusCode::SEE_OTHER);
        self.header(header::LOCATION, path);
    }

    /// Leaves words for the next page.
    pub fn leave(&self, flash: &Flash) {
        let cookies = self.ui.cookies();
        self.header(header::SET_COOKIE, &cookies.set(cookies.notice, &flash.encode(), 120));
    }

    /// Forgets the words that this page shows.
    pub fn flash_is_shown(&self) {
        if self.flash.is_some() {
            let cookies = self.ui.cookies();
            self.header(header::SET_COOKIE, &cookies.set(cookies.notice, "", 0));
        }
    }

    /// Gives the browser its session's new token.
    pub fn keep_session(&self, grant: &SessionGrant) {
        let grant =
            SessionGrant { token: grant.token.clone(), expires_at: grant.expires_at, device: grant.device.clone() };
        self.visit.answer.fill(|extras| extras.session = Some(SessionChange::Adopt(grant)));
    }

    /// Takes the session's token from the browser.
    pub fn drop_session(&self) {
        self.visit.answer.fill(|extras| extras.session = Some(SessionChange::End));
    }

    /// Lets a long page travel compressed. Not for one that shows a secret beside what somebody else may have chosen: its length
    /// would tell.
    pub fn compress(&self) {
        self.visit.answer.fill(|extras| extras.compress = true);
    }

    /// The page loads wasm, which the content security policy has to allow.
    pub fn uses_wasm(&self) {
        self.visit.answer.fill(|extras| extras.wasm = true);
    }
}
