//! What the map's rules come to for each table of a plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PlanError;
use super::graph::Graph;
use super::keeping::blanks;
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
    pseudonyms: Vec<String>,
}

impl<'a> Planner<'a> {
    pub(super) const fn of(map: &'a DataMap, target: &'a Target, graph: &'a Graph) -> Self {
        Self { map, target, graph, deleted: BTreeSet::new(), steps: Vec::new() }
    }

    fn push(&mut self, rows: KeySet, act: Act, told: Told) {
        let number = u16::try_from(self.steps.len()).unwrap_or(u16::MAX);
        let Told { erases, keeps, keep, anonymous, pseudonyms } = told;
        self.steps.push(Step { number, rows, act, keep, erases, keeps, anonymous, pseudonyms, past: None });
    }

    /// Lets rows of a circle go of one another.
    pub(super) fn open(&mut self, at: &TableRef, group: &BTreeSet<TableRef>) {
        let Some(table) = self.map.table(at).filter(|_| self.target.scope != Scope::Data) else {
            return; // nothing of a circle is deleted
        };
        let inside = |link: &&Link| group.contains(&link.to);
        let columns = table.letting_go(table.belongs_to.iter().filter(inside));
        for (answer, variant) in table.variants() {
            if variant.erase == Rule::Delete && !columns.is_empty() {
                self.push(KeySet { answer, ..KeySet::of(at.clone()) }, Act::Open(columns.clone()), Told::default());
            }
        }
        if table.goes() && table.stays() {
            self.cut(at, table, inside);
        }
        self.share(at, table, inside);
    }

    /// Does what the map says of a table; `circle` are the tables that were opened with it.
    pub(super) fn table(&mut self, at: &TableRef, circle: Option<&BTreeSet<TableRef>>) -> Result<(), PlanError> {
        let Some(table) = self.map.table(at) else { return Ok(()) };
        if self.target.scope == Scope::Data {
            for (answer, variant) in table.variants() {
                self.named(&KeySet { answer, ..KeySet::of(at.clone()) }, &variant)?;
            }
            return Ok(());
        }
        let opened = |link: &Link| circle.is_some_and(|group| group.contains(&link.to));
        self.share(at, table, |link| !opened(link));
        if table.stays() {
            self.cut(at, table, |link| !(table.goes() && opened(link)));
        }
        if table.goes() {
            self.let_go_of(at);
            self.deleted.insert(at.clone());
        }
        for (answer, variant) in table.variants() {
            let rows = KeySet { answer, ..KeySet::of(at.clone()) };
            match variant.erase {
                Rule::Delete => self.delete(rows, or_none(distinct(table.personal().map(|(_, c)| c)))),
                Rule::Mask | Rule::Keep => self.stays(rows, &variant),
            }
        }
        Ok(())
    }

    fn delete(&mut self, rows: KeySet, erases: Vec<String>) {
        self.push(rows, Act::Delete, Told { erases, ..Told::default() });
    }

    /// Rows anywhere that point to rows that will be deleted.
    fn let_go_of(&mut self, parent: &TableRef) {
        for (at, table) in self.map.tables() {
            for link in table.refers_to.iter().filter(|link| link.to == *parent) {
                let columns = table.letting_go(std::iter::once(link));
                let rows = KeySet { pointing: Some(link.clone()), ..KeySet::of(at.clone()) };
                self.push(rows, Act::LetGo(columns), Told::default());
            }
        }
    }

    /// Rows that others share with the target let go of it. Where rows stay anyhow, they are cut.
    fn share(&mut self, at: &TableRef, table: &TableMap, wanted: impl Fn(&&Link) -> bool) {
        let graph = self.graph;
        let shared = table.belongs_to.iter().filter(|link| link.shared && graph.has(&link.to) && table.goes());
        for link in shared.filter(wanted) {
            let columns = table.letting_go(std::iter::once(link));
            let rows = KeySet { pointing: Some(link.clone()), ..KeySet::of(at.clone()) };
            self.push(rows, Act::LetGo(columns), Told::default());
        }
    }

    /// Rows that stay let go of what is erased.
    fn cut(&mut self, at: &TableRef, table: &TableMap, wanted: impl Fn(&&Link) -> bool) {
        let graph = self.graph;
        let shared = |link: &Link| link.shared && table.goes();
        for link in table.belongs_to.iter().filter(|link| graph.has(&link.to) && !shared(link)).filter(wanted) {
            let columns =
                link.columns.iter().filter_map(|column| Some((column.clone(), table.mask.get(column)?.clone())));
            let columns: BTreeMap<_, _> = columns.collect();
            if !columns.is_empty() {
                let rows = KeySet { pointing: Some(link.clone()), ..KeySet::of(at.clone()) };
                self.push(rows, Act::Cut(columns), Told::default());
            }
        }
    }

    /// The rows stay, by the map's rule: what the map masks is masked.
    fn stays(&mut self, rows: KeySet, table: &TableMap) {
        let at = rows.at.clone();
        let plain = plain(table);
        let gone =
            |column: &str| plain.get(column).is_some_and(|mask| *mask != Mask::Pseudonym) || self.is_cut(table, column);
        let pseudonyms = pseudonyms(table, &plain);
        let erases = distinct(table.personal().filter(|(column, _)| gone(column)).map(|(_, c)| c));
        // What a link holds that is not cut is somebody else's.
        let left = |column: &str| !gone(column) && !table.is_linked(column);
        let keeps = distinct(table.personal().filter(|(column, _)| left(column)).map(|(_, c)| c));
        let anonymous = self.is_anonymous(&at, table, &mut BTreeSet::new());
        if let Some(keep) = &table.keep {
            self.past_keeping(&rows, table, &plain);
            let act = if plain.is_empty() { Act::Keep } else { Act::Mask(plain) };
            let told = Told { erases, keeps: or_none(keeps), keep: Some(keep.clone()), anonymous, pseudonyms };
            self.push(rows, act, told);
        } else {
            let act = if plain.is_empty() { Act::Keep } else { Act::Mask(plain) };
            self.push(rows, act, Told { erases, anonymous, ..Told::default() });
        }
    }

    /// Rows that a completed erasure kept, of which the time of some may be over; of named categories, in these columns.
    pub(super) fn ended(
        &mut self,
        kept: &KeySet,
        table: &TableMap,
        columns: Option<&[String]>,
        past: Keep,
    ) -> Result<(), PlanError> {
        match columns {
            None => self.past_keeping(kept, table, &plain(table)),
            Some(columns) => {
                let blanks = blanks(&kept.at, table, columns)?;
                let erases =
                    distinct(table.personal().filter(|(column, _)| blanks.contains_key(*column)).map(|(_, c)| c));
                let rows = KeySet { ended: true, ..kept.clone() };
                self.push(rows, Act::Blank(blanks), Told { erases, ..Told::default() });
            }
        }
        if let Some(step) = self.steps.last_mut() {
            step.past = Some(past);
        }
        Ok(())
    }

    /// Rows of a kept table whose time is over have no ground to stay: they go where nothing hangs on them, and
    /// otherwise all that is personal in them goes.
    fn past_keeping(&mut self, kept: &KeySet, table: &TableMap, plain: &BTreeMap<String, Mask>) {
        let rows = KeySet { ended: true, ..kept.clone() };
        let points_here = |link: &Link| link.to == kept.at;
        let hangs = self.map.tables().any(|(_, t)| t.belongs_to.iter().chain(&t.refers_to).any(points_here));
        if table.erase == Rule::Keep && !hangs {
            let erases = or_none(distinct(table.personal().map(|(_, c)| c)));
            return self.push(rows, Act::Delete, Told { erases, ..Told::default() });
        }
        let mut columns: BTreeMap<_, _> = whole(plain.iter()).collect();
        for (column, _) in table.personal().filter(|(column, _)| !table.is_linked(column)) {
            columns.entry(column.to_owned()).or_insert(None);
        }
        let erases = distinct(table.personal().map(|(_, c)| c));
        // How a column without a mask is emptied is the store's to say, and a tombstone still tells rows apart.
        let anonymous =
            columns.values().all(Option::is_some) && self.is_anonymous(&kept.at, table, &mut BTreeSet::new());
        self.push(rows, Act::Blank(columns), Told { erases, anonymous, ..Told::default() });
    }

    /// What named categories do to a table: the row goes where nothing else is in it, otherwise columns are masked.
    fn named(&mut self, rows: &KeySet, table: &TableMap) -> Result<(), PlanError> {
        let at = &rows.at;
        let is_named = |category: &str| self.target.categories.iter().any(|named| named == category);
        let columns: Vec<_> = table.personal().filter(|(_, category)| is_named(category)).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let goes = |child: &TableRef| self.deleted.contains(child);
        let nothing_else = columns.len() == table.personal().count() && self.graph.children_of(at).all(goes);
        if table.erase == Rule::Delete && table.subject.is_none() && nothing_else {
            let erases = distinct(columns.iter().map(|(_, c)| *c));
            self.let_go_of(at);
            self.delete(rows.clone(), erases);
            // Of a table with other answers some rows stay, and what belongs to them does too.
            if table.answers.is_empty() {
                self.deleted.insert(at.clone());
            }
            return Ok(());
        }
        let (mut masks, mut blanks) = (BTreeMap::new(), BTreeMap::new());
        let (mut erased, mut kept) = (Vec::new(), Vec::new());
        for (column, category) in columns {
            match table.mask.get(column) {
                Some(mask) if !matches!(mask, Mask::Detach | Mask::Reown(_)) => {
                    masks.insert(column.to_owned(), mask.clone());
                    blanks.extend(whole(std::iter::once((&column.to_owned(), mask))));
                    if *mask == Mask::Pseudonym { kept.push(category) } else { erased.push(category) }
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
            let rows = KeySet { ended: true, ..rows.clone() };
            self.push(rows, Act::Blank(blanks), Told { erases, ..Told::default() });
        }
        let pseudonyms = pseudonyms(table, &masks);
        let act = if masks.is_empty() { Act::Keep } else { Act::Mask(masks) };
        let told = Told { erases: distinct(erased), keeps: distinct(kept), keep, anonymous: false, pseudonyms };
        self.push(rows.clone(), act, told);
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
    fn is_anonymous(&self, at: &TableRef, table: &TableMap, seen: &mut BTreeSet<TableRef>) -> bool {
        if table.subject.is_some() || !table.held_by.is_empty() || !seen.insert(at.clone()) {
            return false;
        }
        let empties = |mask: &Mask| *mask == Mask::Null || mask.lets_go();
        let is_empty = |column: &str| {
            table.mask.get(column).is_some_and(empties) && (!table.is_linked(column) || self.is_cut(table, column))
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
        let stays = self.map.table(at).filter(|table| table.answers.is_empty() && table.stays());
        stays.is_some_and(|table| self.is_anonymous(at, table, seen))
    }

    fn is_nobodys(&self, at: &TableRef) -> bool {
        self.map.table(at).is_some_and(TableMap::is_nobodys)
    }
}

/// The masks of columns that hold no key of anybody.
fn plain(table: &TableMap) -> BTreeMap<String, Mask> {
    let masks = table.mask.iter().filter(|(column, _)| !table.is_linked(column));
    masks.map(|(column, mask)| (column.clone(), mask.clone())).collect()
}

/// The masks of rows that have no ground to stay: one that leaves something of the value leaves too much.
fn whole<'m>(masks: impl Iterator<Item = (&'m String, &'m Mask)>) -> impl Iterator<Item = (String, Option<Mask>)> {
    masks.map(|(column, mask)| (column.clone(), (!mask.is_remade()).then(|| mask.clone())))
}

/// The categories of columns that only get a pseudonym.
fn pseudonyms(table: &TableMap, masks: &BTreeMap<String, Mask>) -> Vec<String> {
    let only = |column: &str| masks.get(column) == Some(&Mask::Pseudonym);
    distinct(table.personal().filter(|(column, _)| only(column)).map(|(_, category)| category))
}

fn distinct<'c>(categories: impl IntoIterator<Item = &'c str>) -> Vec<String> {
    categories.into_iter().collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

fn or_none(categories: Vec<String>) -> Vec<String> {
    if categories.is_empty() { vec![NO_CATEGORY.to_owned()] } else { categories }
}
