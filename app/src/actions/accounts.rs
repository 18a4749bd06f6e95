//! What administrators do with the registry of accounts.

use std::collections::BTreeMap;

use domain::Error;
use domain::access::accounts::import::tags_from;
use domain::access::accounts::{AccountInput, Broker};
use leptos::prelude::*;
use model::{AccountId, t};
use serde::{Deserialize, Serialize};

use super::Act;
use crate::address::encode;
use crate::parts::notice::Flash;

fn place(id: &str) -> String {
    format!("/admin/accounts/{}", encode(id))
}

/// The fields of an account as its form sends them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountForm {
    name: String,
    email: String,
    path: String,
    status: String,
    tags: String,
    broker: String,
    saml_provider: String,
    role_arn: String,
    region: String,
    sts_endpoint: String,
    external_id: String,
}

impl AccountForm {
    fn input(&self, id: &str) -> Result<AccountInput, Error> {
        let text = |text: &str| text.trim().to_owned();
        let maybe = |field: &str| Some(text(field)).filter(|text| !text.is_empty());
        let broker = match self.broker.as_str() {
            "" | "local" => Broker::Local {},
            "aws-saml" => Broker::AwsSaml {
                saml_provider: text(&self.saml_provider),
                role: text(&self.role_arn),
                region: text(&self.region),
                sts_endpoint: maybe(&self.sts_endpoint),
            },
            "aws-role" => Broker::AwsRole {
                role: text(&self.role_arn),
                external_id: maybe(&self.external_id),
                region: text(&self.region),
            },
            _ => return Err(Error::invalid("broker", t!("refused.choice"))),
        };
        Ok(AccountInput {
            id: text(id),
            name: text(&self.name),
            email: text(&self.email),
            path: text(&self.path),
            status: text(&self.status),
            tags: tags_of(&self.tags)?,
            broker,
        })
    }

    /// What goes back into the form when it is refused.
    fn typed(&self) -> [(&'static str, &str); 11] {
        [
            ("name", &self.name),
            ("path", &self.path),
            ("status", &self.status),
            ("email", &self.email),
            ("broker", &self.broker),
            ("region", &self.region),
            ("saml_provider", &self.saml_provider),
            ("role_arn", &self.role_arn),
            ("sts_endpoint", &self.sts_endpoint),
            ("external_id", &self.external_id),
            ("tags", &self.tags),
        ]
    }
}

fn tags_of(text: &str) -> Result<BTreeMap<String, String>, Error> {
    tags_from(text).map_err(|reason| Error::invalid("tags", reason))
}

/// Writes an account down.
#[server(prefix = "/actions", endpoint = "accounts/create")]
pub async fn account_create(id: String, #[server(flatten)] form: AccountForm) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match form.input(&id) {
        Ok(input) => act.services().accounts.create(act.call(), &input).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(id) => act.go_saying(&place(id.as_str()), &Flash::new("account-created").about(form.name.trim())),
        Err(error) => {
            let typed: Vec<(&str, &str)> = std::iter::once(("id", id.as_str())).chain(form.typed()).collect();
            act.refuse(error, "/admin/accounts/new", &typed);
        }
    }
    Ok(())
}

/// Changes an account.
#[server(prefix = "/actions", endpoint = "accounts/update")]
pub async fn account_update(
    id: String,
    version: i64,
    #[server(flatten)] form: AccountForm,
) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match form.input(&id) {
        Ok(input) => act.services().accounts.update(act.call(), version, &input).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => act.go_saying(&place(&id), &Flash::new("account-saved").about(form.name.trim())),
        Err(error) => act.refuse(error, &format!("{}/edit", place(&id)), &form.typed()),
    }
    Ok(())
}

/// Deletes an account.
#[server(prefix = "/actions", endpoint = "accounts/delete")]
pub async fn account_delete(id: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    let outcome = match super::id::<AccountId>(&id, t!("noun.account")) {
        Ok(account) => act.services().accounts.delete(act.call(), account).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => act.go_saying("/admin/accounts", &Flash::new("account-deleted").about(id)),
        Err(error) => act.refuse(error, &format!("{}/delete", place(&id)), &[]),
    }
    Ok(())
}

fn import_place(draft: &str) -> String {
    format!("/admin/accounts/import?draft={}", encode(draft))
}

/// Brings a list of accounts, to be looked at before anything changes.
#[server(prefix = "/actions", endpoint = "accounts/import")]
pub async fn accounts_import(text: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().accounts.propose_import(act.call(), &text).await {
        Ok(draft) => act.go(&import_place(&draft)),
        Err(error) => act.refuse(error, "/admin/accounts/import", &[]),
    }
    Ok(())
}

/// Applies a list that has been looked at.
#[server(prefix = "/actions", endpoint = "accounts/import-apply")]
pub async fn accounts_import_apply(draft: String, fingerprint: String) -> Result<(), ServerFnError> {
    let act = Act::begin()?;
    match act.services().accounts.apply_import(act.call(), &draft, &fingerprint).await {
        Ok(plan) => {
            let done = t!("import.done", new = plan.new.len(), changed = plan.changed.len());
            act.go_saying("/admin/accounts", &Flash::new("accounts-imported").about(done));
        }
        Err(error) => act.refuse(error, &import_place(&draft), &[]),
    }
    Ok(())
}
