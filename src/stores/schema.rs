//! A store's catalogue: what tables, columns, keys and links there are. Never any row.

use std::collections::BTreeMap;

use super::keyed::Shape;
use serde::{Deserialize, Serialize};

/// The tables of one store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// By name; a table outside the connection's own namespace is `namespace.table`.
    pub tables: BTreeMap<String, Table>,
    /// Of a store whose tables are declared: how many names of a sample belong to none of them. Never the names: they
    /// may be personal data.
    pub strays: u64,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Namespace and name as the store has them, for quoting.
    pub path: Vec<String>,
    /// Whose its rows are.
    #[serde(default)]
    pub rows: RowsOf,
    /// The columns in the order of the table.
    pub columns: Vec<Column>,
    /// The primary key's columns; empty where there is none.
    pub primary_key: Vec<String>,
    /// The column sets that are unique (the primary key is not repeated here).
    pub uniques: Vec<Vec<String>>,
    /// Columns that a unique index looks at in another way: their beginning, an expression, only some rows. They
    /// make no key, and still refuse the same value in two rows.
    pub partly_unique: Vec<String>,
    /// The leading columns of every index that rows can be found by, unique or not, up to its first expression.
    pub indexes: Vec<Vec<String>>,
    /// The conditions that rows must keep, in the store's own words.
    pub checks: Vec<String>,
    /// Whether a policy of the store hides rows from this login.
    pub hides_rows: bool,
    /// Whether the store keeps the old rows of the table when they are changed or deleted (system versioning).
    #[serde(default)]
    pub keeps_old_rows: bool,
    /// The links to other tables that the store enforces.
    pub foreign_keys: Vec<ForeignKey>,
    /// Of a store whose tables are declared: what the declaration says.
    pub shape: Option<Shape>,
}

/// Whose the rows of a table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsOf {
    /// Its own.
    #[default]
    Itself,
    /// Other tables': it holds a copy of them, which stays until it is made anew (a materialized view).
    Others,
    /// Another server's, which is asked for them (a foreign table).
    Elsewhere,
}

impl RowsOf {
    /// What a person does so that nothing of the erased stays in rows that are not the table's own; empty where they are.
    #[must_use]
    pub const fn seen_to(self) -> &'static str {
        match self {
            Self::Itself => "",
            Self::Others => {
                "a materialized view keeps what it copied, also of the erased: have REFRESH MATERIALIZED VIEW run after each erasing and \
                 at least once a day, or drop it"
            }
            Self::Elsewhere => {
                "a foreign table shows rows of another server: give that server a map of its own, or drop it"
            }
        }
    }
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type in the store's own words, which new values are cast to.
    pub type_name: String,
    /// Its type without length and scale. Values are compared in it, because a cast to a type with a length cuts
    /// them and finds somebody else's rows.
    pub compare_type: String,
    /// The numbers that a column of whole numbers holds.
    pub range: Option<(i128, i128)>,
    /// Whether texts that differ may be equal here (case, accents, trailing blanks).
    pub loose: bool,
    /// What family of types it is.
    pub kind: ColumnKind,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// How many characters it holds at most; `None` where the type sets no limit.
    pub length_max: Option<u32>,
    /// Character set and collation, where the store needs them to compare (MySQL): every index of the column has them too, so
    /// that a unique one holds nothing twice that compares the same. `None` in other stores, whose indexes may compare otherwise.
    pub collation: Option<Collation>,
    /// Computed by the store: it cannot be written.
    pub generated: bool,
}

impl Column {
    /// Whether two columns of one store take the same texts for the same, and we know by which collation.
    #[must_use]
    pub fn compares_like(&self, other: &Self) -> bool {
        self.kind == ColumnKind::Text
            && other.kind == ColumnKind::Text
            && self.collation.is_some()
            && self.collation == other.collation
    }
}

/// How a column of text compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collation {
    /// The character set.
    pub charset: String,
    /// The collation.
    pub name: String,
}

/// Families of types, as far as keys and masks need them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Whole numbers.
    Int,
    /// Other numbers that are exact.
    Number,
    /// Numbers that are not exact, so that nothing can be found by them.
    Float,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// UUIDs with a type of their own.
    Uuid,
    /// Dates and instants.
    Time,
    /// Anything else, compared as the store's own text of it.
    Other,
}

/// A link that the store enforces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The columns that point.
    pub columns: Vec<String>,
    /// The table that they point to.
    pub table: String,
    /// The columns that they point to.
    pub references: Vec<String>,
    /// What the store does to the rows that point when the row that they point to is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// What a store does by itself to the rows that point to a row that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// Nothing: the row cannot be deleted before they let go.
    #[default]
    Refuse,
    /// They are deleted as well, and nobody counts them.
    Cascade,
    /// They let go, and nothing tells any more whose they were.
    LetGo,
}

impl OnDelete {
    /// The rule of SQL's words, or of PostgreSQL's letter for it. A word that nobody knows is taken for the worst.
    #[must_use]
    pub fn from_words(words: &str) -> Self {
        match words.to_ascii_uppercase().as_str() {
            "NO ACTION" | "RESTRICT" | "A" | "R" => Self::Refuse,
            "SET NULL" | "SET DEFAULT" | "N" | "D" => Self::LetGo,
            _ => Self::Cascade,
        }
    }
}

impl Table {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether no two rows can agree in all of these columns.
    #[must_use]
    pub fn is_unique(&self, columns: &[String]) -> bool {
        let within = |set: &Vec<String>| !set.is_empty() && set.iter().all(|column| columns.contains(column));
        within(&self.primary_key) || self.uniques.iter().any(within)
    }

    /// Whether rows can be found by these columns without reading the whole table: some index begins with one of them.
    #[must_use]
    pub fn is_indexed(&self, columns: &[String]) -> bool {
        let begins = |index: &Vec<String>| index.first().is_some_and(|first| columns.contains(first));
        begins(&self.primary_key) || self.uniques.iter().chain(&self.indexes).any(begins)
    }

    /// Whether the column is part of the primary key or of a unique index of any kind.
    #[must_use]
    pub fn is_in_unique(&self, column: &str) -> bool {
        let unique = self.primary_key.iter().chain(self.uniques.iter().flatten()).chain(&self.partly_unique);
        unique.into_iter().any(|name| name == column)
    }

    /// The conditions that look at this column.
    pub fn checks_on<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a str> {
        self.checks.iter().map(String::as_str).filter(move |check| mentions(check, column))
    }
}

/// Whether a piece of SQL names this column. A name inside a text counts too: too often is safe, too seldom is not.
#[must_use]
pub fn mentions(sql: &str, name: &str) -> bool {
    let (sql, name) = (sql.to_lowercase(), name.to_lowercase());
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    sql.match_indices(&name).any(|(at, _)| {
        !sql[..at].chars().next_back().is_some_and(is_word)
            && !sql[at + name.len()..].chars().next().is_some_and(is_word)
    })
}
