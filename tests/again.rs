//! The promise: what comes back after an erasure is found, goes again where that is certain, and waits for a person where
//! it is not; nobody else is touched, and nobody is told twice.

use expunged::db::deliveries::Disposition;
use expunged::db::requests;
use expunged::domain::{RequestId, State};
use expunged::erase::Recognised;
use expunged::flow::operate::Operator;
use expunged::flow::{again, retention, verbs};
use expunged::params;

use crate::support::world::{Ground, Letter, SUPPORT, TEAM, World, on_both};

const OWNER: &str = "owner1@team.example";

/// The rows of account 1 after it was closed: none, and an order that is nobody's.
async fn closed(world: &World) -> RequestId {
    let request = world.ask_and_confirm(OWNER).await;
    world.days_pass(7).await;
    assert_eq!(world.state(request).await, State::Completed);
    assert_eq!(world.fresh(OWNER).len(), 2, "scheduled and completed");
    assert!(world.fresh(TEAM).is_empty());
    assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
    request
}

/// The words of the trail since the request was completed for the first time.
async fn events(world: &World, request: RequestId) -> Vec<String> {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT event FROM trail WHERE case_id = (SELECT case_id FROM requests WHERE id = $1) ORDER BY number";
    let rows = tx.all(sql, params![request]).await.unwrap();
    let events: Vec<String> = rows.iter().map(|row| row.text("event").unwrap()).collect();
    let first = events.iter().position(|event| event == "completed").unwrap();
    let moves = ["noted", "reopened", "authority_issued", "completed"];
    events[first..].iter().filter(|event| moves.contains(&event.as_str())).cloned().collect()
}

/// Leaves that say what a person decided of rows under another key.
async fn decisions(world: &World, named: Recognised) -> i64 {
    let said = format!("%\"recognised\":\"{named}\"%");
    world.number("SELECT COUNT(*) AS number FROM trail WHERE leaf LIKE $1", params![said]).await
}

/// Whether the program names this verb for the request as it stands.
async fn offers(world: &World, request: RequestId, verb: &str) -> bool {
    let mut tx = world.house.db.read().await.unwrap();
    let stored = requests::load(&mut tx, request).await.unwrap().unwrap();
    let stopped = again::has_stopped(&mut tx, &stored.request).await.unwrap();
    verbs::verbs(verbs::Terms::of(&world.house), &stored.request, false, stopped).contains(&verb)
}

async fn alarm(world: &World) -> String {
    let letters = world.fresh(TEAM);
    assert_eq!(letters.len(), 1, "the team is told once");
    letters[0].text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn operator(world: &World) -> Operator {
    world.operator("ops")
}

async fn erase_again(world: &World, request: RequestId, named: Option<Recognised>) -> Result<State, String> {
    let reference = world.reference(request).await;
    let moved = again::erase_again(&world.house, &reference, &operator(world), named).await;
    moved.map_err(|error| error.to_string())?;
    world.settle().await;
    Ok(world.state(request).await)
}

async fn a_late_writer(world: World) {
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = closed(&world).await;
            shop.run("INSERT INTO orders VALUES ('o9', 'u1', '2026-03-01', 'Olga One', 'Elm Street 1')").await;
            world.days_pass(6).await;
            assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE ship_name = 'Olga One'").await, 1, "not its day");
            world.days_pass(1).await;
            assert_eq!(world.state(request).await, State::Completed);
            let named = "SELECT COUNT(*) FROM orders WHERE user_id = 'u1' OR ship_name = 'Olga One'";
            assert_eq!(shop.count(named).await, 0, "what came late went");
            assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE id IN ('o1', 'o9')").await, 2, "and is kept");
            assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE ship_name IS NOT NULL").await, 3, "not others");
            let told = alarm(&world).await;
            assert!(told.contains("1 written after the erasing; they are erased again"), "{told}");
            assert!(world.fresh(OWNER).is_empty(), "who asked is not known any more");
            let expected = ["completed", "noted", "reopened", "authority_issued", "completed"];
            assert_eq!(events(&world, request).await, expected);
            let steps = "SELECT COUNT(*) AS number FROM steps WHERE request_id = $1 AND sequence >= 65536 AND state = 'read_back'";
            assert!(world.number(steps, params![request]).await > 0, "the second pass has steps of its own");
            // Nothing came since: a further sweep finds nothing, and the keys go by their term.
            world.days_pass(7).await;
            assert_eq!(events(&world, request).await, [&expected[..], &["noted"]].concat());
            world.days_pass(35).await;
            assert_eq!(saved_keys(&world).await, 0);
        })
        .await;
}

on_both! {
    async fn what_a_late_writer_brought_goes_by_itself(ground) {
        a_late_writer(ground.build().await).await;
    }
}

/// Account 1 and its owner as they were.
const BACK: &str = "INSERT INTO accounts VALUES ('a1', 'First Ltd');
    INSERT INTO users VALUES ('u1', 'a1', 'owner', 'owner1@team.example', 'Olga One', '+1 555 0101')";

async fn under_the_old_keys(world: World) {
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = closed(&world).await;
            shop.run(BACK).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Reopened, "a person looks");
            assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1, "nothing was changed");
            let told = alarm(&world).await;
            assert!(told.contains("2 under erased keys; nothing was changed"), "{told}");
            assert_eq!(erase_again(&world, request, None).await, Ok(State::Completed));
            assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 0);
            assert_eq!(shop.count("SELECT COUNT(*) FROM accounts WHERE id = 'a1'").await, 0);
            assert_eq!(shop.count("SELECT COUNT(*) FROM users").await, 3, "nobody else was touched");
            erase_again(&world, request, None).await.expect_err("it is not open any more");
        })
        .await;
}

on_both! {
    async fn what_came_back_under_the_old_keys_waits_for_a_person(ground) {
        under_the_old_keys(ground.build().await).await;
    }
}

/// The owner of account 1, under another key in another account.
const ANEW: &str = "INSERT INTO accounts VALUES ('a9', 'Ninth Ltd');
    INSERT INTO users VALUES ('u9', 'a9', 'owner', 'owner1@team.example', 'Olga One', NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn who_came_anew_stays_or_goes_as_a_person_decides() {
    for (named, left) in [(Recognised::Stays, 1), (Recognised::Goes, 0)] {
        let world = World::sqlite().await;
        let shop = &world.ground.shop;
        world
            .live(async {
                let request = closed(&world).await;
                shop.run(ANEW).await;
                shop.run("INSERT INTO orders VALUES ('o9', 'u9', '2026-03-01', 'Olga One', 'Elm Street 1')").await;
                world.days_pass(7).await;
                assert_eq!(world.state(request).await, State::Reopened);
                let told = alarm(&world).await;
                assert!(told.contains("1 of the same person under another key; nothing was changed"), "{told}");
                let undecided = erase_again(&world, request, None).await.expect_err("it must be said");
                assert!(undecided.contains("--recognised"), "{undecided}");
                assert_eq!(erase_again(&world, request, Some(named)).await, Ok(State::Completed));
                assert_eq!(decisions(&world, named).await, 1, "{named}");
                assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id = 'u9'").await, left, "{named}");
                assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE user_id = 'u9'").await, left, "{named}");
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_is_not_asked_about_a_week_later_and_whoever_comes_after_is() {
    let later = "INSERT INTO accounts VALUES ('a10', 'Tenth Ltd'); UPDATE users SET id = 'u10', account_id = 'a10' WHERE id = 'u9'";
    for (meanwhile, state, told) in [("SELECT 1", State::Completed, 0), (later, State::Reopened, 1)] {
        let world = World::sqlite().await;
        let shop = &world.ground.shop;
        world
            .live(async {
                let request = closed(&world).await;
                shop.run(ANEW).await;
                world.days_pass(7).await;
                assert_eq!(world.state(request).await, State::Reopened);
                alarm(&world).await;
                let decided = erase_again(&world, request, Some(Recognised::Stays)).await;
                assert_eq!(decided, Ok(State::Completed));
                shop.run(meanwhile).await;
                world.days_pass(8).await;
                assert_eq!(world.state(request).await, state, "{meanwhile}");
                assert_eq!(world.fresh(TEAM).len(), told, "{meanwhile}: nobody is asked twice about the same");
            })
            .await;
    }
}

/// Whoever is deleted, the shop's own trigger writes into another account, under another key.
const WRITES_BACK: &str = "CREATE TRIGGER back AFTER DELETE ON users WHEN OLD.account_id = 'a1' BEGIN
    INSERT INTO users VALUES ('x' || OLD.id, 'a2', OLD.role, OLD.email, OLD.full_name, NULL); END";

#[tokio::test(flavor = "multi_thread")]
async fn who_is_written_back_while_they_are_erased_is_never_called_erased() {
    for (named, left) in [(Recognised::Stays, 2), (Recognised::Goes, 0)] {
        let world = World::sqlite().await;
        let shop = &world.ground.shop;
        world
            .live(async {
                let request = world.ask_and_confirm(OWNER).await;
                world.fresh(OWNER);
                shop.run(WRITES_BACK).await;
                world.days_pass(8).await;
                assert!(!offers(&world, request, "erase-again").await, "it goes on by itself");
                let last = "UPDATE jobs SET attempts_max = 2 WHERE state = 'waiting' AND kind = 'erase'";
                world.try_sql(last, params![]).await.unwrap();
                world.hours_pass(2).await;
                assert_eq!(world.state(request).await, State::Erasing, "it is not completed");
                let told = alarm(&world).await;
                assert!(told.contains("2 rows were still found after the erasing"), "{told}");
                assert!(told.contains("erase-again REF --recognised goes|stays"), "what to do: {told}");
                assert!(world.fresh(OWNER).is_empty(), "nobody is told that it is done");
                assert!(offers(&world, request, "erase-again").await);
                shop.run("DROP TRIGGER back").await;
                let undecided = erase_again(&world, request, None).await.expect_err("it must be said");
                assert!(undecided.contains("--recognised"), "{undecided}");
                assert_eq!(erase_again(&world, request, Some(named)).await, Ok(State::Completed), "{named}");
                assert_eq!(decisions(&world, named).await, 1, "{named}");
                assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id LIKE 'x%'").await, left, "{named}");
                assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id LIKE 'u%'").await, 3, "nobody else");
                assert_eq!(world.fresh(OWNER).len(), 1, "and then it is told");
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_given_to_somebody_else_is_theirs() {
    let world = World::sqlite().await;
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = closed(&world).await;
            shop.run(
                "INSERT INTO users VALUES ('u1', 'a2', 'user', 'new@team.example', 'Nora New', NULL);
                 INSERT INTO orders VALUES ('o9', 'u1', '2026-03-01', 'Nora New', 'Oak Street 1')",
            )
            .await;
            world.days_pass(7).await;
            // That the order is of whoever has the key by now, the search can tell.
            assert_eq!(world.state(request).await, State::Completed);
            assert!(world.fresh(TEAM).is_empty());
            assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE ship_name = 'Nora New'").await, 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_alone_leaves_the_request_completed() {
    let world = World::sqlite().await;
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = closed(&world).await;
            shop.run(BACK).await;
            world.days_pass(7).await;
            let reference = world.reference(request).await;
            let ops = operator(&world);
            again::leave_alone(&world.house, &reference, &ops, " ").await.expect_err("a reason is asked for");
            let reason = "the account was opened again by its owner, who is a customer";
            let moved = again::leave_alone(&world.house, &reference, &ops, reason).await.unwrap();
            assert_eq!(moved.request.state, State::Completed);
            world.settle().await;
            assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1);
            assert!(world.fresh(OWNER).is_empty());
        })
        .await;
}

/// The mail server of a reader gives a letter of ours back.
fn returned(letter: &Letter) -> Vec<u8> {
    let id = &letter.message_id;
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: <{SUPPORT}>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nCould not be delivered.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {OWNER}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\nMessage-ID: <{id}>\r\nSubject: Please confirm\r\n\r\nHello.\r\n--b--\r\n"
    )
    .into_bytes()
}

async fn saved_keys(world: &World) -> i64 {
    let key = "SELECT COUNT(*) AS number FROM vault_keys WHERE purpose = 'replay' AND wrapped IS NOT NULL";
    world.number(key, params![]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_comes_back_after_the_end_takes_no_saved_keys() {
    let world = World::sqlite().await;
    let shop = &world.ground.shop;
    world
        .live(async {
            let (request, challenge) = world.ask(OWNER).await;
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            let moves = world.stored(request).await.request.moves;
            assert_eq!(world.receive(&returned(&challenge)).await, (Disposition::Bounce, Some(request)));
            assert!(world.stored(request).await.request.moves > moves, "the end was moved on");
            assert_eq!(saved_keys(&world).await, 1, "the backups still have the rows");
            shop.run("INSERT INTO orders VALUES ('o9', 'u1', '2026-03-01', 'Olga One', 'Elm Street 1')").await;
            world.days_pass(7).await;
            let named = "SELECT COUNT(*) FROM orders WHERE user_id = 'u1' OR ship_name = 'Olga One'";
            assert_eq!(shop.count(named).await, 0, "the sweep still knows what it looks for");
            world.days_pass(7).await;
            assert_eq!((world.state(request).await, saved_keys(&world).await), (State::Completed, 1));
            world.days_pass(35).await;
            assert_eq!(saved_keys(&world).await, 0, "they go by their term");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sweep_is_planned_where_none_is_wanted() {
    let off = |config: String| config.replace("[limits]", "[schedule]\nsecond_sweep_days = 0\n\n[limits]");
    let world = Ground::sqlite().await.with_config(off).build().await;
    world
        .live(async {
            closed(&world).await;
            let jobs = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'sweep'";
            assert_eq!(world.number(jobs, params![]).await, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_that_says_completed_has_nothing_erased_again() {
    let world = World::sqlite().await;
    let shop = &world.ground.shop;
    world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            // Completed, says the row, and a sweep is asked for; but no beginning of ours stands behind it.
            world.forge_beginning(request).await;
            let erasing = "UPDATE requests SET state = 'erasing', moves = moves + 1, updated_at = updated_at WHERE id = $1";
            world.try_sql(erasing, params![request]).await.unwrap();
            world.forge_completion(request).await;
            let completed = "UPDATE requests SET state = 'completed', moves = moves + 1 WHERE id = $1";
            world.try_sql(completed, params![request]).await.unwrap();
            let job = "UPDATE jobs SET kind = 'sweep', payload = '{\"sweep\":\"replay\"}', run_at = 0 WHERE request_id = $1 AND kind = 'wake' AND payload LIKE '%grace%'";
            assert_eq!(world.try_sql(job, params![request]).await.unwrap(), 1);
            world.settle().await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE id = 'u1'").await, 1);
            let dead = "SELECT COUNT(*) AS number FROM jobs WHERE kind = 'sweep' AND state = 'dead'";
            assert_eq!(world.number(dead, params![]).await, 1);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_listed_until_its_day_and_after() {
    let world = World::sqlite().await;
    world
        .live(async {
            closed(&world).await;
            let kept = retention::list(&world.house).await.unwrap();
            let [line] = kept.as_slice() else { panic!("one table keeps rows: {kept:?}") };
            assert_eq!((line.store.as_str(), line.table.as_str(), line.rows, line.requests), ("shop", "orders", 1, 1));
            assert_eq!((line.until.map(|day| day.to_string()).as_deref(), line.over), (Some("2036-02-01"), false));
        })
        .await;
}
