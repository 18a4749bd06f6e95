//! Changes of people by administrators: create, change, invite, disable, enable, delete, reset.
//!
//! Each change locks the person's row, authorises with the rank the person holds in that moment, and commits together with
//! its audit entry, the end of sessions and the mail it causes.

use model::{Email, GroupId, PersonName, Role, Timestamp, UserId, UserName};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    QuerySelect as _, SqlErr,
};
use serde_json::json;

use crate::access::Principal;
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::identity::administrators::Grant;
use crate::identity::factors::kept;
use crate::identity::letters::{self, Letter};
use crate::identity::passwords::Password;
use crate::identity::people::{BUILTIN, LinkSent, People, PersonInput, Status, find_person, status_of};
use crate::identity::set_password::{self, Keep};
use crate::identity::sign_in::LinkPurpose;
use crate::identity::sign_in::stages::Standing;
use crate::identity::{devices, links, ranks, sessions, words};
use crate::jobs::outbox;
use crate::secret::Secret;
use crate::store::Change;
use crate::store::entity::{administrator, ceremony, group, membership, password, password_history, user};

/// The fields of a person, checked.
pub(crate) struct Checked {
    user_name: UserName,
    email: Email,
    given_name: PersonName,
    family_name: PersonName,
    display_name: PersonName,
}

impl Checked {
    /// Checks what was typed; the refusal names the field.
    pub(crate) fn of(input: &PersonInput) -> Result<Self> {
        let given_name =
            PersonName::parse(&input.given_name).map_err(|e| Error::invalid("given_name", e.to_string()))?;
        let family_name =
            PersonName::parse(&input.family_name).map_err(|e| Error::invalid("family_name", e.to_string()))?;
        let display = if input.display_name.is_empty() {
            format!("{given_name} {family_name}")
        } else {
            input.display_name.clone()
        };
        Ok(Self {
            user_name: UserName::parse(&input.user_name).map_err(|e| Error::invalid("user_name", e.to_string()))?,
            email: Email::parse(&input.email).map_err(|e| Error::invalid("email", e.to_string()))?,
            given_name,
            family_name,
            display_name: PersonName::parse(&display).map_err(|e| Error::invalid("display_name", e.to_string()))?,
        })
    }

    fn row(&self, id: UserId, now: Timestamp, enrol_by: Timestamp) -> user::Model {
        user::Model {
            id: id.to_string(),
            directory: BUILTIN.to_owned(),
            user_name: self.user_name.as_str().to_owned(),
            user_name_key: self.user_name.key(),
            display_name: self.display_name.as_str().to_owned(),
            display_key: self.display_name.key(),
            given_name: self.given_name.as_str().to_owned(),
            family_name: self.family_name.as_str().to_owned(),
            email: self.email.as_str().to_owned(),
            email_key: self.email.key(),
            status: Status::Invited.as_str().to_owned(),
            attributes: json!({}),
            preferences: json!({}),
            enrol_by: Some(enrol_by.0),
            must_change_password: false,
            last_sign_in_at: None,
            created_at: now.0,
            updated_at: now.0,
            version: 1,
        }
    }
}

impl People {
    /// A new person, invited, in these groups. The invitation itself is [`People::invite`].
    pub async fn create(&self, call: &Call, input: &PersonInput, groups: &[GroupId]) -> Result<UserId> {
        authorize(call, Action::CreatePeople, Resource::Organisation)?;
        let checked = Checked::of(input)?;
        let mut change = self.0.store.begin().await?;
        let row = insert(change.txn(), &self.0, call.now, &checked).await?;
        let id: UserId = super::people::parse_id(&row.id)?;
        let mut names = Vec::with_capacity(groups.len());
        for group in groups {
            let found = group::Entity::find_by_id(group.to_string()).lock_shared().one(change.txn()).await?;
            let found = found.ok_or_else(|| Error::invalid("groups", "must all exist"))?;
            authorize(call, Action::ManageGroups, ranks::group(change.txn(), *group).await?)?;
            join(change.txn(), &found.id, &row.id, call.now).await?;
            names.push(found.name);
        }
        change.audit(
            call,
            Event::done("CreateUser").on("user", id, &row.user_name).with(json!({
                "userName": row.user_name, "displayName": row.display_name, "email": row.email, "groups": names,
            })),
        );
        change.commit().await?;
        Ok(id)
    }

    /// Changes names and mail address. Refused as a conflict when somebody else changed the person since `version`.
    pub async fn update(&self, call: &Call, user: UserId, version: i64, input: &PersonInput) -> Result<()> {
        authorize(call, Action::EditPeople, Resource::Organisation)?;
        let checked = Checked::of(input)?;
        let mut change = self.0.store.begin().await?;
        let before = lock(change.txn(), user).await?;
        authorize(call, Action::EditPeople, ranks::person(change.txn(), user).await?)?;
        if before.version != version {
            return Err(changed_meanwhile());
        }
        let after = user::Model {
            user_name: checked.user_name.as_str().to_owned(),
            user_name_key: checked.user_name.key(),
            display_name: checked.display_name.as_str().to_owned(),
            display_key: checked.display_name.key(),
            given_name: checked.given_name.as_str().to_owned(),
            family_name: checked.family_name.as_str().to_owned(),
            email: checked.email.as_str().to_owned(),
            email_key: checked.email.key(),
            updated_at: call.now.0,
            version: version + 1,
            ..before.clone()
        };
        let differences = differences(&before, &after);
        if differences.is_empty() {
            return Ok(());
        }
        user::Entity::update(user::ActiveModel::from(after.clone()).reset_all())
            .exec(change.txn())
            .await
            .map_err(name_taken)?;
        words::write(change.txn(), &after).await?;
        if before.email_key != after.email_key {
            // What was sent to the old address is no proof any more.
            links::void(change.txn(), call.now, user, None).await?;
        }
        change.audit(call, Event::done("UpdateUser").on("user", user, &after.user_name).with(differences.into()));
        change.commit().await
    }

    /// A link to set the first password; earlier invitations stop working.
    pub async fn invite(&self, call: &Call, user: UserId) -> Result<LinkSent> {
        let at_large = |action| authorize(call, action, Resource::Organisation);
        at_large(Action::CreatePeople).or_else(|_| at_large(Action::ResetPassword))?;
        let mut change = self.0.store.begin().await?;
        let row = lock(change.txn(), user).await?;
        // Whoever holds the link becomes this person: it takes the same reach as changing them.
        let person = ranks::person(change.txn(), user).await?;
        authorize(call, Action::EditPeople, person).or_else(|_| authorize(call, Action::ResetPassword, person))?;
        if status_of(&row)? != Status::Invited {
            return Err(Error::conflict(None, "This person is not waiting for an invitation."));
        }
        open_enrolment(change.txn(), &self.0, call.now, &row).await?;
        let sent = self.send_link(&mut change, call, user, &row, LinkPurpose::Invitation).await?;
        change.audit(call, Event::done("InviteUser").on("user", user, &row.user_name));
        change.commit().await?;
        Ok(sent)
    }

    /// Ends all sessions and links; the person cannot sign in until enabled again.
    pub async fn disable(&self, call: &Call, user: UserId) -> Result<()> {
        authorize(call, Action::DisablePeople, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        let owners = ranks::active_owners(change.txn()).await?;
        stamp::touch(change.txn(), call.now, Touched::Only(vec![Principal::User(user)])).await?;
        let row = lock(change.txn(), user).await?;
        ranks::authorize_again(change.txn(), call, Action::DisablePeople, ranks::person(change.txn(), user).await?)
            .await?;
        if status_of(&row)? == Status::Disabled {
            return Ok(());
        }
        set_status(change.txn(), call.now, &row, Status::Disabled).await?;
        ranks::owner_remains(change.txn(), owners).await?;
        let ended = sessions::end_all(change.txn(), call.now, &row.id, "disabled").await?;
        links::void(change.txn(), call.now, user, None).await?;
        change.audit(
            call,
            Event::done("DisableUser").on("user", user, &row.user_name).with(json!({
                "status": {"from": row.status, "to": Status::Disabled.as_str()}, "sessionsEnded": ended,
            })),
        );
        change.commit().await
    }

    /// Lets a disabled person sign in again: active with a password, else invited.
    pub async fn enable(&self, call: &Call, user: UserId) -> Result<()> {
        authorize(call, Action::DisablePeople, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Only(vec![Principal::User(user)])).await?;
        let row = lock(change.txn(), user).await?;
        authorize(call, Action::DisablePeople, ranks::person(change.txn(), user).await?)?;
        if status_of(&row)? != Status::Disabled {
            return Ok(());
        }
        let has_password = password::Entity::find_by_id(&row.id).one(change.txn()).await?.is_some();
        let status = if has_password { Status::Active } else { Status::Invited };
        set_status(change.txn(), call.now, &row, status).await?;
        change.audit(
            call,
            Event::done("EnableUser").on("user", user, &row.user_name).with(json!({
                "status": {"from": row.status, "to": status.as_str()},
            })),
        );
        change.commit().await
    }

    /// Removes a person with everything that hangs on them; the audit stays.
    pub async fn delete(&self, call: &Call, user: UserId) -> Result<()> {
        authorize(call, Action::DeletePeople, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        let owners = ranks::active_owners(change.txn()).await?;
        let row = lock(change.txn(), user).await?;
        ranks::authorize_again(change.txn(), call, Action::DeletePeople, ranks::person(change.txn(), user).await?)
            .await?;
        // Everything else that names the person goes by its foreign key.
        ceremony::Entity::delete_many().filter(ceremony::Column::UserId.eq(&row.id)).exec(change.txn()).await?;
        let grants = stamp::forget(change.txn(), call.now, Principal::User(user)).await?;
        user::Entity::delete_by_id(&row.id).exec(change.txn()).await?;
        ranks::owner_remains(change.txn(), owners).await?;
        change.audit(
            call,
            Event::done("DeleteUser").on("user", user, &row.user_name).with(json!({
                "userName": row.user_name, "displayName": row.display_name, "email": row.email, "status": row.status,
                "assignments": grants,
            })),
        );
        change.commit().await
    }

    /// Ends sessions, voids the password, sends a link.
    pub async fn reset_password(&self, call: &Call, user: UserId) -> Result<LinkSent> {
        authorize(call, Action::ResetPassword, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let row = lock(change.txn(), user).await?;
        authorize(call, Action::ResetPassword, ranks::person(change.txn(), user).await?)?;
        refuse_unless_active(&row)?;
        retire_password(change.txn(), &self.0, &row.id).await?;
        devices::forget(change.txn(), &row.id, None).await?;
        let ended = sessions::end_all(change.txn(), call.now, &row.id, "password reset").await?;
        let sent = self.send_link(&mut change, call, user, &row, LinkPurpose::PasswordReset).await?;
        change.audit(
            call,
            Event::done("ResetPassword").on("user", user, &row.user_name).with(json!({"sessionsEnded": ended})),
        );
        change.commit().await?;
        Ok(sent)
    }

    /// Removes all factors and recovery codes, ends sessions, opens a new time for enrolment and sends a link for it.
    pub async fn reset_factors(&self, call: &Call, user: UserId) -> Result<LinkSent> {
        authorize(call, Action::ResetFactors, Resource::Organisation)?;
        let mut change = self.0.store.begin().await?;
        let row = lock(change.txn(), user).await?;
        authorize(call, Action::ResetFactors, ranks::person(change.txn(), user).await?)?;
        refuse_unless_active(&row)?;
        let factors = kept::of(change.txn(), &row.id).await?;
        let names: Vec<String> = factors.into_iter().map(|factor| factor.name).collect();
        kept::remove_all(change.txn(), &row.id).await?;
        devices::forget(change.txn(), &row.id, None).await?;
        ceremony::Entity::delete_many().filter(ceremony::Column::UserId.eq(&row.id)).exec(change.txn()).await?;
        let ended = sessions::end_all(change.txn(), call.now, &row.id, "factors reset").await?;
        open_enrolment(change.txn(), &self.0, call.now, &row).await?;
        let sent = self.send_link(&mut change, call, user, &row, LinkPurpose::Enrolment).await?;
        change.audit(
            call,
            Event::done("DeleteMfaDeviceForUser").on("user", user, &row.user_name).with(json!({
                "factors": names, "sessionsEnded": ended,
            })),
        );
        change.commit().await?;
        Ok(sent)
    }

    /// Operator only: sets a password (judged by the policy) without a link; ends all sessions. Makes an invited person active.
    pub async fn set_password(&self, call: &Call, user: UserId, password: &Secret) -> Result<()> {
        authorize(call, Action::OperateServer, Resource::Organisation)?;
        let typed = Password::parse("password", password)?;
        let standing = Standing::of(self.0.store.read(), find_person(self.0.store.read(), user).await?).await?;
        let prepared = set_password::prepare(&self.0, "password", &typed, &standing).await?;
        let mut change = self.0.store.begin().await?;
        stamp::touch(change.txn(), call.now, Touched::Only(vec![Principal::User(user)])).await?;
        let row = lock(change.txn(), user).await?;
        prepared.store(change.txn(), &self.0, call, &row, Keep::Nothing).await?;
        if status_of(&row)? == Status::Invited {
            set_status(change.txn(), call.now, &row, Status::Active).await?;
            open_enrolment(change.txn(), &self.0, call.now, &row).await?;
        }
        change.audit(call, Event::done("UpdatePassword").on("user", user, &row.user_name));
        change.commit().await
    }

    /// Operator only, on an instance without an owner who can sign in: the first owner and the link to set password and factor
    /// (30 minutes). Run again under the same name before the link was used, it gives a new link.
    pub async fn init_owner(&self, call: &Call, input: &PersonInput) -> Result<Secret> {
        authorize(call, Action::OperateServer, Resource::Organisation)?;
        let checked = Checked::of(input)?;
        let mut change = self.0.store.begin().await?;
        ranks::guard_owners(change.txn()).await?;
        if ranks::active_owners(change.txn()).await? > 0 {
            return Err(Error::conflict(
                None,
                "There is an owner already. Owners make further owners; `vestibule user` helps one who is locked out.",
            ));
        }
        let existing = user::Entity::find()
            .filter(user::Column::UserNameKey.eq(checked.user_name.key()))
            .filter(user::Column::Directory.eq(BUILTIN))
            .one(change.txn())
            .await?;
        let row = match existing {
            Some(row) if status_of(&row)? == Status::Invited => row,
            Some(_) => return Err(Error::conflict(Some("user_name"), "is taken by somebody else")),
            None => insert(change.txn(), &self.0, call.now, &checked).await?,
        };
        let user: UserId = super::people::parse_id(&row.id)?;
        let grant = administrator::Entity::find()
            .filter(administrator::Column::UserId.eq(&row.id))
            .filter(administrator::Column::Role.eq(Role::Owner.as_str()))
            .one(change.txn())
            .await?;
        if grant.is_none() {
            super::administrators::insert(change.txn(), &self.0, call.now, Some(user), None, &Grant::of(Role::Owner))
                .await?;
        }
        open_enrolment(change.txn(), &self.0, call.now, &row).await?;
        let token =
            links::issue(change.txn(), &self.0, call.now, user, LinkPurpose::FirstOwner, links::FIRST_OWNER_LIVES)
                .await?;
        change.audit(
            call,
            Event::done("CreateUser").on("user", user, &row.user_name).with(json!({
                "userName": row.user_name, "email": row.email, "role": Role::Owner.as_str(),
            })),
        );
        change.commit().await?;
        Ok(links::address(&self.0, &token))
    }

    /// Makes a link and, where mail is configured, the mail that carries it.
    async fn send_link(
        &self,
        change: &mut Change,
        call: &Call,
        user: UserId,
        row: &user::Model,
        purpose: LinkPurpose,
    ) -> Result<LinkSent> {
        let lives = match purpose {
            LinkPurpose::FirstOwner => links::FIRST_OWNER_LIVES,
            LinkPurpose::Invitation => links::INVITATION_LIVES,
            LinkPurpose::PasswordReset => links::RESET_LIVES,
            LinkPurpose::Enrolment => links::ENROLMENT_LIVES,
        };
        let token = links::issue(change.txn(), &self.0, call.now, user, purpose, lives).await?;
        let address = links::address(&self.0, &token);
        if self.0.mail.is_none() {
            return Ok(LinkSent::ShowOnce(address));
        }
        let organization = self.0.settings().organization_name.clone();
        let write: fn(&str, &str, &str, &str) -> Letter = match purpose {
            LinkPurpose::FirstOwner | LinkPurpose::Invitation => letters::invitation,
            LinkPurpose::PasswordReset => letters::password_reset,
            LinkPurpose::Enrolment => letters::factors_reset,
        };
        let letter = write(&organization, &row.display_name, &row.user_name, address.expose());
        outbox::enqueue_mail(change.txn(), &self.0, call.now, &row.email, &letter.subject, &letter.text).await?;
        Ok(LinkSent::ByMail)
    }
}

/// Writes a new, invited person with their words.
async fn insert(txn: &impl ConnectionTrait, core: &Core, now: Timestamp, checked: &Checked) -> Result<user::Model> {
    let id = UserId::from_random(core.entropy.bytes()?);
    insert_as(txn, core, now, checked, id, Status::Invited).await
}

/// [`insert`] under a given id and in a given state.
pub(crate) async fn insert_as(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    checked: &Checked,
    id: UserId,
    status: Status,
) -> Result<user::Model> {
    let row = user::Model { status: status.as_str().to_owned(), ..checked.row(id, now, enrol_by(core, now)) };
    user::Entity::insert(user::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(txn)
        .await
        .map_err(name_taken)?;
    words::add(txn, &row).await?;
    Ok(row)
}

/// Puts a person into a group; being there already is fine.
pub(crate) async fn join(txn: &impl ConnectionTrait, group: &str, user: &str, now: Timestamp) -> Result<bool> {
    let row =
        membership::ActiveModel { group_id: Set(group.to_owned()), user_id: Set(user.to_owned()), since: Set(now.0) };
    let inserted = membership::Entity::insert(row).on_conflict_do_nothing().exec_without_returning(txn).await?;
    Ok(matches!(inserted, sea_orm::TryInsertResult::Inserted(1..)))
}

/// The person, locked until the change ends.
pub(crate) async fn lock(txn: &impl ConnectionTrait, user: UserId) -> Result<user::Model> {
    user::Entity::find_by_id(user.to_string())
        .lock_exclusive()
        .one(txn)
        .await?
        .ok_or_else(|| Error::not_found("person"))
}

fn enrol_by(core: &Core, now: Timestamp) -> Timestamp {
    now.plus(i64::from(core.settings().mfa.enrol_within_days) * Timestamp::DAY)
}

/// Opens the time for enrolment anew.
pub(crate) async fn open_enrolment(
    txn: &impl ConnectionTrait,
    core: &Core,
    now: Timestamp,
    row: &user::Model,
) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::EnrolBy, Expr::val(enrol_by(core, now).0))
        .filter(user::Column::Id.eq(&row.id))
        .exec(txn)
        .await?;
    Ok(())
}

async fn set_status(txn: &impl ConnectionTrait, now: Timestamp, row: &user::Model, status: Status) -> Result<()> {
    user::Entity::update_many()
        .col_expr(user::Column::Status, Expr::val(status.as_str()))
        .col_expr(user::Column::UpdatedAt, Expr::val(now.0))
        .col_expr(user::Column::Version, Expr::val(row.version + 1))
        .filter(user::Column::Id.eq(&row.id))
        .exec(txn)
        .await?;
    Ok(())
}

/// Moves the present password into the history, so that a reset does not bring it back.
async fn retire_password(txn: &impl ConnectionTrait, core: &Core, user: &str) -> Result<()> {
    let Some(present) = password::Entity::find_by_id(user).one(txn).await? else {
        return Ok(());
    };
    let earlier = password_history::ActiveModel {
        id: Set(data_encoding::HEXLOWER.encode(&core.entropy.bytes::<16>()?)),
        user_id: Set(present.user_id),
        hash: Set(present.hash),
        set_at: Set(present.set_at),
    };
    password_history::Entity::insert(earlier).exec_without_returning(txn).await?;
    password::Entity::delete_by_id(user).exec(txn).await?;
    Ok(())
}

fn refuse_unless_active(row: &user::Model) -> Result<()> {
    match status_of(row)? {
        Status::Active => Ok(()),
        Status::Invited => {
            Err(Error::conflict(None, "This person has not used the invitation yet. Send a new one instead."))
        }
        Status::Disabled => Err(Error::conflict(None, "This person is disabled. Enable them first.")),
    }
}

fn changed_meanwhile() -> Error {
    Error::conflict(None, "Somebody else changed this meanwhile. Look at it again, then repeat your change.")
}

/// Turns the refusal of the unique index into the refusal of the field.
fn name_taken(error: DbErr) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::conflict(Some("user_name"), "is taken by somebody else").because(error)
        }
        _ => error.into(),
    }
}

/// What differs, as the audit shows it.
fn differences(before: &user::Model, after: &user::Model) -> serde_json::Map<String, serde_json::Value> {
    let fields = [
        ("userName", &before.user_name, &after.user_name),
        ("email", &before.email, &after.email),
        ("givenName", &before.given_name, &after.given_name),
        ("familyName", &before.family_name, &after.family_name),
        ("displayName", &before.display_name, &after.display_name),
    ];
    fields
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(name, from, to)| (name.to_owned(), json!({"from": from, "to": to})))
        .collect()
}
