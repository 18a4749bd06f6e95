//! The portal as a browser without scripts sees it: what is shown, what is found, where links lead.

use axum::http::{Method, Request, StatusCode, header};
use domain::access::Principal;
use domain::identity::sign_in::SessionGrant;
use domain::identity::test_people::PASSWORD;
use model::{Role, UserId};

use super::{Browser, Site};

/// A name that breaks what is put together from text.
const STRANGE: &str = "\"Q&A\" <script>alert(1)</script> \u{5d0}\u{5d1}\u{5d2} \u{1f680}";

/// A star that is set, as the page writes it.
const STARRED: &str = "aria-pressed=\"true\" title=\"Favourite\"";

/// Alice with three accounts by a rule, Bob with none, and an account that is nobody's.
async fn stage(site: &Site) -> UserId {
    let world = &site.world;
    let (alice, _) = (world.person("alice").await, world.person("bob").await);
    for (id, name, path) in [
        ("111122223333", "Production", "/workloads/prod"),
        ("222233334444", "Development", "/workloads/dev"),
        ("333344445555", STRANGE, "/workloads/odd"),
        ("999999999999", "Nobody's", "/elsewhere"),
    ] {
        world.account(id, name, path).await;
    }
    let set = world.permission_set("ReadOnly").await;
    let team = world.group("Engineers", &[alice]).await;
    world.assign(Principal::Group(team), set, "/workloads/**").await;
    alice
}

async fn signed_in<'s>(site: &'s Site, name: &str) -> Browser<'s> {
    let grant: SessionGrant = site.world.sign_in(name).await.session;
    site.browser_with(&grant)
}

/// Where a text stands first; what is missing stands last.
fn at(body: &str, text: &str) -> usize {
    body.find(text).unwrap_or(usize::MAX)
}

#[tokio::test]
async fn a_person_sees_their_accounts_and_nobody_elses() {
    let site = Site::new().await;
    stage(&site).await;
    let mut alice = signed_in(&site, "alice").await;
    let page = alice.get("/start").await;
    assert_eq!(page.status, StatusCode::OK);
    for seen in ["Production", "111122223333", "/workloads/dev", "ReadOnly", "1 hour", "not configured"] {
        assert!(page.body.contains(seen), "{seen}");
    }
    assert!(!page.body.contains("999999999999"));
    assert!(page.body.contains("&lt;script>") && !page.body.contains("<script>alert"), "markup in a name is text");
    assert!(at(&page.body, "Development") < at(&page.body, "Production"), "by name");

    let empty = signed_in(&site, "bob").await.get("/start").await;
    assert!(empty.body.contains("Ask an administrator") && empty.body.contains("bob"), "whom to ask, and for whom");
}

#[tokio::test]
async fn the_search_works_by_address() {
    let site = Site::new().await;
    stage(&site).await;
    let mut alice = signed_in(&site, "alice").await;
    // Only the part for people: the list for the script holds everything.
    let mut lines = async |query: &str| {
        let body = alice.get(&format!("/start?q={query}")).await.body;
        let (shown, _) = body.split_once("places-found").unwrap();
        ["111122223333", "222233334444", "333344445555"].map(|id| shown.contains(&format!("id=\"a-{id}\"")))
    };
    assert_eq!(lines("prod").await, [true, false, false]);
    assert_eq!(lines("2222-3333-4444").await, [false, true, false]);
    assert_eq!(lines("%22q%26a%22+%3Cscript%3E+%F0%9F%9A%80").await, [false, false, true]);
    assert_eq!(lines("readonly").await, [true, true, true]);
    assert_eq!(lines("nothing-is-called-so").await, [false, false, false]);
}

#[tokio::test]
async fn a_star_is_kept_and_taken_back() {
    let site = Site::new().await;
    stage(&site).await;
    let mut alice = signed_in(&site, "alice").await;
    let form = "account=111122223333&favourite=yes&next=%2Fstart%3Fq%3Do%23a-111122223333";
    let answer = alice.post("/actions/portal/favourite", form).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/start?q=o#a-111122223333"));
    let page = alice.get("/start").await.body;
    assert!(at(&page, "a-111122223333") < at(&page, "a-222233334444"), "favourites first");
    assert!(page.contains("Favourites") && page.contains(STARRED));
    alice.post("/actions/portal/favourite", "account=111122223333&favourite=no&next=").await;
    assert!(!alice.get("/start").await.body.contains(STARRED));

    let foreign = alice.post("/actions/portal/favourite", "account=999999999999&favourite=yes&next=").await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    let away = alice.post("/actions/portal/favourite", "account=111122223333&favourite=yes&next=//evil.example").await;
    assert_eq!(away.header("location"), "/start");
    let anonymous = site.browser().post("/actions/portal/favourite", form).await;
    assert_eq!(anonymous.header("location"), "/start/sign-in");
}

#[tokio::test]
async fn a_link_survives_the_sign_in_and_says_what_is_missing() {
    let site = Site::new().await;
    stage(&site).await;
    let link = "/start/console?account_id=111122223333&role_name=ReadOnly\
                &destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%2F%3Fa%3D1%26b%3D2";
    let mut browser = site.browser();
    let first = browser.get(link).await;
    let (place, next) = first.header("location").split_once("?next=").unwrap();
    assert_eq!((first.status, place), (StatusCode::SEE_OTHER, "/start/sign-in"));
    let form = format!("username=alice&password={PASSWORD}&next={next}");
    let back = browser.post("/actions/sign-in/password", &form).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    let page = browser.get(back.header("location")).await;
    assert_eq!(page.status, StatusCode::OK);
    for seen in ["Production", "ReadOnly", "https://console.aws.amazon.com/s3/?a=1&amp;b=2", "not configured"] {
        assert!(page.body.contains(seen), "{seen}");
    }
    assert!(browser.get("/start").await.body.contains("Used lately"), "it counts as a use");

    let choose = browser.get("/start/console?account_id=111122223333").await;
    assert!(choose.body.contains("/start/console?account_id=111122223333&amp;role_name=ReadOnly"), "{}", choose.body);
    for (query, status, said) in [
        ("account_id=111122223333&role_name=Admin", StatusCode::FORBIDDEN, "Admin is not assigned to you"),
        ("account_id=999999999999&role_name=Admin", StatusCode::NOT_FOUND, "no access to this account"),
        ("account_id=123456789012&role_name=Admin", StatusCode::NOT_FOUND, "no access to this account"),
        ("account_id=12", StatusCode::BAD_REQUEST, "is not twelve digits"),
        ("", StatusCode::BAD_REQUEST, "is not twelve digits"),
        (
            "account_id=111122223333&role_name=ReadOnly&destination=http%3A%2F%2Fevil.example",
            StatusCode::BAD_REQUEST,
            "href=\"/start/console?account_id=111122223333&amp;role_name=ReadOnly\"",
        ),
    ] {
        let answer = browser.get(&format!("/start/console?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.body.contains(said), "{query}");
    }
    let hidden = browser.get("/start/console?account_id=999999999999").await.body;
    assert!(!hidden.contains("Nobody&#x27;s") && !hidden.contains("Nobody's"), "the name of an account is not told");
}

#[tokio::test]
async fn the_command_line_of_aws_resolves_the_portal() {
    let site = Site::with(&[("VESTIBULE_REGION", "eu-west-1")]).await;
    let head = |path: &str| {
        Request::builder()
            .method(Method::HEAD)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .body(axum::body::Body::empty())
            .unwrap()
    };
    let answer = site.send(head("/start")).await;
    let instance = site.world.services.instance_id();
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.header("location"), format!("https://{instance}.portal.eu-west-1.app.aws/"));
    assert_eq!(instance.len(), "ssoins-".len() + 16);
    assert!(answer.body.is_empty());
    let page = site.get("/start").await;
    assert_eq!(
        (page.status, page.header("location")),
        (StatusCode::SEE_OTHER, "/start/sign-in"),
        "a GET is for people"
    );
}

#[tokio::test]
async fn the_portal_travels_compressed_and_other_pages_do_not() {
    let site = Site::new().await;
    stage(&site).await;
    let mut alice = signed_in(&site, "alice").await;
    let mut asking = async |path: &str, accept: &'static str| {
        let mut request = super::get(path);
        request.headers_mut().insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
        alice.send(request).await
    };
    let packed = asking("/start", "gzip, br").await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("br", "accept-encoding"));
    assert_eq!(asking("/start", "gzip").await.header("content-encoding"), "gzip");
    assert_eq!(asking("/start", "identity").await.header("content-encoding"), "");
    assert_eq!(asking("/me/security", "gzip, br").await.header("content-encoding"), "");
}

#[tokio::test]
async fn an_administrator_is_told_why() {
    let site = Site::new().await;
    let alice = stage(&site).await;
    let owner = site.world.enrolled("olivia").await;
    site.world.give_role(owner.id, Role::Owner, false).await;
    let grant = site.world.sign_in_strongly("olivia", &owner.secret).await.session;
    let mut olivia = site.browser_with(&grant);
    let page = olivia.get("/admin/explain?user=alice&account=333344445555&set=readonly").await;
    assert_eq!(page.status, StatusCode::OK);
    for seen in ["alice may use ReadOnly in", "Engineers", "/workloads/**", "No policy"] {
        assert!(page.body.contains(seen), "{seen}");
    }
    assert!(!page.body.contains("<script>alert"));
    let list = olivia.get(&format!("/admin/explain?user={alice}")).await.body;
    assert!(list.contains("111122223333") && list.contains("Group Engineers"));
    for (query, said) in [
        ("user=nobody", "There is no user nobody."),
        ("user=alice&account=12", "Must be twelve digits."),
        ("user=alice&account=999999999999&set=ReadOnly", "alice has ReadOnly in 3 other accounts"),
        ("user=bob&account=111122223333&set=ReadOnly", "These have it: Engineers."),
        ("user=bob", "bob may use nothing"),
        ("", "Ask about a person"),
    ] {
        let answer = olivia.get(&format!("/admin/explain?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        assert!(answer.body.contains(said), "{query}: {}", answer.body);
    }
    assert_eq!(signed_in(&site, "alice").await.get("/admin/explain?user=alice").await.status, StatusCode::FORBIDDEN);
}
