//! What nobody asked for: an account whose service has ended is erased by the controller's own deletion policy (Art. 5(1)(e),
//! 17(1)(a) GDPR). Its owner is told, and may stop it as long as the grace period runs; nobody waits for an answer.

use crate::domain::{LetterKind, Role, Scope};

use super::{Ask, IllegalTransition, Origin, State, Step, Warrant};

impl Step<'_> {
    /// The time is over for which the account's data are kept: its owner is told, and the grace period runs.
    pub(super) fn service_ended(&mut self, warrant: Warrant) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Received])?;
        self.only_of_an_end()?;
        let (role, scope) = (Role::Owner, Scope::Account);
        self.next.ask = Some(Ask { role, offered: vec![scope], scope: Some(scope), approval: false });
        self.next.reachable = true;
        self.schedule(warrant)
    }

    /// The account lives again, or its service ended at another time: nothing is erased, and whoever was told that it would be
    /// is told that it is not, unless the account is gone. Whoever says so of one that is being erased knows that no row was touched.
    pub(super) fn service_resumed(&mut self, told: bool) -> Result<(), IllegalTransition> {
        self.only_from(&[State::Received, State::Scheduled, State::Erasing])?;
        self.only_of_an_end()?;
        if told {
            self.tell(LetterKind::Withdrawn);
        }
        self.end(State::Withdrawn);
        Ok(())
    }

    fn only_of_an_end(&self) -> Result<(), IllegalTransition> {
        if self.next.origin == Origin::Termination { Ok(()) } else { Err(self.illegal("no service ended for it")) }
    }

    /// What is between a person who asks and us; nobody asked for what an ended service opens.
    pub(super) fn only_asked(&self, allowed: &[State]) -> Result<(), IllegalTransition> {
        self.not_of_an_end("nobody asked for it")?;
        self.only_from(allowed)
    }

    pub(super) fn not_of_an_end(&self, why: &'static str) -> Result<(), IllegalTransition> {
        if self.next.origin == Origin::Termination { Err(self.illegal(why)) } else { Ok(()) }
    }

    /// Writes to the one who asked and waits; an owner who did not ask hears when something is erased, stopped, or not known to be.
    pub(super) fn tell_if_asked(&mut self, letter: LetterKind) {
        if self.next.origin != Origin::Termination {
            self.tell(letter);
        }
    }
}
