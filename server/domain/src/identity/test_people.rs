//! People for the tests of sign-in, put straight into the database, and the steps that most tests begin with.

use model::{SessionId, UserId, name_key};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use super::passwords::Password;
use super::sign_in::Progress;
use crate::call::{Actor, Call};
use crate::error::Result;
use crate::secret::Secret;
use crate::store::entity::{administrator, audit_entry, password, user};
use crate::testing::World;

/// A password that the policy accepts.
pub const PASSWORD: &str = "plum-tractor-violet-9";

impl World {
    /// An active person with [`PASSWORD`].
    pub async fn person(&self, name: &str) -> UserId {
        let core = &self.services.core;
        let id = UserId::from_random(core.entropy.bytes().unwrap());
        let now = self.clock.now().0;
        let row = user::Model {
            id: id.to_string(),
            directory: "builtin".into(),
            user_name: name.into(),
            user_name_key: name_key(name),
            display_name: name.into(),
            display_key: name_key(name),
            given_name: name.into(),
            family_name: "Test".into(),
            email: format!("{name}@example.com"),
            email_key: name_key(&format!("{name}@example.com")),
            status: "active".into(),
            attributes: serde_json::json!({}),
            preferences: serde_json::json!({}),
            enrol_by: None,
            must_change_password: false,
            last_sign_in_at: None,
            created_at: now,
            updated_at: now,
            version: 1,
        };
        user::Entity::insert(user::ActiveModel::from(row).reset_all())
            .exec_without_returning(core.store.write())
            .await
            .unwrap();
        self.give_password(id, PASSWORD).await;
        id
    }

    pub async fn give_password(&self, user: UserId, text: &str) {
        let core = &self.services.core;
        let typed = Password::parse("new", &Secret::new(text)).unwrap();
        let hash = core.hasher.hash(&core.entropy, &typed).await.unwrap();
        self.give_hash(user, &hash).await;
    }

    pub async fn give_hash(&self, user: UserId, hash: &str) {
        let core = &self.services.core;
        password::Entity::delete_by_id(user.to_string()).exec(core.store.write()).await.unwrap();
        let row = password::Model { user_id: user.to_string(), hash: hash.into(), set_at: self.clock.now().0 };
        password::Entity::insert(password::ActiveModel::from(row).reset_all())
            .exec_without_returning(core.store.write())
            .await
            .unwrap();
    }

    /// Changes one column of a person.
    pub async fn set(&self, user: UserId, column: user::Column, value: impl Into<Expr>) {
        let update =
            user::Entity::update_many().col_expr(column, value.into()).filter(user::Column::Id.eq(user.to_string()));
        update.exec(self.services.core.store.write()).await.unwrap();
    }

    pub async fn give_role(&self, user: UserId, role: model::Role, break_glass: bool) {
        let core = &self.services.core;
        let row = administrator::Model {
            id: SessionId::from_random(core.entropy.bytes().unwrap()).to_string(),
            user_id: Some(user.to_string()),
            group_id: None,
            role: role.as_str().into(),
            break_glass,
            created_at: 0,
            scope: None,
        };
        let row = administrator::ActiveModel::from(row).reset_all();
        administrator::Entity::insert(row).exec_without_returning(core.store.write()).await.unwrap();
    }

    /// The first step.
    pub async fn try_password(&self, call: &Call, name: &str, password: &str) -> Result<Progress> {
        self.services.sign_in.password(call, name, &Secret::new(password), None).await
    }

    /// A call from another address.
    pub fn from(&self, address: &str) -> Call {
        Call { source: Some(address.parse().unwrap()), ..self.anonymous() }
    }

    /// A call with the cookie of this step.
    pub async fn with_token(&self, token: &Secret) -> Call {
        let resolved =
            self.services.sessions.resolve(token, self.clock.now()).await.unwrap().expect("a session that lives");
        self.call(Actor::Person(resolved.person))
    }

    /// Whether a cookie opens anything.
    pub async fn lives(&self, token: &Secret) -> bool {
        self.services.sessions.resolve(token, self.clock.now()).await.unwrap().is_some()
    }

    /// A complete sign-in by password alone.
    pub async fn sign_in(&self, name: &str) -> Progress {
        self.try_password(&self.anonymous(), name, PASSWORD).await.expect("the password is right")
    }

    /// What the audit log says of an action, newest last: outcome and personal part.
    pub async fn audited(&self, action: &str) -> Vec<(String, String)> {
        use sea_orm::QueryOrder as _;
        audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.eq(action))
            .order_by_asc(audit_entry::Column::Seq)
            .all(self.services.core.store.read())
            .await
            .unwrap()
            .into_iter()
            .map(|row| (row.outcome, row.person.unwrap_or_default()))
            .collect()
    }
}

/// A code that is right for an offered secret at this moment.
pub fn code_at(secret: &Secret, now: model::Timestamp) -> Secret {
    let bytes = data_encoding::BASE32_NOPAD.decode(secret.expose().as_bytes()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(bytes).build().unwrap();
    let token = totp.generate(u64::try_from(now.0 / 1000).unwrap());
    Secret::new(token.to_string())
}

/// A person with an app, and the app's secret.
pub struct Enrolled {
    pub id: UserId,
    pub secret: Secret,
    pub codes: Vec<Secret>,
}

impl World {
    /// A person with an app as second factor. The clock moves on, so that the code of the enrolment is not in the way.
    pub async fn enrolled(&self, name: &str) -> Enrolled {
        let id = self.person(name).await;
        let progress = self.sign_in(name).await;
        let call = self.with_token(&progress.session.token).await;
        let offer = self.services.me.add_totp_begin(&call).await.unwrap();
        let code = code_at(&offer.secret, self.clock.now());
        let (strong, codes) =
            self.services.me.add_totp_finish(&call, &offer.ceremony, &code, "My phone").await.unwrap();
        self.services.sign_in.out(&self.with_token(&strong.token).await).await.unwrap();
        self.clock.advance(90_000);
        Enrolled { id, secret: offer.secret, codes: codes.0 }
    }

    /// The first step of somebody with a factor: the call of the half-way session.
    pub async fn half_way(&self, name: &str) -> Call {
        let progress = self.sign_in(name).await;
        assert_eq!(progress.step, super::sign_in::Step::SecondFactor);
        self.with_token(&progress.session.token).await
    }

    /// A complete sign-in with an app.
    pub async fn sign_in_strongly(&self, name: &str, secret: &Secret) -> Progress {
        let call = self.half_way(name).await;
        let code = code_at(secret, self.clock.now());
        self.services.sign_in.code(&call, &code).await.expect("the code is right")
    }
}
