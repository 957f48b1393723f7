//! Random schemas with random rows: what is left after an erasure is what an independent walk says must be left.
//!
//! [`schema`] makes tables that nobody drew up (circles, keys of several columns, tables that point to themselves, rows
//! of several people) and a map for them, [`rows`] fills them, and [`walk`] goes over the rows in memory, by its own code
//! and by what the map's words mean, and says row by row what must be there afterwards. Nothing of the engine is in
//! these three. Every row of every table is then compared.
//!
//! A failure names its seed; `EXPUNGED_TEST_SEED=n` runs that one alone, on SQLite and PostgreSQL.

mod rows;
mod schema;
mod stage;
mod walk;

use expunged::domain::{Scope, SubjectKind};
use stage::Stage;

use crate::support::dice::Dice;
use crate::support::long_run;
use crate::support::postgres::fresh_postgres;

/// Schemas on SQLite and on PostgreSQL, in all four tests together: no two of them are the same, so that there are as many schemas
/// as both come to.
const fn counts(long: bool) -> [u64; 2] {
    if long { [18_000, 2_000] } else { [470, 40] }
}

const _: () = assert!(counts(false)[0] + counts(false)[1] >= 500);
const _: () = assert!(counts(true)[0] + counts(true)[1] >= 20_000);

/// The seeds of one of the parts that run beside each other.
fn seeds(part: u64, parts: u64, from: u64, count: u64) -> Vec<u64> {
    match std::env::var("EXPUNGED_TEST_SEED") {
        Ok(seed) if part == 0 => vec![seed.parse().expect("a seed is a number")],
        Ok(_) => Vec::new(),
        Err(_) => (from..from + count).filter(|seed| seed % parts == part).collect(),
    }
}

async fn on_sqlite(part: u64) {
    for seed in seeds(part, 3, 0, counts(long_run())[0]) {
        let mut dice = Dice::new(seed);
        let case = Case::of(&mut dice);
        let folder = stage::in_memory();
        let stage = Stage::sqlite(folder.path(), &case).await;
        case.run(seed, &mut dice, &stage).await;
    }
}

#[tokio::test]
async fn sqlite_keeps_what_the_walk_keeps_1() {
    on_sqlite(0).await;
}

#[tokio::test]
async fn sqlite_keeps_what_the_walk_keeps_2() {
    on_sqlite(1).await;
}

#[tokio::test]
async fn sqlite_keeps_what_the_walk_keeps_3() {
    on_sqlite(2).await;
}

#[tokio::test]
async fn postgres_keeps_what_the_walk_keeps() {
    let url = fresh_postgres().await;
    let [before, count] = counts(long_run());
    for seed in seeds(0, 1, before, count) {
        let mut dice = Dice::new(seed);
        let case = Case::of(&mut dice);
        let stage = Stage::postgres(&url, &case).await;
        case.run(seed, &mut dice, &stage).await;
    }
}

/// The cases are what they are meant to be: a generator that only made plain ones would prove little.
#[test]
fn the_cases_have_everything_in_them() {
    let mut seen = schema::Seen::default();
    for seed in 0..200 {
        let case = Case::of(&mut Dice::new(seed));
        seen.add(&case.schema, case.rows.iter().map(Vec::len).sum());
    }
    assert_eq!(seen.missing(), Vec::<&str>::new(), "{seen:?}");
}

/// One schema with its rows.
struct Case {
    schema: schema::Schema,
    rows: rows::Rows,
}

impl Case {
    fn of(dice: &mut Dice) -> Self {
        let schema = schema::Schema::of(dice);
        let rows = rows::fill(dice, &schema);
        Self { schema, rows }
    }

    /// Erases a few people, one after the other, and compares every row after each.
    async fn run(&self, seed: u64, dice: &mut Dice, stage: &Stage) {
        let mut now = self.rows.clone();
        let mut told = self.compare(&now, stage).await;
        for _ in 0..1 + dice.below(3) {
            let table = dice.below(schema::SUBJECTS.len());
            let Some(root) = dice.one_of(&now[table]).cloned() else { continue };
            let root = walk::key_of(&self.schema, table, &root);
            if self.schema.is_placeholder(table, &root) {
                continue;
            }
            let walked = walk::erase(&self.schema, &now, table, &root);
            told = told.and(stage.erase(dice, table, &root, &walked).await);
            now = walked.rows;
            told = match told {
                Ok(()) => self.compare(&now, stage).await,
                told => told,
            };
            if let Err(problem) = told {
                panic!(
                    "EXPUNGED_TEST_SEED={seed}, erasing {} {root:?}: {problem}\n{}\n{}",
                    self.schema.tables[table].name,
                    self.schema.tables_sql(stage.kind).join("\n"),
                    self.schema.map(stage.kind),
                );
            }
            // What stays of a row is told in a way that only the store knows: go on from there.
            now = stage.settled(&self.schema, &now).await;
        }
        if let Err(problem) = told {
            panic!("EXPUNGED_TEST_SEED={seed}, before anything was erased: {problem}");
        }
    }

    async fn compare(&self, expected: &rows::Rows, stage: &Stage) -> Result<(), String> {
        for (table, rows) in self.schema.tables.iter().zip(expected) {
            let found = stage.dump(table).await;
            for row in rows {
                let same = found.iter().any(|found| row.iter().zip(found).all(|(value, found)| value.meets(found)));
                if !same {
                    return Err(format!("{} lacks {row:?}, and holds\n{}", table.name, lines(&found)));
                }
            }
            if found.len() != rows.len() {
                return Err(format!("{} has {}\ninstead of\n{}", table.name, lines(&found), lines(rows)));
            }
        }
        Ok(())
    }
}

fn lines<T: std::fmt::Debug>(rows: &[T]) -> String {
    rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>().join("\n")
}

const fn scope(table: usize) -> Scope {
    schema::SUBJECTS[table].1
}

const fn kind(table: usize) -> SubjectKind {
    match scope(table) {
        Scope::Account => SubjectKind::Account,
        Scope::User | Scope::Data => SubjectKind::User,
        Scope::EndUser => SubjectKind::EndUser,
    }
}
