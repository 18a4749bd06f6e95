//! Assignments of the organisation file.

use std::collections::{HashMap, HashSet};

use model::{AccountTarget, PathRule};
use sea_orm::ConnectionTrait;
use wire::organisation::{Expiry, Row, Section, Target};

use super::planner::{GrantStep, Planner};
use crate::access::snapshot::{Holder, SetIx, TargetIx, Terms};

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
                        if self.has_account(account) {
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
}
