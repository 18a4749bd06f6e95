//! The portal: the accounts and applications a person may use.

use domain::authz::Action;
use leptos::prelude::*;
use model::t;

use super::admin::allowed;
use crate::context::Cx;
use crate::parts::empty::empty;
use crate::parts::frame::{Page, PortalTab};
use crate::parts::title::Title;
use crate::shell::{Answer, Stop};

/// The root of the site leads to the portal.
pub async fn root(_: Cx) -> Answer {
    Err(Stop::Go("/start".to_owned()))
}

/// The accounts of the reader.
pub async fn accounts(cx: Cx) -> Answer {
    cx.services().me.profile(cx.call()).await?;
    let next = allowed(&cx, Action::SeeAdministration).then(|| (t!("start.to-admin").to_owned(), "/admin".to_owned()));
    let body = view! {
        {Title::new(t!("start.accounts.title")).view()}
        {empty(t!("start.accounts.empty"), t!("start.accounts.empty-text"), next)}
    };
    Ok(Page::portal(PortalTab::Accounts, t!("start.accounts.title"), body))
}
