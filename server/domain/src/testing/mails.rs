//! Mails that wait in the outbox. Nobody takes them: there is no mail server.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

use super::World;
use crate::jobs::mail::{MailSettings, MailTls};
use crate::keys::Place;
use crate::store::entity::outbox;

impl World {
    /// An empty installation that would send mail.
    pub async fn with_mail() -> Self {
        Self::with(|open| {
            open.mail = Some(MailSettings {
                host: "localhost".to_owned(),
                port: 1,
                tls: MailTls::None,
                username: None,
                password: None,
                from: "vestibule@example.com".to_owned(),
            });
        })
        .await
    }

    /// Empties the outbox.
    pub async fn forget_mails(&self) {
        outbox::Entity::delete_many().exec(self.services.core.store.write()).await.expect("forgotten");
    }

    /// Mails that wait, oldest first, as JSON.
    pub async fn mails(&self) -> Vec<String> {
        let core = &self.services.core;
        let mails = outbox::Entity::find()
            .filter(outbox::Column::Kind.eq("mail"))
            .order_by_asc(outbox::Column::CreatedAt)
            .order_by_asc(outbox::Column::Id);
        let rows = mails.all(core.store.read()).await.expect("mails");
        let open =
            |row: &outbox::Model| core.keys.open(Place("outbox", "sealed", &row.id), &row.sealed).expect("opens");
        rows.iter().map(|row| String::from_utf8(open(row).to_vec()).expect("UTF-8")).collect()
    }
}
