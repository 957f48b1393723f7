//! The one function that moves a request.

use std::time::Duration;

use crate::domain::{Calendar, Deadlines, LetterKind, Timestamp};

use super::event::{Audience, Effect, Event, Wake, Work};
use super::state::{Ask, Hold, IllegalTransition, Policy, Request, ReviewReason, State, Warrant};

const DAY: Duration = Duration::from_secs(86_400);

/// The first instant of the base due date in UTC: wakes come rather too early than too late.
fn base_due(deadlines: &Deadlines) -> Timestamp {
    Calendar::utc().end_of(deadlines.base_due).minus(DAY)
}

type Moved = Result<(Request, Vec<Effect>), IllegalTransition>;

/// Moves a request by an event. The request given is not changed; an error changes nothing at all.
///
/// # Errors
/// [`IllegalTransition`] where the state does not take the event. A stale wake is no error: it has no effect.
pub fn apply(request: &Request, event: &Event, policy: &Policy, now: Timestamp) -> Moved {
    let mut step = Step { from: request.state, event, policy, now, next: request.clone(), effects: Vec::new() };
    step.next.moves += 1;
    step.run()?;
    Ok((step.next, step.effects))
}

/// One move while it is worked out.
struct Step<'a> {
    from: State,
    event: &'a Event,
    policy: &'a Policy,
    now: Timestamp,
    next: Request,
    effects: Vec<Effect>,
}

impl Step<'_> {
    fn run(&mut self) -> Result<(), IllegalTransition> {
        match self.event {
            Event::Identified { role, offered, approval } => {
                self.identified(Ask { role: *role, offered: offered.clone(), scope: None, approval: *approval })
            }
            Event::Stranger => self.end_from(&[State::Received], State::NotFound, None),
            Event::ForwardToOwner { role } => {
                self.next.ask = Some(Ask { role: *role, offered: Vec::new(), scope: None, approval: false });
                self.end_from(&[State::Received], State::Forwarded, Some((LetterKind::Forwarded, Audience::Owner)))
            }
            Event::Unclear { reason, reachable } => self.unclear(*reason, *reachable),
            Event::AnswerUnclear => self.answer_unclear(),
            Event::Confirmed { scope, warrant } => {
                self.confirm(*scope, false)?;
                self.schedule(*warrant)
            }
            Event::ConfirmedPendingApproval { scope } => {
                self.confirm(*scope, true)?;
                self.ask_owner();
                Ok(())
            }
            Event::Approved { warrant } => {
                self.only_from(&[State::AwaitingApproval])?;
                self.schedule(*warrant)
            }
            Event::ApprovalDenied => {
                self.end_from(&[State::AwaitingApproval], State::Refused, Some((LetterKind::Refused, Audience::Asker)))
            }
            Event::WithdrawnByPerson => self.withdraw(),
            Event::StopAsked => self.hold(Hold::Unproven),
            Event::ChallengeBounced => self.bounced(),
            Event::Woken { wake, round } => self.woken(*wake, *round),
            Event::Begun => self.begin(),
            Event::Stopped { reason } => {
                self.only_from(&[State::Scheduled, State::Erasing])?;
                self.review(*reason, true);
                Ok(())
            }
            Event::Erased { held_anything, waiting } => self.erased(*held_anything, *waiting),
            Event::RecipientsDone => {
                self.only_from(&[State::WaitingOnRecipients])?;
                self.end(State::Completed, Some((LetterKind::Completed, Audience::Asker)));
                Ok(())
            }
            Event::StepFailed => {
                self.only_from(&[State::Erasing, State::WaitingOnRecipients])?;
                self.send(LetterKind::AlarmStepFailed, Audience::Team);
                Ok(())
            }
            Event::CameBack => {
                self.only_from(&[State::Completed])?;
                self.next.state = State::Reopened;
                self.next.warrant = None;
                self.send(LetterKind::AlarmReview, Audience::Team);
                Ok(())
            }
            Event::Continued { warrant } => {
                self.only_from(&[State::Reopened])?;
                self.live(*warrant)?;
                self.next.warrant = Some(*warrant);
                self.next.state = State::Erasing;
                self.effects.push(Effect::Run(Work::Erase));
                Ok(())
            }
            Event::PutRight => self.put_right(),
            Event::Held => self.hold(Hold::Operator),
            Event::Released => self.release(),
            Event::Extended { deadlines } => self.extend(*deadlines),
            Event::RefusedByOperator => self.end_from(
                &[
                    State::Received,
                    State::AwaitingConfirmation,
                    State::AwaitingApproval,
                    State::Scheduled,
                    State::NeedsReview,
                    State::OnHold,
                ],
                State::Refused,
                Some((LetterKind::Refused, Audience::Asker)),
            ),
            Event::WithdrawnByOperator => self.withdraw(),
        }
    }

    fn identified(&mut self, ask: Ask) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Received])?;
        if ask.offered.is_empty() || ask.offered.len() > 2 {
            return Err(self.illegal("a challenge offers one scope or two"));
        }
        self.next.ask = Some(ask);
        self.challenge();
        Ok(())
    }

    /// A fresh challenge: the earlier round's tokens and codes no longer count.
    fn challenge(&mut self) {
        self.next.state = State::AwaitingConfirmation;
        self.next.round += 1;
        self.next.reminded = false;
        self.next.code_asked = false;
        self.next.review = None;
        self.effects.push(Effect::CancelWakes);
        self.send(LetterKind::Challenge, Audience::Asker);
        self.wake(Wake::Remind, self.now.plus(self.policy.reminder));
        self.wake(Wake::Expire, self.now.plus(self.policy.challenge_expires));
        self.wake_due_soon();
    }

    fn unclear(&mut self, reason: ReviewReason, reachable: bool) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Received, State::AwaitingConfirmation, State::AwaitingApproval])?;
        self.review(reason, reachable);
        Ok(())
    }

    /// Hands the request to a person, and says so to the one who waits for it.
    fn review(&mut self, reason: ReviewReason, reachable: bool) {
        self.next.state = State::NeedsReview;
        self.next.review = Some(reason);
        self.next.warrant = None;
        self.next.erase_at = None;
        self.effects.push(Effect::CancelWakes);
        if reachable {
            self.send(LetterKind::InReview, Audience::Asker);
        }
        self.send(LetterKind::AlarmReview, Audience::Team);
        self.wake_due_soon();
    }

    fn answer_unclear(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::AwaitingConfirmation, State::AwaitingApproval])?;
        if !self.next.code_asked {
            self.next.code_asked = true;
            let to = if self.from == State::AwaitingApproval { Audience::Owner } else { Audience::Asker };
            self.send(LetterKind::CodeAsked, to);
        }
        Ok(())
    }

    fn confirm(&mut self, scope: crate::domain::Scope, approval: bool) -> Result<(), IllegalTransition> {
        self.only_from(&[State::AwaitingConfirmation])?;
        match &mut self.next.ask {
            Some(ask) if ask.approval == approval && ask.offered.contains(&scope) => {
                ask.scope = Some(scope);
                Ok(())
            }
            Some(ask) if ask.approval != approval => {
                Err(self.illegal("the authority table says otherwise on approval"))
            }
            _ => Err(self.illegal("this scope was not offered")),
        }
    }

    fn ask_owner(&mut self) {
        self.next.state = State::AwaitingApproval;
        self.next.round += 1;
        self.next.code_asked = false;
        self.effects.push(Effect::CancelWakes);
        self.send(LetterKind::ApprovalAsked, Audience::Owner);
        // Silence must reach a person before the base due date, however late the approval was asked for.
        let lapse = self.now.plus(self.policy.approval_expires);
        let latest = base_due(&self.next.deadlines).minus(DAY);
        self.wake(Wake::ApprovalLapse, lapse.min(latest).max(self.now));
        self.wake_due_soon();
    }

    fn schedule(&mut self, warrant: Warrant) -> Result<(), IllegalTransition> {
        self.live(warrant)?;
        let erase_at = self.now.plus(self.policy.grace);
        self.next.state = State::Scheduled;
        self.next.warrant = Some(warrant);
        self.next.erase_at = Some(erase_at);
        self.effects.push(Effect::CancelWakes);
        self.send(LetterKind::Scheduled, Audience::Asker);
        self.wake(Wake::GraceEnd, erase_at);
        self.wake_due_soon();
        Ok(())
    }

    fn withdraw(&mut self) -> Result<(), IllegalTransition> {
        let stoppable = match self.next.held {
            Some((back, _)) => back.can_stop(),
            None => self.from.can_stop(),
        };
        if !stoppable {
            return Err(self.illegal("only what has not begun to be erased can be withdrawn"));
        }
        let reachable = self.next.ask.is_some();
        self.end(State::Withdrawn, reachable.then_some((LetterKind::Withdrawn, Audience::Asker)));
        Ok(())
    }

    fn hold(&mut self, by: Hold) -> Result<(), IllegalTransition> {
        if !self.from.can_stop() {
            return Err(self.illegal("only what has not begun to be erased can be paused"));
        }
        self.next.held = Some((self.from, by));
        self.next.state = State::OnHold;
        self.effects.push(Effect::CancelWakes);
        if by == Hold::Unproven {
            if self.next.ask.is_some() {
                self.send(LetterKind::OnHold, Audience::Asker);
            }
            self.wake(Wake::HoldLapse, self.now.plus(self.policy.hold_expires));
        }
        self.wake_due_soon();
        Ok(())
    }

    /// Goes back to where it was. Waits start anew, so that nobody loses days to a pause; the legal clock never stopped.
    fn release(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::OnHold])?;
        let Some((back, _)) = self.next.held.take() else {
            return Err(self.illegal("it is not known where it was"));
        };
        self.next.state = back;
        self.effects.push(Effect::CancelWakes);
        match back {
            State::Received => self.effects.push(Effect::Run(Work::Identify)),
            State::AwaitingConfirmation => self.wake(Wake::Expire, self.now.plus(self.policy.challenge_expires)),
            State::AwaitingApproval => self.wake(Wake::ApprovalLapse, self.now.plus(self.policy.approval_expires)),
            State::Scheduled => {
                let erase_at = self.next.erase_at.unwrap_or(self.now).max(self.now);
                self.next.erase_at = Some(erase_at);
                self.wake(Wake::GraceEnd, erase_at);
            }
            _ => {}
        }
        self.wake_due_soon();
        Ok(())
    }

    fn bounced(&mut self) -> Result<(), IllegalTransition> {
        self.send(LetterKind::AlarmBounced, Audience::Team);
        if matches!(self.from, State::AwaitingConfirmation | State::AwaitingApproval) {
            self.review(ReviewReason::ChallengeBounced, false);
        }
        Ok(())
    }

    fn woken(&mut self, wake: Wake, round: u32) -> Result<(), IllegalTransition> {
        let live_round = round == self.next.round;
        match (wake, self.from) {
            (Wake::Remind, State::AwaitingConfirmation) if live_round && !self.next.reminded => {
                self.next.reminded = true;
                self.send(LetterKind::Reminder, Audience::Asker);
            }
            (Wake::Expire, State::AwaitingConfirmation) if live_round => {
                self.end(State::Expired, Some((LetterKind::Expired, Audience::Asker)));
            }
            (Wake::ApprovalLapse, State::AwaitingApproval) if live_round => {
                self.review(ReviewReason::OwnerSilent, true);
            }
            (Wake::GraceEnd, State::Scheduled) if self.next.erase_at.is_some_and(|at| at <= self.now) => {
                self.effects.push(Effect::Run(Work::Begin));
            }
            (Wake::HoldLapse, State::OnHold) if matches!(self.next.held, Some((_, Hold::Unproven))) => {
                self.next.held = None;
                self.review(ReviewReason::HoldLapsed, true);
            }
            (Wake::DueSoon, state) if !state.is_ended() => self.send(LetterKind::AlarmDueSoon, Audience::Team),
            _ => self.next.moves -= 1,
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Scheduled])?;
        let Some(warrant) = self.next.warrant else {
            return Err(self.illegal("nothing permits it"));
        };
        self.live(warrant)?;
        if self.next.erase_at.is_none_or(|at| at > self.now) {
            return Err(self.illegal("the grace period still runs"));
        }
        self.next.state = State::Erasing;
        self.effects.push(Effect::Run(Work::Erase));
        Ok(())
    }

    fn erased(&mut self, held_anything: bool, waiting: bool) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Erasing])?;
        if self.next.warrant.is_none() {
            return Err(self.illegal("nothing permitted it"));
        }
        if waiting {
            self.next.state = State::WaitingOnRecipients;
        } else {
            let letter = if held_anything { LetterKind::Completed } else { LetterKind::NothingHeld };
            self.end(State::Completed, Some((letter, Audience::Asker)));
        }
        Ok(())
    }

    fn put_right(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::NeedsReview])?;
        self.next.state = State::Received;
        self.next.review = None;
        self.next.ask = None;
        self.effects.push(Effect::CancelWakes);
        self.effects.push(Effect::Run(Work::Identify));
        self.wake_due_soon();
        Ok(())
    }

    fn extend(&mut self, to: Deadlines) -> Result<(), IllegalTransition> {
        let from = self.next.deadlines;
        if self.from.is_ended() {
            return Err(self.illegal("it has ended"));
        }
        let same_clock = Deadlines { legal_due: from.legal_due, extended: false, ..to } == from;
        if !same_clock || !to.extended || to.legal_due < from.legal_due || self.now >= base_due(&from) {
            return Err(self.illegal("an extension is told before the base due date, and once (Art. 12(3) GDPR)"));
        }
        self.next.deadlines = to;
        if self.next.ask.is_some() {
            self.send(LetterKind::Extension, Audience::Asker);
        }
        Ok(())
    }

    fn end_from(
        &mut self,
        allowed: &[State],
        to: State,
        letter: Option<(LetterKind, Audience)>,
    ) -> Result<(), IllegalTransition> {
        self.only_from(allowed)?;
        // A refusal reaches only somebody whom the directory knows.
        let letter = letter.filter(|_| self.next.ask.is_some());
        self.end(to, letter);
        Ok(())
    }

    fn end(&mut self, to: State, letter: Option<(LetterKind, Audience)>) {
        self.next.state = to;
        self.next.held = None;
        self.effects.push(Effect::CancelWakes);
        if let Some((letter, audience)) = letter {
            self.send(letter, audience);
        }
        self.effects.push(Effect::Close);
    }

    fn send(&mut self, letter: LetterKind, to: Audience) {
        self.effects.push(Effect::Send { letter, to });
    }

    fn wake(&mut self, wake: Wake, at: Timestamp) {
        self.effects.push(Effect::WakeAt { wake, at });
    }

    fn wake_due_soon(&mut self) {
        let at = base_due(&self.next.deadlines).minus(DAY * self.policy.due_soon_days);
        if at > self.now {
            self.wake(Wake::DueSoon, at);
        }
    }

    fn live(&self, warrant: Warrant) -> Result<(), IllegalTransition> {
        if self.now < warrant.expires_at { Ok(()) } else { Err(self.illegal("what permits it has expired")) }
    }

    fn only_from(&self, allowed: &[State]) -> Result<(), IllegalTransition> {
        if allowed.contains(&self.from) { Ok(()) } else { Err(self.illegal("not in this state")) }
    }

    const fn illegal(&self, why: &'static str) -> IllegalTransition {
        IllegalTransition { state: self.from, event: self.event.name(), why }
    }
}
