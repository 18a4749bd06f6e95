//! Webhooks on their pages: added with a secret that is shown once, paused, removed; and what the audit log shows of it.

use axum::http::StatusCode;
use model::Role;

use super::{Browser, Site};

const STREAMS: &str = "/admin/settings/streams";

async fn owner(site: &Site) -> Browser<'_> {
    let olga = site.world.enrolled("olga").await;
    site.world.give_role(olga.id, Role::Owner, false).await;
    let grant = site.world.sign_in_strongly("olga", &olga.secret).await.session;
    site.browser_with(&grant)
}

/// A page without the marks between its parts.
async fn read(browser: &mut Browser<'_>, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.body.replace("<!>", "")
}

/// The text between two others.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {rest}")).0
}

#[tokio::test]
async fn a_webhook_is_added_shown_once_paused_and_removed() {
    let site = Site::new().await;
    let mut browser = owner(&site).await;
    assert!(browser.get(STREAMS).await.body.contains("None yet"));

    for (url, events, field) in [
        ("http%3A%2F%2F1.1.1.1%2F", "*", "f-url-error"),
        ("https%3A%2F%2F10.0.0.1%2F", "*", "f-url-error"),
        ("https%3A%2F%2F1.1.1.1%2F", "no-such-name", "f-events-error"),
    ] {
        let form = format!("url={url}&events={events}");
        let refused = browser.post("/actions/settings/webhook-add", &form).await;
        let form = format!("{STREAMS}/new");
        assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, form.as_str()));
        let again = browser.get(&form).await;
        assert!(again.body.contains(field), "{url} {events}: {}", again.body);
        assert!(again.body.contains("1.1.1.1") || again.body.contains("10.0.0.1"), "what was typed stays");
    }

    let form = "url=https%3A%2F%2F1.1.1.1%2Fhook&events=CreateUser%2C+DeleteUser";
    let added = browser.post("/actions/settings/webhook-add", form).await;
    let once = added.header("location").to_owned();
    let shown = browser.get(&once).await;
    assert_eq!(shown.status, StatusCode::OK);
    let secret = between(between(&shown.body, "class=\"secret\"", "</div>"), "<code>", "</code>").to_owned();
    assert!(secret.len() >= 43, "{secret}");
    let again = browser.get(&once).await;
    assert_eq!((again.status, again.header("location")), (StatusCode::SEE_OTHER, STREAMS), "the secret is shown once");
    let list = browser.get(STREAMS).await.body;
    assert!(list.contains("https://1.1.1.1/hook") && list.contains("CreateUser, DeleteUser"));
    assert!(!list.contains(&secret));

    let id = once.trim_start_matches(STREAMS).trim_start_matches('/').trim_end_matches("/secret").to_owned();
    browser.post("/actions/settings/webhook-pause", &format!("id={id}")).await;
    let paused = browser.get(STREAMS).await.body;
    assert!(paused.contains("Paused") && paused.contains("/actions/settings/webhook-resume"));
    browser.post("/actions/settings/webhook-resume", &format!("id={id}")).await;
    assert!(browser.get(STREAMS).await.body.contains("goes on"));
    let question = browser.get(&format!("{STREAMS}/{id}/remove")).await;
    assert!(question.status == StatusCode::OK && question.body.contains("/actions/settings/webhook-remove"));
    browser.post("/actions/settings/webhook-remove", &format!("id={id}")).await;
    assert!(browser.get(STREAMS).await.body.contains("None yet"));
    assert_eq!(browser.get(&format!("{STREAMS}/{id}/remove")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn syslog_is_set_by_its_form_and_refused_at_its_field() {
    let site = Site::new().await;
    let mut browser = owner(&site).await;
    let version = |body: &str| between(body, "name=\"version\" value=\"", "\"").to_owned();
    let page = browser.get(STREAMS).await.body;
    let form = format!("version={}&syslog=logs.example.com", version(&page));
    browser.post("/actions/settings/syslog", &form).await;
    let refused = browser.get(STREAMS).await.body;
    assert!(refused.contains("f-syslog-error") && refused.contains("logs.example.com"));
    let form = format!("version={}&syslog=tcp%3A%2F%2F1.1.1.1%3A6514", version(&refused));
    browser.post("/actions/settings/syslog", &form).await;
    let saved = browser.get(STREAMS).await.body;
    assert!(saved.contains("saved") && saved.contains("tcp://1.1.1.1:6514"));
    let stale = browser.post("/actions/settings/syslog", &form).await;
    assert_eq!(stale.header("location"), STREAMS);
    assert!(browser.get(STREAMS).await.body.contains("Somebody else changed"));
}

#[tokio::test]
async fn an_entry_of_the_log_has_a_page_with_before_and_after() {
    let site = Site::new().await;
    let mut browser = owner(&site).await;
    let form = "url=https%3A%2F%2F1.1.1.1%2Fcanary&events=*";
    let added = browser.post("/actions/settings/webhook-add", form).await;
    let id = added.header("location").split('/').nth(4).unwrap().to_owned();
    browser.post("/actions/settings/webhook-pause", &format!("id={id}")).await;

    let log = read(&mut browser, "/admin/audit?action=UpdateWebhook").await;
    let place = format!("/admin/audit/{}", between(between(&log, "<tbody>", "</tbody>"), "href=\"/admin/audit/", "\""));
    let entry = read(&mut browser, &place).await;
    assert!(entry.contains("<del><bdi>No") && entry.contains("<ins><bdi>Yes"), "before and after: {entry}");
    for part in ["Unbroken", "UpdateWebhook", &id, "olga", "192.0.2.7"] {
        assert!(entry.contains(part), "{part}");
    }
    assert!(!entry.contains("canary"), "an address may hold a token");
    let request = between(&entry, "Request</dt><dd><code>", "</code>");
    let of_request = read(&mut browser, &format!("/admin/audit?request={request}")).await;
    assert!(of_request.contains(&place), "entries are found by their request");
    let unknown = browser.get("/admin/audit/01940000-0000-7000-8000-000000000000").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_menu_calls_people_as_they_like_and_leads_back_to_the_portal() {
    let site = Site::new().await;
    let mut browser = owner(&site).await;
    browser.post("/actions/me/profile", "display_name=Olga+O.&given_name=Olga&family_name=Owner").await;
    let page = read(&mut browser, "/admin").await;
    let who = between(&page, "class=\"menu-who\"", "</a>");
    assert!(who.contains("Olga O.") && who.contains("olga"), "{who}");
    let side = between(&page, "id=\"side\"", "</nav>");
    assert!(side.contains("href=\"/start\""), "{side}");
    let sessions = between(&page, "href=\"/admin/sessions\" class=\"tile\"><strong>", "</strong>");
    assert_eq!(sessions, "1");
}
