//! Mounts the pages and actions, and gives them session and request.

use app::context::Ui;
use app::router::problem_page;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use axum::middleware::{Next, from_fn};
use domain::Services;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Session, SessionManagerLayer};

use crate::edge::facts::Facts;
use crate::edge::headers::Policy;
use crate::edge::session::{Tokens, complete_cookies, nobody, visit};
use crate::ops::metrics::Metrics;

/// What the pages are given once.
pub fn ui(services: Services, region: &str, secure: bool) -> Ui {
    let alias = format!("https://{}.portal.{region}.app.aws/", services.instance_id()).into();
    Ui { services, alias, secure, asset: crate::assets::url_of }
}

/// All pages and actions, with the session around them.
pub fn router(ui: &Ui, metrics: &Metrics) -> Router {
    let cookies = ui.cookies();
    let secure = ui.secure;
    let carrier = SessionManagerLayer::new(Tokens(ui.services.sessions.clone()))
        .with_name(cookies.session)
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/");
    let (visiting, metrics) = (ui.clone(), metrics.clone());
    app::router::router(ui.clone())
        .merge(crate::export::router(ui.clone()))
        .merge(crate::export_access::router(ui.clone()))
        .layer(from_fn(move |session: Session, request: Request, next: Next| {
            visit(visiting.clone(), metrics.clone(), session, request, next)
        }))
        .layer(carrier)
        .layer(from_fn(move |request: Request, next: Next| async move {
            let mut response = next.run(request).await;
            complete_cookies(response.headers_mut(), secure);
            response
        }))
}

/// The page for a status, for nobody in particular.
pub fn problem(ui: &Ui, facts: &Facts, status: StatusCode) -> Response<Body> {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(nobody(ui, facts));
    let mut response = problem_page(ui, request, status);
    response.extensions_mut().insert(Policy { page: true, wasm: false });
    response
}
