//! The portal's applications: a tile for each that the reader may use.

use domain::access::applications::Tile;
use leptos::prelude::*;
use model::t;

use crate::context::Cx;
use crate::parts::empty::{empty, filtered_empty};
use crate::parts::filter::Filters;
use crate::parts::form::field;
use crate::parts::frame::{Page, PortalTab};
use crate::parts::title::Title;
use crate::shell::Answer;

/// From so many tiles on there is a search.
const SEARCHED: usize = 7;

/// `/start/applications`
pub async fn tiles(cx: Cx) -> Answer {
    let search = cx.address.get("search").unwrap_or_default();
    let tiles = cx.services().applications.for_person(cx.call(), search).await?;
    let filters = Filters::new(t!("start.applications.search"))
        .with("search", field("search", t!("filter.search")).kind("search").value(search.to_owned()).grow());
    let body = if !tiles.is_empty() {
        let tiles = tiles.iter().map(tile).collect_view();
        view! { <ul class="tiles applications" role="list">{tiles}</ul> }.into_any()
    } else if filters.active(&cx.address) {
        filtered_empty(t!("start.applications.none-found"), "/start/applications")
    } else {
        empty(t!("start.applications.empty"), t!("start.applications.empty-text"), None)
    };
    let filters = (tiles.len() >= SEARCHED || filters.active(&cx.address)).then(|| filters.view(&cx.address));
    let body = view! {
        {Title::new(t!("start.applications.title")).view()}
        {filters}
        {body}
    };
    Ok(Page::portal(PortalTab::Applications, t!("start.applications.title"), body))
}

fn tile(tile: &Tile) -> AnyView {
    let description =
        (!tile.description.is_empty()).then(|| view! { <span><bdi>{tile.description.clone()}</bdi></span> });
    let name = view! { <strong><bdi>{tile.name.clone()}</bdi></strong> };
    let tile = if let Some(url) = tile.start_url.clone() {
        view! { <a class="tile" href=url rel="noreferrer">{name}{description}</a> }.into_any()
    } else {
        let not_yet = view! { <span class="small">{t!("start.applications.not-configured")}</span> };
        view! { <div class="tile closed">{name}{description}{not_yet}</div> }.into_any()
    };
    view! { <li>{tile}</li> }.into_any()
}
