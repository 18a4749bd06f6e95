//! Many accounts at once, from a spreadsheet or from what `aws organizations list-accounts` prints: looked at first, then all
//! of them or none.
//!
//! Between the two looks the text waits in the database, for the person who brought it only. What it would change is worked
//! out anew each time, so that a preview is never older than the page it stands on.

mod read;

use std::collections::HashMap;

use model::Timestamp;
use sea_orm::{ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect as _};
use serde_json::{Map, Value, json};

use super::{Account, Accounts, change, insert};
use crate::access::stamp::{self, Touched};
use crate::audit::Event;
use crate::authz::{Action, authorize_person};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::store::entity::{access_draft, account};

pub use read::{LONGEST, LineFault, MOST_ACCOUNTS, tags_from};

/// How long a text waits to be applied.
const KEPT: i64 = Timestamp::DAY;

/// Accounts that an audit entry names.
const NAMED: usize = 100;

/// The `kind` of a waiting text.
const KIND: &str = "accounts";

/// An account that would change.
#[derive(Clone, Debug)]
pub struct ChangedAccount {
    /// As it would be.
    pub account: Account,
    /// What would be different: `{"name": {"from": …, "to": …}}`.
    pub differences: Map<String, Value>,
}

/// What an import would do.
#[derive(Clone, Debug, Default)]
pub struct ImportPlan {
    /// Accounts that are not here yet.
    pub new: Vec<Account>,
    /// Accounts that are here and would change.
    pub changed: Vec<ChangedAccount>,
    /// Accounts that stay as they are.
    pub unchanged: u64,
    /// What is wrong, in the order of lines; nothing is applied while there is any.
    pub faults: Vec<LineFault>,
}

impl ImportPlan {
    /// What tells one plan from another: an import is applied only as it was looked at.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for account in &self.new {
            text.push_str(&json!([account.id, account.fields()]).to_string());
        }
        for changed in &self.changed {
            text.push_str(&json!([changed.account.id, changed.differences]).to_string());
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        data_encoding::HEXLOWER.encode(digest.as_ref())
    }

    /// Whether there is anything to apply.
    pub fn changes_something(&self) -> bool {
        !(self.new.is_empty() && self.changed.is_empty())
    }
}

impl Accounts {
    /// Keeps a text to be looked at; says under which name. Whether it is a list is said when it is looked at.
    pub async fn propose_import(&self, call: &Call, text: &str) -> Result<String> {
        let person = authorize_person(call, Action::ManageAccounts)?;
        if text.len() > LONGEST {
            return Err(Error::invalid("text", "must have at most 4 MiB"));
        }
        if text.trim().is_empty() || text.contains('\0') {
            return Err(Error::invalid("text", "must be a list of accounts"));
        }
        let id = data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<16>()?);
        let row = access_draft::Model {
            id: id.clone(),
            user_id: person.user.to_string(),
            kind: KIND.to_owned(),
            body: text.to_owned(),
            at: call.now.0,
        };
        // No change of anything that is audited: it is what a form would carry if forms could be so long.
        access_draft::Entity::insert(access_draft::ActiveModel::from(row).reset_all())
            .exec_without_returning(self.0.store.write())
            .await?;
        Ok(id)
    }

    /// A kept text, to be put right.
    pub async fn proposed_import(&self, call: &Call, draft: &str) -> Result<String> {
        let person = authorize_person(call, Action::ManageAccounts)?;
        waiting(self.0.store.read(), draft, &person.user.to_string()).await
    }

    /// What a kept text would change now. Refused as a whole where it is no list.
    pub async fn preview_import(&self, call: &Call, draft: &str) -> Result<ImportPlan> {
        let person = authorize_person(call, Action::ManageAccounts)?;
        let read = self.0.store.read();
        let text = waiting(read, draft, &person.user.to_string()).await?;
        plan(read, &text).await
    }

    /// Applies a kept text, all of it or nothing. Refused as a conflict when it would do something else than what
    /// `fingerprint` stands for.
    pub async fn apply_import(&self, call: &Call, draft: &str, fingerprint: &str) -> Result<ImportPlan> {
        let person = authorize_person(call, Action::ManageAccounts)?;
        let mut txn = self.0.store.begin().await?;
        stamp::touch(txn.txn(), call.now, Touched::Directory).await?;
        let text = waiting(txn.txn(), draft, &person.user.to_string()).await?;
        let plan = plan(txn.txn(), &text).await?;
        if !plan.faults.is_empty() {
            return Err(Error::invalid("text", "must be put right first: nothing was imported"));
        }
        if plan.fingerprint() != fingerprint {
            return Err(Error::conflict(
                None,
                "Accounts were changed meanwhile, so this would now do something else. Look at it again.",
            ));
        }
        access_draft::Entity::delete_by_id(draft).exec(txn.txn()).await?;
        if plan.changes_something() {
            for account in &plan.new {
                insert(txn.txn(), call.now, account).await?;
            }
            for changed in &plan.changed {
                let row = super::lock(txn.txn(), changed.account.id).await?;
                change(txn.txn(), call.now, &row, &changed.account).await?;
            }
            txn.audit(call, event(&plan));
        }
        txn.commit().await?;
        Ok(plan)
    }
}

/// One entry for all of it: how many, and the first of them by number.
fn event(plan: &ImportPlan) -> Event {
    let changed: Vec<Value> = plan
        .changed
        .iter()
        .take(NAMED)
        .map(|changed| json!({"id": changed.account.id, "fields": changed.differences}))
        .collect();
    let new: Vec<Value> =
        plan.new.iter().take(NAMED).map(|account| json!({"id": account.id, "name": account.name})).collect();
    Event::done("ImportAccounts").on("accounts", "", "").with(json!({
        "created": plan.new.len(), "updated": plan.changed.len(), "unchanged": plan.unchanged,
        "new": new, "changed": changed,
        "shortened": plan.new.len() > NAMED || plan.changed.len() > NAMED,
    }))
}

/// A text that this person brought.
async fn waiting(conn: &impl ConnectionTrait, draft: &str, user: &str) -> Result<String> {
    access_draft::Entity::find_by_id(draft)
        .filter(access_draft::Column::UserId.eq(user))
        .filter(access_draft::Column::Kind.eq(KIND))
        .one(conn)
        .await?
        .map(|row| row.body)
        .ok_or_else(|| Error::not_found("import"))
}

/// Compares a text with what is here.
async fn plan(conn: &impl ConnectionTrait, text: &str) -> Result<ImportPlan> {
    let list = read::read(text)?;
    let mut here: HashMap<String, account::Model> = HashMap::new();
    let ids: Vec<&str> = list.lines.iter().map(|line| line.id.as_str()).collect();
    for ids in ids.chunks(500) {
        let rows = account::Entity::find().filter(account::Column::Id.is_in(ids.iter().copied())).limit(500);
        here.extend(rows.all(conn).await?.into_iter().map(|row| (row.id.clone(), row)));
    }
    let mut plan = ImportPlan { faults: list.faults, ..ImportPlan::default() };
    for line in list.lines {
        let before = here.get(&line.id).map(Account::of_row).transpose()?;
        match line.onto(before.as_ref()) {
            Err(faults) => plan.faults.extend(faults),
            Ok(account) => match before.map(|before| before.differences(&account)) {
                None => plan.new.push(account),
                Some(differences) if differences.is_empty() => plan.unchanged += 1,
                Some(differences) => plan.changed.push(ChangedAccount { account, differences }),
            },
        }
    }
    plan.faults.sort_by_key(|fault| fault.line);
    Ok(plan)
}

/// Forgets texts that nobody applied.
pub(crate) async fn clean_up<C: ConnectionTrait>(conn: &C, now: Timestamp) -> Result<u64> {
    let gone =
        access_draft::Entity::delete_many().filter(access_draft::Column::At.lt(now.plus(-KEPT).0)).exec(conn).await?;
    Ok(gone.rows_affected)
}

#[cfg(test)]
mod tests {
    use model::{Refusal, Role};

    use super::*;
    use crate::access::accounts::tests::{input, made};
    use crate::access::accounts::{AccountStatus, Broker};
    use crate::testing::World;

    const CSV: &str = "id,name,email,path,tags\n\
        111122223333,Production,aws+prod@example.com,/workloads/prod,env=prod;team=core\n\
        444455556666,\"Sand, \"\"box\"\" <b>\",,,\n";

    const JSON: &str = r#"{"Accounts": [
        {"Id": "111122223333", "Arn": "arn:aws:organizations::999999999999:account/o-x/111122223333",
         "Email": "aws+new@example.com", "Name": "Renamed", "Status": "SUSPENDED", "JoinedMethod": "CREATED",
         "JoinedTimestamp": "2024-01-31T12:00:00+00:00"},
        {"Id": "777788889999", "Email": "aws+x@example.com", "Name": "New", "Status": "ACTIVE"}
    ]}"#;

    async fn administrator(world: &World, name: &str) -> Call {
        let user = world.admin(name, Role::Admin).await;
        world.by(user).await
    }

    #[tokio::test]
    async fn a_list_is_looked_at_and_then_applied_with_one_entry() {
        let world = World::new().await;
        let (accounts, call) = (&world.services.accounts, administrator(&world, "admin").await);
        let draft = accounts.propose_import(&call, CSV).await.unwrap();
        let plan = accounts.preview_import(&call, &draft).await.unwrap();
        assert_eq!((plan.new.len(), plan.changed.len(), plan.faults.len()), (2, 0, 0), "{:?}", plan.faults);
        assert_eq!(plan.new[1].name.as_str(), "Sand, \"box\" <b>");
        assert_eq!(plan.new[0].tags.len(), 2);
        accounts.apply_import(&call, &draft, &plan.fingerprint()).await.unwrap();
        assert_eq!(accounts.get(&call, plan.new[0].id).await.unwrap().account, plan.new[0]);
        assert_eq!(world.audited("ImportAccounts").await.len(), 1);
        let again = accounts.apply_import(&call, &draft, &plan.fingerprint()).await.unwrap_err();
        assert_eq!(again.kind(), Refusal::NotFound, "a text is applied once");
        let draft = accounts.propose_import(&call, CSV).await.unwrap();
        let plan = accounts.preview_import(&call, &draft).await.unwrap();
        assert_eq!((plan.unchanged, plan.changes_something()), (2, false));
    }

    #[tokio::test]
    async fn what_aws_prints_leaves_path_tags_and_broker_alone() {
        let world = World::new().await;
        let (accounts, call) = (&world.services.accounts, administrator(&world, "admin").await);
        let mut before = input("111122223333", "Production", "/workloads/prod");
        before.broker = Broker::AwsRole {
            role: "arn:aws:iam::111122223333:role/{permissionSet}".to_owned(),
            external_id: None,
            region: "eu-west-1".to_owned(),
        };
        let id = accounts.create(&call, &before).await.unwrap();
        let draft = accounts.propose_import(&call, JSON).await.unwrap();
        let plan = accounts.preview_import(&call, &draft).await.unwrap();
        let fields: Vec<&String> = plan.changed[0].differences.keys().collect();
        assert_eq!(fields, ["email", "name", "status"]);
        accounts.apply_import(&call, &draft, &plan.fingerprint()).await.unwrap();
        let after = accounts.get(&call, id).await.unwrap().account;
        assert_eq!((after.path.as_str(), after.tags.len(), after.broker.kind()), ("/workloads/prod", 1, "aws-role"));
        assert_eq!((after.name.as_str(), after.status), ("Renamed", AccountStatus::Suspended));
        assert_eq!(plan.new[0].path.as_str(), "/");
    }

    #[tokio::test]
    async fn one_wrong_line_keeps_all_of_them_out() {
        let world = World::new().await;
        let (accounts, call) = (&world.services.accounts, administrator(&world, "admin").await);
        let text = "id,name,path\n111122223333,Good,/w\n12,Bad,w\n\n111122223333,Twice,\n444455556666,,/x\n";
        let draft = accounts.propose_import(&call, text).await.unwrap();
        let plan = accounts.preview_import(&call, &draft).await.unwrap();
        let faults: Vec<(u64, &str)> = plan.faults.iter().map(|fault| (fault.line, fault.field.as_str())).collect();
        assert_eq!(faults, [(3, "id"), (3, "path"), (5, "id"), (6, "name")]);
        let refused = accounts.apply_import(&call, &draft, &plan.fingerprint()).await.unwrap_err();
        assert_eq!(refused.kind(), Refusal::Invalid);
        let all = accounts.list(&call, &super::super::AccountsQuery::default()).await.unwrap();
        assert_eq!(all.total, Some(0));
    }

    #[tokio::test]
    async fn a_preview_that_is_out_of_date_is_not_applied() {
        let world = World::new().await;
        let (accounts, call) = (&world.services.accounts, administrator(&world, "admin").await);
        let draft = accounts.propose_import(&call, CSV).await.unwrap();
        let seen = accounts.preview_import(&call, &draft).await.unwrap().fingerprint();
        made(&world, "111122223333", "Somebody else's", "/").await;
        let refused = accounts.apply_import(&call, &draft, &seen).await.unwrap_err();
        assert_eq!(refused.kind(), Refusal::Conflict);
    }

    #[tokio::test]
    async fn a_text_is_for_who_brought_it_and_not_for_ever() {
        let world = World::new().await;
        let accounts = &world.services.accounts;
        let (one, two) = (administrator(&world, "one").await, administrator(&world, "two").await);
        let draft = accounts.propose_import(&one, CSV).await.unwrap();
        assert_eq!(accounts.preview_import(&two, &draft).await.unwrap_err().kind(), Refusal::NotFound);
        let later = world.clock.now().plus(KEPT + 1);
        assert_eq!(clean_up(world.services.core.store.write(), later).await.unwrap(), 1);
        assert_eq!(accounts.preview_import(&one, &draft).await.unwrap_err().kind(), Refusal::NotFound);
    }
}
