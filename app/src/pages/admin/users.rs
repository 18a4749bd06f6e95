//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn list(_: Cx) -> Answer {
    Ok(Page::step("list", ()))
}

/// Stub.
pub async fn new(_: Cx) -> Answer {
    Ok(Page::step("new", ()))
}

/// Stub.
pub async fn edit(_: Cx) -> Answer {
    Ok(Page::step("edit", ()))
}

