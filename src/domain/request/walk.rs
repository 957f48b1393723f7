//! Random lives against a table of allowed moves that was written by hand, apart from `apply`.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::chance::SeededChance;
use crate::domain::{
    AuthorityId, CaseId, Deadlines, Language, LetterKind, Reference, RequestId, Role, Scope, Timestamp,
};

mod cases;
mod diagram;
mod moves;

use self::moves::MOVES;

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

/// A scope that somebody names: mostly the first that was offered.
fn scope_of(rng: &mut StdRng, request: &Request) -> Scope {
    let offered = request.ask.as_ref().and_then(|ask| ask.offered.first().copied());
    offered.filter(|_| rng.random_bool(0.8)).unwrap_or_else(|| pick(rng, Scope::ALL))
}

/// Any event, whether or not it fits. Those that lead onwards come more often, or the far states would never be seen.
fn event(rng: &mut StdRng, request: &Request, now: Timestamp) -> Event {
    let live = rng.random_bool(0.9);
    if request.origin == Origin::Termination && request.state == State::Received && rng.random_bool(0.4) {
        return Event::ServiceEnded { warrant: warrant(now, live) };
    }
    // What waits for others goes a long way round where something came back meanwhile.
    if request.waits && rng.random_bool(0.3) {
        return match rng.random_range(0..8) {
            7 => Event::Replaced,
            0 => Event::RecipientStuck,
            1 => Event::CameBack,
            2 => Event::Continued { warrant: warrant(now, live) },
            3 => Event::ErasedAgain,
            4 => Event::LeftAlone,
            5 => Event::Unsearchable,
            _ => Event::RecipientsDone,
        };
    }
    let onwards = rng.random_bool(0.5);
    match if onwards { rng.random_range(0..8) } else { rng.random_range(0..35) } {
        0 => Event::Identified { role: pick(rng, Role::ALL), offered: offers(rng), approval: rng.random_bool(0.5) },
        1 => {
            let scope = scope_of(rng, request);
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
        10 => Event::Unclear {
            reason: pick(rng, ReviewReason::ALL),
            reachable: rng.random_bool(0.5),
            quiet: rng.random_bool(0.2),
        },
        11 if rng.random_bool(0.5) => Event::CodeWrong,
        11 => Event::AnswerUnclear,
        12 => Event::ApprovalDenied,
        13 => Event::WithdrawnByPerson,
        14 => Event::StopAsked,
        15 => Event::ChallengeBounced,
        16 => Event::Stopped { reason: pick(rng, ReviewReason::ALL) },
        17 if rng.random_bool(0.5) => Event::RecipientStuck,
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
        24 => Event::ReleasedByPerson,
        25 => Event::ErasedAgain,
        26 => Event::LeftAlone,
        27 => Event::Vouched { scope: scope_of(rng, request), warrant: warrant(now, live) },
        29 => Event::KeepingEnded { warrant: warrant(now, live), tells: rng.random_bool(0.5) },
        30 => Event::ServiceEnded { warrant: warrant(now, live) },
        31 => Event::ServiceResumed { told: rng.random_bool(0.5) },
        32 => Event::Replaced,
        33 => Event::Doubted,
        28 => Event::VouchedPendingApproval { scope: scope_of(rng, request) },
        _ => Event::WithdrawnByOperator,
    }
}

/// Deadlines of a plain month.
fn month(now: Timestamp) -> Deadlines {
    let due = now.plus_days(30).date();
    Deadlines { received_at: now, acknowledge_due: None, base_due: due, legal_due: due, extended: false }
}

fn newborn(now: Timestamp) -> Request {
    born(Origin::Letter, now)
}

fn born(origin: Origin, now: Timestamp) -> Request {
    let chance = SeededChance::new(7);
    Request::open(
        RequestId::new(now, &chance),
        Reference::new(&chance),
        CaseId::new(&chance),
        origin,
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
    let Ok((after, effects)) = moved else {
        return;
    };
    check_table(before, event, after, seed);
    check_guards(before, event, after, now);
    check_letters(before, event, after, effects);
    check_wakes(after, effects, now);
    if after.state == State::Erasing && before.state != State::Erasing {
        let warrant = after.warrant.expect("nothing is erased without an authority");
        assert!(now < warrant.expires_at, "the authority must be live");
    }
    let runs_erase = effects.contains(&Effect::Run(Work::Erase));
    assert_eq!(runs_erase, after.state == State::Erasing && before.state != State::Erasing);
    assert_eq!(after.held.is_some(), after.state == State::OnHold, "a pause knows where it goes back to");
    if let Some((back, _)) = after.held {
        assert!(back.can_stop(), "only what has not begun can be paused");
    }
}

fn check_table(before: &Request, event: &Event, after: &Request, seed: u64) {
    let name = event.name();
    if name == "extended" {
        assert!(!before.deadlines.extended && after.deadlines.extended, "an extension happens once");
        assert!(after.deadlines.legal_due >= before.deadlines.legal_due, "an extension never shortens");
        assert_eq!(after.deadlines.base_due, before.deadlines.base_due, "the base due date stands");
        assert_eq!(before.state, after.state);
        return;
    }
    assert_eq!(before.deadlines, after.deadlines, "only an extension moves a deadline");
    // A stale wake or a late bounce.
    if before.state == after.state && harmless_everywhere(name) {
        return;
    }
    // Whoever is waited for may need a person, wherever the request went meanwhile.
    if name == "recipient_stuck" {
        assert!(before.waits && after.waits && before.state == after.state, "seed {seed}: it moves nothing");
        return;
    }
    let known = allowed(before.state, name).is_some_and(|to| to.contains(&after.state.as_str()));
    assert!(known, "seed {seed}: {} took {name} to {}, which the table does not allow", before.state, after.state);
}

/// Where a question of this state may be answered: there, or in somebody's unproven pause of it.
fn waits_in(request: &Request, state: State) -> bool {
    request.state == state || request.held == Some((state, Hold::Unproven))
}

/// What nobody asked for asks nobody, refuses nobody, and takes nobody's evidence.
fn check_unasked(before: &Request, event: &Event) {
    let of_a_person = matches!(
        event.name(),
        "identified"
            | "stranger"
            | "forward_to_owner"
            | "confirmed"
            | "approved"
            | "vouched"
            | "vouched_pending_approval"
    );
    let of_a_period = matches!(event.name(), "extended" | "refused_by_operator");
    assert!(before.origin != Origin::Termination || !(of_a_person || of_a_period), "{} of an end", event.name());
}

/// What a state alone does not show: who may do it, and what it must rest on.
fn check_guards(before: &Request, event: &Event, after: &Request, now: Timestamp) {
    check_unasked(before, event);
    let ask = before.ask.as_ref();
    match event {
        Event::Identified { offered, .. } => {
            assert!((1..=2).contains(&offered.len()), "one scope or two");
            assert!(after.reachable, "who was challenged can be written to");
        }
        Event::Confirmed { scope, warrant } => {
            assert!(waits_in(before, State::AwaitingConfirmation));
            assert!(ask.is_some_and(|ask| !ask.approval), "a user's word alone permits nothing");
            assert!(ask.is_some_and(|ask| ask.offered.contains(scope)), "only what was offered is confirmed");
            assert_eq!((after.warrant, after.ask.as_ref().and_then(|ask| ask.scope)), (Some(*warrant), Some(*scope)));
        }
        Event::ConfirmedPendingApproval { scope } => {
            assert!(waits_in(before, State::AwaitingConfirmation));
            assert!(ask.is_some_and(|ask| ask.approval && ask.offered.contains(scope)));
            assert_eq!(after.warrant, before.warrant, "the owner was not asked yet");
        }
        Event::Vouched { scope, warrant } => {
            only_a_word_was_missing(before, *scope);
            let ask = ask.expect("somebody asked");
            assert!(!ask.approval || ask.scope == Some(*scope), "an asker's word alone permits nothing");
            assert_eq!((after.warrant, after.ask.as_ref().and_then(|ask| ask.scope)), (Some(*warrant), Some(*scope)));
        }
        Event::VouchedPendingApproval { scope } => {
            only_a_word_was_missing(before, *scope);
            assert!(ask.is_some_and(|ask| ask.approval && ask.scope.is_none()));
            assert_eq!(after.warrant, None, "the owner was not asked yet");
        }
        Event::Approved { .. } | Event::ApprovalDenied => assert!(waits_in(before, State::AwaitingApproval)),
        Event::Held | Event::Doubted if before.state == State::OnHold => {
            assert!(matches!(before.held, Some((_, Hold::Unproven))), "a pause is placed once");
            let by = if *event == Event::Held { Hold::Operator } else { Hold::Ledger };
            assert_eq!(after.held, before.held.map(|(back, _)| (back, by)), "the team takes it over");
        }
        Event::Doubted => assert_eq!(
            (after.warrant.is_some(), after.erase_at),
            (after.held.is_some() && before.warrant.is_some(), before.erase_at.filter(|_| after.held.is_some()))
        ),
        Event::Unclear { .. } | Event::StopAsked
            if matches!(before.held, Some((_, Hold::Operator | Hold::Ledger)))
                || before.held.is_some() && matches!(event, Event::StopAsked) =>
        {
            let waits = before.held.map(|(_, by)| (State::NeedsReview, by));
            assert_eq!(after.held, waits, "an operator's pause is the operator's to end, and then a person looks");
            assert_eq!((after.warrant, after.erase_at), (None, None));
        }
        Event::ReleasedByPerson => {
            assert!(matches!(before.held, Some((_, Hold::Unproven))), "an operator's pause is the operator's to end");
            back_where_it_was(before, after);
        }
        Event::Released => back_where_it_was(before, after),
        Event::PutRight => assert_ne!(before.origin, Origin::Retention, "what nobody wrote is about nobody else"),
        Event::ServiceEnded { warrant } => {
            assert_eq!(before.origin, Origin::Termination, "whoever asked is asked");
            assert_eq!(after.ask.as_ref().and_then(|ask| ask.scope), Some(Scope::Account));
            assert_eq!((after.warrant, after.reachable), (Some(*warrant), true));
        }
        Event::ServiceResumed { .. } => {
            assert_eq!(before.origin, Origin::Termination, "what somebody asked for is not undone")
        }
        Event::KeepingEnded { tells, .. } => {
            assert_eq!(before.origin, Origin::Retention, "whoever asked is asked");
            assert_eq!(after.reachable, *tells);
        }
        Event::CameBack => assert_eq!(after.warrant, before.warrant, "a continuation rests on what permitted it"),
        Event::Begun => assert!(before.erase_at.is_some_and(|at| at <= now), "the grace period is kept"),
        Event::Extended { .. } => assert!(before.reachable, "an extension that nobody hears of does not count"),
        _ => {}
    }
}

fn only_a_word_was_missing(before: &Request, scope: Scope) {
    use ReviewReason::{ChallengeBounced, OwnerSilent, TooManyAttempts, UnclearLetter};
    let missing = [ChallengeBounced, OwnerSilent, TooManyAttempts, UnclearLetter];
    assert!(before.review.is_some_and(|reason| missing.contains(&reason)), "{:?}", before.review);
    assert!(before.ask.as_ref().is_some_and(|ask| ask.offered.contains(&scope)), "only what was offered");
}

fn back_where_it_was(before: &Request, after: &Request) {
    let (back, _) = before.held.expect("only what is paused is released");
    let too_old = match back {
        State::Scheduled => Some(ReviewReason::AuthorityExpired),
        State::AwaitingApproval => Some(ReviewReason::OwnerSilent),
        _ => None,
    };
    let in_review = after.state == State::NeedsReview && too_old.is_some() && after.review == too_old;
    assert!(after.state == back || in_review, "{back} was released to {}", after.state);
}

/// Every move that people see has its letter, and nobody is written to who cannot be.
fn check_letters(before: &Request, event: &Event, after: &Request, effects: &[Effect]) {
    let sent = |letter, to| effects.contains(&Effect::Send { letter, to });
    let unasked = after.origin == Origin::Termination;
    let told = |letter| assert_eq!(sent(letter, Audience::Asker), after.reachable, "{letter} after {}", event.name());
    let reminds = sent(LetterKind::Reminder, Audience::Asker);
    assert_eq!(after.reminded, before.reminded || reminds, "that it was reminded of is never forgotten");
    assert!(!(before.reminded && reminds), "our only reminder comes once");
    if matches!(event, Event::Extended { .. }) {
        assert!(sent(LetterKind::Extension, Audience::Asker));
    }
    if before.state == State::OnHold && after.state == State::OnHold {
        match event {
            Event::Held if unasked => {}
            Event::Held => told(LetterKind::Paused),
            Event::StopAsked | Event::Unclear { .. } => assert!(sent(LetterKind::AlarmReview, Audience::Team)),
            _ => {}
        }
    }
    if before.state == after.state {
        return;
    }
    match after.state {
        State::AwaitingConfirmation => {
            assert!(sent(LetterKind::Challenge, Audience::Asker));
            assert_eq!(after.round, before.round + 1, "a challenge is asked under a round of its own");
        }
        State::AwaitingApproval => {
            assert!(sent(LetterKind::ApprovalAsked, Audience::Owner));
            assert_eq!(after.round, before.round + 1, "so is an approval");
        }
        State::Scheduled => {
            let (one, other) = (LetterKind::Scheduled, LetterKind::ServiceEnded);
            let (letter, never) = if unasked { (other, one) } else { (one, other) };
            assert!(sent(letter, Audience::Asker) && !sent(never, Audience::Asker));
            let ask = after.ask.as_ref().expect("somebody asked");
            let unasked = ask.role != Role::Owner && !ask.approval;
            assert_eq!(sent(LetterKind::SecondNotice, Audience::Owner), unasked, "the owner hears of it");
        }
        State::NeedsReview if matches!(event, Event::Released) && before.held.is_some_and(|h| h.0 == after.state) => {}
        State::NeedsReview => {
            assert!(sent(LetterKind::AlarmReview, Audience::Team));
            let quiet = matches!(event, Event::Unclear { quiet: true, .. } | Event::Doubted);
            let news = after.reachable && !unasked && !quiet;
            let goes_on = matches!(event, Event::ReleasedByPerson) && !sent(LetterKind::InReview, Audience::Asker);
            assert!(goes_on || sent(LetterKind::InReview, Audience::Asker) == news);
        }
        State::OnHold => match after.held {
            Some((_, Hold::Operator)) if unasked => assert!(!sent(LetterKind::Paused, Audience::Asker)),
            Some((_, Hold::Operator)) => told(LetterKind::Paused),
            Some((_, Hold::Ledger)) => {
                let written = effects
                    .iter()
                    .any(|effect| matches!(effect, Effect::Send { to: Audience::Asker | Audience::Owner, .. }));
                assert!(!written, "what they were told since is not known");
            }
            _ => told(LetterKind::OnHold),
        },
        State::Withdrawn if matches!(event, Event::Replaced) => {
            let written = effects.iter().any(|effect| matches!(effect, Effect::Send { .. }));
            assert!(!written, "who asked hears of the request that stands in its place");
        }
        State::Withdrawn if matches!(event, Event::ServiceResumed { told: false }) => {
            assert!(!sent(LetterKind::Withdrawn, Audience::Asker), "the account is gone, and nobody waits");
        }
        State::Withdrawn => told(LetterKind::Withdrawn),
        State::Refused => told(LetterKind::Refused),
        State::Expired => assert!(sent(LetterKind::Expired, Audience::Asker)),
        State::Forwarded => {
            assert!(sent(LetterKind::Forwarded, Audience::Owner) && sent(LetterKind::PassedOn, Audience::Asker));
        }
        State::Completed if matches!(event, Event::ErasedAgain | Event::LeftAlone) => {
            let written = effects.iter().filter(|effect| matches!(effect, Effect::Send { .. })).count();
            let of_kept = before.origin == Origin::Retention && matches!(event, Event::ErasedAgain);
            let told = of_kept && before.reachable;
            assert_eq!(written, usize::from(told), "who asked heard of the first end, and is not known any more");
            assert_eq!(sent(LetterKind::KeptErased, Audience::Asker), told, "who wants to hear of kept rows does");
            assert!(!(of_kept && after.reachable), "once");
            assert_eq!(after.warrant, before.warrant, "what permitted it is remembered");
        }
        State::Completed => {
            let done = sent(LetterKind::Completed, Audience::Asker) || sent(LetterKind::NothingHeld, Audience::Asker);
            assert!(done, "the end is told");
            assert!(!unasked || sent(LetterKind::Completed, Audience::Asker));
        }
        State::Reopened => assert!(sent(LetterKind::AlarmReview, Audience::Team)),
        State::NotFound => assert!(sent(LetterKind::AlarmReview, Audience::Team), "an owner may be behind it"),
        State::Received | State::Erasing | State::WaitingOnRecipients => {}
    }
    // A question that comes back after a pause is put anew.
    let asks = matches!(after.state, State::AwaitingConfirmation | State::AwaitingApproval);
    let released = matches!(event, Event::Released | Event::ReleasedByPerson);
    assert_eq!(effects.contains(&Effect::AskAnew), asks && released);
}

/// No wait outlives what the law allows, and nothing that lives is forgotten.
fn check_wakes(after: &Request, effects: &[Effect], now: Timestamp) {
    let at = |wanted: Wake| {
        effects.iter().find_map(|effect| match effect {
            Effect::WakeAt { wake, at } if *wake == wanted => Some(*at),
            _ => None,
        })
    };
    if let Some(lapse) = at(Wake::ApprovalLapse) {
        assert!(lapse > now && lapse.date() < after.deadlines.base_due, "an owner's silence ends before the due date");
        let last = last_day(lapse);
        let wanted = now.plus_days(7).date();
        assert!(last == wanted || last < wanted && lapse.plus_days(1).date() == after.deadlines.base_due);
    }
    if let Some(expire) = at(Wake::Expire) {
        assert_eq!(
            last_day(expire),
            now.plus_days(14).date(),
            "a challenge can be answered to the end of its last day"
        );
    }
    if after.state == State::Scheduled
        && let Some(ends) = at(Wake::GraceEnd)
    {
        assert_eq!((Some(ends), ends), (after.erase_at, now.plus(Policy::default().grace)), "the whole grace period");
    }
    let asked = after.origin == Origin::Letter;
    let clock_runs = asked && (!after.state.is_ended() || after.state == State::Forwarded);
    if effects.contains(&Effect::CancelWakes) && clock_runs && !after.due_told {
        let warned = at(Wake::DueSoon).expect("the team is warned before the due date");
        assert!(warned == now || warned.plus_days(7).date() <= after.deadlines.legal_due);
    }
    if let Some(notice) = at(Wake::NoticeDue) {
        assert!(after.deadlines.extended && notice.date() <= after.deadlines.base_due);
    }
}

/// The day, in UTC, with the end of which a wait ends.
fn last_day(end: Timestamp) -> jiff::civil::Date {
    let last = end.minus(std::time::Duration::from_micros(1)).date();
    assert!(last < end.date(), "it ends within a day, at {end}");
    last
}

/// What a next life is born of: mostly a letter.
const ORIGINS: [Origin; 8] = {
    use Origin::{Letter, Retention, Termination};
    [Letter, Letter, Letter, Letter, Letter, Retention, Termination, Termination]
};

/// Whether rows were erased in this life, as the walk itself saw it.
#[derive(Default)]
struct Erased(bool);

impl Erased {
    /// The periods of forgetting start with the move that ends a request and with no later one, and the saved keys live as
    /// long as something that was erased may come back.
    fn check(&mut self, before: &Request, event: &Event, after: &Request, effects: &[Effect], seed: u64) {
        self.0 |= matches!(event, Event::Erased { held_anything: true, .. } | Event::KeepingEnded { .. });
        let closes: Vec<bool> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Close { erased } => Some(*erased),
                _ => None,
            })
            .collect();
        // One that only rows call completed has no end of its own before it is replaced.
        let forged = matches!(event, Event::Replaced) && before.state == State::Completed;
        let ends = after.state.is_ended() && (!before.state.is_ended() || forged);
        let expected: &[bool] = if ends { &[self.0] } else { &[] };
        assert_eq!(closes, expected, "seed {seed}: {} took {} to {}", before.state, event.name(), after.state);
    }
}

/// Whether somebody is warned before the due date: from the opening on, until it is answered.
#[derive(Default)]
struct Watched {
    waits: bool,
    answered: bool,
}

impl Watched {
    fn of(effects: &[Effect]) -> Self {
        let mut watched = Self::default();
        watched.follow(effects);
        watched
    }

    fn follow(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::CancelWakes => self.waits = false,
                Effect::WakeAt { wake: Wake::DueSoon, .. } => self.waits = true,
                _ => {}
            }
        }
    }

    fn check(&mut self, before: &Request, moved: &Result<(Request, Vec<Effect>), IllegalTransition>, seed: u64) {
        // Nobody waits for an answer who has not asked.
        let asked = before.origin == Origin::Letter;
        assert!(
            self.waits || before.due_told || self.answered || !asked,
            "seed {seed}: nobody watches a {}",
            before.state
        );
        if let Ok((after, effects)) = moved {
            self.follow(effects);
            self.answered |= after.state.is_ended() && after.state != State::Forwarded;
        }
    }
}

#[test]
fn random_lives_stay_within_the_table() {
    // 24,000 lives of 50 events: 1.2 million steps. A failure names its seed.
    let policy = Policy::default();
    let mut reached = std::collections::BTreeSet::new();
    for seed in 0..24_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut now = Timestamp::from_micros(1_780_000_000_000_000);
        let mut request = newborn(now);
        let mut erased = Erased::default();
        let mut watched = Watched::of(&opened(&request, &policy, now));
        for _ in 0..50 {
            now = now.plus_days(rng.random_range(0..5));
            let event = event(&mut rng, &request, now);
            let moved = apply(&request, &event, &policy, now);
            watched.check(&request, &moved, seed);
            check(&request, &event, now, &moved, seed);
            if let Ok((after, effects)) = moved {
                erased.check(&request, &event, &after, &effects, seed);
                reached.insert((request.state.as_str(), event.name(), after.state.as_str()));
                request = after;
                let goes_on = matches!(request.state, State::Completed | State::Forwarded | State::Refused);
                if request.state.is_ended() && (!goes_on || rng.random_bool(0.2)) {
                    request = born(pick(&mut rng, &ORIGINS), now);
                    erased = Erased::default();
                    watched = Watched::of(&opened(&request, &policy, now));
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
