//! The legal clock: when the team is warned, and how the period is extended.

use std::time::Duration;

use crate::domain::{Calendar, Deadlines, Timestamp};

use super::{Audience, Effect, IllegalTransition, LetterKind, Origin, Policy, Request, State, Step, Wake};

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// The first instant of the base due date in UTC: wakes come rather too early than too late.
pub(super) fn base_due(deadlines: &Deadlines) -> Timestamp {
    Calendar::utc().end_of(deadlines.base_due).minus(DAY)
}

/// The day so many days after that of an instant, however long the days between are.
fn days_later(calendar: &Calendar, now: Timestamp, wait: Duration) -> jiff::civil::Date {
    let days = u32::try_from(wait.as_secs() / DAY.as_secs()).unwrap_or(u32::MAX);
    calendar.day(now).saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(days)))
}

/// Until when a challenge of now can be answered: to the end of a day, because the letter names no more than the day.
#[must_use]
pub fn challenge_ends(policy: &Policy, now: Timestamp) -> Timestamp {
    let calendar = Calendar::of_zone(policy.time_zone.clone());
    calendar.end_of(days_later(&calendar, now, policy.challenge_expires))
}

/// Until when an owner who is asked now may approve, to the end of a day: their silence must reach a person while a whole day is
/// left before the base due date, however late the approval is asked for. `None` where no time is left.
#[must_use]
pub fn approval_ends(deadlines: &Deadlines, policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let calendar = Calendar::of_zone(policy.time_zone.clone());
    let latest = deadlines.base_due.saturating_sub(jiff::Span::new().days(2));
    let wanted = days_later(&calendar, now, policy.approval_expires);
    Some(calendar.end_of(wanted.min(latest))).filter(|ends| *ends > now)
}

/// What follows from the opening of a request, which is no move: its legal clock is watched from then on, because nobody knows
/// how long it takes until the directory can be asked.
#[must_use]
pub fn opened(request: &Request, policy: &Policy, now: Timestamp) -> Vec<Effect> {
    // Nobody waits for an answer who has not asked.
    if request.origin != Origin::Letter {
        return Vec::new();
    }
    vec![Effect::WakeAt { wake: Wake::DueSoon, at: due_soon(request, policy).max(now) }]
}

/// When the team is warned of the due date of a request.
fn due_soon(request: &Request, policy: &Policy) -> Timestamp {
    Calendar::utc().end_of(request.deadlines.legal_due).minus(DAY).minus(DAY * policy.due_soon_days)
}

impl Step<'_> {
    /// Sets what must wake it before its due dates. What is late already is told at once: the worst cases are those
    /// that were read late.
    pub(super) fn wake_due(&mut self) {
        if self.next.origin != Origin::Letter {
            return;
        }
        if !self.next.due_told {
            self.wake(Wake::DueSoon, due_soon(&self.next, self.policy).max(self.now));
        }
        let base_due = base_due(&self.next.deadlines);
        if self.next.deadlines.extended && base_due > self.now {
            self.wake(Wake::NoticeDue, base_due);
        }
    }

    /// Whether the team is to be warned now: once per due date, and by no wake that was set for an earlier one.
    pub(super) fn is_due_soon(&self) -> bool {
        let runs = !self.from.is_ended() || self.from == State::Forwarded;
        runs && !self.next.due_told && self.now >= due_soon(&self.next, self.policy)
    }

    pub(super) fn extend(&mut self, to: Deadlines) -> Result<(), IllegalTransition> {
        let from = self.next.deadlines;
        if self.from.is_ended() {
            return Err(self.illegal("it has ended"));
        }
        self.not_of_an_end("nobody asked, so no period runs that could be extended")?;
        if !self.next.reachable {
            return Err(self.illegal("an extension counts only when the person is told, and nobody can be told"));
        }
        let same_clock = Deadlines { legal_due: from.legal_due, extended: false, ..to } == from;
        if !same_clock || !to.extended || to.legal_due < from.legal_due || self.now >= base_due(&from) {
            return Err(self.illegal("an extension is told before the base due date, and once (Art. 12(3) GDPR)"));
        }
        self.next.deadlines = to;
        self.next.due_told = false;
        self.send(LetterKind::Extension, Audience::Asker);
        self.wake_due();
        Ok(())
    }
}
