//! People who become administrators by the organisation file, directly or through a group, have the same time to set up a second
//! factor, and get the same letter, as those whom somebody else makes one.

use std::collections::{BTreeSet, HashMap};

use model::{Role, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::organisation::Planned;
use super::planner::{Step, id_of_user};
use crate::access::impact::members;
use crate::core::Core;
use crate::error::Result;
use crate::identity::people::parse_id;
use crate::identity::{administrators, ranks};
use crate::store::entity::{administrator, user};

/// People in one query.
const CHUNK: usize = 500;

/// Those who may become administrators, and what they were before.
pub(super) struct Promotions {
    people: Vec<String>,
    were: HashMap<String, Vec<Role>>,
}

impl Promotions {
    /// Looked at before anything is written.
    pub(super) async fn expected(txn: &impl ConnectionTrait, planned: &Planned) -> Result<Self> {
        let held = administrator::Entity::find().filter(administrator::Column::GroupId.is_not_null()).all(txn).await?;
        let mut carrying: BTreeSet<String> = held.into_iter().filter_map(|row| row.group_id).collect();
        let mut people: BTreeSet<String> = BTreeSet::new();
        let given = planned.steps.iter().filter_map(|step| match step {
            Step::PutAdministrator(row, true) => Some(row),
            _ => None,
        });
        for row in given {
            people.extend(row.user_id.clone());
            let Some(group) = &row.group_id else { continue };
            carrying.insert(group.clone());
            if let Some(number) = planned.after.groups.find(&parse_id(group)?) {
                let ids =
                    members(&planned.after, number.into()).filter_map(|(user, _)| planned.after.users.id(user.at()));
                people.extend(ids.map(ToString::to_string));
            }
        }
        for step in &planned.steps {
            if let Step::Join(user, group) = step
                && let Some(group) = planned.after.groups.id(group.at())
                && carrying.contains(&group.to_string())
            {
                people.insert(id_of_user(&planned.after, *user)?.to_string());
            }
        }
        let people: Vec<String> = people.into_iter().collect();
        let mut were = HashMap::new();
        for part in people.chunks(CHUNK) {
            were.extend(ranks::roles_of(txn, part).await?);
        }
        Ok(Self { people, were })
    }

    /// Once everything is written: what follows for each who holds a role that was not theirs.
    pub(super) async fn tell(&self, txn: &impl ConnectionTrait, core: &Core, now: Timestamp) -> Result<()> {
        for part in self.people.chunks(CHUNK) {
            let are = ranks::roles_of(txn, part).await?;
            for person in user::Entity::find().filter(user::Column::Id.is_in(part)).all(txn).await? {
                let roles = |of: &HashMap<String, Vec<Role>>| of.get(&person.id).cloned().unwrap_or_default();
                let (mut were, are) = (roles(&self.were), roles(&are));
                for role in are {
                    if !were.contains(&role) {
                        administrators::promoted(txn, core, now, &person, &were, role).await?;
                        were.push(role);
                    }
                }
            }
        }
        Ok(())
    }
}
