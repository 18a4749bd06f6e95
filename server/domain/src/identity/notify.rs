//! What people are told by mail: new device, factors, password, break-glass use.

use model::t;
use sea_orm::sea_query::{ExprTrait as _, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::call::Call;
use crate::core::Core;
use crate::error::Result;
use crate::identity::letters::Letter;
use crate::jobs::outbox::enqueue_mail;
use crate::store::entity::{administrator, membership, user};

/// Somebody signed in on a browser that was not known.
pub(crate) async fn new_device<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
) -> Result<()> {
    let paragraphs = [
        t!("mail.new-device.text", name = person.user_name),
        circumstances(call),
        with_link(t!("mail.if-not-you-nothing-else"), core),
    ];
    tell(txn, core, call, person, t!("mail.new-device.subject"), &paragraphs).await
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
            Self::FactorAdded(_) => t!("mail.factor-added.subject"),
            Self::FactorRemoved(_) => t!("mail.factor-removed.subject"),
            Self::RecoveryCodesMade => t!("mail.recovery-codes-made.subject"),
            Self::RecoveryCodeUsed(_) => t!("mail.recovery-code-used.subject"),
            Self::PasskeyFlagged(_) => t!("mail.passkey-flagged.subject"),
            Self::Password => t!("mail.password-changed.subject"),
        }
    }

    /// What happened to the account of this name.
    fn sentence(&self, of: &str) -> String {
        match self {
            Self::FactorAdded(factor) => t!("mail.factor-added.text", factor = factor, name = of),
            Self::FactorRemoved(factor) => t!("mail.factor-removed.text", factor = factor, name = of),
            Self::RecoveryCodesMade => t!("mail.recovery-codes-made.text", name = of),
            Self::RecoveryCodeUsed(left) => t!("mail.recovery-code-used.text", name = of, n = left),
            Self::PasskeyFlagged(factor) => t!("mail.passkey-flagged.text", factor = factor, name = of),
            Self::Password => t!("mail.password-changed.text", name = of),
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
    let paragraphs = [what.sentence(&person.user_name), circumstances(call), with_link(t!("mail.if-not-you"), core)];
    tell(txn, core, call, person, what.subject(), &paragraphs).await
}

/// A link to set a new password was asked for.
pub(crate) async fn reset_link<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
    address: &str,
) -> Result<()> {
    let paragraphs = [
        t!("mail.reset-link.text", name = person.user_name),
        address.to_owned(),
        t!("mail.reset-link.not-you").to_owned(),
    ];
    tell(txn, core, call, person, t!("mail.reset-link.subject"), &paragraphs).await
}

/// Somebody signed in with an emergency account: every owner hears of it.
pub(crate) async fn break_glass<C: ConnectionTrait>(
    txn: &C,
    core: &Core,
    call: &Call,
    person: &user::Model,
) -> Result<()> {
    let paragraphs = [
        t!("mail.break-glass.text", name = person.user_name),
        circumstances(call),
        t!("mail.break-glass.act").to_owned(),
    ];
    for owner in owners(txn).await? {
        tell(txn, core, call, &owner, t!("mail.break-glass.subject"), &paragraphs).await?;
    }
    Ok(())
}

/// Everybody who holds the owner's role now.
pub(crate) async fn owners<C: ConnectionTrait>(txn: &C) -> Result<Vec<user::Model>> {
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
    paragraphs: &[String],
) -> Result<()> {
    let organization = &core.settings().organization_name;
    let subject = t!("mail.subject", subject = subject, organization = organization);
    let letter = Letter::new(organization, &person.display_name, subject, paragraphs);
    enqueue_mail(txn, core, call.now, &person.email, &letter.subject, &letter.text).await
}

/// When, from where and with what.
fn circumstances(call: &Call) -> String {
    let when = jiff::Timestamp::from_millisecond(call.now.0)
        .map_or_else(|_| String::new(), |at| at.strftime("%-d %B %Y, %H:%M UTC").to_string());
    let mut lines = vec![t!("mail.when", when = when)];
    lines.extend(call.source.map(|source| t!("mail.from", source = source)));
    lines.extend(call.user_agent.as_ref().map(|agent| t!("mail.with", agent = agent)));
    lines.join("\n")
}

/// A sentence that sends people to the page of their password, factors and sessions.
fn with_link(sentence: &str, core: &Core) -> String {
    format!("{sentence}\n{}/me/security", core.public_url.as_str().trim_end_matches('/'))
}
