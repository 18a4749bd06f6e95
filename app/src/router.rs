//! The pages and actions as one axum router, for the edge to mount.

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use leptos_axum::{AxumRouteListing, generate_route_list, render_app_async_with_context};
use model::t;

use crate::actions::{door, table};
use crate::context::{Ui, Visit, provide};
use crate::pages::problem;
use crate::shell::App;

/// Everything people see. Each request must carry a [`Visit`] in its extensions, put there by a layer of the edge around this.
pub fn router(ui: Ui) -> Router {
    table::register();
    let context = {
        let ui = ui.clone();
        move || provide(&ui)
    };
    let alias = ui.alias.clone();
    let resolve = move || std::future::ready((StatusCode::FOUND, [(header::LOCATION, alias.to_string())]));
    let actions = move |request: Request| door::act(ui.clone(), request);
    // One by one: leptos' own way of mounting the routes mounts the server functions as well, past the door in front of them.
    let pages = routes().into_iter().fold(Router::new(), |router, route| {
        let page = get(render_app_async_with_context(context.clone(), App));
        // AWS's command line asks so whose portal this is, before anybody signs in.
        let page = if route.path() == "/start" { page.head(resolve.clone()) } else { page };
        router.route(route.path(), page)
    });
    pages.route("/actions/{*rest}", any(actions))
}

/// The pages, for the router and for the access table.
pub fn routes() -> Vec<AxumRouteListing> {
    generate_route_list(App)
}

/// The page of an address that leads nowhere; the edge's fallback.
pub fn not_found(ui: &Ui, request: Request) -> Response {
    problem_page(ui, request, StatusCode::NOT_FOUND)
}

/// An error page with a status of the edge's: what the request could not even ask the domain.
pub fn problem_page(ui: &Ui, request: Request, status: StatusCode) -> Response {
    let (parts, _) = request.into_parts();
    let Some(visit) = parts.extensions.get::<Visit>().cloned() else {
        return status.into_response();
    };
    let (title, said, next) = match status {
        StatusCode::NOT_FOUND => (t!("problem.not-found"), t!("problem.no-page"), t!("problem.not-found-next")),
        StatusCode::FORBIDDEN => (t!("problem.forbidden"), t!("problem.cross-site"), t!("problem.other-next")),
        StatusCode::PAYLOAD_TOO_LARGE => (t!("problem.invalid"), t!("problem.too-large"), t!("problem.other-next")),
        StatusCode::TOO_MANY_REQUESTS => (t!("problem.throttled"), t!("problem.busy"), t!("problem.throttled-next")),
        StatusCode::SERVICE_UNAVAILABLE => {
            (t!("problem.unavailable"), t!("problem.busy"), t!("problem.unavailable-next"))
        }
        status if status.is_server_error() => {
            (t!("problem.internal"), t!("problem.fault"), t!("problem.internal-next"))
        }
        _ => (t!("problem.invalid"), t!("problem.malformed"), t!("problem.other-next")),
    };
    door::render(ui, visit, &parts, |cx| (status, problem::page(cx, status, title, said, next)))
}
