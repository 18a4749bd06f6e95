//! Every address, asked by every kind of actor, decides as the domain's table does (AUTHZ-01).

use std::collections::BTreeSet;

use app::actions::table::{ACTIONS, find, register};
use axum::http::StatusCode;
use domain::access::accounts::AccountInput;
use domain::access::applications::ApplicationInput;
use domain::access::assignments::ENDING_PAGE;
use domain::access::permission_sets::PermissionSetInput;
use domain::authz::{Action, Decision, Resource, decide};
use domain::identity::people::PersonInput;
use domain::identity::sign_in::SessionGrant;
use domain::identity::test_people::code_at;
use domain::{Actor, Secret};
use model::{Refusal, Role};

use super::{Answer, Site};
use crate::access::{Door, Row, TABLE};

#[test]
fn every_page_and_every_action_has_a_row_and_every_row_has_one() {
    register();
    let pages = app::router::routes().into_iter().map(|route| (route.path().to_owned(), "page"));
    let forms = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| (path.to_owned(), "form"));
    let there: BTreeSet<(String, &str)> = pages.chain(forms).collect();
    let rows = TABLE.iter().filter_map(|row| match row.door {
        Door::Page => Some((row.path.to_owned(), "page")),
        Door::Form => Some((row.path.to_owned(), "form")),
        Door::Read => None,
    });
    let rows: BTreeSet<(String, &str)> = rows.collect();
    let missing: Vec<_> = there.difference(&rows).collect();
    let extra: Vec<_> = rows.difference(&there).collect();
    assert!(missing.is_empty() && extra.is_empty(), "without a row: {missing:?}; answered by nothing: {extra:?}");
    assert!(ACTIONS.iter().all(|action| TABLE.iter().any(|row| row.path == action.path)));
}

#[test]
fn the_page_that_a_letter_about_ending_access_leads_to_is_there() {
    let row = TABLE.iter().find(|row| row.path == ENDING_PAGE);
    assert_eq!(row.map(|row| (row.door, row.action)), Some((Door::Page, Some(Action::SeeAssignments))));
}

/// What an answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// To its own page, or to what a form leads to.
    Through,
    /// To sign in, or to the step of the sign-in that is open.
    ToSignIn,
    /// To confirm.
    ToConfirm,
    /// 403.
    Forbidden,
    /// To another page.
    Elsewhere,
    /// 500.
    Down,
}

fn came(answer: &Answer, row: &Row) -> Came {
    let place = answer.header("location").split('?').next().unwrap_or_default();
    let to_step = ["/start/sign-in", "/start/second-factor", "/start/enrol", "/start/new-password"].contains(&place);
    match answer.status {
        StatusCode::FORBIDDEN => Came::Forbidden,
        StatusCode::UNAUTHORIZED => Came::ToSignIn,
        StatusCode::INTERNAL_SERVER_ERROR => Came::Down,
        // A wrong proof leads back to where it was asked for.
        StatusCode::SEE_OTHER if place == "/start/confirm" && !row.path.starts_with("/actions/me/confirm") => {
            Came::ToConfirm
        }
        StatusCode::SEE_OTHER if to_step && !row.path.starts_with("/actions/sign-in/") => Came::ToSignIn,
        StatusCode::SEE_OTHER if row.door == Door::Page => Came::Elsewhere,
        _ => Came::Through,
    }
}

/// Whether what happened is what the table says.
fn agrees(came: Came, expected: Came, row: &Row) -> bool {
    let sign_in_form = row.path.starts_with("/actions/sign-in/");
    // What is fetched by a script has no page to go to.
    let fetched = row.path.ends_with("-begin");
    match came {
        Came::Down => false,
        // Another page, which decides for itself; nothing has been shown.
        Came::Elsewhere => true,
        // Forms of the sign-in always lead to the step that is open.
        Came::Through if sign_in_form => true,
        Came::Forbidden if fetched => expected != Came::Through,
        Came::ToSignIn if is_step(row) => expected != Came::Through,
        came => came == expected,
    }
}

/// The pages of the steps of a sign-in send whoever is at another step there.
fn is_step(row: &Row) -> bool {
    matches!(row.action, Some(Action::ProveSecondFactor | Action::EnrolAtSignIn | Action::ChooseNewPassword))
}

/// Everybody who may come, each with how to sign in anew when an action has ended the session.
struct Cast {
    name: &'static str,
    person: Option<&'static str>,
    secret: Option<Secret>,
    /// Only the first step.
    half: bool,
    /// Minutes since they last confirmed.
    stale: bool,
}

async fn cast(site: &Site) -> Vec<Cast> {
    let mut cast = vec![Cast { name: "anonymous", person: None, secret: None, half: false, stale: false }];
    let person = site.world.enrolled("person").await;
    cast.push(Cast { name: "person", person: Some("person"), secret: Some(person.secret), half: false, stale: false });
    let half = site.world.enrolled("half").await;
    cast.push(Cast {
        name: "at the second factor",
        person: Some("half"),
        secret: Some(half.secret),
        half: true,
        stale: false,
    });
    for (name, role) in
        [("auditor", Role::Auditor), ("helpdesk", Role::Helpdesk), ("admin", Role::Admin), ("owner", Role::Owner)]
    {
        let someone = site.world.enrolled(name).await;
        site.world.give_role(someone.id, role, false).await;
        cast.push(Cast { name, person: Some(name), secret: Some(someone.secret.clone()), half: false, stale: false });
        if role == Role::Owner {
            cast.push(Cast {
                name: "owner, later",
                person: Some(name),
                secret: Some(someone.secret),
                half: false,
                stale: true,
            });
        }
    }
    cast
}

impl Cast {
    async fn sign_in(&self, site: &Site) -> Option<SessionGrant> {
        let name = self.person?;
        // Each code works once.
        site.world.clock.advance(31_000);
        let first = site.world.sign_in(name).await;
        let Some(secret) = self.secret.as_ref().filter(|_| !self.half) else { return Some(first.session) };
        let call = site.world.with_token(&first.session.token).await;
        let code = code_at(secret, site.world.clock.now());
        let grant = site.world.services.sign_in.code(&call, &code).await.unwrap().session;
        if self.stale {
            site.world.clock.advance(6 * 60_000);
        }
        Some(grant)
    }
}

/// What the pages and forms are about, fresh for each.
struct Scenery {
    user: String,
    group: String,
    account: String,
    application: String,
    set: String,
}

impl Scenery {
    async fn new(site: &Site, number: usize) -> Self {
        let (services, operator) = (&site.world.services, site.world.operator());
        let input = PersonInput {
            user_name: format!("target{number}"),
            email: format!("target{number}@example.com"),
            given_name: "Target".to_owned(),
            family_name: "Person".to_owned(),
            display_name: String::new(),
        };
        let user = services.people.create(&operator, &input, &[]).await.unwrap();
        let group = services.groups.create(&operator, &format!("Group {number}"), "").await.unwrap();
        let account =
            AccountInput { id: format!("{number:012}"), name: format!("Account {number}"), ..AccountInput::default() };
        let account = services.accounts.create(&operator, &account).await.unwrap();
        let application = ApplicationInput { name: format!("Application {number}"), ..ApplicationInput::default() };
        let application = services.applications.create(&operator, &application).await.unwrap();
        let input = PermissionSetInput::named(format!("Set{number}"));
        let set = services.permission_sets.create(&operator, &input).await.unwrap();
        Self {
            user: user.to_string(),
            group: group.to_string(),
            account: account.to_string(),
            application: application.to_string(),
            set: set.to_string(),
        }
    }

    /// What the id in a path or in the form of an action stands for.
    fn id(&self, path: &str) -> &str {
        match path.split('/').nth(2) {
            Some("groups") => &self.group,
            Some("accounts") => &self.account,
            Some("applications") => &self.application,
            Some("permission-sets") => &self.set,
            _ => &self.user,
        }
    }

    fn page(&self, path: &str) -> String {
        path.replace("{id}", self.id(path)).replace("{verb}", "disable").replace("{token}", "AAAAAAAAAAAAAAAAAAAAAA")
    }

    fn form(&self, path: &str) -> String {
        let fields = find(path).unwrap().fields.iter().filter(|field| field.required).map(|field| {
            let value = match field.name {
                "id" => self.id(path),
                "user" | "who" => self.user.as_str(),
                "kind" => "user",
                "purpose" => "grant",
                "group" => self.group.as_str(),
                "version" | "history" => "1",
                "role" => "auditor",
                "policy" => "optional",
                "theme" => "dark",
                "account" => "111122223333",
                "favourite" => "yes",
                "zone" => "UTC",
                "email" => "changed@example.com",
                "portal_minutes" | "idle_minutes" | "min_length_with_factor" => "60",
                "min_length" => "20",
                "enrol_within_days" => "7",
                "retention_days" => "400",
                "code" => "000000",
                "password" | "current" | "proof" => "wrong",
                _ => "Something",
            };
            format!("{}={value}", field.name)
        });
        fields.collect::<Vec<_>>().join("&")
    }
}

#[tokio::test]
async fn every_address_decides_as_the_table_does_for_every_actor() {
    let site = Site::with_patience().await;
    let mut wrong = Vec::new();
    let mut number = 0;
    for someone in cast(&site).await {
        let mut grant = someone.sign_in(&site).await;
        for row in TABLE.iter().filter(|row| row.action.is_some()) {
            if let Some(live) = &grant
                && !site.world.lives(&live.token).await
            {
                grant = someone.sign_in(&site).await;
            }
            number += 1;
            let scenery = Scenery::new(&site, number).await;
            let expected = expected(&site, grant.as_ref(), row).await;
            let mut browser = grant.as_ref().map_or_else(|| site.browser(), |grant| site.browser_with(grant));
            let answer = match row.door {
                Door::Form => browser.post(row.path, &scenery.form(row.path)).await,
                Door::Page | Door::Read => browser.get(&scenery.page(row.path)).await,
            };
            let came = came(&answer, row);
            if !agrees(came, expected, row) {
                wrong.push(format!(
                    "{} at {}: {came:?} ({} {}), not {expected:?}",
                    someone.name,
                    row.path,
                    answer.status,
                    answer.header("location")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} in all", wrong.join("\n"), wrong.len());
}

/// What the domain's table says about a row, for whoever holds this session.
async fn expected(site: &Site, grant: Option<&SessionGrant>, row: &Row) -> Came {
    let actor = match grant {
        Some(grant) => site.world.with_token(&grant.token).await.actor,
        None => Actor::Anonymous,
    };
    let decided = |action| decide(&actor, action, Resource::Organisation, site.world.clock.now());
    let decision = match (decided(row.action.unwrap()), row.or.map(decided)) {
        (_, Some(Decision::Allow)) => Decision::Allow,
        (decision, _) => decision,
    };
    match decision {
        Decision::Allow => Came::Through,
        Decision::Refuse(Refusal::SignInNeeded) => Came::ToSignIn,
        Decision::Refuse(Refusal::ConfirmNeeded) => Came::ToConfirm,
        Decision::Refuse(_) => Came::Forbidden,
    }
}
