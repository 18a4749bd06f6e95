//! A browser without a window: cookies, the headers a browser sends with its own forms, and no redirect followed unseen.

use std::net::SocketAddr;

use reqwest::{
    Method, StatusCode,
    blocking::{Client, RequestBuilder, Response},
    header::{self, HeaderMap, HeaderName},
    redirect::Policy,
};

use crate::DemoPerson;

/// One person's browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    base: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    pub(crate) fn new(port: u16) -> Self {
        let client = Client::builder()
            .cookie_store(true)
            .redirect(Policy::none())
            .resolve("localhost", SocketAddr::from(([127, 0, 0, 1], port)))
            .no_proxy()
            .build()
            .expect("a client");
        Self { client, base: format!("http://localhost:{port}") }
    }

    /// A request to build by hand, with nothing added but the cookies.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub fn get(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, path).header(header::ACCEPT, "text/html").send())
    }

    /// Sends a form as a page of the same origin would.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        Answer::read(self.request(Method::POST, path).header("sec-fetch-site", "same-origin").form(fields).send())
    }

    /// Signs in with password and, if it is asked for, the authenticator's code; gives the last answer.
    pub fn sign_in(&self, person: &DemoPerson) -> Answer {
        let answer =
            self.post("/actions/sign-in/password", &[("username", &person.user_name), ("password", &person.password)]);
        if answer.leads_to("/start/second-factor") {
            return self.post("/actions/sign-in/code", &[("code", &person.code())]);
        }
        answer
    }
}

impl Answer {
    pub fn read(response: reqwest::Result<Response>) -> Self {
        let response = response.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: response.text().expect("a body of text") }
    }

    /// A header's text, empty if it is missing.
    pub fn header(&self, name: impl Into<HeaderName>) -> &str {
        self.headers.get(name.into()).map_or("", |value| value.to_str().expect("a header of text"))
    }

    /// Where a redirect leads, empty if it is none.
    pub fn location(&self) -> &str {
        self.header(header::LOCATION)
    }

    /// Whether this is a 303 to the path, whatever its query.
    pub fn leads_to(&self, path: &str) -> bool {
        self.status == StatusCode::SEE_OTHER && self.location().split('?').next() == Some(path)
    }
}
