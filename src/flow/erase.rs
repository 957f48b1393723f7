//! Erases under an authority that is checked once more, and says "completed" only after every step was read back.

use sha2::{Digest, Sha256};

use crate::breakpoint;
use crate::config::Directory;
use crate::db::erasures::Bound;
use crate::db::requests::{self, Stored};
use crate::db::{Tx, authorities, erasures, jobs};
use crate::domain::request::{Audience, Event, ReviewReason};
use crate::domain::{LetterKind, RequestId, Scope, State};
use crate::erase::map::NO_CATEGORY;
use crate::erase::{
    Decision, EraseError, EraseLimits, Kept, Ledger as _, Line, Outcome, Plan, Preview, Run, execute_again,
    execute_decided, plan,
};
use crate::queue::Lease;
use crate::reply::letters::{OTHER_RECORDS, OutcomeLine};
use crate::trail::Actor;
use crate::verify::{Authority, Covers, DirectoryError, Method};

use super::advance::{advance, write_letter};
use super::begin::Unfounded;
use super::error::FlowError;
use super::facts::{Asked, Closing, Failure, KeptRows, Offered};
use super::house::House;
use super::ledger::CaseLedger;
use super::{again, begin, completion, kinds, operate, recipients, retention, safe, suppress, termination};

/// Erases, or goes on where a killed run stopped.
pub(super) async fn erase(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let id = super::request_of(lease)?;
    let mut tx = house.db.read().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    if stored.request.state != State::Erasing {
        // Its end and the end of this job are one transaction: where only the rows say "completed", a person looks.
        completion::check(house, &mut tx, &stored).await?;
        drop(tx);
        return super::complete(house, lease).await;
    }
    let subject = safe::subject(house, &mut tx, &stored.request).await?;
    let authority = begin::begun(house, &mut tx, &stored).await?;
    let terms = CaseTerms::of(house, &mut tx, &stored, authority.plan_digest()).await?;
    let pass = authorities::continuations(&mut tx, id).await?;
    let continued = authority.method() == Method::CompletedPlan;
    let decided = again::decided(house, &mut tx, &stored).await?;
    let is_noted = erasures::has_begun(&mut tx, id).await?;
    let has_acted = erasures::has_acted(&mut tx, id).await?;
    drop(tx);

    // Nobody was asked where the time of kept rows is over: the keys are saved, and the plan with them.
    let by_itself = authority.method() == Method::KeepingEnded;
    let offer = if by_itself { None } else { Some(begin::confirmed(&stored, &subject)?) };
    let ledger = ledger(house, lease, &stored, &authority, pass);
    // A legal hold or a store that was away may have kept it from its first write for long.
    if !has_acted && let Some(unfounded) = begin::ended(house, &stored, &subject, authority.method()).await? {
        // With rows found under this authority there is no way back to a person, and with a chunk begun nobody knows what it changed.
        let resumed = matches!(unfounded, Unfounded::Resumed(_));
        if is_noted || !resumed && ledger.discovery().await.map_err(EraseError::from)?.is_some() {
            return Err(FlowError::EndUnclear);
        }
        return stop_unfounded(house, lease, id, unfounded).await;
    }
    match carry_out(house, &ledger, offer, authority, &terms, decided).await {
        Ok(outcome) => {
            let suppressed = suppress::of(house, &ledger).await?;
            let asked = match continued || by_itself {
                true => Asked::default(),
                false => recipients::orders(house, &ledger, &stored.request).await?,
            };
            let finished = Finished { outcome, suppressed, asked, kept: retention::found(&ledger).await?, ledger };
            if continued || by_itself {
                again::finish(house, lease, id, &finished).await
            } else {
                finish(house, lease, id, &finished).await
            }
        }
        // Only before anything was found can nothing have been written: then a person looks at what changed.
        Err(error) => match error.cause() {
            Some(reason) if ledger.discovery().await.map_err(EraseError::from)?.is_none() => {
                stop(house, lease, id, reason, &error).await
            }
            _ => Err(error),
        },
    }
}

/// The memory of a pass over the plan that an authority permits.
pub(super) const fn ledger<'a>(
    house: &'a House,
    lease: &Lease,
    stored: &Stored,
    authority: &Authority,
    pass: u32,
) -> CaseLedger<'a> {
    let bound = Bound {
        request: stored.request.id,
        authority: authority.id(),
        account_mac: *authority.account_mac(),
        plan_digest: *authority.plan_digest(),
    };
    CaseLedger { house, held: lease.held(), case: stored.request.case, bound, pass }
}

async fn carry_out(
    house: &House,
    ledger: &CaseLedger<'_>,
    offer: Option<&Offered>,
    authority: Authority,
    terms: &CaseTerms,
    decided: Decision,
) -> Result<Outcome, FlowError> {
    let continued = authority.method() == Method::CompletedPlan;
    // What was begun ends under the plan that it was begun under, whatever became of the map.
    let begun = ledger.discovery().await.map_err(EraseError::from)?.map(|discovery| discovery.skeleton);
    let preview = match (begun, offer) {
        (Some(skeleton), Some(offer)) => offer.approved(skeleton),
        (Some(skeleton), None) => Preview { skeleton, rows: Vec::new() },
        (None, Some(offer)) => offer.approved(plan(&house.map, &offer.target).map_err(EraseError::from)?),
        (None, None) => return Err(FlowError::Missing("the saved keys of rows that were kept")),
    };
    let plan = Plan::new(preview, authority).map_err(EraseError::from)?;
    let run = run(house, ledger, terms);
    Ok(match continued {
        true => execute_again(&plan, &run, decided).await?,
        false => execute_decided(&plan, &run, decided).await?,
    })
}

/// What an erasing has of its case.
pub(super) struct CaseTerms {
    /// See [`tombstone_secret`].
    secret: [u8; 32],
    /// How many rows it may have.
    limits: EraseLimits,
}

impl CaseTerms {
    /// What the erasing of a request goes by, under the plan with this digest.
    pub(super) async fn of(house: &House, tx: &mut Tx, stored: &Stored, digest: &[u8; 32]) -> Result<Self, FlowError> {
        let subject = operate::unless_forgotten(safe::subject(house, tx, &stored.request).await)?;
        let limits = subject.limits(digest, house.erase_limits, house.drift_limits());
        Ok(Self { secret: tombstone_secret(house, tx, stored).await?, limits })
    }
}

/// What the engine works with.
pub(super) fn run<'a>(house: &'a House, ledger: &'a CaseLedger<'_>, terms: &'a CaseTerms) -> Run<'a> {
    Run {
        map: &house.map,
        stores: &house.stores,
        ledger,
        tombstone_secret: &terms.secret,
        now: house.clock.now(),
        limits: terms.limits,
        drift: house.drift_limits(),
    }
}

/// What tombstones of this case are derived from; gone with the replay key.
async fn tombstone_secret(house: &House, tx: &mut Tx, stored: &Stored) -> Result<[u8; 32], FlowError> {
    let key = safe::replay_key(house, tx, stored.request.case).await?;
    let mac = key.commit("expunged/1/tombstone", &[stored.request.case.as_bytes()]);
    Ok(Sha256::digest(mac).into())
}

/// What an erasure came to.
pub(super) struct Finished<'a> {
    pub(super) outcome: Outcome,
    /// What goes on the suppression list.
    pub(super) suppressed: suppress::Identities,
    /// What others are asked, who hold data too. A continuation asks nobody again.
    asked: Asked,
    /// What stays on a ground.
    pub(super) kept: Option<retention::Found>,
    /// The memory of it.
    pub(super) ledger: CaseLedger<'a>,
}

/// Completed, or not: residue is an open failure and never a warning (invariant 3).
async fn finish(house: &House, lease: &Lease, id: RequestId, finished: &Finished<'_>) -> Result<(), FlowError> {
    let outcome = &finished.outcome;
    breakpoint!("erase.read_back");
    if !outcome.is_clean() {
        return Err(FlowError::Residue(outcome.totals().residue));
    }
    let mut tx = house.db.write().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    let mut closing = safe::closing(house, &mut tx, &stored.request).await?;
    close(&mut closing, outcome);
    closing.failure = None;
    safe::put_closing(house, &mut tx, &stored.request, &closing).await?;
    let waiting = !finished.asked.all().is_empty();
    let held_anything = waiting || !outcome.is_empty();
    let covers = if waiting { Covers::Stores } else { Covers::All };
    completion::write(house, &mut tx, &stored, covers, held_anything).await?;
    retention::remember(house, &mut tx, &stored, &finished.ledger, finished.kept.as_ref()).await?;
    if finished.kept.is_some() {
        retention::keep(house, &mut tx, &stored, &closing).await?;
    }
    let event = Event::Erased { held_anything, waiting };
    let moved = advance(house, &mut tx, &stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?;
    others_of_account(house, &mut tx, &stored).await?;
    suppress::add(house, &mut tx, &finished.ledger, &finished.suppressed).await?;
    if waiting {
        // The stores are searched again so long after the end, which comes with the last answer.
        recipients::begin(house, &mut tx, &moved, &finished.asked).await?;
    } else {
        again::plan_sweep(house, &mut tx, id).await?;
    }
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    breakpoint!("erase.committed");
    Ok(())
}

/// Whoever else waits for an answer in an account that is gone is asked nothing more, and a person looks: their address
/// went with it. What is scheduled is checked again by itself.
async fn others_of_account(house: &House, tx: &mut Tx, erased: &Stored) -> Result<(), FlowError> {
    let scope = erased.request.ask.as_ref().and_then(|ask| ask.scope);
    let (Some(Scope::Account), Some(account)) = (scope, erased.bindings.account_mac) else { return Ok(()) };
    for other in requests::open_of_account(tx, &account, erased.request.id).await? {
        let waits =
            matches!(other.request.state, State::Received | State::AwaitingConfirmation | State::AwaitingApproval);
        if waits {
            let event = Event::Unclear { reason: ReviewReason::FactsChanged, reachable: false, quiet: true };
            advance(house, tx, &other, &event, other.bindings.clone(), Actor::PROGRAM).await?;
        }
    }
    Ok(())
}

/// Nothing was written yet, and the account lives again, or nobody can tell.
async fn stop_unfounded(house: &House, lease: &Lease, id: RequestId, unfounded: Unfounded) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    match unfounded {
        Unfounded::Resumed(why) => termination::resumed(house, &mut tx, &stored, why).await?,
        Unfounded::Stopped(reason) => {
            let event = Event::Stopped { reason };
            drop(advance(house, &mut tx, &stored, &event, stored.bindings.clone(), Actor::PROGRAM).await?);
        }
    }
    jobs::complete_in(&mut tx, lease).await?;
    Ok(tx.commit().await?)
}

async fn stop(
    house: &House,
    lease: &Lease,
    id: RequestId,
    reason: ReviewReason,
    error: &FlowError,
) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    let stored = requests::load(&mut tx, id).await?.ok_or(FlowError::Missing("the request of an erasing job"))?;
    note_failure(house, &mut tx, &stored, reason.as_str(), error).await?;
    let bindings = stored.bindings.clone();
    advance(house, &mut tx, &stored, &Event::Stopped { reason }, bindings, Actor::PROGRAM).await?;
    jobs::complete_in(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down what the last letter will tell.
pub(super) fn close(closing: &mut Closing, outcome: &Outcome) {
    let lines = outcome.by_category();
    closing.detached = lines.iter().map(|line| line.detached).sum();
    closing.outcome = lines.iter().filter(|line| is_told(line)).flat_map(told).collect();
    closing.kept = kept(outcome);
    closing.searched = outcome.searched().into_iter().map(ToString::to_string).collect();
    closing.found_in = outcome.stores().into_iter().map(ToString::to_string).collect();
}

/// What stays, per table and ground.
fn kept(outcome: &Outcome) -> Vec<KeptRows> {
    let mut all: Vec<KeptRows> = Vec::new();
    for staying in &outcome.kept {
        let (store, table, Kept { rows, ground, until }) = (staying.store.to_string(), &staying.table, &staying.kept);
        let same = |known: &&mut KeptRows| known.store == store && known.table == *table && known.ground == *ground;
        match all.iter_mut().find(same) {
            Some(known) => {
                known.rows += rows;
                known.until = known.until.max(*until);
            }
            None => {
                all.push(KeptRows { store, table: table.clone(), ground: ground.clone(), until: *until, rows: *rows })
            }
        }
    }
    all
}

/// Whether a line tells something of the person's records. Records without a category are told where they went or stay
/// on a ground; that nothing else was found in them is no news.
fn is_told(line: &Line) -> bool {
    line.category != NO_CATEGORY || line.erased > 0 || !line.kept.is_empty()
}

/// The lines of the letter for one category: one per ground, the first with what was erased.
fn told(line: &Line) -> Vec<OutcomeLine> {
    let category = if line.category == NO_CATEGORY { OTHER_RECORDS } else { &line.category };
    let first = OutcomeLine {
        category: category.to_owned(),
        erased: line.erased,
        removed: line.masked,
        anonymised: line.anonymised,
        pseudonymised: line.pseudonymised,
        kept: 0,
        ground: None,
        until: None,
        not_found: line.erased + line.masked + line.anonymised == 0 && line.kept.is_empty(),
    };
    let mut lines = Vec::new();
    for (place, Kept { rows, ground, until }) in line.kept.iter().enumerate() {
        let once = |count: u64| if place == 0 { count } else { 0 };
        lines.push(OutcomeLine {
            erased: once(first.erased),
            removed: once(first.removed),
            anonymised: once(first.anonymised),
            pseudonymised: once(first.pseudonymised),
            kept: *rows,
            ground: Some(ground.clone()),
            until: *until,
            ..first.clone()
        });
    }
    if lines.is_empty() { vec![first] } else { lines }
}

/// Tells a request that a job of it failed for good: the team is told, and nothing is called done.
pub(super) async fn step_failed(house: &House, tx: &mut Tx, id: RequestId, error: &FlowError) -> Result<(), FlowError> {
    let Some(stored) = requests::load(tx, id).await? else { return Ok(()) };
    let bindings = stored.bindings.clone();
    let reason = error.cause().unwrap_or(ReviewReason::Poison);
    let event = match stored.request.state {
        State::Erasing | State::WaitingOnRecipients => Event::StepFailed,
        State::Received | State::AwaitingConfirmation | State::AwaitingApproval => {
            Event::Unclear { reason, reachable: false, quiet: false }
        }
        State::Scheduled => Event::Stopped { reason },
        // Its life is over or waits for a person anyway; but what was to be forgotten is not, and nobody would look.
        _ => return tell_team(house, tx, &stored, reason.as_str(), error).await,
    };
    note_failure(house, tx, &stored, reason.as_str(), error).await?;
    advance(house, tx, &stored, &event, bindings, Actor::PROGRAM).await?;
    Ok(())
}

/// Notes that a request waits for a store that is away, or a legal hold, and tells the team; once, however long it is.
/// `false` for a job that belongs to no request.
pub(super) async fn is_away(house: &House, lease: &Lease, error: &FlowError) -> Result<bool, FlowError> {
    let Some(id) = lease.job().request else { return Ok(false) };
    let mut tx = house.db.write().await?;
    tell_that_away(house, &mut tx, lease, id, error).await?;
    tx.commit().await?;
    Ok(true)
}

/// The same of a job that has to do with this request.
pub(super) async fn tell_that_away(
    house: &House,
    tx: &mut Tx,
    lease: &Lease,
    id: RequestId,
    error: &FlowError,
) -> Result<(), FlowError> {
    jobs::note_reason(tx, lease.held(), error.code()).await?;
    match requests::load(tx, id).await? {
        Some(stored) => tell_team(house, tx, &stored, error.code(), error).await,
        None => Ok(()),
    }
}

/// Notes in which table of which store an attempt failed that is made again; nobody is told of it.
pub(super) async fn note_place(house: &House, lease: &Lease, error: &FlowError) -> Result<(), FlowError> {
    let job = lease.job();
    let (Some(id), Some(_), kinds::BEGIN | kinds::ERASE) = (job.request, error.place(), job.kind.as_str()) else {
        return Ok(());
    };
    let mut tx = house.db.write().await?;
    if let Some(stored) = requests::load(&mut tx, id).await? {
        note_failure(house, &mut tx, &stored, error.code(), error).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Tells the team why work stopped that moves its request nowhere; with less in it, where what it would stand in was
/// forgotten.
async fn tell_team(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    reason: &str,
    error: &FlowError,
) -> Result<(), FlowError> {
    match note_failure(house, tx, stored, reason, error).await {
        Ok(()) | Err(FlowError::KeyDestroyed(_)) => {}
        Err(other) => return Err(other),
    }
    let (kind, now) = (LetterKind::AlarmStepFailed, house.clock.now());
    write_letter(house, tx, Some(&stored.request), kind, Audience::Team, now).await
}

/// Notes why work stopped, for the alarm: names of stores, tables and columns, and no personal data.
pub(super) async fn note_failure(
    house: &House,
    tx: &mut Tx,
    stored: &Stored,
    reason: &str,
    error: &FlowError,
) -> Result<(), FlowError> {
    let mut closing = safe::closing(house, tx, &stored.request).await?;
    let (at, column) = error.place().unzip();
    let (store, table) = match (at, error) {
        (Some(at), _) => (Some(at.store.to_string()), Some(at.table.clone())),
        (None, FlowError::Directory(error)) => asked_of(house, error),
        (None, _) => (None, None),
    };
    closing.failure = Some(Failure {
        reason: reason.to_owned(),
        store,
        table,
        column: column.flatten().map(str::to_owned),
        text: error.chain(),
        waits: error.is_away(),
        holds: error.holds(),
    });
    safe::put_closing(house, tx, &stored.request, &closing).await
}

/// The section of the config that says how the directory is asked.
const fn kind_of(house: &House) -> &'static str {
    match &house.config.directory {
        Directory::Sql { .. } => "sql",
        Directory::Http { .. } => "http",
        Directory::Ldap { .. } => "ldap",
        Directory::File(_) => "file",
    }
}

/// Where the directory was asked, and by which of its queries.
fn asked_of(house: &House, error: &DirectoryError) -> (Option<String>, Option<String>) {
    let store = match &house.config.directory {
        Directory::Sql { store, .. } => store.clone(),
        Directory::Http { url, .. } => url.clone(),
        Directory::Ldap { settings, .. } => settings.url.to_string(),
        Directory::File(path) => path.display().to_string(),
    };
    let query = error.query().map(|query| format!("the query `{query}` under [directory.{}]", kind_of(house)));
    (Some(store), query)
}
