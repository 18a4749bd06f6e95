//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn page(_: Cx) -> Answer {
    Ok(Page::step("page", ()))
}

/// Stub.
pub async fn link(_: Cx) -> Answer {
    Ok(Page::step("link", ()))
}

/// Stub.
pub async fn groups(_: Cx) -> Answer {
    Ok(Page::step("groups", ()))
}

/// Stub.
pub async fn confirm(_: Cx) -> Answer {
    Ok(Page::step("confirm", ()))
}

