//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn root(_: Cx) -> Answer {
    Ok(Page::step("root", ()))
}

/// Stub.
pub async fn accounts(_: Cx) -> Answer {
    Ok(Page::step("accounts", ()))
}

/// Stub.
pub async fn applications(_: Cx) -> Answer {
    Ok(Page::step("applications", ()))
}

