//! `matrix.txt`: the whole table, printed. Run the tests with `UPDATE_MATRIX=1` to write it anew after a change.

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use model::{Refusal, Role, SessionId, Timestamp, UserId};

    use super::super::{Action, CONFIRMATION_LASTS, Decision, Resource, decide};
    use crate::call::{Actor, Person, Stage};

    const NOW: Timestamp = Timestamp(1_000_000_000_000);

    fn person(stage: Stage, role: Option<Role>, confirmed_ago: i64, strong: bool) -> Actor {
        Actor::Person(Person {
            user: UserId::from_random([1; 16]),
            user_name: "someone".into(),
            session: SessionId::from_random([2; 16]),
            stage,
            signed_in_at: NOW,
            confirmed_at: NOW.plus(-confirmed_ago),
            strong,
            roles: role.into_iter().collect(),
            scopes: Vec::new(),
        })
    }

    fn actors() -> Vec<(&'static str, Actor)> {
        let stale = CONFIRMATION_LASTS + 1;
        vec![
            ("anonymous", Actor::Anonymous),
            ("at second factor", person(Stage::SecondFactor, Some(Role::Owner), 0, false)),
            ("at enrolment", person(Stage::Enrol, Some(Role::Owner), 0, false)),
            ("at new password", person(Stage::NewPassword, Some(Role::Owner), 0, true)),
            ("person", person(Stage::Full, None, 0, true)),
            ("person, unconfirmed", person(Stage::Full, None, stale, true)),
            ("auditor", person(Stage::Full, Some(Role::Auditor), 0, true)),
            ("helpdesk", person(Stage::Full, Some(Role::Helpdesk), 0, true)),
            ("access-admin", person(Stage::Full, Some(Role::AccessAdmin), 0, true)),
            ("admin", person(Stage::Full, Some(Role::Admin), 0, true)),
            ("owner", person(Stage::Full, Some(Role::Owner), 0, true)),
            ("owner, unconfirmed", person(Stage::Full, Some(Role::Owner), stale, true)),
            ("owner, no factor", person(Stage::Full, Some(Role::Owner), 0, false)),
            ("operator", Actor::Operator),
            ("job", Actor::System("clean-up")),
        ]
    }

    fn resources(action: Action) -> Vec<(&'static str, Resource)> {
        let other = UserId::from_random([3; 16]);
        match action {
            Action::EditPeople
            | Action::DisablePeople
            | Action::DeletePeople
            | Action::ResetPassword
            | Action::ResetFactors
            | Action::EndSessions => vec![
                ("themselves", Resource::Person { user: UserId::from_random([1; 16]), rank: None }),
                ("a person", Resource::Person { user: other, rank: None }),
                ("an auditor", Resource::Person { user: other, rank: Some(Role::Auditor) }),
                ("a helpdesk", Resource::Person { user: other, rank: Some(Role::Helpdesk) }),
                ("an admin", Resource::Person { user: other, rank: Some(Role::Admin) }),
                ("an owner", Resource::Person { user: other, rank: Some(Role::Owner) }),
            ],
            Action::ManageGroups => vec![
                ("a group", Resource::Group { rank: None }),
                ("a group of auditors", Resource::Group { rank: Some(Role::Auditor) }),
                ("a group of owners", Resource::Group { rank: Some(Role::Owner) }),
            ],
            Action::ManageAdministrators => {
                vec![("a role", Resource::Role(Role::Auditor)), ("the owner role", Resource::Role(Role::Owner))]
            }
            Action::SeeAccounts | Action::SeeAssignments => vec![
                ("the list", Resource::Organisation),
                ("in their scope", Resource::Account { in_scope: true }),
                ("elsewhere", Resource::Account { in_scope: false }),
            ],
            Action::Assign => vec![
                ("the wizard", Resource::Organisation),
                ("in their scope", Resource::Grant { in_scope: true, own: false }),
                ("to themselves there", Resource::Grant { in_scope: true, own: true }),
                ("elsewhere", Resource::Grant { in_scope: false, own: false }),
            ],
            _ => vec![("", Resource::Organisation)],
        }
    }

    fn table() -> String {
        let mut out = String::from(
            "Who may do what. Printed from domain::authz::decide by a test; write it anew with UPDATE_MATRIX=1.\n\
             yes: allowed   -: forbidden   sign-in: sent to sign in (or to the open step)   confirm: must confirm first\n\n",
        );
        for (name, actor) in actors() {
            let _ = writeln!(out, "{name}");
            for action in Action::ALL {
                for (what, resource) in resources(action) {
                    let answer = match decide(&actor, action, resource, NOW) {
                        Decision::Allow => "yes",
                        Decision::Refuse(Refusal::SignInNeeded) => "sign-in",
                        Decision::Refuse(Refusal::ConfirmNeeded) => "confirm",
                        Decision::Refuse(_) => "-",
                    };
                    let _ = writeln!(out, "    {:<22} {what:<20} {answer}", format!("{action:?}"));
                }
            }
        }
        out
    }

    #[test]
    fn the_printed_table_is_true() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/authz/matrix.txt");
        if std::env::var_os("UPDATE_MATRIX").is_some() {
            std::fs::write(path, table()).unwrap();
        }
        let printed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            printed == table(),
            "authz/matrix.txt is stale: run UPDATE_MATRIX=1 cargo test -p domain matrix and read the diff"
        );
    }

    #[test]
    fn a_sign_in_on_its_way_opens_only_its_own_step() {
        for (stage, own) in [
            (Stage::SecondFactor, Action::ProveSecondFactor),
            (Stage::Enrol, Action::EnrolAtSignIn),
            (Stage::NewPassword, Action::ChooseNewPassword),
        ] {
            let actor = person(stage, Some(Role::Owner), 0, true);
            for action in Action::ALL {
                let allowed = decide(&actor, action, Resource::Organisation, NOW) == Decision::Allow;
                let expected = action == own || matches!(action, Action::SignIn | Action::SignOut);
                assert_eq!(allowed, expected, "{stage:?} {action:?} (MFA-07)");
            }
        }
    }

    #[test]
    fn nobody_without_a_role_administers() {
        let own = person(Stage::Full, None, 0, true);
        for action in Action::ALL.into_iter().filter(|action| *action >= Action::SeeAdministration) {
            assert_ne!(decide(&own, action, Resource::Organisation, NOW), Decision::Allow, "{action:?} (AUTHZ-02)");
        }
    }
}
