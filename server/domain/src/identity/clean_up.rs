//! What sign-in leaves behind and nobody needs any more.

use model::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::factors::ceremonies;
use super::{devices, sessions, throttle};
use crate::access::assignments;
use crate::core::Core;
use crate::error::Result;
use crate::store::entity::link;

/// How long a link that works no more is kept, to answer what became of it.
const DEAD_LINKS_KEPT: i64 = 30 * Timestamp::DAY;

/// Removes it; says how many rows. Called by a job now and then.
pub(crate) async fn run(core: &Core, now: Timestamp) -> Result<u64> {
    let store = &core.store;
    core.under_way.forget_kept();
    let links = link::Entity::delete_many()
        .filter(link::Column::ExpiresAt.lt(now.plus(-DEAD_LINKS_KEPT).0))
        .exec(store.write())
        .await?
        .rows_affected;
    Ok(links
        + sessions::clean_up(store, now).await?
        + devices::clean_up(store, now).await?
        + ceremonies::clean_up(store, now).await?
        + throttle::clean_up(store, now).await?
        + crate::access::accounts::import::clean_up(store.write(), now).await?
        + crate::access::stamp::clean_up(store.write(), now).await?
        + assignments::clean_up_changes(store.write(), now).await?)
}
