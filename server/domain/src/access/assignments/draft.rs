//! A proposal on its way through the steps of the wizard, kept for the person who makes it: a form could not carry thousands of
//! accounts from page to page.

use std::collections::BTreeSet;

use model::{AccountId, AccountTarget, AssignmentId, PermissionSetId, Timestamp};
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, EntityTrait, QueryFilter as _, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::apply::authorize_keys;
use super::proposal::{MOST_GRANTS, Proposal, Purpose, check_terms, own_principals};
use super::rows::{self, GrantKey};
use super::{Assignments, GrantRow, GrantsFilter, dressed, ending, names, within_reach};
use crate::access::Principal;
use crate::access::accounts::{Accounts, AccountsQuery};
use crate::authz::{Action, Decision, Resource, authorize, authorize_person, decide};
use crate::call::Call;
use crate::error::{Error, Result};
use crate::store::entity::{access_draft, assignment};

/// Tells these drafts from others in the same table.
const KIND: &str = "assignments";

/// A proposal that is being put together.
#[derive(Clone, Debug)]
pub struct Draft {
    pub id: String,
    pub proposal: Proposal,
    /// The page it was begun on, to come back to.
    pub back: String,
    /// Whether somebody has said until when and why.
    pub decided: bool,
}

/// Something to choose, or to choose no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Target(AccountTarget),
    Principal(Principal),
    Set(PermissionSetId),
}

/// Which grants are to last longer.
#[derive(Clone, Debug)]
pub enum Renewed {
    These(Vec<AssignmentId>),
    /// All that end by themselves up to a moment, as far as they are the caller's to renew.
    Ending {
        before: Timestamp,
        filter: GrantsFilter,
    },
}

/// As it is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Body {
    purpose: Purpose,
    targets: Vec<String>,
    principals: Vec<(String, String)>,
    sets: Vec<PermissionSetId>,
    only: Vec<(String, String, String, PermissionSetId)>,
    expires: Option<i64>,
    reason: String,
    back: String,
    decided: bool,
}

impl Assignments {
    /// Begins a proposal for what is known of it already; says under which name it is kept.
    pub async fn begin_draft(&self, call: &Call, chosen: &[Choice], back: &str) -> Result<String> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let mut proposal = Proposal::default();
        self.may_choose(call, chosen).await?;
        for choice in chosen {
            choice.add_to(&mut proposal);
        }
        self.keep(call, &proposal, back).await
    }

    /// A proposal about one grant that is there: to take it away, or to let it end at another time.
    pub async fn begin_change(&self, call: &Call, id: AssignmentId, purpose: Purpose, back: &str) -> Result<String> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let read = self.0.store.read();
        let row = rows::one(read, id).await?;
        let key = GrantKey::of(&row)?;
        authorize_keys(read, call, std::slice::from_ref(&key)).await?;
        let expires = row.expires_at.map(Timestamp);
        self.keep(call, &Proposal { expires, ..Proposal::about(purpose, [key].into()) }, back).await
    }

    /// A proposal to let grants that are there end later.
    pub async fn begin_renewal(&self, call: &Call, renewed: &Renewed, back: &str) -> Result<String> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let keys = match renewed {
            Renewed::These(ids) => self.these(call, ids).await?,
            Renewed::Ending { before, filter } => self.all_ending(call, *before, filter).await?,
        };
        if keys.is_empty() {
            return Err(Error::invalid("pick", "has nothing ticked"));
        }
        if keys.len() > MOST_GRANTS {
            return Err(Error::invalid("pick", format!("has more than {MOST_GRANTS} assignments: narrow it down")));
        }
        self.keep(call, &Proposal::about(Purpose::Alter, keys), back).await
    }

    async fn these(&self, call: &Call, ids: &[AssignmentId]) -> Result<BTreeSet<GrantKey>> {
        let read = self.0.store.read();
        let mut keys = Vec::with_capacity(ids.len());
        for part in ids.chunks(500) {
            let select =
                assignment::Entity::find().filter(assignment::Column::Id.is_in(part.iter().map(ToString::to_string)));
            for row in select.all(read).await? {
                keys.push(GrantKey::of(&row)?);
            }
        }
        authorize_keys(read, call, &keys).await?;
        if keys.len() < ids.len() {
            return Err(Error::conflict(
                None,
                "Some of these assignments are not there any more. Look at the list again.",
            ));
        }
        Ok(keys.into_iter().collect())
    }

    async fn all_ending(&self, call: &Call, before: Timestamp, filter: &GrantsFilter) -> Result<BTreeSet<GrantKey>> {
        let read = self.0.store.read();
        let select = assignment::Entity::find().filter(filter.condition()?).filter(ending(call.now, before));
        let found = within_reach(read, call, select).await?.all(read).await?;
        let found: Vec<GrantKey> = found.iter().map(GrantKey::of).collect::<Result<_>>()?;
        let own = own_principals(read, call).await?;
        let paths = names::paths_of(read, found.iter().map(|key| &key.target)).await?;
        let may = |key: &GrantKey| {
            let resource = Resource::target(call, &key.target, paths.get(&key.target));
            let resource = resource.granting(own.contains(&key.principal));
            decide(&call.actor, Action::Assign, resource, call.now) == Decision::Allow
        };
        Ok(found.into_iter().filter(may).collect())
    }

    async fn keep(&self, call: &Call, proposal: &Proposal, back: &str) -> Result<String> {
        let person = authorize_person(call, Action::Assign)?;
        let id = data_encoding::HEXLOWER.encode(&self.0.entropy.bytes::<16>()?);
        let draft = Draft { id, proposal: proposal.clone(), back: back.to_owned(), decided: false };
        let row = access_draft::Model {
            id: draft.id.clone(),
            user_id: person.user.to_string(),
            kind: KIND.to_owned(),
            body: written(&draft)?,
            at: call.now.0,
        };
        // No change of anything that is audited: it is what a form would carry if forms could be so long.
        access_draft::Entity::insert(access_draft::ActiveModel::from(row).reset_all())
            .exec_without_returning(self.0.store.write())
            .await?;
        Ok(draft.id)
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
        read(row.id, &row.body)
    }

    /// Chooses something more.
    pub async fn choose(&self, call: &Call, id: &str, chosen: &[Choice]) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        self.may_choose(call, chosen).await?;
        self.edit(call, id, |draft| {
            for choice in chosen {
                choice.add_to(&mut draft.proposal);
            }
            Ok(())
        })
        .await
    }

    /// Chooses every account that a query finds now, each by itself.
    pub async fn choose_accounts(&self, call: &Call, id: &str, query: &AccountsQuery) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let found = Accounts(self.0.clone()).all_to_assign(call, query).await?;
        self.edit(call, id, |draft| {
            draft.proposal.targets.extend(found.into_iter().map(AccountTarget::Account));
            Ok(())
        })
        .await
    }

    /// Chooses something no more.
    pub async fn drop_choices(&self, call: &Call, id: &str, gone: &[Choice]) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        self.edit(call, id, |draft| {
            for choice in gone {
                choice.remove_from(&mut draft.proposal);
            }
            Ok(())
        })
        .await
    }

    /// Chooses no account any more.
    pub async fn drop_accounts(&self, call: &Call, id: &str) -> Result<()> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        self.edit(call, id, |draft| {
            draft.proposal.targets.clear();
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
        check_terms(purpose, expires, reason, call.now)?;
        self.edit(call, id, |draft| {
            (draft.proposal.purpose, draft.proposal.expires, draft.decided) = (purpose, expires, true);
            reason.clone_into(&mut draft.proposal.reason);
            Ok(())
        })
        .await
    }

    /// Whether a caller may assign in all of these. Of an account out of their reach they do not learn whether it is there.
    async fn may_choose(&self, call: &Call, chosen: &[Choice]) -> Result<()> {
        let targets =
            || chosen.iter().filter_map(|choice| if let Choice::Target(target) = choice { Some(target) } else { None });
        let paths = names::paths_of(self.0.store.read(), targets()).await?;
        for target in targets() {
            let path = paths.get(target);
            let there = matches!(target, AccountTarget::Rule(_)) || path.is_some();
            let resource = Resource::target(call, target, path);
            if !there || decide(&call.actor, Action::Assign, resource, call.now) != Decision::Allow {
                return Err(Error::invalid("account", format!("{target} is unknown here or out of your reach")));
            }
        }
        Ok(())
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

    async fn edit(&self, call: &Call, id: &str, edit: impl FnOnce(&mut Draft) -> Result<()>) -> Result<()> {
        let mut draft = self.draft(call, id).await?;
        edit(&mut draft)?;
        if draft.proposal.size() > MOST_GRANTS {
            return Err(Error::invalid("accounts", format!("must come to at most {MOST_GRANTS} assignments at once")));
        }
        access_draft::Entity::update_many()
            .col_expr(access_draft::Column::Body, Expr::value(written(&draft)?))
            .col_expr(access_draft::Column::At, Expr::value(call.now.0))
            .filter(access_draft::Column::Id.eq(&draft.id))
            .exec(self.0.store.write())
            .await?;
        Ok(())
    }

    /// The first names of what a proposal has chosen, for the steps to show.
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
        // Of what went out of the caller's reach since it was chosen, the name is not theirs to see.
        let label = |target: &AccountTarget| {
            let AccountTarget::Account(id) = target else { return String::new() };
            let Some((name, path)) = account_names.get(id) else { return String::new() };
            let seen = decide(&call.actor, Action::SeeAccounts, Resource::account(call, *id, path), call.now);
            if seen == Decision::Allow { name.clone() } else { String::new() }
        };
        let mut chosen = Chosen {
            targets: proposal.targets.iter().take(SHOWN).map(|target| (target.clone(), label(target))).collect(),
            principals: principals
                .iter()
                .map(|one| (*one, named.get(one).map_or_else(|| one.id(), |named| named.name.clone())))
                .collect(),
            sets: sets
                .iter()
                .map(|one| (*one, set_names.get(one).cloned().unwrap_or_else(|| one.to_string())))
                .collect(),
        };
        chosen.targets.sort_by_cached_key(|(target, name)| (name.is_empty(), model::name_key(name), target.clone()));
        chosen.principals.sort_by_cached_key(|(one, name)| (one.kind(), model::name_key(name)));
        chosen.sets.sort_by_cached_key(|(_, name)| model::name_key(name));
        Ok(chosen)
    }

    /// The first of the grants that a proposal is about, where it is about some that are there.
    pub async fn chosen_grants(&self, call: &Call, proposal: &Proposal) -> Result<Vec<GrantRow>> {
        authorize(call, Action::Assign, Resource::Organisation)?;
        let read = self.0.store.read();
        let keys: Vec<GrantKey> = proposal.only.iter().take(SHOWN).cloned().collect();
        authorize_keys(read, call, &keys).await?;
        let mut found = rows::find(read, &keys).await?;
        dressed(read, call, keys.iter().filter_map(|key| found.remove(key)).collect()).await
    }
}

impl Choice {
    fn add_to(&self, proposal: &mut Proposal) {
        match self {
            Self::Target(target) => drop(proposal.targets.insert(target.clone())),
            Self::Principal(principal) => drop(proposal.principals.insert(*principal)),
            Self::Set(set) => drop(proposal.sets.insert(*set)),
        }
    }

    fn remove_from(&self, proposal: &mut Proposal) {
        match self {
            Self::Target(target) => drop(proposal.targets.remove(target)),
            Self::Principal(principal) => drop(proposal.principals.remove(principal)),
            Self::Set(set) => drop(proposal.sets.remove(set)),
        }
    }
}

/// What is shown of a choice; the rest is counted.
const SHOWN: usize = 200;

/// What a draft has chosen, in the order of names.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub targets: Vec<(AccountTarget, String)>,
    pub principals: Vec<(Principal, String)>,
    pub sets: Vec<(PermissionSetId, String)>,
}

fn written(draft: &Draft) -> Result<String> {
    let proposal = &draft.proposal;
    let only = |key: &GrantKey| (key.principal.kind().to_owned(), key.principal.id(), key.target.to_string(), key.set);
    let body = Body {
        purpose: proposal.purpose,
        targets: proposal.targets.iter().map(ToString::to_string).collect(),
        principals: proposal.principals.iter().map(|one| (one.kind().to_owned(), one.id())).collect(),
        sets: proposal.sets.iter().copied().collect(),
        only: proposal.only.iter().map(only).collect(),
        expires: proposal.expires.map(|at| at.0),
        reason: proposal.reason.clone(),
        back: draft.back.clone(),
        decided: draft.decided,
    };
    serde_json::to_string(&body).map_err(|e| Error::internal(format!("draft: {e}")))
}

fn read(id: String, text: &str) -> Result<Draft> {
    let body: Body = serde_json::from_str(text).map_err(|e| Error::internal(format!("draft: {e}")))?;
    let target = |text: &String| AccountTarget::parse(text).map_err(|e| Error::internal(format!("draft: {text}: {e}")));
    let principal = |(kind, id): &(String, String)| Principal::from_columns(kind, id);
    let only = |(kind, id, to, set): &(String, String, String, PermissionSetId)| {
        Ok(GrantKey { principal: Principal::from_columns(kind, id)?, target: target(to)?, set: *set })
    };
    let proposal = Proposal {
        purpose: body.purpose,
        targets: body.targets.iter().map(target).collect::<Result<_>>()?,
        principals: body.principals.iter().map(principal).collect::<Result<_>>()?,
        sets: body.sets.into_iter().collect(),
        only: body.only.iter().map(only).collect::<Result<_>>()?,
        expires: body.expires.map(Timestamp),
        reason: body.reason,
    };
    Ok(Draft { id, proposal, back: body.back, decided: body.decided })
}
