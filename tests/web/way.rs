//! The whole way by page: confirmed, called off, carried out; wrong codes, two codes, the same form twice, and a letter at once.

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{Scope, State};
use expunged::params;
use reqwest::Method;

use super::{
    Browser, OWNER, UNKNOWN, asked, authorities, changed, link, public_url, rows, tries, with_pages, world_with_pages,
};
use crate::support::world::{Ground, SUPPORT, World, on_both, plain};

const WRONG: [&str; 5] = ["XK4F7Z", "xk4-f7y", "XK4 F7W", "XK4F7V", "XK4F7T"];

on_both! {
    /// The whole way until it is called off by page.
    async fn confirmed_and_called_off_by_page(ground) {
        let world = with_pages(ground, "").build().await;
        let browser = Browser::new();
        world
            .live(async {
                let (request, challenge, page) = asked(&world).await;
                let before = rows(&world).await;
                for _ in 0..3 {
                    browser.open(&page).await.says(200, "<h1>Shall we erase these data?</h1>");
                    assert_eq!(browser.ask(Method::HEAD, &page).await.status, 200);
                }
                let shown = browser.open(&page).await;
                shown.says(200, "the whole account: its owner, all users, all end-users and all of their data");
                assert!(!shown.body.contains(&challenge.code()), "the code stands in the letter alone");
                assert!(!shown.body.contains(page.rsplit('/').next().unwrap()), "the token stands in the path alone");
                world.settle().await;
                assert_eq!(changed(&before, &rows(&world).await), [""; 0], "to open a page changes nothing");

                let fields = [("tries", tries(&shown)), ("code", challenge.code()), ("act", "confirm".to_owned())];
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let first = browser.send(&page, &fields).await;
                first.says(200, "<h1>It is confirmed</h1>").says(200, "We begin on");
                assert_eq!(world.state(request).await, State::Scheduled);
                assert_eq!(authorities(&world, "page").await, 1);
                world.settle().await;
                let confirmed = world.fresh(OWNER).pop().expect("it is told by mail too");
                assert!(confirmed.subject.contains("Confirmed"), "{}", confirmed.subject);
                assert_eq!(link(&confirmed), page, "the same page calls it off");

                let after = rows(&world).await;
                assert_eq!(browser.send(&page, &fields).await.body, first.body, "sent twice, it shows the same");
                assert_eq!(browser.open(&page).await.body, first.body);
                assert_eq!(changed(&after, &rows(&world).await), [""; 0], "and is done once");

                let stopped = browser.send(&page, &[("act", "stop")]).await;
                stopped.says(200, "<h1>Stopped: nothing is erased</h1>");
                assert_eq!(world.state(request).await, State::Withdrawn);
                world.settle().await;
                let after = rows(&world).await;
                assert_eq!(browser.send(&page, &[("act", "stop")]).await.body, stopped.body);
                browser.open(&page).await.says(404, "not available");
                browser.send(&page, &fields).await.says(404, "not available");
                assert_eq!(changed(&after, &rows(&world).await), [""; 0]);
                world.days_pass(20).await;
                assert_eq!(world.state(request).await, State::Withdrawn);
                assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1);
            })
            .await;
    }

    /// Several at once try no more codes than one after the other.
    async fn wrong_codes_at_once_are_each_counted(ground) {
        let world = with_pages(ground, "").build().await;
        let browser = Browser::new();
        world
            .live(async {
                let (request, _, page) = asked(&world).await;
                let forms = WRONG[..4].iter().map(|code| [("code", *code), ("act", "confirm")]).collect::<Vec<_>>();
                let tried = futures::future::join_all(forms.iter().map(|form| browser.send(&page, form))).await;
                let judged = tried.iter().filter(|seen| seen.status == 422).count();
                assert!(judged > 0 && tried.iter().all(|seen| matches!(seen.status, 422 | 503)));
                let attempts = "SELECT attempts AS number FROM challenges WHERE request_id = $1";
                assert_eq!(world.number(attempts, params![request]).await, i64::try_from(judged).unwrap());
            })
            .await;
    }

    /// The whole way until the account is gone.
    async fn confirmed_by_page_and_erased(ground) {
        let world = with_pages(ground, "").build().await;
        let browser = Browser::new();
        world
            .live(async {
                let (request, challenge, page) = asked(&world).await;
                browser.confirm(&page, &challenge.code().to_lowercase()).await.says(200, "It is confirmed");
                world.settle().await;
                world.days_pass(8).await;
                assert_eq!(world.state(request).await, State::Completed);
                assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
                browser.open(&page).await.says(404, "not available");
                browser.send(&page, &[("act", "stop")]).await.says(404, "Nothing was changed");
                let by_page = "SELECT COUNT(*) AS number FROM authorities WHERE method = 'page' AND request_id = $1";
                assert_eq!(world.number(by_page, params![request]).await, 1);
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_two_codes_picks_what_is_erased() {
    for (pick, scope) in [(0, Scope::Data), (1, Scope::Account)] {
        let world = world_with_pages("").await;
        let browser = Browser::new();
        world
            .live(async {
                let general = plain(OWNER, "My data", "Hello,\r\n\r\nplease delete all my personal data.\r\n");
                let (disposition, request) = world.receive(&general).await;
                assert_eq!(disposition, Disposition::Opened);
                let challenge = world.fresh(OWNER).pop().expect("the owner is asked");
                let codes: Vec<&str> =
                    challenge.text.split("Code: ").skip(1).filter_map(|rest| rest.get(..6)).collect();
                assert_eq!(codes.len(), 2, "{}", challenge.text);
                let page = link(&challenge);
                browser.open(&page).await.says(200, "can be understood in more than one way");
                browser.confirm(&page, codes[pick]).await.says(200, "It is confirmed");
                let stored = world.stored(request.unwrap()).await.request;
                assert_eq!((stored.state, stored.ask.unwrap().scope), (State::Scheduled, Some(scope)));
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wrong_codes_count_as_by_mail_and_together_with_them() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge, page) = asked(&world).await;
            browser.confirm(&page, WRONG[0]).await.says(422, "You can try 4 more times");
            world.receive(&challenge.answer(OWNER, WRONG[1])).await;
            // The form of before, sent twice: what it says is typed again, and no try is lost.
            let shown = browser.open(&page).await;
            let tries = tries(&shown);
            let fields = [("tries", tries.as_str()), ("code", WRONG[2]), ("act", "confirm")];
            let wrong = browser.send(&page, &fields).await;
            wrong.says(422, "You can try 2 more times");
            assert_eq!(browser.send(&page, &fields).await.body, wrong.body, "sent twice, it counts once");
            let attempts = "SELECT attempts AS number FROM challenges WHERE request_id = $1";
            assert_eq!(world.number(attempts, params![request]).await, 3);
            world.receive(&challenge.answer(OWNER, WRONG[3])).await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
            browser.confirm(&page, WRONG[4]).await.says(200, "A person is looking at it");
            let stored = world.stored(request).await.request;
            assert_eq!((stored.state, stored.review), (State::NeedsReview, Some(ReviewReason::TooManyAttempts)));
            // The right one comes too late, by either way.
            let late = [("code", challenge.code()), ("act", "confirm".to_owned())];
            let late: Vec<(&str, &str)> = late.iter().map(|(name, value)| (*name, value.as_str())).collect();
            browser.send(&page, &late).await.says(200, "A person is looking at it");
            assert_eq!(world.state(request).await, State::NeedsReview);
            assert_eq!(authorities(&world, "page").await, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wrong_code_is_told_by_mail_to_the_address_on_file() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (_, challenge) = world.ask(OWNER).await;
            browser.confirm(&link(&challenge), WRONG[0]).await.says(422, "not the one that we sent you");
            world.settle().await;
            let told = world.fresh(OWNER).pop().expect("whoever tries, the owner hears of it");
            assert_eq!((told.code(), link(&told)), (challenge.code(), link(&challenge)));
        })
        .await;
}

/// Somebody who did not ask for it closes the request at once, as a "no" by mail does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_no_closes_the_request() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge, page) = asked(&world).await;
            let closed = browser.send(&page, &[("act", "no")]).await;
            closed.says(200, "Stopped: nothing is erased");
            assert_eq!(world.state(request).await, State::Withdrawn);
            assert_eq!(browser.send(&page, &[("act", "no")]).await.body, closed.body);
            let (_, after) = world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            assert_eq!((after, world.state(request).await), (Some(request), State::Withdrawn));
        })
        .await;
}

/// A code by mail and the same by page, at the same time: one of them is heard, and there is one authority.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_letter_and_a_page_at_once_make_one_authority() {
    for ground in [Ground::sqlite().await, Ground::postgres().await] {
        let world = with_pages(ground, "").build().await;
        let browser = Browser::new();
        world
            .live(async {
                let (request, challenge, page) = asked(&world).await;
                let code = challenge.code();
                let (by_mail, fields) = (challenge.answer(OWNER, &code), [("code", code.as_str()), ("act", "confirm")]);
                let ways = [browser.send(&page, &fields), browser.send(&page, &fields), browser.send(&page, &fields)];
                world.deliver(&by_mail);
                for seen in futures::future::join_all(ways).await {
                    seen.says(200, "It is confirmed");
                }
                world.settle().await;
                assert_eq!(world.state(request).await, State::Scheduled);
                assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", params![]).await, 1);
                let told = world.fresh(OWNER);
                assert_eq!(told.iter().filter(|letter| letter.subject.contains("Confirmed")).count(), 1);
            })
            .await;
    }
}

/// An unproven "stop" pauses what a page cannot let go on: only the letter that asks what was meant can.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_on_a_page_ends_no_pause_and_a_stop_ends_it_all() {
    let world = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge, page) = asked(&world).await;
            let stop = plain(OWNER, "Stop", "Please cancel my deletion request, I did not want this.\r\n");
            world.receive(&stop).await;
            assert_eq!(world.state(request).await, State::OnHold);
            browser.open(&page).await.says(200, "The request is paused");
            let code = challenge.code();
            browser.send(&page, &[("code", &code), ("act", "confirm")]).await.says(200, "The request is paused");
            assert_eq!(world.state(request).await, State::OnHold);
            browser.send(&page, &[("act", "stop")]).await.says(200, "Stopped");
            assert_eq!(world.state(request).await, State::Withdrawn);
        })
        .await;
}

/// The token of a page answers no letter, and the link in a quoted letter does no harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reply_below_a_link_is_heard_and_a_link_alone_proves_nothing_by_mail() {
    let world = world_with_pages("").await;
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            let token = link(&challenge).rsplit('/').next().unwrap().to_owned();
            let forged = plain("eve@evil.example", "Re: yes", &format!("{}\r\n\r\n> {token}\r\n", challenge.code()));
            world.receive(&forged).await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation);
            let quoted: String = challenge.text.lines().map(|line| format!("> {line}\r\n")).collect();
            let answer = format!(
                "{}\r\n\r\nOn Mon, 4 Jan 2027 at 10:00, Test Shop <{SUPPORT}> wrote:\r\n{quoted}",
                challenge.code()
            );
            world.receive(&challenge.answer(OWNER, &answer)).await;
            assert_eq!(world.state(request).await, State::Scheduled);
        })
        .await;
}

/// What is unknown, no token at all, and expired looks the same to the byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_over_is_told_from_nothing_by_nobody() {
    let world: World = world_with_pages("").await;
    let browser = Browser::new();
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            let (page, url) = (link(&challenge), public_url(&world));
            // Expired by the clock, before the ledger says so: nothing has woken yet.
            world.clock.advance(std::time::Duration::from_secs(15 * 86_400));
            let code = challenge.code();
            let late = browser.send(&page, &[("code", &code), ("act", "confirm")]).await;
            world.settle().await;
            assert_eq!(world.state(request).await, State::Expired);
            let mut seen = vec![late, browser.open(&page).await, browser.send(&page, &[("act", "no")]).await];
            for path in [
                format!("/r/{UNKNOWN}"),
                "/r/x".to_owned(),
                "/".to_owned(),
                "/r/a/b".to_owned(),
                "/robots.txt".to_owned(),
            ] {
                seen.push(browser.open(&format!("{url}{path}")).await);
            }
            seen.push(browser.send(&format!("{url}/r/{UNKNOWN}"), &[("act", "stop")]).await);
            for page in &seen {
                page.says(404, "not available");
                assert_eq!(page.body, seen[0].body);
                let names: Vec<&str> = page.headers.keys().map(|name| name.as_str()).collect();
                let first: Vec<&str> = seen[0].headers.keys().map(|name| name.as_str()).collect();
                assert_eq!(names, first);
            }
            assert_eq!(authorities(&world, "page").await, 0);
        })
        .await;
}
