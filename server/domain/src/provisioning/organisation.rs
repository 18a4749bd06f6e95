//! The organisation file: what it would change, applying it as a whole, and writing down what there is.

use std::io::Write;
use std::sync::Arc;

use aws_lc_rs::digest;
use model::Timestamp;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use wire::organisation::{Document, Fault, read};

use super::planner::{GrantStep, Planner, Step};
use crate::access::impact::{PersonImpact, each_difference};
use crate::access::plan::{FieldChange, Op, PersonAccess, PlannedChange};
use crate::access::snapshot::{Holder, Snapshot};
use crate::authz::{Action, Resource, authorize};
use crate::call::Call;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::settings::Settings;

/// The files, and how files that they name are read.
#[derive(Clone, Copy)]
pub struct Files<'f> {
    pub documents: &'f [Document<'f>],
    pub load: &'f (dyn Fn(&str, &str) -> std::result::Result<String, String> + Sync),
}

impl std::fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.documents.iter().map(|document| document.name).collect();
        f.debug_tuple("Files").field(&names).finish()
    }
}

/// How files are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Remove what the files do not name, of the kinds that they name.
    pub prune: bool,
    /// Set the passwords of people, and the secrets of webhooks, who are there already.
    pub set_passwords: bool,
}

/// The value of a variable of the environment.
pub type Environment<'e> = &'e (dyn Fn(&str) -> Option<Secret> + Sync);

/// Why nothing was planned or applied.
#[derive(Debug)]
pub enum Refused {
    /// The files are wrong; so many more faults were found.
    Faults(Vec<Fault>, usize),
    /// Something else.
    Error(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<sea_orm::DbErr> for Refused {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Error(error.into())
    }
}

/// How many things would be, or were, changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub creates: usize,
    pub updates: usize,
    pub deletes: usize,
}

impl Counts {
    fn add(&mut self, op: Op, many: usize) {
        match op {
            Op::Create => self.creates += many,
            Op::Update => self.updates += many,
            Op::Delete => self.deletes += many,
        }
    }
}

/// What applying would change.
#[derive(Debug)]
pub struct Planned {
    pub(super) now: Timestamp,
    pub(super) before: Snapshot,
    pub(super) after: Snapshot,
    pub(super) changes: Vec<PlannedChange>,
    pub(super) grants: Vec<GrantStep>,
    pub(super) steps: Vec<Step>,
    pub(super) settings: Option<(Settings, Settings)>,
    pub(super) warnings: Vec<String>,
    /// What it was worked out from.
    pub(super) standing: String,
    pub(super) options: Options,
}

impl Planned {
    /// Whether all is as the files say already.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.grants.is_empty()
    }

    /// How many things change.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.changes.iter().for_each(|change| counts.add(change.op, 1));
        self.grants.iter().for_each(|grant| counts.add(grant.op(), 1));
        counts
    }

    /// What to look at twice.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Each change, one by one: there may be a million.
    pub fn each_change(&self, mut found: impl FnMut(&PlannedChange)) {
        self.changes.iter().for_each(&mut found);
        self.grants.iter().for_each(|grant| found(&self.grant_change(grant)));
    }

    /// Each person whose access differs.
    pub fn each_access(&self, mut found: impl FnMut(Differs<'_>)) {
        each_difference(&self.before, &self.after, self.now, |impact| found(Differs { impact, names: &self.after }));
    }

    /// Stands for exactly this plan on exactly this state of the organisation.
    pub fn digest(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        let head = json!([self.standing, self.options.prune, self.options.set_passwords]);
        context.update(head.to_string().as_bytes());
        for change in &self.changes {
            context.update(serde_json::to_string(change).unwrap_or_default().as_bytes());
        }
        let mut line = String::new();
        for grant in &self.grants {
            line.clear();
            grant.line(&self.after, &mut line);
            context.update(line.as_bytes());
        }
        data_encoding::HEXLOWER.encode(context.finish().as_ref())
    }

    fn grant_change(&self, grant: &GrantStep) -> PlannedChange {
        let (kind, holder) = match grant.holder {
            Holder::User(user) => ("user", self.after.users.get(user.at()).map(|user| &user.name)),
            Holder::Group(group) => ("group", self.after.groups.get(group.at()).map(|group| &group.name)),
        };
        let holder = holder.map(ToString::to_string).unwrap_or_default();
        let set = self.after.sets.get(grant.set.at()).map(|set| set.name.to_string()).unwrap_or_default();
        let target = self.after.target_of(grant.target).map(ToString::to_string).unwrap_or_default();
        let name = format!("{kind} {holder}: {set} in {target}");
        let terms = |terms: Option<crate::access::snapshot::Terms>| {
            terms.map(|terms| {
                let expires = terms.expires.map(moment);
                json!({"expires": expires, "reason": self.after.reason_of(terms.reason)})
            })
        };
        let (from, to) = (terms(grant.before), terms(grant.after));
        let mut fields = std::collections::BTreeMap::new();
        for field in ["expires", "reason"] {
            let of = |side: &Option<serde_json::Value>| {
                side.as_ref().and_then(|side| side.get(field)).cloned().unwrap_or_default()
            };
            let (from, to) = (of(&from), of(&to));
            let nothing = |value: &serde_json::Value| value.is_null() || value == "";
            if from != to && !(nothing(&from) && nothing(&to)) {
                fields.insert(field.into(), FieldChange { from, to });
            }
        }
        if grant.op() != Op::Update {
            for (field, value) in [(kind, holder), ("permissionSet", set), ("account", target)] {
                let (from, to) = match grant.op() {
                    Op::Delete => (value.into(), serde_json::Value::Null),
                    _ => (serde_json::Value::Null, value.into()),
                };
                fields.insert(field.into(), FieldChange { from, to });
            }
        }
        PlannedChange { op: grant.op(), kind: "assignment".into(), name, fields }
    }
}

/// What is said of a variable that is not set.
pub(super) fn unset(field: &str, name: &str, needed: bool) -> String {
    if needed {
        format!("{field}: {name} is not set in this environment; to apply, it must be.")
    } else {
        format!(
            "{field}: {name} is not set in this environment: only its name is kept. `apply --set-passwords` reads it later."
        )
    }
}

/// Somebody whose access differs. Names are looked up for those who are shown only: in all there may be tens of millions.
#[derive(Debug)]
pub struct Differs<'p> {
    impact: PersonImpact,
    names: &'p Snapshot,
}

impl Differs<'_> {
    /// Whether they gain anything.
    pub fn gains(&self) -> bool {
        !self.impact.gains.is_empty()
    }

    /// Whether they lose anything.
    pub fn loses(&self) -> bool {
        !self.impact.loses.is_empty()
    }

    /// All of it, by name.
    pub fn named(&self) -> PersonAccess {
        self.impact.named(self.names)
    }
}

/// A moment as files write it.
pub(super) fn moment(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| String::new(), |at| at.to_string())
}

/// The organisation as a whole.
#[derive(Clone, Debug)]
pub struct Organisation(pub(crate) Arc<Core>);

impl Organisation {
    /// What applying these files would change. Nothing is changed, and no secret is read.
    pub async fn plan(
        &self,
        call: &Call,
        files: Files<'_>,
        options: Options,
        environment: Environment<'_>,
    ) -> std::result::Result<Planned, Refused> {
        authorize(call, Action::SeeOrganisation, Resource::Organisation)?;
        let (organisation, faults) = read(files.documents, files.load);
        let mut planned = self.work_out(self.0.store.read(), call, &organisation, faults, options, 0).await?;
        for (field, name, needed) in super::planner::secrets(&planned.steps) {
            if environment(name).is_none() {
                planned.warnings.push(unset(field, name, needed));
            }
        }
        Ok(planned)
    }

    /// Works out what is to be done. `ahead` says how often the caller has moved the stamp of access itself.
    pub(super) async fn work_out<C: ConnectionTrait + sea_orm::StreamTrait>(
        &self,
        conn: &C,
        call: &Call,
        organisation: &wire::organisation::Organisation,
        faults: wire::organisation::Faults,
        options: Options,
        ahead: i64,
    ) -> std::result::Result<Planned, Refused> {
        let standing = standing(conn, ahead).await?;
        let before = Snapshot::whole(conn).await?;
        let mut planner = Planner::new(conn, &self.0, call.now, organisation, faults, options, before);
        planner.settings().await?;
        planner.accounts().await?;
        planner.permission_sets().await?;
        planner.groups().await?;
        planner.users().await?;
        planner.stored().await?;
        planner.assignments();
        planner.applications().await?;
        planner.administrators().await?;
        planner.finish(standing)
    }

    /// Writes everything that there is, in the form in which it is read.
    pub async fn export(&self, call: &Call, to: &mut (dyn Write + Send), json: bool) -> Result<()> {
        authorize(call, Action::SeeOrganisation, Resource::Organisation)?;
        super::export::write(&self.0, to, json).await
    }
}

/// What a plan is worked out from, in a few numbers: any change of the organisation moves one of them.
async fn standing(conn: &impl ConnectionTrait, ahead: i64) -> Result<String> {
    let mut parts = Vec::new();
    let number = async |sql: &str| -> Result<i64> {
        let row = conn.query_one_raw(Statement::from_string(conn.get_database_backend(), sql)).await?;
        Ok(row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten().unwrap_or(0))
    };
    parts.push(number("SELECT version FROM access_stamps WHERE id = 1").await? - ahead);
    parts.push(number("SELECT settings_version FROM instance WHERE id = 1").await?);
    for table in ["users", "groups", "accounts", "permission_sets", "applications"] {
        parts.push(number(&format!("SELECT COUNT(*) FROM {table}")).await?);
        parts.push(number(&format!("SELECT CAST(SUM(version) AS BIGINT) FROM {table}")).await?);
    }
    for table in ["memberships", "administrators", "application_assignments", "assignments", "stored_sections"] {
        parts.push(number(&format!("SELECT COUNT(*) FROM {table}")).await?);
    }
    parts.push(number("SELECT MAX(created_at) FROM administrators").await?);
    parts.push(number("SELECT MAX(updated_at) FROM stored_sections").await?);
    Ok(parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}
