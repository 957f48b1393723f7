//! The promise: an account whose service has ended is erased by itself when its time is over, its owner hears of it in time to stop
//! it, and no account that lives is touched, whatever the directory's query says.

use expunged::domain::{RequestId, Scope};
use expunged::flow::legal::{self, HeldTarget};
use expunged::flow::operate::{self, Act, Correction};
use expunged::flow::tidy::tidy;
use expunged::params;

use crate::support::world::{Ground, TEAM, World, on_both};

mod broken;
mod looked_at;
mod taken_back;

const OWNER: &str = "owner1@team.example";
const OTHER: &str = "owner2@team.example";

/// What the directory is asked, page by page: three accounts in each, so that a story of four has two.
const QUERIES: &str = r#"
ended = """
SELECT c.account_id AS account, c.ended_at FROM contracts c JOIN accounts a ON a.id = c.account_id
WHERE c.account_id >= :from ORDER BY c.account_id LIMIT 3"""
accounts = "SELECT COUNT(*) AS accounts FROM accounts"

[termination]
after_days = 90
"#;

/// A shop that has contracts, and what is said of their ends; the story begins on 3 January 2027.
pub(crate) async fn ending(ground: Ground, contracts: &str, more: &str) -> World {
    prepared(ground, contracts, more).await.build().await
}

async fn prepared(ground: Ground, contracts: &str, more: &str) -> Ground {
    ground.shop.run("CREATE TABLE contracts (account_id TEXT NOT NULL, ended_at TEXT)").await;
    ground.shop.run(&format!("INSERT INTO contracts VALUES {contracts}")).await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    ground.write("shop.toml", &map.replace("backup_days = 35", "backup_days = 35\nignore = [\"contracts\"]"));
    ground.with_config(|config| config + QUERIES + more)
}

/// The directory was asked: the job that does is made at the start, and here in any case.
pub(crate) async fn asked(world: &World) {
    tidy(&world.house).await.unwrap();
    world.settle().await;
}

/// The requests that ended services have opened, by their states.
pub(crate) async fn opened(world: &World) -> Vec<String> {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT state FROM requests WHERE origin = 'termination' ORDER BY opened_at, state";
    tx.all(sql, params![]).await.unwrap().iter().map(|row| row.text("state").unwrap()).collect()
}

/// The last request that an ended service has opened.
pub(crate) async fn request(world: &World) -> RequestId {
    let mut tx = world.house.db.read().await.unwrap();
    let sql = "SELECT id FROM requests WHERE origin = 'termination' ORDER BY opened_at DESC LIMIT 1";
    RequestId::from_uuid(tx.one(sql, params![]).await.unwrap().uuid("id").unwrap())
}

/// Nothing of the first account went.
async fn is_whole(world: &World) {
    let shop = &world.ground.shop;
    assert_eq!(shop.count("SELECT COUNT(*) FROM accounts WHERE id = 'a1'").await, 1);
    assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1' AND phone IS NOT NULL").await, 1);
    assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 2);
    assert_eq!(shop.count("SELECT COUNT(*) FROM end_users WHERE account_id = 'a1'").await, 1);
    assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE user_id = 'u1' AND ship_name IS NOT NULL").await, 1);
}

/// All of the first account went, but for what the law keeps, and nothing of anybody else.
async fn is_erased(world: &World) {
    let shop = &world.ground.shop;
    assert_eq!(shop.count("SELECT COUNT(*) FROM accounts WHERE id = 'a1'").await, 0);
    assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
    assert_eq!(shop.count("SELECT COUNT(*) FROM end_users").await, 0);
    assert_eq!(
        shop.count("SELECT COUNT(*) FROM orders WHERE id = 'o1' AND ship_name IS NULL AND user_id IS NULL").await,
        1
    );
    assert_eq!(shop.count("SELECT COUNT(*) FROM accounts").await, 3);
    assert_eq!(shop.count("SELECT COUNT(*) FROM users WHERE full_name <> '' AND phone IS NOT NULL").await, 3);
    assert_eq!(shop.count("SELECT COUNT(*) FROM orders WHERE ship_name IS NOT NULL AND user_id IS NOT NULL").await, 3);
}

/// What a letter says, on one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn goes_when_its_time_is_over(world: World) {
    world
        .live(async {
            asked(&world).await;
            world.days_pass(4).await;
            assert!(opened(&world).await.is_empty(), "it is the seventh, and its time is over on the eighth");
            world.days_pass(2).await;
            assert_eq!(opened(&world).await, ["scheduled"]);
            let told = world.fresh(OWNER);
            assert_eq!(told.len(), 1, "the owner hears of it once");
            let text = line(&told[0].text);
            assert!(told[0].subject.contains("16 January 2027"), "{}", told[0].subject);
            assert!(text.contains("ended on 10 October 2026") && text.contains("begin on 16 January 2027"), "{text}");
            assert!(text.contains("reply to this e-mail with “stop”"), "{text}");
            world.days_pass(6).await;
            is_whole(&world).await;
            world.days_pass(2).await;
            assert_eq!(opened(&world).await, ["completed"]);
            is_erased(&world).await;
            let done = world.fresh(OWNER);
            let text = line(&done[0].text);
            assert!(done.len() == 1 && text.contains("erased because its service had ended"), "{text}");
            assert!(text.contains("Art. 17(3)(b) GDPR"), "what the law keeps is told: {text}");
            assert!(world.fresh(TEAM).is_empty(), "nobody had to do anything");
            world.days_pass(100).await;
            assert_eq!(
                opened(&world).await,
                ["completed"],
                "the contract is listed still, and nothing is opened twice"
            );
        })
        .await;
}

on_both! {
    async fn an_ended_account_goes_when_its_time_is_over_and_not_before(ground) {
        goes_when_its_time_is_over(ending(ground, "('a1', '2026-10-10')", "").await).await;
    }

    /// It came back to life within the grace period.
    async fn an_account_that_lives_again_is_left_alone(ground) {
        let world = ending(ground, "('a1', '2026-10-05')", "").await;
        world.live(async {
            asked(&world).await;
            assert_eq!(opened(&world).await, ["scheduled"]);
            world.fresh(OWNER);
            world.ground.shop.run("DELETE FROM contracts").await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            is_whole(&world).await;
            let told = world.fresh(OWNER).pop().expect("the owner hears of it");
            assert!(line(&told.text).contains("has not ended as we wrote to you"), "{}", told.text);
            world.days_pass(100).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            world.ground.shop.run("INSERT INTO contracts VALUES ('a1', '2026-10-05')").await;
            world.days_pass(2).await;
            assert_eq!(opened(&world).await, ["withdrawn", "scheduled"], "it ended after all, and the owner is told anew");
            assert!(world.fresh(TEAM).is_empty());
        }).await;
    }

    async fn a_stop_of_the_owner_is_heard_and_the_same_end_opens_nothing_more(ground) {
        let world = ending(ground, "('a1', '2026-10-05')", "").await;
        world.live(async {
            asked(&world).await;
            let told = world.fresh(OWNER).pop().expect("the owner is told");
            world.receive(&told.answer(OWNER, "Stop")).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            let answer = world.fresh(OWNER).pop().expect("the owner hears that it stopped");
            assert!(line(&answer.text).contains("we have stopped the erasure of your account’s data"), "{}", answer.text);
            world.days_pass(200).await;
            is_whole(&world).await;
            assert_eq!(opened(&world).await, ["withdrawn"], "the same end was stopped by a person");
            world.ground.shop.run("UPDATE contracts SET ended_at = '2026-11-05'").await;
            world.days_pass(2).await;
            assert_eq!(opened(&world).await, ["withdrawn", "scheduled"], "another end is another question");
        }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_date_begins_the_time_anew() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            world.ground.shop.run("UPDATE contracts SET ended_at = '2026-12-31'").await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            world.days_pass(60).await;
            is_whole(&world).await;
            world.days_pass(25).await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["withdrawn", "completed"]);
            is_erased(&world).await;
        })
        .await;
}

/// What is no plain stop, and what proves nothing, pauses it until a person has looked.
#[tokio::test(flavor = "multi_thread")]
async fn an_objection_pauses_it() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05'), ('a2', '2026-10-05')", SHARE_OF_ALL).await;
    world
        .live(async {
            asked(&world).await;
            assert_eq!(opened(&world).await, ["scheduled", "scheduled"]);
            let told = world.fresh(OWNER).pop().expect("the owner is told");
            let objection = "Hm, I am not sure whether we shall need that again next year.";
            world.receive(&told.answer(OWNER, objection)).await;
            let fresh = crate::support::world::plain(OTHER, "Stop", "Stop, do not delete anything of mine.");
            world.receive(&fresh).await;
            assert_eq!(opened(&world).await, ["on_hold", "on_hold"]);
            let paused = world.fresh(OWNER).pop().expect("the owner hears of the pause");
            assert!(line(&paused.text).contains("we have paused the erasure instead"), "{}", paused.text);
            world.days_pass(60).await;
            is_whole(&world).await;
            assert_eq!(opened(&world).await, ["needs_review", "needs_review"]);
            assert!(world.fresh(OWNER).is_empty(), "who did not ask waits for no answer");
        })
        .await;
}

/// Half of the accounts may end on one day.
const SHARE_OF_ALL: &str = "share_percent_max = 50\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_stops_it_and_an_account_that_lives_by_its_end_is_not_touched() {
    for lives in [false, true] {
        let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
        world
            .live(async {
                let operator = world.operator("ops");
                let held = HeldTarget::Account("a1".to_owned());
                let hold = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap().hold;
                asked(&world).await;
                world.days_pass(20).await;
                is_whole(&world).await;
                assert_eq!(opened(&world).await, ["erasing"]);
                if lives {
                    world.ground.shop.run("DELETE FROM contracts").await;
                }
                legal::release(&world.house, hold.id, &operator).await.unwrap();
                world.days_pass(1).await;
                if lives {
                    assert_eq!(opened(&world).await, ["withdrawn"], "no row was touched, and none is");
                    is_whole(&world).await;
                } else {
                    assert_eq!(opened(&world).await, ["completed"]);
                    is_erased(&world).await;
                }
            })
            .await;
    }
}

/// Whoever has asked for the whole account is answered, and nothing is opened beside it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_opened_beside_what_a_person_asked_for() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-10')", "").await;
    world
        .live(async {
            asked(&world).await;
            let (by_letter, _) = world.ask(OWNER).await;
            world.days_pass(8).await;
            assert!(opened(&world).await.is_empty());
            let reference = world.reference(by_letter).await;
            operate::act(&world.house, &reference, &world.operator("ops"), Act::Withdraw, None).await.unwrap();
            world.days_pass(2).await;
            assert_eq!(opened(&world).await, ["scheduled"], "nobody asks any more");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_it_is_in_its_trail() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            world.days_pass(8).await;
            let mut tx = world.house.db.read().await.unwrap();
            let sql = "SELECT event, leaf FROM trail WHERE case_id = (SELECT case_id FROM requests WHERE origin = 'termination')
                 AND event NOT IN ('letter_sending', 'letter_sent', 'key_destroyed') ORDER BY number";
            let rows = tx.all(sql, params![]).await.unwrap();
            let events: Vec<String> = rows.iter().map(|row| row.text("event").unwrap()).collect();
            assert_eq!(events[..4], ["request_opened", "noted", "authority_issued", "scheduled"]);
            assert!(events.contains(&"intent".to_owned()) && events.last().unwrap() == "completed", "{events:?}");
            let noted = rows[1].text("leaf").unwrap();
            assert!(noted.contains("termination") && noted.contains("2026-10-05"), "{noted}");
            let issued = rows[2].text("leaf").unwrap();
            assert!(issued.contains("service_ended"), "{issued}");
            let sql = "SELECT kind FROM authorities WHERE method = 'service_ended'";
            assert_eq!(tx.one(sql, params![]).await.unwrap().text("kind").unwrap(), "termination");
        })
        .await;
}

/// The record is forgotten like any other.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_forgotten_in_its_turn() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["completed"]);
            world.ground.shop.run("DELETE FROM contracts").await;
            world.days_pass(40).await;
            world.days_pass(1_100).await;
            world.days_pass(2).await;
            assert!(opened(&world).await.is_empty());
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM terminations", params![]).await, 0);
        })
        .await;
}

pub(crate) fn the_account(account: &str) -> Correction {
    Correction { scope: Some(Scope::Account), account: Some(account.to_owned()), ..Correction::default() }
}
