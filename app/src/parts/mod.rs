//! The pieces that pages are made of. Plain functions that return views: nothing here reacts, so nothing here is a
//! component, and the compiler has less to do.

pub mod badge;
pub mod browser;
pub mod confirm;
pub mod copy;
pub mod empty;
pub mod explained;
pub mod facts;
pub mod filter;
pub mod form;
pub mod frame;
pub mod history;
pub mod icon;
pub mod notice;
pub mod pager;
pub mod passkey;
pub mod places;
pub mod table;
pub mod tabs;
pub mod time;
pub mod title;

/// What every page imports.
pub mod prelude {
    pub use leptos::prelude::*;
    pub use model::t;

    pub use super::badge::{Tone, badge};
    pub use super::copy::secret;
    pub use super::empty::{empty, filtered_empty};
    pub use super::facts::{Facts, text_or_dash};
    pub use super::filter::Filters;
    pub use super::form::{Field, button, danger, field, hidden, primary};
    pub use super::frame::{AdminTab, Frame, Page, PortalTab};
    pub use super::pager::Pager;
    pub use super::table::{Column, Table};
    pub use super::title::{Title, section};
}
