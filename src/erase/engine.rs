//! Carries out a plan: finds and saves every key, acts leaf → root in chunks, reads every step back.
//!
//! It can be killed anywhere and run again. Before the first act it records what it intends, before each chunk how many rows
//! are there, and after it what came of them, in one record with the begin of the next. A chunk that ran and was not recorded runs again, finds the rows gone or masked, and counts
//! them against what was there before: the same figures as if nothing had happened. Nothing is ever undone.
//!
//! Other programs write meanwhile, and a row that was found may be somebody else's when its turn comes: it is asked first,
//! also where a killed run acts again. Rows that came after the keys were saved are found below the saved ones in a further
//! round, saved as further chunks, and go the same way.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::act::{Done, Work};
use super::blank;
use super::discover::{EraseLimits, Finder, Found, Owned};
use super::error::{EraseError, PlanError};
use super::ledger::{Discovery, KeyPage, Ledger, StepOutcome};
use super::map::{DataMap, MapDefect, Mask, TableMap, TableRef, check};
use super::outcome::Outcome;
use super::owners::Owners;
use super::packed::Packed;
use super::plan::{Act, Plan, Skeleton};
use super::preview::{self, DriftLimits};
use super::readback::Left;
use crate::domain::{Timestamp, stored_enum};
use crate::stores::{Schema, StoreName, Stores, Table};

/// The places between a commit and the next outside effect, where a kill is tested.
pub const BREAKPOINTS: &[&str] = &[
    "erase:found",
    "erase:keys_saved",
    "erase:discovery_saved",
    "erase:intent_saved",
    "erase:chunk_begun",
    "erase:chunk_acted",
    "erase:chunk_saved",
    "erase:step_read_back",
    "erase:outcome_saved",
];

/// How often one run looks for rows that came meanwhile. Who writes faster than that is written about to the team.
const ROUNDS_MAX: usize = 3;

stored_enum! {
    /// What becomes of rows that hold a saved identity under a key that nobody saved: the person came anew, or an import
    /// brought them back, and no store tells which.
    #[derive(Default)]
    Recognised, "decision" {
        /// They are residue: a person of the team has to look.
        #[default]
        Residue = "residue",
        /// A person of the team looked, and they stay.
        Stays = "stays",
        /// A person of the team looked, and they go with all that belongs to them.
        Goes = "goes",
    }
}

/// What a person of the team said of rows that hold a saved identity under another key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of them.
    pub recognised: Recognised,
    /// Which one of the erasure it is, from 1 on. Each is about the rows that are there when it is first acted on.
    pub number: u32,
}

/// What an execution works with.
pub struct Run<'a> {
    /// The data map.
    pub map: &'a DataMap,
    /// The open stores.
    pub stores: &'a Stores,
    /// The memory of this erasure.
    pub ledger: &'a dyn Ledger,
    /// The case's secret for tombstones; the same in every run of the case.
    pub tombstone_secret: &'a [u8; 32],
    /// The time.
    pub now: Timestamp,
    /// Rows per chunk and per store.
    pub limits: EraseLimits,
    /// How far counts may move from the approved ones.
    pub drift: DriftLimits,
}

/// Carries out a plan, or goes on with it.
///
/// # Errors
/// [`EraseError`]; what was done until then is recorded, and the same call goes on from there.
pub async fn execute(plan: &Plan, run: &Run<'_>) -> Result<Outcome, EraseError> {
    execute_decided(plan, run, Decision::default()).await
}

/// As [`execute`], where a person of the team said what becomes of rows that hold a saved identity under another key: a trigger of
/// the store wrote the person back, or they came anew after what was proven.
///
/// # Errors
/// As [`execute`].
pub async fn execute_decided(plan: &Plan, run: &Run<'_>, decision: Decision) -> Result<Outcome, EraseError> {
    carry_out(plan, run, false, decision).await
}

/// As [`execute_decided`], of a completed plan once more, under a continuation: its saved keys, and what belongs to them by now,
/// but no row that is somebody else's by now.
///
/// # Errors
/// As [`execute`].
pub async fn execute_again(plan: &Plan, run: &Run<'_>, decision: Decision) -> Result<Outcome, EraseError> {
    carry_out(plan, run, true, decision).await
}

async fn carry_out(plan: &Plan, run: &Run<'_>, again: bool, decision: Decision) -> Result<Outcome, EraseError> {
    let recognised = decision.recognised;
    let schemas = trusted_schemas(run.map, run.stores).await?;
    let mut discovery = match run.ledger.discovery().await? {
        Some(discovery) => resumed(&plan.skeleton().digest, discovery, &schemas)?,
        // A continuation goes on from saved keys, and finds no others by itself.
        None if again => return Err(EraseError::SavedKeys { set: "the completed plan".to_owned() }),
        None => discovered(plan, run, &schemas).await?,
    };
    let mut strangers = Owned::new();
    if again {
        let work = Work::new(run, &schemas, &discovery, &strangers, recognised);
        strangers = work.find_strangers().await?;
    }
    if recognised == Recognised::Stays && discovery.decided < decision.number {
        let staying = Work::new(run, &schemas, &discovery, &strangers, recognised).staying().await?;
        let found = Found { sets: staying, ..Found::default() };
        discovery = saved_with(run, Discovery { decided: decision.number, ..discovery }, found).await?;
    }
    for _ in 0..ROUNDS_MAX {
        let work = Work::new(run, &schemas, &discovery, &strangers, recognised);
        let pass = pass(&work).await;
        match &pass {
            Ok(pass) if pass.is_overtaken() => {}
            Err(EraseError::Store { source, .. }) if source.is_foreign_key_violation() => {}
            Err(EraseError::HeldOn { .. }) => {}
            _ => return recorded(&work, pass?).await,
        }
        let Some(more) = overtaken(&work).await? else { return recorded(&work, pass?).await };
        discovery = more;
    }
    let work = Work::new(run, &schemas, &discovery, &strangers, recognised);
    match pass(&work).await {
        Err(EraseError::Store { at, source }) if source.is_foreign_key_violation() => Err(EraseError::HeldOn { at }),
        pass => recorded(&work, pass?).await,
    }
}

/// What acting on every step and reading every step back came to.
struct Pass {
    done: Vec<Done>,
    left: Vec<Left>,
}

impl Pass {
    /// Whether rows came meanwhile, and no row came back under a saved key.
    fn is_overtaken(&self) -> bool {
        self.left.iter().any(|left| left.late > 0) && self.left.iter().all(|left| left.back == 0)
    }
}

async fn pass(work: &Work<'_>) -> Result<Pass, EraseError> {
    work.intend().await?;
    let owners = work.owners().await?;
    let acted = acted(work, &owners).await;
    if !matches!(acted, Err(EraseError::Ledger(_))) {
        work.settle().await?; // what was seen done is recorded, whatever stopped the rest
    }
    let done = acted?;
    let mut left = read_back(work, &owners).await?;
    // What seems to be left may hang on a key that we freed and that was given to somebody else: then ask once more.
    if left.iter().any(|left| left.back + left.late > 0) {
        left = read_back(work, &work.owners().await?).await?;
    }
    Ok(Pass { done, left })
}

/// Acts on every step that no hold stops.
async fn acted(work: &Work<'_>, owners: &Owners) -> Result<Vec<Done>, EraseError> {
    let mut done = Vec::with_capacity(work.skeleton().steps.len());
    let mut held: Option<(TableRef, BTreeSet<Uuid>)> = None;
    for step in &work.skeleton().steps {
        match work.act(step, owners).await {
            // The others go on.
            Err(EraseError::Held { at, holds }) => held.get_or_insert_with(|| (at, BTreeSet::new())).1.extend(holds),
            acted => done.push(acted?),
        }
    }
    // What waits is not read back, and nothing is called done.
    held.map_or(Ok(done), |(at, holds)| Err(EraseError::Held { at, holds }))
}

/// Reads every step back.
async fn read_back(work: &Work<'_>, owners: &Owners) -> Result<Vec<Left>, EraseError> {
    let mut left = Vec::with_capacity(work.skeleton().steps.len());
    for step in &work.skeleton().steps {
        left.push(work.left(step, owners).await?);
        work.run.ledger.breakpoint("erase:step_read_back").await?;
    }
    Ok(left)
}

/// Records what came of every step.
async fn recorded(work: &Work<'_>, pass: Pass) -> Result<Outcome, EraseError> {
    let Pass { mut done, left } = pass;
    let skeleton = work.skeleton();
    for (done, left) in done.iter_mut().zip(left) {
        done.counts.residue = left.back + left.late;
    }
    let outcomes: Vec<StepOutcome<'_>> = (skeleton.steps.iter().zip(&done))
        .map(|(step, done)| StepOutcome { step, counts: done.counts, holding: &done.holding })
        .collect();
    work.run.ledger.outcomes(&outcomes).await?;
    work.run.ledger.breakpoint("erase:outcome_saved").await?;
    Ok(Outcome::of(skeleton, &done, &work.discovery.until))
}

/// Finds and saves the rows that came after the keys were saved; `None` where there are none.
async fn overtaken(work: &Work<'_>) -> Result<Option<Discovery>, EraseError> {
    let saved = work.all_saved().await?;
    let mut found = work.finder().late(&saved, work.taken().await?, &work.owners().await?, work.run.now).await?;
    if found.sets.values().all(Packed::is_empty) {
        return Ok(None);
    }
    can_blank(work.skeleton(), &found, work.schemas)?;
    work.finder().identities(&mut found, work.schemas).await?;
    work.finder().told(&mut found, work.run.map).await?;
    Ok(Some(saved_with(work.run, work.discovery.clone(), found).await?))
}

/// The catalogues, if the map is still true of them: a column that was added since the start is nobody's to pass over.
pub(super) async fn trusted_schemas(map: &DataMap, stores: &Stores) -> Result<BTreeMap<StoreName, Schema>, EraseError> {
    let mut schemas = BTreeMap::new();
    for (name, mapped) in map.stores() {
        let at = TableRef { store: name.clone(), table: mapped.tables.keys().next().cloned().unwrap_or_default() };
        let store = stores.get(name).map_err(EraseError::store(&at))?;
        schemas.insert(name.clone(), store.schema().await.map_err(EraseError::store(&at))?);
    }
    let defects = check(map, &schemas);
    if defects.is_empty() { Ok(schemas) } else { Err(EraseError::Defects { defects }) }
}

/// What was saved, if the plan is the same and the stores still have what it needs. The map may be another one by now:
/// what was begun under an approved plan ends under it.
pub(super) fn resumed(
    digest: &[u8; 32],
    discovery: Discovery,
    schemas: &BTreeMap<StoreName, Schema>,
) -> Result<Discovery, EraseError> {
    if discovery.skeleton.digest != *digest {
        return Err(PlanError::OtherPlan.into());
    }
    let defects: Vec<_> = discovery.skeleton.tables.iter().flat_map(|(at, table)| unfit(at, table, schemas)).collect();
    if defects.is_empty() { Ok(discovery) } else { Err(EraseError::Defects { defects }) }
}

/// What a store no longer has of a table that the plan goes on with, and columns that nobody spoke of when it was made.
fn unfit(at: &TableRef, table: &TableMap, schemas: &BTreeMap<StoreName, Schema>) -> Vec<MapDefect> {
    let defect = |column: Option<&String>, problem: &str| MapDefect {
        file: "the plan that was begun".to_owned(),
        at: at.clone(),
        column: column.cloned(),
        problem: problem.to_owned(),
        help: "make the store what it was until the erasing is done".to_owned(),
    };
    let found = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
    let Some(found) = found else { return vec![defect(None, "the store has no such table any more")] };
    if found.shape != table.shape {
        return vec![defect(None, "its names are made in another way by now")];
    }
    let gone = table.categories.keys().filter(|name| found.column(name).is_none());
    let new = found.columns.iter().map(|column| &column.name).filter(|name| !table.categories.contains_key(*name));
    let variants = table.variants();
    let fixed = variants.iter().flat_map(|(_, variant)| &variant.mask).filter(|(name, mask)| {
        matches!(mask, Mask::Null | Mask::Detach) && found.column(name).is_some_and(|column| !column.nullable)
    });
    gone.map(|name| defect(Some(name), "the store has no such column any more"))
        .chain(new.map(|name| defect(Some(name), "the column is not part of the plan")))
        .chain(fixed.map(|(name, _)| defect(Some(name), "the column is NOT NULL by now")))
        .collect()
}

/// What is found now, saved before anything is written.
async fn discovered(
    plan: &Plan,
    run: &Run<'_>,
    schemas: &BTreeMap<StoreName, Schema>,
) -> Result<Discovery, EraseError> {
    let skeleton = plan.skeleton();
    if super::plan::plan(run.map, &skeleton.target)?.digest != skeleton.digest {
        return Err(EraseError::MapChanged);
    }
    let finder = Finder { skeleton, stores: run.stores, limits: run.limits };
    let mut found = finder.find(run.now).await?;
    can_blank(skeleton, &found, schemas)?;
    finder.placeholders(&found).await?;
    finder.can_be_remade(&found, schemas).await?;
    let rows = preview::rows(skeleton, &found);
    if let Some(drift) = preview::drift(&plan.preview().rows, &rows, run.drift) {
        return Err(EraseError::Drift(drift));
    }
    finder.identities(&mut found, schemas).await?;
    let told = finder.told(&mut found, run.map).await?;
    run.ledger.breakpoint("erase:found").await?;
    let nothing = Discovery { told, ..Discovery::of(skeleton.clone()) };
    saved_with(run, nothing, found).await
}

/// Saves keys as further chunks, and then that they are all there. A kill before the end leaves chunks that no discovery
/// names; the next run writes them again.
async fn saved_with(run: &Run<'_>, mut discovery: Discovery, found: Found) -> Result<Discovery, EraseError> {
    for (step, until) in found.until {
        let latest = discovery.until.entry(step).or_insert(until);
        *latest = until.max(*latest);
    }
    let size = run.limits.chunk_rows as usize;
    // Small sets are saved together; no more keys are unpacked at once than twice those of a chunk.
    let mut pages = Vec::<KeyPage>::new();
    for (set, keys) in found.sets {
        let set = set.to_string();
        let chunks = discovery.chunks.entry(set.clone()).or_default();
        for keys in keys.chunks(size) {
            let chunk = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            chunks.push(keys.len() as u64);
            pages.push(KeyPage { set: set.clone(), chunk, keys });
            if pages.iter().map(|page| page.keys.len()).sum::<usize>() >= size {
                save_pages(run, std::mem::take(&mut pages)).await?;
            }
        }
    }
    save_pages(run, pages).await?;
    run.ledger.save_discovery(&discovery).await?;
    run.ledger.breakpoint("erase:discovery_saved").await?;
    Ok(discovery)
}

async fn save_pages(run: &Run<'_>, pages: Vec<KeyPage>) -> Result<(), EraseError> {
    if !pages.is_empty() {
        run.ledger.save_keys(&pages).await?;
        run.ledger.breakpoint("erase:keys_saved").await?;
    }
    Ok(())
}

/// Whether rows that may not be kept any longer can be emptied. Asked before anything is written.
pub(super) fn can_blank(
    skeleton: &Skeleton,
    found: &Found,
    schemas: &BTreeMap<StoreName, Schema>,
) -> Result<(), EraseError> {
    for step in &skeleton.steps {
        let Act::Blank(columns) = &step.act else { continue };
        if found.sets.get(&step.rows).is_none_or(Packed::is_empty) {
            continue;
        }
        let at = &step.rows.at;
        let table = schemas.get(&at.store).and_then(|schema| schema.tables.get(&at.table));
        blank::masks(at, table.unwrap_or(&Table::default()), columns)?;
    }
    Ok(())
}
