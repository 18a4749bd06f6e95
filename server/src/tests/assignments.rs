//! Assigning through the real router: the forms of the wizard without scripts, and hand-made requests of somebody who may assign in a
//! part of the organisation only.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use domain::PageRequest;
use domain::access::Principal;
use domain::access::accounts::AccountInput;
use domain::access::assignments::{GrantsFilter, GrantsOf, Proposal};
use domain::access::permission_sets::PermissionSetInput;
use domain::identity::administrators::Grant;
use model::{AccountTarget, GroupId, PermissionSetId, Role, Timestamp, UserId};

use super::{Answer, Browser, Site};

const PROD: &str = "111122223333";
const TEST: &str = "222233334444";
const SANDBOX: &str = "333344445555";

/// Three accounts, one of them outside of `/workloads`; a permission set; Ann, who is in the group Engineers.
struct Place {
    site: Site,
    set: PermissionSetId,
    ann: UserId,
    engineers: GroupId,
}

impl Place {
    async fn new() -> Self {
        let site = Site::with_patience().await;
        let operator = site.world.operator();
        let services = &site.world.services;
        for (id, name, path) in
            [(PROD, "Production", "/workloads/prod"), (TEST, "Test", "/workloads/test"), (SANDBOX, "Sandbox", "/")]
        {
            let account =
                AccountInput { id: id.into(), name: name.into(), path: path.into(), ..AccountInput::default() };
            services.accounts.create(&operator, &account).await.unwrap();
        }
        let set = services.permission_sets.create(&operator, &PermissionSetInput::named("ReadOnly")).await.unwrap();
        let ann = site.world.person("ann").await;
        let engineers = services.groups.create(&operator, "Engineers", "").await.unwrap();
        services.groups.add_member(&operator, engineers, ann).await.unwrap();
        Self { site, set, ann, engineers }
    }

    /// A browser of somebody with a role; access administration reaches `/workloads/**`.
    async fn browser(&self, name: &str, role: Role) -> (UserId, Browser<'_>) {
        let someone = self.site.world.enrolled(name).await;
        let scope =
            if role == Role::AccessAdmin { vec![AccountTarget::parse("/workloads/**").unwrap()] } else { vec![] };
        let grant = Grant::of(role).within(scope);
        let operator = self.site.world.operator();
        self.site.world.services.administrators.grant_user(&operator, someone.id, &grant).await.unwrap();
        let progress = self.site.world.sign_in_strongly(name, &someone.secret).await;
        (someone.id, self.site.browser_with(&progress.session))
    }

    /// Gives the set by the command line of the server; says which change that was.
    async fn give(&self, target: &str, principal: Principal, days: Option<i64>) -> String {
        let operator = self.site.world.operator();
        let proposal = Proposal {
            targets: [AccountTarget::parse(target).unwrap()].into(),
            principals: [principal].into(),
            sets: [self.set].into(),
            expires: days.map(|days| self.site.world.clock.now().plus(days * Timestamp::DAY)),
            ..Proposal::default()
        };
        let assignments = &self.site.world.services.assignments;
        let review = assignments.plan(&operator, &proposal).await.unwrap();
        assignments.apply(&operator, &proposal, &review.digest).await.unwrap().change.unwrap()
    }

    /// Every assignment: its id and its end by whom and where.
    async fn stored(&self) -> BTreeMap<String, (String, Option<Timestamp>)> {
        let operator = self.site.world.operator();
        let assignments = &self.site.world.services.assignments;
        let page = PageRequest { size: Some(200), ..PageRequest::default() };
        let page = assignments.list(&operator, GrantsOf::Everybody, &GrantsFilter::default(), &page).await.unwrap();
        let rows = page.rows.into_iter();
        rows.map(|row| (format!("{} {}", row.named.name, row.target), (row.id.to_string(), row.expires))).collect()
    }
}

fn encoded(text: &str) -> String {
    app::address::encode(text)
}

/// The value of a hidden field.
fn value(page: &str, name: &str) -> String {
    let after = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
    after.split('"').next().unwrap().to_owned()
}

/// The draft that an answer leads to.
fn draft(answer: &Answer) -> String {
    let place = answer.header("location");
    assert!(place.starts_with("/admin/assignments/new?draft="), "{} {place}", answer.status);
    place.split("draft=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

/// The fields with which a notice offers the way back.
fn undo(page: &str) -> String {
    let form = page.split("class=\"notice good\"").nth(1).and_then(|rest| rest.split("</form>").next()).unwrap();
    format!("change={}&next={}", value(form, "change"), encoded(&value(form, "next")))
}

#[tokio::test]
async fn steps_lead_to_a_change_that_its_notice_takes_back() {
    let place = Place::new().await;
    let (_, mut browser) = place.browser("adam", Role::Admin).await;
    let group = place.engineers;
    let begun = format!("group={group}&next={}", encoded(&format!("/admin/groups/{group}/access")));
    let begun = browser.post("/actions/assignments/begin", &begun).await;
    let draft = draft(&begun);
    let next = encoded(begun.header("location"));
    let choose = |what: String| format!("draft={draft}&next={next}&{what}");

    // Ticked, by a search for all, by path; and one taken out again.
    for form in [
        choose(format!("pick%5B0%5D=account:{PROD}&pick%5B7%5D=account:{SANDBOX}")),
        choose("all=on&search=test".to_owned()),
        choose(format!("account={}", encoded("/later/**"))),
        choose(format!("pick%5B0%5D=set:{}", place.set)),
    ] {
        let chosen = browser.post("/actions/assignments/choose", &form).await;
        assert_eq!(chosen.status, StatusCode::SEE_OTHER, "{form}");
        assert!(chosen.header("location").ends_with("#chosen"));
    }
    browser.post("/actions/assignments/drop", &choose(format!("pick%5B0%5D=account:{SANDBOX}"))).await;
    let page = browser.get(begun.header("location")).await.body;
    assert!(
        page.contains("Chosen: 3") && page.contains("<code>/later/**</code>") || page.contains("/later/**"),
        "{page}"
    );

    let terms = format!("draft={draft}&purpose=grant&until=7d&reason=ticket+4711");
    let review = browser.post("/actions/assignments/terms", &terms).await;
    let page = browser.get(review.header("location")).await.body;
    for part in [
        "1 person gains access.",
        "Gains 2",
        "Give 3 assignments",
        "No account stands in /later/** now.",
        "ticket 4711",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let applied =
        browser.post("/actions/assignments/apply", &format!("draft={draft}&digest={}", value(&page, "digest"))).await;
    assert_eq!(applied.header("location"), format!("/admin/groups/{group}/access"), "where it was begun");
    let week = place.site.world.clock.now().plus(7 * Timestamp::DAY);
    let stored = place.stored().await;
    assert_eq!(stored.len(), 3);
    assert!(stored.values().all(|(_, end)| *end == Some(week)));

    let page = browser.get(applied.header("location")).await.body;
    assert!(page.contains("3 assignments changed."), "{page}");
    let undone = browser.post("/actions/assignments/undo", &undo(&page)).await;
    assert_eq!(undone.header("location"), format!("/admin/groups/{group}/access"));
    assert!(place.stored().await.is_empty());
    let again = browser.get(&format!("/admin/assignments/new?draft={draft}&step=review")).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(again.body.contains("This was applied already"), "who goes back finds the beginning");
}

#[tokio::test]
async fn what_would_do_something_else_by_now_comes_back_as_it_is_now() {
    let place = Place::new().await;
    let (_, mut browser) = place.browser("adam", Role::Admin).await;
    let begun = browser.post("/actions/assignments/begin", &format!("account={PROD}&set={}", place.set)).await;
    let draft = draft(&begun);
    let chosen = format!("draft={draft}&pick%5B0%5D=group:{}", place.engineers);
    browser.post("/actions/assignments/choose", &chosen).await;
    let terms = format!("draft={draft}&purpose=grant&until=30d&reason=because+of+{}", encoded("\u{201e}4711\u{201c}"));
    let review = browser.post("/actions/assignments/terms", &terms).await;
    let seen = browser.get(review.header("location")).await.body;
    assert!(seen.contains("1 person gains access."));

    let bob = place.site.world.person("bob").await;
    let operator = place.site.world.operator();
    place.site.world.services.groups.add_member(&operator, place.engineers, bob).await.unwrap();
    let apply = |page: &str| format!("draft={draft}&digest={}", value(page, "digest"));
    let refused = browser.post("/actions/assignments/apply", &apply(&seen)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    for part in
        ["Something changed meanwhile", "2 people gain access.", "because of \u{201e}4711\u{201c}", "Production"]
    {
        assert!(refused.body.contains(part), "{part} in {}", refused.body);
    }
    assert!(place.stored().await.is_empty());
    let applied = browser.post("/actions/assignments/apply", &apply(&refused.body)).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "what is shown now can be applied");
    assert_eq!(place.stored().await.len(), 1);
}

#[tokio::test]
async fn a_bad_field_is_named_and_nothing_that_was_typed_is_lost() {
    let place = Place::new().await;
    let (_, mut browser) = place.browser("adam", Role::Admin).await;
    let draft = draft(&browser.post("/actions/assignments/begin", "").await);
    for (form, said) in [
        ("account=%2Fworkloads%2F%2A%2A%2Fx", "Account may contain * or ** only as its last part."),
        ("account=999999999999", "999999999999 is unknown here or out of your reach"),
        ("account=", "The list has nothing ticked."),
        ("pick%5B0%5D=place:1", "The list must be one of the choices."),
    ] {
        let refused = browser.post("/actions/assignments/choose", &format!("draft={draft}&{form}")).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER, "{form}");
        let page = browser.get(refused.header("location")).await.body;
        assert!(page.contains(said), "{form}: {said} in {page}");
    }
    let refused = browser.post("/actions/assignments/choose", &format!("draft={draft}&account=nonsense")).await;
    let page = browser.get(refused.header("location")).await.body;
    assert!(page.contains("id=\"f-account-error\"") && page.contains("value=\"nonsense\""), "{page}");

    let long = "\u{fc}".repeat(501);
    for (form, field, kept) in [
        ("purpose=grant&until=date&expires=2020-01-01T10%3A00&reason=kept".to_owned(), "expires", "value=\"kept\""),
        ("purpose=grant&until=date&expires=tomorrow&reason=kept".to_owned(), "expires", "value=\"kept\""),
        (format!("purpose=grant&until=never&reason={}", encoded(&long)), "reason", long.as_str()),
    ] {
        let refused = browser.post("/actions/assignments/terms", &format!("draft={draft}&{form}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field}");
        assert!(refused.body.contains(&format!("id=\"f-{field}-error\"")), "{field} in {}", refused.body);
        assert!(refused.body.contains(kept), "{field}");
    }
    for form in ["purpose=steal", "purpose=grant&until=forever"] {
        let refused = browser.post("/actions/assignments/terms", &format!("draft={draft}&{form}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{form}");
    }
    let page = browser.get(&format!("/admin/assignments/new?draft={draft}&step=review")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Accounts must be chosen."), "the step that is missing is named");
    let refused = browser.post("/actions/assignments/apply", &format!("draft={draft}&digest=x")).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    for (path, form) in [
        ("/actions/assignments/choose", "draft=x&pick%5B0%5D=account:111122223333".to_owned()),
        ("/actions/assignments/apply", "draft=x&digest=x".to_owned()),
        ("/actions/assignments/undo", "change=x".to_owned()),
        ("/actions/assignments/change", format!("id={}&purpose=revoke", place.ann)),
    ] {
        assert_eq!(browser.post(path, &form).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_ends_soon_is_renewed_as_it_is_ticked_or_as_a_whole() {
    let place = Place::new().await;
    let ann = Principal::User(place.ann);
    place.give(PROD, ann, Some(3)).await;
    place.give(TEST, ann, Some(5)).await;
    place.give(SANDBOX, ann, None).await;
    let (_, mut browser) = place.browser("adam", Role::Admin).await;
    let page = browser.get("/admin/assignments/expiring").await.body;
    assert!(page.contains("2 assignments") && page.contains("Renew all 2") && !page.contains("Sandbox"), "{page}");
    assert!(browser.get("/admin/assignments").await.body.contains("2 assignments end within 14 days."));
    let nothing = browser.post("/actions/assignments/renew", "next=%2Fadmin%2Fassignments%2Fexpiring").await;
    assert!(browser.get(nothing.header("location")).await.body.contains("The list has nothing ticked."));

    let before = place.stored().await;
    let (id, test_end) = (&before[&format!("ann {PROD}")].0, before[&format!("ann {TEST}")].1);
    let now = place.site.world.clock.now();
    for (form, renewed) in [(format!("pick%5B0%5D={id}"), 1), ("all=on&days=90".to_owned(), 2)] {
        let draft = draft(&browser.post("/actions/assignments/renew", &form).await);
        let terms = format!("draft={draft}&purpose=alter&until=30d&reason=");
        let review = browser.post("/actions/assignments/terms", &terms).await;
        let page = browser.get(review.header("location")).await.body;
        let digest = value(&page, "digest");
        let applied = browser.post("/actions/assignments/apply", &format!("draft={draft}&digest={digest}")).await;
        assert_eq!(applied.status, StatusCode::SEE_OTHER, "{form}");
        let after = place.stored().await;
        let month = Some(now.plus(30 * Timestamp::DAY));
        assert_eq!(after.values().filter(|(_, end)| *end == month).count(), renewed, "{form}");
        if renewed == 1 {
            assert_eq!(after[&format!("ann {TEST}")].1, test_end, "what was not ticked stays");
        }
        assert_eq!(after[&format!("ann {SANDBOX}")].1, None);
    }
}

#[tokio::test]
async fn lists_are_searched_and_come_as_a_table_as_they_are_shown() {
    let place = Place::new().await;
    place.give(PROD, Principal::User(place.ann), None).await;
    place.give("/workloads/**", Principal::Group(place.engineers), Some(3)).await;
    let (_, mut browser) = place.browser("adam", Role::Auditor).await;
    for (query, shown, hidden) in [
        ("whom=ANN", ">ann<", "/workloads/**"),
        ("whom=engin", "/workloads/**", ">ann<"),
        ("account=produc", ">ann<", "/workloads/**"),
        ("account=%2Fwork", "/workloads/**", "no such thing"),
        ("set=readonly&whom=ann", ">ann<", "/workloads/**"),
    ] {
        let page = browser.get(&format!("/admin/assignments?{query}")).await.body;
        let list = page.split("<tbody>").nth(1).unwrap_or_else(|| panic!("{query}: {page}"));
        assert!(list.contains(shown) && !list.contains(hidden), "{query}: {list}");
    }
    let page = browser.get("/admin/assignments?set=100%25_").await.body;
    assert!(page.contains("No assignment found"), "signs of patterns are signs: {page}");
    let page = browser.get("/admin/assignments?whom=ann").await.body;
    let link = page.split("href=\"/admin/assignments/export").nth(1).unwrap().split('"').next().unwrap();
    for (query, lines) in [
        (link, 1),
        ("", 2),
        ("?ending=14", 1),
        (&*format!("?of=group:{}", place.engineers), 1),
        (&*format!("?of=set:{}&account=Production", place.set), 1),
        (&*format!("?of=account:{PROD}"), 2),
        (&*format!("?list=people&account={PROD}"), 2),
        (&*format!("?list=access&user={}", place.ann), 3),
    ] {
        let table = browser.get(&format!("/admin/assignments/export{query}")).await;
        assert_eq!(table.status, StatusCode::OK, "{query}");
        assert_eq!(table.body.lines().count(), lines + 1, "{query}: {}", table.body);
    }
    for query in ["?of=group:x", "?of=1", "?ending=soon", "?list=all", "?list=people", "?unknown=1"] {
        let refused = browser.get(&format!("/admin/assignments/export{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let explain = format!("/admin/explain?user={}&amp;account={PROD}&amp;set=ReadOnly", place.ann);
    for path in [format!("/admin/accounts/{PROD}/people"), format!("/admin/users/{}/access", place.ann)] {
        let page = browser.get(&path).await.body;
        assert!(page.contains(&explain) || page.contains(&explain.replace("&amp;", "&")), "{path} says why: {page}");
    }
}

#[tokio::test]
async fn hand_made_requests_reach_no_further_than_the_pages() {
    let place = Place::new().await;
    let ann = Principal::User(place.ann);
    let outside = place.give(SANDBOX, ann, Some(3)).await;
    place.give(PROD, ann, Some(3)).await;
    let (_, mut admin) = place.browser("adam", Role::Admin).await;
    let foreign = draft(&admin.post("/actions/assignments/begin", &format!("account={SANDBOX}")).await);
    let (lea, mut browser) = place.browser("lea", Role::AccessAdmin).await;
    let before = place.stored().await;

    // What is shown, on pages and as tables.
    for path in [
        "/admin/assignments".to_owned(),
        "/admin/assignments?account=Sandbox".to_owned(),
        "/admin/assignments/expiring?days=90".to_owned(),
        "/admin/assignments/changes".to_owned(),
        "/admin/assignments/export".to_owned(),
        "/admin/assignments/export?ending=90".to_owned(),
        format!("/admin/assignments/export?of=set:{}", place.set),
        format!("/admin/assignments/export?list=access&user={}", place.ann),
        format!("/admin/users/{}/access", place.ann),
        format!("/admin/permission-sets/{}/assignments", place.set),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.body.contains(SANDBOX), "{path} (AUTHZ-09)");
    }
    for path in [
        format!("/admin/accounts/{SANDBOX}/assignments"),
        format!("/admin/accounts/{SANDBOX}/people"),
        format!("/admin/assignments/export?of=account:{SANDBOX}"),
        format!("/admin/assignments/export?list=people&account={SANDBOX}"),
    ] {
        assert_eq!(browser.get(&path).await.status, StatusCode::FORBIDDEN, "{path} (AUTHZ-09)");
    }

    // What is there outside of one's reach is refused like what is not there.
    let mut answers = Vec::new();
    for account in [SANDBOX, "999999999999", "/**"] {
        let refused = browser.post("/actions/assignments/begin", &format!("account={}", encoded(account))).await;
        let page = browser.get(refused.header("location")).await.body;
        let said = page.split("role=\"alert\"").nth(1).and_then(|rest| rest.split("</div>").next()).unwrap();
        answers.push(said.replace(account, "it"));
    }
    assert!(answers[0].contains("it is unknown here or out of your reach"), "{answers:?}");
    assert!(answers.iter().all(|said| *said == answers[0]), "{answers:?} (AUTHZ-09)");
    let own = draft(&browser.post("/actions/assignments/begin", &format!("set={}", place.set)).await);
    for account in [SANDBOX.to_owned(), encoded("/*")] {
        let form = format!("draft={own}&pick%5B0%5D=account:{account}&pick%5B1%5D=user:{}", place.ann);
        browser.post("/actions/assignments/choose", &form).await;
    }
    browser.post("/actions/assignments/choose", &format!("draft={own}&all=on")).await;
    let page = browser.get(&format!("/admin/assignments/new?draft={own}&step=accounts")).await.body;
    assert!(
        page.contains("Chosen: 2") && !page.contains(SANDBOX),
        "all that is found is what is reached (AUTHZ-09): {page}"
    );

    // Nobody gives something to themselves by it, and nobody acts on what is elsewhere or somebody else's.
    browser.post("/actions/assignments/choose", &format!("draft={own}&pick%5B0%5D=user:{lea}")).await;
    let hidden = &before[&format!("ann {SANDBOX}")].0;
    for (path, form) in [
        ("/actions/assignments/apply", format!("draft={own}&digest=x")),
        ("/actions/assignments/change", format!("id={hidden}&purpose=revoke")),
        ("/actions/assignments/change", format!("id={hidden}&purpose=alter")),
        ("/actions/assignments/renew", format!("pick%5B0%5D={hidden}")),
        ("/actions/assignments/undo", format!("change={outside}")),
    ] {
        assert_eq!(browser.post(path, &form).await.status, StatusCode::FORBIDDEN, "{path} {form} (AUTHZ-09)");
    }
    let review = format!("/admin/assignments/new?draft={own}&step=review");
    assert_eq!(browser.get(&review).await.status, StatusCode::FORBIDDEN, "nobody raises their own rights (AUTHZ-09)");
    for (path, form) in [
        ("/actions/assignments/apply", format!("draft={foreign}&digest=x")),
        ("/actions/assignments/terms", format!("draft={foreign}&purpose=grant")),
        ("/actions/assignments/choose", format!("draft={foreign}&pick%5B0%5D=user:{lea}")),
        ("/actions/assignments/drop", format!("draft={foreign}&all=on")),
    ] {
        assert_eq!(browser.post(path, &form).await.status, StatusCode::NOT_FOUND, "{path} {form} (AUTHZ-03)");
    }
    let all = draft(&browser.post("/actions/assignments/renew", "all=on&days=90").await);
    let page = browser.get(&format!("/admin/assignments/new?draft={all}&step=terms")).await.body;
    assert!(page.contains(PROD) && !page.contains(SANDBOX), "(AUTHZ-09)");
    assert_eq!(place.stored().await, before, "nothing changed");
}
