//! Accounts and applications through the real router: forms, imports, and what stands on the pages.

use axum::http::StatusCode;
use domain::Secret;
use domain::access::accounts::AccountInput;
use model::Role;

use super::{Browser, Site};

/// Names that would break a page that does not escape, or a field that cuts them.
const AWKWARD: &str = "O'Neil \"<b>\" & حساب 🚀";

fn encoded(text: &str) -> String {
    app::address::encode(text)
}

async fn administrator<'s>(site: &'s Site, name: &str) -> Browser<'s> {
    let someone = site.world.enrolled(name).await;
    site.world.give_role(someone.id, Role::Admin, false).await;
    browser(site, name, &someone.secret).await
}

async fn browser<'s>(site: &'s Site, name: &str, secret: &Secret) -> Browser<'s> {
    let progress = site.world.sign_in_strongly(name, secret).await;
    site.browser_with(&progress.session)
}

#[tokio::test]
async fn an_account_is_created_refused_changed_and_deleted_by_forms() {
    let site = Site::new().await;
    let mut browser = administrator(&site, "adam").await;
    let name = encoded(AWKWARD);
    let form = |provider: &str| {
        format!(
            "id=444455556666&name={name}&path=%2Fw&tags=env%3Dprod&broker=aws-saml&saml_provider={}&role_arn={}&region=eu-west-1",
            encoded(provider),
            encoded("arn:aws:iam::444455556666:role/vestibule/{permissionSet}"),
        )
    };
    let refused = browser.post("/actions/accounts/create", &form("arn:aws:iam::111122223333:saml-provider/V")).await;
    assert_eq!(refused.header("location"), "/admin/accounts/new");
    let page = browser.get("/admin/accounts/new").await.body;
    assert!(page.contains("it names 111122223333, and this is 444455556666"), "the field is named: {page}");
    assert!(page.contains("value=\"444455556666\""), "what was typed is still there");

    let made = browser.post("/actions/accounts/create", &form("arn:aws:iam::444455556666:saml-provider/V")).await;
    assert_eq!(made.header("location"), "/admin/accounts/444455556666");
    for path in
        ["/admin/accounts/444455556666", "/admin/accounts", "/admin/accounts?view=paths", "/admin/accounts?tag=env"]
    {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.body.contains("\"<b>\""), "{path} (WEB-01)");
    }
    let changed = "id=444455556666&version=1&name=Real&status=closed&broker=local";
    browser.post("/actions/accounts/update", changed).await;
    let page = browser.get("/admin/accounts/444455556666").await.body;
    assert!(page.contains("Nobody gets in"), "a closed account says what that means");
    let late = browser.post("/actions/accounts/update", changed).await;
    assert_eq!(late.header("location"), "/admin/accounts/444455556666/edit");
    assert!(browser.get("/admin/accounts/444455556666/edit").await.body.contains("Somebody else changed this"));
    let gone = browser.post("/actions/accounts/delete", "id=444455556666").await;
    assert_eq!(gone.header("location"), "/admin/accounts");
    assert_eq!(browser.get("/admin/accounts/444455556666").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_list_of_thousands_is_looked_at_and_imported_by_forms_alone() {
    let site = Site::new().await;
    let mut browser = administrator(&site, "adam").await;
    let line = |n: u32| format!("{n:012},Account {n},aws+{n}@example.com,/workloads/prod,env=prod;team=core\n");
    let list = format!("id,name,email,path,tags\n{}", (0..2_000).map(line).collect::<String>());
    let form = format!("text={}", encoded(&list));
    assert!(form.len() > 128 * 1024, "more than any other form may have");
    let looked = browser.post("/actions/accounts/import", &form).await;
    let preview = browser.get(looked.header("location")).await.body;
    assert!(preview.contains("Import 2\u{202f}000 accounts"));
    let value = |name: &str| {
        let after = preview.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    };
    let form = format!("draft={}&fingerprint={}", value("draft"), value("fingerprint"));
    let done = browser.post("/actions/accounts/import-apply", &form).await;
    assert_eq!(done.header("location"), "/admin/accounts");
    let page = browser.get("/admin/accounts").await.body;
    assert!(page.contains("2\u{202f}000 accounts") && page.contains("2000 new, 0 changed"), "{page}");
    let elsewhere = format!("id={}", "1".repeat(70 * 1024));
    let refused = browser.post("/actions/accounts/delete", &elsewhere).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "other forms stay small");
}

#[tokio::test]
async fn an_access_administrator_without_accounts_finds_nothing_and_changes_nothing() {
    let site = Site::new().await;
    let account = AccountInput { id: "111122223333".into(), name: "Hidden".into(), ..AccountInput::default() };
    site.world.services.accounts.create(&site.world.operator(), &account).await.unwrap();
    let someone = site.world.enrolled("sam").await;
    site.world.give_role(someone.id, Role::AccessAdmin, false).await;
    let mut browser = browser(&site, "sam", &someone.secret).await;
    let list = browser.get("/admin/accounts").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(!list.body.contains("Hidden") && !list.body.contains("/admin/accounts/new"), "(AUTHZ-04)");
    assert_eq!(browser.get("/admin/accounts/111122223333").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/admin/accounts/111122223333/edit").await.status, StatusCode::FORBIDDEN);
    let post = browser.post("/actions/accounts/delete", "id=111122223333").await;
    assert_eq!(post.status, StatusCode::FORBIDDEN);
}

/// Whether the box of this name is ticked on a page.
fn is_ticked(page: &str, name: &str) -> bool {
    let (_, from) = page.split_once(&format!("id=\"f-{name}\"")).unwrap();
    from.split('>').next().unwrap().contains("checked")
}

#[tokio::test]
async fn an_application_is_made_assigned_and_opened_from_the_portal() {
    let site = Site::new().await;
    let mut browser = administrator(&site, "adam").await;
    let refused = browser
        .post("/actions/applications/create", "name=Wiki&start_url=javascript%3Aalert(1)&enabled=on&visible=on")
        .await;
    assert_eq!(refused.header("location"), "/admin/applications/new");
    let again = browser.get("/admin/applications/new").await.body;
    assert!(again.contains("id=\"f-start_url-error\"") && again.contains("value=\"javascript:alert(1)\""), "{again}");
    let boxes = ["enabled", "visible", "everyone"].map(|name| is_ticked(&again, name));
    assert_eq!(boxes, [true, true, false], "as they were sent");
    browser.post("/actions/applications/create", "name=Wiki&start_url=x&everyone=on").await;
    let again = browser.get("/admin/applications/new").await.body;
    assert_eq!(["enabled", "visible", "everyone"].map(|name| is_ticked(&again, name)), [false, false, true]);
    let form = format!("name={}&start_url=https%3A%2F%2Fwiki.example.com%2F&enabled=on&visible=on", encoded(AWKWARD));
    let made = browser.post("/actions/applications/create", &form).await;
    let place = made.header("location").to_owned();
    let id = place.rsplit('/').next().unwrap();
    assert!(id.starts_with("apl-"), "{place}");

    let alice = site.world.person("alice").await;
    let grant = site.world.sign_in("alice").await.session;
    let mut portal = site.browser_with(&grant);
    assert!(portal.get("/start/applications").await.body.contains("You have no applications yet"));
    let assigned =
        browser.post("/actions/applications/assign", &format!("id={id}&kind=user&who={alice}&name=alice")).await;
    assert_eq!(assigned.header("location"), place);
    assert!(browser.get(&place).await.body.contains("alice may use the application now."));
    let tiles = portal.get("/start/applications").await.body;
    assert!(tiles.contains("href=\"https://wiki.example.com/\"") && !tiles.contains("<b>"), "{tiles}");

    browser.post("/actions/applications/update", &format!("id={id}&version=1&name=Wiki&visible=on&enabled=on")).await;
    let tiles = portal.get("/start/applications").await.body;
    assert!(tiles.contains("Not configured yet") && !tiles.contains("class=\"tile\" href"), "never a dead link");
    browser.post("/actions/applications/update", &format!("id={id}&version=2&name=Wiki&visible=on")).await;
    assert!(!portal.get("/start/applications").await.body.contains("Wiki"), "disabled ones are not shown");
}
