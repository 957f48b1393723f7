//! Once a day: looks, and opens a request for each account that is due. Or for none, where what the directory says cannot be true, and
//! tells the team.
//!
//! A request is opened in a transaction of its own: a kill between two of them leaves some open and the others to the next time,
//! and our database lets the same end of the same account open one only.

use std::time::Duration;

use crate::breakpoint;
use crate::db::requests::Bindings;
use crate::db::terminations::{self, Stop, TerminationRun};
use crate::db::{Tx, jobs};
use crate::domain::request::{Audience, Event, ReviewReason};
use crate::domain::{LetterKind, Retry, Timestamp};
use crate::queue::Lease;
use crate::trail::Actor;
use crate::verify::Ended;

use super::super::advance::{advance, write_letter};
use super::super::error::FlowError;
use super::super::facts::Subject;
use super::super::house::House;
use super::super::{accepted, open, safe};
use super::look::{Found, look};

/// Between two looks, where the directory answers.
const EVERY: Duration = Duration::from_secs(86_400);

/// How long a look waits for a directory that is away.
const AWAY: Duration = Duration::from_secs(6 * 3_600);

/// How often the team is told of what stays as it is.
const TOLD_EVERY: Duration = Duration::from_secs(7 * 86_400);

/// Looks, and opens what is due.
pub(in crate::flow) async fn run(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let found = match look(house).await {
        Ok(Some(found)) => found,
        // Switched off since the job was made.
        Ok(None) => return super::super::complete(house, lease).await,
        Err(FlowError::Directory(error)) if error.retry() == Retry::Transient => return wait(house, lease).await,
        Err(FlowError::Directory(error)) => {
            tracing::error!(query = error.query(), %error, "the directory cannot say whose service has ended");
            Found { stopped: Some(Stop::Query), ..Found::default() }
        }
        Err(error) => return Err(error),
    };
    breakpoint!("termination.looked");
    let mut opened = 0;
    if found.stopped.is_none() {
        for ended in &found.opens {
            let unsteady = found.unsteady.contains(&house.keys.account_mac(ended.account()));
            opened += u64::from(opens(house, ended, unsteady).await?);
        }
    }
    let mut tx = house.db.write().await?;
    remember(house, &mut tx, &found, opened).await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(EVERY)).await?;
    tx.commit().await?;
    breakpoint!("termination.remembered");
    Ok(())
}

/// A directory that is away says nothing of anybody.
async fn wait(house: &House, lease: &Lease) -> Result<(), FlowError> {
    let mut tx = house.db.write().await?;
    jobs::note_reason(&mut tx, lease.held(), FlowError::DIRECTORY).await?;
    jobs::snooze_in(&mut tx, lease, house.clock.now().plus(AWAY)).await?;
    Ok(tx.commit().await?)
}

/// Opens a request for an account, or one that a person must look at first; `false` where there is one by now.
async fn opens(house: &House, ended: &Ended, unsteady: bool) -> Result<bool, FlowError> {
    let account_mac = house.keys.account_mac(ended.account());
    let mut tx = house.db.write().await?;
    if !terminations::asked_for(&mut tx, vec![account_mac]).await?.is_empty() {
        return Ok(false);
    }
    let Some(stored) = open::of_ended_service(house, &mut tx, ended, Bindings::default()).await? else {
        return Ok(false);
    };
    let subject = Subject { account: Some(ended.account().to_owned()), ..Subject::default() };
    safe::put_subject(house, &mut tx, &stored.request, &subject).await?;
    let event = match unsteady {
        true => Some(Event::Unclear { reason: ReviewReason::EndUnsteady, reachable: false, quiet: true }),
        false => may_be_over(house, &mut tx, ended).await?.then_some(Event::Doubted),
    };
    match event {
        Some(event) => {
            let bindings = Bindings { account_mac: Some(account_mac), ..stored.bindings.clone() };
            advance(house, &mut tx, &stored, &event, bindings, Actor::PROGRAM).await?;
        }
        None => open::identify_soon(house, &mut tx, &stored.request).await?,
    }
    tx.commit().await?;
    breakpoint!("termination.opened");
    Ok(true)
}

/// Whether it may have been opened before, and stopped by its owner, in what a database lacks that came back from a backup.
async fn may_be_over(house: &House, tx: &mut Tx, ended: &Ended) -> Result<bool, FlowError> {
    let after = house.config.termination.map(|settings| settings.after);
    match ended.ended_at().zip(after) {
        Some((at, after)) => accepted::may_lack(tx, at.plus(after)).await,
        None => Ok(false),
    }
}

/// Writes what came of it, and tells the team where a person must look.
async fn remember(house: &House, tx: &mut Tx, found: &Found, opened: u64) -> Result<(), FlowError> {
    let now = house.clock.now();
    let before = terminations::last_run(tx).await?;
    let mut run = TerminationRun {
        ran_at: now,
        listed: found.listed,
        accounts: found.accounts,
        due: found.due,
        opened,
        undated: found.undated,
        doubled: found.doubled,
        stopped: found.stopped,
        told_at: None,
    };
    if needs_a_person(&run) {
        let told = before.filter(|before| is_like(before, &run)).and_then(|before| before.told_at);
        let told = told.filter(|told: &Timestamp| told.plus(TOLD_EVERY) > now);
        if told.is_none() {
            write_letter(house, tx, None, LetterKind::AlarmTermination, Audience::Team, now).await?;
        }
        run.told_at = told.or(Some(now));
    }
    Ok(terminations::set_run(tx, &run).await?)
}

const fn needs_a_person(run: &TerminationRun) -> bool {
    run.stopped.is_some() || run.undated > 0 || run.doubled > 0
}

/// Whether a person would read the same.
fn is_like(before: &TerminationRun, run: &TerminationRun) -> bool {
    (before.stopped, before.undated, before.doubled) == (run.stopped, run.undated, run.doubled)
}
