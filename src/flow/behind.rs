//! Whether our own database came back from a backup. What happened since is not in it: who was told, who was erased. So
//! nothing is erased and nothing sent, but alarms to the team, until an operator has accepted it as it is; and then no request goes
//! on to be erased before an operator said so of it (see [`Waiting`]).
//!
//! It shows by the watermark (see [`crate::vault::Watermark`]), or by a store's canary that is newer than what we know to
//! have written. Letters are still taken in and judged. Several daemons on one PostgreSQL have a watermark each, and what one
//! of them notices stops all.

use std::time::Duration;

use tracing::{error, info};
use uuid::Uuid;

use crate::db::doubts::{self, Cause, Doubt, MissingLeaf};
use crate::db::{Db, Tx, jobs, keys, trail};
use crate::domain::{CaseId, LetterKind, Timestamp};
use crate::queue::Lease;
use crate::trail::{Entry, Event, Fact, Facts};
use crate::vault::{KeyOwner, KeyPurpose, Watermark, WatermarkFile};

use super::error::FlowError;
use super::house::House;
use super::operate::Operator;
use super::{accepted, kinds, outbox};

pub use super::accepted::Waiting;

/// How long a job waits between two looks whether somebody accepted.
const WAIT: Duration = Duration::from_secs(300);

/// Looks whether our own database is where it was, and refuses to go on where it is not, or was found not to be before.
///
/// # Errors
/// [`FlowError::Behind`] while it is doubted; when the database does not answer, or the file cannot be read.
pub async fn check(house: &House) -> Result<(), FlowError> {
    look(house).await.map(drop)
}

/// The same, and raises the watermark to where the trail is: what was begun before this is known ever after.
///
/// # Errors
/// As [`check`], and where the file cannot be written.
pub async fn keep(house: &House) -> Result<(), FlowError> {
    let mark = look(house).await?;
    if house.watermark.read()?.is_none() {
        info!(leaves = mark.position, "there was no watermark here; it is made from our own database as it is now");
    }
    Ok(house.watermark.write(mark, &*house.chance)?)
}

async fn look(house: &House) -> Result<Watermark, FlowError> {
    // Before the transaction sees what is there: somebody may raise it meanwhile.
    let known = house.watermark.read()?;
    let mut tx = house.db.read().await?;
    let open = doubts::open(&mut tx).await?;
    let missing = missing(&mut tx, known).await?;
    let mark = mark(&mut tx).await?;
    drop(tx);
    if let Some(leaf) = missing.filter(|leaf| !open.iter().any(|doubt| doubt.leaf == Some(*leaf))) {
        let mut tx = house.db.write().await?;
        note(house, &mut tx, lacks(leaf, mark.seen_at)).await?;
        tx.commit().await?;
    }
    if missing.is_some() || !open.is_empty() { Err(FlowError::Behind) } else { Ok(mark) }
}

async fn mark(tx: &mut Tx) -> Result<Watermark, FlowError> {
    let (position, hash) = trail::last(tx).await?;
    Ok(Watermark { position, hash, seen_at: tx.now().await? })
}

/// The leaf that the file names and this trail does not have, where nobody accepted just that, or our own database as it was since
/// the file was written. What is known must have been read before the transaction began.
async fn missing(tx: &mut Tx, known: Option<Watermark>) -> Result<Option<MissingLeaf>, FlowError> {
    let Some(known) = known.filter(|known| known.position > 0) else { return Ok(None) };
    if trail::hash_at(tx, known.position).await? == Some(known.hash) {
        return Ok(None);
    }
    let leaf = MissingLeaf { position: known.position, hash: known.hash };
    let accepted = doubts::is_accepted(tx, leaf).await?
        || doubts::accepted_at(tx).await?.is_some_and(|accepted| accepted > known.seen_at);
    Ok((!accepted).then_some(leaf))
}

const fn lacks(leaf: MissingLeaf, noticed_at: Timestamp) -> Doubt {
    Doubt { cause: Cause::Watermark, store: None, epoch: None, leaf: Some(leaf), noticed_at }
}

/// Why our own database is doubted, for who only looks: what a daemon noticed, and what the file here says.
///
/// # Errors
/// When the database does not answer, or the file cannot be read.
pub async fn doubted(db: &Db, file: &WatermarkFile) -> Result<Vec<Doubt>, FlowError> {
    let known = file.read()?;
    doubted_in(&mut db.read().await?, known).await
}

async fn doubted_in(tx: &mut Tx, known: Option<Watermark>) -> Result<Vec<Doubt>, FlowError> {
    let mut open = doubts::open(tx).await?;
    if let Some(leaf) = missing(tx, known).await?.filter(|leaf| !open.iter().any(|doubt| doubt.leaf == Some(*leaf))) {
        open.push(lacks(leaf, tx.now().await?));
    }
    Ok(open)
}

/// Notes a doubt and tells the team of it, once.
pub(super) async fn note(house: &House, tx: &mut Tx, doubt: Doubt) -> Result<(), FlowError> {
    let id = Uuid::from_bytes(crate::chance::draw(&*house.chance));
    if doubts::note(tx, &doubt, id).await? {
        let (cause, store) = (doubt.cause.as_str(), doubt.store.as_deref().unwrap_or_default());
        error!(
            cause,
            store,
            "our own database is behind what it was: it came back from a backup, or another one stands in its place. Nothing is erased \
             or sent until an operator accepts it; see 'expunged mailbox status' and 'expunged ledger accept'"
        );
        outbox::alarm(house, tx, LetterKind::AlarmLedger).await?;
    }
    Ok(())
}

/// Lets a job wait while our own database is doubted; no attempt of it counts.
pub(super) async fn wait(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::note_reason(&mut tx, lease.held(), FlowError::BEHIND).await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(WAIT)).await?;
    Ok(tx.commit().await?)
}

/// What was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Why our own database was doubted.
    pub doubts: Vec<Doubt>,
    /// The requests that an operator must let go on.
    pub waiting: Vec<Waiting>,
}

/// Accepts our own database as it is: the trail says who did, and what waited goes on, but for the requests that may be erased: each of
/// them waits for an operator. Answers what was doubted and which these are; nothing where nothing is doubted.
///
/// # Errors
/// When the database does not answer, or the file cannot be read; [`FlowError::Moved`] where a request goes on meanwhile, and then
/// nothing was accepted.
pub async fn accept(house: &House, operator: &Operator) -> Result<Accepted, FlowError> {
    let known = house.watermark.read()?;
    let mut tx = house.db.write().await?;
    let found = doubted_in(&mut tx, known).await?;
    if found.is_empty() {
        return Ok(Accepted::default());
    }
    for doubt in &found {
        doubts::note(&mut tx, doubt, Uuid::from_bytes(crate::chance::draw(&*house.chance))).await?;
    }
    let (now, owner) = (house.clock.now(), KeyOwner::Case(CaseId::new(&*house.chance)));
    let record = keys::create(&mut tx, &house.kek, owner, KeyPurpose::Record, now, &*house.chance).await?;
    let facts = Facts::new()
        .with("ordered", Fact::Word("ledger_accepted".to_owned()))?
        .with("causes", Fact::Words(found.iter().map(|doubt| doubt.cause.to_string()).collect()))?
        .with("leaves", Fact::Count(u64::try_from(trail::last_position(&mut tx).await?).unwrap_or(0)))?;
    let entry = Entry::new(Event::Noted, operator.actor()).facts(facts);
    trail::append(&mut tx, &record, &entry, &house.stamps, now, &*house.chance).await?;
    keys::destroy_of(&mut tx, owner, KeyPurpose::Record, now).await?;
    let waiting = accepted::wait_for_a_person(house, &mut tx, operator.actor()).await?;
    doubts::accept(&mut tx).await?;
    let later = now.plus(WAIT);
    jobs::hasten(&mut tx, kinds::ALL, FlowError::BEHIND, now, later).await?;
    tx.commit().await?;
    info!(doubts = found.len(), waiting = waiting.len(), "our own database was accepted as it is");
    Ok(Accepted { doubts: found, waiting })
}
