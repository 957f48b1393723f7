//! Map and target → what will be done, in which order, and a digest of it. Pure: reads no store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::PlanError;
use super::graph::Graph;
use super::map::{DataMap, Keep, Link, Mask, NO_CATEGORY, Rule, TableMap, TableRef};
use super::preview::Preview;
use crate::domain::Scope;
use crate::stores::{Key, KeyValue, StoreName};
use crate::verify::Authority;

/// What is to be erased: one row and what belongs to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target {
    /// How much.
    pub scope: Scope,
    /// What the root row is: `account`, `user` or `end_user`.
    pub subject_kind: Scope,
    /// The store of the root row.
    pub store: StoreName,
    /// Its table.
    pub table: String,
    /// Its key.
    pub key: Key,
    /// The named categories; only with the scope `data`.
    pub categories: Vec<String>,
}

impl Target {
    /// The root row's table.
    #[must_use]
    pub fn at(&self) -> TableRef {
        TableRef { store: self.store.clone(), table: self.table.clone() }
    }
}

/// The rows that a step is about, by how they are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeySet {
    /// Their table.
    pub at: TableRef,
    /// `None`: the rows that belong to the target. Otherwise the rows that point to those by this link.
    pub pointing: Option<Link>,
}

impl fmt::Display for KeySet {
    /// A name to store it under, such as `shop.orders` or `shop.tickets(assignee_id to shop.users)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pointing {
            None => self.at.fmt(f),
            Some(link) => write!(f, "{}({} to {})", self.at, link.columns.join(","), link.to),
        }
    }
}

/// What a step does to its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Opens a circle of links, so that the rows can be deleted by a later step.
    Open(BTreeMap<String, Mask>),
    /// Rows of others let go of what will be deleted.
    LetGo(BTreeMap<String, Mask>),
    /// The rows are deleted.
    Delete,
    /// The rows stay, and these columns are masked.
    Mask(BTreeMap<String, Mask>),
    /// The rows stay as they are.
    Keep,
}

impl Act {
    /// The word for tables and records.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::LetGo(_) => "detach",
            Self::Delete => "delete",
            Self::Mask(_) => "mask",
            Self::Keep => "keep",
        }
    }
}

/// One step: one act on one set of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its place in the order, from 0.
    pub number: u16,
    /// Its rows.
    pub rows: KeySet,
    /// What happens.
    pub act: Act,
    /// Why and until when the rows stay.
    pub keep: Option<Keep>,
    /// The categories that are gone from the rows afterwards.
    pub erases: Vec<String>,
    /// The categories that stay on a ground.
    pub keeps: Vec<String>,
}

/// What will be done, in order. Says nothing about how many rows there are.
#[derive(Clone, Debug, Serialize)]
pub struct Skeleton {
    /// The target.
    pub target: Target,
    /// The tables in the order in which rows are found, root first; a circle is found together.
    pub finds: Vec<Vec<TableRef>>,
    /// The steps in the order in which they are done, leaves first and the root last.
    pub steps: Vec<Step>,
    /// SHA-256 over the canonical JSON (RFC 8785) of map, target, finds and steps.
    #[serde(serialize_with = "hex")]
    pub digest: [u8; 32],
}

fn hex<S: serde::Serializer>(digest: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&data_encoding::HEXLOWER.encode(digest))
}

/// A preview that somebody may carry out. The only thing that [`execute`](super::execute) takes.
#[derive(Debug)]
pub struct Plan {
    preview: Preview,
    authority: Authority,
}

impl Plan {
    /// Joins a preview with the authority for exactly its digest.
    ///
    /// # Errors
    /// [`PlanError::OtherPlan`].
    pub fn new(preview: Preview, authority: Authority) -> Result<Self, PlanError> {
        if *authority.plan_digest() != preview.skeleton.digest {
            return Err(PlanError::OtherPlan);
        }
        Ok(Self { preview, authority })
    }

    /// What was approved.
    #[must_use]
    pub const fn preview(&self) -> &Preview {
        &self.preview
    }

    /// The steps.
    #[must_use]
    pub const fn skeleton(&self) -> &Skeleton {
        &self.preview.skeleton
    }

    /// Who permits it.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }
}

/// Makes the plan of a target.
///
/// # Errors
/// [`PlanError`]: an unknown table, a scope that does not fit the row, a category that cannot be erased.
pub fn plan(map: &DataMap, target: &Target) -> Result<Skeleton, PlanError> {
    let root = target.at();
    fits(map, target, &root)?;
    let below = Graph::of(map, |_| true).below(&root);
    let graph = Graph::of(map, |table| below.contains(table));
    let groups = graph.groups();
    let mut planner = Planner { map, target, graph: &graph, done: BTreeMap::new(), steps: Vec::new() };
    let mut finds = Vec::new();
    for group in groups.iter().rev() {
        let order = graph.order_within(map, group).map_err(|at| PlanError::Circle { at })?;
        if order.circular {
            order.tables.iter().for_each(|at| planner.open(at, group));
        }
        for at in order.tables.iter().rev() {
            planner.table(at)?;
        }
        finds.push(order.tables);
    }
    finds.reverse();
    let steps = planner.steps;
    if target.scope == Scope::Data && steps.is_empty() {
        return Err(PlanError::NothingNamed { at: root });
    }
    let digest = digest(map, target, &finds, &steps)?;
    Ok(Skeleton { target: target.clone(), finds, steps, digest })
}

fn fits(map: &DataMap, target: &Target, root: &TableRef) -> Result<(), PlanError> {
    let table = map.table(root).ok_or_else(|| PlanError::UnknownTable { at: root.clone() })?;
    let of_scope = target.scope == Scope::Data || target.scope == target.subject_kind;
    if table.subject != Some(target.subject_kind) || !of_scope {
        return Err(PlanError::WrongSubject { at: root.clone(), scope: target.scope });
    }
    if table.key.len() != target.key.0.len() {
        return Err(PlanError::KeyShape { at: root.clone() });
    }
    if (target.scope == Scope::Data) == target.categories.is_empty() {
        return Err(PlanError::Categories);
    }
    let known = map.categories();
    match target.categories.iter().find(|category| !known.contains(&category.as_str())) {
        Some(category) => Err(PlanError::UnknownCategory { category: category.clone() }),
        None => Ok(()),
    }
}

/// Everything that people approve. Numbers in keys are written as text: canonical JSON knows doubles only.
fn digest(map: &DataMap, target: &Target, finds: &[Vec<TableRef>], steps: &[Step]) -> Result<[u8; 32], PlanError> {
    let kind = |value: &KeyValue| match value {
        KeyValue::Int(_) => "int",
        KeyValue::Text(_) => "text",
        KeyValue::Bytes(_) => "bytes",
        KeyValue::Uuid(_) => "uuid",
    };
    let key: Vec<_> = target.key.0.iter().map(|value| (kind(value), value.to_text())).collect();
    let mut categories = target.categories.clone();
    categories.sort();
    let everything = serde_json::json!({
        "version": 1,
        "map": map,
        "scope": target.scope,
        "root": { "subject": target.subject_kind, "table": target.at(), "key": key },
        "categories": categories,
        "finds": finds,
        "steps": steps,
    });
    let canonical = serde_json_canonicalizer::to_vec(&everything).map_err(|_| PlanError::Canonical)?;
    Ok(Sha256::digest(&canonical).into())
}

struct Planner<'a> {
    map: &'a DataMap,
    target: &'a Target,
    graph: &'a Graph,
    /// What happens to the tables whose steps are made; leaves come first.
    done: BTreeMap<TableRef, Act>,
    steps: Vec<Step>,
}

impl Planner<'_> {
    fn push(&mut self, rows: KeySet, act: Act, keep: Option<Keep>, [erases, keeps]: [Vec<String>; 2]) {
        let number = u16::try_from(self.steps.len()).unwrap_or(u16::MAX);
        self.steps.push(Step { number, rows, act, keep, erases, keeps });
    }

    /// Lets rows of a circle go of one another.
    fn open(&mut self, at: &TableRef, group: &BTreeSet<TableRef>) {
        let Some(table) = self.map.table(at).filter(|table| table.erase == Rule::Delete) else { return };
        if self.target.scope == Scope::Data {
            return; // nothing of a circle is deleted
        }
        let inside = table.belongs_to.iter().filter(|link| group.contains(&link.to));
        let columns = let_go_columns(table, inside);
        if !columns.is_empty() {
            let rows = KeySet { at: at.clone(), pointing: None };
            self.push(rows, Act::Open(columns), None, [Vec::new(), Vec::new()]);
        }
    }

    fn table(&mut self, at: &TableRef) -> Result<(), PlanError> {
        let Some(table) = self.map.table(at) else { return Ok(()) };
        let decided = if self.target.scope == Scope::Data { self.named(at, table)? } else { Some(self.whole(table)) };
        let Some((act, keep, categories)) = decided else { return Ok(()) };
        if act == Act::Delete {
            self.let_go_of(at);
        }
        self.done.insert(at.clone(), act.clone());
        self.push(KeySet { at: at.clone(), pointing: None }, act, keep, categories);
        Ok(())
    }

    /// What the map's rule does to a table of a subject that goes as a whole. A row that stays lets go of what goes, and
    /// not of an owner that is no part of this plan.
    fn whole(&self, table: &TableMap) -> Decision {
        let (act, keep, categories) = whole(table);
        let Act::Mask(mut masks) = act else { return (act, keep, categories) };
        let links = || table.belongs_to.iter().chain(&table.refers_to);
        let goes =
            |column: &str| links().any(|link| link.columns.iter().any(|c| c == column) && self.graph.has(&link.to));
        masks.retain(|column, mask| *mask != Mask::Detach || goes(column));
        (if masks.is_empty() { Act::Keep } else { Act::Mask(masks) }, keep, categories)
    }

    /// Rows anywhere that point to rows that will be deleted.
    fn let_go_of(&mut self, parent: &TableRef) {
        for (at, table) in self.map.tables() {
            for link in table.refers_to.iter().filter(|link| link.to == *parent) {
                let columns = let_go_columns(table, std::iter::once(link));
                let rows = KeySet { at: at.clone(), pointing: Some(link.clone()) };
                self.push(rows, Act::LetGo(columns), None, [Vec::new(), Vec::new()]);
            }
        }
    }

    /// What named categories do to a table: the row goes where nothing else is in it, otherwise columns are masked.
    fn named(&self, at: &TableRef, table: &TableMap) -> Result<Option<Decision>, PlanError> {
        let is_named = |category: &str| self.target.categories.iter().any(|named| named == category);
        let columns: Vec<_> = table.personal().filter(|(_, category)| is_named(category)).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let goes = |child: &TableRef| self.done.get(child) == Some(&Act::Delete);
        let nothing_else = columns.len() == table.personal().count() && self.graph.children_of(at).all(goes);
        if table.erase == Rule::Delete && table.subject.is_none() && nothing_else {
            return Ok(Some((Act::Delete, None, [distinct(columns.iter().map(|(_, c)| *c)), Vec::new()])));
        }
        let (mut masks, mut erased, mut kept) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (column, category) in columns {
            match table.mask.get(column) {
                Some(mask) if *mask != Mask::Detach => {
                    masks.insert(column.to_owned(), mask.clone());
                    erased.push(category);
                }
                _ if table.keep.is_some() => kept.push(category),
                _ => return Err(PlanError::NoMask { at: at.clone(), column: column.to_owned() }),
            }
        }
        let keep = table.keep.clone().filter(|_| !kept.is_empty());
        let act = if masks.is_empty() { Act::Keep } else { Act::Mask(masks) };
        Ok(Some((act, keep, [distinct(erased), distinct(kept)])))
    }
}

type Decision = (Act, Option<Keep>, [Vec<String>; 2]);

/// What the map's rule does to a table of a subject that goes as a whole.
fn whole(table: &TableMap) -> Decision {
    let masked = |column: &str| table.mask.get(column).is_some_and(|mask| *mask != Mask::Detach);
    let of = |wanted: bool| table.personal().filter(move |(column, _)| masked(column) == wanted).map(|(_, c)| c);
    match table.erase {
        Rule::Delete => (Act::Delete, None, [or_none(distinct(table.personal().map(|(_, c)| c))), Vec::new()]),
        Rule::Mask | Rule::Keep => {
            let keeps = if table.keep.is_some() { or_none(distinct(of(false))) } else { Vec::new() };
            let act = if table.mask.is_empty() { Act::Keep } else { Act::Mask(table.mask.clone()) };
            (act, table.keep.clone(), [distinct(of(true)), keeps])
        }
    }
}

fn let_go_columns<'l>(table: &TableMap, links: impl Iterator<Item = &'l Link>) -> BTreeMap<String, Mask> {
    let columns = links.flat_map(|link| &link.columns);
    let let_go = columns.filter_map(|column| Some((column.clone(), table.mask.get(column)?.clone())));
    let_go.filter(|(_, mask)| matches!(mask, Mask::Detach | Mask::Constant(_))).collect()
}

fn distinct<'c>(categories: impl IntoIterator<Item = &'c str>) -> Vec<String> {
    categories.into_iter().collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

fn or_none(categories: Vec<String>) -> Vec<String> {
    if categories.is_empty() { vec![NO_CATEGORY.to_owned()] } else { categories }
}
