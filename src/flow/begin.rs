//! The grace period is over: what was true at the proof is checked again, and only then does erasing begin. A stop that
//! came in time is read before.

use std::time::Duration;

use crate::breakpoint;
use crate::db::requests::{self, Stored};
use crate::db::{Tx, authorities, evidence, holds, jobs, terminations};
use crate::domain::request::{Event, ReviewReason};
use crate::domain::{LetterKind, State, Timestamp};
use crate::erase::plan;
use crate::queue::Lease;
use crate::trail::Actor;
use crate::verify::{Authority, AuthorityRecord, Beginning, Method, NotBegun};

use super::advance::advance;
use super::desk::AWAY_WAIT;
use super::error::FlowError;
use super::facts::{Contact, Offered, Subject};
use super::house::House;
use super::termination::{Resumed, Standing};
use super::undelivered::Notice;
use super::{clocks, heard, promise, safe, standing, termination, undelivered};

/// Checks again, then moves the request to `Erasing`, or to a person.
pub(super) async fn begin(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of a beginning job"))?;
    if stored.request.state != State::Scheduled {
        drop(tx);
        return super::complete(house, lease).await;
    }
    let subject = safe::subject(house, &mut tx, &stored.request).await?;
    let contact = safe::contact(house, &mut tx, &stored.request).await?;
    let authority = authority(house, &mut tx, &stored).await?;
    let holds = holds::of_request(&mut tx, id).await?;
    // The grace period counts from the proof or the end of a pause, which carry our marks, whatever the request's row says.
    let grace = promise::checked(house, &mut tx, id).await?;
    let due = Beginning::due_at(&authority, &holds, grace, house.keys.gate())?;
    let due = stored.request.erase_at.map_or(due, |at| at.max(due));
    let delay = delay(house, &mut tx, due).await?;
    let notice = notice(&mut tx, &stored, authority.method(), grace).await?;
    // Who was told late has as long to stop it.
    let due = match notice {
        Notice::Told(Some(at)) => due.max(at.plus(grace)),
        _ => due,
    };
    drop(tx);
    if due > house.clock.now() {
        return wait(house, lease, due).await;
    }
    if is_put_off(house, lease, delay, notice).await? {
        return Ok(());
    }

    let begun = match Beginning::of(&authority, &holds, grace, house.clock.now(), house.keys.gate()) {
        Ok(beginning) => match ended(house, &stored, &subject, authority.method()).await? {
            Some(unfounded) => Err(unfounded),
            None if notice == Notice::Lost => Err(Unfounded::Stopped(ReviewReason::NotTold)),
            None => match changed(house, &stored, &subject, &contact, authority.method()).await? {
                None => Ok(beginning),
                Some(reason) => Err(Unfounded::Stopped(reason)),
            },
        },
        Err(NotBegun::Expired) => Err(Unfounded::Stopped(ReviewReason::AuthorityExpired)),
        Err(NotBegun::TooEarly { until }) => return wait(house, lease, until).await,
        Err(NotBegun::Held(forged)) => return Err(forged.into()),
    };
    breakpoint!("begin.checked");
    let mut tx = house.db.write().await?;
    let fresh = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of a beginning job"))?;
    if fresh.request.moves != stored.request.moves {
        // Perhaps it was paused and let go on meanwhile, and its grace period runs anew.
        return Err(FlowError::Moved);
    }
    if fresh.request.state == State::Scheduled {
        let bindings = fresh.bindings.clone();
        match begun {
            Err(Unfounded::Resumed(why)) => termination::resumed(house, &mut tx, &fresh, why).await?,
            Err(Unfounded::Stopped(reason)) => {
                let event = Event::Stopped { reason };
                drop(advance(house, &mut tx, &fresh, &event, bindings, Actor::PROGRAM).await?);
            }
            Ok(beginning) => {
                authorities::begin(&mut tx, beginning.record()).await?;
                advance(house, &mut tx, &fresh, &Event::Begun, bindings, Actor::PROGRAM).await?;
            }
        }
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("begin.committed");
    Ok(())
}

/// Whether its time has come and it waits all the same: for the mailbox, for the letter that offers the stop, or until the clocks
/// agree.
async fn is_put_off(house: &House, lease: &Lease, delay: Option<Timestamp>, notice: Notice) -> Result<bool, FlowError> {
    if let Some(by) = delay {
        wait_for_mailbox(house, lease, by).await?;
    } else if notice == Notice::OnItsWay {
        wait_for_notice(house, lease).await?;
    } else if let Some(apart) = clocks::differ(house).await? {
        clocks::wait(house, lease, &apart).await?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// By when all letters must have been read that it waits for; `None` where all that may hold a stop was read.
async fn delay(house: &House, tx: &mut Tx, due: Timestamp) -> Result<Option<Timestamp>, FlowError> {
    if !heard::all_by(house, tx, due).await? {
        return Ok(Some(due));
    }
    // What came after that and lies here already is a stop as good.
    Ok((!heard::all_stored(tx).await?).then(|| house.clock.now()))
}

/// Whether they know of it who can stop it. Without a grace period there is nothing to stop; and where operators vouched for an
/// asker who cannot be written to, they answer for them, and for nobody else.
async fn notice(tx: &mut Tx, stored: &Stored, method: Method, grace: Duration) -> Result<Notice, FlowError> {
    if grace.is_zero() {
        return Ok(Notice::Told(None));
    }
    let vouched = method == Method::Operators || evidence::load(tx, stored.request.id).await?.is_some();
    let kinds: &[LetterKind] = match method {
        Method::ServiceEnded => &[LetterKind::ServiceEnded],
        _ if vouched => &[LetterKind::SecondNotice],
        _ => &[LetterKind::Scheduled, LetterKind::SecondNotice],
    };
    undelivered::notice(tx, &stored.request, kinds).await
}

/// A stop may lie in the mailbox, or in the ledger and be judged next.
async fn wait_for_mailbox(house: &House, lease: &Lease, due: Timestamp) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    heard::wait(house, &mut tx, lease, due).await?;
    Ok(tx.commit().await?)
}

/// Who was not told yet that it is erased, and how to stop it, has had no grace period.
async fn wait_for_notice(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::note_reason(&mut tx, lease.held(), "notice_not_sent").await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(AWAY_WAIT)).await?;
    Ok(tx.commit().await?)
}

async fn wait(house: &House, lease: &Lease, until: Timestamp) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::snooze_in(&mut tx, lease, until).await?;
    tx.commit().await?;
    Ok(())
}

/// The authority under which a request has begun to be erased: both carry the mark of this installation.
pub(super) async fn begun(house: &House, tx: &mut Tx, stored: &Stored) -> Result<Authority, FlowError> {
    let authority = authority(house, tx, stored).await?;
    let record = authorities::beginning(tx, authority.id())
        .await?
        .ok_or(FlowError::Missing("the beginning of a request that is being erased"))?;
    Beginning::from_record(record, &authority, house.keys.gate())?;
    Ok(authority)
}

/// The authority of a request, checked for the mark of this installation. One that has ended permits nothing.
async fn authority(house: &House, tx: &mut Tx, stored: &Stored) -> Result<Authority, FlowError> {
    let warrant = stored.request.warrant.ok_or(FlowError::Missing("what permits the erasing"))?;
    let record =
        authorities::load(tx, warrant.authority).await?.ok_or(FlowError::Missing("the authority of the request"))?;
    bound(house, stored, &record)
}

/// What permitted a request that has completed, with its beginning: a continuation rests on both, and on nothing that
/// plain SQL could have written.
pub(super) async fn completed(house: &House, tx: &mut Tx, stored: &Stored) -> Result<Authority, FlowError> {
    let warrant = stored.request.warrant.ok_or(FlowError::Missing("what permitted the erasing"))?;
    let record = authorities::load_ended(tx, warrant.authority)
        .await?
        .ok_or(FlowError::Missing("the authority of the request"))?;
    let authority = bound(house, stored, &record)?;
    let beginning = authorities::beginning(tx, authority.id())
        .await?
        .ok_or(FlowError::Missing("the beginning of a request that was erased"))?;
    Beginning::from_record(beginning, &authority, house.keys.gate())?;
    Ok(authority)
}

/// The authority of a record, if it carries our mark and is for what the request is bound to.
fn bound(house: &House, stored: &Stored, record: &AuthorityRecord) -> Result<Authority, FlowError> {
    let authority = Authority::from_record(record, house.keys.gate())?;
    let bound = authority.request() == stored.request.id
        && stored.bindings.account_mac == Some(*authority.account_mac())
        && stored.bindings.plan_digest == Some(*authority.plan_digest());
    if bound { Ok(authority) } else { Err(FlowError::Broken("the authority is for another request, account or plan")) }
}

/// The offer that was confirmed.
pub(super) fn confirmed<'a>(stored: &Stored, subject: &'a Subject) -> Result<&'a Offered, FlowError> {
    let scope = stored.request.ask.as_ref().and_then(|ask| ask.scope);
    scope.and_then(|scope| subject.offer(scope)).ok_or(FlowError::Missing("the confirmed offer"))
}

/// Why something is not erased after all, before its first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfounded {
    /// What an ended service opened, and the directory says no more.
    Resumed(Resumed),
    /// A person must look.
    Stopped(ReviewReason),
}

/// What becomes of an account that is erased because its service has ended, where the directory says so no more; asked of whatever an
/// ended service permits, however its row calls it.
pub(super) async fn ended(
    house: &House,
    stored: &Stored,
    subject: &Subject,
    method: Method,
) -> Result<Option<Unfounded>, FlowError> {
    if method != Method::ServiceEnded {
        return Ok(None);
    }
    let mut tx = house.db.read().await?;
    let record = terminations::load(&mut tx, stored.request.id).await?;
    drop(tx);
    let record = record.ok_or(FlowError::Missing("the end of service that opened the request"))?;
    let account = subject.account.as_deref().ok_or(FlowError::Missing("the account whose service has ended"))?;
    Ok(match termination::standing(house, account, &record).await? {
        Standing::Ended => None,
        Standing::Gone(why) => Some(Unfounded::Resumed(why)),
        Standing::Unclear => Some(Unfounded::Stopped(ReviewReason::FactsChanged)),
    })
}

/// What is no longer as it was when it was proven: the asker, whom they named, who approved it, or the plan.
async fn changed(
    house: &House,
    stored: &Stored,
    subject: &Subject,
    contact: &Contact,
    method: Method,
) -> Result<Option<ReviewReason>, FlowError> {
    let offer = confirmed(stored, subject)?;
    if let Some(reason) = standing::asker(house, subject, contact).await? {
        return Ok(Some(reason));
    }
    if let Some(reason) = standing::named(house, subject, offer).await? {
        return Ok(Some(reason));
    }
    if method == Method::OwnerApproval
        && let Some(reason) = standing::approver(house, subject, contact).await?
    {
        return Ok(Some(reason));
    }
    let same_plan = Some(plan(&house.map, &offer.target)?.digest) == stored.bindings.plan_digest;
    Ok((!same_plan).then_some(ReviewReason::PlanDrifted))
}
