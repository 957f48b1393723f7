//! A ledger in memory that can be killed at any breakpoint, and that outlives the kill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use expunged::domain::Retry;
use expunged::erase::plan::Step;
use expunged::erase::{
    BREAKPOINTS, Before, Begun, ChunkState, Discovery, Ended, HeldTables, KeyPage, Ledger, LedgerError, StepCounts,
    StepOutcome, StepState,
};
use expunged::stores::Key;
use sqlx::Executor as _;

#[derive(Default)]
pub struct MemoryLedger(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// As it is stored.
    discovery: Option<String>,
    keys: BTreeMap<(String, u32), Vec<Key>>,
    steps: BTreeMap<u16, StepState>,
    outcomes: BTreeMap<u16, StepCounts>,
    passed: Vec<&'static str>,
    kill_after: Option<usize>,
    hold_after: Option<usize>,
    late: Vec<(&'static str, sqlx::SqlitePool, String)>,
    /// How often each was called.
    calls: BTreeMap<&'static str, usize>,
    /// The most keys that one call saved or loaded.
    most_keys: usize,
}

impl MemoryLedger {
    /// Dies at the breakpoint that is passed after this many others; counted from now.
    pub fn kill_after(&self, breakpoints: Option<usize>) {
        let mut inner = self.0.lock().unwrap();
        inner.passed.clear();
        inner.kill_after = breakpoints;
    }

    /// A hold on every table stands from when so many chunks were begun.
    pub fn hold_after(&self, chunks: Option<usize>) {
        self.0.lock().unwrap().hold_after = chunks;
    }

    /// How many chunks have ended.
    pub fn ended(&self) -> usize {
        self.0.lock().unwrap().ended()
    }

    /// Runs a statement of somebody else at a breakpoint, once; several run at one after the other.
    pub fn late_writer(&self, at: &'static str, pool: sqlx::SqlitePool, sql: &str) {
        self.0.lock().unwrap().late.push((at, pool, sql.to_owned()));
    }

    /// Empties a chunk of saved keys behind the engine's back.
    pub fn take_keys(&self, set: &str, chunk: u32) {
        self.0.lock().unwrap().keys.get_mut(&(set.to_owned(), chunk)).unwrap().clear();
    }

    /// How often it was called, by what it was called for.
    pub fn calls(&self) -> BTreeMap<&'static str, usize> {
        self.0.lock().unwrap().calls.clone()
    }

    /// The most keys that one call saved or loaded.
    pub fn most_keys(&self) -> usize {
        self.0.lock().unwrap().most_keys
    }

    pub fn passed(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().passed.clone()
    }

    pub fn outcomes(&self) -> BTreeMap<u16, StepCounts> {
        self.0.lock().unwrap().outcomes.clone()
    }
}

impl Inner {
    fn called(&mut self, what: &'static str, keys: usize) {
        *self.calls.entry(what).or_default() += 1;
        self.most_keys = self.most_keys.max(keys);
    }

    fn ended(&self) -> usize {
        self.steps.values().flat_map(|step| step.chunks.values()).filter(|chunk| chunk.done.is_some()).count()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("killed by the test")]
struct Killed;

fn broken(source: impl std::error::Error + Send + Sync + 'static) -> LedgerError {
    LedgerError { source: Box::new(source), retry: Retry::Transient }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn discovery(&self) -> Result<Option<Discovery>, LedgerError> {
        Ok(self.0.lock().unwrap().discovery.as_ref().map(|text| serde_json::from_str(text).unwrap()))
    }

    async fn save_keys(&self, pages: &[KeyPage]) -> Result<(), LedgerError> {
        self.0.lock().unwrap().called("save keys", pages.iter().map(|page| page.keys.len()).sum());
        for page in pages {
            self.0.lock().unwrap().keys.insert((page.set.clone(), page.chunk), page.keys.clone());
        }
        Ok(())
    }

    async fn load_pages(&self, pages: &[(String, u32)]) -> Result<Vec<Vec<Key>>, LedgerError> {
        let mut inner = self.0.lock().unwrap();
        let keys = |page| inner.keys.get(page).cloned().ok_or_else(|| broken(std::io::Error::other("no such chunk")));
        let read: Vec<Vec<Key>> = pages.iter().map(keys).collect::<Result<_, _>>()?;
        inner.called("load pages", read.iter().map(Vec::len).sum());
        Ok(read)
    }

    async fn save_discovery(&self, discovery: &Discovery) -> Result<(), LedgerError> {
        self.0.lock().unwrap().called("save discovery", 0);
        self.0.lock().unwrap().discovery = Some(serde_json::to_string(discovery).unwrap());
        Ok(())
    }

    async fn steps(&self) -> Result<BTreeMap<u16, StepState>, LedgerError> {
        self.0.lock().unwrap().called("steps", 0);
        Ok(self.0.lock().unwrap().steps.clone())
    }

    async fn intend(&self, steps: &[&Step]) -> Result<(), LedgerError> {
        self.0.lock().unwrap().called("intend", 0);
        for step in steps {
            self.0.lock().unwrap().steps.entry(step.number).or_default().intended = true;
        }
        Ok(())
    }

    async fn mark(&self, ended: &[Ended], begun: Option<&Begun>) -> Result<Option<Before>, LedgerError> {
        let mut inner = self.0.lock().unwrap();
        inner.called("mark", 0);
        for Ended { step, chunk, counts } in ended {
            let state = inner.steps.get_mut(step).and_then(|state| state.chunks.get_mut(chunk));
            state.expect("a chunk is begun before it ends").done = Some(*counts);
        }
        let Some(Begun { step, chunk, before }) = begun else { return Ok(None) };
        let state = inner.steps.get_mut(step).expect("the intent is recorded before the act");
        assert!(state.intended, "the intent is recorded before the act");
        let chunk = state.chunks.entry(*chunk).or_insert(ChunkState { before: before.clone(), done: None });
        Ok(Some(chunk.before.clone()))
    }

    async fn outcomes(&self, outcomes: &[StepOutcome<'_>]) -> Result<(), LedgerError> {
        self.0.lock().unwrap().called("outcomes", 0);
        for outcome in outcomes {
            self.0.lock().unwrap().outcomes.insert(outcome.step.number, outcome.counts);
        }
        Ok(())
    }

    async fn held(&self, discovery: &Discovery) -> Result<HeldTables, LedgerError> {
        let inner = self.0.lock().unwrap();
        let begun: usize = inner.steps.values().map(|step| step.chunks.len()).sum();
        let stands = inner.hold_after.is_some_and(|chunks| begun >= chunks);
        let all = discovery.skeleton.tables.iter().map(|(at, _)| (at.clone(), BTreeSet::new()));
        Ok(if stands { all.collect() } else { HeldTables::new() })
    }

    async fn breakpoint(&self, name: &'static str) -> Result<(), LedgerError> {
        assert!(BREAKPOINTS.contains(&name), "{name} is not in BREAKPOINTS");
        let late = {
            let mut inner = self.0.lock().unwrap();
            if inner.kill_after == Some(inner.passed.len()) {
                return Err(broken(Killed));
            }
            inner.passed.push(name);
            inner.late.iter().position(|(at, _, _)| *at == name).map(|first| inner.late.remove(first))
        };
        if let Some((_, pool, sql)) = late {
            pool.execute(sqlx::AssertSqlSafe(sql)).await.expect("the late writer writes");
        }
        Ok(())
    }
}
