//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn security(_: Cx) -> Answer {
    Ok(Page::step("security", ()))
}

/// Stub.
pub async fn add_app(_: Cx) -> Answer {
    Ok(Page::step("add_app", ()))
}

/// Stub.
pub async fn add_passkey(_: Cx) -> Answer {
    Ok(Page::step("add_passkey", ()))
}

/// Stub.
pub async fn factor(_: Cx) -> Answer {
    Ok(Page::step("factor", ()))
}

/// Stub.
pub async fn recovery_codes(_: Cx) -> Answer {
    Ok(Page::step("recovery_codes", ()))
}

