//! Asks the directory whose service has ended, page by page, and says what is due. Reads our own database, and writes nothing.
//!
//! Memory does not grow with the rows: of each page the next one must know, of the accounts that are due as many are kept as may be
//! opened at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::Termination;
use crate::db::terminations::{self, Stop};
use crate::domain::Timestamp;
use crate::verify::{DirectoryError, Ended};

use super::super::error::FlowError;
use super::super::house::House;

/// Pages of one look. A query that gives more of them does not come to an end.
const PAGES_MAX: u32 = 1_000_000;

/// An account that the directory took back twice in this time goes to a person before anybody is told a third time.
const TAKEN_BACK_WITHIN: Duration = Duration::from_secs(30 * 86_400);

/// What a look came to.
#[derive(Debug, Default)]
pub struct Found {
    /// How many accounts the directory gave.
    pub listed: u64,
    /// How many there are in all.
    pub accounts: u64,
    /// Those whose time is over and that have no request yet.
    pub due: u64,
    /// Accounts without a date that can be read: nobody can say when their time is over.
    pub undated: u64,
    /// Accounts with several dates: nobody can say which is true.
    pub doubled: u64,
    /// Why none of them may be opened.
    pub stopped: Option<Stop>,
    /// Those that are due, as many as may be opened at once.
    pub(super) opens: Vec<Ended>,
    /// Which of these the directory took back twice lately: each is opened for a person to look at.
    pub(super) unsteady: BTreeSet<[u8; 32]>,
}

/// Looks; `None` where nothing is erased by itself.
///
/// # Errors
/// [`FlowError::Directory`] where the directory does not answer, or not what it must.
pub async fn look(house: &House) -> Result<Option<Found>, FlowError> {
    let (Some(settings), Some(over)) = (&house.config.termination, super::over_by(house)) else { return Ok(None) };
    let mut found = Found { accounts: house.directory.accounts().await?, ..Found::default() };
    let mut page = Page::default();
    for _ in 0..PAGES_MAX {
        let rows = house.directory.ended(&page.from).await?;
        page.follows(house, &rows).await?;
        let next = page.next(&rows)?;
        found.take(house, &page, rows, over, settings).await?;
        let Some(next) = next else {
            found.stopped = stopped(settings, &found);
            return Ok(Some(found));
        };
        page = next;
    }
    Err(DirectoryError::NoPages { query: "ended" }.into())
}

/// Why so many may not be opened at once: where a query is wrong it gives everybody, or nearly so.
fn stopped(settings: &Termination, found: &Found) -> Option<Stop> {
    if found.due > u64::from(settings.accounts_per_run_max) {
        return Some(Stop::TooMany);
    }
    let share = found.accounts.saturating_mul(u64::from(settings.share_percent_max)) / 100;
    // Of several accounts one may always be due; all of them only where that is said.
    let at_least = u64::from(found.accounts > 1);
    (found.due > share.max(at_least)).then_some(Stop::Share)
}

/// What the directory says of one account; one date where all is well.
type Dates = BTreeSet<Option<Timestamp>>;

/// What the page before shows of the next one.
#[derive(Default)]
struct Page {
    /// Where this one begins.
    from: String,
    /// Where the page before began.
    before: String,
    /// The accounts of the page before, each with its dates: the one at the border comes again.
    seen: BTreeMap<String, Dates>,
}

impl Page {
    /// Whether the account that this page was to begin with came again: a query with `>` in the place of `>=` leaves it out, and would
    /// take back whatever it has said. One that ended to be listed in between is left out of the page before as well.
    async fn follows(&self, house: &House, rows: &[Ended]) -> Result<(), FlowError> {
        let is_border = |row: &Ended| row.account() == self.from;
        if self.from.is_empty() || rows.iter().any(is_border) {
            return Ok(());
        }
        match house.directory.ended(&self.before).await?.iter().any(is_border) {
            true => Err(DirectoryError::NoPages { query: "ended" }.into()),
            false => Ok(()),
        }
    }

    /// What comes behind these rows; `None` where nothing does.
    fn next(&self, rows: &[Ended]) -> Result<Option<Self>, DirectoryError> {
        let Some(last) = rows.last() else { return Ok(None) };
        if last.account() == self.from {
            // Others before the one that all began with: the rows have no order, and nobody knows what was left out.
            let ordered = rows.iter().all(|row| row.account() == self.from);
            return if ordered { Ok(None) } else { Err(DirectoryError::NoPages { query: "ended" }) };
        }
        let mut seen: BTreeMap<String, Dates> = BTreeMap::new();
        for row in rows {
            seen.entry(row.account().to_owned()).or_default().insert(row.ended_at());
        }
        Ok(Some(Self { from: last.account().to_owned(), before: self.from.clone(), seen }))
    }
}

impl Found {
    /// Counts a page, and keeps of it what is due and has no request yet.
    async fn take(
        &mut self,
        house: &House,
        page: &Page,
        rows: Vec<Ended>,
        over: Timestamp,
        settings: &Termination,
    ) -> Result<(), FlowError> {
        let mut dates: BTreeMap<&str, Dates> = BTreeMap::new();
        for row in &rows {
            dates.entry(row.account()).or_default().insert(row.ended_at());
        }
        let mut due = Vec::new();
        for (account, mut of) in dates {
            let before = page.seen.get(account);
            let known = before.is_some();
            of.extend(before.into_iter().flatten().copied());
            self.listed += u64::from(!known);
            if of.len() > 1 {
                self.doubled += u64::from(before.is_none_or(|before| before.len() < 2));
                // It may have looked like one that is due at the end of the page before.
                let opens = self.opens.len();
                self.opens.retain(|ended| ended.account() != account);
                self.due -= (opens - self.opens.len()) as u64;
                continue;
            }
            let at = of.pop_first().flatten();
            self.undated += u64::from(!known && at.is_none());
            if !known && at.is_some_and(|at| at <= over) {
                due.push(account);
            }
        }
        let fresh = self.fresh(house, due.iter().map(|account| (*account).to_owned()).collect(), &rows).await?;
        self.due += fresh.len() as u64;
        let room = usize::try_from(settings.accounts_per_run_max).unwrap_or(usize::MAX);
        self.opens.extend(fresh.into_iter().take(room.saturating_sub(self.opens.len())));
        Ok(())
    }

    /// Those of these accounts that no request was opened for, and that nobody has asked to be erased.
    async fn fresh(&mut self, house: &House, due: BTreeSet<String>, rows: &[Ended]) -> Result<Vec<Ended>, FlowError> {
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let macs: Vec<[u8; 32]> = due.iter().map(|account| house.keys.account_mac(account)).collect();
        let mut tx = house.db.read().await?;
        let known = terminations::known(&mut tx, macs.clone()).await?;
        let asked = terminations::asked_for(&mut tx, macs.clone()).await?;
        self.unsteady.extend(terminations::unsteady(&mut tx, macs, house.clock.now().minus(TAKEN_BACK_WITHIN)).await?);
        drop(tx);
        let is_fresh = |row: &&Ended| {
            let mac = house.keys.account_mac(row.account());
            due.contains(row.account())
                && !asked.contains(&mac)
                && row.ended_at().is_some_and(|at| !known.contains(&(mac, at)))
        };
        let mut once = BTreeSet::new();
        let fresh = rows.iter().filter(is_fresh).filter(|row| once.insert(row.account().to_owned()));
        Ok(fresh.cloned().collect())
    }
}
