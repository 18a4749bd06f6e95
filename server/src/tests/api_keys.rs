//! Keys of administrators on their pages: made with a secret that is shown once, listed without it, revoked.

use axum::http::StatusCode;
use model::Role;

use super::{Browser, Site};

const LIST: &str = "/admin/administrators";

async fn browser_of<'s>(site: &'s Site, name: &str, role: Role) -> Browser<'s> {
    let person = site.world.enrolled(name).await;
    site.world.give_role(person.id, role, false).await;
    let grant = site.world.sign_in_strongly(name, &person.secret).await.session;
    site.browser_with(&grant)
}

#[tokio::test]
async fn a_key_is_made_shown_once_listed_and_revoked() {
    let site = Site::new().await;
    let mut browser = browser_of(&site, "olga", Role::Owner).await;
    assert!(browser.get(LIST).await.body.contains("No administrator has a key"));

    for (form, field) in [
        ("user=nobody&role=owner", "f-user-error"),
        ("user=olga&role=admin", "f-role-error"),
        ("user=olga&role=owner&days=31", "f-days-error"),
    ] {
        let refused = browser.post("/actions/api-keys/create", form).await;
        assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, &*format!("{LIST}/keys/new")));
        let again = browser.get(refused.header("location")).await;
        assert!(again.body.contains(field), "{form}: {}", again.body);
    }

    let form = "user=olga&role=owner&description=nightly+%3Cb%3Eexport&days=90";
    let made = browser.post("/actions/api-keys/create", form).await;
    let once = made.header("location").to_owned();
    let id = once.trim_start_matches(LIST).trim_start_matches("/keys/").trim_end_matches("/secret").to_owned();
    assert!(id.starts_with("AKIA"), "{once}");
    let shown = browser.get(&once).await;
    assert_eq!(shown.status, StatusCode::OK);
    let secret = shown.body.split("class=\"secret\"").nth(1).and_then(|rest| rest.split("<code>").nth(1));
    let secret = secret.and_then(|rest| rest.split('<').next()).unwrap().to_owned();
    assert_eq!(secret.len(), 40, "{secret}");
    let again = browser.get(&once).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, LIST), "the secret is shown once");
    let list = browser.get(LIST).await.body;
    assert!(list.contains(&id) && list.contains("nightly &lt;b&gt;export") && list.contains("Active"), "{list}");
    assert!(!list.contains(&secret));

    let mut auditor = browser_of(&site, "audrey", Role::Auditor).await;
    let seen = auditor.get(LIST).await.body;
    assert!(seen.contains(&id) && !seen.contains("/keys/new") && !seen.contains("/revoke"), "looks, and no more");

    let question = browser.get(&format!("{LIST}/keys/{id}/revoke")).await;
    assert!(question.status == StatusCode::OK && question.body.contains("/actions/api-keys/revoke"));
    let gone = browser.post("/actions/api-keys/revoke", &format!("id={id}")).await;
    assert!(browser.get(gone.header("location")).await.body.contains("No administrator has a key"));
    assert_eq!(browser.get(&format!("{LIST}/keys/{id}/revoke")).await.status, StatusCode::NOT_FOUND);
}
