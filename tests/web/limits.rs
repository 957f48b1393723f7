//! What comes from outside is bounded: in size, in time, in number, and in where it comes from.

use std::time::Duration;

use expunged::domain::State;
use reqwest::Method;

use super::{Browser, OWNER, UNKNOWN, asked, changed, exchange, link, public_url, rows, world_with_pages};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scanners_and_bots_change_nothing() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge, page) = asked(&world).await;
            let before = rows(&world).await;
            for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::PATCH] {
                let seen = browser.ask(method.clone(), &page).await;
                assert!(matches!(seen.status, 200 | 405), "{method}: {}", seen.status);
            }
            browser.ask(Method::GET, &format!("{page}?act=confirm&code={}", challenge.code())).await.says(200, "<form");
            for (status, fields) in [
                (422, &[("act", "confirm")][..]),
                (422, &[("act", "confirm"), ("code", "")]),
                (422, &[("act", "confirm"), ("code", "please"), ("tries", "0")]),
                (422, &[("act", "confirm"), ("code", "1234567")]),
                (400, &[]),
                (400, &[("act", "erase")]),
                (400, &[("code", "K7Q2MD")]),
            ] {
                assert_eq!(browser.send(&page, fields).await.status, status, "{fields:?}");
            }
            world.settle().await;
            assert_eq!(changed(&before, &rows(&world).await), [""; 0], "no try was counted and no letter written");
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
            browser.confirm(&page, &challenge.code()).await.says(200, "It is confirmed");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_of_another_site_is_not_taken() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            let (page, code) = (link(&challenge), challenge.code());
            let fields = [("act", "confirm"), ("code", code.as_str())];
            let before = rows(&world).await;
            for headers in [
                &[("origin", "https://evil.example")][..],
                &[("origin", "null")],
                &[("sec-fetch-site", "cross-site")],
                &[("sec-fetch-site", "same-site"), ("origin", "null")],
            ] {
                browser.send_with(&page, &fields, headers).await.says(403, "This could not be taken");
                browser.send_with(&page, &[("act", "stop")], headers).await.says(403, "Nothing was changed");
            }
            assert_eq!(changed(&before, &rows(&world).await), [""; 0]);
            let own = public_url(&world);
            browser.send_with(&page, &fields, &[("origin", &own)]).await.says(200, "It is confirmed");
            assert_eq!(world.state(request).await, State::Scheduled);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_too_large_or_too_slow_is_not_read() {
    let world = world_with_pages("read_seconds = 1").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, _, page) = asked(&world).await;
            let large = "x".repeat(5_000);
            browser.send(&page, &[("act", "confirm"), ("code", &large)]).await.says(413, "could not be taken");
            let plain =
                browser.0.post(&page).header("content-type", "text/plain").body("act=stop").send().await.unwrap();
            assert_eq!(plain.status().as_u16(), 415);

            let path = page.trim_start_matches(&public_url(&world)).to_owned();
            let form = "Host: shop\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\n";
            let whole = format!("POST {path} HTTP/1.1\r\n{form}act=");
            let slow_body = exchange(&page, &[&whole], Duration::ZERO).await;
            assert!(slow_body.starts_with("HTTP/1.1 408"), "{slow_body}");
            let head = format!("GET {path} HTTP/1.1\r\n");
            let slow_header = exchange(&page, &[&head, "Host:", " s", "h", "o", "p"], Duration::from_millis(400)).await;
            assert!(!slow_header.starts_with("HTTP/1.1 200"), "{slow_header}");
            let long = format!("GET {path} HTTP/1.1\r\nHost: shop\r\nX: {}\r\n\r\n", "y".repeat(20_000));
            let long = exchange(&page, &[&long], Duration::ZERO).await;
            assert!(!long.starts_with("HTTP/1.1 200"), "{long}");
            let many: String = (0..100).map(|n| format!("X-{n}: y\r\n")).collect();
            let many =
                exchange(&page, &[&format!("GET {path} HTTP/1.1\r\nHost: shop\r\n{many}\r\n")], Duration::ZERO).await;
            assert!(!many.starts_with("HTTP/1.1 200"), "{many}");

            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
            browser.open(&page).await.says(200, "<form");
        })
        .await;
}

/// Who says nothing holds no place for long, and the others wait no longer than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_say_nothing_are_ended() {
    let world = world_with_pages("read_seconds = 1\nconnections_max = 2").await;
    let browser = Browser::new();
    world
        .live(async {
            let url = public_url(&world);
            let silent = [(); 4].map(|()| exchange(&url, &[], Duration::ZERO));
            let silent = futures::future::join_all(silent);
            let page = format!("{url}/r/{UNKNOWN}");
            let (ended, seen) = tokio::join!(silent, browser.open(&page));
            assert!(ended.iter().all(|answer| !answer.contains("200 OK")), "{ended:?}");
            seen.says(404, "not available");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_many_requests_for_a_page_wait_a_minute() {
    let world = world_with_pages("token_requests_per_minute = 3").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge, page) = asked(&world).await;
            for _ in 0..3 {
                browser.open(&page).await.says(200, "<form");
            }
            let code = challenge.code();
            let refused = browser.send(&page, &[("act", "confirm"), ("code", &code)]).await;
            refused.says(429, "Please try again a little later");
            let seconds: u64 = refused.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&seconds), "{seconds}");
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
            browser.open(&format!("{}/r/{UNKNOWN}", public_url(&world))).await.says(404, "not available");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_is_limited_by_what_our_own_proxy_says() {
    let more = "address_requests_per_minute = 3\nclient_address_header = \"X-Forwarded-For\"";
    let world = world_with_pages(more).await;
    let browser = Browser::new();
    world
        .live(async {
            let url = public_url(&world);
            let asks = async |number: usize, from: String| {
                let page = format!("{url}/r/{}{}", "a".repeat(25), ["a", "b", "c", "d", "e"][number % 5]);
                let request = browser.0.get(page).header("x-forwarded-for", from);
                request.send().await.expect("an answer").status().as_u16()
            };
            let mut seen = Vec::new();
            for number in 0..5 {
                // What somebody says of themselves stands before what the proxy saw.
                seen.push(asks(number, format!("203.0.113.{number}, 198.51.100.7")).await);
            }
            assert_eq!(seen, [404, 404, 404, 429, 429]);
            assert_eq!(asks(0, "198.51.100.8".to_owned()).await, 404, "somebody else");
        })
        .await;
}
