//! Random lives against a table of allowed moves that was written by hand, apart from `apply`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::chance::SeededChance;
use crate::domain::{AuthorityId, CaseId, Deadlines, Language, Reference, RequestId, Role, Scope, Timestamp};

/// `(from, event, to)`: everything that may happen. `apply` must refuse all else.
const MOVES: &[(&str, &str, &[&str])] = &[
    ("received", "identified", &["awaiting_confirmation"]),
    ("received", "stranger", &["not_found"]),
    ("received", "forward_to_owner", &["forwarded"]),
    ("received", "unclear", &["needs_review"]),
    ("received", "stop_asked", &["on_hold"]),
    ("received", "held", &["on_hold"]),
    ("received", "withdrawn_by_person", &["withdrawn"]),
    ("received", "withdrawn_by_operator", &["withdrawn"]),
    ("received", "refused_by_operator", &["refused"]),
    ("awaiting_confirmation", "unclear", &["needs_review"]),
    ("awaiting_confirmation", "answer_unclear", &["awaiting_confirmation"]),
    ("awaiting_confirmation", "confirmed", &["scheduled"]),
    ("awaiting_confirmation", "confirmed_pending_approval", &["awaiting_approval"]),
    ("awaiting_confirmation", "woken", &["awaiting_confirmation", "expired"]),
    ("awaiting_confirmation", "challenge_bounced", &["needs_review"]),
    ("awaiting_confirmation", "stop_asked", &["on_hold"]),
    ("awaiting_confirmation", "held", &["on_hold"]),
    ("awaiting_confirmation", "withdrawn_by_person", &["withdrawn"]),
    ("awaiting_confirmation", "withdrawn_by_operator", &["withdrawn"]),
    ("awaiting_confirmation", "refused_by_operator", &["refused"]),
    ("awaiting_approval", "unclear", &["needs_review"]),
    ("awaiting_approval", "answer_unclear", &["awaiting_approval"]),
    ("awaiting_approval", "approved", &["scheduled"]),
    ("awaiting_approval", "approval_denied", &["refused"]),
    ("awaiting_approval", "woken", &["awaiting_approval", "needs_review"]),
    ("awaiting_approval", "challenge_bounced", &["needs_review"]),
    ("awaiting_approval", "stop_asked", &["on_hold"]),
    ("awaiting_approval", "held", &["on_hold"]),
    ("awaiting_approval", "withdrawn_by_person", &["withdrawn"]),
    ("awaiting_approval", "withdrawn_by_operator", &["withdrawn"]),
    ("awaiting_approval", "refused_by_operator", &["refused"]),
    ("scheduled", "begun", &["erasing"]),
    ("scheduled", "stopped", &["needs_review"]),
    ("scheduled", "stop_asked", &["on_hold"]),
    ("scheduled", "held", &["on_hold"]),
    ("scheduled", "withdrawn_by_person", &["withdrawn"]),
    ("scheduled", "withdrawn_by_operator", &["withdrawn"]),
    ("scheduled", "refused_by_operator", &["refused"]),
    ("erasing", "stopped", &["needs_review"]),
    ("erasing", "erased", &["completed", "waiting_on_recipients"]),
    ("erasing", "step_failed", &["erasing"]),
    ("waiting_on_recipients", "recipients_done", &["completed"]),
    ("waiting_on_recipients", "step_failed", &["waiting_on_recipients"]),
    ("completed", "came_back", &["reopened"]),
    ("reopened", "continued", &["erasing"]),
    ("needs_review", "put_right", &["received"]),
    ("needs_review", "stop_asked", &["on_hold"]),
    ("needs_review", "held", &["on_hold"]),
    ("needs_review", "withdrawn_by_person", &["withdrawn"]),
    ("needs_review", "withdrawn_by_operator", &["withdrawn"]),
    ("needs_review", "refused_by_operator", &["refused"]),
    ("on_hold", "released", &["received", "awaiting_confirmation", "awaiting_approval", "scheduled", "needs_review"]),
    ("on_hold", "woken", &["on_hold", "needs_review"]),
    ("on_hold", "withdrawn_by_person", &["withdrawn"]),
    ("on_hold", "withdrawn_by_operator", &["withdrawn"]),
    ("on_hold", "refused_by_operator", &["refused"]),
];

fn allowed(from: State, event: &str) -> Option<&'static [&'static str]> {
    MOVES.iter().find(|(state, name, _)| *state == from.as_str() && *name == event).map(|(_, _, to)| *to)
}

/// Events that never move anything out of any state.
fn harmless_everywhere(event: &str) -> bool {
    matches!(event, "woken" | "challenge_bounced")
}

fn warrant(now: Timestamp, live: bool) -> Warrant {
    let chance = SeededChance::new(1);
    let expires_at = if live { now.plus_days(30) } else { now };
    Warrant { authority: AuthorityId::new(now, &chance), expires_at }
}

/// One of these, by chance.
fn pick<T: Copy>(rng: &mut StdRng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

/// What a challenge offers: mostly something that may be offered, now and then something that may not.
fn offers(rng: &mut StdRng) -> Vec<Scope> {
    let mut offered: Vec<Scope> = (0..rng.random_range(1..3)).map(|_| pick(rng, Scope::ALL)).collect();
    match rng.random_range(0..20) {
        0 => offered.clear(),
        1 => offered.extend(Scope::ALL),
        _ => {}
    }
    offered
}

/// Any event, whether or not it fits. Those that lead onwards come more often, or the far states would never be seen.
fn event(rng: &mut StdRng, request: &Request, now: Timestamp) -> Event {
    let live = rng.random_bool(0.9);
    let onwards = rng.random_bool(0.5);
    match if onwards { rng.random_range(0..8) } else { rng.random_range(0..26) } {
        0 => Event::Identified { role: pick(rng, Role::ALL), offered: offers(rng), approval: rng.random_bool(0.5) },
        1 => {
            let offered = request.ask.as_ref().and_then(|ask| ask.offered.first().copied());
            let scope = offered.filter(|_| rng.random_bool(0.8)).unwrap_or_else(|| pick(rng, Scope::ALL));
            if rng.random_bool(0.5) {
                Event::Confirmed { scope, warrant: warrant(now, live) }
            } else {
                Event::ConfirmedPendingApproval { scope }
            }
        }
        2 => Event::Approved { warrant: warrant(now, live) },
        3 => {
            let round = if rng.random_bool(0.7) { request.round } else { rng.random_range(0..4) };
            Event::Woken { wake: pick(rng, Wake::ALL), round }
        }
        4 => Event::Begun,
        5 => Event::Erased { held_anything: rng.random_bool(0.5), waiting: rng.random_bool(0.3) },
        6 => Event::RecipientsDone,
        7 => Event::Released,
        8 => Event::Stranger,
        9 => Event::ForwardToOwner { role: pick(rng, Role::ALL) },
        10 => Event::Unclear { reason: pick(rng, ReviewReason::ALL), reachable: rng.random_bool(0.5) },
        11 => Event::AnswerUnclear,
        12 => Event::ApprovalDenied,
        13 => Event::WithdrawnByPerson,
        14 => Event::StopAsked,
        15 => Event::ChallengeBounced,
        16 => Event::Stopped { reason: pick(rng, ReviewReason::ALL) },
        17 => Event::StepFailed,
        18 => Event::CameBack,
        19 => Event::Continued { warrant: warrant(now, live) },
        20 => Event::PutRight,
        21 => Event::Held,
        22 => {
            let mut deadlines = request.deadlines;
            deadlines.extended = live;
            deadlines.legal_due = deadlines.legal_due.saturating_add(jiff::Span::new().days(rng.random_range(-20..80)));
            Event::Extended { deadlines }
        }
        23 => Event::RefusedByOperator,
        _ => Event::WithdrawnByOperator,
    }
}

/// Deadlines of a plain month.
fn month(now: Timestamp) -> Deadlines {
    let due = now.plus_days(30).date();
    Deadlines { received_at: now, acknowledge_due: None, base_due: due, legal_due: due, extended: false }
}

fn newborn(now: Timestamp) -> Request {
    let chance = SeededChance::new(7);
    Request::open(
        RequestId::new(now, &chance),
        Reference::new(&chance),
        CaseId::new(&chance),
        Origin::Letter,
        Language::En,
        month(now),
    )
}

/// Checks one move against the table and the promises of a life.
fn check(
    before: &Request,
    event: &Event,
    now: Timestamp,
    moved: &Result<(Request, Vec<Effect>), IllegalTransition>,
    seed: u64,
) {
    let name = event.name();
    let Ok((after, effects)) = moved else {
        return;
    };
    if name == "extended" {
        assert!(!before.deadlines.extended && after.deadlines.extended, "an extension happens once");
        assert!(after.deadlines.legal_due >= before.deadlines.legal_due, "an extension never shortens");
        assert_eq!(after.deadlines.base_due, before.deadlines.base_due, "the base due date stands");
        assert_eq!(before.state, after.state);
    } else {
        assert_eq!(before.deadlines, after.deadlines, "only an extension moves a deadline");
        if before.state == after.state && harmless_everywhere(name) {
            // A stale wake or a late bounce.
        } else {
            let to = allowed(before.state, name);
            let known = to.is_some_and(|to| to.contains(&after.state.as_str()));
            assert!(
                known,
                "seed {seed}: {} took {name} to {}, which the table does not allow",
                before.state, after.state
            );
        }
    }
    if after.state == State::Erasing && before.state != State::Erasing {
        let warrant = after.warrant.expect("nothing is erased without an authority");
        assert!(now < warrant.expires_at, "the authority must be live");
    }
    let runs_erase = effects.contains(&Effect::Run(Work::Erase));
    assert_eq!(runs_erase, after.state == State::Erasing && before.state != State::Erasing);
    assert_eq!(after.held.is_some(), after.state == State::OnHold, "a pause knows where it goes back to");
    assert_eq!(effects.contains(&Effect::Close), after.state.is_ended() && !before.state.is_ended());
    if let Some((back, _)) = after.held {
        assert!(back.can_stop(), "only what has not begun can be paused");
    }
}

#[test]
fn random_lives_stay_within_the_table() {
    // 8,000 lives of 50 events: 400,000 steps. A failure names its seed.
    let policy = Policy::default();
    let mut reached = std::collections::BTreeSet::new();
    for seed in 0..8_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut now = Timestamp::from_micros(1_780_000_000_000_000);
        let mut request = newborn(now);
        for _ in 0..50 {
            now = now.plus_days(rng.random_range(0..5));
            let event = event(&mut rng, &request, now);
            let moved = apply(&request, &event, &policy, now);
            check(&request, &event, now, &moved, seed);
            if let Ok((after, _)) = moved {
                reached.insert((request.state.as_str(), event.name(), after.state.as_str()));
                request = after;
                if request.state.is_ended() && (request.state != State::Completed || rng.random_bool(0.2)) {
                    request = newborn(now);
                }
            }
        }
    }
    // The walk is no proof while it never gets to a move: every line of the table must have happened.
    for (from, name, to) in MOVES {
        for to in *to {
            assert!(reached.contains(&(*from, *name, *to)), "the walk never took {from} by {name} to {to}");
        }
    }
}

#[test]
fn a_stale_wake_changes_nothing() {
    let now = Timestamp::from_micros(1_780_000_000_000_000);
    let request = newborn(now);
    let (after, effects) =
        apply(&request, &Event::Woken { wake: Wake::GraceEnd, round: 9 }, &Policy::default(), now).unwrap();
    assert_eq!((after, effects), (request, Vec::new()));
}
