//! What a person of the team looks at, and what they may do with it.

use expunged::flow::operate::{self, Act, Correction};
use expunged::flow::{FlowError, termination};

use super::{OWNER, asked, ending, is_erased, is_whole, opened, request, the_account};
use crate::support::world::{Ground, TEAM, World};

/// The owner has no address on file.
async fn unreachable() -> World {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world.ground.shop.run("UPDATE users SET email = '' WHERE id = 'u1'").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_an_address_goes_to_a_person_who_lets_it_go_on() {
    let world = unreachable().await;
    world
        .live(async {
            asked(&world).await;
            assert_eq!(opened(&world).await, ["needs_review"]);
            assert_eq!(world.fresh(TEAM).len(), 1);
            world.days_pass(60).await;
            is_whole(&world).await;
            assert!(world.fresh(TEAM).is_empty(), "nobody waits for an answer, and nobody is hurried");
            world.ground.shop.run(&format!("UPDATE users SET email = '{OWNER}' WHERE id = 'u1'")).await;
            let (reference, operator) = (world.reference(request(&world).await).await, world.operator("ops"));
            for other in [the_account("a2"), Correction { target: Some("Una One".to_owned()), ..Correction::default() }]
            {
                let refused = operate::correct(&world.house, &reference, &operator, other).await;
                assert!(matches!(refused, Err(FlowError::Unusable(_))), "nobody has proven anything about another");
            }
            operate::correct(&world.house, &reference, &operator, the_account("a1")).await.unwrap();
            asked(&world).await;
            assert_eq!(opened(&world).await, ["scheduled"]);
            assert_eq!(world.fresh(OWNER).len(), 1, "the owner is told, and has the whole grace period");
            world.days_pass(6).await;
            is_whole(&world).await;
            world.days_pass(2).await;
            assert_eq!(opened(&world).await, ["completed"]);
            is_erased(&world).await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_team_withdraws_is_not_opened_again() {
    let world = unreachable().await;
    world
        .live(async {
            asked(&world).await;
            let (reference, operator) = (world.reference(request(&world).await).await, world.operator("ops"));
            let article = "Art. 17(3)(b) GDPR".to_owned();
            let refusal = operate::Refusal { ground: "no".to_owned(), article, data: vec![], review_on: None };
            let refused = operate::refuse(&world.house, &reference, &operator, refusal).await;
            assert!(matches!(refused, Err(FlowError::Illegal(_))), "nobody asked, so nobody is refused");
            operate::act(&world.house, &reference, &operator, Act::Withdraw, None).await.unwrap();
            world.days_pass(60).await;
            assert_eq!(opened(&world).await, ["withdrawn"]);
            let found = termination::look(&world.house).await.unwrap().unwrap();
            assert_eq!((found.listed, found.due), (1, 0));
        })
        .await;
}

/// What went to a person under an authority gets another one only when the person lets it go on.
#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_a_review_with_a_grace_period_of_its_own() {
    let world = ending(Ground::sqlite().await, "('a1', '2026-10-05')", "").await;
    world
        .live(async {
            asked(&world).await;
            world.fresh(OWNER);
            world.ground.shop.run("UPDATE users SET email = 'olga@elsewhere.example' WHERE id = 'u1'").await;
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["needs_review"], "whoever was told is not the owner's address any more");
            is_whole(&world).await;
            let (reference, operator) = (world.reference(request(&world).await).await, world.operator("ops"));
            operate::correct(&world.house, &reference, &operator, the_account("a1")).await.unwrap();
            asked(&world).await;
            assert_eq!(world.fresh("olga@elsewhere.example").len(), 1);
            world.days_pass(8).await;
            assert_eq!(opened(&world).await, ["completed"]);
            is_erased(&world).await;
        })
        .await;
}
