//! What stands in the way of erasing kept rows, as a request that waits for a person.

use std::time::Duration;

use crate::db::requests::{self, Stored};
use crate::db::{Tx, kept};
use crate::domain::request::{Event, Origin, ReviewReason};
use crate::domain::{CaseId, RequestId, State, Timestamp};
use crate::trail::Actor;

use super::super::advance::advance;
use super::super::error::FlowError;
use super::super::house::House;
use super::super::{erase, open, operate, safe};
use super::remember;

/// How often it is looked at again.
pub(super) const LOOK_DAYS: u32 = 7;

/// How long a store may be away before a person is told.
const AWAY_MAX: Duration = Duration::from_secs(86_400);

/// How far a person is with it.
pub(super) enum Trouble {
    /// Nobody was told of anything, or it is over.
    None,
    /// They were told.
    Told(Box<Stored>),
    /// They have paused it: nothing is erased until it goes on.
    Paused,
    /// They have ended it: they have seen to the rows themselves that they were told of, in these words.
    Ended(String),
}

impl Trouble {
    pub(super) async fn of(house: &House, tx: &mut Tx, case: CaseId) -> Result<Self, FlowError> {
        let Some(id) = kept::trouble(tx, case).await? else { return Ok(Self::None) };
        let Some(stored) = requests::load(tx, id).await? else { return Ok(Self::None) };
        Ok(match stored.request.state {
            State::NeedsReview => Self::Told(Box::new(stored)),
            State::OnHold => Self::Paused,
            State::Refused | State::Withdrawn => {
                let closing = operate::unless_forgotten(safe::closing(house, tx, &stored.request).await)?;
                Self::Ended(closing.failure.map(|failure| failure.text).unwrap_or_default())
            }
            _ => Self::None,
        })
    }

    /// Whether the person is as far as that.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Told(one), Self::Told(two)) => one.request == two.request,
            (one, two) => std::mem::discriminant(one) == std::mem::discriminant(two),
        }
    }

    /// The words of what they have seen to.
    pub(super) fn seen_to(&self) -> Option<&str> {
        if let Self::Ended(text) = self { Some(text) } else { None }
    }

    /// The request that waits for them.
    pub(super) fn waiting(self) -> Option<Stored> {
        if let Self::Told(stored) = self { Some(*stored) } else { None }
    }
}

/// Tells a person, once; answers when it is looked at again.
pub(super) async fn tell(house: &House, tx: &mut Tx, case: CaseId, error: &FlowError) -> Result<Timestamp, FlowError> {
    let at = house.clock.now().plus_days(LOOK_DAYS);
    if kept::lock(tx, case).await? && matches!(Trouble::of(house, tx, case).await?, Trouble::None | Trouble::Ended(_)) {
        let id = ask_person(house, tx, case, error).await?;
        kept::set_trouble(tx, case, Some(id)).await?;
        kept::set_look(tx, case, at).await?;
    }
    Ok(at)
}

/// Notes that a store is away, and tells a person where that lasts.
pub(super) async fn away(house: &House, tx: &mut Tx, case: CaseId, error: &FlowError) -> Result<(), FlowError> {
    let Some(key) = remember::key(house, tx, case).await? else { return Ok(()) };
    kept::lock(tx, case).await?;
    let (now, mut remainder) = (house.clock.now(), remember::remainder(tx, &key).await?);
    match remainder.away_since {
        Some(since) if since.plus(AWAY_MAX) <= now => {
            tell(house, tx, case, error).await?;
        }
        Some(_) => {}
        None => {
            remainder.away_since = Some(now);
            safe::put(house, tx, &key, remember::REMAINDER, &remainder).await?;
        }
    }
    Ok(())
}

async fn ask_person(house: &House, tx: &mut Tx, case: CaseId, error: &FlowError) -> Result<RequestId, FlowError> {
    let stored = open::by_itself(house, tx, Origin::Retention, case).await?;
    let reason = ReviewReason::KeptStuck;
    erase::note_failure(house, tx, &stored, reason.as_str(), error).await?;
    let event = Event::Unclear { reason, reachable: false, quiet: true };
    Ok(advance(house, tx, &stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?.request.id)
}
