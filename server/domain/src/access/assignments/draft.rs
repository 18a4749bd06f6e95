//! A proposal on its way through the steps of the wizard, kept for the person who makes it: a form could not carry thousands of
//! accounts from page to page.

use model::{AccountId, AccountPath, AccountTarget, PermissionSetId, Timestamp};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};

use super::proposal::{MOST_GRANTS, Proposal, Purpose, check_reason};
use super::{Assignments, names, rows};
use crate::access::Principal;
use crate::authz::{Action, Decision, Resource, authorize, authorize_person, decide};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::store::entity::{access_draft, account, permission_set};

/// Tells these drafts from others in the same table.
const KIND: &str = "assignments";

/// A proposal that is being put together.
#[derive(Clone, Debug)]
pub struct Draft {
    pub id: String,
    pub proposal: Proposal,
}

/// What is chosen, or chosen no more.
#[derive(Clone, Debug)]
pub enum Add {
    Target(AccountTarget),
    /// Every account that a search finds now, each by itself.
    Accounts(Vec<AccountId>),
    Principal(Principal),
    Set(PermissionSetId),
}

/// As it is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    purpose: Purpose,
    targets: Vec<String>,
    principals: Vec<(String, String)>,
    sets: Vec<PermissionSetId>,
    expires: Option<i64>,
    reason: String,
}

impl Assignments {
    /// Begins a proposal; says under which name it is kept.
    pub async fn begin_draft(&self, call: &Call, proposal: &Proposal) -> Result<String> {
        let person = authorize_person(call, Action::Assign)?;
        let id = data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<16>()?);
        let row = access_draft::Model {
            id: id.clone(),
            user_id: person.user.to_string(),
            kind: KIND.to_owned(),
            body: written(proposal)?,
            at: call.now.0,
        };
        // No change of anything that is audited: it is what a form would carry if forms could be so long.
        access_draft::Entity::insert(access_draft::ActiveModel::from(row).reset_all())
            .exec_without_returning(self.0.store.write())
            .await?;
        Ok(id)
    }

    /// A proposal about one grant that is there: to take it away, or to let it end at another time.
    pub async fn begin_change(&self, call: &Call, id: model::AssignmentId, purpose: Purpose) -> Result<String> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let row = rows::one(self.0.store.read(), id).await?;
        let rows::GrantKey { principal, target, set } = rows::GrantKey::of(&row)?;
        let proposal = Proposal {
            purpose,
            targets: [target].into(),
            principals: [principal].into(),
            sets: [set].into(),
            expires: row.expires_at.map(Timestamp),
            reason: String::new(),
        };
        self.begin_draft(call, &proposal).await
    }

    /// The caller's own draft.
    pub async fn draft(&self, call: &Call, id: &str) -> Result<Draft> {
        let person = authorize_person(call, Action::Assign)?;
        let row = access_draft::Entity::find_by_id(id)
            .filter(access_draft::Column::UserId.eq(person.user.to_string()))
            .filter(access_draft::Column::Kind.eq(KIND))
            .one(self.0.store.read())
            .await?
            .ok_or_else(|| Error::not_found("draft"))?;
        Ok(Draft { id: row.id, proposal: read(&row.body)? })
    }

    /// Chooses something more.
    pub async fn choose(&self, call: &Call, id: &str, add: Add) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        self.edit(call, id, |proposal| {
            match add {
                Add::Target(target) => drop(proposal.targets.insert(target)),
                Add::Accounts(ids) => proposal.targets.extend(ids.into_iter().map(AccountTarget::Account)),
                Add::Principal(principal) => drop(proposal.principals.insert(principal)),
                Add::Set(set) => drop(proposal.sets.insert(set)),
            }
            if proposal.size() > MOST_GRANTS {
                return Err(Error::invalid(
                    "accounts",
                    format!("must come to at most {MOST_GRANTS} assignments at once"),
                ));
            }
            Ok(())
        })
        .await
    }

    /// Chooses something no more.
    pub async fn drop_choice(&self, call: &Call, id: &str, gone: &Add) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        self.edit(call, id, |proposal| {
            match gone {
                Add::Target(target) => drop(proposal.targets.remove(target)),
                Add::Accounts(_) => proposal.targets.clear(),
                Add::Principal(principal) => drop(proposal.principals.remove(principal)),
                Add::Set(set) => drop(proposal.sets.remove(set)),
            }
            Ok(())
        })
        .await
    }

    /// What is to be done, until when and why.
    pub async fn set_terms(
        &self,
        call: &Call,
        id: &str,
        purpose: Purpose,
        expires: Option<Timestamp>,
        reason: &str,
    ) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        check_reason(reason)?;
        self.edit(call, id, |proposal| {
            (proposal.purpose, proposal.expires) = (purpose, expires);
            reason.clone_into(&mut proposal.reason);
            Ok(())
        })
        .await
    }

    /// A draft that is done with.
    pub async fn end_draft(&self, call: &Call, id: &str) -> Result<()> {
        let person = authorize_person(call, Action::Assign)?;
        access_draft::Entity::delete_many()
            .filter(access_draft::Column::Id.eq(id))
            .filter(access_draft::Column::UserId.eq(person.user.to_string()))
            .exec(self.0.store.write())
            .await?;
        Ok(())
    }

    async fn edit(&self, call: &Call, id: &str, edit: impl FnOnce(&mut Proposal) -> Result<()>) -> Result<()> {
        let mut draft = self.draft(call, id).await?;
        edit(&mut draft.proposal)?;
        access_draft::Entity::update_many()
            .col_expr(access_draft::Column::Body, Expr::value(written(&draft.proposal)?))
            .col_expr(access_draft::Column::At, Expr::value(call.now.0))
            .filter(access_draft::Column::Id.eq(&draft.id))
            .exec(self.0.store.write())
            .await?;
        Ok(())
    }

    /// The first names of what a draft has chosen, for the steps to show; and how many accounts each rule matches now.
    pub async fn chosen(&self, call: &Call, proposal: &Proposal) -> Result<Chosen> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let read = self.0.store.read();
        let principals: Vec<Principal> = proposal.principals.iter().copied().take(SHOWN).collect();
        let sets: Vec<PermissionSetId> = proposal.sets.iter().copied().take(SHOWN).collect();
        let accounts: Vec<AccountId> = proposal
            .targets
            .iter()
            .take(SHOWN)
            .filter_map(|target| if let AccountTarget::Account(id) = target { Some(*id) } else { None })
            .collect();
        let named = names::of_principals(read, &principals).await?;
        let set_names = names::of_sets(read, &sets).await?;
        let account_names = names::of_accounts(read, &accounts).await?;
        let label = |target: &AccountTarget| match target {
            AccountTarget::Account(id) => account_names.get(id).map(|(name, _)| name.clone()).unwrap_or_default(),
            AccountTarget::Rule(_) => String::new(),
        };
        Ok(Chosen {
            targets: proposal.targets.iter().take(SHOWN).map(|target| (target.clone(), label(target))).collect(),
            principals: principals
                .iter()
                .map(|one| (*one, named.get(one).map_or_else(|| one.id(), |named| named.name.clone())))
                .collect(),
            sets: sets
                .iter()
                .map(|one| (*one, set_names.get(one).cloned().unwrap_or_else(|| one.to_string())))
                .collect(),
        })
    }

    /// Permission sets whose name has this in it, by name.
    pub async fn sets_found(&self, call: &Call, search: &str) -> Result<Vec<FoundSet>> {
        authorize(call, Action::SeePermissionSets, Resource::Organisation)?;
        let rows: Vec<(String, String, String)> = permission_set::Entity::find()
            .select_only()
            .columns([permission_set::Column::Id, permission_set::Column::Name, permission_set::Column::Description])
            .order_by_asc(permission_set::Column::NameKey)
            .into_tuple()
            .all(self.0.store.read())
            .await?;
        let wanted = model::name_key(search.trim());
        let found = rows.into_iter().filter(|(_, name, _)| model::name_key(name).contains(&wanted));
        found.map(|(id, name, description)| Ok(FoundSet { id: parse_id(&id)?, name, description })).collect()
    }

    /// Every account in the caller's reach that a search finds: by the beginning of its number or a part of its name or path.
    pub async fn accounts_found(&self, call: &Call, search: &str) -> Result<Vec<FoundAccount>> {
        authorize(call, Action::SeeAccounts, Resource::Organisation)?;
        let rows: Vec<(String, String, String, String)> = account::Entity::find()
            .select_only()
            .columns([account::Column::Id, account::Column::Name, account::Column::Path, account::Column::NameKey])
            .into_tuple()
            .all(self.0.store.read())
            .await?;
        let wanted = model::name_key(search.trim());
        let mut found = Vec::new();
        for (id, name, path, key) in rows {
            let fits = id.starts_with(&wanted) || key.contains(&wanted) || path.to_lowercase().contains(&wanted);
            let broken = |e: model::Invalid| Error::internal(format!("account {id}: {e}"));
            if !fits {
                continue;
            }
            let (id, path) = (id.parse().map_err(broken)?, AccountPath::parse(&path).map_err(broken)?);
            let resource = Resource::account(call, id, &path);
            if decide(&call.actor, Action::Assign, resource, call.now) == Decision::Allow {
                found.push((key, FoundAccount { id, name, path }));
            }
        }
        found.sort_by(|a, b| (&a.0, a.1.id).cmp(&(&b.0, b.1.id)));
        Ok(found.into_iter().map(|(_, account)| account).collect())
    }
}

/// What is shown of a choice; the rest is counted.
const SHOWN: usize = 200;

/// What a draft has chosen, by name.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub targets: Vec<(AccountTarget, String)>,
    pub principals: Vec<(Principal, String)>,
    pub sets: Vec<(PermissionSetId, String)>,
}

/// An account that could be chosen.
#[derive(Clone, Debug)]
pub struct FoundAccount {
    pub id: AccountId,
    pub name: String,
    pub path: AccountPath,
}

/// A permission set that could be chosen.
#[derive(Clone, Debug)]
pub struct FoundSet {
    pub id: PermissionSetId,
    pub name: String,
    pub description: String,
}

fn written(proposal: &Proposal) -> Result<String> {
    let body = Body {
        purpose: proposal.purpose,
        targets: proposal.targets.iter().map(ToString::to_string).collect(),
        principals: proposal.principals.iter().map(|one| (one.kind().to_owned(), one.id())).collect(),
        sets: proposal.sets.iter().copied().collect(),
        expires: proposal.expires.map(|at| at.0),
        reason: proposal.reason.clone(),
    };
    serde_json::to_string(&body).map_err(|e| Error::internal(format!("draft: {e}")))
}

fn read(text: &str) -> Result<Proposal> {
    let body: Body = serde_json::from_str(text).map_err(|e| Error::internal(format!("draft: {e}")))?;
    let target = |text: &String| AccountTarget::parse(text).map_err(|e| Error::internal(format!("draft: {text}: {e}")));
    Ok(Proposal {
        purpose: body.purpose,
        targets: body.targets.iter().map(target).collect::<Result<_>>()?,
        principals: body
            .principals
            .iter()
            .map(|(kind, id)| Principal::from_columns(kind, id))
            .collect::<Result<_>>()?,
        sets: body.sets.into_iter().collect(),
        expires: body.expires.map(Timestamp),
        reason: body.reason,
    })
}
