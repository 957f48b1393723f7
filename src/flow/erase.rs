//! Erases under an authority that is checked once more, and says "completed" only after every step was read back.

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::breakpoint;
use crate::db::erasures::Bound;
use crate::db::requests::{self, Stored};
use crate::db::{Tx, jobs};
use crate::domain::request::{Event, ReviewReason};
use crate::domain::{RequestId, State};
use crate::erase::{EraseError, Kept, Line, Outcome, Plan, Run, execute, plan};
use crate::queue::Lease;
use crate::reply::letters::OutcomeLine;
use crate::trail::Actor;
use crate::verify::Authority;

use super::advance::{advance, enqueue};
use super::error::FlowError;
use super::facts::{Closing, Offered};
use super::house::House;
use super::ledger::CaseLedger;
use super::{begin, forget, safe};

/// Erases, or goes on where a killed run stopped.
pub(super) async fn erase(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    if stored.request.state != State::Erasing {
        drop(tx);
        return super::complete(house, lease).await;
    }
    let subject = safe::subject(house, &mut tx, &stored.request).await?;
    let authority = begin::begun(house, &mut tx, &stored).await?;
    let secret = tombstone_secret(house, &mut tx, &stored).await?;
    drop(tx);

    let offer = begin::confirmed(&stored, &subject)?;
    match carry_out(house, &stored, offer, authority, &secret).await {
        Ok(outcome) => finish(house, lease, id, &outcome).await,
        // Nothing was written: a person looks at what changed since it was proven.
        Err(FlowError::Erase(EraseError::Drift(_) | EraseError::TooManyRows { .. } | EraseError::MapChanged)) => {
            stop(house, lease, id, ReviewReason::PlanDrifted).await
        }
        Err(error) => Err(error),
    }
}

async fn carry_out(
    house: &House,
    stored: &Stored,
    offer: &Offered,
    authority: Authority,
    secret: &[u8; 32],
) -> Result<Outcome, FlowError> {
    let bound = Bound {
        request: stored.request.id,
        authority: authority.id(),
        account_mac: *authority.account_mac(),
        plan_digest: *authority.plan_digest(),
    };
    let preview = offer.approved(plan(&house.map, &offer.target)?);
    let plan = Plan::new(preview, authority)?;
    let ledger = CaseLedger { house, case: stored.request.case, bound, steps: &plan.skeleton().steps };
    let run = Run {
        map: &house.map,
        stores: &house.stores,
        ledger: &ledger,
        tombstone_secret: secret,
        now: house.clock.now(),
        limits: house.erase_limits,
        drift: house.drift_limits(),
        kill: &CancellationToken::new(),
        progress: &|_| {},
    };
    Ok(execute(&plan, &run).await?)
}

/// What tombstones of this case are derived from; gone with the replay key.
async fn tombstone_secret(house: &House, tx: &mut Tx, stored: &Stored) -> Result<[u8; 32], FlowError> {
    let key = safe::replay_key(house, tx, stored.request.case).await?;
    let mac = key.commit("expunged/1/tombstone", &[stored.request.case.as_bytes()]);
    Ok(Sha256::digest(mac).into())
}

/// Completed, or not: residue is an open failure and never a warning (invariant 3).
async fn finish(house: &House, lease: &Lease, id: RequestId, outcome: &Outcome) -> Result<(), FlowError> {
    breakpoint!("erase.read_back");
    if !outcome.is_clean() {
        return Err(FlowError::Residue(outcome.totals().residue));
    }
    let mut tx = house.db.write().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
    close(house, &mut closing, outcome);
    safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    let event = Event::Erased { held_anything: !outcome.is_empty(), waiting: false };
    advance(house, &mut tx, &stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
    enqueue(house, &mut tx, forget::replay_job(house, id), house.clock.now()).await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("erase.committed");
    Ok(())
}

async fn stop(house: &House, lease: &Lease, id: RequestId, reason: ReviewReason) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    let bindings = stored.bindings.clone();
    advance(house, &mut tx, &stored, &Event::Stopped { reason }, bindings, Actor::PROGRAM).await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down what the last letter will tell.
fn close(house: &House, closing: &mut Closing, outcome: &Outcome) {
    let lines = outcome.by_category();
    closing.detached = lines.iter().map(|line| line.detached).sum();
    closing.outcome =
        lines.iter().filter(|line| line.category != crate::erase::map::NO_CATEGORY).flat_map(told).collect();
    closing.searched = house.map.stores().keys().map(ToString::to_string).collect();
}

/// The lines of the letter for one category: one per ground, the first with what was erased.
fn told(line: &Line) -> Vec<OutcomeLine> {
    let first = OutcomeLine {
        category: line.category.clone(),
        erased: line.erased,
        anonymised: line.masked,
        kept: 0,
        ground: None,
        until: None,
        not_found: line.erased + line.masked == 0 && line.kept.is_empty(),
    };
    let mut lines = Vec::new();
    for (place, Kept { rows, ground, until }) in line.kept.iter().enumerate() {
        let (erased, anonymised) = if place == 0 { (first.erased, first.anonymised) } else { (0, 0) };
        let ground = Some(ground.clone());
        lines.push(OutcomeLine { erased, anonymised, kept: *rows, ground, until: *until, ..first.clone() });
    }
    if lines.is_empty() { vec![first] } else { lines }
}

/// Tells a request that a job of it failed for good: the team is told, and nothing is called done.
pub(super) async fn step_failed(house: &House, tx: &mut Tx, id: RequestId) -> Result<(), FlowError> {
    let Some(stored) = requests::load(tx, id).await? else { return Ok(()) };
    let bindings = stored.bindings.clone();
    let event = match stored.request.state {
        State::Erasing | State::WaitingOnRecipients => Event::StepFailed,
        State::Received | State::AwaitingConfirmation | State::AwaitingApproval => {
            Event::Unclear { reason: ReviewReason::Poison, reachable: false, quiet: false }
        }
        State::Scheduled => Event::Stopped { reason: ReviewReason::Poison },
        _ => return Ok(()),
    };
    advance(house, tx, &stored, &event, bindings, Actor::PROGRAM).await?;
    Ok(())
}
