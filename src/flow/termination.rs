//! Accounts whose service has ended, and that are erased though nobody asks: the controller keeps no data longer than its own
//! deletion policy says (Art. 5(1)(e), 17(1)(a) GDPR).
//!
//! One job, made by the broom, asks the directory once a day in pages (`look`), holds what it says against the limits that keep a
//! wrong query from erasing everybody, and opens a request for each account that is due (`run`). Each of these is then identified
//! like any other (`identify`): here that is to ask the directory once more, for the owner and the end, and to make the plan. The
//! owner is told when the account is erased and how to stop it; nobody is asked. Before the erasing begins, and before its first
//! write, the directory must still say the same (`standing`).
//!
//! It never erases what the directory no longer says, never opens a request beside an open one for the whole account, never twice
//! for the same end, and never acts on an answer that is too large to be true.

use serde_json::json;

use crate::db::requests::Stored;
use crate::db::{Tx, authorities, jobs, terminations};
use crate::domain::request::{Origin, Request};
use crate::domain::{Scope, Timestamp};
use crate::queue::{NewJob, Priority};

use super::error::FlowError;
use super::house::House;
use super::kinds;
use super::operate::Correction;

mod identify;
mod look;
mod run;
mod standing;

pub use crate::db::terminations::{Resumed, Stop, TerminationRun};
pub(super) use identify::{identify, resumed};
pub use look::{Found, look};
pub(super) use run::run;
pub(super) use standing::{Standing, standing};

/// Makes the job that asks, where there is none: it is there as long as the house lives, and must not be lost.
pub(super) async fn due(house: &House, tx: &mut Tx) -> Result<(), FlowError> {
    if house.config.termination.is_none() {
        return Ok(());
    }
    let now = house.clock.now();
    let mut job = NewJob::new(kinds::TERMINATION, json!({}), now);
    job.unique_key = Some(kinds::TERMINATION.to_owned());
    job.priority = Priority::Bulk;
    jobs::enqueue(tx, &[job], now, &*house.chance).await?;
    Ok(())
}

/// The end of a service after which its time is over by now; `None` where nothing is erased by itself.
pub(super) fn over_by(house: &House) -> Option<Timestamp> {
    house.config.termination.map(|settings| house.clock.now().minus(settings.after))
}

/// When the service ended that opened a request; `None` where none did.
pub(super) async fn ended_at(tx: &mut Tx, request: &Request) -> Result<Option<Timestamp>, FlowError> {
    if request.origin != Origin::Termination {
        return Ok(None);
    }
    Ok(terminations::load(tx, request.id).await?.map(|record| record.ended_at))
}

/// What the directory says in place of what opened a request; `None` where it says the same, or nothing of the kind opened it.
pub(super) async fn has_resumed(tx: &mut Tx, request: &Request) -> Result<Option<Resumed>, FlowError> {
    if request.origin != Origin::Termination {
        return Ok(None);
    }
    Ok(terminations::resumed(tx, request.id).await?)
}

/// Whether an operator may set this of a request. What an ended service opened is about one account, the whole of it, and nobody
/// proved anything about another one: it can be looked at anew as it is.
pub(super) fn may_be(stored: &Stored, account: Option<&str>, wanted: &Correction) -> Result<(), FlowError> {
    let Correction { scope, account: other, target, categories } = wanted;
    let as_it_is = scope.is_none_or(|scope| scope == Scope::Account)
        && (other.is_none() || other.as_deref() == account)
        && target.is_none()
        && categories.is_empty();
    if stored.request.origin == Origin::Termination && !as_it_is {
        return Err(FlowError::Unusable(
            "the end of a service opened it, for the whole of that account: it can only be looked at anew, with scope 'account'",
        ));
    }
    Ok(())
}

/// A person has looked and lets it go on: once more an authority may come of the end that opened it.
pub(super) async fn taken_up(house: &House, tx: &mut Tx, request: &Request) -> Result<(), FlowError> {
    if request.origin != Origin::Termination {
        return Ok(());
    }
    let record =
        terminations::load(tx, request.id).await?.ok_or(FlowError::Missing("the end of the account's service"))?;
    let issued = authorities::issued(tx, request.id).await?;
    Ok(terminations::set_taken_up(tx, &record.taken_up(issued, house.keys.gate())?).await?)
}
