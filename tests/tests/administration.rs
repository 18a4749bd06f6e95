//! Administration by plain HTTP: who may see and do what, what happens at the same moment, and that it holds at once.

use std::thread;

use it::{Account, Answer, Browser, Vestibule};
use reqwest::StatusCode;

/// Everybody who could ask, from nobody to the owner.
struct Cast {
    server: Vestibule,
    owner: (Account, Browser),
    admin: (Account, Browser),
    helpdesk: (Account, Browser),
    auditor: (Account, Browser),
    person: (Account, Browser),
    half: Browser,
    anonymous: Browser,
}

impl Cast {
    fn new() -> Self {
        let server = Vestibule::start();
        let owner = server.owner("olga");
        let admin = server.administrator(&owner.1, "adam", "admin");
        let helpdesk = server.administrator(&owner.1, "heidi", "helpdesk");
        let auditor = server.administrator(&owner.1, "audrey", "auditor");
        let bob = server.person("bob");
        let browser = server.browser();
        bob.enter(&browser);
        let (half, anonymous) = (server.browser(), server.browser());
        assert!(owner.0.begin(&half).leads_to("/start/second-factor"));
        Self { server, owner, admin, helpdesk, auditor, person: (bob, browser), half, anonymous }
    }

    fn everybody(&self) -> [(&'static str, &Browser); 7] {
        [
            ("anonymous", &self.anonymous),
            ("half", &self.half),
            ("person", &self.person.1),
            ("auditor", &self.auditor.1),
            ("helpdesk", &self.helpdesk.1),
            ("admin", &self.admin.1),
            ("owner", &self.owner.1),
        ]
    }
}

const ALL: &[&str] = &["auditor", "helpdesk", "admin", "owner"];
const SEE_ALL: &[&str] = &["auditor", "admin", "owner"];
const CHANGE: &[&str] = &["admin", "owner"];
const HELP: &[&str] = &["helpdesk", "admin", "owner"];
const OWNER: &[&str] = &["owner"];

/// The refusal that somebody gets who may not: sent to the open step, or told so.
fn refused(who: &str, what: &str, answer: &Answer) {
    let fits = match who {
        "anonymous" => answer.leads_to("/start/sign-in"),
        "half" => answer.leads_to("/start/second-factor"),
        _ => answer.status == StatusCode::FORBIDDEN,
    };
    assert!(fits, "{what} as {who}: {} {} (AUTHZ-01, AUTHZ-02)", answer.status, answer.location());
}

#[test]
fn every_page_opens_for_those_of_the_access_table_and_nobody_else() {
    let cast = Cast::new();
    let bob = format!("/admin/users/{}", cast.person.0.id);
    let made = cast.owner.1.post("/actions/groups/create", &[("name", "Engineers")]);
    let group = made.location().to_owned();
    assert!(group.starts_with("/admin/groups/"), "{} {group}", made.status);
    let pages = [
        ("/admin".to_owned(), ALL),
        ("/admin/users".to_owned(), ALL),
        ("/admin/users?q=bob&sort=-name".to_owned(), ALL),
        ("/admin/users/new".to_owned(), CHANGE),
        (bob.clone(), ALL),
        (format!("{bob}/edit"), CHANGE),
        (format!("{bob}/groups"), CHANGE),
        (format!("{bob}/confirm/delete"), CHANGE),
        (format!("{bob}/confirm/reset-factors"), HELP),
        ("/admin/groups".to_owned(), ALL),
        ("/admin/groups/new".to_owned(), CHANGE),
        (group.clone(), ALL),
        (format!("{group}/edit"), CHANGE),
        (format!("{group}/members"), CHANGE),
        (format!("{group}/delete"), CHANGE),
        ("/admin/sessions".to_owned(), ALL),
        ("/admin/administrators".to_owned(), SEE_ALL),
        ("/admin/audit".to_owned(), SEE_ALL),
        ("/admin/settings".to_owned(), SEE_ALL),
    ];
    for (path, allowed) in &pages {
        for (who, browser) in cast.everybody() {
            let answer = browser.get(path);
            if allowed.contains(&who) {
                assert_eq!(answer.status, StatusCode::OK, "{path} as {who} (AUTHZ-01)");
            } else {
                refused(who, path, &answer);
                assert!(!answer.body.contains("bob@example.com"), "{path} as {who} tells something");
            }
        }
    }
    for (_, browser) in cast.everybody().into_iter().skip(3) {
        let missing = browser.get("/admin/users/00000000-0000-4000-8000-000000000000");
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    }
}

/// An action, the fields of its form, and who may do it.
type Deed<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a [&'a str]);

#[test]
fn every_action_is_done_for_those_of_the_access_table_and_nobody_else() {
    let cast = Cast::new();
    let target = cast.server.person("tess");
    let made = cast.owner.1.post("/actions/groups/create", &[("name", "Engineers")]);
    let group = made.location().rsplit('/').next().unwrap().to_owned();
    let (id, bob) = (target.id.as_str(), cast.person.0.id.as_str());
    let name = [("given_name", "T"), ("family_name", "T")];
    let actions: Vec<Deed<'_>> = vec![
        (
            "/actions/users/create",
            [&[("user_name", "planted"), ("email", "p@example.com")], &name[..]].concat(),
            CHANGE,
        ),
        (
            "/actions/users/update",
            [&[("id", id), ("version", "1"), ("user_name", "tess2"), ("email", "t@example.com")], &name[..]].concat(),
            CHANGE,
        ),
        ("/actions/users/disable", vec![("id", id)], CHANGE),
        ("/actions/users/enable", vec![("id", id)], CHANGE),
        ("/actions/users/end-sessions", vec![("id", id)], HELP),
        ("/actions/users/reset-password", vec![("id", id)], HELP),
        ("/actions/users/reset-factors", vec![("id", id)], HELP),
        ("/actions/users/role-grant", vec![("id", bob), ("role", "auditor")], OWNER),
        ("/actions/groups/role-grant", vec![("id", &group), ("role", "auditor")], OWNER),
        ("/actions/groups/create", vec![("name", "Others")], CHANGE),
        ("/actions/groups/member-add", vec![("group", &group), ("user", id)], CHANGE),
        ("/actions/groups/member-remove", vec![("group", &group), ("user", id)], CHANGE),
        ("/actions/settings/organization", vec![("version", "1"), ("organization_name", "Changed")], CHANGE),
        ("/actions/settings/mfa", vec![("version", "1"), ("policy", "required"), ("enrol_within_days", "3")], CHANGE),
        ("/actions/settings/session", vec![("version", "1"), ("portal_minutes", "60"), ("idle_minutes", "30")], CHANGE),
        ("/actions/settings/audit", vec![("version", "1"), ("retention_days", "400")], CHANGE),
        ("/actions/users/delete", vec![("id", id), ("expected", "tess"), ("name", "tess")], CHANGE),
        ("/actions/groups/delete", vec![("id", &group), ("expected", "Engineers"), ("name", "Engineers")], CHANGE),
    ];
    let state = || {
        let settings = cast.owner.1.get("/admin/settings");
        let values: Vec<&str> =
            settings.body.split("<input").skip(1).map(|tag| tag.split('>').next().unwrap_or_default()).collect();
        let groups = cast.owner.1.get("/admin/groups").body.matches("/admin/groups/").count();
        (cast.server.cli(&["user", "list", "--json"]).out, values.join("\n"), groups)
    };
    let before = state();
    for (path, fields, allowed) in &actions {
        for (who, browser) in cast.everybody() {
            if !allowed.contains(&who) {
                refused(who, path, &browser.post(path, fields));
            }
        }
    }
    let (after, before) = (state(), before);
    assert_eq!(after.0, before.0, "no person has changed (AUTHZ-02)");
    assert_eq!((after.1, after.2), (before.1, before.2), "nothing else has changed (AUTHZ-02)");
    // Helpdesk helps ordinary people, and no administrator; an admin no owner and no other admin.
    let (owner, admin, auditor) = (cast.owner.0.id.as_str(), cast.admin.0.id.as_str(), cast.auditor.0.id.as_str());
    for path in ["/actions/users/end-sessions", "/actions/users/reset-password", "/actions/users/reset-factors"] {
        for administrator in [owner, admin, auditor] {
            refused("helpdesk", path, &cast.helpdesk.1.post(path, &[("id", administrator)]));
        }
        refused("admin", path, &cast.admin.1.post(path, &[("id", owner)]));
    }
    for path in ["/actions/users/disable", "/actions/users/enable"] {
        refused("admin", path, &cast.admin.1.post(path, &[("id", owner)]));
    }
    refused(
        "admin",
        "delete",
        &cast.admin.1.post("/actions/users/delete", &[("id", owner), ("expected", "olga"), ("name", "olga")]),
    );
    refused("admin", "member-add", &{
        let grant = cast.owner.1.post("/actions/groups/role-grant", &[("id", &group), ("role", "admin")]);
        assert_eq!(grant.status, StatusCode::SEE_OTHER);
        cast.admin.1.post("/actions/groups/member-add", &[("group", &group), ("user", bob)])
    });
    assert!(cast.auditor.1.get("/me/profile").status == StatusCode::OK, "still signed in");

    for (path, fields, allowed) in &actions {
        let browser = if allowed.contains(&"helpdesk") { &cast.helpdesk.1 } else { &cast.owner.1 };
        let answer = browser.post(path, fields);
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: the twin (AUTHZ-01)");
        assert!(answer.location().starts_with("/admin"), "{path}: {}", answer.location());
    }
    let people = cast.server.cli(&["user", "list", "--json"]).out;
    assert!(people.contains("planted") && !people.contains("tess"), "{people}");
    let verified = cast.server.cli(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
}

#[test]
fn fields_that_no_form_has_are_refused() {
    let server = Vestibule::start();
    let (_, owner) = server.owner("olga");
    let fields = [("user_name", "eve"), ("email", "e@example.com"), ("given_name", "E"), ("family_name", "E")];
    for more in [
        "is_admin",
        "role",
        "id",
        "password",
        "password_hash",
        "source",
        "external_id",
        "created_at",
        "mfa_exempt",
        "status",
        "directory",
    ] {
        let answer = owner.post("/actions/users/create", &[&fields[..], &[(more, "1")]].concat());
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{more} (AUTHZ-03)");
    }
    assert!(!server.cli(&["user", "list", "--json"]).out.contains("eve"));
    assert_eq!(owner.post("/actions/users/create", &fields).status, StatusCode::SEE_OTHER, "the twin");
}

#[test]
fn the_last_two_owners_cannot_demote_each_other_at_the_same_moment() {
    const ROUNDS: usize = 25;
    let server = Vestibule::start();
    let first = server.owner("olga");
    let second = server.administrator(&first.1, "oscar", "owner");
    let owners = [&first, &second];
    let mut both_tried = 0;
    for round in 0..ROUNDS {
        let page = first.1.get("/admin/administrators");
        assert_eq!(page.status, StatusCode::OK);
        let grants = grants_of_owners(&page);
        assert_eq!(grants.len(), 2, "round {round}");
        let revoke = |browser: &Browser, name: &str| {
            browser.post("/actions/administrators/revoke", &[("id", &grants[name])]).status
        };
        let statuses: Vec<StatusCode> = thread::scope(|scope| {
            let (a, b) = (scope.spawn(|| revoke(&first.1, "oscar")), scope.spawn(|| revoke(&second.1, "olga")));
            vec![a.join().unwrap(), b.join().unwrap()]
        });
        assert!(statuses.iter().all(|status| !status.is_server_error()), "round {round}: {statuses:?}");
        let left: Vec<_> = owners
            .iter()
            .filter(|(_, browser)| browser.get("/admin/administrators").status == StatusCode::OK)
            .collect();
        assert_eq!(left.len(), 1, "one owner is left after round {round} (AUTHZ-08): {statuses:?}");
        both_tried += usize::from(statuses.iter().all(|status| *status != StatusCode::OK));
        let demoted = owners.iter().find(|(account, _)| account.name != left[0].0.name).unwrap();
        let again = left[0].1.post("/actions/users/role-grant", &[("id", &demoted.0.id), ("role", "owner")]);
        assert_eq!(again.status, StatusCode::SEE_OTHER, "round {round}");
    }
    assert_eq!(both_tried, ROUNDS);
    let verified = server.cli(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.err);
}

/// The ids of the grants of the role owner, by the name of who holds them.
fn grants_of_owners(page: &Answer) -> std::collections::BTreeMap<String, String> {
    let forms = page.body.split("/actions/administrators/revoke").skip(1);
    let mut found = std::collections::BTreeMap::new();
    let mut before = page.body.split("/actions/administrators/revoke");
    for form in forms {
        let form = form.split("</form>").next().unwrap_or_default();
        let id = form
            .split("name=\"id\"")
            .nth(1)
            .and_then(|rest| rest.split("value=\"").nth(1))
            .and_then(|rest| rest.split('"').next());
        let row = before.next().unwrap_or_default();
        let name = ["olga", "oscar"]
            .into_iter()
            .max_by_key(|name| row.rfind(&format!(">{name}<")).map_or(-1, |at| i64::try_from(at).unwrap_or(0)));
        if let (Some(id), Some(name)) = (id, name) {
            found.insert(name.to_owned(), id.to_owned());
        }
    }
    found
}

#[test]
fn the_last_owner_stays() {
    let server = Vestibule::start();
    let (olga, browser) = server.owner("olga");
    let grant = grants_of_owners(&browser.get("/admin/administrators"));
    for (path, fields) in [
        ("/actions/administrators/revoke", vec![("id", grant["olga"].as_str())]),
        ("/actions/users/disable", vec![("id", olga.id.as_str())]),
        ("/actions/users/delete", vec![("id", &olga.id), ("expected", "olga"), ("name", "olga")]),
    ] {
        let answer = browser.post(path, &fields);
        assert!(!answer.status.is_server_error(), "{path}: {}", answer.status);
        assert_eq!(browser.get("/admin/administrators").status, StatusCode::OK, "{path} (AUTHZ-06)");
    }
    for words in [["user", "disable", "olga"], ["user", "delete", "olga"]] {
        let done = server.cli(&words);
        assert_eq!(done.code, 1, "{words:?}: {} (AUTHZ-06)", done.err);
    }
    let shown = server.cli(&["user", "show", "olga", "--json"]);
    assert!(shown.out.contains("\"active\"") && shown.out.contains("\"owner\""), "{}", shown.out);
}

#[test]
fn what_is_taken_is_gone_with_the_next_request() {
    let cast = Cast::new();
    let (bob, browser) = &cast.person;
    let owner = &cast.owner.1;
    assert_eq!(browser.get("/me/profile").status, StatusCode::OK);
    assert_eq!(owner.post("/actions/users/disable", &[("id", &bob.id)]).status, StatusCode::SEE_OTHER);
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"), "a disabled person is out at once (SESS-09)");
    assert_eq!(owner.post("/actions/users/enable", &[("id", &bob.id)]).status, StatusCode::SEE_OTHER);
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"), "and does not come back by being enabled");

    bob.enter(browser);
    assert_eq!(cast.server.cli(&["user", "disable", "bob"]).code, 0);
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"), "from the command line too (SESS-09)");
    assert_eq!(cast.server.cli(&["user", "enable", "bob"]).code, 0);
    bob.enter(browser);
    assert_eq!(cast.server.cli(&["session", "revoke", "--user", "bob"]).code, 0);
    assert!(browser.get("/me/profile").leads_to("/start/sign-in"));

    let (auditor, seeing) = &cast.auditor;
    assert_eq!(seeing.get("/admin/audit").status, StatusCode::OK);
    let page = owner.get(&format!("/admin/users/{}", auditor.id));
    let form = page.body.split("/actions/administrators/revoke").nth(1).expect("a way to take the role");
    let grant = form.split("name=\"id\"").nth(1).and_then(|rest| rest.split('"').nth(1)).expect("the grant's id");
    assert_eq!(owner.post("/actions/administrators/revoke", &[("id", grant)]).status, StatusCode::SEE_OTHER);
    assert_eq!(seeing.get("/admin/audit").status, StatusCode::FORBIDDEN, "no role, no right (SESS-09, AUTHZ-15)");
    assert_eq!(seeing.get("/me/profile").status, StatusCode::OK, "still a person");

    // Sessions of others are not one's own to end (SESS-19).
    let own = cast.server.cli(&["session", "list", "--user", "olga", "--json"]);
    let own: serde_json::Value = serde_json::from_str(&own.out).unwrap();
    bob.enter(browser);
    for session in own.as_array().unwrap() {
        let id = session["id"].as_str().unwrap();
        for path in ["/actions/me/end-session", "/actions/sessions/end"] {
            let answer = browser.post(path, &[("id", id)]);
            assert!(matches!(answer.status.as_u16(), 403 | 404), "{path}: {} (SESS-19)", answer.status);
        }
    }
    assert_eq!(owner.get("/admin").status, StatusCode::OK);
}
