//! Who asked to hear of the end of what is kept is told once, when it was erased and looked for again, and never before; and nobody's
//! address is kept who did not ask.

use expunged::domain::{RequestId, State};
use expunged::flow::legal::{self, HeldTarget, Placed, table};
use expunged::flow::operate::Operator;
use expunged::flow::{FlowError, retention};
use expunged::params;

use super::{OWNER, WHOLE, closed, end_trouble, keeping, opened, orders, stands};
use crate::support::world::{Ground, Letter, World, on_both};

/// How many addresses are kept for a letter to come.
async fn addresses(world: &World) -> i64 {
    let sql = "SELECT COUNT(*) AS number FROM vault_keys WHERE purpose = 'notice' AND wrapped IS NOT NULL";
    world.number(sql, params![]).await
}

/// The letters to the owner since the last look, in one line each.
fn fresh(world: &World) -> Vec<String> {
    world.fresh(OWNER).iter().map(one_line).collect()
}

/// What the confirmation says; the letters before it were read with it.
fn confirmation(world: &World) -> String {
    fresh(world).into_iter().find(|letter| letter.contains("We completed the request")).expect("a confirmation")
}

fn one_line(letter: &Letter) -> String {
    letter.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An account that is closed; whether its owner wants to be told is noted before the confirmation.
async fn closed_as(world: &World, wanted: bool) -> RequestId {
    let request = world.ask_and_confirm(OWNER).await;
    let reference = world.reference(request).await;
    retention::tell_at_end(&world.house, &reference, &world.operator("ops"), wanted).await.unwrap();
    world.days_pass(7).await;
    assert_eq!(world.state(request).await, State::Completed);
    request
}

async fn is_told_once(world: World) {
    world
        .live(async {
            let request = closed_as(&world, true).await;
            let confirmed = confirmation(&world);
            assert!(confirmed.contains("for that alone we keep your e-mail address until then"), "{confirmed}");
            assert_eq!(addresses(&world).await, 1);
            world.days_pass(211).await;
            assert_eq!(orders(&world, "id IN ('o1', 'o9')").await, 1, "one went, and one is kept still");
            assert_eq!(fresh(&world), [""; 0], "the ground has a row yet");
            world.days_pass(31).await;
            stands_completed(&world, 2).await;
            let told = fresh(&world);
            assert_eq!(told.len(), 1, "{told:#?}");
            let reference = world.reference(request).await.to_string();
            for words in [
                reference.as_str(),
                "Art. 17(3)(b) GDPR: this time ended on 1 September 2027",
                "1 record erased",
                "that time ended earlier",
                "it is erased now",
            ] {
                assert!(told[0].contains(words), "{words:?} is not in {}", told[0]);
            }
            assert_eq!(addresses(&world).await, 0, "it is forgotten with what was kept");
            let sql = "SELECT COUNT(*) AS number FROM vault_keys k JOIN requests r ON r.case_id = k.owner
                 WHERE r.origin = 'retention' AND k.purpose = 'contact' AND k.wrapped IS NOT NULL AND k.owner IN
                   (SELECT r.case_id FROM requests r JOIN letters l ON l.request_id = r.id WHERE l.kind = 'kept_erased')";
            assert_eq!(world.number(sql, params![]).await, 0, "and the copy with the letter");
            world.days_pass(60).await;
            assert_eq!(fresh(&world), [""; 0], "once");
        })
        .await;
}

/// All rows are gone, under so many requests.
async fn stands_completed(world: &World, requests: usize) {
    assert_eq!(orders(world, "id IN ('o1', 'o9')").await, 0);
    assert_eq!(opened(world).await, vec!["completed"; requests]);
}

on_both! {
    async fn who_asked_is_told_when_the_last_row_of_a_ground_is_gone(ground) {
        is_told_once(keeping(ground, WHOLE).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_who_did_not_ask() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            let request = closed(&world).await;
            let confirmed = confirmation(&world);
            assert!(!confirmed.contains("we keep your e-mail address"), "{confirmed}");
            let (reference, operator) = (world.reference(request).await, world.operator("ops"));
            let late = retention::tell_at_end(&world.house, &reference, &operator, true).await.unwrap_err();
            assert!(matches!(late, FlowError::KeyDestroyed(_)), "the address went with the confirmation: {late}");
            world.days_pass(250).await;
            stands_completed(&world, 1).await;
            assert_eq!(fresh(&world), [""; 0]);
            let sql = "SELECT COUNT(*) AS number FROM vault_keys WHERE purpose = 'notice'";
            assert_eq!(world.number(sql, params![]).await, 0, "no address was ever kept");
        })
        .await;
}

/// The operator promises it to all; somebody does not want it, and says so years later, when their request is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn who_wants_it_no_more_has_their_address_forgotten() {
    let ground = Ground::sqlite().await.with_config(|config| format!("{config}\n[retention]\ntell_at_end = true\n"));
    let world = keeping(ground, &WHOLE.replace("18 months", "60 months")).await;
    world
        .live(async {
            let request = closed(&world).await;
            let reference = world.reference(request).await;
            world.days_pass(1_100).await;
            world.days_pass(2).await;
            let known = "SELECT COUNT(*) AS number FROM requests WHERE id = $1";
            assert_eq!(world.number(known, params![request]).await, 0, "the request is forgotten");
            assert_eq!(addresses(&world).await, 1);
            drop(fresh(&world));
            retention::tell_at_end(&world.house, &reference, &world.operator("ops"), false).await.unwrap();
            assert_eq!(addresses(&world).await, 0);
            world.days_pass(500).await;
            stands_completed(&world, 1).await;
            assert_eq!(fresh(&world), [""; 0]);
            let other = retention::tell_at_end(&world.house, &reference, &world.operator("ops"), false).await;
            assert!(matches!(other, Err(FlowError::Missing(_))), "nothing is known of it any more");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_promises_to_all_one_person_can_refuse() {
    let ground = Ground::sqlite().await.with_config(|config| format!("{config}\n[retention]\ntell_at_end = true\n"));
    let world = keeping(ground, WHOLE).await;
    world
        .live(async {
            closed_as(&world, false).await;
            let confirmed = confirmation(&world);
            assert!(!confirmed.contains("we keep your e-mail address"), "{confirmed}");
            assert_eq!(addresses(&world).await, 0);
        })
        .await;
}

/// Two requests erase the rows, and a hold stops both: the letter of the second speaks of the rows of the first.
/// Closed, and at the end of what was kept a legal hold lies on it.
async fn held_at_its_end(world: &World) -> (Placed, Operator) {
    closed_as(world, true).await;
    drop(fresh(world));
    let operator = world.operator("ops");
    let held = HeldTarget::Table(table("shop.orders").unwrap());
    let placed = legal::place(&world.house, &held, "12 O 34/26", &operator).await.unwrap();
    world.days_pass(211).await;
    stands(world, 2, "erasing").await;
    (placed, operator)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_postpones_it() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            let (placed, operator) = held_at_its_end(&world).await;
            world.days_pass(60).await;
            assert_eq!(opened(&world).await, ["erasing", "erasing"]);
            assert_eq!(fresh(&world), [""; 0], "nothing is gone");
            legal::release(&world.house, placed.hold.id, &operator).await.unwrap();
            world.settle().await;
            world.hours_pass(2).await;
            stands_completed(&world, 2).await;
            assert_eq!(fresh(&world).len(), 1);
        })
        .await;
}

/// Another request still erases rows of the ground when the one that has the letter is done.
#[tokio::test(flavor = "multi_thread")]
async fn the_letter_waits_for_what_was_begun_before() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            let (placed, operator) = held_at_its_end(&world).await;
            // Its job does not come to its turn again, and waits for no hold any more.
            let later = "UPDATE jobs SET run_at = 4000000000000000, reason = NULL WHERE kind = 'erase'";
            assert_eq!(world.try_sql(later, params![]).await.unwrap(), 1);
            legal::release(&world.house, placed.hold.id, &operator).await.unwrap();
            world.days_pass(60).await;
            assert_eq!(opened(&world).await, ["completed", "erasing"]);
            assert_eq!(fresh(&world), [""; 0], "one row is there still");
            world.try_sql("UPDATE jobs SET run_at = 0 WHERE kind = 'erase'", params![]).await.unwrap();
            world.hours_pass(2).await;
            stands_completed(&world, 2).await;
            assert_eq!(fresh(&world).len(), 1);
        })
        .await;
}

/// Somebody deleted the rows in the shop itself. That they are gone is read back before it is said.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_went_by_themselves_are_told_of_too() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed_as(&world, true).await;
            drop(fresh(&world));
            world.ground.shop.run("DELETE FROM orders WHERE id IN ('o1', 'o9')").await;
            world.days_pass(100).await;
            stands_completed(&world, 1).await;
            let told = fresh(&world);
            assert_eq!(told.len(), 1, "{told:#?}");
            assert!(told[0].contains("of these records none was left when we looked"), "{}", told[0]);
            assert!(!told[0].contains("erased."), "nothing was erased by us: {}", told[0]);
            assert_eq!(addresses(&world).await, 0);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rows_that_a_person_has_seen_to_the_program_says_nothing() {
    let world = keeping(Ground::sqlite().await, WHOLE).await;
    world
        .live(async {
            closed_as(&world, true).await;
            drop(fresh(&world));
            world.ground.shop.run("UPDATE orders SET user_id = 'u2' WHERE id = 'o1'").await;
            world.days_pass(300).await;
            assert_eq!(opened(&world).await, ["completed", "needs_review"]);
            assert_eq!(fresh(&world), [""; 0], "nobody knows whose the other is: the doubt postpones it");
            assert_eq!(addresses(&world).await, 1);
            end_trouble(&world).await;
            world.days_pass(8).await;
            assert_eq!(orders(&world, "id = 'o1' AND user_id = 'u2'").await, 1);
            assert_eq!(fresh(&world), [""; 0]);
            assert_eq!(addresses(&world).await, 0, "nothing is kept any more, and nobody is left to be told");
        })
        .await;
}
