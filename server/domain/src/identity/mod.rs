//! People: who they are, how they prove it, and what they are signed in with.

pub mod administrators;
pub mod admission;
pub mod api_keys;
pub(crate) mod clean_up;
pub mod devices;
pub mod factors;
pub mod groups;
mod hashing_pool;
pub(crate) mod letters;
pub mod links;
pub mod me;
pub mod notify;
pub mod password_policy;
pub mod passwords;
pub mod people;
pub(crate) mod people_changes;
pub(crate) mod ranks;
pub(crate) mod roles;
pub mod sessions;
pub(crate) mod set_password;
pub mod sign_in;
pub mod throttle;
pub(crate) mod words;

#[cfg(test)]
mod many_tests;
#[cfg(test)]
mod me_tests;
#[cfg(test)]
mod owners_tests;
#[cfg(test)]
mod people_tests;
#[cfg(test)]
mod scopes_tests;
#[cfg(test)]
pub(crate) mod test_admins;
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "a person who cannot be put there ends the test")]
pub mod test_people;
#[cfg(test)]
mod throttle_tests;
