//! What a person of the team says of a request in review leads on, and never past a proof.

use expunged::domain::request::ReviewReason;
use expunged::domain::{Reference, RequestId, Scope, State};
use expunged::flow::FlowError;
use expunged::flow::operate::{self, Act, Correction, Refusal};

use super::{ACCOUNT, OWNER, USER, meant, opens};
use crate::support::world::{Ground, TEAM, World, told};

async fn reference(world: &World, id: RequestId) -> Reference {
    world.reference(id).await
}

async fn corrected(world: &World, id: RequestId, correction: Correction) -> Result<(), FlowError> {
    let operator = world.operator("operator");
    operate::correct(&world.house, &reference(world, id).await, &operator, correction).await?;
    world.settle().await;
    Ok(())
}

fn scope(scope: Scope) -> Correction {
    Correction { scope: Some(scope), ..Correction::default() }
}

async fn in_review(world: &World, id: RequestId, reason: ReviewReason) {
    let request = world.stored(id).await.request;
    assert_eq!((request.state, request.review), (State::NeedsReview, Some(reason)));
}

async fn asked(world: &World, id: RequestId) -> (Vec<Scope>, bool) {
    let request = world.stored(id).await.request;
    assert_eq!(request.state, State::AwaitingConfirmation, "{:?}", request.review);
    let ask = request.ask.expect("somebody asks");
    (ask.offered, ask.approval)
}

/// A configuration that wants a look at everything: one look, and then the proof as ever.
#[tokio::test]
async fn a_rule_that_wants_a_look_has_it_once() {
    let row = |role: &str, scope: &str, target: &str| {
        format!("\n[[authority]]\nrole = \"{role}\"\nscope = \"{scope}\"\ntarget = \"{target}\"\nrule = \"review\"\n")
    };
    let rows = row("owner", "account", "account") + &row("user", "user", "oneself");
    let world = Ground::sqlite().await.with_config(|config| config + &rows).build().await;
    world
        .live(async {
            let account = opens(&world, OWNER, ACCOUNT).await;
            in_review(&world, account, ReviewReason::Policy).await;
            corrected(&world, account, scope(Scope::Account)).await.unwrap();
            assert_eq!(asked(&world, account).await, (vec![Scope::Account], false));
            let profile = opens(&world, USER, ("My profile", "Please delete my user profile.")).await;
            in_review(&world, profile, ReviewReason::Policy).await;
            corrected(&world, profile, scope(Scope::User)).await.unwrap();
            assert_eq!(asked(&world, profile).await, (vec![Scope::User], true), "the owner must still approve");
        })
        .await;
}

/// What the default leaves to a person is nobody's to have by a look: only the owner closes an account.
#[tokio::test]
async fn a_look_gives_nobody_what_only_the_owner_may() {
    let world = World::sqlite().await;
    world
        .live(async {
            let text = "Please delete my data, or rather send me a copy of it first.";
            let case = opens(&world, USER, ("My data", text)).await;
            corrected(&world, case, scope(Scope::Account)).await.unwrap();
            let request = world.stored(case).await.request;
            assert_ne!(request.ask.map(|ask| (ask.offered, ask.approval)), Some((vec![Scope::Account], false)));
            assert_eq!(world.number("SELECT COUNT(*) AS number FROM authorities", expunged::params![]).await, 0);
        })
        .await;
}

/// The letter names two people of one name; who has read it says which, and the owner confirms that one.
#[tokio::test]
async fn the_person_whom_an_operator_names_is_meant() {
    let world = meant::world().await;
    world
        .live(async {
            let text = "Hello,\r\n\r\nplease delete the data of our customer Jane Twin.";
            let case = opens(&world, OWNER, ("Erasure", text)).await;
            in_review(&world, case, ReviewReason::UnclearTarget).await;
            corrected(&world, case, scope(Scope::EndUser)).await.unwrap();
            in_review(&world, case, ReviewReason::UnclearTarget).await;
            let target = |name: &str| Correction { target: Some(name.to_owned()), ..scope(Scope::EndUser) };
            let several = corrected(&world, case, target("Jane Twin")).await.unwrap_err();
            assert!(told(&several).contains("several people"), "{several}");
            let nobody = corrected(&world, case, target("jill@guest.example")).await.unwrap_err();
            assert!(matches!(nobody, FlowError::NotFound(_)), "{nobody}");
            let whole = Correction { scope: Some(Scope::Account), ..target("june@guest.example") };
            assert!(corrected(&world, case, whole).await.is_err());

            corrected(&world, case, target("june@guest.example")).await.unwrap();
            assert_eq!(asked(&world, case).await, (vec![Scope::EndUser], false));
            let challenge = world.fresh(OWNER).into_iter().find(|letter| letter.subject.contains("confirm"));
            let challenge = challenge.expect("the owner is challenged");
            assert!(challenge.text.contains("june@guest.example"), "{}", challenge.text);
            world.receive(&challenge.answer(OWNER, &format!("Yes. {}", challenge.code()))).await;
            assert_eq!(world.state(case).await, State::Scheduled);
            world.days_pass(8).await;
            assert_eq!(world.state(case).await, State::Completed);
            let left = |id: &str| format!("SELECT COUNT(*) FROM end_users WHERE id = '{id}'");
            assert_eq!(world.ground.shop.count(&left("e4")).await, 0, "June is gone");
            assert_eq!(world.ground.shop.count(&left("e3")).await, 1, "Jane is not");
        })
        .await;
}

/// An owner wrote from an address that nobody knows: the team hears of it, and the letter is asked about after all.
#[tokio::test]
async fn a_letter_of_nobody_is_opened_anew_for_whom_it_is_of() {
    let world = World::sqlite().await;
    world
        .live(async {
            let case = opens(&world, "olga@private.example", ACCOUNT).await;
            assert_eq!(world.state(case).await, State::NotFound);
            assert!(world.fresh("olga@private.example").is_empty(), "a stranger learns nothing");
            let alarm = world.fresh(TEAM).pop().expect("the team is told");
            assert!(alarm.text.contains("no account has its address"), "{}", alarm.text);

            let old = world.stored(case).await.request;
            let operator = world.operator("operator");
            let account = Correction { account: Some("a1".to_owned()), ..Correction::default() };
            let anew = operate::correct(&world.house, &old.reference, &operator, account.clone()).await.unwrap();
            assert_ne!(anew.request.reference, old.reference);
            assert_eq!(anew.request.deadlines, old.deadlines, "the clock runs from the letter");
            world.settle().await;
            assert_eq!(world.state(case).await, State::NotFound, "what has ended stays so");
            assert_eq!(asked(&world, anew.request.id).await, (vec![Scope::Account], false));
            let challenge = world.fresh(OWNER).pop().expect("the owner is asked at the address on file");
            let again = operate::correct(&world.house, &old.reference, &operator, account).await.unwrap_err();
            assert!(told(&again).contains("was opened from its letter already"), "{again}");

            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            world.days_pass(8).await;
            assert_eq!(world.state(anew.request.id).await, State::Completed);
            assert_eq!(world.ground.shop.count("SELECT COUNT(*) FROM users WHERE account_id = 'a1'").await, 0);
        })
        .await;
}

#[tokio::test]
async fn a_letter_that_was_forgotten_is_not_opened_anew() {
    let world = World::sqlite().await;
    world
        .live(async {
            let case = opens(&world, "olga@private.example", ACCOUNT).await;
            world.days_pass(u64::from(world.house.config.retention.unverified_letter_days) + 1).await;
            let account = Correction { account: Some("a1".to_owned()), ..Correction::default() };
            let error = corrected(&world, case, account).await.unwrap_err();
            assert!(matches!(error, FlowError::KeyDestroyed(_)), "{error}");
        })
        .await;
}

/// A refusal promises a day: the team hears of it then, once.
#[tokio::test]
async fn the_day_that_a_refusal_promises_is_kept() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (case, _) = world.ask(OWNER).await;
            let today = world.house.calendar.day(expunged::clock::Clock::now(&*world.clock));
            let refusal = Refusal {
                ground: "A claim is open".to_owned(),
                article: "Art. 17(3)(e) GDPR".to_owned(),
                data: Vec::new(),
                review_on: Some(today.saturating_add(jiff::Span::new().days(40))),
            };
            let operator = world.operator("operator");
            operate::refuse(&world.house, &reference(&world, case).await, &operator, refusal).await.unwrap();
            world.days_pass(38).await;
            world.fresh(TEAM);
            world.days_pass(2).await;
            let alarms = world.fresh(TEAM);
            assert_eq!(alarms.len(), 1);
            assert!(alarms[0].text.contains("promised another look"), "{}", alarms[0].text);
            assert_eq!(world.state(case).await, State::Refused);
            world.days_pass(20).await;
            assert!(world.fresh(TEAM).is_empty(), "once");
        })
        .await;
}

/// Who stopped a request is said as it was.
#[tokio::test]
async fn a_letter_says_who_stopped_the_request() {
    let world = World::sqlite().await;
    world
        .live(async {
            let (case, _) = world.ask(OWNER).await;
            let operator = world.operator("operator");
            let at = reference(&world, case).await;
            let blank = operate::act(&world.house, &at, &operator, Act::Withdraw, Some(" ")).await.unwrap_err();
            assert!(matches!(blank, FlowError::Blank(_)), "{blank}");
            operate::act(&world.house, &at, &operator, Act::Withdraw, Some("Rang us")).await.unwrap();
            world.settle().await;
            let letter = world.fresh(OWNER).pop().expect("the owner is told");
            assert!(
                letter.text.contains("Our team has stopped") && !letter.text.contains("Rang us"),
                "{}",
                letter.text
            );

            let other = "owner2@team.example";
            let (_, challenge) = world.ask(other).await;
            world.receive(&challenge.answer(other, "Please cancel my deletion request.")).await;
            let letter = world.fresh(other).pop().expect("the owner is told");
            assert!(letter.text.contains("As we were asked to"), "{}", letter.text);
        })
        .await;
}
