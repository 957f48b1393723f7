//! What the daemon has in memory: a process of its own for each case, which tells what the kernel counted.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use expunged::stores::StoreKind;

use super::Size;
use super::shop::{Rows, Shop};
use super::world::{World, lay};

/// The variable that makes the bench such a process: the first customer of the account that it erases.
const CHILD: &str = "EXPUNGED_BENCH_MEMORY_OF";
/// The first of those of whom nothing is erased: no id of a row meets another's.
const OTHERS: u64 = 1_000_000;
const FEW: Rows = Rows { addresses: 1, orders: 1, events: 2, sessions: 1 };

/// Does the work of a child in the working folder; `false` where this is none.
pub async fn is_child() -> Result<bool> {
    let Ok(first) = std::env::var(CHILD) else { return Ok(false) };
    let folder = std::env::current_dir()?;
    let (file, url) = (folder.join("shop.db"), url(&folder));
    let world = World::open(&folder, StoreKind::Sqlite, &url).await?;
    world.rest(Duration::from_secs(1)).await?;
    let rest = of_this_process("VmRSS")?;
    let shop = Shop::sqlite(&file).await?;
    world.at_once(&shop, &[first.parse()?]).await?;
    super::say(&format!("{rest} {}", of_this_process("VmHWM")?));
    Ok(true)
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("shop.db").display())
}

/// A figure of the kernel's, in KiB.
fn of_this_process(name: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).context("no such figure")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Customers of an account, and how many events each has.
type Case = (u64, u64);

pub async fn measure(size: &Size) -> Result<()> {
    println!("Memory (a SQLite shop, the whole daemon in a process of its own)");
    let (of_one, of_many) = ((1, FEW.events), (size.users, FEW.events));
    let (rest, few) = peak(of_one).await?;
    println!(
        "  at rest, before the first letter                   {:>8.1} MiB   (goal at most 30, in a release build)",
        mib(rest)
    );
    println!("  peak of erasing an account of       1 customer     {:>8.1} MiB", mib(few));
    let (_, many) = peak(of_many).await?;
    println!("  peak of erasing an account of {:>7} customers    {:>8.1} MiB", size.users, mib(many));
    println!(
        "    apart by                                         {:>8.1} MiB   (goal at most 32)",
        mib(many) - mib(few)
    );
    let (least, more) = size.events.split_first().context("a case")?;
    let (_, first) = peak((1, *least)).await?;
    println!("  peak of erasing a customer of {least:>7} events       {:>8.1} MiB", mib(first));
    for events in more {
        let (_, peak) = peak((1, *events)).await?;
        println!("  peak of erasing a customer of {events:>7} events       {:>8.1} MiB", mib(peak));
        println!(
            "    apart by                                         {:>8.1} MiB   (goal at most 32)",
            mib(peak) - mib(first)
        );
    }
    Ok(())
}

/// What a daemon had at rest, and at most while it erased.
async fn peak((customers, events): Case) -> Result<(u64, u64)> {
    let folder = tempfile::tempdir()?;
    lay(folder.path(), StoreKind::Sqlite, &url(folder.path()), "sqlite:ledger.db")?;
    let shop = Shop::sqlite(&folder.path().join("shop.db")).await?;
    shop.create(customers.max(events) + 1_000).await?;
    shop.fill(1, customers, true, Rows { events, ..FEW }).await?;
    shop.fill(OTHERS, 100, false, FEW).await?;
    let before = shop.counts().await?;
    shop.settle().await?;
    let mut child = Command::new(std::env::current_exe()?);
    let said = child.env(CHILD, "1").current_dir(folder.path()).output()?;
    let text = String::from_utf8(said.stdout)?;
    anyhow::ensure!(said.status.success(), "a child failed: {text} {}", String::from_utf8_lossy(&said.stderr));
    let (rest, peak) = text.trim().split_once(' ').context("two figures")?;
    let left = shop.counts().await?;
    shop.close().await;
    anyhow::ensure!(before[1] - left[1] == customers * events, "{before:?} became {left:?}");
    anyhow::ensure!(before[4] - left[4] == customers && before[6] - left[6] == customers, "{before:?} became {left:?}");
    Ok((rest.parse()?, peak.parse()?))
}

fn mib(kib: u64) -> f64 {
    u32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1_024.0
}
