//! The session's cookie from the first step to the last, as a browser sees it.

use axum::http::{StatusCode, header};
use domain::identity::administrators::Grant;
use domain::identity::test_people::{PASSWORD, code_at};
use model::Role;

use super::{Site, get};

#[tokio::test]
async fn a_sign_in_gives_a_cookie_and_a_sign_out_takes_it() {
    let site = Site::new().await;
    site.world.person("alice").await;
    let mut browser = site.browser();
    let answer = browser.get("/start").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/start/sign-in"));
    let answer = browser.get("/me/profile").await;
    assert_eq!(answer.header("location"), "/start/sign-in?next=%2Fme%2Fprofile");

    let refused = browser.post("/actions/sign-in/password", "username=alice&password=wrong&next=").await;
    assert_eq!((refused.status, refused.header("location")), (StatusCode::SEE_OTHER, "/start/sign-in"));
    assert!(refused.cookie("vestibule").is_none());

    let answer = browser
        .post("/actions/sign-in/password", &format!("username=alice&password={PASSWORD}&next=%2Fme%2Fprofile"))
        .await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/me/profile"));
    let cookie = answer.cookie("vestibule").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie} (SESS-01)"
    );
    assert!(answer.cookie("vestibule-device").unwrap().contains("HttpOnly"));
    assert_eq!(browser.get("/me/profile").await.status, StatusCode::OK);
    assert!(
        browser.get("/me/profile").await.cookies().iter().all(|cookie| !cookie.starts_with("vestibule=")),
        "no needless cookies"
    );

    let kept = browser.jar.clone();
    let answer = browser.post("/actions/sign-in/out", "").await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/start/sign-in"));
    assert!(!browser.jar.contains_key("vestibule"), "the cookie is taken");
    browser.jar = kept;
    assert_eq!(browser.get("/me/profile").await.status, StatusCode::SEE_OTHER, "a kept cookie opens nothing (SESS-07)");
    assert_eq!(
        browser.post("/actions/me/zone", "zone=UTC").await.header("location"),
        "/start/sign-in",
        "SESS-07, SESS-23"
    );
}

#[tokio::test]
async fn each_step_changes_the_token_and_opens_only_its_own_page() {
    let site = Site::new().await;
    let alice = site.world.enrolled("alice").await;
    let mut browser = site.browser();
    let answer = browser
        .post("/actions/sign-in/password", &format!("username=alice&password={PASSWORD}&next=%2Fme%2Fsecurity"))
        .await;
    assert_eq!(answer.header("location"), "/start/second-factor");
    let half = browser.jar.get("vestibule").cloned().unwrap();
    for path in [
        "/start",
        "/me/profile",
        "/me/security",
        "/admin",
        "/admin/users",
        "/start/enrol",
        "/start/new-password",
        "/start/confirm",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/start/second-factor"),
            "{path} (MFA-07)"
        );
    }
    assert_eq!(browser.get("/start/second-factor").await.status, StatusCode::OK);
    let wrong = browser.post("/actions/sign-in/code", "code=000000").await;
    assert_eq!(wrong.header("location"), "/start/second-factor");
    let code = code_at(&alice.secret, site.world.clock.now());
    let answer = browser.post("/actions/sign-in/code", &format!("code={}", code.expose())).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/me/security"));
    assert_ne!(browser.jar.get("vestibule"), Some(&half), "SESS-02");
    let mut old = site.browser();
    old.jar.insert("vestibule".to_owned(), half);
    assert_eq!(
        old.get("/start/second-factor").await.header("location"),
        "/start/sign-in",
        "the former token is dead (SESS-02)"
    );
}

#[tokio::test]
async fn sessions_end_by_idleness_and_by_age() {
    let site = Site::new().await;
    site.world.person("alice").await;
    let progress = site.world.sign_in("alice").await;
    let mut browser = site.browser_with(&progress.session);
    let minute = 60_000;
    for _ in 0..8 {
        assert_eq!(browser.get("/start").await.status, StatusCode::OK);
        site.world.clock.advance(59 * minute);
    }
    assert_eq!(
        browser.get("/start").await.status,
        StatusCode::OK,
        "seven hours and 52 minutes, never idle for an hour"
    );
    site.world.clock.advance(9 * minute);
    assert_eq!(browser.get("/start").await.status, StatusCode::SEE_OTHER, "eight hours are over (SESS-05)");
    let progress = site.world.sign_in("alice").await;
    let mut browser = site.browser_with(&progress.session);
    site.world.clock.advance(61 * minute);
    assert_eq!(browser.get("/start").await.status, StatusCode::SEE_OTHER, "idle for an hour (SESS-05)");
}

#[tokio::test]
async fn cookies_that_are_no_tokens_are_nobody() {
    let site = Site::new().await;
    for value in
        ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", &"A".repeat(5000), "../..", "\"quoted\"", "a=b"]
    {
        let mut request = get("/start");
        request.headers_mut().insert(header::COOKIE, format!("vestibule={value}").parse().unwrap());
        let answer = site.send(request).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/start/sign-in"), "{value}");
    }
}

#[tokio::test]
async fn next_leads_only_to_places_of_this_site() {
    let site = Site::new().await;
    site.world.person("alice").await;
    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2Fa%0d%0aSet-Cookie:x",
        "javascript:alert(1)",
        "%2F%252f%2Fevil",
    ] {
        let answer = site
            .browser()
            .post("/actions/sign-in/password", &format!("username=alice&password={PASSWORD}&next={next}"))
            .await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/start"), "{next} (PW-34)");
    }
}

#[tokio::test]
async fn while_the_database_is_away_nobody_loses_their_cookie() {
    let site = Site::new().await;
    site.world.person("alice").await;
    let progress = site.world.sign_in("alice").await;
    let mut browser = site.browser_with(&progress.session);
    site.world.services.clone().close().await;
    let answer = browser.get("/start").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "DB-15");
    assert!(answer.cookies().is_empty(), "the session may be alive");
}

#[tokio::test]
async fn a_promoted_person_adds_a_factor_and_is_an_administrator_at_once() {
    let site = Site::new().await;
    let alice = site.world.person("alice").await;
    let progress = site.world.sign_in("alice").await;
    let mut browser = site.browser_with(&progress.session);
    let before = browser.jar.get("vestibule").cloned();
    site.world
        .services
        .administrators
        .grant_user(&site.world.operator(), alice, &Grant::of(Role::Owner))
        .await
        .unwrap();
    assert_eq!(browser.get("/admin/settings").await.status, StatusCode::FORBIDDEN, "the role sleeps without a factor");
    let call = site.world.with_token(&progress.session.token).await;
    let offer = site.world.services.me.add_totp_begin(&call).await.unwrap();
    let code = code_at(&offer.secret, site.world.clock.now());
    let form = format!("ceremony={}&code={}&name=Phone", offer.ceremony, code.expose());
    let added = browser.post("/actions/me/add-app", &form).await;
    assert_eq!((added.status, added.header("location")), (StatusCode::SEE_OTHER, "/me/recovery-codes"));
    assert_ne!(browser.jar.get("vestibule").cloned(), before, "SESS-02");
    let shown = browser.get("/me/recovery-codes").await.body;
    let codes = shown.split("class=\"codes").nth(1).and_then(|rest| rest.split("</ol>").next()).unwrap_or_default();
    assert_eq!(codes.matches("<li>").count(), 10, "{shown}");
    assert_eq!(browser.get("/admin/settings").await.status, StatusCode::OK, "nothing else is asked");
}
