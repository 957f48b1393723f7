//! Maps of a schema of 1,000 tables and 2,000 foreign keys: what proposing one and checking it take, beside the floor,
//! which is reading the catalogue and nothing else. The goal is under five seconds for all of it together.
//!
//! PostgreSQL is measured where `EXPUNGED_TEST_POSTGRES_URL` names a server on which databases may be made.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "../tests/maps/generated.rs"]
mod generated;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use expunged::chance::{Chance, OsChance, draw};
use expunged::domain::SubjectKind;
use expunged::erase::map::open::{PROPOSED, QUESTION};
use expunged::erase::map::propose::{Head, Hints, header, propose, write};
use expunged::erase::{DataMap, check};
use expunged::stores::{self, StoreKind, StoreLimits, StoreName};
use generated::{TABLES, of_sqlite, script};
use sqlx::{AssertSqlSafe, Connection as _};

fn main() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}", folder.path().join("store.db").display());
        let mut store = sqlx::SqliteConnection::connect(&format!("{url}?mode=rwc")).await?;
        let tables = of_sqlite(&script()).replace("{time}", "TIMESTAMP");
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; {tables}; COMMIT"))).execute(&mut store).await?;
        measure(StoreKind::Sqlite, &url).await?;
        let Ok(server) = std::env::var("EXPUNGED_TEST_POSTGRES_URL") else { return Ok(()) };
        let name = format!("bench_{}", data_encoding::HEXLOWER.encode(&draw::<8>(&OsChance as &dyn Chance)));
        let mut admin = sqlx::PgConnection::connect(&server).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await?;
        let mut url: url::Url = server.parse()?;
        url.set_path(&name);
        let mut store = sqlx::PgConnection::connect(url.as_str()).await?;
        sqlx::raw_sql(AssertSqlSafe(script().replace("{time}", "TIMESTAMPTZ"))).execute(&mut store).await?;
        store.close().await?;
        let measured = measure(StoreKind::Postgres, url.as_str()).await;
        sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).execute(&mut admin).await?;
        measured
    })
}

async fn measure(kind: StoreKind, url: &str) -> Result<()> {
    let survey = stores::survey::open(kind, &url.into(), StoreLimits::default()).await?;
    let (mut floor, mut init, mut held) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        let start = Instant::now();
        let schema = survey.look().await?;
        floor = floor.min(start.elapsed());
        let name = StoreName::new("wide").context("a name")?;
        let hints = Hints { subjects: [("users".to_owned(), SubjectKind::User)].into(), ..Hints::default() };
        let begun = header(&Head { name: name.clone(), kind, reached_by: ("url", "unused".to_owned()) });
        let map = write(&begun, &schema, &propose(&schema, &hints))?.text;
        init = init.min(start.elapsed());
        let answered = map.lines().map(answer).collect::<Vec<_>>().join("\n");
        let start = Instant::now();
        let schema = survey.look().await?;
        let defects = check(&DataMap::parse(&[("wide.toml", &answered)])?, &[(name, schema)].into());
        held = held.min(start.elapsed());
        anyhow::ensure!(defects.is_empty(), "{} defects", defects.len());
    }
    println!("{kind}: {TABLES} tables, {} foreign keys", 2 * (TABLES - 1));
    let ratio = |of: Duration| of.as_secs_f64() / floor.as_secs_f64();
    println!("    floor (the catalogue)   {floor:>10.1?}");
    println!("    map init                {init:>10.1?}  {:.1}x", ratio(init));
    println!("    map check               {held:>10.1?}  {:.1}x", ratio(held));
    println!("    both                    {:>10.1?}  (goal under 5 s)", init + held);
    Ok(())
}

/// A line as an engineer answers it who believes every proposal.
fn answer(line: &str) -> String {
    let open = format!(" = \"?\" # {QUESTION} ");
    match line.split_once(&open) {
        Some(("backup_days", asked)) if !asked.contains(PROPOSED) => "backup_days = 35".to_owned(),
        Some((key, asked)) => {
            let value = asked.split_once(PROPOSED).map_or("\"here\"", |(_, proposed)| proposed);
            let end = value.find(" (0.").unwrap_or(value.len());
            format!("{key} = {}", &value[..end])
        }
        None => line.to_owned(),
    }
}
