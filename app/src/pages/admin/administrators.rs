//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn page(_: Cx) -> Answer {
    Ok(Page::step("page", ()))
}

