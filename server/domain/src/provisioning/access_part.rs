//! Assignments and administrators of the organisation file.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::{AccountTarget, PathRule, Role};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Map, Value, json};
use wire::organisation::{Expiry, Row, Section, Target};

use super::planner::{GrantStep, Planner, Step, differences, id_of_group, id_of_user};
use crate::access::plan::Op;
use crate::access::snapshot::{Holder, SetIx, TargetIx, Terms, UserIx};
use crate::error::{Error, Result};
use crate::identity::people::parse_id;
use crate::store::entity::administrator;

/// A name that was looked up already: found, or wrong in this way.
type Looked<T> = HashMap<(bool, u32), std::result::Result<T, String>>;

/// One grant.
type Grant = (Holder, TargetIx, SetIx);

impl<C: ConnectionTrait> Planner<'_, C> {
    pub(super) fn assignments(&mut self) {
        self.grants_that_go();
        if !self.said.sections.contains(&Section::Assignments) {
            return;
        }
        let said = self.said;
        let rows = said.assignments.rows();
        let sets: HashMap<String, SetIx> = (0u32..)
            .zip(self.after.sets.iter())
            .filter(|(_, (_, set))| set.present)
            .map(|(number, (_, set))| (model::name_key(&set.name), SetIx::from(number)))
            .collect();
        let (mut holders, mut set_names): (Looked<Holder>, Looked<SetIx>) = (HashMap::new(), HashMap::new());
        let mut rules: HashMap<u32, Option<TargetIx>> = HashMap::new();
        let mut named: HashSet<Grant> = HashSet::with_capacity(rows.len());
        let mut ended = 0_usize;
        for (index, row) in rows.iter().enumerate() {
            let holder = holders.entry((row.is_group, row.holder)).or_insert_with(|| self.holder(row));
            let holder = match holder {
                Ok(holder) => Some(*holder),
                Err(problem) => {
                    let field = if row.is_group { "group" } else { "user" };
                    self.faults.add(row.holder_at, format!("assignments[{index}].{field}"), problem.clone());
                    None
                }
            };
            let set = set_names.entry((false, row.set)).or_insert_with(|| {
                let name = said.assignments.text(row.set);
                sets.get(&model::name_key(name)).copied().ok_or_else(|| format!("there is no permission set {name}"))
            });
            let set = match set {
                Ok(set) => Some(*set),
                Err(problem) => {
                    self.faults.add(row.set_at, format!("assignments[{index}].permissionSet"), problem.clone());
                    None
                }
            };
            if let Expiry::At(end) = row.expires
                && end <= self.now
            {
                ended += 1;
            }
            for (at, (target, place)) in said.assignments.targets(row).iter().enumerate() {
                let found = match target {
                    Target::Rule(number) => *rules.entry(*number).or_insert_with(|| {
                        let rule = PathRule::parse(said.assignments.text(*number)).ok()?;
                        Some(self.after.target(&AccountTarget::Rule(rule)))
                    }),
                    Target::Account(account) => {
                        let known =
                            self.after.accounts.find(account).and_then(|at| self.after.accounts.get(at as usize));
                        if known.is_some_and(|account| account.present) {
                            Some(self.after.target(&AccountTarget::Account(*account)))
                        } else {
                            let field = format!("assignments[{index}].accounts[{at}]");
                            self.faults.add(*place, field, format!("there is no account {account}"));
                            None
                        }
                    }
                };
                let (Some(holder), Some(set), Some(target)) = (holder, set, found) else { continue };
                if !named.insert((holder, target, set)) {
                    self.faults.add(
                        *place,
                        format!("assignments[{index}]"),
                        "says the same as an assignment before it",
                    );
                    continue;
                }
                self.grant(row, (holder, target, set));
            }
        }
        if ended > 0 {
            self.warnings.push(format!("{ended} of the assignments have ended already."));
        }
        if self.prunes(Section::Assignments) {
            self.prune_grants(&named);
        }
    }

    fn holder(&self, row: &Row) -> std::result::Result<Holder, String> {
        let name = self.said.assignments.text(row.holder);
        if row.is_group {
            self.groups_by_name.find(name, "group").map(Holder::Group)
        } else {
            self.users_by_name.find(name, "user").map(Holder::User)
        }
    }

    fn grant(&mut self, row: &Row, (holder, target, set): Grant) {
        let before = self.after.grants(holder).and_then(|grants| grants.get(&(target, set))).copied();
        let expires = match row.expires {
            Expiry::Unsaid => before.and_then(|terms| terms.expires),
            Expiry::Never => None,
            Expiry::At(end) => Some(end),
        };
        let reason = match (row.reason, before) {
            (Some(reason), _) => self.after.reason(self.said.assignments.text(reason)),
            (None, Some(terms)) => terms.reason,
            (None, None) => self.after.reason(""),
        };
        let terms = Terms { expires, reason };
        if before == Some(terms) {
            return;
        }
        self.after.grant(holder, target, set, terms);
        self.grants.push(GrantStep { holder, target, set, before, after: Some(terms) });
    }

    fn prune_grants(&mut self, named: &HashSet<Grant>) {
        for holder in self.holders() {
            let held: Vec<_> =
                self.after.grants(holder).into_iter().flatten().map(|(key, terms)| (*key, *terms)).collect();
            for ((target, set), terms) in held {
                if !named.contains(&(holder, target, set)) {
                    self.after.revoke(holder, target, set);
                    self.grants.push(GrantStep { holder, target, set, before: Some(terms), after: None });
                }
            }
        }
    }

    /// What was granted in accounts and of sets that go.
    fn grants_that_go(&mut self) {
        if self.gone_targets.is_empty() && self.gone_sets.is_empty() {
            return;
        }
        for holder in self.holders() {
            let goes: Vec<_> = self
                .after
                .grants(holder)
                .into_iter()
                .flatten()
                .filter(|((target, set), _)| self.gone_targets.contains(target) || self.gone_sets.contains(set))
                .map(|(key, terms)| (*key, *terms))
                .collect();
            for ((target, set), terms) in goes {
                self.after.revoke(holder, target, set);
                self.grants.push(GrantStep { holder, target, set, before: Some(terms), after: None });
            }
        }
    }

    pub(super) async fn administrators(&mut self) -> Result<()> {
        let rows = administrator::Entity::find().order_by_asc(administrator::Column::CreatedAt).all(self.conn).await?;
        self.owners_before = self.owners(&rows, true)?;
        let mut standing: Vec<administrator::Model> = rows;
        if self.said.sections.contains(&Section::Administrators) {
            let said = self.said;
            let mut named: BTreeSet<String> = BTreeSet::new();
            for thing in &said.administrators {
                let field = if thing.is_group { "group" } else { "user" };
                let path = format!("administrators[{}].{field}", thing.index);
                let holder = if thing.is_group {
                    self.groups_by_name.find(&thing.holder.value, "group").map(Holder::Group)
                } else {
                    self.users_by_name.find(&thing.holder.value, "user").map(Holder::User)
                };
                let holder = match holder {
                    Ok(holder) => holder,
                    Err(problem) => {
                        self.faults.add(thing.holder.at, path, problem);
                        continue;
                    }
                };
                let scope: Option<Vec<String>> =
                    thing.scope.as_ref().map(|scope| scope.iter().map(|said| said.value.clone()).collect());
                let row = self.administrator(holder, thing.role, scope, thing.break_glass, &mut standing)?;
                named.insert(row);
            }
            if self.prunes(Section::Administrators) {
                self.prune_administrators(&named, &mut standing)?;
            }
        }
        self.keep_an_owner(&standing)
    }

    /// Gives a role, or finds it held; gives the id of the row.
    fn administrator(
        &mut self,
        holder: Holder,
        role: Role,
        scope: Option<Vec<String>>,
        break_glass: Option<bool>,
        standing: &mut Vec<administrator::Model>,
    ) -> Result<String> {
        let (user, group) = match holder {
            Holder::User(user) => (Some(id_of_user(&self.after, user)?.to_string()), None),
            Holder::Group(group) => (None, Some(id_of_group(&self.after, group)?.to_string())),
        };
        let scope = scope.map(|scope| json!(scope).to_string());
        let place =
            standing.iter().position(|row| row.user_id == user && row.group_id == group && row.role == role.as_str());
        let Some(row) = place.and_then(|place| standing.get_mut(place)) else {
            let row = administrator::Model {
                id: data_encoding::HEXLOWER.encode(&self.core.entropy.bytes::<16>()?),
                user_id: user,
                group_id: group,
                role: role.as_str().to_owned(),
                break_glass: break_glass.unwrap_or(false),
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
        if let Some(break_glass) = break_glass {
            row.break_glass = break_glass;
        }
        if scope.is_some() {
            row.scope = scope;
        }
        let after = row.clone();
        if before != after {
            let differences = differences(&self.fields_of_role(&before)?, &self.fields_of_role(&after)?);
            let name = self.name_of_role(&after)?;
            self.note(Op::Update, Section::Administrators, &name, differences);
            self.steps.push(Step::PutAdministrator(Box::new(after.clone()), false));
        }
        Ok(after.id)
    }

    fn fields_of_role(&self, row: &administrator::Model) -> Result<Map<String, Value>> {
        let scope: Value = match &row.scope {
            Some(text) => serde_json::from_str(text).map_err(|e| Error::internal(format!("scope {text}: {e}")))?,
            None => Value::Null,
        };
        let (kind, holder) = self.holder_of_role(row)?;
        let fields = [
            (kind, Value::from(holder)),
            ("role", row.role.clone().into()),
            ("accounts", scope),
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

    fn prune_administrators(
        &mut self,
        named: &BTreeSet<String>,
        standing: &mut Vec<administrator::Model>,
    ) -> Result<()> {
        let (kept, gone): (Vec<_>, Vec<_>) = standing.drain(..).partition(|row| named.contains(&row.id));
        *standing = kept;
        let mut gone = gone;
        if self.owners(standing, false)? == 0 {
            // Whoever is an owner now stays one, where nobody else would be.
            let mut spared = Vec::new();
            for row in gone.extract_if(.., |row| row.role == Role::Owner.as_str()) {
                spared.push(row);
            }
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

    /// Owners who are not disabled.
    fn owners(&self, rows: &[administrator::Model], before: bool) -> Result<u64> {
        let snapshot = if before { &self.before } else { &self.after };
        let mut owners: BTreeSet<UserIx> = BTreeSet::new();
        for row in rows.iter().filter(|row| row.role == Role::Owner.as_str()) {
            if let Some(id) = &row.user_id {
                owners.extend(snapshot.users.find(&parse_id(id)?).map(UserIx::from));
            }
            if let Some(group) = row.group_id.as_deref().map(parse_id).transpose()?
                && let Some(number) = snapshot.groups.find(&group)
                && snapshot.groups.get(number as usize).is_some_and(|group| group.present)
            {
                owners.extend(crate::access::impact::members(snapshot, number.into()).map(|(user, _)| user));
            }
        }
        let active = owners
            .into_iter()
            .filter(|user| snapshot.users.get(user.at()).is_some_and(|user| user.present && user.enabled));
        Ok(u64::try_from(active.count()).unwrap_or(u64::MAX))
    }

    /// Pruning spares the last owner; whoever else would take the last owner away is refused when it is applied.
    fn keep_an_owner(&mut self, standing: &[administrator::Model]) -> Result<()> {
        if self.owners_before > 0 && self.owners(standing, false)? == 0 {
            let gone: Vec<UserIx> = standing
                .iter()
                .filter(|row| row.role == Role::Owner.as_str())
                .filter_map(|row| row.user_id.as_deref())
                .filter_map(|id| parse_id(id).ok())
                .filter_map(|id| self.after.users.find(&id))
                .map(UserIx::from)
                .collect();
            for user in gone {
                self.spare(user)?;
            }
            if self.owners(standing, false)? == 0 {
                self.warnings.push("nobody would be an owner any more: this will be refused.".to_owned());
            } else {
                self.warnings.push("the last owner is kept although the files do not name them.".to_owned());
            }
        } else if self.owners(standing, false)? == 0 {
            let text = "there is no owner: nobody can administer this installation in the portal. \
                `vestibule init` makes one.";
            self.warnings.push(text.to_owned());
        }
        Ok(())
    }
}
