//! After an erasure was completed: the stores are searched once more for all that it had saved, and what came back goes
//! again, under a continuation of the same authority and plan.
//!
//! What a late writer brought is certainly what was asked to go, and goes by itself. Rows under saved keys may be
//! somebody else's by now (a store may give a key again), and a person may have signed up anew: unless a store is known to
//! have gone back in time, the request is open again and waits for a person of the team. The person who asked is not
//! written to: their address went with the confirmation.
//!
//! Where the saved keys are gone there is nothing to search with: a completed request stays as it is, and one that waits goes to a
//! person, who ends it (`leave`) or looks by hand first.
//!
//! A request that waits for others is searched for in the same way, before its last letter says what is so. What came back
//! by then is erased, or looked at by a person, and the request waits on.

use std::collections::BTreeSet;

use serde_json::json;

use crate::breakpoint;
use crate::db::jobs::JobState;
use crate::db::requests::{self, Stored};
use crate::db::{Tx, authorities, holds, jobs};
use crate::domain::request::{Event, LookReason, Origin, Request, Warrant};
use crate::domain::{JobId, Reference, RequestId, State, Timestamp, stored_enum};
use crate::erase::{Decision, Recognised, Returned, search};
use crate::queue::{Lease, NewJob};
use crate::trail::{Actor, Event as Recorded, Fact, Facts, PrivateFacts};
use crate::vault::KeyPurpose;
use crate::verify::{Beginning, CompletedPlan, Covers};

use super::advance::{advance, enqueue};
use super::erase::{CaseTerms, Finished};
use super::error::FlowError;
use super::facts::{CameBack, Failure};
use super::house::House;
use super::operate::{self, Operator};
use super::{begin, completion, erase, kinds, note, recipients, retention, safe, suppress};

stored_enum! {
    /// Why the stores are searched again.
    Sweep, "sweep" {
        /// So long after every erasure.
        Second = "second_sweep",
        /// All others who were asked have answered, which may have taken weeks: before the person is told.
        Last = "last_look",
        /// A store has gone back in time; what came back waits for an operator.
        Look = "look",
        /// A store has gone back in time; what came back goes again.
        Replay = "replay",
    }
}

#[derive(serde::Deserialize)]
struct Payload {
    sweep: Sweep,
}

/// The job that searches the stores again, so long after the erasing.
pub(super) async fn plan_sweep(house: &House, tx: &mut Tx, request: RequestId) -> Result<(), FlowError> {
    let wait = house.config.schedule.second_sweep;
    if wait.is_zero() {
        return Ok(());
    }
    let now = house.clock.now();
    enqueue(house, tx, sweep_job(request, Sweep::Second, now.plus(wait)), now).await
}

/// The job that searches the stores again.
pub(super) fn sweep_job(request: RequestId, sweep: Sweep, at: Timestamp) -> NewJob {
    let mut job = NewJob::new(kinds::SWEEP, json!({ "sweep": sweep }), at);
    job.request = Some(request);
    job.unique_key = Some(format!("sweep:{request}:{sweep}"));
    job
}

/// Searches the stores, and opens the request again where something came back.
pub(super) async fn sweep(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let Payload { sweep } = super::payload(lease)?;
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let Some(stored) = requests::load(&mut tx, id).await? else {
        drop(tx);
        return super::complete(house, lease).await;
    };
    if !is_wanted(sweep, stored.request.state) {
        drop(tx);
        return over(house, lease, id, sweep).await;
    }
    // Keys that had their time are gone, and with them all that could be searched for.
    if !safe::has_key(house, &mut tx, stored.request.case, KeyPurpose::Replay).await? {
        drop(tx);
        return match sweep {
            Sweep::Last => unsearchable(house, lease, id).await,
            _ => super::complete(house, lease).await,
        };
    }
    let authority = begin::completed(house, &mut tx, &stored).await?;
    let terms = CaseTerms::of(house, &mut tx, &stored, authority.plan_digest()).await?;
    drop(tx);

    let ledger = erase::ledger(house, lease, &stored, &authority, 0);
    let returned = search(&ledger.bound.plan_digest, &erase::run(house, &ledger, &terms)).await?;
    breakpoint!("sweep.searched");
    let mut tx = house.db.write().await?;
    recipients::take_turn(house, &mut tx, id).await?;
    let fresh = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of a sweep"))?;
    if fresh.request.moves != stored.request.moves {
        return Err(FlowError::Moved);
    }
    // Somebody took their word back meanwhile; with their next one it is searched anew.
    if sweep == Sweep::Last && !recipients::all_settled(house, &mut tx, id).await? {
        jobs::complete_in(&mut tx, lease).await?;
        return Ok(tx.commit().await?);
    }
    searched(house, &mut tx, &fresh, sweep, returned).await?;
    // Who had named categories erased is still there, and what they wrote since is theirs to have.
    let theirs_to_have = matches!(sweep, Sweep::Second | Sweep::Last) && !returned.whole;
    if !returned.is_nothing() && !theirs_to_have {
        reopen(house, &mut tx, fresh, sweep, returned).await?;
    } else if sweep == Sweep::Last {
        recipients::done(house, &mut tx, &fresh).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("sweep.committed");
    Ok(())
}

/// Nobody is waited for any more, and the last look cannot be made: its keys were destroyed while it waited, by hand or by a term
/// that was too short. Every step was read back when it was erased; whether that is enough, a person of the team says.
async fn unsearchable(house: &House, lease: &Lease, id: RequestId) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    recipients::take_turn(house, &mut tx, id).await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of a sweep"))?;
    if is_wanted(Sweep::Last, stored.request.state) && recipients::all_settled(house, &mut tx, id).await? {
        // A person is asked to end only what this program erased.
        completion::check(house, &mut tx, &stored).await?;
        let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
        closing.failure = Some(Failure {
            reason: LookReason::Unsearchable.to_string(),
            store: None,
            table: None,
            column: None,
            text: UNSEARCHABLE.to_owned(),
            waits: false,
            holds: BTreeSet::new(),
        });
        safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
        advance(house, &mut tx, &stored, &Event::Unsearchable, stored.bindings.clone(), Actor::PROGRAM).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    Ok(tx.commit().await?)
}

const UNSEARCHABLE: &str =
    "the replay key of the case was destroyed while it waited for others; all was read back when it was erased";

/// Whether a request in this state is searched for.
fn is_wanted(sweep: Sweep, state: State) -> bool {
    match state {
        State::WaitingOnRecipients => true,
        State::Completed => sweep != Sweep::Last,
        State::Reopened => sweep == Sweep::Replay,
        _ => false,
    }
}

/// Ends a job that has nothing to search for, unless its request is where it does by now.
async fn over(house: &House, lease: &Lease, id: RequestId, sweep: Sweep) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    recipients::take_turn(house, &mut tx, id).await?;
    if requests::load(&mut tx, id).await?.is_some_and(|stored| is_wanted(sweep, stored.request.state)) {
        return Err(FlowError::Moved);
    }
    jobs::complete_in(&mut tx, lease).await?;
    Ok(tx.commit().await?)
}

/// Records what a search found.
async fn searched(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    sweep: Sweep,
    returned: Returned,
) -> Result<(), FlowError> {
    let facts = Facts::new()
        .with("sweep", Fact::Word(sweep.to_string()))?
        .with("late", Fact::Count(returned.late))?
        .with("back", Fact::Count(returned.back))?
        .with("others", Fact::Count(returned.others))?
        .with("recognised", Fact::Count(returned.recognised))?;
    note::append(house, tx, stored.request.case, Recorded::Noted, Actor::PROGRAM, facts).await
}

/// Opens a request again; the team is told by the letter of that move. What is certain goes on at once.
async fn reopen(house: &House, tx: &mut Tx, stored: Stored, sweep: Sweep, returned: Returned) -> Result<(), FlowError> {
    let goes_on = match sweep {
        Sweep::Second => returned.is_late_only(),
        Sweep::Last if house.config.schedule.replay_by_itself => returned.is_theirs(),
        Sweep::Last => returned.is_late_only(),
        Sweep::Look => false,
        Sweep::Replay => returned.is_theirs(),
    };
    let mut closing = safe::closing(house, tx, &stored.request).await?;
    let decisions = closing.came_back.unwrap_or_default().decisions;
    closing.came_back = Some(CameBack { recognised: returned.recognised, decided: Recognised::Residue, decisions });
    closing.failure = Some(Failure {
        // The word of the alarm about a request that is open again.
        reason: State::Reopened.to_string(),
        store: None,
        table: None,
        column: None,
        text: told(returned, goes_on),
        waits: goes_on,
        holds: BTreeSet::new(),
    });
    safe::put_closing(house, tx, &stored.request, &closing).await?;
    let reopened = match stored.request.state {
        State::Completed | State::WaitingOnRecipients => {
            advance(house, tx, &stored, &Event::CameBack, stored.bindings.clone(), Actor::PROGRAM).await?
        }
        _ => stored,
    };
    if goes_on {
        go_on(house, tx, &reopened, Actor::PROGRAM).await?;
    }
    Ok(())
}

/// What the team is told of rows that came back. Counts only.
fn told(returned: Returned, goes_on: bool) -> String {
    let Returned { late, back, recognised, .. } = returned;
    let counts = [
        (late, "written after the erasing"),
        (back, "under erased keys"),
        (recognised, "of the same person under another key"),
    ];
    let counts: Vec<String> =
        counts.iter().filter(|(rows, _)| *rows > 0).map(|(rows, what)| format!("{rows} {what}")).collect();
    let next = if goes_on { "they are erased again" } else { "nothing was changed" };
    format!("{}; {next}", counts.join(", "))
}

/// Goes on with a completed plan, under a continuation of what permitted it.
async fn go_on(house: &House, tx: &mut Tx, reopened: &Stored, actor: Actor) -> Result<Stored, FlowError> {
    let (now, gate, id) = (house.clock.now(), house.keys.gate(), reopened.request.id);
    let first = begin::completed(house, tx, reopened).await?;
    let done = CompletedPlan {
        request: id,
        account_mac: *first.account_mac(),
        plan_digest: *first.plan_digest(),
        completed_at: reopened.updated_at,
    };
    let lives = house.terms().authority_lives;
    let next = first.continued(&done, lives, now, &*house.chance).map_err(|_| FlowError::Broken(NO_CONTINUATION))?;
    let holds = holds::of_request(tx, id).await?;
    let beginning = Beginning::of(&next, &holds, std::time::Duration::ZERO, now, gate)
        .map_err(|_| FlowError::Broken(NO_CONTINUATION))?;
    note::issued(house, tx, reopened.request.case, &next, actor).await?;
    authorities::begin(tx, beginning.record()).await?;
    let event = Event::Continued { warrant: Warrant { authority: next.id(), expires_at: next.expires_at() } };
    advance(house, tx, reopened, &event, reopened.bindings.clone(), actor).await
}

const NO_CONTINUATION: &str = "what was completed does not permit to go on";

/// What a person of the team said of rows under other keys; they are residue where nobody said anything.
pub(super) async fn decided(house: &House, tx: &mut Tx, stored: &Stored) -> Result<Decision, FlowError> {
    Ok(safe::closing(house, tx, &stored.request).await?.came_back.unwrap_or_default().decision())
}

/// Completed once more, or not: residue is an open failure here too.
pub(super) async fn finish(
    house: &House,
    lease: &Lease,
    id: RequestId,
    finished: &Finished<'_>,
) -> Result<(), FlowError> {
    let outcome = &finished.outcome;
    breakpoint!("again.read_back");
    if !outcome.is_clean() {
        return Err(FlowError::Residue(outcome.totals().residue));
    }
    let mut tx = house.db.write().await?;
    recipients::take_turn(house, &mut tx, id).await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
    closing.failure = None;
    // What it is of kept rows was told by nobody yet: it is shown to the team.
    if stored.request.origin == Origin::Retention && closing.searched.is_empty() {
        erase::close(&mut closing, outcome);
    }
    safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    let covers = if stored.request.waits { Covers::Stores } else { Covers::All };
    completion::write(house, &mut tx, &stored, covers, stored.request.erased).await?;
    retention::remember(house, &mut tx, &stored, &finished.ledger, finished.kept.as_ref()).await?;
    let event = Event::ErasedAgain;
    let moved = advance(house, &mut tx, &stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
    suppress::add(house, &mut tx, &finished.ledger, &finished.suppressed).await?;
    if moved.request.waits {
        go_on_waiting(house, &mut tx, moved).await?;
    } else {
        // Who writes late once may write again.
        plan_sweep(house, &mut tx, id).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("again.committed");
    Ok(())
}

/// Waits on for others, or ends where nobody is waited for: every step was read back just now, or a person has looked.
async fn go_on_waiting(house: &House, tx: &mut Tx, stored: Stored) -> Result<Stored, FlowError> {
    match recipients::all_settled(house, tx, stored.request.id).await? {
        true => recipients::done(house, tx, &stored).await,
        false => Ok(stored),
    }
}

/// Erases what came back to a request that is open again; `recognised` says what becomes of rows that hold an identity of the
/// person under another key. Where the erasing itself stopped at such rows, it goes on with that.
///
/// # Errors
/// [`FlowError::Illegal`] where it is not open again and no erasing of it has stopped; [`FlowError::Missing`] where there are such
/// rows and nothing is said of them.
pub async fn erase_again(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    recognised: Option<Recognised>,
) -> Result<Stored, FlowError> {
    let mut tx = house.db.write().await?;
    let stored = operate::find(&mut tx, reference).await?;
    if !safe::has_key(house, &mut tx, stored.request.case, KeyPurpose::Replay).await? {
        return Err(FlowError::KeyDestroyed(KeyPurpose::Replay));
    }
    let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
    let found = closing.came_back.unwrap_or_default();
    let stopped = stopped_erasing(&mut tx, &stored.request).await?;
    let decided = match recognised {
        None if found.recognised > 0 || stopped.is_some() => {
            return Err(FlowError::Missing(
                "whether rows of the same person under another key stay or go (--recognised)",
            ));
        }
        recognised => recognised.unwrap_or_default(),
    };
    // Rows of which it was said that they stay are not asked about again; what comes after is.
    closing.came_back = Some(CameBack { decided, decisions: found.decisions.saturating_add(1), ..found });
    safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    let moved = match stopped {
        Some(job) => try_again(house, &mut tx, stored, job, (decided, operator)).await?,
        None => {
            if recognised.is_some() {
                let facts = Facts::new().with("recognised", Fact::Word(decided.to_string()))?;
                note::append(house, &mut tx, stored.request.case, Recorded::Noted, operator.actor(), facts).await?;
            }
            go_on(house, &mut tx, &stored, operator.actor()).await?
        }
    };
    tx.commit().await?;
    Ok(moved)
}

/// The job of an erasing that failed for good.
async fn stopped_erasing(tx: &mut Tx, request: &Request) -> Result<Option<JobId>, FlowError> {
    if request.state != State::Erasing {
        return Ok(None);
    }
    let dead = jobs::list(tx, &[JobState::Dead], Some(request.id), DEAD_MAX).await?;
    Ok(dead.into_iter().find(|job| job.kind == kinds::ERASE).map(|job| job.id))
}

/// Whether the erasing of a request has failed for good, so that a person of the team says how it goes on.
///
/// # Errors
/// When our own database does not answer.
pub async fn has_stopped(tx: &mut Tx, request: &Request) -> Result<bool, FlowError> {
    Ok(stopped_erasing(tx, request).await?.is_some())
}

/// More jobs of one request than can have died.
const DEAD_MAX: u32 = 100;

/// Has an erasing go on that failed for good, with what was decided of rows under another key.
async fn try_again(
    house: &House,
    tx: &mut Tx,
    stored: Stored,
    job: JobId,
    (decided, operator): (Recognised, &Operator),
) -> Result<Stored, FlowError> {
    jobs::retry(tx, job, house.clock.now()).await?;
    let facts = Facts::new().with("job", Fact::Word(kinds::ERASE.to_owned()))?;
    let facts = facts.with("recognised", Fact::Word(decided.to_string()))?;
    note::append(house, tx, stored.request.case, Recorded::JobRetried, operator.actor(), facts).await?;
    Ok(stored)
}

/// Leaves what came back where it is, with the reason: it is somebody else's, or the person came anew. Ends as well what can be
/// searched no more before its end: what was read back when it was erased is then all that is known.
///
/// # Errors
/// [`FlowError::Illegal`] where it is not open again; [`FlowError::ForgedCompletion`] where only rows say that it was erased;
/// blank words.
pub async fn leave_alone(
    house: &House,
    reference: &Reference,
    operator: &Operator,
    reason: &str,
) -> Result<Stored, FlowError> {
    let reason = operate::words(reason, "a reason")?;
    let mut tx = house.db.write().await?;
    let stored = operate::find(&mut tx, reference).await?;
    let (event, actor) = (Event::LeftAlone, operator.actor());
    recipients::take_turn(house, &mut tx, stored.request.id).await?;
    completion::check(house, &mut tx, &stored).await?;
    let moved = advance(house, &mut tx, &stored, &event, stored.bindings.clone(), actor).await?;
    let moved = if moved.request.waits { go_on_waiting(house, &mut tx, moved).await? } else { moved };
    let private = PrivateFacts::new().with("reason", reason.to_owned());
    let facts = Facts::new();
    note::append_private(house, &mut tx, stored.request.case, Recorded::Noted, actor, facts, private).await?;
    tx.commit().await?;
    Ok(moved)
}
