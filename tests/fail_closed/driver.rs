//! Takes a daemon through a cause and its end: an owner closes their account, something stands in the way, it goes.

use std::time::Duration;

use expunged::db::erasures;
use expunged::db::jobs::{self, JobState};
use expunged::domain::request::ReviewReason;
use expunged::domain::{RequestId, Scope, State};
use expunged::flow::operate::{self, Correction, Operator};
use expunged::flow::retry::{self, Retried};
use expunged::params;

use super::shop::{Deed, MANY, Setting, Shop};
use crate::support::world::{TEAM, World};

const OWNER: &str = "owner1@team.example";
const COMPLETED: &str = "SELECT COUNT(*) AS number FROM letters WHERE request_id = $1 AND kind = 'completed'";
/// Rows of account 1 as they lie in the shop, but for the users of a large one, and rows that stay.
const WHOLE: [i64; 5] = [2, 1, 1, 1, 1];
const OTHERS: [i64; 5] = [3, 3, 3, 1, 2];

/// A row of the table.
pub(super) struct Case {
    pub(super) setting: Setting,
    pub(super) comes: Comes,
    pub(super) cause: Deed,
    pub(super) cure: Deed,
    pub(super) stop: Stop,
    /// Words of the one alarm that the team gets.
    pub(super) says: &'static [&'static str],
    /// Words of `map check` while the cause lasts; none where it cannot know.
    pub(super) check: &'static [&'static str],
}

/// When the cause comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comes {
    /// The daemon runs, and its map was true when it started.
    BeforeTheLetter,
    /// The person has confirmed what the plan said.
    AfterTheProof,
}

/// How the request stops.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Nothing was written, and a person looks; then it is looked up and confirmed anew.
    Review(ReviewReason),
    /// A step failed for good; `jobs retry` has it done again.
    Fails,
    /// In this state, and goes on by itself.
    Waits(State),
}

pub(super) async fn fails_closed(case: &Case) {
    if case.setting == Setting::SmallDisk && !super::shop::may_mount() {
        return;
    }
    // Short where a step runs into its end; long elsewhere, so that a busy machine is no cause of its own.
    let (statement_seconds, hours) = match (case.setting, case.stop) {
        (Setting::Large, _) => (1, 1),
        (_, Stop::Waits(State::Erasing)) => (3, 1),
        _ => (60, 2),
    };
    let mut shop = Shop::open(case.setting, statement_seconds).await;
    assert_eq!((shop.theirs().await, shop.others().await), (whole(case.setting), OTHERS));
    if case.comes == Comes::BeforeTheLetter {
        shop.does(case.cause).await;
    }
    let request = shop.world.live(asked(&shop.world, case.comes)).await;
    if case.comes == Comes::AfterTheProof {
        shop.does(case.cause).await;
    }
    shop.world.live(lasts(&shop.world, hours)).await;
    is_stopped(&shop.world, request, case).await;
    is_shown(&shop, request, case.stop).await;
    if !case.check.is_empty() {
        let (code, said) = shop.map_check();
        assert_eq!(code, Some(2), "{said}");
        case.check.iter().for_each(|words| assert!(said.contains(words), "{words:?} in {said}"));
    }
    shop.does(case.cure).await;
    nothing_half_is_lost(&shop, case).await;
    if !case.check.is_empty() {
        let (code, said) = shop.map_check();
        assert_eq!(code, Some(0), "{said}");
    }
    shop.world.live(goes_on(&shop.world, request, case.stop)).await;
    is_finished(&shop, request, case.setting).await;
    shop.close().await;
}

fn whole(setting: Setting) -> [i64; 5] {
    let mut whole = WHOLE;
    whole[0] += if setting == Setting::Large { MANY } else { 0 };
    whole
}

/// The letter, and the code where it is asked for.
async fn asked(world: &World, comes: Comes) -> RequestId {
    match comes {
        Comes::BeforeTheLetter => world.receive(&world.closing(OWNER)).await.1.unwrap(),
        Comes::AfterTheProof => world.ask_and_confirm(OWNER).await,
    }
}

/// The cause lasts through every attempt, which takes an hour, or longer.
async fn lasts(world: &World, hours: u32) {
    world.days_pass(8).await;
    // The second attempt is the last, in the place of the tenth: they differ in how long they wait.
    let last = "UPDATE jobs SET attempts_max = 2 WHERE state = 'waiting' AND kind IN ('begin', 'erase')";
    world.try_sql(last, params![]).await.unwrap();
    hours_pass(world, hours).await;
}

async fn hours_pass(world: &World, hours: u32) {
    for _ in 0..hours {
        world.clock.advance(Duration::from_secs(3_600));
        world.settle().await;
    }
}

/// It stopped as it should, the team was told why, once, and nobody was told that anything is done.
async fn is_stopped(world: &World, request: RequestId, case: &Case) {
    let alarms = world.fresh(TEAM);
    let texts: Vec<_> = alarms.iter().map(|alarm| words_of(&alarm.text)).collect();
    assert_eq!(texts.len(), 1, "the team is told once: {texts:?}");
    for words in case.says {
        assert!(texts[0].contains(words), "{words:?} in {:?}", texts[0]);
    }
    assert!(!texts[0].contains("@team.example") && !texts[0].contains("@guest.example"), "of nobody: {:?}", texts[0]);
    assert_eq!(world.number(COMPLETED, params![request]).await, 0);
    let stored = world.stored(request).await.request;
    let mut tx = world.house.db.read().await.unwrap();
    let of = async |state, tx: &mut _| jobs::list(tx, &[state], Some(request), 100).await.unwrap();
    let dead = of(JobState::Dead, &mut tx).await;
    let waiting = of(JobState::Waiting, &mut tx).await.into_iter().any(|job| job.attempts > 0 && job.reason.is_some());
    match case.stop {
        Stop::Review(reason) => assert_eq!((stored.state, stored.review), (State::NeedsReview, Some(reason))),
        Stop::Fails => {
            assert_eq!((stored.state, dead.len()), (State::Erasing, 1), "{dead:?}");
            assert!(dead[0].reason.is_some(), "{dead:?}");
        }
        Stop::Waits(state) => assert_eq!((stored.state, dead.len(), waiting), (state, 0, true)),
    }
    let steps = erasures::steps(&mut tx, request).await.unwrap();
    let is_open = |step: &erasures::StepRow| step.state != "read_back" || count(step, "residue") > 0;
    assert!(steps.is_empty() || steps.iter().any(is_open), "something is left, and is not called done: {steps:?}");
}

/// Who looks at the queue sees where it stopped: the store and the table, and the one step of which that is so.
async fn is_shown(shop: &Shop, request: RequestId, stop: Stop) {
    let reference = shop.world.stored(request).await.request.reference.to_string();
    let (_, jobs) = shop.command(&["jobs", "list", "--request", &reference]);
    let (_, shown) = shop.command(&["requests", "show", &reference]);
    let here: Vec<_> = shown.lines().filter(|line| line.contains("its job") && line.contains(" here")).collect();
    let (_, listed) = shop.command(&["requests", "list"]);
    assert_eq!(listed.contains("its job erase failed for good"), stop == Stop::Fails, "{listed}");
    // What was found again after all steps is of none of them.
    if jobs.contains("residue") || !matches!(stop, Stop::Fails | Stop::Waits(State::Erasing)) {
        return;
    }
    assert!(jobs.contains("erase at shop."), "{jobs}");
    let words =
        if stop == Stop::Fails { "its job failed for good here" } else { "its job stopped here and is waiting" };
    let stands = here.len() == 1 && here[0].contains(words);
    assert!(stands || !shown.contains("intended"), "{shown}");
}

fn count(step: &erasures::StepRow, name: &str) -> u64 {
    step.counts.as_ref().and_then(|counts| counts[name].as_u64()).unwrap_or(0)
}

/// A letter's words without the ends of its lines.
fn words_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nobody else's row was touched, and where a person has to look, none at all.
async fn nothing_half_is_lost(shop: &Shop, case: &Case) {
    assert_eq!(shop.others().await, OTHERS);
    let theirs = shop.theirs().await;
    match case.stop {
        Stop::Review(_) => assert_eq!(theirs[..4], WHOLE[..4], "nothing was written"),
        Stop::Waits(State::Scheduled) => assert_eq!(theirs, WHOLE, "nothing was written"),
        _ => assert_ne!(theirs, [0; 5], "something is left to do"),
    }
}

/// The cause is gone: what the alarm names is done, and nothing more.
async fn goes_on(world: &World, request: RequestId, stop: Stop) {
    let operator = Operator::named(&world.house, "ops");
    match stop {
        Stop::Waits(_) => {
            for _ in 0..6 {
                hours_pass(world, 1).await;
                if world.state(request).await == State::Completed {
                    break;
                }
            }
        }
        Stop::Fails => {
            let mut tx = world.house.db.read().await.unwrap();
            let dead = jobs::list(&mut tx, &[JobState::Dead], Some(request), 1).await.unwrap().remove(0);
            drop(tx);
            assert_eq!(retry::job(&world.house, dead.id, &operator).await.unwrap(), Retried::Again);
            world.settle().await;
        }
        Stop::Review(_) => {
            world.fresh(OWNER);
            let reference = world.stored(request).await.request.reference;
            let correction = Correction { scope: Some(Scope::Account), ..Correction::default() };
            operate::correct(&world.house, &reference, &operator, correction).await.unwrap();
            world.settle().await;
            let challenge = world.fresh(OWNER).pop().expect("the owner is asked anew");
            world.receive(&challenge.answer(OWNER, &challenge.code())).await;
            assert_eq!(world.state(request).await, State::Scheduled);
            world.days_pass(8).await;
        }
    }
}

/// All is gone that had to go, counted by plain SQL, and the counts of the steps are those of a quiet day.
async fn is_finished(shop: &Shop, request: RequestId, setting: Setting) {
    let world = &shop.world;
    assert_eq!(world.state(request).await, State::Completed);
    assert_eq!((shop.theirs().await, shop.others().await), ([0; 5], OTHERS));
    assert_eq!(world.number(COMPLETED, params![request]).await, 1);
    assert_eq!(world.fresh(TEAM).len(), 0, "nobody had to do anything more");
    let mut tx = world.house.db.read().await.unwrap();
    let steps = erasures::steps(&mut tx, request).await.unwrap();
    assert!(steps.iter().all(|step| step.state == "read_back"), "{steps:?}");
    let total = |name| steps.iter().map(|step| count(step, name)).sum::<u64>();
    let totals = ["erased", "masked", "not_found", "residue"].map(total);
    let more = u64::try_from(whole(setting)[0] - WHOLE[0]).unwrap();
    assert_eq!(totals, [5 + more, 1, 0, 0], "{steps:?}");
}
