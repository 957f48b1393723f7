//! Keeps letters from flooding anybody: customers, in whose names somebody may write to us, and our own team.
//!
//! Nothing is dropped. A letter over a limit of the hour waits for its turn in the outbox, which is no failed attempt; an
//! alarm that follows another of its kind too closely waits, and one of those that waited then speaks for all.

use std::time::Duration;

use crate::db::letters::{self, LetterRow, LetterState, Whither};
use crate::db::requests;
use crate::db::{Tx, challenges, jobs};
use crate::domain::request::Audience;
use crate::domain::{LetterKind, Timestamp};
use crate::queue::{Backoff, Lease};

use super::advance;
use super::error::FlowError;
use super::house::House;
use super::kinds::{CAPPED, GATHERED};
use super::undelivered;

const HOUR: Duration = Duration::from_secs(3_600);
/// Letters that wait do not all come back at once.
const SPREAD: Duration = Duration::from_secs(120);
/// How long an alarm waits for the one that speaks for it, before it looks again.
const SPOKEN_FOR_WAIT: Duration = Duration::from_secs(600);
/// Alarms that one speaks for.
const GATHERED_MAX: u32 = 1_000;

/// Where a letter goes; the team has limits of its own, and recipients are whom the data maps name.
pub(super) fn whither(house: &House, letter: &LetterRow, to: &str) -> Option<Whither> {
    let domain = to.rsplit_once('@').map_or("", |(_, domain)| domain);
    matches!(letter.audience, Audience::Asker | Audience::Owner).then(|| Whither {
        address_mac: house.keys.lookup_mac(to),
        domain_mac: house.keys.lookup_mac(&format!("@{domain}")),
    })
}

/// Whether a letter waits because of the limits of the hour; its job then waits too, and the team is told, once in an hour.
pub(super) async fn is_capped(
    house: &House,
    tx: &mut Tx,
    lease: &Lease,
    letter: &LetterRow,
    to: &Whither,
) -> Result<bool, FlowError> {
    // One after the other, so that two do not both find the last place.
    challenges::take_turn(tx, &house.keys.lookup_mac(CAPPED)).await?;
    let (now, limits) = (house.clock.now(), &house.config.limits);
    let begun = letters::begun_since(tx, letter.id, to, now.minus(HOUR)).await?;
    let most = [limits.address_letters_per_hour, limits.domain_letters_per_hour, limits.letters_per_hour];
    let over = begun.iter().zip(most).filter(|(begun, most)| begun.count >= u64::from(*most));
    let Some(turn) = over.map(|(begun, _)| begun.first.unwrap_or(now).plus(HOUR)).max() else { return Ok(false) };
    let spread = Backoff { first: SPREAD, longest: SPREAD }.after(1, &*house.chance);
    jobs::note_reason(tx, lease.held(), CAPPED).await?;
    jobs::snooze_in(tx, lease, turn.plus(spread)).await?;
    let told = letters::last_of_kind(tx, LetterKind::AlarmCapped).await?;
    if told.is_none_or(|told| told.plus(HOUR) <= now) {
        advance::write_letter(house, tx, None, LetterKind::AlarmCapped, Audience::Team, now).await?;
    }
    Ok(true)
}

/// Whether an alarm waits, because one of its kind went out lately or speaks for it; its job then waits too. One whose turn
/// it is speaks for all that wait.
pub(super) async fn is_gathered(house: &House, lease: &Lease, letter: &LetterRow) -> Result<bool, FlowError> {
    let window = house.config.limits.alarms_gathered;
    let (Some(addressee), false) = (letter.addressee, window.is_zero() || letter.begun_at.is_some()) else {
        return Ok(false);
    };
    let now = house.clock.now();
    let mut tx = house.db.write().await?;
    challenges::take_turn(&mut tx, &addressee).await?;
    let fresh = letters::load(&mut tx, letter.id).await?.ok_or(FlowError::Missing("the letter of a sending job"))?;
    let turn = match fresh.told_in {
        Some(_) => Some(now.plus(SPOKEN_FOR_WAIT)),
        None => letters::last_alarm(&mut tx, letter).await?.map(|last| last.plus(window)).filter(|turn| *turn > now),
    };
    if let Some(turn) = turn {
        jobs::note_reason(&mut tx, lease.held(), GATHERED).await?;
        jobs::snooze_in(&mut tx, lease, turn).await?;
    } else {
        let mut others = Vec::new();
        for other in letters::waiting_alarms(&mut tx, letter, GATHERED_MAX).await? {
            let stored = match other.request {
                Some(request) => requests::load(&mut tx, request).await?,
                None => None,
            };
            // What is over is not told at all.
            if !stored.is_some_and(|stored| undelivered::is_over(&other, &stored.request)) {
                others.push(other.id);
            }
        }
        letters::speak_for(&mut tx, letter.id, &others, now).await?;
    }
    tx.commit().await?;
    Ok(turn.is_some())
}

/// The alarm went out, or nowhere: those that it spoke for are told with it, or speak for themselves again. Answers who was
/// told.
pub(super) async fn spoken(
    tx: &mut Tx,
    alarm: &LetterRow,
    to: LetterState,
    now: Timestamp,
) -> Result<Vec<LetterRow>, FlowError> {
    if to != LetterState::Sent {
        letters::speak_for_none(tx, alarm.id).await?;
        return Ok(Vec::new());
    }
    let mut told = letters::spoken_for(tx, alarm.id).await?;
    told.retain(|other| other.state == LetterState::Queued);
    for other in &told {
        letters::set_state(tx, other, LetterState::Sent, now).await?;
    }
    Ok(told)
}
