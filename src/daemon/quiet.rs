//! Waits until the house has nothing to do: for a world whose clock somebody moves by hand, as the demo's.

use std::time::Duration;

use crate::clock::{Clock as _, FixedClock};
use crate::db::{DbError, deliveries, jobs};
use crate::flow::{FlowError, House};

/// Between two looks.
const STEP: Duration = Duration::from_millis(20);
/// Looks in a row that must see nothing to do: what one job enqueues may not be there yet when the last has gone.
const LOOKS: u32 = 3;
/// Longer than anything takes on a slow machine.
const BUSY_MAX: Duration = Duration::from_secs(90);

/// What is decided anew because somebody was faster is tried again within this time.
const ANEW_MAX: Duration = Duration::from_secs(30);

/// Why the waiting ended.
#[derive(Debug, thiserror::Error)]
pub enum StillBusy {
    /// Our own database.
    #[error("our own database")]
    Db(#[from] DbError),
    /// There is still something to do.
    #[error("the house is still busy after {} s: {due} jobs are due, {stored} of {expected} letters are stored", BUSY_MAX.as_secs())]
    Busy {
        /// Jobs that are due.
        due: u64,
        /// Letters that were taken in.
        stored: u64,
        /// Letters that were delivered.
        expected: u64,
    },
}

/// Waits until as many letters were taken in as were delivered, and no job is due. The time goes on where a job waits for no
/// more than another try, because somebody else was faster: the two might have come the other way round.
///
/// # Errors
/// [`StillBusy`] after 90 s.
pub async fn until_idle(house: &House, clock: &FixedClock, letters: u64) -> Result<(), StillBusy> {
    let (mut quiet, mut waited) = (0, Duration::ZERO);
    while quiet < LOOKS {
        let mut tx = house.db.read().await?;
        let stored: u64 = deliveries::count_by_disposition(&mut tx).await?.iter().map(|(_, count)| count).sum();
        let due = jobs::count_due(&mut tx, clock.now()).await?;
        let anew = jobs::count_again(&mut tx, FlowError::MOVED, clock.now().plus(ANEW_MAX)).await?;
        drop(tx);
        quiet = if stored == letters && due == 0 { quiet + 1 } else { 0 };
        if quiet == LOOKS && anew > 0 {
            clock.advance(ANEW_MAX);
            quiet = 0;
        }
        if waited >= BUSY_MAX {
            return Err(StillBusy::Busy { due, stored, expected: letters });
        }
        tokio::time::sleep(STEP).await;
        waited += STEP;
    }
    Ok(())
}
