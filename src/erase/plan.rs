//! Map and target → what will be done, in which order, and a digest of it. Pure: reads no store.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::PlanError;
use super::graph::Graph;
use super::map::{DataMap, Keep, Link, Mask, TableMap, TableRef};
use super::planner::Planner;
use super::preview::Preview;
use crate::domain::{Scope, SubjectKind};
use crate::stores::{Key, KeyValue, StoreName};
use crate::verify::Authority;

/// What is to be erased: one row and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// How much.
    pub scope: Scope,
    /// What the root row is.
    pub subject_kind: SubjectKind,
    /// The store of the root row.
    pub store: StoreName,
    /// Its table.
    pub table: String,
    /// Its key, as it was asked for; the row's own is read from the store.
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeySet {
    /// Their table.
    pub at: TableRef,
    /// `None`: the rows that belong to the target. Otherwise the rows that point to those by this link.
    pub pointing: Option<Link>,
    /// Of a table with several answers: the rows that have this one, by its place. `None`: all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<u16>,
    /// Of a table whose rows are kept for a while: those whose time is over.
    pub ended: bool,
    /// Not the keys of the rows but what they hold in this column, by which a person is recognised; with `ended`, an
    /// identity that recipients are told; with `pointing`, rows that stay though they hold one.
    pub by: Option<String>,
}

impl KeySet {
    /// The rows of a table that belong to the target.
    pub(super) const fn of(at: TableRef) -> Self {
        Self { at, pointing: None, answer: None, ended: false, by: None }
    }

    /// What the target's rows of a table hold in a column by which a person is recognised.
    #[must_use]
    pub fn by(at: TableRef, column: String) -> Self {
        Self { by: Some(column), ..Self::of(at) }
    }

    /// What recipients are told of the target's rows of a table, by the name of the identity.
    pub(super) fn told(at: TableRef, identity: String) -> Self {
        Self { by: Some(identity), ended: true, ..Self::of(at) }
    }

    /// Rows of a table that stay though they hold a saved identity in this column: their keys, each with what it holds.
    pub(super) fn staying(at: TableRef, column: String) -> Self {
        let itself = Link::plain(at.clone(), vec![column.clone()]);
        Self { by: Some(column), pointing: Some(itself), ..Self::of(at) }
    }
}

impl fmt::Display for KeySet {
    /// A name to store it under, such as `shop.orders` or `shop.tickets(assignee_id to shop.users)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at)?;
        if let (Some(column), Some(_)) = (&self.by, &self.pointing) {
            return write!(f, " by {column} to stay");
        }
        if let Some(link) = &self.pointing {
            write!(f, "({} to {}", link.columns.join(","), link.to)?;
            for (column, words) in &link.when {
                write!(f, " when {column} is {}", words.join(","))?;
            }
            f.write_str(")")?;
        }
        if let Some(answer) = self.answer {
            write!(f, " by answer {answer}")?;
        }
        if let Some(column) = &self.by {
            write!(f, " by {column}")?;
        }
        if self.ended && self.by.is_some() {
            return f.write_str(" to tell");
        }
        if self.ended { f.write_str(" past keeping") } else { Ok(()) }
    }
}

/// What a step does to its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Opens a circle of links, so that the rows can be deleted by a later step.
    Open(BTreeMap<String, Mask>),
    /// Rows of others let go of what will be deleted.
    LetGo(BTreeMap<String, Mask>),
    /// Rows of the target that stay let go of the target's other rows, and of nobody else.
    Cut(BTreeMap<String, Mask>),
    /// The rows are deleted.
    Delete,
    /// The rows stay, and these columns are masked.
    Mask(BTreeMap<String, Mask>),
    /// The rows stay without a ground, so that all that is personal in them goes: masked where the map says how,
    /// otherwise as empty as the column may be.
    Blank(BTreeMap<String, Option<Mask>>),
    /// The rows stay as they are.
    Keep,
}

impl Act {
    /// The word for tables and records.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::LetGo(_) | Self::Cut(_) => "detach",
            Self::Delete => "delete",
            Self::Mask(_) | Self::Blank(_) => "mask",
            Self::Keep => "keep",
        }
    }

    /// Whether the same rows stand in another step, which tells what becomes of them.
    #[must_use]
    pub const fn prepares(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Cut(_))
    }
}

/// One step: one act on one set of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The rows stay, and nothing in them tells whose they were: no personal column, no tombstone, no link to anybody.
    pub anonymous: bool,
    /// The categories that are only pseudonymised in the rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pseudonyms: Vec<String>,
    /// Until when the rows stayed, in the plan of a retention that ended: one whose time is not over is none of its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<Keep>,
}

/// What will be done, in order. Says nothing about how many rows there are.
///
/// It is complete: a run that goes on under it needs no data map, so that a map that was changed meanwhile changes
/// nothing of what was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skeleton {
    /// The target.
    pub target: Target,
    /// The tables in the order in which rows are found, root first; a circle is found together.
    pub finds: Vec<Vec<TableRef>>,
    /// The steps in the order in which they are done, leaves first and the root last.
    pub steps: Vec<Step>,
    /// What the map says of every table above.
    pub tables: Vec<(TableRef, TableMap)>,
    /// SHA-256 over the canonical JSON (RFC 8785) of tables, target, finds and steps.
    #[serde(with = "hex")]
    pub digest: [u8; 32],
}

impl Skeleton {
    /// What the map said of a table.
    pub(super) fn table(&self, at: &TableRef) -> Option<&TableMap> {
        self.tables.iter().find(|(known, _)| known == at).map(|(_, table)| table)
    }

    /// Whether rows of the target are looked for in a table.
    pub(super) fn finds_in(&self, at: &TableRef) -> bool {
        self.finds.iter().flatten().any(|found| found == at)
    }

    /// The sets that no step is about and that tell later whose a row is: all rows of the target, and those that were
    /// found by a link which a circle lets go of.
    pub(super) fn witnesses(&self) -> BTreeSet<KeySet> {
        let tables = self.finds.iter().flatten().cloned().map(KeySet::of);
        let opened = self.steps.iter().flat_map(|step| {
            let Act::Open(columns) = &step.act else { return Vec::new() };
            let links = self.table(&step.rows.at).into_iter().flat_map(|table| &table.belongs_to);
            let lets_go = |link: &&Link| link.columns.iter().any(|column| columns.contains_key(column));
            // No step's rows that point are past keeping, so that these are a set of their own.
            let set =
                |link: &Link| KeySet { pointing: Some(link.clone()), ended: true, ..KeySet::of(step.rows.at.clone()) };
            links.filter(lets_go).filter(|link| self.finds_in(&link.to)).map(set).collect()
        });
        let of_steps = |set: &KeySet| self.steps.iter().any(|step| step.rows == *set);
        tables.chain(opened).filter(|set| !of_steps(set)).collect()
    }
}

pub(crate) mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(digest: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&data_encoding::HEXLOWER.encode(digest))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(from)?;
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| D::Error::custom("not a digest in hex"))
    }
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
    let mut planner = Planner::of(map, target, &graph);
    let mut finds = Vec::new();
    for group in groups.iter().rev() {
        let order = graph.order_within(map, group).map_err(|at| PlanError::Circle { at })?;
        if order.circular {
            order.tables.iter().for_each(|at| planner.open(at, group));
        }
        for at in order.tables.iter().rev() {
            planner.table(at, order.circular.then_some(group))?;
        }
        finds.push(order.tables);
    }
    finds.reverse();
    let steps = planner.steps;
    if target.scope == Scope::Data && steps.is_empty() {
        return Err(PlanError::NothingNamed { at: root });
    }
    let found = || finds.iter().flatten();
    let holders = found().filter_map(|at| map.table(at)).flat_map(|table| &table.held_by).map(|holder| &holder.by);
    let named: BTreeSet<&TableRef> = found().chain(steps.iter().map(|step| &step.rows.at)).chain(holders).collect();
    let tables = named.into_iter().filter_map(|at| Some((at.clone(), map.table(at)?.clone()))).collect();
    let skeleton = Skeleton { target: target.clone(), finds, steps, tables, digest: [0; 32] };
    let digest = digest(&skeleton)?;
    Ok(Skeleton { digest, ..skeleton })
}

fn fits(map: &DataMap, target: &Target, root: &TableRef) -> Result<(), PlanError> {
    let table = map.table(root).ok_or_else(|| PlanError::UnknownTable { at: root.clone() })?;
    let of_scope = target.scope == Scope::Data || target.subject_kind.scope() == Some(target.scope);
    if table.subject.as_ref() != Some(&target.subject_kind) || !of_scope {
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

/// Everything that people approve: what the map says of the tables that the plan touches, and what is made of it. Not
/// where a store stands and how long its backups live, which change nothing of the erasing. Numbers in keys are
/// written as text: canonical JSON knows doubles only.
pub(super) fn digest(skeleton: &Skeleton) -> Result<[u8; 32], PlanError> {
    let kind = |value: &KeyValue| match value {
        KeyValue::Int(_) => "int",
        KeyValue::Text(_) => "text",
        KeyValue::Bytes(_) => "bytes",
        KeyValue::Uuid(_) => "uuid",
    };
    let target = &skeleton.target;
    let key: Vec<_> = target.key.0.iter().map(|value| (kind(value), value.to_text())).collect();
    let mut categories = target.categories.clone();
    categories.sort();
    let everything = serde_json::json!({
        "version": 2,
        "tables": skeleton.tables,
        "scope": target.scope,
        "root": { "subject": target.subject_kind, "table": target.at(), "key": key },
        "categories": categories,
        "finds": skeleton.finds,
        "steps": skeleton.steps,
    });
    let canonical = serde_json_canonicalizer::to_vec(&everything).map_err(|_| PlanError::Canonical)?;
    Ok(Sha256::digest(&canonical).into())
}
