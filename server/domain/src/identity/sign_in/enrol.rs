//! Setting up the first factor on the way in, and choosing a new password on the way in.

use model::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};

use super::stages::{Proven, Reached, Standing, next_stage, promote, row_of};
use super::{Progress, SignIn, finish};
use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::{Call, Stage};
use crate::error::{Error, Result};
use crate::identity::factors::kept::NewFactor;
use crate::identity::factors::{Ceremony, RecoveryCodes, TotpOffer, ceremonies, passkey, recovery, totp};
use crate::identity::notify::{self, Changed};
use crate::identity::sessions::end_where;
use crate::identity::set_password::{self, Keep};
use crate::identity::sign_in::LinkPurpose;
use crate::identity::{links, password_policy};
use crate::secret::Secret;
use crate::store::entity::{session, user};

impl SignIn {
    /// Offers a one-time-code secret during sign-in (stage `Enrol`).
    pub async fn enrol_totp_begin(&self, call: &Call) -> Result<TotpOffer> {
        let person = authorize_person(call, Action::EnrolAtSignIn)?;
        let row = row_of(self.0.store.read(), person).await?;
        let standing = Standing::of_id(self.0.store.read(), &row.user_id).await?;
        totp::offer(&self.0, call.now, &row, &standing.user).await
    }

    /// Takes the first code of the offered secret; gives recovery codes once.
    pub async fn enrol_totp_finish(
        &self,
        call: &Call,
        ceremony: &str,
        code: &Secret,
        name: &str,
    ) -> Result<(Progress, RecoveryCodes)> {
        let person = authorize_person(call, Action::EnrolAtSignIn)?;
        let row = row_of(self.0.store.read(), person).await?;
        let (secret, step) = totp::accept_offer(&self.0, call.now, &row, ceremony, code).await?;
        let factor = NewFactor::totp(&self.0, call.now, &row.user_id, name, &secret, step)?;
        self.enrolled(call, &row, ceremony, factor, "TOTP").await
    }

    /// Begins enrolment of a passkey during sign-in.
    pub async fn enrol_passkey_begin(&self, call: &Call) -> Result<Ceremony> {
        let person = authorize_person(call, Action::EnrolAtSignIn)?;
        let row = row_of(self.0.store.read(), person).await?;
        let standing = Standing::of_id(self.0.store.read(), &row.user_id).await?;
        passkey::begin_new(&self.0, call.now, &row, &standing.user).await
    }

    /// Ends it.
    pub async fn enrol_passkey_finish(
        &self,
        call: &Call,
        ceremony: &str,
        answer: &str,
        name: &str,
    ) -> Result<(Progress, RecoveryCodes)> {
        let person = authorize_person(call, Action::EnrolAtSignIn)?;
        let row = row_of(self.0.store.read(), person).await?;
        let (passkey, key) = passkey::finish_new(&self.0, call.now, &row, ceremony, answer).await?;
        let factor = NewFactor::passkey(&self.0, call.now, &row.user_id, name, &passkey, key)?;
        self.enrolled(call, &row, ceremony, factor, "WEBAUTHN").await
    }

    async fn enrolled(
        &self,
        call: &Call,
        row: &session::Model,
        ceremony: &str,
        factor: NewFactor,
        credential: &'static str,
    ) -> Result<(Progress, RecoveryCodes)> {
        let core = &*self.0;
        let standing = Standing::of_id(core.store.read(), &row.user_id).await?;
        let stage = next_stage(&standing, &core.settings(), Proven { factor: true, ..Proven::default() }, call.now)?;
        let mut change = core.store.begin().await?;
        ceremonies::use_up(change.txn(), ceremony).await?;
        let name = factor.name().to_owned();
        close_enrolment(change.txn(), call.now, row, row.enrolment_link.as_deref()).await?;
        factor.add(change.txn()).await?;
        let codes = recovery::make_if_none(change.txn(), core, call.now, &row.user_id).await?;
        change.audit(
            call,
            added(credential)
                .on("user", &standing.user.id, standing.user.user_name.clone())
                .with(serde_json::json!({"factor": name})),
        );
        notify::changed(change.txn(), core, call, &standing.user, Changed::FactorAdded(&name)).await?;
        let further = promote(change.txn(), core, call.now, row, Reached::strongly(stage, call.now)).await?;
        let progress = finish::step(core, call, &mut change, &standing, further, credential).await?;
        change.commit().await?;
        Ok((progress, codes))
    }

    /// Chooses the new password that is asked for (stage `NewPassword`).
    pub async fn new_password(&self, call: &Call, new: &Secret, again: &Secret) -> Result<Progress> {
        let person = authorize_person(call, Action::ChooseNewPassword)?;
        let core = &*self.0;
        let typed = password_policy::typed_twice(new, again)?;
        let row = row_of(core.store.read(), person).await?;
        let mut standing = Standing::of_id(core.store.read(), &row.user_id).await?;
        let prepared = set_password::prepare(core, "new", &typed, &standing).await?;
        standing.user.must_change_password = false;
        let proven = Proven { factor: row.strong, known_place: true, may_enrol: true };
        let stage = next_stage(&standing, &core.settings(), proven, call.now)?;
        let mut change = core.store.begin().await?;
        prepared.store(change.txn(), core, call, &standing.user, Keep::Session(&row.id)).await?;
        change
            .audit(call, Event::done("UpdatePassword").on("user", &standing.user.id, standing.user.user_name.clone()));
        let reached = Reached { stage, strong: row.strong, confirmed_at: model::Timestamp(row.confirmed_at) };
        let further = promote(change.txn(), core, call.now, &row, reached).await?;
        let progress = finish::step(core, call, &mut change, &standing, further, "PASSWORD").await?;
        change.commit().await?;
        Ok(progress)
    }
}

/// A factor is being set up in this session, by a link where it came by one. The link is spent with that; other links and
/// other sessions on the way to a first factor end. The person's row comes first, so that two at once take turns.
pub(crate) async fn close_enrolment<C: ConnectionTrait>(
    txn: &C,
    now: Timestamp,
    row: &session::Model,
    link: Option<&str>,
) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::EnrolBy, Expr::value(Option::<i64>::None))
        .filter(user::Column::Id.eq(&row.user_id))
        .exec(txn)
        .await?;
    if let Some(link) = link {
        links::use_up(txn, now, link).await?;
    }
    let user = row.user_id.parse().map_err(|e| Error::internal(format!("user {}: {e}", row.user_id)))?;
    links::void(txn, now, user, Some(LinkPurpose::Enrolment)).await?;
    let others = Condition::all()
        .add(session::Column::UserId.eq(&row.user_id))
        .add(session::Column::Stage.eq(Stage::Enrol.as_str()))
        .add(session::Column::Id.ne(&row.id));
    end_where(txn, now, "a second factor was set up elsewhere", others).await?;
    Ok(())
}

/// The event of a new factor.
pub(crate) fn added(credential: &str) -> Event {
    Event::done(if credential == "TOTP" {
        "CompleteVirtualMfaDeviceRegistration"
    } else {
        "CompleteWebAuthnDeviceRegistration"
    })
}
