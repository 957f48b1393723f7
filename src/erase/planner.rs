//! What the map's rules come to for each table of a plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PlanError;
use super::graph::Graph;
use super::map::{DataMap, Keep, Link, Mask, NO_CATEGORY, Rule, TableMap, TableRef};
use super::plan::{Act, KeySet, Step, Target};
use crate::domain::Scope;

pub(super) struct Planner<'a> {
    map: &'a DataMap,
    target: &'a Target,
    graph: &'a Graph,
    /// The tables whose rows are deleted; leaves come first.
    deleted: BTreeSet<TableRef>,
    pub(super) steps: Vec<Step>,
}

/// What an act leaves of the categories.
#[derive(Default)]
struct Told {
    erases: Vec<String>,
    keeps: Vec<String>,
    keep: Option<Keep>,
    anonymous: bool,
}

impl<'a> Planner<'a> {
    pub(super) const fn of(map: &'a DataMap, target: &'a Target, graph: &'a Graph) -> Self {
        Self { map, target, graph, deleted: BTreeSet::new(), steps: Vec::new() }
    }

    fn push(&mut self, rows: KeySet, act: Act, told: Told) {
        let number = u16::try_from(self.steps.len()).unwrap_or(u16::MAX);
        let Told { erases, keeps, keep, anonymous } = told;
        self.steps.push(Step { number, rows, act, keep, erases, keeps, anonymous });
    }

    /// Lets rows of a circle go of one another.
    pub(super) fn open(&mut self, at: &TableRef, group: &BTreeSet<TableRef>) {
        let Some(table) = self.map.table(at).filter(|table| table.erase == Rule::Delete) else { return };
        if self.target.scope == Scope::Data {
            return; // nothing of a circle is deleted
        }
        let inside = table.belongs_to.iter().filter(|link| group.contains(&link.to));
        let columns = let_go_columns(table, inside);
        if !columns.is_empty() {
            self.push(KeySet::of(at.clone()), Act::Open(columns), Told::default());
        }
    }

    pub(super) fn table(&mut self, at: &TableRef) -> Result<(), PlanError> {
        let Some(table) = self.map.table(at) else { return Ok(()) };
        match (self.target.scope, table.erase) {
            (Scope::Data, _) => self.named(at, table)?,
            (_, Rule::Delete) => self.delete(at, or_none(distinct(table.personal().map(|(_, c)| c)))),
            (_, Rule::Mask | Rule::Keep) => self.stays(at, table),
        }
        Ok(())
    }

    fn delete(&mut self, at: &TableRef, erases: Vec<String>) {
        self.let_go_of(at);
        self.deleted.insert(at.clone());
        self.push(KeySet::of(at.clone()), Act::Delete, Told { erases, ..Told::default() });
    }

    /// Rows anywhere that point to rows that will be deleted.
    fn let_go_of(&mut self, parent: &TableRef) {
        for (at, table) in self.map.tables() {
            for link in table.refers_to.iter().filter(|link| link.to == *parent) {
                let columns = let_go_columns(table, std::iter::once(link));
                let rows = KeySet { pointing: Some(link.clone()), ..KeySet::of(at.clone()) };
                self.push(rows, Act::LetGo(columns), Told::default());
            }
        }
    }

    /// The rows stay, by the map's rule: they let go of what is erased, and what the map masks is masked.
    fn stays(&mut self, at: &TableRef, table: &TableMap) {
        let graph = self.graph;
        for link in table.belongs_to.iter().filter(|link| graph.has(&link.to)) {
            let columns =
                link.columns.iter().filter_map(|column| Some((column.clone(), table.mask.get(column)?.clone())));
            let columns: BTreeMap<_, _> = columns.collect();
            if !columns.is_empty() {
                let rows = KeySet { pointing: Some(link.clone()), ..KeySet::of(at.clone()) };
                self.push(rows, Act::Cut(columns), Told::default());
            }
        }
        let plain: BTreeMap<_, _> = table
            .mask
            .iter()
            .filter(|(column, _)| !is_linked(table, column))
            .map(|(c, m)| (c.clone(), m.clone()))
            .collect();
        let gone = |column: &str| plain.contains_key(column) || self.is_cut(table, column);
        let erases = distinct(table.personal().filter(|(column, _)| gone(column)).map(|(_, c)| c));
        // What a link holds that is not cut is somebody else's.
        let left = |column: &str| !gone(column) && !is_linked(table, column);
        let keeps = distinct(table.personal().filter(|(column, _)| left(column)).map(|(_, c)| c));
        let anonymous = self.is_anonymous(at, &mut BTreeSet::new());
        if let Some(keep) = &table.keep {
            self.past_keeping(at, table, &plain);
            let act = if plain.is_empty() { Act::Keep } else { Act::Mask(plain) };
            let told = Told { erases, keeps: or_none(keeps), keep: Some(keep.clone()), anonymous };
            self.push(KeySet::of(at.clone()), act, told);
        } else {
            let act = if plain.is_empty() { Act::Keep } else { Act::Mask(plain) };
            self.push(KeySet::of(at.clone()), act, Told { erases, anonymous, ..Told::default() });
        }
    }

    /// Rows of a kept table whose time is over have no ground to stay: they go where nothing hangs on them, and
    /// otherwise all that is personal in them goes.
    fn past_keeping(&mut self, at: &TableRef, table: &TableMap, plain: &BTreeMap<String, Mask>) {
        let rows = KeySet { ended: true, ..KeySet::of(at.clone()) };
        let points_here = |link: &Link| link.to == *at;
        let hangs = self.map.tables().any(|(_, t)| t.belongs_to.iter().chain(&t.refers_to).any(points_here));
        if table.erase == Rule::Keep && !hangs {
            let erases = or_none(distinct(table.personal().map(|(_, c)| c)));
            return self.push(rows, Act::Delete, Told { erases, ..Told::default() });
        }
        let mut columns: BTreeMap<_, _> = plain.iter().map(|(c, mask)| (c.clone(), Some(mask.clone()))).collect();
        for (column, _) in table.personal().filter(|(column, _)| !is_linked(table, column)) {
            columns.entry(column.to_owned()).or_insert(None);
        }
        let erases = distinct(table.personal().map(|(_, c)| c));
        // How a column without a mask is emptied is the store's to say, and a tombstone still tells rows apart.
        let anonymous = columns.values().all(Option::is_some) && self.is_anonymous(at, &mut BTreeSet::new());
        self.push(rows, Act::Blank(columns), Told { erases, anonymous, ..Told::default() });
    }

    /// What named categories do to a table: the row goes where nothing else is in it, otherwise columns are masked.
    fn named(&mut self, at: &TableRef, table: &TableMap) -> Result<(), PlanError> {
        let is_named = |category: &str| self.target.categories.iter().any(|named| named == category);
        let columns: Vec<_> = table.personal().filter(|(_, category)| is_named(category)).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let goes = |child: &TableRef| self.deleted.contains(child);
        let nothing_else = columns.len() == table.personal().count() && self.graph.children_of(at).all(goes);
        if table.erase == Rule::Delete && table.subject.is_none() && nothing_else {
            self.delete(at, distinct(columns.iter().map(|(_, c)| *c)));
            return Ok(());
        }
        let (mut masks, mut blanks) = (BTreeMap::new(), BTreeMap::new());
        let (mut erased, mut kept) = (Vec::new(), Vec::new());
        for (column, category) in columns {
            match table.mask.get(column) {
                Some(mask) if *mask != Mask::Detach => {
                    masks.insert(column.to_owned(), mask.clone());
                    blanks.insert(column.to_owned(), Some(mask.clone()));
                    erased.push(category);
                }
                _ if table.keep.is_some() => {
                    blanks.insert(column.to_owned(), None);
                    kept.push(category);
                }
                _ => return Err(PlanError::NoMask { at: at.clone(), column: column.to_owned() }),
            }
        }
        let keep = table.keep.clone().filter(|_| !kept.is_empty());
        if keep.is_some() {
            let erases = distinct(erased.iter().chain(&kept).copied());
            let rows = KeySet { ended: true, ..KeySet::of(at.clone()) };
            self.push(rows, Act::Blank(blanks), Told { erases, ..Told::default() });
        }
        let act = if masks.is_empty() { Act::Keep } else { Act::Mask(masks) };
        let told = Told { erases: distinct(erased), keeps: distinct(kept), keep, anonymous: false };
        self.push(KeySet::of(at.clone()), act, told);
        Ok(())
    }

    /// Whether rows of the table are part of the plan.
    fn has(&self, at: &TableRef) -> bool {
        self.graph.has(at)
    }

    /// Whether a column is masked wherever it holds a key of the target's rows.
    fn is_cut(&self, table: &TableMap, column: &str) -> bool {
        let holds = |link: &Link| self.has(&link.to) && link.columns.iter().any(|held| held == column);
        table.mask.contains_key(column) && table.belongs_to.iter().any(holds)
    }

    /// Whether nothing is left in a row of the table that tells whose it was: no personal column, no tombstone (it
    /// still tells one row from another), and no link that leads to a person, also over other tables.
    fn is_anonymous(&self, at: &TableRef, seen: &mut BTreeSet<TableRef>) -> bool {
        let Some(table) = self.map.table(at).filter(|table| table.subject.is_none()) else { return false };
        if !seen.insert(at.clone()) {
            return false;
        }
        let empties = |mask: &Mask| matches!(mask, Mask::Null | Mask::Detach | Mask::Constant(_));
        let is_empty = |column: &str| {
            table.mask.get(column).is_some_and(empties) && (!is_linked(table, column) || self.is_cut(table, column))
        };
        let let_go = |link: &Link| link.columns.iter().any(|column| table.mask.get(column).is_some_and(empties));
        table.personal().all(|(column, _)| is_empty(column))
            && table.refers_to.iter().all(|link| self.is_nobodys(&link.to))
            && table.belongs_to.iter().all(|link| {
                self.is_nobodys(&link.to)
                    || self.has(&link.to) && (let_go(link) || self.stays_anonymous(&link.to, seen))
            })
    }

    fn stays_anonymous(&self, at: &TableRef, seen: &mut BTreeSet<TableRef>) -> bool {
        self.map.table(at).is_some_and(|table| table.erase != Rule::Delete) && self.is_anonymous(at, seen)
    }

    fn is_nobodys(&self, at: &TableRef) -> bool {
        self.map.table(at).is_some_and(TableMap::is_nobodys)
    }
}

/// Whether a column holds another row's key: what it holds is told by the link, and cut with the link only.
fn is_linked(table: &TableMap, column: &str) -> bool {
    table.belongs_to.iter().chain(&table.refers_to).any(|link| link.columns.iter().any(|held| held == column))
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
