//! The promise: more rows than one subject may have, or rows that moved, are erased only after a person of the team agreed to
//! the very plan, and an agreement is for no other plan and proves nothing of who asks.

use expunged::db::deliveries::Disposition;
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State, SubjectKind};
use expunged::erase::{EraseLimits, PlanPaper, Target, plan, preview};
use expunged::flow::FlowError;
use expunged::flow::agree::{Agreed, agree};
use expunged::stores::{Key, KeyValue, StoreName};

use crate::support::world::{Ground, World, on_both};

const OWNER: &str = "owner1@team.example";

/// A world in which twenty rows of a table are many.
async fn world(ground: Ground) -> World {
    let few = |config: String| config.replace("[limits]\n", "[limits]\nrows_per_subject_max = 20\n");
    ground.with_config(few).build().await
}

/// Account 1 has so many orders more.
async fn orders(world: &World, from: u32, to: u32) {
    let row = |number| format!("('more{number}', 'u1', '2026-03-01', 'Olga One', 'Elm Street 1')");
    let rows: Vec<String> = (from..to).map(row).collect();
    world.ground.shop.run(&format!("INSERT INTO orders VALUES {}", rows.join(","))).await;
}

/// What `plan --out` keeps for an account.
async fn paper(world: &World, account: &str) -> PlanPaper {
    let key = Key(vec![KeyValue::Text(account.to_owned())]);
    let (scope, store) = (Scope::Account, StoreName::new("shop").unwrap());
    let subject_kind = SubjectKind::Account;
    let target = Target { scope, subject_kind, store, table: "accounts".to_owned(), key, categories: Vec::new() };
    let house = &world.house;
    let limits = EraseLimits { rows_per_store_max: 10_000, ..house.erase_limits };
    let skeleton = plan(&house.map, &target).unwrap();
    let preview = preview(&house.map, &house.stores, skeleton, limits, house.clock.now()).await.unwrap();
    let written = serde_json::to_vec(&PlanPaper::of(&preview).unwrap()).unwrap();
    PlanPaper::read(&written).unwrap()
}

async fn agreed(world: &World, request: RequestId, paper: &PlanPaper) -> Result<Agreed, FlowError> {
    let reference = world.reference(request).await;
    agree(&world.house, &reference, &world.operator("ops"), paper).await
}

/// Orders of account 1 that still name somebody.
async fn named(world: &World) -> i64 {
    world.ground.shop.count("SELECT COUNT(*) FROM orders WHERE user_id = 'u1'").await
}

async fn too_many(world: World) {
    orders(&world, 0, 40).await;
    world
        .live(async {
            let (disposition, request) = world.receive(&world.closing(OWNER)).await;
            assert_eq!(disposition, Disposition::Opened);
            let request = request.unwrap();
            assert_eq!(world.state(request).await, State::NeedsReview);
            assert_eq!(world.stored(request).await.request.review, Some(ReviewReason::TooManyRows));

            // Somebody else's plan is taken for none of this request's: it stays as it was asked for.
            let wrong = agreed(&world, request, &paper(&world, "a2").await).await.unwrap();
            assert!(matches!(wrong, Agreed::AskedAgain));
            world.settle().await;
            assert_eq!(world.state(request).await, State::NeedsReview);

            assert!(!world.fresh(OWNER).is_empty(), "the person heard that somebody looks at it");

            let right = paper(&world, "a1").await;
            assert!(matches!(agreed(&world, request, &right).await.unwrap(), Agreed::AskedAgain));
            world.settle().await;
            assert_eq!(world.state(request).await, State::AwaitingConfirmation, "to agree is no proof of who asks");
            world.days_pass(1).await;
            assert_eq!(named(&world).await, 41);
            let challenge = world.fresh(OWNER).pop().expect("the person is asked");
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            assert_eq!(world.state(request).await, State::Scheduled);
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            assert_eq!(named(&world).await, 0);
        })
        .await;
}

on_both! {
    async fn too_many_rows_wait_for_a_person_and_then_for_the_proof(ground) {
        too_many(world(ground).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_move_in_the_grace_period_stop_it_unless_somebody_agrees() {
    for agrees in [false, true] {
        let world = Ground::sqlite().await.build().await;
        world
            .live(async {
                let request = world.ask_and_confirm(OWNER).await;
                let early = paper(&world, "a1").await;
                orders(&world, 0, 150).await;
                if agrees {
                    let Agreed::Drifted(drift) = agreed(&world, request, &early).await.unwrap() else {
                        panic!("the paper is older than the orders")
                    };
                    let told = drift.to_string();
                    assert!(told.contains("shop.orders") && told.contains("1 rows then, 151 now"), "{told}");
                    let now = paper(&world, "a1").await;
                    let noted = agreed(&world, request, &now).await.unwrap();
                    assert!(matches!(noted, Agreed::Noted { rows } if rows == now.rows_total && rows > 151));
                    assert_eq!(world.state(request).await, State::Scheduled, "and its day stays the same");
                }
                world.days_pass(7).await;
                let (state, left) = if agrees { (State::Completed, 0) } else { (State::NeedsReview, 151) };
                assert_eq!(world.state(request).await, state);
                assert_eq!(named(&world).await, left);
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_for_one_plan_and_for_a_request_that_waits_for_one() {
    let world = Ground::sqlite().await.build().await;
    world
        .live(async {
            let request = world.ask_and_confirm(OWNER).await;
            let other = agreed(&world, request, &paper(&world, "a2").await).await.unwrap_err();
            assert!(other.to_string().contains("is not the one of this request"), "{other}");
            let right = paper(&world, "a1").await;
            world.days_pass(7).await;
            assert_eq!(world.state(request).await, State::Completed);
            let late = agreed(&world, request, &right).await.unwrap_err();
            assert!(late.to_string().contains("before the erasing begins"), "{late}");

            let (_, unclear) = world
                .receive(&crate::support::world::plain(
                    "owner2@team.example",
                    "my data",
                    "Please delete my account but keep the invoices, and send me a copy of all my data first.",
                ))
                .await;
            let unclear = unclear.unwrap();
            assert_eq!(world.state(unclear).await, State::NeedsReview);
            let another = agreed(&world, unclear, &paper(&world, "a2").await).await.unwrap_err();
            assert!(another.to_string().contains("has another reason"), "{another}");
        })
        .await;
}
