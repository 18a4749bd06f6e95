//! The whole portal without its socket: the real edge and router, on services with a real database.

mod access;
mod accounts;
mod api_keys;
mod assignments;
mod faults;
mod front;
mod notices;
mod permission_sets;
mod portal;
mod sessions;
mod streams;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use domain::identity::sign_in::SessionGrant;
use domain::testing::World;
use http_body_util::BodyExt as _;

use crate::config::Config;
use crate::edge::Edge;
use crate::ops::health::Health;
use crate::ops::metrics::Metrics;
use crate::serve;

/// Where requests come from unless something else is said.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A portal.
struct Site {
    world: World,
    edge: Edge,
}

impl Site {
    /// On `http://localhost:8080`.
    async fn new() -> Self {
        Self::with(&[]).await
    }

    /// Where attempts cost nothing.
    async fn with_patience() -> Self {
        let budgets =
            ["source", "name", "pair", "device", "factor", "attempt", "confirm", "reset_source", "reset_name"];
        let names: Vec<String> =
            budgets.iter().map(|budget| format!("VESTIBULE_THROTTLE__{}__FREE", budget.to_uppercase())).collect();
        let variables: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1000000")).collect();
        Self::with(&variables).await
    }

    /// Configured by these variables.
    async fn with(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::from_variables(variables).unwrap();
        let public_url = config.public_url(config.listen);
        let world = World::with(|open| {
            open.public_url = public_url.clone();
            open.throttle = config.throttle.clone();
        })
        .await;
        let edge =
            serve::edge(&world.services, &config, public_url, Health::new(world.services.clone()), Metrics::default());
        Self { world, edge }
    }

    /// Sends a request as it is.
    async fn send(&self, request: Request<Body>) -> Answer {
        self.send_from(request, PEER).await
    }

    async fn send_from(&self, request: Request<Body>, peer: IpAddr) -> Answer {
        let (parts, body) = self.edge.answer(request, peer).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(get(path)).await
    }

    /// A browser without cookies.
    fn browser(&self) -> Browser<'_> {
        Browser { site: self, jar: BTreeMap::new() }
    }

    /// A browser with a session.
    fn browser_with(&self, grant: &SessionGrant) -> Browser<'_> {
        let mut browser = self.browser();
        browser.jar.insert("vestibule".to_owned(), grant.token.expose().to_owned());
        browser
    }
}

/// A request for a page.
fn get(path: &str) -> Request<Body> {
    Request::get(path).header(header::HOST, "localhost:8080").body(Body::empty()).unwrap()
}

/// A form of a page of ours.
fn post(path: &str, form: &str) -> Request<Body> {
    Request::post(path)
        .header(header::HOST, "localhost:8080")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::CONTENT_LENGTH, form.len())
        .body(Body::from(form.to_owned()))
        .unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Every cookie that is set, as it was sent.
    fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect()
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().into_iter().find(|line| line.split('=').next() == Some(name))
    }
}

/// Keeps cookies, as browsers do.
struct Browser<'s> {
    site: &'s Site,
    jar: BTreeMap<String, String>,
}

impl Browser<'_> {
    async fn get(&mut self, path: &str) -> Answer {
        self.send(get(path)).await
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.send(post(path, form)).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if !self.jar.is_empty() {
            let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let answer = self.site.send(request).await;
        for line in answer.cookies() {
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// The methods that change something.
const UNSAFE: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
