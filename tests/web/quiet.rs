//! What an answer carries and what it does not: its headers, no token in any log, nothing after the end, and no page that nobody wanted.

use std::sync::Arc;
use std::time::Duration;

use expunged::db::trail;
use expunged::domain::State;
use expunged::params;
use expunged::web::{listen, try_listen};
use tokio_util::sync::CancellationToken;

use super::{Browser, OWNER, UNKNOWN, asked, exchange, link, public_url, with_pages, world_with_pages};
use crate::canary::logs;
use crate::canary::needles::Net;
use crate::support::free_port;
use crate::support::world::{Ground, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_has_the_headers_that_keep_it_to_itself() {
    let world = world_with_pages("token_requests_per_minute = 4").await;
    let browser = Browser::new();
    world
        .live(async {
            let (_, challenge) = world.ask(OWNER).await;
            let (page, url) = (link(&challenge), public_url(&world));
            let style = browser.open(&format!("{url}/assets/style.css")).await;
            assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
            let answers = [
                style,
                browser.open(&page).await,
                browser.send(&page, &[("act", "confirm")]).await,
                browser.send_with(&page, &[("act", "stop")], &[("origin", "https://evil.example")]).await,
                browser.ask(reqwest::Method::PUT, &page).await,
                browser.send(&page, &[("act", "no")]).await,
                browser.open(&page).await,
                browser.open(&format!("{url}/r/{UNKNOWN}")).await,
            ];
            let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
            assert_eq!(statuses, [200, 200, 422, 403, 405, 200, 429, 404]);
            for answer in &answers {
                for (name, value) in [
                    (
                        "content-security-policy",
                        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
                    ),
                    ("referrer-policy", "no-referrer"),
                    ("cache-control", "no-store"),
                    ("x-content-type-options", "nosniff"),
                    ("x-robots-tag", "noindex"),
                ] {
                    assert_eq!(answer.header(name), value, "{name} of {}", answer.status);
                }
                assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("location"));
                assert!(!answer.body.contains("<script"));
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_speak_the_language_of_the_letter_and_notices_that_of_the_browser() {
    let ground = with_pages(Ground::sqlite().await, "");
    let config = std::fs::read_to_string(ground.path("expunged.toml")).unwrap();
    let world = ground.with_config(|_| config.replace("language = \"en\"", "language = \"de\"")).build().await;
    let browser = Browser::new();
    world
        .live(async {
            let unknown = format!("{}/r/{UNKNOWN}", public_url(&world));
            browser.open(&unknown).await.says(404, "<html lang=\"de\">");
            let french = browser.0.get(&unknown).header("accept-language", "nl, fr-CH;q=0.8").send().await.unwrap();
            assert!(french.text().await.unwrap().contains("<html lang=\"fr\">"));
            let (_, challenge) = world.ask(OWNER).await;
            let page = browser.open(&link(&challenge)).await;
            let language = if challenge.text.starts_with("Guten Tag") { "de" } else { "en" };
            page.says(200, &format!("<html lang=\"{language}\">"));
        })
        .await;
}

/// The token, the code and the address of who asks stand in no log, at `trace`, and in no leaf. Nobody but the daemon is heard: the
/// client is a bare connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_token_is_logged() {
    let logs = logs::listen();
    let world = world_with_pages("client_address_header = \"x-forwarded-for\"").await;
    let mut net = Net::new(&[OWNER, "203.0.113.77", "Schnabelkanarie"]);
    world
        .live(async {
            let (request, challenge, page) = asked(&world).await;
            let path = page.trim_start_matches(&public_url(&world)).to_owned();
            net.add(path.rsplit('/').next().unwrap());
            let head = "Host: shop\r\nX-Forwarded-For: 203.0.113.77\r\nUser-Agent: Schnabelkanarie\r\n";
            let post = |path: &str, body: &str| {
                format!(
                    "POST {path} HTTP/1.1\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            };
            let (code, unknown) = (challenge.code(), format!("/r/{UNKNOWN}"));
            for (status, asked) in [
                ("200", format!("GET {path} HTTP/1.1\r\n{head}\r\n")),
                ("404", format!("GET {unknown} HTTP/1.1\r\n{head}\r\n")),
                ("422", post(&path, "act=confirm&code=XK4F7Z")),
                ("415", format!("POST {path} HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n")),
                ("400", format!("GET {path} HTTP/9.9\r\n{head}\r\n")),
                ("200", post(&path, &format!("act=confirm&code={code}"))),
                ("200", post(&path, "act=stop")),
            ] {
                let answer = exchange(&page, &[&asked], Duration::ZERO).await;
                let line = answer.lines().next().unwrap_or_default();
                assert!(line.contains(status), "{status} is not in {line:?}");
            }
            net.add_in_logs(&code);
            world.settle().await;
            assert_eq!(world.state(request).await, State::Withdrawn);
            let mut tx = world.house.db.read().await.unwrap();
            let leaves = trail::export(&mut tx, 0, 1_000).await.unwrap();
            let by_page = leaves.iter().filter(|leaf| String::from_utf8_lossy(&leaf.leaf.json).contains("page_matched"));
            assert_eq!(by_page.count(), 3, "a wrong code, the right one, and a stop");
            for leaf in &leaves {
                net.check(&leaf.leaf.json, "the trail");
            }
        })
        .await;
    assert!(logs.heard().contains("an answer came by page"));
    logs.check(&net);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_section_there_is_no_page_and_no_link() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            assert!(!challenge.text.contains("http") && !challenge.text.contains("page"), "{}", challenge.text);
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            let confirmed = world.fresh(OWNER).pop().unwrap();
            assert!(!confirmed.text.contains("http"), "{}", confirmed.text);
            assert_eq!(world.state(request).await, State::Scheduled);
        })
        .await;
    assert!(listen(&world.house).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_of_the_daemon_frees_the_address_and_an_address_in_use_refuses_the_start() {
    let world = world_with_pages("").await;
    let address = world.house.config.web.as_ref().unwrap().listen;
    world
        .live(async {
            let page = format!("{}/r/{UNKNOWN}", public_url(&world));
            Browser::new().open(&page).await.says(404, "not available");
            let error = try_listen(address).await.unwrap_err();
            assert!(error.to_string().contains("cannot be listened at"), "{error}");
        })
        .await;
    try_listen(address).await.expect("nobody listens any more");
}

/// Each of several daemons on one PostgreSQL may have pages; which of them is asked makes no difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_daemon_takes_the_answer() {
    let world = with_pages(Ground::postgres().await, "").build().await;
    let first = public_url(&world);
    let port = free_port();
    let config = std::fs::read_to_string(world.ground.path("expunged.toml")).unwrap();
    let here = first.rsplit(':').next().unwrap();
    world.ground.write(
        "expunged.toml",
        &config.replace(&format!("listen = \"127.0.0.1:{here}\""), &format!("listen = \"127.0.0.1:{port}\"")),
    );
    let other = Arc::new(world.ground.house(&world.clock).await.unwrap_or_else(|error| panic!("{error}")));
    let pages = listen(&other).await.unwrap().expect("pages");
    let shutdown = CancellationToken::new();
    let story = async {
        world
            .live(async {
                let browser = Browser::new();
                let (request, challenge) = world.ask(OWNER).await;
                let there = link(&challenge).replace(&first, &format!("http://127.0.0.1:{port}"));
                browser.confirm(&there, &challenge.code()).await.says(200, "It is confirmed");
                assert_eq!(world.state(request).await, State::Scheduled);
                world.settle().await;
                browser.send(&link(&challenge), &[("act", "stop")]).await.says(200, "Stopped");
                assert_eq!(world.state(request).await, State::Withdrawn);
                assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 1);
            })
            .await;
        shutdown.cancel();
    };
    tokio::join!(pages.serve(shutdown.clone()), story);
}
