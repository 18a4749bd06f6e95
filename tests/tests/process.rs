//! The program as an operator meets it: starts, answers, stops, starts again, and says what is wrong.

use std::path::Path;

use it::Vestibule;
use reqwest::{Method, StatusCode};

/// The addresses of the static files that a page names.
fn static_files(html: &str) -> Vec<&str> {
    html.split('"').filter(|text| text.starts_with("/static/")).collect()
}

fn is_sheet(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|ending| ending == "css")
}

#[test]
fn a_fresh_server_leads_a_stranger_to_the_sign_in_page() {
    let server = Vestibule::start();
    let browser = server.browser();
    assert_eq!(browser.get("/healthz").status, StatusCode::OK);
    assert_eq!(browser.get("/readyz").status, StatusCode::OK);

    let mut path = "/".to_owned();
    for _ in 0..3 {
        let answer = browser.get(&path);
        if answer.status == StatusCode::OK {
            break;
        }
        assert!(answer.status.is_redirection(), "{path}: {}", answer.status);
        answer.location().clone_into(&mut path);
    }
    assert_eq!(path, "/start/sign-in");
}

#[test]
fn every_file_that_a_page_names_is_there_compressed_and_may_be_kept() {
    let server = Vestibule::start();
    let browser = server.browser();
    let page = browser.get("/start/sign-in");
    let files = static_files(&page.body);
    assert!(files.iter().any(|file| is_sheet(file)), "{files:?}");
    for file in files {
        let answer = browser.request(Method::GET, file).header("accept-encoding", "br").send().unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable", "{file}");
        if is_sheet(file) {
            assert_eq!(answer.headers()["content-encoding"], "br");
        }
    }
}

#[test]
fn one_file_in_an_empty_folder_with_variables_only_is_a_whole_portal() {
    let mut server = Vestibule::setup().alone().start();
    let (olga, owner) = server.owner("olga");
    assert_eq!(owner.get("/admin/users").status, StatusCode::OK);
    let page = server.browser().get("/start/sign-in");
    let files = static_files(&page.body);
    assert!(files.iter().any(|file| is_sheet(file)), "{files:?}");
    for file in files {
        assert_eq!(server.browser().get(file).status, StatusCode::OK, "{file} is inside the binary");
    }
    assert!(server.terminate().success());
    server.start_again();
    olga.enter(&server.browser());
}

#[test]
fn it_ends_when_asked_and_comes_back_after_a_power_cut() {
    let mut server = Vestibule::start();
    let ended = server.terminate();
    assert!(ended.success(), "{ended}: {}", server.log());
    server.start_again();
    assert_eq!(server.browser().get("/readyz").status, StatusCode::OK);
    server.kill();
    server.start_again();
    assert_eq!(server.browser().get("/readyz").status, StatusCode::OK);
}

#[test]
fn a_wrong_command_line_is_64_and_data_goes_to_standard_output() {
    let setup = Vestibule::setup();
    let wrong = setup.cli(&["dance"]);
    assert_eq!(wrong.code, 64, "{}", wrong.err);
    assert_eq!(wrong.out, "");
    let version = setup.cli(&["version"]);
    assert_eq!((version.code, version.err.as_str()), (0, ""));
    assert!(version.out.contains(env!("CARGO_PKG_VERSION")), "{}", version.out);
}

#[test]
fn a_setting_that_does_not_exist_is_named() {
    let setup = Vestibule::setup().env("VESTIBULE_LISTNE", "127.0.0.1:0");
    let refused = setup.cli(&["check-config"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("VESTIBULE_LISTNE"), "{}", refused.err);
    assert_eq!(Vestibule::setup().cli(&["check-config"]).code, 0);
}
