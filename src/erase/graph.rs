//! What belongs to what: groups of tables that are found together, in the order root → leaf. Pure.
//!
//! Tables whose links run in a circle (also a table that points to itself) are one group; a circle can be deleted
//! only where a link of it is let go of first.

use std::collections::{BTreeMap, BTreeSet};

use super::map::{DataMap, Link, TableMap, TableRef};

/// The tables and who belongs to whom.
pub(super) struct Graph {
    /// Owner → the tables whose rows belong to it.
    children: BTreeMap<TableRef, BTreeSet<TableRef>>,
}

/// In what order the tables of a group are deleted, owners first, and whether they run in a circle.
pub(super) struct Ordering {
    pub(super) tables: Vec<TableRef>,
    pub(super) circular: bool,
}

impl Graph {
    /// The graph of the tables that pass the filter.
    pub(super) fn of(map: &DataMap, wanted: impl Fn(&TableRef) -> bool) -> Self {
        let mut children = BTreeMap::<_, BTreeSet<_>>::new();
        for (at, table) in map.tables().filter(|(at, _)| wanted(at)) {
            children.entry(at.clone()).or_default();
            for link in table.belongs_to.iter().filter(|link| wanted(&link.to)) {
                children.entry(link.to.clone()).or_default().insert(at.clone());
            }
            for holder in table.held_by.iter().filter(|holder| wanted(&holder.by)) {
                children.entry(holder.by.clone()).or_default().insert(at.clone());
            }
        }
        Self { children }
    }

    /// The table and everything that belongs to it, at any depth.
    pub(super) fn below(&self, root: &TableRef) -> BTreeSet<TableRef> {
        let mut below = BTreeSet::new();
        let mut next = vec![root.clone()];
        while let Some(table) = next.pop() {
            if below.insert(table.clone()) {
                next.extend(self.children_of(&table).cloned());
            }
        }
        below
    }

    /// Whether the table passed the filter.
    pub(super) fn has(&self, table: &TableRef) -> bool {
        self.children.contains_key(table)
    }

    /// The tables whose rows belong to this one.
    pub(super) fn children_of(&self, table: &TableRef) -> impl Iterator<Item = &TableRef> {
        self.children.get(table).into_iter().flatten()
    }

    /// Groups of tables that reach one another, owners before what belongs to them.
    pub(super) fn groups(&self) -> Vec<BTreeSet<TableRef>> {
        let reach: BTreeMap<_, _> = self.children.keys().map(|table| (table, self.below(table))).collect();
        let mut groups = Vec::<BTreeSet<TableRef>>::new();
        for (table, below) in &reach {
            if !groups.iter().any(|group| group.contains(*table)) {
                let both = below.iter().filter(|other| reach.get(other).is_some_and(|back| back.contains(*table)));
                groups.push(both.cloned().collect());
            }
        }
        // Whoever reaches more comes first: an owner reaches all that its belongings reach, and itself. Equals are
        // unrelated; their names decide, so that the same map gives the same plan.
        groups.sort_by_key(|group| {
            let first = group.first();
            (std::cmp::Reverse(first.and_then(|table| reach.get(table)).map_or(0, BTreeSet::len)), first.cloned())
        });
        groups
    }

    /// The tables of one group, owners first, after the links that are let go of.
    ///
    /// # Errors
    /// A table of a circle that stays closed.
    pub(super) fn order_within(&self, map: &DataMap, group: &BTreeSet<TableRef>) -> Result<Ordering, TableRef> {
        let circular = group.len() > 1 || group.iter().any(|table| self.children_of(table).any(|child| child == table));
        let mut owners: BTreeMap<&TableRef, BTreeSet<&TableRef>> = group.iter().map(|t| (t, BTreeSet::new())).collect();
        for table in group {
            let closed = closed_links(map, table, group).map(|link| &link.to);
            owners.entry(table).or_default().extend(closed);
        }
        let mut tables = Vec::new();
        while let Some(first) = owners.keys().next().copied() {
            let free = owners.iter().find(|(_, of)| of.is_empty()).map(|(table, _)| *table);
            let free = free.ok_or_else(|| first.clone())?;
            owners.remove(free);
            for of in owners.values_mut() {
                of.remove(free);
            }
            tables.push(free.clone());
        }
        Ok(Ordering { tables, circular })
    }
}

/// The links inside a group to rows that are deleted, as far as they are still there then: a row that is deleted lets
/// go before all others where the map says so, a row that stays lets go in its own turn (or with those that are deleted,
/// where the same table has both), and neither waits for an owner that stays. Rows that hold others are deleted
/// like any that point there.
fn closed_links<'m>(
    map: &'m DataMap,
    table: &TableRef,
    group: &'m BTreeSet<TableRef>,
) -> impl Iterator<Item = &'m Link> {
    let is_deleted = |at: &TableRef| map.table(at).is_some_and(TableMap::goes);
    map.table(table).into_iter().flat_map(move |known| {
        let opens = move |link: &Link| known.goes() && known.lets_go(link);
        known.belongs_to.iter().filter(move |link| group.contains(&link.to) && is_deleted(&link.to) && !opens(link))
    })
}
