//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn forgotten(_: Cx) -> Answer {
    Ok(Page::step("forgotten", ()))
}

/// Stub.
pub async fn link(_: Cx) -> Answer {
    Ok(Page::step("link", ()))
}

