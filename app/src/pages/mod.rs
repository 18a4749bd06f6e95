//! One file for each page or step: reads the domain, renders, holds no rule.

pub mod admin;
pub mod applications;
pub mod links;
pub mod me;
pub mod portal;
pub mod problem;
pub mod security;
pub mod sign_in;
