//! Who there is and who may go where, told from outside as a whole: the organisation file.

mod administrators_part;
mod apply;
mod assignments_part;
mod directory_secrets;
mod export;
pub mod organisation;
mod people_part;
mod planner;
mod promotions;
mod resources_part;
mod settings_part;
#[cfg(test)]
mod tests;
