//! Administrators of the organisation file, and the rule that an owner remains.

use std::collections::BTreeSet;

use model::{AccountTarget, Role};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::{Map, Value};
use wire::organisation::{Administrator, At, Said, Section, written};

use super::planner::{Planner, Step, differences, id_of_group, id_of_user};
use crate::access::impact::members;
use crate::access::plan::Op;
use crate::access::snapshot::{GroupIx, Holder, Snapshot, UserIx};
use crate::error::Result;
use crate::identity::administrators::MOST_OF_A_ROLE;
use crate::identity::people::{BUILTIN, Status, parse_id};
use crate::identity::roles::scope_from;
use crate::store::entity::{administrator, user};

/// Why a file is refused after which nobody would be left.
const LAST_OWNER: &str = "would leave no owner who can sign in: make somebody else an owner first";

impl<C: ConnectionTrait> Planner<'_, C> {
    pub(super) async fn administrators(&mut self) -> Result<()> {
        let rows = administrator::Entity::find().order_by_asc(administrator::Column::CreatedAt).all(self.conn).await?;
        let owners = self.active_now(holders_of(&self.before, &rows)?).await?;
        let mut standing = rows;
        if self.said.sections.contains(&Section::Administrators) {
            let said = self.said;
            let mut named: BTreeSet<String> = BTreeSet::new();
            for thing in &said.administrators {
                if let Some(holder) = self.administrator_named(thing) {
                    named.insert(self.administrator(holder, thing, &mut standing)?);
                }
            }
            if self.prunes(Section::Administrators) {
                self.prune_administrators(&named, &mut standing).await?;
            }
        }
        self.keep_an_owner(&owners, &standing).await
    }

    /// Whom an entry is about; nothing where something is wrong with it.
    fn administrator_named(&mut self, thing: &Administrator) -> Option<Holder> {
        let field = |name: &str| format!("administrators[{}].{name}", thing.index);
        let (kind, found) = if thing.is_group {
            ("group", self.groups_by_name.find(&thing.holder.value, "group").map(Holder::Group))
        } else {
            ("user", self.users_by_name.find(&thing.holder.value, "user").map(Holder::User))
        };
        let mut problems: Vec<(At, String, String)> = Vec::new();
        for Said { value, at } in thing.scope.iter().flatten() {
            if let AccountTarget::Account(account) = value
                && !self.has_account(account)
            {
                problems.push((*at, field("accounts"), format!("there is no account {account}")));
            }
        }
        match &found {
            Err(problem) => problems.push((thing.holder.at, field(kind), problem.clone())),
            Ok(Holder::Group(group)) => {
                let people = members(&self.after, *group).filter(|(_, user)| user.present).count();
                if u64::try_from(people).unwrap_or(u64::MAX) > MOST_OF_A_ROLE {
                    let problem =
                        format!("has more than {MOST_OF_A_ROLE} people, too many for the role of an administrator");
                    problems.push((thing.holder.at, field(kind), problem));
                }
            }
            Ok(Holder::User(user)) => {
                let elsewhere = self.after.users.get(user.at()).is_some_and(|user| user.name.contains('/'));
                if elsewhere && thing.break_glass == Some(true) {
                    let problem = format!("is for people of the {BUILTIN} directory only");
                    problems.push((thing.holder.at, field("breakGlass"), problem));
                }
            }
        }
        let good = problems.is_empty();
        for (at, field, problem) in problems {
            self.faults.add(at, field, problem);
        }
        found.ok().filter(|_| good)
    }

    /// Gives a role, or finds it held; gives the id of the row.
    fn administrator(
        &mut self,
        holder: Holder,
        thing: &Administrator,
        standing: &mut Vec<administrator::Model>,
    ) -> Result<String> {
        let (user, group) = match holder {
            Holder::User(user) => (Some(id_of_user(&self.after, user)?.to_string()), None),
            Holder::Group(group) => (None, Some(id_of_group(&self.after, group)?.to_string())),
        };
        let spelled = |scope: &Vec<Said<AccountTarget>>| -> Value {
            scope.iter().map(|said| Value::String(said.value.to_string())).collect()
        };
        let scope = thing.scope.as_ref().map(|scope| spelled(scope).to_string());
        let role = thing.role.as_str();
        let place = standing.iter().position(|row| row.user_id == user && row.group_id == group && row.role == role);
        let Some(row) = place.and_then(|place| standing.get_mut(place)) else {
            let row = administrator::Model {
                id: data_encoding::HEXLOWER.encode(&self.core.entropy.bytes::<16>()?),
                user_id: user,
                group_id: group,
                role: role.to_owned(),
                break_glass: thing.break_glass.unwrap_or(false),
                created_at: self.now.0,
                scope,
            };
            let fields = self.fields_of_role(&row)?;
            let name = self.name_of_role(&row)?;
            self.note_whole(Op::Create, Section::Administrators, &name, fields);
            self.steps.push(Step::PutAdministrator(Box::new(row.clone()), true));
            standing.push(row.clone());
            return Ok(row.id);
        };
        let before = row.clone();
        if let Some(break_glass) = thing.break_glass {
            row.break_glass = break_glass;
        }
        if scope.is_some() {
            row.scope = scope;
        }
        let after = row.clone();
        let differences = differences(&self.fields_of_role(&before)?, &self.fields_of_role(&after)?);
        if !differences.is_empty() {
            let name = self.name_of_role(&after)?;
            self.note(Op::Update, Section::Administrators, &name, differences);
            self.steps.push(Step::PutAdministrator(Box::new(after.clone()), false));
        }
        Ok(after.id)
    }

    fn fields_of_role(&self, row: &administrator::Model) -> Result<Map<String, Value>> {
        let scope = row.scope.as_deref().map(scope_from).transpose()?.map(|mut scope| {
            scope.sort_unstable();
            written(&scope)
        });
        let (kind, holder) = self.holder_of_role(row)?;
        let fields = [
            (kind, Value::from(holder)),
            ("role", row.role.clone().into()),
            ("accounts", scope.unwrap_or_default()),
            ("breakGlass", row.break_glass.into()),
        ];
        Ok(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn holder_of_role(&self, row: &administrator::Model) -> Result<(&'static str, String)> {
        let name = match (&row.user_id, &row.group_id) {
            (Some(id), _) => {
                let number = self.after.users.find(&parse_id(id)?);
                ("user", number.and_then(|at| self.after.users.get(at as usize)).map(|user| user.name.to_string()))
            }
            (None, Some(id)) => {
                let number = self.after.groups.find(&parse_id(id)?);
                ("group", number.and_then(|at| self.after.groups.get(at as usize)).map(|group| group.name.to_string()))
            }
            (None, None) => ("user", None),
        };
        Ok((name.0, name.1.unwrap_or_default()))
    }

    fn name_of_role(&self, row: &administrator::Model) -> Result<String> {
        let (kind, holder) = self.holder_of_role(row)?;
        Ok(format!("{kind} {holder}: {}", row.role))
    }

    async fn prune_administrators(
        &mut self,
        named: &BTreeSet<String>,
        standing: &mut Vec<administrator::Model>,
    ) -> Result<()> {
        let (kept, mut gone): (Vec<_>, Vec<_>) = standing.drain(..).partition(|row| named.contains(&row.id));
        *standing = kept;
        if self.active_after(holders_of(&self.after, standing)?).await?.is_empty() {
            // Whoever is an owner now stays one, where nobody else would be.
            let spared: Vec<_> = gone.extract_if(.., |row| row.role == Role::Owner.as_str()).collect();
            if !spared.is_empty() {
                self.warnings.push("the last owners are kept although the files do not name them.".to_owned());
            }
            standing.extend(spared);
        }
        for row in gone {
            let fields = self.fields_of_role(&row)?;
            let name = self.name_of_role(&row)?;
            self.note_whole(Op::Delete, Section::Administrators, &name, fields);
            self.steps.push(Step::RemoveAdministrator(row.id));
        }
        Ok(())
    }

    /// Pruning spares the last owner. Whatever else would take the last one away is a fault where the file says it.
    async fn keep_an_owner(&mut self, before: &BTreeSet<UserIx>, standing: &[administrator::Model]) -> Result<()> {
        if !self.active_after(holders_of(&self.after, standing)?).await?.is_empty() {
            return Ok(());
        }
        if before.is_empty() {
            let text = "there is no owner who can sign in: nobody can administer this installation in the portal. \
                `vestibule init` makes one.";
            self.warnings.push(text.to_owned());
            return Ok(());
        }
        let groups: Vec<GroupIx> = owner_groups(&self.before, standing)?;
        let mut spared = false;
        for holder in before.iter().copied().map(Holder::User).chain(groups.into_iter().map(Holder::Group)) {
            spared |= self.spare(holder)?;
        }
        if spared && !self.active_after(holders_of(&self.after, standing)?).await?.is_empty() {
            self.warnings.push("the last owner is kept although the files do not name them.".to_owned());
            return Ok(());
        }
        let mut said = false;
        for owner in before {
            said |= self.refuse_loss_of(*owner);
        }
        if !said {
            self.faults.add(At { file: 0, line: 1, column: 1 }, "", LAST_OWNER);
        }
        Ok(())
    }

    /// Says where the files disable the last owner, or take them out of the group that makes them one.
    fn refuse_loss_of(&mut self, owner: UserIx) -> bool {
        let Some(name) = self.before.users.get(owner.at()).map(|user| model::name_key(&user.name)) else {
            return false;
        };
        let Some(thing) = self.said.users.iter().find(|thing| thing.user_name.value.key() == name) else {
            return false;
        };
        let field = |name: &str| format!("users[{}].{name}", thing.index);
        match (&thing.disabled, &thing.groups) {
            (Some(Said { value: true, at }), _) => self.faults.add(*at, field("disabled"), LAST_OWNER),
            (_, Some(groups)) => self.faults.add(groups.at, field("groups"), LAST_OWNER),
            _ => return false,
        }
        true
    }

    /// Those of these people who can sign in now.
    async fn active_now(&self, people: BTreeSet<UserIx>) -> Result<BTreeSet<UserIx>> {
        let ids: Vec<String> =
            people.iter().filter_map(|user| self.after.users.id(user.at())).map(ToString::to_string).collect();
        let active: Vec<String> = user::Entity::find()
            .select_only()
            .column(user::Column::Id)
            .filter(user::Column::Status.eq(Status::Active.as_str()))
            .filter(user::Column::Id.is_in(ids))
            .into_tuple()
            .all(self.conn)
            .await?;
        let mut found = BTreeSet::new();
        for id in active {
            found.extend(self.after.users.find(&parse_id(&id)?).map(UserIx::from));
        }
        Ok(found)
    }

    /// Those of these people who can sign in once the files are applied.
    async fn active_after(&self, people: BTreeSet<UserIx>) -> Result<BTreeSet<UserIx>> {
        let present: BTreeSet<UserIx> = people
            .into_iter()
            .filter(|user| self.after.users.get(user.at()).is_some_and(|user| user.present && user.enabled))
            .collect();
        let (told, untold): (BTreeSet<_>, BTreeSet<_>) =
            present.into_iter().partition(|user| self.statuses.contains_key(user));
        let mut active = self.active_now(untold).await?;
        active.extend(told.into_iter().filter(|user| self.statuses.get(user) == Some(&Status::Active)));
        Ok(active)
    }
}

/// The groups that make owners, as far as they are there.
fn owner_groups(snapshot: &Snapshot, rows: &[administrator::Model]) -> Result<Vec<GroupIx>> {
    let mut groups = Vec::new();
    for row in rows.iter().filter(|row| row.role == Role::Owner.as_str()) {
        if let Some(id) = &row.group_id {
            groups.extend(snapshot.groups.find(&parse_id(id)?).map(GroupIx::from));
        }
    }
    groups.retain(|group| snapshot.groups.get(group.at()).is_some_and(|group| group.present));
    Ok(groups)
}

/// Who is an owner, directly or through a group.
fn holders_of(snapshot: &Snapshot, rows: &[administrator::Model]) -> Result<BTreeSet<UserIx>> {
    let mut owners: BTreeSet<UserIx> = BTreeSet::new();
    for row in rows.iter().filter(|row| row.role == Role::Owner.as_str()) {
        if let Some(id) = &row.user_id {
            owners.extend(snapshot.users.find(&parse_id(id)?).map(UserIx::from));
        }
    }
    for group in owner_groups(snapshot, rows)? {
        owners.extend(members(snapshot, group).map(|(user, _)| user));
    }
    Ok(owners)
}
