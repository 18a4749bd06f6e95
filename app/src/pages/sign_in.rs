//! Stub.

use crate::context::Cx;
use crate::parts::frame::Page;
use crate::shell::Answer;

/// Stub.
pub async fn sign_in(_: Cx) -> Answer {
    Ok(Page::step("sign_in", ()))
}

/// Stub.
pub async fn second_factor(_: Cx) -> Answer {
    Ok(Page::step("second_factor", ()))
}

/// Stub.
pub async fn enrol(_: Cx) -> Answer {
    Ok(Page::step("enrol", ()))
}

/// Stub.
pub async fn enrol_app(_: Cx) -> Answer {
    Ok(Page::step("enrol_app", ()))
}

/// Stub.
pub async fn new_password(_: Cx) -> Answer {
    Ok(Page::step("new_password", ()))
}

/// Stub.
pub async fn recovery_codes(_: Cx) -> Answer {
    Ok(Page::step("recovery_codes", ()))
}

/// Stub.
pub async fn confirm(_: Cx) -> Answer {
    Ok(Page::step("confirm", ()))
}

