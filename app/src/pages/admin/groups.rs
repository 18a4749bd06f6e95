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
pub async fn page(_: Cx) -> Answer {
    Ok(Page::step("page", ()))
}

/// Stub.
pub async fn edit(_: Cx) -> Answer {
    Ok(Page::step("edit", ()))
}

/// Stub.
pub async fn add_members(_: Cx) -> Answer {
    Ok(Page::step("add_members", ()))
}

/// Stub.
pub async fn delete(_: Cx) -> Answer {
    Ok(Page::step("delete", ()))
}

