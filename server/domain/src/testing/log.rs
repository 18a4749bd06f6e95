//! Entries of the audit log, many at once.

use super::World;
use crate::audit::Event;

impl World {
    /// So many entries more, in one change.
    pub async fn log(&self, entries: usize) {
        let call = self.operator();
        let mut change = self.services.core.store.begin().await.expect("begun");
        for n in 0..entries {
            change.audit(&call, Event::done("CreateGroup").on("group", format!("g{n}"), format!("Group {n}")));
        }
        change.commit().await.expect("committed");
    }
}
