//! What an action says on the next page, and how the page takes it back.

use axum::http::StatusCode;
use domain::identity::administrators::{Grant, Holder};
use model::Role;

use super::{Browser, Site};

/// The form that undoes what was just done: where it goes and what it carries.
fn undo_on(page: &str) -> Option<(String, String)> {
    let form =
        page.split("class=\"notice good\"").nth(1)?.split("</form>").next().filter(|form| form.contains("Undo"))?;
    let action = form.split("action=\"").nth(1)?.split('"').next()?;
    let fields: Vec<String> = form
        .split("<input ")
        .skip(1)
        .filter_map(|input| {
            let part = |name: &str| input.split(&format!("{name}=\"")).nth(1)?.split('"').next();
            let value = part("value")?.replace('/', "%2F").replace('\n', "%0D%0A");
            Some(format!("{}={value}", part("name")?))
        })
        .collect();
    Some((action.to_owned(), fields.join("&")))
}

/// Posts a form, opens the page it leads to, and undoes it there.
async fn do_and_undo(browser: &mut Browser<'_>, path: &str, form: &str) -> (String, String) {
    let done = browser.post(path, form).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{path}");
    let page = browser.get(done.header("location")).await.body;
    let (action, fields) = undo_on(&page).unwrap_or_else(|| panic!("{path} offers no way back: {page}"));
    let undone = browser.post(&action, &fields).await;
    assert_eq!(undone.status, StatusCode::SEE_OTHER, "{action} {fields}");
    (page, browser.get(undone.header("location")).await.body)
}

#[tokio::test]
async fn what_is_done_to_a_person_is_undone_from_its_notice() {
    let site = Site::new().await;
    let owner = site.world.enrolled("olga").await;
    site.world.give_role(owner.id, Role::Owner, false).await;
    let alice = site.world.person("alice").await;
    let progress = site.world.sign_in_strongly("olga", &owner.secret).await;
    let mut browser = site.browser_with(&progress.session);
    let services = &site.world.services;
    let operator = site.world.operator();

    do_and_undo(&mut browser, "/actions/users/disable", &format!("id={alice}")).await;
    let view = services.people.get(&operator, alice).await.unwrap();
    assert_eq!(view.row.status.as_str(), "active", "enabled again");

    let (granted, _) =
        do_and_undo(&mut browser, "/actions/users/role-grant", &format!("id={alice}&role=helpdesk")).await;
    assert!(granted.contains("The role Helpdesk is granted."), "a role has a name");
    assert!(services.people.get(&operator, alice).await.unwrap().row.roles.is_empty(), "taken back");

    let grant = services
        .administrators
        .grant_user(&operator, alice, &Grant::of(Role::Owner).break_glass(true))
        .await
        .unwrap()
        .unwrap();
    do_and_undo(&mut browser, "/actions/administrators/revoke", &format!("id={grant}")).await;
    let view = services.people.get(&operator, alice).await.unwrap();
    assert_eq!((view.row.roles.as_slice(), view.break_glass), ([Role::Owner].as_slice(), true), "as it was");

    let group = services.groups.create(&operator, "Watchers", "").await.unwrap();
    let grant =
        services.administrators.grant_group(&operator, group, &Grant::of(Role::Auditor)).await.unwrap().unwrap();
    do_and_undo(&mut browser, "/actions/administrators/revoke", &format!("id={grant}")).await;
    let held = services.administrators.list(&operator).await.unwrap();
    assert!(held.iter().any(|grant| grant.role == Role::Auditor), "given back to the group");
}

#[tokio::test]
async fn access_administration_is_given_for_some_accounts_and_given_back_for_the_same() {
    let site = Site::new().await;
    let owner = site.world.enrolled("olga").await;
    site.world.give_role(owner.id, Role::Owner, false).await;
    let alice = site.world.person("alice").await;
    let progress = site.world.sign_in_strongly("olga", &owner.secret).await;
    let mut browser = site.browser_with(&progress.session);
    let grant = format!("id={alice}&role=access-admin&scope=");
    let services = &site.world.services;
    let operator = site.world.operator();

    // The reason stands at the field, what was typed stands in it, and the form is open.
    for (typed, reason) in [("", "at least one"), ("%2Fworkloads%2F%2A%2A%0D%0Aworkloads", "“workloads”")] {
        let refused = browser.post("/actions/users/role-grant", &format!("{grant}{typed}")).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER);
        let page = browser.get(refused.header("location")).await.body;
        let field = page.split("id=\"f-scope-error\"").nth(1).and_then(|rest| rest.split("</p>").next());
        assert!(field.is_some_and(|said| said.contains(reason)), "{field:?}");
        assert!(
            page.split("<details ").any(|rest| rest.split('>').next().is_some_and(|tag| tag.contains("open"))),
            "the form is in sight"
        );
        assert!(typed.is_empty() || page.contains("/workloads/**"), "what was typed stays");
    }
    assert!(services.people.get(&operator, alice).await.unwrap().row.roles.is_empty());

    let given =
        browser.post("/actions/users/role-grant", &format!("{grant}%2Fworkloads%2F%2A%2A%0D%0A%2Fsandbox")).await;
    let page = browser.get(given.header("location")).await.body;
    assert!(page.contains("/workloads/**") && page.contains("/sandbox"), "the page says where it reaches");
    let before = services.administrators.list(&operator).await.unwrap();
    let held = before.iter().find(|grant| grant.role == Role::AccessAdmin).unwrap();
    assert!(browser.get("/admin/administrators").await.body.contains("/workloads/**"));

    do_and_undo(&mut browser, "/actions/administrators/revoke", &format!("id={}", held.id)).await;
    let after = services.administrators.list(&operator).await.unwrap();
    let again = after.iter().find(|grant| grant.role == Role::AccessAdmin).unwrap();
    assert_eq!(again.scope, held.scope, "as it was");
}

#[tokio::test]
async fn whoever_gives_up_a_role_is_offered_no_way_back() {
    let site = Site::new().await;
    let owner = site.world.enrolled("olga").await;
    site.world.give_role(owner.id, Role::Owner, false).await;
    let other = site.world.enrolled("oscar").await;
    site.world.give_role(other.id, Role::Owner, false).await;
    let progress = site.world.sign_in_strongly("olga", &owner.secret).await;
    let mut browser = site.browser_with(&progress.session);
    let held = site.world.services.administrators.list(&site.world.operator()).await.unwrap();
    let own = held.iter().find(|grant| matches!(&grant.holder, Holder::User(user, _) if *user == owner.id)).unwrap();
    let done = browser.post("/actions/administrators/revoke", &format!("id={}&next=%2Fme%2Fprofile", own.id)).await;
    let page = browser.get(done.header("location")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("The role is taken away."), "{}", page.body);
    assert!(undo_on(&page.body).is_none());
}
