//! Who there is and who may go where, told from outside as a whole: the organisation file.

mod access_part;
mod apply;
mod export;
pub mod organisation;
mod people_part;
mod planner;
mod resources_part;
mod settings_part;
#[cfg(test)]
mod tests;
