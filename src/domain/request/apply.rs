//! The one function that moves a request.

use crate::domain::{LetterKind, Role, Scope, Timestamp};

use super::event::{Audience, Effect, Event, Wake, Work};
use super::state::{Ask, Hold, IllegalTransition, Origin, Policy, Request, ReviewReason, State, Warrant};

mod due;
mod ended;
mod pause;

pub use due::{approval_ends, challenge_ends, opened};

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
            Event::Stranger => {
                self.only_asked(&[State::Received])?;
                // An owner may have written from another address: nobody is answered, and a person can put it right.
                self.send(LetterKind::AlarmReview, Audience::Team);
                self.end(State::NotFound);
                Ok(())
            }
            Event::ForwardToOwner { role } => self.forward(*role),
            Event::Unclear { reason, reachable, quiet } => self.unclear(*reason, *reachable, *quiet),
            Event::AnswerUnclear => self.answer_unclear(),
            Event::CodeWrong => self.code_wrong(),
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
                self.answered_in(State::AwaitingApproval)?;
                self.schedule(*warrant)
            }
            Event::Vouched { scope, warrant } => {
                self.vouch(*scope, false)?;
                self.schedule(*warrant)
            }
            Event::VouchedPendingApproval { scope } => {
                self.vouch(*scope, true)?;
                self.ask_owner();
                Ok(())
            }
            Event::ApprovalDenied => {
                self.answered_in(State::AwaitingApproval)?;
                self.refuse();
                Ok(())
            }
            Event::WithdrawnByPerson => self.withdraw(),
            Event::StopAsked => self.hold(Hold::Unproven),
            Event::ChallengeBounced => self.bounced(),
            Event::Woken { wake, round } => self.woken(*wake, *round),
            Event::Begun => self.begin(),
            Event::Stopped { reason } => {
                self.only_from(&[State::Scheduled, State::Erasing])?;
                self.review(*reason);
                Ok(())
            }
            Event::Erased { held_anything, waiting } => self.erased(*held_anything, *waiting),
            Event::RecipientsDone => {
                self.only_from(&[State::WaitingOnRecipients])?;
                self.send(LetterKind::Completed, Audience::Asker);
                self.end(State::Completed);
                Ok(())
            }
            Event::RecipientStuck => {
                if !self.next.waits {
                    return Err(self.illegal("it waits for nobody"));
                }
                self.send(LetterKind::AlarmRecipient, Audience::Team);
                Ok(())
            }
            Event::StepFailed => {
                self.only_from(&[State::Erasing, State::WaitingOnRecipients])?;
                self.send(LetterKind::AlarmStepFailed, Audience::Team);
                Ok(())
            }
            Event::CameBack => {
                self.only_from(&[State::Completed, State::WaitingOnRecipients])?;
                // Its warrant stays: it has ended and permits nothing, but a continuation rests on it.
                self.next.state = State::Reopened;
                self.send(LetterKind::AlarmReview, Audience::Team);
                Ok(())
            }
            Event::Unsearchable => {
                self.only_from(&[State::WaitingOnRecipients])?;
                self.next.state = State::Reopened;
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
            Event::KeepingEnded { warrant, tells } => self.keeping_ended(*warrant, *tells),
            Event::ServiceEnded { warrant } => self.service_ended(*warrant),
            Event::ServiceResumed { told } => self.service_resumed(*told),
            Event::ErasedAgain => {
                self.tell_of_kept();
                self.end_again(State::Erasing)
            }
            Event::LeftAlone => self.end_again(State::Reopened),
            Event::PutRight => self.put_right(),
            Event::Replaced => self.replaced(),
            Event::Held => self.hold(Hold::Operator),
            Event::Doubted => self.doubted(),
            Event::Released => self.release(),
            Event::ReleasedByPerson => self.release_by_person(),
            Event::Extended { deadlines } => self.extend(*deadlines),
            Event::RefusedByOperator => {
                self.only_stoppable("only what has not begun to be erased can be refused")?;
                self.not_of_an_end("nobody asked, so nothing is refused: withdraw it")?;
                self.refuse();
                Ok(())
            }
            Event::WithdrawnByOperator => self.withdraw(),
        }
    }

    fn identified(&mut self, ask: Ask) -> Result<(), IllegalTransition> {
        self.only_asked(&[State::Received])?;
        if ask.offered.is_empty() || ask.offered.len() > 2 {
            return Err(self.illegal("a challenge offers one scope or two"));
        }
        self.next.ask = Some(ask);
        self.next.reachable = true;
        self.challenge();
        Ok(())
    }

    fn forward(&mut self, role: Role) -> Result<(), IllegalTransition> {
        self.only_asked(&[State::Received])?;
        self.next.ask = Some(Ask { role, offered: Vec::new(), scope: None, approval: false });
        self.next.reachable = true;
        self.send(LetterKind::Forwarded, Audience::Owner);
        self.send(LetterKind::PassedOn, Audience::Asker);
        self.end(State::Forwarded);
        // The controller decides, and the controller's clock does not wait.
        self.wake_due();
        Ok(())
    }

    /// A fresh challenge: the earlier round's tokens and codes no longer count.
    fn challenge(&mut self) {
        self.next.state = State::AwaitingConfirmation;
        self.next.round += 1;
        self.next.code_asked = false;
        self.next.review = None;
        self.effects.push(Effect::CancelWakes);
        self.send(LetterKind::Challenge, Audience::Asker);
        // The reminder says that it is the only one.
        if !self.next.reminded {
            self.wake(Wake::Remind, self.now.plus(self.policy.reminder));
        }
        self.wake(Wake::Expire, challenge_ends(self.policy, self.now));
        self.wake_due();
    }

    fn unclear(&mut self, reason: ReviewReason, reachable: bool, quiet: bool) -> Result<(), IllegalTransition> {
        let reason = match self.next.held {
            Some((_, by)) if by.is_ours() => return self.review_after(reason),
            Some((back, _)) => self.reason_after(back, reason),
            None => {
                self.only_from(&[State::Received, State::AwaitingConfirmation, State::AwaitingApproval])?;
                reason
            }
        };
        // Who could be written to once still can.
        self.next.reachable |= reachable;
        if !quiet {
            self.tell_if_asked(LetterKind::InReview);
        }
        self.hand_over(reason);
        Ok(())
    }

    /// Hands the request to a person, and says so to the one who waits for it.
    fn review(&mut self, reason: ReviewReason) {
        self.tell_if_asked(LetterKind::InReview);
        self.hand_over(reason);
    }

    /// What a pause interrupted in review goes back there for what it was there for.
    fn reason_after(&self, back: State, reason: ReviewReason) -> ReviewReason {
        self.next.review.filter(|_| back == State::NeedsReview).unwrap_or(reason)
    }

    fn hand_over(&mut self, reason: ReviewReason) {
        self.next.state = State::NeedsReview;
        self.next.held = None;
        self.next.review = Some(reason);
        self.next.warrant = None;
        self.next.erase_at = None;
        self.effects.push(Effect::CancelWakes);
        self.send(LetterKind::AlarmReview, Audience::Team);
        self.wake_due();
    }

    fn answer_unclear(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::AwaitingConfirmation, State::AwaitingApproval])?;
        if !self.next.code_asked {
            self.ask_for_code();
        }
        Ok(())
    }

    /// As often as codes may be wrong before a person looks.
    fn code_wrong(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::AwaitingConfirmation, State::AwaitingApproval])?;
        self.ask_for_code();
        Ok(())
    }

    fn ask_for_code(&mut self) {
        self.next.code_asked = true;
        let to = if self.from == State::AwaitingApproval { Audience::Owner } else { Audience::Asker };
        self.send(LetterKind::CodeAsked, to);
    }

    fn confirm(&mut self, scope: Scope, approval: bool) -> Result<(), IllegalTransition> {
        self.answered_in(State::AwaitingConfirmation)?;
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

    /// Evidence stands for the word that is missing; `approval` says that the owner's is then still to come.
    fn vouch(&mut self, scope: Scope, approval: bool) -> Result<(), IllegalTransition> {
        self.only_from(&[State::NeedsReview])?;
        if !self.next.takes_evidence() {
            return Err(self.illegal("more than an answer is missing: it is identified anew first"));
        }
        let owner_next = !self.next.waits_for_owner();
        match &mut self.next.ask {
            Some(ask) if ask.approval && owner_next != approval => {
                Err(self.illegal("the authority table says otherwise on approval"))
            }
            Some(ask) if !ask.approval && approval => Err(self.illegal("nobody has to approve it")),
            Some(ask) if ask.offered.contains(&scope) && ask.scope.is_none_or(|proven| proven == scope) => {
                ask.scope = Some(scope);
                self.next.review = None;
                Ok(())
            }
            _ => Err(self.illegal("this scope was not offered")),
        }
    }

    /// Asks the owner, or a person where no time is left to; answers whether the owner is asked.
    fn ask_owner(&mut self) -> bool {
        let Some(lapse) = approval_ends(&self.next.deadlines, self.policy, self.now) else {
            self.review(ReviewReason::OwnerSilent);
            return false;
        };
        self.next.state = State::AwaitingApproval;
        self.next.round += 1;
        self.next.code_asked = false;
        self.effects.push(Effect::CancelWakes);
        self.send(LetterKind::ApprovalAsked, Audience::Owner);
        self.wake(Wake::ApprovalLapse, lapse);
        self.wake_due();
        true
    }

    fn schedule(&mut self, warrant: Warrant) -> Result<(), IllegalTransition> {
        self.live(warrant)?;
        self.next.warrant = Some(warrant);
        self.grace();
        Ok(())
    }

    /// The grace period runs, from now on.
    fn grace(&mut self) {
        let erase_at = self.now.plus(self.policy.grace);
        self.next.state = State::Scheduled;
        self.next.erase_at = Some(erase_at);
        self.effects.push(Effect::CancelWakes);
        let ended = self.next.origin == Origin::Termination;
        self.send(if ended { LetterKind::ServiceEnded } else { LetterKind::Scheduled }, Audience::Asker);
        // An owner who neither asked nor approved hears of it while it can still be stopped.
        if self.next.ask.as_ref().is_some_and(|ask| ask.role != Role::Owner && !ask.approval) {
            self.send(LetterKind::SecondNotice, Audience::Owner);
        }
        self.wake(Wake::GraceEnd, erase_at);
        self.wake_due();
    }

    fn refuse(&mut self) {
        self.tell(LetterKind::Refused);
        self.end(State::Refused);
    }

    fn bounced(&mut self) -> Result<(), IllegalTransition> {
        self.send(LetterKind::AlarmBounced, Audience::Team);
        // What the owner was asked came back from the owner, not from the asker.
        if self.from == State::AwaitingConfirmation {
            self.next.reachable = false;
        }
        if matches!(self.from, State::AwaitingConfirmation | State::AwaitingApproval) {
            self.review(ReviewReason::ChallengeBounced);
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
                self.send(LetterKind::Expired, Audience::Asker);
                self.end(State::Expired);
            }
            (Wake::ApprovalLapse, State::AwaitingApproval) if live_round => {
                self.review(ReviewReason::OwnerSilent);
            }
            (Wake::GraceEnd, State::Scheduled) if self.next.erase_at.is_some_and(|at| at <= self.now) => {
                self.effects.push(Effect::Run(Work::Begin));
            }
            (Wake::HoldLapse, State::OnHold) => match self.next.held {
                Some((back, Hold::Unproven)) => self.review(self.reason_after(back, ReviewReason::HoldLapsed)),
                _ => self.next.moves -= 1,
            },
            (Wake::DueSoon, _) if self.is_due_soon() => {
                self.next.due_told = true;
                self.send(LetterKind::AlarmDueSoon, Audience::Team);
            }
            (Wake::NoticeDue, state) if self.next.deadlines.extended && !state.is_ended() => {
                self.send(LetterKind::AlarmDueSoon, Audience::Team);
            }
            (Wake::ReviewDue, State::Refused) => self.send(LetterKind::AlarmReview, Audience::Team),
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
        self.next.erased |= held_anything;
        self.next.waits = waiting;
        if waiting {
            self.next.state = State::WaitingOnRecipients;
        } else {
            // Whoever was told that an account is erased is told what became of it, also where it was empty.
            let held_anything = held_anything || self.next.origin == Origin::Termination;
            let letter = if held_anything { LetterKind::Completed } else { LetterKind::NothingHeld };
            self.send(letter, Audience::Asker);
            self.end(State::Completed);
        }
        Ok(())
    }

    /// Nobody asked and nobody is asked: it was told in the confirmation of the first erasure until when the rows stay. Who wants to
    /// hear of their end has left an address for that.
    fn keeping_ended(&mut self, warrant: Warrant, tells: bool) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Received, State::NeedsReview])?;
        if self.next.origin != Origin::Retention {
            return Err(self.illegal("no rows are kept for it"));
        }
        self.live(warrant)?;
        self.next.warrant = Some(warrant);
        self.next.review = None;
        self.next.reachable = tells;
        // Whatever comes of it, a backup may bring the rows back.
        self.next.erased = true;
        self.next.state = State::Erasing;
        self.effects.push(Effect::Run(Work::Erase));
        Ok(())
    }

    /// Completed once more. Nobody is written to: who asked was told of the first end, and their address is forgotten. What
    /// waited for others waits on.
    fn end_again(&mut self, from: State) -> Result<(), IllegalTransition> {
        self.only_from(&[from])?;
        if self.next.warrant.is_none() {
            return Err(self.illegal("nothing permitted it"));
        }
        if self.next.waits {
            self.next.state = State::WaitingOnRecipients;
        } else {
            self.end(State::Completed);
        }
        Ok(())
    }

    /// Whoever wanted to hear that kept rows are erased is told so once, when they were read back; what comes back later is the
    /// team's to know.
    fn tell_of_kept(&mut self) {
        if self.next.origin == Origin::Retention && !self.next.waits {
            self.tell(LetterKind::KeptErased);
            self.next.reachable = false;
        }
    }

    fn put_right(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::NeedsReview])?;
        if self.next.origin == Origin::Retention {
            return Err(self.illegal("nobody wrote it: when its cause is gone, it goes on by itself"));
        }
        self.next.state = State::Received;
        self.next.review = None;
        self.next.ask = None;
        self.effects.push(Effect::CancelWakes);
        self.effects.push(Effect::Run(Work::Identify));
        self.wake_due();
        Ok(())
    }

    /// Nobody is written to: who asked hears of the new request. A state after the erasing that only rows wrote set no period of
    /// forgetting off, so that these start here; of what was not called completed the end is a withdrawal by the team.
    fn replaced(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Erasing, State::WaitingOnRecipients, State::Completed, State::Reopened])?;
        self.end(if self.from == State::Completed { State::Completed } else { State::Withdrawn });
        Ok(())
    }

    fn end(&mut self, to: State) {
        self.next.state = to;
        self.next.held = None;
        self.next.waits = false;
        self.effects.push(Effect::CancelWakes);
        self.effects.push(Effect::Close { erased: self.next.erased });
    }

    fn send(&mut self, letter: LetterKind, to: Audience) {
        self.effects.push(Effect::Send { letter, to });
    }

    /// Writes to the asker, where they can be written to.
    fn tell(&mut self, letter: LetterKind) {
        if self.next.reachable {
            self.send(letter, Audience::Asker);
        }
    }

    fn wake(&mut self, wake: Wake, at: Timestamp) {
        self.effects.push(Effect::WakeAt { wake, at });
    }

    /// A question of this state is answered: there, or while somebody's unproven "stop" pauses it, which it ends.
    fn answered_in(&mut self, state: State) -> Result<(), IllegalTransition> {
        if self.next.held != Some((state, Hold::Unproven)) {
            self.only_from(&[state])?;
        }
        self.next.held = None;
        Ok(())
    }

    /// Nothing was written yet, where it stands or where it was paused.
    fn only_stoppable(&self, why: &'static str) -> Result<(), IllegalTransition> {
        let stands = self.next.held.map_or(self.from, |(back, _)| back);
        if stands.can_stop() { Ok(()) } else { Err(self.illegal(why)) }
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
