//! The pages of permission sets without scripts: what was typed is never lost, and what is wrong stands beside it.

use axum::http::StatusCode;
use domain::access::permission_sets::PermissionSetInput;
use domain::identity::test_people::code_at;
use model::{PermissionSetId, Role};

use super::{Browser, Site};

/// A site with an administrator in a browser.
async fn administrator(site: &Site) -> Browser<'_> {
    let someone = site.world.enrolled("admin").await;
    site.world.give_role(someone.id, Role::Admin, false).await;
    site.world.clock.advance(31_000);
    let first = site.world.sign_in("admin").await;
    let call = site.world.with_token(&first.session.token).await;
    let code = code_at(&someone.secret, site.world.clock.now());
    let grant = site.world.services.sign_in.code(&call, &code).await.unwrap().session;
    site.browser_with(&grant)
}

async fn a_set(site: &Site, name: &str) -> PermissionSetId {
    let input = PermissionSetInput::named(name);
    site.world.services.permission_sets.create(&site.world.operator(), &input).await.unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn a_wrong_policy_comes_back_whole_with_what_is_wrong() {
    let site = Site::with_patience().await;
    let mut browser = administrator(&site).await;
    let id = a_set(&site, "Editor").await;
    let wrong = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{\"Effect\": \"allow\", \"Action\": \"<b>\", \"Resource\": \"*\"}]\n}";
    let form = |version: i64, text: &str| format!("id={id}&version={version}&inline_policy={}", encoded(text));
    // As browsers send line ends.
    let answer = browser.post("/actions/permission-sets/policy", &form(1, &wrong.replace('\n', "\r\n"))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for part in [
        "Line 3, column 28",
        "Statement[0].Effect",
        "must be Allow or Deny",
        "Line 3, column 47",
        "Statement[0].Action",
        "&quot;allow&quot;",
        "aria-invalid=\"true\"",
    ] {
        assert!(answer.body.contains(part) || answer.body.contains(&part.replace("&quot;", "\"")), "{part}");
    }
    assert!(!answer.body.contains("<b>"), "what was typed is text");
    assert!(answer.body.contains("&lt;b&gt;"), "nothing is lost");
    assert!(answer.body.contains("/static/policy."), "the editor runs on this answer too");

    let right = wrong.replace("allow", "Allow").replace("<b>", "s3:*");
    let answer = browser.post("/actions/permission-sets/policy", &form(1, &right)).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, &*format!("/admin/permission-sets/{id}"))
    );
    let view = site.world.services.permission_sets.get(&site.world.operator(), id).await.unwrap();
    assert_eq!(view.row.set.to_input().inline_policy.unwrap().as_str(), right);

    let answer = browser
        .post("/actions/permission-sets/policy", &form(1, &wrong.replace("allow", "Deny").replace("<b>", "*")))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "somebody else changed it");
    assert!(answer.body.contains("Deny"), "and still nothing is lost");
    let answer = browser.post("/actions/permission-sets/policy", &form(2, " ")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let view = site.world.services.permission_sets.get(&site.world.operator(), id).await.unwrap();
    assert!(view.row.set.to_input().inline_policy.is_none(), "empty removes it");
}

#[tokio::test]
async fn what_is_said_while_typing_is_what_is_said_when_posted() {
    let site = Site::with_patience().await;
    let mut browser = administrator(&site).await;
    let form = format!("inline_policy={}", encoded("{\"Version\": \"2012-10-18\"}"));
    let answer = browser.post("/actions/permission-sets/policy-check", &form).await;
    assert_eq!(answer.status, StatusCode::OK);
    let report: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(report["findings"][0]["path"], "Version");
    assert_eq!((&report["findings"][0]["line"], &report["findings"][0]["column"]), (&1.into(), &13.into()));
    assert_eq!((&report["size"], &report["most"]), (&24.into(), &10_240.into()));
}

#[tokio::test]
async fn the_largest_policy_fits_into_its_form_and_into_no_other() {
    let site = Site::with_patience().await;
    let mut browser = administrator(&site).await;
    let id = a_set(&site, "Large").await;
    let small = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
    let text = format!("{small}{}", " ".repeat(model::iam::LONGEST - small.len()));
    let answer = browser
        .post("/actions/permission-sets/policy", &format!("id={id}&version=1&inline_policy={}", encoded(&text)))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let long = "x".repeat(65_000);
    let answer = browser.post("/actions/permission-sets/clone", &format!("id={id}&name={long}{long}")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_form_with_several_faults_names_all_of_them_and_keeps_what_was_typed() {
    let site = Site::with_patience().await;
    let mut browser = administrator(&site).await;
    let form = "name=Bad+Name&description=Kept+words&session_duration=13h&managed_policies=ReadOnly&tags=nothing%3D1%0D%0Aaws%3Ax%3D2";
    let answer = browser.post("/actions/permission-sets/create", form).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for part in
        ["f-name-error", "f-session_duration-error", "f-managed_policies-error", "f-tags-error", "Kept words", "13h"]
    {
        assert!(answer.body.contains(part), "{part}");
    }
    let good = "name=GoodName&session_duration=90m&managed_policies=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess&tags=team%3Dcore";
    let answer = browser.post("/actions/permission-sets/create", good).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let id = answer.header("location").rsplit('/').next().unwrap().to_owned();
    let page = browser.get(answer.header("location")).await;
    for part in
        ["GoodName", "1h 30m", "arn:aws:iam::aws:policy/ReadOnlyAccess", "Assigned to nobody", "Permission set created"]
    {
        assert!(page.body.contains(part), "{part}");
    }
    let answer = browser.post("/actions/permission-sets/create", good).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("is the name of another permission set"));
    let changed = format!("id={id}&version=1&description=Changed&session_duration=PT2H&require_fresh_factor=on");
    let answer = browser.post("/actions/permission-sets/update", &changed).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let page = browser.get(answer.header("location")).await;
    assert!(page.body.contains("Changed") && page.body.contains("2h"));
    let answer = browser.post("/actions/permission-sets/update", &changed.replace("PT2H", "tomorrow")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("tomorrow") && !answer.body.contains("f-name-error"), "only what is wrong");
    let list = browser.get("/admin/permission-sets?search=good").await;
    assert!(list.body.contains("GoodName"));
}
