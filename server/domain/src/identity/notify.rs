//! What people are told by mail: new device, factors, password, break-glass use. Every text stands here.

use sea_orm::sea_query::{ExprTrait as _, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::jobs::outbox::enqueue_mail;
use crate::store::entity::{administrator, membership, user};

/// Somebody signed in on a browser that was not known.
pub(crate) async fn new_device<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
) -> Result<()> {
    let text = format!(
        "Somebody signed in as {} on a browser that was not used before.\n\n{}\n\nIf it was you, there is nothing to do. If not, \
         set a new password and tell your administrators:\n{}",
        person.user_name,
        circumstances(call),
        place(core, "me/security"),
    );
    tell(txn, core, call, person, "New sign-in", &text).await
}

/// A change of their account that people are told of.
pub(crate) enum Changed<'a> {
    /// A factor of this name was added.
    FactorAdded(&'a str),
    /// A factor of this name was removed.
    FactorRemoved(&'a str),
    /// There are new recovery codes; the old ones are void.
    RecoveryCodesMade,
    /// A recovery code was used, and so many are left.
    RecoveryCodeUsed(u64),
    /// A passkey of this name looked as if it had been copied.
    PasskeyFlagged(&'a str),
    /// The password was changed.
    Password,
}

impl Changed<'_> {
    fn subject(&self) -> &'static str {
        match self {
            Self::FactorAdded(_) => "New second factor",
            Self::FactorRemoved(_) => "Second factor removed",
            Self::RecoveryCodesMade => "New recovery codes",
            Self::RecoveryCodeUsed(_) => "Recovery code used",
            Self::PasskeyFlagged(_) => "Passkey refused",
            Self::Password => "Password changed",
        }
    }

    /// The beginning of a sentence that goes on with "for" and the person's name.
    fn sentence(&self) -> String {
        match self {
            Self::FactorAdded(name) => format!("The second factor \u{201c}{name}\u{201d} was added"),
            Self::FactorRemoved(name) => format!("The second factor \u{201c}{name}\u{201d} was removed"),
            Self::RecoveryCodesMade => "New recovery codes were made".to_owned(),
            Self::RecoveryCodeUsed(left) => format!("A recovery code was used, {left} are left,"),
            Self::PasskeyFlagged(name) => {
                format!("The passkey \u{201c}{name}\u{201d} may have been copied and is refused from now on")
            }
            Self::Password => "The password was changed".to_owned(),
        }
    }
}

/// Something about the account changed.
pub(crate) async fn changed<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
    what: Changed<'_>,
) -> Result<()> {
    let text = format!(
        "{} for {}.\n\n{}\n\nIf it was not you, set a new password and tell your administrators:\n{}",
        what.sentence(),
        person.user_name,
        circumstances(call),
        place(core, "me/security"),
    );
    tell(txn, core, call, person, what.subject(), &text).await
}

/// A link to set a new password was asked for.
pub(crate) async fn reset_link<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
    address: &str,
) -> Result<()> {
    let text = format!(
        "A new password was asked for, for {}. This link works once, within 30 minutes:\n\n{address}\n\nIf it was not you, there is \
         nothing to do: the password stays as it is.",
        person.user_name,
    );
    tell(txn, core, call, person, "Set a new password", &text).await
}

/// Somebody signed in with an emergency account: every owner hears of it.
pub(crate) async fn break_glass<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
) -> Result<()> {
    let text = format!(
        "The emergency account {} has signed in.\n\n{}\n\nIf nobody told you why, act now.",
        person.user_name,
        circumstances(call)
    );
    for owner in owners(txn).await? {
        tell(txn, core, call, &owner, "Emergency account used", &text).await?;
    }
    Ok(())
}

/// Everybody who holds the owner's role now.
async fn owners<C: ConnectionTrait>(txn: &C) -> Result<Vec<user::Model>> {
    let grants = |column| {
        Query::select()
            .column(column)
            .from(administrator::Entity)
            .and_where(administrator::Column::Role.eq(model::Role::Owner.as_str()))
            .and_where(ColumnTrait::is_not_null(&column))
            .to_owned()
    };
    let members = Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .and_where(membership::Column::GroupId.in_subquery(grants(administrator::Column::GroupId)))
        .to_owned();
    Ok(user::Entity::find()
        .filter(user::Column::Status.ne("disabled"))
        .filter(
            user::Column::Id
                .in_subquery(grants(administrator::Column::UserId))
                .or(user::Column::Id.in_subquery(members)),
        )
        .all(txn)
        .await?)
}

async fn tell<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
    subject: &str,
    text: &str,
) -> Result<()> {
    let subject = format!("{subject} \u{2013} {}", core.settings().organization_name);
    let greeting = format!("Hello {},\n\n{text}\n", person.display_name);
    enqueue_mail(txn, core, call.now, &person.email, &subject, &greeting).await
}

/// When, from where and with what.
fn circumstances(call: &Call) -> String {
    let when = jiff::Timestamp::from_millisecond(call.now.0)
        .map_or_else(|_| String::new(), |at| at.strftime("%-d %B %Y, %H:%M UTC").to_string());
    let mut lines = vec![format!("When: {when}")];
    if let Some(source) = call.source {
        lines.push(format!("From: {source}"));
    }
    if let Some(agent) = &call.user_agent {
        lines.push(format!("With: {agent}"));
    }
    lines.join("\n")
}

fn place(core: &Core, path: &str) -> String {
    format!("{}/{path}", core.public_url.as_str().trim_end_matches('/'))
}
