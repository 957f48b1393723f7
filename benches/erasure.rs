//! Erasing against its floor: the same rows by hand-written SQL, on the same database, in the same run, in turns.
//!
//! Prints, per database, what an account of one customer takes (37 rows in six tables): the erasing statements alone
//! beside six statements by hand in one transaction (goal at most 1.2x), and the whole (job, keys, trail, act, read-back,
//! letter) beside the same (goal at most 2x). Then an account of many customers, which is one pass over all of them, beside
//! the same by hand (goal at most 1.3x), and beside as many accounts of one customer, one by one (goal at least 2.5x on PostgreSQL,
//! 5x on SQLite, 8x on MariaDB). Then as many requests at once, of which none may fail; and the memory of the daemon.
//! Several *requests* never share a pass: each has an authority, keys and a trail of its own, so that what is done
//! one by one is reckoned from the median of fewer subjects. Then what nineteen of twenty queries of another program take at most while
//! many customers are erased, without a rest between chunks and with one as long as the chunk, beside what they take while nothing is (goal
//! at most 2x with the rest).
//!
//! Ratios count, not figures. `EXPUNGED_BENCH_MEMORY` leaves out all but the memory. `EXPUNGED_BENCH_SIZE` is `small` (for CI), `middle` (a tenth) or `full`. PostgreSQL and
//! MariaDB are measured where `EXPUNGED_TEST_POSTGRES_URL` and `EXPUNGED_TEST_MARIADB_URL` name servers on which
//! databases may be made; the ledger is on PostgreSQL beside a shop on PostgreSQL, otherwise a SQLite file. A wrong count
//! fails the run, no time does.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[path = "erasure/beside.rs"]
mod beside;
#[path = "erasure/counts.rs"]
mod counts;
#[path = "erasure/memory.rs"]
mod memory;
#[path = "erasure/shop.rs"]
mod shop;
#[path = "erasure/world.rs"]
mod world;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use beside::{At, Neighbour};
use expunged::stores::StoreKind;
use shop::{MANY, Place, Shop, account};
use world::{Erased, World, lay};

/// How much there is, and how much of it is erased.
pub struct Size {
    /// Customers of whom nothing is erased, in PostgreSQL and in the others.
    customers: [u64; 2],
    /// Subjects of a pass.
    subjects: u64,
    /// Subjects of a round that are erased one by one.
    singles: u64,
    /// Requests at once.
    at_once: u64,
    /// Users of the account whose erasing is watched in memory.
    pub users: u64,
    /// Events of one customer whose erasing is watched in memory.
    pub events: &'static [u64],
    rounds: u64,
}

const FULL: Size = Size {
    customers: [1_000_000, 100_000],
    subjects: 1_000,
    singles: 100,
    at_once: 1_000,
    users: 100_000,
    events: &[1_000, 100_000, 990_000],
    rounds: 3,
};
const MIDDLE: Size = Size {
    customers: [100_000, 10_000],
    subjects: 1_000,
    singles: 20,
    at_once: 100,
    users: 10_000,
    events: &[1_000, 100_000],
    rounds: 3,
};
const SMALL: Size =
    Size { customers: [50, 50], subjects: 10, singles: 2, at_once: 4, users: 200, events: &[100, 2_000], rounds: 1 };

fn main() -> Result<()> {
    let size = match std::env::var("EXPUNGED_BENCH_SIZE").as_deref() {
        Ok("small") => SMALL,
        Ok("middle") => MIDDLE,
        _ => FULL,
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        if memory::is_child().await? {
            return Ok(());
        }
        // For who wants to know only that.
        if std::env::var_os("EXPUNGED_BENCH_MEMORY").is_some() {
            return memory::measure(&size).await;
        }
        counts::begin()?;
        on_sqlite(&size).await?;
        on_server(StoreKind::Postgres, "EXPUNGED_TEST_POSTGRES_URL", &size).await?;
        on_server(StoreKind::Mysql, "EXPUNGED_TEST_MARIADB_URL", &size).await?;
        memory::measure(&size).await
    })
}

/// A line that another process of the bench reads.
pub fn say(line: &str) {
    println!("{line}");
}

async fn on_sqlite(size: &Size) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.db");
    let url = format!("sqlite://{}", file.display());
    lay(folder.path(), StoreKind::Sqlite, &url, "sqlite:ledger.db")?;
    let bench = Bench::fill(Shop::sqlite(&file).await?, size, size.customers[1]).await?;
    let mut world = World::open(folder.path(), StoreKind::Sqlite, &url).await?;
    bench.measure("SQLite", &mut world, 5.0, (folder.path(), &At::File(file))).await?;
    world.close().await;
    Ok(())
}

async fn on_server(kind: StoreKind, variable: &str, size: &Size) -> Result<()> {
    let Some(store) = Place::on(kind, variable).await? else {
        println!("{kind}: left out, {variable} names no server");
        return Ok(());
    };
    let ledger = if kind == StoreKind::Postgres { Place::on(kind, variable).await? } else { None };
    let measured = of_server(kind, &store.url, ledger.as_ref().map(|ledger| ledger.url.as_str()), size).await;
    store.leave().await?;
    if let Some(ledger) = ledger {
        ledger.leave().await?;
    }
    measured
}

async fn of_server(kind: StoreKind, store: &str, ledger: Option<&str>, size: &Size) -> Result<()> {
    let folder = tempfile::tempdir()?;
    lay(folder.path(), kind, store, ledger.unwrap_or("sqlite:ledger.db"))?;
    let is_postgres = kind == StoreKind::Postgres;
    let shop = if is_postgres { Shop::postgres(store).await? } else { Shop::mysql(store).await? };
    let bench = Bench::fill(shop, size, size.customers[usize::from(!is_postgres)]).await?;
    let mut world = World::open(folder.path(), kind, store).await?;
    let (name, goal) = if is_postgres { ("PostgreSQL", 2.5) } else { ("MariaDB", 8.0) };
    let measured = bench.measure(name, &mut world, goal, (folder.path(), &At::Server(kind, store.to_owned()))).await;
    world.close().await;
    measured
}

/// What one round erases: the first customers of the accounts.
struct Round {
    by_hand: Vec<u64>,
    by_us: Vec<u64>,
    wide_by_hand: u64,
    wide_by_us: u64,
}

struct Bench<'a> {
    shop: Shop,
    size: &'a Size,
    customers: u64,
    rounds: Vec<Round>,
    /// The first customers of accounts of many that are erased beside somebody else's queries.
    beside: [u64; 2],
    at_once: Vec<u64>,
}

impl<'a> Bench<'a> {
    async fn fill(shop: Shop, size: &'a Size, customers: u64) -> Result<Self> {
        shop.create(customers.max(size.subjects).max(size.at_once)).await?;
        let mut next = 1;
        let mut some = |count: u64| {
            let first = next;
            next += count;
            (first, (first..next).collect::<Vec<u64>>())
        };
        let (first, _) = some(customers);
        shop.fill(first, customers, false, MANY).await?;
        let mut rounds = Vec::new();
        for _ in 0..size.rounds {
            let [(hand, by_hand), (us, by_us)] = [(); 2].map(|()| some(size.singles));
            let [(wide_by_hand, _), (wide_by_us, _)] = [(); 2].map(|()| some(size.subjects));
            shop.fill(hand, size.singles, false, MANY).await?;
            shop.fill(us, size.singles, false, MANY).await?;
            shop.fill(wide_by_hand, size.subjects, true, MANY).await?;
            shop.fill(wide_by_us, size.subjects, true, MANY).await?;
            rounds.push(Round { by_hand, by_us, wide_by_hand, wide_by_us });
        }
        let beside = [(); 2].map(|()| some(size.subjects).0);
        for first in beside {
            shop.fill(first, size.subjects, true, MANY).await?;
        }
        // It would be the ledger that is measured, and that is a SQLite file there, too.
        let (first, at_once) = some(if matches!(shop, Shop::Mysql(_)) { 0 } else { size.at_once });
        if !at_once.is_empty() {
            shop.fill(first, size.at_once, false, MANY).await?;
        }
        shop.settle().await?;
        Ok(Self { shop, size, customers, rounds, beside, at_once })
    }

    async fn measure(self, name: &str, world: &mut World, goal: f64, place: (&Path, &At)) -> Result<()> {
        let count = self.customers;
        println!("{name}: {count} customers, {} orders, {} events", count * MANY.orders, count * MANY.events);
        let (mut hand, mut ours, mut wide_hand, mut wide) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in &self.rounds {
            for first in &round.by_hand {
                hand.push(self.by_hand(*first).await?);
            }
            ours.extend(world.one_by_one(&self.shop, &round.by_us).await?);
            wide_hand.push(self.by_hand(round.wide_by_hand).await?);
            wide.extend(world.one_by_one(&self.shop, &[round.wide_by_us]).await?);
        }
        self.right_rows(&ours, &wide)?;
        print_place("one customer", median(hand), &Middle::of(&ours), [1.2, 2.0]);
        print_sent(&ours);
        let (of_one, of_many) = (Middle::of(&ours), Middle::of(&wide));
        print_place(&format!("{} customers", self.size.subjects), median(wide_hand), &of_many, [1.3, 1.3]);
        let times = ratio(of_one.whole, of_many.whole) * float(self.size.subjects);
        println!(
            "    one pass beside one by one                          {times:>6.1}x faster   (goal at least {goal}x)"
        );
        self.measure_beside(world, place).await?;
        if !self.at_once.is_empty() {
            let took = world.at_once(&self.shop, &self.at_once).await?;
            let rate = float(self.size.at_once) / took.as_secs_f64();
            println!("  {} requests at once: none failed, {rate:.1} requests/s", self.size.at_once);
        }
        self.right_counts().await?;
        self.shop.close().await;
        Ok(())
    }

    /// What somebody else's queries take meanwhile; last without a rest, so that what follows is as it was.
    async fn measure_beside(&self, world: &mut World, (folder, at): (&Path, &At)) -> Result<()> {
        let neighbour = Neighbour::begin(at, self.customers);
        tokio::time::sleep(Duration::from_millis(200 * self.size.rounds * self.size.rounds)).await;
        let idle = neighbour.end()?;
        println!("  a query of another program, 95 of 100: {:.2} ms while nothing is erased", ms(idle));
        for (first, rest, goal) in [(self.beside[0], 100, "   (goal at most 2x)"), (self.beside[1], 0, "")] {
            world.throttle(folder, rest)?;
            let neighbour = Neighbour::begin(at, self.customers);
            world.one_by_one(&self.shop, &[first]).await?;
            let meanwhile = neighbour.end()?;
            println!(
                "    rest_percent = {rest:<10} {:>8.2} ms   {:>6.2}x of it{goal}",
                ms(meanwhile),
                ratio(meanwhile, idle)
            );
        }
        Ok(())
    }

    async fn by_hand(&self, first: u64) -> Result<Duration> {
        let account = account(first);
        let start = Instant::now();
        self.shop.erase(&account).await?;
        Ok(start.elapsed())
    }

    /// Each erasing changed the rows that it should.
    fn right_rows(&self, ours: &[Erased], wide: &[Erased]) -> Result<()> {
        let of = |customers: u64| 1 + customers * (1 + MANY.addresses + MANY.orders + MANY.events + MANY.sessions);
        for (erased, wanted) in
            ours.iter().map(|one| (one, of(1))).chain(wide.iter().map(|one| (one, of(self.size.subjects))))
        {
            anyhow::ensure!(erased.rows >= wanted, "{} rows were changed, and not {wanted}", erased.rows);
        }
        Ok(())
    }

    /// Nothing is left of those who were erased, and everything of the others.
    async fn right_counts(&self) -> Result<()> {
        let (kept, erased) = (
            self.customers,
            self.size.rounds * 2 * (self.size.singles + self.size.subjects)
                + self.beside.len() as u64 * self.size.subjects
                + self.at_once.len() as u64,
        );
        let [addresses, orders, events, sessions] = [MANY.addresses, MANY.orders, MANY.events, MANY.sessions];
        let wanted =
            [kept * addresses, kept * events, kept * sessions, (kept + erased) * orders, kept, kept, kept * orders];
        let found = self.shop.counts().await?;
        anyhow::ensure!(found == wanted, "the tables have {found:?} rows, and not {wanted:?}");
        Ok(())
    }
}

/// The middle of several erasings.
struct Middle {
    whole: Duration,
    statements: Duration,
}

impl Middle {
    fn of(all: &[Erased]) -> Self {
        Self {
            whole: median(all.iter().map(|one| one.whole).collect()),
            statements: median(all.iter().map(|one| one.statements).collect()),
        }
    }
}

fn print_place(what: &str, hand: Duration, ours: &Middle, [alone, whole]: [f64; 2]) {
    println!("  an account of {what}: by hand {:.2} ms", ms(hand));
    for (name, took, goal) in [("the statements alone", ours.statements, alone), ("the whole", ours.whole, whole)] {
        println!("    {name:<22} {:>10.2} ms   {:>6.2}x of it   (goal at most {goal}x)", ms(took), ratio(took, hand));
    }
}

/// What the last of them sent.
fn print_sent(ours: &[Erased]) {
    let Some(Erased { sent, calls, .. }) = ours.last() else { return };
    println!(
        "    sent                   {:>10} statements: {} to the store, {} of the ledger in {} transactions that write",
        sent.statements,
        calls,
        sent.statements.saturating_sub(*calls),
        sent.writes
    );
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn float(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
