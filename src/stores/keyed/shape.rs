//! What the tables of a store without tables are: names made by one template, and what lies under them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::template::Template;
use crate::domain::stored_enum;
use crate::stores::schema::{Column, ColumnKind, Schema, Table};

stored_enum! {
    /// What lies under a name.
    Holds, "kind of value" {
        /// A Redis string (also a bitmap or a HyperLogLog).
        Text = "string",
        /// A Redis hash.
        Hash = "hash",
        /// A Redis list.
        List = "list",
        /// A Redis set.
        Set = "set",
        /// A Redis sorted set (also a geo index).
        SortedSet = "zset",
        /// A Redis stream.
        Stream = "stream",
        /// A file or an object with all its versions.
        Object = "object",
    }
}

/// One table of names: a row is a name, a member under a name, or a version under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// How the names are made.
    pub pattern: Template,
    /// What lies under them.
    pub holds: Holds,
    /// A row is not the whole name but one of these under it.
    pub member: Option<Member>,
    /// The columns that stand for what a row says, in order.
    pub values: Vec<String>,
}

/// A field of a hash, a member of a set or of a sorted set, an entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// How it is made; of a stream's entry, what its `field` holds.
    pub pattern: Template,
    /// The field of a stream's entry that tells whose it is.
    pub field: Option<String>,
    /// Members of nobody's data under the same name.
    pub ignore: Vec<Template>,
}

/// The column of a row's name.
pub const NAME: &str = "key";
/// The column of a member: the field, the member itself, the entry's number.
pub const MEMBER: &str = "member";
/// The column of an object's version; empty where the store keeps none.
pub const VERSION: &str = "version";
/// The column of what a row says; with several categories, one column each: `value.contact`.
pub const VALUE: &str = "value";

impl Shape {
    /// The columns that identify a row.
    #[must_use]
    pub fn row_key(&self) -> Vec<String> {
        let second = match (self.holds, &self.member) {
            (Holds::Object, _) => Some(VERSION),
            (_, Some(_)) => Some(MEMBER),
            (_, None) => None,
        };
        std::iter::once(NAME).chain(second).map(str::to_owned).collect()
    }

    /// The places of the template, and of the member's.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.pattern.places().chain(self.member.iter().flat_map(|member| member.pattern.places()))
    }

    /// Whether a value can stand at this place, and be read back as it is.
    #[must_use]
    pub fn takes(&self, place: &str, value: &[u8]) -> bool {
        let in_member = self.member.as_ref().is_some_and(|member| member.pattern.holds(place, value));
        in_member || self.pattern.holds(place, value)
    }

    /// The table as a catalogue has it.
    fn table(&self, name: &str) -> Table {
        let column = |name: &str| Column {
            name: name.to_owned(),
            type_name: self.holds.as_str().to_owned(),
            compare_type: self.holds.as_str().to_owned(),
            range: None,
            loose: false,
            kind: ColumnKind::Text,
            nullable: false,
            length_max: None,
            collation: None,
            generated: false,
        };
        let key = self.row_key();
        let names = key.iter().map(String::as_str).chain(self.places()).chain(self.values.iter().map(String::as_str));
        Table {
            path: vec![name.to_owned()],
            columns: names.map(column).collect(),
            primary_key: key,
            shape: Some(self.clone()),
            ..Table::default()
        }
    }
}

/// All that a map says of the names of one store.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    /// By the table's name.
    pub tables: BTreeMap<String, Shape>,
    /// Names of nobody's data.
    pub ignore: Vec<Template>,
    /// The name of our canary.
    pub canary: Option<String>,
}

impl Shapes {
    /// Whether somebody said what a name is.
    #[must_use]
    pub fn know(&self, name: &[u8]) -> bool {
        let is_canary = self.canary.as_ref().is_some_and(|canary| canary.as_bytes() == name);
        is_canary
            || self
                .tables
                .values()
                .map(|shape| &shape.pattern)
                .chain(&self.ignore)
                .any(|pattern| pattern.read(name).is_some())
    }

    /// Whether somebody said what a member under the names of this pattern is.
    #[must_use]
    pub fn know_member(&self, pattern: &Template, member: &[u8]) -> bool {
        let here = self.tables.values().filter(|shape| shape.pattern == *pattern);
        here.filter_map(|shape| shape.member.as_ref())
            .flat_map(|known| std::iter::once(&known.pattern).chain(&known.ignore))
            .any(|pattern| pattern.read(member).is_some())
    }

    /// Two tables that claim the same name, so that a row would be counted twice.
    #[must_use]
    pub fn clash(&self) -> Option<(&str, &str)> {
        let tables: Vec<_> = self.tables.iter().collect();
        tables.iter().enumerate().find_map(|(at, (name, one))| {
            let other = tables.iter().skip(at + 1).find(|(_, other)| one.clashes(other));
            other.map(|(other, _)| (name.as_str(), other.as_str()))
        })
    }

    /// A table whose names, or some of them, are ignored as well.
    #[must_use]
    pub fn ignored(&self) -> Option<(&str, &Template)> {
        self.tables.iter().find_map(|(name, shape)| {
            let meets = self.ignore.iter().find(|ignored| ignored.meets(&shape.pattern))?;
            Some((name.as_str(), meets))
        })
    }

    /// The catalogue of the declared tables.
    #[must_use]
    pub fn schema(&self, strays: u64) -> Schema {
        let table = |(name, shape): (&String, &Shape)| (name.clone(), shape.table(name));
        Schema { tables: self.tables.iter().map(table).collect(), strays }
    }
}

impl Shape {
    fn clashes(&self, other: &Self) -> bool {
        let members = self.member.as_ref().zip(other.member.as_ref());
        match members {
            // Members of the same names: told apart by themselves.
            Some((one, two)) if self.pattern == other.pattern && self.holds == other.holds => {
                one.field == two.field && one.pattern.meets(&two.pattern)
            }
            _ => self.pattern.meets(&other.pattern),
        }
    }
}
