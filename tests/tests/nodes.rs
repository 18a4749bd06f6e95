//! Two servers on one database: what one of them changed counts on the other.

#![expect(clippy::expect_used, reason = "tests")]

use it::{Browser, Vestibule};

const PRODUCTION: &str = "/start/console?account_id=111122223333&role_name=ReadOnly";

/// The id in the link of a group's name.
fn group_called(owner: &Browser, name: &str) -> String {
    let page = owner.get(&format!("/admin/groups?search={name}"));
    let (before, _) = page.body.split_once(&format!("<bdi>{name}")).expect("the group is listed");
    let (_, link) = before.rsplit_once("/admin/groups/").expect("its name is a link");
    link.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn what_one_node_takes_away_is_gone_on_the_other() {
    let first = Vestibule::demo();
    // A SQLite database has one server.
    let Some(second) = first.another_node() else { return };
    let alice = first.demo_person("alice");
    let browsers = [first.browser(), second.browser()];
    for browser in &browsers {
        assert!(browser.sign_in(&alice).leads_to("/start"), "(SESS-01)");
        assert_eq!(browser.get(PRODUCTION).status, 200, "hers, and known on this node from now on");
    }
    let owner = first.browser();
    assert!(owner.sign_in(&first.demo_person("olivia")).leads_to("/start"));
    let shown = first.cli(&["user", "show", "alice", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).expect("JSON");
    let user = shown["id"].as_str().expect("an id");
    let group = group_called(&owner, "Engineers");
    let removed = owner.post("/actions/groups/member-remove", &[("group", &group), ("user", user)]);
    assert_eq!(removed.status, 303, "{}", removed.body);
    for (browser, node) in browsers.iter().zip(["the node that did it", "the other node"]) {
        assert_eq!(browser.get(PRODUCTION).status, 404, "no account of hers any more: {node}");
        let portal = browser.get("/start").body;
        assert!(
            portal.contains("Staging") && !portal.contains("Payments"),
            "what was given to her alone is left: {node}"
        );
    }
}
