//! What people do in their portal.

use leptos::prelude::*;
use model::t;

use super::{Act, local};
use crate::parts::notice::Flash;

/// Marks an account as a favourite, or not any more.
#[server(prefix = "/actions", endpoint = "portal/favourite")]
pub async fn portal_favourite(
    account: String,
    favourite: String,
    #[server(default)] next: String,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let next = local(&next);
    let place = next.as_ref().map_or("/start", model::LocalPath::as_str);
    let outcome = match (super::id(&account, t!("noun.account")), favourite.as_str()) {
        (Ok(account), "yes" | "no") => {
            act.services().portal.set_favourite(act.call(), account, favourite == "yes").await
        }
        (Ok(_), _) => Err(domain::Error::invalid("favourite", "must be yes or no")),
        (Err(error), _) => Err(error),
    };
    match outcome {
        Ok(name) => {
            let (said, back) = if favourite == "yes" { ("starred", "no") } else { ("unstarred", "yes") };
            let flash = Flash::new(said).about(name).undo_with("account", account).undo_with("favourite", back);
            act.go_saying(place, &flash);
        }
        Err(error) => act.refuse(error, place, &[]),
    }
    Ok(())
}
