//! Which rows of a declared table a selection means. Pure.

use std::collections::BTreeSet;

use super::{Shape, Shapes};
use crate::stores::{Select, StoreError};

/// A selection by what stands at places of the template.
pub struct Wanted<'a> {
    /// The table.
    pub table: &'a str,
    /// What its rows are.
    pub shape: &'a Shape,
    /// All that is declared of the store.
    pub shapes: &'a Shapes,
    columns: &'a [String],
    /// In every spelling, in the order of the columns.
    values: BTreeSet<Vec<Vec<u8>>>,
}

impl<'a> Wanted<'a> {
    /// Takes the values in every spelling that programs give them (a UUID with and without hyphens).
    ///
    /// # Errors
    /// A column that is no place, and a value that could not be told from another one in a name.
    pub(super) fn of(select: Select<'a>, shape: &'a Shape, shapes: &'a Shapes) -> Result<Self, StoreError> {
        let table = select.table;
        if let Some(column) = select.columns.iter().find(|column| !shape.places().any(|place| place == *column)) {
            return Err(StoreError::UnknownColumn { table: table.to_owned(), column: column.clone() });
        }
        let unfit = || StoreError::KeyShape { table: table.to_owned() };
        let mut values = BTreeSet::new();
        for key in select.values {
            if key.0.len() != select.columns.len() {
                return Err(unfit());
            }
            let mut tuples = vec![Vec::new()];
            for (value, place) in key.0.iter().zip(select.columns) {
                let spellings: Vec<_> = value.spellings().into_iter().map(String::into_bytes).collect();
                if !spellings.iter().all(|spelling| shape.takes(place, spelling)) {
                    return Err(unfit());
                }
                let longer = |tuple: &Vec<Vec<u8>>| {
                    let tuple = tuple.clone();
                    spellings.iter().map(move |spelling| [tuple.clone(), vec![spelling.clone()]].concat())
                };
                tuples = tuples.iter().flat_map(longer).collect();
            }
            values.extend(tuples);
        }
        Ok(Self { table, shape, shapes, columns: select.columns, values })
    }

    /// Whether a name with this member under it is wanted.
    #[must_use]
    pub fn takes(&self, name: &[u8], member: Option<&[u8]>) -> bool {
        let Some(mut held) = self.shape.pattern.read(name) else { return false };
        if let Some(template) = &self.shape.member {
            let Some(of_member) = member.and_then(|member| template.pattern.read(member)) else { return false };
            held.extend(of_member);
        }
        let at = |column: &String| {
            let place = self.shape.places().position(|place| place == column)?;
            Some(held.get(place)?.to_vec())
        };
        self.columns.iter().map(at).collect::<Option<Vec<_>>>().is_some_and(|tuple| self.values.contains(&tuple))
    }

    /// Whether the name alone tells what is wanted.
    #[must_use]
    pub fn is_by_name(&self) -> bool {
        self.columns.iter().all(|column| self.shape.pattern.places().any(|place| place == column))
    }

    /// Whether the name alone leaves it possible that something under it is wanted.
    #[must_use]
    pub fn may_hold(&self, name: &[u8]) -> bool {
        let Some(held) = self.shape.pattern.read(name) else { return false };
        let places: Vec<_> = self.shape.pattern.places().collect();
        let agrees = |tuple: &Vec<Vec<u8>>| {
            self.columns.iter().zip(tuple).all(|(column, value)| {
                let at = places.iter().position(|place| place == column);
                at.is_none_or(|at| held.get(at).is_some_and(|held| held == value))
            })
        };
        self.values.iter().any(agrees)
    }

    /// How the wanted names begin, and whether that is all of them.
    #[must_use]
    pub fn names(&self) -> BTreeSet<(Vec<u8>, bool)> {
        self.values.iter().map(|tuple| self.shape.pattern.begin(|place| self.at(tuple, place))).collect()
    }

    /// Name and member of each wanted row, where the values alone tell both.
    #[must_use]
    pub fn exact_members(&self) -> Option<BTreeSet<(Vec<u8>, Vec<u8>)>> {
        let member = self.shape.member.as_ref().filter(|member| member.field.is_none())?;
        let one = |tuple: &Vec<Vec<u8>>| {
            let (name, whole_name) = self.shape.pattern.begin(|place| self.at(tuple, place));
            let (member, whole_member) = member.pattern.begin(|place| self.at(tuple, place));
            (whole_name && whole_member).then_some((name, member))
        };
        self.values.iter().map(one).collect()
    }

    fn at(&self, tuple: &[Vec<u8>], place: &str) -> Option<Vec<u8>> {
        let column = self.columns.iter().position(|column| column == place)?;
        tuple.get(column).cloned()
    }
}
