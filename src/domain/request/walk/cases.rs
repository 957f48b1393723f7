//! Single moves that a random walk meets seldom.

use super::*;
use crate::domain::Calendar;

#[test]
fn a_stale_wake_changes_nothing() {
    let now = Timestamp::from_micros(1_780_000_000_000_000);
    let request = newborn(now);
    let (after, effects) =
        apply(&request, &Event::Woken { wake: Wake::GraceEnd, round: 9 }, &Policy::default(), now).unwrap();
    assert_eq!((after, effects), (request, Vec::new()));
}

fn moved(request: &Request, event: &Event, now: Timestamp) -> (Request, Vec<Effect>) {
    apply(request, event, &Policy::default(), now).unwrap()
}

fn sends(effects: &[Effect], letter: LetterKind, to: Audience) -> bool {
    effects.contains(&Effect::Send { letter, to })
}

fn due_soon_at(effects: &[Effect]) -> Option<Timestamp> {
    effects.iter().find_map(|effect| match effect {
        Effect::WakeAt { wake: Wake::DueSoon, at } => Some(*at),
        _ => None,
    })
}

const NOW: Timestamp = Timestamp::from_micros(1_780_000_000_000_000);

fn identified(now: Timestamp, role: Role, scope: Scope, approval: bool) -> (Request, Vec<Effect>) {
    moved(&newborn(NOW), &Event::Identified { role, offered: vec![scope], approval }, now)
}

#[test]
fn a_review_of_a_known_asker_is_refused_and_extended_with_a_letter() {
    let event = Event::Unclear { reason: ReviewReason::UnclearTarget, reachable: true, quiet: false };
    let (review, _) = moved(&newborn(NOW), &event, NOW);
    let extended = Deadlines { extended: true, legal_due: NOW.plus_days(90).date(), ..review.deadlines };
    let extend = Event::Extended { deadlines: extended };
    assert!(sends(&moved(&review, &extend, NOW).1, LetterKind::Extension, Audience::Asker));
    for (event, letter) in [
        (Event::RefusedByOperator, LetterKind::Refused),
        (Event::WithdrawnByOperator, LetterKind::Withdrawn),
        (Event::Held, LetterKind::Paused),
        (Event::StopAsked, LetterKind::OnHold),
    ] {
        assert!(sends(&moved(&review, &event, NOW).1, letter, Audience::Asker), "{letter}");
        // Put right, it is still known where to write to.
        let (again, _) = moved(&review, &Event::PutRight, NOW);
        assert!(sends(&moved(&again, &event, NOW).1, letter, Audience::Asker), "{letter}");
    }
    let unknown =
        moved(&newborn(NOW), &Event::Unclear { reason: ReviewReason::Poison, reachable: false, quiet: false }, NOW).0;
    assert!(apply(&unknown, &extend, &Policy::default(), NOW).is_err(), "an extension that nobody hears of");
}

#[test]
fn a_letter_that_was_read_late_alarms_at_once_and_once() {
    let late = NOW.plus_days(25);
    let (request, effects) = identified(late, Role::Owner, Scope::Account, false);
    assert_eq!(due_soon_at(&effects), Some(late));
    let due_soon = Event::Woken { wake: Wake::DueSoon, round: 1 };
    let (told, effects) = moved(&request, &due_soon, late);
    assert!(sends(&effects, LetterKind::AlarmDueSoon, Audience::Team));
    let (paused, effects) = moved(&told, &Event::Held, late);
    assert_eq!(due_soon_at(&effects), None, "the team knows");
    // An extension has a due date of its own, and a wake for the old one says nothing about it.
    let extended = Deadlines { extended: true, legal_due: NOW.plus_days(90).date(), ..paused.deadlines };
    let (paused, effects) = moved(&paused, &Event::Extended { deadlines: extended }, late);
    assert_eq!(due_soon_at(&effects).map(Timestamp::date), Some(NOW.plus_days(83).date()));
    assert!(moved(&paused, &due_soon, late).1.is_empty(), "a wake for the due date that was");
    assert!(sends(&moved(&paused, &due_soon, NOW.plus_days(84)).1, LetterKind::AlarmDueSoon, Audience::Team));
    let notice = Event::Woken { wake: Wake::NoticeDue, round: 1 };
    assert!(sends(&moved(&paused, &notice, NOW.plus_days(30)).1, LetterKind::AlarmDueSoon, Audience::Team));
}

#[test]
fn the_controllers_clock_does_not_wait() {
    let (forwarded, effects) = moved(&newborn(NOW), &Event::ForwardToOwner { role: Role::EndUser }, NOW);
    assert!(sends(&effects, LetterKind::PassedOn, Audience::Asker));
    let at = due_soon_at(&effects).unwrap();
    let (after, effects) = moved(&forwarded, &Event::Woken { wake: Wake::DueSoon, round: 0 }, at);
    assert!(sends(&effects, LetterKind::AlarmDueSoon, Audience::Team));
    assert_eq!(after.state, State::Forwarded);
}

#[test]
fn a_pause_ends_with_a_whole_wait() {
    let policy = Policy::default();
    let (asked, _) = identified(NOW, Role::User, Scope::User, true);
    let (approval, _) = moved(&asked, &Event::ConfirmedPendingApproval { scope: Scope::User }, NOW);
    let (paused, _) = moved(&approval, &Event::StopAsked, NOW);
    let late = moved(&paused, &Event::ReleasedByPerson, NOW.plus_days(29)).0;
    assert_eq!((late.state, late.review), (State::NeedsReview, Some(ReviewReason::OwnerSilent)), "no time to ask");
    let (again, effects) = moved(&paused, &Event::ReleasedByPerson, NOW.plus_days(26));
    assert_eq!((again.state, again.round), (State::AwaitingApproval, approval.round + 1));
    assert!(effects.contains(&Effect::AskAnew));
    let lapse = effects.iter().find_map(|effect| match effect {
        Effect::WakeAt { wake: Wake::ApprovalLapse, at } => Some(at.date()),
        _ => None,
    });
    assert!(lapse.unwrap() < again.deadlines.base_due);

    let (asked, _) = identified(NOW, Role::Owner, Scope::Account, false);
    let confirmed = Event::Confirmed { scope: Scope::Account, warrant: warrant(NOW, true) };
    let (scheduled, _) = moved(&asked, &confirmed, NOW);
    let (paused, _) = moved(&scheduled, &Event::StopAsked, NOW);
    let later = NOW.plus_days(10);
    let (again, effects) = moved(&paused, &Event::ReleasedByPerson, later);
    assert_eq!(again.erase_at, Some(later.plus(policy.grace)));
    assert!(sends(&effects, LetterKind::Scheduled, Audience::Asker));
    let too_late = moved(&paused, &Event::Released, NOW.plus_days(24)).0;
    assert_eq!((too_late.state, too_late.review), (State::NeedsReview, Some(ReviewReason::AuthorityExpired)));
}

/// A letter names a day, and whoever answers on it, wherever the operator's days begin, answers in time.
#[test]
fn what_a_letter_names_a_day_for_lasts_to_its_end() {
    for (zone, hours) in [("UTC", 0), ("Pacific/Kiritimati", -14), ("America/Los_Angeles", 8), ("Europe/Berlin", -1)] {
        let time_zone = jiff::tz::TimeZone::get(zone).unwrap();
        let policy = Policy { time_zone: time_zone.clone(), ..Policy::default() };
        let calendar = Calendar::of_zone(time_zone);
        let at = |text: &str| Timestamp::from_jiff(text.parse().unwrap());
        let asked = at("2026-11-29T09:47:49Z");
        let named = jiff::civil::date(2026, 12, 13);
        let ends = challenge_ends(&policy, asked);
        assert_eq!(calendar.last_over(ends), named, "{zone}");
        let midnight = at("2026-12-14T00:00:00Z").as_micros() + hours * 3_600_000_000;
        assert_eq!(ends.as_micros(), midnight, "{zone}");
        let deadlines =
            |days| Deadlines { base_due: named.saturating_add(jiff::Span::new().days(days)), ..month(asked) };
        let approval =
            |deadlines: &Deadlines, now| approval_ends(deadlines, &policy, now).map(|ends| calendar.last_over(ends));
        let six = jiff::civil::date(2026, 12, 6);
        assert_eq!(approval(&deadlines(16), asked), Some(six), "{zone}: seven days later");
        assert_eq!(approval(&deadlines(-10), asked), Some(jiff::civil::date(2026, 12, 1)), "{zone}: a day is left");
        assert_eq!(approval(&deadlines(-13), asked), None, "{zone}: no time is left");
    }
}

#[test]
fn an_operators_pause_is_not_the_persons_to_end() {
    let (asked, _) = identified(NOW, Role::Owner, Scope::Account, false);
    let (paused, _) = moved(&asked, &Event::Held, NOW);
    let confirmed = Event::Confirmed { scope: Scope::Account, warrant: warrant(NOW, true) };
    for event in [Event::ReleasedByPerson, confirmed.clone()] {
        assert!(apply(&paused, &event, &Policy::default(), NOW).is_err(), "{}", event.name());
    }
    // A proof does end a pause that nobody proved.
    let (paused, _) = moved(&asked, &Event::StopAsked, NOW);
    assert_eq!(moved(&paused, &confirmed, NOW).0.state, State::Scheduled);
}

#[test]
fn the_team_takes_a_pause_over_and_a_stop_in_it_is_looked_at_after() {
    let (asked, _) = identified(NOW, Role::Owner, Scope::Account, false);
    let (paused, _) = moved(&asked, &Event::StopAsked, NOW);
    let (held, effects) = moved(&paused, &Event::Held, NOW);
    assert_eq!(held.held, Some((State::AwaitingConfirmation, Hold::Operator)));
    assert!(effects.contains(&Effect::CancelWakes) && sends(&effects, LetterKind::Paused, Audience::Asker));
    assert!(apply(&held, &Event::Held, &Policy::default(), NOW).is_err(), "once");
    let (stopped, effects) = moved(&held, &Event::StopAsked, NOW);
    assert!(sends(&effects, LetterKind::AlarmReview, Audience::Team), "the team hears of it");
    assert!(!stopped.hears_stop() && apply(&stopped, &Event::StopAsked, &Policy::default(), NOW).is_err(), "once");
    let released = moved(&stopped, &Event::Released, NOW).0;
    assert_eq!((released.state, released.review), (State::NeedsReview, Some(ReviewReason::UnclearLetter)));
}

#[test]
fn a_pause_of_a_review_does_not_take_its_reason() {
    let limited = Event::Unclear { reason: ReviewReason::Limited, reachable: true, quiet: false };
    let (paused, _) = moved(&moved(&newborn(NOW), &limited, NOW).0, &Event::StopAsked, NOW);
    let unclear = Event::Unclear { reason: ReviewReason::UnclearLetter, reachable: true, quiet: false };
    for event in [Event::Woken { wake: Wake::HoldLapse, round: 0 }, unclear] {
        let after = moved(&paused, &event, NOW.plus_days(8)).0;
        assert_eq!((after.state, after.review), (State::NeedsReview, Some(ReviewReason::Limited)));
    }
}

/// What only rows call erased is over when a new request stands in its place; what has not come so far is put right itself.
#[test]
fn what_only_rows_call_erased_is_replaced() {
    for (state, end) in [
        (State::Completed, State::Completed),
        (State::WaitingOnRecipients, State::Withdrawn),
        (State::Reopened, State::Withdrawn),
        (State::Erasing, State::Withdrawn),
    ] {
        let forged = Request { state, waits: state == State::WaitingOnRecipients, ..newborn(NOW) };
        let (after, effects) = moved(&forged, &Event::Replaced, NOW);
        assert_eq!((after.state, after.waits), (end, false));
        assert_eq!(effects, [Effect::CancelWakes, Effect::Close { erased: false }], "nobody is written to");
    }
    for state in State::ALL.iter().filter(|state| !state.is_ended()) {
        let may = matches!(state, State::Erasing | State::WaitingOnRecipients | State::Reopened);
        let other = Request { state: *state, ..newborn(NOW) };
        assert_eq!(apply(&other, &Event::Replaced, &Policy::default(), NOW).is_ok(), may, "{state}");
    }
}

#[test]
fn what_a_database_from_a_backup_may_have_erased_waits_and_nobody_is_told() {
    let (asked, _) = identified(NOW, Role::Owner, Scope::Account, false);
    let confirmed = Event::Confirmed { scope: Scope::Account, warrant: warrant(NOW, true) };
    let (scheduled, _) = moved(&asked, &confirmed, NOW);
    let later = NOW.plus_days(8);
    let (erasing, _) = moved(&scheduled, &Event::Begun, later);
    let quiet = |effects: &[Effect]| {
        let told = |effect: &Effect| matches!(effect, Effect::Send { to, .. } if *to != Audience::Team);
        assert!(effects.contains(&Effect::CancelWakes) && !effects.iter().any(told), "{effects:?}");
    };
    let (held, effects) = moved(&scheduled, &Event::Doubted, NOW);
    quiet(&effects);
    assert_eq!(held.held, Some((State::Scheduled, Hold::Ledger)));
    assert!(apply(&held, &Event::ReleasedByPerson, &Policy::default(), NOW).is_err(), "an operator lets it go on");
    let (released, effects) = moved(&held, &Event::Released, NOW.plus_days(3));
    assert!(sends(&effects, LetterKind::Scheduled, Audience::Asker), "and then they are told, and can stop it");
    assert_eq!(released.erase_at, Some(NOW.plus_days(10)));
    let (review, effects) = moved(&erasing, &Event::Doubted, later);
    quiet(&effects);
    assert_eq!((review.state, review.review), (State::NeedsReview, Some(ReviewReason::LedgerBack)));
    assert_eq!((review.warrant, review.erase_at), (None, None), "it is identified anew");
}
