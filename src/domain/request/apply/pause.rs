//! Pauses, their end, and taking a request back.

use super::{Audience, Effect, Hold, IllegalTransition, LetterKind, ReviewReason, State, Step, Wake, Work};

impl Step<'_> {
    pub(super) fn withdraw(&mut self) -> Result<(), IllegalTransition> {
        self.only_stoppable("only what has not begun to be erased can be withdrawn")?;
        self.tell(LetterKind::Withdrawn);
        self.end(State::Withdrawn);
        Ok(())
    }

    /// What may go on to be erased waits for an operator. What is being erased and found nothing yet is theirs to look at.
    pub(super) fn doubted(&mut self) -> Result<(), IllegalTransition> {
        if self.from != State::Erasing {
            return self.hold(Hold::Ledger);
        }
        self.hand_over(ReviewReason::LedgerBack);
        Ok(())
    }

    /// Pauses it. What somebody's unproven "stop" paused, the team may take over; a "stop" during a pause of the team's is
    /// heard when that ends.
    pub(super) fn hold(&mut self, by: Hold) -> Result<(), IllegalTransition> {
        let back = match (self.next.held, by) {
            (Some((back, Hold::Unproven)), by) if by.is_ours() => back,
            (Some((_, known)), Hold::Unproven) if known.is_ours() => {
                return self.review_after(ReviewReason::UnclearLetter);
            }
            _ if self.from.can_stop() => self.from,
            _ => return Err(self.illegal("only what has not begun to be erased can be paused")),
        };
        self.next.held = Some((back, by));
        self.next.state = State::OnHold;
        self.effects.push(Effect::CancelWakes);
        match by {
            Hold::Unproven => {
                self.tell(LetterKind::OnHold);
                self.wake(Wake::HoldLapse, self.now.plus(self.policy.hold_expires));
            }
            Hold::Operator => self.tell_if_asked(LetterKind::Paused),
            Hold::Ledger => {}
        }
        self.wake_due();
        Ok(())
    }

    /// A pause of the team's goes on, and when it ends a person looks first, because of what came meanwhile. The team hears of
    /// it at once, and once.
    pub(super) fn review_after(&mut self, reason: ReviewReason) -> Result<(), IllegalTransition> {
        match self.next.held {
            Some((back, by)) if by.is_ours() && back != State::NeedsReview => {
                self.next.held = Some((State::NeedsReview, by));
            }
            _ => return Err(self.illegal("a person looks at it after the pause anyway")),
        }
        self.next.review = Some(reason);
        self.next.warrant = None;
        self.next.erase_at = None;
        self.send(LetterKind::AlarmReview, Audience::Team);
        Ok(())
    }

    /// The person says to go on. What the team paused, an operator lets go on.
    pub(super) fn release_by_person(&mut self) -> Result<(), IllegalTransition> {
        match self.next.held {
            Some((_, by)) if by.is_ours() => Err(self.illegal("an operator paused it, and an operator lets it go on")),
            Some((State::NeedsReview, _)) => {
                self.send(LetterKind::AlarmReview, Audience::Team);
                self.release()
            }
            _ => self.release(),
        }
    }

    /// Goes back to where it was. Waits start anew, and what was asked is asked anew, so that nobody loses days to a
    /// pause and no letter names a day that has passed; the legal clock never stopped.
    pub(super) fn release(&mut self) -> Result<(), IllegalTransition> {
        self.only_from(&[State::OnHold])?;
        let Some((back, _)) = self.next.held.take() else {
            return Err(self.illegal("it is not known where it was"));
        };
        match back {
            State::AwaitingConfirmation => {
                self.challenge();
                self.effects.push(Effect::AskAnew);
            }
            State::AwaitingApproval => {
                if self.ask_owner() {
                    self.effects.push(Effect::AskAnew);
                }
            }
            State::Scheduled => self.grace_anew(),
            _ => {
                self.next.state = back;
                self.effects.push(Effect::CancelWakes);
                if back == State::Received {
                    self.effects.push(Effect::Run(Work::Identify));
                }
                self.wake_due();
            }
        }
        Ok(())
    }

    /// The whole grace period again: who heard of a pause hears of its end in time to stop it. A proof that will be
    /// too old by then is for a person.
    fn grace_anew(&mut self) {
        let ends = self.now.plus(self.policy.grace);
        if self.next.warrant.is_some_and(|warrant| ends < warrant.expires_at) {
            self.grace();
        } else {
            self.review(ReviewReason::AuthorityExpired);
        }
    }
}
