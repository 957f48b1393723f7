//! A ledger in memory that can be killed at any breakpoint, and that outlives the kill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;
use expunged::domain::Retry;
use expunged::erase::plan::{KeySet, Step};
use expunged::erase::{
    BREAKPOINTS, Before, ChunkState, Discovery, HeldTables, Holding, Ledger, LedgerError, StepCounts, StepState,
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
}

impl MemoryLedger {
    /// Dies at the breakpoint that is passed after this many others; counted from now.
    pub fn kill_after(&self, breakpoints: Option<usize>) {
        let mut inner = self.0.lock().unwrap();
        inner.passed.clear();
        inner.kill_after = breakpoints;
    }

    /// A hold on every table stands from when so many chunks have ended.
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

    pub fn passed(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().passed.clone()
    }

    pub fn outcomes(&self) -> BTreeMap<u16, StepCounts> {
        self.0.lock().unwrap().outcomes.clone()
    }
}

impl Inner {
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

    async fn save_keys(&self, set: &KeySet, chunk: u32, keys: &[Key]) -> Result<(), LedgerError> {
        self.0.lock().unwrap().keys.insert((set.to_string(), chunk), keys.to_vec());
        Ok(())
    }

    async fn load_keys(&self, set: &KeySet, chunk: u32) -> Result<Vec<Key>, LedgerError> {
        let keys = self.0.lock().unwrap().keys.get(&(set.to_string(), chunk)).cloned();
        keys.ok_or_else(|| broken(std::io::Error::other("no such chunk")))
    }

    async fn save_discovery(&self, discovery: &Discovery) -> Result<(), LedgerError> {
        self.0.lock().unwrap().discovery = Some(serde_json::to_string(discovery).unwrap());
        Ok(())
    }

    async fn step(&self, step: u16) -> Result<StepState, LedgerError> {
        Ok(self.0.lock().unwrap().steps.get(&step).cloned().unwrap_or_default())
    }

    async fn intent(&self, step: &Step) -> Result<(), LedgerError> {
        self.0.lock().unwrap().steps.entry(step.number).or_default().intended = true;
        Ok(())
    }

    async fn begin_chunk(&self, step: u16, chunk: u32, before: Before) -> Result<Before, LedgerError> {
        let mut inner = self.0.lock().unwrap();
        let state = inner.steps.get_mut(&step).expect("the intent is recorded before the act");
        Ok(state.chunks.entry(chunk).or_insert(ChunkState { before, done: None }).before.clone())
    }

    async fn end_chunk(&self, step: u16, chunk: u32, counts: StepCounts) -> Result<(), LedgerError> {
        let mut inner = self.0.lock().unwrap();
        let state = inner.steps.get_mut(&step).and_then(|state| state.chunks.get_mut(&chunk));
        state.expect("a chunk is begun before it ends").done = Some(counts);
        Ok(())
    }

    async fn outcome(&self, step: &Step, counts: StepCounts, _holding: &Holding) -> Result<(), LedgerError> {
        self.0.lock().unwrap().outcomes.insert(step.number, counts);
        Ok(())
    }

    async fn held(&self, discovery: &Discovery) -> Result<HeldTables, LedgerError> {
        let inner = self.0.lock().unwrap();
        let stands = inner.hold_after.is_some_and(|chunks| inner.ended() >= chunks);
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
