//! What a map could say of a store: proposed from its catalogue, from the names and types of its columns and, where an
//! engineer lets values be sampled, from their shapes. Each proposal has a confidence and a reason; what is not sure
//! becomes an open question, and what happens to rows always is one. Pure.
//!
//! The way: `subjects` (whose rows are they?) → `links` (what belongs to them, by foreign keys and by names) →
//! `columns` (categories and masks) → [`write`] (the text of the map, beside what a person wrote).

mod columns;
mod keyed;
mod links;
mod subjects;
mod technical;
mod words;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

use super::{Mask, NO_CATEGORY, Rule, TableRef};
use crate::domain::SubjectKind;
use crate::stores::{ColumnKind, RowsOf, Schema, Table, ValueShapes};

pub use keyed::{NamesProposal, propose_names};
pub use write::{Head, WriteError, Written, header, spoken_of, write, write_names};

/// From this confidence on a proposal is written as an answer; below it is an open question.
pub const SURE: f32 = 0.8;

/// Something that is proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess<T> {
    /// What.
    pub value: T,
    /// How sure it is, from 0 to 1.
    pub confidence: f32,
    /// Why.
    pub reason: String,
}

impl<T> Guess<T> {
    fn new(value: T, confidence: f32, reason: impl Into<String>) -> Self {
        Self { value, confidence, reason: reason.into() }
    }

    /// Whether it can stand as an answer.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        self.confidence >= SURE
    }
}

/// What is known besides the catalogue.
#[derive(Debug, Default)]
pub struct Hints {
    /// Tables of this store that are subjects, because somebody said so.
    pub subjects: BTreeMap<String, SubjectKind>,
    /// The shapes of sampled values, by table and column.
    pub shapes: BTreeMap<String, BTreeMap<String, ValueShapes>>,
    /// Subject tables of other stores, with the kind of their one key column.
    pub elsewhere: Vec<(TableRef, SubjectKind)>,
}

/// What is proposed for one table.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What identifies a row; empty where nothing does.
    pub key: Guess<Vec<String>>,
    /// Whether a row is a data subject.
    pub subject: Option<Guess<SubjectKind>>,
    /// By what a person is recognised → the column.
    pub identify: BTreeMap<&'static str, String>,
    /// What its rows belong or refer to.
    pub links: Vec<LinkGuess>,
    /// Columns in the order of the table, with their categories.
    pub columns: Vec<(String, Guess<&'static str>)>,
    /// What columns of a row that stays become; `None` where no mask fits and one is needed.
    pub masks: BTreeMap<String, Option<Mask>>,
    /// What columns whose category is open could become, if it is none that stays with the row.
    pub spare: BTreeMap<String, Mask>,
    /// What could happen to its rows. Always an open question.
    pub rule: Guess<Rule>,
    /// Whether it is the bookkeeping of some tool, of nobody's data.
    pub bookkeeping: bool,
    /// That nothing leads to it although it seems to hold somebody's data, and what of somebody's points to it.
    pub lost: Option<Vec<String>>,
}

/// One link, as proposed.
#[derive(Clone, Debug)]
pub struct LinkGuess {
    /// The table that it points to, as the map names it: `users`, or `accounts.users` of another store.
    pub to: String,
    /// Its columns in the order of that table's key.
    pub columns: Vec<String>,
    /// Whether the rows belong to it (`true`), or only refer to it.
    pub belongs: Guess<bool>,
    /// The column that lets go, where the link is to be cut.
    pub detach: Option<String>,
}

/// Proposes a map for every table that has rows of its own.
#[must_use]
pub fn propose(schema: &Schema, hints: &Hints) -> BTreeMap<String, Proposal> {
    let mut schema = schema.clone();
    schema.tables.retain(|_, table| table.rows == RowsOf::Itself);
    let schema = &schema;
    let subjects = subjects::find(schema, hints);
    let keys: BTreeMap<&str, Guess<Vec<String>>> =
        schema.tables.iter().map(|(name, table)| (name.as_str(), key(schema, name, table, &subjects))).collect();
    let links = links::find(schema, hints, &subjects, &keys);
    let mut proposals = BTreeMap::new();
    for (name, table) in &schema.tables {
        let links = links.of.get(name.as_str()).cloned().unwrap_or_default();
        let reached = links::Links::is_reached(&links, subjects.contains_key(name.as_str()));
        let place = columns::Place {
            table,
            key: keys.get(name.as_str()).map(|key| key.value.as_slice()).unwrap_or_default(),
            links: &links,
            reached,
            shapes: hints.shapes.get(name),
        };
        let columns = columns::categories(&place);
        let (masks, spare) = (columns::masks(&place, &columns), columns::spare(&place, &columns));
        let is_lost = !reached && columns.iter().any(|(_, guess)| guess.value != NO_CATEGORY);
        let bookkeeping = is_bookkeeping(name, table) && !schema.tables.values().any(|t| points_to(t, name));
        proposals.insert(
            name.clone(),
            Proposal {
                subject: subjects.get(name.as_str()).cloned(),
                identify: columns::identify(&columns, subjects.contains_key(name.as_str())),
                rule: if is_lost { lost_rule() } else { rule(name, reached, &links, &masks, table) },
                lost: is_lost.then(|| pointing(schema, name)),
                key: keys.get(name.as_str()).cloned().unwrap_or_else(|| Guess::new(Vec::new(), 0.0, "")),
                links,
                columns,
                masks,
                spare,
                bookkeeping,
            },
        );
    }
    proposals
}

/// What the name of a column says of its data where it says so surely: the category, and like what it is named.
pub(super) fn names(column: &str, of_person: bool) -> Option<(&'static str, String)> {
    let guess = words::category(column, of_person).filter(|guess| guess.is_sure() && guess.value != NO_CATEGORY)?;
    Some((guess.value, guess.reason))
}

/// Whether the name of a column says that it holds e-mail addresses.
pub(super) fn is_address(column: &str) -> bool {
    let is_contact = names(column, true).is_some_and(|(category, _)| category == "contact");
    is_contact && words::words(column).iter().any(|word| matches!(word.as_str(), "email" | "mail"))
}

/// `order.address_id` for every column that points to a table.
fn pointing(schema: &Schema, name: &str) -> Vec<String> {
    let of = |(other, table): (&String, &Table)| {
        let foreign = table.foreign_keys.iter().filter(|foreign| foreign.table == name);
        foreign.map(|foreign| format!("{other}.{}", foreign.columns.join(", "))).collect::<Vec<_>>()
    };
    schema.tables.iter().flat_map(of).collect()
}

fn points_to(table: &Table, name: &str) -> bool {
    table.foreign_keys.iter().any(|foreign| foreign.table == name)
}

/// The columns that identify a row: those that most foreign keys point to, the primary key, or some unique index,
/// whatever can be compared.
fn key(schema: &Schema, name: &str, table: &Table, subjects: &subjects::Subjects<'_>) -> Guess<Vec<String>> {
    let fits = |columns: &Vec<String>| {
        let comparable = |column: &String| {
            table.column(column).is_some_and(|column| {
                let kind = column.kind;
                !column.nullable
                    && matches!(kind, ColumnKind::Int | ColumnKind::Text | ColumnKind::Bytes | ColumnKind::Uuid)
            })
        };
        let single = columns.len() == 1 || !subjects.contains_key(name);
        single && !columns.is_empty() && table.is_unique(columns) && columns.iter().all(comparable)
    };
    let mut pointed = BTreeMap::<&Vec<String>, usize>::new();
    let foreign = schema.tables.values().flat_map(|other| &other.foreign_keys).filter(|foreign| foreign.table == name);
    for foreign in foreign.filter(|foreign| fits(&foreign.references)) {
        *pointed.entry(&foreign.references).or_default() += 1;
    }
    let most = pointed.into_iter().max_by_key(|(columns, count)| (*count, **columns == table.primary_key));
    if let Some((columns, _)) = most.filter(|(columns, _)| **columns != table.primary_key) {
        return Guess::new(columns.clone(), 0.9, "foreign keys point to it");
    }
    let sets = std::iter::once(&table.primary_key).chain(&table.uniques);
    match sets.into_iter().find(|columns| fits(columns)) {
        Some(columns) if *columns == table.primary_key => Guess::new(columns.clone(), 0.99, "the primary key"),
        Some(columns) => Guess::new(columns.clone(), 0.9, "a unique index"),
        None => Guess::new(Vec::new(), 0.0, "it has no unique columns that are never NULL and can be compared"),
    }
}

/// Tables in which tools keep what they did to the schema.
const BOOKKEEPING: &[&str] = &[
    "schema_migrations",
    "ar_internal_metadata",
    "alembic_version",
    "django_migrations",
    "flyway_schema_history",
    "databasechangelog",
    "databasechangeloglock",
    "__efmigrationshistory",
    "knex_migrations",
    "knex_migrations_lock",
    "_prisma_migrations",
    "sequelizemeta",
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "goose_db_version",
    "refinery_schema_history",
    "phinxlog",
    "spatial_ref_sys",
];

fn is_bookkeeping(name: &str, table: &Table) -> bool {
    let bare = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    BOOKKEEPING.contains(&bare.as_str()) && table.foreign_keys.is_empty()
}

/// Words of tables whose rows some law may want to be kept.
const KEPT: &[&str] = &[
    "invoice",
    "order",
    "payment",
    "transaction",
    "billing",
    "receipt",
    "ledger",
    "contract",
    "purchase",
    "refund",
    "tax",
    "payroll",
    "audit",
    "consent",
];

/// What is personal in a table that nothing leads to goes with whomever it is of; what the table is asked for says so.
fn lost_rule() -> Guess<Rule> {
    Guess::new(
        Rule::Delete,
        0.5,
        "where its rows are somebody's; \"keep\" where they are nobody's, and every category \"none\"",
    )
}

fn rule(
    name: &str,
    reached: bool,
    links: &[LinkGuess],
    masks: &BTreeMap<String, Option<Mask>>,
    table: &Table,
) -> Guess<Rule> {
    if !reached && !links.is_empty() {
        return Guess::new(Rule::Mask, 0.6, "its rows seem to be nobody's, and let go of whom they point to");
    }
    if !reached {
        return Guess::new(
            Rule::Keep,
            0.6,
            "no foreign key leads to it from a subject, so it seems to be nobody's data",
        );
    }
    let words: BTreeSet<String> = words::words(name).iter().map(|word| words::singular(word)).collect();
    let Some(word) = KEPT.iter().find(|word| words.contains(**word)) else {
        return Guess::new(Rule::Delete, 0.8, "its rows are, or belong to, a subject");
    };
    let holds_on = links.iter().find(|link| link.belongs.value && link.detach.is_none());
    let masked = masks.values().all(Option::is_some) && masks.len() > links.len().min(1);
    match holds_on {
        Some(link) => {
            let columns = link.columns.join(", ");
            let words =
                format!("named like {word:?}, which law may want kept; but {columns} cannot let go of {}", link.to);
            Guess::new(Rule::Delete, 0.5, words)
        }
        None if masked && !table.columns.is_empty() => {
            Guess::new(Rule::Mask, 0.6, format!("named like {word:?}, which law may want kept without the person"))
        }
        None => Guess::new(Rule::Delete, 0.5, format!("named like {word:?}, which law may want kept")),
    }
}
