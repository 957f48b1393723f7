//! Each address that a letter names as its writer's is asked by itself, and a yes to one is no yes to another.

use std::time::Duration;

use expunged::db::deliveries::Disposition;
use expunged::db::shared_letters;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Act, Correction};
use expunged::params;

use super::{OWNER, USER, opens, write};
use crate::support::world::{Ground, World, on_both};

const ELSEWHERE: &str = "new@elsewhere.example";
const THIRD: &str = "owner3@team.example";
const FOURTH: &str = "owner4@team.example";
const BOTH: (&str, &str) =
    ("My accounts", "Hello,\r\n\r\nplease delete my accounts owner3@team.example and owner4@team.example.\r\n");

/// The requests in which this address on file is asked, the oldest first.
async fn of(world: &World, address: &str) -> Vec<RequestId> {
    let mut tx = world.house.db.read().await.unwrap();
    let mac = world.house.keys.lookup_mac(address).to_vec();
    let rows = tx.all("SELECT id FROM requests WHERE contact_mac = $1 ORDER BY opened_at, id", params![mac]).await;
    rows.unwrap().iter().map(|row| RequestId::from_uuid(row.uuid("id").unwrap())).collect()
}

/// The one request in which this address on file is asked.
async fn the_one_of(world: &World, address: &str) -> RequestId {
    let found = of(world, address).await;
    assert_eq!(found.len(), 1, "{address}");
    found[0]
}

async fn requests(world: &World) -> i64 {
    world.number("SELECT COUNT(*) AS number FROM requests", params![]).await
}

async fn asked(world: &World, address: &str) -> Vec<Scope> {
    let request = world.stored(the_one_of(world, address).await).await.request;
    assert_eq!(request.state, State::AwaitingConfirmation, "{address}: {:?}", request.review);
    request.ask.unwrap().offered
}

async fn left(world: &World, account: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM users WHERE account_id = '{account}'");
    world.ground.shop.count(&sql).await
}

on_both! {
    /// Two accounts of two addresses: two challenges, two answers, two erasures, two confirmations.
    async fn each_address_is_challenged_and_answers_by_itself(ground) {
        each_by_itself(&ground.build().await).await;
    }

    /// A stop without a token pauses what it can belong to: from the writer's address all of them, from another its own.
    async fn a_stop_pauses_what_it_can_belong_to(ground) {
        stops(&ground.build().await).await;
    }

    /// A stop that answers the question of one of them may mean the other as well, which its letter opened beside it.
    async fn a_stop_by_answer_pauses_what_the_same_letter_opened(ground) {
        stops_by_answer(&ground.build().await).await;
    }

    /// A repeat of the same letter joins both, and brings back what has ended meanwhile.
    async fn a_repeat_joins_all_requests_of_the_letter(ground) {
        repeats(&ground.build().await).await;
    }

    /// A letter leaves the mailbox with the last of its requests, and its rows with theirs.
    async fn a_letter_is_forgotten_with_the_last_of_its_requests(ground) {
        forgets(&ground.build().await).await;
    }

    /// The first five are asked; a person looks at the others.
    async fn more_than_five_go_to_a_person(ground) {
        six(&ground.build().await).await;
    }

    /// Once all that were asked have ended, the letter asks by them anew: the request for the rest is not all of it.
    async fn a_repeat_does_not_join_the_request_for_the_rest_alone(ground) {
        six_again(&ground.build().await).await;
    }
}

async fn each_by_itself(world: &World) {
    world
        .live(async {
            opens(world, ELSEWHERE, BOTH).await;
            assert_eq!(requests(world).await, 2);
            let (third, fourth) = (the_one_of(world, THIRD).await, the_one_of(world, FOURTH).await);
            assert_eq!(
                (asked(world, THIRD).await, asked(world, FOURTH).await),
                (vec![Scope::Account], vec![Scope::Account])
            );
            let (of_third, of_fourth) = (world.fresh(THIRD).pop().unwrap(), world.fresh(FOURTH).pop().unwrap());
            assert!(!of_third.text.contains("owner4") && !of_fourth.text.contains("owner3"), "nothing of the other");
            assert!(world.fresh(ELSEWHERE).is_empty(), "who wrote learns nothing");
            let due = |stored: expunged::db::requests::Stored| stored.request.deadlines;
            assert_eq!(due(world.stored(third).await), due(world.stored(fourth).await), "one receipt, one due date");

            // The code of one is no answer to the other.
            world.receive(&of_fourth.answer(FOURTH, &of_third.code())).await;
            assert_eq!(world.state(fourth).await, State::AwaitingConfirmation);
            world.receive(&of_third.answer(THIRD, &of_third.code())).await;
            assert_eq!(world.state(third).await, State::Scheduled);
            assert_eq!(world.state(fourth).await, State::AwaitingConfirmation, "a yes to one confirms one");
            world.days_pass(8).await;
            assert_eq!(
                (world.state(third).await, left(world, "a3").await, left(world, "a4").await),
                (State::Completed, 0, 1)
            );
            world.receive(&of_fourth.answer(FOURTH, &of_fourth.code())).await;
            world.days_pass(8).await;
            assert_eq!((world.state(fourth).await, left(world, "a4").await), (State::Completed, 0));
            let told = "SELECT COUNT(*) AS number FROM letters WHERE kind = 'completed' AND state = 'sent'";
            assert_eq!(world.number(told, params![]).await, 2);
            let mut tx = world.house.db.read().await.unwrap();
            assert_eq!(shared_letters::beside(&mut tx, third).await.unwrap(), [world.reference(fourth).await]);
            assert_eq!(shared_letters::beside(&mut tx, fourth).await.unwrap(), [world.reference(third).await]);
        })
        .await;
}

async fn stops(world: &World) {
    world
        .live(async {
            opens(world, ELSEWHERE, BOTH).await;
            let (third, fourth) = (the_one_of(world, THIRD).await, the_one_of(world, FOURTH).await);
            write(world, FOURTH, ("Hello", "Stop.")).await;
            assert_eq!(
                (world.state(third).await, world.state(fourth).await),
                (State::AwaitingConfirmation, State::OnHold)
            );
            write(world, ELSEWHERE, ("Hello", "Stop!")).await;
            assert_eq!((world.state(third).await, world.state(fourth).await), (State::OnHold, State::OnHold));
        })
        .await;
}

async fn stops_by_answer(world: &World) {
    world
        .live(async {
            opens(world, ELSEWHERE, BOTH).await;
            let (third, fourth) = (the_one_of(world, THIRD).await, the_one_of(world, FOURTH).await);
            let question = world.fresh(THIRD).pop().expect("a question");
            world.fresh(FOURTH);
            world.receive(&question.answer(THIRD, "Stop! I do not want that.")).await;
            assert_eq!((world.state(third).await, world.state(fourth).await), (State::Withdrawn, State::OnHold));
            let told = world.fresh(FOURTH);
            assert_eq!(told.len(), 1, "who asked by the other address hears of the pause");
            world.days_pass(8).await;
            assert_eq!((left(world, "a3").await > 0, left(world, "a4").await > 0), (true, true));
        })
        .await;
}

async fn repeats(world: &World) {
    world
        .live(async {
            let first = opens(world, ELSEWHERE, BOTH).await;
            let (third, fourth) = (the_one_of(world, THIRD).await, the_one_of(world, FOURTH).await);
            assert_eq!(write(world, ELSEWHERE, BOTH).await, (Disposition::Joined, Some(first)));
            assert_eq!(requests(world).await, 2);
            let letters = "SELECT COUNT(*) AS number FROM sealed WHERE kind = 'letter'";
            assert_eq!(world.number(letters, params![]).await, 4, "each case has both letters");
            assert_eq!((world.fresh(THIRD).len(), world.fresh(FOURTH).len()), (1, 1), "not twice in a day");

            // One of them says no; who repeats the letter then asks that one anew, and the other is open still.
            let operator = world.operator("operator");
            let reference = world.reference(fourth).await;
            operate::act(&world.house, &reference, &operator, Act::Withdraw, None).await.unwrap();
            world.clock.advance(Duration::from_secs(2 * 86_400));
            write(world, ELSEWHERE, BOTH).await;
            assert_eq!(requests(world).await, 3);
            assert_eq!(of(world, FOURTH).await.len(), 2);
            assert_eq!(of(world, THIRD).await, [third]);
        })
        .await;
}

async fn forgets(world: &World) {
    let shared = "SELECT COUNT(*) AS number FROM shared_letters";
    let expunged = "SELECT COUNT(*) AS number FROM deliveries WHERE disposition = 'opened' AND expunged_at IS NOT NULL";
    let due = "SELECT COUNT(*) AS number FROM requests WHERE letters_due_at IS NOT NULL";
    let nothing_due = async || {
        for _ in 0..500 {
            if world.number(due, params![]).await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("letters are due still");
    };
    world
        .live(async {
            opens(world, ELSEWHERE, BOTH).await;
            let (third, fourth) = (the_one_of(world, THIRD).await, the_one_of(world, FOURTH).await);
            let (of_third, of_fourth) = (world.fresh(THIRD).pop().unwrap(), world.fresh(FOURTH).pop().unwrap());
            world.receive(&of_third.answer(THIRD, &of_third.code())).await;
            world.days_pass(8).await;
            assert_eq!(world.state(third).await, State::Completed);
            world.receive(&of_fourth.answer(FOURTH, "No.")).await;
            assert_eq!(world.state(fourth).await, State::Withdrawn);
            assert_eq!(world.number(shared, params![]).await, 1);
            // The letters of the first are due some days before those of the second.
            world.days_pass(23).await;
            nothing_due().await;
            assert_eq!(world.number(expunged, params![]).await, 0, "the second one keeps it");
            world.days_pass(9).await;
            nothing_due().await;
            assert_eq!(world.number(expunged, params![]).await, 1, "it leaves with the last");
            world.days_pass(u64::from(world.house.config.retention.record_days)).await;
            assert_eq!((requests(world).await, world.number(shared, params![]).await), (0, 0));
            let known =
                "SELECT COUNT(*) AS number FROM deliveries WHERE request_id IS NOT NULL OR content_mac IS NOT NULL";
            assert_eq!(world.number(known, params![]).await, 0);
        })
        .await;
}

const SIX: &str = "Hello,\r\n\r\nplease delete my accounts:\r\n\r\n- owner1@team.example\r\n- owner2@team.example\r\n\
                        - owner3@team.example\r\n- owner4@team.example\r\n- user1@team.example\r\n- guest1@guest.example\r\n";

async fn six_again(world: &World) {
    world
        .live(async {
            let six = ("My accounts", SIX);
            let first = opens(world, ELSEWHERE, six).await;
            assert_eq!(requests(world).await, 6);
            let asked = [OWNER, "owner2@team.example", THIRD, FOURTH, USER];
            for address in asked {
                let reference = world.reference(the_one_of(world, address).await).await;
                operate::act(&world.house, &reference, &world.operator("operator"), Act::Withdraw, None).await.unwrap();
            }
            world.days_pass(2).await;
            for address in asked {
                world.fresh(address);
            }
            let (disposition, again) = write(world, ELSEWHERE, six).await;
            assert_eq!(disposition, Disposition::Opened, "only the request for the rest is open");
            assert_ne!(again, Some(first));
            assert_eq!(requests(world).await, 11, "five are asked anew, and the rest waits as it did");
            for address in asked {
                assert_eq!(of(world, address).await.len(), 2, "{address}");
                assert_eq!(world.fresh(address).len(), 1, "{address}");
            }
            assert_eq!(write(world, ELSEWHERE, six).await.0, Disposition::Joined, "they are open now");
        })
        .await;
}

async fn six(world: &World) {
    world
        .live(async {
            opens(world, ELSEWHERE, ("My accounts", SIX)).await;
            assert_eq!(requests(world).await, 6);
            for owner in [OWNER, "owner2@team.example", THIRD, FOURTH] {
                assert_eq!(asked(world, owner).await, [Scope::Account]);
            }
            assert_eq!(asked(world, USER).await, [Scope::User]);
            assert!(world.fresh("guest1@guest.example").is_empty());
            let mut tx = world.house.db.read().await.unwrap();
            let sql = "SELECT id FROM requests WHERE review_reason = 'many_addresses' AND state = 'needs_review'";
            let rest = RequestId::from_uuid(tx.one(sql, params![]).await.unwrap().uuid("id").unwrap());
            drop(tx);
            assert_eq!(world.stored(rest).await.request.review, Some(ReviewReason::ManyAddresses));
            // Who has read the letter has the sixth asked like the others: an end-user's wish goes to the owner.
            let correction = Correction { scope: Some(Scope::EndUser), ..Correction::default() };
            operate::correct(&world.house, &world.reference(rest).await, &world.operator("operator"), correction)
                .await
                .unwrap();
            world.settle().await;
            assert_eq!(world.state(rest).await, State::Forwarded);
            assert_eq!(the_one_of(world, "guest1@guest.example").await, rest);
        })
        .await;
}

/// However many there are, each look of a person has the next ones asked, and the others wait for the next look.
#[tokio::test]
async fn the_rest_is_never_lost() {
    let ground = Ground::sqlite().await.with_config(|config| config + "\n[challenge]\naddresses_max = 2\n");
    let world = ground.build().await;
    let waiting = "SELECT id FROM requests WHERE review_reason = 'many_addresses' AND state = 'needs_review'";
    world
        .live(async {
            let text = "Please delete my accounts owner1@team.example, owner2@team.example, owner3@team.example, \
                        owner4@team.example and user1@team.example.";
            opens(&world, ELSEWHERE, ("Hello", text)).await;
            for (look, asked_by_then) in [(0, 2), (1, 4)] {
                let challenges = world.number("SELECT COUNT(*) AS number FROM challenges", params![]).await;
                assert_eq!((challenges, requests(&world).await), (asked_by_then, asked_by_then + 1), "look {look}");
                let mut tx = world.house.db.read().await.unwrap();
                let rest = RequestId::from_uuid(tx.one(waiting, params![]).await.unwrap().uuid("id").unwrap());
                drop(tx);
                let correction = Correction { scope: Some(Scope::Account), ..Correction::default() };
                let operator = world.operator("operator");
                operate::correct(&world.house, &world.reference(rest).await, &operator, correction).await.unwrap();
                world.settle().await;
            }
            assert_eq!(requests(&world).await, 5);
            let waiting = "SELECT COUNT(*) AS number FROM requests WHERE review_reason = 'many_addresses'";
            assert_eq!(world.number(waiting, params![]).await, 0);
            the_one_of(&world, USER).await;
        })
        .await;
}

/// A letter, who sends it, and who of the shop is asked by themselves.
const CASES: &[(&str, &str, &[&str])] = &[
    // What the sender's address stands for is asked for too, where the other only stands beside the wish.
    (OWNER, "Please delete my account. My old address was owner3@team.example.", &[OWNER, THIRD]),
    (OWNER, "Bitte löschen Sie mein Konto. Meine alte Adresse war owner3@team.example.", &[OWNER, THIRD]),
    (OWNER, "Please delete my accounts owner1@team.example and owner3@team.example.", &[OWNER, THIRD]),
    // Whoever names others means those, and not the address that they write from.
    (OWNER, "Please delete my accounts owner3@team.example and owner4@team.example.", &[THIRD, FOURTH]),
    // Nobody by the second: the first is asked, and hears nothing of it.
    (ELSEWHERE, "Please delete my accounts owner3@team.example and nobody@team.example.", &[THIRD]),
    (ELSEWHERE, "Please delete my accounts nobody@team.example and owner4@team.example.", &[FOURTH]),
    (OWNER, "Please delete my account. My old address was nobody@team.example.", &[OWNER]),
    // One person under two addresses is one.
    (ELSEWHERE, "Please delete my accounts owner3@team.example and alias3@team.example.", &[THIRD]),
    (THIRD, "Please delete my account. My old address was alias3@team.example.", &[THIRD]),
];

/// The shop with an alias of one owner, and an address that is on file in two accounts.
async fn with_aliases() -> World {
    let ground = Ground::sqlite().await.with_config(|config| {
        let find = "FROM users WHERE email = :address\n";
        assert!(config.contains(find));
        let more = "FROM users WHERE email = :address\nUNION ALL\nSELECT u.account_id AS account, u.role, u.id AS person, u.email AS address \
                    FROM users AS u JOIN aliases ON aliases.user_id = u.id WHERE aliases.email = :address\n";
        config.replace(find, more)
    });
    ground
        .shop
        .run(
            "CREATE TABLE aliases (id TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL, user_id TEXT NOT NULL);
             INSERT INTO aliases VALUES ('l1', 'alias3@team.example', 'u3'), ('l2', 'twice@team.example', 'u1'),
               ('l3', 'twice@team.example', 'u2')",
        )
        .await;
    let map = std::fs::read_to_string(ground.path("shop.toml")).unwrap();
    let aliases = "\n[tables.aliases]\nkey = \"id\"\nbelongs_to = { users = \"user_id\" }\nerase = \"delete\"\n\
                   categories = { id = \"none\", email = \"contact\", user_id = \"none\" }\n";
    ground.write("shop.toml", &(map + aliases));
    ground.build().await
}

#[tokio::test]
async fn who_is_asked_by_themselves() {
    for (from, text, people) in CASES {
        let world = with_aliases().await;
        world
            .live(async {
                opens(&world, from, ("Hello", text)).await;
                for person in *people {
                    assert_eq!(asked(&world, person).await, [Scope::Account], "{text}");
                    assert_eq!(world.fresh(person).len(), 1, "{person}: {text}");
                }
                assert_eq!(requests(&world).await, i64::try_from(people.len()).unwrap(), "{text}");
                assert_eq!(
                    world.number("SELECT COUNT(*) AS number FROM letters", params![]).await,
                    people.len() as i64
                );
            })
            .await;
    }
}

/// An address that is on file more than once goes to a person, and the other one goes on.
#[tokio::test]
async fn one_that_nobody_can_tell_keeps_the_other_from_nothing() {
    let world = with_aliases().await;
    world
        .live(async {
            let text = "Please delete my accounts twice@team.example and owner3@team.example.";
            opens(&world, ELSEWHERE, ("Hello", text)).await;
            assert_eq!(asked(&world, THIRD).await, [Scope::Account]);
            let several = "SELECT COUNT(*) AS number FROM requests WHERE review_reason = 'several_accounts'";
            assert_eq!((world.number(several, params![]).await, requests(&world).await), (1, 2));
        })
        .await;
}

/// What a letter excepts of the whole is read by a person, for each of its addresses.
#[tokio::test]
async fn no_caution_is_lost_by_naming_two() {
    let world = World::sqlite().await;
    world
        .live(async {
            let text = "Please delete my accounts owner3@team.example and owner4@team.example. But keep my invoices.";
            opens(&world, ELSEWHERE, ("Hello", text)).await;
            let asked = "SELECT COUNT(*) AS number FROM challenges";
            assert_eq!(world.number(asked, params![]).await, 0);
        })
        .await;
}
